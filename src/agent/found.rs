//! What is on a node, in the words of a module: for whoever writes the first one. Looks, and changes nothing.

use super::host::{EntryKind, Host, HostError};
use super::types::{self, Failure};
use crate::model::Kind;
use std::collections::BTreeMap;

/// Something on a node, as a resource of a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The title.
    pub title: String,
    /// The attributes, in the order in which they are shown.
    pub attributes: Vec<(&'static str, Said)>,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Text.
    Text(String),
    /// A list of texts.
    Texts(Vec<String>),
    /// A number.
    Number(i64),
    /// `true` or `false`.
    Bool(bool),
    /// A table of texts.
    Table(BTreeMap<String, String>),
    /// A table of lists of texts.
    Settings(BTreeMap<String, Vec<String>>),
}

/// Why a node cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FoundError {
    /// Nothing on a node says that there is such a resource.
    #[error("a node does not tell of its `{0}`: such a resource says what to do, not what is there")]
    NotThere(Kind),
    /// There are too many to list.
    #[error("`{0}` needs a name: there is no list of all of them")]
    NeedsName(Kind),
    /// A file of the node.
    #[error(transparent)]
    Host(#[from] HostError),
    /// A tool of the node.
    #[error("cannot read what is there: {0}")]
    Tool(String),
}

impl From<Failure> for FoundError {
    fn from(failure: Failure) -> Self {
        Self::Tool(super::text(&failure))
    }
}

impl Found {
    pub(super) const fn of(title: String) -> Self {
        Self { title, attributes: Vec::new() }
    }

    pub(super) fn with(mut self, name: &'static str, said: impl Into<Said>) -> Self {
        self.attributes.push((name, said.into()));
        self
    }

    /// Adds a text unless it is empty.
    pub(super) fn with_some(self, name: &'static str, text: &str) -> Self {
        if text.is_empty() { self } else { self.with(name, text) }
    }
}

impl From<&str> for Said {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Said {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<String>> for Said {
    fn from(texts: Vec<String>) -> Self {
        Self::Texts(texts)
    }
}

impl From<u32> for Said {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<bool> for Said {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

/// The resources of one type that are on the node: all of them, or the one with this name.
///
/// # Errors
/// When the node cannot be read, or nothing on it says so.
pub fn found(host: &Host, kind: Kind, name: Option<&str>) -> Result<Vec<Found>, FoundError> {
    let all = match kind {
        Kind::File => vec![file(host, name.ok_or(FoundError::NeedsName(kind))?)?],
        Kind::Sysctl => vec![sysctl(host, name.ok_or(FoundError::NeedsName(kind))?)?],
        Kind::Package => types::packages_found(host)?,
        Kind::User => types::users_found(host)?,
        Kind::Group => types::groups_found(host)?,
        Kind::Host => types::hosts_found(host)?,
        Kind::Mount => types::mounts_found(host)?,
        Kind::Swap => types::swaps_found(host)?,
        Kind::SshAuthorizedKey => types::keys_found(host)?,
        Kind::KernelModule => modules(host)?,
        Kind::Hostname => one_line(host, "/etc/hostname")?,
        Kind::Timezone => timezone(host)?,
        Kind::Service => types::services_found(host)?,
        Kind::Cron => types::cron_found(host)?,
        Kind::Locale => types::locale_found(host)?,
        Kind::SystemdUnit => types::units_found(host)?,
        Kind::AptRepository => types::repositories_found(host)?,
        Kind::Exec
        | Kind::Notify
        | Kind::LineInFile
        | Kind::IniSetting
        | Kind::KeySetting
        | Kind::Augeas
        | Kind::Nftables
        | Kind::Purge
        | Kind::YumRepository
        | Kind::Archive
        | Kind::Tidy => return Err(FoundError::NotThere(kind)),
    };
    Ok(all.into_iter().filter(|found| name.is_none_or(|name| found.title == name)).collect())
}

/// Bytes of a file whose content is shown, at most.
const SHOWN: u64 = 64 << 10;

fn file(host: &Host, path: &str) -> Result<Found, FoundError> {
    let found = Found::of(path.to_owned());
    let Some(stat) = host.stat(path)? else { return Ok(found.with("ensure", "absent")) };
    let (users, groups) = types::names(host)?;
    let named = |names: &std::collections::BTreeMap<u32, String>, id: u32| {
        names.get(&id).cloned().unwrap_or_else(|| id.to_string())
    };
    let access = |found: Found| {
        let found = found.with("owner", named(&users, stat.uid)).with("group", named(&groups, stat.gid));
        found.with("mode", format!("{:04o}", stat.mode))
    };
    Ok(match stat.kind {
        EntryKind::Link => found.with("ensure", "link").with("target", host.read_link(path)?),
        EntryKind::Directory => access(found.with("ensure", "directory")),
        EntryKind::Other => {
            return Err(HostError::Kind { path: path.to_owned(), expected: "file, folder or link" }.into());
        }
        // What not everybody may read does not belong on a terminal, and less into a site.
        EntryKind::File if stat.mode & 0o004 == 0 || stat.size > SHOWN => {
            access(found.with("ensure", "file"))
        }
        EntryKind::File => {
            let content = String::from_utf8(host.read(path, SHOWN)?)
                .ok()
                .filter(|text| !text.contains("{{") && !text.contains("{%"));
            let found = access(found.with("ensure", "file"));
            match content {
                Some(content) => found.with("content", content),
                None => found,
            }
        }
    })
}

fn sysctl(host: &Host, name: &str) -> Result<Found, FoundError> {
    let path = format!("/proc/sys/{}", crate::model::resource::Sysctl::relative_path(name));
    let value = host.read_text(&path, SHOWN)?.unwrap_or_default();
    let words: Vec<&str> = value.split_whitespace().collect();
    Ok(Found::of(name.to_owned()).with("value", words.join(" ")))
}

fn modules(host: &Host) -> Result<Vec<Found>, FoundError> {
    let text = host.read_text("/proc/modules", 1 << 20)?.unwrap_or_default();
    let names = text.lines().filter_map(|line| line.split(' ').next());
    Ok(names
        .filter(|name| !name.is_empty())
        .map(|name| Found::of(name.to_owned()).with("ensure", "present"))
        .collect())
}

fn one_line(host: &Host, path: &str) -> Result<Vec<Found>, FoundError> {
    let text = host.read_text(path, 4096)?.unwrap_or_default();
    let line = text.trim();
    Ok(if line.is_empty() { Vec::new() } else { vec![Found::of(line.to_owned())] })
}

fn timezone(host: &Host) -> Result<Vec<Found>, FoundError> {
    let link = host.stat("/etc/localtime")?.is_some_and(|stat| stat.kind == EntryKind::Link);
    let target = if link { host.read_link("/etc/localtime")? } else { String::new() };
    let zone = target.split_once("zoneinfo/").map(|(_, zone)| Found::of(zone.to_owned()));
    Ok(zone.into_iter().collect())
}
