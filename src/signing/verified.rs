//! Verifying and counting, in one place: whose signatures are valid, and whether they are enough.
//!
//! ```compile_fail
//! // Proof cannot be made up …
//! use countersign::model::Digest;
//! use countersign::signing::{Release, Verified};
//! fn forge(value: Release, id: Digest) -> Verified<Release> {
//!     Verified { value, id, bytes: vec![], signers: vec![] }
//! }
//! ```
//!
//! ```
//! // … nor be read from a file, although what it is about can …
//! fn readable<T: serde::de::DeserializeOwned>() {}
//! readable::<countersign::signing::Release>();
//! ```
//!
//! ```compile_fail
//! fn readable<T: serde::de::DeserializeOwned>() {}
//! readable::<countersign::signing::Verified<countersign::signing::Release>>();
//! ```
//!
//! ```compile_fail
//! // … nor appear by default.
//! fn defaulted<T: Default>() {}
//! defaulted::<countersign::signing::Verified<countersign::signing::Release>>();
//! ```

use super::document::{self, Document, Envelope};
use super::refusal::{Missing, Refusal};
use super::root::Root;
use super::sshsig::Signature;
use super::withdraw::Withdrawn;
use crate::model::{Digest, Principal, RoleName};
use std::collections::BTreeSet;
use std::ops::Deref;

/// Signatures on one document, at most.
pub const MAX_SIGNATURES: usize = 64;

/// A document that the required people signed. Made by [`verify`] and by walking trust roots only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<T> {
    value: T,
    id: Digest,
    bytes: Vec<u8>,
    signers: Vec<Principal>,
}

impl<T> Verified<T> {
    pub(super) fn new(value: T, bytes: &[u8], signers: Vec<Principal>) -> Self {
        Self { value, id: Digest::of(bytes), bytes: bytes.to_vec(), signers }
    }

    /// The digest of the signed bytes.
    #[must_use]
    pub const fn id(&self) -> Digest {
        self.id
    }

    /// The signed bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Who signed, ascending, without authors and without strangers.
    #[must_use]
    pub fn signers(&self) -> &[Principal] {
        &self.signers
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// Whose signatures a document needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    roles: BTreeSet<RoleName>,
    by: Option<Principal>,
    excluded: BTreeSet<Principal>,
}

impl Requirement {
    /// The thresholds of all these roles. There must be one at least, or nothing is ever enough.
    #[must_use]
    pub fn roles(roles: impl IntoIterator<Item = RoleName>) -> Self {
        Self { roles: roles.into_iter().collect(), by: None, excluded: BTreeSet::new() }
    }

    /// The signature of this person.
    #[must_use]
    pub fn signer(name: Principal) -> Self {
        Self { roles: BTreeSet::new(), by: Some(name), excluded: BTreeSet::new() }
    }

    /// Besides, the thresholds of these roles.
    #[must_use]
    pub fn and_roles(mut self, roles: impl IntoIterator<Item = RoleName>) -> Self {
        self.roles.extend(roles);
        self
    }

    /// Does not count the signatures of these people (D8).
    #[must_use]
    pub fn without(mut self, people: impl IntoIterator<Item = Principal>) -> Self {
        self.excluded.extend(people);
        self
    }
}

/// How far the signatures on a document go.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Tally {
    /// They are enough.
    pub met: bool,
    /// Who signed and counts, ascending.
    pub signed: Vec<Principal>,
    /// What is missing.
    pub missing: Vec<Missing>,
    /// Authors who signed; their signatures do not count.
    pub authors: Vec<Principal>,
    /// Who signed and took it back; their signatures do not count either.
    pub withdrawn: Vec<Principal>,
}

/// A document whose signatures nobody takes back one by one. Release statements are none: those are verified by
/// [`super::release::verify`].
pub trait Binding: Document {}

/// Verifies the signatures on `envelope`, reads it, and checks that they are enough for what it is. Keys that were
/// revoked do not count.
///
/// # Errors
/// When anything about signatures, spelling, repository or content is not as it must be.
pub fn verify<T: Binding>(
    root: &Verified<Root>,
    withdrawn: &Withdrawn,
    envelope: &Envelope,
) -> Result<Verified<T>, Refusal> {
    examine(root, withdrawn, envelope)
}

/// The same where revoked keys count: for what can only take away, and for trust roots that were in force before.
pub(super) fn verify_under<T: Binding>(root: &Root, envelope: &Envelope) -> Result<Verified<T>, Refusal> {
    examine(root, &Withdrawn::none(), envelope)
}

