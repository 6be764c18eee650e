//! Keys that take themselves out of use: at once, for good, in every environment, and nobody else's.

use super::{SITE, Stage};
use crate::support::{clean, countersign, ok, transcript};
use countersign::model::wire::Signed;
use countersign::server::gate::withdrawals;
use countersign::signing::root::RawRoot;
use countersign::signing::{Document as _, RepoId, Revocation, SigningKey, sshsig};

const REF: &str = "refs/for/trust/revoke";
const HELLO: (&str, &str) = ("modules/motd/files/motd", "Good morning\n");

fn published(stage: &Stage) -> Vec<Signed> {
    let path = stage.path("server/publish/withdrawals/production.json");
    std::fs::read(path).map_or_else(|_| Vec::new(), |bytes| serde_json::from_slice(&bytes).unwrap())
}

fn types(stage: &Stage) -> String {
    let kind = |entry: &Signed| if entry.document.contains("\"type\":\"revoke\"") { 'R' } else { 'W' };
    published(stage).iter().map(kind).collect()
}

/// `trust revoke` of somebody's own key, in their clone.
fn revoke(stage: &Stage, name: &str) -> String {
    let key = stage.path(name);
    stage.clone_of(name).ok(&["trust", "revoke", "--key", key.to_str().unwrap(), "-m", "lost", "--yes"])
}

#[test]
fn d37_a_key_that_revoked_itself_has_no_say_any_more() {
    let stage = Stage::new().released();
    stage.clone_of("frank").propose(&[HELLO], "Good morning");
    let alice = stage.clone_of("alice");
    alice.ok(&["approve", "2", "--yes"]);
    let key = stage.path("alice");
    let arguments = ["trust", "revoke", "--key", key.to_str().unwrap(), "-m", "lost"];
    assert!(alice.refused(&arguments).contains("nothing was revoked"));
    assert_eq!(types(&stage), "");
    let said = revoke(&stage, "alice");
    assert!(said.contains("the key of `alice` is revoked") && !said.contains("WARNING"), "{said}");
    assert!(said.contains("countersign trust rotate alice=NEW.pub"), "{said}");
    assert_eq!(types(&stage), "R");
    // Her signature on change 2 is worth nothing, and neither is anything that she does from now on.
    stage.clone_of("bob").ok(&["approve", "2", "--yes"]);
    assert!(!stage.refs().contains("refs/releases/production/2 "), "bob alone is not two");
    for arguments in [&["approve", "2", "--yes"][..], &["review", "comment", "2", "-m", "well"]] {
        let said = alice.refused(arguments);
        assert!(said.contains("was revoked: nothing that it signs counts"), "{said}");
    }
    alice.commit(&[HELLO], "By a thief");
    let said = alice.push_refused("refs/for/production", &[]);
    assert!(said.contains("of `alice` was revoked"), "{said}");
    let said = stage.clone_of("carol").refused(&["release", "verify", "1"]);
    assert!(said.contains("only with keys that were revoked (alice)"), "{said}");
    stage.clone_of("carol").ok(&["approve", "2", "--yes"]);
    assert!(stage.refs().contains("refs/releases/production/2 "));
    stage.clone_of("carol").ok(&["release", "verify", "2"]);
    let said = stage.clone_of("alice").refused(&arguments_with_yes(&arguments));
    assert!(said.contains("was revoked, and nothing that it signs counts"), "once is enough: {said}");
    stock_accepts(&stage, &published(&stage)[0]);
}

fn arguments_with_yes<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    arguments.iter().copied().chain(["--yes"]).collect()
}

/// Stock ssh-keygen accepts a published revocation as what it is, with what `allowed_signers` says of the key.
fn stock_accepts(stage: &Stage, entry: &Signed) {
    let (document, signature) = (stage.path("revoke.json"), stage.path("revoke.sig"));
    std::fs::write(&document, &entry.document).unwrap();
    std::fs::write(&signature, &entry.signatures[0]).unwrap();
    let verify = |namespace: &str| {
        let mut keygen = clean("ssh-keygen");
        keygen
            .args(["-Y", "verify", "-I", "alice", "-n", namespace, "-f"])
            .arg(stage.path("trust/allowed_signers"));
        keygen.arg("-s").arg(&signature).stdin(std::fs::File::open(&document).unwrap());
        keygen.output().unwrap().status.success()
    };
    assert!(verify(Revocation::NAMESPACE));
    assert!(!verify("withdraw.v1@countersign.dev"));
}

