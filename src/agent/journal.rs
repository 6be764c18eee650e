//! The journal of a run: what is about to be changed, from what, to what, and that it was. It is written before the change,
//! so that whoever comes after a crash or a power cut knows where the run stopped.
//!
//! One append-only file for each run that changes something, a line of JSON each, in the agent's directory. The line of a
//! change is durable before the change begins; that it was done may get lost, and is then found out by looking. A last
//! line that is torn is of a change that had not begun. Changes that are made together are written down together, so their
//! lines become durable at once.

use super::disk::{Disk, DiskError, Lasting};
use super::fault;
use super::undo::Undo;
use crate::model::{Ref, Stamp};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const FOLDER: &str = "journal";
const CAP: u64 = 64 << 20;
/// More bytes than the line has that ends a journal.
const LAST_LINE: u64 = 256;
/// Journals of earlier runs that are kept, for people.
const KEPT: usize = 10;

/// The run that a journal is of: its first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Random id of the run.
    pub run: String,
    /// The release that it applies.
    pub release: u64,
    /// When it began.
    pub started: Stamp,
}

/// A change that is about to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The resource.
    pub resource: Ref,
    /// The property, or `refresh`.
    pub property: String,
    /// What it is; digests instead of content.
    pub from: String,
    /// What it is to be.
    pub to: String,
    /// The file that is written, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// How to put back what was, in order; nothing where that is not wanted or cannot be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undo: Vec<Undo>,
}

/// A line of a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    Run(Header),
    Begin(u64, Change),
    Done(u64),
    Failed(u64),
    End(String),
}

/// The journal of the run at hand. Its file exists from the first change on.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    header: Header,
    open: RefCell<Open>,
}

#[derive(Debug, Default)]
struct Open {
    file: Option<File>,
    path: PathBuf,
    count: u64,
    undo: Vec<(Ref, Undo)>,
}

/// The journal could not be written, so the change was not made.
#[derive(Debug, Clone, thiserror::Error)]
#[error("cannot write the journal `{}`; nothing is changed without it", path.display())]
pub struct JournalError {
    path: PathBuf,
    #[source]
    cause: Arc<io::Error>,
}

/// Where an earlier run stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// The run.
    pub header: Header,
    /// The changes that had begun and of which it is not known that they were done, by number.
    pub begun: BTreeMap<u64, Change>,
    /// How many were done.
    pub done: usize,
    /// How to put back what was before all of them, in their order.
    pub undo: Vec<(Ref, Undo)>,
    file: String,
}

impl Journal {
    /// A journal in the agent's directory.
    #[must_use]
    pub fn new(disk: &Disk, header: Header) -> Self {
        Self { folder: disk.path(FOLDER), header, open: RefCell::default() }
    }

    /// Writes down a change that is about to be made, durably. The number is for [`Journal::ended`].
    ///
    /// # Errors
    /// When it could not be written; then the change must not be made.
    pub fn begin(&self, change: &Change) -> Result<u64, JournalError> {
        self.begin_all(std::slice::from_ref(change))
    }

    /// As [`Journal::begin`] for changes that are about to be made together. The number is that of the first; the others
    /// have those that follow.
    ///
    /// # Errors
    /// As [`Journal::begin`]; then none of the changes must be made.
    pub fn begin_all(&self, changes: &[Change]) -> Result<u64, JournalError> {
        let first = self.open.borrow().count;
        for change in changes {
            self.note(change)?;
        }
        let open = self.open.borrow();
        let synced = open.file.as_ref().map_or(Ok(()), File::sync_data);
        synced.map_err(|cause| self.error(cause)).map(|()| first)
    }

    fn note(&self, change: &Change) -> Result<(), JournalError> {
        fault::point();
        let number = self.open.borrow().count;
        self.append(&Line::Begin(number, change.clone()))?;
        let mut open = self.open.borrow_mut();
        open.count += 1;
        open.undo.extend(change.undo.iter().map(|undo| (change.resource.clone(), undo.clone())));
        drop(open);
        fault::point();
        Ok(())
    }

    /// Notes how a change ended. Losing this line costs a look at the next run, so it may get lost.
    pub fn ended(&self, number: u64, well: bool) {
        fault::point();
        drop(self.append(&if well { Line::Done(number) } else { Line::Failed(number) }));
        fault::point();
    }

    /// How to put back what was before the changes of this run, in their order.
    #[must_use]
    pub fn undo(&self) -> Vec<(Ref, Undo)> {
        self.open.borrow().undo.clone()
    }

    /// Whether anything was changed, or was about to be.
    #[must_use]
    pub fn is_used(&self) -> bool {
        self.open.borrow().file.is_some()
    }

