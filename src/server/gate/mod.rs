//! Behind `git push`: admitting proposals, recording reviews, making releases, repairing after a crash.
//!
//! What this writes is for people and for bookkeeping. What agents believe is signed by reviewers, and nobody
//! who verifies it asks this code.

mod admission;
mod answer;
pub mod changes;
pub mod checkpoints;
mod error;
mod intake;
mod probe;
pub mod ratifications;
mod reconcile;
pub mod releases;
mod reviewing;
mod revoking;
pub mod ticket;
pub mod trust;
pub mod withdrawals;

pub use admission::{Push, admit};
pub use error::GateError;
pub use intake::{Answer, Desk, committers, take_in};
pub use probe::{closed, judge_planted, self_test};
pub use reconcile::{Repaired, reconcile};

/// Ends the process here if the test that started it asked for that. Only in debug builds: tests kill the
/// server between two steps to see the next command repair what is half done.
fn crash_point(name: &str) {
    #[cfg(debug_assertions)]
    if std::env::var_os("COUNTERSIGN_CRASH_AT").is_some_and(|wanted| wanted == name) {
        std::process::abort();
    }
    #[cfg(not(debug_assertions))]
    let _ = name;
}
