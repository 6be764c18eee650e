//! What each resource was when a run left it: with it the next run tells drift from a new wish, what was changed behind its
//! back, and when it looked last. Pure data; the caller keeps it between runs.

use super::texts::Texts;
use crate::model::{Ref, Resource, Stamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What runs left in place, by resource.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Record(BTreeMap<Ref, Left>);

/// What a run left of one resource.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Left {
    /// The wanted values by property.
    #[serde(default, skip_serializing_if = "Texts::is_empty")]
    wanted: Texts,
    /// What was found of attributes that are only watched.
    #[serde(default, skip_serializing_if = "Texts::is_empty")]
    audited: Texts,
    /// When it was looked at, where it has a schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    looked: Option<Stamp>,
}

impl Record {
    /// Whether the last run left this property as it is wanted now: then whatever differs is drift.
    #[must_use]
    pub fn is_drift(&self, resource: &Ref, property: &str, wanted: &str) -> bool {
        self.0.get(resource).and_then(|left| left.wanted.get(property)).is_some_and(|value| value == wanted)
    }

    /// When the resource was looked at last.
    #[must_use]
    pub fn looked(&self, resource: &Ref) -> Option<Stamp> {
        self.0.get(resource)?.looked
    }

    /// What an attribute was that is only watched.
    #[must_use]
    pub fn audited(&self, resource: &Ref, attribute: &str) -> Option<&str> {
        self.0.get(resource)?.audited.get(attribute)
    }
}

/// The record of the run at hand: a page for each resource, filled in its turn and closed at its end. Most are as the last
/// run left them, and those are not written a second time.
pub(super) struct Notes<'a> {
    last: &'a Record,
    page: Left,
    new: BTreeMap<Ref, Left>,
    /// The resources whose pages are as they were.
    same: Vec<usize>,
}

impl<'a> Notes<'a> {
    pub(super) const fn beside(last: &'a Record) -> Self {
        let page = Left { wanted: Texts::new(), audited: Texts::new(), looked: None };
        Self { last, page, new: BTreeMap::new(), same: Vec::new() }
    }

    /// Notes a property as the run leaves it.
    pub(super) fn note(&mut self, property: &str, value: &str) {
        self.page.wanted.push(property, value);
    }

    /// Notes that the resource is looked at.
    pub(super) const fn look(&mut self, at: Stamp) {
        self.page.looked = Some(at);
    }

    /// Notes what was found of the attributes that are only watched.
    pub(super) fn note_audited(&mut self, audited: &BTreeMap<String, String>) {
        self.page.audited.clear();
        audited.iter().for_each(|(attribute, value)| self.page.audited.push(attribute, value));
    }

    /// Takes over when the resource was looked at.
    pub(super) fn keep_look(&mut self, resource: &Ref) {
        self.page.looked = self.last.looked(resource);
    }

    /// Takes over what the last run knew of a property that this one did not put right.
    pub(super) fn keep(&mut self, resource: &Ref, property: &str) {
        if let Some(value) = self.last.0.get(resource).and_then(|left| left.wanted.get(property)) {
            self.page.wanted.push(property, value);
        }
    }

    /// Takes over all that the last run knew of a resource.
    pub(super) fn keep_all(&mut self, resource: &Ref) {
        self.page = self.last.0.get(resource).cloned().unwrap_or_default();
    }

    /// Ends the page of a resource. One without anything on it is none.
    pub(super) fn close(&mut self, index: usize, resource: &Ref) {
        let last = self.last.0.get(resource);
        if last == Some(&self.page) {
            self.same.push(index);
            self.page.wanted.clear();
            self.page.audited.clear();
            self.page.looked = None;
        } else if self.page != Left::default() {
            self.new.insert(resource.clone(), std::mem::take(&mut self.page));
        }
    }

    /// What is to be given to the next run; `None` when that is what this one was given.
    pub(super) fn finish(self, resources: &[Resource]) -> Option<Record> {
        let Self { last, mut new, same, .. } = self;
        if new.is_empty() && same.len() == last.0.len() {
            return None;
        }
        let kept = same.iter().filter_map(|index| last.0.get_key_value(&resources[*index].reference()));
        new.extend(kept.map(|(resource, left)| (resource.clone(), left.clone())));
        Some(Record(new))
    }
}
