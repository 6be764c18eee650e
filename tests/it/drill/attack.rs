//! One attack: what is done, on which node, what the agent must answer; and trying it.

use super::evil::Evil;
use super::server::Server;
use super::world::{Node, World, copy, enroll, point, run, wait};
use crate::support::{clean, countersign as program, transcript};
use countersign::model::{Digest, Stamp};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Requests of one run, at most: nobody leads an agent on for ever.
const REQUESTS: usize = 40;

/// What the agent does when it is attacked.
#[derive(Debug, Clone)]
pub(super) enum Course {
    /// `agent run --test`.
    Run,
    /// The same, with little patience.
    HastyRun,
    /// The same on a node whose clock is two days behind what it has seen.
    RunInThePast,
    /// `agent daemon`, which hears triggers.
    Daemon,
    /// `agent enroll` under another name, with these arguments besides.
    Enroll(Vec<String>),
}

type Make = Box<dyn Fn(&World) -> Evil + Send + Sync>;

/// An attack.
pub(super) struct Attack {
    /// What the attacker does.
    pub(super) what: String,
    /// The rows of `docs/attacks.md` that it is about.
    pub(super) rows: &'static str,
    /// What the agent must say: the code of the refusal.
    pub(super) answer: &'static str,
    node: Node,
    course: Course,
    evil: Make,
}

impl Attack {
    /// An attack on a run of a node that has applied release 1, when release 3 is out.
    pub(super) fn new(
        what: impl Into<String>,
        rows: &'static str,
        answer: &'static str,
        evil: impl Fn(&World) -> Evil + Send + Sync + 'static,
    ) -> Self {
        let (node, course, evil) = (Node::One, Course::Run, Box::new(evil));
        Self { what: what.into(), rows, answer, node, course, evil }
    }

    pub(super) fn on(mut self, node: Node) -> Self {
        self.node = node;
        self
    }

    pub(super) fn during(mut self, course: Course) -> Self {
        self.course = course;
        self
    }

    /// The exit code that the agent must end with: a daemon goes on after a bad trigger, and ends well when asked to;
    /// news that may be held back has a code of its own.
    pub(super) fn exit(&self) -> i32 {
        let held_back = matches!(self.answer, "FREEZE" | "RELEASE_EXPIRED" | "ROOT_EXPIRED");
        match self.course {
            Course::Daemon => 0,
            Course::Run | Course::HastyRun if held_back => 16,
            Course::Run | Course::HastyRun | Course::RunInThePast | Course::Enroll(_) => 1,
        }
    }

    /// Plays the attack, and says what is not as it must be.
    pub(super) fn try_out(&self, world: &World, number: usize) -> Vec<String> {
        let home = world.place(number);
        if let Course::Enroll(more) = &self.course {
            std::fs::create_dir(&home).unwrap();
            return self.join(world, &home, more);
        }
        copy(&world.home(self.node), &home);
        if matches!(self.course, Course::RunInThePast) {
            shift_clock(&home, 2);
        }
        let before = Seen::of(&home);
        let server = Server::start((self.evil)(world), &world.certificates);
        point(&home, &server.url);
        let (code, said) = match self.course {
            Course::Daemon => self.daemon(&home),
            _ => ended(&mut self.command(&home)),
        };
        let mut wrong = self.judge(code, &said);
        if server.asked().len() > REQUESTS {
            wrong.push(format!("it asked {} times", server.asked().len()));
        }
        drop(server);
        wrong.extend(before.differences(&Seen::of(&home), world));
        if matches!(self.course, Course::RunInThePast) {
            shift_clock(&home, -2);
        }
        wrong.extend(self.goes_on(world, &home));
        wrong
    }

    fn command(&self, home: &Path) -> Command {
        let mut command = run(home);
        if matches!(self.course, Course::HastyRun) {
            command.args(["--fetch-timeout", "1s"]);
        }
        command
    }

    /// A line of the log begins with level and source; then comes the code, then the words.
    fn judge(&self, code: Option<i32>, said: &str) -> Vec<String> {
        let mut wrong = Vec::new();
        if code != Some(self.exit()) {
            wrong.push(format!("it ended with {code:?} and not with {}:\n{said}", self.exit()));
        }
        if !said.contains(&format!(": {}: ", self.answer)) {
            wrong.push(format!("it does not say {}:\n{said}", self.answer));
        }
        wrong
    }

    /// The honest server brings the node to release 3.
    fn goes_on(&self, world: &World, home: &Path) -> Vec<String> {
        point(home, &world.url);
        let (code, said) = ended(&mut run(home));
        let expected = if self.node == Node::Newest { 0 } else { 2 };
        let motd = std::fs::read_to_string(home.join("root/motd")).unwrap_or_default();
        if code == Some(expected) && motd == "three" {
            return Vec::new();
        }
        vec![format!("afterwards the honest server no longer works: {code:?}, `{motd}`\n{said}")]
    }

