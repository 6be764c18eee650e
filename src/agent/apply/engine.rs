//! The run: resources in order, each looked at, then changed or not, then refreshed or not.

use super::pending::{Events, Pending};
use super::voice::Voice;
use super::{Applied, Job, Record};
use crate::agent::types::{
    Account, Change, Daemon, Done, Entry, Inode, Installed, Known, Members, Message, Node, Refreshed, Run,
    Type, chain,
};
use crate::model::graph::{self, Graph, GraphError};
use crate::model::report::{Counts, Event, EventStatus, LogLine, ResourceReport, ResourceStatus, RunStatus};
use crate::model::resource::{FileEnsure, LogLevel};
use crate::model::{Catalog, Kind, Ref, Resource, Spec};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Applies the whole catalog. It always ends, and says how.
pub(super) fn run(catalog: &Catalog, job: &Job<'_>, log: &mut dyn FnMut(&LogLine)) -> Applied {
    let started = Instant::now();
    let mut voice = Voice(log);
    let mut applied = match graph::order(&catalog.resources) {
        Ok(graph) => Course::new(catalog, job, &graph, voice).run(&graph),
        Err(errors) => {
            let applied = no_order(catalog, job, &errors, &mut voice);
            voice.say(LogLevel::Err, "the catalog was not applied");
            return applied;
        }
    };
    let elapsed = started.elapsed();
    applied.time.insert("apply".into(), millis(elapsed));
    let seconds = format!("Applied catalog in {:.2} seconds", elapsed.as_secs_f64());
    log(&LogLine { level: LogLevel::Notice, source: String::new(), message: seconds });
    applied
}

/// Resources without an order are all failed: which of them would be right to apply cannot be said.
fn no_order(catalog: &Catalog, job: &Job<'_>, errors: &[GraphError], voice: &mut Voice<'_>) -> Applied {
    for error in errors {
        voice.say(LogLevel::Err, error.to_string());
    }
    if errors.iter().any(|error| matches!(error, GraphError::Cycle(_))) {
        voice.say(LogLevel::Err, "One or more resource dependency cycles detected in graph");
    }
    let total = catalog.resources.len() as u64;
    Applied {
        status: RunStatus::Failed,
        counts: Counts { total, failed: total, ..Counts::default() },
        resources: Vec::new(),
        noop_pending: false,
        corrective_change: false,
        time: BTreeMap::new(),
        record: job.record.clone(),
    }
}

/// A run on its way.
struct Course<'a> {
    catalog: &'a Catalog,
    job: &'a Job<'a>,
    node: Node<'a>,
    voice: Voice<'a>,
    pending: Pending,
    /// The resources that failed, here or in what each waits for, by resource.
    culprits: Vec<BTreeSet<usize>>,
    before: Vec<Vec<usize>>,
    record: Record,
    reports: Vec<ResourceReport>,
    counts: Counts,
    time: BTreeMap<Kind, Duration>,
}

/// What became of one resource.
#[derive(Default)]
struct Fate {
    events: Vec<Event>,
    failed: bool,
    skipped: bool,
    /// A refresh would change nothing: it was started just now.
    fresh: bool,
    /// It was refreshed.
    restarted: bool,
    failed_to_restart: bool,
}

impl<'a> Course<'a> {
    fn new(catalog: &'a Catalog, job: &'a Job<'a>, graph: &Graph, voice: Voice<'a>) -> Self {
        let count = catalog.resources.len();
        let mut before = vec![Vec::new(); count];
        for edge in &graph.edges {
            before[edge.to].push(edge.from);
        }
        let node = Node {
            host: job.host,
            facts: job.facts,
            blobs: job.blobs,
            noop: job.wishes.noop,
            managed: managed(catalog),
            services: services(catalog),
            known: Known::default(),
        };
        Self {
            catalog,
            job,
            node,
            voice,
            pending: Pending::new(count, &graph.edges),
            culprits: vec![BTreeSet::new(); count],
            before,
            record: Record::default(),
            reports: Vec::new(),
            counts: Counts { total: count as u64, ..Counts::default() },
            time: BTreeMap::new(),
        }
    }

