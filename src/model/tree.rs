//! The files of a site at one commit, as plain bytes: the only input of loading, linting and compiling.

use super::Digest;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// Site files by path. Paths are relative, `/`-separated, without empty, `.` or `..` parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree(BTreeMap<String, Vec<u8>>);

/// A path that a site may not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no path of a site: {why}", .path.escape_default())]
pub struct PathError {
    /// The path as given.
    pub path: String,
    /// The rule that it breaks.
    pub why: &'static str,
}

/// Parts of a path, at most.
const MAX_DEPTH: usize = 16;
/// Bytes of a path, at most.
const MAX_PATH: usize = 255;

impl Tree {
    /// Adds a file; a file of that path is replaced.
    ///
    /// # Errors
    /// When the path could mean another place on another machine (D16).
    pub fn insert(&mut self, path: &str, content: Vec<u8>) -> Result<(), PathError> {
        check_path(path)?;
        self.0.insert(path.to_owned(), content);
        Ok(())
    }

    /// The bytes of the file at `path`.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.0.get(path).map(Vec::as_slice)
    }

    /// All files in ascending byte order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
    }

    /// The files below the folder `prefix` (which ends with `/`), in ascending order.
    pub fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        let from = self.0.range::<str, _>((std::ops::Bound::Included(prefix), std::ops::Bound::Unbounded));
        from.take_while(move |(path, _)| path.starts_with(prefix)).map(|(p, b)| (p.as_str(), b.as_slice()))
    }

    /// Number of files.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the tree has no file.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The SHA-256 over the sorted manifest, one line `100644 <path> <64 hex>\n` per file (D18).
    #[must_use]
    pub fn manifest_digest(&self) -> Digest {
        self.digest_where(|_| true)
    }

    /// The manifest digest of the files whose path `wanted` accepts.
    #[must_use]
    pub fn digest_where(&self, wanted: impl Fn(&str) -> bool) -> Digest {
        let mut hash = Sha256::new();
        for (path, bytes) in self.iter().filter(|(path, _)| wanted(path)) {
            hash.update(format!("100644 {path} {}\n", Digest::of(bytes).hex()));
        }
        Digest::from_bytes(hash.finalize().into())
    }
}

/// Checks that `path` names one place, the same on every machine (D16).
///
/// # Errors
/// When it is absolute, too long or deep, leaves its folder, or has characters outside the portable set.
pub fn check_path(path: &str) -> Result<(), PathError> {
    let fail = |why| Err(PathError { path: path.to_owned(), why });
    if path.is_empty() || path.len() > MAX_PATH {
        return fail("it must have 1 to 255 bytes");
    }
    if path.split('/').count() > MAX_DEPTH {
        return fail("it is more than 16 levels deep");
    }
    for part in path.split('/') {
        if part.is_empty() || part == "." || part == ".." {
            return fail("it has an empty, `.` or `..` part");
        }
        if !part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '@')) {
            return fail("it has a character outside A-Z a-z 0-9 . _ - + @");
        }
        if part.ends_with('.') {
            return fail("a part ends with a dot");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d16_paths_name_one_place() {
        for good in ["a", "modules/x/files/a.b", ".gitignore", "data/group/web+db.toml"] {
            assert!(check_path(good).is_ok(), "{good}");
        }
        let deep = "a/".repeat(16) + "a";
        for bad in ["", "/a", "a/", "a//b", "./a", "a/../b", "a b", "a\\b", "ä", "a.", "a\n", &deep] {
            assert!(check_path(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn d18_the_manifest_binds_paths_and_bytes() {
        let tree = |path: &str, bytes: &[u8]| {
            let mut tree = Tree::default();
            tree.insert(path, bytes.to_vec()).map(|()| tree.manifest_digest())
        };
        assert_ne!(tree("a", b"x"), tree("b", b"x"));
        assert_ne!(tree("a", b"x"), tree("a", b"y"));
    }
}
