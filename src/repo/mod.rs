//! Git: the only user of libgit2 and of the git program.
//!
//! Objects are read with libgit2, which ignores `refs/replace`; what talks to another repository or moves
//! refs is done by the git program, told to ignore them too. Nothing here knows what a change or a
//! release is.

mod commit;
mod error;
mod id;
mod link;
mod program;
mod quarantine;
mod raw;
pub mod receive;
mod refs;
pub mod restrict;
mod site;
mod walk;
pub mod worktree;

pub use commit::{Commit, NewCommit};
pub use error::RepoError;
pub use id::Id;
pub use link::Push;
pub use quarantine::{Planted, Pushed};
pub use raw::{EntryKind, RawEntry, TreeFault, parse_tree};
pub use refs::{Expected, RefUpdate};
pub use site::{ALLOWED_SIGNERS, SITE_DIR, SiteSetup, init_site, install_hook};
pub use walk::Limits;

use std::path::{Path, PathBuf};

/// The ref that carries the versions of the trust root.
pub const TRUST_REF: &str = "refs/meta/trust";

/// One repository.
pub struct Repo {
    git: git2::Repository,
}

impl std::fmt::Debug for Repo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repo").field("path", &self.git.path()).finish()
    }
}

impl Repo {
    /// Opens the repository at `path`: a bare one, or a work tree.
    ///
    /// # Errors
    /// When there is none, or it has grafts or a shallow history (D17).
    pub fn open(path: &Path) -> Result<Self, RepoError> {
        let found = git2::Repository::open(path);
        Self::admit(found.map_err(|cause| RepoError::Open { path: path.to_owned(), cause })?)
    }

    /// Opens the repository around `path`, looking upwards as git does.
    ///
    /// # Errors
    /// As [`Repo::open`].
    pub fn discover(path: &Path) -> Result<Self, RepoError> {
        let found = git2::Repository::discover(path);
        Self::admit(found.map_err(|cause| RepoError::Open { path: path.to_owned(), cause })?)
    }

    /// Opens the repository that git names to its hooks. Only this sees objects in quarantine (D20).
    ///
    /// # Errors
    /// As [`Repo::open`].
    pub fn from_env() -> Result<Self, RepoError> {
        let found = git2::Repository::open_from_env();
        let path = PathBuf::from(std::env::var_os("GIT_DIR").unwrap_or_default());
        Self::admit(found.map_err(|cause| RepoError::Open { path, cause })?)
    }

    /// Grafts and shallow boundaries show a history that is not the one that was committed (D17).
    fn admit(git: git2::Repository) -> Result<Self, RepoError> {
        for name in ["info/grafts", "shallow"] {
            let file = git.commondir().join(name);
            if file.exists() {
                return Err(RepoError::FalseHistory { file });
            }
        }
        Ok(Self { git })
    }

    /// The repository's own directory: `.git`, or all of a bare repository.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.git.path()
    }

    /// The directory with the checked-out files, unless the repository is bare.
    #[must_use]
    pub fn workdir(&self) -> Option<&Path> {
        self.git.workdir()
    }

    /// The bytes of a blob.
    ///
    /// # Errors
    /// When it is missing or no blob.
    pub fn blob(&self, id: Id) -> Result<Vec<u8>, RepoError> {
        let blob = self.git.find_blob(id.0);
        Ok(blob.map_err(|cause| RepoError::Read { id, cause })?.content().to_vec())
    }
}

#[cfg(test)]
mod differential;

#[cfg(test)]
mod tests;
