//! Hearing triggers: the connection that the agent holds open, and what it answers.
//!
//! A trigger is verified and remembered on disk before anything comes of it; then it is a wish for an ordinary run and
//! nothing more.

use super::clock::Clock;
use super::disk::{Disk, DiskError};
use super::fetch::{Answer, FetchError, Https, LIMITS, Method, Request};
use super::stored::{self, StoredError};
use crate::model::report::Report;
use crate::model::wire::{NodePush, Signed, TriggerState, Triggers};
use crate::signing::trigger::{Accepted, Action, Replay, Trigger};
use crate::signing::{Envelope, Refusal, document};
use std::time::Duration;

const REPLAY: &str = "replay.json";
const REPLAY_CAP: u64 = 1 << 20;
const ANSWER_CAP: u64 = 64 << 20;
/// The server answers after 50 s at the latest.
const LONG: Duration = Duration::from_secs(75);
const SHORT: Duration = Duration::from_secs(15);

/// Why a trigger came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum TriggerError {
    /// The agent's directory could not be used.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// What is stored cannot be used.
    #[error(transparent)]
    Stored(#[from] StoredError),
    /// The server could not be heard.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// It is not to be obeyed.
    #[error(transparent)]
    Refusal(#[from] Refusal),
    /// The node never joined.
    #[error("this node has not joined yet")]
    NotEnrolled,
}

impl TriggerError {
    /// The code that logs and operators know it by.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refusal(refusal) | Self::Stored(StoredError::Refusal(refusal)) => refusal.code(),
            Self::Fetch(error) => error.code(),
            Self::Disk(_) | Self::Stored(StoredError::Disk(_)) => "DISK",
            Self::NotEnrolled => "STATE",
        }
    }
}

/// Waits for triggers after number `after`.
///
/// # Errors
/// When the connection could not be held.
pub fn wait(server: &Https, after: u64) -> Result<Triggers, TriggerError> {
    let path = format!("/v1/triggers?after={after}");
    let request = Request { method: Method::Get(None), path: &path, cap: ANSWER_CAP, patience: LONG };
    let malformed = |what| FetchError::Form { path: path.clone(), from: "the server".to_owned(), what };
    match server.send(&request)? {
        Answer::Bytes { bytes, .. } if bytes.is_empty() => Ok(Triggers { next: after, triggers: Vec::new() }),
        Answer::Bytes { bytes, .. } => {
            serde_json::from_slice(&bytes).map_err(|_| malformed("list of triggers").into())
        }
        Answer::Same | Answer::Missing => Err(malformed("list of triggers").into()),
    }
}

/// Verifies a trigger and writes down that it was obeyed. After this it may be obeyed, once.
///
/// # Errors
/// When it is not to be obeyed, or could not be written down.
pub fn accept(disk: &Disk, signed: Signed, clock: Clock) -> Result<Accepted, TriggerError> {
    let state = stored::load(disk)?.ok_or(TriggerError::NotEnrolled)?;
    let replay = match disk.read(REPLAY, REPLAY_CAP)? {
        Some(bytes) => Replay::load(&bytes)?,
        None => Replay::default(),
    };
    let accepted = replay.accept(&state, &Envelope::from(signed), clock())?;
    disk.write(REPLAY, &accepted.replay.encode())?;
    Ok(accepted)
}

/// The id of a trigger that nobody verified, to tell the server which one was refused.
#[must_use]
pub fn id_untrusted(signed: &Signed) -> Option<String> {
    let trigger: Trigger = document::read_untrusted(signed.document.as_bytes()).ok()?;
    Some(trigger.id)
}

/// Whether the trigger asks for a run.
#[must_use]
pub const fn wants_run(action: Action) -> bool {
    match action {
        Action::Converge | Action::Noop => true,
        Action::Pause => false,
    }
}

/// Tells the server how far this node is with a trigger. That it cannot be told changes nothing here.
///
/// # Errors
/// When the server could not be told.
pub fn tell(server: &Https, id: &str, state: &TriggerState) -> Result<(), TriggerError> {
    let body = serde_json::to_vec(state).unwrap_or_default();
    let path = format!("/v1/trigger/{id}");
    let request = Request { method: Method::Post(&body), path: &path, cap: LIMITS.answer, patience: SHORT };
    server.send(&request)?;
    Ok(())
}

/// What to say of a run that a trigger asked for.
#[must_use]
pub fn outcome(report: &Report) -> TriggerState {
    let counts = report.counts;
    let well = matches!(super::report::exit_code(report), 0 | 2 | 8);
    let state = if well { NodePush::Done } else { NodePush::Failed };
    let message = match (&report.refusal, &report.release) {
        (Some(refused), _) => format!("{}: {}", refused.code, refused.message),
        (None, None) => "nothing was applied".to_owned(),
        (None, Some(release)) => format!(
            "release {}: {} resources, {} changed, {} failed, {} pending",
            release.seq,
            counts.total,
            counts.changed,
            counts.failed,
            if report.noop { counts.out_of_sync } else { 0 },
        ),
    };
    TriggerState { state, message }
}

#[cfg(test)]
mod tests;
