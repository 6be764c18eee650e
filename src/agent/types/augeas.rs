//! `augeas`: a file's text through `augtool`, which sees the text alone. The file itself is read and written by the agent, as
//! any other: augtool opens no file, and nothing that a lens does can reach one.

use super::edited::{Edit, Edited};
use super::{Done, Failure, Node, Plan, Type, judge};
use crate::agent::host::{Ending, Filtered, Invocation};
use crate::model::resource::{Augeas, AugeasArgument as Argument, AugeasEdit, Condition};
use crate::policy::guard::{GuardCommand, Setting};
use std::fmt::Write as _;

/// A file that is changed through a lens.
pub(in crate::agent) struct Lens<'a>(pub(in crate::agent) &'a Augeas);

/// Where the text, its tree, and the text of the changed tree are.
const TEXT: &str = "/text";
const TREE: &str = "/tree";
const OUT: &str = "/out";
/// What is wrong with them, and how augtool says that nothing is.
const FAULT: &str = "/augeas/text/tree/error/message";
const NONE: &str = " (o)\n";

impl Type for Lens<'_> {
    type Step = ();

    fn check(&self, node: &mut Node<'_>) -> Result<Plan<()>, Failure> {
        let mut plan = Plan::new();
        plan.wanted.push(("changes", self.0.changes.join("\n")));
        let file = Edited::read(node, &self.0.path)?;
        if let Some(text) = self.changed(file.text(), node)? {
            let edit =
                Edit { message: Some("changed"), ..Edit::value(text, "changes", "other", "as wanted") };
            file.plan(&mut plan, edit, self.0.show_diff, ());
        }
        Ok(plan)
    }

    fn apply(&self, (): (), node: &mut Node<'_>) -> Result<Done, Failure> {
        let file = Edited::read(node, &self.0.path)?;
        if let Some(text) = self.changed(file.text(), node)? {
            file.write(node, &text, 0o644)?;
        }
        Ok(Done::quietly())
    }
}

impl Lens<'_> {
    /// What is to become of the text; `None` when it is as it should be, or the condition does not hold.
    fn changed(&self, text: &str, node: &Node<'_>) -> Result<Option<String>, Failure> {
        if let Some(condition) = &self.0.onlyif
            && !self.holds(condition, text, node)?
        {
            return Ok(None);
        }
        let mut script = String::new();
        for edit in self.0.edits() {
            script.push_str(&line(&edit));
        }
        let lens = &self.0.lens;
        let _ = writeln!(script, "retrieve {lens}.lns {TEXT} {TREE} {OUT}\nget {FAULT}\nget {OUT}");
        let said = self.ask(text, &script, node)?;
        // The first time: the text itself may have these lines, and comes behind them.
        let whole = said
            .split_once(&format!("\n{FAULT}{NONE}{OUT} = "))
            .and_then(|(_, text)| text.strip_suffix('\n'));
        let changed = whole.ok_or_else(|| self.failure(&said))?;
        if changed == text {
            return Ok(None);
        }
        self.judged(text, changed)?;
        Ok(Some(changed.to_owned()))
    }

    fn holds(&self, condition: &str, text: &str, node: &Node<'_>) -> Result<bool, Failure> {
        let no_condition = |_| Failure::Value { value: condition.to_owned(), what: "condition of augtool" };
        Ok(match Condition::read(condition).map_err(no_condition)? {
            Condition::Size(path, comparison, number) => {
                let said = self.ask(text, &format!("match {TREE}/{path}\n"), node)?;
                let found = said.lines().filter(|line| line.starts_with(TREE)).count();
                comparison.holds(&found, &number)
            }
            Condition::Get(path, comparison, value) => {
                let said = self.ask(text, &format!("get {TREE}/{path}\n"), node)?;
                let have = said.strip_prefix(&format!("\n{TREE}/{path} = ")).unwrap_or_default();
                let have = have.strip_suffix('\n').unwrap_or(have);
                comparison.holds(&have, &value.as_str())
            }
        })
    }

    /// Gives the tree of `text` to a script, and what that says.
    fn ask(&self, text: &str, script: &str, node: &Node<'_>) -> Result<String, Failure> {
        let lens = &self.0.lens;
        let script =
            format!("set {TEXT} {}\nstore {lens}.lns {TEXT} {TREE}\nget {FAULT}\n{script}", quoted(text));
        // No file is loaded, none is saved.
        let invocation = Invocation::of(&["augtool", "--noautoload", "--noload"]).within(60);
        let Filtered { ending, bytes, .. } = node.host.filter(&invocation, script.as_bytes())?;
        let said = String::from_utf8_lossy(&bytes).into_owned();
        match said.strip_prefix(FAULT).and_then(|said| said.strip_prefix(NONE)) {
            Some(said) if ending == Ending::Code(0) => Ok(format!("\n{said}")),
            _ => Err(self.failure(&said)),
        }
    }

    fn failure(&self, said: &str) -> Failure {
        let Augeas { path, lens, .. } = self.0;
        let why = said.lines().find_map(|line| line.strip_prefix(FAULT)?.strip_prefix(" = "));
        let why = why.unwrap_or("augtool does not know the lens, or cannot carry out one of the changes");
        Failure::NotReached(format!("`{path}` through the lens {lens}: {why}"))
    }

    /// What only the whole text shows: a change must not bring in what the policy refuses of a file.
    fn judged(&self, before: &str, after: &str) -> Result<(), Failure> {
        let judged = |text: &str| {
            judge(&GuardCommand::File(self.0.path.clone(), text.to_owned()), &Setting::default())
        };
        judged(after).or_else(|denied| if judged(before).is_ok() { Err(denied) } else { Ok(()) })
    }
}

/// A command with whole paths and everything in quotes that needs it.
fn line(edit: &AugeasEdit) -> String {
    let mut line = edit.verb.to_owned();
    for argument in &edit.arguments {
        match argument {
            Argument::Path(path) => {
                let _ = write!(line, " {TREE}/{path}");
            }
            Argument::Sub(word) | Argument::Word(word) => {
                let _ = write!(line, " {word}");
            }
            Argument::Value(value) => {
                let _ = write!(line, " {}", quoted(value));
            }
        }
    }
    line + "\n"
}

/// A text as one word of a line.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '"' | '\\' => quoted.extend(['\\', c]),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
