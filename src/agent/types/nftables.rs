//! `nftables`: the whole packet filter of a node: read so that it locks nobody out, checked by `nft` itself, put in place
//! and loaded in one step.

use super::content::Wanted;
use super::{Done, Failure, Node, Plan, Refreshed, Type, command_failed, judge};
use crate::agent::host::{Ending, EntryKind, HostError, Invocation, NewFile, Outcome, Owner};
use crate::agent::undo::Undo;
use crate::model::resource::{Nftables, Ruleset, judge_ruleset};
use crate::policy::guard::{GuardCommand, Setting};

/// A packet filter.
pub(in crate::agent) struct Filter<'a>(pub(in crate::agent) &'a Nftables);

/// What puts it right.
#[derive(Debug, Clone)]
pub(in crate::agent) enum Step<'a> {
    /// Write it, and load it.
    Write(Wanted<'a>),
    /// Load what is written.
    Load,
}

impl<'a> Type for Filter<'a> {
    type Step = Step<'a>;

    fn check(&self, node: &mut Node<'_>) -> Result<Plan<Step<'a>>, Failure> {
        let filter = self.0;
        let wanted = Wanted::of(&filter.source, node)?;
        let ruleset = self.judged(&wanted, node)?;
        let stat = node.host.stat(&filter.path)?;
        if stat.is_some_and(|stat| stat.kind != EntryKind::File) {
            return Err(HostError::Kind { path: filter.path.clone(), expected: "regular file" }.into());
        }
        let have = stat.map(|_| node.host.digest(&filter.path, None)).transpose()?;
        let have = have.map_or_else(|| "absent".to_owned(), |digest| digest.to_string());
        let mut plan = Plan::new();
        plan.property("content", &have, &wanted.shown(), || Step::Write(wanted.clone()));
        if let (Some(change), Some(stat)) = (plan.changes.first_mut(), stat) {
            change.diff = wanted.diff(&filter.path, &stat, node);
        }
        if plan.changes.is_empty() {
            let loaded = node.tool(&nft(&["list", "tables"]))?;
            let there =
                |table: &String| loaded.lines().any(|line| line.strip_prefix("table ") == Some(table));
            let all = ruleset.tables.iter().all(there);
            plan.property("loaded", if all { "true" } else { "false" }, "true", || Step::Load);
        } else {
            plan.wanted.push(("loaded", "true".into()));
        }
        Ok(plan)
    }

    fn undo(&self, _step: &Step<'a>, node: &mut Node<'_>) -> Result<Vec<Undo>, Failure> {
        let rules = node.tool(&nft(&["list", "ruleset"]))?;
        let content = node.bucket.set_aside(format!("flush ruleset\n{rules}").as_bytes())?;
        let file = Undo::of_path(&self.0.path, node)?;
        Ok(file.into_iter().chain([Undo::Rules { content }]).collect())
    }

    fn apply(&self, step: Step<'a>, node: &mut Node<'_>) -> Result<Done, Failure> {
        let path = &self.0.path;
        if let Step::Write(wanted) = &step {
            let bytes = wanted.fetch(node)?;
            let check = |temporary: &str| {
                let checked = node.tool(&nft(&["-c", "-f", temporary])).map(drop);
                checked.map_err(|failure| super::chain(&failure))
            };
            let mode = node.host.stat(path)?.is_none().then_some(0o600);
            let file = NewFile {
                content: &bytes,
                mode,
                owner: Owner::default(),
                context: None,
                validate: Some(&check),
            };
            node.host.write(path, &file)?;
        }
        node.tool(&nft(&["-f", path]))?;
        Ok(Done { fresh: true, ..Done::default() })
    }

    fn refresh(&self, node: &mut Node<'_>) -> Result<Refreshed, Failure> {
        node.tool(&nft(&["-f", &self.0.path]))?;
        Ok(Refreshed::Done(Done::quietly()))
    }
}

impl Filter<'_> {
    /// The ruleset after the last look at it: it locks nobody out, and does nothing that must never be done.
    fn judged(&self, wanted: &Wanted<'_>, node: &Node<'_>) -> Result<Ruleset, Failure> {
        let odd = |_| Failure::Value { value: self.0.path.clone(), what: "ruleset in UTF-8" };
        let text = String::from_utf8(wanted.fetch(node)?.into_owned()).map_err(odd)?;
        judge(&GuardCommand::File("/etc/nftables.conf".into(), text.clone()), &Setting::default())?;
        judge_ruleset(&text, &self.0.entrance())
            .map_err(|lockout| Failure::NotReached(format!("the packet filter is not loaded: {lockout}")))
    }
}

/// Loads a ruleset that is in no file.
pub(in crate::agent) fn load(rules: &[u8], node: &Node<'_>) -> Result<(), Failure> {
    let invocation = nft(&["-f", "-"]);
    let filtered = node.host.filter(&invocation, rules)?;
    if filtered.ending == Ending::Code(0) {
        return Ok(());
    }
    let output = String::from_utf8_lossy(&filtered.bytes).into_owned();
    Err(command_failed(&invocation, &Outcome { ending: filtered.ending, output, truncated: false }))
}

fn nft(arguments: &[&str]) -> Invocation {
    let argv: Vec<&str> = ["nft"].iter().chain(arguments).copied().collect();
    Invocation::of(&argv).within(60)
}
