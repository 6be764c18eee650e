//! Commands on a site: new, compile, lookup, diff.

mod compile;
mod diff;
mod lookup;
mod new;

pub(super) use new::write;

use super::counted::counted;
use super::{Failure, Outcome, Ui};
use crate::model::{Finding, Tree};
use crate::module::{self, Site};
use crate::policy::report::{self, Style};
use crate::repo::{RepoError, worktree};
use std::path::Path;

/// The commands.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// The site repository: modules, nodes and data.
    #[command(subcommand)]
    Site(SiteCommand),
    /// Compile the catalogs of all nodes and show what they hold.
    Compile(compile::Args),
    /// Show the value of a parameter on a node, and which file it comes from.
    Lookup(lookup::Args),
    /// Show which nodes notice a change, and what of it.
    Diff(diff::Args),
}

/// The commands of `site`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum SiteCommand {
    /// Make a small working site to start from.
    New(new::Args),
}

/// Runs the command.
pub(super) fn run(command: Command, ui: &mut Ui) -> Outcome {
    match command {
        Command::Site(SiteCommand::New(args)) => new::run(&args, ui),
        Command::Compile(args) => compile::run(&args, ui),
        Command::Lookup(args) => lookup::run(&args, ui),
        Command::Diff(args) => diff::run(&args, ui),
    }
}

/// Reads the files of the site at `dir`.
pub(super) fn read(dir: &Path, ui: &mut Ui) -> Result<Tree, Failure> {
    match worktree::read(dir) {
        Ok(tree) => Ok(tree),
        Err(RepoError::Tree(findings)) => Err(refusal(&Tree::default(), &findings, ui)),
        Err(error) => Err(Failure::from_error(&error)),
    }
}

/// Loads a site, or shows everything that is wrong with it.
pub(super) fn load(tree: &Tree, ui: &mut Ui) -> Result<Site, Failure> {
    module::load(tree).map_err(|findings| refusal(tree, &findings, ui))
}

/// Shows findings with their sources; the failure says how many there were.
pub(super) fn refusal(tree: &Tree, findings: &[Finding], ui: &mut Ui) -> Failure {
    let style = if ui.colour() { Style::Coloured } else { Style::Plain };
    let sources = |path: &str| tree.get(path).and_then(|bytes| std::str::from_utf8(bytes).ok());
    ui.note(report::text(findings, &sources, style));
    Failure::refused(counted(findings.len(), "finding"))
}

#[cfg(test)]
mod tests;
