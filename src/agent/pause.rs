//! An operator's word that the clock asks for no runs for a while. It is on the disk, so that a restart of the daemon does
//! not end it; what ends it is its time, or a push.

use super::disk::{Disk, DiskError, Lasting};
use crate::model::{Principal, Stamp};
use serde::{Deserialize, Serialize};

const NAME: &str = "pause.json";
const CAP: u64 = 4 << 10;

/// A pause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// The operator.
    pub owner: Principal,
    /// When it ends by itself.
    pub until: Stamp,
}

/// Begins a pause, in place of any earlier one.
///
/// # Errors
/// When it could not be written down.
pub fn begin(disk: &Disk, pause: &Pause) -> Result<(), DiskError> {
    disk.write(NAME, &serde_json::to_vec(pause).unwrap_or_default())
}

/// Ends the pause, if there is one.
///
/// # Errors
/// When the agent's directory cannot be used.
pub fn end(disk: &Disk) -> Result<(), DiskError> {
    if disk.has(NAME) { disk.remove(NAME, Lasting::Now) } else { Ok(()) }
}

/// The pause that is in force at `now`. A file that cannot be understood pauses nothing: the agent's work is to run.
#[must_use]
pub fn current(disk: &Disk, now: Stamp) -> Option<Pause> {
    let bytes = disk.read(NAME, CAP).ok()??;
    let pause: Pause = serde_json::from_slice(&bytes).ok()?;
    Some(pause).filter(|pause| now < pause.until)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_outlives_the_daemon_and_ends_with_its_time_or_a_push() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("agent");
        let (early, late) = (Stamp::from_unix(100), Stamp::from_unix(200));
        let pause = Pause { owner: "olga".parse().unwrap(), until: late };
        begin(&Disk::create(&path).unwrap(), &pause).unwrap();
        let disk = Disk::open(&path).unwrap();
        assert_eq!(current(&disk, early), Some(pause));
        assert_eq!(current(&disk, late), None);
        end(&disk).unwrap();
        assert_eq!(current(&disk, early), None);
        end(&disk).unwrap();
    }
}
