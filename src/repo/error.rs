//! What can go wrong with a repository.

use super::Id;
use crate::model::Finding;
use std::path::PathBuf;

/// Why the repository did not give or take something.
#[derive(Debug, thiserror::Error)]
pub enum RepoError {
    /// There is no repository.
    #[error("cannot open a git repository at `{}`", .path.display())]
    Open {
        /// Where it was looked for.
        path: PathBuf,
        /// What libgit2 said.
        #[source]
        cause: git2::Error,
    },
    /// The repository shows a history that is not the one that was committed.
    #[error("`{}` changes what history looks like; remove it (a shallow clone needs `git fetch --unshallow`)", .file.display())]
    FalseHistory {
        /// `info/grafts` or `shallow`.
        file: PathBuf,
    },
    /// Text that is no object id.
    #[error("`{}` is not a git object id: 40 lower-case hexadecimal digits", .0.escape_default())]
    IdForm(String),
    /// An object is missing, damaged or of another type.
    #[error("cannot read object `{id}`")]
    Read {
        /// The object.
        id: Id,
        /// What libgit2 said.
        #[source]
        cause: git2::Error,
    },
    /// An object could not be stored.
    #[error("cannot store {what}")]
    Write {
        /// What it was.
        what: &'static str,
        /// What libgit2 said.
        #[source]
        cause: git2::Error,
    },
    /// A ref could not be read.
    #[error("cannot read ref `{}`", .name.escape_default())]
    Ref {
        /// Its name.
        name: String,
        /// What libgit2 said.
        #[source]
        cause: git2::Error,
    },
    /// A tree holds what a site may not hold: all faults at once.
    #[error("{} of the tree's entries are not allowed in a site", .0.len())]
    Tree(Vec<Finding>),
    /// A hook that git did not run for a push, or that was kept from seeing what was pushed.
    #[error("git does not say where the objects of the push are; without them nothing is judged")]
    NoQuarantine,
    /// Something else than git's own request for this repository.
    #[error("`{}` is not served here; only `git push` and `git fetch` for this server's repository are", .0.escape_default())]
    Request(String),
    /// A push that brings too much.
    #[error("the push brings more than {most} {what}")]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// How much is allowed.
        most: u64,
    },
    /// A file could not be read or written.
    #[error("cannot {what} `{}`", .path.display())]
    File {
        /// What was attempted.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
    /// The git program could not be started.
    #[error("cannot run `git`")]
    Start(#[source] std::io::Error),
    /// The git program failed.
    #[error("`git {command}` failed: {said}")]
    Git {
        /// The subcommand.
        command: String,
        /// What it said, without escape sequences.
        said: String,
    },
}
