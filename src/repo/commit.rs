//! Commits: reading them, asking how they descend, and making one out of files.

use super::{Id, Repo, RepoError};
use crate::model::{Stamp, Tree};

/// A commit as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its id.
    pub id: Id,
    /// Its tree.
    pub tree: Id,
    /// Its parents, the first one first.
    pub parents: Vec<Id>,
    /// Its message. Bytes that are no UTF-8 are replaced.
    pub message: String,
    /// When it was committed.
    pub time: Stamp,
    /// The armoured signature and the bytes that it covers.
    pub signature: Option<(Vec<u8>, Vec<u8>)>,
}

/// A commit to be made by us, with files given in full.
#[derive(Debug)]
pub struct NewCommit<'a> {
    /// All its files.
    pub files: &'a Tree,
    /// Its parents.
    pub parents: &'a [Id],
    /// Its message.
    pub message: &'a str,
    /// When it is made.
    pub time: Stamp,
}

impl Repo {
    /// Reads a commit.
    ///
    /// # Errors
    /// When it is missing or no commit.
    pub fn commit(&self, id: Id) -> Result<Commit, RepoError> {
        let commit = self.git.find_commit(id.0).map_err(|cause| RepoError::Read { id, cause })?;
        let signature = self.git.extract_signature(&id.0, None).ok();
        Ok(Commit {
            id,
            tree: Id(commit.tree_id()),
            parents: commit.parent_ids().map(Id).collect(),
            message: String::from_utf8_lossy(commit.message_bytes()).into_owned(),
            time: Stamp::from_unix(commit.time().seconds()),
            signature: signature.map(|(armour, bytes)| (armour_lines(&armour), bytes.to_vec())),
        })
    }

    /// Whether `tip` is `base` or comes after it. Everything comes after [`Id::ZERO`].
    ///
    /// # Errors
    /// When a commit is missing.
    pub fn descends(&self, tip: Id, base: Id) -> Result<bool, RepoError> {
        if base.is_zero() || tip == base {
            return Ok(true);
        }
        self.git.graph_descendant_of(tip.0, base.0).map_err(|cause| RepoError::Read { id: tip, cause })
    }

    /// The commits reachable from `tip` and not from `base`, newest first, at most `max + 1` of them.
    ///
    /// # Errors
    /// When a commit is missing.
    pub fn range(&self, base: Id, tip: Id, max: usize) -> Result<Vec<Id>, RepoError> {
        let broken = |cause| RepoError::Read { id: tip, cause };
        let mut walk = self.git.revwalk().map_err(broken)?;
        walk.push(tip.0).map_err(broken)?;
        if !base.is_zero() {
            walk.hide(base.0).map_err(broken)?;
        }
        walk.take(max + 1).map(|id| id.map(Id).map_err(broken)).collect()
    }

    /// Stores a commit with exactly the given files.
    ///
    /// # Errors
    /// When the object database refuses.
    pub fn write_commit(&self, new: &NewCommit<'_>) -> Result<Id, RepoError> {
        let failed = |cause| RepoError::Write { what: "a commit", cause };
        let mut update = git2::build::TreeUpdateBuilder::new();
        for (path, bytes) in new.files.iter() {
            let blob = self.git.blob(bytes).map_err(failed)?;
            update.upsert(path, blob, git2::FileMode::Blob);
        }
        let empty = self.git.treebuilder(None).and_then(|b| b.write()).map_err(failed)?;
        let empty = self.git.find_tree(empty).map_err(failed)?;
        let tree = update.create_updated(&self.git, &empty).map_err(failed)?;
        self.store(tree, new)
    }

    /// Stores a commit with the tree of another commit: the old content with a new history.
    ///
    /// # Errors
    /// When `content` is missing or the object database refuses.
    pub fn write_commit_of(&self, content: Id, new: &NewCommit<'_>) -> Result<Id, RepoError> {
        self.store(self.commit(content)?.tree.0, new)
    }

    fn store(&self, tree: git2::Oid, new: &NewCommit<'_>) -> Result<Id, RepoError> {
        let failed = |cause| RepoError::Write { what: "a commit", cause };
        let who = git2::Signature::new(
            "Countersign",
            "countersign@localhost",
            &git2::Time::new(new.time.unix(), 0),
        );
        let who = who.map_err(failed)?;
        let tree = self.git.find_tree(tree).map_err(failed)?;
        let parents: Result<Vec<_>, _> = new.parents.iter().map(|id| self.git.find_commit(id.0)).collect();
        let parents = parents.map_err(failed)?;
        let parents: Vec<_> = parents.iter().collect();
        self.git.commit(None, &who, &who, new.message, &tree, &parents).map(Id).map_err(failed)
    }
}

/// The header has the armour without its last line feed.
fn armour_lines(armour: &[u8]) -> Vec<u8> {
    [armour.trim_ascii_end(), b"\n"].concat()
}
