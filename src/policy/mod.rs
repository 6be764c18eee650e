//! What may be put on a node: rules as data, findings, waivers, reports.
//!
//! `policy` never knows whether it runs in the hook, at an author's or in a test. It does no I/O; what
//! it cannot analyse is a finding.

mod catalog;
mod check;
pub mod commands;
pub mod guard;
mod load;
mod plaintext;
pub mod report;
mod resource;
pub mod schema;
mod source;
mod waiver;
pub mod why;

pub use check::{LintedCommit, Verdict, check};
pub use load::Policy;
pub use source::source_findings;
pub use waiver::Waiver;
