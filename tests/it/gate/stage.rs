//! A server's repository, people with keys, and their clones: all real, all in one temporary directory.

use crate::support::{clean, countersign, ok, transcript};
use countersign::repo::Repo;
use std::path::PathBuf;
use std::process::{Command, Output};

/// Everybody with a key in the trust root; `mallory` has one too, outside it.
const PEOPLE: [&str; 5] = ["frank", "alice", "bob", "carol", "dan"];

/// The stage.
pub(crate) struct Stage {
    dir: tempfile::TempDir,
    pub(crate) digest: String,
}

impl Stage {
    /// A server with a trust root (alice, bob and carol review, two must sign; frank proposes) and no content.
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// The same with more arguments of `trust init`.
    pub(crate) fn with(more: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in PEOPLE.iter().chain(&["mallory"]) {
            let file = dir.path().join(name);
            ok(clean("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]).arg(file));
        }
        let run = |args: &[&str]| ok(countersign().args(args).current_dir(dir.path()));
        run(&["server", "init", "server"]);
        let mut args = vec!["trust", "init", "--server", "server", "--out", "trust", "--threshold", "2"];
        args.extend(["--reviewer", "alice=alice.pub", "--reviewer", "bob=bob.pub"]);
        args.extend(["--reviewer", "carol=carol.pub", "--author", "frank=frank.pub"]);
        args.extend(more);
        let said = run(&args);
        for name in ["alice", "bob"] {
            run(&["trust", "sign", "trust", "--key", name]);
        }
        run(&["server", "trust", "server", "trust"]);
        // The server's own key, for those who would use it as a person's.
        for (from, to) in [("key", "machine"), ("key.pub", "machine.pub")] {
            std::fs::copy(dir.path().join("server/timestamp").join(from), dir.path().join(to)).unwrap();
        }
        let digest = said.lines().find_map(|line| line.strip_prefix("digest ")).unwrap().trim().to_owned();
        Self { dir, digest }
    }

    /// A path inside the stage.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The server's repository.
    pub(crate) fn site(&self) -> PathBuf {
        self.path("server/site.git")
    }

    /// The server's repository, opened.
    pub(crate) fn repo(&self) -> Repo {
        Repo::open(&self.site()).unwrap()
    }

    /// Stock git on the server's repository.
    pub(crate) fn server_git(&self, args: &[&str]) -> String {
        ok(clean("git").arg("--git-dir").arg(self.site()).args(args))
    }

    /// All refs of the server and what they point to.
    pub(crate) fn refs(&self) -> String {
        self.server_git(&["for-each-ref", "--format=%(refname) %(objectname)"])
    }

    /// Somebody's clone, made and set up on first use.
    pub(crate) fn clone_of(&self, name: &str) -> Person<'_> {
        let person = Person { stage: self, name: name.to_owned(), dir: self.path(&format!("{name}.clone")) };
        if !person.dir.exists() {
            ok(clean("git").args(["clone", "-q"]).arg(self.site()).arg(&person.dir));
            let key = self.path(name);
            let digest = &self.digest;
            ok(person.run(countersign()).args(["setup", "--root-digest", digest, "--key"]).arg(key));
        }
        person
    }

    /// A first release: frank proposes `SITE`, alice and bob approve.
    pub(crate) fn released(self) -> Self {
        self.clone_of("frank").propose(SITE, "Begin");
        self.clone_of("alice").ok(&["approve", "1", "--yes"]);
        self.clone_of("bob").ok(&["approve", "1", "--yes"]);
        self
    }
}

/// A person at their clone.
pub(crate) struct Person<'a> {
    stage: &'a Stage,
    name: String,
    pub(crate) dir: PathBuf,
}

impl Person<'_> {
    fn run(&self, mut command: Command) -> Command {
        command.current_dir(&self.dir).env("GIT_AUTHOR_NAME", &self.name);
        command.env("XDG_STATE_HOME", self.stage.path("state"));
        command
    }

    /// A countersign command in this clone.
    pub(crate) fn countersign(&self, args: &[&str]) -> Command {
        let mut command = self.run(countersign());
        command.args(args);
        command
    }

    /// A git command in this clone.
    pub(crate) fn git(&self, args: &[&str]) -> Command {
        let mut command = self.run(clean("git"));
        command.args(args);
        command
    }

    /// Runs countersign; it must succeed. Returns both streams.
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        let output = self.countersign(args).output().unwrap();
        assert!(output.status.success(), "{args:?}\n{}", transcript(&output));
        both(&output)
    }

    /// Runs countersign; it must be refused. Returns both streams.
    pub(crate) fn refused(&self, args: &[&str]) -> String {
        let output = self.countersign(args).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}\n{}", transcript(&output));
        both(&output)
    }

    /// Writes files and commits everything.
    pub(crate) fn commit(&self, files: &[(&str, &str)], message: &str) {
        for (path, content) in files {
            let path = self.dir.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        ok(&mut self.git(&["add", "-A"]));
        ok(&mut self.git(&["commit", "-q", "--allow-empty", "-m", message]));
    }

    /// Pushes HEAD to `target` with further arguments.
    pub(crate) fn push(&self, target: &str, args: &[&str]) -> Output {
        self.git(&["push", "origin"]).args(args).arg(format!("HEAD:{target}")).output().unwrap()
    }

    /// Starts from the head of production, commits, pushes; it must be accepted. Returns what git said.
    pub(crate) fn propose(&self, files: &[(&str, &str)], message: &str) -> String {
        ok(&mut self.git(&["fetch", "-q", "origin"]));
        if self.git(&["rev-parse", "-q", "--verify", "origin/production"]).output().unwrap().status.success()
        {
            ok(&mut self.git(&["reset", "-q", "--hard", "origin/production"]));
        }
        self.commit(files, message);
        let output = self.push("refs/for/production", &[]);
        assert!(output.status.success(), "{}", transcript(&output));
        both(&output)
    }

    /// Pushes HEAD to `target`; it must be refused, and no ref of the server may move. Returns what git said.
    pub(crate) fn push_refused(&self, target: &str, args: &[&str]) -> String {
        let before = self.stage.refs();
        let output = self.push(target, args);
        assert!(!output.status.success(), "{}", transcript(&output));
        assert_eq!(self.stage.refs(), before, "a refused push moved a ref");
        both(&output)
    }
}

fn both(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A small site: two nodes, one module with one file.
pub(crate) const SITE: &[(&str, &str)] = &[
    ("countersign.toml", "name = \"test\"\n[groups.web]\ninclude = [\"motd\"]\n"),
    ("nodes/web1.example.toml", "groups = [\"web\"]\n"),
    ("nodes/web2.example.toml", "groups = [\"web\"]\n"),
    ("modules/motd/module.toml", MOTD),
];

/// The module of the small site.
pub(crate) const MOTD: &str =
    "description = \"message of the day\"\n\n[file.\"/etc/motd\"]\ncontent = \"hello\\n\"\nmode = \"0644\"\n";
