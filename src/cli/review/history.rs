//! The log as this reviewer has seen it: it must have gone on from there, and the statement must name it (D36).
//!
//! A clone has the checkpoints that statements could name, each with the proof that it continues the one before. What of
//! the way from there to here is not on record can be worked out from a copy of the published log.

use super::clone::Clone;
use super::ledger::{Ledger, Seen};
use crate::agent::fetch::{Directory, publication};
use crate::cli::Failure;
use crate::model::Checkpoint;
use crate::server::gate::checkpoints::{self, Recorded};
use crate::server::gate::releases;
use crate::signing::log::{self, Step, note, trace};
use crate::signing::{Refusal, Release};
use std::path::{Path, PathBuf};

/// A statement that somebody is about to sign, or to sign for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// The statement.
    pub(super) release: &'a Release,
    /// Whether it is in force already: then it can be from before there was a log, or before the present one.
    pub(super) released: bool,
    /// A copy of the publication directory.
    pub(super) copy: Option<&'a Path>,
}

/// Holds the log that a statement names against what this reviewer saw last and against the log that the release before it
/// names. Returns what to remember before signing.
///
/// # Errors
/// When they are not one log that only grew, with what to do then.
pub(super) fn demand(clone: &Clone, ledger: &Ledger, asked: Asked<'_>) -> Result<Option<Seen>, Failure> {
    let Asked { release, released, copy } = asked;
    let keeper = log::keeper(&clone.root);
    let known = Known { seen: ledger.seen(keeper), before: named_before(clone, release)? };
    let of_before = released && release.root < clone.log_since;
    let named = release.log.filter(|_| !of_before);
    let points: Vec<Checkpoint> = known.points().chain(named).collect();
    let told = |refusal: Refusal| known.explain(&refusal, copy);
    let had = if released { known.before } else { known.points().max() };
    let lost = had.filter(|_| named.is_none() && !of_before);
    if let Some(have) = lost {
        return Err(told(Refusal::LogRolledBack { have: have.size, got: 0 }));
    }
    let oldest = points.iter().map(|point| point.size).min().unwrap_or(u64::MAX);
    let recorded = checkpoints::since(&clone.repo, clone.root.repo(), oldest)?;
    let newest = match copy {
        Some(copy) => by_copy(clone, copy, (&recorded, &points)).map_err(|problem| match problem {
            Problem::Refused(refusal) => told(refusal),
            Problem::Copy(failure) => failure,
        })?,
        None => by_record(clone, &recorded, &points).map_err(told)?,
    };
    // Never back to an earlier one.
    let newest = newest.filter(|newest| known.seen.is_none_or(|seen| seen.size <= newest.size));
    Ok(newest.map(|checkpoint| Seen { checkpoint, keeper }))
}

/// The log that the release before names; nothing if that was made when other keys signed the log.
fn named_before(clone: &Clone, release: &Release) -> Result<Option<Checkpoint>, Failure> {
    let Some(seq) = release.seq.checked_sub(1).filter(|seq| *seq > 0) else { return Ok(None) };
    let before = releases::read(&clone.repo, &release.environment, seq)?.release;
    Ok(before.log.filter(|_| before.root >= clone.log_since))
}

/// By the checkpoints on record, the newest of which the timestamp role must have signed.
fn by_record(
    clone: &Clone,
    recorded: &[Recorded],
    points: &[Checkpoint],
) -> Result<Option<Checkpoint>, Refusal> {
    if let Some(newest) = recorded.last().filter(|_| !points.is_empty()) {
        note::verify(&clone.root, &newest.note)?;
    }
    let steps: Vec<Step> = recorded.iter().map(|recorded| recorded.step.clone()).collect();
    Ok(trace(&steps, points)?.filter(|_| !points.is_empty()))
}

enum Problem {
    Refused(Refusal),
    Copy(Failure),
}

/// By a copy of the published log, which must continue every point, and the newest checkpoint on record as well.
fn by_copy(
    clone: &Clone,
    copy: &Path,
    (recorded, points): (&[Recorded], &[Checkpoint]),
) -> Result<Option<Checkpoint>, Problem> {
    let path: PathBuf = copy.join("log").join(note::NAME);
    let bytes = std::fs::read(&path).map_err(|cause| {
        let failure = Failure::io("cannot read", &path, &cause);
        Problem::Copy(failure.hint("name a copy of the server's directory `publish`"))
    })?;
    let signed = *note::verify(&clone.root, &bytes).map_err(Problem::Refused)?;
    let newest = recorded.last().map(|recorded| recorded.step.checkpoint);
    for point in points.iter().copied().chain(newest) {
        let proof = if point.size < signed.size {
            publication::log_proof(&Directory::new(copy), point, signed)
                .map_err(|error| Problem::Copy(Failure::from_error(&error)))?
        } else {
            Vec::new()
        };
        log::follow(Some(point), Some(signed), &proof).map_err(Problem::Refused)?;
    }
    Ok(newest)
}

/// What a log must continue, whoever shows it.
struct Known {
    seen: Option<Checkpoint>,
    before: Option<Checkpoint>,
}

impl Known {
    fn points(&self) -> impl Iterator<Item = Checkpoint> {
        self.seen.into_iter().chain(self.before)
    }

    /// Why nothing is signed, with the evidence and how to look further.
    fn explain(&self, refusal: &Refusal, copy: Option<&Path>) -> Failure {
        let from = |what: &str, point: Option<Checkpoint>| point.map(|point| format!("{what} {point}"));
        let parts = [from("you saw", self.seen), from("the release before names", self.before)];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        let known = if parts.is_empty() { String::new() } else { format!(" ({})", parts.join("; ")) };
        let failure = Failure::refused(format!("{}: {refusal}{known}", refusal.code()));
        let line = self.seen.or(self.before);
        match (line, copy) {
            (Some(line), None) => failure.hint(format!(
                "do not sign. With a copy of the server's directory `publish`, `approve … --log COPY` looks for the whole \
                 way, and `countersign audit verify COPY --root-digest sha256:… --since FILE` says what is wrong; \
                 FILE holds the line `{line}`"
            )),
            (Some(line), Some(copy)) => failure.hint(format!(
                "do not sign, and keep that copy: it is the evidence. \
                 countersign audit verify {} --root-digest sha256:… --since FILE, where FILE holds the line `{line}`",
                copy.display()
            )),
            (None, _) => failure.hint(
                "have the author push again (git commit --amend --no-edit); if that is no help, somebody should look at the server",
            ),
        }
    }
}
