//! Diffs as text for a terminal or a log. Every byte from a repository goes through `escape`; the only
//! control sequences are the colours that are put around it here.

use super::effect::{AttrChange, Difference, EffectDiff, Group, ResourceChange, What};
use super::escape;
use super::source::{self, FileChange, FileDiff, Hunk, Side, SourceDiff};
use crate::model::NodeName;
use crate::policy::report::Style;
use std::fmt::Write as _;

/// Node names shown of a group before the rest is counted.
const NAMES: usize = 8;

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
            out.push_str(&paint(style, "1", &format!("{what}: {}", names(nodes))));
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
    let mut out = paint(style, "1", &names(&group.nodes));
    out.push('\n');
    for change in &group.changes {
        out.push_str(&change_text(change, style));
    }
    out
}

fn paint(style: Style, code: &str, text: &str) -> String {
    match style {
        Style::Plain => text.to_owned(),
        Style::Coloured => format!("\x1b[{code}m{text}\x1b[0m"),
    }
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
        What::Added => paint(style, "32", &format!("  + {name}")),
        What::Removed => paint(style, "31", &format!("  - {name} (no longer managed)")),
        What::Changed => paint(style, "33", &format!("  ~ {name}")),
        What::Reordered => paint(style, "33", "  ~ the same resources in another order"),
        What::Safety => paint(style, "33", "  ~ what a run may do, and what must work afterwards"),
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
    let value = |v: &str| escape::line(v.as_bytes());
    match &attr.difference {
        Difference::Lines(hunks) => {
            let shown = |hunk: &Hunk| position(hunk, "        ", style) + &hunk_text(hunk, "        ", style);
            format!("      {name}:\n") + &hunks.iter().map(shown).collect::<String>()
        }
        Difference::Set(new) if new.contains('\n') => {
            let hunks = source::hunks(b"", new.as_bytes());
            let shown = |hunk: &Hunk| hunk_text(hunk, "        ", style);
            format!("      {name}:\n") + &hunks.iter().map(shown).collect::<String>()
        }
        Difference::Set(new) => paint(style, "32", &format!("      {name} = {}", value(new))) + "\n",
        Difference::Unset(old) => {
            paint(style, "31", &format!("      {name} = {} (unset now)", value(old))) + "\n"
        }
        Difference::Replaced(old, new) => format!(
            "      {name}: {} -> {}\n",
            paint(style, "31", &value(old)),
            paint(style, "32", &value(new))
        ),
    }
}

fn position(hunk: &Hunk, indent: &str, style: Style) -> String {
    format!("{indent}{}\n", paint(style, "36", &format!("@@ -{} +{} @@", hunk.old_start, hunk.new_start)))
}

fn file_text(file: &FileDiff, style: Style) -> String {
    let what = match file.change {
        FileChange::Added => "new file",
        FileChange::Removed => "removed file",
        FileChange::Modified => "file",
    };
    let empty = if file.hunks.is_empty() { " (empty)" } else { "" };
    let path = escape::line(file.path.as_bytes());
    let mut out = paint(style, "1", &format!("{what} {path}{empty}"));
    out.push('\n');
    for hunk in &file.hunks {
        out.push_str(&position(hunk, "", style));
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
        let _ = writeln!(out, "{indent}{}", paint(style, code, &shown));
    }
    out
}

#[cfg(test)]
mod tests;
