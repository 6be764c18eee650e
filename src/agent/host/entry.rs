//! One name in an open directory: looking at it, taking it by descriptor, removing it.

use super::walk::{At, is_shared};
use super::{HostError, Owner};
use crate::agent::disk::Step;
use crate::agent::fault;
use crate::model::Digest;
use rustix::fs::{self, AtFlags, Gid, Mode, OFlags, Uid};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;

/// Bytes that are read at once, at most.
const READ: usize = 64 << 10;

/// What the node says of a file without opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// What it is.
    pub kind: EntryKind,
    /// Number of its owner.
    pub uid: u32,
    /// Number of its group.
    pub gid: u32,
    /// The twelve permission bits.
    pub mode: u32,
    /// Bytes.
    pub size: u64,
    /// How many names it has.
    pub links: u64,
    /// Number of the device that it is on.
    pub device: u64,
    /// Number on that device.
    pub inode: u64,
    /// When it was read last, in seconds since 1970.
    pub accessed: i64,
    /// When its content was changed last.
    pub modified: i64,
    /// When anything about it was changed last.
    pub changed: i64,
}

/// What bears a name in a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A device, socket or pipe.
    Other,
}

impl EntryKind {
    /// The word for it in logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "directory",
            Self::Link => "link",
            Self::Other => "special file",
        }
    }
}

impl Stat {
    pub(super) fn of(stat: &fs::Stat) -> Self {
        let kind = match fs::FileType::from_raw_mode(stat.st_mode) {
            fs::FileType::RegularFile => EntryKind::File,
            fs::FileType::Directory => EntryKind::Directory,
            fs::FileType::Symlink => EntryKind::Link,
            _ => EntryKind::Other,
        };
        Self {
            kind,
            uid: stat.st_uid,
            gid: stat.st_gid,
            mode: stat.st_mode & 0o7777,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            links: stat.st_nlink,
            device: stat.st_dev,
            inode: stat.st_ino,
            accessed: stat.st_atime,
            modified: stat.st_mtime,
            changed: stat.st_ctime,
        }
    }
}

