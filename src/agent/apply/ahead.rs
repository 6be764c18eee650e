//! Guards that are asked before their turn: most runs change nothing and wait for guards, so those of commands that need nothing
//! from each other are asked side by side.

use super::engine::Course;
use crate::agent::types::Run;
use crate::model::Spec;
use crate::model::resource::Exec;

/// Commands whose guards are asked side by side, at most.
const AHEAD: usize = 32;

impl Course<'_> {
    /// Asks the guards of the commands that come next, as long as nothing was changed in this run. Only that a command need
    /// not run is taken for granted; all else is asked again in its turn.
    pub(super) fn ask_ahead(&mut self, order: &[usize], place: usize) {
        if place < self.unasked || self.job.wishes.noop || self.job.journal.is_used() {
            return;
        }
        let mut group: Vec<(usize, &Exec)> = Vec::new();
        for &index in order[place..].iter().take(AHEAD) {
            let resource = &self.catalog.resources[index];
            let Spec::Exec(exec) = &resource.spec else { break };
            let waits = |before: &usize| {
                !self.culprits[*before].is_empty() || group.iter().any(|(earlier, _)| earlier == before)
            };
            let meta = &resource.meta;
            let plain = meta.when.is_none() && meta.schedule.is_none() && !meta.noop;
            if !plain || !self.is_selected(resource) || self.before[index].iter().any(waits) {
                break;
            }
            group.push((index, exec));
        }
        self.unasked = place + group.len().max(1);
        group.retain(|(_, exec)| Run::may_be_settled(exec));
        if group.len() > 1 {
            let execs: Vec<&Exec> = group.iter().map(|(_, exec)| *exec).collect();
            let times = Run::settled(&execs, &self.node);
            self.settled =
                group.iter().zip(times).filter_map(|((index, _), time)| Some((*index, time?))).collect();
        }
    }
}
