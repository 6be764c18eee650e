//! The push command.

use super::{Failure, Outcome, Ui};

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// Runs the command.
pub(super) fn run(_args: Args, _ui: &mut Ui) -> Outcome {
    Err(Failure::refused("not built yet"))
}
