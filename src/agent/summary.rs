//! The last run for monitoring: a small JSON file, and metrics in the text format of Prometheus. Written whole or not at all,
//! readable by everybody, and without anything that a report would not tell everybody: numbers, codes, names of types.

use crate::model::report::{EventStatus, Report, RunStatus};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The name of the JSON file in the agent's directory.
pub const NAME: &str = "last_run_summary.json";

/// Where else the last run is told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outlets {
    /// A copy of the JSON file, for monitoring that may not read the agent's directory.
    pub summary: Option<PathBuf>,
    /// Metrics for a collector of text files. Its directory must be there.
    pub textfile: Option<PathBuf>,
}

/// What Puppet calls the last run summary.
#[must_use]
pub fn summary(report: &Report) -> Value {
    let events = |status| count(report, |found| found == status);
    json!({
        "version": { "config": report.release.as_ref().map(|release| release.seq), "countersign": env!("CARGO_PKG_VERSION") },
        "node": report.node, "environment": report.environment, "status": report.status, "noop": report.noop,
        "halted": report.halted.as_ref().map(|halted| &halted.code),
        "refusal": report.refusal.as_ref().map(|refused| &refused.code),
        "disabled": report.disabled.is_some(), "cached": report.cached, "corrective_change": report.corrective_change,
        "time": { "last_run": report.finished.unix(), "milliseconds": report.time },
        "resources": report.counts,
        "changes": { "total": report.counts.changed },
        "events": {
            "total": count(report, |_| true), "success": events(EventStatus::Success),
            "failure": events(EventStatus::Failure), "noop": events(EventStatus::Noop),
        },
    })
}

fn count(report: &Report, wanted: impl Fn(EventStatus) -> bool) -> usize {
    report.resources.iter().flat_map(|resource| &resource.events).filter(|event| wanted(event.status)).count()
}

/// The run as metrics.
#[must_use]
pub fn metrics(report: &Report) -> String {
    let mut text = String::new();
    let mut family = |name: &str, help: &str, values: Vec<(String, String)>| {
        text.push_str(&format!("# HELP countersign_{name} {help}\n# TYPE countersign_{name} gauge\n"));
        for (labels, value) in values {
            text.push_str(&format!("countersign_{name}{labels} {value}\n"));
        }
    };
    let one = |value: i64| vec![(String::new(), value.to_string())];
    let flag = |yes: bool| one(i64::from(yes));
    let label = |name: &str, value: &str| format!("{{{name}=\"{}\"}}", value.escape_default());
    family("run_timestamp_seconds", "When the last run ended.", one(report.finished.unix()));
    let status = |(name, status)| (label("status", name), u8::from(report.status == status).to_string());
    let all =
        [("failed", RunStatus::Failed), ("changed", RunStatus::Changed), ("unchanged", RunStatus::Unchanged)];
    family("run_status", "How the last run ended.", all.map(status).into());
    let release = report.release.as_ref().map_or(0, |release| i64::try_from(release.seq).unwrap_or(i64::MAX));
    family("run_release", "The release of the last run; 0 is none.", one(release));
    family("run_noop", "Whether the last run only looked.", flag(report.noop));
    family("run_cached", "Whether the release came from the node's own disk.", flag(report.cached));
    family(
        "disabled",
        "Whether an administrator keeps the agent from running.",
        flag(report.disabled.is_some()),
    );
    let codes = [("halted", &report.halted), ("refused", &report.refusal)];
    let codes = codes.into_iter().filter_map(|(what, found)| Some((what, found.as_ref()?)));
    let code = |(what, found): (&str, &crate::model::report::Refused)| {
        (format!("{{what=\"{what}\",code=\"{}\"}}", found.code.escape_default()), "1".to_owned())
    };
    family(
        "run_code",
        "Why the last run did not go to its end, or took no newer release.",
        codes.map(code).collect(),
    );
    let counts = serde_json::to_value(report.counts).unwrap_or_default();
    let counts = counts.as_object().into_iter().flatten();
    let counts = counts.map(|(name, count)| (label("state", name), count.to_string())).collect();
    family("run_resources", "Resources of the last run by what became of them.", counts);
    let time = report
        .time
        .iter()
        .map(|(phase, ms)| (label("phase", phase), format!("{}.{:03}", ms / 1000, ms % 1000)));
    family("run_seconds", "Seconds of the last run by phase and resource type.", time.collect());
    text
}

/// Writes a file that others may read: whole or not at all, and never through a link.
///
/// # Errors
/// When its directory is not there, or it cannot be written.
pub fn publish(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    // Collectors take what ends in `.prom`, so a name with another end is never half of a file to them.
    let scratch = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    match fs::remove_file(&scratch) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&scratch)?;
    let written = file
        .write_all(bytes)
        .and_then(|()| file.set_permissions(fs::Permissions::from_mode(0o644)))
        .and_then(|()| fs::rename(&scratch, path));
    if written.is_err() {
        // What failed is told; that the scratch file stays adds nothing to it.
        drop(fs::remove_file(&scratch));
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_file_replaces_the_one_before_is_open_to_readers_and_follows_no_link() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("countersign.prom"), dir.path().join("other"));
        publish(&path, b"one").unwrap();
        publish(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        fs::write(&other, "mine").unwrap();
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(&other, &path).unwrap();
        publish(&path, b"three").unwrap();
        assert_eq!(
            (fs::read(&path).unwrap(), fs::read(&other).unwrap()),
            (b"three".to_vec(), b"mine".to_vec())
        );
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "nothing is left beside them");
        assert!(publish(&dir.path().join("none/x.prom"), b"").is_err());
    }
}
