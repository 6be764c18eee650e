//! Entries of the log. Each follows from one document alone, so that whoever has the document knows the entry.

use crate::model::wire::Signed;
use crate::model::{Digest, EnvName, NodeName, Principal, canonical};
use crate::signing::document::{self, Hash, V};
use crate::signing::refusal::Refusal;
use crate::signing::revoke::Revocation;
use crate::signing::tree::leaf_hash;
use crate::signing::withdraw::Withdrawal;
use serde::{Deserialize, Serialize};

/// What one line of the log says: a document with this digest exists. The order of the fields is the order of the bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Always `entry`.
    #[serde(rename = "type")]
    pub document: String,
    /// Version of the format: 1.
    pub v: u32,
    /// What sort of document.
    pub kind: EntryKind,
    /// The environment that it is about, if it is about one.
    pub environment: Option<EnvName>,
    /// The operator of a trigger, the node of a report, whose signature a withdrawal takes back.
    pub name: Option<String>,
    /// The version of a trust root, the serial of a release, the counter of a report.
    pub number: Option<u64>,
    /// Digest of the document.
    pub digest: Digest,
    /// Digest of what an approval, a waiver, a withdrawal or a ratification is about, or of the report before.
    pub of: Option<Digest>,
}

/// What sort of document an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryKind {
    /// A version of the trust root.
    Root,
    /// A release statement.
    Statement,
    /// One signature on a trust root, a release statement, a withdrawal or a revocation, as an armoured text.
    Approval,
    /// A waiver that a release contains.
    Waiver,
    /// An operator's trigger.
    Trigger,
    /// A node's report.
    Report,
    /// A person's word that their signature on a statement no longer counts.
    Withdrawal,
    /// One signature that ratifies an emergency release, as an armoured text.
    Ratification,
    /// A key that takes itself out of use.
    Revocation,
}

impl Entry {
    /// Bytes, at most.
    pub const MAX_BYTES: usize = 4 << 10;

    fn new(kind: EntryKind, digest: Digest) -> Self {
        Self {
            document: "entry".into(),
            v: V,
            kind,
            environment: None,
            name: None,
            number: None,
            digest,
            of: None,
        }
    }

    /// A version of the trust root.
    #[must_use]
    pub fn root(version: u64, id: Digest) -> Self {
        Self { number: Some(version), ..Self::new(EntryKind::Root, id) }
    }

    /// A release statement.
    #[must_use]
    pub fn statement(environment: &EnvName, seq: u64, id: Digest) -> Self {
        let environment = Some(environment.clone());
        Self { environment, number: Some(seq), ..Self::new(EntryKind::Statement, id) }
    }

    /// The entry about one signature on the document that this entry is about.
    #[must_use]
    pub fn approval(&self, armor: &str) -> Self {
        Self {
            kind: EntryKind::Approval,
            digest: Digest::of(armor.as_bytes()),
            of: Some(self.digest),
            ..self.clone()
        }
    }

    /// The entry about a waiver in the release that this entry is about.
    #[must_use]
    pub fn waiver(&self, waiver: &[u8]) -> Self {
        Self { kind: EntryKind::Waiver, digest: Digest::of(waiver), of: Some(self.digest), ..self.clone() }
    }

    /// The entry about a signature that ratifies the release that this entry is about.
    #[must_use]
    pub fn ratification(&self, armor: &str) -> Self {
        Self { kind: EntryKind::Ratification, ..self.approval(armor) }
    }

    /// A withdrawal or revocation as the list of an environment has it, and its signatures. A revocation stands in the lists
    /// of all environments, and once in the log. What is neither has an entry, too, but nobody whom it is by.
    #[must_use]
    pub fn withdrawal(environment: &EnvName, listed: &Signed) -> Vec<Self> {
        let bytes = listed.document.as_bytes();
        let entry = if document::read_untrusted::<Revocation>(bytes).is_ok() {
            Self::new(EntryKind::Revocation, Digest::of(bytes))
        } else {
            let read = document::read_untrusted::<Withdrawal>(bytes).ok();
            Self {
                environment: Some(environment.clone()),
                name: read.as_ref().map(|withdrawal| withdrawal.by.to_string()),
                of: read.map(|withdrawal| withdrawal.release),
                ..Self::new(EntryKind::Withdrawal, Digest::of(bytes))
            }
        };
        let approvals: Vec<Self> = listed.signatures.iter().map(|armor| entry.approval(armor)).collect();
        std::iter::once(entry).chain(approvals).collect()
    }

    /// A trigger.
    #[must_use]
    pub fn trigger(operator: &Principal, id: Digest) -> Self {
        Self { name: Some(operator.to_string()), ..Self::new(EntryKind::Trigger, id) }
    }

    /// A report, with the digest of the one before.
    #[must_use]
    pub fn report(node: &NodeName, counter: u64, (id, before): (Digest, Option<Digest>)) -> Self {
        let (name, number) = (Some(node.to_string()), Some(counter));
        Self { name, number, of: before, ..Self::new(EntryKind::Report, id) }
    }

    /// The canonical bytes: what the tree is over.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        canonical::encode(self)
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// When the bytes are none, or in another spelling.
    pub fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        let entry: Self = document::read_raw("entry", Self::MAX_BYTES, bytes)?;
        let plain = |name: &str| name.chars().all(|c| c.is_ascii_graphic());
        if entry.name.as_deref().is_some_and(|name| !plain(name)) {
            document::sound("entry", vec!["its name has characters that no name has".into()])?;
        }
        Ok(entry)
    }

    /// Its hash in the tree.
    #[must_use]
    pub fn hash(&self) -> Hash {
        leaf_hash(&self.encode())
    }
}
