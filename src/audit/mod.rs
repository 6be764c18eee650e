//! Judging a mirror of the publication, offline: everything that the server says it published, and its log.
//!
//! Layer 2. Reads files and believes none of them: the pinned digest of the first trust root is all that it starts from.

mod history;
mod mirror;
mod releases;
mod who;

pub use history::Seen;
pub use mirror::{AuditError, Mirror};
pub use releases::{Roots, roots};
pub use who::{Answer, Origin, WhoError, who};

use crate::model::{Checkpoint, Digest, EnvName, Principal};
use crate::signing::Refusal;
use crate::signing::log::EntryKind;
use std::collections::BTreeMap;

/// What came of an audit.
#[derive(Debug)]
pub struct Verdict {
    /// Version of the newest trust root.
    pub root: u64,
    /// The environments and the serial of the newest release of each.
    pub releases: Vec<(EnvName, u64)>,
    /// The log as it was signed, and by whom.
    pub log: Option<(Checkpoint, Vec<Principal>)>,
    /// How many entries it has of each sort.
    pub entries: BTreeMap<EntryKind, u64>,
    /// What should not be, in the order in which it was found.
    pub problems: Vec<Problem>,
    /// What is worth knowing and no misdeed of the server's.
    pub remarks: Vec<String>,
}

/// Something that should not be.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// A release is not as its signers would have it, or too few signed.
    #[error("release {seq} of `{env}` is refused")]
    Release {
        /// The environment.
        env: EnvName,
        /// Its serial.
        seq: u64,
        /// Why.
        #[source]
        cause: Refusal,
    },
    /// A release does not name the one before it.
    #[error("release {seq} of `{env}` does not follow the one before it")]
    Order {
        /// The environment.
        env: EnvName,
        /// Its serial.
        seq: u64,
    },
    /// A document in a row of numbers is not there.
    #[error("`{0}` is missing")]
    Missing(String),
    /// A timestamp is not as it must be.
    #[error("the timestamp of `{env}` is refused")]
    Timestamp {
        /// The environment.
        env: EnvName,
        /// Why.
        #[source]
        cause: Refusal,
    },
    /// A list of withdrawals that cannot be read, or is not the one that agents know with more in it.
    #[error("the list of withdrawals of `{0}` does not go on from the one that its timestamp names")]
    Withdrawals(EnvName),
    /// The checkpoint is not as it must be.
    #[error("the checkpoint of the log is refused")]
    Checkpoint(#[source] Refusal),
    /// An entry that is none.
    #[error("entry {n} of the log is refused")]
    Entry {
        /// Its number, from 0.
        n: u64,
        /// Why.
        #[source]
        cause: Refusal,
    },
    /// The entries are not those that were signed (D50).
    #[error("the log was signed as {signed}, and its entries make {}", match .got { Some(got) => got.to_string(), None => "none".into() })]
    Edited {
        /// What was signed.
        signed: Checkpoint,
        /// What is there.
        got: Option<Checkpoint>,
    },
    /// A tile does not hold the hashes of the entries: agents would not get their proofs.
    #[error("`log/{0}` does not hold the hashes of the entries")]
    Tile(String),
    /// The log does not continue what somebody has seen of it (D36).
    #[error("the log does not continue {seen}, which was seen as {what}: there are two histories")]
    History {
        /// Where it was seen.
        what: String,
        /// What was seen.
        seen: Checkpoint,
    },
    /// A release was proposed when the log was shorter than at the proposal of the one before (D36).
    #[error("release {seq} of `{env}` names {}, and the release before it names the log {have}", match .got { Some(got) => format!("the log {got}"), None => "no log".into() })]
    Shorter {
        /// The environment.
        env: EnvName,
        /// Its serial.
        seq: u64,
        /// What an earlier release names.
        have: Checkpoint,
        /// What it names.
        got: Option<Checkpoint>,
    },
    /// Something published is not in the log (D50).
    #[error("{0} is not in the log")]
    Unlogged(String),
    /// Two documents under one number (D36).
    #[error("{what} {number} is {}: there are two histories", .ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and "))]
    Equivocation {
        /// What sort of document.
        what: String,
        /// Their number.
        number: u64,
        /// Their digests.
        ids: Vec<Digest>,
    },
    /// Something in the log is not published.
    #[error("entry {n} of the log names {what}, which is not in this mirror")]
    Unpublished {
        /// The entry's number, from 0.
        n: u64,
        /// What it names.
        what: String,
    },
    /// Reports of a node are missing, or do not follow each other (D26).
    #[error("entry {n} of the log: report {got} of `{node}` does not follow report {have}")]
    Reports {
        /// The entry's number, from 0.
        n: u64,
        /// The node.
        node: String,
        /// The number of the one before.
        have: u64,
        /// Its own.
        got: u64,
    },
}

impl Problem {
    /// The code that tests and scripts know it by.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Release { cause, .. }
            | Self::Timestamp { cause, .. }
            | Self::Checkpoint(cause)
            | Self::Entry { cause, .. } => cause.code(),
            Self::Order { .. } => "CHAIN",
            Self::Missing(_) => "MISSING",
            Self::Withdrawals(_) => "WITHDRAWALS",
            Self::Edited { .. } => "LOG_EDITED",
            Self::Tile(_) => "LOG_TILE",
            Self::History { .. } => "LOG_FORK",
            Self::Shorter { .. } => "LOG_ROLLBACK",
            Self::Unlogged(_) => "UNLOGGED",
            Self::Equivocation { .. } => "EQUIVOCATION",
            Self::Unpublished { .. } => "UNPUBLISHED",
            Self::Reports { .. } => "REPORT_GAP",
        }
    }
}

/// Judges all of a mirror. `seen` is what others have seen of the log.
///
/// # Errors
/// When it cannot be read, or its trust roots do not follow from the pinned one: then nothing can be judged.
pub fn verify(mirror: &Mirror, roots: &Roots, seen: Vec<Seen>) -> Result<Verdict, AuditError> {
    let mut verdict = Verdict {
        root: roots.newest().version(),
        releases: Vec::new(),
        log: None,
        entries: BTreeMap::new(),
        problems: Vec::new(),
        remarks: Vec::new(),
    };
    let published = releases::judge(mirror, roots, &mut verdict)?;
    history::judge(mirror, roots, (published, seen), &mut verdict)?;
    Ok(verdict)
}

#[cfg(test)]
mod tests;
