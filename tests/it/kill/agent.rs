//! `agent run`, killed while it takes a new release and applies it.

use super::{Moments, rounds};
use crate::support::{countersign, transcript};
use crate::tuf::repo::Repo;
use countersign::agent::clock::system as now;
use countersign::agent::disk::Disk;
use countersign::agent::stored;
use countersign::model::Digest;
use countersign::signing::merkle::Leaf;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A node whose only source is a publication in a directory.
struct Home {
    scratch: tempfile::TempDir,
    disk: Disk,
}

impl Home {
    fn new(repo: &Repo) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let disk = Disk::create(&scratch.path().join("state")).unwrap();
        repo.enroll(&disk);
        std::fs::create_dir(scratch.path().join("root")).unwrap();
        let publication = scratch.path().join("publication");
        disk.write("servers", format!("{}\n", publication.display()).as_bytes()).unwrap();
        Self { scratch, disk }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// Puts everything that the repository publishes where the node looks.
    fn publish(&self, repo: &Repo) {
        repo.write_to(&self.at("publication"));
    }

    fn run(&self) -> Command {
        let mut command = countersign();
        command.args(["agent", "run", "--verbose", "--state"]).arg(self.at("state"));
        command.arg("--root").arg(self.at("root"));
        command
    }

    /// A run to its end; how long it took.
    fn whole_run(&self) -> Duration {
        let begun = Instant::now();
        let output = self.run().output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 2)), "{}", transcript(&output));
        begun.elapsed()
    }

    /// A run that is killed after a while; whether it was hit before its end.
    fn killed_run(&self, after: Duration) -> bool {
        let mut child = self.run().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(after);
        child.kill().unwrap();
        child.wait().unwrap().code().is_none()
    }

    fn motd(&self) -> String {
        std::fs::read_to_string(self.at("root/motd")).unwrap_or_default()
    }

    /// Accepted and applied, out of a state whose checksum and trust root are right.
    fn seqs(&self) -> (u64, u64) {
        let state = stored::load(&self.disk).unwrap().unwrap();
        let applied = state.applied().map_or(0, |applied| applied.seq);
        (state.accepted().map_or(0, |accepted| accepted.seq), applied)
    }

    /// Every file under its own name has all of its bytes.
    fn check_files(&self) {
        let mut todo = vec![self.at("state")];
        while let Some(dir) = todo.pop() {
            for entry in std::fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    todo.push(path);
                } else if path.extension().is_none_or(|end| end != "tmp") {
                    check_file(&path);
                }
            }
        }
    }
}

fn check_file(path: &Path) {
    let bytes = std::fs::read(path).unwrap();
    let (name, folder) = (path.file_name().unwrap().to_str().unwrap(), path.parent().unwrap());
    let stem = name.strip_suffix(".json").unwrap_or(name);
    if folder.ends_with("leaf") {
        assert!(Leaf::decode(&bytes).is_ok(), "{} is torn", path.display());
    } else if stem.len() == 64 {
        assert_eq!(Digest::of(&bytes).hex(), stem, "{} is torn", path.display());
    }
    if name.ends_with(".json") {
        assert!(serde_json::from_slice::<serde_json::Value>(&bytes).is_ok(), "{} is torn", path.display());
    }
}

#[test]
fn d28_an_agent_that_was_killed_goes_on_and_nothing_went_back() {
    let mut repo = Repo::new();
    repo.now = now();
    repo.publish("0");
    let home = Home::new(&repo);
    home.publish(&repo);
    let mut whole = home.whole_run();
    let (mut moments, mut hit, mut between) = (Moments(28), 0, 0);
    for round in 1..=rounds(20, 1) {
        repo.now = now();
        let (before, content) = (repo.release.as_ref().unwrap().seq, round.to_string());
        repo.publish(&content);
        home.publish(&repo);
        hit += usize::from(home.killed_run(moments.within(whole)));
        home.check_files();
        let (accepted, applied) = home.seqs();
        assert!(accepted == before || accepted == before + 1, "round {round}: {accepted} after {before}");
        assert!(
            applied >= before && applied <= accepted,
            "round {round}: {applied} of {accepted} is applied"
        );
        between += usize::from(applied < accepted);
        let motd = home.motd();
        assert!(motd == content || motd == (round - 1).to_string(), "round {round}: `{motd}`");
        whole = home.whole_run();
        assert_eq!((home.seqs(), home.motd()), ((before + 1, before + 1), content), "round {round}");
    }
    println!("{hit} runs were hit, {between} of them between accepting and applying");
    assert!(hit > 0, "every run was over before its signal came");
}