    fn run(mut self, graph: &Graph) -> Applied {
        for &index in &graph.order {
            let started = Instant::now();
            let fate = self.resource(index);
            let elapsed = started.elapsed();
            *self.time.entry(self.catalog.resources[index].spec.kind()).or_default() += elapsed;
            self.tell_listeners(index, &fate);
            if fate.failed || fate.failed_to_restart {
                self.culprits[index].insert(index);
            }
            self.report(index, fate, elapsed);
        }
        let counts = self.counts;
        let failed = counts.failed > 0 || counts.failed_to_restart > 0;
        let changed = counts.changed > 0 || counts.restarted > 0;
        let pending = |status| self.reports.iter().flat_map(|r| &r.events).any(|e| e.status == status);
        Applied {
            status: match (failed, changed) {
                (true, _) => RunStatus::Failed,
                (false, true) => RunStatus::Changed,
                (false, false) => RunStatus::Unchanged,
            },
            counts,
            noop_pending: self.reports.iter().any(|r| r.status == ResourceStatus::Pending)
                && pending(EventStatus::Noop),
            corrective_change: counts.corrective > 0,
            time: self.time.iter().map(|(kind, time)| (kind.name().to_owned(), millis(*time))).collect(),
            record: self.record,
            resources: self.reports,
        }
    }

    /// Everything about one resource: whether its turn comes at all, then what differs, then its refresh.
    fn resource(&mut self, index: usize) -> Fate {
        let resource = &self.catalog.resources[index];
        let name = resource.reference();
        let skipped = Fate { skipped: true, ..Fate::default() };
        if self.depends_on_failure(index, &name) || !self.is_selected(resource) {
            self.drop_events(index, &name);
            self.record.keep_all(self.job.record, &name);
            return skipped;
        }
        match resource.meta.when.as_ref().map(|when| when.holds(self.job.facts)) {
            None | Some(Ok(true)) => {}
            Some(Ok(false)) => {
                self.drop_events(index, &name);
                return skipped;
            }
            Some(Err(error)) => {
                self.drop_events(index, &name);
                let message = format!("cannot tell whether it is wanted: {error}");
                self.voice.of(&name, LogLevel::Err, &message);
                self.record.keep_all(self.job.record, &name);
                return Fate { failed: true, events: vec![failure("when", &message)], ..Fate::default() };
            }
        }
        self.node.noop = self.job.wishes.noop || resource.meta.noop;
        match &resource.spec {
            Spec::File(file) => self.drive(index, &name, &Inode(file)),
            Spec::Package(package) => self.drive(index, &name, &Installed(package)),
            Spec::Service(service) => self.drive(index, &name, &Daemon(service)),
            Spec::Exec(exec) => self.drive(index, &name, &Run(exec)),
            Spec::User(user) => self.drive(index, &name, &Account(user)),
            Spec::Group(group) => self.drive(index, &name, &Members(group)),
            Spec::Cron(cron) => self.drive(index, &name, &Entry(cron)),
            Spec::Notify(notify) => self.drive(index, &name, &Message(notify)),
        }
    }

    /// Looks, then changes what differs, then refreshes.
    fn drive<T: Type>(&mut self, index: usize, name: &Ref, resource: &T) -> Fate {
        let mut fate = Fate::default();
        let plan = match resource.check(&mut self.node) {
            Ok(plan) => plan,
            Err(error) => {
                let message = chain(&error);
                self.voice.of(name, LogLevel::Err, format!("Could not evaluate: {message}"));
                self.drop_events(index, name);
                self.record.keep_all(self.job.record, name);
                return Fate { failed: true, events: vec![failure("evaluation", &message)], ..fate };
            }
        };
        if let Some(guards) = plan.unevaluated {
            let message = format!("not evaluated: {guards} would have to run a command");
            self.voice.of(name, LogLevel::Notice, format!("{message} (noop)"));
            fate.events.push(Event { status: EventStatus::Noop, ..failure("returns", &message) });
            fate.skipped = true;
        }
        let differing: BTreeSet<&'static str> = plan.changes.iter().map(|change| change.property).collect();
        for (property, value) in &plan.wanted {
            if !differing.contains(property) {
                self.record.note(name, property, value);
            }
        }
        for change in plan.changes {
            self.change(index, change, resource, &mut fate);
        }
        self.deliver(index, name, resource, &mut fate);
        fate
    }

