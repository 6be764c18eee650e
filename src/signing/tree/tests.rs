//! Consistency proofs against known ones, for every pair of small trees, and against everything bent.

use super::*;
use crate::model::digest::unhex;
use proptest::prelude::*;

fn hashes(count: u64) -> Vec<Hash> {
    (0..count).map(|n| leaf_hash(n.to_string().as_bytes())).collect()
}

fn checkpoint(leaves: &[Hash]) -> Checkpoint {
    Checkpoint { size: leaves.len() as u64, root: Digest::from_bytes(tree_root(leaves).0) }
}

fn proof_between(leaves: &[Hash], from: usize) -> Vec<Hash> {
    let mut tree = leaves;
    consistency(&mut tree, from as u64, leaves.len() as u64).unwrap_or_else(|never| match never {})
}

/// The eight leaves that implementations of Certificate Transparency test with.
fn rfc_leaves() -> Vec<Hash> {
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
        .iter()
        .map(|hex| leaf_hash(&unhex(hex).unwrap()))
        .collect()
}

/// The known answers of the same implementations.
#[test]
fn d36_consistency_proofs_are_those_of_rfc_6962() {
    let leaves = rfc_leaves();
    for (from, size, expected) in [
        (1, 1, vec![]),
        (
            1,
            8,
            vec![
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            6,
            8,
            vec![
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (
            2,
            5,
            vec![
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
    ] {
        let made: Vec<String> =
            proof_between(&leaves[..size], from).iter().map(ToString::to_string).collect();
        assert_eq!(made, expected, "{from} to {size}");
    }
}

#[test]
fn d36_every_small_log_continues_every_smaller_one() {
    let leaves = hashes(200);
    let checkpoints: Vec<Checkpoint> = (1..=200).map(|count| checkpoint(&leaves[..count])).collect();
    for size in 1..=200 {
        for from in 1..=size {
            let path = proof_between(&leaves[..size], from);
            assert!(continues(checkpoints[from - 1], checkpoints[size - 1], &path), "{from} to {size}");
            // A proof for other sizes, or between other trees, is none.
            if from < size {
                assert!(!continues(checkpoints[from], checkpoints[size - 1], &path), "{from} to {size}");
                assert!(!continues(checkpoints[from - 1], checkpoints[size - 2], &path), "{from} to {size}");
                assert!(!continues(checkpoints[size - 1], checkpoints[from - 1], &path), "{from} to {size}");
                assert!(!continues(checkpoints[from - 1], checkpoints[size - 1], &[]), "{from} to {size}");
            }
        }
    }
}

/// Whatever entry of the past is changed, left out or put in between, no proof leads on.
#[test]
fn d36_d50_another_past_is_not_continued() {
    let leaves = hashes(40);
    let seen = checkpoint(&leaves[..27]);
    for at in 0..27 {
        let mut edited = leaves.clone();
        edited[at] = leaf_hash(b"edited");
        let mut shorter = leaves.clone();
        shorter.remove(at);
        let mut longer = leaves.clone();
        longer.insert(at, leaf_hash(b"put in between"));
        for other in [edited, shorter, longer] {
            assert!(!continues(seen, checkpoint(&other), &proof_between(&other, 27)), "entry {at}");
        }
    }
    // Every split of the old root into something that fits only one side is refused as well.
    assert!(!continues(seen, Checkpoint { size: 28, root: seen.root }, &[]));
    assert!(!continues(Checkpoint { size: 27, ..checkpoint(&leaves) }, checkpoint(&leaves), &[]));
}

#[test]
fn t2_a_consistency_proof_has_an_end() {
    let [old, new] = [1, 2].map(|size| Checkpoint { size, root: Digest::of(b"x") });
    assert!(!continues(old, new, &vec![Hash([0; 32]); MAX_PROOF + 1]));
    assert!(!continues(Checkpoint { size: 0, ..old }, new, &[Hash([0; 32])]));
    let far = Checkpoint { size: u64::MAX, ..new };
    assert!(!continues(old, far, &vec![Hash([0; 32]); MAX_PROOF]));
}

proptest! {
    #[test]
    fn d36_a_consistency_proof_that_was_touched_is_refused(
        size in 2_usize..=200, from: prop::sample::Index, which: prop::sample::Index, byte in 0_usize..32, bit in 0_u8..8
    ) {
        let leaves = hashes(200);
        let from = from.index(size - 1) + 1;
        let (old, new) = (checkpoint(&leaves[..from]), checkpoint(&leaves[..size]));
        let path = proof_between(&leaves[..size], from);
        let place = which.index(path.len());
        let mut bent = path.clone();
        bent[place].0[byte] ^= 1 << bit;
        prop_assert!(!continues(old, new, &bent));
        prop_assert!(!continues(old, new, &path[1..]));
        prop_assert!(!continues(old, new, &path[..path.len() - 1]));
        let mut longer = path.clone();
        longer.insert(which.index(path.len() + 1), path[place]);
        prop_assert!(!continues(old, new, &longer));
        let mut root = *new.root.as_bytes();
        root[byte] ^= 1 << bit;
        let other = Checkpoint { root: Digest::from_bytes(root), ..new };
        prop_assert!(!continues(old, other, &path));
        let mut root = *old.root.as_bytes();
        root[byte] ^= 1 << bit;
        let other = Checkpoint { root: Digest::from_bytes(root), ..old };
        prop_assert!(!continues(other, new, &path));
    }
}
