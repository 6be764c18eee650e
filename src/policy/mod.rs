//! What may be put on a node: rules as data, findings, waivers, reports.
//!
//! `policy` never knows whether it runs in the hook, at an author's or in a test. It does no I/O; what
//! it cannot analyse is a finding.

pub mod commands;
pub mod guard;
pub mod report;

mod sketch;
pub use sketch::{LintedCommit, Policy, Verdict, check, source_findings};
