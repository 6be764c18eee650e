//! The one door to the node: its files and its processes.
//!
//! Everything happens below a root directory that is held open as a descriptor, so that no path can
//! leave it. Paths are walked without following a link that somebody else could have planted (D29);
//! what is written appears whole or not at all. Nothing here knows what a resource is.

mod account_lock;
mod command;
mod entry;
mod label;
mod walk;
mod write;

pub use account_lock::AccountLock;
pub use command::{Ending, Filtered, Invocation, Outcome, OutputLimit, RunError};
pub use entry::{EntryKind, Stat};
pub use walk::Folder;
pub(super) use write::is_temporary;
pub use write::{NewFile, Owner, Prepared, Validated, place};

use super::fault;
use crate::model::Digest;
use rustix::fs::{self, AtFlags, Mode, OFlags};
use std::ffi::{OsStr, OsString};
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A node's file system, from its root directory down, and the processes that run in it.
#[derive(Debug)]
pub struct Host {
    root: OwnedFd,
    path: PathBuf,
    uid: u32,
    /// Whether files have labels.
    labels: bool,
    asked: label::Asked,
    /// When whatever runs is ended.
    until: Option<Instant>,
}

/// Something that was looked at, in a directory that is held open: what is looked at next is in that directory too.
#[derive(Debug)]
pub struct Seen<'p> {
    at: walk::At<'p>,
    /// What it is.
    pub stat: Stat,
}

impl Seen<'_> {
    /// Whether it is a regular file of exactly the bytes of these pieces, so many in all. `owner` is whom it should belong
    /// to.
    ///
    /// # Errors
    /// As [`Host::read_managed`].
    pub fn holds<P: AsRef<[u8]>>(
        &self,
        bytes: (u64, impl Iterator<Item = P>),
        owner: Option<u32>,
    ) -> Result<bool, HostError> {
        self.at.holds(bytes, owner)
    }

    /// As [`Host::digest`].
    ///
    /// # Errors
    /// As [`Host::digest`].
    pub fn digest(&self, owner: Option<u32>) -> Result<Digest, HostError> {
        self.at.digest(owner)
    }
}

