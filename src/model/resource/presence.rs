//! Whether something must be there or must not: the `ensure` of most types.

use super::{Attr, Shape};
use serde::{Deserialize, Serialize};

/// Whether something must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    /// It must.
    #[default]
    Present,
    /// It must not.
    Absent,
}

impl Presence {
    /// The attribute of it.
    pub(super) const ATTR: Attr =
        Attr::new("ensure", Shape::OneOf(&["present", "absent"]), "Whether it must be there.")
            .default("\"present\"");

    /// Whether it must be there.
    #[must_use]
    pub const fn is_present(&self) -> bool {
        matches!(self, Self::Present)
    }

    /// `present` or `absent`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Absent => "absent",
        }
    }
}
