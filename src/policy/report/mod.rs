//! Findings for people and for programs: text, JSON, SARIF, JUnit, GitHub. Nothing here decides anything, and nothing
//! that came from a site reaches a terminal unescaped.

mod github;
mod junit;
mod sarif;
mod text;
mod why;

pub use github::github;
pub use junit::junit;
pub use sarif::sarif;
pub use text::{escape, text};
pub use why::why;

use crate::model::finding::line_column;
use crate::model::{Finding, Place};
use serde::Serialize;

/// Finds the text of a file of the site by its path.
pub type Sources<'a> = dyn Fn(&str) -> Option<&'a str> + 'a;

/// How text is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Plain ASCII.
    Plain,
    /// With colours, for a terminal.
    Coloured,
}

/// A place with line and column, as programs like it.
#[derive(Debug, Serialize)]
struct Position<'a> {
    file: &'a str,
    start: usize,
    end: usize,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

impl<'a> Position<'a> {
    fn of(place: &'a Place, sources: &Sources<'_>) -> Self {
        let source = sources(&place.file).unwrap_or("");
        let (line, column) = line_column(source, place.start);
        let (end_line, end_column) = line_column(source, place.end);
        Self { file: &place.file, start: place.start, end: place.end, line, column, end_line, end_column }
    }
}

#[derive(Serialize)]
struct JsonFinding<'a> {
    #[serde(flatten)]
    finding: &'a Finding,
    position: Position<'a>,
}

#[derive(Serialize)]
struct JsonReport<'a> {
    version: u32,
    findings: Vec<JsonFinding<'a>>,
}

/// The findings as one JSON document, each with the line and column of its place.
#[must_use]
pub fn json(findings: &[Finding], sources: &Sources<'_>) -> String {
    let with_position = |finding| JsonFinding { finding, position: Position::of(&finding.place, sources) };
    let report = JsonReport { version: 1, findings: findings.iter().map(with_position).collect() };
    serde_json::to_string_pretty(&report).unwrap_or_default()
}

/// All that a finding says, a line for each thing.
fn told(finding: &Finding) -> String {
    let mut lines = vec![finding.message.clone()];
    lines.extend(finding.resolved.iter().map(|command| format!("runs: {command}")));
    lines.extend(finding.resource.iter().map(|resource| format!("resource: {resource}")));
    lines.extend(Some(finding.why.trim()).filter(|why| !why.is_empty()).map(|why| format!("why: {why}")));
    lines.extend(finding.instead.iter().map(|instead| format!("instead: {}", instead.trim())));
    lines.join("\n")
}

#[cfg(test)]
mod tests;
