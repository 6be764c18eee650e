//! Lists of commands: one JSON object a line in, one verdict a line out. A stable form, for editors and
//! for measuring the linter.

use super::guard::{self, Rules, Setting, Subject};
use crate::model::{Finding, Severity};
use crate::shell::Value;
use serde::{Deserialize, Serialize};

/// One line of a list of commands. Other fields are ignored.
#[derive(Debug, Clone, Deserialize)]
pub struct CommandInput {
    /// What the verdict refers to.
    pub id: String,
    /// Whether `command` is text for `/bin/sh -c`; otherwise `argv` holds the words.
    pub shell: bool,
    /// The text.
    #[serde(default)]
    pub command: String,
    /// The words.
    #[serde(default)]
    pub argv: Vec<String>,
    /// The working directory; `/` when it is not known.
    #[serde(default)]
    pub cwd: Option<String>,
}

/// What is said of one command.
#[derive(Debug, Clone, Serialize)]
pub struct Judgement {
    /// What it refers to.
    pub id: String,
    /// The worst of its findings.
    pub verdict: CommandVerdict,
    /// What was found.
    pub findings: Vec<CommandFinding>,
}

/// Whether a command may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommandVerdict {
    /// Nothing was found.
    Allow,
    /// Something is worth knowing.
    Warn,
    /// Only with a signed waiver.
    NeedsWaiver,
    /// Never.
    Deny,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CommandFinding {
    /// The rule.
    pub rule: String,
    /// What is wrong.
    pub message: String,
    /// First byte, and first byte behind it, in the text, or in the words joined with blanks.
    pub span: (usize, usize),
}

/// Judges one command.
#[must_use]
pub fn judge(rules: &Rules, input: &CommandInput) -> Judgement {
    let setting = Setting { cwd: input.cwd.clone(), ..Setting::default() };
    let words: Vec<Value> = input.argv.iter().map(|w| Value::text(w.as_str())).collect();
    let subject = if input.shell { Subject::Shell(&input.command) } else { Subject::Argv(&words) };
    let effects = guard::effects(rules, &subject, &setting);
    let findings = guard::findings(rules, &effects, "<command>");
    Judgement {
        id: input.id.clone(),
        verdict: findings.iter().map(verdict).max().unwrap_or(CommandVerdict::Allow),
        findings: findings.into_iter().map(shown).collect(),
    }
}

const fn verdict(finding: &Finding) -> CommandVerdict {
    match finding.severity {
        Severity::Warn => CommandVerdict::Warn,
        Severity::NeedsWaiver => CommandVerdict::NeedsWaiver,
        Severity::Deny => CommandVerdict::Deny,
    }
}

fn shown(finding: Finding) -> CommandFinding {
    CommandFinding {
        rule: finding.rule,
        message: finding.message,
        span: (finding.place.start, finding.place.end),
    }
}
