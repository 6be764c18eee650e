//! The reports of both programs in one form.

use serde_json::Value;
use std::collections::BTreeMap;

/// What happened to one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// The case that it belongs to.
    pub(super) case: String,
    /// For example `file[/srv/case/contents/new]`.
    pub(super) resource: String,
    /// For example `changed content mode`.
    pub(super) what: String,
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.resource, self.what)
    }
}

/// The types that make up Puppet's own order.
const INNER: [&str; 5] = ["whit", "class", "stage", "schedule", "filebucket"];

/// What Puppet's report says, in the order of its resources.
pub(super) fn puppet(json: &str) -> Vec<Line> {
    let report: Value = serde_json::from_str(json).unwrap();
    let logs = report["logs"].as_array().unwrap();
    // What only the log tells.
    let logged = |source: &str, message: &str| {
        logs.iter().any(|log| {
            log["message"].as_str().is_some_and(|said| said.starts_with(message))
                && log["source"].as_str().is_some_and(|from| from.ends_with(source))
        })
    };
    let mut lines = Vec::new();
    for entry in report["resource_statuses"].as_array().unwrap() {
        let (name, status) = (entry[0].as_str().unwrap(), &entry[1]);
        let kind = status["resource_type"].as_str().unwrap().to_lowercase();
        if INNER.contains(&kind.as_str()) {
            continue;
        }
        let kind = if kind == "file_line" { "line_in_file" } else { &kind };
        let path = status["containment_path"].as_array().unwrap();
        let case = path.get(1).and_then(Value::as_str).unwrap_or_default().to_lowercase();
        let mut events: Vec<Told> =
            status["events"].as_array().unwrap().iter().map(|event| Told::of_puppet(event, status)).collect();
        let source = format!("/{name}");
        if logged(&source, "Would have triggered 'refresh'") {
            events.push(Told { property: "refresh".to_owned(), status: "noop".to_owned() });
        }
        let skipped = status["skipped"] == true && logged(&source, "Skipping because of failed dependencies");
        if let Some(what) = what(&events, skipped) {
            lines.push(Line {
                case,
                resource: format!("{kind}[{}]", status["title"].as_str().unwrap()),
                what,
            });
        }
    }
    lines
}

/// What Countersign's report says, in the order of its resources.
pub(super) fn countersign(json: &str, cases: &BTreeMap<String, String>) -> Vec<Line> {
    let report: Value = serde_json::from_str(json).unwrap();
    let mut lines = Vec::new();
    for status in report["resources"].as_array().unwrap() {
        let resource = status["resource"].as_str().unwrap().to_owned();
        let events: Vec<Told> =
            status["events"].as_array().unwrap().iter().map(Told::of_countersign).collect();
        if let Some(what) = what(&events, status["status"] == "skipped") {
            lines.push(Line { case: cases[&resource].clone(), resource, what });
        }
    }
    lines
}

/// An event. Whether it put drift back is not held against Puppet's word: only `puppet agent` knows.
struct Told {
    property: String,
    status: String,
}

impl Told {
    fn of_puppet(event: &Value, status: &Value) -> Self {
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let property = Some(text("property")).filter(|property| !property.is_empty());
        let property = match property.unwrap_or_else(|| text("name")).as_str() {
            // Which of the two it was is said elsewhere.
            "resource_error" if status["failed_to_restart"] == true => "refresh".to_owned(),
            "resource_error" => "evaluation".to_owned(),
            property => property.to_owned(),
        };
        Self { property, status: text("status") }
    }

    fn of_countersign(event: &Value) -> Self {
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        Self { property: text("property"), status: text("status") }
    }
}

/// The events of a resource in words, whatever the order of its properties; nothing when there are none.
fn what(events: &[Told], skipped: bool) -> Option<String> {
    let how = |status: &str| match status {
        "success" => "changed".to_owned(),
        "failure" => "failed".to_owned(),
        "noop" => "pending".to_owned(),
        other => other.to_owned(),
    };
    let mut words: Vec<String> =
        events.iter().map(|event| format!("{} {}", how(&event.status), event.property)).collect();
    words.sort();
    if skipped && words.is_empty() {
        words.push("skipped".to_owned());
    }
    (!words.is_empty()).then(|| words.join(", "))
}
