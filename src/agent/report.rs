//! Saying what a run did: a signed report, kept here until a server has it.
//!
//! Reports of a node are a chain: each has a number and the digest of the one before, so that neither the node nor
//! the server can lose one unseen (D26). The chain is written down before a report leaves the node.

use super::apply::Applied;
use super::disk::{Disk, DiskError, Lasting};
use super::fetch::{FetchError, Https, LIMITS, Method, Request};
use super::freshness::FROZEN;
use super::stored::{self, StoredError};
use crate::model::report::{Counts, LogLine, Refused, ReleaseRef, Report, RunStatus, SwitchedOff};
use crate::model::resource::LogLevel;
use crate::model::wire::Signed;
use crate::model::{Digest, Facts, Stamp};
use crate::signing::{self, SigningKey, State};
use std::collections::BTreeMap;
use std::time::Duration;

const LAST: &str = "last_run_report.json";
const OUTBOX: &str = "outbox";
/// Reports that wait for a server, at most; older ones make room, and the gap shows on the server.
const WAITING: usize = 200;
const CAP: u64 = 8 << 20;
const PATIENCE: Duration = Duration::from_secs(30);

/// What a run knows of itself at its end.
#[derive(Debug)]
pub struct Account {
    /// Random id of the run.
    pub run: String,
    /// The trigger that asked for it.
    pub trigger: Option<String>,
    /// The release that was applied.
    pub release: Option<ReleaseRef>,
    /// Whether it came from the node's own disk.
    pub cached: bool,
    /// Why the server's offer was not accepted.
    pub refusal: Option<Refused>,
    /// Whose word keeps the agent from running.
    pub disabled: Option<SwitchedOff>,
    /// Whether nothing was to be changed.
    pub noop: bool,
    /// When it began and ended.
    pub time: (Stamp, Stamp),
    /// What applying did, if it came to that.
    pub applied: Option<Applied>,
    /// Milliseconds by phase.
    pub phases: BTreeMap<String, u64>,
    /// What the node says of itself.
    pub facts: Facts,
    /// The log of the run.
    pub logs: Vec<LogLine>,
}

/// The report of a run.
#[must_use]
pub fn compose(state: &State, account: Account) -> Report {
    let chain = state.report();
    let applied = account.applied;
    let mut time = account.phases;
    time.extend(applied.iter().flat_map(|applied| applied.time.clone()));
    let logs = account.logs.into_iter().filter(|line| line.level > LogLevel::Debug).collect();
    Report {
        kind: "report".to_owned(),
        v: 1,
        repo: state.root().repo().to_string(),
        node: state.node().clone(),
        environment: state.environment().clone(),
        counter: chain.counter + 1,
        prev: chain.prev,
        run: account.run,
        trigger: account.trigger,
        release: account.release,
        cached: account.cached,
        refusal: account.refusal,
        halted: applied.as_ref().and_then(|applied| applied.halted.clone()),
        disabled: account.disabled,
        checkpoint: state.checkpoint(),
        noop: account.noop,
        status: applied.as_ref().map_or(RunStatus::Failed, |applied| applied.status),
        noop_pending: applied.as_ref().is_some_and(|applied| applied.noop_pending),
        corrective_change: applied.as_ref().is_some_and(|applied| applied.corrective_change),
        started: account.time.0,
        finished: account.time.1,
        counts: applied.as_ref().map_or_else(Counts::default, |applied| applied.counts),
        resources: applied.map(|applied| applied.resources).unwrap_or_default(),
        logs,
        time,
        facts: account.facts,
    }
}

