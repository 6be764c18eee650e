//! `timezone`: the time zone of the node.

use super::{Attr, Deed, Fault, Nature, Shape};
use serde::{Deserialize, Serialize};

/// The attributes of `timezone` in a module.
const ATTRS: &[Attr] =
    &[Attr::new("name", Shape::Text, "The zone, for example `Europe/Berlin`; the title by default.")];

/// The wanted time zone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timezone {
    /// The zone.
    pub name: String,
}

impl Nature for Timezone {
    const NAME: &'static str = "timezone";
    const DOC: &'static str = "the time zone of the node";
    const ATTRS: &'static [Attr] = ATTRS;
    const TITLE: Option<&'static str> = Some("name");
    const EXAMPLE: (&'static str, &'static str) = ("Europe/Berlin", "");

    fn thing(&self) -> Option<(&'static str, String)> {
        Some(("setting", "time zone".into()))
    }

    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn paths(&self) -> Vec<String> {
        vec!["/etc/localtime".into(), "/etc/timezone".into()]
    }

    fn deeds(&self) -> Vec<Deed<'_>> {
        vec![Deed::like("name", &["timedatectl", "set-timezone", &self.name])]
    }

    fn faults(&self) -> Vec<Fault> {
        let part = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_alphanumeric())
                && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+'))
        };
        let good = self.name.split('/').all(part);
        let fault = || {
            Fault::new(
                "name",
                format!("`{}` is no time zone", self.name.escape_default()),
                "for example `Etc/UTC`",
            )
        };
        if good { Vec::new() } else { vec![fault()] }
    }
}
