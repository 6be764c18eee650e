//! Which trust roots a server takes, and that it changes nothing when it does not.

use super::*;
use crate::server::testing::{World, now, raw_root, write_root};
use crate::signing::root::RawRoot;

/// What installing leaves behind: published versions, the pin, the ref, the keys that may push.
fn traces(layout: &Layout) -> (Vec<u64>, Option<Digest>, Option<String>, String) {
    let repo = Repo::open(&layout.repository()).unwrap();
    let publication = Publication::open(&layout.publication()).unwrap();
    let signers = std::fs::read_to_string(layout.repository().join(crate::repo::ALLOWED_SIGNERS)).unwrap();
    let pin = Config::load(&layout.config()).unwrap().root;
    let head = repo.resolve(TRUST_REF).unwrap().map(|id| id.to_string());
    (publication.root_versions().unwrap(), pin, head, signers)
}

fn second(world: &World) -> RawRoot {
    let publication = Publication::open(&world.layout.publication()).unwrap();
    let first = publication.root(1).unwrap().unwrap();
    let old: RawRoot = serde_json::from_slice(&first.bytes).unwrap();
    RawRoot { version: 2, prev: Some(Digest::of(&first.bytes)), ..old }
}

/// A trust directory with the installed version 1 and a version 2 of these signers.
fn directory(world: &World, raw: RawRoot, signers: &[&str]) -> tempfile::TempDir {
    let scratch = tempfile::tempdir().unwrap();
    let published = world.layout.publication().join("root");
    std::fs::create_dir(scratch.path().join("1.sig.d")).unwrap();
    for name in ["1.json", "1.sig.d/alice.sig", "1.sig.d/bob.sig"] {
        std::fs::copy(published.join(name), scratch.path().join(name)).unwrap();
    }
    write_root(scratch.path(), raw, signers);
    scratch
}

fn check_refused(world: &World, trust: &Path, expected: &str) {
    let before = traces(&world.layout);
    let refused = install(&world.layout, trust, now()).unwrap_err();
    let name = format!("{refused:?}");
    assert!(name.starts_with(expected), "{name}");
    assert_eq!(traces(&world.layout), before);
}

#[test]
fn d9_a_next_version_needs_the_thresholds_and_then_the_running_server_has_it() {
    let world = World::start();
    let raw = second(&world);
    for signers in [&[][..], &["alice"], &["alice", "carol"]] {
        let trust = directory(&world, raw.clone(), signers);
        check_refused(&world, trust.path(), "Refused { version: 2");
    }
    let trust = directory(&world, raw, &["alice", "bob"]);
    assert_eq!(install(&world.layout, trust.path(), now()).unwrap().version(), 2);
    let (versions, pin, head, signers) = traces(&world.layout);
    assert_eq!(versions, [1, 2]);
    assert!(pin.is_some() && head.is_some() && signers.starts_with("# trust root 2 "));
    let health = String::from_utf8(world.stranger().get("/healthz").body).unwrap();
    assert!(health.contains("\"root\":2"), "{health}");
}

#[test]
fn t8_an_older_version_does_not_come_back() {
    let world = World::start();
    let trust = directory(&world, second(&world), &["alice", "bob"]);
    install(&world.layout, trust.path(), now()).unwrap();
    std::fs::remove_file(trust.path().join("2.json")).unwrap();
    check_refused(&world, trust.path(), "Older { have: 2, got: 1 }");
}

#[test]
fn another_root_of_its_own_making_is_refused() {
    let world = World::start();
    let scratch = tempfile::tempdir().unwrap();
    let other = RawRoot { repo: crate::signing::document::RepoId::new([9; 32]), ..raw_root(&world.layout) };
    write_root(scratch.path(), other, &["alice", "bob"]);
    check_refused(&world, scratch.path(), "Refused { version: 1, cause: RootDigest");
}

#[test]
fn a_root_for_another_server_or_one_that_has_expired_is_refused() {
    let world = World::start();
    let raw = second(&world);
    let mut elsewhere = raw.clone();
    elsewhere.tls.server_ca = Digest::of(b"another authority");
    let trust = directory(&world, elsewhere, &["alice", "bob"]);
    check_refused(&world, trust.path(), "OtherServer");
    let old = RawRoot { created: now().plus(-100), expires: now().plus(-1), ..raw };
    let trust = directory(&world, old, &["alice", "bob"]);
    check_refused(&world, trust.path(), "Expired { version: 2");
    let empty = tempfile::tempdir().unwrap();
    check_refused(&world, empty.path(), "Missing");
}

#[test]
fn a_start_publishes_again_what_only_the_repository_has() {
    let mut world = World::start();
    world.stop();
    let root = world.layout.publication().join("root/1.json");
    std::fs::remove_file(&root).unwrap();
    let again = world.restart();
    assert!(root.exists());
    assert_eq!(again.stranger().get("/pub/root/1.json").status, 200);
}
