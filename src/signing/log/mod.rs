//! The transparency log: an RFC 6962 tree over everything that was signed and published, in the order in which it came.
//!
//! The server holds it and is not believed about it. Whoever has seen a checkpoint once demands that every later one
//! continues it, so that the past cannot be edited and two people cannot be shown two pasts for long. Formats are
//! those of C2SP: `tlog-tiles` for what is served, `tlog-checkpoint` and `signed-note` for what is signed. No I/O here.

mod edge;
mod entry;
pub mod note;
mod steps;
mod tile;

pub use edge::Edge;
pub use entry::{Entry, EntryKind};
pub use steps::{Step, trace};
pub use tile::{FULL, MAX_TILES, Tile, TileError, Tiles, bundle, hashes, unbundle};

use super::document::Hash;
use super::refusal::Refusal;
use super::root::{self, Root};
use super::tree::continues;
use crate::model::{Checkpoint, Digest};

/// The codes by which a node says that it was shown two histories.
pub const EQUIVOCATIONS: [&str; 4] = ["EQUIVOCATION", "TIMESTAMP_EQUIVOCATION", "LOG_FORK", "LOG_ROLLBACK"];

/// What a log is known by: the keys of the role that signs it. New keys may begin a new log, the way back after stolen
/// ones ran ahead.
#[must_use]
pub fn keeper(root: &Root) -> Digest {
    let in_role = |name| root.has_role(name, root::TIMESTAMP);
    let keys = root.principals().filter(|(name, _)| in_role(name)).flat_map(|(_, keys)| keys);
    let lines: Vec<String> = keys.map(super::PublicKey::to_line).collect();
    Digest::of(lines.join("\n").as_bytes())
}

/// What to remember of the log after a timestamp that names `got`, when `have` is the last checkpoint that was seen.
///
/// # Errors
/// When the log became shorter, or `proof` does not show that it continues what was seen (D36, D50).
pub fn follow(
    have: Option<Checkpoint>,
    got: Option<Checkpoint>,
    proof: &[Hash],
) -> Result<Option<Checkpoint>, Refusal> {
    match (have, got) {
        (None, got) => Ok(got),
        (Some(have), Some(got)) if have.size <= got.size => {
            if continues(have, got, proof) {
                Ok(Some(got))
            } else {
                Err(Refusal::LogForked { have, got })
            }
        }
        (Some(have), got) => {
            Err(Refusal::LogRolledBack { have: have.size, got: got.map_or(0, |got| got.size) })
        }
    }
}

#[cfg(test)]
mod tests;
