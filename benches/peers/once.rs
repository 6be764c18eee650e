//! One process: how long it took, how much of the processor, how much memory at most.
//!
//! The kernel tells the peak of memory for all children together, so each is run by a process of its own, which is this
//! program again.

use super::sites::Files;
use nix::sys::resource::{UsageWho, getrusage};
use sha2::{Digest, Sha256};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What one process cost, with all that it started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// From start to end.
    pub(crate) wall: Duration,
    /// Of the processor, in user and kernel mode.
    pub(crate) cpu: Duration,
    /// Memory at most, in KiB.
    pub(crate) peak: i64,
}

/// This program.
pub(crate) fn this() -> Command {
    Command::new(std::env::current_exe().unwrap())
}

/// Runs a command that must end with `code`.
pub(crate) fn once(command: &mut Command, code: i32) -> Cost {
    let mut wrapped = this();
    wrapped.arg("--measure").arg(code.to_string()).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => wrapped.env(name, value),
            None => wrapped.env_remove(name),
        };
    }
    let output = wrapped.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let figures: Vec<u64> = said.split_whitespace().map_while(|word| word.parse().ok()).collect();
    let &[wall, cpu, peak] = figures.as_slice() else {
        panic!("{command:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
    };
    Cost {
        wall: Duration::from_micros(wall),
        cpu: Duration::from_micros(cpu),
        peak: i64::try_from(peak).unwrap(),
    }
}

/// Whether these arguments are meant for [`child`].
pub(crate) fn is_child(arguments: &[String]) -> bool {
    arguments.first().is_some_and(|word| matches!(word.as_str(), "--measure" | "--write" | "--read"))
}

/// What this program does for itself.
pub(crate) fn child(arguments: &[String]) {
    match arguments {
        [mode, code, program, rest @ ..] if mode == "--measure" => measure(code, program, rest),
        [mode, folder, files, together] if mode == "--write" => {
            write(Path::new(folder), Files::parse(files).unwrap(), together.parse().unwrap());
        }
        [mode, folder] if mode == "--read" => read(Path::new(folder)),
        _ => panic!("{arguments:?}"),
    }
}

fn measure(code: &str, program: &str, rest: &[String]) {
    let begun = Instant::now();
    let output = Command::new(program).args(rest).stdin(Stdio::null()).output().unwrap();
    let wall = begun.elapsed();
    let ended = output.status.code().unwrap_or(-1).to_string();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        ended == code,
        "{program} ended with {ended} instead of {code}\n{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let micros = |time: nix::sys::time::TimeVal| time.tv_sec() * 1_000_000 + time.tv_usec();
    println!(
        "{} {} {}",
        wall.as_micros(),
        micros(usage.user_time()) + micros(usage.system_time()),
        usage.max_rss()
    );
}

/// As many files as the agent writes, so many at a time: each a temporary file, `fsync`, `rename`, and `fsync` of the
/// folder once for all of them.
fn write(folder: &Path, files: Files, together: usize) {
    for first in (0..files.count).step_by(together) {
        let numbers = first..files.count.min(first + together);
        let temporary = |number: usize| folder.join(format!(".new{number}"));
        let write = |number: usize| {
            let mut file = std::fs::File::create(temporary(number)).unwrap();
            file.write_all(files.content(number).as_bytes()).unwrap();
            file
        };
        for file in numbers.clone().map(write).collect::<Vec<_>>() {
            file.sync_all().unwrap();
        }
        for number in numbers {
            std::fs::rename(temporary(number), folder.join(format!("f{number}"))).unwrap();
        }
        std::fs::File::open(folder).unwrap().sync_all().unwrap();
    }
}

/// Opens, reads and hashes every file in a folder.
fn read(folder: &Path) {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        bytes.clear();
        std::fs::File::open(entry.unwrap().path()).unwrap().read_to_end(&mut bytes).unwrap();
        std::hint::black_box(Sha256::digest(&bytes));
    }
}