/// Why a file of the node cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// Not an absolute path, or one with `.`, `..` or a zero byte in it.
    #[error("`{}` is not an absolute path without `.` and `..`", .0.escape_debug())]
    Path(String),
    /// The operating system said no.
    #[error("cannot {doing} `{path}`")]
    Io {
        /// What was tried, for example "read".
        doing: &'static str,
        /// The path.
        path: String,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// A symbolic link on the way that somebody other than the administrator could have made.
    #[error("`{path}` is reached through the link `{link}`, which others than root may change")]
    PlantedLink {
        /// The path that was asked for.
        path: String,
        /// The name of the link.
        link: String,
    },
    /// Another name of the same file exists, in a directory where others may make one.
    #[error("`{path}` has {links} names and lies in a directory that others than root may write to")]
    HardLink {
        /// The path.
        path: String,
        /// How many names there are.
        links: u64,
    },
    /// Somebody else's file, in a directory where others may put one.
    #[error("`{path}` belongs to user {uid} and lies in a directory that others than root may write to")]
    ForeignOwner {
        /// The path.
        path: String,
        /// Whose it is.
        uid: u32,
    },
    /// The path is taken by something of another kind.
    #[error("`{path}` is not a {expected}")]
    Kind {
        /// The path.
        path: String,
        /// What it should have been.
        expected: &'static str,
    },
    /// More bytes than the reader allows.
    #[error("`{path}` has more than {limit} bytes")]
    TooLarge {
        /// The path.
        path: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// The check of new content did not run, or did not like it. The old file stays.
    #[error("the new content of `{path}` was not accepted: {reason}")]
    Rejected {
        /// The path.
        path: String,
        /// What the check said.
        reason: String,
    },
}

impl Host {
    /// Opens the file system below `root`; `/` is the machine itself.
    ///
    /// # Errors
    /// When it is not a directory that can be opened.
    pub fn open(root: &Path) -> Result<Self, HostError> {
        let io = |cause: io::Error| HostError::Io { doing: "open", path: root.display().to_string(), cause };
        let path = root.canonicalize().map_err(io)?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = fs::open(&path, flags, Mode::empty()).map_err(|e| io(e.into()))?;
        let labels = fs::statat(&fd, label::SIGN, AtFlags::empty()).is_ok();
        let uid = rustix::process::geteuid().as_raw();
        Ok(Self { root: fd, path, uid, labels, asked: label::Asked::default(), until: None })
    }

    /// The same node, on which no command runs longer than until `end`, whatever its own time is.
    #[must_use]
    pub const fn until(mut self, end: Option<Instant>) -> Self {
        self.until = end;
        self
    }

    /// Whether the root is the machine's own.
    #[must_use]
    pub fn is_machine(&self) -> bool {
        self.path == Path::new("/")
    }

    /// Whether the agent runs as root.
    #[must_use]
    pub const fn is_root_user(&self) -> bool {
        self.uid == 0
    }

    /// The root directory as it was given.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.path
    }

    /// What is at `path`, links not followed; `None` where nothing is.
    ///
    /// # Errors
    /// When it cannot be found out.
    pub fn stat(&self, path: &str) -> Result<Option<Stat>, HostError> {
        Ok(self.look(path, &mut Folder::default())?.map(|seen| seen.stat))
    }

    /// As [`Host::stat`], for looking at more of it, and then at what lies beside it.
    ///
    /// # Errors
    /// As [`Host::stat`].
    pub fn look<'p>(&self, path: &'p str, last: &mut Folder) -> Result<Option<Seen<'p>>, HostError> {
        let at = match self.parent_beside(path, last) {
            Err(HostError::Io { cause, .. }) if is_missing(&cause) => return Ok(None),
            other => other?,
        };
        Ok(at.stat()?.map(|stat| Seen { at, stat }))
    }

    /// The bytes of the regular file at `path`. Links that only the administrator could have made are followed.
    ///
    /// # Errors
    /// When it cannot be read, is no regular file or has more than `limit` bytes.
    pub fn read(&self, path: &str, limit: u64) -> Result<Vec<u8>, HostError> {
        let at = self.destination(path)?;
        read_all(&at, at.open_regular()?, limit)
    }

    /// The bytes of the regular file at `path`, which must not be a link. `owner` is whom it should belong to.
    ///
    /// # Errors
    /// As [`Host::read`], and when somebody else may have put it there (D29).
    pub fn read_managed(&self, path: &str, limit: u64, owner: Option<u32>) -> Result<Vec<u8>, HostError> {
        let at = self.parent(path)?;
        let opened = at.open_regular()?;
        at.refuse_planted(&opened.1, owner)?;
        read_all(&at, opened, limit)
    }

    /// The digest of the regular file at `path`, which must not be a link. `owner` is whom it should belong to.
    ///
    /// # Errors
    /// As [`Host::read_managed`].
    pub fn digest(&self, path: &str, owner: Option<u32>) -> Result<Digest, HostError> {
        self.parent(path)?.digest(owner)
    }

    /// The text of the file at `path`, or `None` where there is no file.
    ///
    /// # Errors
    /// As [`Host::read`].
    pub fn read_text(&self, path: &str, limit: u64) -> Result<Option<String>, HostError> {
        match self.read(path, limit) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(HostError::Io { cause, .. }) if is_missing(&cause) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Where the link at `path` points.
    ///
    /// # Errors
    /// When it is no link.
    pub fn read_link(&self, path: &str) -> Result<String, HostError> {
        let at = self.parent(path)?;
        let target = fs::readlinkat(&at.dir, &at.name, Vec::new()).map_err(|e| at.io("read the link", e))?;
        Ok(target.to_string_lossy().into_owned())
    }

    /// The names in the directory at `path`, ascending.
    ///
    /// # Errors
    /// When it is no directory that can be read.
    pub fn list(&self, path: &str) -> Result<Vec<OsString>, HostError> {
        let at = self.parent(path)?;
        at.list()
    }

    /// Makes the directory at `path`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make_directory(&self, path: &str, mode: u32) -> Result<(), HostError> {
        let at = self.parent(path)?;
        fs::mkdirat(&at.dir, &at.name, Mode::from_raw_mode(mode))
            .map_err(|e| at.io("make the directory", e))?;
        // `mkdir` honours the umask; the mode that was asked for does not.
        at.open_entry("make the directory").and_then(|fd| at.set_mode(&fd, mode))?;
        self.relabel(path, None)
    }

    /// Makes a symbolic link at `path`, in place of anything there but a directory, in one step.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn link(&self, path: &str, target: &str) -> Result<(), HostError> {
        let at = self.parent(path)?;
        let temporary = write::temporary_name();
        fs::symlinkat(target, &at.dir, &temporary).map_err(|e| at.io("make the link", e))?;
        fault::point();
        at.put_in_place(&temporary, "make the link")?;
        self.relabel(path, None)
    }

    /// Writes a regular file: whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written, is not accepted by its check, or replaces what must not be touched (D29).
    pub fn write(&self, path: &str, file: &NewFile<'_>) -> Result<(), HostError> {
        let prepared = self.prepare(path, file)?;
        place(vec![prepared]).into_iter().collect()
    }

    /// Writes a regular file beside its place, for [`place`].
    ///
    /// # Errors
    /// As [`Host::write`]; then nothing is left of it.
    pub fn prepare<'p>(&self, path: &'p str, file: &NewFile<'_>) -> Result<Prepared<'p>, HostError> {
        self.parent(path)?.prepare(file, |at, fd| self.label_new(at, fd, file.context))
    }

    /// Changes owner and group of what is at `path`; a link itself, not what it points to.
    ///
    /// # Errors
    /// When it cannot be changed or must not be touched (D29).
    pub fn set_owner(&self, path: &str, owner: Owner) -> Result<(), HostError> {
        let at = self.parent(path)?;
        let fd = at.open_checked("change the owner of", owner.uid)?;
        at.set_owner(&fd, owner)
    }

    /// Changes the mode of the file or directory at `path`. `owner` is whom it should belong to.
    ///
    /// # Errors
    /// When it cannot be changed, must not be touched (D29), or is a link.
    pub fn set_mode(&self, path: &str, mode: u32, owner: Option<u32>) -> Result<(), HostError> {
        let at = self.parent(path)?;
        let fd = at.open_checked("change the mode of", owner)?;
        at.set_mode(&fd, mode)
    }

    /// Removes what is at `path`: a file, a link or an empty directory.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self, path: &str) -> Result<(), HostError> {
        let at = self.parent(path)?;
        let directory = at.stat()?.is_some_and(|s| s.kind == EntryKind::Directory);
        let flags = if directory { AtFlags::REMOVEDIR } else { AtFlags::empty() };
        fs::unlinkat(&at.dir, &at.name, flags).map_err(|e| at.io("remove", e))?;
        at.sync()
    }

    /// Removes what writes that were cut off have left in the directory at `folder`, and says how many that were.
    ///
    /// # Errors
    /// When it cannot be looked at, or something cannot be removed.
    pub fn sweep(&self, folder: &str) -> Result<usize, HostError> {
        let mut swept = 0;
        for name in self.list(folder)? {
            let Some(name) = name.to_str().filter(|name| write::is_temporary(name)) else { continue };
            let path = format!("{}/{name}", folder.trim_end_matches('/'));
            let at = self.parent(&path)?;
            let leaf = |stat: &Stat| matches!(stat.kind, EntryKind::File | EntryKind::Link);
            // Others may have files of such a name in a directory of theirs.
            if at.stat()?.is_some_and(|stat| leaf(&stat) && stat.uid == self.uid) {
                fs::unlinkat(&at.dir, &at.name, AtFlags::empty()).map_err(|e| at.io("remove", e))?;
                swept += 1;
            }
        }
        Ok(swept)
    }

    /// Removes what is at `path` with everything below it. No link is followed and no mount point crossed.
    ///
    /// # Errors
    /// At the first thing that cannot be removed.
    pub fn remove_tree(&self, path: &str) -> Result<(), HostError> {
        let at = self.parent(path)?;
        let Some(stat) = at.stat()? else { return Ok(()) };
        at.remove_tree(stat.device)?;
        at.sync()
    }
}

fn read_all(
    at: &walk::At<'_>,
    (file, stat): (std::fs::File, Stat),
    limit: u64,
) -> Result<Vec<u8>, HostError> {
    // Room for all of it and for seeing its end. Files of the kernel have no size.
    let mut bytes = Vec::with_capacity(usize::try_from(stat.size.min(limit)).unwrap_or(0).saturating_add(1));
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|cause| HostError::Io {
        doing: "read",
        path: at.path.to_owned(),
        cause,
    })?;
    if bytes.len() as u64 > limit {
        return Err(HostError::TooLarge { path: at.path.to_owned(), limit });
    }
    Ok(bytes)
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn os(text: &str) -> &OsStr {
    OsStr::from_bytes(text.as_bytes())
}

#[cfg(test)]
mod tests;
