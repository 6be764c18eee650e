//! Commands on the server: init, serve.

use super::{Failure, Outcome, Ui};

/// The commands.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Serve agents.
    Serve,
}

/// Runs the command.
pub(super) fn run(_command: Command, _ui: &mut Ui) -> Outcome {
    Err(Failure::refused("not built yet"))
}
