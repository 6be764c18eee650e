//! Deciding what an agent accepts: one function of state, offer and time, without I/O.
//!
//! The steps and their order are those of the agent algorithm: clock, trust roots, timestamp,
//! statement, signatures, own catalog, guards. Each refuses with its own code, and a refusal
//! leaves the state as it was.

use super::current::{Current, Freshness};
use super::document::{self, Envelope, Hash};
use super::guard;
use super::log;
use super::merkle::Leaf;
use super::ratify::{self, Standing};
use super::refusal::Refusal;
use super::release::{self, Release, ReleaseKind};
use super::root::{self, MAX_STEPS, Root};
use super::state::{AcceptedRelease, RootSeen, State, TimestampSeen};
use super::timestamp::Timestamp;
use super::verified::{Verified, verify};
use super::withdraw::Withdrawals;
use crate::model::catalog::MAX_CATALOG;
use crate::model::{Catalog, Digest, Stamp};
use std::sync::Arc;

/// Releases between the accepted one and the offered one, at most.
pub const MAX_CHAIN: usize = 4096;

/// What a server hands out. Nothing in it is believed.
#[derive(Debug, Clone)]
pub struct Offer {
    /// Trust roots after the one in force, ascending.
    pub roots: Vec<Envelope>,
    /// The timestamp of the node's environment.
    pub timestamp: Envelope,
    /// The list of withdrawals that the timestamp names, unless the node has it.
    pub withdrawals: Option<Vec<u8>>,
    /// The proof that the timestamp's log continues the one that was seen before; empty when it need not.
    pub log_proof: Vec<Hash>,
    /// The proof that it continues the one that the release names; empty when it need not.
    pub release_log_proof: Vec<Hash>,
    /// The release statement that the timestamp names, from the server or from the node's own disk.
    pub release: Envelope,
    /// Armoured signatures that ratify it; for emergency releases.
    pub ratification: Vec<String>,
    /// The statements between the accepted release and the offered one, ascending.
    pub chain: Vec<Vec<u8>>,
    /// The node's leaf; `None` when the release has none for it.
    pub leaf: Option<Vec<u8>>,
    /// The node's catalog; empty when there is no leaf.
    pub catalog: Arc<Vec<u8>>,
}

/// What an agent does with an offer that it does not refuse. The state is to be stored before anything else.
#[derive(Debug)]
#[must_use]
pub enum Decision {
    /// A release that is new to the node.
    Accept(Accepted),
    /// The release that the node already accepted, freshly confirmed.
    Unchanged(Accepted),
    /// A release without a catalog for this node: nothing is applied, nothing removed.
    Unassigned {
        /// What to store.
        state: State,
    },
}

/// An accepted release.
#[derive(Debug)]
pub struct Accepted {
    /// The statement, with the people who signed it.
    pub release: Verified<Release>,
    /// Who stands behind it.
    pub standing: Standing,
    /// What the node must be.
    pub catalog: Current<Catalog>,
    /// What to store before acting.
    pub state: State,
}

/// Decides about an offer.
///
/// # Errors
/// With the first step that does not hold.
pub fn decide(state: &State, offer: &Offer, now: Stamp) -> Result<Decision, Refusal> {
    let before = state;
    let (state, timestamp) = fresh(before, offer, now)?;
    if state.withdrawals != before.withdrawals {
        // The news may be that the timestamp's own key is revoked: then it is the last thing that this key brings.
        verify::<Timestamp>(&state.root, &state.withdrawn(), &offer.timestamp)?;
    }
    let (release, standing) = check_release(&state, &timestamp, offer, now)?;
    let next = remember(&state, &timestamp, (&release, standing), now);
    let Some(leaf) = &offer.leaf else { return Ok(Decision::Unassigned { state: next }) };
    let catalog = own_catalog(&state, &release, leaf, &offer.catalog)?;
    let known = state.accepted().is_some_and(|accepted| accepted.id == release.id());
    let accepted =
        Accepted { release, standing, catalog: Current::new(catalog, Freshness::Fresh), state: next };
    Ok(if known { Decision::Unchanged(accepted) } else { Decision::Accept(accepted) })
}

