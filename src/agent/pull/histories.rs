//! The agent against servers that edit their log or keep two: each is noticed, and nothing of it is kept.

use super::*;
use crate::agent::testing::{Draft, NOW, World, only, snapshot, write};
use crate::model::Checkpoint;
use crate::signing::document::Hash;
use crate::signing::tree::{leaf_hash, tree_root};
use std::path::PathBuf;

/// The hashes of a log in which two histories have their first three entries in common.
fn entries(history: &str, size: u64) -> Vec<Hash> {
    let text = |n| if n < 3 { format!("both {n}") } else { format!("{history} {n}") };
    (0..size).map(|n| leaf_hash(text(n).as_bytes())).collect()
}

fn checkpoint(history: &str, size: u64) -> Checkpoint {
    Checkpoint { size, root: Digest::from_bytes(tree_root(&entries(history, size)).0) }
}

/// A node that has seen the log `ours` with 300 entries.
struct Scene {
    _scratch: tempfile::TempDir,
    world: World,
    publication: PathBuf,
    disk: Disk,
    state: State,
}

impl Scene {
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let publication = scratch.path().join("publication");
        let mut world = World::new();
        let (disk, state) = world.node(&scratch.path().join("agent"));
        world.log = entries("ours", 300);
        world.publish(&publication, &Draft::of("one"));
        let mut scene = Self { _scratch: scratch, world, publication, disk, state };
        assert_eq!(scene.pull(), Ok(1));
        assert_eq!(scene.seen(), Some(checkpoint("ours", 300)));
        scene
    }

    /// The release that the node then has, or the code of the refusal.
    fn pull(&mut self) -> Result<u64, &'static str> {
        let attempts = pull(&self.disk, &mut self.state, &only(&self.publication), NOW);
        match attempts.pulled {
            Some(Pulled::Ready(ready)) => Ok(ready.release.seq),
            Some(Pulled::Unassigned(_)) => Err("unassigned"),
            None => Err(attempts.problems[0].1.code()),
        }
    }

    /// What the node remembers, from its disk.
    fn seen(&self) -> Option<Checkpoint> {
        stored::load(&self.disk).unwrap().unwrap().checkpoint()
    }

    /// The server now shows this log.
    fn show(&mut self, log: Vec<Hash>) {
        std::fs::remove_dir_all(self.publication.join("log")).unwrap();
        self.world.log = log;
        self.world.stamp(&self.publication, NOW);
    }

    fn refuses(&mut self, code: &str) {
        let before = snapshot(&self.disk.path(""));
        assert_eq!(self.pull(), Err(code));
        assert_eq!(snapshot(&self.disk.path("")), before, "{code}");
        assert_eq!(self.seen(), Some(checkpoint("ours", 300)));
        let ready = reload(&self.disk, &self.state, NOW).unwrap().unwrap();
        assert_eq!((ready.release.seq, ready.origin), (1, Origin::Disk));
    }
}

#[test]
fn a_log_that_grows_is_followed() {
    let mut scene = Scene::new();
    for size in [300, 301, 511, 512, 513, 900] {
        scene.show(entries("ours", size));
        assert_eq!(scene.pull(), Ok(1));
        assert_eq!(scene.seen(), Some(checkpoint("ours", size)));
    }
    scene.world.log = entries("ours", 1000);
    scene.world.publish(&scene.publication, &Draft::of("two"));
    assert_eq!((scene.pull(), scene.seen()), (Ok(2), Some(checkpoint("ours", 1000))));
}

#[test]
fn a_complete_tile_stands_for_the_incomplete_ones_before_it() {
    let mut scene = Scene::new();
    scene.show(entries("ours", 400));
    // The log went on to 600 entries since that timestamp, and incomplete tiles of before are gone.
    let stamped = scene.publication.join("timestamp");
    let [document, signatures] = ["production.json", "production.signatures.json"]
        .map(|name| std::fs::read(stamped.join(name)).unwrap());
    scene.world.log = entries("ours", 600);
    scene.world.stamp(&scene.publication, NOW);
    std::fs::remove_dir_all(scene.publication.join("log/tile/0/001.p")).unwrap();
    write(&stamped.join("production.json"), &document);
    write(&stamped.join("production.signatures.json"), &signatures);
    assert_eq!((scene.pull(), scene.seen()), (Ok(1), Some(checkpoint("ours", 400))));
}

