//! Reading a site from files on disk, before anything is committed.

use super::program::Git;
use super::{Limits, RepoError};
use crate::model::{Finding, Place, Tree};
use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// The site files below `dir`: what git tracks or would add, or every file where there is no git.
///
/// # Errors
/// [`RepoError::Tree`] with all findings when there is what a site may not hold (D16).
pub fn read(dir: &Path) -> Result<Tree, RepoError> {
    let listed = Git::inside(dir, "ls-files").args(["-z", "-co", "--exclude-standard"]).output();
    let paths = match listed {
        Ok(list) => list.split(|b| *b == 0).filter(|p| !p.is_empty()).map(lossy).collect(),
        Err(RepoError::Git { .. }) => {
            let mut paths = BTreeSet::new();
            walk(dir, "", &mut paths)?;
            paths
        }
        Err(error) => return Err(error),
    };
    let mut tree = Tree::default();
    let mut findings = Vec::new();
    for path in &paths {
        if let Err(message) = add(dir, path, &mut tree)? {
            findings.push(Finding::error("tree-form", message, Place::file(path.as_str())));
        }
    }
    if findings.is_empty() { Ok(tree) } else { Err(RepoError::Tree(findings)) }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn walk(dir: &Path, prefix: &str, paths: &mut BTreeSet<String>) -> Result<(), RepoError> {
    let failed = |cause| RepoError::File { what: "list", path: dir.to_owned(), cause };
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().map_err(failed)?.is_dir() {
            walk(&entry.path(), &format!("{path}/"), paths)?;
        } else {
            paths.insert(path);
        }
    }
    Ok(())
}

/// Adds one file; the inner error is what is wrong with it. A tracked file that is gone is gone.
fn add(dir: &Path, path: &str, tree: &mut Tree) -> Result<Result<(), String>, RepoError> {
    let file = dir.join(path);
    let failed = |cause| RepoError::File { what: "read", path: file.clone(), cause };
    let meta = match std::fs::symlink_metadata(&file) {
        Ok(meta) => meta,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Ok(())),
        Err(cause) => return Err(failed(cause)),
    };
    if !meta.is_file() {
        return Ok(Err("only plain files and folders are allowed in a site".into()));
    }
    if meta.mode() & 0o100 != 0 {
        let message = "an executable file; a site has none: remove the bit with `chmod a-x`";
        return Ok(Err(message.into()));
    }
    if meta.len() > Limits::SITE.file as u64 {
        return Ok(Err(format!("it has {} bytes; at most {} are allowed", meta.len(), Limits::SITE.file)));
    }
    let bytes = std::fs::read(&file).map_err(failed)?;
    Ok(tree.insert(path, bytes).map_err(|error| error.to_string()))
}
