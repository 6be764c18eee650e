//! The same work for Countersign, `puppet apply`, `cf-agent` and a bare loop, one after the other: `scripts/peers`.
//!
//! Files with content (`1000` of 1 KiB; `1000:2` of two phrases, 32 bytes, each), first applied and then with nothing to
//! do, and a mixed catalog with nothing to do. Prints wall time,
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
use std::time::Duration;

/// The node whose agent runs.
const NODE: &str = "bench.example";
/// How often a run with nothing to do is measured; the median counts.
const ROUNDS: usize = 9;
/// Whoever has needed this long is not measured again.
const ENOUGH: Duration = Duration::from_secs(20);
const PUPPET_APPLY: [&str; 2] = ["apply", "--detailed-exitcodes"];
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
    let mut rows =
        vec![Row::of("countersign agent run", once(&mut fleet.run(), 2), || once(&mut fleet.run(), 0))];
    for (name, together) in [("a bare loop, file by file", "1"), ("a bare loop, 64 files at a time", "64")] {
        let folder = below(name);
        let mut write = once::this();
        write.arg("--write").arg(&folder).args([&files.to_string(), together]);
        rows.push(Row::of(name, once(&mut write, 0), move || {
            once(once::this().arg("--read").arg(&folder), 0)
        }));
    }
    let beside = files.count <= BESIDE_PEERS;
    if beside && installed("puppet") {
        let manifest = scratch.path().join("site.pp");
        std::fs::write(&manifest, sites::puppet(&below("puppet"), files)).unwrap();
        let apply = move |code| once(Command::new("puppet").args(PUPPET_APPLY).arg(&manifest), code);
        rows.push(Row::of("puppet apply", apply(2), move || apply(0)));
    }
    if beside && installed("cf-agent") {
        let policy = scratch.path().join("site.cf");
        sites::private(&policy, &sites::cfengine(&below("cfengine"), files));
        let agent = move || once(Command::new("cf-agent").args(["--no-lock", "--file"]).arg(&policy), 0);
        rows.push(Row::of("cf-agent", agent(), agent));
    }
    for row in &rows {
        print(&format!("{files} files{label}, first apply: {}", row.name), row.first, rows[0].first);
    }
    let idle = in_turn(&rows);
    for (row, cost) in rows.iter().zip(&idle) {
        print(&format!("{files} files{label}, nothing to do: {}", row.name), *cost, idle[0]);
    }
    drop(rows);
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
    let mut rows = vec![Row::of("countersign agent run", once(&mut run(), 2), || once(&mut run(), 0))];
    if installed("puppet") {
        let manifest = scratch.path().join("mixed.pp");
        std::fs::write(&manifest, sites::puppet_mixed()).unwrap();
        let apply = move |code| once(Command::new("puppet").args(PUPPET_APPLY).arg(&manifest), code);
        rows.push(Row::of("puppet apply", apply(2), move || apply(0)));
    }
    let idle = in_turn(&rows);
    for (row, cost) in rows.iter().zip(&idle) {
        print(&format!("mixed catalog, nothing to do: {}", row.name), *cost, idle[0]);
    }
}

/// One program that does the work.
struct Row<'a> {
    name: &'static str,
    /// What the first apply cost.
    first: Cost,
    /// Does it with nothing to do.
    again: Box<dyn Fn() -> Cost + 'a>,
}

impl<'a> Row<'a> {
    fn of(name: &'static str, first: Cost, again: impl Fn() -> Cost + 'a) -> Self {
        Self { name, first, again: Box::new(again) }
    }
}

/// Each in its turn, round by round, so that what slows the machine down for a while slows all of them down. The median of
/// each; whoever needs long is asked less often.
fn in_turn(rows: &[Row<'_>]) -> Vec<Cost> {
    let mut costs: Vec<Vec<Cost>> = rows.iter().map(|_| Vec::new()).collect();
    for _ in 0..ROUNDS {
        for (row, costs) in rows.iter().zip(&mut costs) {
            if costs.iter().map(|cost| cost.wall).sum::<Duration>() < ENOUGH {
                costs.push((row.again)());
            }
        }
    }
    let median = |mut costs: Vec<Cost>| {
        costs.sort_by_key(|cost| cost.cpu);
        costs[costs.len() / 2]
    };
    costs.into_iter().map(median).collect()
}

/// Waits until the server's timestamp names the release, without applying it.
fn wait_for_release(fleet: &Fleet) {
    let path = fleet.at("server/publish/timestamp/production.json");
    for _ in 0..600 {
        if std::fs::read_to_string(&path).is_ok_and(|text| text.contains("\"seq\":1")) {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("the server did not sign a timestamp: {}", path.display());
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
