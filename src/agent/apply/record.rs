//! What each resource was when a run left it: with it the next run tells drift from a new wish, what was changed behind its
//! back, and when it looked last. Pure data; the caller keeps it between runs.

use crate::model::{Ref, Stamp};
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
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    wanted: BTreeMap<String, String>,
    /// What was found of attributes that are only watched.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    audited: BTreeMap<String, String>,
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
        self.0.get(resource)?.audited.get(attribute).map(String::as_str)
    }

    /// Notes a property as the run leaves it.
    pub(super) fn note(&mut self, resource: &Ref, property: &str, value: &str) {
        self.of(resource).wanted.insert(property.to_owned(), value.to_owned());
    }

    /// Notes that the resource is looked at.
    pub(super) fn look(&mut self, resource: &Ref, at: Stamp) {
        self.of(resource).looked = Some(at);
    }

    /// Notes what was found of the attributes that are only watched.
    pub(super) fn note_audited(&mut self, resource: &Ref, audited: BTreeMap<String, String>) {
        if !audited.is_empty() {
            self.of(resource).audited = audited;
        }
    }

    /// Takes over when the resource was looked at.
    pub(super) fn keep_look(&mut self, last: &Self, resource: &Ref) {
        if let Some(at) = last.looked(resource) {
            self.look(resource, at);
        }
    }

    /// Takes over what the last run knew of a property that this one did not put right.
    pub(super) fn keep(&mut self, last: &Self, resource: &Ref, property: &str) {
        if let Some(value) = last.0.get(resource).and_then(|left| left.wanted.get(property)) {
            self.note(resource, property, value);
        }
    }

    /// Takes over all that the last run knew of a resource.
    pub(super) fn keep_all(&mut self, last: &Self, resource: &Ref) {
        if let Some(left) = last.0.get(resource) {
            self.0.insert(resource.clone(), left.clone());
        }
    }

    fn of(&mut self, resource: &Ref) -> &mut Left {
        self.0.entry(resource.clone()).or_default()
    }
}
