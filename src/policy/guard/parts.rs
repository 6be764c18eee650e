//! Parts of a path held against the parts of an entry of a table.

use crate::shell::run::{is_pattern, matches};
use std::borrow::Cow;

/// Any number of directories in a path: what `find` looks through.
pub(super) const ANY_DEPTH: &str = "**";

/// Whether the path may be the entry of the table, or something above it.
pub(super) fn leads(path: &[&str], entry: &[String]) -> bool {
    match (path.split_first(), entry.split_first()) {
        (None, _) => true,
        (Some((first, rest)), _) if *first == ANY_DEPTH => {
            (0..=entry.len()).any(|n| leads(rest, &entry[n..]))
        }
        (Some((first, rest)), Some((e, others))) => may_be(e, first) && leads(rest, others),
        (Some(_), None) => false,
    }
}

/// Whether the path may be the entry of the table.
pub(super) fn same_path(path: &[&str], entry: &[String]) -> bool {
    match (path.split_first(), entry.split_first()) {
        (None, None) => true,
        (Some((first, rest)), _) if *first == ANY_DEPTH => {
            (0..=entry.len()).any(|n| same_path(rest, &entry[n..]))
        }
        (Some((first, rest)), Some((e, others))) => may_be(e, first) && same_path(rest, others),
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// Whether the entry of the table is the path, or something above it.
pub(super) fn is_above(entry: &[String], path: &[&str], holds: fn(&str, &str) -> bool) -> bool {
    entry.len() <= path.len() && entry.iter().zip(path).all(|(e, p)| holds(e, p))
}

/// Whether a part of a path is what the table's name or pattern means, whatever it turns out to be.
pub(super) fn is(entry: &str, part: &str) -> bool {
    entry == part || (!is_pattern(part) && means(entry, part))
}

/// Whether it may be.
pub(super) fn may_be(entry: &str, part: &str) -> bool {
    entry == part
        || means(entry, part)
        || (is_pattern(part) && (matches(part, entry) || matches(part, entry.trim_end_matches('*'))))
}

/// Whether a pattern of the table means that name. Hidden names are only meant by patterns that say so.
fn means(entry: &str, part: &str) -> bool {
    is_pattern(entry)
        && part.starts_with('.') <= entry.starts_with(['.', '['])
        && matches(entry, &unescaped(part))
}

fn unescaped(text: &str) -> Cow<'_, str> {
    if text.contains('\\') { Cow::Owned(text.replace('\\', "")) } else { Cow::Borrowed(text) }
}

pub(super) fn segments(text: &str) -> Vec<&str> {
    let mut out: Vec<&str> = Vec::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." | ".*" => drop(out.pop()),
            part => out.push(part),
        }
    }
    out
}

/// Whether a part is a pattern that nearly every name matches.
pub(super) fn is_broad(segment: &str) -> bool {
    segment.contains(['*', '?']) && matches(segment, "abcdefgh") && matches(segment, "x1-y_z.q")
        || segment.contains('*') && matches(segment, "abc") && matches(segment, "xyz")
}
