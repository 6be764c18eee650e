//! `apt_repository`: where apt gets packages from, and the key that signs them.

use super::{Attr, Content, Deed, Fault, Nature, Need, Presence, Shape};
use serde::{Deserialize, Serialize};

/// The attributes of `apt_repository` in a module.
const ATTRS: &[Attr] = &[
    Attr::new(
        "name",
        Shape::Text,
        "The name of the file in `/etc/apt/sources.list.d`, without its ending; the title by default.",
    ),
    Presence::ATTR,
    Attr::new("uris", Shape::Texts, "Where the repository is. Needed unless it must be absent."),
    Attr::new(
        "suites",
        Shape::Texts,
        "Its suites: `bookworm`, or a path that ends with `/`. Needed unless it must be absent.",
    ),
    Attr::new("components", Shape::Texts, "Its components: `main`."),
    Attr::new("types", Shape::Texts, "`deb`, `deb-src`.").default("[\"deb\"]"),
    Attr::new("architectures", Shape::Texts, "Only these."),
    Attr::new(
        "key",
        Shape::Source,
        "The key that signs it, from a file of the module: what was reviewed is what is trusted.",
    ),
    Attr::new("key_format", Shape::OneOf(&["asc", "gpg"]), "Whether the key is armoured text or binary.")
        .default("\"asc\""),
    Attr::new("signed_by", Shape::Path, "The keys that sign it, from a file that is on the node already."),
];

/// The wanted state of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AptRepository {
    /// The name of the file, without its ending.
    pub name: String,
    /// Whether it must be there.
    #[serde(default, skip_serializing_if = "Presence::is_present")]
    pub ensure: Presence,
    /// Where the repository is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uris: Vec<String>,
    /// Its suites.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suites: Vec<String>,
    /// Its components.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<String>,
    /// Packages, or their sources, or both.
    #[serde(default = "deb", skip_serializing_if = "is_deb")]
    pub types: Vec<String>,
    /// Only these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub architectures: Vec<String>,
    /// The key that signs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Content>,
    /// `asc` or `gpg`.
    #[serde(default = "asc", skip_serializing_if = "is_asc")]
    pub key_format: String,
    /// The keys that sign it, on the node already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<String>,
}

impl AptRepository {
    /// Where it is described.
    #[must_use]
    pub fn file(&self) -> String {
        format!("/etc/apt/sources.list.d/{}.sources", self.name)
    }

    /// Where the key of the module goes.
    #[must_use]
    pub fn key_file(&self) -> String {
        format!("/etc/apt/keyrings/{}.{}", self.name, self.key_format)
    }

    /// What is in the file (deb822, sources.list(5)).
    #[must_use]
    pub fn text(&self) -> String {
        let signed_by = self.signed_by.clone().unwrap_or_else(|| self.key_file());
        let fields = [
            ("Types", self.types.join(" ")),
            ("URIs", self.uris.join(" ")),
            ("Suites", self.suites.join(" ")),
            ("Components", self.components.join(" ")),
            ("Architectures", self.architectures.join(" ")),
            ("Signed-By", signed_by),
        ];
        let line = |(name, value): (&str, String)| (!value.is_empty()).then(|| format!("{name}: {value}\n"));
        fields.into_iter().filter_map(line).collect()
    }
}

impl Nature for AptRepository {
    const NAME: &'static str = "apt_repository";
    const DOC: &'static str = "where apt gets packages from, and the key that signs them";
    const ATTRS: &'static [Attr] = ATTRS;
    const TITLE: Option<&'static str> = Some("name");
    const EXAMPLE: (&'static str, &'static str) = (
        "example",
        "uris = 'https://deb.example/debian'\nsuites = 'bookworm'\ncomponents = 'main'\nkey = 'key'\n",
    );

    fn thing(&self) -> Option<(&'static str, String)> {
        Some(("repository", self.name.clone()))
    }

    fn names(&self) -> Vec<String> {
        std::iter::once(&self.name).chain(&self.uris).cloned().collect()
    }

    fn paths(&self) -> Vec<String> {
        vec![self.file(), self.key_file()]
    }

    fn needs(&self) -> Vec<Need<'_>> {
        let folders = ["/etc/apt/sources.list.d", "/etc/apt/keyrings"].map(Need::Path);
        folders.into_iter().chain(self.signed_by.as_deref().map(Need::Path)).collect()
    }

    fn deeds(&self) -> Vec<Deed<'_>> {
        match self.ensure {
            Presence::Present => vec![Deed::hold("uris", self.file(), self.text())],
            Presence::Absent => Vec::new(),
        }
    }

    fn contents(&self) -> Vec<&Content> {
        self.key.iter().collect()
    }

    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if !self.name.starts_with(|c: char| c.is_ascii_alphanumeric()) || !self.name.chars().all(plain) {
            faults.push(Fault::new(
                "name",
                format!("`{}` is no name of a repository", self.name.escape_default()),
                "",
            ));
        }
        let lists = [
            ("uris", &self.uris, true),
            ("suites", &self.suites, true),
            ("types", &self.types, true),
            ("components", &self.components, false),
            ("architectures", &self.architectures, false),
        ];
        for (attr, list, needed) in lists {
            if needed && list.is_empty() && self.ensure.is_present() {
                faults.push(Fault::new(attr, format!("a repository needs `{attr}`"), ""));
            }
            if let Some(word) = list.iter().find(|word| word.is_empty() || word.contains(char::is_whitespace))
            {
                faults.push(Fault::new(attr, format!("`{}` is not one word", word.escape_default()), ""));
            }
        }
        let flat = self.suites.iter().any(|suite| suite.ends_with('/'));
        if self.ensure.is_present() && flat != self.components.is_empty() {
            let message = "a suite needs `components`, and a path that ends with `/` has none";
            faults.push(Fault::new("components", message, ""));
        }
        if self.ensure.is_present() && self.key.is_some() == self.signed_by.is_some() {
            let message = "packages are trusted by one key: `key` or `signed_by`";
            faults.push(Fault::new(
                "key",
                message,
                "put the key below the module's `files/` and name it in `key`",
            ));
        }
        faults
    }
}

fn deb() -> Vec<String> {
    vec!["deb".into()]
}

fn is_deb(types: &[String]) -> bool {
    types == ["deb"]
}

fn asc() -> String {
    "asc".into()
}

fn is_asc(format: &str) -> bool {
    format == "asc"
}
