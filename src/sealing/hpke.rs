//! Hybrid public key encryption (RFC 9180) in base mode, one message for one key: DHKEM(X25519, HKDF-SHA256),
//! HKDF-SHA256, ChaCha20-Poly1305. Curve, hash and cipher are libraries'; here is only how the RFC puts them together.

use curve25519_dalek::MontgomeryPoint;
use hmac::{Hmac, KeyInit, Mac};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Bytes of an encapsulated key, a private key and a public key.
const KEY: usize = 32;

/// "KEM" and the number of DHKEM(X25519, HKDF-SHA256), section 7.1.
const KEM: &[u8] = b"KEM\x00\x20";
/// "HPKE" and the numbers of KEM, KDF and AEAD, section 5.1.
const SUITE: &[u8] = b"HPKE\x00\x20\x00\x01\x00\x03";

/// Bytes that have to be kept to oneself.
type Hidden = Zeroizing<[u8; KEY]>;

/// A key of no use: multiplied with any other it gives nought (section 7.1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealing key is a point of small order, to which nothing can be sealed")]
pub struct WeakKey;

/// The public key of a private one.
pub(super) fn public(private: &[u8; KEY]) -> [u8; KEY] {
    MontgomeryPoint::mul_base_clamped(*private).to_bytes()
}

/// A private key out of 32 random bytes (`DeriveKeyPair`, section 7.1.3).
pub(super) fn derive_key(randomness: &[u8; KEY]) -> Hidden {
    let extracted = extract(KEM, &[], b"dkp_prk", &[randomness]);
    expand(KEM, &extracted, b"sk", &[])
}

/// Encrypts a message: the encapsulated key, then the ciphertext (`SealBase`, section 6.1). `randomness` is used
/// for this message only.
///
/// # Errors
/// When `recipient` is a key of no use.
pub(super) fn seal(
    recipient: &[u8; KEY],
    randomness: &[u8; KEY],
    (info, aad): (&[u8], &[u8]),
    message: Zeroizing<Vec<u8>>,
) -> Result<Vec<u8>, WeakKey> {
    let own = derive_key(randomness);
    let encapsulated = public(&own);
    let shared = shared(&own, recipient, (&encapsulated, recipient)).ok_or(WeakKey)?;
    let (key, nonce) = schedule(&shared, info).ok_or(WeakKey)?;
    let mut message = message;
    let tag = key.seal_in_place_separate_tag(nonce, Aad::from(aad), &mut message).map_err(|_| WeakKey)?;
    Ok([&encapsulated[..], &message, tag.as_ref()].concat())
}

/// Decrypts what [`seal`] made; `None` when it was made for another key, another `info` or `aad`, or was altered.
pub(super) fn open(
    private: &[u8; KEY],
    (info, aad): (&[u8], &[u8]),
    sealed: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let (encapsulated, ciphertext) = sealed.split_first_chunk::<KEY>()?;
    let shared = shared(private, encapsulated, (encapsulated, &public(private)))?;
    let (key, nonce) = schedule(&shared, info)?;
    let mut message = Zeroizing::new(ciphertext.to_vec());
    let length = key.open_in_place(nonce, Aad::from(aad), &mut message).ok()?.len();
    message.truncate(length);
    Some(message)
}

/// What both sides know (`Encap` and `Decap`, section 4.1); `None` when it would be nought.
fn shared(
    private: &[u8; KEY],
    other: &[u8; KEY],
    (encapsulated, recipient): (&[u8; KEY], &[u8; KEY]),
) -> Option<Hidden> {
    let point = Zeroizing::new(MontgomeryPoint(*other).mul_clamped(*private).to_bytes());
    if *point == [0; KEY] {
        return None;
    }
    let extracted = extract(KEM, &[], b"eae_prk", &[&*point]);
    Some(expand(KEM, &extracted, b"shared_secret", &[encapsulated, recipient]))
}

/// Key and nonce of the one message (`KeySchedule` in base mode, section 5.1).
fn schedule(shared: &[u8; KEY], info: &[u8]) -> Option<(LessSafeKey, Nonce)> {
    let nobody = extract(SUITE, &[], b"psk_id_hash", &[]);
    let info = extract(SUITE, &[], b"info_hash", &[info]);
    let context: [&[u8]; 3] = [&[0], &*nobody, &*info];
    let secret = extract(SUITE, shared, b"secret", &[]);
    let key: Hidden = expand(SUITE, &secret, b"key", &context);
    let nonce: Zeroizing<[u8; 12]> = expand(SUITE, &secret, b"base_nonce", &context);
    let key = UnboundKey::new(&CHACHA20_POLY1305, &*key).ok()?;
    Some((LessSafeKey::new(key), Nonce::assume_unique_for_key(*nonce)))
}

