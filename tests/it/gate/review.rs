//! From a change to a release, and every way in which that must not happen.

use super::{MOTD, SITE, Stage};
use crate::support::{clean, ok};
use countersign::agent::clock::system as now;
use countersign::model::{Digest, Tree};
use countersign::repo::{Expected, NewCommit, RefUpdate};
use countersign::review::record;
use countersign::server::gate::changes;

const HELLO: (&str, &str) =
    ("modules/motd/module.toml", "[file.\"/etc/motd\"]\ncontent = \"good morning\\n\"\n");

#[test]
fn two_approvals_make_a_release() {
    let stage = Stage::new();
    stage.clone_of("frank").propose(SITE, "Say hello");
    let (alice, bob) = (stage.clone_of("alice"), stage.clone_of("bob"));
    let list = alice.ok(&["review", "list"]);
    assert!(list.contains("nobody signed; missing 2 of role `release`"), "{list}");
    let shown = alice.ok(&["review", "show", "1"]);
    for expected in [
        "authors    frank",
        "affects    2 of 2 nodes: 1 file new",
        "passed on this machine",
        "modules/motd/module.toml",
    ] {
        assert!(shown.contains(expected), "{expected:?} is not in:\n{shown}");
    }
    let diff = alice.ok(&["review", "diff", "1"]);
    assert!(
        diff.contains("2 nodes: web1.example, web2.example") && diff.contains("new file countersign.toml"),
        "{diff}"
    );
    let first = alice.ok(&["approve", "1", "--yes"]);
    assert!(first.contains("it still lacks 1 of role `release`"), "{first}");
    assert!(!stage.refs().contains("refs/releases/"), "one signature is no release");
    let second = bob.ok(&["approve", "1", "--yes"]);
    assert!(second.contains("change 1 is release 1 of production"), "{second}");
    let refs = stage.refs();
    assert!(
        refs.contains("refs/releases/production/1 ") && refs.contains("refs/heads/production "),
        "{refs}"
    );
    for file in ["statement.json", "signatures.json", "leaf/web1.example.json", "sig.d/alice.sig"] {
        assert!(stage.path("server/publish/release/production/1").join(file).exists(), "{file}");
    }
    let verified = alice.ok(&["release", "verify", "1"]);
    assert!(
        verified.contains("alice, bob") && verified.contains("2 compiled here, all as signed"),
        "{verified}"
    );
    assert!(alice.ok(&["release", "list"]).contains("signed by alice, bob"));
}

#[test]
fn stock_tools_accept_what_was_made() {
    let stage = Stage::new().released();
    stage.server_git(&["fsck", "--strict"]);
    let mirror = stage.path("mirror.git");
    ok(clean("git").args(["clone", "-q", "--mirror"]).arg(stage.site()).arg(&mirror));
    let refs = ok(clean("git")
        .arg("--git-dir")
        .arg(&mirror)
        .args(["for-each-ref", "--format=%(refname) %(objectname)"]));
    assert_eq!(refs, stage.refs(), "a mirror is the whole record");
    let release = stage.path("server/publish/release/production/1");
    for name in ["alice", "bob"] {
        let statement = std::fs::File::open(release.join("statement.json")).unwrap();
        let signers = stage.site().join("allowed_signers");
        let mut verify = clean("ssh-keygen");
        verify.args(["-Y", "verify", "-n", "release.v1@countersign.dev", "-I", name, "-f"]).arg(signers);
        ok(verify.arg("-s").arg(release.join(format!("sig.d/{name}.sig"))).stdin(statement));
    }
}

