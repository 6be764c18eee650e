//! From a path to a directory descriptor and one name, without following a planted link (D29).
//!
//! The kernel does it in one call where there are no links on the way. Where there are (`/bin`,
//! `/lib` and `/var/run` on most systems) we walk name by name, and follow a link only if root or we
//! own it and nobody else may write to the directory that holds it.

use super::{Host, HostError, os};
use rustix::fs::{self, AtFlags, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::sync::Arc;

/// Links followed on one walk, at most (as in the kernel).
const MAX_LINKS: usize = 40;

/// A name in a directory that is held open.
#[derive(Debug)]
pub(super) struct At<'a> {
    pub(super) dir: Arc<OwnedFd>,
    pub(super) name: OsString,
    /// The path as it was asked for, for messages.
    pub(super) path: &'a str,
    /// Whom we trust besides root: ourselves.
    pub(super) uid: u32,
}

/// The directory that was reached last, with its path: what lies beside is looked at in it, and the way is not gone again.
///
/// Whoever holds one lets go of it before anything is done that could put another directory there.
#[derive(Debug, Default)]
pub struct Folder(Option<(String, Arc<OwnedFd>)>);

impl Host {
    /// As [`Host::parent`], in the directory that was reached last where it is the same.
    pub(super) fn parent_beside<'a>(&self, path: &'a str, last: &mut Folder) -> Result<At<'a>, HostError> {
        let (folder, name) = split(path)?;
        let dir = match &last.0 {
            Some((known, dir)) if known == folder => dir.clone(),
            Some(_) | None => {
                let dir = Arc::new(self.reach(path, folder)?);
                last.0 = Some((folder.to_owned(), dir.clone()));
                dir
            }
        };
        Ok(At { dir, name: os(name).to_owned(), path, uid: self.uid })
    }

    /// The directory that holds the last name of `path`, and that name.
    pub(super) fn parent<'a>(&self, path: &'a str) -> Result<At<'a>, HostError> {
        self.parent_beside(path, &mut Folder::default())
    }

    fn reach(&self, path: &str, folder: &str) -> Result<OwnedFd, HostError> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let strict = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let inside = if folder.is_empty() { "." } else { folder };
        match fs::openat2(&self.root, inside, flags, Mode::empty(), strict) {
            Ok(dir) => Ok(dir),
            // A link on the way, or a kernel or sandbox without `openat2`.
            Err(Errno::LOOP | Errno::NOSYS | Errno::PERM) => self.walk(path, folder),
            Err(error) => Err(io("reach", path, error)),
        }
    }

    /// As [`Host::parent`], with the last name followed too where it is a trusted link.
    pub(super) fn destination<'a>(&'a self, path: &'a str) -> Result<At<'a>, HostError> {
        let at = self.parent(path)?;
        match at.stat()? {
            Some(stat) if stat.kind == super::EntryKind::Link => {}
            Some(_) | None => return Ok(at),
        }
        let (folder, name) = split(path)?;
        let mut walk = self.start(path, folder)?;
        walk.resolve(vec![os(name).to_owned()])
    }

    fn walk(&self, path: &str, folder: &str) -> Result<OwnedFd, HostError> {
        let mut walk = self.start(path, "")?;
        walk.descend(names(OsStr::as_bytes(os(folder))))?;
        walk.stack.pop().ok_or_else(|| HostError::Path(path.to_owned()))
    }

    fn start<'a>(&'a self, path: &'a str, folder: &str) -> Result<Walk<'a>, HostError> {
        let root = fs::openat(&self.root, ".", OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
        let root = root.map_err(|e| io("reach", path, e))?;
        let mut walk = Walk { host: self, path, stack: vec![root], links: 0 };
        walk.descend(names(folder.as_bytes()))?;
        Ok(walk)
    }
}

struct Walk<'a> {
    host: &'a Host,
    path: &'a str,
    /// The directories from the root to where the walk is, so that `..` in a link needs no trust.
    stack: Vec<OwnedFd>,
    links: usize,
}

impl<'a> Walk<'a> {
    /// Enters each name, the last of `todo` first.
    fn descend(&mut self, mut todo: Vec<OsString>) -> Result<(), HostError> {
        while let Some(name) = todo.pop() {
            if name == ".." {
                if self.stack.len() > 1 {
                    self.stack.pop();
                }
                continue;
            }
            match self.step(&name)? {
                Step::Link(target) => todo.extend(self.retarget(&target)),
                Step::Entry(fd, true) => self.stack.push(fd),
                Step::Entry(_, false) => return Err(io("reach", self.path, Errno::NOTDIR)),
            }
        }
        Ok(())
    }

