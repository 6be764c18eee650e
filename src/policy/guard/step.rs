//! What an analysis looked at, in order, for whoever asks why it says what it says.

use super::Effect;
use super::analysis::Analysis;
use super::rows::shown_command;
use crate::shell::Span;
use crate::shell::run::Call;

/// Shorter text is not looked for in the source: it may stand anywhere.
const SHORTEST_LOCATED: usize = 4;
/// Nothing is looked for in a longer source: that would take too long.
const LONGEST_SEARCHED: usize = 1 << 16;
/// Bytes of a resolved command that are shown, at most.
const LONGEST_SHOWN: usize = 1 << 10;

/// One program that a command runs, or file that it writes, its words resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// How many programs run this one.
    pub depth: usize,
    /// Its words, with blanks between them.
    pub command: String,
    /// Where the command is written.
    pub span: Span,
    /// What it does itself.
    pub effects: Vec<Effect>,
}

impl Step {
    /// Notes that something is looked at; returns which step that is.
    pub(super) fn begin(steps: &mut Vec<Self>, depth: usize, command: String, span: Span) -> usize {
        steps.push(Self { depth, command, span, effects: Vec::new() });
        steps.len() - 1
    }

    /// Notes what was found since step `at` began, as far as no program inside it has it already.
    pub(super) fn end(steps: &mut [Self], at: usize, found: &[Effect]) {
        let Some((step, inside)) = steps.get_mut(at..).and_then(<[Self]>::split_first_mut) else { return };
        let own = |effect: &&Effect| !inside.iter().any(|s| s.effects.iter().any(|e| e.same(effect)));
        step.effects = found.iter().filter(own).cloned().collect();
    }
}

impl Analysis<'_> {
    /// Looks at something, and notes it as a step where somebody wants to know.
    pub(super) fn told<T>(
        &mut self,
        command: impl Fn() -> String,
        span: Span,
        look: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let before = self.effects.len();
        let step = self.steps_told.as_mut().map(|steps| Step::begin(steps, self.depth, command(), span));
        let output = look(self);
        if let (Some(step), Some(steps)) = (step, &mut self.steps_told) {
            Step::end(steps, step, self.effects.since(before));
        }
        output
    }

    /// Tells every effect since `before` which command has it.
    pub(super) fn resolve(&mut self, before: usize, call: &Call<'_>) {
        let found = self.effects.since_mut(before);
        if found.iter().all(|effect| effect.resolved.is_some()) {
            return;
        }
        let mut command = shown_command(call);
        while command.len() > LONGEST_SHOWN {
            command.pop();
        }
        for effect in found.iter_mut().filter(|e| e.resolved.is_none()) {
            effect.resolved = Some(command.clone());
        }
    }

    /// The effects; a command is resolved only where it is not written like that.
    pub(super) fn found(self) -> Vec<Effect> {
        let source = self.source;
        let mut effects = self.effects.into_effects();
        for effect in &mut effects {
            let span = effect.span;
            effect.resolved.take_if(|command| is_written(command, source, span));
        }
        effects
    }

    /// Where `text`, the result of what stands at `at`, begins in the source, if it is there word for
    /// word, and once.
    pub(super) fn stands_at(&self, text: &str, at: Span) -> Option<usize> {
        let once = |within: Span| {
            let mut found = self.source.get(within.start..within.end)?.match_indices(text);
            found.next().filter(|_| found.next().is_none()).map(|(offset, _)| within.start + offset)
        };
        if text.len() < SHORTEST_LOCATED || self.source.len() > LONGEST_SEARCHED {
            return None;
        }
        once(at).or_else(|| once(Span::new(0, self.source.len())))
    }
}

/// Whether `command` stands in `source` as it is: near `span`, or anywhere in a source that is not long.
fn is_written(command: &str, source: &str, span: Span) -> bool {
    let reach = command.len();
    let near = source.get(span.start.saturating_sub(reach)..source.len().min(span.end + reach));
    match near {
        Some(near) if near.contains(command) => true,
        Some(_) | None => source.len() <= LONGEST_SEARCHED && source.contains(command),
    }
}
