//! Findings as SARIF 2.1.0, for code hosts and editors.

use super::{Position, Sources};
use crate::model::{Digest, Finding, Place, Severity};
use crate::policy::guard::Rules;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;

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
    if let Some(rule) = Rules::builtin().named(id) {
        let help = format!("{} {} Instead: {}", rule.what.trim(), rule.why.trim(), rule.instead.trim());
        return json!({
            "id": id,
            "shortDescription": { "text": rule.title },
            "fullDescription": { "text": rule.what.trim() },
            "help": { "text": help },
            "defaultConfiguration": { "level": level(rule.severity) },
        });
    }
    // What the compiler finds has no page: the findings say all there is.
    let mut of_it = findings.iter().filter(|f| f.rule == id);
    let why = of_it.find(|f| !f.why.is_empty()).map_or(id, |f| f.why.trim());
    json!({
        "id": id,
        "shortDescription": { "text": id },
        "fullDescription": { "text": why },
        "help": { "text": why },
    })
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Deny | Severity::NeedsWaiver => "error",
        Severity::Warn => "warning",
    }
}

fn result(finding: &Finding, ids: &[&str], sources: &Sources<'_>) -> Value {
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
        "level": level(finding.severity),
        "message": { "text": message },
        "locations": [location(&finding.place, sources)],
        "relatedLocations": related,
        "partialFingerprints": { "finding/v1": fingerprint(finding, sources) },
        "properties": {
            "severity": finding.severity,
            "resource": finding.resource,
            "nodes": finding.nodes,
        },
    })
}

/// What stays the same while lines move: rule, file, resource and the text that is wrong.
fn fingerprint(finding: &Finding, sources: &Sources<'_>) -> String {
    let place = &finding.place;
    let text = sources(&place.file).and_then(|source| source.get(place.start..place.end)).unwrap_or("");
    let resource = finding.resource.as_ref().map(ToString::to_string).unwrap_or_default();
    let parts = [finding.rule.as_str(), &place.file, &resource, text];
    Digest::of(parts.join("\0").as_bytes()).hex()
}

/// A path as a relative URI reference.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

fn location(place: &Place, sources: &Sources<'_>) -> Value {
    let at = Position::of(place, sources);
    json!({ "physicalLocation": {
        "artifactLocation": { "uri": uri(&place.file), "uriBaseId": "%SRCROOT%" },
        "region": {
            "startLine": at.line, "startColumn": at.column,
            "endLine": at.end_line, "endColumn": at.end_column,
            "byteOffset": place.start, "byteLength": place.end - place.start,
        },
    }})
}
