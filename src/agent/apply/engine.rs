//! The run: resources in order, each looked at, then changed or not, then refreshed or not.

use super::batch::Batch;
use super::pending::Pending;
use super::record::{Notes, is_plain};
use super::turn::{Fate, Turn, failure};
use super::voice::Voice;
use super::{Applied, Job};
use crate::agent::found::Found;
use crate::agent::host::Folder;
use crate::agent::types::{
    Account, Daemon, Entry, Filter, HostEntry, IniLine, Inode, Installed, KernelSetting, Key, KeyValue,
    Known, Language, Lens, Line, Loaded, Members, Message, Mounted, Name, Node, Purged, RpmSource, Run,
    Source, Swapping, Tidied, Type, UnitFile, Unpacked, Zone, is_service_name,
};
use crate::model::graph::{self, Graph, GraphError};
use crate::model::report::{
    Counts, Event, EventStatus, LogLine, Refused, ResourceReport, ResourceStatus, RunStatus,
};
use crate::model::resource::LogLevel;
use crate::model::{Catalog, Kind, Ref, Resource, Spec};
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Applies the whole catalog. It always ends, and says how.
pub(super) fn run(catalog: &Catalog, job: &Job<'_>, log: &mut dyn FnMut(&LogLine)) -> Applied {
    let started = Instant::now();
    let mut voice = Voice(log);
    let mut applied = match graph::order(&catalog.resources) {
        Ok(graph) => Course::new(catalog, job, &graph, voice).run(&graph),
        Err(errors) => {
            let applied = no_order(catalog, &errors, &mut voice);
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
fn no_order(catalog: &Catalog, errors: &[GraphError], voice: &mut Voice<'_>) -> Applied {
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
        record: None,
        whole: false,
        halted: None,
    }
}

/// A run on its way.
pub(super) struct Course<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) job: &'a Job<'a>,
    pub(super) node: Node<'a>,
    pub(super) voice: Voice<'a>,
    pub(super) pending: Pending,
    pub(super) batch: Batch<'a>,
    /// The resources that failed, here or in what each waits for, by resource.
    pub(super) culprits: Vec<BTreeSet<usize>>,
    pub(super) before: Vec<Vec<usize>>,
    pub(super) notes: Notes<'a>,
    pub(super) reports: Vec<ResourceReport>,
    pub(super) counts: Counts,
    pub(super) time: BTreeMap<Kind, Duration>,
    /// Commands that need not run, and how long it took to know, until something is changed.
    pub(super) settled: BTreeMap<usize, Duration>,
    /// From where on in the order nobody was asked yet.
    pub(super) unasked: usize,
    /// What was read for `audit`, until something is changed.
    pub(super) told: BTreeMap<Kind, Vec<Found>>,
}

impl<'a> Course<'a> {
    fn new(catalog: &'a Catalog, job: &'a Job<'a>, graph: &Graph, voice: Voice<'a>) -> Self {
        let count = catalog.resources.len();
        let mut before = vec![Vec::new(); count];
        for edge in &graph.edges {
            before[edge.to].push(edge.from);
        }
        let node = node(catalog, job);
        Self {
            catalog,
            job,
            node,
            voice,
            pending: Pending::new(count, &graph.edges),
            batch: Batch::default(),
            culprits: vec![BTreeSet::new(); count],
            before,
            notes: Notes::beside(job.record),
            reports: Vec::new(),
            counts: Counts { total: count as u64, ..Counts::default() },
            time: BTreeMap::new(),
            settled: BTreeMap::new(),
            unasked: 0,
            told: BTreeMap::new(),
        }
    }

    fn run(mut self, graph: &Graph) -> Applied {
        let mut halted = None;
        for (place, &index) in graph.order.iter().enumerate() {
            halted = self.job.limit.reached();
            if let Some(why) = &halted {
                self.leave(&graph.order[place..], why);
                break;
            }
            if !self.batch.is_empty() && !self.may_wait(index) {
                self.settle();
            }
            self.ask_ahead(&graph.order, place);
            let asked = self.settled.get(&index).copied().unwrap_or_default();
            let started = Instant::now();
            let name = self.catalog.resources[index].reference();
            if let Some(fate) = self.resource(index, &name) {
                self.ended((index, &name), fate, asked + started.elapsed());
            }
        }
        if !self.batch.is_empty() {
            halted = self.job.limit.reached();
            match &halted {
                Some(why) => self.leave(&[], why),
                None => self.settle(),
            }
        }
        let counts = self.counts;
        let (record, whole) = self.notes.finish(&self.catalog.resources);
        let failed = counts.failed > 0 || counts.failed_to_restart > 0;
        let changed = counts.changed > 0 || counts.restarted > 0;
        Applied {
            status: match (failed || halted.is_some(), changed) {
                (true, _) => RunStatus::Failed,
                (false, true) => RunStatus::Changed,
                (false, false) => RunStatus::Unchanged,
            },
            counts,
            noop_pending: self.reports.iter().any(|r| r.status == ResourceStatus::Pending),
            corrective_change: counts.corrective > 0,
            time: self.time.iter().map(|(kind, time)| (kind.name().to_owned(), millis(*time))).collect(),
            record,
            whole,
            resources: self.reports,
            halted,
        }
    }

