//! Writing a file so that it is old or new and never something between.

use super::walk::At;
use super::{EntryKind, HostError};
use crate::agent::fault;
use crate::model::digest::hex;
use rustix::fs::{self, AtFlags, Mode, OFlags};
use std::io::Write as _;
use std::os::fd::OwnedFd;

/// A check of new content before it is put in place: gets the absolute path of the temporary file below the
/// host's root, and gives the reason when it refuses.
pub type Validated<'a> = &'a dyn Fn(&str) -> Result<(), String>;

/// Owner and group by number; `None` leaves what is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Owner {
    /// Number of the user.
    pub uid: Option<u32>,
    /// Number of the group.
    pub gid: Option<u32>,
}

/// A regular file to be written.
pub struct NewFile<'a> {
    /// The content.
    pub content: &'a [u8],
    /// The mode; `None` keeps that of the file that it replaces, or is 0644.
    pub mode: Option<u32>,
    /// The owner; what is `None` is kept from the file that it replaces.
    pub owner: Owner,
    /// A check that must pass before the file is put in place.
    pub validate: Option<Validated<'a>>,
}

impl<'a> NewFile<'a> {
    /// A file with this content and mode, owned by whoever the agent is.
    #[must_use]
    pub const fn new(content: &'a [u8], mode: u32) -> Self {
        Self { content, mode: Some(mode), owner: Owner { uid: None, gid: None }, validate: None }
    }
}

impl At<'_> {
    pub(super) fn write(&self, file: &NewFile<'_>) -> Result<(), HostError> {
        let old = self.stat()?;
        if let Some(old) = &old {
            if old.kind == EntryKind::Directory {
                return Err(HostError::Kind { path: self.path.to_owned(), expected: "regular file" });
            }
            self.refuse_planted(old, file.owner.uid)?;
        }
        // A link's owner and mode say nothing about the file that takes its place.
        let old = old.filter(|o| o.kind == EntryKind::File);
        let owner = super::Owner {
            uid: file.owner.uid.or(old.map(|o| o.uid)),
            gid: file.owner.gid.or(old.map(|o| o.gid)),
        };
        let mode = file.mode.or(old.map(|o| o.mode)).unwrap_or(0o644);
        let name = temporary_name();
        let fd = self.create(&name)?;
        fault::point();
        let written = self.fill(fd, file.content, owner, mode).and_then(|()| match file.validate {
            None => Ok(()),
            Some(check) => check(&self.sibling(&name))
                .map_err(|reason| HostError::Rejected { path: self.path.to_owned(), reason }),
        });
        match written {
            Ok(()) => self.put_in_place(&name, "write"),
            Err(error) => {
                self.discard(&name);
                Err(error)
            }
        }
    }

    fn create(&self, name: &str) -> Result<OwnedFd, HostError> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        // Nobody reads it before it has its own mode.
        fs::openat(&self.dir, name, flags, Mode::RUSR | Mode::WUSR).map_err(|e| self.io("write", e))
    }

    fn fill(&self, fd: OwnedFd, content: &[u8], owner: super::Owner, mode: u32) -> Result<(), HostError> {
        let mut file = std::fs::File::from(fd);
        let (first, second) = content.split_at(content.len() / 2);
        for half in [first, second] {
            file.write_all(half).map_err(|cause| HostError::Io {
                doing: "write",
                path: self.path.to_owned(),
                cause,
            })?;
            fault::point();
        }
        let fd = OwnedFd::from(file);
        let now = fs::fstat(&fd).map_err(|e| self.io("write", e))?;
        let differs = |wanted: Option<u32>, have: u32| wanted.filter(|w| *w != have);
        let owner = super::Owner { uid: differs(owner.uid, now.st_uid), gid: differs(owner.gid, now.st_gid) };
        if owner != super::Owner::default() {
            self.set_owner(&fd, owner)?;
        }
        // After the owner: `chown` clears the setuid and setgid bits.
        fs::fchmod(&fd, Mode::from_raw_mode(mode)).map_err(|e| self.io("change the mode of", e))?;
        fs::fsync(&fd).map_err(|e| self.io("write", e))
    }

    /// Gives a temporary name its final place in one step, or removes it.
    pub(super) fn put_in_place(&self, temporary: &str, doing: &'static str) -> Result<(), HostError> {
        fault::point();
        if let Err(error) = fs::renameat(&self.dir, temporary, &self.dir, &self.name) {
            self.discard(temporary);
            return Err(self.io(doing, error));
        }
        fault::point();
        self.sync()
    }

    fn discard(&self, temporary: &str) {
        // What failed is reported already; a temporary file that cannot be removed adds nothing to it.
        let _gone = fs::unlinkat(&self.dir, temporary, AtFlags::empty());
    }

    fn sibling(&self, name: &str) -> String {
        let folder = self.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{folder}/{name}")
    }
}

/// What the names of temporary files begin with.
const TEMPORARY: &str = ".countersign-";

/// Whether [`temporary_name`] makes such names.
pub(in crate::agent) fn is_temporary(name: &str) -> bool {
    let random = name.strip_prefix(TEMPORARY);
    random.is_some_and(|random| random.len() == 16 && random.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// A name that nobody can guess and that shows whose it is.
pub(super) fn temporary_name() -> String {
    let mut random = [0; 8];
    // Without randomness the name is guessable, and `O_EXCL` still refuses one that is taken.
    let _guessable = getrandom::fill(&mut random);
    format!("{TEMPORARY}{}", hex(&random))
}
