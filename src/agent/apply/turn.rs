//! The turn of one resource: look, change what differs, refresh, and tell those that subscribe to it.

use super::engine::Course;
use super::pending::Events;
use crate::agent::host::Folder;
use crate::agent::journal::Change as Entry;
use crate::agent::types::{Change, Done, Failure, Plan, Refreshed, Type, chain, judge_deeds};
use crate::agent::undo::Undo;
use crate::model::Ref;
use crate::model::report::{Event, EventStatus};
use crate::model::resource::LogLevel;
use std::collections::BTreeSet;

/// What became of one resource.
#[derive(Default)]
pub(super) struct Fate {
    pub(super) events: Vec<Event>,
    pub(super) failed: bool,
    pub(super) skipped: bool,
    /// A refresh would change nothing: it was started just now.
    pub(super) fresh: bool,
    /// It was refreshed.
    pub(super) restarted: bool,
    pub(super) failed_to_restart: bool,
}

/// A change, as it is told.
pub(super) struct Deed {
    pub(super) event: Event,
    /// What changes in a text, until it was said.
    diff: Option<String>,
}

impl Deed {
    const fn mark(&self) -> &'static str {
        if self.event.corrective { " (corrective)" } else { "" }
    }
}

/// What is wished of one resource: each property once, by name.
pub(super) struct Wishes(Vec<(&'static str, String)>);

impl Wishes {
    pub(super) fn of(mut wanted: Vec<(&'static str, String)>) -> Self {
        wanted.sort_by_key(|(property, _)| *property);
        wanted.dedup_by_key(|(property, _)| *property);
        Self(wanted)
    }

    fn of_property(&self, property: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| *name == property).map(|(_, value)| value.as_str())
    }
}

/// One resource while its turn lasts.
pub(super) struct Turn<'t, T> {
    pub(super) index: usize,
    pub(super) name: &'t Ref,
    pub(super) resource: &'t T,
}

impl Course<'_> {
    /// Looks, then changes what differs, then refreshes.
    pub(super) fn drive<T: Type>(&mut self, turn: &Turn<'_, T>) -> Fate {
        let plan = self.look(turn);
        self.act(turn, plan)
    }

    /// Looks, and changes nothing.
    pub(super) fn look<T: Type>(&mut self, turn: &Turn<'_, T>) -> Result<Plan<T::Step>, Failure> {
        let plan = turn.resource.check(&mut self.node)?;
        if !plan.changes.is_empty() {
            judge_deeds(&self.catalog.resources[turn.index].spec)?;
        }
        Ok(plan)
    }

    /// Changes what differs, then refreshes.
    pub(super) fn act<T: Type>(&mut self, turn: &Turn<'_, T>, plan: Result<Plan<T::Step>, Failure>) -> Fate {
        let name = turn.name;
        let mut fate = Fate::default();
        let plan = match plan {
            Ok(plan) => plan,
            Err(error) => {
                let message = chain(&error);
                self.voice.of(name, LogLevel::Err, format!("Could not evaluate: {message}"));
                self.drop_events(turn.index, name);
                self.keep(turn.index, name);
                return Fate { failed: true, events: vec![failure("evaluation", &message)], ..fate };
            }
        };
        if let Some(guards) = plan.unevaluated {
            let message = format!("not evaluated: {guards} would have to run a command");
            self.voice.of(name, LogLevel::Notice, format!("{message} (noop)"));
            fate.events.push(Event { status: EventStatus::Noop, ..failure("returns", &message) });
            fate.skipped = true;
        }
        let seen = self.audit(turn.index, name, &mut fate);
        let wanted = Wishes::of(plan.wanted);
        for change in plan.changes {
            self.change(turn, self.deed(name, &wanted, change), &mut fate);
        }
        if self.node.noted && fate.events.is_empty() {
            self.notes.leave();
        } else {
            self.remember(name, &wanted, &fate);
        }
        self.deliver(turn, &mut fate);
        self.note_audited(turn.index, seen, &fate);
        fate
    }

    /// Notes what is as it should be now. What is not keeps what the last run knew: a failure or a noop run does
    /// not make the next one take drift for a new wish.
    pub(super) fn remember(&mut self, name: &Ref, wanted: &Wishes, fate: &Fate) {
        let undone = |event: &&Event| matches!(event.status, EventStatus::Failure | EventStatus::Noop);
        let undone: BTreeSet<&str> =
            fate.events.iter().filter(undone).map(|event| event.property.as_str()).collect();
        // Nothing can be said of the rest of a resource that is not there.
        let nothing = undone.contains("ensure") || fate.failed;
        for (property, value) in &wanted.0 {
            if nothing || undone.contains(property) {
                self.notes.keep(name, property);
            } else {
                self.notes.note(property, value);
            }
        }
    }

    /// A change of a resource for which `wanted` is wished, and what carries it out.
    pub(super) fn deed<S>(&self, name: &Ref, wanted: &Wishes, change: Change<S>) -> (Deed, S) {
        let Change { property, from, to, message, diff, step } = change;
        let wish = wanted.of_property(property);
        let corrective = wish.is_some_and(|wish| self.job.record.is_drift(name, property, wish));
        let property = property.into();
        let event = Event { property, from, to, message, status: EventStatus::Noop, corrective };
        (Deed { event, diff }, step)
    }

    fn change<T: Type>(&mut self, turn: &Turn<'_, T>, (mut deed, step): (Deed, T::Step), fate: &mut Fate) {
        // After a failure the other properties are left alone: what they build on may not be there.
        if fate.failed {
            return;
        }
        let at = (turn.index, turn.name);
        self.show(at, &mut deed);
        if self.node.noop {
            let Event { property, message, .. } = &deed.event;
            let line = format!("{message}{} (noop)", deed.mark());
            self.voice.property(turn.name, property, (self.level(turn.index), line));
            fate.events.push(deed.event);
            return;
        }
        let undo = self.undo(turn, &step);
        let result = undo.and_then(|undo| {
            let entry = self.entry(at, &deed.event, undo);
            self.journalled(&entry, |course| turn.resource.apply(step, &mut course.node))
        });
        turn.resource.forget(&mut self.node.known);
        self.conclude(at, (deed, result), fate);
    }

    /// Says what changes in a text, where that is shown.
    fn show(&mut self, (index, name): (usize, &Ref), deed: &mut Deed) {
        if let Some(diff) = deed.diff.take() {
            let line = (self.level(index), format!("\n{}", diff.trim_end()));
            self.voice.property(name, &deed.event.property, line);
        }
    }

    /// Says how a change went.
    pub(super) fn conclude(
        &mut self,
        (index, name): (usize, &Ref),
        (mut deed, result): (Deed, Result<Done, Failure>),
        fate: &mut Fate,
    ) {
        self.show((index, name), &mut deed);
        let (level, mark, mut event) = (self.level(index), deed.mark(), deed.event);
        match result {
            Ok(Done { log, fresh }) => {
                for (own, line) in log {
                    self.voice.property(name, &event.property, (own.unwrap_or(level), line));
                }
                self.voice.property(name, &event.property, (level, format!("{}{mark}", event.message)));
                event.status = EventStatus::Success;
                fate.fresh |= fresh;
            }
            Err(error) => {
                event.message =
                    format!("change from '{}' to '{}' failed: {}", event.from, event.to, chain(&error));
                event.status = EventStatus::Failure;
                self.voice.property(name, &event.property, (LogLevel::Err, event.message.clone()));
                fate.failed = true;
            }
        }
        fate.events.push(event);
    }

    fn level(&self, index: usize) -> LogLevel {
        self.catalog.resources[index].meta.loglevel
    }

    /// What puts back what a step changes, where the release has health checks.
    pub(super) fn undo<T: Type>(&mut self, turn: &Turn<'_, T>, step: &T::Step) -> Result<Vec<Undo>, Failure> {
        if !self.node.keep {
            return Ok(Vec::new());
        }
        let mut undo = turn.resource.undo(step, &mut self.node)?;
        let spec = &self.catalog.resources[turn.index].spec;
        if undo.is_empty() && spec.goes_back() {
            // A type that only writes files needs no more than those files.
            for path in spec.paths() {
                undo.extend(Undo::of_path(&path, &self.node)?);
            }
        }
        Ok(undo)
    }

    /// What the journal says of a change.
    pub(super) fn entry(&self, (index, name): (usize, &Ref), event: &Event, undo: Vec<Undo>) -> Entry {
        let Event { property, from, to, .. } = event;
        let path = self.catalog.resources[index].spec.paths().into_iter().next();
        let (property, from, to) = (property.clone(), from.clone(), to.clone());
        Entry { resource: name.clone(), property, from, to, path, undo }
    }

    /// Forgets what a change that comes now may make untrue.
    pub(super) fn forget(&mut self) {
        self.settled.clear();
        self.node.folder = Folder::default();
    }

    /// Does something to the node that is in the journal before.
    fn journalled<R>(
        &mut self,
        entry: &Entry,
        work: impl FnOnce(&mut Self) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        self.forget();
        let number = self.job.journal.begin(entry)?;
        let result = work(self);
        self.job.journal.ended(number, result.is_ok());
        result
    }

    /// The refresh that waits for this resource, if any: at once, and only once.
    pub(super) fn deliver<T: Type>(&mut self, turn: &Turn<'_, T>, fate: &mut Fate) {
        let (index, name) = (turn.index, turn.name);
        let level = self.catalog.resources[index].meta.loglevel;
        if fate.failed {
            self.drop_events(index, name);
            return;
        }
        let events = self.pending.take(index);
        if events.count() == 0 || !name.kind.answers() {
            return;
        }
        if fate.fresh {
            self.voice.of(name, LogLevel::Info, format!("Unscheduling refresh on {name}"));
            return;
        }
        if self.node.noop || events.made == 0 {
            let message = format!("Would have triggered {}", events.text());
            self.voice.of(name, level, &message);
            fate.events.push(Event { status: EventStatus::Noop, ..failure("refresh", &message) });
            return;
        }
        let undo = if self.node.keep { turn.resource.undo_refresh() } else { Vec::new() };
        let entry = self.entry((index, name), &failure("refresh", ""), undo);
        let result = self.journalled(&entry, |course| turn.resource.refresh(&mut course.node));
        turn.resource.forget(&mut self.node.known);
        match result {
            Ok(Refreshed::Nothing) => {}
            Ok(Refreshed::Skipped(why)) => self.voice.of(name, LogLevel::Info, why),
            Ok(Refreshed::Done(done)) => {
                for (own, line) in done.log {
                    self.voice.of(name, own.unwrap_or(level), line);
                }
                let message = format!("Triggered {}", events.text());
                self.voice.of(name, level, &message);
                fate.events.push(Event { status: EventStatus::Success, ..failure("refresh", &message) });
                fate.restarted = true;
            }
            Err(error) => {
                let message = format!("Failed to call refresh: {}", chain(&error));
                self.voice.of(name, LogLevel::Err, &message);
                fate.events.push(failure("refresh", &message));
                fate.failed_to_restart = true;
            }
        }
    }

    /// Queues what this resource's changes mean to those that subscribe to it.
    pub(super) fn tell_listeners(&mut self, (index, name): (usize, &Ref), fate: &Fate) {
        if fate.skipped {
            return;
        }
        let count = |status| fate.events.iter().filter(|event| event.status == status).count();
        let events = Events { made: count(EventStatus::Success), noop: count(EventStatus::Noop) };
        if events.count() == 0 {
            return;
        }
        for listener in self.pending.listeners(index) {
            let target = self.catalog.resources[listener].reference();
            if target.kind.answers() {
                self.voice.of(name, LogLevel::Info, format!("Scheduling refresh of {target}"));
                self.pending.queue(listener, events);
            }
        }
    }

    pub(super) fn drop_events(&mut self, index: usize, name: &Ref) {
        if self.pending.take(index).count() > 0 {
            self.voice.of(name, LogLevel::Info, "Unscheduling all events");
        }
    }
}

/// An event without values.
pub(super) fn failure(property: &str, message: &str) -> Event {
    Event {
        property: property.into(),
        from: String::new(),
        to: String::new(),
        message: message.into(),
        status: EventStatus::Failure,
        corrective: false,
    }
}
