//! The agent against publications that an attacker owns: each refusal by its code, and nothing else happened.

use super::*;
use crate::agent::disk::Lasting;
use crate::agent::fetch::{Answer, Directory, Want};
use crate::agent::testing::{Draft, NODE, NOW, OTHER, World, envelope, only, snapshot, write};
use crate::model::canonical;
use crate::signing::Root;
use crate::signing::root::RawRoot;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A world with two releases; the node has accepted the first.
struct Scene {
    _scratch: tempfile::TempDir,
    world: World,
    publication: PathBuf,
    /// The publication as it was at release 1.
    old: PathBuf,
    disk: Disk,
    state: State,
}

impl Scene {
    fn new() -> Self {
        Self::with_second(&Draft::of("two"))
    }

    fn with_second(second: &Draft) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let [publication, old] = ["publication", "old"].map(|name| scratch.path().join(name));
        let mut world = World::new();
        let (disk, mut state) = world.node(&scratch.path().join("agent"));
        world.publish(&publication, &Draft::of("one"));
        let attempts = pull(&disk, &mut state, &only(&publication), NOW);
        assert!(matches!(attempts.pulled, Some(Pulled::Ready(_))), "{:?}", attempts.problems);
        for (path, bytes) in snapshot(&publication) {
            write(&old.join(path.strip_prefix(&publication).unwrap()), &bytes);
        }
        world.publish(&publication, second);
        Self { _scratch: scratch, world, publication, old, disk, state }
    }

    fn edit(&self, path: &str, edit: impl FnOnce(Vec<u8>) -> Vec<u8>) {
        let path = self.publication.join(path);
        let bytes = edit(std::fs::read(&path).unwrap());
        write(&path, &bytes);
    }

    fn leaf(&self, node: &str) -> crate::signing::merkle::Leaf {
        let path = self.publication.join(format!("release/production/2/leaf/{node}.json"));
        crate::signing::merkle::Leaf::decode(&std::fs::read(path).unwrap()).unwrap()
    }

    fn own_catalog(&self) -> String {
        format!("catalog/{}", self.leaf(NODE).catalog.hex())
    }

    /// The offer is refused with `code`; nothing on the node's disk changed, and release 1 is still to be had.
    fn refuses(mut self, code: &str) {
        let before = snapshot(&self.disk.path(""));
        let attempts = pull(&self.disk, &mut self.state, &only(&self.publication), NOW);
        assert!(attempts.pulled.is_none(), "{code}: {:?}", attempts.pulled);
        let codes: Vec<_> = attempts.problems.iter().map(|(_, problem)| problem.code()).collect();
        assert_eq!(codes, [code], "{:?}", attempts.problems);
        assert_eq!(snapshot(&self.disk.path("")), before, "{code}");
        let state = stored::load(&self.disk).unwrap().unwrap();
        let ready = reload(&self.disk, &state, NOW).unwrap().unwrap();
        assert_eq!((ready.release.seq, ready.origin), (1, Origin::Disk));
    }
}

fn copy(from: &Path, to: &Path, paths: &[&str]) {
    for path in paths {
        write(&to.join(path), &std::fs::read(from.join(path)).unwrap());
    }
}

const TIMESTAMP: [&str; 2] = ["timestamp/production.json", "timestamp/production.signatures.json"];

#[test]
fn the_next_release_is_accepted_and_written_down() {
    let mut scene = Scene::new();
    let attempts = pull(&scene.disk, &mut scene.state, &only(&scene.publication), NOW);
    let Some(Pulled::Ready(ready)) = attempts.pulled else { unreachable!("{:?}", attempts.problems) };
    assert_eq!(ready.release.seq, 2);
    let state = stored::load(&scene.disk).unwrap().unwrap();
    assert_eq!(state.accepted().map(|accepted| accepted.seq), Some(2));
    // What only release 1 needed is gone, what release 2 needs is there.
    assert_eq!(scene.disk.list("blob").unwrap(), [Digest::of(b"two").hex()]);
    assert_eq!(scene.disk.list("catalog").unwrap().len(), 1);
}

/// Trust root `before` with the next number, signed by these people, in a publication.
fn publish_root(at: &Path, before: &RawRoot, signers: &[&str]) -> RawRoot {
    let prev = Some(Digest::of(&canonical::encode(before)));
    let root = RawRoot { version: before.version + 1, prev, ..before.clone() };
    let signed = envelope::<Root>(canonical::encode(&root), signers);
    let name = |end: &str| at.join(format!("root/{}{end}", root.version));
    write(&name(".json"), &signed.bytes);
    write(&name(".signatures.json"), &serde_json::to_vec(&signed.signatures).unwrap());
    root
}