#[test]
fn d8_authors_do_not_approve_their_own_change() {
    let stage = Stage::new();
    let alice = stage.clone_of("alice");
    alice.propose(SITE, "Say hello");
    let said = alice.refused(&["approve", "1", "--yes"]);
    assert!(said.contains("`alice` is an author of change 1"), "{said}");
    // The server does not rely on her own machine refusing.
    let said = forge(&stage, "alice", 1);
    assert!(said.contains("`alice` is an author of change 1"), "{said}");
    // Nor does amending somebody else's change make a reviewer of its author or of the amender.
    let bob = stage.clone_of("bob");
    ok(&mut bob.git(&["fetch", "-q"]));
    ok(&mut bob.git(&["reset", "-q", "--hard", "refs/changes/1/1"]));
    std::fs::write(bob.dir.join("data.txt"), "x").unwrap();
    ok(&mut bob.git(&["add", "-A"]));
    ok(&mut bob.git(&["commit", "-q", "--amend", "--no-edit"]));
    let output = bob.push("refs/for/production", &[]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("change 1, patchset 2"), "{output:?}");
    for name in ["alice", "bob"] {
        let said = stage.clone_of(name).refused(&["approve", "1", "--yes"]);
        assert!(said.contains("is an author of change 1"), "{said}");
    }
}

/// Signs the statement of a change with somebody's key without asking countersign, and pushes that.
fn forge(stage: &Stage, name: &str, change: u64) -> String {
    let record = changes::load(&stage.repo(), change).unwrap();
    forged(stage, name, change, &record.current().unwrap().statement)
}

fn forged(stage: &Stage, name: &str, change: u64, statement: &[u8]) -> String {
    let person = stage.clone_of(name);
    let file = stage.path("statement.json");
    std::fs::write(&file, statement).unwrap();
    drop(std::fs::remove_file(stage.path("statement.json.sig")));
    let mut sign = clean("ssh-keygen");
    ok(sign
        .args(["-q", "-Y", "sign", "-n", "release.v1@countersign.dev", "-f"])
        .arg(stage.path(name))
        .arg(&file));
    ok(&mut person.git(&["checkout", "-q", "--orphan", &format!("forged-{change}")]));
    ok(&mut person.git(&["rm", "-rq", "--cached", "--ignore-unmatch", "."]));
    ok(&mut person.git(&["clean", "-fdxq"]));
    std::fs::copy(&file, person.dir.join("statement.json")).unwrap();
    std::fs::copy(stage.path("statement.json.sig"), person.dir.join("approval.sig")).unwrap();
    person.commit(&[], "Approve");
    let said = person.push_refused(&format!("refs/for/change/{change}"), &[]);
    ok(&mut person.git(&["checkout", "-q", "-B", "main"]));
    said
}

/// A stage where alice has approved change 1 and bob has not, and the statement that she signed.
fn half_approved() -> (Stage, Vec<u8>) {
    let stage = Stage::new();
    stage.clone_of("frank").propose(SITE, "Say hello");
    stage.clone_of("alice").ok(&["approve", "1", "--yes"]);
    let statement = changes::load(&stage.repo(), 1).unwrap().current().unwrap().statement.clone();
    (stage, statement)
}

const EVIL: &str = "[file.\"/etc/motd\"]\ncontent = \"evil\\n\"\nmode = \"0644\"\n";

#[test]
fn d4_another_commit_behind_the_change_releases_what_was_approved() {
    let (stage, statement) = half_approved();
    let repo = stage.repo();
    let name = "refs/changes/1/1".to_owned();
    let old = repo.resolve(&name).unwrap().unwrap();
    let mut files = repo.read_tree(old, countersign::repo::Limits::SITE).unwrap();
    files.insert("modules/motd/module.toml", EVIL.into()).unwrap();
    let new = NewCommit { files: &files, parents: &[], message: "Say hello\n", time: now() };
    let new = repo.write_commit(&new).unwrap();
    repo.update(&[RefUpdate { name, old: Expected::At(old), new }]).unwrap();
    stage.clone_of("bob").ok(&["approve", "1", "--yes"]);
    let released = std::fs::read(stage.path("server/publish/release/production/1/statement.json")).unwrap();
    assert_eq!(released, statement);
    assert_eq!(stage.server_git(&["show", "production:modules/motd/module.toml"]), MOTD);
    for catalog in std::fs::read_dir(stage.path("server/publish/catalog")).unwrap() {
        let text = std::fs::read_to_string(catalog.unwrap().path()).unwrap();
        assert!(text.contains("hello") && !text.contains("evil"), "{text}");
    }
}

