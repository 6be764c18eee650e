//! The demo's world: one temporary directory with keys, clones, a server and agents, all of them real processes.

use crate::cli::Failure;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// How long a process of the demo may take to come up.
const PATIENCE: Duration = Duration::from_secs(30);

/// The demo's directory and the processes that live in it.
#[derive(Debug)]
pub(super) struct World {
    /// The directory that holds everything.
    pub(super) dir: PathBuf,
    exe: PathBuf,
    children: Vec<(String, Child)>,
}

impl World {
    pub(super) fn new(dir: PathBuf) -> Result<Self, Failure> {
        std::fs::create_dir_all(dir.join("home")).map_err(|e| Failure::io("cannot make", &dir, &e))?;
        let exe = std::env::current_exe()?;
        Ok(Self { dir, exe, children: Vec::new() })
    }

    /// A path inside the world.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// A program with the world's environment: nothing of the user's own configuration, keys or agents.
    pub(super) fn program(&self, program: impl AsRef<OsStr>, cwd: &Path) -> Command {
        let mut command = Command::new(program);
        let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/sbin:/usr/bin:/sbin:/bin".into());
        command.env_clear().current_dir(cwd).stdin(Stdio::null());
        command
            .env("PATH", path)
            .env("HOME", self.path("home"))
            .env("LC_ALL", "C.UTF-8")
            .env("NO_COLOR", "1");
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0");
        command
    }

    /// This program, with arguments.
    pub(super) fn countersign(&self, cwd: &Path, args: &[&str]) -> Command {
        let mut command = self.program(&self.exe, cwd);
        command.args(args);
        command
    }

    /// Stock git, with arguments.
    pub(super) fn git(&self, cwd: &Path, args: &[&str]) -> Command {
        let mut command = self.program("git", cwd);
        command.args(args);
        command
    }

    /// Starts a process that lives until the demo ends, and waits until its log has a line that contains `ready`.
    pub(super) fn start(&mut self, name: &str, mut command: Command, ready: &str) -> Result<String, Failure> {
        let log = self.path(&format!("{name}.log"));
        let file = std::fs::File::create(&log).map_err(|e| Failure::io("cannot make", &log, &e))?;
        let mut child = command.stdout(file.try_clone()?).stderr(file).spawn()?;
        let deadline = Instant::now() + PATIENCE;
        let line = loop {
            let said = std::fs::read_to_string(&log).map_err(|e| Failure::io("cannot read", &log, &e))?;
            if let Some(line) = said.lines().find(|line| line.contains(ready)) {
                break Ok(line.to_owned());
            }
            if child.try_wait()?.is_some() || Instant::now() > deadline {
                break Err(Failure::refused(format!("`{name}` of the demo did not come up:\n{said}")));
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        self.children.push((name.to_owned(), child));
        line
    }

    /// Ends a process that was started under this name.
    pub(super) fn stop(&mut self, name: &str) -> Result<(), Failure> {
        let of_that_name = |(_, (started, _)): &(usize, &(String, Child))| started == name;
        let Some((at, _)) = self.children.iter().enumerate().find(of_that_name) else { return Ok(()) };
        let (_, mut child) = self.children.swap_remove(at);
        child.kill()?;
        child.wait()?;
        Ok(())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for (_, child) in &mut self.children {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// Runs a command to its end.
pub(super) fn finish(command: &mut Command) -> Result<Output, Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.output().map_err(|cause| {
        Failure::refused(format!("cannot run `{program}`: {cause}"))
            .hint(format!("install `{program}` and try again"))
    })
}