    fn change<T: Type>(&mut self, index: usize, change: Change<T::Step>, resource: &T, fate: &mut Fate) {
        let declared = &self.catalog.resources[index];
        let (name, level) = (declared.reference(), declared.meta.loglevel);
        let Change { property, from, to, message, diff, step } = change;
        let corrective = self.job.record.is_drift(&name, property, &to);
        let mark = if corrective { " (corrective)" } else { "" };
        let mut event =
            Event { property: property.into(), from, to, message, status: EventStatus::Noop, corrective };
        if let Some(diff) = diff {
            self.voice.property(&name, property, (level, format!("\n{}", diff.trim_end())));
        }
        if self.node.noop {
            self.voice.property(&name, property, (level, format!("{}{mark} (noop)", event.message)));
            self.record.keep(self.job.record, &name, property);
            fate.events.push(event);
            return;
        }
        // After a failure the other properties are left alone: what they build on may not be there.
        if fate.failed {
            self.record.keep(self.job.record, &name, property);
            return;
        }
        match resource.apply(step, &mut self.node) {
            Ok(Done { log, fresh }) => {
                for (own, line) in log {
                    self.voice.property(&name, property, (own.unwrap_or(level), line));
                }
                self.voice.property(&name, property, (level, format!("{}{mark}", event.message)));
                self.record.note(&name, property, &event.to);
                self.node.forget(declared.spec.kind());
                event.status = EventStatus::Success;
                fate.fresh |= fresh;
            }
            Err(error) => {
                event.message =
                    format!("change from '{}' to '{}' failed: {}", event.from, event.to, chain(&error));
                event.status = EventStatus::Failure;
                self.voice.property(&name, property, (LogLevel::Err, event.message.clone()));
                self.record.keep(self.job.record, &name, property);
                self.node.forget(declared.spec.kind());
                fate.failed = true;
            }
        }
        fate.events.push(event);
    }

    /// The refresh that waits for this resource, if any: at once, and only once.
    fn deliver<T: Type>(&mut self, index: usize, name: &Ref, resource: &T, fate: &mut Fate) {
        let level = self.catalog.resources[index].meta.loglevel;
        if fate.failed {
            self.drop_events(index, name);
            return;
        }
        let events = self.pending.take(index);
        if events.count() == 0 || !answers(name.kind) {
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
        match resource.refresh(&mut self.node) {
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
                self.node.forget(name.kind);
            }
            Err(error) => {
                let message = format!("Failed to call refresh: {}", chain(&error));
                self.voice.of(name, LogLevel::Err, &message);
                fate.events.push(failure("refresh", &message));
                fate.failed_to_restart = true;
                self.node.forget(name.kind);
            }
        }
    }

    /// Queues what this resource's changes mean to those that subscribe to it.
    fn tell_listeners(&mut self, index: usize, fate: &Fate) {
        if fate.skipped {
            return;
        }
        let count = |status| fate.events.iter().filter(|event| event.status == status).count();
        let events = Events { made: count(EventStatus::Success), noop: count(EventStatus::Noop) };
        if events.count() == 0 {
            return;
        }
        let name = self.catalog.resources[index].reference();
        for listener in self.pending.listeners(index) {
            let target = self.catalog.resources[listener].reference();
            if answers(target.kind) {
                self.voice.of(&name, LogLevel::Info, format!("Scheduling refresh of {target}"));
                self.pending.queue(listener, events);
            }
        }
    }

