//! From a commit to the files of a site: every tree read raw, every size looked at before it is read (D16, D19).

use super::raw::{EntryKind, parse_tree};
use super::{Id, Repo, RepoError};
use crate::model::tree::check_path;
use crate::model::{Finding, Place, Tree};

/// How much a tree may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one file.
    pub file: usize,
    /// Files and folders.
    pub entries: usize,
    /// Bytes of all files.
    pub total: usize,
}

impl Limits {
    /// What a site may hold.
    pub const SITE: Self = Self { file: 1 << 20, entries: 20_000, total: 64 << 20 };
    /// What a record of ours (a change, a release, the trust root) may hold.
    pub const RECORD: Self = Self { file: 16 << 20, entries: 10_000, total: 128 << 20 };
    /// What a release may hold: a catalog for each node and the blobs that they name.
    pub const RELEASE: Self = Self { file: 16 << 20, entries: 400_000, total: 4 << 30 };
    /// What somebody pushes as a review.
    pub const REVIEW: Self = Self { file: 64 << 10, entries: 4, total: 128 << 10 };
}

impl Repo {
    /// The files of a commit.
    ///
    /// # Errors
    /// [`RepoError::Tree`] with all findings when the tree holds what it may not; another error when an
    /// object is missing.
    pub fn read_tree(&self, commit: Id, limits: Limits) -> Result<Tree, RepoError> {
        let mut walk = Walk::new(self, limits);
        walk.folder(self.commit(commit)?.tree, "")?;
        walk.finish()
    }

    /// One file of a commit that we made.
    ///
    /// # Errors
    /// When it is missing.
    pub fn read_file(&self, commit: Id, path: &str) -> Result<Vec<u8>, RepoError> {
        let broken = |cause| RepoError::Read { id: commit, cause };
        let tree = self.git.find_commit(commit.0).and_then(|commit| commit.tree()).map_err(broken)?;
        let entry = tree.get_path(std::path::Path::new(path)).map_err(broken)?;
        self.blob(Id(entry.id()))
    }

    /// Checks the trees of several commits as [`Repo::read_tree`] does, each object once.
    ///
    /// # Errors
    /// As [`Repo::read_tree`].
    pub fn check_trees(&self, commits: &[Id], limits: Limits) -> Result<(), RepoError> {
        let mut seen = std::collections::BTreeSet::new();
        for commit in commits {
            let tree = self.commit(*commit)?.tree;
            if seen.insert(tree) {
                let mut walk = Walk::new(self, limits);
                walk.folder(tree, "")?;
                walk.finish()?;
            }
        }
        Ok(())
    }
}

struct Walk<'a> {
    odb: Result<git2::Odb<'a>, git2::Error>,
    limits: Limits,
    entries: usize,
    bytes: usize,
    tree: Tree,
    findings: Vec<Finding>,
}

impl<'a> Walk<'a> {
    fn new(repo: &'a Repo, limits: Limits) -> Self {
        let odb = repo.git.odb();
        Self { odb, limits, entries: 0, bytes: 0, tree: Tree::default(), findings: Vec::new() }
    }

    fn finish(self) -> Result<Tree, RepoError> {
        if self.findings.is_empty() { Ok(self.tree) } else { Err(RepoError::Tree(self.findings)) }
    }

    fn refuse(&mut self, place: &str, message: impl Into<String>) {
        let file = if place.is_empty() { "<tree>" } else { place };
        self.findings.push(Finding::error("tree-form", message, Place::file(file)));
    }

    fn folder(&mut self, id: Id, path: &str) -> Result<(), RepoError> {
        // Looking at the size first means that no bomb is ever unpacked.
        let Some(bytes) = self.read(id, git2::ObjectType::Tree, path, self.limits.entries * 64)? else {
            return Ok(());
        };
        let entries = match parse_tree(&bytes) {
            Ok(entries) => entries,
            Err(faults) => {
                for fault in faults {
                    self.refuse(path, fault.to_string());
                }
                return Ok(());
            }
        };
        for entry in entries {
            self.entries += 1;
            if self.entries > self.limits.entries {
                if self.entries == self.limits.entries + 1 {
                    self.refuse(path, format!("more than {} files and folders", self.limits.entries));
                }
                return Ok(());
            }
            let path = if path.is_empty() { entry.name.clone() } else { format!("{path}/{}", entry.name) };
            match (check_path(&path), entry.kind) {
                (Err(error), _) => self.refuse("", error.to_string()),
                (Ok(()), EntryKind::Folder) => self.folder(entry.id, &path)?,
                (Ok(()), EntryKind::File) => self.file(entry.id, &path)?,
            }
        }
        Ok(())
    }

    fn file(&mut self, id: Id, path: &str) -> Result<(), RepoError> {
        let room = self.limits.total.saturating_sub(self.bytes);
        if room == 0 {
            return Ok(());
        }
        let Some(bytes) = self.read(id, git2::ObjectType::Blob, path, self.limits.file)? else {
            return Ok(());
        };
        self.bytes += bytes.len();
        if self.bytes > self.limits.total {
            self.bytes = self.limits.total;
            self.refuse(path, format!("all files together have more than {} bytes", self.limits.total));
        } else if let Err(error) = self.tree.insert(path, bytes) {
            self.refuse("", error.to_string());
        }
        Ok(())
    }

    /// The bytes of an object; `None`, with a finding, when it is of another type or too large.
    fn read(
        &mut self,
        id: Id,
        kind: git2::ObjectType,
        path: &str,
        cap: usize,
    ) -> Result<Option<Vec<u8>>, RepoError> {
        let broken = |cause| RepoError::Read { id, cause };
        let odb = self.odb.as_ref().map_err(|e| broken(git2::Error::from_str(e.message())))?;
        let (size, found) = odb.read_header(id.0).map_err(broken)?;
        if found != kind {
            self.refuse(path, format!("object `{id}` is a {found}, where a {kind} belongs"));
            return Ok(None);
        }
        if size > cap {
            self.refuse(path, format!("it has {size} bytes; at most {cap} are allowed"));
            return Ok(None);
        }
        Ok(Some(odb.read(id.0).map_err(broken)?.data().to_vec()))
    }
}
