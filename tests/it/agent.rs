//! A node and its server: real programs, real TLS, real keys. A release is published, agents take it or refuse it.

use crate::support::{countersign as program, fails, ok, transcript};
use countersign::agent::clock::system as now;
use countersign::model::resource::{Content, File, FileEnsure, Meta};
use countersign::model::{Catalog, Digest, NodeName, Resource, Spec};
use countersign::signing::merkle::{Entry, Leaves};
use countersign::signing::release::ReleaseKind;
use countersign::signing::{Document, Release, Root, SigningKey, document, sshsig};
use countersign::store::{Publication, PublishedRelease, SignedFile};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) const NODE: &str = "web1.example";
pub(crate) const OTHER: &str = "web2.example";

/// A running server with a trust root.
pub(crate) struct Server {
    scratch: tempfile::TempDir,
    pub(crate) process: Child,
    /// Which directory it serves.
    directory: String,
    url: String,
    root: Root,
    pub(crate) digest: Digest,
    pub(crate) last: Option<(u64, Digest)>,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// A server at work in `directory`, and its URL.
fn serve(directory: &Path, address: &str) -> (Child, String) {
    let mut command = program();
    command.arg("serve").arg(directory).args(["--listen", address]);
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim().strip_prefix("Listening on ").unwrap().to_owned();
    (process, url)
}

impl Server {
    pub(crate) fn start() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let at = |name: &str| scratch.path().join(name);
        for person in ["alice", "bob", "frank", "olga"] {
            let mut command = crate::support::clean("ssh-keygen");
            ok(command.args(["-q", "-t", "ed25519", "-N", "", "-C", person, "-f"]).arg(at(person)));
        }
        let server = at("server");
        ok(program().args(["server", "init", "--name", "127.0.0.1"]).arg(&server));
        let key = |role: &str, person: &str| format!("{role}={}", at(&format!("{person}.pub")).display());
        ok(program()
            .args(["trust", "init", "--threshold", "2", "--out"])
            .arg(at("trust"))
            .args(["--reviewer", &key("alice", "alice"), "--reviewer", &key("bob", "bob")])
            .args(["--author", &key("frank", "frank"), "--operator", &key("olga", "olga"), "--server"])
            .arg(&server));
        for person in ["alice", "bob"] {
            ok(program().args(["trust", "sign"]).arg(at("trust")).arg("--key").arg(at(person)));
        }
        ok(program().args(["server", "trust"]).arg(&server).arg(at("trust")));
        let bytes = std::fs::read(at("trust/1.json")).unwrap();
        let root = document::read_untrusted(&bytes).unwrap();
        let (process, url) = serve(&server, "127.0.0.1:0");
        let directory = "server".to_owned();
        Self { scratch, process, directory, url, root, digest: Digest::of(&bytes), last: None }
    }

