//! Pushes that are made to exhaust the server, and hooks that die, wait for ever or see nothing.

use super::{SITE, Stage};
use crate::support::{clean, countersign, ok, transcript};
use countersign::agent::clock::system as now;
use countersign::server::gate::{self, GateError};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Output, Stdio};

/// Gives `command` its input and waits for its end.
fn fed(command: &mut std::process::Command, input: &[u8]) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that ends early does not want the rest.
    drop(child.stdin.take().unwrap().write_all(input));
    child.wait_with_output().unwrap()
}

/// Makes a commit of one tree with a file `name` of the given object, on top of HEAD, and checks nothing out.
fn commit_object(person: &super::stage::Person<'_>, entry: &str) {
    let tree = fed(&mut person.git(&["mktree"]), format!("{entry}\n").as_bytes());
    let tree = String::from_utf8(tree.stdout).unwrap();
    let commit = ok(&mut person.git(&["commit-tree", tree.trim(), "-m", "Large"]));
    ok(&mut person.git(&["update-ref", "HEAD", commit.trim()]));
}

#[test]
fn d19_a_bomb_is_not_unpacked() {
    let stage = Stage::new();
    let frank = stage.clone_of("frank");
    let zeros =
        std::process::Command::new("head").args(["-c", "300M", "/dev/zero"]).stdout(Stdio::piped()).spawn();
    let mut zeros = zeros.unwrap();
    let mut hash = frank.git(&["-c", "core.bigFileThreshold=16m", "hash-object", "-w", "--stdin"]);
    let id = ok(hash.stdin(zeros.stdout.take().unwrap()));
    assert!(zeros.wait().unwrap().success());
    commit_object(&frank, &format!("100644 blob {}\tzeros", id.trim()));
    let said = frank.push_refused("refs/for/production", &[]);
    assert!(said.contains("more than 268435456 bytes when unpacked"), "{said}");
}

#[test]
fn d19_a_million_entries_are_not_read() {
    let stage = Stage::new();
    let frank = stage.clone_of("frank");
    let blob = fed(&mut frank.git(&["hash-object", "-w", "--stdin"]), b"x").stdout;
    let blob = String::from_utf8(blob).unwrap();
    let id: Vec<u8> = (0..20).map(|at| u8::from_str_radix(&blob[2 * at..2 * at + 2], 16).unwrap()).collect();
    let mut tree = Vec::new();
    for number in 0..1_000_000 {
        tree.extend(format!("100644 {number:07}\0").into_bytes());
        tree.extend(&id);
    }
    let tree = fed(&mut frank.git(&["hash-object", "-w", "-t", "tree", "--stdin"]), &tree);
    let tree = String::from_utf8(tree.stdout).unwrap();
    let commit = ok(&mut frank.git(&["commit-tree", tree.trim(), "-m", "Many"]));
    ok(&mut frank.git(&["update-ref", "HEAD", commit.trim()]));
    let said = frank.push_refused("refs/for/production", &[]);
    assert!(said.contains("it has 35000000 bytes; at most 1280000 are allowed"), "{said}");
}

