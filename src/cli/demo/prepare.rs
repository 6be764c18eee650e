//! The first act: keys, a server, a trust root, clones, the first release and three agents.

use super::stage::{Expect, Stage};
use super::world::{World, finish};
use crate::cli::Failure;
use crate::model::Digest;
use crate::signing::Timestamp;
use crate::signing::document::read_untrusted;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

/// The nodes whose agents really run; the example site has them in group `edge`, where nothing needs root.
pub(super) const NODES: [&str; 3] = ["edge1.example", "edge2.example", "edge3.example"];
/// Who has a key and a clone.
const PEOPLE: [&str; 3] = ["frank", "alice", "bob"];

/// The process of the timestamp role, apart from the server so that the attacker can take its place.
pub(super) const TIMESTAMPS: &str = "timestamps";

/// Everything that the later acts play with.
#[derive(Debug)]
pub(super) struct Fleet {
    pub(super) world: World,
    pub(super) url: String,
    pub(super) root: String,
}

impl Fleet {
    /// The clone of a person.
    pub(super) fn clone_of(&self, person: &str) -> PathBuf {
        self.world.path(&format!("clones/{person}"))
    }

    /// Runs `countersign` in a person's clone.
    pub(super) fn countersign(&self, person: &str, args: &[&str]) -> Result<Output, Failure> {
        finish(&mut self.world.countersign(&self.clone_of(person), args))
    }

    /// Runs git in a person's clone.
    pub(super) fn git(&self, person: &str, args: &[&str]) -> Result<Output, Failure> {
        finish(&mut self.world.git(&self.clone_of(person), args))
    }

    /// Commits everything in a person's clone and proposes it.
    pub(super) fn propose(&self, person: &str, message: &str) -> Result<Output, Failure> {
        must(self.git(person, &["add", "-A"])?)?;
        must(self.git(person, &["commit", "-q", "-m", message])?)?;
        self.git(person, &["push", "-q", "origin", "HEAD:refs/for/production"])
    }

    /// Brings a person's clone back to the newest release.
    pub(super) fn refresh(&self, person: &str) -> Result<(), Failure> {
        must(self.git(person, &["fetch", "-q", "origin"])?)?;
        must(self.git(person, &["reset", "-q", "--hard", "origin/production"])?).map(drop)
    }

    /// Writes a file in a person's clone.
    pub(super) fn write(&self, person: &str, path: &str, text: &str) -> Result<(), Failure> {
        let path = self.clone_of(person).join(path);
        let folder = path.parent().unwrap_or(&path);
        std::fs::create_dir_all(folder).map_err(|e| Failure::io("cannot make", folder, &e))?;
        std::fs::write(&path, text).map_err(|e| Failure::io("cannot write", &path, &e))
    }

    /// Changes what the edge nodes say to whoever logs in.
    pub(super) fn greet(&self, person: &str, notice: &str) -> Result<(), Failure> {
        let data = format!(
            "[motd]\nnotice = \"{notice}\"\n\n[kiosk]\ntitle = \"Welcome\"\n\
             slides = [\"opening-hours\", \"offers\", \"directions\"]\n"
        );
        self.write(person, "data/group/edge.toml", &data)
    }

    /// The file system of a node.
    pub(super) fn node_root(&self, node: &str) -> PathBuf {
        self.world.path(&format!("nodes/{node}/root"))
    }

    /// The directory of a node's agent.
    pub(super) fn node_state(&self, node: &str) -> PathBuf {
        self.world.path(&format!("nodes/{node}/state"))
    }

    /// Runs the agent of a node once, as `countersign agent run --test` would on it.
    pub(super) fn run_agent(&self, node: &str) -> Result<Output, Failure> {
        let (root, state) = (text(&self.node_root(node)), text(&self.node_state(node)));
        let args = ["agent", "run", "--test", "--root", &root, "--state", &state];
        finish(&mut self.world.countersign(&self.world.dir, &args))
    }

