//! What may be pushed, by whom, to where.

use super::{MOTD, SITE, Stage};
use crate::support::{clean, ok};
use std::collections::BTreeSet;

#[test]
fn a_good_push_becomes_a_change() {
    let stage = Stage::new();
    let said = stage.clone_of("frank").propose(SITE, "Say hello");
    for expected in [
        "change 1, patchset 1 for production: Say hello",
        "2 of 2 nodes change",
        "+ file[/etc/motd]",
        "needs 2 of role `release`",
        "countersign review show 1",
        "refs/changes/1/1",
    ] {
        assert!(said.contains(expected), "{expected:?} is not in:\n{said}");
    }
    let refs = stage.refs();
    assert!(refs.contains("refs/changes/1/1 ") && refs.contains("refs/changes/1/meta "), "{refs}");
    assert!(!refs.contains("refs/heads/production") && !refs.contains("refs/for/"), "{refs}");
    stage.server_git(&["fsck", "--strict"]);
}

#[test]
fn a_ruinous_push_leaves_nothing_behind() {
    let stage = Stage::new();
    let frank = stage.clone_of("frank");
    let evil = format!("{MOTD}\n[exec.cleanup]\ncommand = [\"/bin/rm\", \"-rf\", \"/\"]\n");
    frank.commit(SITE, "Say hello");
    frank.commit(&[("modules/motd/module.toml", &evil)], "Clean up");
    let list =
        ["cat-file", "--batch-all-objects", "--unordered", "--batch-check=%(objecttype) %(objectsize)"];
    let objects = || stage.server_git(&list).lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let before = objects();
    let said = frank.push_refused("refs/for/production", &[]);
    for expected in ["modules/motd/module.toml:", "exec[cleanup]", "countersign lint"] {
        assert!(said.contains(expected), "{expected:?} is not in:\n{said}");
    }
    // Git itself keeps the certificate of a refused push, which says who tried.
    let left: Vec<String> = objects().difference(&before).cloned().collect();
    assert!(left.len() == 1 && left[0].starts_with("blob "), "a refused push left objects: {left:?}");
}

#[test]
fn every_finding_is_told_at_once() {
    let stage = Stage::new();
    let frank = stage.clone_of("frank");
    frank.commit(SITE, "Say hello");
    frank.commit(&[("nodes/a.toml", "groups = [\"wbe\"]\n"), ("nodes/b.toml", "gruops = []\n")], "Typos");
    let said = frank.push_refused("refs/for/production", &[]);
    assert!(said.contains("nodes/a.toml:1") && said.contains("nodes/b.toml:1"), "{said}");
}

#[test]
fn an_unsigned_push_is_told_what_to_run() {
    let stage = Stage::new();
    let frank = stage.clone_of("frank");
    frank.commit(SITE, "Say hello");
    let said = frank.push_refused("refs/for/production", &["--no-signed"]);
    assert!(said.contains("not signed") && said.contains("countersign setup"), "{said}");
}

