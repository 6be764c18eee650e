//! From what sources offer to what this node may apply: steps 2 to 10 of a run.
//!
//! Sources are tried in turn until one offers something that `signing::decide` accepts. Everything is had whole and
//! verified, and the state written down, before anything is acted on; what was refused is not kept.

use super::disk::{Disk, DiskError};
use super::fetch::offer::{AtHand, Gathered, gather};
use super::fetch::{FetchError, LIMITS, Source, publication};
use super::hold;
use super::stored::{self, StoredError};
use crate::model::report::Refused;
use crate::model::{Catalog, Digest, Stamp};
use crate::signing::{
    self, Accepted, Current, Decision, Document as _, Envelope, Offer, Refusal, Release, Reloaded, Standing,
    State, Timestamp, Verified,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

const TAGS: &str = "etags.json";
const TAGS_CAP: u64 = 64 << 10;
/// Longer than a server takes from the first to the second file of a timestamp.
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

/// What a node may apply.
#[derive(Debug)]
pub struct Ready {
    /// The state that is on the disk.
    pub state: State,
    /// The statement, with the people who signed it.
    pub release: Verified<Release>,
    /// Who stands behind it.
    pub standing: Standing,
    /// What the node must be.
    pub catalog: Current<Catalog>,
    /// Where it came from.
    pub origin: Origin,
}

/// Where a release came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// This source, which says that it is the newest.
    Source(String),
    /// The node's own disk.
    Disk,
}

/// What pulling led to.
#[derive(Debug)]
pub enum Pulled {
    /// A catalog to apply.
    Ready(Box<Ready>),
    /// The release has nothing for this node: nothing is applied, nothing removed.
    Unassigned(Box<State>),
}

/// Why one source's offer was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// It could not be had.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// It was refused.
    #[error(transparent)]
    Refusal(#[from] Refusal),
    /// It could not be written down, so it was not accepted.
    #[error(transparent)]
    Stored(#[from] StoredError),
}

impl Problem {
    /// The code that reports, logs and tests know this problem by.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Fetch(error) => error.code(),
            Self::Refusal(refusal) | Self::Stored(StoredError::Refusal(refusal)) => refusal.code(),
            Self::Stored(StoredError::Disk(_)) => "DISK",
        }
    }

    /// How it is reported: code and text with the chain of causes.
    #[must_use]
    pub fn refused(&self) -> Refused {
        Refused { code: self.code().to_owned(), message: super::text(self) }
    }

    /// A refusal says more than silence does, and a broken disk more than both.
    const fn weight(&self) -> u8 {
        match self {
            Self::Stored(_) => 2,
            Self::Refusal(_) => 1,
            Self::Fetch(FetchError::Unreachable { .. } | FetchError::Busy { .. }) => 0,
            Self::Fetch(_) => 1,
        }
    }
}

impl From<DiskError> for Problem {
    fn from(error: DiskError) -> Self {
        Self::Stored(error.into())
    }
}

/// What the sources offered.
#[derive(Debug)]
pub struct Attempts {
    /// What was accepted, if anything was.
    pub pulled: Option<Pulled>,
    /// The sources that were no help, and why; the weightiest first.
    pub problems: Vec<(String, Problem)>,
}

/// Takes the newest release of the first source that offers an acceptable one. The state goes on from root to
/// root even when the rest is refused.
pub fn pull(disk: &Disk, state: &mut State, sources: &[Box<dyn Source>], now: Stamp) -> Attempts {
    let (mut pulled, mut problems) = (None, Vec::new());
    for source in sources {
        match pull_from(disk, state, source.as_ref(), now) {
            Ok(found) => {
                pulled = Some(found);
                break;
            }
            Err(problem) => {
                // A write that failed may have come through all the same: from here on, what is on the disk counts.
                if let (Problem::Stored(_), Ok(Some(kept))) = (&problem, stored::load(disk)) {
                    *state = kept;
                }
                problems.push((source.name().to_owned(), problem));
            }
        }
    }
    problems.sort_by_key(|(_, problem)| std::cmp::Reverse(problem.weight()));
    Attempts { pulled, problems }
}

