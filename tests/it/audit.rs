//! The record as auditors see it: a real server and real agents, one history, then two.

use crate::agent::{NODE, OTHER, Server, ends};
use crate::readme::blocks;
use crate::support::{clean, countersign as program, ok, repository, transcript};
use std::path::Path;
use std::process::Command;

fn copy(from: &Path, to: &Path) {
    ok(clean("cp").arg("-a").arg(from).arg(to));
}

fn verify(server: &Server, mirror: &Path) -> Command {
    let mut command = program();
    command.args(["audit", "verify"]).arg(mirror).args(["--root-digest", &server.digest.to_string()]);
    command
}

/// The checkpoint that a node remembers, in a file.
fn seen_by(server: &Server, node: &str) -> std::path::PathBuf {
    let status = ok(&mut server.agent(node, "status"));
    let line = status.lines().find_map(|line| line.strip_prefix("log ")).unwrap().trim().to_owned();
    let file = server.at(&format!("seen-by-{node}"));
    std::fs::write(&file, format!("{line}\n")).unwrap();
    file
}

#[test]
fn a_record_is_whole_and_says_who_signed_for_what() {
    let mut server = Server::start();
    server.publish("one", &["alice", "bob"]);
    server.node(NODE);
    ends(2, &mut server.run(NODE));
    let publish = server.at("server/publish");
    let earlier = server.at("earlier");
    std::fs::copy(publish.join("log/checkpoint"), &earlier).unwrap();
    server.publish("two", &["alice", "bob"]);
    ends(2, &mut server.run(NODE));
    server.publish("two", &["alice", "bob"]);
    ends(0, &mut server.run(NODE));
    let mirror = server.at("mirror");
    copy(&publish, &mirror);
    let said =
        ok(verify(&server, &mirror).arg("--since").arg(&earlier).arg("--since").arg(seen_by(&server, NODE)));
    assert!(said.contains("production 1 to 3") && said.contains("3 statements, 8 approvals"), "{said}");
    assert!(said.contains("whole, and it continues 2 checkpoints"), "{said}");
    let who = |more: &[&str]| {
        let mut command = program();
        command.args(["audit", "who", NODE, "file[/motd]"]).args(more);
        command
    };
    let directory = server.at("server");
    let asked = ok(&mut who(&["--server", directory.to_str().unwrap()]));
    assert!(
        asked.contains(&format!("{NODE} is at release 3 of production: its report 3 says so")),
        "{asked}"
    );
    assert!(asked.contains("file[/motd] is what release 2 made of it"), "{asked}");
    assert_eq!(asked.matches("signed    alice, bob").count(), 2, "{asked}");
    let mirrored = ["--mirror", mirror.to_str().unwrap(), "--root-digest", &server.digest.to_string()];
    assert!(ok(&mut who(&mirrored)).contains("the newest in this mirror"));
    let unknown = ends(1, program().args(["audit", "who", NODE, "file[/no]"]).args(mirrored));
    assert!(unknown.contains("has no `file[/no]` in release 3"), "{unknown}");
    stock_tools(&mirror);
}

/// The commands of `docs/log.md`, as they stand there.
fn stock_tools(mirror: &Path) {
    let page = std::fs::read_to_string(repository().join("docs/log.md")).unwrap();
    let blocks = blocks(&page, "## Check it with stock tools");
    assert_eq!(blocks.len(), 3, "{blocks:?}");
    let script = format!("set -euo pipefail\n{}", blocks.concat());
    let output = clean("bash").args(["-c", &script]).current_dir(mirror).output().unwrap();
    let said = transcript(&output);
    assert!(output.status.success() && said.contains("Signature Verified Successfully"), "{said}");
    let printed = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<&str> = printed.lines().collect();
    let at = lines.iter().position(|line| line.contains("Verified")).unwrap();
    assert_eq!(lines[at + 1], lines[at + 2], "the key's name: {said}");
    assert!(lines[at + 3].starts_with("4:"), "the statement is the fourth entry: {said}");
}

/// Whoever has the server, with all its keys, shows one history to one node and another to the other.
#[test]
fn d36_two_histories_for_two_nodes_are_told_by_auditors_by_reports_and_by_the_agent() {
    let mut server = Server::start();
    server.publish("one", &["alice", "bob"]);
    for node in [NODE, OTHER] {
        server.node(node);
        ends(2, &mut server.run(node));
    }
    let [ours, theirs] = ["server", "theirs"].map(|name| server.at(name));
    server.stop();
    copy(&ours, &theirs);
    let last = server.last;
    server.again("server");
    server.publish("two", &["alice", "bob"]);
    ends(2, &mut server.run(NODE));
    let two = server.last;
    server.stop();
    // The other history has a release 2 of its own, which enough people signed.
    server.last = last;
    server.again("theirs");
    server.publish("another two", &["alice", "bob"]);
    ends(2, &mut server.run(OTHER));
    assert_eq!(server.motd(OTHER).as_deref(), Some("another two"));
    let [seen, other] = [NODE, OTHER].map(|node| seen_by(&server, node));
    server.stop();
    // Each is whole in itself; anybody who has seen something of the other tells them apart.
    let [mine, yours] = [ours.join("publish"), theirs.join("publish")];
    ok(verify(&server, &mine).arg("--since").arg(&seen));
    ok(verify(&server, &yours).arg("--since").arg(&other));
    for (mirror, seen) in [
        (&mine, &other),
        (&yours, &seen),
        (&mine, &yours.join("log/checkpoint")),
        (&yours, &mine.join("log/checkpoint")),
    ] {
        let said = ends(1, verify(&server, mirror).arg("--since").arg(seen));
        assert!(said.contains("LOG_FORK: the log does not continue"), "{said}");
    }
    // The agent refuses what does not continue its own history, keeps what it has, and says so in its report.
    server.again("server");
    server.last = two;
    server.publish("three", &["alice", "bob"]);
    let said = ends(1, &mut server.run(OTHER));
    assert!(said.contains("LOG_FORK") && said.contains("Enforcing release 2 from disk"), "{said}");
    assert_eq!(server.motd(OTHER).as_deref(), Some("another two"));
    let list = ok(program().args(["node", "list", "--server"]).arg(&ours));
    let marked =
        |node: &str| list.lines().any(|line| line.starts_with(node) && line.contains("EQUIVOCATION"));
    assert!(marked(OTHER) && !marked(NODE), "{list}");
    let shown = ok(program().args(["node", "show", OTHER, "--server"]).arg(&ours));
    assert!(shown.contains("has seen another log than this server's"), "{shown}");
    ends(2, &mut server.run(NODE));
}
