//! Changes in the repository: `refs/changes/<n>/<patchset>` are the proposed commits, `refs/changes/<n>/meta`
//! is the record, one commit per event.

use super::GateError;
use crate::model::Stamp;
use crate::repo::{Expected, Limits, NewCommit, RefUpdate, Repo};
use crate::review::change::Change;
use crate::review::record;

const PREFIX: &str = "refs/changes/";

/// The ref of a change's record.
#[must_use]
pub fn meta_ref(number: u64) -> String {
    format!("{PREFIX}{number}/meta")
}

/// The ref of a patchset's commit.
#[must_use]
pub fn patchset_ref(number: u64, patchset: u32) -> String {
    format!("{PREFIX}{number}/{patchset}")
}

/// Reads a change.
///
/// # Errors
/// When there is none of that number, or its record is damaged.
pub fn load(repo: &Repo, number: u64) -> Result<Change, GateError> {
    let id = repo.resolve(&meta_ref(number))?.ok_or(GateError::NoChange(number))?;
    let change = record::read(&repo.read_tree(id, Limits::RECORD)?)?;
    if change.number == number { Ok(change) } else { Err(GateError::Damaged(format!("change {number}"))) }
}

/// All changes, the oldest first.
///
/// # Errors
/// As [`load`].
pub fn all(repo: &Repo) -> Result<Vec<Change>, GateError> {
    numbers(repo)?.into_iter().map(|number| load(repo, number)).collect()
}

/// The number of the next change.
///
/// # Errors
/// When refs cannot be read.
pub fn next_number(repo: &Repo) -> Result<u64, GateError> {
    Ok(numbers(repo)?.last().map_or(1, |last| last + 1))
}

fn numbers(repo: &Repo) -> Result<Vec<u64>, GateError> {
    let refs = repo.refs(PREFIX)?;
    let number = |name: &str| name.strip_prefix(PREFIX)?.strip_suffix("/meta")?.parse().ok();
    let mut numbers: Vec<u64> = refs.iter().filter_map(|(name, _)| number(name)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// Stores the record of a change and returns the step that makes it the current one.
///
/// # Errors
/// When it cannot be stored.
pub fn save(repo: &Repo, change: &Change, what: &str, now: Stamp) -> Result<RefUpdate, GateError> {
    let name = meta_ref(change.number);
    let old = repo.resolve(&name)?;
    let parents: Vec<_> = old.into_iter().collect();
    let files = record::write(change)?;
    let message = format!("Change {}: {what}\n", change.number);
    let new =
        repo.write_commit(&NewCommit { files: &files, parents: &parents, message: &message, time: now })?;
    Ok(RefUpdate { name, old: Expected::from(old), new })
}