/// The accepted release from the node's own disk, verified again; `None` when there is none for this node.
///
/// # Errors
/// When it is damaged or no longer trusted.
pub fn reload(disk: &Disk, state: &State, now: Stamp) -> Result<Option<Ready>, Problem> {
    let Some(mut cached) = stored::cached(disk, state)? else { return Ok(None) };
    cached.held = hold::current(disk, state, now)?.map(|hold| hold.until);
    let Reloaded { release, standing, catalog } = signing::reload(state, &cached, now)?;
    Ok(Some(Ready { state: state.clone(), release, standing, catalog, origin: Origin::Disk }))
}

/// Judges what a source offers, and keeps nothing of it.
///
/// # Errors
/// When it could not be had or is refused.
pub fn judge(
    disk: &Disk,
    state: &State,
    source: &dyn Source,
    now: Stamp,
) -> Result<(Decision, Offer), Problem> {
    let mut walked = state.clone();
    for _ in 0..LIMITS.root_steps {
        let Some((_, next)) = step(&walked, source)? else { break };
        walked = next;
    }
    let at_hand = at_hand(disk, &walked, source)?;
    let (learned, gathered) = offered(&walked, source, &at_hand, now)?;
    match signing::decide(&learned, &gathered.offer, now) {
        Err(refusal) if at_hand.lost_signatures(&gathered.offer, &refusal) => {
            let again = AtHand { release: None, withdrawals: learned.withdrawals().digest(), ..at_hand };
            let (learned, gathered) = offered(&learned, source, &again, now)?;
            Ok((signing::decide(&learned, &gathered.offer, now)?, gathered.offer))
        }
        decided => Ok((decided?, gathered.offer)),
    }
}

fn pull_from(disk: &Disk, state: &mut State, source: &dyn Source, now: Stamp) -> Result<Pulled, Problem> {
    walk(disk, state, source)?;
    let known = at_hand(disk, state, source)?;
    let (mut decided, mut gathered) = decide(disk, state, (source, &known), now)?;
    // The release at hand lost a signature, and the source may have another one for it (D37).
    let signed_again = decided.as_ref().is_err_and(|refusal| known.lost_signatures(&gathered.offer, refusal));
    if signed_again {
        let known = AtHand { release: None, ..at_hand(disk, state, source)? };
        (decided, gathered) = decide(disk, state, (source, &known), now)?;
    }
    let Gathered { offer, etag } = gathered;
    let pulled = match decided? {
        Decision::Unassigned { state: next } => {
            keep(disk, &offer, &next)?;
            state.clone_from(&next);
            Pulled::Unassigned(Box::new(next))
        }
        Decision::Accept(accepted) | Decision::Unchanged(accepted) => {
            let Accepted { release, standing, catalog, state: next } = accepted;
            fetch_blobs(disk, source, &catalog)?;
            let news = signed_again
                || next.timestamp() != state.timestamp()
                || next.accepted() != state.accepted()
                || next.fallback() != state.fallback();
            if news || !stored::has_catalog(disk, release.id())? {
                keep(disk, &offer, &next)?;
            }
            state.clone_from(&next);
            let origin = Origin::Source(source.name().to_owned());
            Pulled::Ready(Box::new(Ready { state: next, release, standing, catalog, origin }))
        }
    };
    keep_tag(disk, source, (offer.timestamp.id(), etag))?;
    Ok(pulled)
}

/// Gathers an offer, writes down what it teaches, and judges it.
fn decide(
    disk: &Disk,
    state: &mut State,
    (source, at_hand): (&dyn Source, &AtHand),
    now: Stamp,
) -> Result<(Result<Decision, Refusal>, Gathered), Problem> {
    let (learned, gathered) = offered(state, source, at_hand, now)?;
    if learned != *state {
        stored::keep_withdrawals(disk, &gathered.offer)?;
        stored::keep_state(disk, &learned)?;
        *state = learned;
    }
    Ok((signing::decide(state, &gathered.offer, now), gathered))
}