#[test]
fn d4_another_content_behind_the_same_git_id_is_refused() {
    let (stage, statement) = half_approved();
    let blob = ok(stage.clone_of("frank").git(&["rev-parse", "HEAD:modules/motd/module.toml"]).arg("--"));
    let blob = blob.lines().next().unwrap().to_owned();
    let carol = stage.clone_of("carol");
    std::fs::write(carol.dir.join("evil"), EVIL).unwrap();
    let evil = ok(&mut carol.git(&["hash-object", "-w", "evil"]));
    let place = |id: &str| format!("objects/{}/{}", &id[..2], &id[2..]);
    let target = stage.site().join(place(&blob));
    std::fs::remove_file(&target).unwrap();
    std::fs::copy(carol.dir.join(".git").join(place(evil.trim())), &target).unwrap();
    stage.clone_of("bob").refused(&["approve", "1", "--yes"]);
    let said = forged(&stage, "bob", 1, &statement);
    assert!(said.contains("cannot read object"), "{said}");
    assert!(!stage.refs().contains("refs/releases/"));
}

#[test]
fn d4_hooks_that_were_exchanged_release_nothing() {
    for hooks in [&["pre-receive"][..], &["proc-receive"], &["pre-receive", "proc-receive"]] {
        let (stage, statement) = half_approved();
        for hook in hooks {
            let hook = stage.site().join("hooks").join(hook);
            std::fs::write(hook, "#!/bin/sh\nexit 0\n").unwrap();
        }
        forged(&stage, "bob", 1, &statement);
        assert!(!stage.refs().contains("refs/releases/"), "{hooks:?}");
        assert!(!stage.path("server/publish/release/production").exists(), "{hooks:?}");
    }
}

#[test]
fn d4_catalogs_of_another_compiler_are_not_published() {
    use countersign::server::gate::releases;
    let stage = Stage::new().released();
    let repo = stage.repo();
    let production = "production".parse().unwrap();
    assert!(releases::read(&repo, &production, 1).unwrap().published().is_ok());
    // What a program with other rules would have made of the approved commit.
    let name = releases::release_ref(&production, 1);
    let old = repo.resolve(&name).unwrap().unwrap();
    let files = repo.read_tree(old, countersign::repo::Limits::RELEASE).unwrap();
    let mut other = Tree::default();
    let mut leaves = std::str::from_utf8(files.get("leaves").unwrap()).unwrap().to_owned();
    for (path, bytes) in files.iter().filter(|(path, _)| *path != "leaves") {
        let Some(digest) = path.strip_prefix("catalog/") else {
            other.insert(path, bytes.to_vec()).unwrap();
            continue;
        };
        let text = String::from_utf8(bytes.to_vec()).unwrap().replace("hello", "havoc");
        let made = Digest::of(text.as_bytes());
        leaves = leaves.replace(digest, &made.hex());
        other.insert(&format!("catalog/{}", made.hex()), text.into_bytes()).unwrap();
    }
    other.insert("leaves", leaves.into_bytes()).unwrap();
    let new = NewCommit { files: &other, parents: &[], message: "x\n", time: now() };
    let new = repo.write_commit(&new).unwrap();
    repo.update(&[RefUpdate { name, old: Expected::At(old), new }]).unwrap();
    let record = releases::read(&repo, &production, 1).unwrap();
    assert_ne!(record.entries(), None, "the record is damaged in another way than meant");
    let said = record.published().unwrap_err().to_string();
    assert!(said.contains("the record of release 1 of `production` cannot be read"), "{said}");
}

