//! Resources that are put right together. Files, since waiting for the disk is most of what writing one file costs: looked at
//! in their turn, written down in the journal at once, made durable at once, and told of in their turn. And commands that
//! say that they may run at the same time: asked whether they are wanted in their turn, run at once, told of in their turn. And
//! packages with the same options, which apt installs in one transaction.
//!
//! It is as safe as one by one. Every line of the journal is durable before the first change begins, and every file before
//! any of them takes its place, so each is old or new at any moment and the next run knows which to look at. What depends
//! on one that waits, and what is of another type, comes when all that waits is done. One that fails fails by itself.

use super::engine::Course;
use super::turn::{Deed, Fate, Turn, Wishes};
use crate::agent::host::place;
use crate::agent::journal::Change as Entry;
use crate::agent::types::{
    AT_ONCE, Change, Done, Failure, FileStep as Step, Inode, Installed, Node, PackageStep, Plan, Run, Type,
    Writing,
};
use crate::model::{Meta, Ref, Spec};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Files or packages that wait, at most: a file holds two descriptors open while it is written.
const MOST: usize = 64;
/// Bytes that wait, at most.
const MOST_BYTES: u64 = 4 << 20;

/// The resources that wait, in the order of the run: either files, commands or packages.
#[derive(Default)]
pub(super) struct Batch<'a> {
    waiting: Vec<Waiting<'a>>,
    /// What the journal is to say of each.
    entries: Vec<Entry>,
    bytes: u64,
}

/// A resource that was looked at and is to be put right.
struct Waiting<'a> {
    index: usize,
    name: Ref,
    work: Work<'a>,
    deed: Deed,
    wanted: Wishes,
    /// How long looking took.
    looked: Duration,
}

/// What puts it right.
enum Work<'a> {
    /// Write a file.
    Write(Inode<'a>, Writing<'a>),
    /// Run a command.
    Run(Run<'a>),
    /// Install a package, in this version where one is given.
    Install(Installed<'a>, Option<String>),
}

impl Work<'_> {
    const fn bytes(&self) -> u64 {
        match self {
            Self::Write(_, writing) => writing.content.size,
            Self::Run(_) | Self::Install(..) => 0,
        }
    }

    /// How many of its kind wait at most.
    const fn most(&self) -> usize {
        match self {
            Self::Write(..) | Self::Install(..) => MOST,
            Self::Run(_) => AT_ONCE,
        }
    }
}

/// How it went, and how long it took.
type Ended = (Result<Done, Failure>, Duration);

impl<'a> Batch<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes out what waits: the run ends before it.
    pub(super) fn leave(&mut self) -> Vec<usize> {
        std::mem::take(self).waiting.into_iter().map(|waiting| waiting.index).collect()
    }

    fn has_room_for(&self, work: &Work<'a>) -> bool {
        self.waiting.len() < work.most() && self.bytes + work.bytes() <= MOST_BYTES
    }

    /// Whether a resource like this may wait with those that do.
    fn takes(&self, spec: &Spec) -> bool {
        let beside = |waiting: &Waiting<'_>| match (&waiting.work, spec) {
            (Work::Write(inode, _), Spec::File(file)) => inode.0.path != file.path,
            (Work::Run(_), Spec::Exec(_)) => true,
            (Work::Install(one, _), Spec::Package(package)) => one.joins(&Installed(package)),
            _ => false,
        };
        let able = match spec {
            Spec::File(file) => Inode(file).may_wait(),
            Spec::Exec(exec) => exec.parallel,
            Spec::Package(package) => Installed(package).may_wait(),
            _ => false,
        };
        able && self.waiting.iter().all(beside)
    }
}

impl<'a> Course<'a> {
    /// Whether a resource may be looked at while others wait: it is like them, needs none of them, and nothing is to be said
    /// of it before.
    pub(super) fn may_wait(&self, index: usize) -> bool {
        let resource = &self.catalog.resources[index];
        let waits = |waiting: &Waiting<'_>| self.before[index].contains(&waiting.index);
        let silent = |meta: &Meta| meta.when.is_none() && meta.schedule.is_none() && meta.audit.is_empty();
        self.batch.takes(&resource.spec)
            && silent(&resource.meta)
            && self.is_selected(resource)
            && self.before[index].iter().all(|before| self.culprits[*before].is_empty())
            && !self.batch.waiting.iter().any(waits)
    }

    /// The turn of a file: `None` when it waits.
    pub(super) fn file(&mut self, at: (usize, &Ref), inode: Inode<'a>) -> Option<Fate> {
        self.turn_or_wait(at, &inode, |step, _| match step {
            Step::Write(writing) => Some(Work::Write(inode, writing.clone())),
            _ => None,
        })
    }

    /// The turn of a command: `None` when it waits.
    pub(super) fn command(&mut self, at: (usize, &Ref), run: Run<'a>) -> Option<Fate> {
        self.turn_or_wait(at, &run, |(), _| Some(Work::Run(run)))
    }

    /// The turn of a package: `None` when it waits.
    pub(super) fn package(&mut self, at: (usize, &Ref), package: Installed<'a>) -> Option<Fate> {
        self.turn_or_wait(at, &package, |step, node| match step {
            PackageStep::Install(version) if package.is_taken_with_others(node) => {
                Some(Work::Install(package, version.clone()))
            }
            _ => None,
        })
    }