/// What an offer teaches whether or not its release is acceptable: newer trust roots and withdrawals. The result
/// can be stored at once.
///
/// # Errors
/// When clock, trust roots, timestamp or withdrawals are not as they must be.
pub fn learn(state: &State, offer: &Offer, now: Stamp) -> Result<State, Refusal> {
    fresh(state, offer, now).map(|(state, _)| state)
}

fn fresh(state: &State, offer: &Offer, now: Stamp) -> Result<(State, Verified<Timestamp>), Refusal> {
    state.check_clock(now)?;
    let state = walk(state, &offer.roots)?;
    if now > state.root.expires() {
        return Err(Refusal::RootExpired { expired: state.root.expires() });
    }
    let timestamp = check_timestamp(&state, offer, now)?;
    let state = learn_withdrawals(&state, &timestamp, offer.withdrawals.as_deref())?;
    Ok((state, timestamp))
}

/// Walks trust roots one by one. The result can be stored at once, whatever becomes of the rest.
///
/// # Errors
/// With the first step that does not hold.
pub fn walk(state: &State, roots: &[Envelope]) -> Result<State, Refusal> {
    if roots.len() > MAX_STEPS {
        return Err(Refusal::RootSteps { limit: MAX_STEPS, got: roots.len() });
    }
    roots.iter().try_fold(state.clone(), |state, envelope| {
        let next = root::advance(&state.root, &state.withdrawals, envelope)?;
        Ok(step(&state, next))
    })
}

/// Puts `next` in force. New timestamp keys forget the old ones' numbers and log, and a reset starts over from a
/// given release: the two ways back after stolen keys ran ahead (T4).
fn step(state: &State, next: Verified<Root>) -> State {
    let rotated = log::keeper(&state.root) != log::keeper(&next);
    let reset = next.fields().reset.clone().filter(|reset| state.root.fields().reset.as_ref() != Some(reset));
    let mut after = state.changed(|record| {
        record.root = RootSeen { version: next.version(), id: next.id() };
        if rotated {
            record.timestamp = None;
            record.checkpoint = None;
            record.log_since = Some(next.version());
        }
        if let Some(reset) = reset.filter(|reset| reset.environment == record.environment) {
            record.accepted = Some(AcceptedRelease { seq: reset.seq, id: reset.release, policy_v: 0 });
        }
    });
    after.root = next;
    after
}

fn check_timestamp(state: &State, offer: &Offer, now: Stamp) -> Result<Verified<Timestamp>, Refusal> {
    let timestamp: Verified<Timestamp> = verify(&state.root, &state.withdrawn(), &offer.timestamp)?;
    if timestamp.environment != *state.environment() {
        let (got, want) = (timestamp.environment.clone(), state.environment().clone());
        return Err(Refusal::Environment { what: "timestamp", got, want });
    }
    if let Some(seen) = state.timestamp() {
        if timestamp.n < seen.n {
            return Err(Refusal::TimestampRolledBack { have: seen.n, got: timestamp.n });
        }
        if timestamp.n == seen.n && timestamp.id() != seen.id {
            return Err(Refusal::TimestampForked { n: seen.n });
        }
    }
    state.check_created("timestamp", timestamp.created, now)?;
    let end = timestamp.end(&state.root);
    if now > end {
        return Err(Refusal::Freeze { expired: end });
    }
    check_root_version(state, timestamp.root)?;
    log::follow(state.checkpoint(), timestamp.checkpoint(), &offer.log_proof)?;
    Ok(timestamp)
}

/// What was taken back stays taken back, whoever carries the list (D51).
fn learn_withdrawals(state: &State, timestamp: &Timestamp, offered: Option<&[u8]>) -> Result<State, Refusal> {
    let refuse = |why| Err(Refusal::Withdrawals { why });
    if timestamp.withdrawn == state.record.withdrawn {
        return Ok(state.clone());
    }
    let list = match (timestamp.withdrawn, offered) {
        (None, _) => Withdrawals::default(),
        (Some(_), Some(bytes)) => Withdrawals::decode(bytes)?,
        (Some(_), None) => return refuse("that the timestamp names was not handed out"),
    };
    if list.digest() != timestamp.withdrawn {
        return refuse("is not the one that the timestamp names");
    }
    if !list.keeps(&state.withdrawals, &state.root) {
        return refuse("lacks what it already had");
    }
    let mut next = state.changed(|record| record.withdrawn = timestamp.withdrawn);
    next.withdrawals = list;
    Ok(next)
}

