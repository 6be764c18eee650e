//! The Merkle tree of RFC 6962: over the catalogs of a release, and over the entries of the log.
//!
//! Proofs are made from hashes of ranges, wherever those come from, and are checked without any of them.

use super::document::Hash;
use crate::model::{Checkpoint, Digest};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::convert::Infallible;
use std::ops::Range;

/// Hashes of a proof, at most (T2).
pub const MAX_PROOF: usize = 64;

/// Hash of a leaf's bytes.
#[must_use]
pub fn leaf_hash(bytes: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update([0]).chain_update(bytes).finalize().into())
}

/// Root of the tree over leaf hashes.
#[must_use]
pub fn tree_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash(Sha256::digest(b"").into()),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(tree_root(left), tree_root(right))
        }
    }
}

/// Where the hashes of ranges of leaves come from.
pub trait Ranges {
    /// Why a hash cannot be had.
    type Error;

    /// The root of the tree over the leaves of `range`, which is one of those that a proof consists of.
    ///
    /// # Errors
    /// When it cannot be had.
    fn root(&mut self, range: Range<u64>) -> Result<Hash, Self::Error>;
}

/// All leaf hashes, and every root computed anew: the definition, for tests.
#[cfg(test)]
impl Ranges for &[Hash] {
    type Error = Infallible;

    fn root(&mut self, range: Range<u64>) -> Result<Hash, Infallible> {
        let at = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        Ok(tree_root(self.get(at(range.start)..at(range.end)).unwrap_or_default()))
    }
}

/// All leaf hashes, at hand, with the roots that were computed before: the proofs of all leaves share them.
#[derive(Debug)]
pub struct Remembered<'a> {
    leaves: &'a [Hash],
    roots: HashMap<(usize, usize), Hash>,
}

impl<'a> Remembered<'a> {
    /// Remembers nothing yet.
    #[must_use]
    pub fn new(leaves: &'a [Hash]) -> Self {
        Self { leaves, roots: HashMap::new() }
    }

    fn subtree(&mut self, low: usize, high: usize) -> Hash {
        if let Some(root) = self.roots.get(&(low, high)) {
            return *root;
        }
        let root = match self.leaves.get(low..high).unwrap_or_default() {
            leaves @ ([] | [_]) => return tree_root(leaves),
            leaves => {
                let middle = low + leaves.len().next_power_of_two() / 2;
                node_hash(self.subtree(low, middle), self.subtree(middle, high))
            }
        };
        self.roots.insert((low, high), root);
        root
    }
}

impl Ranges for Remembered<'_> {
    type Error = Infallible;

    fn root(&mut self, range: Range<u64>) -> Result<Hash, Infallible> {
        let at = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        Ok(self.subtree(at(range.start), at(range.end)))
    }
}

/// Where a leaf is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// From 0.
    pub index: u64,
    /// Number of leaves.
    pub size: u64,
}

/// The proof that a leaf is in a tree (RFC 6962, section 2.1.1), lowest hash first; empty when there is no such leaf.
///
/// # Errors
/// When a hash cannot be had.
pub fn inclusion<T: Ranges>(tree: &mut T, at: Position) -> Result<Vec<Hash>, T::Error> {
    let (mut low, mut high, mut path) = (0, at.size, Vec::new());
    while at.index < at.size && high - low > 1 {
        let middle = low + split(high - low);
        if at.index < middle {
            path.push(tree.root(middle..high)?);
            high = middle;
        } else {
            path.push(tree.root(low..middle)?);
            low = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// The proof that a tree of `size` leaves continues the one over its first `from` (RFC 6962, section 2.1.2); empty when
/// `from` is nought or not below `size`.
///
/// # Errors
/// When a hash cannot be had.
pub fn consistency<T: Ranges>(tree: &mut T, from: u64, size: u64) -> Result<Vec<Hash>, T::Error> {
    if from == 0 || from >= size {
        return Ok(Vec::new());
    }
    let (mut low, mut high, mut path) = (0, size, Vec::new());
    while from != high {
        let middle = low + split(high - low);
        if from <= middle {
            path.push(tree.root(middle..high)?);
            high = middle;
        } else {
            path.push(tree.root(low..middle)?);
            low = middle;
        }
    }
    // The whole old tree is what the verifier has already; a part of it is not.
    if low > 0 {
        path.push(tree.root(low..high)?);
    }
    path.reverse();
    Ok(path)
}

/// Whether the proof shows the leaf at that place of a tree with that root (RFC 9162, section 2.1.3.2).
#[must_use]
pub fn includes(leaf: Hash, at: Position, proof: &[Hash], root: Digest) -> bool {
    if at.index >= at.size || proof.len() > MAX_PROOF {
        return false;
    }
    let (mut index, mut last, mut hash) = (at.index, at.size - 1, leaf);
    for sibling in proof {
        if last == 0 {
            return false;
        }
        if index & 1 == 1 || index == last {
            hash = node_hash(*sibling, hash);
            while index & 1 == 0 && index != 0 {
                (index, last) = (index >> 1, last >> 1);
            }
        } else {
            hash = node_hash(hash, *sibling);
        }
        (index, last) = (index >> 1, last >> 1);
    }
    last == 0 && hash.0 == *root.as_bytes()
}

/// Whether the proof shows that the tree `new` begins with all leaves of the tree `old`, in their order (RFC 9162,
/// section 2.1.4.2).
#[must_use]
pub fn continues(old: Checkpoint, new: Checkpoint, proof: &[Hash]) -> bool {
    if old.size == new.size {
        return old.root == new.root && proof.is_empty();
    }
    if old.size == 0 || old.size > new.size || proof.len() > MAX_PROOF {
        return false;
    }
    let first = old.size.is_power_of_two().then_some(Hash(*old.root.as_bytes()));
    let mut path = first.into_iter().chain(proof.iter().copied());
    let Some(begin) = path.next().filter(|_| !proof.is_empty()) else { return false };
    let shift = (old.size - 1).trailing_ones();
    let (mut from, mut last) = ((old.size - 1) >> shift, (new.size - 1) >> shift);
    let (mut before, mut after) = (begin, begin);
    for hash in path {
        if last == 0 {
            return false;
        }
        if from & 1 == 1 || from == last {
            (before, after) = (node_hash(hash, before), node_hash(hash, after));
            while from & 1 == 0 && from != 0 {
                (from, last) = (from >> 1, last >> 1);
            }
        } else {
            after = node_hash(after, hash);
        }
        (from, last) = (from >> 1, last >> 1);
    }
    last == 0 && before.0 == *old.root.as_bytes() && after.0 == *new.root.as_bytes()
}

/// Hash of a node over two others.
#[must_use]
pub fn node_hash(left: Hash, right: Hash) -> Hash {
    Hash(Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0).finalize().into())
}

/// The largest power of two below `count`, which is at least 2.
const fn split(count: u64) -> u64 {
    1 << (count - 1).ilog2()
}

#[cfg(test)]
mod tests;
