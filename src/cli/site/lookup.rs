//! `lookup`: the value of a parameter on a node.

use super::{load, read};
use crate::cli::{Failure, Outcome, Ui};
use crate::model::finding::line_column;
use crate::model::{Place, Tree};
use crate::module::Lookup;
use std::path::PathBuf;

/// Arguments of `lookup`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The parameter, as `module.parameter`.
    key: String,
    /// The node.
    #[arg(long)]
    node: String,
    /// Show every file that was looked at, highest precedence first.
    #[arg(long)]
    explain: bool,
    /// The folder of the site.
    #[arg(default_value = ".")]
    dir: PathBuf,
}

/// Runs the command.
pub(super) fn run(args: &Args, ui: &mut Ui) -> Outcome {
    let tree = read(&args.dir, ui)?;
    let site = load(&tree, ui)?;
    let lookup = site.lookup(&args.node, &args.key).map_err(|error| Failure::from_error(&error))?;
    if args.explain {
        explain(&tree, &lookup, ui)?;
    }
    match &lookup.value {
        Some(value) => {
            ui.line(if args.explain { format!("{} = {value}", lookup.key) } else { value.clone() })?;
            Ok(0)
        }
        None => {
            let message = format!("`{}` has no value on `{}`", lookup.key, args.node);
            Err(Failure::refused(message).hint(format!("set it in `data/node/{}.toml`", args.node)))
        }
    }
}

fn explain(tree: &Tree, lookup: &Lookup, ui: &mut Ui) -> Result<(), Failure> {
    if !lookup.description.is_empty() {
        ui.line(format_args!("# {}", lookup.description))?;
    }
    let shown: Vec<String> = lookup.steps.iter().map(|step| position(tree, &step.place)).collect();
    let width = shown.iter().map(String::len).max().unwrap_or(0);
    for (step, place) in lookup.steps.iter().zip(&shown) {
        let mark = if step.used { '*' } else { ' ' };
        let value = step.value.as_deref().unwrap_or("-");
        ui.line(format_args!("{mark} {place:width$}  {value}"))?;
    }
    Ok(())
}

fn position(tree: &Tree, place: &Place) -> String {
    let text = tree.get(&place.file).and_then(|bytes| std::str::from_utf8(bytes).ok());
    match text.filter(|_| place.end > 0) {
        Some(text) => {
            let (line, column) = line_column(text, place.start);
            format!("{}:{line}:{column}", place.file)
        }
        None => place.file.clone(),
    }
}