/// What was made under a newer trust root cannot be judged under an older one.
fn check_root_version(state: &State, want: u64) -> Result<(), Refusal> {
    let have = state.root.version();
    if want > have { Err(Refusal::RootMissing { have, want }) } else { Ok(()) }
}

fn check_release(
    state: &State,
    timestamp: &Timestamp,
    offer: &Offer,
    now: Stamp,
) -> Result<(Verified<Release>, Standing), Refusal> {
    if offer.release.id() != timestamp.release {
        return Err(Refusal::Mixed { got: offer.release.id(), want: timestamp.release });
    }
    let withdrawn = state.withdrawn();
    let release = release::verify(&state.root, &withdrawn, &offer.release)?;
    check_environment(state, &release)?;
    if release.seq != timestamp.seq {
        return Err(Refusal::Mixed { got: release.id(), want: timestamp.release });
    }
    check_order(state, &release, &offer.chain)?;
    check_log(state, &release, timestamp, &offer.release_log_proof)?;
    check_floor(&state.root, &release)?;
    state.check_created("release", release.created, now)?;
    let standing = Standing::of(&state.root, &withdrawn, &release, &offer.ratification)?;
    let end = release.end(&state.root, standing);
    match standing {
        Standing::Ordinary if now > end => return Err(Refusal::ReleaseExpired { expired: end }),
        Standing::Emergency if now > end => {
            return Err(Refusal::Unratified { seq: release.seq, expired: end });
        }
        Standing::Ordinary | Standing::Emergency => {}
    }
    ratify::check_scope(&state.root, standing, state.node())?;
    check_policy(state, &release)?;
    check_root_version(state, release.root)?;
    Ok((release, standing))
}

fn check_environment(state: &State, release: &Release) -> Result<(), Refusal> {
    if release.environment == *state.environment() {
        return Ok(());
    }
    let (got, want) = (release.environment.clone(), state.environment().clone());
    Err(Refusal::Environment { what: "release", got, want })
}

/// The serial never falls, one serial is one statement, and every step from the accepted release to this
/// one is shown (T4, T8, D36).
fn check_order(state: &State, release: &Verified<Release>, chain: &[Vec<u8>]) -> Result<(), Refusal> {
    let Some(accepted) = state.accepted() else { return Ok(()) };
    let (have, got) = (accepted.seq, release.seq);
    if got < have {
        return Err(Refusal::RolledBack { have, got });
    }
    if got == have {
        let (have, got) = (accepted.id, release.id());
        return if got == have {
            Ok(())
        } else {
            Err(Refusal::Equivocation { seq: accepted.seq, have, got })
        };
    }
    if chain.len() > MAX_CHAIN {
        return Err(Refusal::Chain { have, got });
    }
    let oldest = follow_back(release, chain).ok_or(Refusal::Chain { have, got })?;
    if oldest == (have, Some(accepted.id)) { Ok(()) } else { Err(Refusal::Chain { have, got }) }
}

/// Serial and id of the release that the oldest statement of the chain names as the one before it. Each
/// statement is vouched for by the digest in the later one, and is read only after that was compared.
fn follow_back(release: &Release, chain: &[Vec<u8>]) -> Option<(u64, Option<Digest>)> {
    let mut at = (release.seq - 1, release.prev);
    for bytes in chain.iter().rev() {
        if Some(Digest::of(bytes)) != at.1 {
            return None;
        }
        let older: Release = document::read(bytes).ok()?;
        if older.seq != at.0 || older.environment != release.environment || older.repo != release.repo {
            return None;
        }
        at = (older.seq - 1, older.prev);
    }
    Some(at)
}

