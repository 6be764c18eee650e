//! The present, for the commands. Everything below the command line is told the time.

use crate::agent::clock;
use crate::model::Stamp;

/// The present second.
pub(super) fn now() -> Stamp {
    clock::system()
}
