//! Writing a file so that it is old or new and never something between: beside its place first, durable there, and then in
//! its place by one rename. Many may be made durable together; each is still old or new.

use super::walk::At;
use super::{EntryKind, HostError};
use crate::agent::disk::Step;
use crate::agent::fault;
use crate::model::digest::hex;
use crate::model::resource::Context;
use rustix::fs::{self, AtFlags, Mode, OFlags};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::thread::ScopedJoinHandle;

/// Files that are made durable at the same time: a disk has one queue, and journalling file systems answer all that wait
/// with one write.
const AT_ONCE: usize = 16;

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
    /// The parts of its SELinux context that are wished for, where the node has such.
    pub context: Option<&'a Context>,
    /// A check that must pass before the file is put in place.
    pub validate: Option<Validated<'a>>,
}

impl<'a> NewFile<'a> {
    /// A file with this content and mode, owned by whoever the agent is.
    #[must_use]
    pub const fn new(content: &'a [u8], mode: u32) -> Self {
        Self {
            content,
            mode: Some(mode),
            owner: Owner { uid: None, gid: None },
            context: None,
            validate: None,
        }
    }
}

/// A file with its content, owner and mode, beside the place where it belongs. It is gone when it is dropped before
/// [`place`] put it there.
#[derive(Debug)]
pub struct Prepared<'a> {
    at: At<'a>,
    temporary: String,
    file: File,
    placed: bool,
}

/// Puts files in their places, in this order: all of them are durable before the first is renamed, and each directory is
/// made durable once, after the last. One that fails fails by itself. The results are in the same order.
pub fn place(mut files: Vec<Prepared<'_>>) -> Vec<Result<(), HostError>> {
    let mut results = flushed(&files);
    for (file, result) in files.iter_mut().zip(&mut results) {
        if result.is_ok() {
            *result = file.rename();
        }
    }
    let mut folders: BTreeMap<(u64, u64), Result<(), Errno>> = BTreeMap::new();
    for (file, result) in files.iter().zip(&mut results).filter(|(_, result)| result.is_ok()) {
        let synced = file.at.folder().and_then(|id| *folders.entry(id).or_insert_with(|| file.at.synced()));
        *result = synced.map_err(|e| file.at.unsynced(e));
    }
    results
}

/// Waits until each of the files is durable. Where no thread can be had, one waits after the other.
fn flushed(files: &[Prepared<'_>]) -> Vec<Result<(), HostError>> {
    let flush = |part: &[Prepared<'_>]| part.iter().map(Prepared::flush).collect::<Vec<_>>();
    if files.len() < 2 {
        return flush(files);
    }
    std::thread::scope(|scope| {
        let start = |part| (part, std::thread::Builder::new().spawn_scoped(scope, move || flush(part)));
        let parts: Vec<_> = files.chunks(files.len().div_ceil(AT_ONCE)).map(start).collect();
        let wait = |(part, thread): (_, std::io::Result<ScopedJoinHandle<'_, Vec<_>>>)| {
            thread.ok().and_then(|thread| thread.join().ok()).unwrap_or_else(|| flush(part))
        };
        parts.into_iter().flat_map(wait).collect()
    })
}

impl Prepared<'_> {
    fn flush(&self) -> Result<(), HostError> {
        fs::fsync(&self.file).map_err(|e| self.at.io("write", e))?;
        fault::step(|| Step::Sync(self.at.sibling(&self.temporary).into()));
        Ok(())
    }

    fn rename(&mut self) -> Result<(), HostError> {
        self.at.rename(&self.temporary, "write")?;
        self.placed = true;
        Ok(())
    }
}

impl Drop for Prepared<'_> {
    fn drop(&mut self) {
        if !self.placed {
            self.at.discard(&self.temporary);
        }
    }
}

impl<'a> At<'a> {
    /// Writes the file under a temporary name, and has it checked. It is handed to `label` before anything is in it.
    pub(super) fn prepare(
        self,
        file: &NewFile<'_>,
        label: impl FnOnce(&Self, BorrowedFd<'_>) -> Result<(), HostError>,
    ) -> Result<Prepared<'a>, HostError> {
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
        let temporary = temporary_name();
        let fd = self.create(&temporary)?;
        // From here on, whatever goes wrong removes it.
        let prepared = Prepared { at: self, temporary, file: fd.into(), placed: false };
        let temporary = || prepared.at.sibling(&prepared.temporary).into();
        fault::step(|| Step::Create(temporary()));
        fault::point();
        label(&prepared.at, prepared.file.as_fd())?;
        prepared.at.fill(&prepared.file, file.content, owner, mode)?;
        fault::step(|| Step::Write(temporary(), file.content.to_vec()));
        if let Some(check) = file.validate {
            check(&prepared.at.sibling(&prepared.temporary))
                .map_err(|reason| HostError::Rejected { path: prepared.at.path.to_owned(), reason })?;
        }
        Ok(prepared)
    }
}

impl At<'_> {
    fn create(&self, name: &str) -> Result<OwnedFd, HostError> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        // Nobody reads it before it has its own mode.
        fs::openat(&self.dir, name, flags, Mode::RUSR | Mode::WUSR).map_err(|e| self.io("write", e))
    }

    fn fill(&self, mut file: &File, content: &[u8], owner: super::Owner, mode: u32) -> Result<(), HostError> {
        let (first, second) = content.split_at(content.len() / 2);
        for half in [first, second] {
            file.write_all(half).map_err(|cause| HostError::Io {
                doing: "write",
                path: self.path.to_owned(),
                cause,
            })?;
            fault::point();
        }
        let now = fs::fstat(file).map_err(|e| self.io("write", e))?;
        let differs = |wanted: Option<u32>, have: u32| wanted.filter(|w| *w != have);
        let owner = super::Owner { uid: differs(owner.uid, now.st_uid), gid: differs(owner.gid, now.st_gid) };
        if owner != super::Owner::default() {
            self.set_owner(file, owner)?;
        }
        // After the owner: `chown` clears the setuid and setgid bits.
        fs::fchmod(file, Mode::from_raw_mode(mode)).map_err(|e| self.io("change the mode of", e))
    }

    /// Gives a temporary name its final place in one step, or removes it.
    pub(super) fn put_in_place(&self, temporary: &str, doing: &'static str) -> Result<(), HostError> {
        if let Err(error) = self.rename(temporary, doing) {
            self.discard(temporary);
            return Err(error);
        }
        self.sync()
    }

    fn rename(&self, temporary: &str, doing: &'static str) -> Result<(), HostError> {
        fault::point();
        fs::renameat(&self.dir, temporary, &self.dir, &self.name).map_err(|e| self.io(doing, e))?;
        fault::step(|| Step::Rename(self.sibling(temporary).into(), self.path.into()));
        fault::point();
        Ok(())
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
