//! `package`: a package of the distribution.

use super::{Attr, Deed, Nature, Shape};
use serde::{Deserialize, Serialize};

/// The attributes of `package` in a module.
const ATTRS: &[Attr] = &[
    Attr::new("name", Shape::Text, "The package's name; the title by default."),
    Attr::new("ensure", Shape::Text, "`present`, `absent`, `purged`, `latest`, or an exact version.")
        .default("\"present\""),
    Attr::new("install_options", Shape::Texts, "Further options for the package manager."),
    Attr::new("provider", Shape::OneOf(&["apt"]), "The package manager; found by itself when unset."),
];

/// The wanted state of a package.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// The package's name.
    pub name: String,
    /// Whether it must be there, and in which version.
    pub ensure: Ensure,
    /// Further options for the package manager.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub install_options: Vec<String>,
    /// The package manager; found by itself when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
}

impl Nature for Package {
    const NAME: &'static str = "package";
    const DOC: &'static str = "a package of the distribution";
    const ATTRS: &'static [Attr] = ATTRS;
    const TITLE: Option<&'static str> = Some("name");
    const EXAMPLE: (&'static str, &'static str) = ("nginx", "ensure = 'present'\n");

    fn thing(&self) -> Option<(&'static str, String)> {
        Some(("package", self.name.clone()))
    }

    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn deeds(&self) -> Vec<Deed<'_>> {
        if self.install_options.is_empty() {
            return Vec::new();
        }
        let argv = ["apt-get", "install"].into_iter().chain(self.install_options.iter().map(String::as_str));
        let argv: Vec<&str> = argv.chain([self.name.as_str()]).collect();
        vec![Deed::like("install_options", &argv)]
    }
}

/// Whether a package must be there, and in which version.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ensure {
    /// Any version.
    Present,
    /// Not installed; configuration may stay.
    Absent,
    /// Not installed, and no configuration left.
    Purged,
    /// The newest version that the repositories offer.
    Latest,
    /// Exactly this version.
    Version(String),
}