/// A publication that counts what it is asked for.
#[derive(Debug)]
struct Counted(Directory, Arc<AtomicUsize>);

impl Source for Counted {
    fn name(&self) -> &str {
        "counted"
    }

    fn get(&self, want: &Want<'_>) -> Result<Answer, FetchError> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.get(want)
    }
}

#[test]
fn t2_a_trust_root_that_nobody_signed_ends_the_walk_and_the_steps_before_it_stand() {
    let mut scene = Scene::new();
    let mut root = scene.state.root().fields().clone();
    root = publish_root(&scene.publication, &root, &["alice", "bob"]);
    let second = Digest::of(&canonical::encode(&root));
    for _ in 3..40 {
        root = publish_root(&scene.publication, &root, &["mallory"]);
    }
    let asked = Arc::new(AtomicUsize::new(0));
    let source: Vec<Box<dyn Source>> =
        vec![Box::new(Counted(Directory::new(&scene.publication), asked.clone()))];
    let attempts = pull(&scene.disk, &mut scene.state, &source, NOW);
    assert!(attempts.pulled.is_none());
    assert_eq!(attempts.problems[0].1.code(), "UNSIGNED");
    assert_eq!(asked.load(Ordering::SeqCst), 4, "two documents with their signatures");
    let kept = stored::load(&scene.disk).unwrap().unwrap();
    assert_eq!((kept.root().version(), kept.root().id()), (2, second));
    assert_eq!(kept.accepted().map(|accepted| accepted.seq), Some(1));
}

#[test]
fn t1_an_altered_catalog() {
    let scene = Scene::new();
    scene.edit(&scene.own_catalog(), |bytes| {
        String::from_utf8(bytes).unwrap().replace("/motd", "/evil").into_bytes()
    });
    scene.refuses("CATALOG_ALTERED");
}

#[test]
fn d1_the_catalog_of_another_node() {
    let scene = Scene::new();
    let foreign =
        std::fs::read(scene.publication.join(format!("release/production/2/leaf/{OTHER}.json"))).unwrap();
    scene.edit(&format!("release/production/2/leaf/{NODE}.json"), |_| foreign);
    scene.refuses("WRONG_NODE");
}

#[test]
fn d1_the_catalog_of_another_node_behind_the_own_leaf() {
    let scene = Scene::new();
    let foreign = scene.leaf(OTHER).catalog.hex();
    let foreign = std::fs::read(scene.publication.join("catalog").join(foreign)).unwrap();
    scene.edit(&scene.own_catalog(), |_| foreign);
    scene.refuses("CATALOG_ALTERED");
}

#[test]
fn t1_a_leaf_that_nobody_signed() {
    let scene = Scene::new();
    let mut leaf = scene.leaf(NODE);
    leaf.catalog = scene.leaf(OTHER).catalog;
    leaf.length = scene.leaf(OTHER).length;
    scene.edit(&format!("release/production/2/leaf/{NODE}.json"), |_| leaf.encode());
    scene.refuses("PROOF");
}

#[test]
fn t9_a_release_with_one_signature() {
    Scene::with_second(&Draft::of("two").signed_by(&["alice"])).refuses("THRESHOLD");
}

#[test]
fn d8_a_release_that_counts_only_with_its_author() {
    Scene::with_second(&Draft::of("two").signed_by(&["alice", "frank"])).refuses("SELF_APPROVAL");
}

#[test]
fn t1_a_release_by_people_without_a_role() {
    Scene::with_second(&Draft::of("two").signed_by(&["olga", "server-ts"])).refuses("THRESHOLD");
}

#[test]
fn t8_an_older_timestamp() {
    let mut scene = Scene::new();
    assert!(pull(&scene.disk, &mut scene.state, &only(&scene.publication), NOW).pulled.is_some());
    let before = snapshot(&scene.disk.path(""));
    // A restart forgets nothing.
    scene.state = stored::load(&scene.disk).unwrap().unwrap();
    let attempts = pull(&scene.disk, &mut scene.state, &only(&scene.old), NOW);
    assert!(attempts.pulled.is_none());
    assert_eq!(attempts.problems[0].1.code(), "TIMESTAMP_ROLLBACK");
    assert_eq!(snapshot(&scene.disk.path("")), before);
}

