//! The right edge of a log: all that is needed to append to it and to know its root.

use super::tile::{FULL, Tile};
use crate::model::{Checkpoint, Digest};
use crate::signing::document::Hash;
use crate::signing::tree::tree_root;

/// The hashes of the last, incomplete tile of each level.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    levels: Vec<Vec<Hash>>,
}

impl Edge {
    /// Number of entries so far.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Hashes of the entries behind the last complete tile of them.
    #[must_use]
    pub fn leaves(&self) -> &[Hash] {
        self.levels.first().map_or(&[], Vec::as_slice)
    }

    /// Appends an entry by its hash. Tiles that became complete with it are handed to `complete`.
    pub fn append(&mut self, leaf: Hash, mut complete: impl FnMut(Tile, Vec<u8>)) {
        self.size += 1;
        let mut hash = leaf;
        for level in 0..=7_u8 {
            let at = usize::from(level);
            if self.levels.len() == at {
                self.levels.push(Vec::new());
            }
            let Some(hashes) = self.levels.get_mut(at) else { return };
            hashes.push(hash);
            if hashes.len() < usize::from(FULL) {
                return;
            }
            let full = std::mem::take(hashes);
            let index = (self.size >> (8 * (u32::from(level) + 1))) - 1;
            complete(Tile { level: Some(level), index, width: FULL }, bytes(&full));
            hash = tree_root(&full);
        }
    }

    /// The incomplete tiles.
    pub fn partial(&self) -> impl Iterator<Item = (Tile, Vec<u8>)> {
        self.levels.iter().zip(0_u8..).filter_map(|(hashes, level)| {
            let index = self.size >> (8 * (u32::from(level) + 1));
            let width = u16::try_from(hashes.len()).ok().filter(|width| *width > 0)?;
            Some((Tile { level: Some(level), index, width }, bytes(hashes)))
        })
    }

    /// Size and root; `None` of an empty log.
    #[must_use]
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        let mut root: Option<Hash> = None;
        for hashes in &self.levels {
            // What the lower levels hold is the one, smaller part behind the complete ones.
            let parts: Vec<Hash> = hashes.iter().copied().chain(root).collect();
            root = if parts.is_empty() { None } else { Some(tree_root(&parts)) };
        }
        root.map(|root| Checkpoint { size: self.size, root: Digest::from_bytes(root.0) })
    }
}

fn bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}