/// The log that reviewers saw when they signed is the one that this node is shown (D36). Of an accepted release that is
/// known: every checkpoint since then continues that log. A statement from before the present timestamp keys names one
/// that may have ended with the old ones.
fn check_log(
    state: &State,
    release: &Verified<Release>,
    timestamp: &Timestamp,
    proof: &[Hash],
) -> Result<(), Refusal> {
    let known = state.accepted().is_some_and(|accepted| accepted.id == release.id());
    let of_before = release.root < state.record.log_since.unwrap_or(0);
    if known || of_before || release.log.is_none() {
        return Ok(());
    }
    log::follow(release.log, timestamp.checkpoint(), proof).map(drop)
}

fn check_floor(root: &Root, release: &Verified<Release>) -> Result<(), Refusal> {
    let min_v = root.limits().min_v;
    if release.v < min_v {
        return Err(Refusal::Version { want: "release", got: "release".into(), v: release.v });
    }
    let floor = root.fields().floor.as_ref().filter(|floor| floor.environment == release.environment);
    match floor {
        Some(floor) if release.seq < floor.seq => Err(Refusal::Floor { floor: floor.seq, got: release.seq }),
        Some(floor) if release.seq == floor.seq && release.id() != floor.release => {
            Err(Refusal::Equivocation { seq: floor.seq, have: floor.release, got: release.id() })
        }
        Some(_) | None => Ok(()),
    }
}

/// The policy may not grow older, except that a rollback brings back the policy of its content, down to
/// what the trust root allows (D3).
fn check_policy(state: &State, release: &Release) -> Result<(), Refusal> {
    let floor = state.root.limits().min_policy_v;
    let last = match release.kind {
        ReleaseKind::Normal | ReleaseKind::BreakGlass => state.accepted().map_or(0, |a| a.policy_v),
        ReleaseKind::Rollback => 0,
    };
    let (want, got) = (floor.max(last), release.policy_v);
    if got < want { Err(Refusal::PolicyRolledBack { want, got }) } else { Ok(()) }
}

fn remember(
    state: &State,
    timestamp: &Verified<Timestamp>,
    (release, standing): (&Verified<Release>, Standing),
    now: Stamp,
) -> State {
    state.changed(|record| {
        let same = record.accepted.is_some_and(|accepted| accepted.id == release.id());
        record.fallback = match standing {
            Standing::Ordinary => None,
            // What stood before the first emergency in a row stands after it.
            Standing::Emergency if same => record.fallback,
            Standing::Emergency => record.fallback.or(record.accepted),
        };
        record.timestamp = Some(TimestampSeen { n: timestamp.n, id: timestamp.id() });
        record.checkpoint = timestamp.checkpoint();
        record.accepted =
            Some(AcceptedRelease { seq: release.seq, id: release.id(), policy_v: release.policy_v });
        record.max_time = record.max_time.max(now).max(timestamp.created).max(release.created);
    })
}

/// The node's own catalog out of a verified release, guards included (steps 8 and 9).
pub(super) fn own_catalog(
    state: &State,
    release: &Verified<Release>,
    leaf: &[u8],
    bytes: &Arc<Vec<u8>>,
) -> Result<Catalog, Refusal> {
    let leaf = Leaf::decode(leaf)?;
    if leaf.node != *state.node() {
        return Err(Refusal::WrongNode { got: leaf.node, want: state.node().clone() });
    }
    if leaf.size != release.nodes {
        return Err(Refusal::Proof);
    }
    leaf.verify(release.catalogs)?;
    document::check_size("catalog", usize::try_from(MAX_CATALOG).unwrap_or(usize::MAX), bytes)?;
    let got = Digest::of(bytes);
    if got != leaf.catalog || bytes.len() as u64 != leaf.length {
        return Err(Refusal::CatalogAltered { got, want: leaf.catalog });
    }
    let catalog = Catalog::decode_within(bytes).map_err(|cause| Refusal::Catalog { cause })?;
    if catalog.node != *state.node() {
        return Err(Refusal::WrongNode { got: catalog.node, want: state.node().clone() });
    }
    if catalog.environment != *state.environment() {
        let (got, want) = (catalog.environment, state.environment().clone());
        return Err(Refusal::Environment { what: "catalog", got, want });
    }
    guard::check(&state.root, release, &catalog)?;
    Ok(catalog)
}

#[cfg(test)]
mod tests;
