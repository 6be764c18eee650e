//! Commands on a site: new, lint, compile, lookup, diff.

use super::{Failure, Outcome, Ui};

/// The commands.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make a new site.
    SiteNew,
}

/// Runs the command.
pub(super) fn run(_command: Command, _ui: &mut Ui) -> Outcome {
    Err(Failure::refused("not built yet"))
}
