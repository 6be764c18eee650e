//! Revocations: a key that says of itself that nothing signed with it counts any longer (C.3).
//!
//! Nobody else needs to agree, and it can only take away. Revocations stand in the lists of withdrawals, which only
//! grow and which every timestamp names: whoever holds one back has to hold the timestamp back, too.

use super::document::{self, Document, Envelope, RepoId};
use super::key::PublicKey;
use super::refusal::Refusal;
use super::root::Root;
use super::sshsig::Signature;
use super::verified::{MAX_SIGNATURES, Requirement, Verified};
use crate::model::{Stamp, canonical};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Takes a key out of use for good. The order of the fields is the order of the bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// Always `revoke`.
    #[serde(rename = "type")]
    pub document: String,
    /// Version of the format: 1.
    pub v: u32,
    /// The repository.
    pub repo: RepoId,
    /// The key, as an OpenSSH public key line without a comment.
    pub key: String,
    /// When.
    pub created: Stamp,
    /// Why.
    pub reason: String,
}

impl Revocation {
    /// The canonical bytes: what is signed.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        canonical::encode(self)
    }
}

impl Document for Revocation {
    type Raw = Self;
    const TYPE: &'static str = "revoke";
    const NAMESPACE: &'static str = "revoke.v1@countersign.dev";
    const MAX_BYTES: usize = 4 << 10;

    fn from_raw(raw: Self) -> Result<Self, Refusal> {
        let mut problems = document::header_problems::<Self>(&raw.document, raw.v);
        if !PublicKey::parse(&raw.key).is_ok_and(|key| key.to_line() == raw.key) {
            problems.push("its key is none in its one spelling".to_owned());
        }
        document::sound(Self::TYPE, problems)?;
        Ok(raw)
    }

    fn repo(&self) -> RepoId {
        self.repo
    }

    /// The signature of whoever owns the key. That it is by the very key is for [`verify`] to say.
    fn requirement(&self, root: &Root) -> Result<Requirement, Refusal> {
        let owner = PublicKey::parse(&self.key).ok().and_then(|key| root.principal_of(&key).cloned());
        owner.map(Requirement::signer).ok_or(Refusal::Unsigned { what: Self::TYPE })
    }
}

/// Verifies a revocation: the key that it names is in the trust root and signed it, whoever else did.
///
/// # Errors
/// When another key signed it, or nobody in the trust root did, or it is of another repository.
pub fn verify(root: &Root, envelope: &Envelope) -> Result<Verified<Revocation>, Refusal> {
    let what = Revocation::TYPE;
    document::check_size(what, Revocation::MAX_BYTES, &envelope.bytes)?;
    if envelope.signatures.len() > MAX_SIGNATURES {
        return Err(Refusal::TooManySignatures { limit: MAX_SIGNATURES, got: envelope.signatures.len() });
    }
    let by = |armored: &String| {
        let signature = Signature::parse(armored).ok()?;
        root.principal_of(signature.key())?;
        signature.verify(Revocation::NAMESPACE, &envelope.bytes, root.token()).ok()?;
        Some(signature.key().clone())
    };
    let keys: BTreeSet<PublicKey> = envelope.signatures.iter().filter_map(by).collect();
    if keys.is_empty() {
        return Err(Refusal::Unsigned { what });
    }
    let revocation: Revocation = document::read(&envelope.bytes)?;
    if revocation.repo != root.repo() {
        return Err(Refusal::Repo { what, got: revocation.repo, want: root.repo() });
    }
    let Some(key) = keys.iter().find(|key| key.to_line() == revocation.key) else {
        return Err(Refusal::OtherKey { key: revocation.key });
    };
    let owner = root.principal_of(key).cloned();
    Ok(Verified::new(revocation, &envelope.bytes, owner.into_iter().collect()))
}

#[cfg(test)]
mod tests;
