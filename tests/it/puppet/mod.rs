//! The same wishes for `puppet apply` and for Countersign, on two equal machines: what comes of the machines, which
//! resources change, in which order, and how both programs end.
//!
//! Each case is a file below `tests/fixtures/puppet`, with the wish in both languages. All cases of a folder are one
//! catalog. Both programs are the real ones, and each sees an overlay of this machine's root in a private mount namespace,
//! which goes with the test. Where no Puppet is unpacked, or no namespace can be had, the test says `SKIPPED` and why.

mod case;
mod compare;
mod report;
mod sandbox;
mod sides;
mod tree;

use case::Case;
use compare::Comparison;
use sides::{Machine, Program};

/// The two machines, and what was found so far.
struct Trial<'a> {
    cases: &'a [Case],
    comparison: Comparison<'a>,
    machines: [Machine; 2],
}

impl<'a> Trial<'a> {
    fn new(cases: &'a [Case]) -> Self {
        let machines = [Program::Puppet, Program::Countersign].map(|program| Machine::new(program, cases));
        Self { cases, comparison: Comparison::new(cases), machines }
    }

    /// A run of both programs.
    fn run(&mut self, run: &str, options: &[&str]) {
        let [puppet, countersign] = &self.machines;
        let ran = std::thread::scope(|scope| {
            let puppet = scope.spawn(|| puppet.run(options));
            let countersign = countersign.run(options);
            [puppet.join().unwrap(), countersign]
        });
        self.comparison.ran(run, &ran);
        self.comparison.machines(run, &self.machines.each_ref().map(Machine::changes));
    }

    /// A run that leaves both machines as they are.
    fn idle(&mut self, run: &str, options: &[&str]) {
        let before = self.machines.each_ref().map(Machine::changes);
        self.run(run, options);
        let after = self.machines.each_ref().map(Machine::changes);
        for (before, after) in before.iter().zip(&after) {
            self.comparison.idle(run, before, after);
        }
    }

    fn drift(&self) {
        for machine in &self.machines {
            machine.drift(self.cases);
        }
    }
}

#[test]
fn equal_catalogs_make_equal_machines_and_the_same_events() {
    sandbox::within(
        concat!(module_path!(), "::equal_catalogs_make_equal_machines_and_the_same_events"),
        || {
            let cases = case::all("well");
            let mut trial = Trial::new(&cases);
            trial.idle("noop", &["--noop"]);
            trial.run("first", &[]);
            trial.idle("second", &[]);
            trial.drift();
            trial.run("drift", &[]);
            trial.comparison.end();
        },
    );
}

#[test]
fn failures_reach_as_far_as_with_puppet() {
    sandbox::within(concat!(module_path!(), "::failures_reach_as_far_as_with_puppet"), || {
        let cases = case::all("failing");
        let mut trial = Trial::new(&cases);
        trial.run("first", &[]);
        trial.run("second", &[]);
        trial.comparison.end();
    });
}

#[test]
fn tags_choose_as_with_puppet() {
    sandbox::within(concat!(module_path!(), "::tags_choose_as_with_puppet"), || {
        let cases = case::all("tags");
        let mut trial = Trial::new(&cases);
        trial.run("tags", &["--tags", "red"]);
        trial.run("skip", &["--skip-tags", "blue"]);
        trial.run("all", &[]);
        trial.comparison.end();
    });
}

#[test]
fn every_difference_from_puppet_is_written_down() {
    let page =
        std::fs::read_to_string(crate::support::repository().join("docs/coming-from-puppet.md")).unwrap();
    let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut lost = Vec::new();
    for case in ["well", "failing", "tags"].into_iter().flat_map(case::all) {
        let told = |why: &str| {
            let words: Vec<&str> = why.split_whitespace().collect();
            words.len() > 3 && page.contains(&words.join(" "))
        };
        let unknown = case.differs.iter().filter(|differs| !told(&differs.why));
        lost.extend(unknown.map(|differs| format!("{}: {}", case.name, differs.why)));
    }
    assert!(lost.is_empty(), "docs/coming-from-puppet.md does not say:\n{}", lost.join("\n"));
}
