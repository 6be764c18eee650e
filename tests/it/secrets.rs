//! A secret from the reviewer who knows it to the file on the node that needs it, through real git, server, approvals
//! and agents; and that it is nowhere on the way (D30).

use crate::gate::{Person, Stage};
use crate::support::{clean, countersign, ok, transcript};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use countersign::model::Digest;
use regex::bytes::Regex;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const CANARY: &str = "kanarienvogel-4711-im-bergwerk";
const WEB1: &str = "web1.example";
const WEB2: &str = "web2.example";
const MODULE: &str =
    "[params]\npassword = { type = \"secret\" }\n\n[file.\"/app.conf\"]\ntemplate = \"app.conf.j2\"\n";
const TEMPLATE: &str = "name = {{ node.name }}\npassword = {{ password }}\n";

/// A stage whose server serves.
pub(crate) struct World {
    pub(crate) stage: Stage,
    pub(crate) server: Child,
    url: String,
}

impl Drop for World {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let stage = Stage::new();
        let log = std::fs::File::create(stage.path("server.log")).unwrap();
        let mut server = countersign()
            .args(["serve", "--listen", "127.0.0.1:0", "--log", "debug"])
            .arg(stage.path("server"))
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().strip_prefix("Listening on https://127.0.0.1:").unwrap();
        let url = format!("https://localhost:{port}");
        Self { stage, server, url }
    }

    fn agent(&self, node: &str, command: &str) -> Command {
        let mut agent = countersign();
        agent.args(["agent", command, "--state"]).arg(self.stage.path(&format!("agent-{node}")));
        agent
    }

    fn enroll(&self, node: &str) -> Output {
        let mut agent = self.agent(node, "enroll");
        agent.args(["--server", &self.url, "--root-digest", &self.stage.digest, "--name", node]);
        agent.output().unwrap()
    }

    /// A node that has joined; the line with its sealing key.
    pub(crate) fn node(&self, node: &str) -> String {
        let pending = self.enroll(node);
        assert_eq!(pending.status.code(), Some(1), "{}", transcript(&pending));
        ok(countersign().args(["node", "accept", node, "--server"]).arg(self.stage.path("server")));
        let joined = self.enroll(node);
        assert!(joined.status.success(), "{}", transcript(&joined));
        std::fs::create_dir(self.stage.path(&format!("root-{node}"))).unwrap();
        ok(&mut self.agent(node, "sealing-key"))
    }

    /// Runs an agent; what it said, all of it, is kept in a file as well.
    pub(crate) fn run(&self, node: &str, code: i32, more: &[&str]) -> String {
        let mut agent = self.agent(node, "run");
        agent.args(["--debug", "--root"]).arg(self.stage.path(&format!("root-{node}"))).args(more);
        let output = agent.output().unwrap();
        let said = transcript(&output);
        let mut log = std::fs::OpenOptions::new();
        let mut log = log.create(true).append(true).open(self.stage.path("agents.log")).unwrap();
        log.write_all(said.as_bytes()).unwrap();
        assert_eq!(output.status.code(), Some(code), "{said}");
        said
    }

    fn target(&self, node: &str) -> PathBuf {
        self.stage.path(&format!("root-{node}/app.conf"))
    }

    /// Proposes what is in frank's clone, has alice and bob approve it, and waits until agents hear of it.
    fn release(&self, number: u32) {
        let frank = self.stage.clone_of("frank");
        frank.commit(&[], "Change");
        let pushed = frank.push("refs/for/production", &[]);
        assert!(pushed.status.success(), "{}", transcript(&pushed));
        let change = number.to_string();
        self.stage.clone_of("alice").ok(&["approve", &change, "--yes"]);
        self.stage.clone_of("bob").ok(&["approve", &change, "--yes"]);
        let statement = format!("server/publish/release/production/{number}/statement.json");
        let id = Digest::of(&std::fs::read(self.stage.path(&statement)).unwrap()).to_string();
        let timestamp = self.stage.path("server/publish/timestamp/production.json");
        let until = Instant::now() + Duration::from_secs(60);
        while !std::fs::read_to_string(&timestamp).is_ok_and(|text| text.contains(&id)) {
            assert!(Instant::now() < until, "the timestamp of release {number} did not come");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// The site of two nodes that need one secret, in frank's clone, not sealed yet.
fn site(frank: &Person<'_>, keys: &[(&str, &str)]) {
    let nodes: Vec<(String, &str)> =
        keys.iter().map(|(node, line)| (format!("nodes/{node}.toml"), *line)).collect();
    let mut files = vec![
        ("countersign.toml", "name = \"test\"\n[defaults]\ninclude = [\"app\"]\n"),
        ("modules/app/module.toml", MODULE),
        ("modules/app/templates/app.conf.j2", TEMPLATE),
        ("data/common.toml", "app.password = \"db/password\"\n"),
    ];
    files.extend(nodes.iter().map(|(path, line)| (path.as_str(), *line)));
    frank.commit(&files, "A site with a secret");
}

/// A command that reads the value of a secret from standard input.
fn given(mut command: Command, value: &str) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(value.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// The canary, and what gives a short secret away to whoever guesses: usual encodings, and digests.
fn traces() -> Regex {
    let files = [WEB1, WEB2].map(|node| format!("name = {node}\npassword = {CANARY}\n"));
    let mut all = vec![CANARY.to_owned(), CANARY.bytes().map(|b| format!("{b:02x}")).collect()];
    // Its base64 wherever in three bytes it begins, without the ends, which are its neighbours' as well.
    for before in ["", "x", "xx"] {
        let encoded = STANDARD.encode(format!("{before}{CANARY}"));
        all.push(encoded[4..encoded.len() - 4].to_owned());
    }
    for text in files.iter().map(String::as_str).chain([CANARY]) {
        all.push(Digest::of(text.as_bytes()).hex());
    }
    Regex::new(&all.iter().map(|trace| regex::escape(trace)).collect::<Vec<_>>().join("|")).unwrap()
}

/// Every file below `dir`.
fn all_files(dir: &Path) -> Vec<PathBuf> {
    let (mut found, mut todo) = (Vec::new(), vec![dir.to_owned()]);
    while let Some(dir) = todo.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                todo.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            }
        }
    }
    found
}

