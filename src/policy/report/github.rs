//! Findings as workflow commands of GitHub Actions, which shows them beside the changed lines.

use super::{Position, Sources, escape};
use crate::model::{Finding, Severity};

/// The findings, one workflow command a line.
#[must_use]
pub fn github(findings: &[Finding], sources: &Sources<'_>) -> String {
    findings.iter().map(|finding| command(finding, sources)).collect()
}

fn command(finding: &Finding, sources: &Sources<'_>) -> String {
    let level = match finding.severity {
        Severity::Deny | Severity::NeedsWaiver => "error",
        Severity::Warn => "warning",
    };
    let mut properties = Vec::new();
    // A name in angle brackets is no file of the repository.
    if !finding.place.file.starts_with('<') {
        let at = Position::of(&finding.place, sources);
        properties.push(("file", at.file.to_owned()));
        properties.push(("line", at.line.to_string()));
        properties.push(("endLine", at.end_line.to_string()));
        // Columns count only within one line.
        if at.line == at.end_line {
            properties.push(("col", at.column.to_string()));
            properties.push(("endColumn", at.end_column.to_string()));
        }
    }
    properties.push(("title", finding.rule.clone()));
    let properties: Vec<String> =
        properties.into_iter().map(|(name, value)| format!("{name}={}", property(&value))).collect();
    format!("::{level} {}::{}\n", properties.join(","), data(&super::told(finding)))
}

/// Text behind `::`: a line break in it would start a line that the runner may take for a command.
fn data(text: &str) -> String {
    escape(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property, which ends at a comma or colon besides.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
