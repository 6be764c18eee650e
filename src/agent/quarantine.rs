//! A release that failed its health checks here is not applied here again. What ends that is another release.

use super::disk::{Disk, DiskError};
use crate::model::report::Refused;
use crate::model::{Digest, Stamp};
use serde::{Deserialize, Serialize};

const NAME: &str = "quarantine.json";
const CAP: u64 = 64 << 10;

/// A release in quarantine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quarantine {
    /// The digest of its statement.
    pub release: Digest,
    /// Its number.
    pub seq: u64,
    /// When it failed.
    pub since: Stamp,
    /// Which check failed, and how.
    pub why: String,
}

impl Quarantine {
    /// As a report says it.
    #[must_use]
    pub fn refused(&self) -> Refused {
        Refused { code: "QUARANTINED".into(), message: self.to_string() }
    }
}

impl std::fmt::Display for Quarantine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { seq, since, why, .. } = self;
        write!(
            f,
            "release {seq} failed here at {since} ({why}); it is only looked at until there is a newer one"
        )
    }
}

/// Puts a release into quarantine, in place of an earlier one.
///
/// # Errors
/// When it could not be written down.
pub fn put(disk: &Disk, quarantine: &Quarantine) -> Result<(), DiskError> {
    disk.write(NAME, &serde_json::to_vec(quarantine).unwrap_or_default())
}

/// Whether this release is in quarantine. A file that cannot be understood holds every release: it was there for a reason.
///
/// # Errors
/// When the agent's directory cannot be used.
pub fn current(
    disk: &Disk,
    (seq, release): (u64, Digest),
    now: Stamp,
) -> Result<Option<Quarantine>, DiskError> {
    let Some(bytes) = disk.read(NAME, CAP)? else { return Ok(None) };
    let damaged = |_| Quarantine { release, seq, since: now, why: "quarantine.json is damaged".into() };
    let quarantine: Quarantine = serde_json::from_slice(&bytes).unwrap_or_else(damaged);
    Ok(Some(quarantine).filter(|quarantine| quarantine.release == release))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_stays_in_quarantine_and_others_are_free() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::create(&dir.path().join("agent")).unwrap();
        let (bad, next) = (Digest::of(b"bad"), Digest::of(b"next"));
        let now = Stamp::from_unix(7);
        let quarantine = Quarantine { release: bad, seq: 7, since: now, why: "check `web`".into() };
        assert_eq!(current(&disk, (7, bad), now).unwrap(), None);
        put(&disk, &quarantine).unwrap();
        assert_eq!(current(&disk, (7, bad), now).unwrap(), Some(quarantine));
        assert_eq!(current(&disk, (8, next), now).unwrap(), None);
        disk.write(NAME, b"{").unwrap();
        assert!(current(&disk, (8, next), now).unwrap().is_some());
    }
}
