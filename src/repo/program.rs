//! Running the stock git program: never with a shell, never with replaced objects.

use super::{Repo, RepoError};
use std::ffi::OsStr;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// A git command on one repository.
pub(super) struct Git {
    command: Command,
    name: String,
}

impl Git {
    /// `git --git-dir=<dir> <subcommand>`.
    pub(super) fn at(dir: &Path, subcommand: &str) -> Self {
        let mut git = Self::new(subcommand, |command| {
            command.arg("--git-dir").arg(dir);
        });
        // Hooks inherit these; the path above is meant instead.
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
            git.command.env_remove(name);
        }
        git
    }

    /// `git -C <dir> <subcommand>`.
    pub(super) fn inside(dir: &Path, subcommand: &str) -> Self {
        Self::new(subcommand, |command| {
            command.arg("-C").arg(dir);
        })
    }

    fn new(subcommand: &str, place: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new("git");
        place(&mut command);
        command.arg(subcommand).env("GIT_NO_REPLACE_OBJECTS", "1").env("LC_ALL", "C");
        Self { command, name: subcommand.to_owned() }
    }

    pub(super) fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command.args(args);
        self
    }

    /// Runs it and returns what it printed.
    pub(super) fn output(mut self) -> Result<Vec<u8>, RepoError> {
        let output = self.command.stdin(Stdio::null()).output().map_err(RepoError::Start)?;
        if output.status.success() { Ok(output.stdout) } else { Err(self.failure(&output.stderr)) }
    }

    /// Runs it with `input` on its standard input.
    pub(super) fn feed(mut self, input: &[u8]) -> Result<(), RepoError> {
        self.command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = self.command.spawn().map_err(RepoError::Start)?;
        if let Some(mut pipe) = child.stdin.take() {
            // A git that stops reading early says why on standard error.
            drop(pipe.write_all(input));
        }
        let output = child.wait_with_output().map_err(RepoError::Start)?;
        if output.status.success() { Ok(()) } else { Err(self.failure(&output.stderr)) }
    }

    /// Runs it with our standard error as its own, so that people see progress and the server's answer.
    pub(super) fn shown(mut self) -> Result<(), RepoError> {
        let status =
            self.command.stdin(Stdio::inherit()).stdout(Stdio::null()).stderr(Stdio::inherit()).status();
        if status.map_err(RepoError::Start)?.success() { Ok(()) } else { Err(self.failure(b"see above")) }
    }

    fn failure(&self, said: &[u8]) -> RepoError {
        let said = String::from_utf8_lossy(said);
        let printable = |c: char| if c == '\n' || c == ' ' || c.is_ascii_graphic() { c } else { '?' };
        let said = said.trim().chars().map(printable).take(2000).collect();
        RepoError::Git { command: self.name.clone(), said }
    }
}

impl Repo {
    /// A value of git's configuration, as git resolves it; `None` when unset.
    ///
    /// # Errors
    /// When git cannot be run.
    pub fn config(&self, key: &str) -> Result<Option<String>, RepoError> {
        match Git::at(self.path(), "config").args(["--get", key]).output() {
            Ok(value) => Ok(Some(String::from_utf8_lossy(&value).trim_end_matches('\n').to_owned())),
            Err(RepoError::Git { said, .. }) if said.is_empty() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sets a value in this repository's own configuration.
    ///
    /// # Errors
    /// When git cannot write it.
    pub fn set_config(&self, key: &str, value: &str) -> Result<(), RepoError> {
        Git::at(self.path(), "config").args(["--local", "--replace-all", key, value]).output().map(drop)
    }

    /// Adds a value to a key that may have several, unless it is there already.
    ///
    /// # Errors
    /// When git cannot write it.
    pub fn add_config(&self, key: &str, value: &str) -> Result<(), RepoError> {
        let present = match Git::at(self.path(), "config").args(["--local", "--get-all", key]).output() {
            Ok(values) => String::from_utf8_lossy(&values).lines().any(|line| line == value),
            Err(RepoError::Git { said, .. }) if said.is_empty() => false,
            Err(error) => return Err(error),
        };
        if present {
            return Ok(());
        }
        Git::at(self.path(), "config").args(["--local", "--add", key, value]).output().map(drop)
    }
}
