//! What a command does, and whether that may ever happen. The agent has this part too, so it imports
//! nothing but the model and the shell.

mod effect;
mod rules;

pub use effect::{Effect, Kind};
pub use rules::{Match, Rule};

use crate::model::Finding;

/// A command right before it is executed, live facts filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GuardCommand {
    /// An argument vector; nothing is expanded.
    Argv(Vec<String>),
    /// Text for `/bin/sh -c`.
    Shell(String),
}

/// A command that must never run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the command is refused by rule `{rule}`: {message}", rule = .findings.first().map_or("", |f| f.rule.as_str()), message = .findings.first().map_or("", |f| f.message.as_str()))]
pub struct Denied {
    /// Why; at least one finding.
    pub findings: Vec<Finding>,
}
