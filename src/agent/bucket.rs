//! Files as they were before the agent changed them, by the digest of their content: for root only, in the agent's own
//! directory. What is in it is told by an append-only list, whose last line may be torn by a crash.

use super::disk::{Disk, DiskError, Lasting};
use super::host::Stat;
use crate::model::{Digest, Stamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;

const FOLDER: &str = "bucket";
/// Contents that only a run that may be taken back needs, until it is over.
const ASIDE: &str = "aside";
const LIST: &str = "bucket.jsonl";
const LIST_CAP: u64 = 256 << 20;
/// Bytes of a file that is kept, at most.
pub const MAX_FILE: u64 = 256 << 20;

/// A file as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// When it was kept.
    pub at: Stamp,
    /// Where it was.
    pub path: String,
    /// Its content.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
    /// The twelve permission bits.
    pub mode: u32,
    /// Number of its owner.
    pub uid: u32,
    /// Number of its group.
    pub gid: u32,
}

/// Why nothing could be kept, or nothing that was kept could be had.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    /// The agent's directory could not be used.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The list could not be written.
    #[error("cannot write the list of the file bucket")]
    List(#[source] io::Error),
    /// The content is not there, or is not what it was.
    #[error("the file bucket has no whole content {0}")]
    Missing(Digest),
}

/// The bucket, as a run uses it.
#[derive(Debug)]
pub struct Bucket {
    disk: Disk,
    now: Stamp,
}

impl Bucket {
    /// The bucket in the agent's directory.
    #[must_use]
    pub fn new(disk: &Disk, now: Stamp) -> Self {
        Self { disk: disk.clone(), now }
    }

    /// Keeps a file, durably.
    ///
    /// # Errors
    /// When that fails; then the file must not be changed.
    pub fn keep(&self, path: &str, content: &[u8], stat: &Stat) -> Result<Digest, BucketError> {
        let (digest, size) = (Digest::of(content), content.len() as u64);
        let name = name(&digest);
        if !self.disk.has(&name) {
            self.disk.write(&name, content)?;
        }
        let Stat { mode, uid, gid, .. } = *stat;
        let kept = Kept { at: self.now, path: path.to_owned(), digest, size, mode, uid, gid };
        let mut line = serde_json::to_vec(&kept).unwrap_or_default();
        line.push(b'\n');
        self.append(&line).map_err(BucketError::List)?;
        Ok(digest)
    }

    /// Sets content aside until the run is over and nothing has to be put back any more.
    ///
    /// # Errors
    /// When that fails; then the file must not be changed.
    pub fn set_aside(&self, content: &[u8]) -> Result<Digest, BucketError> {
        let digest = Digest::of(content);
        let name = format!("{ASIDE}/{}", digest.hex());
        if !self.disk.has(&name) {
            self.disk.write(&name, content)?;
        }
        Ok(digest)
    }

    /// Content that was set aside.
    ///
    /// # Errors
    /// When it is not there, or is not what it was.
    pub fn aside(&self, digest: &Digest) -> Result<Vec<u8>, BucketError> {
        whole(&self.disk, &format!("{ASIDE}/{}", digest.hex()), digest)
    }

    /// Lets go of everything that was set aside.
    ///
    /// # Errors
    /// When that fails.
    pub fn clear_aside(&self) -> Result<(), DiskError> {
        for name in self.disk.list(ASIDE)? {
            self.disk.remove(&format!("{ASIDE}/{name}"), Lasting::Soon)?;
        }
        Ok(())
    }

    fn append(&self, line: &[u8]) -> io::Result<()> {
        let path = self.disk.path(LIST);
        let fresh = !path.exists();
        let mut options = OpenOptions::new();
        let mut file = options.append(true).create(true).mode(0o600).open(&path)?;
        // What a crash may have left of the line before ends here.
        file.write_all(&[b"\n", line].concat())?;
        file.sync_data()?;
        match path.parent().filter(|_| fresh) {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }
}

fn name(digest: &Digest) -> String {
    format!("{FOLDER}/{}", digest.hex())
}

/// What was kept, oldest first.
///
/// # Errors
/// When the list cannot be read.
pub fn list(disk: &Disk) -> Result<Vec<Kept>, DiskError> {
    let bytes = disk.read(LIST, LIST_CAP)?.unwrap_or_default();
    let lines = bytes.split(|byte| *byte == b'\n');
    Ok(lines.filter_map(|line| serde_json::from_slice(line).ok()).collect())
}

/// What [`prune`] let go of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pruned {
    /// Lines of the list.
    pub files: usize,
    /// Bytes of contents that nothing is listed with any more.
    pub bytes: u64,
}

