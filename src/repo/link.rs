//! Talking to another repository with the stock git program: clones fetch and push as their users do.

use super::program::Git;
use super::{Repo, RepoError};

/// One signed push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push<'a> {
    /// The name or address of the remote repository.
    pub remote: &'a str,
    /// What goes where, for example `HEAD:refs/for/production`.
    pub refspec: &'a str,
    /// Push options.
    pub options: &'a [String],
}

impl Repo {
    /// Fetches `refspecs` from `remote` and forgets what is no longer there.
    ///
    /// # Errors
    /// When git fails.
    pub fn fetch(&self, remote: &str, refspecs: &[&str]) -> Result<(), RepoError> {
        let fetch = Git::at(self.path(), "fetch").args(["--quiet", "--no-tags", remote]);
        fetch.args(refspecs).output().map(drop)
    }

    /// Pushes with a signed certificate; git and the server talk to standard error.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub fn push(&self, push: &Push<'_>) -> Result<(), RepoError> {
        let options = push.options.iter().map(|option| format!("--push-option={option}"));
        let git = Git::at(self.path(), "push").args(["--signed"]).args(options);
        git.args([push.remote, push.refspec]).shown()
    }

    /// Runs git's own check of all objects.
    ///
    /// # Errors
    /// When it finds something.
    pub fn fsck(&self) -> Result<(), RepoError> {
        Git::at(self.path(), "fsck").args(["--strict", "--no-dangling", "--no-progress"]).output().map(drop)
    }
}
