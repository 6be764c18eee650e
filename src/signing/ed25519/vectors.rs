//! Two published sets of edge cases of Ed25519, on which libraries disagree and this has one verdict.
//!
//! Each set is also put to the library's own two verdicts, which shows that its signatures are what
//! they claim to be: some do verify, only not here.

use super::*;
use curve25519_dalek::{EdwardsPoint, Scalar, edwards::CompressedEdwardsY, scalar::clamp_integer};
use ed25519_dalek::Verifier as _;
use sha2::{Digest as _, Sha512};

/// A public key, a message and a signature.
struct Case {
    key: [u8; 32],
    message: Vec<u8>,
    signature: [u8; 64],
}

/// The numbers of the cases that pass: the library's usual check, its strict one, and ours.
fn accepted(cases: &[Case]) -> [Vec<usize>; 3] {
    let mut accepted: [Vec<usize>; 3] = Default::default();
    for (number, case) in cases.iter().enumerate() {
        let signature = Signature::from_bytes(&case.signature);
        let key = VerifyingKey::from_bytes(&case.key);
        let verdicts = [
            key.as_ref().is_ok_and(|key| key.verify(&case.message, &signature).is_ok()),
            key.as_ref().is_ok_and(|key| key.verify_strict(&case.message, &signature).is_ok()),
            verify(&case.key, &case.message, &case.signature).is_ok(),
        ];
        for (list, _) in accepted.iter_mut().zip(verdicts).filter(|(_, passes)| *passes) {
            list.push(number);
        }
    }
    accepted
}

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    assert_eq!(hex.len(), 2 * N, "{hex}");
    std::array::from_fn(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap())
}

/// The 12 cases of "Taming the many EdDSAs" (Chalkias, Garillot, Nikolaenko 2020), figures from
/// `cases.txt` of novifinancial/ed25519-speccheck: message, key, and the two halves of the signature.
const SPECCHECK: [[&str; 4]; 12] = [
    [
        "8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "0000000000000000000000000000000000000000000000000000000000000000",
    ],
    [
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
    ],
    [
        "aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e",
    ],
    [
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f",
        "87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009",
    ],
    [
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed512",
        "5ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09",
    ],
    [
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7",
        "e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405",
    ],
    [
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e",
        "547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514",
    ],
    [
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa1942",
        "7e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22",
    ],
    [
        "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "03be9678ac102edcd92b0210bb34d7428d12ffc5df5f37e359941266a4e35f0f",
    ],
    [
        "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "ca8c5b64cd208982aa38d4936621a4775aa233aa0505711d8fdcfdaa943d4908",
    ],
    [
        "e96b7021eb39c1a163b6da4e3093dcd3f21387da4cc4572be588fafae23c155b",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc",
        "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
    ],
    [
        "39a591f5321bbe07fd5a23dc2f39d025d74526615746727ceefd6e82ae65c06f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc",
        "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
    ],
];

#[test]
fn d38_none_of_the_12_cases_that_split_libraries_is_accepted() {
    let cases = SPECCHECK.map(|[message, key, r, s]| Case {
        key: bytes(key),
        message: bytes::<32>(message).to_vec(),
        signature: bytes(&[r, s].concat()),
    });
    let [usual, strict, ours] = accepted(&cases);
    assert_eq!((usual.as_slice(), strict.as_slice()), (&[0, 1, 2, 3, 11][..], &[3][..]));
    assert!(ours.is_empty(), "{ours:?}");
}

/// The eight points of small order, each with its encoding and then the other bytes that decode to it.
const SMALL: [&[&str]; 8] = [
    &[
        "0000000000000000000000000000000000000000000000000000000000000000",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ],
    &[
        "0000000000000000000000000000000000000000000000000000000000000080",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ],
    &[
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ],
    &["26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"],
    &["26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"],
    &["c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"],
    &["c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"],
    &[
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ],
];

/// A key or the first half of a signature: a known multiple of the base point, which may be none, plus
/// a point of small order, and the bytes that stand for the sum.
#[derive(Clone, Copy)]
struct Half {
    scalar: Scalar,
    small: EdwardsPoint,
    written: [u8; 32],
}

impl Half {
    fn new(scalar: Scalar, small: &str) -> Self {
        let small = CompressedEdwardsY(bytes(small)).decompress().unwrap();
        let written = (EdwardsPoint::mul_base(&scalar) + small).compress().to_bytes();
        Self { scalar, small, written }
    }

    /// The forms of one point of small order: alone, in a mixture with `scalar`, and alone in each of
    /// its other spellings.
    fn forms(small: &[&str], scalar: Scalar) -> (Self, Self, Vec<Self>) {
        let alone = Self::new(Scalar::ZERO, small[0]);
        let twins = small[1..].iter().map(|twin| Self { written: bytes(twin), ..alone }).collect();
        (alone, Self::new(scalar, small[0]), twins)
    }

    /// The same point in its one spelling.
    fn canonical(self) -> Self {
        let written = (EdwardsPoint::mul_base(&self.scalar) + self.small).compress().to_bytes();
        Self { written, ..self }
    }
}

