//! How long the main job takes for those who wait for it: `cargo bench --bench main_job`.
//!
//! Whole processes are timed, as a user would see them, and each is set beside the same without Countersign. The
//! table says whether the bars are met: a push of a site of 26 nodes under 1 s, a run with nothing to do under 100 ms.
//! Nothing fails when one is not: a busy machine is no defect.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench that cannot go on has failed"
)]

mod fleet;
mod measure;
#[expect(dead_code, reason = "the tests need more of it")]
#[path = "../../tests/it/support/mod.rs"]
mod support;

use countersign::agent::disk::Disk;
use countersign::agent::fetch::{Https, Method, Request, Trust};
use countersign::agent::identity::Identity;
use countersign::agent::{clock, stored};
use countersign::signing::{Decision, Offer, State, decide};
use fleet::Fleet;
use measure::{Row, Times};
use std::hint::black_box;
use std::time::Duration;
use support::{clean, countersign, ok, repository};

/// The node whose agent runs: in the example site its group needs no root.
const NODE: &str = "edge1.example";
/// How often a push is timed.
const PUSHES: usize = 11;
/// How often a short process is.
const RUNS: usize = 31;
/// How often work within this process is.
const CALLS: usize = 201;

fn main() {
    let fleet = Fleet::new(&std::env::temp_dir(), &repository().join("examples/site"), NODE);
    fleet.first_run();
    let mut rows = Vec::new();
    pushes(&fleet, &mut rows);
    runs(&fleet, &mut rows);
    sites(&mut rows);
    measure::print(&rows);
}

/// Pushing an amended change of one line, against a repository that only stores it.
fn pushes(fleet: &Fleet, rows: &mut Vec<Row>) {
    let plain = fleet.at("plain.git");
    ok(clean("git").args(["init", "-q", "--bare"]).arg(&plain));
    ok(fleet.git("frank", &["remote", "add", "plain"]).arg(&plain));
    fleet.begin_change();
    let push = |args: &[&str]| fleet.git("frank", &[&["push", "-q"], args].concat());
    let bare = push(&["--no-signed", "--force", "plain", "HEAD:refs/heads/change"]);
    let gated = push(&["origin", "HEAD:refs/for/production"]);
    ok(&mut push(&["plain", "--no-signed", "HEAD:refs/heads/change"]));
    ok(&mut push(&["origin", "HEAD:refs/for/production"]));
    let amend = |round| fleet.amend(round);
    let (what, times) = ("git push, repository without hooks", Times::of_process(PUSHES, amend, bare));
    rows.push(Row { what, times, baseline: None, bar: None });
    let amend = |round| fleet.amend(PUSHES + round);
    let (what, times) = ("git push of a change of the 26-node site", Times::of_process(PUSHES, amend, gated));
    rows.push(Row { what, times, baseline: Some(rows.len() - 1), bar: Some(1000) });
}

/// An agent's run with nothing to do, against one request of its own client over a connection of its own.
fn runs(fleet: &Fleet, rows: &mut Vec<Row>) {
    let mut version = countersign();
    version.arg("--version");
    let (what, times) =
        ("countersign --version: starting the program", Times::of_process(RUNS, drop, version));
    rows.push(Row { what, times, baseline: None, bar: None });
    let disk = Disk::open(&fleet.state()).unwrap();
    let state = stored::load(&disk).unwrap().unwrap();
    let request = || healthz(fleet, &disk, &state);
    let (what, times) = ("GET /healthz over new mutual TLS, in process", Times::of(RUNS, drop, request));
    rows.push(Row { what, times, baseline: None, bar: None });
    let tls = rows.len() - 1;
    let (what, times) = ("agent run with nothing to do", Times::of_process(RUNS, drop, fleet.run()));
    rows.push(Row { what, times, baseline: Some(tls), bar: Some(100) });
    let offer = kept(&disk, &state);
    let now = clock::system();
    let verify = || match decide(&state, black_box(&offer), now).unwrap() {
        Decision::Unchanged(accepted) => drop(black_box(accepted)),
        other => panic!("not the release that was accepted: {other:?}"),
    };
    let (what, times) = ("of that, verifying: signatures, proof, catalog", Times::of(CALLS, drop, verify));
    rows.push(Row { what, times, baseline: Some(tls + 1), bar: None });
}

fn healthz(fleet: &Fleet, disk: &Disk, state: &State) {
    let trust = Trust::Authority(state.root().fields().tls.server_ca);
    let certificate = Identity::load(disk).unwrap().certificate(disk).unwrap();
    let client = Https::new(&fleet.url, trust, certificate).unwrap();
    let patience = Duration::from_secs(10);
    let request = Request { method: Method::Get(None), path: "/healthz", cap: 4096, patience };
    black_box(client.send(&request).unwrap());
}

/// What the server offers once more in such a run, from the agent's own disk.
fn kept(disk: &Disk, state: &State) -> Offer {
    let accepted = state.accepted().unwrap();
    let part = stored::catalog(disk, accepted.id).unwrap().unwrap();
    Offer {
        roots: Vec::new(),
        log_proof: Vec::new(),
        release_log_proof: Vec::new(),
        timestamp: stored::timestamp(disk, state).unwrap().unwrap(),
        withdrawals: None,
        release: stored::release(disk, accepted.id).unwrap().unwrap(),
        ratification: Vec::new(),
        chain: Vec::new(),
        leaf: Some(part.leaf),
        catalog: part.catalog,
    }
}

/// What an author waits for before pushing.
fn sites(rows: &mut Vec<Row>) {
    let site = repository().join("examples/site");
    let start = rows.iter().position(|row| row.what.starts_with("countersign --version"));
    let commands = [("compile", "countersign compile of 26 nodes"), ("lint", "countersign lint of 26 nodes")];
    for (command, what) in commands {
        let mut whole = countersign();
        whole.arg(command).arg(&site);
        let times = Times::of_process(RUNS, drop, whole);
        rows.push(Row { what, times, baseline: start, bar: None });
    }
}
