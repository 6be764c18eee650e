//! Sealing secrets to a node's key and opening them there.
//!
//! What is sealed is bound to site, secret, node and key: moved anywhere else it does not open. Its length is told
//! in steps of 64 bytes only. Randomness is an argument; nothing here does I/O.

mod hpke;

use crate::model::digest::{hex, unhex};
use crate::model::secret::{HEAD, MAX_SECRET, STEP, short};
use crate::model::{Digest, NodeName, Sealed, SealingKey, Secret, SecretName, canonical};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hpke::WeakKey;
use serde::Serialize;
use std::fmt;
use zeroize::Zeroizing;

const TEXT: &str = "x25519-private:";

/// What a secret is sealed for.
#[derive(Debug, Clone, Copy)]
pub struct Purpose<'a> {
    /// The name of the site.
    pub site: &'a str,
    /// The name of the secret.
    pub secret: &'a SecretName,
    /// The node.
    pub node: &'a NodeName,
}

/// Why a secret cannot be sealed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// It is empty or too long.
    #[error("a secret has 1 to {MAX_SECRET} bytes, and this one has {0}")]
    Length(usize),
    /// The node's key is of no use.
    #[error(transparent)]
    Weak(#[from] WeakKey),
}

/// Why a sealed value does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It was sealed for another node.
    #[error("`{secret}` is sealed for `{node}`")]
    Node {
        /// The secret.
        secret: SecretName,
        /// The node that it is for.
        node: NodeName,
    },
    /// It was sealed to a key that this node does not have, any more or yet.
    #[error("`{secret}` is sealed to the key {}, which this node does not have", short(*.key))]
    Key {
        /// The secret.
        secret: SecretName,
        /// The key.
        key: Digest,
    },
    /// It was altered, or taken from elsewhere.
    #[error(
        "`{0}` does not open: it was altered, or sealed under another name, for another node or another site"
    )]
    Altered(SecretName),
}

/// What is signed along: HPKE's `info`.
#[derive(Serialize)]
struct Bound<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    v: u32,
    site: &'a str,
    secret: &'a SecretName,
    node: &'a NodeName,
    key: Digest,
}

impl Purpose<'_> {
    fn bound(&self, key: Digest) -> Vec<u8> {
        let Self { site, secret, node } = *self;
        canonical::encode(&Bound { kind: "sealed", v: 1, site, secret, node, key })
    }
}

/// Seals `secret` to the key of a node. `randomness` is used for this value only.
///
/// # Errors
/// When the secret is empty or too long, or the key of no use.
pub fn seal(
    key: &SealingKey,
    purpose: &Purpose<'_>,
    secret: &Secret,
    randomness: &[u8; 32],
) -> Result<Sealed, SealError> {
    let bytes = secret.expose();
    if bytes.is_empty() || bytes.len() > MAX_SECRET {
        return Err(SealError::Length(bytes.len()));
    }
    let length = u32::try_from(bytes.len()).map_err(|_| SealError::Length(bytes.len()))?;
    let whole = (HEAD + bytes.len()).next_multiple_of(STEP);
    // Room for everything from the beginning: growing would leave copies behind.
    let mut message = Zeroizing::new(Vec::with_capacity(whole));
    message.extend_from_slice(&length.to_be_bytes());
    message.extend_from_slice(bytes);
    message.resize(whole, 0);
    let id = key.id();
    let sealed = hpke::seal(key.as_bytes(), randomness, (&purpose.bound(id), b""), message)?;
    Ok(Sealed {
        site: purpose.site.to_owned(),
        secret: purpose.secret.clone(),
        node: purpose.node.clone(),
        key: id,
        text: STANDARD.encode(sealed),
    })
}

/// The private half of a node's sealing key. It is wiped when it is dropped.
pub struct OpeningKey(Zeroizing<[u8; 32]>);

impl fmt::Debug for OpeningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpeningKey({})", self.public())
    }
}

impl OpeningKey {
    /// A new key out of 32 random bytes.
    #[must_use]
    pub fn generate(randomness: &[u8; 32]) -> Self {
        Self(hpke::derive_key(randomness))
    }