    fn turn_or_wait<T: Type>(
        &mut self,
        (index, name): (usize, &Ref),
        resource: &T,
        work: impl FnOnce(&T::Step, &mut Node<'_>) -> Option<Work<'a>>,
    ) -> Option<Fate> {
        let (turn, begun) = (Turn { index, name, resource }, Instant::now());
        let plan = match self.look(&turn) {
            Ok(plan) => match self.wait(&turn, (plan, begun), work) {
                None => return None,
                Some(plan) => Ok(plan),
            },
            Err(error) => Err(error),
        };
        let still = plan.as_ref().is_ok_and(|plan| plan.changes.is_empty()) && !self.pending.has(index);
        if !still {
            self.settle();
        }
        Some(self.act(&turn, plan))
    }

    /// Lets a resource wait if it may and this work is all there is to do; gives the plan back otherwise.
    fn wait<T: Type>(
        &mut self,
        turn: &Turn<'_, T>,
        (mut plan, begun): (Plan<T::Step>, Instant),
        work: impl FnOnce(&T::Step, &mut Node<'_>) -> Option<Work<'a>>,
    ) -> Option<Plan<T::Step>> {
        let [Change { step, .. }] = plan.changes.as_slice() else { return Some(plan) };
        if self.node.noop || !self.may_wait(turn.index) {
            return Some(plan);
        }
        let Some(work) = work(step, &mut self.node) else { return Some(plan) };
        let Ok(undo) = self.undo(turn, step) else { return Some(plan) };
        if !self.batch.has_room_for(&work) {
            self.settle();
        }
        let Some(change) = plan.changes.pop() else { return Some(plan) };
        let wanted = Wishes::of(plan.wanted);
        let (deed, _) = self.deed(turn.name, &wanted, change);
        let (index, name) = (turn.index, turn.name.clone());
        self.batch.entries.push(self.entry((index, &name), &deed.event, undo));
        self.batch.bytes += work.bytes();
        let looked = begun.elapsed();
        self.batch.waiting.push(Waiting { index, name, work, deed, wanted, looked });
        None
    }

    /// Puts right what waits, and says how it went.
    pub(super) fn settle(&mut self) {
        let Batch { waiting, entries, .. } = std::mem::take(&mut self.batch);
        if waiting.is_empty() {
            return;
        }
        self.forget();
        let (begun, journal) = (Instant::now(), self.job.journal);
        let first = journal.begin_all(&entries);
        let results = match &first {
            Ok(_) => self.work(&waiting, begun),
            Err(error) => waiting.iter().map(|_| (Err(error.clone().into()), Duration::ZERO)).collect(),
        };
        for (number, (waiting, result)) in (0..).zip(waiting.into_iter().zip(results)) {
            if let Ok(first) = first {
                journal.ended(first + number, result.0.is_ok());
            }
            match waiting.work {
                Work::Write(inode, _) => self.end(waiting, result, &inode),
                Work::Run(run) => self.end(waiting, result, &run),
                Work::Install(package, _) => self.end(waiting, result, &package),
            }
        }
    }

    /// What a resource that waited came to: the end of its turn.
    fn end<T: Type>(&mut self, waiting: Waiting<'a>, (result, took): Ended, resource: &T) {
        let Waiting { index, name, deed, wanted, looked, .. } = waiting;
        resource.forget(&mut self.node.known);
        let mut fate = Fate::default();
        self.conclude((index, &name), (deed, result), &mut fate);
        self.remember(&name, &wanted, &fate);
        self.deliver(&Turn { index, name: &name, resource }, &mut fate);
        self.note_audited(index, BTreeMap::new(), &fate);
        self.ended((index, &name), fate, looked + took);
    }

    fn work(&mut self, waiting: &[Waiting<'a>], begun: Instant) -> Vec<Ended> {
        let run = |waiting: &Waiting<'a>| match waiting.work {
            Work::Run(run) => Some(run),
            Work::Write(..) | Work::Install(..) => None,
        };
        let runs: Vec<Run<'a>> = waiting.iter().filter_map(run).collect();
        if !runs.is_empty() {
            return Run::together(&runs, &self.node);
        }
        let install = |waiting: &Waiting<'a>| match &waiting.work {
            Work::Install(package, version) => Some((*package, version.clone())),
            Work::Write(..) | Work::Run(_) => None,
        };
        let packages: Vec<_> = waiting.iter().filter_map(install).collect();
        let results = if packages.is_empty() {
            self.write(waiting).into_iter().map(|result| result.map(|()| Done::quietly())).collect()
        } else {
            Installed::together(&packages, &mut self.node)
        };
        let share = begun.elapsed() / u32::try_from(waiting.len()).unwrap_or(u32::MAX);
        results.into_iter().map(|result| (result, share)).collect()
    }

    fn write(&mut self, waiting: &[Waiting<'a>]) -> Vec<Result<(), Failure>> {
        let (mut results, mut files) = (Vec::new(), Vec::new());
        let paths = waiting.iter().filter_map(|waiting| match &waiting.work {
            Work::Write(inode, _) => Some(inode.0.path.as_str()),
            Work::Run(_) | Work::Install(..) => None,
        });
        self.node.host.ask_labels(&paths.collect::<Vec<_>>());
        for waiting in waiting {
            let Work::Write(inode, writing) = &waiting.work else { continue };
            let prepared = inode.prepare(writing, &mut self.node);
            results.push(prepared.map(|file| files.push(file)));
        }
        let placed = place(files);
        for (result, placed) in results.iter_mut().filter(|result| result.is_ok()).zip(placed) {
            *result = placed.map_err(Failure::from);
        }
        results
    }
}
