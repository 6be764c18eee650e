//! Reviewers and the log: a server that shows them two histories, or another one than its nodes, gets no signature.

use super::Stage;
use crate::support::{clean, ok};
use countersign::model::{Checkpoint, Digest};
use countersign::server::gate::trust::{Pin, load};
use countersign::server::gate::{changes, releases};
use countersign::signing::document::{Hash, read_untrusted};
use countersign::signing::log::{Edge, note};
use countersign::signing::tree::{leaf_hash, tree_root};
use countersign::signing::{Release, SigningKey};
use countersign::store::Publication;
use std::path::PathBuf;

const LOG: &str = "refs/meta/log";

/// The hashes of a log in which two histories have their first three entries in common.
fn entries(history: &str, size: u64) -> Vec<Hash> {
    let text = |n| if n < 3 { format!("both {n}") } else { format!("{history} {n}") };
    (0..size).map(|n| leaf_hash(text(n).as_bytes())).collect()
}

fn checkpoint(history: &str, size: u64) -> Checkpoint {
    Checkpoint { size, root: Digest::from_bytes(tree_root(&entries(history, size)).0) }
}

/// What whoever holds the server and its timestamp key publishes as the log.
fn show(stage: &Stage, history: &str, size: u64) {
    drop(std::fs::remove_dir_all(stage.path("server/publish/log")));
    let publication = Publication::open(&stage.path("server/publish")).unwrap();
    let mut edge = Edge::default();
    for leaf in entries(history, size) {
        edge.append(leaf, |tile, bytes| publication.put_tile(tile, &bytes).unwrap());
    }
    edge.partial().for_each(|(tile, bytes)| publication.put_tile(tile, &bytes).unwrap());
    let key = SigningKey::from_openssh(&std::fs::read(stage.path("server/timestamp/key")).unwrap()).unwrap();
    let root = load(&stage.repo(), Pin::Installed).unwrap();
    publication.put_checkpoint(&note::sign(&key, root.repo(), edge.checkpoint().unwrap())).unwrap();
}

/// The log that the statement of a change names.
fn named(stage: &Stage, change: u64) -> Option<Checkpoint> {
    let record = changes::load(&stage.repo(), change).unwrap();
    read_untrusted::<Release>(&record.current().unwrap().statement).unwrap().log
}

fn propose(stage: &Stage, text: &str) {
    let said = stage.clone_of("frank").propose(&[("modules/motd/files/motd", text)], text);
    assert!(said.contains("change"), "{said}");
}

/// A stage in which alice and bob have signed release 2 with a log of 300 entries.
fn seen() -> Stage {
    let stage = Stage::new().released();
    assert_eq!(named(&stage, 1), None, "the server had published none");
    show(&stage, "ours", 300);
    propose(&stage, "two");
    for name in ["alice", "bob"] {
        stage.clone_of(name).ok(&["approve", "2", "--yes"]);
    }
    let record = releases::read(&stage.repo(), &"production".parse().unwrap(), 2).unwrap();
    assert_eq!(record.release.log, Some(checkpoint("ours", 300)));
    stage
}

fn ledger(stage: &Stage, name: &str) -> String {
    let root = load(&stage.repo(), Pin::Installed).unwrap();
    let path = stage.path(&format!("state/countersign/signed/{}/{name}.jsonl", root.repo()));
    std::fs::read_to_string(path).unwrap_or_default()
}

/// A reviewer refuses change 3 with this code: nothing is signed, and what was seen of the log stays what it was.
fn refuses(stage: &Stage, name: &str, code: &str) {
    let person = stage.clone_of(name);
    let (refs, before) = (stage.refs(), ledger(stage, name));
    for args in [&["approve", "3", "--yes"][..], &["approve", "3", "--yes", "--again"]] {
        let said = person.refused(args);
        assert!(said.contains(&format!("error: {code}: ")), "{name}: {said}");
        let evidence = checkpoint("ours", 300).to_string();
        assert!(said.contains("do not sign") && said.contains(&evidence), "{name}: {said}");
    }
    assert_eq!((stage.refs(), ledger(stage, name)), (refs, before), "{name}");
}

#[test]
fn d36_a_log_that_grows_is_followed_by_reviewers_and_named_by_statements() {
    let stage = seen();
    assert!(ledger(&stage, "alice").contains(&checkpoint("ours", 300).to_string()));
    for (change, size) in [(3, 300), (4, 301), (5, 900)] {
        show(&stage, "ours", size);
        propose(&stage, &format!("change {change}"));
        assert_eq!(named(&stage, change), Some(checkpoint("ours", size)));
        // What is published meanwhile is for the next statement.
        show(&stage, "ours", size + 50);
        for name in if change == 4 { ["bob", "carol"] } else { ["alice", "carol"] } {
            stage.clone_of(name).ok(&["approve", &change.to_string(), "--yes"]);
            assert!(ledger(&stage, name).contains(&checkpoint("ours", size).to_string()), "{name}");
        }
    }
    let steps = stage.server_git(&["rev-list", "--count", LOG]);
    assert_eq!(steps.trim(), "3", "one for each checkpoint that a statement names");
}

