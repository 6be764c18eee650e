//! `hostname`: the name of the node itself.

use super::{Attr, Deed, Fault, Nature, Shape, is_true, yes};
use serde::{Deserialize, Serialize};

/// The attributes of `hostname` in a module.
const ATTRS: &[Attr] = &[
    Attr::new("name", Shape::Text, "The name; the title by default."),
    Attr::new("apply", Shape::Bool, "Change it now too; otherwise at the next boot.").default("true"),
];

/// The wanted name of the node.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hostname {
    /// The name.
    pub name: String,
    /// Change it now too.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub apply: bool,
}

impl Nature for Hostname {
    const NAME: &'static str = "hostname";
    const DOC: &'static str = "the name of the node itself";
    const ATTRS: &'static [Attr] = ATTRS;
    const TITLE: Option<&'static str> = Some("name");
    const EXAMPLE: (&'static str, &'static str) = ("{{ node.name }}", "apply = true\n");

    fn thing(&self) -> Option<(&'static str, String)> {
        Some(("setting", "hostname".into()))
    }

    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn paths(&self) -> Vec<String> {
        vec!["/etc/hostname".into()]
    }

    fn deeds(&self) -> Vec<Deed<'_>> {
        vec![Deed::like("name", &["hostname", &self.name])]
    }

    fn faults(&self) -> Vec<Fault> {
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        };
        // HOST_NAME_MAX of Linux.
        let good = self.name.len() <= 64 && self.name.split('.').all(label);
        let fault =
            || Fault::new("name", format!("`{}` is no name of a host", self.name.escape_default()), "");
        if good { Vec::new() } else { vec![fault()] }
    }
}
