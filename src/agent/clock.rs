//! The one look at the machine's clock. Pure parts take the time as an argument; this is where it comes from.
//!
//! Commands ask through `cli::clock`, and hand it to the server.

use crate::model::Stamp;

/// Where the present comes from. A test passes another one.
pub type Clock = fn() -> Stamp;

/// The machine's own clock.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one clock")]
pub fn system() -> Stamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    // A clock set before 1970 reads as 1970; the clock floor of the state refuses it (D31).
    Stamp::from_unix(since.map_or(0, |elapsed| i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX)))
}
