//! `notify`: a message in the run's log. Always counts as a change.

use super::{Attr, Deed, Nature, Shape};
use serde::{Deserialize, Serialize};

/// The attributes of `notify` in a module.
const ATTRS: &[Attr] = &[Attr::new("message", Shape::Text, "What to log; the title by default.")];

/// A message in the run's log.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    /// What to log.
    pub message: String,
}

impl Nature for Notify {
    const NAME: &'static str = "notify";
    const DOC: &'static str = "a message in the run's log; always counts as a change";
    const ATTRS: &'static [Attr] = ATTRS;
    const TITLE: Option<&'static str> = Some("message");
    const EXAMPLE: (&'static str, &'static str) = ("hello", "message = 'hello'\n");

    fn thing(&self) -> Option<(&'static str, String)> {
        None
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    fn deeds(&self) -> Vec<Deed<'_>> {
        Vec::new()
    }
}
