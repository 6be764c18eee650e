//! The tree against known roots, against the definition, and against crooked proofs.

use super::*;
use proptest::prelude::*;

fn hashes(count: usize) -> Vec<Hash> {
    (0..count).map(|n| leaf_hash(n.to_string().as_bytes())).collect()
}

fn proof(leaves: &[Hash], index: usize) -> Vec<Hash> {
    let at = Position { index: index as u64, size: leaves.len() as u64 };
    inclusion(&mut Remembered::new(leaves), at).unwrap_or_else(|never| match never {})
}

fn check_proof(leaves: &[Hash], index: usize) -> Result<(), Refusal> {
    let at = Position { index: index as u64, size: leaves.len() as u64 };
    let root = Digest::from_bytes(tree_root(leaves).0);
    verify_inclusion(leaves[index], at, &proof(leaves, index), root)
}

/// The eight leaves and roots that implementations of Certificate Transparency test with.
#[test]
fn roots_are_those_of_rfc_6962() {
    let leaves: Vec<Hash> =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
            .iter()
            .map(|hex| leaf_hash(&crate::model::digest::unhex(hex).unwrap()))
            .collect();
    for (count, root) in [
        (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        (2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
        (3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
        (4, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
        (5, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
        (6, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
        (7, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
        (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
    ] {
        assert_eq!(tree_root(&leaves[..count]).to_string(), root, "{count} leaves");
    }
}

#[test]
fn every_leaf_of_every_small_tree_is_proved() {
    for count in 1..40 {
        let leaves = hashes(count);
        for index in 0..count {
            check_proof(&leaves, index).unwrap();
        }
    }
    assert_eq!(proof(&hashes(100_000), 77_777).len(), 17);
}

/// What is remembered from one leaf to the next changes nothing, and makes a large fleet possible at all.
#[test]
fn the_documents_of_a_large_fleet_are_proved() {
    let node = |n: usize| format!("node-{n:05}").parse().unwrap();
    let entry = |n| Entry { node: node(n), catalog: Digest::of(&n.to_be_bytes()), length: n as u64 };
    let leaves = Leaves::new(&[7; 32], (0..20_001).map(entry).collect()).unwrap();
    let root = leaves.root();
    assert_eq!(leaves.documents().filter(|leaf| leaf.verify(root).is_ok()).count(), 20_001);
}

/// Trees of other sizes in which the way to the root looks the same are told apart by the count of nodes in
/// the statement.
#[test]
fn t1_a_leaf_at_another_place_or_size_is_refused() {
    let leaves = hashes(7);
    let root = Digest::from_bytes(tree_root(&leaves).0);
    for (index, size) in [(3, 7), (2, 4), (2, 9), (2, 0), (7, 7), (u64::MAX, 7), (2, u64::MAX)] {
        let refused = verify_inclusion(leaves[2], Position { index, size }, &proof(&leaves, 2), root);
        assert!(matches!(refused, Err(Refusal::Proof)), "{index} of {size}");
    }
}

#[test]
fn t1_an_inner_node_is_no_leaf() {
    let leaves = hashes(4);
    let inner = tree_root(&leaves[..2]);
    let root = Digest::from_bytes(tree_root(&leaves).0);
    let beside = [tree_root(&leaves[2..])];
    // With the prefixes of RFC 6962 an inner hash can stand for a leaf only where it is called one.
    assert!(verify_inclusion(inner, Position { index: 0, size: 4 }, &beside, root).is_err());
    assert_ne!(leaf_hash(&[leaves[0].0, leaves[1].0].concat()), inner);
}

fn entry(node: &str, catalog: &[u8]) -> Entry {
    Entry { node: node.parse().unwrap(), catalog: Digest::of(catalog), length: catalog.len() as u64 }
}

#[test]
fn the_bytes_of_a_leaf_are_fixed() {
    let leaves = Leaves::new(&[5; 32], vec![entry("web1", b"catalog")]).unwrap();
    let leaf = leaves.documents().next().unwrap();
    let text = format!("leaf.v1\nweb1\n{}\n7\n{}\n", Digest::of(b"catalog").hex(), leaf.blind);
    assert_eq!(leaf.hash(), leaf_hash(text.as_bytes()));
    assert_eq!(leaves.root(), Digest::from_bytes(leaf.hash().0));
    assert_eq!(Leaf::decode(&leaf.encode()).unwrap(), leaf);
}

#[test]
fn d2_two_leaves_for_one_node_are_refused() {
    for nodes in [["web1", "web1"], ["web2", "web1"]] {
        let entries = nodes.map(|node| entry(node, b"x")).to_vec();
        assert_eq!(Leaves::new(&[5; 32], entries).unwrap_err().code(), "MALFORMED", "{nodes:?}");
    }
}

#[test]
fn d45_a_neighbour_cannot_be_guessed_from_a_proof() {
    let catalogs: Vec<Vec<u8>> = (0..=255).map(|n| vec![n]).collect();
    let leaves = Leaves::new(&[9; 32], vec![entry("db1", &catalogs[42]), entry("web1", b"own")]).unwrap();
    let own = leaves.documents().nth(1).unwrap();
    let neighbour = own.proof[0];
    // Knowing its own blind, web1 tries every possible catalog of db1, with its blind and with none.
    for blind in [own.blind, Hash([0; 32])] {
        for catalog in &catalogs {
            assert_ne!(entry("db1", catalog).hash(&blind), neighbour);
        }
    }
    assert_eq!(entry("db1", &catalogs[42]).hash(&blind(&[9; 32], &"db1".parse().unwrap())), neighbour);
}

#[test]
fn t2_a_proof_has_an_end() {
    let leaves = Leaves::new(&[5; 32], vec![entry("web1", b"x")]).unwrap();
    let mut leaf = leaves.documents().next().unwrap();
    leaf.proof = vec![Hash([0; 32]); MAX_PROOF + 1];
    assert_eq!(Leaf::decode(&leaf.encode()).unwrap_err().code(), "TOO_LARGE");
    assert_eq!(leaf.verify(leaves.root()).unwrap_err().code(), "PROOF");
}

proptest! {
    #[test]
    fn t1_a_proof_that_was_touched_is_refused(count in 2_usize..60, at: prop::sample::Index, which: prop::sample::Index, byte in 0_usize..32) {
        let leaves = hashes(count);
        let index = at.index(count);
        let mut path = proof(&leaves, index);
        let place = which.index(path.len());
        path[place].0[byte] ^= 1;
        let root = Digest::from_bytes(tree_root(&leaves).0);
        let position = Position { index: index as u64, size: count as u64 };
        prop_assert!(verify_inclusion(leaves[index], position, &path, root).is_err());
        path[place].0[byte] ^= 1;
        prop_assert!(verify_inclusion(leaves[index], position, &path[1..], root).is_err());
        path.push(Hash([0; 32]));
        prop_assert!(verify_inclusion(leaves[index], position, &path, root).is_err());
    }
}
