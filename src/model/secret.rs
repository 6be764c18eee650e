//! Secrets as everybody but their node sees them: public sealing keys and sealed values. And [`Secret`], what the
//! node sees, which no text, report or document can hold.

use super::digest::{hex, unhex};
use super::{Digest, NodeName, SecretName};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroizing;

/// Bytes of a secret, at most.
pub const MAX_SECRET: usize = 64 << 10;
/// The length of a secret is told in steps of so many bytes.
pub const STEP: usize = 64;
/// Bytes before a secret that say how long it is.
pub const HEAD: usize = 4;
/// Bytes by which sealing makes a secret longer: an encapsulated key and a tag.
const GROWTH: usize = 32 + 16;

/// The public half of a node's X25519 key, to which secrets are sealed. Written `x25519:<64 hex>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SealingKey([u8; 32]);

/// Text that is no sealing key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no sealing key: `x25519:` and 64 lower-case hexadecimal digits", .0.escape_default())]
pub struct SealingKeyError(String);

impl SealingKey {
    /// Takes the 32 bytes of a public key (RFC 7748).
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The SHA-256 of the 32 bytes: what sealed values name their key by.
    #[must_use]
    pub fn id(&self) -> Digest {
        Digest::of(&self.0)
    }
}

impl std::str::FromStr for SealingKey {
    type Err = SealingKeyError;

    fn from_str(text: &str) -> Result<Self, SealingKeyError> {
        let bytes = text.strip_prefix("x25519:").and_then(unhex).and_then(|b| b.try_into().ok());
        bytes.map(Self).ok_or_else(|| SealingKeyError(text.to_owned()))
    }
}

impl fmt::Display for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "x25519:{}", hex(&self.0))
    }
}

/// A secret as a catalog holds it: encrypted to one node's key, bound to site, name, node and key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// The name of the site that it belongs to.
    pub site: String,
    /// The name of the secret.
    pub secret: SecretName,
    /// The node that can open it.
    pub node: NodeName,
    /// The [id](SealingKey::id) of the key that it is sealed to.
    pub key: Digest,
    /// The encrypted bytes in base64.
    pub text: String,
}

impl fmt::Display for Sealed {
    /// `sealed(db/password, key web1.example@0123456789ab, sha256:0123456789ab)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { secret, node, .. } = self;
        let content = Digest::of(&super::canonical::encode(self));
        write!(f, "sealed({secret}, key {node}@{}, sha256:{})", short(self.key), short(content))
    }
}

/// Whether a text has the form of the encrypted bytes of a [`Sealed`]. Only the node can tell whether it is one.
#[must_use]
pub fn has_form(text: &str) -> bool {
    let most = (HEAD + MAX_SECRET).next_multiple_of(STEP) + GROWTH;
    STANDARD.decode(text).is_ok_and(|bytes| {
        let length = bytes.len();
        (STEP + GROWTH..=most).contains(&length) && (length - GROWTH).is_multiple_of(STEP)
    })
}

/// The first 12 digits of a digest, for people.
#[must_use]
pub fn short(digest: Digest) -> String {
    digest.hex().chars().take(12).collect()
}

/// The data file that holds a secret's sealed values: `data/secrets/<name>.toml`.
#[must_use]
pub fn data_file(secret: &SecretName) -> String {
    format!("{DATA}{secret}.toml")
}

/// The secret whose sealed values the data file at `path` holds; `None` when it has no such name.
#[must_use]
pub fn of_data_file(path: &str) -> Option<SecretName> {
    path.strip_prefix(DATA)?.strip_suffix(".toml")?.parse().ok()
}

/// The folder of the data files of secrets.
pub const DATA: &str = "data/secrets/";

/// The bytes of an opened secret. They are wiped when it is dropped.
///
/// It has no text form and cannot be serialized, so that it gets into no log, report or document:
///
/// ```compile_fail
/// let secret = countersign::model::Secret::new(b"hunter2".to_vec());
/// println!("{secret}");
/// ```
///
/// ```compile_fail
/// let secret = countersign::model::Secret::new(b"hunter2".to_vec());
/// let text = serde_json::to_string(&secret);
/// ```
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes over the bytes of a secret.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes. Whoever asks for them sees to it that they go nowhere but into the place that they are for.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d30_an_opened_secret_has_no_text() {
        let secret = Secret::new(b"hunter2".to_vec());
        assert_eq!(format!("{secret:?} {secret:#?}"), "Secret(…) Secret(…)");
    }

    #[test]
    fn a_sealing_key_has_one_spelling() {
        let key = SealingKey::from_bytes([0xab; 32]);
        assert_eq!(key.to_string().parse(), Ok(key));
        let text = key.to_string();
        for bad in ["", "x25519:", &text[..70], &text.to_uppercase(), &format!("{text} ")] {
            assert!(bad.parse::<SealingKey>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_secret_has_one_file() {
        let name: SecretName = "db/password".parse().unwrap_or_else(|e| unreachable!("{e}"));
        assert_eq!(data_file(&name), "data/secrets/db/password.toml");
        assert_eq!(of_data_file("data/secrets/db/password.toml"), Some(name));
        for bad in ["data/common.toml", "data/secrets/.toml", "data/secrets/a//b.toml", "data/secrets/a.json"]
        {
            assert_eq!(of_data_file(bad), None, "{bad}");
        }
    }
}