#[test]
fn d37_nobody_revokes_the_key_of_somebody_else() {
    let stage = Stage::new().released();
    let key = |name: &str| SigningKey::from_openssh(&std::fs::read(stage.path(name)).unwrap()).unwrap();
    let root: RawRoot = serde_json::from_slice(&std::fs::read(stage.path("trust/1.json")).unwrap()).unwrap();
    let document = |repo: RepoId, owner: &str| {
        let revocation = Revocation {
            document: Revocation::TYPE.into(),
            v: 1,
            repo,
            key: key(owner).public().to_line(),
            created: "2026-01-01T00:00:00Z".parse().unwrap(),
            reason: String::new(),
        };
        String::from_utf8(revocation.encode()).unwrap()
    };
    let bob = stage.clone_of("bob");
    let elsewhere = RepoId::new([7; 32]);
    for (repo, owner, signer, says) in [
        (root.repo, "alice", "bob", "is not signed by that very key"),
        (root.repo, "alice", "mallory", "no valid signature on the revoke"),
        (root.repo, "mallory", "mallory", "no valid signature on the revoke"),
        (elsewhere, "alice", "alice", "belongs to repository"),
    ] {
        let document = document(repo, owner);
        let signature = sshsig::sign(&key(signer), Revocation::NAMESPACE, document.as_bytes());
        ok(&mut bob.git(&["checkout", "-q", "--orphan", &format!("{owner}-{signer}")]));
        ok(&mut bob.git(&["rm", "-rqf", "--ignore-unmatch", "."]));
        bob.commit(&[("revoke.json", &document), ("revoke.sig", &signature)], "Revoke");
        let said = bob.push_refused(REF, &[]);
        assert!(said.contains(says), "{owner} by {signer}: {said}");
    }
    ok(&mut bob.git(&["rm", "-qf", "revoke.sig"]));
    bob.commit(&[], "Nothing");
    assert!(bob.push_refused(REF, &[]).contains("no revocation of a key"));
    assert_eq!(types(&stage), "");
}

/// A revocation that was written while the key was at hand is handed in by a friend when it no longer is.
#[test]
fn d37_a_revocation_that_was_kept_is_handed_in_by_anybody() {
    let stage = Stage::new().released();
    let (key, kept) = (stage.path("alice"), stage.path("alice.revocation"));
    let (key, kept) = (key.to_str().unwrap(), kept.to_str().unwrap());
    let alice = stage.clone_of("alice");
    alice.ok(&["trust", "revoke", "--key", key, "-m", "kept for later", "--out", kept]);
    assert_eq!(types(&stage), "", "nothing is revoked by writing that down");
    alice.ok(&["release", "verify", "1"]);
    let said = stage.clone_of("frank").ok(&["trust", "revoke", "--from", kept, "--yes"]);
    assert!(said.contains("the key of `alice` is revoked"), "{said}");
    assert_eq!(types(&stage), "R");
    let said = stage.clone_of("bob").refused(&["trust", "revoke", "--from", key, "--yes"]);
    assert!(said.contains("is no revocation"), "{said}");
    let stranger = stage.path("mallory");
    let said = alice.refused(&["trust", "revoke", "--key", stranger.to_str().unwrap(), "-m", "x", "--yes"]);
    assert!(said.contains("does not know the key"), "{said}");
}

/// The lists only grow, whichever way withdrawals and revocations take turns; and every environment has all revocations.
#[test]
fn d37_d51_one_list_has_both_and_only_grows() {
    let stage = Stage::new();
    stage.clone_of("frank").propose(SITE, "Say hello");
    revoke(&stage, "frank");
    for name in ["alice", "bob"] {
        stage.clone_of(name).ok(&["approve", "1", "--yes"]);
    }
    assert_eq!(types(&stage), "R", "revoked before the environment had a release");
    let mut before = published(&stage);
    let mut grown = |expected: &str| {
        let now = published(&stage);
        assert!(now.starts_with(&before));
        assert_eq!(types(&stage), expected);
        before = now;
    };
    stage.clone_of("bob").ok(&["withdraw", "1", "-m", "a second look", "--yes"]);
    grown("RW");
    revoke(&stage, "alice");
    grown("RWR");
    let said = revoke(&stage, "carol");
    assert!(said.contains("WARNING: role `release` is left with 1, and 2 must sign"), "{said}");
    grown("RWRR");
    stage.clone_of("bob").ok(&["withdraw", "1", "--patchset", "1", "-m", "again", "--yes"]);
    grown("RWRR");
    assert_eq!(withdrawals::load(&stage.repo(), &"staging".parse().unwrap()).unwrap().entries().count(), 3);
}

#[test]
fn t9_the_server_installs_no_trust_root_that_needs_a_revoked_key() {
    let stage = Stage::new().released();
    revoke(&stage, "alice");
    let run = |args: &[&str]| countersign().args(args).current_dir(stage.path("")).output().unwrap();
    let good = |args: &[&str]| {
        let output = run(args);
        assert!(output.status.success(), "{args:?}\n{}", transcript(&output));
        transcript(&output)
    };
    good(&["trust", "add", "dan=dan.pub", "--trust", "trust", "--server", "server"]);
    for name in ["alice", "bob"] {
        good(&["trust", "sign", "trust", "--key", name]);
    }
    let output = run(&["server", "trust", "server", "trust"]);
    assert!(
        transcript(&output).contains("only with keys that were revoked (alice)"),
        "{}",
        transcript(&output)
    );
    assert!(!stage.path("server/publish/root/2.json").exists());
    good(&["trust", "sign", "trust", "--key", "carol"]);
    good(&["server", "trust", "server", "trust"]);
    good(&["server", "trust", "server", "trust"]);
    // A key that was revoked does not come back under any name.
    std::fs::copy(stage.path("alice.pub"), stage.path("again.pub")).unwrap();
    good(&["trust", "remove", "alice", "--trust", "trust", "--server", "server"]);
    for name in ["bob", "carol"] {
        good(&["trust", "sign", "trust", "--key", name]);
    }
    good(&["server", "trust", "server", "trust"]);
    let output = run(&["trust", "add", "erin=again.pub", "--trust", "trust", "--server", "server"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(transcript(&output).contains("was revoked"), "{}", transcript(&output));
}