#[test]
fn a_stranger_and_a_machine_propose_nothing() {
    let stage = Stage::new();
    for (name, expected) in
        [("mallory", "belongs to nobody in the trust root"), ("machine", "git does not accept the signature")]
    {
        let person = stage.clone_of(name);
        person.commit(SITE, "Say hello");
        let said = person.push_refused("refs/for/production", &[]);
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn d21_other_refs_are_refused_with_the_reason() {
    let stage = Stage::new().released();
    let frank = stage.clone_of("frank");
    ok(&mut frank.git(&["fetch", "-q"]));
    ok(&mut frank.git(&["reset", "-q", "--hard", "origin/production"]));
    frank.commit(&[("data/common.toml", "")], "More");
    let head = ok(&mut frank.git(&["rev-parse", "origin/production"])).trim().to_owned();
    let check = |target: &str, expected: &str| {
        let said = frank.push_refused(target, &["--force"]);
        assert!(said.contains(expected), "{target}: {said}");
    };
    check("refs/heads/production", "branches move when a reviewed change is released");
    check("refs/heads/other", "branches move when");
    check("refs/tags/v1", "releases are the tags");
    check(&format!("refs/replace/{head}"), "only `refs/for/");
    check("refs/changes/1/9", "the server writes it");
    check("refs/releases/production/9", "the server writes it");
    check("refs/meta/trust", "the server writes it");
    check("refs/for/production refs/for/staging", "invalid refspec");
    let said = frank.push_refused("refs/for/production", &["HEAD:refs/heads/x"]);
    assert!(said.contains("one thing at a time"), "{said}");
    let said = frank.push_refused("refs/for/production", &["--push-option=what=1"]);
    assert!(said.contains("push option `what=1` means nothing"), "{said}");
}

#[test]
fn d21_nothing_is_deleted_or_rewound() {
    let stage = Stage::new().released();
    let frank = stage.clone_of("frank");
    let refs = stage.refs();
    for name in ["refs/heads/production", "refs/changes/1/1", "refs/releases/production/1"] {
        let output = frank.git(&["push", "origin", "--delete", name]).output().unwrap();
        assert!(!output.status.success(), "{name}");
    }
    ok(&mut frank.git(&["checkout", "-q", "--orphan", "rewound"]));
    frank.commit(&[("data/common.toml", "")], "Another history");
    let said = frank.push_refused("refs/for/production", &[]);
    assert!(said.contains("does not build on the head of `production`"), "{said}");
    assert_eq!(stage.refs(), refs);
}

#[test]
fn d16_smuggled_entries_are_refused() {
    let stage = Stage::new();
    let frank = stage.clone_of("frank");
    frank.commit(SITE, "Say hello");
    std::os::unix::fs::symlink("/etc/shadow", frank.dir.join("data.toml")).unwrap();
    frank.commit(&[], "A link");
    let said = frank.push_refused("refs/for/production", &[]);
    assert!(said.contains("a symbolic link"), "{said}");
    // Taking it away again does not help: the commit between would stay on record.
    std::fs::remove_file(frank.dir.join("data.toml")).unwrap();
    frank.commit(&[], "No link");
    let said = frank.push_refused("refs/for/production", &[]);
    assert!(said.contains("a symbolic link"), "{said}");
}

#[test]
fn d19_a_huge_file_is_refused() {
    let stage = Stage::new();
    let frank = stage.clone_of("frank");
    frank.commit(SITE, "Say hello");
    frank.commit(&[("modules/motd/files/zeros", &"0".repeat(3 << 20))], "Zeros");
    let said = frank.push_refused("refs/for/production", &[]);
    assert!(said.contains("at most 1048576 are allowed"), "{said}");
}

#[test]
fn d20_a_hook_that_cannot_run_lets_nothing_through() {
    let stage = Stage::new();
    let frank = stage.clone_of("frank");
    frank.commit(SITE, "Say hello");
    let hook = stage.site().join("hooks/pre-receive");
    std::fs::write(&hook, "#!/bin/sh\nexec /nonexistent/countersign hook pre-receive\n").unwrap();
    frank.push_refused("refs/for/production", &[]);
    // Nor does a missing one: what was not judged is not carried out.
    std::fs::remove_file(&hook).unwrap();
    frank.push_refused("refs/for/production", &[]);
}

#[test]
fn a_push_over_ssh_works_the_same() {
    let stage = Stage::new();
    let frank = stage.clone_of("frank");
    // What sshd does with the command line of `git push`, without a network.
    let wrapper = stage.path("ssh");
    std::fs::write(&wrapper, "#!/bin/sh\nfor command; do :; done\nexec sh -c \"$command\"\n").unwrap();
    ok(clean("chmod").arg("+x").arg(&wrapper));
    let address = format!("ssh://server{}", stage.site().display());
    ok(&mut frank.git(&["remote", "set-url", "origin", &address]));
    frank.commit(SITE, "Say hello");
    let mut push = frank.git(&["push", "origin", "HEAD:refs/for/production"]);
    let output = push.env("GIT_SSH_COMMAND", &wrapper).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("change 1, patchset 1"), "{said}");
}
