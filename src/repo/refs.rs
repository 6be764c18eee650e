//! Refs: listing them, and moving several of them all together or not at all.

use super::program::Git;
use super::{Id, Repo, RepoError};
use std::path::PathBuf;
use std::time::Duration;

/// How long a git that moves a ref may take for it; most take milliseconds.
const STALE: Duration = Duration::from_secs(1);

/// One step of a transaction: make or move a ref.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefUpdate {
    /// The full name.
    pub name: String,
    /// What it must be before.
    pub old: Expected,
    /// What it is afterwards.
    pub new: Id,
}

/// What a ref must be before it is moved, or nothing moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// It must not exist.
    Absent,
    /// It must be this.
    At(Id),
}

impl From<Option<Id>> for Expected {
    fn from(id: Option<Id>) -> Self {
        id.filter(|id| !id.is_zero()).map_or(Self::Absent, Self::At)
    }
}

impl Repo {
    /// What a ref points to; `None` when there is no such ref.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn resolve(&self, name: &str) -> Result<Option<Id>, RepoError> {
        match self.git.refname_to_id(name) {
            Ok(id) => Ok(Some(Id(id))),
            Err(cause) if cause.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(cause) => Err(RepoError::Ref { name: name.to_owned(), cause }),
        }
    }

    /// What a name for people means: a branch, a tag, an id or a part of one.
    ///
    /// # Errors
    /// When it means no commit.
    pub fn revision(&self, text: &str) -> Result<Id, RepoError> {
        let object = self.git.revparse_single(text).and_then(|o| o.peel_to_commit());
        object.map(|c| Id(c.id())).map_err(|cause| RepoError::Ref { name: text.to_owned(), cause })
    }

    /// All refs whose name starts with `prefix`, in ascending order of their names.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn refs(&self, prefix: &str) -> Result<Vec<(String, Id)>, RepoError> {
        let failed = |cause| RepoError::Ref { name: prefix.to_owned(), cause };
        let mut found = Vec::new();
        for reference in self.git.references_glob(&format!("{prefix}*")).map_err(failed)? {
            let reference = reference.map_err(failed)?;
            if let (Ok(name), Some(id)) = (reference.name(), reference.target()) {
                found.push((name.to_owned(), Id(id)));
            }
        }
        found.sort();
        Ok(found)
    }

    /// Makes or moves refs in one transaction. On a server it is called under [`Repo::lock`]: a lock of git's own that
    /// stays all the same is that of a git that was killed, and goes.
    ///
    /// # Errors
    /// When any of them is not what was expected; none has moved then.
    pub fn update(&self, updates: &[RefUpdate]) -> Result<(), RepoError> {
        match self.try_update(updates) {
            Err(_) if self.clear_stale_locks(updates) => self.try_update(updates),
            done => done,
        }
    }

    /// Removes the locks of these refs that nobody lets go of. Whether there were any.
    fn clear_stale_locks(&self, updates: &[RefUpdate]) -> bool {
        let lock = |update: &RefUpdate| self.path().join(format!("{}.lock", update.name));
        let made = |path: PathBuf| Some((path.metadata().ok()?.modified().ok()?, path));
        let held: Vec<_> = updates.iter().map(lock).filter_map(made).collect();
        if held.is_empty() {
            return false;
        }
        std::thread::sleep(STALE);
        let stale =
            held.into_iter().filter(|(time, path)| made(path.clone()).is_some_and(|(now, _)| now == *time));
        stale.for_each(|(_, path)| drop(std::fs::remove_file(path)));
        true
    }

    fn try_update(&self, updates: &[RefUpdate]) -> Result<(), RepoError> {
        let mut script = String::from("start\n");
        for RefUpdate { name, old, new } in updates {
            let old = match old {
                Expected::Absent => Id::ZERO,
                Expected::At(id) => *id,
            };
            script.push_str(&format!("update {name} {new} {old}\n"));
        }
        script.push_str("prepare\ncommit\n");
        Git::at(self.path(), "update-ref").args(["--stdin"]).feed(script.as_bytes())
    }
}