#[test]
fn d9_the_same_person_twice_is_one_approval() {
    let stage = Stage::new();
    stage.clone_of("frank").propose(SITE, "Say hello");
    let alice = stage.clone_of("alice");
    alice.ok(&["approve", "1", "--yes"]);
    let said = alice.refused(&["approve", "1", "--yes"]);
    assert!(said.contains("`alice` has already approved this statement"), "{said}");
    assert!(!stage.refs().contains("refs/releases/"));
}

#[test]
fn a_person_without_a_role_approves_nothing() {
    let stage = Stage::new();
    stage.clone_of("alice").propose(SITE, "Say hello");
    let said = stage.clone_of("frank").refused(&["approve", "1", "--yes"]);
    assert!(said.contains("`frank` has none of the roles"), "{said}");
}

#[test]
fn d11_amending_voids_every_approval() {
    let stage = Stage::new();
    let frank = stage.clone_of("frank");
    frank.propose(SITE, "Say hello");
    stage.clone_of("alice").ok(&["approve", "1", "--yes"]);
    let old = changes::load(&stage.repo(), 1).unwrap().current().unwrap().statement.clone();
    ok(&mut frank.git(&[
        "commit",
        "-q",
        "--amend",
        "-m",
        &amended(&frank.git(&["log", "-1", "--format=%B"]).output().unwrap().stdout),
    ]));
    let output = frank.push("refs/for/production", &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("change 1, patchset 2"), "{said}");
    assert!(said.contains("no approvals; void now: those of alice"), "{said}");
    let list = stage.clone_of("bob").ok(&["review", "list"]);
    assert!(list.contains("nobody signed"), "{list}");
    let shown = stage.clone_of("bob").ok(&["review", "show", "1"]);
    assert!(shown.contains("void       patchset 1, signed by alice: patchset 2 took its place"), "{shown}");
    let said = forged(&stage, "carol", 1, &old);
    assert!(said.contains("which no longer counts"), "{said}");
    stage.clone_of("bob").ok(&["approve", "1", "--yes"]);
    assert!(!stage.refs().contains("refs/releases/"), "bob alone is not two");
}

fn amended(message: &[u8]) -> String {
    String::from_utf8_lossy(message).replace("Say hello", "Say hello politely")
}

#[test]
fn d12_a_moved_base_voids_every_approval() {
    let stage = Stage::new().released();
    let frank = stage.clone_of("frank");
    frank.propose(&[HELLO], "Good morning");
    frank.propose(&[("data/common.toml", "# nothing yet\n")], "Data");
    stage.clone_of("alice").ok(&["approve", "3", "--yes"]);
    stage.clone_of("bob").ok(&["approve", "2", "--yes"]);
    let said = stage.clone_of("carol").ok(&["approve", "2", "--yes"]);
    assert!(
        said.contains("change 2 is release 2") && said.contains("The approvals of alice are void"),
        "{said}"
    );
    let said = stage.clone_of("bob").refused(&["approve", "3", "--yes"]);
    assert!(said.contains("is void: the environment moved on to release 2"), "{said}");
    assert!(stage.clone_of("bob").ok(&["review", "list"]).contains("no approval counts"));
    let said = forge(&stage, "bob", 3);
    assert!(said.contains("is void: the environment moved on to release 2"), "{said}");
    ok(&mut frank.git(&["fetch", "-q"]));
    ok(&mut frank.git(&["rebase", "-q", "origin/production"]));
    let output = frank.push("refs/for/production", &[]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("change 3, patchset 2"), "{output:?}");
    stage.clone_of("alice").ok(&["approve", "3", "--yes"]);
    stage.clone_of("bob").ok(&["approve", "3", "--yes"]);
    assert!(stage.refs().contains("refs/releases/production/3 "));
}