/// `LabeledExtract`, section 4.
fn extract(suite: &[u8], salt: &[u8], label: &[u8], input: &[&[u8]]) -> Hidden {
    Zeroizing::new(hash(salt, [b"HPKE-v1", suite, label].into_iter().chain(input.iter().copied())))
}

/// `LabeledExpand`, section 4. Nothing here is longer than one block of HKDF.
fn expand<const N: usize>(suite: &[u8], key: &[u8; KEY], label: &[u8], info: &[&[u8]]) -> Zeroizing<[u8; N]> {
    const { assert!(N <= KEY) };
    let length = [0, N as u8];
    let head: [&[u8]; 4] = [&length, b"HPKE-v1", suite, label];
    let block = Zeroizing::new(hash(key, head.into_iter().chain(info.iter().copied()).chain([&[1][..]])));
    let mut out = Zeroizing::new([0; N]);
    out.copy_from_slice(&block[..N]);
    out
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn hash<'a>(key: &[u8], input: impl Iterator<Item = &'a [u8]>) -> [u8; KEY] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length will do");
    input.for_each(|piece| mac.update(piece));
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::digest::{hex, unhex};

    fn bytes(text: &str) -> Vec<u8> {
        unhex(text).unwrap()
    }

    fn key(text: &str) -> [u8; KEY] {
        bytes(text).try_into().unwrap()
    }

    // Appendix A.2.1 of RFC 9180: base mode with this suite, and its first message.
    const INFO: &str = "4f6465206f6e2061204772656369616e2055726e";
    const IKM_E: &str = "909a9b35d3dc4713a5e72a4da274b55d3d3821a37e5d099e74a647db583a904b";
    const SK_E: &str = "f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600";
    const ENC: &str = "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a";
    const IKM_R: &str = "1ac01f181fdf9f352797655161c58b75c656a6cc2716dcb66372da835542e1df";
    const SK_R: &str = "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb";
    const PK_R: &str = "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a";
    const SHARED: &str = "0bbe78490412b4bbea4812666f7916932b828bba79942424abb65244930d69a7";
    const MESSAGE: &str = "4265617574792069732074727574682c20747275746820626561757479";
    const AAD: &str = "436f756e742d30";
    const CIPHERTEXT: &str =
        "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28";

    #[test]
    fn d30_the_rfcs_own_vector_comes_out() {
        assert_eq!(hex(&*derive_key(&key(IKM_E))), SK_E);
        assert_eq!(hex(&*derive_key(&key(IKM_R))), SK_R);
        assert_eq!(hex(&public(&key(SK_R))), PK_R);
        let both = (&key(ENC), &key(PK_R));
        assert_eq!(hex(&*shared(&key(SK_E), &key(PK_R), both).unwrap()), SHARED);
        assert_eq!(hex(&*shared(&key(SK_R), &key(ENC), both).unwrap()), SHARED);
        let (info, aad) = (bytes(INFO), bytes(AAD));
        let message = Zeroizing::new(bytes(MESSAGE));
        let sealed = seal(&key(PK_R), &key(IKM_E), (&info, &aad), message).unwrap();
        assert_eq!(hex(&sealed), format!("{ENC}{CIPHERTEXT}"));
        assert_eq!(hex(&open(&key(SK_R), (&info, &aad), &sealed).unwrap()), MESSAGE);
    }

    #[test]
    fn d30_another_byte_anywhere_does_not_open() {
        let (info, aad) = (bytes(INFO), bytes(AAD));
        let sealed = bytes(&format!("{ENC}{CIPHERTEXT}"));
        // The last bit of an X25519 key says nothing (RFC 7748, section 5), but the context holds it.
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut altered = sealed.clone();
                altered[at] ^= 1 << bit;
                assert!(open(&key(SK_R), (&info, &aad), &altered).is_none(), "{at}.{bit}");
            }
        }
        for length in 0..sealed.len() {
            assert!(open(&key(SK_R), (&info, &aad), &sealed[..length]).is_none(), "{length}");
        }
        assert!(open(&key(SK_R), (b"other", &aad), &sealed).is_none());
        assert!(open(&key(SK_R), (&info, b"other"), &sealed).is_none());
        assert!(open(&key(SK_E), (&info, &aad), &sealed).is_none());
    }

    #[test]
    fn d30_points_of_small_order_are_no_keys() {
        let one = "0100000000000000000000000000000000000000000000000000000000000000";
        let eight = "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800";
        for weak in [[0; KEY], key(one), key(eight)] {
            let sealed = seal(&weak, &[7; KEY], (b"", b""), Zeroizing::new(b"x".to_vec()));
            assert_eq!(sealed, Err(WeakKey));
        }
    }
}