    /// Stops it, as a crash would.
    pub(crate) fn stop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }

    /// Starts it again at the same address, perhaps in another directory.
    pub(crate) fn again(&mut self, directory: &str) {
        directory.clone_into(&mut self.directory);
        let address = self.url.strip_prefix("https://").unwrap();
        self.process = serve(&self.at(directory), address).0;
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    pub(crate) fn agent(&self, node: &str, command: &str) -> Command {
        let mut agent = program();
        agent.args(["agent", command, "--state"]).arg(self.at(&format!("agent-{node}")));
        agent
    }

    fn enroll(&self, node: &str) -> Command {
        let mut agent = self.agent(node, "enroll");
        agent.args(["--server", &self.url, "--root-digest", &self.digest.to_string(), "--name", node]);
        agent
    }

    /// A node that asked, was accepted and has its certificate.
    pub(crate) fn node(&self, node: &str) {
        let pending = self.enroll(node).output().unwrap();
        assert_eq!(pending.status.code(), Some(1), "{}", transcript(&pending));
        let fingerprint = ok(&mut self.agent(node, "fingerprint"));
        assert!(String::from_utf8_lossy(&pending.stdout).contains(fingerprint.trim()));
        ok(program().args(["node", "accept", node, "--server"]).arg(self.at("server")));
        ok(&mut self.enroll(node));
        std::fs::create_dir(self.root_of(node)).unwrap();
    }

    pub(crate) fn root_of(&self, node: &str) -> PathBuf {
        self.at(&format!("root-{node}"))
    }

    pub(crate) fn run(&self, node: &str) -> Command {
        let mut agent = self.agent(node, "run");
        agent.arg("--verbose").arg("--root").arg(self.root_of(node));
        agent
    }

    pub(crate) fn motd(&self, node: &str) -> Option<String> {
        std::fs::read_to_string(self.root_of(node).join("motd")).ok()
    }

    /// Publishes the next release, and waits for the server's timestamp if these signatures earn one.
    pub(crate) fn publish(&mut self, motd: &str, signers: &[&str]) {
        let seq = self.last.map_or(1, |(seq, _)| seq + 1);
        let catalogs: Vec<(NodeName, Vec<u8>)> =
            [NODE, OTHER].map(|node| (node.parse().unwrap(), catalog(node, motd))).into();
        let entries = catalogs.iter().map(|(node, bytes)| Entry {
            node: node.clone(),
            catalog: Digest::of(bytes),
            length: bytes.len() as u64,
        });
        let leaves = Leaves::new(&[7; 32], entries.collect()).unwrap();
        let release = self.statement(seq, leaves.root());
        let bytes = release.encode();
        let sign = |person: &&str| {
            let key = SigningKey::from_openssh(&std::fs::read(self.at(person)).unwrap()).unwrap();
            (person.parse().unwrap(), sshsig::sign(&key, Release::NAMESPACE, &bytes))
        };
        let signatures = signers.iter().map(sign).collect();
        let published = PublishedRelease {
            env: "production".parse().unwrap(),
            seq,
            statement: SignedFile { bytes: bytes.clone(), signatures },
            leaves: leaves.documents().map(|leaf| (leaf.node.clone(), leaf.encode())).collect(),
            catalogs: catalogs.into_iter().map(|(_, bytes)| bytes).collect(),
            blobs: vec![motd.as_bytes().to_vec()],
            waivers: Vec::new(),
        };
        let publish = self.at(&self.directory).join("publish");
        Publication::open(&publish).unwrap().add_release(&published).unwrap();
        self.last = Some((seq, release.id()));
        if signers.len() > 1 {
            let id = release.id().to_string();
            let timestamp = publish.join("timestamp/production.json");
            wait("the timestamp of the release", || {
                std::fs::read_to_string(&timestamp).is_ok_and(|text| text.contains(&id))
            });
        }
    }

    fn statement(&self, seq: u64, catalogs: Digest) -> Release {
        let (some, now) = (Digest::of(b""), now());
        Release {
            document: "release".into(),
            v: 1,
            repo: self.root.repo(),
            environment: "production".parse().unwrap(),
            seq,
            prev: self.last.map(|(_, id)| id),
            kind: ReleaseKind::Normal,
            change: "1".into(),
            patchset: 1,
            commit: "a".repeat(40),
            base: None,
            source: some,
            authors: vec!["frank".parse().unwrap()],
            roles: vec!["release".parse().unwrap()],
            policy: some,
            policy_v: 1,
            compiler: some,
            inputs: some,
            nodes: 2,
            affected: 2,
            catalogs,
            salt: some,
            root: 1,
            log: None,
            supersedes: Vec::new(),
            created: now,
            expires: now.plus(86_400),
            reason: "test".into(),
        }
    }
}

