//! `package`: a package of the distribution.

use super::{Attr, Deed, Fault, Nature, Shape};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The attributes of `package` in a module.
const ATTRS: &[Attr] = &[
    Attr::new("name", Shape::Text, "The package's name; the title by default."),
    Attr::new(
        "ensure",
        Shape::Text,
        "`present`, `absent`, `purged`, `latest`, an exact version, or a range such as `>=1.0 <2.0`.",
    )
    .default("\"present\""),
    Attr::new(
        "mark",
        Shape::OneOf(&["hold", "none"]),
        "Whether it is held in its version. Not managed when unset.",
    ),
    Attr::new(
        "configfiles",
        Shape::OneOf(&["keep", "replace"]),
        "Whose configuration files win when a new version brings others.",
    )
    .default("\"keep\""),
    Attr::new("install_options", Shape::Texts, "Further options for the package manager."),
    Attr::new(
        "uninstall_options",
        Shape::Texts,
        "Further options for the package manager when it removes it.",
    ),
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
    /// Whether it is held; left alone when `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<Mark>,
    /// Whose configuration files win.
    #[serde(default, skip_serializing_if = "Configfiles::is_default")]
    pub configfiles: Configfiles,
    /// Further options for the package manager.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub install_options: Vec<String>,
    /// Further options for removing it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uninstall_options: Vec<String>,
    /// The package manager; found by itself when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
}

impl Package {
    /// The package in any version, everything else as it is by default.
    #[must_use]
    pub const fn of(name: String, ensure: Ensure) -> Self {
        Self {
            name,
            ensure,
            mark: None,
            configfiles: Configfiles::Keep,
            install_options: Vec::new(),
            uninstall_options: Vec::new(),
            provider: None,
        }
    }
}

impl Nature for Package {
    const NAME: &'static str = "package";
    const DOC: &'static str = "a package of the distribution";
    const ATTRS: &'static [Attr] = ATTRS;
    const TITLE: Option<&'static str> = Some("name");
    const TOLD: &'static [&'static str] = &["ensure"];
    const EXAMPLE: (&'static str, &'static str) = ("nginx", "ensure = 'present'\n");

    fn thing(&self) -> Option<(&'static str, String)> {
        Some(("package", self.name.clone()))
    }

    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn deeds(&self) -> Vec<Deed<'_>> {
        let with = |attr, verb, options: &[String]| {
            let argv = ["apt-get", verb].into_iter().map(str::to_owned).chain(options.iter().cloned());
            let argv = argv.chain([self.name.clone()]).collect();
            (!options.is_empty()).then_some(Deed::Like { attr, argv })
        };
        let install = with("install_options", "install", &self.install_options);
        install.into_iter().chain(with("uninstall_options", "remove", &self.uninstall_options)).collect()
    }

    fn faults(&self) -> Vec<Fault> {
        let gone = matches!(self.ensure, Ensure::Absent | Ensure::Purged);
        let fault = || Fault::new("mark", "what must not be there cannot be held", "remove `mark`");
        if gone && self.mark.is_some() { vec![fault()] } else { Vec::new() }
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
    /// A version within all of these bounds.
    Range(Vec<Bound>),
}

/// A bound of versions.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    /// On which side of the version.
    pub than: Than,
    /// The version.
    pub version: String,
}

/// A side of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Than {
    /// Older.
    #[serde(rename = "<")]
    Less,
    /// Older or the same.
    #[serde(rename = "<=")]
    AtMost,
    /// Newer or the same.
    #[serde(rename = ">=")]
    AtLeast,
    /// Newer.
    #[serde(rename = ">")]
    More,
}

impl Bound {
    /// A bound as it is written: `>=1.0`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let sides = [("<=", Than::AtMost), (">=", Than::AtLeast), ("<", Than::Less), (">", Than::More)];
        let (than, version) =
            sides.into_iter().find_map(|(sign, than)| Some((than, text.strip_prefix(sign)?)))?;
        Some(Self { than, version: version.trim().to_owned() })
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.than {
            Than::Less => "<",
            Than::AtMost => "<=",
            Than::AtLeast => ">=",
            Than::More => ">",
        };
        write!(f, "{sign}{}", self.version)
    }
}

/// Whether a package is held in its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// It is.
    Hold,
    /// It is not.
    None,
}

/// Whose configuration files win when a new version brings others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Configfiles {
    /// Those of the node.
    #[default]
    Keep,
    /// Those of the package.
    Replace,
}

impl Configfiles {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
