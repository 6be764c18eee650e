//! SELinux: the labels of files, on nodes that have them. What takes the place of a file keeps its label; what is new gets the
//! one that the policy has for its path.

use super::walk::At;
use super::{EntryKind, Host, HostError, Invocation};
use crate::model::resource::Context;
use rustix::fs::{self, XattrFlags};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};
use std::sync::{Mutex, PoisonError};

/// The attribute of a file that holds its label.
const ATTRIBUTE: &str = "security.selinux";
/// Where the kernel shows that it labels files, below the root.
pub(super) const SIGN: &str = "sys/fs/selinux/enforce";
/// A label is shorter than a page.
const LONGEST: usize = 4096;

/// Labels that were asked for and not given yet, by path.
pub(super) type Asked = Mutex<BTreeMap<String, Option<String>>>;

impl Host {
    /// Whether this node labels files.
    #[must_use]
    pub const fn labels(&self) -> bool {
        self.labels
    }

    /// The label of what is at `path`, links not followed; `None` where it has none.
    ///
    /// # Errors
    /// When it cannot be found out.
    pub fn label(&self, path: &str) -> Result<Option<String>, HostError> {
        if self.labels { self.parent(path)?.label() } else { Ok(None) }
    }

    /// Changes the label of what is at `path`. `owner` is whom it should belong to.
    ///
    /// # Errors
    /// When it cannot be changed, or must not be touched (D29).
    pub fn set_label(&self, path: &str, label: &str, owner: Option<u32>) -> Result<(), HostError> {
        let at = self.parent(path)?;
        let fd = at.open_checked("label", owner)?;
        at.set_label(fd.as_fd(), label)
    }

    /// Labels the directory or link that was made at `path`: as the policy says, but for the parts of `context`.
    ///
    /// # Errors
    /// As [`Host::set_label`].
    pub fn relabel(&self, path: &str, context: Option<&Context>) -> Result<(), HostError> {
        if !self.labels {
            return Ok(());
        }
        let at = self.parent(path)?;
        let fd = at.open_entry("label")?;
        at.relabel(fd.as_fd(), self.policy(path), context)
    }

    /// Labels a file that is to take the place at `at`.
    pub(super) fn label_new(
        &self,
        at: &At<'_>,
        fd: BorrowedFd<'_>,
        context: Option<&Context>,
    ) -> Result<(), HostError> {
        if !self.labels {
            return Ok(());
        }
        let old = at.stat()?.filter(|stat| stat.kind == EntryKind::File);
        let kept = old.map_or(Ok(None), |_| at.label())?;
        at.relabel(fd, kept.or_else(|| self.policy(at.path)), context)
    }

    /// Asks for the labels of what is to be written at these paths all at once.
    pub fn ask_labels(&self, paths: &[&str]) {
        if self.labels && paths.len() > 1 {
            let asked = paths.iter().map(|path| (*path).to_owned()).zip(self.policies(paths)).collect();
            *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = asked;
        }
    }

    /// The label that the policy has for a path.
    fn policy(&self, path: &str) -> Option<String> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner).remove(path);
        asked.unwrap_or_else(|| self.policies(&[path]).into_iter().next().flatten())
    }

    /// The labels that the policy has for paths, in their order; `None` where it has none. Nothing at all where nobody can be
    /// asked: then the kernel's choice stays.
    fn policies(&self, paths: &[&str]) -> Vec<Option<String>> {
        let words: Vec<&str> = ["matchpathcon", "-n"].iter().chain(paths).copied().collect();
        let Ok(outcome) = self.run(&Invocation::of(&words).within(60)) else { return Vec::new() };
        let lines: Vec<&str> = outcome.output.lines().map(str::trim).collect();
        if !outcome.succeeded() || lines.len() != paths.len() {
            return Vec::new();
        }
        let whole = |label: &&str| label.contains(':') && !label.contains(char::is_whitespace);
        lines.into_iter().map(|label| Some(label).filter(whole).map(str::to_owned)).collect()
    }
}

impl At<'_> {
    fn label(&self) -> Result<Option<String>, HostError> {
        match self.open_entry("look at") {
            Ok(fd) => self.label_of(fd.as_fd()),
            Err(HostError::Io { cause, .. }) if super::is_missing(&cause) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn label_of(&self, fd: BorrowedFd<'_>) -> Result<Option<String>, HostError> {
        let mut bytes = Vec::with_capacity(LONGEST);
        match fs::getxattr(handle(fd), ATTRIBUTE, rustix::buffer::spare_capacity(&mut bytes)) {
            Ok(_) => {
                let text = String::from_utf8_lossy(&bytes);
                Ok(Some(text.trim_end_matches('\0').to_owned()).filter(|label| !label.is_empty()))
            }
            // A file system without labels, or a file that none was given yet.
            Err(Errno::NODATA | Errno::NOTSUP) => Ok(None),
            Err(error) => Err(self.io("read the label of", error)),
        }
    }

    fn set_label(&self, fd: BorrowedFd<'_>, label: &str) -> Result<(), HostError> {
        let label = format!("{label}\0");
        fs::setxattr(handle(fd), ATTRIBUTE, label.as_bytes(), XattrFlags::empty())
            .map_err(|error| self.io("label", error))
    }

    /// Gives what is behind a handle the label `wanted`, or else its own, with the parts of `context`.
    fn relabel(
        &self,
        fd: BorrowedFd<'_>,
        wanted: Option<String>,
        context: Option<&Context>,
    ) -> Result<(), HostError> {
        let have = self.label_of(fd)?;
        let Some(base) = wanted.or_else(|| have.clone()) else { return Ok(()) };
        let label = context.map_or_else(|| base.clone(), |context| context.over(&base));
        if have.as_ref() == Some(&label) {
            return Ok(());
        }
        match self.set_label(fd, &label) {
            Err(HostError::Io { cause, .. })
                if cause.raw_os_error() == Some(Errno::NOTSUP.raw_os_error()) =>
            {
                Ok(())
            }
            result => result,
        }
    }
}

/// A path that leads to what is behind a handle and to nothing else: attributes of a mere handle cannot be asked for.
fn handle(fd: BorrowedFd<'_>) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}