    /// The daemon hears what the attacker sends, says what it thinks of it, and is asked to end.
    fn daemon(&self, home: &Path) -> (Option<i32>, String) {
        let path = home.join("daemon.log");
        let log = std::fs::File::create(&path).unwrap();
        let mut command = program();
        command.args(["agent", "daemon", "--debug", "--interval", "30d", "--no-splay", "--state"]);
        command.arg(home.join("state")).arg("--root").arg(home.join("root"));
        command.stdout(log.try_clone().unwrap()).stderr(log).stdin(Stdio::null());
        let mut daemon = command.spawn().unwrap();
        let said = || std::fs::read_to_string(&path).unwrap();
        wait("the daemon's answer", || {
            said().contains("Trigger refused") || daemon.try_wait().unwrap().is_some()
        });
        drop(clean("kill").args(["-TERM", &daemon.id().to_string()]).status());
        let code = daemon.wait().unwrap().code();
        (code, said())
    }

    /// A machine that wants to join meets the attacker first and the honest server then.
    fn join(&self, world: &World, home: &Path, more: &[String]) -> Vec<String> {
        let server = Server::start((self.evil)(world), &world.certificates);
        let name = format!("new-{}.example", home.file_name().unwrap().to_str().unwrap());
        let mut args = vec!["--name", &name];
        args.extend(more.iter().map(String::as_str));
        let digest = world.digest.to_string();
        let (code, said) = ended(&mut enroll(home, &server.url, &digest, &args));
        let mut wrong = self.judge(code, &said);
        if home.join("state/tls.crt").exists() {
            wrong.push("it has a certificate of the attacker's".to_owned());
        }
        let token = world.token(&name);
        let (code, said) = ended(&mut world.enroll(home, &name, &token));
        if code != Some(0) {
            wrong.push(format!("afterwards it cannot join the honest server: {code:?}\n{said}"));
        }
        wrong
    }
}

fn ended(command: &mut Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    (output.status.code(), transcript(&output))
}

/// What must stay as it is: the node's files, what the agent keeps, and what it remembers.
struct Seen {
    root: Vec<(PathBuf, Vec<u8>)>,
    kept: Vec<(PathBuf, Vec<u8>)>,
    memory: Value,
}

impl Seen {
    fn of(home: &Path) -> Self {
        let below = |dir: PathBuf| -> Vec<(PathBuf, Vec<u8>)> {
            let files = if dir.exists() { all_files(&dir) } else { Vec::new() };
            files.into_iter().map(|path| (path.clone(), std::fs::read(&path).unwrap())).collect()
        };
        let kept = ["root", "timestamp", "release", "leaf", "catalog", "blob"];
        let kept = kept.iter().flat_map(|part| below(home.join("state").join(part))).collect();
        Self { root: below(home.join("root")), kept, memory: memory(home) }
    }

    /// Trust roots 2 and 3 are honest, so an agent may have walked to them. A list of withdrawals may be another: it is
    /// believed entry by entry, and nothing in it adds anything.
    fn differences(&self, after: &Self, world: &World) -> Vec<String> {
        let mut wrong = Vec::new();
        if self.root != after.root {
            wrong.push("files of the node changed".to_owned());
        }
        for (path, bytes) in &after.kept {
            if !is_honest_root(world, path, bytes) && !self.kept.contains(&(path.clone(), bytes.clone())) {
                wrong.push(format!("`{}` was kept", path.display()));
            }
        }
        if self.kept.iter().any(|kept| !after.kept.contains(kept)) {
            wrong.push("something that was kept is gone".to_owned());
        }
        for field in ["node", "environment", "repo", "timestamp", "accepted", "applied", "max_time"] {
            if self.memory[field] != after.memory[field] {
                wrong.push(format!("`{field}` of the state moved to {}", after.memory[field]));
            }
        }
        let root = after.memory["root"]["id"].as_str().unwrap_or_default();
        if !world.root_ids().iter().any(|id| id.to_string() == root) {
            wrong.push(format!("the trust root moved to {root}"));
        }
        wrong
    }
}

/// Whether a file that the agent keeps has what the honest server's file of that name has; lists of signatures are
/// written anew.
fn is_honest_root(world: &World, path: &Path, bytes: &[u8]) -> bool {
    let name = format!("root/{}", path.file_name().unwrap().to_str().unwrap());
    let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok();
    let honest = path.parent().unwrap().ends_with("state/root").then(|| world.files.get(&name)).flatten();
    honest
        .is_some_and(|honest| honest == bytes || (name.contains("signatures") && json(honest) == json(bytes)))
}

fn all_files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(all_files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn state(home: &Path) -> PathBuf {
    home.join("state/state.json")
}

fn memory(home: &Path) -> Value {
    let stored: Value = serde_json::from_slice(&std::fs::read(state(home)).unwrap()).unwrap();
    stored["state"].clone()
}

/// Sets the latest time that the agent has seen on by so many days: to it, its clock was set back by as much.
fn shift_clock(home: &Path, days: i64) {
    let text = std::fs::read_to_string(state(home)).unwrap();
    let seen = memory(home)["max_time"].as_str().unwrap().to_owned();
    let later = seen.parse::<Stamp>().unwrap().plus(days * 86_400);
    let (record, _) = text.strip_prefix("{\"state\":").unwrap().rsplit_once(",\"checksum\":").unwrap();
    let record = record.replace(&format!("\"max_time\":\"{seen}\""), &format!("\"max_time\":\"{later}\""));
    let checksum = Digest::of(format!("{record}\n").as_bytes());
    std::fs::write(state(home), format!("{{\"state\":{record},\"checksum\":\"{checksum}\"}}\n")).unwrap();
}
