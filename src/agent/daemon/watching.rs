//! Drift that is put back at once: from touched paths to a look at what manages them, with the release that is on the
//! disk and without asking any server.

use super::apart::NoRun;
use super::{Ear, Life, say};
use crate::agent::apply::Wishes;
use crate::agent::drift::Drift;
use crate::agent::pull;
use crate::agent::run::{Order, Reach};
use crate::agent::stored;
use crate::agent::watch::Watch;
use crate::agent::writer::Writers;
use crate::model::Digest;
use crate::model::resource::LogLevel;
use std::collections::BTreeSet;
use std::time::Instant;

/// Paths that are named one by one, at most.
const NAMED: usize = 5;

/// A watch over what the release in force manages.
pub(super) struct Watching {
    watch: Watch,
    /// Who wrote, where the kernel tells.
    writers: Option<Writers>,
    drift: Drift,
    /// The release that was learned.
    known: Option<Digest>,
    /// How many folders are watched.
    watched: usize,
    /// What the next look tells of the last ones.
    told: Vec<String>,
}

impl Watching {
    /// Begins to watch, if it is wished and can be done.
    pub(super) fn begin(ear: &Ear, life: &Life) -> Option<Self> {
        if !life.watch {
            return None;
        }
        match Watch::begin(&life.order.root, ear.queue.clone()) {
            Ok(watch) => {
                let (writers, drift) = (Writers::begin(&life.order.root).ok(), Drift::default());
                let mut watching = Self { watch, writers, drift, known: None, watched: 0, told: Vec::new() };
                watching.learn(ear, None);
                Some(watching)
            }
            Err(error) => {
                let text = format!("Cannot watch files; drift waits for the next run: {error}");
                say(&ear.log, LogLevel::Warning, text);
                None
            }
        }
    }

    /// Looks at what manages these paths.
    pub(super) fn look(&mut self, ear: &Ear, life: &Life, paths: BTreeSet<String>) {
        let plan = self.drift.plan(paths, Instant::now());
        for (path, at) in plan.later {
            ear.queue.touch([path], at);
        }
        if plan.now.is_empty() || ear.is_paused() {
            return;
        }
        let mut paths: Vec<String> = plan.because.iter().take(NAMED).cloned().collect();
        if plan.because.len() > NAMED {
            paths.push(format!("{} more", plan.because.len() - NAMED));
        }
        say(&ear.log, LogLevel::Debug, format!("Touched: {}", paths.join(", ")));
        let wishes = Wishes { only: Some(plan.now), ..life.order.wishes.clone() };
        let because = self.told.iter().cloned().chain(self.blame(&plan.because)).collect();
        let order = Order { wishes, because, reach: Reach::Disk, trigger: None, ..life.order.clone() };
        // A look that finds nothing is nothing to speak of: every run touches what it changes, and is looked after.
        let mut lines = Vec::new();
        let ended = ear.apart.run(&ear.disk, &order, &mut |line| lines.push(line.clone()));
        if ended.found {
            lines.iter().for_each(|line| (ear.log)(line));
            self.told.clear();
        }
        match ended.none {
            None => {
                for line in self.drift.note(&ended.changed, Instant::now()) {
                    say(&ear.log, LogLevel::Warning, line.clone());
                    self.told.push(line);
                }
                self.learn(ear, ended.release);
            }
            // Whoever disabled the agent wants no repairs either; the run of the interval says so.
            Some(NoRun::Disabled(_)) => {}
            Some(NoRun::Failed(why)) => say(&ear.log, LogLevel::Notice, why),
        }
    }

    /// Who wrote to these paths, as far as it is known.
    fn blame(&self, paths: &BTreeSet<String>) -> Vec<String> {
        let writers = self.writers.iter();
        let wrote = |path: &String| writers.clone().find_map(|writers| writers.take(path));
        let told = |path: &String| Some(format!("{path} was written by {}", wrote(path)?));
        paths.iter().filter_map(told).take(NAMED).collect()
    }

    /// Learns what the release in force manages, unless it is known that this is still the one. Before the first whole run
    /// there is nothing to put back.
    pub(super) fn learn(&mut self, ear: &Ear, release: Option<Digest>) {
        if (release.is_none() || release != self.known) && !self.learn_anew(ear) {
            return;
        }
        let interests = self.drift.interests();
        if let Some(writers) = &mut self.writers {
            writers.arm(interests.keys());
        }
        // Folders may have come with the run.
        let trouble = self.watch.arm(&interests);
        if let Some((folder, error)) = trouble.first() {
            let more = trouble.len() - 1;
            let more = if more > 0 { format!(", nor {more} others") } else { String::new() };
            let text = format!("Cannot watch {folder}{more}; drift there waits for the next run: {error}");
            say(&ear.log, LogLevel::Warning, text);
        }
        if self.watched != interests.len() {
            self.watched = interests.len();
            say(&ear.log, LogLevel::Info, format!("Watched folders: {}", self.watched));
        }
    }

    fn learn_anew(&mut self, ear: &Ear) -> bool {
        let Ok(Some(state)) = stored::load(&ear.disk) else { return false };
        if state.applied().is_none() {
            return false;
        }
        let Ok(Some(ready)) = pull::reload(&ear.disk, &state, (ear.clock)()) else { return false };
        self.known = Some(ready.release.id());
        self.drift.learn(&ready.catalog);
        true
    }
}
