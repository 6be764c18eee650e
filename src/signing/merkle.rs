//! The tree of catalogs (RFC 6962): one leaf per node, ascending, each blinded so that a neighbour's
//! hash in a proof says nothing about the neighbour's catalog (D45).

use super::document::{self, Hash};
use super::refusal::Refusal;
use super::tree::{self, MAX_PROOF, Position, Remembered, inclusion, leaf_hash, tree_root};
use crate::model::{Digest, NodeName, canonical};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// Bytes of a leaf document, at most (T2).
pub const MAX_LEAF: usize = 16 << 10;

/// What a node gets besides its catalog: its leaf and the proof that the leaf is in the signed tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaf {
    /// Always `leaf`.
    #[serde(rename = "type")]
    pub document: String,
    /// Version of the format: 1.
    pub v: u32,
    /// The node.
    pub node: NodeName,
    /// Position among the leaves, from 0.
    pub index: u64,
    /// Number of leaves.
    pub size: u64,
    /// Digest of the catalog.
    pub catalog: Digest,
    /// Bytes of the catalog.
    pub length: u64,
    /// The node's own blind.
    pub blind: Hash,
    /// The hashes beside the way to the root, lowest first.
    pub proof: Vec<Hash>,
}

impl Leaf {
    /// Reads a leaf. It proves nothing before [`Leaf::verify`].
    ///
    /// # Errors
    /// When the bytes are no leaf.
    pub fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        let leaf: Self = document::read_raw("leaf", MAX_LEAF, bytes)?;
        if leaf.proof.len() > MAX_PROOF {
            return Err(Refusal::TooLarge { what: "proof", limit: MAX_PROOF, got: leaf.proof.len() });
        }
        Ok(leaf)
    }

    /// The canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        canonical::encode(self)
    }

    /// The hash of the leaf in the tree.
    #[must_use]
    pub fn hash(&self) -> Hash {
        Entry { node: self.node.clone(), catalog: self.catalog, length: self.length }.hash(&self.blind)
    }

    /// Checks that the leaf is in the tree with this root.
    ///
    /// # Errors
    /// When it is not.
    pub fn verify(&self, root: Digest) -> Result<(), Refusal> {
        verify_inclusion(self.hash(), Position { index: self.index, size: self.size }, &self.proof, root)
    }
}

/// A node and its catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The node.
    pub node: NodeName,
    /// Digest of the catalog.
    pub catalog: Digest,
    /// Bytes of the catalog.
    pub length: u64,
}

impl Entry {
    fn hash(&self, blind: &Hash) -> Hash {
        let Self { node, catalog, length } = self;
        leaf_hash(format!("leaf.v1\n{node}\n{}\n{length}\n{blind}\n", catalog.hex()).as_bytes())
    }
}

/// All leaves of a release, in ascending order of their nodes.
#[derive(Debug, Clone)]
pub struct Leaves {
    entries: Vec<Entry>,
    blinds: Vec<Hash>,
    hashes: Vec<Hash>,
}

impl Leaves {
    /// Blinds the entries with the release's salt.
    ///
    /// # Errors
    /// When the nodes are not strictly ascending: two leaves for one node (D2).
    pub fn new(salt: &[u8; 32], entries: Vec<Entry>) -> Result<Self, Refusal> {
        if !entries.is_sorted_by(|a, b| a.node < b.node) {
            return document::sound("tree", vec!["its nodes are not in strictly ascending order".into()])
                .map(|()| Self { entries, blinds: Vec::new(), hashes: Vec::new() });
        }
        let blinds: Vec<Hash> = entries.iter().map(|entry| blind(salt, &entry.node)).collect();
        let hashes = entries.iter().zip(&blinds).map(|(entry, blind)| entry.hash(blind)).collect();
        Ok(Self { entries, blinds, hashes })
    }

    /// The root that the statement carries.
    #[must_use]
    pub fn root(&self) -> Digest {
        Digest::from_bytes(tree_root(&self.hashes).0)
    }

    /// The leaf documents, one per node.
    pub fn documents(&self) -> impl Iterator<Item = Leaf> {
        let mut tree = Remembered::new(&self.hashes);
        let size = self.entries.len() as u64;
        (0..).zip(self.entries.iter().zip(&self.blinds)).map(move |(index, (entry, blind))| Leaf {
            document: "leaf".into(),
            v: document::V,
            node: entry.node.clone(),
            index,
            size,
            catalog: entry.catalog,
            length: entry.length,
            blind: *blind,
            proof: inclusion(&mut tree, Position { index, size }).unwrap_or_else(|never| match never {}),
        })
    }
}

/// The blind of a node: known to reviewers, who have the salt, and to the node itself.
#[must_use]
pub fn blind(salt: &[u8; 32], node: &NodeName) -> Hash {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(salt).expect("32 bytes are a key");
    mac.update(node.as_str().as_bytes());
    Hash(mac.finalize().into_bytes().into())
}

/// Checks an inclusion proof of a catalog.
///
/// # Errors
/// When the leaf is not at that place of a tree with that root.
pub fn verify_inclusion(leaf: Hash, at: Position, proof: &[Hash], root: Digest) -> Result<(), Refusal> {
    if tree::includes(leaf, at, proof, root) { Ok(()) } else { Err(Refusal::Proof) }
}

#[cfg(test)]
mod tests;
