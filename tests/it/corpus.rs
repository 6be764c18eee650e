//! The commands with a known answer in `tests/corpus/`, judged as their labels say. They are text: nothing here is run.

use crate::support::{countersign, repository};
use std::collections::{BTreeMap, BTreeSet};

/// One line of a corpus file.
#[derive(Clone, Debug, serde::Deserialize)]
pub(crate) struct Case {
    /// Unique over both files.
    pub(crate) id: String,
    /// What the command does, or what it looks like.
    category: String,
    /// 1 to 5.
    difficulty: u8,
    /// Why the label is right.
    why: String,
    /// The text.
    pub(crate) command: String,
    /// Whether `/bin/sh -c` gets the text.
    pub(crate) shell: bool,
    /// The words, without a shell.
    pub(crate) argv: Option<Vec<String>>,
    /// Where it is started.
    pub(crate) cwd: Option<String>,
    /// The only shell that runs it as described.
    needs: Option<String>,
    /// A careful site may want a waiver.
    #[serde(default)]
    pub(crate) debatable: bool,
}

/// What `lint --commands` says about one command.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Judged {
    id: String,
    verdict: String,
    #[serde(default)]
    findings: Vec<serde_json::Value>,
}

impl Judged {
    /// Whether the command is stopped: denied, or in need of a waiver.
    pub(crate) fn stopped(&self) -> bool {
        match self.verdict.as_str() {
            "deny" | "needs-waiver" => true,
            "warn" | "allow" => false,
            other => panic!("`{}` has the verdict `{other}`", self.id),
        }
    }

    /// Verdict and rules, for a message.
    pub(crate) fn summary(&self) -> String {
        let rules: Vec<&str> = self.findings.iter().filter_map(|f| f["rule"].as_str()).collect();
        format!("{} {}", self.verdict, rules.join(" "))
    }
}

/// The cases of `dangerous` or `benign`.
pub(crate) fn load(name: &str) -> Vec<Case> {
    let path = repository().join("tests/corpus").join(name).with_extension("jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

/// One verdict a command, in order, from one run of the program.
pub(crate) fn judge(commands: &[serde_json::Value]) -> Vec<Judged> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("commands.jsonl");
    let lines: Vec<String> = commands.iter().map(ToString::to_string).collect();
    std::fs::write(&path, lines.join("\n") + "\n").unwrap();
    let output = countersign().args(["lint", "--commands"]).arg(&path).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let judged: Vec<Judged> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(judged.len(), commands.len(), "one verdict a command: {message}");
    for (command, answer) in commands.iter().zip(&judged) {
        assert_eq!(command["id"], answer.id.as_str(), "answers keep the order of the questions");
    }
    judged
}

/// The line of a case as `lint --commands` reads it.
fn line(case: &Case) -> serde_json::Value {
    let mut line = serde_json::json!({"id": case.id, "command": case.command, "shell": case.shell});
    if let Some(words) = &case.argv {
        line["argv"] = words.as_slice().into();
    }
    if let Some(cwd) = &case.cwd {
        line["cwd"] = cwd.as_str().into();
    }
    line
}

/// Judges `cases` and returns, as lines for a message, those for which `wrong` holds.
fn faults(cases: &[Case], wrong: fn(&Judged) -> bool) -> Vec<String> {
    let judged = judge(&cases.iter().map(line).collect::<Vec<_>>());
    let faulty = cases.iter().zip(&judged).filter(|(_, answer)| wrong(answer));
    faulty
        .map(|(case, answer)| {
            let text: String = case.command.chars().take(160).collect();
            format!("{}: {} ({}) {text:?}", case.id, answer.summary(), case.why)
        })
        .collect()
}

/// Fails with all `faults` when more of `cases` than `most` per thousand have one.
fn expect(cases: &[Case], faults: &[String], most: usize) {
    let share = faults.len() * 1000;
    assert!(share <= most * cases.len(), "{} of {}:\n{}", faults.len(), cases.len(), faults.join("\n"));
}

/// Dangerous commands that pass, per thousand, at most. The number only falls.
const MISSED: usize = 7;
/// Everyday commands that are stopped, per thousand, at most. The number only falls.
const BLOCKED: usize = 1;

#[test]
fn dangerous_commands_are_stopped() {
    let cases = load("dangerous");
    expect(&cases, &faults(&cases, |answer| !answer.stopped()), MISSED);
}

#[test]
fn benign_commands_pass() {
    let cases: Vec<Case> = load("benign").into_iter().filter(|case| !case.debatable).collect();
    expect(&cases, &faults(&cases, Judged::stopped), BLOCKED);
}

#[test]
fn the_corpus_is_in_order() {
    let mut ids = BTreeSet::new();
    let mut commands = BTreeSet::new();
    let mut sizes = BTreeMap::new();
    for name in ["dangerous", "benign"] {
        for case in load(name) {
            assert!(ids.insert(case.id.clone()), "`{}` is used twice", case.id);
            assert!(commands.insert(case.command.clone()), "{}: the command is listed twice", case.id);
            assert!((1..=5).contains(&case.difficulty), "{}: difficulty", case.id);
            assert!(!case.why.is_empty(), "{}: no reason", case.id);
            assert_eq!(case.shell, case.argv.is_none(), "{}: words exactly without a shell", case.id);
            let shells = [None, Some("bash"), Some("dash")];
            assert!(shells.contains(&case.needs.as_deref()), "{}: unknown shell", case.id);
            assert!(!(case.debatable && name == "dangerous"), "{}: dangerous is dangerous", case.id);
            *sizes.entry((name, case.category)).or_insert(0) += 1;
        }
    }
    for ((name, category), size) in &sizes {
        assert!(*size >= 12, "{name} {category} has {size} cases only");
    }
    let of = |which| sizes.iter().filter(|((name, _), _)| *name == which).map(|(_, size)| size).sum::<i32>();
    assert!(of("dangerous") >= 3500 && of("benign") >= 2000, "the corpus shrank: {sizes:?}");
}
