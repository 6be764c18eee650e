//! The daemon while it has nothing to do: its memory, and how often it wakes up.

use super::fleet::Fleet;
use super::sites::Files;
use super::support;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long it is watched.
const WATCHED: Duration = Duration::from_secs(10);

/// Starts the daemon of an agent that has nothing to do, and looks at it before its first run and after one.
pub(crate) fn daemon(fleet: &Fleet, files: Files) {
    let mut command = support::countersign();
    command.args(["agent", "daemon", "--interval", "1d", "--state"]).arg(fleet.state());
    command.arg("--root").arg(fleet.at("root")).stdout(Stdio::null()).stderr(Stdio::null());
    let mut daemon = command.spawn().unwrap();
    std::thread::sleep(Duration::from_secs(2));
    look(&daemon, &format!("{files} files, idle daemon before its first run"));
    // It may still be on its way when it is looked at for the first time, and is over before the second.
    signal(&daemon, "USR1");
    std::thread::sleep(Duration::from_secs(5));
    look(&daemon, &format!("{files} files, idle daemon after a run"));
    signal(&daemon, "TERM");
    daemon.wait().unwrap();
}

fn signal(daemon: &Child, name: &str) {
    support::ok(Command::new("kill").args([format!("-{name}"), daemon.id().to_string()]));
}

fn look(daemon: &Child, what: &str) {
    let process = format!("/proc/{}", daemon.id());
    let process = Path::new(&process);
    let before = woken(process);
    std::thread::sleep(WATCHED);
    let often = (woken(process) - before) as f64 / WATCHED.as_secs_f64();
    let mib = |name| field(process, name) as f64 / 1024.0;
    println!(
        "{what}: {:.1} MiB, of which {:.1} are its own and the rest is its program; woken {often:.1} times a second",
        mib("VmRSS"),
        mib("RssAnon")
    );
}

/// How often its threads have waited for something.
fn woken(process: &Path) -> u64 {
    let tasks = std::fs::read_dir(process.join("task")).unwrap();
    tasks.map(|task| field(&task.unwrap().path(), "voluntary_ctxt_switches")).sum()
}

fn field(process: &Path, name: &str) -> u64 {
    let status = std::fs::read_to_string(process.join("status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}
