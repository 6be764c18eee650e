//! The same work for Countersign, `puppet apply`, `cf-agent` and a bare loop, one after the other: `scripts/peers`.
//!
//! Files with content (`1000` of 1 KiB; `1000:2` of two phrases, 32 bytes, each), first applied and then with nothing to do, and a mixed catalog with nothing to do. Prints wall time,
//! processor time and peak memory of each, and how many times Countersign's they are. What is measured of
//! Countersign is the whole `agent run`: fetching over TLS, verifying, applying, a signed report. The peers read their
//! own code from a local file. A peer that is not installed is left out, loudly.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench that cannot go on has failed"
)]

#[expect(dead_code, reason = "`main_job` needs more of it")]
#[path = "../main_job/fleet.rs"]
mod fleet;
mod idle;
mod once;
mod sites;
#[expect(dead_code, reason = "the tests need more of it")]
#[path = "../../tests/it/support/mod.rs"]
mod support;

use fleet::Fleet;
use once::{Cost, once};
use sites::Files;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// The node whose agent runs.
const NODE: &str = "bench.example";
/// How often an idle run is measured; the median counts.
const IDLE_RUNS: usize = 5;
/// More files than these are Countersign's and the bare loop's alone: what the peers need for them grows as theirs does for
/// fewer, and is a quarter of an hour.
const BESIDE_PEERS: usize = 10_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if once::is_child(&arguments) {
        return once::child(&arguments);
    }
    let sizes: Vec<Files> = arguments.iter().filter_map(|word| Files::parse(word)).collect();
    let sizes = if sizes.is_empty() { [10, 100, 1_000, 10_000].map(Files::of).to_vec() } else { sizes };
    for peer in ["puppet", "cf-agent"] {
        if !installed(peer) {
            println!(
                "{peer} IS NOT INSTALLED and is left out: scripts/peers unpacks it where nothing else sees it"
            );
        }
    }
    println!("{:<58} {:>9} {:>9} {:>9}  wall and processor time", "what", "wall ms", "cpu ms", "peak MiB");
    for size in sizes {
        files(&std::env::temp_dir(), "", size);
    }
    let Some(memory) = std::env::var_os("COUNTERSIGN_PEERS_MEMORY") else {
        println!(
            "the mixed catalog changes accounts and crontabs: only scripts/peers runs it, in a file system of its own"
        );
        return;
    };
    files(Path::new(&memory), " in memory", Files::of(1_000));
    mixed();
}

/// Files with content, in a directory in `place`.
fn files(place: &Path, label: &str, files: Files) {
    let scratch = tempfile::tempdir_in(place).unwrap();
    let site = scratch.path().join("site");
    sites::files(&site, files);
    let fleet = Fleet::new(place, &site, NODE);
    wait_for_release(&fleet);
    let below = |name: &str| {
        let path = scratch.path().join(name);
        std::fs::create_dir_all(&path).unwrap();
        path
    };
    let first = once(&mut fleet.run(), 2);
    let idle = median(&mut || once(&mut fleet.run(), 0));
    let ours = [first, idle];
    let mut rows = vec![("countersign agent run", ours)];
    for (name, together) in [("a bare loop, file by file", "1"), ("a bare loop, 64 files at a time", "64")] {
        let folder = below(name);
        let mut write = once::this();
        write.arg("--write").arg(&folder).args([&files.to_string(), together]);
        let write = once(&mut write, 0);
        rows.push((name, [write, median(&mut || once(once::this().arg("--read").arg(&folder), 0))]));
    }
    let beside = files.count <= BESIDE_PEERS;
    if beside && installed("puppet") {
        let manifest = scratch.path().join("site.pp");
        std::fs::write(&manifest, sites::puppet(&below("puppet"), files)).unwrap();
        let mut apply = Command::new("puppet");
        apply.args(["apply", "--detailed-exitcodes"]).arg(&manifest);
        let first = once(&mut apply, 2);
        rows.push(("puppet apply", [first, once(&mut apply, 0)]));
    }
    if beside && installed("cf-agent") {
        let policy = scratch.path().join("site.cf");
        sites::private(&policy, &sites::cfengine(&below("cfengine"), files));
        let mut agent = Command::new("cf-agent");
        agent.args(["--no-lock", "--file"]).arg(&policy);
        let first = once(&mut agent, 0);
        rows.push(("cf-agent", [first, median(&mut || once(&mut agent, 0))]));
    }
    for (phase, what) in ["first apply", "nothing to do"].into_iter().enumerate() {
        for (name, costs) in &rows {
            print(&format!("{files} files{label}, {what}: {name}"), costs[phase], ours[phase]);
        }
    }
    idle::daemon(&fleet, files);
}

/// Files, packages, guarded commands, accounts, crontabs and a service, with nothing to do.
fn mixed() {
    let scratch = tempfile::tempdir().unwrap();
    let site = scratch.path().join("site");
    sites::mixed(&site);
    let fleet = Fleet::new(scratch.path(), &site, NODE);
    wait_for_release(&fleet);
    std::fs::write(sites::INIT.0, sites::INIT.1).unwrap();
    std::fs::set_permissions(sites::INIT.0, std::fs::Permissions::from_mode(0o755)).unwrap();
    // Here the agent manages the whole of this file system, as the peers do.
    let run = || {
        let mut command = support::countersign();
        command.args(["agent", "run", "--state"]).arg(fleet.state());
        command
    };
    once(&mut run(), 2);
    let ours = median(&mut || once(&mut run(), 0));
    print("mixed catalog, nothing to do: countersign", ours, ours);
    if installed("puppet") {
        let manifest = scratch.path().join("mixed.pp");
        std::fs::write(&manifest, sites::puppet_mixed()).unwrap();
        let mut apply = Command::new("puppet");
        apply.args(["apply", "--detailed-exitcodes"]).arg(&manifest);
        once(&mut apply, 2);
        print("mixed catalog, nothing to do: puppet apply", once(&mut apply, 0), ours);
    }
}

/// Waits until the server's timestamp names the release, without applying it.
fn wait_for_release(fleet: &Fleet) {
    let path = fleet.at("server/publish/timestamp/production.json");
    for _ in 0..600 {
        if std::fs::read_to_string(&path).is_ok_and(|text| text.contains("\"seq\":1")) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("the server did not sign a timestamp: {}", path.display());
}

fn median(work: &mut dyn FnMut() -> Cost) -> Cost {
    let mut costs: Vec<Cost> = (0..IDLE_RUNS).map(|_| work()).collect();
    costs.sort_by_key(|cost| cost.cpu);
    costs[IDLE_RUNS / 2]
}

fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder: std::path::PathBuf| Path::new(&folder).join(program).exists())
}

fn print(what: &str, cost: Cost, ours: Cost) {
    let wall = cost.wall.as_secs_f64() / ours.wall.as_secs_f64();
    let cpu = cost.cpu.as_secs_f64() / ours.cpu.as_secs_f64();
    println!(
        "{what:<58} {:>9.1} {:>9.1} {:>9.1}  {wall:.2} and {cpu:.2} x ours",
        cost.wall.as_secs_f64() * 1e3,
        cost.cpu.as_secs_f64() * 1e3,
        cost.peak as f64 / 1024.0
    );
}