#[test]
fn d19_a_long_chain_of_deltas_is_read_within_the_limits() {
    let stage = Stage::new();
    let frank = stage.clone_of("frank");
    let mut text: String = (0..60).map(|line| format!("line {line} of some text\n")).collect();
    let mut input =
        String::from("commit refs/heads/chain\ncommitter Frank <f@x> 1700000000 +0000\ndata 5\nChain\n");
    for number in 0..1500 {
        text.push_str(&format!("{number}\n"));
        input.push_str(&format!(
            "M 100644 inline modules/motd/files/{number:04}\ndata {}\n{text}\n",
            text.len()
        ));
    }
    for (path, content) in SITE {
        input.push_str(&format!("M 100644 inline {path}\ndata {}\n{content}\n", content.len()));
    }
    let made = fed(&mut frank.git(&["fast-import", "--quiet", "--depth=4095"]), input.as_bytes());
    assert!(made.status.success(), "{}", transcript(&made));
    ok(&mut frank.git(&["reset", "-q", "--hard", "chain"]));
    let mut push = frank.git(&["-c", "pack.depth=4095", "push", "origin", "HEAD:refs/for/production"]);
    let pushed = push.output().unwrap();
    assert!(pushed.status.success(), "{}", transcript(&pushed));
    let packs = std::fs::read_dir(stage.site().join("objects/pack")).unwrap();
    let packs =
        packs.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "idx"));
    let deepest = packs.flat_map(|pack| {
        let listed = stage.server_git(&["verify-pack", "-v", pack.to_str().unwrap()]);
        let depth = |line: &str| line.strip_prefix("chain length = ")?.split(':').next()?.parse::<u32>().ok();
        listed.lines().filter_map(depth).collect::<Vec<_>>()
    });
    assert!(deepest.max() > Some(1000), "git did not send the chain as it was made");
}

/// What zlib calls a stored block: the bytes as they are.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in bytes {
        a = (a + u32::from(*byte)) % 65521;
        b = (b + a) % 65521;
    }
    let length = u16::try_from(bytes.len()).unwrap();
    let (low, high) = (length.to_le_bytes(), (!length).to_le_bytes());
    [&[0x78, 0x01, 0x01][..], &low, &high, bytes, &(b << 16 | a).to_be_bytes()].concat()
}

