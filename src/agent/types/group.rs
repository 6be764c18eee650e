//! `group`: a group of the node's own databases, by groupadd, groupmod and groupdel.

use super::{Change, Done, Failure, Known, Node, Plan, Type, plain_name};
use crate::agent::host::Invocation;
use crate::agent::undo::{Lines, Undo};
use crate::model::resource::Group;
use std::collections::BTreeSet;

/// A group.
pub(in crate::agent) struct Members<'a>(pub(in crate::agent) &'a Group);

/// What puts one property of a group right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::agent) enum Step {
    /// Make it.
    Add,
    /// Remove it.
    Remove,
    /// Give it this number.
    Number(u32),
    /// Give it exactly these members.
    Members(String),
}

impl Type for Members<'_> {
    type Step = Step;

    fn check(&self, node: &mut Node<'_>) -> Result<Plan<Step>, Failure> {
        let group = self.0;
        plain_name(&group.name, "group name")?;
        let entry = node.accounts()?.groups.get(&group.name).cloned();
        let have = entry.as_ref().map(|g| g.gid);
        let mut plan = Plan::new();
        plan.wanted.push(("ensure", if group.absent { "absent" } else { "present" }.into()));
        match (have, group.absent) {
            (None, true) => {}
            (None, false) => {
                plan.wanted.extend(group.gid.map(|gid| ("gid", gid.to_string())));
                plan.changes.push(Change::new("ensure", "absent", "present", Step::Add).saying("created"));
            }
            (Some(_), true) => {
                plan.changes.push(Change::new("ensure", "present", "absent", Step::Remove).saying("removed"));
            }
            (Some(have), false) => {
                if let Some(gid) = group.gid {
                    plan.property("gid", &have.to_string(), &gid.to_string(), || Step::Number(gid));
                }
            }
        }
        if !group.absent {
            self.check_members(entry.map(|entry| entry.members).unwrap_or_default(), &mut plan)?;
        }
        Ok(plan)
    }

    fn undo(&self, _step: &Step, node: &mut Node<'_>) -> Result<Vec<Undo>, Failure> {
        Ok(vec![Undo::Account(Lines::of(&self.0.name, node)?)])
    }

    fn apply(&self, step: Step, node: &mut Node<'_>) -> Result<Done, Failure> {
        let group = self.0;
        let number =
            |gid: Option<u32>| gid.map(|gid| ["--gid".to_owned(), gid.to_string()]).into_iter().flatten();
        let dupe = (group.allowdupe && group.gid.is_some()).then(|| "--non-unique".to_owned());
        let mut argv: Vec<String> = match step {
            Step::Add => {
                let system = group.system.then(|| "--system".to_owned());
                let words = ["groupadd".to_owned()].into_iter().chain(number(group.gid)).chain(dupe);
                words.chain(system).collect()
            }
            Step::Number(gid) => {
                ["groupmod".to_owned()].into_iter().chain(number(Some(gid))).chain(dupe).collect()
            }
            Step::Members(members) => vec!["gpasswd".to_owned(), "--members".to_owned(), members],
            Step::Remove => vec!["groupdel".to_owned()],
        };
        argv.extend(["--".to_owned(), group.name.clone()]);
        node.tool(&Invocation { argv, ..Invocation::of(&[]) })?;
        node.known.accounts = None;
        Ok(Done::quietly())
    }

    fn forget(&self, known: &mut Known) {
        known.accounts = None;
    }
}

impl Members<'_> {
    /// Who belongs to it: those that are listed, and others where they may stay.
    fn check_members(&self, have: Vec<String>, plan: &mut Plan<Step>) -> Result<(), Failure> {
        let Some(wanted) = &self.0.members else { return Ok(()) };
        for name in wanted {
            plain_name(name, "user name")?;
        }
        let have: BTreeSet<String> = have.into_iter().collect();
        let mut target: BTreeSet<String> = wanted.iter().cloned().collect();
        if !self.0.auth_membership {
            target.extend(have.iter().cloned());
        }
        let list = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(",");
        let to = list(&target);
        plan.property("members", &list(&have), &to, || Step::Members(to.clone()));
        Ok(())
    }
}