/// Signs messages until the parts of small order cancel each other in one case and do not in another,
/// as far as both can be. `hashed` is what the hash takes for key and nonce: the bytes that a verifier
/// sees, or the points' one spelling.
fn sign(cases: &mut Vec<Case>, [key, nonce]: [Half; 2], hashed: [Half; 2]) {
    let challenge = |message: &str| {
        let [key, nonce] = hashed.map(|half| half.written);
        let digest = Sha512::new().chain_update(nonce).chain_update(key).chain_update(message);
        Scalar::from_bytes_mod_order_wide(&digest.finalize().into())
    };
    let mut seen = Vec::new();
    for rest in 0..8 {
        let messages = (0..).map(|n| match n {
            0 => "ed25519vectors".to_owned(),
            n => format!("ed25519vectors {n}"),
        });
        let fits = |message: &String| challenge(message).as_bytes()[0] % 8 == rest;
        let message = { messages }.find(fits).unwrap();
        let k = challenge(&message);
        let cancels = (key.small * k + nonce.small).compress() == EdwardsPoint::default().compress();
        if !seen.contains(&cancels) {
            seen.push(cancels);
            let s = k * key.scalar + nonce.scalar;
            let signature = [nonce.written, s.to_bytes()].concat().try_into().unwrap();
            cases.push(Case { key: key.written, message: message.into(), signature });
        }
    }
}

/// All cases of C2SP's CCTV `ed25519vectors.json`. The file is not here: its figures follow from two
/// scalars and from how it was made, so that they are made again, in the same order.
fn cctv() -> Vec<Case> {
    let secret = Scalar::from_bytes_mod_order(clamp_integer([0x42; 32]));
    let nonce = Scalar::from_bytes_mod_order_wide(&std::array::from_fn(|at| [0x13, 0x37][at % 2]));
    let mut cases = Vec::new();
    for (a, r) in SMALL.iter().flat_map(|a| SMALL.iter().map(move |r| (a, r))) {
        let (key, mixed_key, key_twins) = Half::forms(a, secret);
        let (r, mixed_r, r_twins) = Half::forms(r, nonce);
        for pair in [[key, r], [key, mixed_r], [mixed_key, r], [mixed_key, mixed_r]] {
            sign(&mut cases, pair, pair);
        }
        for twin in &key_twins {
            let odd = [*twin, mixed_r];
            sign(&mut cases, [*twin, r], [*twin, r]);
            sign(&mut cases, odd, odd);
            sign(&mut cases, odd, odd.map(Half::canonical));
        }
        for twin in &r_twins {
            let odd = [mixed_key, *twin];
            sign(&mut cases, [key, *twin], [key, *twin]);
            sign(&mut cases, odd, odd);
            sign(&mut cases, odd, odd.map(Half::canonical));
        }
        for (key, r) in key_twins.iter().flat_map(|key| r_twins.iter().map(move |r| (key, r))) {
            sign(&mut cases, [*key, *r], [*key, *r]);
        }
    }
    cases
}

#[test]
fn d38_one_of_the_914_cctv_vectors_is_accepted() {
    let cases = cctv();
    assert_eq!(cases.len(), 914);
    let [usual, strict, ours] = accepted(&cases);
    // What ed25519-dalek says to the published file.
    assert_eq!((usual.len(), strict.len()), (208, 43));
    let [only] = ours[..] else { panic!("{ours:?}") };
    let honest = EdwardsPoint::mul_base(&Scalar::from_bytes_mod_order(clamp_integer([0x42; 32])));
    assert_eq!(cases[only].key, honest.compress().to_bytes());
}

#[test]
fn the_cctv_vectors_are_the_published_ones() {
    // Figures of `ed25519vectors.json`: number, key, the two halves of the signature, message.
    let published = [
        (
            4,
            "10eb7c3acfb2bed3e0d6ab89bf5a3d6afddd1176ce4812e38d9fd485058fdb1f",
            "0000000000000000000000000000000000000000000000000000000000000000",
            "5e176f12cfb0d4e6eb6929b19ae4c998ef05c1c2cf628a9b1fa1c21312627108",
            "ed25519vectors 7",
        ),
        (
            13,
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "36684ea91032ba5b1dbab2d02f4debc74c3327f2b3802e2e4d371aa42b12b56b",
            "05ba9a796274d80437afa36f1236563f2f3b0aa84cecddc3d20914615ba4fe02",
            "ed25519vectors 3",
        ),
        (
            39,
            "10eb7c3acfb2bed3e0d6ab89bf5a3d6afddd1176ce4812e38d9fd485058fdb1f",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "1f5fae114eb0c534b5aed0a892d0a0e1d429df6a025c5ae08012e0ffce78310c",
            "ed25519vectors 27",
        ),
        (
            910,
            "fe894df18abf1c20088bfbe6c9ad45d42ec20663eaf7111eaea1d851da0d7f89",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "63ec463daf4a74749995e1bca07d169051630e9cf36860b86536f5c7f6e87405",
            "ed25519vectors 36",
        ),
        (
            913,
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "0000000000000000000000000000000000000000000000000000000000000000",
            "ed25519vectors 8",
        ),
    ];
    let cases = cctv();
    for (number, key, r, s, message) in published {
        let case: &Case = &cases[number];
        assert_eq!(case.key, bytes(key), "{number}");
        assert_eq!(case.signature, bytes(&[r, s].concat()), "{number}");
        assert_eq!(case.message, message.as_bytes(), "{number}");
    }
}
