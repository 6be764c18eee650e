//! What is in an archive, whatever its form: judged before anything is written. A name or a link that could leave the folder it
//! is unpacked into, and whatever is neither file, folder nor link, is refused with the whole archive. No I/O.

use std::collections::BTreeMap;
use std::ops::Range;

/// Entries of an archive, at most.
const ENTRIES: usize = 200_000;

/// Something in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Where it goes, below the folder: names with `/` between them.
    pub(super) path: String,
    pub(super) what: What,
}

/// What it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Folder,
    /// Where its bytes are in the archive, and whether its owner may execute it.
    File(Range<usize>, bool),
    /// A link to somewhere in the folder.
    Link(String),
}

/// Why an archive is not unpacked.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ArchiveError {
    #[error("it cannot be read: {0}")]
    Form(&'static str),
    #[error("`{}` in it could be outside of its folder", .0.escape_default())]
    Outside(String),
    #[error("the link `{}` in it leads to `{}`, out of its folder", .0.escape_default(), .1.escape_default())]
    Leads(String, String),
    #[error("`{}` in it is behind the link `{}`", .0.escape_default(), .1.escape_default())]
    Behind(String, String),
    #[error("`{}` in it is neither a file nor a folder nor a link (type `{}`)", .0.escape_default(), .1.escape_default())]
    Kind(String, char),
    #[error("`{}` is in it twice as different things", .0.escape_default())]
    Twice(String),
    #[error("it has more than {ENTRIES} entries")]
    Many,
}

/// All of it, in its order, with `strip` folders left off the front of each name. Of two files with one name the later counts,
/// as with tar.
pub(super) fn judged(members: Vec<Member>, strip: usize) -> Result<Vec<Entry>, ArchiveError> {
    let mut found: BTreeMap<String, Entry> = BTreeMap::new();
    let mut order = Vec::new();
    for raw in members {
        let Some(path) = below(&raw.path, strip)? else { continue };
        let what = match raw.kind {
            '0' => What::File(raw.content, raw.mode & 0o100 != 0),
            '5' => What::Folder,
            '2' => What::Link(stays(&path, &raw.link)?),
            // Another name of a file before it: here, the same content once more.
            '1' => match below(&raw.link, strip)?.and_then(|target| found.get(&target)) {
                Some(Entry { what: What::File(content, executable), .. }) => {
                    What::File(content.clone(), *executable)
                }
                _ => return Err(ArchiveError::Leads(path, raw.link)),
            },
            kind => return Err(ArchiveError::Kind(path, kind)),
        };
        let entry = Entry { path: path.clone(), what };
        match found.get(&path) {
            None => order.push(path.clone()),
            Some(old) if std::mem::discriminant(&old.what) == std::mem::discriminant(&entry.what) => {}
            Some(_) => return Err(ArchiveError::Twice(path)),
        }
        found.insert(path, entry);
        if order.len() > ENTRIES {
            return Err(ArchiveError::Many);
        }
    }
    for entry in found.values() {
        let parents = entry.path.match_indices('/').map(|(at, _)| &entry.path[..at]);
        for parent in parents {
            match found.get(parent).map(|parent| &parent.what) {
                Some(What::Link(_)) => {
                    return Err(ArchiveError::Behind(entry.path.clone(), parent.to_owned()));
                }
                Some(What::File(..)) => return Err(ArchiveError::Twice(parent.to_owned())),
                Some(What::Folder) | None => {}
            }
        }
    }
    Ok(order.into_iter().filter_map(|path| found.remove(&path)).collect())
}

/// The name without its first `strip` parts; `None` where nothing is left of it.
fn below(path: &str, strip: usize) -> Result<Option<String>, ArchiveError> {
    let outside = path.starts_with('/')
        || path.contains(['\0', '\\'])
        || path.chars().any(char::is_control)
        || path.split('/').any(|part| part == "..");
    if outside {
        return Err(ArchiveError::Outside(path.to_owned()));
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).skip(strip).collect();
    Ok((!parts.is_empty()).then(|| parts.join("/")))
}

/// The target of a link, where it stays in the folder. No `..` behind a name: the name could be that of another link, and
/// then `..` is not where it seems to be.
fn stays(path: &str, target: &str) -> Result<String, ArchiveError> {
    let leads = || ArchiveError::Leads(path.to_owned(), target.to_owned());
    if target.is_empty() || target.starts_with('/') || target.chars().any(char::is_control) {
        return Err(leads());
    }
    let (mut depth, mut named) = (path.matches('/').count(), false);
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." if named => return Err(leads()),
            ".." => depth = depth.checked_sub(1).ok_or_else(leads)?,
            _ => named = true,
        }
    }
    Ok(target.to_owned())
}

/// Something as it stands in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) path: String,
    /// Where a link leads.
    pub(super) link: String,
    pub(super) mode: u64,
    /// In the letters of tar: `0` a file, `1` another name of one, `2` a link, `5` a folder.
    pub(super) kind: char,
    /// Where its bytes are in what was unpacked.
    pub(super) content: Range<usize>,
}
