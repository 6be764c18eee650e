//! Signatures that no honest program makes.

use super::paper::key;
use crate::verify::{armour, string};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use countersign::signing::{Document, Release, sshsig};
use ed25519_dalek::Signer as _;
use sha2::Digest as _;

const PLAIN: &[u8] = b"ssh-ed25519";
const TOKEN: &[u8] = b"sk-ssh-ed25519@openssh.com";
/// The order of the group, little-endian: S + L fits the same equation as S.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

fn token_secret() -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_bytes(&[7; 32])
}

fn token_key() -> Vec<u8> {
    [TOKEN, token_secret().verifying_key().as_bytes(), b"ssh:"].map(string).concat()
}

fn blob(key: &[u8], reserved: &[u8], signature: &[u8]) -> String {
    let parts = [key, Release::NAMESPACE.as_bytes(), reserved, b"sha512", signature].map(string);
    armour(&[b"SSHSIG\0\0\0\x01".to_vec(), parts.concat()].concat())
}

/// The public key line of harriet's token.
pub(super) fn token_line() -> String {
    format!("{} {}", String::from_utf8_lossy(TOKEN), STANDARD.encode(token_key()))
}

/// Harriet's token signs a statement and says these flags: 1 when somebody touched it.
pub(super) fn by_token(statement: &[u8], flags: u8) -> String {
    let message = sha2::Sha512::digest(statement);
    let fields = [Release::NAMESPACE.as_bytes(), b"", b"sha512", &message].map(string).concat();
    let data = [b"SSHSIG".to_vec(), fields].concat();
    let state = [&[flags][..], &9_u32.to_be_bytes()].concat();
    let data = [&sha2::Sha256::digest(b"ssh:")[..], &state, &sha2::Sha256::digest(data)].concat();
    let signature = [string(TOKEN), string(&token_secret().sign(&data).to_bytes()), state].concat();
    blob(&token_key(), b"", &signature)
}

/// The key that fits every message.
pub(super) fn identity_line() -> String {
    format!("ssh-ed25519 {}", STANDARD.encode([PLAIN, &identity()].map(string).concat()))
}

/// The one signature by it, over whatever it is.
pub(super) fn by_identity() -> String {
    let mut base_point = [0x66; 32];
    base_point[0] = 0x58;
    // R is the base point and S is 1, which is spelled as the identity is.
    let forged = [base_point, identity()].concat();
    blob(&[PLAIN, &identity()].map(string).concat(), b"", &[PLAIN, &forged].map(string).concat())
}

fn identity() -> [u8; 32] {
    let mut point = [0; 32];
    point[0] = 1;
    point
}

/// Somebody's 64 bytes over a statement, as `change` leaves them, in a signature with this reserved field.
fn bent(statement: &[u8], person: &str, reserved: &[u8], change: impl FnOnce(&mut [u8])) -> String {
    let honest = sshsig::sign(&key(person), Release::NAMESPACE, statement);
    let lines: Vec<&str> = honest.lines().filter(|line| !line.starts_with('-')).collect();
    let decoded = STANDARD.decode(lines.concat()).unwrap();
    let mut bytes = decoded[decoded.len() - 64..].to_vec();
    change(&mut bytes);
    let public = [PLAIN, key(person).public().point()].map(string).concat();
    blob(&public, reserved, &[PLAIN, &bytes].map(string).concat())
}

/// Somebody's signature with the order of the group added to its second half.
pub(super) fn with_order(statement: &[u8], person: &str) -> String {
    bent(statement, person, b"", |bytes| {
        let mut carry = 0;
        for (byte, more) in bytes[32..].iter_mut().zip(ORDER) {
            let sum = u16::from(*byte) + u16::from(more) + carry;
            [*byte, _] = sum.to_le_bytes();
            carry = sum >> 8;
        }
    })
}

/// Somebody's signature with something in the reserved field, which OpenSSH does not look at.
pub(super) fn with_reserved(statement: &[u8], person: &str) -> String {
    bent(statement, person, b"x", |_| {})
}
