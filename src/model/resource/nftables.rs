//! `nftables`: the whole packet filter of a node, loaded in one step.

use super::nft_text::Entrance;
use super::{Attr, Content, Deed, Fault, Nature, Need, Shape};
use serde::{Deserialize, Serialize};

/// The attributes of `nftables` in a module.
const ATTRS: &[Attr] = &[
    Attr::new("path", Shape::Path, "The file, which is loaded at boot too; the title by default."),
    Attr::new("source", Shape::Source, "The ruleset, a file of the module. It begins with `flush ruleset`.")
        .required(),
    Attr::new(
        "ssh_ports",
        Shape::Integers(1, 65535),
        "The ports of the administrators, which must be accepted before anything may be dropped.",
    )
    .default("[22]"),
    Attr::new(
        "ssh_from",
        Shape::Texts,
        "Addresses that administrators come from, as the ruleset has them. From anywhere when unset.",
    ),
];

/// The wanted packet filter.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nftables {
    /// The file.
    pub path: String,
    /// The ruleset.
    pub source: Content,
    /// The ports of the administrators.
    #[serde(default = "ssh", skip_serializing_if = "is_ssh")]
    pub ssh_ports: Vec<i64>,
    /// Where they come from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ssh_from: Vec<String>,
}

impl Nftables {
    /// Who must always get in.
    #[must_use]
    pub fn entrance(&self) -> Entrance<'_> {
        Entrance { ports: &self.ssh_ports, from: &self.ssh_from }
    }
}

impl Nature for Nftables {
    const NAME: &'static str = "nftables";
    const DOC: &'static str = "the whole packet filter of the node, loaded in one step";
    const ATTRS: &'static [Attr] = ATTRS;
    const TITLE: Option<&'static str> = Some("path");
    const EXAMPLE: (&'static str, &'static str) =
        ("/etc/nftables.conf", "source = 'rules.nft'\nssh_ports = [22]\n");
    const ANSWERS: bool = true;

    fn thing(&self) -> Option<(&'static str, String)> {
        Some(("setting", "packet filter".into()))
    }

    fn names(&self) -> Vec<String> {
        vec![self.path.clone()]
    }

    fn paths(&self) -> Vec<String> {
        vec![self.path.clone()]
    }

    fn needs(&self) -> Vec<Need<'_>> {
        vec![Need::Path(&self.path), Need::Within(&self.path)]
    }

    fn provides(&self) -> Option<&str> {
        Some(&self.path)
    }

    fn deeds(&self) -> Vec<Deed<'_>> {
        let content = std::borrow::Cow::Borrowed(&self.source);
        // Whatever its file is called, it is judged as the one that is known for it.
        let path = std::borrow::Cow::Borrowed("/etc/nftables.conf");
        vec![Deed::Hold { attr: "source", path, content, executable: false }]
    }

    fn contents(&self) -> Vec<&Content> {
        vec![&self.source]
    }

    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.ssh_ports.is_empty() {
            let message = "nobody could get in: name at least one port";
            faults.push(Fault::new("ssh_ports", message, "[22]"));
        }
        let odd = |address: &&String| {
            address.is_empty() || !address.chars().all(|c| c.is_ascii_hexdigit() || ".:/".contains(c))
        };
        if let Some(address) = self.ssh_from.iter().find(odd) {
            let message = format!("`{}` is no address", address.escape_default());
            faults.push(Fault::new("ssh_from", message, "for example `10.0.0.0/8`"));
        }
        faults
    }
}

fn ssh() -> Vec<i64> {
    vec![22]
}

fn is_ssh(ports: &[i64]) -> bool {
    ports == [22]
}
