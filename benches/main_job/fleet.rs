//! The world that is measured: keys, a server with a site as release 1, an author's clone, one agent.
//!
//! Everything is what a user would have: this program, stock git and ssh-keygen, TLS on a loopback port.

use crate::support::{clean, countersign, ok, transcript};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The file that changes, and the key in it whose value does.
const CHANGING: (&str, &str) = ("data/group/edge.toml", "notice = ");

/// A running server, and what people and a node have of it.
pub(crate) struct Fleet {
    scratch: tempfile::TempDir,
    serve: Child,
    /// Where the server answers.
    pub(crate) url: String,
}

impl Drop for Fleet {
    fn drop(&mut self) {
        drop(self.serve.kill());
        drop(self.serve.wait());
    }
}

impl Fleet {
    /// Everything up to an agent of `node` that can apply release 1, which is the site in that folder. All of it is in
    /// a new directory in `place`.
    pub(crate) fn new(place: &Path, site: &Path, node: &str) -> Self {
        let scratch = tempfile::tempdir_in(place).unwrap();
        let digest = found(scratch.path());
        let (serve, url) = serve(scratch.path());
        let fleet = Self { scratch, serve, url };
        for person in ["frank", "alice", "bob"] {
            fleet.join(person, &digest);
        }
        fleet.release(site);
        fleet.enroll(node, &digest);
        fleet
    }

    /// Applies release 1, once the server has signed its first timestamp for it.
    pub(crate) fn first_run(&self) {
        for _ in 0..100 {
            let output = self.run().output().unwrap();
            match output.status.code() {
                Some(2) => return,
                Some(0 | 1) => std::thread::sleep(Duration::from_millis(100)),
                _ => panic!("{}", transcript(&output)),
            }
        }
        panic!("the agent did not apply release 1: {}", transcript(&self.run().output().unwrap()));
    }

    /// A path in the temporary directory.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// The agent's directory.
    pub(crate) fn state(&self) -> PathBuf {
        self.at("agent")
    }

    /// `git` in somebody's clone.
    pub(crate) fn git(&self, person: &str, args: &[&str]) -> Command {
        let mut command = clean("git");
        command.current_dir(self.at(&format!("{person}.clone"))).args(args);
        command
    }

    /// One run of the node's agent.
    pub(crate) fn run(&self) -> Command {
        let mut command = countersign();
        command.args(["agent", "run", "--state"]).arg(self.state()).arg("--root").arg(self.at("root"));
        command
    }

    /// Starts a change of one line on top of release 1.
    pub(crate) fn begin_change(&self) {
        ok(&mut self.git("frank", &["fetch", "-q", "origin"]));
        ok(&mut self.git("frank", &["reset", "-q", "--hard", "origin/production"]));
        self.edit("Round 0");
        ok(&mut self.git("frank", &["commit", "-q", "-am", "Greet"]));
    }

    /// Amends that change, so that the next push brings the server something new.
    pub(crate) fn amend(&self, round: usize) {
        self.edit(&format!("Round {round}"));
        ok(&mut self.git("frank", &["commit", "-q", "--amend", "--no-edit", "-a"]));
    }

    fn edit(&self, notice: &str) {
        let path = self.at("frank.clone").join(CHANGING.0);
        let text = std::fs::read_to_string(&path).unwrap();
        let line = format!("{}\"{notice}\"\n", CHANGING.1);
        let edited = text.lines().map(|old| match old.starts_with(CHANGING.1) {
            true => line.clone(),
            false => format!("{old}\n"),
        });
        std::fs::write(&path, edited.collect::<String>()).unwrap();
    }

    /// A clone that signs its pushes and pins the trust root.
    fn join(&self, person: &str, digest: &str) {
        let clone = self.at(&format!("{person}.clone"));
        ok(clean("git").args(["clone", "-q"]).arg(self.at("server/site.git")).arg(&clone));
        let setup = ["setup", "--root-digest", digest, "--key"];
        ok(countersign().current_dir(&clone).args(setup).arg(self.at(person)));
    }

    /// The site as release 1, signed by both reviewers.
    fn release(&self, site: &Path) {
        ok(clean("cp").arg("-R").arg(site.join(".")).arg(self.at("frank.clone")));
        ok(&mut self.git("frank", &["add", "-A"]));
        ok(&mut self.git("frank", &["commit", "-q", "-m", "The site as it is"]));
        ok(&mut self.git("frank", &["push", "-q", "origin", "HEAD:refs/for/production"]));
        for person in ["alice", "bob"] {
            let clone = self.at(&format!("{person}.clone"));
            // What a reviewer signed is remembered there.
            let state = self.at(&format!("{person}.state"));
            let mut approve = countersign();
            ok(approve.current_dir(clone).env("XDG_STATE_HOME", state).args(["approve", "1", "--yes"]));
        }
    }

    /// An agent with a root of its own.
    fn enroll(&self, node: &str, digest: &str) {
        std::fs::create_dir_all(self.at("root/etc")).unwrap();
        // What the node says of its system comes from here.
        std::fs::copy("/etc/os-release", self.at("root/etc/os-release")).unwrap();
        let token = ok(countersign().args(["node", "token", node, "--server"]).arg(self.at("server")));
        let token = token.split_whitespace().next().unwrap_or_default();
        let mut enroll = countersign();
        enroll.args(["agent", "enroll", "--server", &self.url, "--root-digest", digest, "--name", node]);
        ok(enroll.args(["--token", token, "--state"]).arg(self.state()));
    }
}

/// Keys, a server and its trust root; returns the digest to pin.
fn found(dir: &Path) -> String {
    for person in ["frank", "alice", "bob"] {
        ok(clean("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", person, "-f"])
            .arg(dir.join(person)));
    }
    let steps: [&[&str]; 5] = [
        &["server", "init", "server"],
        &[
            "trust",
            "init",
            "--server",
            "server",
            "--out",
            "trust",
            "--threshold",
            "2",
            "--author",
            "frank=frank.pub",
            "--reviewer",
            "alice=alice.pub",
            "--reviewer",
            "bob=bob.pub",
        ],
        &["trust", "sign", "trust", "--key", "alice"],
        &["trust", "sign", "trust", "--key", "bob"],
        &["server", "trust", "server", "trust"],
    ];
    let said = steps.map(|args| ok(countersign().current_dir(dir).args(args))).concat();
    said.split_whitespace().rfind(|word| word.starts_with("sha256:")).unwrap().to_owned()
}

fn serve(dir: &Path) -> (Child, String) {
    let mut command = countersign();
    command.current_dir(dir).args(["serve", "server", "--listen", "127.0.0.1:0"]);
    let mut serve = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(serve.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("Listening on https://127.0.0.1:").unwrap();
    (serve, format!("https://localhost:{address}"))
}
