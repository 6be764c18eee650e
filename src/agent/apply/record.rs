//! What each property was when a run left it: with it the next run tells drift from a new wish. Pure data; the
//! caller keeps it between runs.

use crate::model::Ref;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The wanted values that a run left in place, by resource and property.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Record(BTreeMap<Ref, BTreeMap<String, String>>);

impl Record {
    /// Whether the last run left this property as it is wanted now: then whatever differs is drift.
    #[must_use]
    pub fn is_drift(&self, resource: &Ref, property: &str, wanted: &str) -> bool {
        self.0.get(resource).and_then(|values| values.get(property)).is_some_and(|value| value == wanted)
    }

    /// Notes a property as the run leaves it.
    pub(super) fn note(&mut self, resource: &Ref, property: &str, value: &str) {
        self.0.entry(resource.clone()).or_default().insert(property.to_owned(), value.to_owned());
    }

    /// Takes over what the last run knew of a property that this one did not put right.
    pub(super) fn keep(&mut self, last: &Self, resource: &Ref, property: &str) {
        if let Some(value) = last.0.get(resource).and_then(|values| values.get(property)) {
            self.note(resource, property, value);
        }
    }

    /// Takes over all that the last run knew of a resource.
    pub(super) fn keep_all(&mut self, last: &Self, resource: &Ref) {
        if let Some(values) = last.0.get(resource) {
            self.0.insert(resource.clone(), values.clone());
        }
    }
}