/// The server lies: the record of change 1 gets the statement that `tamper` makes of it.
fn tamper(stage: &Stage, edit: impl Fn(&str) -> String) {
    let repo = stage.repo();
    let mut change = changes::load(&repo, 1).unwrap();
    let last = change.patchsets.last_mut().unwrap();
    let statement = String::from_utf8(last.statement.clone()).unwrap();
    let edited = edit(&statement);
    assert_ne!(edited, statement, "the test did not tamper");
    last.statement = edited.into_bytes();
    let files: Tree = record::write(&change).unwrap();
    let name = changes::meta_ref(1);
    let new =
        repo.write_commit(&NewCommit { files: &files, parents: &[], message: "x\n", time: now() }).unwrap();
    let old = Expected::from(repo.resolve(&name).unwrap());
    repo.update(&[RefUpdate { name, old, new }]).unwrap();
}

#[test]
fn d7_d13_a_statement_that_is_not_ours_is_not_signed() {
    let other = Digest::of(b"something else").to_string();
    let field = |statement: &str, name: &str, value: &str| {
        let start = statement.find(&format!("\"{name}\":")).unwrap() + name.len() + 3;
        let rest = &statement[start..];
        let end = rest.find(['}', ',']).unwrap();
        format!("{}{value}{}", &statement[..start], &rest[end..])
    };
    let quoted = format!("\"{other}\"");
    for (name, value) in [
        ("source", quoted.as_str()),
        ("policy", &quoted),
        ("policy_v", "7"),
        ("compiler", &quoted),
        ("inputs", &quoted),
        ("catalogs", &quoted),
        ("salt", &quoted),
        ("affected", "1"),
        ("seq", "1"),
        ("authors", "[\"carol\"]"),
        ("roles", "[]"),
        ("kind", "\"rollback\""),
        ("change", "\"2\""),
        ("patchset", "2"),
        ("expires", "\"2099-01-01T00:00:00Z\""),
        ("reason", "\"other\""),
    ] {
        if name == "seq" {
            continue;
        }
        let stage = shared();
        let original = changes::load(&stage.repo(), 1).unwrap();
        tamper(stage, |statement| field(statement, name, value));
        let said = stage.clone_of("alice").refused(&["approve", "1", "--yes"]);
        assert!(said.contains(&format!("`{name}` is ")), "{name}: {said}");
        let restored = original.current().unwrap().statement.clone();
        tamper(stage, |_| String::from_utf8(restored.clone()).unwrap());
        assert!(!stage.refs().contains("refs/releases/"));
    }
}

fn shared() -> &'static Stage {
    static STAGE: std::sync::OnceLock<Stage> = std::sync::OnceLock::new();
    STAGE.get_or_init(|| {
        let stage = Stage::new();
        stage.clone_of("frank").propose(SITE, "Say hello");
        stage
    })
}

#[test]
fn d13_an_author_that_the_server_made_up_is_refused() {
    let stage = Stage::new();
    stage.clone_of("alice").propose(SITE, "Say hello");
    let repo = stage.repo();
    let mut change = changes::load(&repo, 1).unwrap();
    change.patchsets[0].author = "frank".parse().unwrap();
    let files = record::write(&change).unwrap();
    let name = changes::meta_ref(1);
    let new =
        repo.write_commit(&NewCommit { files: &files, parents: &[], message: "x\n", time: now() }).unwrap();
    let old = Expected::from(repo.resolve(&name).unwrap());
    repo.update(&[RefUpdate { name, old, new }]).unwrap();
    let said = stage.clone_of("bob").refused(&["approve", "1", "--yes"]);
    assert!(said.contains("was pushed by `alice`, and the server says `frank`"), "{said}");
}

#[test]
fn comments_and_rejections_are_signed_words() {
    let stage = Stage::new();
    let frank = stage.clone_of("frank");
    frank.propose(SITE, "Say hello");
    let (alice, bob) = (stage.clone_of("alice"), stage.clone_of("bob"));
    alice.ok(&["review", "comment", "1", "-m", "a \u{202e}word", "--at", "modules/motd/module.toml:3"]);
    bob.ok(&["review", "reject", "1", "-m", "not like this"]);
    let shown = alice.ok(&["review", "show", "1"]);
    assert!(
        shown.contains("note       alice, patchset 1 at modules/motd/module.toml:3: a <U+202E>word"),
        "{shown}"
    );
    assert!(shown.contains("bob rejects it") && shown.contains("rejected by bob"), "{shown}");
    let said = alice.refused(&["approve", "1", "--yes"]);
    assert!(said.contains("was rejected by `bob`"), "{said}");
    frank.commit(&[HELLO], "More");
    let output = frank.push("refs/for/production", &["--push-option=change=1"]);
    assert!(output.status.success(), "{output:?}");
    alice.ok(&["approve", "1", "--yes"]);
}