#[test]
fn t8_an_older_release_under_a_fresh_timestamp() {
    // Whoever holds the timestamp key can make a fresh timestamp for an old release.
    let mut scene = Scene::new();
    assert!(pull(&scene.disk, &mut scene.state, &only(&scene.publication), NOW).pulled.is_some());
    let mut attacker = World::new();
    let evil = scene.publication.with_file_name("evil");
    attacker.publish(&evil, &Draft::of("one"));
    for _ in 0..5 {
        attacker.stamp(&evil, NOW);
    }
    let attempts = pull(&scene.disk, &mut scene.state, &only(&evil), NOW);
    assert_eq!(attempts.problems[0].1.code(), "ROLLBACK");
    assert!(attempts.pulled.is_none());
}

#[test]
fn d36_two_releases_with_one_number() {
    let mut scene = Scene::new();
    let mut attacker = World::new();
    let evil = scene.publication.with_file_name("evil");
    attacker.publish(&evil, &Draft::of("another one"));
    attacker.stamp(&evil, NOW);
    let attempts = pull(&scene.disk, &mut scene.state, &only(&evil), NOW);
    assert_eq!(attempts.problems[0].1.code(), "EQUIVOCATION");
}

#[test]
fn t5_a_frozen_timestamp() {
    let mut scene = Scene::new();
    let later = NOW.plus(3601);
    let attempts = pull(&scene.disk, &mut scene.state, &only(&scene.publication), later);
    assert!(attempts.pulled.is_none());
    assert_eq!(attempts.problems[0].1.code(), "FREEZE");
    let ready = reload(&scene.disk, &scene.state, later).unwrap().unwrap();
    assert!(!ready.catalog.only_noop());
    let much_later = NOW.plus(3600 + 8 * 86_400);
    let ready = reload(&scene.disk, &scene.state, much_later).unwrap().unwrap();
    assert!(ready.catalog.only_noop());
}

#[test]
fn t7_parts_of_two_releases() {
    let scene = Scene::new();
    copy(&scene.old, &scene.publication, &["release/production/1/statement.json"]);
    let statement = std::fs::read(scene.old.join("release/production/1/statement.json")).unwrap();
    scene.edit("release/production/2/statement.json", |_| statement);
    scene.refuses("MIX");
    let scene = Scene::new();
    let leaf = std::fs::read(scene.old.join(format!("release/production/1/leaf/{NODE}.json"))).unwrap();
    scene.edit(&format!("release/production/2/leaf/{NODE}.json"), |_| leaf);
    scene.refuses("PROOF");
    let scene = Scene::new();
    copy(&scene.old, &scene.publication, &TIMESTAMP[1..]);
    scene.refuses("UNSIGNED");
}

#[test]
fn t2_documents_that_are_too_long() {
    for path in [
        "timestamp/production.json".to_owned(),
        "timestamp/production.signatures.json".to_owned(),
        "release/production/2/statement.json".to_owned(),
        format!("release/production/2/leaf/{NODE}.json"),
        Scene::new().own_catalog(),
    ] {
        let scene = Scene::new();
        scene.edit(&path, |mut bytes| {
            bytes.resize(1 << 20, b' ');
            bytes
        });
        scene.refuses("TOO_LARGE");
    }
}

#[test]
fn t12_a_publication_that_is_cut_off() {
    for (path, code) in [
        ("timestamp/production.json".to_owned(), "FORM"),
        ("timestamp/production.signatures.json".to_owned(), "FORM"),
        ("release/production/2/statement.json".to_owned(), "MIX"),
        (format!("release/production/2/leaf/{NODE}.json"), "FORM"),
        (Scene::new().own_catalog(), "CATALOG_ALTERED"),
        (format!("blob/{}", Digest::of(b"two").hex()), "BLOB_ALTERED"),
    ] {
        let scene = Scene::new();
        scene.edit(&path, |mut bytes| {
            bytes.truncate(bytes.len() / 2);
            bytes
        });
        scene.refuses(code);
    }
}

#[test]
fn t12_a_publication_with_a_part_left_out() {
    for path in [
        TIMESTAMP[0].to_owned(),
        TIMESTAMP[1].to_owned(),
        "release/production/2/statement.json".to_owned(),
        "release/production/2/signatures.json".to_owned(),
        Scene::new().own_catalog(),
        format!("blob/{}", Digest::of(b"two").hex()),
    ] {
        let scene = Scene::new();
        std::fs::remove_file(scene.publication.join(&path)).unwrap();
        scene.refuses("MISSING");
    }
}

