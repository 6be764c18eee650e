//! A release that failed its health checks here is not applied here again. What ends that is another release, or the
//! word of whoever administers the node.

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
    /// Who wants it to be tried once more all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifted: Option<Lifted>,
}

/// The word that a release is tried once more. A health check that fails again ends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lifted {
    /// Who said so.
    pub owner: String,
    /// When.
    pub since: Stamp,
    /// Why.
    pub reason: String,
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
            "release {seq} failed here at {since} ({why}); it is only looked at until there is a newer one, or until \
             `countersign agent quarantine --lift --reason TEXT` says otherwise"
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

/// What is known of this release: that it failed here, and whether it is tried once more. A file that cannot be
/// understood holds every release: it was there for a reason.
///
/// # Errors
/// When the agent's directory cannot be used.
pub fn current(
    disk: &Disk,
    (seq, release): (u64, Digest),
    now: Stamp,
) -> Result<Option<Quarantine>, DiskError> {
    let Some(bytes) = disk.read(NAME, CAP)? else { return Ok(None) };
    let why = "quarantine.json is damaged".to_owned();
    let damaged = |_| Quarantine { release, seq, since: now, why, lifted: None };
    let quarantine: Quarantine = serde_json::from_slice(&bytes).unwrap_or_else(damaged);
    Ok(Some(quarantine).filter(|quarantine| quarantine.release == release))
}

/// Lets this release be tried once more; `None` when it is not in quarantine. Who said so first stays.
///
/// # Errors
/// When it could not be written down.
pub fn lift(
    disk: &Disk,
    release: (u64, Digest),
    word: Lifted,
) -> Result<Option<(Quarantine, Lifted)>, DiskError> {
    let Some(mut held) = current(disk, release, word.since)? else { return Ok(None) };
    if let Some(lifted) = held.lifted.clone() {
        return Ok(Some((held, lifted)));
    }
    held.lifted = Some(word.clone());
    put(disk, &held)?;
    Ok(Some((held, word)))
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
        let quarantine =
            Quarantine { release: bad, seq: 7, since: now, why: "check `web`".into(), lifted: None };
        assert_eq!(current(&disk, (7, bad), now).unwrap(), None);
        put(&disk, &quarantine).unwrap();
        assert_eq!(current(&disk, (7, bad), now).unwrap(), Some(quarantine));
        assert_eq!(current(&disk, (8, next), now).unwrap(), None);
        disk.write(NAME, b"{").unwrap();
        assert!(current(&disk, (8, next), now).unwrap().is_some());
    }

    #[test]
    fn a_release_is_tried_once_more_by_the_first_word_until_it_fails_again() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::create(&dir.path().join("agent")).unwrap();
        let (bad, now) = ((7, Digest::of(b"bad")), Stamp::from_unix(7));
        let word = |owner: &str| Lifted { owner: owner.into(), since: now, reason: "disk was full".into() };
        assert_eq!(lift(&disk, bad, word("dora")).unwrap(), None);
        let failed =
            Quarantine { release: bad.1, seq: 7, since: now, why: "check `web`".into(), lifted: None };
        put(&disk, &failed).unwrap();
        lift(&disk, bad, word("dora")).unwrap();
        assert_eq!(lift(&disk, bad, word("eve")).unwrap().unwrap().1.owner, "dora");
        assert_eq!(lift(&disk, (8, Digest::of(b"next")), word("eve")).unwrap(), None);
        assert_eq!(current(&disk, bad, now).unwrap().unwrap().lifted, Some(word("dora")));
        put(&disk, &failed).unwrap();
        assert_eq!(current(&disk, bad, now).unwrap(), Some(failed));
    }
}
