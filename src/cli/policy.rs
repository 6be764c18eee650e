//! Commands on the lint policy: which rules there are, and what each of them means.

use super::{Failure, Outcome, Ui};
use crate::model::Severity;
use crate::model::finding::did_you_mean;
use crate::policy::guard::{Rule, Rules};

/// The commands.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List the rules.
    List,
    /// Show the page of one rule.
    Explain {
        /// The rule, as a finding names it.
        rule: String,
    },
}

/// Runs the command.
pub(super) fn run(command: Command, ui: &mut Ui) -> Outcome {
    match command {
        Command::List => {
            for rule in Rules::builtin().all() {
                ui.line(format!("{:<24} {:<13} {}", rule.id, severity(rule.severity), rule.title))?;
            }
            Ok(0)
        }
        Command::Explain { rule: id } => match Rules::builtin().named(&id) {
            Some(rule) => {
                ui.line(page(rule))?;
                Ok(0)
            }
            None => Err(unknown(&id)),
        },
    }
}

fn unknown(id: &str) -> Failure {
    let failure = Failure::refused(format!("there is no rule `{}`", id.escape_default()));
    match did_you_mean(id, Rules::builtin().all().iter().map(|r| r.id.as_str())) {
        Some(near) => failure.hint(format!("countersign policy explain {near}")),
        None => failure.hint("countersign policy list"),
    }
}

const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Warn => "warn",
        Severity::NeedsWaiver => "needs-waiver",
        Severity::Deny => "deny",
    }
}

fn page(rule: &Rule) -> String {
    let indented = |text: &str| text.trim().lines().map(|l| format!("    {l}\n")).collect::<String>();
    format!(
        "{} ({})\n{}\n\nWhat it does\n{}\nWhy is this bad\n{}\nExample\n{}\nUse instead\n{}\nKnown gaps\n{}",
        rule.id,
        severity(rule.severity),
        rule.title,
        indented(&rule.what),
        indented(&rule.why),
        indented(&rule.example),
        indented(&rule.instead),
        indented(&rule.gaps),
    )
}
