//! A local administrator's word that the node goes on enforcing its release although no fresh word comes from a server
//! (C.6): once for each silence, for a month at most. A release that has itself expired is not brought back by it.

use super::disk::{Disk, DiskError};
use crate::model::Stamp;
use crate::signing::State;
use serde::{Deserialize, Serialize};

const NAME: &str = "hold.json";
const CAP: u64 = 4 << 10;
/// Seconds that a hold lasts, at most.
pub const LONGEST: i64 = 30 * 86_400;

/// A hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// Why, as the administrator said.
    pub reason: String,
    /// When it was said.
    pub since: Stamp,
    /// When it ends by itself.
    pub until: Stamp,
    /// The number of the last timestamp before: a newer one ends the hold.
    pub timestamp: u64,
    /// Whether the administrator ended it.
    pub ended: bool,
}

/// Why there is no hold.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// The agent's directory could not be used.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// It would last too long, or end before it begins.
    #[error("a hold ends after now and within 30 days, by {latest}; {until} is not that")]
    Until {
        /// What was asked for.
        until: Stamp,
        /// The latest end.
        latest: Stamp,
    },
    /// There is no reason given.
    #[error("a hold needs a reason")]
    Reason,
    /// There is nothing to hold.
    #[error("this node has accepted no release that it could hold")]
    Nothing,
    /// There was one for this silence.
    #[error("this node was held once since the last fresh timestamp, until {} (Reason: '{}')", .0.until, .0.reason)]
    Again(Hold),
}

/// Holds the node until `until`.
///
/// # Errors
/// When it was held before in this silence, for too long a time or without a reason.
pub fn hold(
    disk: &Disk,
    state: &State,
    (reason, until): (&str, Stamp),
    now: Stamp,
) -> Result<Hold, HoldError> {
    let latest = now.plus(LONGEST);
    if until <= now || until > latest {
        return Err(HoldError::Until { until, latest });
    }
    if reason.trim().is_empty() {
        return Err(HoldError::Reason);
    }
    let timestamp = state.timestamp().filter(|_| state.accepted().is_some()).ok_or(HoldError::Nothing)?.n;
    if let Some(earlier) = read(disk)?.filter(|earlier| earlier.timestamp == timestamp) {
        return Err(HoldError::Again(earlier));
    }
    let hold = Hold { reason: reason.to_owned(), since: now, until, timestamp, ended: false };
    write(disk, &hold)?;
    Ok(hold)
}

/// Ends the hold; `false` when there was none. It stays on record, so that it was the one for this silence.
///
/// # Errors
/// When the agent's directory cannot be used.
pub fn end(disk: &Disk, state: &State, now: Stamp) -> Result<bool, DiskError> {
    let Some(hold) = current(disk, state, now)? else { return Ok(false) };
    write(disk, &Hold { ended: true, ..hold })?;
    Ok(true)
}

/// The hold that is in force at `now`. A file that cannot be understood holds nothing.
///
/// # Errors
/// When the agent's directory cannot be used.
pub fn current(disk: &Disk, state: &State, now: Stamp) -> Result<Option<Hold>, DiskError> {
    let silence = state.timestamp().map(|seen| seen.n);
    let in_force = |hold: &Hold| !hold.ended && Some(hold.timestamp) == silence && now < hold.until;
    Ok(read(disk)?.filter(in_force))
}

fn read(disk: &Disk) -> Result<Option<Hold>, DiskError> {
    Ok(disk.read(NAME, CAP)?.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

fn write(disk: &Disk, hold: &Hold) -> Result<(), DiskError> {
    let mut bytes = serde_json::to_vec(hold).unwrap_or_default();
    bytes.push(b'\n');
    disk.write(NAME, &bytes)
}
