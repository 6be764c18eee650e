//! Commands on the lint policy: which rules there are, and what each of them means.

use super::{Failure, Outcome, Ui};
use crate::model::Severity;
use crate::model::finding::did_you_mean;
use crate::policy::guard::{Rule, Rules};

/// The commands.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List the rules.
    List {
        /// Print the whole reference as a Markdown page.
        #[arg(long)]
        markdown: bool,
    },
    /// Show the page of one rule.
    Explain {
        /// The rule, as a finding names it.
        rule: String,
    },
}

/// Runs the command.
pub(super) fn run(command: Command, ui: &mut Ui) -> Outcome {
    match command {
        Command::List { markdown: true } => ui.raw(reference().as_bytes()),
        Command::List { markdown: false } => {
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

/// `docs/rules.md`.
fn reference() -> String {
    let rules = Rules::builtin().all();
    let rows: String = rules
        .iter()
        .map(|r| format!("| [`{0}`](#{0}) | {1} | {2} |\n", r.id, severity(r.severity), r.title))
        .collect();
    let pages: String = rules.iter().map(markdown).collect();
    format!("{REFERENCE_HEAD}{rows}\n{}\n", pages.trim_end())
}

const REFERENCE_HEAD: &str = "\
# Rules

<!-- Made of `policies/`. After a change: countersign policy list --markdown > docs/rules.md -->

What `countersign lint` holds commands, files and resources against. `deny` is refused whatever anybody signs, `needs-waiver` unless a signed
waiver names the exact command, `warn` refuses nothing. A site raises severities in `policies/policy.toml`, and lowers none.

| rule | severity | what it means |
|---|---|---|
";

fn markdown(rule: &Rule) -> String {
    let example: String = rule.example.trim().lines().map(|line| format!("    {line}\n")).collect();
    let part = |head: &str, text: &str| format!("**{head}** {}\n\n", text.trim());
    [
        format!("## {}\n\n{}: `{}`.\n\n", rule.id, rule.title, severity(rule.severity)),
        part("What it does.", &rule.what),
        part("Why is this bad?", &rule.why),
        format!("**Example.**\n\n{example}\n"),
        part("Use instead.", &rule.instead),
        part("Known gaps.", &rule.gaps),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_is_that_of_the_rules() {
        let written = include_str!("../../docs/rules.md");
        assert!(
            written == reference(),
            "docs/rules.md is out of date: cargo run -q -- policy list --markdown > docs/rules.md"
        );
        for rule in Rules::builtin().all() {
            assert!(written.contains(&format!("\n## {}\n", rule.id)), "{}", rule.id);
        }
    }
}
