//! `group`: a group of accounts.

use super::{Attr, Deed, Nature, Shape, is_false};
use serde::{Deserialize, Serialize};

/// The attributes of `group` in a module.
const ATTRS: &[Attr] = &[
    Attr::new("name", Shape::Text, "The group's name; the title by default."),
    Attr::new("ensure", Shape::OneOf(&["present", "absent"]), "Whether it must be there.")
        .default("\"present\""),
    Attr::new("gid", Shape::Integer(0, 4_294_967_294), "Number of the group."),
    Attr::new("system", Shape::Bool, "Take a number from the system range.").default("false"),
    Attr::new("members", Shape::Texts, "Users who belong to it."),
    Attr::new("auth_membership", Shape::Bool, "Remove members that are not listed.").default("false"),
    Attr::new("allowdupe", Shape::Bool, "Allow a number that another group has.").default("false"),
];

/// The wanted state of a group.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The group's name.
    pub name: String,
    /// Whether it must not exist.
    #[serde(default, skip_serializing_if = "is_false")]
    pub absent: bool,
    /// Number of the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gid: Option<u32>,
    /// Take a number from the system range.
    #[serde(default, skip_serializing_if = "is_false")]
    pub system: bool,
    /// Users who belong to it; `None` leaves them alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<Vec<String>>,
    /// Remove members that are not listed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub auth_membership: bool,
    /// Allow a number that another group has.
    #[serde(default, skip_serializing_if = "is_false")]
    pub allowdupe: bool,
}

impl Group {
    /// The group, nothing about it managed.
    #[must_use]
    pub const fn of(name: String) -> Self {
        Self {
            name,
            absent: false,
            gid: None,
            system: false,
            members: None,
            auth_membership: false,
            allowdupe: false,
        }
    }
}

impl Nature for Group {
    const NAME: &'static str = "group";
    const DOC: &'static str = "a group of accounts";
    const ATTRS: &'static [Attr] = ATTRS;
    const TITLE: Option<&'static str> = Some("name");
    const TOLD: &'static [&'static str] = &["ensure", "gid"];
    const EXAMPLE: (&'static str, &'static str) = ("deploy", "gid = 2000\n");

    fn thing(&self) -> Option<(&'static str, String)> {
        Some(("group", self.name.clone()))
    }

    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn deeds(&self) -> Vec<Deed<'_>> {
        let members = self.members.iter().flatten();
        members.map(|member| Deed::like("members", &["gpasswd", "-a", member, &self.name])).collect()
    }
}
