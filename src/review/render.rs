//! Diffs as text for a terminal or a log. Every byte from a repository goes through `escape`; the only
//! control sequences are the colours that are put around it here.

use super::effect::{AttrChange, EffectDiff, Group, ResourceChange, What};
use super::escape;
use super::source::{self, FileChange, FileDiff, Hunk, Side, SourceDiff};
use crate::model::NodeName;
use std::fmt::Write as _;

/// How to mark what is added and removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Signs only.
    Plain,
    /// Signs and colours.
    Colour,
}

/// Node names shown of a group before the rest is counted.
const NAMES: usize = 8;

impl Style {
    fn paint(self, code: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Colour => format!("\x1b[{code}m{text}\x1b[0m"),
        }
    }
}

/// The source diff.
#[must_use]
pub fn source(diff: &SourceDiff, style: Style) -> String {
    diff.files.iter().map(|file| file_text(file, style)).collect()
}

/// The effect diff.
#[must_use]
pub fn effect(diff: &EffectDiff, style: Style) -> String {
    let mut out = String::new();
    for (what, nodes) in [("new", &diff.added), ("gone, left as they are", &diff.removed)] {
        if !nodes.is_empty() {
            out.push_str(&style.paint("1", &format!("{what}: {}", names(nodes))));
            out.push('\n');
        }
    }
    for group in &diff.groups {
        out.push_str(&group_text(group, style));
    }
    if diff.affected.is_empty() {
        out.push_str("no node changes\n");
    }
    out
}

fn group_text(group: &Group, style: Style) -> String {
    let mut out = style.paint("1", &names(&group.nodes));
    out.push('\n');
    for change in &group.changes {
        out.push_str(&change_text(change, style));
    }
    out
}

/// `3 nodes: a, b, c`.
fn names(nodes: &[NodeName]) -> String {
    let shown: Vec<&str> = nodes.iter().take(NAMES).map(NodeName::as_str).collect();
    let more = nodes.len().saturating_sub(NAMES);
    let word = if nodes.len() == 1 { "node" } else { "nodes" };
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{} {word}: {}{rest}", nodes.len(), shown.join(", "))
}

fn change_text(change: &ResourceChange, style: Style) -> String {
    let name = change.resource.as_ref().map(ToString::to_string).unwrap_or_default();
    let name = escape::line(name.as_bytes());
    let head = match change.what {
        What::Added => style.paint("32", &format!("  + {name}")),
        What::Removed => style.paint("31", &format!("  - {name} (no longer managed)")),
        What::Changed => style.paint("33", &format!("  ~ {name}")),
        What::Reordered => style.paint("33", "  ~ the same resources in another order"),
    };
    let mut out = head;
    out.push('\n');
    for attr in &change.attrs {
        out.push_str(&attr_text(attr, style));
    }
    out
}

fn attr_text(attr: &AttrChange, style: Style) -> String {
    let name = escape::line(attr.name.as_bytes());
    let many = |value: &Option<String>| value.as_ref().is_some_and(|v| v.contains('\n'));
    if many(&attr.old) || many(&attr.new) {
        let (old, new) = (attr.old.as_deref().unwrap_or(""), attr.new.as_deref().unwrap_or(""));
        let mut out = format!("      {name}:\n");
        for hunk in source::hunks(old.as_bytes(), new.as_bytes()) {
            out.push_str(&hunk_text(&hunk, "        ", style));
        }
        return out;
    }
    let value = |v: &str| escape::line(v.as_bytes());
    match (&attr.old, &attr.new) {
        (None, Some(new)) => style.paint("32", &format!("      {name} = {}", value(new))) + "\n",
        (Some(old), None) => style.paint("31", &format!("      {name} = {} (unset now)", value(old))) + "\n",
        (Some(old), Some(new)) => format!(
            "      {name}: {} -> {}\n",
            style.paint("31", &value(old)),
            style.paint("32", &value(new))
        ),
        (None, None) => String::new(),
    }
}

fn file_text(file: &FileDiff, style: Style) -> String {
    let what = match file.change {
        FileChange::Added => "new file",
        FileChange::Removed => "removed file",
        FileChange::Modified => "file",
    };
    let empty = if file.hunks.is_empty() { " (empty)" } else { "" };
    let path = escape::line(file.path.as_bytes());
    let mut out = style.paint("1", &format!("{what} {path}{empty}"));
    out.push('\n');
    for hunk in &file.hunks {
        out.push_str(&style.paint("36", &format!("@@ -{} +{} @@", hunk.old_start, hunk.new_start)));
        out.push('\n');
        out.push_str(&hunk_text(hunk, "", style));
    }
    out
}

fn hunk_text(hunk: &Hunk, indent: &str, style: Style) -> String {
    let mut out = String::new();
    for line in &hunk.lines {
        let (sign, code) = match line.side {
            Side::Old => ('-', "31"),
            Side::New => ('+', "32"),
            Side::Both => (' ', "0"),
        };
        let (text, ending) = match line.bytes.strip_suffix(b"\n") {
            Some(text) => (text, ""),
            None => (&line.bytes[..], "\n\\ no line feed at the end"),
        };
        let shown = format!("{sign}{}{ending}", escape::line(text));
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{indent}{}", style.paint(code, &shown));
    }
    out
}

#[cfg(test)]
mod tests;
