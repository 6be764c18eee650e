//! Signatures taken back, and approvals given again: no two statements for one place keep a person's signature.

use super::{SITE, Stage};
use crate::support::{clean, ok};
use countersign::server::gate::{changes, withdrawals};
use countersign::signing::Release;
use countersign::signing::document::read_untrusted;

const HELLO: (&str, &str) = ("modules/motd/files/motd", "Good morning\n");
const DATA: (&str, &str) = ("data/common.toml", "# nothing yet\n");

fn list(stage: &Stage) -> Vec<u8> {
    withdrawals::load(&stage.repo(), &"production".parse().unwrap()).unwrap().encode()
}

fn published(stage: &Stage) -> Vec<u8> {
    std::fs::read(stage.path("server/publish/withdrawals/production.json")).unwrap()
}

fn statement(stage: &Stage, change: u64) -> Release {
    let record = changes::load(&stage.repo(), change).unwrap();
    read_untrusted(&record.current().unwrap().statement).unwrap()
}

/// Frank's new patchset of the change on top of his clone.
fn amend(stage: &Stage, files: &[(&str, &str)]) {
    let frank = stage.clone_of("frank");
    for (path, text) in files {
        std::fs::write(frank.dir.join(path), text).unwrap();
    }
    ok(&mut frank.git(&["add", "-A"]));
    ok(&mut frank.git(&["commit", "-q", "--amend", "--no-edit", "--date=2026-01-01T00:00:00Z"]));
    let output = frank.push("refs/for/production", &[]);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn d51_a_new_patchset_takes_the_old_signature_back() {
    let stage = Stage::new().released();
    stage.clone_of("frank").propose(&[HELLO], "Good morning");
    let alice = stage.clone_of("alice");
    alice.ok(&["approve", "2", "--yes"]);
    let old = statement(&stage, 2).id();
    amend(&stage, &[(HELLO.0, "Good evening\n")]);
    assert_eq!(statement(&stage, 2).supersedes, [old]);
    let said = alice.ok(&["approve", "2", "--yes"]);
    assert!(
        said.contains(&format!("your signature on patchset 1 of change 2 ({old}) is taken back first")),
        "{said}"
    );
    let text = String::from_utf8(published(&stage)).unwrap();
    assert!(text.contains(&old.to_string()) && text.contains("replaced by patchset 2 of change 2"), "{text}");
    assert_eq!(published(&stage), list(&stage));
    stage.clone_of("bob").ok(&["approve", "2", "--yes"]);
    assert!(stage.refs().contains("refs/releases/production/2 "));
    stock_accepts(&stage, &text);
}

/// Stock ssh-keygen accepts a published withdrawal as what it is, and as nothing else.
fn stock_accepts(stage: &Stage, list: &str) {
    let entries: serde_json::Value = serde_json::from_str(list).unwrap();
    let (document, signature) = (stage.path("withdraw.json"), stage.path("withdraw.sig"));
    std::fs::write(&document, entries[0]["document"].as_str().unwrap()).unwrap();
    std::fs::write(&signature, entries[0]["signatures"][0].as_str().unwrap()).unwrap();
    let key = std::fs::read_to_string(stage.path("alice.pub")).unwrap();
    std::fs::write(stage.path("allowed"), format!("alice {key}")).unwrap();
    let verify = |namespace: &str| {
        let mut keygen = clean("ssh-keygen");
        keygen.args(["-Y", "verify", "-I", "alice", "-n", namespace, "-f"]).arg(stage.path("allowed"));
        keygen.arg("-s").arg(&signature).stdin(std::fs::File::open(&document).unwrap());
        keygen.output().unwrap().status.success()
    };
    assert!(verify("withdraw.v1@countersign.dev"));
    assert!(!verify("release.v1@countersign.dev"));
}

#[test]
fn d51_two_changes_for_one_place_are_not_both_signed() {
    let stage = Stage::new().released();
    let frank = stage.clone_of("frank");
    frank.propose(&[DATA], "Data");
    ok(&mut frank.git(&["reset", "-q", "--hard", "origin/production"]));
    frank.propose(&[HELLO], "Good morning");
    let alice = stage.clone_of("alice");
    alice.ok(&["approve", "2", "--yes"]);
    let said = alice.refused(&["approve", "3", "--yes"]);
    assert!(
        said.contains("you signed patchset 1 of change 2") && said.contains("release change 2 first"),
        "{said}"
    );
    // Another clone of the same person knows it, too.
    std::fs::remove_dir_all(&alice.dir).unwrap();
    stage.clone_of("alice").refused(&["approve", "3", "--yes"]);
    amend(&stage, &[]);
    let said = stage.clone_of("alice").ok(&["approve", "3", "--yes"]);
    assert!(said.contains("your signature on patchset 1 of change 2"), "{said}");
    assert!(stage.clone_of("bob").ok(&["review", "list"]).contains("nobody signed"), "change 2 lost it");
    let said = stage.clone_of("alice").refused(&["approve", "2", "--yes"]);
    assert!(said.contains("you signed patchset 2 of change 3"), "{said}");
}

#[test]
fn d51_what_was_taken_back_is_never_given_again() {
    let stage = Stage::new();
    stage.clone_of("frank").propose(SITE, "Say hello");
    let alice = stage.clone_of("alice");
    let said = alice.refused(&["withdraw", "1", "-m", "no", "--yes"]);
    assert!(said.contains("`alice` signed no patchset of change 1"), "{said}");
    alice.ok(&["approve", "1", "--yes"]);
    assert!(alice.refused(&["withdraw", "1", "-m", "a second look"]).contains("nothing was taken back"));
    let said = alice.ok(&["withdraw", "1", "-m", "a second look", "--yes"]);
    assert!(said.contains("took back the signature of `alice`"), "{said}");
    let said = alice.refused(&["approve", "1", "--yes"]);
    assert!(said.contains("`alice` took back their signature on this statement"), "{said}");
    once_is_enough(&stage);
    stage.clone_of("bob").ok(&["approve", "1", "--yes"]);
    assert!(!stage.refs().contains("refs/releases/"), "bob alone is not two");
    stage.clone_of("carol").ok(&["approve", "1", "--yes"]);
    assert!(stage.refs().contains("refs/releases/production/1 "));
}

/// Nobody fills the list by taking back the same signature again and again, with our program or without it.
fn once_is_enough(stage: &Stage) {
    let before = list(stage);
    let alice = stage.clone_of("alice");
    let said = alice.ok(&["withdraw", "1", "--patchset", "1", "-m", "to be sure", "--yes"]);
    assert!(said.contains("was taken back before"), "{said}");
    let entries: serde_json::Value = serde_json::from_slice(&before).unwrap();
    ok(&mut alice.git(&["checkout", "-q", "--orphan", "again"]));
    ok(&mut alice.git(&["rm", "-rq", "--cached", "--ignore-unmatch", "."]));
    ok(&mut alice.git(&["clean", "-fdxq"]));
    let text = |entry: &serde_json::Value| entry.as_str().unwrap().to_owned();
    let (document, signature) = (text(&entries[0]["document"]), text(&entries[0]["signatures"][0]));
    alice.commit(&[("withdraw.json", &document), ("withdraw.sig", &signature)], "Again");
    let said = alice.push_refused("refs/for/change/1", &[]);
    assert!(said.contains("took back their signature on this statement"), "{said}");
    assert_eq!(list(stage), before);
}

/// A release loses a signature that it needs: whoever verifies it is told so.
#[test]
fn d51_a_release_that_lost_a_signature_is_told_apart() {
    let stage = Stage::new().released();
    let bob = stage.clone_of("bob");
    bob.ok(&["release", "verify", "1"]);
    bob.ok(&["withdraw", "1", "-m", "my key was borrowed", "--yes"]);
    let said = stage.clone_of("alice").refused(&["release", "verify", "1"]);
    assert!(said.contains("only with signatures that were taken back (bob)"), "{said}");
    assert_eq!(published(&stage), list(&stage));
}

#[test]
fn d11_a_rebase_with_the_same_effect_is_signed_again_in_one_step() {
    let stage = Stage::new().released();
    let frank = stage.clone_of("frank");
    frank.propose(&[DATA], "Data");
    ok(&mut frank.git(&["reset", "-q", "--hard", "origin/production"]));
    frank.propose(&[HELLO], "Good morning");
    let alice = stage.clone_of("alice");
    assert!(alice.refused(&["approve", "3", "--again"]).contains("you signed no earlier patchset"));
    alice.ok(&["approve", "3", "--yes"]);
    for name in ["bob", "carol"] {
        stage.clone_of(name).ok(&["approve", "2", "--yes"]);
    }
    assert!(alice.refused(&["approve", "3", "--again"]).contains("is void"));
    ok(&mut frank.git(&["fetch", "-q"]));
    ok(&mut frank.git(&["rebase", "-q", "origin/production"]));
    assert!(frank.push("refs/for/production", &[]).status.success());
    let said = alice.ok(&["approve", "3", "--again"]);
    assert!(said.contains("the same source change and effect as patchset 1"), "{said}");
    let shown = stage.clone_of("carol").ok(&["review", "show", "3"]);
    assert!(
        shown.contains("note       alice, patchset 2: approved again: the same source change"),
        "{shown}"
    );
    // Bob did not sign patchset 1, and a patchset that does something else is read again.
    let said = stage.clone_of("bob").refused(&["approve", "3", "--again"]);
    assert!(said.contains("you signed no earlier patchset"), "{said}");
    amend(&stage, &[(HELLO.0, "Good night\n")]);
    let said = alice.refused(&["approve", "3", "--again"]);
    assert!(said.contains("its change of the source is another"), "{said}");
    assert!(said.contains("countersign review diff 3"), "{said}");
}
