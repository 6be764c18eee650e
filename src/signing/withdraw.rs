//! Signatures taken back: a person's word that their signature on a statement no longer counts (D51), and the list of
//! everything that counts no longer, revoked keys among it.
//!
//! It can only take away. The list of an environment only grows: timestamps carry its digest, and an agent that
//! has seen an entry never forgets it.

use super::document::{self, Document, Envelope, RepoId};
use super::key::PublicKey;
use super::refusal::Refusal;
use super::revoke::{self, Revocation};
use super::root::Root;
use super::verified::{Binding, Requirement, Verified, verify_under};
use crate::model::wire::Signed;
use crate::model::{Digest, EnvName, Principal, Stamp, canonical};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Takes back one person's signature on one release statement. The order of the fields is the order of the bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withdrawal {
    /// Always `withdraw`.
    #[serde(rename = "type")]
    pub document: String,
    /// Version of the format: 1.
    pub v: u32,
    /// The repository.
    pub repo: RepoId,
    /// The environment of the statement.
    pub environment: EnvName,
    /// Digest of the statement.
    pub release: Digest,
    /// Whose signature.
    pub by: Principal,
    /// When.
    pub created: Stamp,
    /// Why.
    pub reason: String,
}

impl Withdrawal {
    /// The canonical bytes: what is signed.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        canonical::encode(self)
    }
}

impl Document for Withdrawal {
    type Raw = Self;
    const TYPE: &'static str = "withdraw";
    const NAMESPACE: &'static str = "withdraw.v1@countersign.dev";
    const MAX_BYTES: usize = 4 << 10;

    fn from_raw(raw: Self) -> Result<Self, Refusal> {
        document::sound(Self::TYPE, document::header_problems::<Self>(&raw.document, raw.v))?;
        Ok(raw)
    }

    fn repo(&self) -> RepoId {
        self.repo
    }

    /// Nobody takes back the signature of somebody else.
    fn requirement(&self, _root: &Root) -> Result<Requirement, Refusal> {
        Ok(Requirement::signer(self.by.clone()))
    }
}

impl Binding for Withdrawal {}

/// All withdrawals of an environment and all revocations of keys, oldest first, as they are published: a canonical
/// JSON list. What is in it is believed entry by entry, see [`Withdrawals::in_force`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Withdrawals {
    entries: Vec<Signed>,
}

impl Withdrawals {
    /// Bytes of a list, at most: room for a few hundred withdrawals.
    pub const MAX_BYTES: usize = 1 << 20;

    /// Reads a published list.
    ///
    /// # Errors
    /// When it is too long or not in its one spelling.
    pub fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        const WHAT: &str = "list of withdrawals";
        document::check_size(WHAT, Self::MAX_BYTES, bytes)?;
        let entries = canonical::decode(WHAT, bytes).map_err(|cause| Refusal::Form { what: WHAT, cause })?;
        Ok(Self { entries })
    }

    /// The bytes that are published.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        canonical::encode(&self.entries)
    }

    /// What timestamps call this list by; `None` while it is empty.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        (!self.entries.is_empty()).then(|| Digest::of(&self.encode()))
    }

    /// The list with one more entry, which the caller has verified; unchanged if it is there already.
    #[must_use]
    pub fn with(mut self, entry: Signed) -> Self {
        if !self.entries.contains(&entry) {
            self.entries.push(entry);
        }
        self
    }

    /// Whether it is `older` with nothing or something appended.
    #[must_use]
    pub fn continues(&self, older: &Self) -> bool {
        self.entries.starts_with(&older.entries)
    }

    /// Whether every entry of `older` that somebody in `root` signed is still there. What nobody signed does not bind:
    /// or whoever once had the timestamp key could append such an entry, and no honest list would ever do again.
    #[must_use]
    pub fn keeps(&self, older: &Self, root: &Root) -> bool {
        let signed = |entry: &Signed| Taken::read(root, entry).is_some();
        let mut missing = older.entries.iter().filter(|entry| !self.entries.contains(entry));
        !missing.any(signed)
    }

    /// The entries, oldest first. Nothing about them is verified.
    pub fn entries(&self) -> impl Iterator<Item = &Signed> {
        self.entries.iter()
    }

    /// The revocations of keys that `root` knows, oldest first.
    #[must_use]
    pub fn revocations(&self, root: &Root) -> Vec<Verified<Revocation>> {
        let verify = |entry: &Signed| revoke::verify(root, &Envelope::from(entry.clone())).ok();
        self.entries.iter().filter_map(verify).collect()
    }

    /// The withdrawals of people and the revocations of keys that `root` knows. What anybody else put into the list
    /// counts for nothing, and spoils nothing.
    #[must_use]
    pub fn in_force(&self, root: &Root) -> Withdrawn {
        let mut withdrawn = Withdrawn::none();
        for taken in self.entries.iter().filter_map(|entry| Taken::read(root, entry)) {
            match taken {
                Taken::Signature(from, by) => {
                    withdrawn.signatures.entry(from).or_default().insert(by);
                }
                Taken::Key(key) => {
                    withdrawn.keys.insert(key);
                }
            }
        }
        withdrawn
    }
}

/// What an entry of the list takes away.
enum Taken {
    /// The signature of somebody on a statement.
    Signature(Digest, Principal),
    /// Everything that a key ever signed.
    Key(PublicKey),
}

impl Taken {
    /// `None` for what nobody in `root` signed. A revoked key still takes away: that is all that its owner can lose by it.
    fn read(root: &Root, entry: &Signed) -> Option<Self> {
        let envelope = Envelope::from(entry.clone());
        let withdrawal: Result<Verified<Withdrawal>, Refusal> = verify_under(root, &envelope);
        if let Ok(withdrawal) = withdrawal {
            return Some(Self::Signature(withdrawal.release, withdrawal.by.clone()));
        }
        let revocation = revoke::verify(root, &envelope).ok()?;
        PublicKey::parse(&revocation.key).ok().map(Self::Key)
    }
}

/// What counts nowhere any longer: signatures that were taken back, by statement, and keys that were revoked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Withdrawn {
    signatures: BTreeMap<Digest, BTreeSet<Principal>>,
    keys: BTreeSet<PublicKey>,
}

impl Withdrawn {
    /// Nobody took anything back: for whoever asks what signatures said when they were made.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Whether a key was revoked.
    #[must_use]
    pub fn revokes(&self, key: &PublicKey) -> bool {
        self.keys.contains(key)
    }

    /// Who took back their signature on this statement, ascending.
    pub fn from(&self, statement: Digest) -> impl Iterator<Item = &Principal> {
        self.signatures.get(&statement).into_iter().flatten()
    }
}

#[cfg(test)]
mod tests;
