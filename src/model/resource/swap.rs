//! `swap`: swap space, now and at boot.

use super::{Attr, Deed, Fault, Nature, Need, Presence, Shape};
use serde::{Deserialize, Serialize};

const FSTAB: &str = "/etc/fstab";

/// The attributes of `swap` in a module.
const ATTRS: &[Attr] = &[
    Attr::new("name", Shape::Path, "The device or file, which mkswap(8) has made; the title by default."),
    Attr::new("ensure", Shape::OneOf(&["present", "absent"]), "Whether it is in use, and in the file.")
        .default("\"present\""),
    Attr::new("options", Shape::Text, "Options with commas, for example `pri=5`.").default("\"defaults\""),
    Attr::new("target", Shape::Path, "The file.").default("\"/etc/fstab\""),
];

/// The wanted state of swap space.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Swap {
    /// The device or file.
    pub name: String,
    /// Whether it is in use.
    #[serde(default, skip_serializing_if = "Presence::is_present")]
    pub ensure: Presence,
    /// Options with commas.
    #[serde(default = "defaults")]
    pub options: String,
    /// The file.
    #[serde(default = "fstab", skip_serializing_if = "is_fstab")]
    pub target: String,
}

impl Nature for Swap {
    const NAME: &'static str = "swap";
    const DOC: &'static str = "swap space, now and at boot";
    const ATTRS: &'static [Attr] = ATTRS;
    const TITLE: Option<&'static str> = Some("name");
    const TOLD: &'static [&'static str] = &["ensure", "options"];
    const EXAMPLE: (&'static str, &'static str) = ("/var/swap", "options = 'pri=5'\n");

    fn thing(&self) -> Option<(&'static str, String)> {
        Some(("swap space", self.name.clone()))
    }

    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn paths(&self) -> Vec<String> {
        vec![self.target.clone()]
    }

    fn needs(&self) -> Vec<Need<'_>> {
        vec![Need::Path(&self.name), Need::Within(&self.name), Need::Path(&self.target)]
    }

    fn deeds(&self) -> Vec<Deed<'_>> {
        match self.ensure {
            Presence::Present => vec![
                Deed::like("name", &["swapon", &self.name]),
                Deed::hold("name", &self.target, format!("{} none swap {} 0 0\n", self.name, self.options)),
            ],
            Presence::Absent => vec![Deed::like("ensure", &["swapoff", &self.name])],
        }
    }

    fn faults(&self) -> Vec<Fault> {
        let odd = self.options.is_empty()
            || self.options.starts_with(['-', '#'])
            || self.options.contains(char::is_whitespace);
        let fault = || {
            Fault::new("options", format!("`{}` are no options of swap", self.options.escape_default()), "")
        };
        if odd { vec![fault()] } else { Vec::new() }
    }
}

fn defaults() -> String {
    "defaults".into()
}

fn fstab() -> String {
    FSTAB.into()
}

fn is_fstab(path: &str) -> bool {
    path == FSTAB
}
