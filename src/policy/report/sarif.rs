//! Findings as SARIF 2.1.0, for code hosts and editors.

use super::{Position, Sources};
use crate::model::{Finding, Place, Severity};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The findings as one SARIF 2.1.0 log.
#[must_use]
pub fn sarif(findings: &[Finding], sources: &Sources<'_>) -> String {
    let ids: Vec<&str> =
        findings.iter().map(|f| f.rule.as_str()).collect::<BTreeSet<_>>().into_iter().collect();
    let rules: Vec<Value> = ids.iter().map(|id| rule(id, findings)).collect();
    let results: Vec<Value> = findings.iter().map(|f| result(f, &ids, sources)).collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "countersign",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    serde_json::to_string_pretty(&log).unwrap_or_default()
}

fn rule(id: &str, findings: &[Finding]) -> Value {
    let why = findings.iter().find(|f| f.rule == id && !f.why.is_empty()).map(|f| f.why.as_str());
    let text = why.unwrap_or(id).trim();
    json!({ "id": id, "shortDescription": { "text": id }, "fullDescription": { "text": text } })
}

fn result(finding: &Finding, ids: &[&str], sources: &Sources<'_>) -> Value {
    let level = match finding.severity {
        Severity::Deny | Severity::NeedsWaiver => "error",
        Severity::Warn => "warning",
    };
    let related: Vec<Value> = finding
        .related
        .iter()
        .enumerate()
        .map(|(id, related)| {
            let mut place = location(&related.place, sources);
            place["id"] = json!(id);
            place["message"] = json!({ "text": related.message });
            place
        })
        .collect();
    let mut message = finding.message.clone();
    if let Some(instead) = &finding.instead {
        message = format!("{message}. Instead: {}", instead.trim());
    }
    json!({
        "ruleId": finding.rule,
        "ruleIndex": ids.iter().position(|id| *id == finding.rule).unwrap_or(0),
        "level": level,
        "message": { "text": message },
        "locations": [location(&finding.place, sources)],
        "relatedLocations": related,
        "properties": {
            "severity": finding.severity,
            "resource": finding.resource,
            "nodes": finding.nodes,
        },
    })
}

fn location(place: &Place, sources: &Sources<'_>) -> Value {
    let at = Position::of(place, sources);
    json!({ "physicalLocation": {
        "artifactLocation": { "uri": place.file, "uriBaseId": "%SRCROOT%" },
        "region": {
            "startLine": at.line, "startColumn": at.column,
            "endLine": at.end_line, "endColumn": at.end_column,
        },
    }})
}
