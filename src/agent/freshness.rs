//! How fresh the release on disk is, and how long the trust root lasts, in words for logs, reports and status (C.6).

use crate::model::Stamp;
use crate::model::report::LogLine;
use crate::model::resource::LogLevel;
use crate::signing::root::Urgency;
use crate::signing::{Freshness, Root};

/// Codes of refusals that say: news may be held back. Their runs have an exit code of their own.
pub const FROZEN: [&str; 3] = ["FREEZE", "ROOT_EXPIRED", "RELEASE_EXPIRED"];

/// What a run does with the release `seq` on its disk.
#[must_use]
pub fn enforcing(freshness: Freshness, seq: u64) -> String {
    match freshness {
        Freshness::Fresh => {
            format!("Enforcing release {seq} from disk; whether there is a newer one is not known")
        }
        Freshness::Stale { until } => {
            format!("Enforcing release {seq} from disk without a fresh word from the server, until {until}")
        }
        Freshness::Expired { since } => {
            format!("ALARM: release {seq} on disk expired at {since}: only looking, changing nothing")
        }
    }
}

/// The same for `agent status`.
#[must_use]
pub fn standing(freshness: Freshness) -> String {
    match freshness {
        Freshness::Fresh => "fresh".into(),
        Freshness::Stale { until } => format!("FROZEN: no fresh word from a server; enforced until {until}"),
        Freshness::Expired { since } => format!("EXPIRED since {since}: runs only look, and change nothing"),
    }
}

/// What to say of a trust root that ends soon.
#[must_use]
pub fn of_root(root: &Root, now: Stamp) -> Option<LogLine> {
    let (urgency, end) = (root.urgency(now)?, root.expires());
    let level = match urgency {
        Urgency::Note => LogLevel::Notice,
        Urgency::Warning => LogLevel::Warning,
        Urgency::Urgent | Urgency::Expired => LogLevel::Err,
    };
    let message =
        format!("The trust root ends at {end} ({urgency}); its people renew it: `countersign trust renew`");
    Some(LogLine { level, source: String::new(), message })
}