/// Lets go of what was kept before `before`, but for the newest of each path where `newest_stay`. Nothing may be kept
/// meanwhile: the caller holds the agent's lock.
///
/// # Errors
/// When that fails. What is still listed is there then, and another time lets go of the rest.
pub fn prune(disk: &Disk, before: Stamp, newest_stay: bool) -> Result<Pruned, DiskError> {
    let all = list(disk)?;
    let newest: BTreeMap<&str, usize> = all.iter().map(|kept| kept.path.as_str()).zip(0..).collect();
    let stays = |(place, kept): &(usize, &Kept)| {
        kept.at >= before || (newest_stay && newest.get(kept.path.as_str()) == Some(place))
    };
    let staying: Vec<&Kept> = all.iter().enumerate().filter(stays).map(|(_, kept)| kept).collect();
    let mut pruned = Pruned { files: all.len() - staying.len(), bytes: 0 };
    if pruned.files > 0 {
        let lines = staying.iter().map(|kept| serde_json::to_string(kept).unwrap_or_default() + "\n");
        disk.write(LIST, lines.collect::<String>().as_bytes())?;
    }
    let named: BTreeSet<String> = staying.iter().map(|kept| kept.digest.hex()).collect();
    // That a content is listed nowhere can be the trace of a crash, too.
    for orphan in disk.list(FOLDER)?.into_iter().filter(|content| !named.contains(content)) {
        let content = format!("{FOLDER}/{orphan}");
        pruned.bytes += std::fs::metadata(disk.path(&content)).map_or(0, |found| found.len());
        disk.remove(&content, Lasting::Now)?;
    }
    Ok(pruned)
}

/// The content with this digest.
///
/// # Errors
/// When it is not there, or is not what it was.
pub fn content(disk: &Disk, digest: &Digest) -> Result<Vec<u8>, BucketError> {
    whole(disk, &name(digest), digest)
}

fn whole(disk: &Disk, name: &str, digest: &Digest) -> Result<Vec<u8>, BucketError> {
    let bytes = disk.read(name, MAX_FILE)?.unwrap_or_default();
    if Digest::of(&bytes) == *digest { Ok(bytes) } else { Err(BucketError::Missing(*digest)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::host::Host;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn what_was_kept_is_listed_is_whole_and_is_for_root_only() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::create(&dir.path().join("agent")).unwrap();
        std::fs::write(dir.path().join("a"), "one").unwrap();
        let stat = Host::open(dir.path()).unwrap().stat("/a").unwrap().unwrap();
        let bucket = Bucket::new(&disk, Stamp::from_unix(7));
        let one = bucket.keep("/a", b"one", &stat).unwrap();
        // A crash in the middle of a line spoils that line and no other.
        let list_path = disk.path(LIST);
        let torn = [std::fs::read(&list_path).unwrap(), b"{\"at\":".to_vec()].concat();
        std::fs::write(&list_path, torn).unwrap();
        let two = bucket.keep("/a", b"two", &stat).unwrap();
        bucket.keep("/b", b"one", &stat).unwrap();
        let kept = list(&disk).unwrap();
        let told: Vec<_> = kept.iter().map(|kept| (kept.path.as_str(), kept.digest)).collect();
        assert_eq!(told, [("/a", one), ("/a", two), ("/b", one)]);
        assert_eq!(content(&disk, &two).unwrap(), b"two");
        for path in [disk.path(&name(&one)), list_path] {
            assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        std::fs::write(disk.path(&name(&one)), "oni").unwrap();
        assert!(matches!(content(&disk, &one), Err(BucketError::Missing(digest)) if digest == one));
    }

    #[test]
    fn what_is_old_goes_and_what_is_listed_stays_whole() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::create(&dir.path().join("agent")).unwrap();
        std::fs::write(dir.path().join("a"), "").unwrap();
        let stat = Host::open(dir.path()).unwrap().stat("/a").unwrap().unwrap();
        let keep = |at: i64, path: &str, content: &str| {
            let bucket = Bucket::new(&disk, Stamp::from_unix(at));
            bucket.keep(path, content.as_bytes(), &stat).unwrap()
        };
        let (one, two) = (keep(1, "/a", "one"), keep(2, "/a", "second"));
        keep(3, "/b", "one");
        keep(9, "/c", "new");
        let left =
            || list(&disk).unwrap().into_iter().map(|kept| (kept.path, kept.digest)).collect::<Vec<_>>();
        // The newest of /a and /b stay, and with that of /b a content that was also an old one of /a.
        assert_eq!(prune(&disk, Stamp::from_unix(5), true).unwrap(), Pruned { files: 1, bytes: 0 });
        assert_eq!(left()[..2], [("/a".to_owned(), two), ("/b".to_owned(), one)]);
        disk.write(&name(&Digest::of(b"cut off")), b"cut off").unwrap();
        let all = prune(&disk, Stamp::from_unix(5), false).unwrap();
        assert_eq!(all, Pruned { files: 2, bytes: ("second".len() + "one".len() + "cut off".len()) as u64 });
        assert_eq!(left(), [("/c".to_owned(), Digest::of(b"new"))]);
        assert_eq!(content(&disk, &Digest::of(b"new")).unwrap(), b"new");
        assert!(content(&disk, &one).is_err());
        assert_eq!(prune(&disk, Stamp::from_unix(5), false).unwrap(), Pruned::default());
    }
}