/// A number as packs and deltas write it.
fn number(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7f {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A pack of a small blob and a delta that says it becomes a gibibyte.
fn inflating_pack() -> Vec<u8> {
    let base = b"0123456789";
    let delta = [number(base.len() as u64), number(1 << 30), vec![0x90, 10]].concat();
    let first = [&[0x30 | 10][..], &stored(base)].concat();
    let second = [
        &[0x60 | u8::try_from(delta.len()).unwrap(), u8::try_from(first.len()).unwrap()][..],
        &stored(&delta),
    ];
    let pack = [&b"PACK\0\0\0\x02\0\0\0\x02"[..], &first, &second.concat()].concat();
    let sum = String::from_utf8(fed(&mut clean("sha1sum"), &pack).stdout).unwrap();
    let sum = (0..20).map(|at| u8::from_str_radix(&sum[2 * at..2 * at + 2], 16).unwrap());
    pack.iter().copied().chain(sum).collect()
}

#[test]
fn d19_a_delta_that_inflates_is_not_allocated() {
    let stage = Stage::new();
    let command = format!("{} {} refs/for/production\0 report-status", "0".repeat(40), "1".repeat(40));
    let packet = format!("{:04x}{command}0000", command.len() + 4);
    let input = [packet.as_bytes(), &inflating_pack()].concat();
    let refs = stage.refs();
    let mut receive = countersign();
    receive.args(["server", "git"]).arg(stage.path("server"));
    receive.env("SSH_ORIGINAL_COMMAND", format!("git-receive-pack '{}'", stage.site().display()));
    let output = fed(&mut receive, &input);
    let said = transcript(&output);
    assert!(said.contains("unpack ") && said.contains("over limit 268435456"), "{said}");
    assert_eq!(stage.refs(), refs);
    let mut shell = countersign();
    shell.args(["server", "git"]).arg(stage.path("server")).env("SSH_ORIGINAL_COMMAND", "id");
    let said = transcript(&shell.output().unwrap());
    assert!(said.contains("`id` is not served here") && said.contains("next: git clone"), "{said}");
}

/// Replaces the `pre-receive` hook of the stage; `REAL` is the one that was there.
fn exchange(stage: &Stage, script: &str) {
    let hooks = stage.site().join("hooks");
    let (hook, real) = (hooks.join("pre-receive"), hooks.join("real"));
    if !real.exists() {
        std::fs::copy(&hook, &real).unwrap();
    }
    let script = script.replace("REAL", &format!("exec '{}'", real.display()));
    // A new file: the old one may be running still.
    std::fs::remove_file(&hook).unwrap();
    std::fs::write(&hook, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn d20_a_hook_that_dies_lets_nothing_through() {
    let stage = Stage::new();
    let frank = stage.clone_of("frank");
    frank.commit(SITE, "Say hello");
    for script in ["kill -9 $$", "ulimit -v 40000; REAL", "ulimit -t 0; REAL; while :; do :; done", "exit 0"]
    {
        exchange(&stage, script);
        frank.push_refused("refs/for/production", &[]);
    }
    exchange(&stage, "REAL");
    assert!(frank.push("refs/for/production", &[]).status.success());
}

#[test]
fn d20_a_hook_that_takes_too_long_is_ended() {
    let stage = Stage::new();
    let frank = stage.clone_of("frank");
    frank.commit(SITE, "Say hello");
    // Whoever works on the repository holds its lock; here they never let go of it.
    let repo = stage.repo();
    let lock = repo.lock().unwrap();
    let refs = stage.refs();
    let mut push = frank.git(&["push", "origin", "HEAD:refs/for/production"]);
    let output = push.env("COUNTERSIGN_HOOK_SECONDS", "2").output().unwrap();
    let said = transcript(&output);
    assert!(!output.status.success() && said.contains("its hook took more than 2 seconds"), "{said}");
    assert_eq!(stage.refs(), refs);
    drop(lock);
    assert!(frank.push("refs/for/production", &[]).status.success());
}

#[test]
fn d20_a_hook_that_does_not_see_the_push_refuses_it() {
    let stage = Stage::new();
    let frank = stage.clone_of("frank");
    frank.commit(SITE, "Say hello");
    for (unset, expected) in [
        ("GIT_QUARANTINE_PATH", "git does not say where the objects of the push are"),
        ("GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES", "cannot read object"),
        ("$(env | sed -n 's/^\\(GIT_[A-Z0-9_]*\\)=.*/\\1/p')", "git does not say where"),
    ] {
        exchange(&stage, &format!("unset {unset}\nREAL"));
        let said = frank.push_refused("refs/for/production", &[]);
        assert!(said.contains(expected), "{unset}: {said}");
    }
}

#[test]
fn d20_the_server_plants_a_violation_and_closes_the_gate_on_a_blind_hook() {
    let stage = Stage::new();
    let repo = stage.repo();
    let frank = stage.clone_of("frank");
    frank.commit(SITE, "Say hello");
    gate::self_test(&repo, "0123456789abcdef", now()).unwrap();
    for blind in [
        "exit 0",
        "exit 1",
        "echo recursive-removal >&2; exit 1",
        "unset GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES\nREAL \"$@\"",
        "kill -9 $$",
        "exec /nonexistent/countersign",
    ] {
        exchange(&stage, blind);
        let asked = gate::self_test(&repo, "0123456789abcdef", now());
        assert!(matches!(asked, Err(GateError::Blind { .. })), "{blind}: {asked:?}");
        assert!(gate::closed(&repo).is_some(), "{blind}");
    }
    // A hook that works again opens nothing by itself: the server has to see it first.
    exchange(&stage, "REAL \"$@\"");
    let said = frank.push_refused("refs/for/production", &[]);
    assert!(
        said.contains("nothing is admitted here: the hook") && said.contains("countersign serve"),
        "{said}"
    );
    serve_once(&stage);
    assert_eq!(gate::closed(&repo), None);
    assert!(frank.push("refs/for/production", &[]).status.success());
    exchange(&stage, "exit 0");
    serve_once(&stage);
    assert!(gate::closed(&repo).is_some(), "a server that starts asks the hook");
}

/// Starts the server and stops it as soon as it listens.
fn serve_once(stage: &Stage) {
    let mut serve = countersign();
    serve.arg("serve").arg(stage.path("server")).args(["--listen", "127.0.0.1:0"]);
    let mut child = serve.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("Listening"), "{line}");
    ok(clean("kill").args(["-TERM", &child.id().to_string()]));
    assert!(child.wait().unwrap().success());
}
