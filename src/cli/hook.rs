//! Commands of the hook group.

use super::{Failure, Outcome, Ui};

/// The commands.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Placeholder.
    List,
}

/// Runs the command.
pub(super) fn run(_command: Command, _ui: &mut Ui) -> Outcome {
    Err(Failure::refused("not built yet"))
}