    /// What a resource came to, once it is known.
    pub(super) fn ended(&mut self, (index, name): (usize, &Ref), fate: Fate, time: Duration) {
        *self.time.entry(self.catalog.resources[index].spec.kind()).or_default() += time;
        self.tell_listeners((index, name), &fate);
        self.notes.close(index, name, || is_plain(&self.catalog.resources[index]));
        if fate.failed || fate.failed_to_restart {
            self.culprits[index].insert(index);
        }
        self.report((index, name), fate, time);
    }

    /// The run ends before these and before what waits: they are reported as not reached, and what was known of them is
    /// kept.
    fn leave(&mut self, rest: &[usize], why: &Refused) {
        let rest = [&self.batch.leave(), rest].concat();
        let left = counted(rest.len(), "resource");
        let message = format!("{}: {}; {left} not reached", why.code, why.message);
        self.voice.say(LogLevel::Err, message);
        self.counts.unreached = rest.len() as u64;
        for index in rest {
            let resource = self.catalog.resources[index].reference();
            self.keep(index, &resource);
            self.notes.close(index, &resource, || is_plain(&self.catalog.resources[index]));
            let (status, events) = (ResourceStatus::Unreached, Vec::new());
            self.reports.push(ResourceReport { resource, status, events, time: 0 });
        }
    }

    /// Everything about one resource: whether its turn comes at all, then what differs, then its refresh. `None` for
    /// one that waits for others.
    fn resource(&mut self, index: usize, name: &Ref) -> Option<Fate> {
        let catalog = self.catalog;
        let resource = &catalog.resources[index];
        let skipped = Fate { skipped: true, ..Fate::default() };
        if self.depends_on_failure(index, name) || !self.is_selected(resource) {
            self.drop_events(index, name);
            self.keep(index, name);
            return Some(skipped);
        }
        match resource.meta.when.as_ref().map(|when| when.holds(self.job.facts)) {
            None | Some(Ok(true)) => {}
            Some(Ok(false)) => {
                self.drop_events(index, name);
                return Some(skipped);
            }
            Some(Err(error)) => {
                self.drop_events(index, name);
                let message = format!("cannot tell whether it is wanted: {error}");
                self.voice.of(name, LogLevel::Err, &message);
                self.notes.keep_all(name);
                let events = vec![failure("when", &message)];
                return Some(Fate { failed: true, events, ..Fate::default() });
            }
        }
        self.node.noop = self.job.wishes.noop || resource.meta.noop;
        self.node.noted = self.is_noted(index);
        if !self.is_time(resource, name) {
            self.drop_events(index, name);
            self.notes.keep_all(name);
            return Some(skipped);
        }
        if resource.spec.kind() != Kind::File {
            // Looking at anything else is not always without consequences: guards are commands.
            self.node.folder = Folder::default();
        }
        let at = (index, name);
        Some(match &resource.spec {
            Spec::File(wish) => return self.file(at, Inode(wish)),
            Spec::Package(wish) => return self.package(at, Installed(wish)),
            Spec::Service(wish) => self.turn(at, &Daemon(wish)),
            Spec::Exec(wish) => {
                return self.command(at, Run::knowing(wish, self.settled.contains_key(&index)));
            }
            Spec::User(wish) => self.turn(at, &Account(wish)),
            Spec::Group(wish) => self.turn(at, &Members(wish)),
            Spec::Cron(wish) => self.turn(at, &Entry(wish)),
            Spec::Notify(wish) => self.turn(at, &Message(wish)),
            Spec::LineInFile(wish) => self.turn(at, &Line(wish)),
            Spec::IniSetting(wish) => self.turn(at, &IniLine(wish)),
            Spec::KeySetting(wish) => self.turn(at, &KeyValue(wish)),
            Spec::Augeas(wish) => self.turn(at, &Lens(wish)),
            Spec::SshAuthorizedKey(wish) => self.turn(at, &Key(wish)),
            Spec::Host(wish) => self.turn(at, &HostEntry(wish)),
            Spec::Sysctl(wish) => self.turn(at, &KernelSetting(wish)),
            Spec::KernelModule(wish) => self.turn(at, &Loaded(wish)),
            Spec::Mount(wish) => self.turn(at, &Mounted(wish)),
            Spec::Swap(wish) => self.turn(at, &Swapping(wish)),
            Spec::Hostname(wish) => self.turn(at, &Name(wish)),
            Spec::Timezone(wish) => self.turn(at, &Zone(wish)),
            Spec::Locale(wish) => self.turn(at, &Language(wish)),
            Spec::SystemdUnit(wish) => self.turn(at, &UnitFile(wish)),
            Spec::AptRepository(wish) => self.turn(at, &Source(wish)),
            Spec::YumRepository(wish) => self.turn(at, &RpmSource(wish)),
            Spec::Archive(wish) => self.turn(at, &Unpacked(wish)),
            Spec::Nftables(wish) => self.turn(at, &Filter(wish)),
            Spec::Purge(wish) => self.turn(at, &Purged(wish)),
            Spec::Tidy(wish) => self.turn(at, &Tidied(wish)),
        })
    }