/// Walks to the newest trust root of a source, and writes each step down before it asks for the next.
///
/// # Errors
/// When a root could not be had or does not follow. The steps before it stand.
pub fn walk(disk: &Disk, state: &mut State, source: &dyn Source) -> Result<(), Problem> {
    for _ in 0..LIMITS.root_steps {
        let Some((root, next)) = step(state, source)? else { break };
        stored::keep_root(disk, next.root().version(), &root)?;
        stored::keep_state(disk, &next)?;
        *state = next;
    }
    Ok(())
}

/// The next trust root of a source, and the state under it.
fn step(state: &State, source: &dyn Source) -> Result<Option<(Envelope, State)>, Problem> {
    let Some(root) = publication::root(source, state.root().version() + 1)? else { return Ok(None) };
    let next = signing::walk(state, std::slice::from_ref(&root))?;
    Ok(Some((root, next)))
}

/// Gathers an offer, and what it teaches already. A timestamp and its signatures are two files: who met them
/// between two versions looks once more.
fn offered(
    state: &State,
    source: &dyn Source,
    at_hand: &AtHand,
    now: Stamp,
) -> Result<(State, Gathered), Problem> {
    let first = gather(source, at_hand)?;
    match signing::learn(state, &first.offer, now) {
        Ok(learned) => Ok((learned, first)),
        Err(refusal) if is_torn_timestamp(&refusal) => {
            std::thread::sleep(BETWEEN_LOOKS);
            let again = gather(source, at_hand)?;
            Ok((signing::learn(state, &again.offer, now)?, again))
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// Whether it is about the signatures of a timestamp: they may be those of the next or the last one.
fn is_torn_timestamp(refusal: &Refusal) -> bool {
    let torn = Timestamp::TYPE;
    matches!(refusal, Refusal::Unsigned { what } | Refusal::Threshold { what, .. } if *what == torn)
}

fn at_hand(disk: &Disk, state: &State, source: &dyn Source) -> Result<AtHand, Problem> {
    let accepted = state.accepted();
    let timestamp = stored::timestamp(disk, state)?.map(|envelope| {
        let etag = tags(disk).remove(source.name()).filter(|tag| tag.timestamp == envelope.id());
        (envelope, etag.map(|tag| tag.etag))
    });
    Ok(AtHand {
        node: state.node().clone(),
        environment: state.environment().clone(),
        accepted,
        checkpoint: state.checkpoint(),
        timestamp,
        withdrawals: state.withdrawals().digest(),
        release: accepted.map_or(Ok(None), |accepted| stored::release(disk, accepted.id))?,
        part: accepted.map_or(Ok(None), |accepted| stored::catalog(disk, accepted.id))?,
    })
}

/// Objects first, the state last; then what nothing names any more can go.
fn keep(disk: &Disk, offer: &Offer, next: &State) -> Result<(), StoredError> {
    stored::keep_offer(disk, offer)?;
    stored::keep_state(disk, next)?;
    stored::tidy(disk, next)
}

/// Everything that the catalog needs is on the disk before the first change is made (T12).
fn fetch_blobs(disk: &Disk, source: &dyn Source, catalog: &Catalog) -> Result<(), Problem> {
    for (digest, size) in catalog.blobs() {
        if stored::blob(disk, digest, size)?.is_none() {
            let bytes = publication::blob(source, digest, size)?;
            stored::keep_blob(disk, digest, &bytes)?;
        }
    }
    Ok(())
}

/// A source's tag for the timestamp with this digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Tag {
    timestamp: Digest,
    etag: String,
}

/// The tags only save bytes on the way, so that none can be read is no problem.
fn tags(disk: &Disk) -> BTreeMap<String, Tag> {
    let bytes = disk.read(TAGS, TAGS_CAP).ok().flatten().unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

fn keep_tag(
    disk: &Disk,
    source: &dyn Source,
    (timestamp, etag): (Digest, Option<String>),
) -> Result<(), DiskError> {
    let Some(etag) = etag else { return Ok(()) };
    let mut all = tags(disk);
    let tag = Tag { timestamp, etag };
    if all.get(source.name()) == Some(&tag) {
        return Ok(());
    }
    all.insert(source.name().to_owned(), tag);
    disk.write(TAGS, &serde_json::to_vec(&all).unwrap_or_default())
}

#[cfg(test)]
mod histories;
#[cfg(test)]
mod tests;
