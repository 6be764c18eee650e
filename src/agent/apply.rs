//! Making a node what its catalog says: the one way from a verified catalog to changed files and processes.
//!
//! Takes the proof type that only verification makes, so that nothing else can be applied. Fetching, verifying,
//! remembering and reporting are the caller's; the clock is not read but for durations.

mod ahead;
mod audit;
mod back;
mod batch;
mod budget;
mod engine;
mod pending;
mod record;
#[cfg(test)]
mod sandbox;
#[cfg(test)]
mod sandbox_daemons;
#[cfg(test)]
mod sandbox_filter;
#[cfg(test)]
mod sandbox_flatpak;
#[cfg(test)]
mod sandbox_kernel;
#[cfg(test)]
mod sandbox_labels;
#[cfg(test)]
mod sandbox_lenses;
#[cfg(test)]
mod sandbox_providers;
#[cfg(test)]
mod sandbox_systemd;
#[cfg(test)]
mod sandbox_trouble;
mod texts;
mod turn;
mod voice;

pub use super::types::{BlobError, BlobSource};
pub use back::{Returned, go_back, judge};
pub use budget::{Forecast, forecast};
pub use record::{Last, Record};

use super::brake::Limit;
use super::bucket::Bucket;
use super::host::Host;
use super::journal::Journal;
use super::keyring::Keyring;
use crate::model::report::{Counts, LogLine, Refused, ResourceReport, RunStatus};
use crate::model::resource::Wall;
use crate::model::{Catalog, Facts, Ref};
use crate::signing::Current;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a run is done with.
pub struct Job<'a> {
    /// The node's files and processes.
    pub host: &'a Host,
    /// What the node says of itself.
    pub facts: &'a Facts,
    /// Where the bytes of files come from.
    pub blobs: &'a dyn BlobSource,
    /// The keys of sealed secrets.
    pub secrets: &'a Keyring,
    /// Where files are kept before they are changed.
    pub bucket: &'a Bucket,
    /// What the last run left, from [`Applied::record`]; empty at first.
    pub record: &'a Last<'a>,
    /// What the operator wishes of this run.
    pub wishes: &'a Wishes,
    /// What ends it early.
    pub limit: &'a Limit,
    /// Where each change is written down before it is made.
    pub journal: &'a Journal,
    /// The time, for schedules.
    pub now: Wall,
}

/// What an operator may wish of a run. None of it can widen what the catalog says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wishes {
    /// Change nothing. No resource can lift it.
    pub noop: bool,
    /// Only resources with one of these tags; all when empty.
    pub tags: Vec<String>,
    /// No resources with one of these tags.
    pub skip_tags: Vec<String>,
    /// Look at every resource, whatever its schedule says.
    pub ignore_schedules: bool,
    /// Only these resources.
    pub only: Option<BTreeSet<Ref>>,
}

impl Wishes {
    /// Whether every resource of the catalog gets its turn.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.tags.is_empty() && self.skip_tags.is_empty() && self.only.is_none()
    }
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// How it ended.
    pub status: RunStatus,
    /// How many resources came to which end.
    pub counts: Counts,
    /// The resources that were not simply as they should be, in the order of the run.
    pub resources: Vec<ResourceReport>,
    /// Something is not as it should be and was left so because of noop.
    pub noop_pending: bool,
    /// Drift was put back.
    pub corrective_change: bool,
    /// Milliseconds by resource type, and `apply` for all.
    pub time: BTreeMap<String, u64>,
    /// What is to be given to the next run; `None` when that is what this one was given.
    pub record: Option<Record>,
    /// Whether the record now says of each resource what this catalog wishes of it, as far as the catalog alone tells:
    /// resources that depend on facts or the time are not counted.
    pub whole: bool,
    /// Why the run did not go to its end, if it did not.
    pub halted: Option<Refused>,
}

/// Applies a catalog. `log` gets every line as it is spoken; they are not kept.
///
/// A catalog that is too old to be enforced is only looked at, whatever the wishes are.
pub fn apply(current: &Current<Catalog>, job: &Job<'_>, log: &mut dyn FnMut(&LogLine)) -> Applied {
    let wishes = Wishes { noop: job.wishes.noop || current.only_noop(), ..job.wishes.clone() };
    converge(current, &Job { wishes: &wishes, ..*job }, log)
}

/// Applies a catalog whose proof the caller holds.
pub(super) fn converge(catalog: &Catalog, job: &Job<'_>, log: &mut dyn FnMut(&LogLine)) -> Applied {
    engine::run(catalog, job, log)
}

#[cfg(test)]
mod tests;
