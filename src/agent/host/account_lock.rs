//! The lock of a node's account databases, as `lckpwdf(3)` takes it: useradd and its kin wait for it.

use super::walk::At;
use super::{Host, HostError};
use rustix::fs::{self, FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

const PATH: &str = "/etc/.pwd.lock";
/// How long others are waited for, as by `lckpwdf`.
const PATIENCE: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(20);

/// The right to change the account databases, until it is dropped.
#[derive(Debug)]
pub struct AccountLock {
    _file: OwnedFd,
}

impl Host {
    /// Waits for whoever changes the account databases now, and keeps others from it.
    ///
    /// # Errors
    /// When the lock cannot be had within 15 seconds.
    pub fn lock_accounts(&self) -> Result<AccountLock, HostError> {
        let at = self.parent(PATH)?;
        let file = open(&at)?;
        let end = Instant::now() + PATIENCE;
        loop {
            match fs::fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(AccountLock { _file: file }),
                Err(Errno::AGAIN | Errno::ACCESS) if Instant::now() < end => std::thread::sleep(POLL),
                Err(error) => return Err(at.io("lock", error)),
            }
        }
    }
}

fn open(at: &At<'_>) -> Result<OwnedFd, HostError> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    fs::openat(&at.dir, &at.name, flags, Mode::RUSR | Mode::WUSR).map_err(|error| at.io("lock", error))
}
