//! Proofs about trees, and the files of the log.

use super::world::{checkpoint, world};
use countersign::model::{Checkpoint, Digest};
use countersign::signing::document::Hash;
use countersign::signing::log::{Edge, Entry, Tile, bundle, note, unbundle};
use countersign::signing::tree::{
    Position, Remembered, consistency, continues, includes, inclusion, leaf_hash, tree_root,
};

/// Trees of as many leaves as the input has bytes: every honest proof holds, and none that was touched.
///
/// The first four bytes say which leaf, which older tree, and what is touched.
pub(crate) fn proof(data: &[u8]) {
    let Some(([at, from, byte, bit], leaves)) = data.split_first_chunk::<4>() else { return };
    let hashes: Vec<Hash> = leaves.iter().take(200).map(|byte| leaf_hash(&[*byte])).collect();
    let size = hashes.len() as u64;
    if size == 0 {
        return;
    }
    let root = |count: u64| {
        let count = usize::try_from(count).unwrap();
        Digest::from_bytes(tree_root(&hashes[..count]).0)
    };
    let mut tree = Remembered::new(&hashes);
    let position = Position { index: u64::from(*at) % size, size };
    let own = hashes[usize::try_from(position.index).unwrap()];
    let path = inclusion(&mut tree, position).unwrap();
    assert!(includes(own, position, &path, root(size)), "{position:?}");
    let older = Checkpoint { size: u64::from(*from) % size + 1, root: root(u64::from(*from) % size + 1) };
    let newer = Checkpoint { size, root: root(size) };
    let steps = consistency(&mut tree, older.size, size).unwrap();
    assert!(continues(older, newer, &steps), "{older:?} {newer:?}");

    if let Some(touched) = touch(&path, *byte, *bit) {
        assert!(!includes(own, position, &touched, root(size)), "{position:?}: {touched:?}");
    }
    if let Some(touched) = touch(&steps, *byte, *bit) {
        assert!(!continues(older, newer, &touched), "{older:?} {newer:?}: {touched:?}");
    }
    for wrong in [[&path[..], &[own]].concat(), path.iter().skip(1).copied().collect()] {
        assert!(wrong == path || !includes(own, position, &wrong, root(size)), "{position:?}: {wrong:?}");
    }
    for index in (0..size).filter(|index| hashes[usize::try_from(*index).unwrap()] != own) {
        let elsewhere = Position { index, size };
        assert!(!includes(own, elsewhere, &path, root(size)), "{position:?} at {elsewhere:?}");
    }
    // Whatever the bytes say, it is a verdict and no panic.
    let (chunks, _) = leaves.as_chunks::<32>();
    let wild: Vec<Hash> = chunks.iter().copied().map(Hash).collect();
    let far = Position { index: u64::MAX - u64::from(*at), size: u64::MAX };
    assert!(!includes(own, far, &wild, root(size)));
    assert!(!continues(older, Checkpoint { size: u64::MAX, root: root(size) }, &wild));
}

/// The proof with one bit flipped.
fn touch(proof: &[Hash], byte: u8, bit: u8) -> Option<Vec<Hash>> {
    let mut touched = proof.to_vec();
    let count = touched.len();
    let hash = touched.get_mut(usize::from(byte) % count.max(1))?;
    hash.0[usize::from(byte >> 3)] ^= 1 << (bit % 8);
    Some(touched)
}

/// Checkpoints, entries, bundles and the paths of tiles.
pub(crate) fn log(data: &[u8]) {
    let world = world();
    if let Ok(signed) = note::verify(&world.root, data) {
        assert_eq!(*signed, checkpoint(&world.entries), "nobody signed this checkpoint: {data:?}");
    }
    if let Ok(entry) = Entry::decode(data) {
        assert!(entry.encode() == data, "a second spelling of an entry: {data:?}");
    }
    if let Some(entries) = unbundle(data) {
        assert!(bundle(entries.iter().copied()) == data, "a second spelling of a bundle: {data:?}");
        let mut edge = Edge::default();
        let hashes: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        for hash in &hashes {
            edge.append(*hash, |_, _| ());
        }
        let root = edge.checkpoint().map(|checkpoint| checkpoint.root);
        assert_eq!(root, (!hashes.is_empty()).then(|| Digest::from_bytes(tree_root(&hashes).0)));
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(tile) = Tile::parse(text) {
        assert_eq!(tile.path(), text);
        assert_eq!(tile.full().width, 256);
    }
}