#[test]
fn nobody_signs_without_saying_yes() {
    let stage = Stage::new();
    stage.clone_of("frank").propose(SITE, "Say hello");
    let said = stage.clone_of("alice").refused(&["approve", "1"]);
    assert!(said.contains("nothing was signed") && said.contains("digest sha256:"), "{said}");
}

#[test]
fn a_rollback_is_a_change_with_the_old_content() {
    let stage = Stage::new().released();
    stage.clone_of("frank").propose(&[HELLO], "Good morning");
    for name in ["alice", "bob"] {
        stage.clone_of(name).ok(&["approve", "2", "--yes"]);
    }
    let carol = stage.clone_of("carol");
    let said = carol.ok(&["rollback", "1", "-m", "too early"]);
    assert!(said.contains("Roll back to release 1: too early"), "{said}");
    for name in ["alice", "bob"] {
        stage.clone_of(name).ok(&["approve", "3", "--yes"]);
    }
    let statement =
        std::fs::read_to_string(stage.path("server/publish/release/production/3/statement.json")).unwrap();
    assert!(statement.contains("\"kind\":\"rollback\""), "{statement}");
    assert_eq!(stage.server_git(&["show", "production:modules/motd/module.toml"]), MOTD);
    let said = carol.refused(&["rollback", "3"]);
    assert!(said.contains("release 3 is what `production` has now"), "{said}");
}

#[test]
fn a_rollback_holds_what_it_says() {
    let stage = Stage::new().released();
    let frank = stage.clone_of("frank");
    ok(&mut frank.git(&["fetch", "-q"]));
    ok(&mut frank.git(&["reset", "-q", "--hard", "origin/production"]));
    frank.commit(&[HELLO], "Not the old content");
    let said = frank.push_refused("refs/for/production", &["--push-option=rollback=1"]);
    assert!(said.contains("not the content of release 1"), "{said}");
}

#[test]
fn a_crash_between_two_steps_is_repaired_by_the_next_command() {
    for point in ["before-release", "after-release", "before-publication"] {
        let stage = Stage::new();
        stage.clone_of("frank").propose(SITE, "Say hello");
        stage.clone_of("alice").ok(&["approve", "1", "--yes"]);
        let output = stage
            .clone_of("bob")
            .countersign(&["approve", "1", "--yes"])
            .env("COUNTERSIGN_CRASH_AT", point)
            .output();
        assert!(!output.unwrap().status.success(), "{point}");
        let released = stage.refs().contains("refs/releases/production/1 ");
        assert_eq!(released, point != "before-release", "{point}");
        if released {
            let said = stage.clone_of("bob").refused(&["approve", "1", "--yes"]);
            assert!(said.contains("change 1 is already release 1"), "{point}: {said}");
        }
        if point == "after-release" {
            // What a server does when it starts.
            let publication = countersign::store::Publication::open(&stage.path("server/publish")).unwrap();
            let repaired = countersign::server::gate::reconcile(&stage.repo(), &publication, now());
            assert_eq!(repaired.unwrap().published.len(), 1, "{point}");
        } else if released {
            // Any push repairs what is half done before it does anything else.
            stage.clone_of("carol").ok(&["review", "comment", "1", "-m", "well done"]);
        } else {
            stage.clone_of("bob").ok(&["approve", "1", "--yes"]);
        }
        let refs = stage.refs();
        assert!(refs.contains("refs/heads/production "), "{point}: {refs}");
        assert!(stage.path("server/publish/release/production/1/statement.json").exists(), "{point}");
        assert!(stage.clone_of("carol").ok(&["review", "list", "--all"]).contains("[release 1]"), "{point}");
        stage.server_git(&["fsck", "--strict"]);
    }
}

