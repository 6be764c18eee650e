//! Identity, fetch, verify, plan, apply, report: what runs as root on a node.
//!
//! Layer 2. Imports `model`, `signing`, `shell` and `policy::guard` only, so that what it trusts stays small.

pub mod apply;
pub mod brake;
pub mod bucket;
pub mod clock;
pub mod daemon;
pub mod disable;
pub mod disk;
pub mod drift;
pub mod enroll;
pub mod facts;
mod fault;
pub mod fetch;
pub mod found;
pub mod freshness;
mod health;
pub mod hold;
pub mod host;
pub mod identity;
pub mod journal;
pub mod keyring;
pub mod lock;
pub mod pause;
pub mod pull;
pub mod quarantine;
pub mod queue;
pub mod report;
pub mod run;
pub mod schedule;
pub mod servers;
pub mod stored;
pub mod summary;
pub mod syslog;
pub mod trigger;
mod types;
pub mod undo;
mod wall;
pub mod watch;
pub mod writer;

#[cfg(test)]
mod crash;
#[cfg(test)]
mod faults;

#[cfg(test)]
mod testing;

/// An error and its causes as one line.
#[must_use]
pub fn text(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
