//! How the lint came to its verdict, as indented text: tree, resolved words, effects, rules.

use super::escape;
use crate::model::{NodeName, Severity};
use crate::policy::guard::{Effect, Rules, Step};
use crate::policy::why::{Account, Executed, Reading};
use crate::shell::Dialect;
use std::fmt::Write as _;

/// Names of nodes that are listed, at most.
const MAX_NODES: usize = 4;

/// The accounts as text for people.
#[must_use]
pub fn why(rules: &Rules, accounts: &[Account]) -> String {
    let mut out = String::new();
    for account in accounts {
        if let Some(from) = &account.from {
            let _ = writeln!(out, "{}", title(from));
        }
        section(&mut out, "text", &account.text);
        for reading in &account.readings {
            read(&mut out, rules, reading, account.readings.len() > 1);
        }
        out.push('\n');
    }
    escape(&out)
}

fn title(from: &Executed) -> String {
    let shown: Vec<&str> = from.nodes.iter().take(MAX_NODES).map(NodeName::as_str).collect();
    let more = from.nodes.len().saturating_sub(MAX_NODES);
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}, attribute `{}`, on {}{tail}", from.resource, from.attr, shown.join(", "))
}

fn read(out: &mut String, rules: &Rules, reading: &Reading, several: bool) {
    let shell = match reading.dialect {
        Dialect::Bash => " as bash reads it",
        Dialect::Dash => " as dash reads it",
    };
    let shell = if several { shell } else { "" };
    if let Some(tree) = &reading.tree {
        section(out, &format!("tree{shell}"), tree);
    }
    let _ = writeln!(out, "  programs{shell}, words resolved");
    if reading.steps.is_empty() {
        out.push_str("    none\n");
    }
    for step in &reading.steps {
        told(out, rules, step);
    }
}

fn told(out: &mut String, rules: &Rules, step: &Step) {
    let indent = 4 + 2 * step.depth;
    let _ = writeln!(out, "{:indent$}{}", "", step.command.replace('\n', "\\n"));
    for effect in &step.effects {
        let indent = indent + 4;
        let _ = writeln!(out, "{:indent$}effect: {}", "", described(effect));
        for rule in rules.all().iter().filter(|rule| rule.breaks(effect)) {
            let verdict = match rule.severity {
                Severity::Deny => "deny",
                Severity::NeedsWaiver => "needs a waiver",
                Severity::Warn => "a warning",
            };
            let _ = writeln!(out, "{:indent$}rule `{}`: {verdict}", "", rule.id);
        }
    }
}

fn described(effect: &Effect) -> String {
    let kind = serde_json::to_value(effect.kind).unwrap_or_default();
    let mut text = format!("{} `{}`", kind.as_str().unwrap_or(""), effect.target);
    if !effect.class.is_empty() {
        let _ = write!(text, " ({})", effect.class);
    }
    for (holds, word) in [(effect.recursive, "recursive"), (effect.forced, "forced")] {
        if holds {
            let _ = write!(text, ", {word}");
        }
    }
    text
}

fn section(out: &mut String, name: &str, text: &str) {
    let _ = writeln!(out, "  {name}");
    for line in text.lines() {
        let _ = writeln!(out, "    {line}");
    }
}
