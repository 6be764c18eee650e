//! What differs between the two programs, and whether it is meant to.

use super::case::{Case, Differs};
use super::report::Line;
use super::sides::Ran;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// All runs of the cases of a folder.
pub(super) struct Comparison<'a> {
    cases: &'a [Case],
    /// The runs that were compared.
    runs: BTreeSet<String>,
    wrong: String,
}

impl<'a> Comparison<'a> {
    pub(super) const fn new(cases: &'a [Case]) -> Self {
        Self { cases, runs: BTreeSet::new(), wrong: String::new() }
    }

    /// Holds the reports and the exit codes of a run by both programs against each other: every resource, and the order of
    /// all of them.
    pub(super) fn ran(&mut self, run: &str, ran: &[Ran; 2]) {
        let before = self.wrong.len();
        let codes = ran.each_ref().map(|ran| ran.code);
        if expected(&ran[0], &ran[1].lines) != codes[1] {
            writeln!(self.wrong, "{run}: the exit codes are {codes:?}").unwrap();
        }
        for case in self.cases {
            let of = |ran: &Ran| -> Vec<String> {
                ran.lines.iter().filter(|line| line.case == case.name).map(Line::to_string).collect()
            };
            let differs = case.differs.iter().filter(|differs| differs.is_of(run)).collect();
            self.agree(&format!("{run}, case `{}`", case.name), &ran.each_ref().map(of), differs);
        }
        if self.wrong.len() == before {
            let all = |ran: &Ran| ran.lines.iter().map(Line::to_string).collect();
            self.agree(run, &ran.each_ref().map(all), self.meant(run));
        }
        if self.wrong.len() > before {
            let [theirs, ours] = ran.each_ref().map(|ran| &ran.said);
            writeln!(self.wrong, "Puppet said:\n{theirs}\nCountersign said:\n{ours}").unwrap();
        }
        self.runs.insert(run.to_owned());
    }

    /// Holds what has become of both machines against each other.
    pub(super) fn machines(&mut self, run: &str, changes: &[BTreeMap<String, String>; 2]) {
        let run = format!("machine after {run}");
        let all = |changes: &BTreeMap<String, String>| {
            changes.iter().map(|(path, line)| format!("{path} {line}")).collect::<Vec<_>>()
        };
        let [theirs, ours] = changes.each_ref().map(all);
        let both: BTreeSet<String> = theirs
            .iter()
            .collect::<BTreeSet<_>>()
            .intersection(&ours.iter().collect())
            .map(|line| (*line).clone())
            .collect();
        let rest =
            [theirs, ours].map(|lines| lines.into_iter().filter(|line| !both.contains(line)).collect());
        self.agree(&run, &rest, self.meant(&run));
        self.runs.insert(run);
    }

    /// Holds a machine before a run that must change nothing against the same one afterwards.
    pub(super) fn idle(
        &mut self,
        run: &str,
        before: &BTreeMap<String, String>,
        after: &BTreeMap<String, String>,
    ) {
        for path in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
            let (before, after) = (before.get(path), after.get(path));
            if before != after {
                writeln!(self.wrong, "{run} changed `{path}` from {before:?} to {after:?}").unwrap();
            }
        }
    }

    fn meant(&self, run: &str) -> Vec<&'a Differs> {
        self.cases.iter().flat_map(|case| &case.differs).filter(|differs| differs.is_of(run)).collect()
    }

    /// Puppet and Countersign say the same, but for the lines that the cases know to be said by one of them.
    fn agree(&mut self, what: &str, lines: &[Vec<String>; 2], differs: Vec<&Differs>) {
        let [mut theirs, mut ours] = lines.clone();
        let mut stale = Vec::new();
        for differs in differs {
            for (lines, meant) in [(&mut theirs, &differs.puppet), (&mut ours, &differs.countersign)] {
                for line in meant {
                    match lines.iter().position(|said| said == line) {
                        Some(at) => drop(lines.remove(at)),
                        None => stale.push(line),
                    }
                }
            }
        }
        if !stale.is_empty() {
            writeln!(self.wrong, "{what}: these differences are there no more: {stale:#?}").unwrap();
        }
        if theirs != ours {
            writeln!(self.wrong, "{what}:\n    Puppet      {theirs:#?}\n    Countersign {ours:#?}").unwrap();
        }
    }

    /// Fails with everything that is not as it should be.
    pub(super) fn end(self) {
        let runs = self.cases.iter().flat_map(|case| case.differs.iter().flat_map(|differs| &differs.runs));
        let unknown: Vec<_> = runs.filter(|run| !self.runs.contains(*run)).collect();
        assert!(unknown.is_empty(), "these runs of differences are not made: {unknown:?}");
        assert!(self.wrong.is_empty(), "\n{}", self.wrong);
    }
}

/// The exit code that Countersign should end with. Puppet has none for what is pending.
fn expected(puppet: &Ran, lines: &[Line]) -> i32 {
    let pending = lines.iter().any(|line| line.what.contains("pending"));
    if puppet.code == 0 && pending { 8 } else { puppet.code }
}
