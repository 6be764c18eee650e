//! `countersign lint`: a site, or a list of commands, held against the policy.

mod why;

use super::{Failure, Outcome, Ui};
use crate::model::{Finding, Severity, Stamp, Tree};
use crate::module;
use crate::policy::commands::{self, CommandInput};
use crate::policy::guard::Rules;
use crate::policy::report::{self, Style};
use crate::policy::{self, Policy, Verdict};
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What to lint, and how to show it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The site: a work tree with `countersign.toml`.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// How to show what is found.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Judge a list of commands instead of a site: one JSON object a line; `-` is standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dir", "format"])]
    commands: Option<PathBuf>,
    /// Show step by step how a line of the site was analysed: tree, resolved words, effects, rules; `-` reads text for a shell
    /// from standard input.
    #[arg(long, value_name = "FILE:LINE", conflicts_with_all = ["format", "commands"])]
    why: Option<why::Wanted>,
    /// Lint again after every change, until interrupted.
    #[arg(long, conflicts_with_all = ["commands", "why"])]
    watch: bool,
}

/// How often `--watch` looks for changes.
const WATCH_EVERY: Duration = Duration::from_millis(400);

/// How findings are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// One JSON document.
    Json,
    /// SARIF 2.1.0, for code hosts and editors.
    Sarif,
    /// JUnit XML, for continuous integration.
    Junit,
    /// Workflow commands of GitHub Actions.
    Github,
}

/// Runs the command.
pub(super) fn run(args: &Args, ui: &mut Ui) -> Outcome {
    if let Some(file) = &args.commands {
        return judge_commands(file, ui);
    }
    if let Some(wanted) = &args.why {
        return why::run(wanted, &args.dir, ui);
    }
    let tree = super::site::read(&args.dir, ui)?;
    let outcome = show(&tree, args.format, ui);
    if args.watch { watch(tree, args, ui) } else { outcome }
}

/// Lints again whenever a file of the site has changed.
fn watch(mut known: Tree, args: &Args, ui: &mut Ui) -> Outcome {
    loop {
        ui.flush()?;
        std::thread::sleep(WATCH_EVERY);
        // An editor may be in the middle of saving: what cannot be read now is read the next time.
        let Ok(tree) = crate::repo::worktree::read(&args.dir) else { continue };
        if tree == known {
            continue;
        }
        ui.raw(format!("\nchanged at {}\n", super::clock::now()).as_bytes())?;
        show(&tree, args.format, ui)?;
        known = tree;
    }
}

fn show(tree: &Tree, format: Format, ui: &mut Ui) -> Outcome {
    let findings = findings(tree, super::clock::now());
    let sources = |path: &str| tree.get(path).and_then(|bytes| std::str::from_utf8(bytes).ok());
    let style = if ui.colour() { Style::Coloured } else { Style::Plain };
    let text = match format {
        Format::Text => report::text(&findings, &sources, style),
        Format::Json => report::json(&findings, &sources) + "\n",
        Format::Sarif => report::sarif(&findings, &sources) + "\n",
        Format::Junit => report::junit(&findings, &sources),
        Format::Github => report::github(&findings, &sources),
    };
    ui.raw(text.as_bytes())?;
    Ok(u8::from(findings.iter().any(|f| f.severity > Severity::Warn)))
}

/// Everything that is wrong with a site, in all of its environments.
fn findings(tree: &Tree, today: Stamp) -> Vec<Finding> {
    let unreadable = policy::source_findings(tree);
    if !unreadable.is_empty() {
        return unreadable;
    }
    let (site, rules) = match (module::load(tree), Policy::load(tree)) {
        (Ok(site), Ok(rules)) => (site, rules),
        (site, rules) => return [site.err(), rules.err()].into_iter().flatten().flatten().collect(),
    };
    let mut found: Vec<Finding> = Vec::new();
    for environment in site.environments() {
        let more = match module::compile(&site, environment) {
            Err(findings) => findings,
            Ok(compilation) => match policy::check(&rules, tree, &site, &compilation, today) {
                Verdict::Passed(linted) => [compilation.warnings, linted.warnings].concat(),
                Verdict::Refused(findings) => [compilation.warnings, findings].concat(),
            },
        };
        found.extend(more.into_iter().filter(|f| !found.contains(f)).collect::<Vec<_>>());
    }
    found
}

fn judge_commands(file: &Path, ui: &mut Ui) -> Outcome {
    let text = read(file)?;
    let mut out = String::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let input: CommandInput = serde_json::from_str(line)
            .map_err(|cause| Failure::usage(format!("line {} is no command: {cause}", number + 1)))?;
        let judgement = commands::judge(Rules::builtin(), &input);
        let _ = writeln!(out, "{}", serde_json::to_string(&judgement)?);
    }
    ui.raw(out.as_bytes())
}

fn read(file: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|mut f| f.read_to_string(&mut text))
    };
    read.map_err(|cause| Failure::io("cannot read", file, &cause))?;
    Ok(text)
}
