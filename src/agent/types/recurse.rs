//! What is below a managed directory: owner, group and mode of all of it, and the purge of what the catalog
//! does not name. The list of what goes is made before anything goes.

use super::file::{Inode, Step};
use super::{Change, Failure, Node, Plan};
use crate::agent::host::{EntryKind, Stat};
use crate::model::resource::{BUCKET, FileEnsure};
use crate::model::{Resource, Spec};
use crate::shell::run::matches;
use std::collections::BTreeMap;

/// Entries below one directory, at most.
const LIMIT: usize = 100_000;

/// Adds to `plan` what is to be done below the directory, which exists.
pub(super) fn check<'a>(
    inode: &Inode<'a>,
    node: &mut Node<'_>,
    plan: &mut Plan<Step<'a>>,
) -> Result<(), Failure> {
    let file = inode.0;
    let mut todo = vec![(file.path.clone(), 1)];
    let mut seen = 0;
    let limit = file.max_files.map_or(LIMIT, |limit| limit as usize);
    while let Some((folder, level)) = todo.pop() {
        if file.recurselimit.is_some_and(|limit| level > limit) {
            continue;
        }
        for name in node.host.list(&folder)? {
            seen += 1;
            if seen > limit {
                return Err(Failure::TooMany { path: file.path.clone(), limit });
            }
            let Some(name) = name.to_str() else {
                let value = name.to_string_lossy().into_owned();
                return Err(Failure::Value { value, what: "file name in UTF-8" });
            };
            if is_ignored(inode, name) {
                continue;
            }
            let path = format!("{}/{name}", folder.trim_end_matches('/'));
            let Some(stat) = node.host.stat(&path)? else { continue };
            let fate = fate(inode, &path, &stat, node)?;
            if fate == Fate::Purged {
                let step = Step::Purge { path: path.clone() };
                let change = Change::new("purge", stat.kind.name(), "absent", step);
                plan.changes.push(change.saying(format!("{path}: purged")));
                continue;
            }
            if fate == Fate::Kept {
                inode.check_access(&path, &stat, node, plan)?;
            }
            if stat.kind == EntryKind::Directory && fate != Fate::ManagedWithAll {
                todo.push((path, level + 1));
            }
        }
    }
    Ok(())
}

#[derive(PartialEq, Eq)]
enum Fate {
    /// The catalog has a resource for it.
    Managed,
    /// The catalog has a resource for it that looks below it too.
    ManagedWithAll,
    /// It goes.
    Purged,
    /// It stays and gets the directory's owner, group and mode.
    Kept,
}

fn is_ignored(inode: &Inode<'_>, name: &str) -> bool {
    inode.0.ignore.iter().any(|pattern| matches(pattern, name))
}

/// Whether something that is left alone lies below a directory, which therefore cannot go as a whole. What cannot be
/// read may be that.
fn holds_ignored(inode: &Inode<'_>, folder: &str, node: &Node<'_>) -> Result<bool, Failure> {
    if inode.0.ignore.is_empty() {
        return Ok(false);
    }
    let mut todo = vec![folder.to_owned()];
    while let Some(folder) = todo.pop() {
        for name in node.host.list(&folder)? {
            let Some(name) = name.to_str().filter(|name| !is_ignored(inode, name)) else { return Ok(true) };
            let path = format!("{folder}/{name}");
            if node.host.stat(&path)?.is_some_and(|stat| stat.kind == EntryKind::Directory) {
                todo.push(path);
            }
        }
    }
    Ok(false)
}

fn fate(inode: &Inode<'_>, path: &str, stat: &Stat, node: &Node<'_>) -> Result<Fate, Failure> {
    match node.managed().get(path) {
        Some(true) => return Ok(Fate::ManagedWithAll),
        Some(false) => return Ok(Fate::Managed),
        None => {}
    }
    let leads_to_managed = || {
        let below = format!("{path}/");
        node.managed().range(below.clone()..).next().is_some_and(|(next, _)| next.starts_with(&below))
    };
    let directory = stat.kind == EntryKind::Directory;
    let stays = |directory: bool| -> Result<bool, Failure> {
        Ok(directory && (leads_to_managed() || !inode.0.force || holds_ignored(inode, path, node)?))
    };
    Ok(if !inode.0.purge || stays(directory)? { Fate::Kept } else { Fate::Purged })
}

/// Every path that a catalog names; `true` for a directory whose resource looks below it too.
pub(super) fn managed(catalog: &[Resource]) -> BTreeMap<String, bool> {
    let mut managed = BTreeMap::new();
    for resource in catalog {
        if let Spec::File(file) = &resource.spec {
            managed.insert(file.path.clone(), file.recurse && file.ensure == FileEnsure::Directory);
            if let Some(suffix) = file.backup.as_ref().filter(|backup| *backup != BUCKET) {
                managed.entry(format!("{}{suffix}", file.path)).or_insert(false);
            }
        }
        for path in resource.spec.paths() {
            managed.entry(path).or_insert(false);
        }
    }
    managed
}
