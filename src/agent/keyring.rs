//! The keys that secrets are sealed to, and opening what is sealed to them. They are made here and never leave.
//!
//! After a rotation the key before still opens, until the next rotation: releases that are on their way are sealed to
//! it. No server has a say in which key secrets are sealed to; the reviewed inventory has.

use super::disk::{Disk, DiskError};
use crate::model::{NodeName, Sealed, SealingKey, Secret, SecretName};
use crate::sealing::{OpenError, OpeningKey};
use zeroize::Zeroizing;

const KEY: &str = "sealing.key";
const BEFORE: &str = "sealing.before.key";
const CAP: u64 = 256;

/// A node's sealing keys, the one in use first.
#[derive(Debug)]
pub struct Keyring {
    node: NodeName,
    keys: Vec<OpeningKey>,
}

/// Why a node's sealing keys could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The agent's directory could not be used.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// One of the files makes no sense.
    #[error(
        "`{0}` of this agent is damaged; remove it, then `countersign agent sealing-key` makes another key, and secrets have to be sealed to that"
    )]
    Damaged(&'static str),
    /// The operating system gave no randomness.
    #[error("no randomness from the operating system: {0}")]
    Randomness(getrandom::Error),
}

/// Why a secret does not open here, and what has to be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{cause}; next: {next}")]
pub struct Unopened {
    cause: OpenError,
    next: String,
}

impl Keyring {
    /// The keys in `disk`; none where none was made yet.
    ///
    /// # Errors
    /// When one is damaged.
    pub fn load(disk: &Disk, node: &NodeName) -> Result<Self, KeyringError> {
        let mut keys = Vec::new();
        for name in [KEY, BEFORE] {
            keys.extend(read(disk, name)?);
        }
        Ok(Self { node: node.clone(), keys })
    }

    /// No keys.
    #[must_use]
    pub const fn empty(node: NodeName) -> Self {
        Self { node, keys: Vec::new() }
    }

    /// The public half of the key in use.
    #[must_use]
    pub fn public(&self) -> Option<SealingKey> {
        self.keys.first().map(OpeningKey::public)
    }

    /// Opens a sealed value of a catalog.
    ///
    /// # Errors
    /// When it is not for this node and one of its keys, or was altered or moved.
    pub fn open(&self, sealed: &Sealed) -> Result<Secret, Unopened> {
        let secret = &sealed.secret;
        if sealed.node != self.node {
            let cause = OpenError::Node { secret: secret.clone(), node: sealed.node.clone() };
            return Err(self.unopened(cause, secret));
        }
        let key = self.keys.iter().find(|key| key.public().id() == sealed.key);
        let opened = match key {
            Some(key) => key.open(sealed),
            None => Err(OpenError::Key { secret: secret.clone(), key: sealed.key }),
        };
        opened.map_err(|cause| self.unopened(cause, secret))
    }

    fn unopened(&self, cause: OpenError, secret: &SecretName) -> Unopened {
        let node = &self.node;
        let seal = format!("countersign secret seal {secret} --node {node}");
        let next = match &cause {
            OpenError::Key { .. } => {
                format!("countersign agent sealing-key; its line goes into `nodes/{node}.toml`; then {seal}")
            }
            OpenError::Node { .. } | OpenError::Altered(_) => seal,
        };
        Unopened { cause, next }
    }
}

/// Makes a sealing key where there is none, and tells the public half of the one in use.
///
/// # Errors
/// When it is damaged or cannot be made.
pub fn ensure(disk: &Disk) -> Result<SealingKey, KeyringError> {
    match read(disk, KEY)? {
        Some(key) => Ok(key.public()),
        None => make(disk),
    }
}

/// Makes another sealing key. The one that was in use still opens what is sealed to it; one before that does not.
///
/// # Errors
/// When a key is damaged or cannot be made.
pub fn rotate(disk: &Disk) -> Result<SealingKey, KeyringError> {
    if let Some(key) = read(disk, KEY)? {
        disk.write(BEFORE, key.to_text().as_bytes())?;
    }
    make(disk)
}

fn make(disk: &Disk) -> Result<SealingKey, KeyringError> {
    let mut randomness = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *randomness).map_err(KeyringError::Randomness)?;
    let key = OpeningKey::generate(&randomness);
    disk.write(KEY, key.to_text().as_bytes())?;
    Ok(key.public())
}

fn read(disk: &Disk, name: &'static str) -> Result<Option<OpeningKey>, KeyringError> {
    let Some(bytes) = disk.read(name, CAP)?.map(Zeroizing::new) else { return Ok(None) };
    let key = std::str::from_utf8(&bytes).ok().and_then(OpeningKey::parse);
    key.map(Some).ok_or(KeyringError::Damaged(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sealing::{Purpose, seal};

    fn sealed(key: &SealingKey, node: &str) -> Sealed {
        let (secret, node) = ("db/password".parse().unwrap(), node.parse().unwrap());
        let purpose = Purpose { site: "s", secret: &secret, node: &node };
        seal(key, &purpose, &Secret::new(b"hunter2".to_vec()), &[5; 32]).unwrap()
    }

    fn disk() -> (tempfile::TempDir, Disk, NodeName) {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::create(&dir.path().join("agent")).unwrap();
        (dir, disk, "web1".parse().unwrap())
    }

    #[test]
    fn a_key_is_made_once_and_rotated_on_request() {
        let (_dir, disk, node) = disk();
        assert_eq!(Keyring::load(&disk, &node).unwrap().public(), None);
        let first = ensure(&disk).unwrap();
        assert_eq!(ensure(&disk).unwrap(), first);
        let second = rotate(&disk).unwrap();
        let keyring = Keyring::load(&disk, &node).unwrap();
        assert_eq!(keyring.public(), Some(second));
        for key in [first, second] {
            assert_eq!(keyring.open(&sealed(&key, "web1")).unwrap().expose(), b"hunter2");
        }
        rotate(&disk).unwrap();
        assert!(Keyring::load(&disk, &node).unwrap().open(&sealed(&first, "web1")).is_err());
    }

    #[test]
    fn d30_what_does_not_open_says_what_comes_next() {
        let (_dir, disk, node) = disk();
        let other = OpeningKey::generate(&[3; 32]).public();
        let said = |sealed: &Sealed| {
            let keyring = Keyring::load(&disk, &node).unwrap();
            keyring.open(sealed).map(drop).unwrap_err().to_string()
        };
        let none = said(&sealed(&other, "web1"));
        assert!(
            none.contains("which this node does not have; next: countersign agent sealing-key"),
            "{none}"
        );
        let key = ensure(&disk).unwrap();
        let old = said(&sealed(&other, "web1"));
        assert!(
            old.contains(&other.id().hex()[..12]) && old.contains("seal db/password --node web1"),
            "{old}"
        );
        let elsewhere = said(&sealed(&key, "web2"));
        assert!(elsewhere.contains("is sealed for `web2`; next: countersign secret seal"), "{elsewhere}");
        let moved = Sealed { node: node.clone(), ..sealed(&key, "web2") };
        assert!(said(&moved).contains("does not open: it was altered"), "{}", said(&moved));
    }

    #[test]
    fn a_damaged_key_is_no_missing_key() {
        let (_dir, disk, node) = disk();
        for bytes in [&b""[..], b"x25519-private:00\n", b"\xff"] {
            disk.write(KEY, bytes).unwrap();
            assert!(matches!(Keyring::load(&disk, &node), Err(KeyringError::Damaged(KEY))));
            assert!(ensure(&disk).is_err());
        }
    }
}