#[test]
fn t6_a_corrupt_mirror_does_not_keep_the_good_one_away() {
    let mut scene = Scene::new();
    let evil = scene.publication.with_file_name("evil");
    for (path, bytes) in snapshot(&scene.publication) {
        write(&evil.join(path.strip_prefix(&scene.publication).unwrap()), &bytes);
    }
    let poison = b"these bytes must never be kept";
    write(&evil.join(scene.own_catalog()), poison);
    let sources: Vec<Box<dyn Source>> =
        vec![Box::new(Directory::new(&evil)), Box::new(Directory::new(&scene.publication))];
    let attempts = pull(&scene.disk, &mut scene.state, &sources, NOW);
    assert!(matches!(attempts.pulled, Some(Pulled::Ready(_))));
    assert_eq!(attempts.problems[0].1.code(), "CATALOG_ALTERED");
    let kept = snapshot(&scene.disk.path(""));
    assert!(kept.iter().all(|(_, bytes)| !bytes.windows(poison.len()).any(|window| window == poison)));
}

#[test]
fn d31_a_clock_that_was_set_back() {
    let mut scene = Scene::new();
    let attempts = pull(&scene.disk, &mut scene.state, &only(&scene.publication), NOW.plus(-86_400));
    assert!(attempts.pulled.is_none());
    assert_eq!(attempts.problems[0].1.code(), "CLOCK_BACK");
}

#[test]
fn d31_the_clock_may_say_anything() {
    const YEAR: i64 = 365 * 86_400;
    let at = |text: &str| text.parse::<Stamp>().unwrap();
    for (clock, expected) in [
        (NOW.plus(-300), ""),
        (NOW.plus(-301), "CLOCK_BACK"),
        (NOW.plus(-3600), "CLOCK_BACK"),
        (NOW.plus(-YEAR), "CLOCK_BACK"),
        (Stamp::from_unix(0), "CLOCK_BACK"),
        (NOW.plus(3600), ""),
        (NOW.plus(3601), "FREEZE"),
        (NOW.plus(YEAR), "FREEZE"),
        (NOW.plus(YEAR + 1), "ROOT_EXPIRED"),
        (at("2038-01-19T03:14:07Z"), "ROOT_EXPIRED"),
        (at("2038-01-19T03:14:08Z"), "ROOT_EXPIRED"),
        (at("2106-02-07T06:28:15Z"), "ROOT_EXPIRED"),
        (at("2106-02-07T06:28:16Z"), "ROOT_EXPIRED"),
        (at("9999-12-31T23:59:59Z"), "ROOT_EXPIRED"),
    ] {
        let mut scene = Scene::new();
        let before = snapshot(&scene.disk.path(""));
        let attempts = pull(&scene.disk, &mut scene.state, &only(&scene.publication), clock);
        let code = attempts.problems.first().map_or("", |(_, problem)| problem.code());
        assert_eq!((code, attempts.pulled.is_some()), (expected, expected.is_empty()), "{clock}");
        assert!(expected.is_empty() || snapshot(&scene.disk.path("")) == before, "{clock}");
        // What a wrong clock refused is taken as soon as the clock is right, and nothing was forgotten for ever.
        scene.world.stamp(&scene.publication, NOW.plus(3601));
        let attempts = pull(&scene.disk, &mut scene.state, &only(&scene.publication), NOW.plus(3601));
        assert!(attempts.pulled.is_some(), "{clock}: {:?}", attempts.problems);
        assert_eq!(scene.state.accepted().map(|accepted| accepted.seq), Some(2));
    }
}

#[test]
fn d31_a_second_that_comes_twice_is_no_step_back_and_a_server_ahead_is_refused() {
    let mut scene = Scene::new();
    for clock in [NOW.plus(1), NOW, NOW.plus(1), NOW.plus(2)] {
        let attempts = pull(&scene.disk, &mut scene.state, &only(&scene.publication), clock);
        assert!(attempts.pulled.is_some(), "{clock}: {:?}", attempts.problems);
    }
    for ahead in [3600, 365 * 86_400, 80 * 365 * 86_400] {
        let mut scene = Scene::new();
        scene.world.stamp(&scene.publication, NOW.plus(ahead));
        scene.refuses("FUTURE");
    }
}