    /// Closes the journal, if anything was changed, and lets old ones go.
    pub fn close(&self, disk: &Disk, how: &str) {
        if self.open.borrow().file.is_none() {
            return;
        }
        fault::point();
        drop(self.append(&Line::End(how.to_owned())));
        let open = self.open.borrow();
        drop(open.file.as_ref().map(File::sync_data));
        drop(open);
        fault::point();
        for old in disk.list(FOLDER).unwrap_or_default().iter().rev().skip(KEPT) {
            drop(disk.remove(&format!("{FOLDER}/{old}"), Lasting::Soon));
        }
    }

    fn append(&self, line: &Line) -> Result<(), JournalError> {
        let written = self.opened().and_then(|()| match &mut self.open.borrow_mut().file {
            Some(file) => file.write_all(&encode(line)),
            None => Ok(()),
        });
        written.map_err(|cause| self.error(cause))
    }

    fn opened(&self) -> io::Result<()> {
        let mut open = self.open.borrow_mut();
        if open.file.is_some() {
            return Ok(());
        }
        let fresh = !self.folder.is_dir();
        if fresh {
            DirBuilder::new().mode(0o700).create(&self.folder)?;
        }
        // By number, not by time: a clock may stand still or go back.
        let name = |last: u64| format!("{:012}-{}.jsonl", last + 1, self.header.run);
        let path = self.folder.join(name(last(&self.folder)?));
        let mut options = OpenOptions::new();
        let mut file = options.append(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(&encode(&Line::Run(self.header.clone())))?;
        // The name of the file, too, is there before the first change.
        File::open(&self.folder)?.sync_all()?;
        if let Some(parent) = self.folder.parent().filter(|_| fresh) {
            File::open(parent)?.sync_all()?;
        }
        (open.file, open.path) = (Some(file), path);
        Ok(())
    }

    fn error(&self, cause: io::Error) -> JournalError {
        let path = self.open.borrow().path.clone();
        let path = if path.as_os_str().is_empty() { self.folder.clone() } else { path };
        JournalError { path, cause: Arc::new(cause) }
    }
}

/// The number of the newest journal in the folder; 0 when there is none.
fn last(folder: &Path) -> io::Result<u64> {
    let mut last = 0;
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.split('-').next()?.parse().ok());
        last = last.max(number.unwrap_or(0));
    }
    Ok(last)
}

fn encode(line: &Line) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(line).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// Where the last run that changed something stopped, if it did not come to its end.
///
/// # Errors
/// When the agent's directory cannot be used.
pub fn unfinished(disk: &Disk) -> Result<Option<Unfinished>, DiskError> {
    let Some(file) = disk.list(FOLDER)?.pop() else { return Ok(None) };
    let name = format!("{FOLDER}/{file}");
    // Nearly always it did, and says so at its end.
    let last = disk.tail(&name, LAST_LINE)?.unwrap_or_default();
    let last = last.trim_ascii_end().rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    if matches!(serde_json::from_slice(last), Ok(Line::End(_))) {
        return Ok(None);
    }
    let bytes = disk.read(&name, CAP)?.unwrap_or_default();
    let mut found: Option<Unfinished> = None;
    for line in bytes.split(|byte| *byte == b'\n') {
        let Ok(line) = serde_json::from_slice::<Line>(line) else { continue };
        match (line, &mut found) {
            (Line::Run(header), _) => {
                let (begun, file) = (BTreeMap::new(), file.clone());
                found = Some(Unfinished { header, begun, done: 0, undo: Vec::new(), file });
            }
            (Line::End(_), _) => return Ok(None),
            (_, None) => {}
            (Line::Begin(number, change), Some(found)) => {
                let undo = change.undo.iter().map(|undo| (change.resource.clone(), undo.clone()));
                found.undo.extend(undo);
                found.begun.insert(number, change);
            }
            (Line::Done(number) | Line::Failed(number), Some(found)) => {
                found.done += usize::from(found.begun.remove(&number).is_some());
            }
        }
    }
    Ok(found)
}

/// Notes that a later run has taken up where this one stopped.
///
/// # Errors
/// When the agent's directory cannot be used.
pub fn take_up(disk: &Disk, unfinished: &Unfinished) -> Result<(), DiskError> {
    let name = format!("{FOLDER}/{}", unfinished.file);
    let mut bytes = disk.read(&name, CAP)?.unwrap_or_default();
    if !bytes.ends_with(b"\n") {
        bytes.push(b'\n');
    }
    bytes.extend(encode(&Line::End("taken up by a later run".into())));
    disk.write(&name, &bytes)
}

#[cfg(test)]
mod tests;
