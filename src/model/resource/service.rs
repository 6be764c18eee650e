//! `service`: a system service.

use super::{Attr, Shape};
use serde::{Deserialize, Serialize};

/// The attributes of `service` in a module.
pub(super) const ATTRS: &[Attr] = &[
    Attr::new("name", Shape::Text, "The service's name; the title by default."),
    Attr::new(
        "ensure",
        Shape::OneOf(&["running", "stopped"]),
        "Whether it runs now. Not managed when unset.",
    ),
    Attr::new("enable", Shape::BoolOr(&["mask"]), "Whether it starts at boot; `mask` forbids any start."),
    Attr::new("provider", Shape::OneOf(&["systemd", "sysv"]), "The init system; found by itself when unset."),
];

/// The wanted state of a service.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// The service's name.
    pub name: String,
    /// Whether it runs now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ensure: Option<Ensure>,
    /// Whether it starts at boot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable: Option<Enable>,
    /// The init system; found by itself when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
}

/// Whether a service runs now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ensure {
    /// It runs.
    Running,
    /// It does not run.
    Stopped,
}

/// Whether a service starts at boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Enable {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// It cannot be started at all.
    Mask,
}
