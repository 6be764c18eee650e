//! Checkpoints of the log in the repository: `refs/meta/log` has a commit for each that a statement could name, with the
//! proof that it continues the one before. Reviewers have a clone and nothing else: here they follow the log.

use super::GateError;
use crate::model::{Checkpoint, Stamp, Tree};
use crate::repo::{Expected, Id, Limits, NewCommit, RefUpdate, Repo};
use crate::signing::document::{Hash, RepoId};
use crate::signing::log::{Step, Tiles, note};
use crate::signing::tree::consistency;
use crate::signing::{Root, Verified};
use crate::store::Publication;

const REF: &str = "refs/meta/log";
const PROOF: &str = "proof";
/// Checkpoints that are read back, at most.
const MAX_STEPS: usize = 1 << 16;

/// A checkpoint on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The checkpoint, and the proof that it continues the one before.
    pub step: Step,
    /// The checkpoint as it was signed.
    pub note: Vec<u8>,
}

/// What is on record, in ascending order: back to the last checkpoint with at most `size` entries. Nothing is verified.
///
/// # Errors
/// When a record is damaged, or there are too many.
pub fn since(repo: &Repo, id: RepoId, size: u64) -> Result<Vec<Recorded>, GateError> {
    let (mut found, mut at) = (Vec::new(), repo.resolve(REF)?);
    while let Some(commit) = at {
        if found.len() == MAX_STEPS {
            return Err(GateError::Damaged(format!("`{REF}`, of more than {MAX_STEPS} checkpoints")));
        }
        let recorded = read(repo, id, commit)?;
        let reached = recorded.step.checkpoint.size <= size;
        found.push(recorded);
        at = if reached { None } else { repo.commit(commit)?.parents.first().copied() };
    }
    found.reverse();
    Ok(found)
}

fn read(repo: &Repo, id: RepoId, commit: Id) -> Result<Recorded, GateError> {
    let files = repo.read_tree(commit, Limits::REVIEW)?;
    let recorded = || {
        let note = files.get(note::NAME)?.to_vec();
        let proof = Step::read_proof(std::str::from_utf8(files.get(PROOF)?).ok()?)?;
        let checkpoint = note::read_untrusted(id, &note)?;
        Some(Recorded { step: Step { checkpoint, proof }, note })
    };
    recorded().ok_or_else(|| GateError::Damaged(format!("the checkpoint `{commit}`")))
}

/// The published checkpoint, for a statement to name, and the step that puts it on record if it is not there yet. `None`
/// while the timestamp role has published none under this trust root.
///
/// # Errors
/// When it cannot be read or stored.
pub(super) fn record(
    repo: &Repo,
    publication: &Publication,
    root: &Verified<Root>,
    now: Stamp,
) -> Result<Option<(Checkpoint, Option<RefUpdate>)>, GateError> {
    let published = publication.checkpoint()?.filter(|note| note::verify(root, note).is_ok());
    let Some(note) = published else { return Ok(None) };
    let Some(checkpoint) = note::read_untrusted(root.repo(), &note) else { return Ok(None) };
    let old = repo.resolve(REF)?;
    let last = old.map(|id| read(repo, root.repo(), id)).transpose()?;
    if last.as_ref().is_some_and(|last| last.note == note) {
        return Ok(Some((checkpoint, None)));
    }
    let proof = last.map_or_else(Vec::new, |last| proof(publication, last.step.checkpoint, checkpoint));
    let mut files = Tree::default();
    let mut add = |name: &str, bytes: Vec<u8>| {
        files.insert(name, bytes).map_err(|error| GateError::Damaged(error.to_string()))
    };
    add(note::NAME, note)?;
    add(PROOF, Step { checkpoint, proof }.proof_text().into_bytes())?;
    let parents: Vec<Id> = old.into_iter().collect();
    let message = format!("The log has {} entries\n", checkpoint.size);
    let new =
        repo.write_commit(&NewCommit { files: &files, parents: &parents, message: &message, time: now })?;
    Ok(Some((checkpoint, Some(RefUpdate { name: REF.to_owned(), old: Expected::from(old), new }))))
}

/// The proof that the published log continues an earlier one. Where it cannot be worked out there is none: reviewers then
/// refuse to go on, as they must.
fn proof(publication: &Publication, from: Checkpoint, to: Checkpoint) -> Vec<Hash> {
    let read = |tile| publication.tile(tile).map(Option::unwrap_or_default);
    consistency(&mut Tiles::new(to.size, read), from.size, to.size).unwrap_or_else(|error| {
        tracing::warn!(%error, "no proof that the log goes on from {} entries to {}", from.size, to.size);
        Vec::new()
    })
}