    fn drop_events(&mut self, index: usize, name: &Ref) {
        if self.pending.take(index).count() > 0 {
            self.voice.of(name, LogLevel::Info, "Unscheduling all events");
        }
    }

    fn depends_on_failure(&mut self, index: usize, name: &Ref) -> bool {
        let culprits: BTreeSet<usize> =
            self.before[index].iter().flat_map(|before| self.culprits[*before].iter().copied()).collect();
        for culprit in &culprits {
            let dependency = self.catalog.resources[*culprit].reference();
            self.voice.of(name, LogLevel::Notice, format!("Dependency {dependency} has failures: true"));
        }
        let any = !culprits.is_empty();
        if any {
            self.voice.of(name, LogLevel::Warning, "Skipping because of failed dependencies");
        }
        self.culprits[index] = culprits;
        any
    }

    fn is_selected(&self, resource: &Resource) -> bool {
        let wishes = self.job.wishes;
        if wishes.tags.is_empty() && wishes.skip_tags.is_empty() {
            return true;
        }
        let has = |tag: &String| {
            resource.meta.tag.contains(tag)
                || tag == resource.spec.kind().name()
                || tag == resource.meta.module.as_str()
                || *tag == resource.title
        };
        (wishes.tags.is_empty() || wishes.tags.iter().any(has)) && !wishes.skip_tags.iter().any(has)
    }

    fn report(&mut self, index: usize, fate: Fate, time: Duration) {
        let counts = &mut self.counts;
        let any = |status| fate.events.iter().any(|e| e.status == status && e.property != "refresh");
        let changed = any(EventStatus::Success);
        counts.out_of_sync += u64::from(!fate.skipped && (changed || fate.failed || any(EventStatus::Noop)));
        counts.changed += u64::from(changed);
        counts.failed += u64::from(fate.failed);
        counts.restarted += u64::from(fate.restarted);
        counts.failed_to_restart += u64::from(fate.failed_to_restart);
        counts.skipped += u64::from(fate.skipped);
        let corrective = |e: &Event| e.corrective && e.status == EventStatus::Success;
        counts.corrective += u64::from(fate.events.iter().any(corrective));
        let status = if fate.failed || fate.failed_to_restart {
            ResourceStatus::Failed
        } else if fate.skipped {
            ResourceStatus::Skipped
        } else if changed || fate.restarted {
            ResourceStatus::Changed
        } else if fate.events.is_empty() {
            ResourceStatus::Unchanged
        } else {
            ResourceStatus::Pending
        };
        let because_of_failure = fate.skipped && !self.culprits[index].is_empty();
        if !fate.events.is_empty() || because_of_failure {
            let resource = self.catalog.resources[index].reference();
            self.reports.push(ResourceReport { resource, status, events: fate.events, time: millis(time) });
        }
    }
}

/// Whether resources of this type do something on a refresh.
const fn answers(kind: Kind) -> bool {
    match kind {
        Kind::Service | Kind::Exec => true,
        Kind::File | Kind::Package | Kind::User | Kind::Group | Kind::Cron | Kind::Notify => false,
    }
}

/// An event without values.
fn failure(property: &str, message: &str) -> Event {
    Event {
        property: property.into(),
        from: String::new(),
        to: String::new(),
        message: message.into(),
        status: EventStatus::Failure,
        corrective: false,
    }
}

fn managed(catalog: &Catalog) -> BTreeMap<String, bool> {
    let mut managed = BTreeMap::new();
    for resource in &catalog.resources {
        if let Spec::File(file) = &resource.spec {
            managed.insert(file.path.clone(), file.recurse && file.ensure == FileEnsure::Directory);
            if let Some(suffix) = &file.backup {
                managed.entry(format!("{}{suffix}", file.path)).or_insert(false);
            }
        }
    }
    managed
}

fn services(catalog: &Catalog) -> Vec<String> {
    let name = |resource: &Resource| match &resource.spec {
        Spec::Service(service) => Some(service.name.clone()),
        _ => None,
    };
    catalog.resources.iter().filter_map(name).collect()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
