//! `notify`: a message in the run's log. Always counts as a change.

use super::{Attr, Shape};
use serde::{Deserialize, Serialize};

/// The attributes of `notify` in a module.
pub(super) const ATTRS: &[Attr] = &[Attr::new("message", Shape::Text, "What to log; the title by default.")];

/// A message in the run's log.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    /// What to log.
    pub message: String,
}
