//! The log as somebody follows it who has no tiles: from one recorded checkpoint to the next, each with the proof that it
//! continues the one before.

use super::follow;
use crate::model::Checkpoint;
use crate::signing::document::Hash;
use crate::signing::refusal::Refusal;
use crate::signing::tree::MAX_PROOF;

/// A recorded checkpoint. Nobody is believed about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// The proof that it continues the step before; empty where a log begins.
    pub proof: Vec<Hash>,
}

impl Step {
    /// The proof as text, one hash a line.
    #[must_use]
    pub fn proof_text(&self) -> String {
        self.proof.iter().map(|hash| format!("{hash}\n")).collect()
    }

    /// Reads such a text; `None` when a line is no hash, or there are more than a proof has.
    #[must_use]
    pub fn read_proof(text: &str) -> Option<Vec<Hash>> {
        let hashes: Option<Vec<Hash>> =
            text.lines().take(MAX_PROOF + 1).map(|line| Hash::try_from(line.to_owned()).ok()).collect();
        hashes.filter(|hashes| hashes.len() <= MAX_PROOF)
    }
}

/// The newest of `steps`, which are in ascending order, once it is shown that it continues every one of `points`: each is
/// among the steps, and from the first of them on every step continues the one before. `None` when there is neither.
///
/// # Errors
/// When a point is beyond the newest step, or what is there instead is not shown to continue it (D36, D50).
pub fn trace(steps: &[Step], points: &[Checkpoint]) -> Result<Option<Checkpoint>, Refusal> {
    let newest = steps.last().map(|step| step.checkpoint);
    let (Some(oldest), Some(got)) = (points.iter().min().copied(), newest) else {
        let lost = points.iter().max().copied();
        return lost.map_or(Ok(newest), |have| Err(Refusal::LogRolledBack { have: have.size, got: 0 }));
    };
    if let Some(beyond) = points.iter().find(|point| point.size > got.size) {
        return Err(Refusal::LogRolledBack { have: beyond.size, got: got.size });
    }
    let first = steps.iter().rposition(|step| step.checkpoint == oldest);
    let since = steps.get(first.unwrap_or(steps.len())..).unwrap_or_default();
    for point in points {
        if !since.iter().any(|step| step.checkpoint == *point) {
            return Err(Refusal::LogForked { have: *point, got });
        }
    }
    for pair in since.windows(2) {
        let [before, after] = pair else { continue };
        follow(Some(before.checkpoint), Some(after.checkpoint), &after.proof)?;
    }
    Ok(newest)
}
