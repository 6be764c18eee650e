//! The switch with which the administrator of a node says "not now", and why.

use super::disk::{Disk, DiskError, Lasting};
use crate::model::Stamp;
use crate::model::report::SwitchedOff;
use serde::{Deserialize, Serialize};

const NAME: &str = "disabled.json";
const CAP: u64 = 4 << 10;

/// The agent is disabled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    /// Why, as the administrator said.
    #[serde(rename = "disabled_message")]
    pub reason: String,
    /// Who said so.
    #[serde(default)]
    pub owner: String,
    /// When it was said.
    pub since: Stamp,
    /// When the agent runs again by itself; `None` is never.
    pub until: Option<Stamp>,
}

/// What to say in place of a missing reason, as Puppet does.
pub const NO_REASON: &str = "reason not specified";

/// Disables the agent. One who is disabled already stays so, for the first reason; that one is returned.
///
/// # Errors
/// When the agent's directory cannot be used.
pub fn disable(disk: &Disk, wish: Disabled) -> Result<Disabled, DiskError> {
    if let Some(earlier) = current(disk, wish.since)? {
        return Ok(earlier);
    }
    let mut bytes = serde_json::to_vec(&wish).unwrap_or_default();
    bytes.push(b'\n');
    disk.write(NAME, &bytes)?;
    Ok(wish)
}

/// Enables the agent again; `false` when it was not disabled.
///
/// # Errors
/// When the agent's directory cannot be used.
pub fn enable(disk: &Disk) -> Result<bool, DiskError> {
    let was = disk.has(NAME);
    disk.remove(NAME, Lasting::Now)?;
    Ok(was)
}

/// Whether the agent is disabled at `now`. A file that cannot be understood disables it too.
///
/// # Errors
/// When the agent's directory cannot be used.
pub fn current(disk: &Disk, now: Stamp) -> Result<Option<Disabled>, DiskError> {
    let Some(bytes) = disk.read(NAME, CAP)? else { return Ok(None) };
    let disabled = serde_json::from_slice(&bytes).unwrap_or_else(|_| Disabled {
        reason: String::from_utf8_lossy(&bytes).trim().escape_default().to_string(),
        owner: String::new(),
        since: now,
        until: None,
    });
    Ok(Some(disabled).filter(|d| d.until.is_none_or(|until| now < until)))
}

impl Disabled {
    /// The same as reports say it.
    #[must_use]
    pub fn switch(&self) -> SwitchedOff {
        let Self { reason, owner, since, until } = self.clone();
        SwitchedOff { reason, owner, since, until }
    }
}

impl std::fmt::Display for Disabled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Skipping run of the agent; administratively disabled")?;
        if !self.owner.is_empty() {
            write!(f, " by {}", self.owner.escape_default())?;
        }
        write!(f, " (Reason: '{}')", self.reason)?;
        if let Some(until) = self.until {
            write!(f, " until {until}")?;
        }
        write!(f, ";\nUse 'countersign agent enable' to re-enable.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(reason: &str, until: Option<i64>) -> Disabled {
        let (since, until) = (Stamp::from_unix(100), until.map(Stamp::from_unix));
        Disabled { reason: reason.into(), owner: "dora".into(), since, until }
    }

    fn disk() -> (tempfile::TempDir, Disk) {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::create(&dir.path().join("agent")).unwrap();
        (dir, disk)
    }

    #[test]
    fn the_first_reason_stays() {
        let (_dir, disk) = disk();
        disable(&disk, wish("disk swap", None)).unwrap();
        assert_eq!(disable(&disk, wish("other", None)).unwrap().reason, "disk swap");
        assert!(enable(&disk).unwrap());
        assert_eq!(current(&disk, Stamp::from_unix(100)).unwrap(), None);
        assert!(!enable(&disk).unwrap());
    }

    #[test]
    fn it_ends_by_itself_when_it_was_for_a_time() {
        let (_dir, disk) = disk();
        disable(&disk, wish("disk swap", Some(200))).unwrap();
        assert!(current(&disk, Stamp::from_unix(199)).unwrap().is_some());
        assert_eq!(current(&disk, Stamp::from_unix(200)).unwrap(), None);
        let later = Disabled { since: Stamp::from_unix(300), ..wish("again", None) };
        assert_eq!(disable(&disk, later).unwrap().reason, "again");
    }

    #[test]
    fn who_is_refused_reads_who_disabled_it_why_and_until_when() {
        let said = wish("disk swap", Some(200)).to_string();
        assert!(said.contains("by dora (Reason: 'disk swap') until 1970-01-01T00:03:20Z"), "{said}");
        // What an earlier version wrote has no owner.
        let (_dir, disk) = disk();
        disk.write(NAME, br#"{"disabled_message":"x","since":"2026-01-01T00:00:00Z","until":null}"#).unwrap();
        let earlier = current(&disk, Stamp::from_unix(1)).unwrap().unwrap();
        assert_eq!((earlier.reason.as_str(), earlier.owner.as_str()), ("x", ""));
    }

    #[test]
    fn a_file_that_makes_no_sense_disables() {
        let (_dir, disk) = disk();
        disk.write(NAME, b"hands off\n").unwrap();
        assert_eq!(current(&disk, Stamp::from_unix(1)).unwrap().map(|d| d.reason), Some("hands off".into()));
    }
}
