//! The release in force loses a signature: nodes hold, somebody else signs the same statement, and nodes go on. Nothing
//! is released or installed anew (D37).

use super::{MOTD, SITE, Stage};
use crate::secrets::World;
use crate::support::{clean, countersign, ok};
use std::path::Path;
use std::time::{Duration, Instant};

const WEB1: &str = "web1.example";
const TIMESTAMP: &str = "server/publish/timestamp/production.json";

fn revoke(stage: &Stage, name: &str) {
    let key = stage.path(name);
    stage.clone_of(name).ok(&["trust", "revoke", "--key", key.to_str().unwrap(), "-m", "lost", "--yes"]);
}

/// Waits until the server's timestamp says this.
fn wait(stage: &Stage, says: impl Fn(&str) -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !std::fs::read_to_string(stage.path(TIMESTAMP)).is_ok_and(|text| says(&text)) {
        assert!(Instant::now() < until, "the timestamp did not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn signers(stage: &Stage) -> Vec<String> {
    let folder = stage.path("server/publish/release/production/1/sig.d");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn d37_a_node_holds_a_release_that_lost_a_signer_and_goes_on_when_another_signed() {
    let mut world = World::new();
    world.node(WEB1);
    let stage = &world.stage;
    let file = stage.path(&format!("root-{WEB1}/etc/motd"));
    std::fs::create_dir(file.parent().unwrap()).unwrap();
    stage.clone_of("frank").propose(SITE, "Begin");
    for name in ["alice", "bob"] {
        stage.clone_of(name).ok(&["approve", "1", "--yes"]);
    }
    wait(stage, |text| text.contains("\"seq\":1"));
    world.run(WEB1, 2, &["--test"]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "hello\n");

    revoke(stage, "bob");
    wait(stage, |text| !text.contains("\"withdrawn\":null"));
    let state = |what: &str| -> serde_json::Value {
        let bytes = std::fs::read(stage.path(&format!("agent-{WEB1}/state.json"))).unwrap();
        serde_json::from_slice::<serde_json::Value>(&bytes).unwrap()["state"][what].clone()
    };
    let accepted = state("accepted");
    drift(&file);
    for _ in 0..2 {
        let said = world.run(WEB1, 1, &["--test"]);
        assert!(said.contains("REVOKED"), "{said}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "drift\n", "it holds");
    }

    let carol = stage.clone_of("carol");
    let said = carol.ok(&["review", "list"]);
    assert!(
        said.contains("in force and lost signatures: signed by alice; missing 1 of role `release`"),
        "{said}"
    );
    assert!(stage.clone_of("alice").refused(&["approve", "1", "--yes"]).contains("has already approved"));
    assert!(stage.clone_of("frank").refused(&["approve", "1", "--yes"]).contains("is an author"));
    let said = carol.ok(&["approve", "1", "--yes"]);
    assert!(said.contains("RELEASED   as release 1, in force, missing 1 of role `release`"), "{said}");
    assert!(said.contains("release 1 has all its signatures"), "{said}");
    assert_eq!(signers(stage), ["alice.sig", "bob.sig", "carol.sig"]);
    assert_eq!(carol.ok(&["review", "list"]), "no change waits for anybody\n");
    carol.ok(&["release", "verify", "1"]);

    let said = world.run(WEB1, 2, &["--test"]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "hello\n", "{said}");
    assert_eq!(state("accepted"), accepted, "the same release, not another one");
    // The new signature is on the node's disk, too.
    drift(&file);
    world.server.kill().unwrap();
    world.server.wait().unwrap();
    // What came from the disk is applied, and the exit code says that nobody knows whether there is something newer.
    world.run(WEB1, 1, &[]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "hello\n");
}

fn drift(file: &Path) {
    std::fs::write(file, "drift\n").unwrap();
}

#[test]
fn d37_a_reviewer_with_a_new_key_signs_the_release_in_force_again() {
    let stage = Stage::new().released();
    let mut keygen = clean("ssh-keygen");
    ok(keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", "bob", "-f"]).arg(stage.path("bob2")));
    revoke(&stage, "bob");
    let run = |args: &[&str]| ok(countersign().args(args).current_dir(stage.path("")));
    run(&["trust", "rotate", "bob=bob2.pub", "--trust", "trust", "--server", "server"]);
    for name in ["alice", "carol"] {
        run(&["trust", "sign", "trust", "--key", name]);
    }
    run(&["server", "trust", "server", "trust"]);
    let bob = stage.clone_of("bob");
    let key = stage.path("bob2");
    bob.ok(&["setup", "--root-digest", &stage.digest, "--key", key.to_str().unwrap()]);
    let said = bob.ok(&["approve", "1", "--yes"]);
    assert!(said.contains("release 1 has all its signatures"), "{said}");
    assert_eq!(signers(&stage), ["alice.sig", "bob.sig"]);
    assert!(bob.refused(&["approve", "1", "--yes"]).contains("change 1 is already release 1"));
    stage.clone_of("carol").ok(&["release", "verify", "1"]);
    // Only the release in force is signed again: older ones are history.
    stage.clone_of("frank").propose(&[("modules/motd/module.toml", &MOTD.replace("hello", "bye"))], "Next");
    for name in ["alice", "carol"] {
        stage.clone_of(name).ok(&["approve", "2", "--yes"]);
    }
    let said = stage.clone_of("carol").refused(&["approve", "1", "--yes"]);
    assert!(said.contains("change 1 is already release 1"), "{said}");
}

/// What a reviewer adds a signature to is worked out as carefully as before a release.
#[test]
fn d37_d13_nobody_signs_again_what_was_not_released_like_that() {
    let stage = Stage::new().released();
    revoke(&stage, "bob");
    let release = "refs/releases/production/1";
    let statement = stage.server_git(&["show", &format!("{release}:statement.json")]);
    let other = statement.replace("\"affected\":2", "\"affected\":1");
    assert_ne!(other, statement);
    let (meta, path) = ("refs/changes/1/meta", stage.path("statement.json"));
    std::fs::write(&path, other).unwrap();
    let blob = stage.server_git(&["hash-object", "-w", path.to_str().unwrap()]);
    for (name, file) in [(release, "statement.json"), (meta, "patchsets/1/statement")] {
        replace(&stage, name, file, blob.trim());
    }
    let said = stage.clone_of("carol").refused(&["approve", "1", "--yes"]);
    assert!(said.contains("`affected`"), "{said}");
}

/// Puts a blob into the place of a file in the commit behind a ref of the server.
fn replace(stage: &Stage, name: &str, file: &str, blob: &str) {
    let index = stage.path("index");
    let git = |args: &[&str]| {
        let mut git = clean("git");
        git.arg("--git-dir").arg(stage.site()).args(args).env("GIT_INDEX_FILE", &index);
        ok(&mut git).trim().to_owned()
    };
    drop(std::fs::remove_file(&index));
    git(&["read-tree", name]);
    let listed = git(&["ls-files"]);
    let path =
        listed.lines().find(|path| path.starts_with(file)).unwrap_or_else(|| panic!("no {file} in {listed}"));
    git(&["update-index", "--cacheinfo", &format!("100644,{blob},{path}")]);
    let tree = git(&["write-tree"]);
    let commit = git(&["commit-tree", "-m", "x", &tree]);
    git(&["update-ref", name, &commit]);
}