    /// Enters all names but the last, which is resolved while it is a link.
    fn resolve(&mut self, mut todo: Vec<OsString>) -> Result<At<'a>, HostError> {
        loop {
            let bad = || HostError::Path(self.path.to_owned());
            let name = todo.first().filter(|n| *n != "..").cloned().ok_or_else(bad)?;
            self.descend(todo.split_off(1))?;
            todo.clear();
            match self.step(&name)? {
                Step::Link(target) => todo.extend(self.retarget(&target)),
                Step::Entry(..) => {
                    let dir = self.stack.pop().ok_or_else(|| HostError::Path(self.path.to_owned()))?;
                    return Ok(At { dir: Arc::new(dir), name, path: self.path, uid: self.host.uid });
                }
            }
        }
    }

    fn step(&mut self, name: &OsStr) -> Result<Step, HostError> {
        let Some(dir) = self.stack.last() else { return Err(HostError::Path(self.path.to_owned())) };
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = fs::openat(dir, name, flags, Mode::empty()).map_err(|e| io("reach", self.path, e))?;
        let stat = fs::fstat(&fd).map_err(|e| io("reach", self.path, e))?;
        match fs::FileType::from_raw_mode(stat.st_mode) {
            fs::FileType::Symlink => {
                let holder = fs::fstat(dir).map_err(|e| io("reach", self.path, e))?;
                self.links += 1;
                let ours = stat.st_uid == 0 || stat.st_uid == self.host.uid;
                if self.links > MAX_LINKS || !ours || is_shared(&holder, self.host.uid) {
                    let link = name.to_string_lossy().into_owned();
                    return Err(HostError::PlantedLink { path: self.path.to_owned(), link });
                }
                let target = fs::readlinkat(fd.as_fd(), "", Vec::new());
                Ok(Step::Link(target.map_err(|e| io("reach", self.path, e))?.into_bytes()))
            }
            kind => Ok(Step::Entry(fd, kind == fs::FileType::Directory)),
        }
    }

    fn retarget(&mut self, target: &[u8]) -> Vec<OsString> {
        if target.starts_with(b"/") {
            self.stack.truncate(1);
        }
        names(target)
    }
}

enum Step {
    Link(Vec<u8>),
    /// The entry, and whether it is a directory.
    Entry(OwnedFd, bool),
}

/// Whether others than root and we may put names into this directory.
pub(super) fn is_shared(directory: &fs::Stat, uid: u32) -> bool {
    let ours = directory.st_uid == 0 || directory.st_uid == uid;
    !ours || directory.st_mode & 0o022 != 0
}

/// The names of a path, last first.
fn names(path: &[u8]) -> Vec<OsString> {
    let names = path.split(|b| *b == b'/').filter(|n| !n.is_empty() && *n != b".");
    names.rev().map(|n| OsString::from_vec(n.to_vec())).collect()
}

/// Folder (without the first slash) and last name; `/` itself is the name `.` in the root.
fn split(path: &str) -> Result<(&str, &str), HostError> {
    let bad = || HostError::Path(path.to_owned());
    let inside = path.strip_prefix('/').ok_or_else(bad)?;
    let odd = |part: &str| part == "." || part == ".." || (part.is_empty() && !inside.is_empty());
    if path.contains('\0') || inside.split('/').any(odd) {
        return Err(bad());
    }
    Ok(if inside.is_empty() { ("", ".") } else { inside.rsplit_once('/').unwrap_or(("", inside)) })
}

pub(super) fn io(doing: &'static str, path: &str, error: Errno) -> HostError {
    HostError::Io { doing, path: path.to_owned(), cause: error.into() }
}

impl At<'_> {
    pub(super) fn io(&self, doing: &'static str, error: Errno) -> HostError {
        io(doing, self.path, error)
    }

    /// What bears this name, links not followed.
    pub(super) fn stat(&self) -> Result<Option<super::Stat>, HostError> {
        match fs::statat(&self.dir, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(super::Stat::of(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(self.io("look at", error)),
        }
    }
}
