//! A push that makes a release, killed with everything that works for it: git on both sides, and the hook.

use super::{Moments, rounds};
use crate::gate::{MOTD, Stage};
use crate::support::transcript;
use rustix::process::{Pid, Signal, kill_process_group};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The serials of the server's releases, and whether each is published.
fn releases(stage: &Stage) -> Vec<(u64, bool)> {
    let refs = stage.server_git(&["for-each-ref", "--format=%(refname)", "refs/releases/production/"]);
    let serial = |line: &str| line.rsplit('/').next().unwrap().parse::<u64>().unwrap();
    let published = |seq| {
        let statement = format!("server/publish/release/production/{seq}/statement.json");
        (seq, stage.path(&statement).exists())
    };
    let mut all: Vec<(u64, bool)> = refs.lines().map(serial).map(published).collect();
    all.sort_unstable();
    all
}

#[test]
fn d20_d28_a_hook_that_was_killed_leaves_no_half_release() {
    let stage = Stage::new().released();
    let (mut moments, mut hit, mut half) = (Moments(20), 0, 0);
    let mut whole = Duration::from_secs(1);
    for round in 2..2 + rounds(3, 10) as u64 {
        let module = MOTD.replace("hello", &format!("round {round}"));
        stage.clone_of("frank").propose(&[("modules/motd/module.toml", module.as_str())], "Change");
        let number = round.to_string();
        stage.clone_of("alice").ok(&["approve", &number, "--yes"]);
        let approve = || stage.clone_of("bob").countersign(&["approve", &number, "--yes"]);
        hit += usize::from(killed(&mut approve(), moments.within(whole)));
        let left = releases(&stage);
        assert!(left.len() as u64 == round || left.len() as u64 == round - 1, "round {round}: {left:?}");
        half += left.iter().filter(|(_, published)| !published).count();
        let begun = Instant::now();
        let again = approve().output().unwrap();
        whole = begun.elapsed().max(Duration::from_millis(100));
        let said = transcript(&again);
        assert!(again.status.success() || said.contains("is already release"), "round {round}\n{said}");
        // Any push repairs what is half done before it does anything else.
        stage.clone_of("carol").ok(&["review", "comment", &number, "-m", "well done"]);
        let expected: Vec<(u64, bool)> = (1..=round).map(|seq| (seq, true)).collect();
        assert_eq!(releases(&stage), expected, "round {round}\n{said}");
        stage.server_git(&["fsck", "--strict", "--no-progress"]);
    }
    println!("{hit} pushes were hit, {half} of them between a release and its publication");
}

/// Runs a command, and kills it with all that it started: git, receive-pack and the hook are in its group. Whether it was
/// hit before its end.
fn killed(command: &mut Command, after: Duration) -> bool {
    let quiet = command.process_group(0).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = quiet.spawn().unwrap();
    std::thread::sleep(after);
    let group = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    // It is waited for only now, so the number is still its own; that all of it is over already is no error.
    let sent = kill_process_group(group, Signal::KILL);
    assert!(sent.is_ok() || sent == Err(rustix::io::Errno::SRCH), "{sent:?}");
    child.wait().unwrap().code().is_none()
}
