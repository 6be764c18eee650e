//! The accepted release from a node's own disk, verified again under the trust root in force, and how
//! long it may still be enforced without a word from the server.

use super::current::{Current, Freshness};
use super::decide::own_catalog;
use super::document::Envelope;
use super::refusal::Refusal;
use super::release::{self, Release};
use super::state::State;
use super::timestamp::Timestamp;
use super::verified::{Verified, verify};
use crate::model::{Catalog, Stamp};

/// What a node keeps of the release that it accepted.
#[derive(Debug, Clone)]
pub struct Cached {
    /// The last timestamp.
    pub timestamp: Envelope,
    /// The statement.
    pub release: Envelope,
    /// The node's leaf.
    pub leaf: Vec<u8>,
    /// The node's catalog.
    pub catalog: Vec<u8>,
}

/// The accepted release and how fresh it is; `catalog.freshness()` says what may be done with it.
#[derive(Debug)]
#[must_use]
pub struct Reloaded {
    /// The statement, with the people who signed it.
    pub release: Verified<Release>,
    /// What the node must be.
    pub catalog: Current<Catalog>,
}

/// Verifies what is on the node's disk.
///
/// # Errors
/// When it is not the accepted release, or not enough of its signers are still trusted (D37).
pub fn reload(state: &State, cached: &Cached, now: Stamp) -> Result<Reloaded, Refusal> {
    let Some(accepted) = state.accepted() else {
        return Err(Refusal::State { why: "no release was accepted yet" });
    };
    if cached.release.id() != accepted.id {
        return Err(Refusal::State { why: "the stored release is not the accepted one" });
    }
    let release = release::verify(state.root(), &state.withdrawn(), &cached.release)?;
    let catalog = own_catalog(state, &release, &cached.leaf, &cached.catalog)?;
    let freshness = freshness(state, &release, &cached.timestamp, now);
    Ok(Reloaded { release, catalog: Current::new(catalog, freshness) })
}

/// A clock that was set back does not make anything younger: the latest time ever seen counts (D31).
fn freshness(state: &State, release: &Release, timestamp: &Envelope, now: Stamp) -> Freshness {
    let now = now.max(state.max_time());
    let release_end = release.end(state.root());
    if now > release_end {
        return Freshness::Expired { since: release_end };
    }
    let seen = state.timestamp().is_some_and(|seen| seen.id == timestamp.id());
    let Ok(timestamp) = verify::<Timestamp>(state.root(), timestamp) else {
        return Freshness::Expired { since: now };
    };
    if !seen || timestamp.seq != release.seq {
        return Freshness::Expired { since: now };
    }
    let end = timestamp.end(state.root()).min(state.root().expires());
    let until = end.plus(i64::try_from(state.root().limits().offline_hold).unwrap_or(0));
    match () {
        () if now <= end => Freshness::Fresh,
        () if now <= until => Freshness::Stale { until },
        () => Freshness::Expired { since: until },
    }
}

#[cfg(test)]
mod tests;