#[test]
fn d27_state_that_was_tampered_with_or_lost_is_never_a_fresh_start() {
    let scene = Scene::new();
    let good = std::fs::read(scene.disk.path("state.json")).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        write(&scene.disk.path("state.json"), &bad);
        assert!(matches!(stored::load(&scene.disk), Err(StoredError::Refusal(_))), "byte {at}");
    }
    write(&scene.disk.path("state.json"), &good[..good.len() / 2]);
    assert!(matches!(stored::load(&scene.disk), Err(StoredError::Refusal(_))));
    scene.disk.remove("state.json", Lasting::Now).unwrap();
    let lost = stored::load(&scene.disk).unwrap_err();
    assert!(matches!(&lost, StoredError::Refusal(refusal) if refusal.code() == "STATE"), "{lost}");
}

#[test]
fn d28_a_crash_between_objects_and_state_leaves_the_old_release() {
    let scene = Scene::new();
    let source = Directory::new(&scene.publication);
    let (decision, offer) = judge(&scene.disk, &scene.state, &source, NOW).unwrap();
    assert!(matches!(decision, Decision::Accept(_)));
    // The objects were written and then the power went.
    stored::keep_offer(&scene.disk, &offer).unwrap();
    let state = stored::load(&scene.disk).unwrap().unwrap();
    let ready = reload(&scene.disk, &state, NOW).unwrap().unwrap();
    assert_eq!(ready.release.seq, 1);
    assert!(!ready.catalog.only_noop());
}

#[test]
fn releases_that_were_missed_are_linked_by_their_statements() {
    let mut scene = Scene::new();
    scene.world.publish(&scene.publication, &Draft::of("three"));
    scene.world.publish(&scene.publication, &Draft::of("four"));
    let attempts = pull(&scene.disk, &mut scene.state, &only(&scene.publication), NOW);
    let Some(Pulled::Ready(ready)) = attempts.pulled else { unreachable!("{:?}", attempts.problems) };
    assert_eq!(ready.release.seq, 4);
}

#[test]
fn t4_a_jump_over_a_link_is_refused() {
    let mut scene = Scene::new();
    scene.world.publish(&scene.publication, &Draft::of("three"));
    std::fs::copy(
        scene.old.join("release/production/1/statement.json"),
        scene.publication.join("release/production/2/statement.json"),
    )
    .unwrap();
    scene.refuses("CHAIN");
}

/// A publication whose timestamp has the signatures of the one before it, the first `torn` times that it is looked at.
#[derive(Debug)]
struct Torn {
    new: Directory,
    old: Directory,
    torn: usize,
    looks: Arc<AtomicUsize>,
}

impl Source for Torn {
    fn name(&self) -> &str {
        "torn"
    }

    fn get(&self, want: &Want<'_>) -> Result<Answer, FetchError> {
        if want.path != "timestamp/production.signatures.json" {
            return self.new.get(want);
        }
        let looks = self.looks.fetch_add(1, Ordering::SeqCst);
        if looks < self.torn { self.old.get(want) } else { self.new.get(want) }
    }
}

impl Scene {
    /// Pulls while a server renews its timestamp; how often the timestamp was looked at, and what came of it.
    fn pull_torn(&mut self, torn: usize) -> (usize, Attempts) {
        let looks = Arc::new(AtomicUsize::new(0));
        let (new, old) = (Directory::new(&self.publication), Directory::new(&self.old));
        let sources: Vec<Box<dyn Source>> = vec![Box::new(Torn { new, old, torn, looks: looks.clone() })];
        let attempts = pull(&self.disk, &mut self.state, &sources, NOW);
        (looks.load(Ordering::SeqCst), attempts)
    }
}

#[test]
fn a_timestamp_between_two_versions_is_looked_at_again() {
    let (looks, attempts) = Scene::new().pull_torn(1);
    let Some(Pulled::Ready(ready)) = attempts.pulled else { unreachable!("{:?}", attempts.problems) };
    assert_eq!((looks, ready.release.seq), (2, 2));
}

#[test]
fn a_timestamp_without_its_signatures_is_refused_at_the_second_look() {
    let mut scene = Scene::new();
    let before = snapshot(&scene.disk.path(""));
    let (looks, attempts) = scene.pull_torn(usize::MAX);
    assert!(attempts.pulled.is_none());
    assert_eq!((looks, attempts.problems[0].1.code()), (2, "UNSIGNED"));
    assert_eq!(snapshot(&scene.disk.path("")), before);
}

#[test]
fn another_refusal_is_not_looked_at_again() {
    let mut scene = Scene::with_second(&Draft::of("two").signed_by(&["alice"]));
    let (looks, attempts) = scene.pull_torn(0);
    assert!(attempts.pulled.is_none());
    assert_eq!((looks, attempts.problems[0].1.code()), (1, "THRESHOLD"));
}
