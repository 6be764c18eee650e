//! Findings as JUnit XML, which most continuous integration systems read.

use super::{Position, Sources, escape};
use crate::model::{Finding, Severity};
use std::fmt::Write as _;

/// The findings as one JUnit document: a case for each, failed unless it is a warning; one that passed
/// where there is nothing to say, because an empty report counts as none.
#[must_use]
pub fn junit(findings: &[Finding], sources: &Sources<'_>) -> String {
    let failed = findings.iter().filter(|finding| refuses(finding)).count();
    let cases: String = match findings {
        [] => "    <testcase classname=\"countersign\" name=\"lint\"/>\n".to_owned(),
        _ => findings.iter().map(|finding| case(finding, sources)).collect(),
    };
    let counts = format!("tests=\"{}\" failures=\"{failed}\" errors=\"0\"", findings.len().max(1));
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {counts}>\n  \
         <testsuite name=\"countersign lint\" {counts} skipped=\"0\">\n{cases}  </testsuite>\n</testsuites>\n"
    )
}

fn refuses(finding: &Finding) -> bool {
    finding.severity > Severity::Warn
}

fn case(finding: &Finding, sources: &Sources<'_>) -> String {
    let at = Position::of(&finding.place, sources);
    let place = format!("{}:{}:{}", at.file, at.line, at.column);
    let name = format!("{} at {place}", finding.rule);
    let body = super::told(finding);
    let inside = if refuses(finding) {
        format!(
            "<failure type=\"{}\" message=\"{}\">{}</failure>",
            xml(&finding.rule),
            xml(&finding.message),
            xml(&format!("{place}\n{body}")),
        )
    } else {
        format!("<system-out>{}</system-out>", xml(&format!("{place}\n{body}")))
    };
    let (file, name) = (xml(at.file), xml(&name));
    format!("    <testcase classname=\"{file}\" name=\"{name}\">\n      {inside}\n    </testcase>\n")
}

/// Text for an attribute or an element: what XML cannot hold is shown like `‹U+0007›` first.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in escape(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' | '\t' => drop(write!(out, "&#{};", u32::from(c))),
            _ => out.push(c),
        }
    }
    out
}
