//! What is signed: documents with one spelling, and envelopes of bytes and signatures.
//!
//! An [`Envelope`] is not read before its signatures are verified, except through the functions
//! that say `untrusted`.

use super::refusal::Refusal;
use super::root::Root;
use super::verified::Requirement;
use crate::model::canonical;
use crate::model::digest::{hex, unhex};
use crate::model::wire::Signed;
use crate::model::{Digest, Stamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::fmt;

/// A document that people or machines sign.
pub trait Document: Sized {
    /// The fields as they are written.
    type Raw: Serialize + DeserializeOwned;
    /// The value of its `type` field.
    const TYPE: &'static str;
    /// The purpose that its signatures are made for; no two documents share one (D41).
    const NAMESPACE: &'static str;
    /// Bytes, at most (T2).
    const MAX_BYTES: usize;

    /// Checks what the fields' types cannot.
    ///
    /// # Errors
    /// When a field has a value that it may not have.
    fn from_raw(raw: Self::Raw) -> Result<Self, Refusal>;

    /// The repository that it belongs to.
    fn repo(&self) -> RepoId;

    /// Who must have signed it.
    ///
    /// # Errors
    /// When the trust root does not let anyone sign it as it is.
    fn requirement(&self, root: &Root) -> Result<Requirement, Refusal>;
}

/// The version of every document's format.
pub const V: u32 = 1;

/// Exact bytes and signatures that claim to be over them. Nothing is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The document.
    pub bytes: Vec<u8>,
    /// Armoured SSH signatures.
    pub signatures: Vec<String>,
}

impl Envelope {
    /// The digest of the bytes: what the document is called once it is verified.
    #[must_use]
    pub fn id(&self) -> Digest {
        Digest::of(&self.bytes)
    }
}

impl From<Signed> for Envelope {
    fn from(signed: Signed) -> Self {
        Self { bytes: signed.document.into_bytes(), signatures: signed.signatures }
    }
}

/// Reads a document whose signatures nobody verified: to look up what to fetch or to show what is
/// asked for, never to act on.
///
/// # Errors
/// When the bytes are no such document.
pub fn read_untrusted<T: Document>(bytes: &[u8]) -> Result<T, Refusal> {
    read(bytes)
}

/// Reads the one spelling of a document of this version.
pub(super) fn read<T: Document>(bytes: &[u8]) -> Result<T, Refusal> {
    T::from_raw(read_raw(T::TYPE, T::MAX_BYTES, bytes)?)
}

/// Reads the fields of a document of type `kind`.
pub(super) fn read_raw<R: Serialize + DeserializeOwned>(
    kind: &'static str,
    limit: usize,
    bytes: &[u8],
) -> Result<R, Refusal> {
    check_size(kind, limit, bytes)?;
    // A later version may have other fields: say that it is later, not that it is broken (D47).
    if let Ok(header) = serde_json::from_slice::<Header>(bytes)
        && (header.kind != kind || header.v != V)
    {
        return Err(Refusal::Version { want: kind, got: header.kind, v: header.v });
    }
    canonical::decode(kind, bytes).map_err(|cause| Refusal::Form { what: kind, cause })
}

pub(super) fn check_size(what: &'static str, limit: usize, bytes: &[u8]) -> Result<(), Refusal> {
    if bytes.len() > limit { Err(Refusal::TooLarge { what, limit, got: bytes.len() }) } else { Ok(()) }
}

/// What is wrong with the fields that every document begins with, if they are not those of a `T`. Further problems are
/// added to it.
pub(super) fn header_problems<T: Document>(kind: &str, v: u32) -> Vec<String> {
    let other = kind != T::TYPE || v != V;
    other.then(|| "its type or format version is another".to_owned()).into_iter().collect()
}

/// `Err` with all `problems`, if there is one.
pub(super) fn sound(what: &'static str, problems: Vec<String>) -> Result<(), Refusal> {
    if problems.is_empty() { Ok(()) } else { Err(Refusal::Malformed { what, problems }) }
}

/// When a document ends: at its expiry, but no later than `life` seconds after it was made.
pub(super) fn end(created: Stamp, expires: Stamp, life: u64) -> Stamp {
    expires.min(created.plus(i64::try_from(life).unwrap_or(i64::MAX)))
}

/// The fields that every document of every version begins with.
#[derive(Deserialize)]
struct Header {
    #[serde(rename = "type")]
    kind: String,
    v: u32,
}

/// The random number of a repository, fixed for its life: 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RepoId(Hash);

impl RepoId {
    /// Takes 32 random bytes.
    #[must_use]
    pub const fn new(random: [u8; 32]) -> Self {
        Self(Hash(random))
    }
}

impl fmt::Display for RepoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for RepoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// 32 bytes, written as 64 lower-case hexadecimal digits without a prefix.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash(pub [u8; 32]);

/// Text that is not 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not 64 lower-case hexadecimal digits", .0.escape_default())]
pub struct HashError(String);

impl TryFrom<String> for Hash {
    type Error = HashError;

    fn try_from(text: String) -> Result<Self, HashError> {
        let bytes = unhex(&text).and_then(|b| <[u8; 32]>::try_from(b).ok());
        bytes.map(Self).ok_or(HashError(text))
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.to_string()
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