    /// Reads the text of a private key.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(unhex(text.trim_end().strip_prefix(TEXT)?)?);
        Some(Self(Zeroizing::new(bytes.as_slice().try_into().ok()?)))
    }

    /// The private key as a line of text, for the agent's own directory.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        let digits = Zeroizing::new(hex(&*self.0));
        Zeroizing::new(format!("{TEXT}{}\n", *digits))
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> SealingKey {
        SealingKey::from_bytes(hpke::public(&self.0))
    }

    /// Opens a value that was sealed to this key.
    ///
    /// # Errors
    /// When it was not, or was altered, or was sealed for another site, secret or node than it says.
    pub fn open(&self, sealed: &Sealed) -> Result<Secret, OpenError> {
        let (secret, node) = (&sealed.secret, &sealed.node);
        let purpose = Purpose { site: &sealed.site, secret, node };
        let id = self.public().id();
        if id != sealed.key {
            return Err(OpenError::Key { secret: secret.clone(), key: sealed.key });
        }
        let bytes = STANDARD.decode(&sealed.text).ok();
        let message = bytes.and_then(|bytes| hpke::open(&self.0, (&purpose.bound(id), b""), &bytes));
        message.and_then(|m| unpadded(&m)).ok_or_else(|| OpenError::Altered(secret.clone()))
    }
}

fn unpadded(message: &[u8]) -> Option<Secret> {
    let (head, rest) = message.split_first_chunk::<HEAD>()?;
    let (secret, padding) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*head)).ok()?)?;
    let sound = !secret.is_empty() && padding.len() < STEP && padding.iter().all(|b| *b == 0);
    sound.then(|| Secret::new(secret.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::secret::has_form;

    fn name<T: std::str::FromStr>(text: &str) -> T
    where
        T::Err: fmt::Debug,
    {
        text.parse().unwrap()
    }

    fn sealed(key: &OpeningKey, secret: &[u8]) -> Sealed {
        let purpose = Purpose { site: "s", secret: &name("db/password"), node: &name("web1.example") };
        seal(&key.public(), &purpose, &Secret::new(secret.to_vec()), &[9; 32]).unwrap()
    }

    #[test]
    fn a_secret_comes_back_whole() {
        let key = OpeningKey::generate(&[1; 32]);
        let again = OpeningKey::parse(&key.to_text()).unwrap();
        for length in [1, 59, 60, 61, 124, 125, MAX_SECRET] {
            let secret: Vec<u8> = (0..length).map(|i| i as u8).collect();
            let sealed = sealed(&key, &secret);
            assert!(has_form(&sealed.text), "{length}");
            assert_eq!(again.open(&sealed).unwrap().expose(), secret);
        }
    }

    #[test]
    fn d30_a_value_moved_elsewhere_does_not_open() {
        let key = OpeningKey::generate(&[1; 32]);
        let good = sealed(&key, b"hunter2");
        let altered = Err(OpenError::Altered(name("db/password")));
        let open = |sealed: Sealed| key.open(&sealed).map(drop);
        assert_eq!(open(Sealed { site: "other".into(), ..good.clone() }), altered);
        assert_eq!(open(Sealed { node: name("web2.example"), ..good.clone() }), altered);
        let moved = Sealed { secret: name("db/other"), ..good.clone() };
        assert_eq!(open(moved), Err(OpenError::Altered(name("db/other"))));
        for text in ["", "!", "AAAA", &good.text[4..], &format!("{}AAAA", good.text)] {
            assert_eq!(open(Sealed { text: text.to_owned(), ..good.clone() }), altered, "{text}");
        }
        let other = OpeningKey::generate(&[2; 32]);
        let said = other.open(&good).map(drop).unwrap_err().to_string();
        assert!(said.contains("which this node does not have"), "{said}");
        assert!(other.open(&Sealed { key: other.public().id(), ..good }).is_err());
    }

    #[test]
    fn d30_a_length_is_told_in_steps_only() {
        let key = OpeningKey::generate(&[1; 32]);
        let length = |secret: &[u8]| sealed(&key, secret).text.len();
        assert_eq!(length(b"a"), length(&[b'a'; 60]));
        assert!(length(&[b'a'; 60]) < length(&[b'a'; 61]));
    }

    #[test]
    fn d30_keys_and_what_they_open_are_never_shown() {
        let key = OpeningKey::generate(&[1; 32]);
        assert_eq!(format!("{key:?}"), format!("OpeningKey({})", key.public()));
        assert!(!format!("{:?}", sealed(&key, b"hunter2")).contains("hunter2"));
    }

    #[test]
    fn nothing_and_too_much_are_not_sealed() {
        let key = OpeningKey::generate(&[1; 32]).public();
        let purpose = Purpose { site: "s", secret: &name("x"), node: &name("n") };
        for length in [0, MAX_SECRET + 1] {
            let secret = Secret::new(vec![1; length]);
            assert_eq!(seal(&key, &purpose, &secret, &[0; 32]), Err(SealError::Length(length)));
        }
    }
}