/// Everything in a repository, unpacked, whether or not anything points to it.
fn objects(repository: &Path) -> Vec<u8> {
    let mut git = clean("git");
    git.arg("-C").arg(repository).args(["cat-file", "--batch-all-objects", "--batch"]);
    let output = git.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// What a process says of itself and what it has in its memory.
fn process(pid: u32) -> Vec<u8> {
    let at = |name: &str| PathBuf::from(format!("/proc/{pid}/{name}"));
    let mut all = [std::fs::read(at("cmdline")).unwrap(), std::fs::read(at("environ")).unwrap()].concat();
    let mut memory = std::fs::File::open(at("mem")).unwrap();
    for line in std::fs::read_to_string(at("maps")).unwrap().lines() {
        let mut words = line.split_ascii_whitespace();
        let (range, mode) = (words.next().unwrap(), words.next().unwrap());
        if !mode.starts_with("rw") || line.ends_with("[vvar]") {
            continue;
        }
        let (start, end) = range.split_once('-').unwrap();
        let [start, end] = [start, end].map(|text| u64::from_str_radix(text, 16).unwrap());
        memory.seek(SeekFrom::Start(start)).unwrap();
        // A mapping may be gone by now; what was read of it counts.
        let _gone = (&memory).take(end - start).read_to_end(&mut all);
    }
    all
}

#[test]
fn d30_s11_a_canary_is_in_its_file_and_nowhere_else() {
    let world = World::new();
    let keys = [WEB1, WEB2].map(|node| (node, world.node(node)));
    let frank = world.stage.clone_of("frank");
    site(&frank, &keys.each_ref().map(|(node, line)| (*node, line.as_str())));
    let said = frank.push_refused("refs/for/production", &[]);
    assert!(
        said.contains("unsealed-secret") && said.contains("countersign secret seal db/password"),
        "{said}"
    );
    let sealed = given(frank.countersign(&["secret", "seal", "db/password"]), &format!("{CANARY}\n"));
    assert!(sealed.status.success(), "{}", transcript(&sealed));
    assert!(transcript(&sealed).contains("sealed `db/password` for 2 nodes"), "{}", transcript(&sealed));
    let list = frank.ok(&["secret", "list"]);
    assert_eq!(list, "db/password  web1.example  sealed\ndb/password  web2.example  sealed\n");
    world.release(1);
    let alice = world.stage.clone_of("alice");
    let diff = alice.ok(&["review", "diff", "1"]);
    assert!(diff.contains("sealed(db/password, key web1.example@") && diff.contains("mode = 0600"), "{diff}");
    for node in [WEB1, WEB2] {
        let would = world.run(node, 8, &["--noop"]);
        assert!(would.contains("defined content as 'sealed(db/password, sha256:"), "{would}");
        world.run(node, 2, &[]);
        let content = std::fs::read_to_string(world.target(node)).unwrap();
        assert_eq!(content, format!("name = {node}\npassword = {CANARY}\n"));
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &std::fs::metadata(world.target(node)).unwrap().permissions(),
        );
        assert_eq!(mode & 0o7777, 0o600);
        world.run(node, 0, &[]);
        std::fs::write(world.target(node), format!("password = {CANARY}!\n")).unwrap();
        let drift = world.run(node, 2, &[]);
        assert!(drift.contains("(corrective)") && drift.contains("'other content' to 'sealed("), "{drift}");
    }
    let traces = traces();
    let inside = process(world.server.id());
    assert!(Regex::new("web1\\.example").unwrap().is_match(&inside), "the server's memory was not read");
    assert!(!traces.is_match(&inside), "the secret is in the server's memory");
    let repositories = [world.stage.site(), frank.dir.clone(), alice.dir.clone()];
    let value = Regex::new("sealed = \"").unwrap();
    for repository in repositories {
        let objects = objects(&repository);
        assert!(value.is_match(&objects), "{}", repository.display());
        assert!(!traces.is_match(&objects), "the secret is in {}", repository.display());
    }
    let mut found: Vec<PathBuf> = all_files(&world.stage.path(""))
        .into_iter()
        .filter(|file| traces.is_match(&std::fs::read(file).unwrap()))
        .collect();
    found.sort();
    assert_eq!(found, [WEB1, WEB2].map(|node| world.target(node)));
    for log in ["server.log", "agents.log", "server/server.db"] {
        assert!(std::fs::metadata(world.stage.path(log)).is_ok_and(|log| log.len() > 0), "{log}");
    }
}