pub(crate) fn wait(what: &str, mut there: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !there() {
        assert!(Instant::now() < until, "{what} did not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn catalog(node: &str, motd: &str) -> Vec<u8> {
    let content = Content::Blob { digest: Digest::of(motd.as_bytes()), size: motd.len() as u64 };
    let file = File {
        path: "/motd".into(),
        ensure: FileEnsure::File,
        content: Some(content),
        target: None,
        owner: None,
        group: None,
        mode: None,
        selinux: None,
        recurse: false,
        recurselimit: None,
        max_files: None,
        purge: false,
        ignore: Vec::new(),
        force: false,
        replace: true,
        backup: Some("bucket".into()),
        validate_cmd: Vec::new(),
        show_diff: true,
    };
    let module: countersign::model::ModuleName = "motd".parse().unwrap();
    let (spec, meta) = (Spec::File(file), Meta::of(module.clone()));
    let motd = Resource { title: "/motd".into(), spec, meta };
    Catalog::new("production".parse().unwrap(), node.parse().unwrap(), vec![module], vec![motd]).encode()
}

/// Runs a command that must end with `code`, and returns all that it printed.
pub(crate) fn ends(code: i32, command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{command:?}\n{}", transcript(&output));
    transcript(&output)
}

#[test]
fn a_node_joins_pulls_and_reports() {
    let mut server = Server::start();
    server.publish("one", &["alice", "bob"]);
    server.node(NODE);
    assert!(ends(2, &mut server.run(NODE)).contains("Applying configuration version '1'"));
    assert_eq!(server.motd(NODE).as_deref(), Some("one"));
    ends(0, &mut server.run(NODE));
    std::fs::write(server.root_of(NODE).join("motd"), "defaced").unwrap();
    assert!(ends(8, server.run(NODE).arg("--noop")).contains("(noop)"));
    assert_eq!(server.motd(NODE).as_deref(), Some("defaced"));
    assert!(ends(2, &mut server.run(NODE)).contains("(corrective)"));
    let status = ok(&mut server.agent(NODE, "status"));
    assert!(status.contains("accepted 1, applied 1"), "{status}");
    assert!(status.contains("0 waiting for a server"), "{status}");
    assert!(status.contains("signed by      alice, bob"), "{status}");
    assert!(status.contains("drifted        file[/motd] (content)"), "{status}");
    let backup = |arguments: &[&str]| {
        let mut command = program();
        command.args(["agent", "backup"]).args(arguments).arg("--state").arg(server.at("agent-web1.example"));
        command
    };
    let listed = ok(&mut backup(&["list"]));
    assert!(listed.lines().count() == 1 && listed.contains("/motd"), "{listed}");
    let root = server.root_of(NODE);
    let diff = ends(1, backup(&["diff", "/motd"]).arg("--root").arg(&root));
    assert!(diff.contains("-defaced") && diff.contains("+one"), "{diff}");
    ok(backup(&["restore", "/motd"]).arg("--root").arg(&root));
    assert_eq!(server.motd(NODE).as_deref(), Some("defaced"));
    assert_eq!(ok(&mut backup(&["list", "/motd"])).lines().count(), 2, "what was there is kept, too");
    let verified = ok(server.agent(NODE, "verify").args(["--base", &server.url]));
    assert!(verified.contains("signed by alice, bob"), "{verified}");
}

#[test]
fn a_power_failure_may_take_the_copy_of_the_last_report_and_nothing_else() {
    let mut server = Server::start();
    server.publish("one", &["alice", "bob"]);
    server.node(NODE);
    let told = |server: &Server| ok(&mut server.agent(NODE, "status")).lines().next().unwrap().to_owned();
    assert_eq!(told(&server), "Currently idling; never ran");
    ends(2, &mut server.run(NODE));
    assert!(told(&server).starts_with("Currently idling; last completed run "), "{}", told(&server));
    let copy = server.at(&format!("agent-{NODE}/last_run_report.json"));
    for bytes in [Some(&b""[..]), Some(&[0; 100]), None] {
        match bytes {
            Some(bytes) => std::fs::write(&copy, bytes).unwrap(),
            None => std::fs::remove_file(&copy).unwrap(),
        }
        assert!(told(&server).ends_with("the next run makes another"), "{}", told(&server));
    }
    ends(0, &mut server.run(NODE));
    assert!(told(&server).starts_with("Currently idling; last completed run "), "{}", told(&server));
    let reports = ok(&mut server.agent(NODE, "status"));
    assert!(reports.contains("reports        2 made") && reports.contains("0 waiting"), "{reports}");
}

#[test]
fn d43_another_trust_root_is_not_joined() {
    let server = Server::start();
    let mut agent = server.agent(NODE, "enroll");
    agent.args(["--server", &server.url, "--name", NODE, "--root-digest"]);
    let said = fails(1, agent.arg(Digest::of(b"another").to_string()));
    assert!(said.contains("the trust root has the digest"), "{said}");
    assert!(!server.at(&format!("agent-{NODE}/state.json")).exists());
    let nodes = ok(program().args(["node", "list", "--server"]).arg(server.at("server")));
    assert!(!nodes.contains(NODE), "{nodes}");
}

#[test]
fn t1_t9_d1_what_an_attacker_on_the_server_publishes_is_not_applied() {
    let mut server = Server::start();
    server.publish("one", &["alice", "bob"]);
    server.node(NODE);
    ends(2, &mut server.run(NODE));
    let publish = server.at("server/publish");
    let refuses = |server: &Server, code: &str| {
        let said = ends(1, &mut server.run(NODE));
        assert!(said.contains(code), "{said}");
        assert!(said.contains("Enforcing release 1 from disk"), "{said}");
        assert_eq!(server.motd(NODE).as_deref(), Some("one"));
    };
    server.publish("two", &["alice", "bob"]);
    let own = publish.join("catalog").join(Digest::of(&catalog(NODE, "two")).hex());
    let good = std::fs::read(&own).unwrap();
    overwrite(&own, String::from_utf8(good.clone()).unwrap().replace("/motd", "/evil").as_bytes());
    refuses(&server, "CATALOG_ALTERED");
    overwrite(&own, &good);
    let leaf = |node: &str| publish.join(format!("release/production/2/leaf/{node}.json"));
    let own_leaf = std::fs::read(leaf(NODE)).unwrap();
    overwrite(&leaf(NODE), &std::fs::read(leaf(OTHER)).unwrap());
    refuses(&server, "WRONG_NODE");
    overwrite(&leaf(NODE), &own_leaf);
    let signatures = publish.join("release/production/2/signatures.json");
    let both = std::fs::read(&signatures).unwrap();
    let mut list: Vec<String> = serde_json::from_slice(&both).unwrap();
    list.truncate(1);
    overwrite(&signatures, &serde_json::to_vec(&list).unwrap());
    refuses(&server, "THRESHOLD");
    overwrite(&signatures, &both);
    ends(2, &mut server.run(NODE));
    assert_eq!(server.motd(NODE).as_deref(), Some("two"));
}

/// Published files are read-only; whoever owns the server does not care.
fn overwrite(path: &Path, bytes: &[u8]) {
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn an_operator_pushes_and_the_node_obeys_at_once() {
    let mut server = Server::start();
    server.publish("one", &["alice", "bob"]);
    server.node(NODE);
    let mut daemon = server
        .agent(NODE, "daemon")
        .args(["--interval", "1d", "--root"])
        .arg(server.root_of(NODE))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let push = |more: &[&str], code: i32| {
        let mut command = program();
        command.args(["push", "--server", &server.url, "--operator", "olga", "--timeout", "60s", "--key"]);
        command.arg(server.at("olga")).args(["--root-digest", &server.digest.to_string()]);
        ends(code, command.args(more))
    };
    let said = push(&["-I", "web*"], 0);
    assert!(said.contains("1 passed, 0 failed"), "{said}");
    assert_eq!(server.motd(NODE).as_deref(), Some("one"));
    assert!(push(&["--all"], 1).contains("--expect 1"));
    assert!(push(&["-I", "db*"], 1).contains("no enrolled node"));
    assert!(push(&[], 64).contains("no node was asked for"));
    let pid = i32::try_from(daemon.id()).unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let begun = Instant::now();
    assert!(daemon.wait().unwrap().success());
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn d28_t8_an_agent_that_is_killed_at_any_moment_never_goes_back_and_ends_well() {
    let mut server = Server::start();
    server.publish("0", &["alice", "bob"]);
    server.node(NODE);
    let (mut last, mut killed) = (0, 0);
    for round in 0..40 {
        if round % 4 == 3 {
            server.publish(&round.to_string(), &["alice", "bob"]);
        }
        let mut run = server.run(NODE).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Spread over the time that a run takes here, whatever that is.
        std::thread::sleep(Duration::from_millis(round * 37 % 190));
        run.kill().unwrap();
        killed += usize::from(run.wait().unwrap().code().is_none());
        let status = ok(server.agent(NODE, "status").arg("--json"));
        let status: serde_json::Value = serde_json::from_str(&status).unwrap();
        let accepted = status["accepted"].as_u64().unwrap_or(0);
        assert!(accepted >= last, "round {round}: {accepted} after {last}");
        last = accepted;
        assert!(server.motd(NODE).is_none_or(|text| text.parse::<u64>().is_ok()), "half a file");
    }
    assert!(killed > 5, "only {killed} runs were killed");
    assert!(server.run(NODE).status().unwrap().code().is_some_and(|code| code == 0 || code == 2));
    assert_eq!(server.motd(NODE).as_deref(), Some("39"));
    ends(0, &mut server.run(NODE));
}
