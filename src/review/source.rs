//! What changes in the source: our own diff over raw bytes. No attributes, no text conversion, no file too
//! binary or too large to be shown (D14).

use crate::model::Tree;
use similar::{Algorithm, DiffOp};
use std::collections::BTreeSet;

/// All files that differ, in ascending order of their paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceDiff {
    /// One for each file.
    pub files: Vec<FileDiff>,
}

/// How one file differs. A renamed file is one removed and one added, shown in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDiff {
    /// Its path.
    pub path: String,
    /// What happened to it.
    pub change: FileChange,
    /// Runs of changed lines with what is around them.
    pub hunks: Vec<Hunk>,
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileChange {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// Its bytes differ.
    Modified,
}

/// Lines that belong together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hunk {
    /// Number of the first line in the old file, from 1.
    pub old_start: usize,
    /// Number of the first line in the new file, from 1.
    pub new_start: usize,
    /// The lines.
    pub lines: Vec<Line>,
}

/// One line with its line ending.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// Whether it was removed, added, or is only shown for orientation.
    pub side: Side,
    /// Its bytes, with the line feed if it has one.
    pub bytes: Vec<u8>,
}

/// Where a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Only in the old text.
    Old,
    /// Only in the new text.
    New,
    /// In both.
    Both,
}

/// Unchanged lines shown around a change.
const CONTEXT: usize = 3;

/// The paths that are not the same in both trees, ascending.
#[must_use]
pub fn changed_paths(old: &Tree, new: &Tree) -> Vec<String> {
    let paths: BTreeSet<&str> = old.iter().chain(new.iter()).map(|(path, _)| path).collect();
    paths.into_iter().filter(|path| old.get(path) != new.get(path)).map(str::to_owned).collect()
}

/// Compares two trees.
#[must_use]
pub fn diff(old: &Tree, new: &Tree) -> SourceDiff {
    let file = |path: String| {
        let (before, after) = (old.get(&path), new.get(&path));
        let change = match (before, after) {
            (None, _) => FileChange::Added,
            (_, None) => FileChange::Removed,
            (Some(_), Some(_)) => FileChange::Modified,
        };
        FileDiff { change, hunks: hunks(before.unwrap_or_default(), after.unwrap_or_default()), path }
    };
    SourceDiff { files: changed_paths(old, new).into_iter().map(file).collect() }
}

/// Compares two texts line by line; a line ends behind its line feed.
#[must_use]
pub fn hunks(old: &[u8], new: &[u8]) -> Vec<Hunk> {
    hunks_around(old, new, CONTEXT)
}

/// As [`hunks`], with nothing but the lines that differ.
#[must_use]
pub fn bare_hunks(old: &[u8], new: &[u8]) -> Vec<Hunk> {
    hunks_around(old, new, 0)
}

fn hunks_around(old: &[u8], new: &[u8], context: usize) -> Vec<Hunk> {
    let (old, new) = (lines(old), lines(new));
    let ops = similar::capture_diff_slices(Algorithm::Myers, &old, &new);
    let groups = similar::group_diff_ops(ops, context);
    groups.iter().filter_map(|group| hunk(group, &old, &new)).collect()
}

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|b| *b == b'\n').collect()
}

fn hunk(group: &[DiffOp], old: &[&[u8]], new: &[&[u8]]) -> Option<Hunk> {
    let first = group.first()?;
    let mut lines = Vec::new();
    let mut take = |side, from: &[&[u8]]| {
        lines.extend(from.iter().map(|bytes| Line { side, bytes: bytes.to_vec() }));
    };
    for op in group {
        match op {
            DiffOp::Equal { .. } => take(Side::Both, &old[op.old_range()]),
            DiffOp::Delete { .. } | DiffOp::Insert { .. } | DiffOp::Replace { .. } => {
                take(Side::Old, &old[op.old_range()]);
                take(Side::New, &new[op.new_range()]);
            }
        }
    }
    Some(Hunk { old_start: first.old_range().start + 1, new_start: first.new_range().start + 1, lines })
}