/// Seals a value for the nodes that need it, in frank's clone. What was said.
fn seal(frank: &Person<'_>, value: &str) -> String {
    let output = given(frank.countersign(&["secret", "seal", "db/password"]), value);
    assert!(output.status.success(), "{}", transcript(&output));
    transcript(&output)
}

#[test]
fn d30_what_was_moved_or_altered_does_not_open() {
    let world = World::new();
    let keys = [WEB1, WEB2].map(|node| (node, world.node(node)));
    let frank = world.stage.clone_of("frank");
    site(&frank, &keys.each_ref().map(|(node, line)| (*node, line.as_str())));
    seal(&frank, "first");
    world.release(1);
    world.run(WEB2, 2, &[]);
    let first = std::fs::read_to_string(world.target(WEB2)).unwrap();
    let refused = |number: u32| {
        world.release(number);
        let said = world.run(WEB2, 4, &[]);
        assert!(said.contains("does not open: it was altered, or sealed under another name"), "{said}");
        assert_eq!(std::fs::read_to_string(world.target(WEB2)).unwrap(), first);
        said
    };
    let write = |path: &str, text: &str| std::fs::write(frank.dir.join(path), text).unwrap();
    let file = |name: &str| frank.dir.join(format!("data/secrets/{name}.toml"));
    // Under another name: nobody but the node can tell.
    std::fs::rename(file("db/password"), file("db/other")).unwrap();
    write("data/common.toml", "app.password = \"db/other\"\n");
    let said = refused(2);
    assert!(said.contains("next: countersign secret seal db/other --node web2.example"), "{said}");
    std::fs::rename(file("db/other"), file("db/password")).unwrap();
    write("data/common.toml", "app.password = \"db/password\"\n");
    // Another node's value, under this node's key.
    let text = std::fs::read_to_string(file("db/password")).unwrap();
    let values: Vec<&str> =
        text.split("sealed = \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    write("data/secrets/db/password.toml", &text.replace(values[1], values[0]));
    refused(3);
    // Altered.
    let altered =
        values[1].replacen(&values[1][60..61], if &values[1][60..61] == "A" { "B" } else { "A" }, 1);
    write("data/secrets/db/password.toml", &text.replace(values[1], &altered));
    refused(4);
    // Sealed for a node of that name in another site.
    write("data/secrets/db/password.toml", &text);
    write("countersign.toml", "name = \"renamed\"\n[defaults]\ninclude = [\"app\"]\n");
    frank.commit(&[], "Another name");
    let said = frank.push_refused("refs/for/production", &[]);
    assert!(said.contains("stale-secret") && said.contains("countersign secret seal db/password"), "{said}");
    write("data/secrets/db/password.toml", &text.replace("site = \"test\"", "site = \"renamed\""));
    refused(5);
}

#[test]
fn d30_what_is_sealed_to_an_old_key_does_not_open() {
    let world = World::new();
    let line = world.node(WEB1);
    let frank = world.stage.clone_of("frank");
    site(&frank, &[(WEB1, line.as_str())]);
    let said = seal(&frank, "first");
    assert!(
        said.contains("WARNING: nobody can say who reviewed these keys: nothing of `production`"),
        "{said}"
    );
    world.release(1);
    world.run(WEB1, 2, &[]);
    ok(&mut frank.git(&["fetch", "-q", "origin"]));
    assert!(!seal(&frank, "first").contains("WARNING"), "the key of release 1");
    ok(&mut frank.git(&["checkout", "-q", "data"]));
    let renewed = ok(world.agent(WEB1, "sealing-key").arg("--rotate"));
    assert_ne!(renewed, line);
    std::fs::write(frank.dir.join(format!("nodes/{WEB1}.toml")), &renewed).unwrap();
    frank.commit(&[], "Another key");
    let said = frank.push_refused("refs/for/production", &[]);
    assert!(said.contains("stale-secret") && said.contains("countersign secret seal db/password"), "{said}");
    let check = frank.refused(&["secret", "check"]);
    let expected = ["sealed to another key", "next: countersign secret reseal"];
    assert!(expected.iter().all(|expected| check.contains(expected)), "{check}");
    let resealed = given(frank.countersign(&["secret", "reseal"]), "second\n");
    assert!(resealed.status.success(), "{}", transcript(&resealed));
    let said = transcript(&resealed);
    assert!(
        said.contains("of `web1.example` is not the reviewed one, which is") && said.contains("in release 1"),
        "{said}"
    );
    frank.ok(&["secret", "check"]);
    world.release(2);
    world.run(WEB1, 2, &[]);
    let second = std::fs::read_to_string(world.target(WEB1)).unwrap();
    assert!(second.ends_with("password = second\n"), "{second}");
    // A rotation does not stop what is released already; two do, and the file stays.
    ok(world.agent(WEB1, "sealing-key").arg("--rotate"));
    world.run(WEB1, 0, &[]);
    ok(world.agent(WEB1, "sealing-key").arg("--rotate"));
    let said = world.run(WEB1, 4, &[]);
    assert!(said.contains("which this node does not have; next: countersign agent sealing-key"), "{said}");
    assert_eq!(std::fs::read_to_string(world.target(WEB1)).unwrap(), second);
}
