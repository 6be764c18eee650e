//! `host`: an entry of `/etc/hosts`.

use super::{Attr, Deed, Fault, Nature, Need, Presence, Shape};
use serde::{Deserialize, Serialize};

const HOSTS: &str = "/etc/hosts";

/// The attributes of `host` in a module.
const ATTRS: &[Attr] = &[
    Attr::new("name", Shape::Text, "The name of the host; the title by default."),
    Presence::ATTR,
    Attr::new("ip", Shape::Text, "Its address. Needed unless it must be absent."),
    Attr::new("host_aliases", Shape::Texts, "Its other names: all of them."),
    Attr::new("comment", Shape::Text, "A comment behind the entry."),
    Attr::new("target", Shape::Path, "The file.").default("\"/etc/hosts\""),
];

/// The wanted state of an entry of `/etc/hosts`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// The name of the host.
    pub name: String,
    /// Whether it must be there.
    #[serde(default, skip_serializing_if = "Presence::is_present")]
    pub ensure: Presence,
    /// Its address.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ip: String,
    /// Its other names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub host_aliases: Vec<String>,
    /// A comment behind the entry; left alone when `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The file.
    #[serde(default = "hosts", skip_serializing_if = "is_hosts")]
    pub target: String,
}

impl Nature for Host {
    const NAME: &'static str = "host";
    const DOC: &'static str = "an entry of `/etc/hosts`";
    const ATTRS: &'static [Attr] = ATTRS;
    const TITLE: Option<&'static str> = Some("name");
    const TOLD: &'static [&'static str] = &["ensure", "ip", "host_aliases", "comment"];
    const EXAMPLE: (&'static str, &'static str) =
        ("db1.example", "ip = '192.0.2.7'\nhost_aliases = ['db1']\n");

    fn thing(&self) -> Option<(&'static str, String)> {
        Some(("host", format!("{}: {}", self.target, self.name)))
    }

    fn names(&self) -> Vec<String> {
        std::iter::once(&self.name).chain(&self.host_aliases).cloned().collect()
    }

    fn paths(&self) -> Vec<String> {
        vec![self.target.clone()]
    }

    fn needs(&self) -> Vec<Need<'_>> {
        vec![Need::Path(&self.target), Need::Within(&self.target)]
    }

    fn deeds(&self) -> Vec<Deed<'_>> {
        if !self.ensure.is_present() {
            return Vec::new();
        }
        let names: Vec<&str> = self.names_in_order().collect();
        vec![Deed::hold("ip", &self.target, format!("{} {}\n", self.ip, names.join(" ")))]
    }

    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.ensure.is_present() && self.ip.parse::<std::net::IpAddr>().is_err() {
            faults.push(Fault::new("ip", format!("`{}` is no address", self.ip.escape_default()), ""));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        for name in self.names_in_order() {
            if name.is_empty() || name.starts_with('-') || !name.chars().all(plain) {
                let attr = if name == self.name { "name" } else { "host_aliases" };
                faults.push(Fault::new(
                    attr,
                    format!("`{}` is no name of a host", name.escape_default()),
                    "",
                ));
            }
        }
        if self.comment.as_ref().is_some_and(|comment| comment.contains('#')) {
            faults.push(Fault::new("comment", "a comment begins with `#` and holds no other", ""));
        }
        faults
    }
}

impl Host {
    /// The name and then the other names.
    pub fn names_in_order(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.name.as_str()).chain(self.host_aliases.iter().map(String::as_str))
    }
}

fn hosts() -> String {
    HOSTS.into()
}

fn is_hosts(path: &str) -> bool {
    path == HOSTS
}
