//! The server as people run it: made, given a trust root, started, asked by a real agent and by curl's kin, stopped.

use crate::support::{clean, countersign, fails, ok};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

fn key(directory: &Path, name: &str) {
    let file = directory.join(name);
    ok(clean("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]).arg(file));
}

fn inside(directory: &Path) -> Command {
    let mut command = countersign();
    command.current_dir(directory);
    command
}

/// Makes a server in `srv` and a trust root in `trust` that `signers` signed.
fn make(directory: &Path, signers: &[&str]) {
    ok(inside(directory).args(["server", "init", "srv", "--name", "localhost"]));
    for name in ["alice", "bob"] {
        key(directory, name);
    }
    let reviewers = ["--reviewer", "alice=alice.pub", "--reviewer", "bob=bob.pub"];
    ok(inside(directory).args(["trust", "init", "--server", "srv", "--out", "trust"]).args(reviewers));
    for signer in signers {
        ok(inside(directory).args(["trust", "sign", "trust", "--key", signer]));
    }
}

struct Running {
    child: Child,
    url: String,
}

impl Running {
    fn start(directory: &Path) -> Self {
        let mut command = inside(directory);
        command
            .args(["serve", "srv", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("Listening on https://127.0.0.1:").unwrap();
        Self { child, url: format!("https://localhost:{address}") }
    }

    /// Asks it to stop, as systemd does, and returns its exit code.
    fn stop(mut self) -> Option<i32> {
        ok(clean("kill").args(["-TERM", &self.child.id().to_string()]));
        self.child.wait().unwrap().code()
    }
}

#[test]
fn a_server_is_made_once_and_its_keys_are_its_own() {
    let directory = tempfile::tempdir().unwrap();
    ok(inside(directory.path()).args(["server", "init", "srv"]));
    for private in ["tls/server-ca.key", "tls/node-ca.key", "tls/server.key", "timestamp/key", "server.db"] {
        let mode =
            std::fs::metadata(directory.path().join("srv").join(private)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{private}");
    }
    let before = std::fs::read(directory.path().join("srv/tls/node-ca.key")).unwrap();
    let said = fails(1, inside(directory.path()).args(["server", "init", "srv"]));
    assert!(said.contains("is not empty") && said.contains("next:"), "{said}");
    assert_eq!(std::fs::read(directory.path().join("srv/tls/node-ca.key")).unwrap(), before);
    let stock = ok(clean("ssh-keygen").args(["-l", "-f"]).arg(directory.path().join("srv/timestamp/key")));
    assert!(stock.contains("ED25519"), "{stock}");
}

#[test]
fn a_trust_root_that_lacks_a_signature_is_not_installed() {
    let directory = tempfile::tempdir().unwrap();
    make(directory.path(), &["alice"]);
    let said = fails(1, inside(directory.path()).args(["server", "trust", "srv", "trust"]));
    assert!(said.contains("version 1 of the trust root is refused") && said.contains("trust show"), "{said}");
    assert!(!directory.path().join("srv/publish/root/1.json").exists());
}

#[test]
fn a_node_asks_is_accepted_by_fingerprint_and_removed_while_the_server_runs() {
    let directory = tempfile::tempdir().unwrap();
    make(directory.path(), &["alice", "bob"]);
    let installed = ok(inside(directory.path()).args(["server", "trust", "srv", "trust"]));
    let pin = installed.split_whitespace().find(|word| word.starts_with("sha256:")).unwrap().to_owned();
    let server = Running::start(directory.path());
    let enroll = |state: &str, more: &[&str]| {
        let mut command = inside(directory.path());
        command.args(["agent", "enroll", "--server", &server.url, "--root-digest", &pin, "--state", state]);
        command.args(["--name", "web1.example"]).args(more);
        command.output().unwrap()
    };
    let node =
        |words: &[&str]| ok(inside(directory.path()).arg("node").args(words).args(["--server", "srv"]));
    let waiting = enroll("one", &[]);
    let listed = node(&["list"]);
    let fingerprint = listed.split_whitespace().find(|word| word.starts_with("sha256:")).unwrap();
    assert!(listed.contains("web1.example  requested"), "{listed}");
    let said = String::from_utf8_lossy(&[waiting.stdout, waiting.stderr].concat()).into_owned();
    assert!(said.contains(fingerprint), "{said}");
    node(&["accept", "web1.example", "--fingerprint", fingerprint]);
    assert!(enroll("one", &[]).status.success());
    let token = node(&["token", "web1.example"]);
    let thief = enroll("two", &["--token", token.trim()]);
    assert!(!thief.status.success() && !directory.path().join("two/tls.crt").exists());
    assert!(String::from_utf8_lossy(&thief.stderr).contains("another key holds this name"));
    assert!(node(&["remove", "web1.example"]).contains("removed"));
    assert!(enroll("two", &["--token", token.trim()]).status.success());
    assert!(node(&["show", "web1.example"]).contains("web1.example accepted"));
    assert_eq!(server.stop(), Some(0));
}
