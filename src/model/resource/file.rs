//! `file`: a file, directory or symbolic link.

use super::{Attr, Context, Deed, Live, Nature, Need, Shape, is_false, is_true, yes};
use crate::model::{Digest, FactPath, Sealed, Text};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The attributes of `file` in a module.
const ATTRS: &[Attr] = &[
    Attr::new("path", Shape::Path, "Where it is; the title by default."),
    Attr::new(
        "ensure",
        Shape::OneOf(&["present", "file", "directory", "link", "absent"]),
        "What must be there.",
    ),
    Attr::new("content", Shape::Text, "The content, as text in the module.").live(Live::Content),
    Attr::new("template", Shape::Template, "The content, from a template of the module.").live(Live::Content),
    Attr::new(
        "source",
        Shape::Source,
        "The content, from a file of the module; a folder with `recurse`. Of a list the first that there is.",
    ),
    Attr::new("target", Shape::Text, "Where a link points."),
    Attr::new("owner", Shape::Text, "User name or number."),
    Attr::new("group", Shape::Text, "Group name or number."),
    Attr::new(
        "mode",
        Shape::Mode,
        "Octal (`\"0644\"`) or symbolic (`\"u=rw,go=r\"`). Not managed when unset.",
    ),
    Attr::new(
        "seluser",
        Shape::Text,
        "The user of its SELinux context. Nothing happens on a node without SELinux.",
    ),
    Attr::new("selrole", Shape::Text, "The role of its SELinux context."),
    Attr::new("seltype", Shape::Text, "The type of its SELinux context: `\"httpd_sys_content_t\"`."),
    Attr::new("selrange", Shape::Text, "The range of levels of its SELinux context."),
    Attr::new("recurse", Shape::Bool, "Manage what is below a directory too.").default("false"),
    Attr::new(
        "recurselimit",
        Shape::Integer(0, 100),
        "How many levels below the directory are managed; all unless set. Needs `recurse`.",
    ),
    Attr::new(
        "max_files",
        Shape::Integer(1, 100_000),
        "With more entries below the directory than this, nothing is done to any. Needs `recurse`.",
    ),
    Attr::new(
        "purge",
        Shape::Bool,
        "Remove what the catalog does not name below a directory. Needs `recurse`.",
    )
    .default("false"),
    Attr::new(
        "ignore",
        Shape::Texts,
        "Names that are left alone below a directory: patterns with `*`, `?` and `[…]`. Needs `recurse`.",
    ),
    Attr::new("force", Shape::Bool, "Allow a directory to be replaced or removed with all that is in it.")
        .default("false"),
    Attr::new("replace", Shape::Bool, "Write the content even if the file exists.").default("true"),
    Attr::new(
        "backup",
        Shape::Text,
        "Keep the old file: in the node's file bucket (`\"bucket\"`), or beside the new one with this suffix (`\".bak\"`).",
    ),
    Attr::new(
        "validate_cmd",
        Shape::Command,
        "Run on the new content before it is put in place; `%` is its path.",
    ),
    Attr::new("show_diff", Shape::Bool, "Show what changes in logs and reports.").default("true"),
];

/// The `backup` that keeps old files in the node's file bucket instead of beside the new ones.
pub const BUCKET: &str = "bucket";

/// The wanted state of a file, directory or symbolic link.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Absolute path.
    pub path: String,
    /// What must be there.
    pub ensure: Ensure,
    /// The content of a regular file; `None` leaves content alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// Where a link points; set exactly for links.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// User name or number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Group name or number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Octal or symbolic mode, checked by [`check_mode`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// The parts of the SELinux context that are managed, where the node has such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selinux: Option<Box<Context>>,
    /// Manage what is below a directory too.
    #[serde(default, skip_serializing_if = "is_false")]
    pub recurse: bool,
    /// Levels below the directory that are managed; all when `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recurselimit: Option<u32>,
    /// Entries below the directory above which nothing is done to any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_files: Option<u32>,
    /// Remove what the catalog does not name below a directory.
    #[serde(default, skip_serializing_if = "is_false")]
    pub purge: bool,
    /// Patterns of names that are left alone below a directory, with all that is below them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
    /// Allow a directory to be replaced or removed with all that is in it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub force: bool,
    /// Write the content even if the file exists.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub replace: bool,
    /// Where the old file is kept: [`BUCKET`], or the suffix of a copy beside the new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<String>,
    /// Argument vector that must succeed on the new content; an element `%` is its path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub validate_cmd: Vec<String>,
    /// Show what changes in logs and reports.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub show_diff: bool,
}

