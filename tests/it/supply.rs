//! What we depend on (D49): how many crates an agent believes when it verifies, how many it runs, and where all come from.

use crate::support::{files_below, repository};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Crates behind `src/signing` and `src/model`, at most. The number only falls: a new one needs a reason.
const VERIFYING: usize = 51;
/// Crates behind all that runs as root on a node, at most. The last is `nix`: who wrote to a watched file is asked of the kernel
/// by a call that no other crate has in safe code.
const AGENT: usize = 115;
/// The platform that is counted: others have crates of their own for the same things.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// The crates of the build as cargo resolved them.
struct Crates {
    names: BTreeMap<String, String>,
    /// What each links into a program; no build scripts, no macros, no tests.
    links: BTreeMap<String, Vec<String>>,
    root: String,
}

impl Crates {
    fn load() -> Self {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(["metadata", "--locked", "--format-version", "1", "--filter-platform", PLATFORM]);
        let output = command.current_dir(repository()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let list = |value: &Value| value.as_array().unwrap().clone();
        let is_macro = |package: &Value| {
            list(&package["targets"])
                .iter()
                .any(|target| list(&target["kind"]).contains(&"proc-macro".into()))
        };
        let packages = list(&metadata["packages"]);
        let names: BTreeMap<String, String> =
            packages.iter().filter(|p| !is_macro(p)).map(|p| (text(&p["id"]), text(&p["name"]))).collect();
        let linked = |dependency: &Value| {
            let normal = list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
            Some(text(&dependency["pkg"])).filter(|id| normal && names.contains_key(id))
        };
        let nodes = list(&metadata["resolve"]["nodes"]);
        let links = nodes
            .iter()
            .map(|node| (text(&node["id"]), list(&node["deps"]).iter().filter_map(linked).collect()))
            .collect();
        Self { links, root: text(&metadata["resolve"]["root"]), names }
    }

    /// Everything behind the crates that the files in these folders name.
    fn behind(&self, folders: &[&str]) -> BTreeSet<&str> {
        let named = named(folders);
        let ours = self.links[&self.root].iter();
        let mut todo: Vec<&String> =
            ours.filter(|id| named.contains(&self.names[*id].replace('-', "_"))).collect();
        assert!(!todo.is_empty());
        let mut found = BTreeSet::new();
        while let Some(id) = todo.pop() {
            if found.insert(id) {
                todo.extend(&self.links[id]);
            }
        }
        found.into_iter().map(|id| self.names[id].as_str()).collect()
    }
}

/// The words before `::` in the files of these folders, tests left out.
fn named(folders: &[&str]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in folders.iter().flat_map(|folder| files_below(&repository().join(folder), &["rs"])) {
        let name = file.to_str().unwrap();
        let tests = ["tests.rs", "testing", "vectors.rs", "differential.rs", "/model/properties", "crash.rs"];
        if tests.iter().any(|part| name.contains(part)) || name.contains("signing/model/") {
            continue;
        }
        let source = std::fs::read_to_string(&file).unwrap();
        let source = source.split("\n#[cfg(test)]\nmod tests").next().unwrap();
        for line in source.lines().map(|line| line.split("//").next().unwrap()) {
            for (at, _) in line.match_indices("::") {
                let word = line[..at].rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next();
                found.extend(word.map(str::to_owned));
            }
        }
    }
    found
}

#[test]
fn d49_what_a_node_believes_and_runs_does_not_grow_unseen() {
    let crates = Crates::load();
    let verifying = crates.behind(&["src/signing", "src/model"]);
    assert!(verifying.len() <= VERIFYING, "{} crates verify: {verifying:?}", verifying.len());
    let agent = crates.behind(&[
        "src/signing",
        "src/model",
        "src/sealing",
        "src/shell",
        "src/policy/guard",
        "src/agent",
    ]);
    assert!(agent.len() <= AGENT, "{} crates run on a node: {agent:?}", agent.len());
    assert!(verifying.is_subset(&agent) && verifying.contains("ed25519-dalek") && agent.contains("rustls"));
    for server in ["sqlx-core", "libgit2-sys", "axum", "minijinja", "clap"] {
        assert!(!agent.contains(server), "`{server}` runs on nodes");
    }
}

#[test]
fn d49_every_crate_is_pinned_by_its_digest_and_comes_from_one_place() {
    let lock: toml::Table =
        std::fs::read_to_string(repository().join("Cargo.lock")).unwrap().parse().unwrap();
    let packages = lock["package"].as_array().unwrap();
    assert!(packages.len() > 100);
    for package in packages.iter().filter(|package| package["name"].as_str() != Some("countersign")) {
        let source = package.get("source").and_then(|source| source.as_str());
        assert_eq!(
            source,
            Some("registry+https://github.com/rust-lang/crates.io-index"),
            "{}",
            package["name"]
        );
        assert_eq!(package["checksum"].as_str().map(str::len), Some(64), "{}", package["name"]);
    }
    let rules = std::fs::read_to_string(repository().join("deny.toml")).unwrap();
    assert!(rules.contains("unknown-registry = \"deny\"") && rules.contains("unknown-git = \"deny\""));
    let checks = std::fs::read_to_string(repository().join("scripts/test")).unwrap();
    let cargo = checks.lines().filter(|line| line.contains("cargo clippy") || line.contains("cargo test"));
    assert!(cargo.clone().count() >= 2 && cargo.clone().all(|line| line.contains("--locked")), "{checks}");
}
