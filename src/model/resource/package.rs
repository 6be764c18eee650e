//! `package`: a package of the distribution, or of a language.

use super::{Attr, Deed, Fault, Nature, PackageManager, Shape};
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
    Attr::new(
        "provider",
        Shape::OneOf(PackageManager::NAMES),
        "The package manager; the node's own when unset. `pip`, `npm`, `gem` and `flatpak` install for the whole machine.",
    ),
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
    /// The package manager; the node's own when `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<PackageManager>,
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
    const DOC: &'static str =
        "a package of the distribution, of Python, Node.js or Ruby, a snap or a flatpak";
    const ATTRS: &'static [Attr] = ATTRS;
    const TITLE: Option<&'static str> = Some("name");
    const TOLD: &'static [&'static str] = &["ensure"];
    const EXAMPLE: (&'static str, &'static str) = ("nginx", "ensure = 'present'\n");

    fn thing(&self) -> Option<(&'static str, String)> {
        let word = match self.provider {
            Some(PackageManager::Pip) => "package of pip",
            Some(PackageManager::Npm) => "package of npm",
            Some(PackageManager::Gem) => "package of gem",
            Some(PackageManager::Snap) => "snap",
            Some(PackageManager::Flatpak) => "flatpak",
            _ => "package",
        };
        let listed = self.provider.map(|manager| manager.listed(&self.name).into_owned());
        Some((word, listed.unwrap_or_else(|| self.name.clone())))
    }

    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn deeds(&self) -> Vec<Deed<'_>> {
        let gone = matches!(self.ensure, Ensure::Absent | Ensure::Purged);
        let like = |attr, words: &[&str], options: &[String]| {
            let words = words.iter().map(|word| (*word).to_owned());
            Deed::Like {
                attr,
                argv: words.chain(options.iter().cloned()).chain([self.name.clone()]).collect(),
            }
        };
        // Which one the node has is not known here: options are judged as each would read them.
        let managers = PackageManager::of_distributions().filter(|_| self.provider.is_none());
        let mut deeds = Vec::new();
        for manager in managers.chain(self.provider) {
            let says = manager.is_apart();
            if !self.install_options.is_empty() || (says && !gone) {
                let attr = if self.install_options.is_empty() { "name" } else { "install_options" };
                deeds.push(like(attr, manager.install(), &self.install_options));
            }
            if !self.uninstall_options.is_empty() || (says && gone) {
                let attr = if self.uninstall_options.is_empty() { "name" } else { "uninstall_options" };
                deeds.push(like(attr, manager.remove(), &self.uninstall_options));
            }
        }
        deeds
    }

    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if matches!(self.ensure, Ensure::Absent | Ensure::Purged) && self.mark.is_some() {
            faults.push(Fault::new("mark", "what must not be there cannot be held", "remove `mark`"));
        }
        let Some(manager) = self.provider else { return faults };
        let name = manager.name();
        if self.ensure == Ensure::Purged && !manager.purges() {
            let message = format!("`{name}` knows no configuration files that it could purge");
            faults.push(Fault::new("ensure", message, "`absent`"));
        }
        if self.mark.is_some() && !manager.holds() {
            let message = format!("`{name}` cannot hold a package in its version");
            faults.push(Fault::new("mark", message, "state the version in `ensure`"));
        }
        if matches!(self.ensure, Ensure::Range(_)) && !manager.orders() {
            let message =
                format!("the versions of `{name}` are commits, of which none is newer than another");
            faults.push(Fault::new("ensure", message, "`latest`, or one commit"));
        }
        if self.configfiles == Configfiles::Replace && manager != PackageManager::Apt {
            let message = format!("`{name}` does not ask whose configuration files win");
            faults.push(Fault::new("configfiles", message, "manage the file with a `file`"));
        }
        faults
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

impl Ensure {
    /// The versions that it names.
    pub fn versions(&self) -> impl Iterator<Item = &str> {
        let (one, bounds): (_, &[Bound]) = match self {
            Self::Version(version) => (Some(version.as_str()), &[]),
            Self::Range(bounds) => (None, bounds),
            Self::Present | Self::Absent | Self::Purged | Self::Latest => (None, &[]),
        };
        one.into_iter().chain(bounds.iter().map(|bound| bound.version.as_str()))
    }
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