/// Signs the report, keeps it, and moves the chain on. Returns the state that is on the disk afterwards.
///
/// # Errors
/// When any of it could not be made durable.
pub fn keep(disk: &Disk, state: &State, key: &SigningKey, report: &mut Report) -> Result<State, StoredError> {
    let (bytes, signature) = sign(key, report);
    let id = Digest::of(&bytes);
    let document = String::from_utf8(bytes).unwrap_or_default();
    let signed = Signed { document, signatures: vec![signature] };
    // For people and monitoring; the one that counts is in the outbox, and then with the server.
    disk.fill(LAST, Lasting::Soon, |out| Ok(serde_json::to_writer_pretty(out, report)?))?;
    let name = format!("{OUTBOX}/{:012}.json", report.counter);
    disk.fill(&name, Lasting::Now, |out| Ok(serde_json::to_writer(out, &signed)?))?;
    let next = state.after_report(id);
    stored::keep_state(disk, &next)?;
    for old in disk.list(OUTBOX)?.iter().rev().skip(WAITING) {
        disk.remove(&format!("{OUTBOX}/{old}"), Lasting::Soon)?;
    }
    Ok(next)
}

/// Hands the reports that wait to a server, oldest first, and says how many it took.
///
/// # Errors
/// When the server could not be reached; the rest waits for the next run.
pub fn send(disk: &Disk, server: &Https) -> Result<usize, SendError> {
    let mut sent = 0;
    for name in disk.list(OUTBOX)? {
        let name = format!("{OUTBOX}/{name}");
        let Some(body) = disk.read(&name, CAP)? else { continue };
        let request = Request {
            method: Method::Post(&body),
            path: "/v1/report",
            cap: LIMITS.answer,
            patience: PATIENCE,
        };
        match server.send(&request) {
            // A report that the server will never take must not keep the later ones back. One that comes back after a
            // power failure is sent again, and known there.
            Ok(_) | Err(FetchError::Refused { status: 400..=499, .. }) => {
                disk.remove(&name, Lasting::Soon)?
            }
            Err(error) => return Err(error.into()),
        }
        sent += 1;
    }
    Ok(sent)
}

/// Why reports still wait.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The agent's directory could not be used.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The server could not be reached.
    #[error(transparent)]
    Fetch(#[from] FetchError),
}

/// The report of the last run, if there was one.
///
/// # Errors
/// When the disk cannot be read.
pub fn last(disk: &Disk) -> Result<Option<Report>, DiskError> {
    Ok(disk.read(LAST, CAP)?.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

/// How many reports wait for a server.
///
/// # Errors
/// When the disk cannot be read.
pub fn waiting(disk: &Disk) -> Result<usize, DiskError> {
    Ok(disk.list(OUTBOX)?.len())
}

/// The exit code that a run with this report ends with. A run that could not take the newest release is no success,
/// whatever it enforced from disk; one from which news may be held back has a code of its own.
#[must_use]
pub fn exit_code(report: &Report) -> u8 {
    let failed = report.counts.failed > 0 || report.counts.failed_to_restart > 0;
    let changed = report.counts.changed > 0 || report.counts.restarted > 0;
    let incomplete = report.release.is_none() || report.cached || report.refusal.is_some();
    let frozen = report.refusal.as_ref().is_some_and(|refused| FROZEN.contains(&refused.code.as_str()));
    match (changed, failed) {
        (true, true) => 6,
        (false, true) => 4,
        _ if frozen => 16,
        _ if incomplete || matches!(report.status, RunStatus::Failed) => 1,
        (true, false) => 2,
        (false, false) if report.noop_pending => 8,
        (false, false) => 0,
    }
}

/// A report that is too long loses its log, then its details: the counts are what must arrive.
fn sign(key: &SigningKey, report: &mut Report) -> (Vec<u8>, String) {
    let whole = signing::report::sign(key, report);
    if whole.0.len() <= signing::report::MAX_BYTES {
        return whole;
    }
    report.logs.retain(|line| line.level > LogLevel::Notice);
    report.logs.truncate(1000);
    let shorter = signing::report::sign(key, report);
    if shorter.0.len() <= signing::report::MAX_BYTES {
        return shorter;
    }
    report.logs.clear();
    report.resources.clear();
    signing::report::sign(key, report)
}
