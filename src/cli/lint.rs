//! `countersign lint`: a site, or a list of commands, held against the policy.

use super::{Failure, Outcome, Ui};
use crate::policy::commands::{self, CommandInput};
use crate::policy::guard::Rules;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// What to lint, and how to show it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Judge a list of commands instead of a site: one JSON object a line; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    commands: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(args: Args, ui: &mut Ui) -> Outcome {
    match args.commands {
        Some(file) => judge_commands(&file, ui),
        None => Err(Failure::usage("nothing to lint")),
    }
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
