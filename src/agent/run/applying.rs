//! From a verified catalog to what was done, within one run.

use super::{Course, RunError};
use crate::agent::apply::{self, Applied, Record, Wishes};
use crate::agent::pull::Ready;
use crate::agent::queue::Mode;
use crate::agent::stored;
use crate::model::Facts;
use crate::model::resource::LogLevel;

const RECORD: &str = "record.json";
const RECORD_CAP: u64 = 64 << 20;

impl Course<'_> {
    pub(super) fn apply(&mut self, ready: &Ready, facts: &Facts) -> Result<Applied, RunError> {
        self.say(LogLevel::Info, format!("Applying configuration version '{}'", ready.release.seq));
        let last = self.record();
        let noop = self.order.mode == Mode::Noop;
        let wishes = Wishes { noop, tags: self.order.tags.clone(), ..Wishes::default() };
        let blobs = stored::Kept(self.disk);
        let job = apply::Job {
            host: &self.host,
            facts,
            blobs: &blobs,
            secrets: &self.keyring,
            record: &last,
            wishes: &wishes,
            limit: &self.limit,
        };
        let (logs, log) = (&mut self.logs, &mut *self.log);
        let applied = apply::apply(&ready.catalog, &job, &mut |line| {
            log(line);
            logs.push(line.clone());
        });
        stored::keep(self.disk, RECORD, &serde_json::to_vec(&applied.record).unwrap_or_default())?;
        Ok(applied)
    }

    /// What the last run left. Losing it only means that drift is taken for a new wish once.
    fn record(&self) -> Record {
        let bytes = self.disk.read(RECORD, RECORD_CAP).ok().flatten().unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }
}
