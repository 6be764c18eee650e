//! `purge`: what is of a kind on a node, and that no resource of its catalog names.

use super::{Attr, Deed, Fault, Nature, Shape};
use serde::{Deserialize, Serialize};

/// What can be purged.
const KINDS: &[&str] = &["host", "cron", "user", "apt_repository", "systemd_unit"];
/// The numbers of accounts that belong to the system end here.
const PEOPLE: i64 = 1000;

/// The attributes of `purge` in a module.
const ATTRS: &[Attr] = &[
    Attr::new("type", Shape::OneOf(KINDS), "Of which type everything else goes; the title by default."),
    Attr::new("keep", Shape::Texts, "Names that stay all the same."),
    Attr::new("user", Shape::Text, "Whose crontab, with `cron`; that of root when unset."),
    Attr::new(
        "unless_uid",
        Shape::Integers(0, 4_294_967_294),
        "Accounts of these numbers stay, with `user`.",
    ),
    Attr::new("max", Shape::Integer(1, 1000), "Fail, and remove nothing, when more than this would go.")
        .default("10"),
];

/// What goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Purge {
    /// The type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Names that stay.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keep: Vec<String>,
    /// Whose crontab.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Accounts that stay.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unless_uid: Vec<i64>,
    /// Fail when more would go.
    #[serde(default = "ten", skip_serializing_if = "is_ten")]
    pub max: u32,
}

impl Purge {
    /// Whose crontab.
    #[must_use]
    pub fn crontab(&self) -> &str {
        self.user.as_deref().unwrap_or("root")
    }

    /// Whether an account stays, whatever the catalog names: those of the system, and those that are to be kept.
    #[must_use]
    pub fn spares(&self, uid: u32) -> bool {
        let uid = i64::from(uid);
        !(PEOPLE..65_534).contains(&uid) || self.unless_uid.contains(&uid)
    }
}

impl Nature for Purge {
    const NAME: &'static str = "purge";
    const DOC: &'static str = "what is of a type on the node and no resource of its catalog names";
    const ATTRS: &'static [Attr] = ATTRS;
    const TITLE: Option<&'static str> = Some("type");
    const EXAMPLE: (&'static str, &'static str) = ("host", "keep = ['localhost', 'ip6-localhost']\n");

    fn thing(&self) -> Option<(&'static str, String)> {
        let whose = if self.kind == "cron" { format!(" of {}", self.crontab()) } else { String::new() };
        Some(("kind of thing to purge", format!("{}{whose}", self.kind)))
    }

    fn names(&self) -> Vec<String> {
        vec![self.kind.clone(), self.crontab().to_owned()]
    }

    fn paths(&self) -> Vec<String> {
        match self.kind.as_str() {
            "host" => vec!["/etc/hosts".into()],
            _ => Vec::new(),
        }
    }

    fn sweeps(&self) -> Option<&str> {
        match self.kind.as_str() {
            "apt_repository" => Some("/etc/apt/sources.list.d"),
            "systemd_unit" => Some("/etc/systemd/system"),
            "cron" => Some("/var/spool/cron"),
            _ => None,
        }
    }

    fn deeds(&self) -> Vec<Deed<'_>> {
        Vec::new()
    }

    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if !KINDS.contains(&self.kind.as_str()) {
            let message = format!("`{}` is not purged", self.kind.escape_default());
            faults.push(Fault::new("type", message, KINDS.join(", ")));
        }
        if self.user.is_some() && self.kind != "cron" {
            faults.push(Fault::new("user", "only crontabs have a user", "remove `user`"));
        }
        if !self.unless_uid.is_empty() && self.kind != "user" {
            faults.push(Fault::new("unless_uid", "only accounts have numbers", "remove `unless_uid`"));
        }
        faults
    }
}

const fn ten() -> u32 {
    10
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
const fn is_ten(value: &u32) -> bool {
    *value == 10
}
