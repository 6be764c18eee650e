//! The effects that one analysis has found: in their order, each once, however many there are.

use super::effect::Effect;
use std::collections::HashMap;
use std::hash::BuildHasher as _;

/// What has been found so far.
#[derive(Debug, Default)]
pub(super) struct Found {
    effects: Vec<Effect>,
    /// Where effects are that may be the same, by a hash of what makes them so.
    index: HashMap<u64, Vec<usize>>,
}

impl Found {
    /// Adds an effect, once.
    pub(super) fn add(&mut self, effect: Effect) {
        let known = self.index.entry(self.hash(&effect)).or_default();
        if !known.iter().any(|at| self.effects[*at].same(&effect)) {
            known.push(self.effects.len());
            self.effects.push(effect);
        }
    }

    fn hash(&self, effect: &Effect) -> u64 {
        self.index.hasher().hash_one((effect.kind, effect.span, &effect.target))
    }

    /// Takes those out again that were added when there were `before` already.
    pub(super) fn split_off(&mut self, before: usize) -> Vec<Effect> {
        let taken = self.effects.split_off(before.min(self.effects.len()));
        for effect in &taken {
            let hash = self.hash(effect);
            if let Some(known) = self.index.get_mut(&hash) {
                known.retain(|at| *at < before);
            }
        }
        taken
    }

    /// Takes those out again that are not wanted.
    pub(super) fn retain(&mut self, wanted: impl Fn(&Effect) -> bool) {
        if !self.effects.iter().all(&wanted) {
            let all = std::mem::take(self).into_effects();
            all.into_iter().filter(wanted).for_each(|effect| self.add(effect));
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.effects.len()
    }

    /// Those that were added when there were `before` already.
    pub(super) fn since(&self, before: usize) -> &[Effect] {
        self.effects.get(before..).unwrap_or_default()
    }

    /// The same, to tell more about them than what makes them the same.
    pub(super) fn since_mut(&mut self, before: usize) -> &mut [Effect] {
        self.effects.get_mut(before..).unwrap_or_default()
    }

    /// All of them.
    pub(super) fn into_effects(self) -> Vec<Effect> {
        self.effects
    }
}