    /// Waits until the server's timestamp names release `seq`, as agents do without noticing.
    pub(super) fn await_timestamp(&self, seq: u64) -> Result<(), Failure> {
        let path = self.server().join("publish/timestamp/production.json");
        let named = || {
            let bytes = std::fs::read(&path).ok()?;
            read_untrusted::<Timestamp>(&bytes).ok().map(|timestamp| timestamp.seq)
        };
        for _ in 0..3000 {
            if named().is_some_and(|newest| newest >= seq) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(Failure::refused(format!("the server's timestamp did not come to release {seq} in a minute")))
    }

    /// The server's directory.
    pub(super) fn server(&self) -> PathBuf {
        self.world.path("server")
    }
}

/// A path as an argument.
pub(super) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The output of a command that had to succeed for the demo to go on at all.
pub(super) fn must(output: Output) -> Result<Output, Failure> {
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(Failure::refused(format!("the demo cannot go on: {said}")))
}

/// Sets the scene.
pub(super) fn prepare(world: World, site: &Path, stage: &mut Stage<'_>) -> Result<Fleet, Failure> {
    stage.act("A server, two reviewers, an author, an operator")?;
    std::fs::create_dir_all(world.path("keys"))?;
    for person in PEOPLE.iter().chain(&["olga"]) {
        let key = text(&world.path(&format!("keys/{person}")));
        let mut keygen = world.program("ssh-keygen", &world.dir);
        must(finish(keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", person, "-f", &key]))?)?;
    }
    let root = trust(&world, stage)?;
    let mut fleet = Fleet { world, url: String::new(), root };
    fleet.url = serve(&mut fleet.world)?;
    for person in PEOPLE {
        join(&fleet, person, stage)?;
    }
    first_release(&fleet, site, stage)?;
    enroll(&fleet, stage)?;
    Ok(fleet)
}

/// Makes the server and its trust root, which both reviewers sign; returns the digest to pin.
fn trust(world: &World, stage: &mut Stage<'_>) -> Result<String, Failure> {
    let steps: [&[&str]; 5] = [
        &["server", "init", "server", "--name", "localhost"],
        &[
            "trust",
            "init",
            "--server",
            "server",
            "--out",
            "trust",
            "--reviewer",
            "alice=keys/alice.pub",
            "--reviewer",
            "bob=keys/bob.pub",
            "--threshold",
            "2",
            "--author",
            "frank=keys/frank.pub",
            "--operator",
            "olga=keys/olga.pub",
        ],
        &["trust", "sign", "trust", "--key", "keys/alice"],
        &["trust", "sign", "trust", "--key", "keys/bob"],
        &["server", "trust", "server", "trust"],
    ];
    for args in steps {
        let output = must(finish(&mut world.countersign(&world.dir, args))?)?;
        stage.command(&format!("countersign {}", args.join(" ")))?;
        drop(output);
    }
    let path = world.path("trust/1.json");
    let bytes = std::fs::read(&path).map_err(|e| Failure::io("cannot read", &path, &e))?;
    Ok(Digest::of(&bytes).to_string())
}

fn serve(world: &mut World) -> Result<String, Failure> {
    let args = ["serve", "server", "--listen", "127.0.0.1:0", "--no-timestamps"];
    let line = world.start("serve", world.countersign(&world.dir, &args), "Listening on https://")?;
    let role = world.countersign(&world.dir, &["timestamp", "serve", "server"]);
    world.start(TIMESTAMPS, role, "Signing timestamps")?;
    let port = line.rsplit(':').next().unwrap_or_default().trim().to_owned();
    Ok(format!("https://localhost:{port}"))
}

/// A clone that signs its pushes and pins the trust root.
fn join(fleet: &Fleet, person: &str, stage: &mut Stage<'_>) -> Result<(), Failure> {
    let (repository, clone) = (text(&fleet.server().join("site.git")), text(&fleet.clone_of(person)));
    must(finish(&mut fleet.world.git(&fleet.world.dir, &["clone", "-q", &repository, &clone]))?)?;
    let email = format!("{person}@example");
    must(fleet.git(person, &["config", "user.name", person])?)?;
    must(fleet.git(person, &["config", "user.email", &email])?)?;
    let key = text(&fleet.world.path(&format!("keys/{person}")));
    let output = must(fleet.countersign(person, &["setup", "--key", &key, "--root-digest", &fleet.root])?)?;
    if person == PEOPLE[0] {
        stage.show("countersign setup --key keys/frank --root-digest sha256:…", &output)?;
    }
    Ok(())
}

/// The example site as release 1.
fn first_release(fleet: &Fleet, site: &Path, stage: &mut Stage<'_>) -> Result<(), Failure> {
    stage.act("The first release: the example site")?;
    let mut copy = fleet.world.program("cp", &fleet.world.dir);
    must(finish(copy.arg("-R").arg(site.canonicalize()?.join(".")).arg(fleet.clone_of("frank")))?)?;
    let output = must(fleet.propose("frank", "The site as it is today")?)?;
    stage.show("git push origin HEAD:refs/for/production", &output)?;
    for reviewer in ["alice", "bob"] {
        let output = must(fleet.countersign(reviewer, &["approve", "1", "--yes"])?)?;
        stage.show_end(&format!("countersign approve 1     # {reviewer}"), &output, 6)?;
    }
    let output = fleet.countersign("alice", &["release", "verify", "1"])?;
    stage.show("countersign release verify 1", &output)?;
    stage.judge("a release with both signatures verifies", &output, Expect::Success("1"));
    Ok(())
}

/// Three agents with a file system of their own, joined by one-time tokens.
fn enroll(fleet: &Fleet, stage: &mut Stage<'_>) -> Result<(), Failure> {
    stage.act("Three agents join")?;
    for node in NODES {
        let (root, state) = (fleet.node_root(node), text(&fleet.node_state(node)));
        std::fs::create_dir_all(root.join("etc"))?;
        // What the node says of itself comes from here.
        std::fs::copy("/etc/os-release", root.join("etc/os-release"))?;
        let args = ["node", "token", node, "--server", "server"];
        let output = must(finish(&mut fleet.world.countersign(&fleet.world.dir, &args))?)?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let token = said.split_whitespace().next().unwrap_or_default().to_owned();
        let args = [
            "agent",
            "enroll",
            "--server",
            &fleet.url,
            "--root-digest",
            &fleet.root,
            "--name",
            node,
            "--token",
            &token,
            "--state",
            &state,
        ];
        let output = must(finish(&mut fleet.world.countersign(&fleet.world.dir, &args))?)?;
        stage.show(&format!("countersign agent enroll --server {} --name {node} …", fleet.url), &output)?;
    }
    Ok(())
}
