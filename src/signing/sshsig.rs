//! SSH signatures (OpenSSH's `PROTOCOL.sshsig`), read and judged strictly.
//!
//! `ssh-keygen -Y verify` takes signatures that this refuses: bytes in the reserved field or behind
//! the armour, a NUL behind a name, version 0, a second S, SHA-256, weak keys, tokens that nobody
//! touched. One signature has one spelling here; `differential.rs` has the whole list and tries it.

use super::blob::{Reader, put_string};
use super::key::{KeyError, PublicKey, SigningKey};
use super::{armor, ed25519};
use sha2::{Digest as _, Sha256, Sha512};

const MAGIC: &[u8] = b"SSHSIG";
const HASH: &[u8] = b"sha512";
/// Bytes of the binary form, at most.
const MAX_BLOB: usize = 4096;
/// The token's flag for "somebody touched it".
const TOUCHED: u8 = 0x01;
/// The token's flag for "somebody proved to be its owner".
const OWNER: u8 = 0x04;

/// What a signature by a FIDO token must show. Plain keys are not concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    /// Somebody touched the token.
    Touched,
    /// Somebody touched it and entered a PIN or gave a fingerprint.
    Owner,
}

/// Why a signature does not count.
#[derive(Debug, thiserror::Error)]
pub enum SshsigError {
    /// Not the armour that OpenSSH writes.
    #[error("no SSH signature in the exact form that `ssh-keygen -Y sign` writes")]
    Armor,
    /// The armour holds something else than a signature of version 1, or something besides.
    #[error("a malformed SSH signature")]
    Form,
    /// The key inside is not acceptable.
    #[error("the signature's key is not acceptable")]
    Key(#[source] KeyError),
    /// Made for another purpose (D41).
    #[error("a signature for `{}`, not for `{want}`", .got.escape_default())]
    Namespace {
        /// What it was made for.
        got: String,
        /// What it is needed for.
        want: String,
    },
    /// Made with a hash other than SHA-512.
    #[error("a signature with another hash than sha512")]
    Hash,
    /// Made by another key than the one that was asked about.
    #[error("a signature by `{0}`, which is another key")]
    OtherKey(String),
    /// The token was not touched, or its owner did not show to be there (D39).
    #[error("the token signed without the touch or the owner's check that the trust root asks for")]
    Token,
    /// The cryptographic check failed.
    #[error("the signature does not fit")]
    Signature(#[source] ed25519::SignatureError),
}

/// A signature that has the right form. Nothing about it is verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    key: PublicKey,
    namespace: String,
    bytes: [u8; 64],
    /// Flags and counter of a token.
    token: Option<(u8, u32)>,
}

/// Signs `message` for a purpose; the same bytes as `ssh-keygen -Y sign` makes.
#[must_use]
pub fn sign(key: &SigningKey, namespace: &str, message: &[u8]) -> String {
    let public = key.public();
    let mut signature = Vec::new();
    put_string(&mut signature, public.algorithm().as_bytes());
    put_string(&mut signature, &key.sign(&signed_data(namespace, message)));
    let mut blob = MAGIC.to_vec();
    blob.extend_from_slice(&1_u32.to_be_bytes());
    put_string(&mut blob, &public.to_blob());
    put_string(&mut blob, namespace.as_bytes());
    put_string(&mut blob, b"");
    put_string(&mut blob, HASH);
    put_string(&mut blob, &signature);
    armor::encode(&blob)
}

/// Checks one armoured signature by one key.
///
/// # Errors
/// When it is not exactly that key's signature over `message` for `namespace`.
pub fn verify(key: &PublicKey, namespace: &str, message: &[u8], armored: &str) -> Result<(), SshsigError> {
    let signature = Signature::parse(armored)?;
    if signature.key != *key {
        return Err(SshsigError::OtherKey(signature.key.fingerprint()));
    }
    signature.verify(namespace, message, Token::Touched)
}

impl Signature {
    /// Reads an armoured signature.
    ///
    /// # Errors
    /// When it is anything but the one spelling of an SSH signature with an acceptable key.
    pub fn parse(armored: &str) -> Result<Self, SshsigError> {
        let blob = armor::decode(armored).filter(|b| b.len() <= MAX_BLOB).ok_or(SshsigError::Armor)?;
        let mut reader = Reader::new(&blob);
        if reader.take(MAGIC.len()) != Some(MAGIC) || reader.number() != Some(1) {
            return Err(SshsigError::Form);
        }
        let mut field = || reader.string().ok_or(SshsigError::Form);
        let (key, namespace, reserved, hash, signature) = (field()?, field()?, field()?, field()?, field()?);
        if !reader.done() || !reserved.is_empty() || namespace.is_empty() {
            return Err(SshsigError::Form);
        }
        if hash != HASH {
            return Err(SshsigError::Hash);
        }
        let key = PublicKey::from_blob(key).map_err(SshsigError::Key)?;
        let namespace = String::from_utf8(namespace.to_vec()).map_err(|_| SshsigError::Form)?;
        let (bytes, token) = inner(&key, signature).ok_or(SshsigError::Form)?;
        Ok(Self { key, namespace, bytes, token })
    }

    /// The key that claims to have signed. Whose it is, is for a trust root to say.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Checks the signature by its own key.
    ///
    /// # Errors
    /// When it was made for another purpose or other bytes, or by a token without what `token` asks for.
    pub fn verify(&self, namespace: &str, message: &[u8], token: Token) -> Result<(), SshsigError> {
        if self.namespace != namespace {
            return Err(SshsigError::Namespace { got: self.namespace.clone(), want: namespace.to_owned() });
        }
        let mut data = signed_data(namespace, message);
        if let (Some(application), Some((flags, counter))) = (self.key.application(), self.token) {
            let wanted = match token {
                Token::Touched => TOUCHED,
                Token::Owner => TOUCHED | OWNER,
            };
            if flags & wanted != wanted {
                return Err(SshsigError::Token);
            }
            data = token_data(application, flags, counter, &data);
        }
        ed25519::verify(self.key.point(), &data, &self.bytes).map_err(SshsigError::Signature)
    }
}

/// What a plain key signs: magic, purpose, an empty reserved field, hash name and hash.
fn signed_data(namespace: &str, message: &[u8]) -> Vec<u8> {
    let mut data = MAGIC.to_vec();
    put_string(&mut data, namespace.as_bytes());
    put_string(&mut data, b"");
    put_string(&mut data, HASH);
    put_string(&mut data, &Sha512::digest(message));
    data
}

/// What a token signs: OpenSSH's `PROTOCOL.u2f`.
fn token_data(application: &str, flags: u8, counter: u32, data: &[u8]) -> Vec<u8> {
    let mut out = Sha256::digest(application.as_bytes()).to_vec();
    out.push(flags);
    out.extend_from_slice(&counter.to_be_bytes());
    out.extend_from_slice(&Sha256::digest(data));
    out
}

type Inner = ([u8; 64], Option<(u8, u32)>);

/// The innermost part: the algorithm must be the key's, and nothing may follow.
fn inner(key: &PublicKey, blob: &[u8]) -> Option<Inner> {
    let mut reader = Reader::new(blob);
    if reader.string()? != key.algorithm().as_bytes() {
        return None;
    }
    let bytes = reader.string()?.try_into().ok()?;
    let token = match key.application() {
        Some(_) => Some((reader.byte()?, reader.number()?)),
        None => None,
    };
    reader.done().then_some((bytes, token))
}

#[cfg(test)]
mod differential;
#[cfg(test)]
mod tests;
