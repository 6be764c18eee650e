//! Files that are written together, since waiting for the disk is most of what writing one file costs: looked at in their turn,
//! written down in the journal at once, made durable at once, and told of in their turn.
//!
//! It is as safe as one by one. Every line of the journal is durable before the first change begins, and every file before
//! any of them takes its place, so each is old or new at any moment and the next run knows which to look at. What depends
//! on a file, what is of another type and what runs a command comes when all that waits is in its place. One that fails
//! fails by itself.

use super::engine::Course;
use super::turn::{Deed, Fate, Turn, Wishes};
use crate::agent::host::place;
use crate::agent::journal::Change as Entry;
use crate::agent::types::{Change, Done, Failure, FileStep as Step, Inode, Plan, Type as _, Writing};
use crate::model::{Meta, Ref, Spec};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Files that wait, at most: each holds two descriptors open while it is written.
const MOST: usize = 64;
/// Bytes that wait, at most.
const MOST_BYTES: u64 = 4 << 20;

/// The files that wait, in the order of the run.
#[derive(Default)]
pub(super) struct Batch<'a> {
    waiting: Vec<Waiting<'a>>,
    /// What the journal is to say of each.
    entries: Vec<Entry>,
    bytes: u64,
}

/// A file that was looked at and is to be written.
struct Waiting<'a> {
    index: usize,
    name: Ref,
    inode: Inode<'a>,
    writing: Writing<'a>,
    deed: Deed,
    wanted: Wishes,
    /// How long looking took.
    looked: Duration,
}

impl Batch<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes out what waits: the run ends before it.
    pub(super) fn leave(&mut self) -> Vec<usize> {
        std::mem::take(self).waiting.into_iter().map(|waiting| waiting.index).collect()
    }

    fn has_room_for(&self, bytes: u64) -> bool {
        self.waiting.len() < MOST && self.bytes + bytes <= MOST_BYTES
    }
}

impl<'a> Course<'a> {
    /// Whether a resource may be looked at while files wait: it is a file like them, in another place, that needs none of
    /// them, and nothing is to be said of it before.
    pub(super) fn may_wait(&self, index: usize) -> bool {
        let resource = &self.catalog.resources[index];
        let Spec::File(file) = &resource.spec else { return false };
        let waits = |waiting: &Waiting<'_>| {
            self.before[index].contains(&waiting.index) || waiting.inode.0.path == file.path
        };
        let silent = |meta: &Meta| meta.when.is_none() && meta.schedule.is_none() && meta.audit.is_empty();
        Inode(file).may_wait()
            && silent(&resource.meta)
            && self.is_selected(resource)
            && self.before[index].iter().all(|before| self.culprits[*before].is_empty())
            && !self.batch.waiting.iter().any(waits)
    }

    /// The turn of a file: `None` when it waits.
    pub(super) fn file(&mut self, (index, name): (usize, &Ref), inode: &Inode<'a>) -> Option<Fate> {
        let (turn, begun) = (Turn { index, name, resource: inode }, Instant::now());
        let plan = match self.look(&turn) {
            Ok(plan) if self.may_wait(index) && !self.node.noop => match self.wait(&turn, plan, begun) {
                None => return None,
                Some(plan) => Ok(plan),
            },
            other => other,
        };
        if !plan.as_ref().is_ok_and(|plan| plan.changes.is_empty()) {
            self.settle();
        }
        Some(self.act(&turn, plan))
    }

    /// Lets a file wait if to write it is all there is to do; gives the plan back otherwise.
    fn wait(
        &mut self,
        turn: &Turn<'_, Inode<'a>>,
        mut plan: Plan<Step<'a>>,
        begun: Instant,
    ) -> Option<Plan<Step<'a>>> {
        let [Change { step: step @ Step::Write(writing), .. }] = plan.changes.as_slice() else {
            return Some(plan);
        };
        let writing = writing.clone();
        let Ok(undo) = self.undo(turn, step) else { return Some(plan) };
        if !self.batch.has_room_for(writing.content.size) {
            self.settle();
        }
        let Some(change) = plan.changes.pop() else { return Some(plan) };
        let wanted = Wishes::of(plan.wanted);
        let (deed, _) = self.deed(turn.name, &wanted, change);
        let (index, name, inode) = (turn.index, turn.name.clone(), Inode(turn.resource.0));
        self.batch.entries.push(self.entry((index, &name), &deed.event, undo));
        self.batch.bytes += writing.content.size;
        let looked = begun.elapsed();
        self.batch.waiting.push(Waiting { index, name, inode, writing, deed, wanted, looked });
        None
    }

    /// Writes what waits, and says how it went.
    pub(super) fn settle(&mut self) {
        let Batch { waiting, entries, .. } = std::mem::take(&mut self.batch);
        let Ok(count @ 1..) = u32::try_from(waiting.len()) else { return };
        let (begun, journal) = (Instant::now(), self.job.journal);
        let first = journal.begin_all(&entries);
        let results: Vec<Result<(), Failure>> = match &first {
            Ok(_) => self.write(&waiting),
            Err(error) => waiting.iter().map(|_| Err(error.clone().into())).collect(),
        };
        let share = begun.elapsed() / count;
        for (number, (waiting, result)) in (0..).zip(waiting.into_iter().zip(results)) {
            if let Ok(first) = first {
                journal.ended(first + number, result.is_ok());
            }
            let Waiting { index, name, inode, deed, wanted, looked, .. } = waiting;
            inode.forget(&mut self.node.known);
            let mut fate = Fate::default();
            let result = result.map(|()| Done::quietly());
            self.conclude((index, &name), (deed, result), &mut fate);
            self.remember(&name, &wanted, &fate);
            self.note_audited(index, BTreeMap::new(), &fate);
            self.ended((index, &name), fate, looked + share);
        }
    }

    fn write(&mut self, waiting: &[Waiting<'a>]) -> Vec<Result<(), Failure>> {
        let (mut results, mut files) = (Vec::new(), Vec::new());
        for Waiting { inode, writing, .. } in waiting {
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