impl Nature for File {
    const NAME: &'static str = "file";
    const DOC: &'static str = "a file, directory or symbolic link";
    const ATTRS: &'static [Attr] = ATTRS;
    const TITLE: Option<&'static str> = Some("path");
    const TOLD: &'static [&'static str] = &["ensure", "content", "target", "owner", "group", "mode"];
    const EXAMPLE: (&'static str, &'static str) = ("/etc/motd", "content = 'hello'\n");

    fn thing(&self) -> Option<(&'static str, String)> {
        Some(("path", self.path.clone()))
    }

    fn names(&self) -> Vec<String> {
        vec![self.path.clone()]
    }

    fn paths(&self) -> Vec<String> {
        vec![self.path.clone()]
    }

    fn needs(&self) -> Vec<Need<'_>> {
        let owner = self.owner.as_deref().map(Need::User);
        let group = self.group.as_deref().map(Need::Group);
        [Need::Within(&self.path)].into_iter().chain(owner).chain(group).collect()
    }

    fn provides(&self) -> Option<&str> {
        Some(&self.path)
    }

    fn deeds(&self) -> Vec<Deed<'_>> {
        let (path, executable) = (Cow::Borrowed(self.path.as_str()), self.is_executable());
        let content = self.content.as_ref().map(Cow::Borrowed);
        let hold = content.map(|content| Deed::Hold { attr: "content", path, content, executable });
        let argv = self.validate_cmd.clone();
        let check = (!argv.is_empty()).then_some(Deed::Like { attr: "validate_cmd", argv });
        hold.into_iter().chain(check).collect()
    }

    fn contents(&self) -> Vec<&Content> {
        self.content.iter().collect()
    }
}

/// What must be at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ensure {
    /// Something; a regular file is made where there is nothing.
    Present,
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// Nothing.
    Absent,
}

/// The content of a regular file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Content {
    /// This text.
    Text(Text),
    /// The bytes of this digest, fetched from the publication directory.
    Blob {
        /// SHA-256 of the bytes.
        digest: Digest,
        /// Number of bytes.
        size: u64,
    },
    /// Text with live facts and secrets in it, filled in on the node.
    Parts(Vec<Part>),
}

impl Content {
    /// The sealed secrets in it, in order.
    pub fn secrets(&self) -> impl Iterator<Item = &Sealed> {
        let parts = match self {
            Self::Parts(parts) => parts.as_slice(),
            Self::Text(_) | Self::Blob { .. } => &[],
        };
        parts.iter().filter_map(|part| match part {
            Part::Sealed(sealed) => Some(sealed),
            Part::Text(_) | Part::Fact(_) => None,
        })
    }
}

impl File {
    /// Whether its content holds a secret.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.content.as_ref().is_some_and(|content| content.secrets().next().is_some())
    }

    /// Whether its mode lets it be executed.
    #[must_use]
    pub fn is_executable(&self) -> bool {
        self.mode.as_deref().is_some_and(|mode| match u32::from_str_radix(mode, 8) {
            Ok(bits) => bits & 0o111 != 0,
            Err(_) => mode.contains('x'),
        })
    }
}

/// A piece of content with live facts or secrets.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// This text.
    Text(String),
    /// The node's value of this fact.
    Fact(FactPath),
    /// A secret that only the node can open.
    Sealed(Sealed),
}

/// Text that is no file mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no file mode: write octal (`0644`) or symbolic (`u=rw,go=r`)", .0.escape_default())]
pub struct ModeError(String);

/// Checks the form of an octal (1 to 4 digits) or symbolic file mode.
///
/// # Errors
/// When it is neither.
pub fn check_mode(mode: &str) -> Result<(), ModeError> {
    let octal = (1..=4).contains(&mode.len()) && mode.chars().all(|c| ('0'..='7').contains(&c));
    if octal || (!mode.is_empty() && mode.split(',').all(symbolic_clause)) {
        Ok(())
    } else {
        Err(ModeError(mode.to_owned()))
    }
}

/// `[ugoa]*` and then one or more of `[-+=]` with permission letters or one of `ugo` (chmod(1)).
fn symbolic_clause(clause: &str) -> bool {
    let actions = clause.trim_start_matches(['u', 'g', 'o', 'a']);
    if !actions.starts_with(['+', '-', '=']) {
        return false;
    }
    actions.split(['+', '-', '=']).skip(1).all(|permissions| {
        matches!(permissions, "u" | "g" | "o") || permissions.chars().all(|c| "rwxXst".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_have_a_form() {
        for good in ["0644", "644", "4755", "u=rw,go=r", "a+X", "g=u", "u+s,o-rwx", "=r", "u=rwx+s"] {
            assert!(check_mode(good).is_ok(), "{good}");
        }
        for bad in ["", "0648", "00644", "rw-r--r--", "u", "u=rw,", "x+u=z", "u=gr"] {
            assert!(check_mode(bad).is_err(), "{bad}");
        }
    }
}
