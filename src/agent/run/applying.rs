//! From a verified catalog to what was done, within one run.

use super::{Course, RunError};
use crate::agent::apply::{self, Applied, Record, Wishes};
use crate::agent::bucket::Bucket;
use crate::agent::journal::{self, Change, Header, Journal, Unfinished};
use crate::agent::pull::Ready;
use crate::agent::queue::Mode;
use crate::agent::stored;
use crate::model::Facts;
use crate::model::resource::LogLevel;
use std::collections::BTreeSet;

const RECORD: &str = "record.json";
const RECORD_CAP: u64 = 64 << 20;
/// Changes of an earlier run that are told one by one, at most.
const SAID: usize = 20;

impl Course<'_> {
    pub(super) fn apply(&mut self, ready: &Ready, facts: &Facts) -> Result<Applied, RunError> {
        self.say(LogLevel::Info, format!("Applying configuration version '{}'", ready.release.seq));
        let last = self.record();
        let noop = self.order.mode == Mode::Noop;
        let wishes = Wishes { noop, tags: self.order.tags.clone(), ..Wishes::default() };
        let blobs = stored::Kept(self.disk);
        let header = Header { run: self.id.clone(), release: ready.release.seq, started: self.now };
        let journal = Journal::new(self.disk, header);
        let stopped = self.look_back()?;
        let job = apply::Job {
            host: &self.host,
            facts,
            blobs: &blobs,
            secrets: &self.keyring,
            bucket: &Bucket::new(self.disk, self.now),
            record: &last,
            wishes: &wishes,
            limit: &self.limit,
            journal: &journal,
        };
        let (logs, log) = (&mut self.logs, &mut *self.log);
        let applied = apply::apply(&ready.catalog, &job, &mut |line| {
            log(line);
            logs.push(line.clone());
        });
        stored::keep(self.disk, RECORD, &serde_json::to_vec(&applied.record).unwrap_or_default())?;
        journal.close(self.disk, applied.halted.as_ref().map_or("whole", |halted| &halted.code));
        if let Some(stopped) = stopped.filter(|_| !noop && applied.halted.is_none()) {
            journal::take_up(self.disk, &stopped)?;
        }
        Ok(applied)
    }

    /// Says where an earlier run stopped, and removes the halves of files that it left beside the whole ones.
    fn look_back(&mut self) -> Result<Option<Unfinished>, RunError> {
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
        if self.order.mode == Mode::Noop {
            return Ok(Some(stopped));
        }
        let folder = |path: &String| path.rsplit_once('/').map(|(folder, _)| format!("{folder}/"));
        let folders: BTreeSet<String> =
            stopped.begun.values().filter_map(|change| folder(change.path.as_ref()?)).collect();
        for folder in folders {
            let folder = if folder == "/" { "/" } else { folder.trim_end_matches('/') };
            // A directory that is not there any more has nothing left in it.
            if let Ok(swept @ 1..) = self.host.sweep(folder) {
                self.say(LogLevel::Info, format!("Removed what {swept} cut-off writes left in {folder}"));
            }
        }
        Ok(Some(stopped))
    }

    /// What the last run left. Losing it only means that drift is taken for a new wish once.
    fn record(&self) -> Record {
        let bytes = self.disk.read(RECORD, RECORD_CAP).ok().flatten().unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }
}
