//! `yum_repository`: where dnf, yum and zypper get packages from, and the key that signs them.

use super::{Attr, Content, Deed, Fault, Nature, Need, Presence, Shape, is_false, is_true, yes};
use serde::{Deserialize, Serialize};

/// Where descriptions of repositories are, of dnf and yum and of zypper.
const FOLDERS: &[&str] = &["/etc/yum.repos.d", "/etc/zypp/repos.d"];

/// The attributes of `yum_repository` in a module.
const ATTRS: &[Attr] = &[
    Attr::new(
        "name",
        Shape::Text,
        "The identity of the repository and the name of its file, without an ending; the title by default.",
    ),
    Presence::ATTR,
    Attr::new("descr", Shape::Text, "What people call it; its name when unset."),
    Attr::new(
        "baseurl",
        Shape::Texts,
        "Where it is. This, `mirrorlist` or `metalink`, unless it must be absent.",
    ),
    Attr::new("mirrorlist", Shape::Text, "The address of a list of mirrors."),
    Attr::new("metalink", Shape::Text, "The address of a list of mirrors with digests."),
    Attr::new("enabled", Shape::Bool, "Whether it is used.").default("true"),
    Attr::new("gpgcheck", Shape::Bool, "Whether packages must be signed.").default("true"),
    Attr::new("repo_gpgcheck", Shape::Bool, "Whether its lists must be signed too.").default("false"),
    Attr::new(
        "key",
        Shape::Source,
        "The key that signs it, from a file of the module: what was reviewed is what is trusted.",
    ),
    Attr::new("signed_by", Shape::Path, "The key that signs it, in a file that is on the node already."),
    Attr::new("priority", Shape::Integer(1, 99), "Whose packages win: those of the lower number."),
    Attr::new(
        "cost",
        Shape::Integer(0, 1_000_000),
        "Which of two with the same package is asked first: the lower.",
    ),
    Attr::new("exclude", Shape::Texts, "Packages of it that are not seen."),
    Attr::new("includepkgs", Shape::Texts, "The only packages of it that are seen."),
    Attr::new("skip_if_unavailable", Shape::Bool, "Whether to go on without it where it cannot be reached.")
        .default("false"),
    Attr::new("module_hotfixes", Shape::Bool, "Whether its packages win over those of modules.")
        .default("false"),
    Attr::new("folder", Shape::OneOf(FOLDERS), "Where its description is: the other is that of zypper.")
        .default("\"/etc/yum.repos.d\""),
];

/// The wanted state of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct YumRepository {
    /// Its identity and the name of the file.
    pub name: String,
    /// Whether it must be there.
    #[serde(default, skip_serializing_if = "Presence::is_present")]
    pub ensure: Presence,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub descr: Option<String>,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub baseurl: Vec<String>,
    /// A list of mirrors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mirrorlist: Option<String>,
    /// A list of mirrors with digests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metalink: Option<String>,
    /// Whether it is used.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub enabled: bool,
    /// Whether packages must be signed.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub gpgcheck: bool,
    /// Whether its lists must be signed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub repo_gpgcheck: bool,
    /// The key that signs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Content>,
    /// The key that signs it, on the node already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<String>,
    /// Whose packages win.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u32>,
    /// Which is asked first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<u32>,
    /// Packages that are not seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// The only packages that are seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub includepkgs: Vec<String>,
    /// Whether to go on without it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub skip_if_unavailable: bool,
    /// Whether its packages win over those of modules.
    #[serde(default, skip_serializing_if = "is_false")]
    pub module_hotfixes: bool,
    /// Where its description is.
    #[serde(default = "folder", skip_serializing_if = "is_usual")]
    pub folder: String,
}

impl YumRepository {
    /// Where it is described.
    #[must_use]
    pub fn file(&self) -> String {
        format!("{}/{}.repo", self.folder, self.name)
    }

    /// Where the key of the module goes.
    #[must_use]
    pub fn key_file(&self) -> String {
        format!("/etc/pki/rpm-gpg/RPM-GPG-KEY-countersign-{}", self.name)
    }

