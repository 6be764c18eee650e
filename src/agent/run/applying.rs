//! From a verified catalog to what was done, within one run: what an earlier run left, the budget, the changes, the health
//! checks, and the way back.

use super::{Course, RunError};
use crate::agent::apply::{self, Applied, Job, Last, Record, Returned, Wishes};
use crate::agent::bucket::Bucket;
use crate::agent::disk::{Disk, Lasting};
use crate::agent::journal::{self, Change, Header, Journal, Unfinished};
use crate::agent::pull::Ready;
use crate::agent::quarantine::{self, Lifted, Quarantine};
use crate::agent::queue::Mode;
use crate::agent::stored;
use crate::agent::undo::Undo;
use crate::agent::wall::wall;
use crate::model::report::{LogLine, Refused, ResourceStatus, RunStatus};
use crate::model::resource::LogLevel;
use crate::model::{Digest, Facts, Ref};
use std::collections::BTreeSet;

const RECORD: &str = "record.json";
const RECORD_CAP: u64 = 64 << 20;
/// Names the release whose wishes the record holds whole.
const WHOLE: &str = "record.whole";
/// Lines of one list that are told one by one, at most.
const SAID: usize = 20;

/// Whether the node has been through a whole run before. The first one makes it what it is, so no budget bounds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Experience {
    New,
    Seasoned,
}

/// Where the lines of a run go.
type Log<'l> = &'l mut dyn FnMut(&LogLine);

impl Course<'_> {
    pub(super) fn apply(
        &mut self,
        ready: &Ready,
        facts: &Facts,
        experience: Experience,
    ) -> Result<Applied, RunError> {
        let (seq, release) = (ready.release.seq, ready.release.id());
        self.say(LogLevel::Info, format!("Applying configuration version '{seq}'"));
        let held = self.quarantined(seq, release)?;
        let disk = self.disk;
        let last = Last::new(is_whole(disk, release), || record(disk));
        let noop = self.order.mode == Mode::Noop || held.is_some();
        let wishes = Wishes { noop, ..self.order.wishes.clone() };
        let (blobs, bucket) = (stored::Kept(self.disk), Bucket::new(self.disk, self.now));
        let header = Header { run: self.id.clone(), release: seq, started: self.now };
        let journal = Journal::new(self.disk, header);
        let stopped = self.look_back(noop)?;
        let job = Job {
            host: &self.host,
            facts,
            blobs: &blobs,
            secrets: &self.keyring,
            bucket: &bucket,
            record: &last,
            wishes: &wishes,
            limit: &self.limit,
            journal: &journal,
            now: wall(&ready.catalog, &self.host, self.now),
        };
        let (logs, log) = (&mut self.logs, &mut *self.log);
        let log: Log<'_> = &mut |line| {
            log(line);
            logs.push(line.clone());
        };
        let before = stopped.as_ref().map(|stopped| stopped.undo.clone()).unwrap_or_default();
        let mut applied = changed(ready, &job, experience, log);
        let unproven = journal.is_used() || stopped.is_some();
        if unproven && !noop && !ready.catalog.only_noop() && applied.halted.is_none() {
            let undo = before.into_iter().chain(journal.undo()).collect();
            if let Some((why, halted)) = judged(ready, &job, (&applied, undo), log) {
                quarantine::put(self.disk, &Quarantine { release, seq, since: self.now, why, lifted: None })?;
                applied = Applied {
                    status: RunStatus::Failed,
                    halted: Some(halted),
                    record: None,
                    whole: false,
                    ..applied
                };
            }
        }
        if let Some(held) = held {
            applied.status = RunStatus::Failed;
            applied.halted = Some(held.refused());
        }
        keep_record(disk, &applied, release)?;
        self.put_away(&applied, (&journal, &bucket), stopped.filter(|_| !noop))?;
        Ok(applied)
    }

    /// What keeps this release from being applied here, which is told; as is that somebody wants it all the same.
    fn quarantined(&mut self, seq: u64, release: Digest) -> Result<Option<Quarantine>, RunError> {
        let Some(held) = quarantine::current(self.disk, (seq, release), self.now)? else { return Ok(None) };
        let Some(Lifted { owner, since, reason }) = &held.lifted else {
            self.say(LogLevel::Err, format!("QUARANTINED: {held}"));
            return Ok(Some(held));
        };
        let who = format!("{}, who lifted the quarantine at {since}", owner.escape_debug());
        let text = format!(
            "Release {seq} failed here at {} ({}) and is applied by the word of {who} (Reason: '{}')",
            held.since,
            held.why,
            reason.escape_debug()
        );
        self.say(LogLevel::Warning, text);
        Ok(None)
    }

    /// Closes the journal. What was set aside goes when nothing can have to be put back any more.
    fn put_away(
        &self,
        applied: &Applied,
        (journal, bucket): (&Journal, &Bucket),
        stopped: Option<Unfinished>,
    ) -> Result<(), RunError> {
        let how = applied.halted.as_ref().map_or("whole", |halted| halted.code.as_str());
        let over = !matches!(how, "STOPPED" | "RUN_TIMEOUT" | "BUDGET");
        journal.close(self.disk, how);
        if let Some(stopped) = stopped.filter(|_| over) {
            journal::take_up(self.disk, &stopped)?;
        }
        if over {
            bucket.clear_aside()?;
        }
        Ok(())
    }

    /// Says where an earlier run stopped, and removes the halves of files that it left beside the whole ones.
    fn look_back(&mut self, noop: bool) -> Result<Option<Unfinished>, RunError> {
        let Some(stopped) = journal::unfinished(self.disk)? else { return Ok(None) };
        let Header { run, release, started } = &stopped.header;
        let which =
            format!("The last run ({}, release {release}, begun {started})", run.get(..8).unwrap_or(run));
        if stopped.begun.is_empty() {
            let text = format!("{which} stopped between two changes, after {} of them", stopped.done);
            self.say(LogLevel::Warning, text);
        }
        for change in stopped.begun.values().take(SAID) {
            let Change { resource, property, from, to, .. } = change;
            let what = if from.is_empty() && to.is_empty() {
                property.clone()
            } else {
                format!("{property} from '{from}' to '{to}'")
            };
            self.say(LogLevel::Warning, format!("{which} stopped while changing {resource} ({what})"));
        }
        self.say(LogLevel::Warning, "Every file is as it was before or as it was to be; this run finishes");
        if noop {
            return Ok(Some(stopped));
        }
        let folder = |path: &String| path.rsplit_once('/').map(|(folder, _)| folder.to_owned());
        let folders: BTreeSet<String> =
            stopped.begun.values().filter_map(|change| folder(change.path.as_ref()?)).collect();
        for folder in folders {
            let folder = if folder.is_empty() { "/" } else { &folder };
            // A directory that is not there any more has nothing left in it.
            if let Ok(swept @ 1..) = self.host.sweep(folder) {
                self.say(LogLevel::Info, format!("Removed what {swept} cut-off writes left in {folder}"));
            }
        }
        Ok(Some(stopped))
    }
}