/// Verifies a document of any kind; signatures that were taken back do not count.
pub(super) fn examine<T: Document>(
    root: &Root,
    withdrawn: &Withdrawn,
    envelope: &Envelope,
) -> Result<Verified<T>, Refusal> {
    document::check_size(T::TYPE, T::MAX_BYTES, &envelope.bytes)?;
    let valid = valid_signers::<T>(root, withdrawn, envelope)?;
    if valid.is_empty() {
        let by: Vec<Principal> =
            valid_signers::<T>(root, &Withdrawn::none(), envelope)?.into_iter().collect();
        let what = T::TYPE;
        return Err(if by.is_empty() { Refusal::Unsigned { what } } else { Refusal::Revoked { what, by } });
    }
    let value: T = document::read(&envelope.bytes)?;
    if value.repo() != root.repo() {
        return Err(Refusal::Repo { what: T::TYPE, got: value.repo(), want: root.repo() });
    }
    let requirement = value.requirement(root)?;
    let tally = count(root, &valid, withdrawn.from(envelope.id()), &requirement);
    if !tally.met {
        let with_revoked = valid_signers::<T>(root, &Withdrawn::none(), envelope)?;
        return Err(shortfall::<T>(root, (&valid, &with_revoked), &requirement, tally));
    }
    Ok(Verified::new(value, &envelope.bytes, tally.signed))
}

/// How far the signatures of `envelope` go towards `requirement`.
pub(super) fn tally<T: Document>(
    root: &Root,
    withdrawn: &Withdrawn,
    envelope: &Envelope,
    requirement: &Requirement,
) -> Result<Tally, Refusal> {
    let valid = valid_signers::<T>(root, withdrawn, envelope)?;
    Ok(count(root, &valid, withdrawn.from(envelope.id()), requirement))
}

/// The people of the trust root with a valid signature by a key that was not revoked, each once however often they
/// signed.
///
/// A signature that is not valid is left out instead of refused: whoever carries the signatures could
/// otherwise spoil a release by adding one.
fn valid_signers<T: Document>(
    root: &Root,
    withdrawn: &Withdrawn,
    Envelope { bytes, signatures }: &Envelope,
) -> Result<BTreeSet<Principal>, Refusal> {
    if signatures.len() > MAX_SIGNATURES {
        return Err(Refusal::TooManySignatures { limit: MAX_SIGNATURES, got: signatures.len() });
    }
    let signer = |armored: &String| {
        let signature = Signature::parse(armored).ok()?;
        let principal = root.principal_of(signature.key())?;
        if withdrawn.revokes(signature.key()) {
            return None;
        }
        signature.verify(T::NAMESPACE, bytes, root.token()).ok()?;
        Some(principal.clone())
    };
    Ok(signatures.iter().filter_map(signer).collect())
}

/// The one counter: distinct people, authors and whoever took it back left out, every role's threshold.
fn count<'a>(
    root: &Root,
    valid: &BTreeSet<Principal>,
    withdrawn: impl IntoIterator<Item = &'a Principal>,
    requirement: &Requirement,
) -> Tally {
    let mut counted: BTreeSet<&Principal> = valid.difference(&requirement.excluded).collect();
    let withdrawn = withdrawn.into_iter().filter(|name| counted.remove(name)).cloned().collect();
    let missing: Vec<Missing> = requirement
        .roles
        .iter()
        .filter_map(|name| {
            let lacking = root.role(name).map_or(usize::MAX, |role| role.lacking(&counted));
            (lacking > 0).then(|| Missing { role: name.clone(), count: lacking })
        })
        .collect();
    let asked = !requirement.roles.is_empty() || requirement.by.is_some();
    let named = requirement.by.as_ref().is_none_or(|name| counted.contains(name));
    Tally {
        met: asked && named && missing.is_empty(),
        signed: counted.into_iter().cloned().collect(),
        missing,
        authors: valid.intersection(&requirement.excluded).cloned().collect(),
        withdrawn,
    }
}

/// Names the misdeed behind a tally that is not enough.
fn shortfall<T: Document>(
    root: &Root,
    (valid, with_revoked): (&BTreeSet<Principal>, &BTreeSet<Principal>),
    requirement: &Requirement,
    tally: Tally,
) -> Refusal {
    let what = T::TYPE;
    if count(root, with_revoked, &tally.withdrawn, requirement).met {
        return Refusal::Revoked { what, by: with_revoked.difference(valid).cloned().collect() };
    }
    if let Some(named) = requirement.by.as_ref().filter(|name| !tally.signed.contains(name)) {
        return Refusal::Signer { what, named: named.clone() };
    }
    if count(root, valid, [], requirement).met {
        return Refusal::Withdrawn { what, by: tally.withdrawn };
    }
    let lenient = Requirement { excluded: BTreeSet::new(), ..requirement.clone() };
    if count(root, valid, &tally.withdrawn, &lenient).met {
        return Refusal::SelfApproval { what, authors: tally.authors };
    }
    Refusal::Threshold { what, missing: tally.missing, signed: tally.signed }
}

#[cfg(test)]
mod tests;
