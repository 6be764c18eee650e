//! Keeping what a `file` was before it is changed.

use super::file::Inode;
use super::{Failure, Node};
use crate::agent::bucket::MAX_FILE;
use crate::agent::host::{EntryKind, NewFile, Owner};
use crate::model::resource::BUCKET;

impl Inode<'_> {
    /// Keeps the old file: in the bucket, or beside the new one and readable by the same people.
    pub(super) fn back_up(&self, path: &str, node: &Node<'_>) -> Result<(), Failure> {
        let Some(backup) = &self.0.backup else { return Ok(()) };
        if backup.is_empty() || backup.contains('/') {
            return Err(Failure::Value { value: backup.clone(), what: "suffix of a backup" });
        }
        let Some(stat) = node.host.stat(path)?.filter(|s| s.kind == EntryKind::File) else { return Ok(()) };
        if backup == BUCKET {
            let old = node.host.read_managed(path, MAX_FILE, Some(stat.uid))?;
            node.bucket.keep(path, &old, &stat)?;
            return Ok(());
        }
        let old = node.host.read_managed(path, u64::MAX, Some(stat.uid))?;
        let owner = Owner { uid: Some(stat.uid), gid: Some(stat.gid) };
        let copy = NewFile { content: &old, mode: Some(stat.mode), owner, context: None, validate: None };
        Ok(node.host.write(&format!("{path}{backup}"), &copy)?)
    }
}