    fn turn<T: Type>(&mut self, (index, name): (usize, &Ref), resource: &T) -> Fate {
        self.drive(&Turn { index, name, resource })
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

    /// Takes over what the last run knew of a resource that is not looked at.
    pub(super) fn keep(&mut self, index: usize, name: &Ref) {
        if self.is_noted(index) {
            self.notes.leave();
        } else {
            self.notes.keep_all(name);
        }
    }

    /// Whether the record says what is wished of it already.
    pub(super) fn is_noted(&self, index: usize) -> bool {
        self.job.record.is_whole() && is_plain(&self.catalog.resources[index])
    }

    pub(super) fn is_selected(&self, resource: &Resource) -> bool {
        let wishes = self.job.wishes;
        if wishes.is_whole() {
            return true;
        }
        if wishes.only.as_ref().is_some_and(|only| !only.contains(&resource.reference())) {
            return false;
        }
        let has = |tag: &String| {
            resource.meta.tag.contains(tag)
                || tag == resource.spec.kind().name()
                || tag == resource.meta.module.as_str()
                || *tag == resource.title
        };
        (wishes.tags.is_empty() || wishes.tags.iter().any(has)) && !wishes.skip_tags.iter().any(has)
    }

    /// Whether the resource may be looked at now. Only a look that may change something counts as one.
    fn is_time(&mut self, resource: &Resource, name: &Ref) -> bool {
        let Some(schedule) = &resource.meta.schedule else { return true };
        let now = self.job.now;
        if !self.job.wishes.ignore_schedules && !schedule.holds(now, self.job.record.looked(name)) {
            let schedule = &schedule.name;
            self.voice.of(name, LogLevel::Debug, format!("Not looked at: it is not the time of {schedule}"));
            return false;
        }
        if self.node.noop {
            self.notes.keep_look(name);
        } else {
            self.notes.look(now.stamp());
        }
        true
    }

    fn report(&mut self, (index, name): (usize, &Ref), fate: Fate, time: Duration) {
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
        let any_noop = fate.events.iter().any(|e| e.status == EventStatus::Noop);
        let status = if fate.failed || fate.failed_to_restart {
            ResourceStatus::Failed
        } else if fate.skipped {
            ResourceStatus::Skipped
        } else if changed || fate.restarted {
            ResourceStatus::Changed
        } else if any_noop {
            ResourceStatus::Pending
        } else {
            ResourceStatus::Unchanged
        };
        let because_of_failure = fate.skipped && !self.culprits[index].is_empty();
        if !fate.events.is_empty() || because_of_failure {
            let (resource, mut events) = (name.clone(), fate.events);
            // Most have one, and a list has room for four from the beginning.
            events.shrink_to_fit();
            self.reports.push(ResourceReport { resource, status, events, time: millis(time) });
        }
    }
}

/// What the resource types see of the node and of the run.
pub(super) fn node<'a>(catalog: &'a Catalog, job: &Job<'a>) -> Node<'a> {
    Node {
        host: job.host,
        facts: job.facts,
        blobs: job.blobs,
        secrets: job.secrets,
        bucket: job.bucket,
        noop: job.wishes.noop,
        keep: !catalog.health.is_empty(),
        noted: false,
        managed: OnceCell::new(),
        catalog: &catalog.resources,
        services: services(catalog),
        known: Known::default(),
        folder: Folder::default(),
    }
}

fn services(catalog: &Catalog) -> Vec<String> {
    let name = |resource: &Resource| match &resource.spec {
        Spec::Service(service) => Some(service.name.clone()).filter(|name| is_service_name(name)),
        _ => None,
    };
    catalog.resources.iter().filter_map(name).collect()
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