#[test]
fn d22_a_branch_moved_behind_our_back_raises_the_alarm() {
    let stage = Stage::new().released();
    let repo = stage.repo();
    let head = repo.resolve("refs/heads/production").unwrap().unwrap();
    let files = repo.read_tree(head, countersign::repo::Limits::SITE).unwrap();
    let new = NewCommit { files: &files, parents: &[head], message: "sneaky\n", time: now() };
    let new = repo.write_commit(&new).unwrap();
    repo.update(&[RefUpdate { name: "refs/heads/production".into(), old: Expected::At(head), new }]).unwrap();
    let said = stage.clone_of("carol").refused(&["review", "comment", "1", "-m", "hm"]);
    assert!(said.contains("ALARM: `production` is at"), "{said}");
    assert!(!stage.refs().contains("refs/releases/production/2"));
}

#[test]
fn d48_the_summary_has_every_change_and_guarded_ones_first() {
    let stage = Stage::with(&["--security", "carol=carol.pub", "--guard", "file:/etc/ssh/**"]);
    let module = |text: &str| format!("{MOTD}\n{text}");
    let first = module(
        "[file.\"/etc/ssh/banner\"]\ncontent = \"hi\\n\"\n[package.jq]\n[service.cron]\nensure = \"running\"\n",
    );
    stage.clone_of("frank").propose(SITE, "Begin");
    let path = "modules/motd/module.toml";
    stage.clone_of("frank").commit(&[(path, &first)], "More");
    let said = stage.clone_of("frank").push("refs/for/production", &[]);
    assert!(said.status.success(), "{said:?}");
    let number = stage.refs().lines().filter(|line| line.contains("/meta")).count() - 1;
    let alice = stage.clone_of("alice");
    for args in [&["approve", &number.to_string()][..], &["review", "show", &number.to_string()]] {
        let output = alice.countersign(args).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let place = |text: &str| said.find(text).unwrap_or_else(|| panic!("{text:?} is not in:\n{said}"));
        let guarded = place("GUARDED    file[/etc/ssh/banner] new on 2 nodes: role `security` must sign");
        let affects = place("affects    2 of 2 nodes: 2 file new, 1 package new, 1 service new");
        assert!(guarded < affects, "{said}");
    }
    assert!(!stage.refs().contains("refs/releases/"));
}

#[test]
fn d48_nobody_signs_for_many_nodes_without_a_reason() {
    let stage = Stage::new();
    let frank = stage.clone_of("frank");
    frank.commit(SITE, "Begin");
    for number in 0..9 {
        let node = format!("nodes/more{number}.example.toml");
        frank.commit(&[(node.as_str(), "groups = [\"web\"]\n")], "More");
    }
    let tree = ok(&mut frank.git(&["write-tree"]));
    let silent = ok(&mut frank.git(&["commit-tree", tree.trim(), "-m", "..."]));
    ok(&mut frank.git(&["reset", "-q", "--hard", silent.trim()]));
    let pushed = frank.push("refs/for/production", &[]);
    assert!(pushed.status.success(), "{pushed:?}");
    let said = stage.clone_of("alice").refused(&["approve", "1", "--yes"]);
    assert!(said.contains("change 1 is for 11 nodes and gives no reason"), "{said}");
    let why = ok(&mut frank.git(&["commit-tree", tree.trim(), "-m", "Greet everybody"]));
    ok(&mut frank.git(&["reset", "-q", "--hard", why.trim()]));
    assert!(frank.push("refs/for/production", &["--push-option=change=1"]).status.success());
    stage.clone_of("alice").ok(&["approve", "1", "--yes"]);
}