/// Whoever has the server shows alice one history and, from then on, everybody another one. Carol never signed before: the
/// release before tells her.
#[test]
fn d36_a_server_that_keeps_two_histories_for_two_reviewers_is_found() {
    for (history, size, code) in
        [("another", 300, "LOG_FORK"), ("another", 400, "LOG_FORK"), ("ours", 299, "LOG_ROLLBACK")]
    {
        let stage = seen();
        show(&stage, history, size);
        propose(&stage, "three");
        assert_eq!(named(&stage, 3), Some(checkpoint(history, size)));
        refuses(&stage, "alice", code);
        refuses(&stage, "carol", code);
        // It also makes away with what it put on record.
        let tip = stage.server_git(&["rev-parse", LOG]);
        let alone = stage.server_git(&["commit-tree", "-m", "the log", &format!("{}^{{tree}}", tip.trim())]);
        stage.server_git(&["update-ref", LOG, alone.trim()]);
        refuses(&stage, "alice", code);
        refuses(&stage, "carol", code);
    }
}

/// The repository has the honest log, and the statement names another: the one that nodes are shown, say.
#[test]
fn d36_a_statement_that_names_another_log_than_the_recorded_one_is_not_signed() {
    let stage = seen();
    let honest = stage.server_git(&["rev-parse", LOG]);
    show(&stage, "another", 400);
    propose(&stage, "three");
    stage.server_git(&["update-ref", LOG, honest.trim()]);
    refuses(&stage, "alice", "LOG_ROLLBACK");
    show(&stage, "ours", 500);
    // Another proposal puts the honest log on record, which is longer.
    ok(&mut stage.clone_of("frank").git(&["commit", "-q", "--allow-empty", "-m", "four"]));
    propose(&stage, "four");
    refuses(&stage, "alice", "LOG_FORK");
    stage.clone_of("alice").ok(&["approve", "4", "--yes"]);
}

#[test]
fn d36_a_server_that_hides_its_log_gets_no_signature() {
    let stage = seen();
    std::fs::remove_dir_all(stage.path("server/publish/log")).unwrap();
    propose(&stage, "three");
    assert_eq!(named(&stage, 3), None);
    refuses(&stage, "alice", "LOG_ROLLBACK");
    refuses(&stage, "carol", "LOG_ROLLBACK");
    // A checkpoint that the timestamp role did not sign is none.
    show(&stage, "ours", 400);
    let place = stage.path("server/publish/log/checkpoint");
    let text = std::fs::read_to_string(&place).unwrap().replacen("400", "401", 1);
    std::fs::write(&place, text).unwrap();
    let frank = stage.clone_of("frank");
    ok(&mut frank.git(&["commit", "-q", "--amend", "--no-edit", "--date=2026-01-01T00:00:00Z"]));
    assert!(frank.push("refs/for/production", &[]).status.success());
    assert_eq!(named(&stage, 3), None);
    refuses(&stage, "alice", "LOG_ROLLBACK");
}

/// The repository came back from a backup, and has lost what reviewers saw of the log. A copy of the log shows the way.
#[test]
fn d36_what_is_not_on_record_is_worked_out_from_a_copy_of_the_log() {
    let stage = seen();
    stage.server_git(&["update-ref", "-d", LOG]);
    show(&stage, "ours", 400);
    propose(&stage, "three");
    refuses(&stage, "alice", "LOG_FORK");
    let copy = |name: &str, history: &str, size: u64| -> PathBuf {
        let to = stage.path(name);
        show(&stage, history, size);
        ok(clean("cp").arg("-a").arg(stage.path("server/publish")).arg(&to));
        to
    };
    let alice = stage.clone_of("alice");
    let approve =
        |copy: &PathBuf| ["approve", "3", "--yes", "--log", copy.to_str().unwrap()].map(str::to_owned);
    for (name, history, size, code) in [
        ("forked", "another", 450, "LOG_FORK"),
        ("short", "ours", 350, "LOG_ROLLBACK"),
        ("older", "ours", 299, "LOG_ROLLBACK"),
    ] {
        let args = approve(&copy(name, history, size));
        let said = alice.refused(&args.each_ref().map(String::as_str));
        assert!(said.contains(&format!("error: {code}: ")) && said.contains("keep that copy"), "{said}");
    }
    let args = approve(&copy("whole", "ours", 450));
    alice.ok(&args.each_ref().map(String::as_str));
    assert!(ledger(&stage, "alice").contains(&checkpoint("ours", 400).to_string()));
    // From here on the record is enough again.
    let args = approve(&stage.path("whole"));
    stage.clone_of("carol").ok(&args.each_ref().map(String::as_str));
    show(&stage, "ours", 460);
    propose(&stage, "four");
    alice.ok(&["approve", "4", "--yes"]);
}

/// The release in force is from before there was a log, and lost a signature: who saw a log since signs it all the same.
#[test]
fn a_release_from_before_the_log_is_signed_again_by_whoever_saw_the_log() {
    let stage = Stage::new().released();
    show(&stage, "ours", 300);
    propose(&stage, "two");
    let carol = stage.clone_of("carol");
    carol.ok(&["approve", "2", "--yes"]);
    assert!(ledger(&stage, "carol").contains(&checkpoint("ours", 300).to_string()));
    let key = stage.path("bob");
    let revoke = ["trust", "revoke", "--key", key.to_str().unwrap(), "-m", "lost", "--yes"];
    stage.clone_of("bob").ok(&revoke);
    assert_eq!(named(&stage, 1), None);
    carol.ok(&["approve", "1", "--yes"]);
}