    /// What is in the file (yum.conf(5), dnf.conf(5)).
    #[must_use]
    pub fn text(&self) -> String {
        let flag = |value: bool| if value { "1" } else { "0" }.to_owned();
        let some = |value: bool| if value { flag(true) } else { String::new() };
        let number = |value: Option<u32>| value.map(|n| n.to_string()).unwrap_or_default();
        let key = self.key.is_some().then(|| self.key_file());
        let key = self.signed_by.clone().or(key).map(|path| format!("file://{path}"));
        let fields = [
            ("name", self.descr.clone().unwrap_or_else(|| self.name.clone())),
            ("baseurl", self.baseurl.join(" ")),
            ("mirrorlist", self.mirrorlist.clone().unwrap_or_default()),
            ("metalink", self.metalink.clone().unwrap_or_default()),
            ("enabled", flag(self.enabled)),
            // Always said: what stands in the main file must not count.
            ("gpgcheck", flag(self.gpgcheck)),
            ("repo_gpgcheck", some(self.repo_gpgcheck)),
            ("gpgkey", key.unwrap_or_default()),
            ("priority", number(self.priority)),
            ("cost", number(self.cost)),
            ("exclude", self.exclude.join(" ")),
            ("includepkgs", self.includepkgs.join(" ")),
            ("skip_if_unavailable", some(self.skip_if_unavailable)),
            ("module_hotfixes", some(self.module_hotfixes)),
        ];
        let line = |(name, value): (&str, String)| (!value.is_empty()).then(|| format!("{name}={value}\n"));
        let lines: String = fields.into_iter().filter_map(line).collect();
        format!("[{}]\n{lines}", self.name)
    }
}

impl Nature for YumRepository {
    const NAME: &'static str = "yum_repository";
    const DOC: &'static str = "where dnf, yum and zypper get packages from, and the key that signs them";
    const ATTRS: &'static [Attr] = ATTRS;
    const TITLE: Option<&'static str> = Some("name");
    const EXAMPLE: (&'static str, &'static str) =
        ("example", "baseurl = 'https://rpm.example/el9/$basearch'\nkey = 'key'\n");

    fn thing(&self) -> Option<(&'static str, String)> {
        Some(("yum repository", self.file()))
    }

    fn names(&self) -> Vec<String> {
        let lists = self.mirrorlist.iter().chain(&self.metalink);
        std::iter::once(&self.name).chain(&self.baseurl).chain(lists).cloned().collect()
    }

    fn paths(&self) -> Vec<String> {
        vec![self.file(), self.key_file()]
    }

    fn needs(&self) -> Vec<Need<'_>> {
        let folders = [Need::Path(&self.folder), Need::Path("/etc/pki/rpm-gpg")];
        folders.into_iter().chain(self.signed_by.as_deref().map(Need::Path)).collect()
    }

    fn deeds(&self) -> Vec<Deed<'_>> {
        let attr = if self.gpgcheck { "name" } else { "gpgcheck" };
        match self.ensure {
            Presence::Present => vec![Deed::hold(attr, self.file(), self.text())],
            Presence::Absent => Vec::new(),
        }
    }

    fn contents(&self) -> Vec<&Content> {
        self.key.iter().collect()
    }

    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':');
        let good = self.name.starts_with(|c: char| c.is_ascii_alphanumeric()) && self.name.chars().all(plain);
        // `[main]` is the section of dnf itself.
        if !good || self.name == "main" {
            let message = format!("`{}` is no name of a repository", self.name.escape_default());
            faults.push(Fault::new("name", message, ""));
        }
        let links = [("mirrorlist", &self.mirrorlist), ("metalink", &self.metalink)];
        let links = links.iter().flat_map(|(attr, link)| link.iter().map(move |link| (*attr, link)));
        let lists =
            [("baseurl", &self.baseurl), ("exclude", &self.exclude), ("includepkgs", &self.includepkgs)];
        let lists = lists.iter().flat_map(|(attr, list)| list.iter().map(move |word| (*attr, word)));
        for (attr, word) in lists.chain(links) {
            if word.is_empty() || word.contains(char::is_whitespace) {
                faults.push(Fault::new(attr, format!("`{}` is not one word", word.escape_default()), ""));
            }
        }
        if !self.ensure.is_present() {
            return faults;
        }
        let places = [!self.baseurl.is_empty(), self.mirrorlist.is_some(), self.metalink.is_some()];
        if places.iter().filter(|place| **place).count() != 1 {
            let message = "a repository is in one place: `baseurl`, `mirrorlist` or `metalink`";
            faults.push(Fault::new("baseurl", message, ""));
        }
        let keys = [self.key.is_some(), self.signed_by.is_some()].iter().filter(|key| **key).count();
        if keys > 1 || (keys == 0 && (self.gpgcheck || self.repo_gpgcheck)) {
            let message = "packages are trusted by one key: `key` or `signed_by`";
            let instead = "put the key below the module's `files/` and name it in `key`";
            faults.push(Fault::new("key", message, instead));
        }
        faults
    }
}

fn folder() -> String {
    "/etc/yum.repos.d".into()
}

fn is_usual(folder: &str) -> bool {
    folder == "/etc/yum.repos.d"
}
