//! Rules as data: predicates over effects, with the page that explains them.
//!
//! Rules only say what matters. How a tool's arguments become effects is in the tool tables.

use super::effect::{Effect, Kind};
use crate::model::Severity;
use serde::Deserialize;

/// A rule of the policy, as in `policies/<id>.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Kebab-case name: of the rule, its file and its fixtures.
    pub id: String,
    /// How much a finding of it matters.
    pub severity: Severity,
    /// One line for lists.
    pub title: String,
    /// What a finding says; `{target}` and `{class}` are filled in.
    pub message: String,
    /// What the rule looks for.
    pub what: String,
    /// Why it matters.
    pub why: String,
    /// What it refuses.
    pub example: String,
    /// What to write instead.
    pub instead: String,
    /// What it is known not to see.
    pub gaps: String,
    /// The effects that break it: any of these. Empty for rules that are checked in code.
    #[serde(default, rename = "match")]
    pub matches: Vec<Match>,
}

/// A predicate over effects. What is not given does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// One of these kinds.
    pub effect: Vec<Kind>,
    /// On one of these classes; any when empty.
    #[serde(default)]
    pub class: Vec<String>,
    /// With or without everything below.
    pub recursive: Option<bool>,
    /// Told not to ask, or not.
    pub forced: Option<bool>,
}

impl Match {
    fn holds(&self, effect: &Effect) -> bool {
        self.effect.contains(&effect.kind)
            && (self.class.is_empty() || self.class.contains(&effect.class))
            && self.recursive.is_none_or(|wanted| wanted == effect.recursive)
            && self.forced.is_none_or(|wanted| wanted == effect.forced)
    }
}

impl Rule {
    /// Whether `effect` breaks this rule.
    #[must_use]
    pub fn breaks(&self, effect: &Effect) -> bool {
        self.matches.iter().any(|m| m.holds(effect))
    }

    /// The message for `effect`.
    #[must_use]
    pub fn message_for(&self, effect: &Effect) -> String {
        self.message.replace("{target}", &effect.target).replace("{class}", &effect.class)
    }
}
