//! `service`: a system service.

use super::{Attr, Deed, Nature, Shape};
use serde::{Deserialize, Serialize};

/// The attributes of `service` in a module.
const ATTRS: &[Attr] = &[
    Attr::new("name", Shape::Text, "The service's name; the title by default."),
    Attr::new(
        "ensure",
        Shape::OneOf(&["running", "stopped"]),
        "Whether it runs now. Not managed when unset.",
    ),
    Attr::new("enable", Shape::BoolOr(&["mask"]), "Whether it starts at boot; `mask` forbids any start."),
    Attr::new(
        "provider",
        Shape::OneOf(&["systemd", "openrc", "runit", "sysv"]),
        "The init system; found by itself when unset.",
    ),
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

impl Nature for Service {
    const NAME: &'static str = "service";
    const DOC: &'static str = "a system service";
    const ATTRS: &'static [Attr] = ATTRS;
    const TITLE: Option<&'static str> = Some("name");
    const EXAMPLE: (&'static str, &'static str) = ("nginx", "ensure = 'running'\nenable = true\n");
    const ANSWERS: bool = true;
    const TOLD: &'static [&'static str] = &["ensure", "enable"];

    fn thing(&self) -> Option<(&'static str, String)> {
        Some(("service", self.name.clone()))
    }

    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn deeds(&self) -> Vec<Deed<'_>> {
        Vec::new()
    }
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