/// Whoever holds the server and its timestamp key has shown this node one history, and now shows it the other.
#[test]
fn d36_a_server_that_keeps_two_histories_is_noticed() {
    for size in [300, 301, 900] {
        let mut scene = Scene::new();
        scene.show(entries("another", size));
        scene.refuses("LOG_FORK");
        // Back in its own history, the node goes on.
        scene.show(entries("ours", 301));
        assert_eq!(scene.pull(), Ok(1));
    }
}

/// An administrator who edits, deletes or inserts an entry has to sign another root, which does not continue the old one.
#[test]
fn d50_a_log_that_was_edited_is_noticed() {
    for edit in [
        (|log: &mut Vec<Hash>| log[7] = leaf_hash(b"edited")) as fn(&mut Vec<Hash>),
        |log| {
            log.remove(7);
        },
        |log| log.insert(7, leaf_hash(b"put in between")),
        |log| log.swap(7, 8),
    ] {
        for size in [302, 900] {
            let mut scene = Scene::new();
            let mut log = entries("ours", size);
            edit(&mut log);
            scene.show(log);
            scene.refuses("LOG_FORK");
        }
    }
}

#[test]
fn d50_a_log_that_was_cut_off_or_taken_away_is_noticed() {
    for size in [0, 1, 299] {
        let mut scene = Scene::new();
        scene.show(entries("ours", size));
        scene.refuses("LOG_ROLLBACK");
    }
}

#[test]
fn d36_without_hashes_to_prove_it_a_longer_log_is_not_believed() {
    let mut scene = Scene::new();
    scene.show(entries("ours", 301));
    std::fs::remove_dir_all(scene.publication.join("log")).unwrap();
    scene.refuses("MISSING");
    let mut scene = Scene::new();
    scene.show(entries("ours", 900));
    let tile = scene.publication.join("log/tile/0/001");
    let mut bytes = std::fs::read(&tile).unwrap();
    bytes[0] ^= 1;
    write(&tile, &bytes);
    scene.refuses("LOG_FORK");
    bytes.truncate(100);
    write(&tile, &bytes);
    scene.refuses("FORM");
    write(&tile, &vec![0; 1 << 20]);
    scene.refuses("TOO_LARGE");
}

/// Reviewers signed while they were shown one history, and the node is shown the other.
#[test]
fn d36_a_server_that_keeps_one_history_for_reviewers_and_one_for_nodes_is_noticed() {
    for (named, code) in [
        (checkpoint("another", 300), "LOG_FORK"),
        (checkpoint("another", 250), "LOG_FORK"),
        (checkpoint("ours", 351), "LOG_ROLLBACK"),
    ] {
        let mut scene = Scene::new();
        scene.world.named = Some(named);
        scene.world.log = entries("ours", 350);
        scene.world.publish(&scene.publication, &Draft::of("two"));
        scene.refuses(code);
        // A node that joins sees it as well.
        let scratch = tempfile::tempdir().unwrap();
        let (disk, mut state) = scene.world.node(&scratch.path().join("agent"));
        let attempts = pull(&disk, &mut state, &only(&scene.publication), NOW);
        assert_eq!(attempts.problems[0].1.code(), code);
    }
}

#[test]
fn a_release_that_names_the_log_before_it_is_accepted() {
    let mut scene = Scene::new();
    for (seq, named, size) in [(2, 300, 300), (3, 2, 350), (4, 349, 700), (5, 700, 700)] {
        scene.world.named = Some(checkpoint("ours", named));
        scene.world.log = entries("ours", size);
        scene.world.publish(&scene.publication, &Draft::of("next"));
        assert_eq!((scene.pull(), scene.seen()), (Ok(seq), Some(checkpoint("ours", size))));
    }
    // Accepted, it is not asked about again: the log goes on from what was seen.
    scene.show(entries("ours", 900));
    assert_eq!(scene.pull(), Ok(5));
}
