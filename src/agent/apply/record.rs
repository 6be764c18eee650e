//! What each resource was when a run left it: with it the next run tells drift from a new wish, what was changed behind its
//! back, and when it looked last. Pure data; the caller keeps it between runs.

use super::texts::Texts;
use crate::model::resource::{Content, Part};
use crate::model::{Ref, Resource, Stamp};
use serde::{Deserialize, Serialize};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ops::Deref;

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

impl Left {
    /// Takes everything out, and keeps the room for it.
    fn clear(&mut self) {
        self.wanted.clear();
        self.audited.clear();
        self.looked = None;
    }
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

/// What the last run left, read when somebody asks: a run that finds everything as a whole record says has no need of it.
pub struct Last<'a> {
    /// The record, and whether it could be read.
    record: OnceCell<(Record, bool)>,
    read: Box<dyn Fn() -> Option<Record> + 'a>,
    /// Whether it says of each resource of the catalog at hand what that catalog wishes, as far as the catalog alone
    /// tells ([`Applied::whole`](super::Applied::whole)).
    whole: bool,
}

impl<'a> Last<'a> {
    /// What `read` gives: `None` where there is a record that cannot be read.
    pub fn new(whole: bool, read: impl Fn() -> Option<Record> + 'a) -> Self {
        Self { record: OnceCell::new(), read: Box::new(read), whole }
    }

    pub(super) const fn is_whole(&self) -> bool {
        self.whole
    }

    fn is_unreadable(&self) -> bool {
        self.record.get().is_some_and(|(_, readable)| !readable)
    }
}

impl Deref for Last<'_> {
    type Target = Record;

    fn deref(&self) -> &Record {
        let read = || (self.read)().map_or_else(|| (Record::default(), false), |record| (record, true));
        &self.record.get_or_init(read).0
    }
}

/// Whether the catalog alone tells what is wished of a resource and whether its turn comes.
pub(super) fn is_plain(resource: &Resource) -> bool {
    let meta = &resource.meta;
    let live = |content: &&Content| match content {
        Content::Parts(parts) => parts.iter().any(|part| matches!(part, Part::Fact(_))),
        Content::Text(_) | Content::Blob { .. } => false,
    };
    meta.when.is_none()
        && meta.schedule.is_none()
        && meta.audit.is_empty()
        && !resource.spec.contents().iter().any(live)
}

/// The record of the run at hand: a page for each resource, filled in its turn and closed at its end. Most are as the last
/// run left them, and those are not written a second time.
pub(super) struct Notes<'a> {
    last: &'a Last<'a>,
    page: Left,
    new: BTreeMap<Ref, Left>,
    /// The resources whose pages are as they were.
    same: Vec<usize>,
    /// The page at hand is as it was, and was not even looked up.
    unread: bool,
    /// The page at hand does not say all that is wished.
    kept: bool,
    /// Some page does not.
    partial: bool,
    /// A page of the last run is none any more.
    lost: bool,
}

impl<'a> Notes<'a> {
    pub(super) const fn beside(last: &'a Last<'a>) -> Self {
        let page = Left { wanted: Texts::new(), audited: Texts::new(), looked: None };
        Self {
            last,
            page,
            new: BTreeMap::new(),
            same: Vec::new(),
            unread: false,
            kept: false,
            partial: false,
            lost: false,
        }
    }

    /// Leaves the page as it is: the last run noted what this catalog wishes.
    pub(super) const fn leave(&mut self) {
        self.unread = true;
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
        self.kept = true;
        if let Some(value) = self.last.0.get(resource).and_then(|left| left.wanted.get(property)) {
            self.page.wanted.push(property, value);
        }
    }

    /// Takes over all that the last run knew of a resource.
    pub(super) fn keep_all(&mut self, resource: &Ref) {
        self.kept = true;
        self.page = self.last.0.get(resource).cloned().unwrap_or_default();
    }

    /// Ends the page of a resource. One without anything on it is none. `plain` is whether the catalog alone tells what is
    /// wished.
    pub(super) fn close(&mut self, index: usize, resource: &Ref, plain: impl FnOnce() -> bool) {
        self.partial |= std::mem::take(&mut self.kept) && plain();
        if std::mem::take(&mut self.unread) {
            return self.same.push(index);
        }
        let last = self.last.0.get(resource);
        if last == Some(&self.page) {
            self.same.push(index);
        } else if self.page == Left::default() {
            self.lost |= last.is_some();
        } else {
            // The copy takes no more room than it needs, and the page keeps its own for the next resource.
            self.new.insert(resource.clone(), self.page.clone());
        }
        self.page.clear();
    }

    /// What is to be given to the next run, `None` when that is what this one was given; and whether it is whole.
    pub(super) fn finish(self, resources: &[Resource]) -> (Option<Record>, bool) {
        let Self { last, mut new, same, partial, lost, .. } = self;
        let as_it_was = new.is_empty() && if last.whole { !lost } else { same.len() == last.0.len() };
        if as_it_was {
            return (None, !partial);
        }
        let kept = same.iter().filter_map(|index| last.0.get_key_value(&resources[*index].reference()));
        new.extend(kept.map(|(resource, left)| (resource.clone(), left.clone())));
        (Some(Record(new)), !partial && !last.is_unreadable())
    }
}
