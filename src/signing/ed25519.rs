//! The one place where an Ed25519 signature is judged, stricter than RFC 8032 demands.
//!
//! Libraries disagree about odd keys and signatures: a key of small order even has signatures that
//! fit every message. Here a key must be a point of prime order and a signature must be the one
//! that an honest signer makes, so that there is one verdict everywhere (D38).

use ed25519_dalek::{Signature, VerifyingKey};
use std::cell::RefCell;

/// Sound keys that are remembered, at most.
const KNOWN: usize = 64;

thread_local! {
    /// Keys that were found sound. The same few come again in every document, and to find one sound costs more than to
    /// check a signature.
    static SOUND: RefCell<Vec<VerifyingKey>> = const { RefCell::new(Vec::new()) };
}

/// Why a key or signature is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The key bytes are no point of the curve, or not its one encoding.
    #[error("the public key is no point of the curve")]
    NoPoint,
    /// The key has small order or a torsion part: some of its signatures fit many messages.
    #[error("the public key is weak: it is not of prime order")]
    WeakKey,
    /// The signature does not belong to key and message.
    #[error("the signature does not belong to this key and message")]
    BadSignature,
}

/// Checks that a key may be used at all.
///
/// # Errors
/// When it is no point, not canonically encoded, of small order, or not free of torsion.
pub fn check_key(public_key: &[u8; 32]) -> Result<(), SignatureError> {
    sound_key(public_key).map(drop)
}

/// Checks a signature strictly.
///
/// # Errors
/// When the key is not sound or the signature is not the key's over exactly this message.
pub fn verify(public_key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> Result<(), SignatureError> {
    let key = sound_key(public_key)?;
    key.verify_strict(message, &Signature::from_bytes(signature)).map_err(|_| SignatureError::BadSignature)
}

fn sound_key(public_key: &[u8; 32]) -> Result<VerifyingKey, SignatureError> {
    let known = |keys: &Vec<VerifyingKey>| keys.iter().find(|key| key.as_bytes() == public_key).copied();
    if let Some(key) = SOUND.with_borrow(known) {
        return Ok(key);
    }
    let key = found_sound(public_key)?;
    SOUND.with_borrow_mut(|keys| {
        keys.truncate(KNOWN - 1);
        keys.push(key);
    });
    Ok(key)
}

fn found_sound(public_key: &[u8; 32]) -> Result<VerifyingKey, SignatureError> {
    let key = VerifyingKey::from_bytes(public_key).map_err(|_| SignatureError::NoPoint)?;
    let point = key.to_edwards();
    if point.compress().as_bytes() != public_key {
        return Err(SignatureError::NoPoint);
    }
    if key.is_weak() || !point.is_torsion_free() {
        return Err(SignatureError::WeakKey);
    }
    Ok(key)
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;
