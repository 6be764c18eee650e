//! `archive`: what is in a tar or zip archive of the module, in a folder of the node.

use super::{Attr, Content, Deed, Fault, Nature, Need, Shape, is_false};
use serde::{Deserialize, Serialize};

/// The attributes of `archive` in a module.
const ATTRS: &[Attr] = &[
    Attr::new("path", Shape::Path, "The folder that it is unpacked into; the title by default."),
    Attr::new(
        "source",
        Shape::Source,
        "The archive, a file of the module: zip, or tar as it is or packed with gzip, xz, zstd or bzip2.",
    )
    .required(),
    Attr::new("strip", Shape::Integer(0, 16), "Folders to leave off the front of each name in it.")
        .default("0"),
    Attr::new("owner", Shape::Text, "Whose everything in it becomes; root's when unset."),
    Attr::new("group", Shape::Text, "The group of everything in it; root's when unset."),
    Attr::new(
        "executable",
        Shape::Bool,
        "Whether what is executable in the archive stays so. Otherwise files get mode 0644.",
    )
    .default("false"),
];

/// Below which folders an archive may be unpacked: elsewhere, files mean something by their place alone.
const PLACES: [&str; 8] = [
    "/opt/",
    "/srv/",
    "/var/www/",
    "/var/lib/",
    "/var/cache/",
    "/var/opt/",
    "/usr/local/share/",
    "/usr/local/lib/",
];

/// Folders of the system's own below them.
const SYSTEM: [&str; 10] = [
    "/var/lib/apk",
    "/var/lib/apt",
    "/var/lib/cloud",
    "/var/lib/countersign",
    "/var/lib/dpkg",
    "/var/lib/pacman",
    "/var/lib/polkit-1",
    "/var/lib/rpm",
    "/var/lib/systemd",
    "/var/cache/apt",
];

/// What is unpacked where.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// The folder.
    pub path: String,
    /// The archive.
    pub source: Content,
    /// Folders to leave off.
    #[serde(default, skip_serializing_if = "is_none")]
    pub strip: u32,
    /// Whose everything becomes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The group of everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Whether what is executable stays so.
    #[serde(default, skip_serializing_if = "is_false")]
    pub executable: bool,
}

impl Archive {
    /// The file that says what was unpacked.
    #[must_use]
    pub fn marker(&self) -> String {
        format!("{}/.countersign-archive", self.path)
    }

    /// Whether archives may be unpacked at a path.
    #[must_use]
    pub fn is_place(path: &str) -> bool {
        let at = |folder: &str| {
            path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        PLACES.iter().any(|place| path.strip_prefix(place).is_some_and(|rest| !rest.is_empty()))
            && !SYSTEM.iter().any(|folder| at(folder))
    }
}

impl Nature for Archive {
    const NAME: &'static str = "archive";
    const DOC: &'static str = "what is in a tar or zip archive of the module, in a folder of the node";
    const ATTRS: &'static [Attr] = ATTRS;
    const TITLE: Option<&'static str> = Some("path");
    const EXAMPLE: (&'static str, &'static str) = ("/opt/app", "source = 'app.tar.gz'\nstrip = 1\n");

    fn thing(&self) -> Option<(&'static str, String)> {
        Some(("unpacked archive", self.path.clone()))
    }

    fn names(&self) -> Vec<String> {
        vec![self.path.clone()]
    }

    fn paths(&self) -> Vec<String> {
        vec![self.path.clone(), self.marker()]
    }

    fn sweeps(&self) -> Option<&str> {
        Some(&self.path)
    }

    fn needs(&self) -> Vec<Need<'_>> {
        let accounts = self.owner.as_deref().map(Need::User).into_iter();
        let accounts = accounts.chain(self.group.as_deref().map(Need::Group));
        [Need::Path(&self.path), Need::Within(&self.path)].into_iter().chain(accounts).collect()
    }

    fn provides(&self) -> Option<&str> {
        Some(&self.path)
    }

    fn deeds(&self) -> Vec<Deed<'_>> {
        vec![Deed::like("path", &["tar", "-x", "-f", "/var/lib/countersign/archive.tar", "-C", &self.path])]
    }

    fn contents(&self) -> Vec<&Content> {
        vec![&self.source]
    }

    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if !Self::is_place(&self.path) {
            let places = PLACES.map(|place| format!("`{}`", place.trim_end_matches('/'))).join(", ");
            let message = format!("no archive is unpacked into `{}`", self.path.escape_default());
            faults.push(Fault::new("path", message, format!("a folder below one of {places}")));
        }
        faults
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
const fn is_none(value: &u32) -> bool {
    *value == 0
}
