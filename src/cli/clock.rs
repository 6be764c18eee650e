//! The one clock of the commands. Everything below the command line is told the time.

use crate::model::Stamp;
use std::time::{SystemTime, UNIX_EPOCH};

/// The present second.
#[expect(clippy::disallowed_methods, reason = "this is `cli::clock`")]
pub(super) fn now() -> Stamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Stamp::from_unix(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
