//! Commands for reviewers: review, approve, release, rollback.

use super::{Failure, Outcome, Ui};

/// The commands.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Sign a change.
    Approve,
}

/// Runs the command.
pub(super) fn run(_command: Command, _ui: &mut Ui) -> Outcome {
    Err(Failure::refused("not built yet"))
}
