//! Reading the raw bytes of a tree object, as strictly as admission needs (D16).
//!
//! Neither git nor libgit2 is asked what a tree means: both tolerate trees that they read differently.

use super::Id;

/// One entry of a tree object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawEntry {
    /// A file or a folder.
    pub kind: EntryKind,
    /// Its name, portable ASCII.
    pub name: String,
    /// The object.
    pub id: Id,
}

/// What a site's tree may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file without the executable bit, mode 100644.
    File,
    /// A folder, mode 40000.
    Folder,
}

/// Why a tree object is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeFault {
    /// The bytes do not parse.
    #[error("the tree object is damaged")]
    Damaged,
    /// A mode other than the two allowed ones.
    #[error("`{name}` is {what} (mode {mode}); only plain files and folders are allowed")]
    Mode {
        /// The entry.
        name: String,
        /// What git means by the mode.
        what: &'static str,
        /// The mode as written in the tree.
        mode: String,
    },
    /// A name that could mean another place on another machine.
    #[error("`{}` is no allowed name: {why}", .name.escape_default())]
    Name {
        /// The name.
        name: String,
        /// The rule that it breaks.
        why: &'static str,
    },
    /// Entries out of git's order, or one name twice.
    #[error("`{name}` comes after `{before}`: entries are repeated or out of order")]
    Order {
        /// The entry before.
        before: String,
        /// The entry that should not follow it.
        name: String,
    },
    /// Two names that some file systems take for one.
    #[error("`{first}` and `{second}` differ only in upper and lower case")]
    Twins {
        /// The earlier one.
        first: String,
        /// The later one.
        second: String,
    },
}

/// Names starting with `.git` that a site may have.
const GIT_NAMES: [&str; 3] = [".gitattributes", ".gitignore", ".gitkeep"];

/// Reads a tree object.
///
/// # Errors
/// All faults; the entries count for nothing then.
pub fn parse_tree(bytes: &[u8]) -> Result<Vec<RawEntry>, Vec<TreeFault>> {
    let mut entries: Vec<RawEntry> = Vec::new();
    let mut faults = Vec::new();
    let mut previous: Option<(String, bool)> = None;
    let mut folded = std::collections::BTreeMap::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let Some(Split { mode, name, id, rest: after }) = split_entry(rest) else {
            faults.push(TreeFault::Damaged);
            break;
        };
        rest = after;
        let name = String::from_utf8_lossy(name).into_owned();
        let folder = mode == b"40000";
        faults.extend(name_fault(&name));
        if let Some((before, before_folder)) = &previous
            && order_key(before, *before_folder) >= order_key(&name, folder)
        {
            faults.push(TreeFault::Order { before: before.clone(), name: name.clone() });
        }
        if let Some(first) = folded.insert(name.to_ascii_lowercase(), name.clone()) {
            faults.push(TreeFault::Twins { first, second: name.clone() });
        }
        previous = Some((name.clone(), folder));
        match entry_kind(mode) {
            Ok(kind) => entries.push(RawEntry { kind, name, id }),
            Err(what) => {
                let mode = String::from_utf8_lossy(mode).into_owned();
                faults.push(TreeFault::Mode { name, what, mode });
            }
        }
    }
    if faults.is_empty() { Ok(entries) } else { Err(faults) }
}

struct Split<'a> {
    mode: &'a [u8],
    name: &'a [u8],
    id: Id,
    rest: &'a [u8],
}

/// Mode, name, id and what follows: `<mode> SP <name> NUL <20 bytes>`.
fn split_entry(bytes: &[u8]) -> Option<Split<'_>> {
    let space = bytes.iter().take(8).position(|b| *b == b' ')?;
    let (mode, rest) = (&bytes[..space], &bytes[space + 1..]);
    let nul = rest.iter().position(|b| *b == 0)?;
    let (name, rest) = (&rest[..nul], &rest[nul + 1..]);
    let (id, rest) = rest.split_at_checked(20)?;
    Some(Split { mode, name, id: Id(git2::Oid::from_bytes(id).ok()?), rest })
}

fn entry_kind(mode: &[u8]) -> Result<EntryKind, &'static str> {
    match mode {
        b"100644" => Ok(EntryKind::File),
        b"40000" => Ok(EntryKind::Folder),
        b"100755" => Err("an executable file"),
        b"120000" => Err("a symbolic link"),
        b"160000" => Err("a submodule"),
        _ => Err("of an unknown kind"),
    }
}

/// Git compares a folder's name as if it ended with a slash.
fn order_key(name: &str, folder: bool) -> Vec<u8> {
    let mut key = name.as_bytes().to_vec();
    if folder {
        key.push(b'/');
    }
    key
}

fn name_fault(name: &str) -> Option<TreeFault> {
    let fault = |why| Some(TreeFault::Name { name: name.to_owned(), why });
    if name.contains('/') {
        return fault("it has a slash");
    }
    let lower = name.to_ascii_lowercase();
    if (lower.starts_with(".git") || lower.starts_with("git~")) && !GIT_NAMES.contains(&name) {
        return fault("git itself may act on it");
    }
    match crate::model::tree::check_path(name) {
        Ok(()) => None,
        Err(error) => fault(error.why),
    }
}
