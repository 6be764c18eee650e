//! One run at a time: a kernel lock on a file in the agent's directory.
//!
//! The kernel lets go of it when the process ends, however it ends, so a stale lock cannot be. The file holds the
//! process id as text for people and for monitoring; nothing is decided by it.

use super::disk::Disk;
use rustix::fs::{FlockOperation, flock};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::time::{Duration, Instant};

const NAME: &str = "run.lock";
const POLL: Duration = Duration::from_millis(20);
const GLANCE: Duration = Duration::from_millis(60);

/// The right to run, until it is dropped.
#[derive(Debug)]
pub struct RunLock {
    file: File,
}

/// Why there is no right to run now.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process runs.
    #[error("run of the agent already in progress{}; skipping", holder(.0.as_deref()))]
    Held(Option<String>),
    /// The lock file could not be used.
    #[error("cannot lock `{}`", path.display())]
    Io {
        /// The file.
        path: std::path::PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
}

fn holder(pid: Option<&str>) -> String {
    pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
}

impl RunLock {
    /// Takes the lock, waiting for it at most `patience`.
    ///
    /// # Errors
    /// When another process still holds it then.
    pub fn take(disk: &Disk, patience: Duration) -> Result<Self, LockError> {
        let path = disk.path(NAME);
        let io = |cause: io::Error| LockError::Io { path: path.clone(), cause };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(io)?;
        // Somebody who only asks whether a run is in progress holds the lock for an instant.
        let until = Instant::now() + patience.max(GLANCE);
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break,
                Err(rustix::io::Errno::WOULDBLOCK) if Instant::now() < until => std::thread::sleep(POLL),
                Err(rustix::io::Errno::WOULDBLOCK) => return Err(LockError::Held(running(disk))),
                Err(errno) => return Err(io(errno.into())),
            }
        }
        file.set_len(0).and_then(|()| write!(file, "{}", std::process::id())).map_err(io)?;
        Ok(Self { file })
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // The text is for people: that it could not be cleared changes nothing, the kernel's lock is gone.
        drop(self.file.set_len(0));
    }
}

/// The process id of the run in progress, if there is one.
#[must_use]
pub fn running(disk: &Disk) -> Option<String> {
    let bytes = disk.read(NAME, 32).ok().flatten()?;
    let text = String::from_utf8(bytes).ok()?;
    let pid = text.trim();
    (!pid.is_empty() && held(disk)).then(|| pid.to_owned())
}

fn held(disk: &Disk) -> bool {
    let Ok(file) = File::open(disk.path(NAME)) else { return false };
    flock(&file, FlockOperation::NonBlockingLockShared) == Err(rustix::io::Errno::WOULDBLOCK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_run_is_told_who_runs_and_gets_the_lock_afterwards() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::create(&dir.path().join("agent")).unwrap();
        let first = RunLock::take(&disk, Duration::ZERO).unwrap();
        let pid = std::process::id().to_string();
        assert_eq!(running(&disk).as_deref(), Some(pid.as_str()));
        let second = RunLock::take(&disk, Duration::ZERO).unwrap_err();
        assert!(matches!(&second, LockError::Held(Some(held)) if *held == pid), "{second:?}");
        drop(first);
        assert_eq!(running(&disk), None);
        drop(RunLock::take(&disk, Duration::ZERO).unwrap());
    }
}
