//! The accepted release from a node's own disk, verified again under the trust root in force, and how
//! long it may still be enforced without a word from the server.

use super::current::{Current, Freshness};
use super::decide::own_catalog;
use super::document::Envelope;
use super::ratify::{self, Standing};
use super::refusal::Refusal;
use super::release::{self, Release};
use super::state::State;
use super::timestamp::Timestamp;
use super::verified::{Verified, verify};
use crate::model::{Catalog, Digest, Stamp};
use std::sync::Arc;

/// What a node keeps of the release that it accepted.
#[derive(Debug, Clone)]
pub struct Cached {
    /// Until when a local administrator lets it be enforced without a fresh word from a server.
    pub held: Option<Stamp>,
    /// The last timestamp.
    pub timestamp: Envelope,
    /// The accepted release.
    pub accepted: CachedRelease,
    /// The release before an emergency that nobody ratified yet.
    pub fallback: Option<CachedRelease>,
}

/// What a node keeps of a release.
#[derive(Debug, Clone)]
pub struct CachedRelease {
    /// The statement.
    pub release: Envelope,
    /// Armoured signatures that ratify it; for emergency releases.
    pub ratification: Vec<String>,
    /// The node's leaf.
    pub leaf: Vec<u8>,
    /// The node's catalog.
    pub catalog: Arc<Vec<u8>>,
}

/// The accepted release and how fresh it is; `catalog.freshness()` says what may be done with it.
#[derive(Debug)]
#[must_use]
pub struct Reloaded {
    /// The statement, with the people who signed it.
    pub release: Verified<Release>,
    /// Who stands behind it.
    pub standing: Standing,
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
    let (release, standing) = verify_cached(state, accepted.id, &cached.accepted)?;
    // A clock that was set back does not make anything younger: the latest time ever seen counts (D31).
    let now = now.max(state.max_time());
    let over = standing == Standing::Emergency && now > release.end(state.root(), standing);
    let (release, standing, part) = match (over, state.fallback(), &cached.fallback) {
        (true, Some(before), Some(part)) => {
            let (release, standing) = verify_cached(state, before.id, part)?;
            (release, standing, part)
        }
        _ => (release, standing, &cached.accepted),
    };
    ratify::check_scope(state.root(), standing, state.node())?;
    let catalog = own_catalog(state, &release, &part.leaf, &part.catalog)?;
    let end = release.end(state.root(), standing);
    let freshness = freshness(state, cached, end, now);
    Ok(Reloaded { release, standing, catalog: Current::new(catalog, freshness) })
}

fn verify_cached(
    state: &State,
    id: Digest,
    cached: &CachedRelease,
) -> Result<(Verified<Release>, Standing), Refusal> {
    if cached.release.id() != id {
        return Err(Refusal::State { why: "a stored release is not the one that was accepted" });
    }
    let withdrawn = state.withdrawn();
    let release = release::verify(state.root(), &withdrawn, &cached.release)?;
    let standing = Standing::of(state.root(), &withdrawn, &release, &cached.ratification)?;
    Ok((release, standing))
}

/// How fresh the server's last word is, for a release that ends at `release_end`. It has to be about the accepted
/// release.
fn freshness(state: &State, cached: &Cached, release_end: Stamp, now: Stamp) -> Freshness {
    if now > release_end {
        return Freshness::Expired { since: release_end };
    }
    let timestamp = &cached.timestamp;
    let seen = state.timestamp().is_some_and(|seen| seen.id == timestamp.id());
    let Ok(timestamp) = verify::<Timestamp>(state.root(), &state.withdrawn(), timestamp) else {
        return Freshness::Expired { since: now };
    };
    if !seen || state.accepted().is_none_or(|accepted| accepted.seq != timestamp.seq) {
        return Freshness::Expired { since: now };
    }
    let end = timestamp.end(state.root()).min(state.root().expires());
    let until = end.plus(i64::try_from(state.root().limits().offline_hold).unwrap_or(0));
    let until = cached.held.map_or(until, |held| held.max(until)).min(release_end);
    match () {
        () if now <= end => Freshness::Fresh,
        () if now <= until => Freshness::Stale { until },
        () => Freshness::Expired { since: until },
    }
}

#[cfg(test)]
mod tests;