/// What the last run left. Losing it only means that drift is taken for a new wish once.
fn record(disk: &Disk) -> Option<Record> {
    match disk.read(RECORD, RECORD_CAP).ok()? {
        Some(bytes) => serde_json::from_slice(&bytes).ok(),
        None => Some(Record::default()),
    }
}

fn is_whole(disk: &Disk, release: Digest) -> bool {
    disk.has(RECORD) && disk.holds(WHOLE, release.to_string().as_bytes()).unwrap_or(false)
}

/// Keeps what the run left, and whose wishes that is. Never is a record taken for whole that is not: the name of the
/// release goes before the record changes.
fn keep_record(disk: &Disk, applied: &Applied, release: Digest) -> Result<(), RunError> {
    if let Some(record) = &applied.record {
        if disk.has(WHOLE) {
            disk.remove(WHOLE, Lasting::Now)?;
        }
        disk.fill(RECORD, Lasting::Now, |out| Ok(serde_json::to_writer(out, record)?))?;
    }
    if applied.whole && disk.has(RECORD) && !is_whole(disk, release) {
        disk.write(WHOLE, release.to_string().as_bytes())?;
    }
    Ok(())
}

/// Applies the catalog, unless its budget says that this would be too much.
fn changed(ready: &Ready, job: &Job<'_>, experience: Experience, log: Log<'_>) -> Applied {
    let looking = job.wishes.noop || ready.catalog.only_noop();
    let bounded = ready.catalog.budget.filter(|_| !looking && experience == Experience::Seasoned);
    let Some(budget) = bounded else { return apply::apply(&ready.catalog, job, log) };
    let forecast = apply::forecast(&ready.catalog, job);
    say(log, LogLevel::Info, format!("Plan: {}", forecast.against(&budget)));
    if let Some((refused, list)) = forecast.over(&budget) {
        say(log, LogLevel::Err, format!("{}: {}", refused.code, refused.message));
        for line in list.iter().take(SAID) {
            say(log, LogLevel::Err, format!("too many {line}"));
        }
        if let more @ 1.. = list.len().saturating_sub(SAID) {
            say(log, LogLevel::Err, format!("and {more} more; `--noop` shows all of them"));
        }
        return Applied {
            status: RunStatus::Failed,
            halted: Some(refused),
            record: None,
            whole: false,
            ..forecast.seen
        };
    }
    if forecast.is_nothing() { forecast.seen } else { apply::apply(&ready.catalog, job, log) }
}

/// The health checks. When one fails, everything that can goes back, and why is said once for the quarantine and once for
/// the report.
fn judged(
    ready: &Ready,
    job: &Job<'_>,
    (applied, undo): (&Applied, Vec<(Ref, Undo)>),
    log: Log<'_>,
) -> Option<(String, Refused)> {
    let why = apply::judge(&ready.catalog, job, log)?;
    let Returned { back, failed } = apply::go_back(&ready.catalog, job, undo, log);
    let changed = applied.resources.iter().filter(|report| report.status == ResourceStatus::Changed);
    let changed: BTreeSet<&Ref> = changed.map(|report| &report.resource).collect();
    let stays: Vec<String> = (ready.catalog.resources.iter())
        .filter(|resource| !resource.spec.goes_back() && changed.contains(&resource.reference()))
        .map(|resource| resource.reference().to_string())
        .collect();
    let mut message = format!("{why}; {back} changes were taken back");
    for (list, what) in
        [(&failed, "could not be taken back"), (&stays, "stays, as it was declared irreversible")]
    {
        if !list.is_empty() {
            let more = list.len().saturating_sub(SAID);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            message.push_str(&format!("; {what}: {}{more}", list[..list.len().min(SAID)].join(", ")));
        }
    }
    say(log, LogLevel::Err, format!("HEALTH: {message}; the release is in quarantine on this node"));
    Some((why, Refused { code: "HEALTH".into(), message }))
}

fn say(log: Log<'_>, level: LogLevel, message: String) {
    log(&LogLine { level, source: String::new(), message });
}