impl At<'_> {
    /// Refuses what somebody else may have put there for us to change (D29): in a directory where others may
    /// write, a file with a second name, or one that neither root, we, the directory's owner nor `wanted` owns.
    pub(super) fn refuse_planted(&self, stat: &Stat, wanted: Option<u32>) -> Result<(), HostError> {
        let linked = stat.kind != EntryKind::Directory && stat.links > 1;
        let known = [Some(0), Some(self.uid), wanted].contains(&Some(stat.uid));
        // Nothing of it is odd, wherever it lies: most files are spared a look at their directory.
        if known && !linked {
            return Ok(());
        }
        let holder = fs::fstat(&self.dir).map_err(|e| self.io("look at the directory of", e))?;
        if !is_shared(&holder, self.uid) {
            return Ok(());
        }
        if linked {
            return Err(HostError::HardLink { path: self.path.to_owned(), links: stat.links });
        }
        if known || stat.uid == holder.st_uid {
            Ok(())
        } else {
            Err(HostError::ForeignOwner { path: self.path.to_owned(), uid: stat.uid })
        }
    }

    /// Opens the regular file of this name for reading, and looks at it.
    pub(super) fn open_regular(&self) -> Result<(File, Stat), HostError> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = fs::openat(&self.dir, &self.name, flags, Mode::empty()).map_err(|e| self.io("read", e))?;
        let stat = fs::fstat(&fd).map(|stat| Stat::of(&stat)).map_err(|e| self.io("read", e))?;
        if stat.kind != EntryKind::File {
            return Err(HostError::Kind { path: self.path.to_owned(), expected: "regular file" });
        }
        Ok((fd.into(), stat))
    }

    /// The digest of the regular file of this name, refusing what may have been planted.
    pub(super) fn digest(&self, wanted: Option<u32>) -> Result<Digest, HostError> {
        let mut hash = Sha256::new();
        self.read_through(
            wanted,
            |_| true,
            |part| {
                hash.update(part);
                true
            },
        )?;
        Ok(Digest::from_bytes(hash.finalize().into()))
    }

    /// Whether the regular file of this name has exactly the bytes of these pieces, `size` of them, refusing what may have
    /// been planted.
    pub(super) fn holds<P: AsRef<[u8]>>(
        &self,
        (size, mut pieces): (u64, impl Iterator<Item = P>),
        wanted: Option<u32>,
    ) -> Result<bool, HostError> {
        let (mut piece, mut used, mut left) = (None::<P>, 0, size);
        let is_next = |mut part: &[u8]| {
            left = left.saturating_sub(part.len() as u64);
            while !part.is_empty() {
                let rest = piece.as_ref().map_or(&[][..], |piece| &piece.as_ref()[used..]);
                if rest.is_empty() {
                    (piece, used) = (pieces.next(), 0);
                    if piece.is_none() {
                        return false;
                    }
                    continue;
                }
                let both = rest.len().min(part.len());
                if rest[..both] != part[..both] {
                    return false;
                }
                (part, used) = (&part[both..], used + both);
            }
            true
        };
        Ok(self.read_through(wanted, |stat| stat.size == size, is_next)? && left == 0)
    }

    /// Reads the regular file of this name through while `go_on` says so of each part, if `begin` does of what it is;
    /// whether it came to the end.
    fn read_through(
        &self,
        wanted: Option<u32>,
        begin: impl FnOnce(&Stat) -> bool,
        mut go_on: impl FnMut(&[u8]) -> bool,
    ) -> Result<bool, HostError> {
        let (mut file, stat) = self.open_regular()?;
        self.refuse_planted(&stat, wanted)?;
        if !begin(&stat) {
            return Ok(false);
        }
        // One more than there is, so that one call reads a small file and sees its end.
        let size = usize::try_from(stat.size).unwrap_or(usize::MAX).saturating_add(1);
        let (mut buffer, mut read) = (vec![0; size.min(READ)], 0);
        loop {
            let count = file.read(&mut buffer).map_err(|cause| HostError::Io {
                doing: "read",
                path: self.path.to_owned(),
                cause,
            })?;
            if !go_on(&buffer[..count]) {
                return Ok(false);
            }
            read += count as u64;
            if count == 0 || (read == stat.size && count < buffer.len()) {
                return Ok(true);
            }
        }
    }

    /// Opens what bears this name as a mere handle; a link is opened itself, never followed.
    pub(super) fn open_entry(&self, doing: &'static str) -> Result<OwnedFd, HostError> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        fs::openat(&self.dir, &self.name, flags, Mode::empty()).map_err(|e| self.io(doing, e))
    }

    /// As [`At::open_entry`], refusing what may have been planted. The handle, not the name, is looked at.
    pub(super) fn open_checked(
        &self,
        doing: &'static str,
        wanted: Option<u32>,
    ) -> Result<OwnedFd, HostError> {
        let fd = self.open_entry(doing)?;
        self.refuse_planted(&self.stat_of(&fd)?, wanted)?;
        Ok(fd)
    }

    /// What is behind a handle.
    pub(super) fn stat_of(&self, fd: impl AsFd) -> Result<Stat, HostError> {
        fs::fstat(fd).map(|stat| Stat::of(&stat)).map_err(|e| self.io("look at", e))
    }

    pub(super) fn set_owner(&self, fd: impl AsFd, owner: Owner) -> Result<(), HostError> {
        let (uid, gid) = (owner.uid.map(Uid::from_raw), owner.gid.map(Gid::from_raw));
        fs::chownat(fd, "", uid, gid, AtFlags::EMPTY_PATH).map_err(|e| self.io("change the owner of", e))
    }

    /// Sets the mode of the file behind a handle. `/proc/self/fd` leads to that file and no other; there is no
    /// `fchmod` on a handle before Linux 6.6.
    pub(super) fn set_mode(&self, fd: &OwnedFd, mode: u32) -> Result<(), HostError> {
        let doing = "change the mode of";
        if self.stat_of(fd)?.kind == EntryKind::Link {
            return Err(HostError::Kind { path: self.path.to_owned(), expected: "file or directory" });
        }
        let handle = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(fd));
        fs::chmod(handle, Mode::from_raw_mode(mode)).map_err(|e| self.io(doing, e))
    }

    /// The names in this directory, ascending.
    pub(super) fn list(&self) -> Result<Vec<OsString>, HostError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = fs::openat(&self.dir, &self.name, flags, Mode::empty()).map_err(|e| self.io("list", e))?;
        names(fd.as_fd()).map_err(|e| self.io("list", e))
    }

    /// Removes this name and everything below it, staying on `device`.
    pub(super) fn remove_tree(&self, device: u64) -> Result<(), HostError> {
        remove_tree(self.dir.as_fd(), &self.name, device).map_err(|e| self.io("remove", e))
    }

    /// Makes the directory's present state last.
    pub(super) fn sync(&self) -> Result<(), HostError> {
        self.synced().map_err(|e| self.unsynced(e))
    }

    /// As [`At::sync`], for one of several names in the directory.
    pub(super) fn synced(&self) -> Result<(), Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        fs::openat(&self.dir, ".", flags, Mode::empty()).and_then(fs::fsync)?;
        fault::step(|| Step::SyncDirectory(Path::new(self.path).parent().unwrap_or(Path::new("/")).into()));
        Ok(())
    }

    pub(super) fn unsynced(&self, error: Errno) -> HostError {
        self.io("write the directory of", error)
    }

    /// Which directory it is: device and number on it.
    pub(super) fn folder(&self) -> Result<(u64, u64), Errno> {
        fs::fstat(&self.dir).map(|stat| (stat.st_dev, stat.st_ino))
    }
}

fn names(directory: std::os::fd::BorrowedFd<'_>) -> Result<Vec<OsString>, Errno> {
    let mut names = Vec::new();
    for entry in fs::Dir::read_from(directory)? {
        let name = entry?.file_name().to_bytes().to_vec();
        if name != b"." && name != b".." {
            names.push(OsString::from_vec(name));
        }
    }
    names.sort();
    Ok(names)
}

/// Depth first. A directory is entered by descriptor and never through a link, so that swapping one for a link
/// in the middle of it makes the removal fail and not wander off.
fn remove_tree(parent: std::os::fd::BorrowedFd<'_>, name: &OsStr, device: u64) -> Result<(), Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match fs::openat(parent, name, flags, Mode::empty()) {
        Ok(directory) => {
            if fs::fstat(&directory)?.st_dev != device {
                return Err(Errno::XDEV);
            }
            for child in names(directory.as_fd())? {
                remove_tree(directory.as_fd(), &child, device)?;
            }
            fs::unlinkat(parent, name, AtFlags::REMOVEDIR)
        }
        Err(Errno::NOTDIR | Errno::LOOP) => fs::unlinkat(parent, name, AtFlags::empty()),
        Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error),
    }
}
