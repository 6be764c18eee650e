//! `user`: a user account.

use super::{Attr, Content, Deed, Fault, Live, Nature, Need, Part, Shape, is_false};
use crate::model::Stamp;
use serde::{Deserialize, Serialize};

/// The attributes of `user` in a module.
const ATTRS: &[Attr] = &[
    Attr::new("name", Shape::Text, "The account's name; the title by default."),
    Attr::new("ensure", Shape::OneOf(&["present", "absent"]), "Whether it must be there.")
        .default("\"present\""),
    Attr::new("uid", Shape::Integer(0, 4_294_967_294), "Number of the account."),
    Attr::new("gid", Shape::Text, "Primary group, by name or number."),
    Attr::new("groups", Shape::Texts, "Further groups."),
    Attr::new(
        "membership",
        Shape::OneOf(&["minimum", "inclusive"]),
        "`inclusive` leaves all groups not listed.",
    )
    .default("\"minimum\""),
    Attr::new("comment", Shape::Text, "Full name or other comment."),
    Attr::new("home", Shape::Path, "Home directory."),
    Attr::new("shell", Shape::Path, "Login shell."),
    Attr::new("managehome", Shape::Bool, "Make the home directory with the account, and remove it with it.")
        .default("false"),
    Attr::new("system", Shape::Bool, "Take a number from the system range.").default("false"),
    Attr::new("allowdupe", Shape::Bool, "Allow a number that another account has.").default("false"),
    Attr::new(
        "expiry",
        Shape::Text,
        "The day from which nobody may log in, `YYYY-MM-DD`; `absent` for never.",
    ),
    Attr::new(
        "password",
        Shape::Text,
        "The hash of the password (crypt(5)); a secret belongs here. `!` locks it.",
    )
    .live(Live::Content),
    Attr::new(
        "password_max_age",
        Shape::Integer(-1, 99_999),
        "Days after which a password must be changed; -1 for never.",
    ),
    Attr::new(
        "password_min_age",
        Shape::Integer(-1, 99_999),
        "Days before which it cannot be changed again.",
    ),
    Attr::new(
        "password_warn_days",
        Shape::Integer(-1, 99_999),
        "Days before the end of which there is a warning.",
    ),
];

/// The wanted state of a user account.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The account's name.
    pub name: String,
    /// Whether it must not exist.
    #[serde(default, skip_serializing_if = "is_false")]
    pub absent: bool,
    /// Number of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// Primary group, by name or number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gid: Option<String>,
    /// Further groups; `None` leaves them alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
    /// What happens to groups that are not listed.
    #[serde(default, skip_serializing_if = "Membership::is_default")]
    pub membership: Membership,
    /// Full name or other comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Home directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<String>,
    /// Login shell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shell: Option<String>,
    /// Make the home directory with the account, and remove it with it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub managehome: bool,
    /// Take a number from the system range.
    #[serde(default, skip_serializing_if = "is_false")]
    pub system: bool,
    /// Allow a number that another account has.
    #[serde(default, skip_serializing_if = "is_false")]
    pub allowdupe: bool,
    /// `YYYY-MM-DD` or `absent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiry: Option<String>,
    /// The hash of the password, as [`is_hash`] says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Content>,
    /// Days after which a password must be changed; -1 for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_max_age: Option<i32>,
    /// Days before which a password cannot be changed again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_min_age: Option<i32>,
    /// Days before the end of a password from which there is a warning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_warn_days: Option<i32>,
}

impl User {
    /// The account, nothing about it managed.
    #[must_use]
    pub const fn of(name: String) -> Self {
        Self {
            name,
            absent: false,
            uid: None,
            gid: None,
            groups: None,
            membership: Membership::Minimum,
            comment: None,
            home: None,
            shell: None,
            managehome: false,
            system: false,
            allowdupe: false,
            expiry: None,
            password: None,
            password_max_age: None,
            password_min_age: None,
            password_warn_days: None,
        }
    }
}

impl Nature for User {
    const NAME: &'static str = "user";
    const DOC: &'static str = "a user account";
    const ATTRS: &'static [Attr] = ATTRS;
    const TITLE: Option<&'static str> = Some("name");
    const TOLD: &'static [&'static str] = &["ensure", "uid", "gid", "groups", "comment", "home", "shell"];
    const EXAMPLE: (&'static str, &'static str) = ("deploy", "shell = '/bin/sh'\n");

    fn thing(&self) -> Option<(&'static str, String)> {
        Some(("account", self.name.clone()))
    }

    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn needs(&self) -> Vec<Need<'_>> {
        self.groups.iter().flatten().chain(&self.gid).map(|group| Need::Group(group)).collect()
    }

    fn deeds(&self) -> Vec<Deed<'_>> {
        Vec::new()
    }

    fn contents(&self) -> Vec<&Content> {
        self.password.iter().collect()
    }

    fn faults(&self) -> Vec<Fault> {
        let day = |text: &str| text == "absent" || format!("{text}T00:00:00Z").parse::<Stamp>().is_ok();
        let mut faults = Vec::new();
        if !self.expiry.as_deref().is_none_or(day) {
            faults.push(Fault::new("expiry", "this is no day", "`YYYY-MM-DD`, or `absent`"));
        }
        let hash = "what `mkpasswd` prints, sealed with `countersign secret seal`";
        match &self.password {
            Some(Content::Text(text)) if !is_hash(&text.get()) => {
                faults.push(Fault::new("password", "this is no hash of a password", hash));
            }
            Some(Content::Parts(parts)) if parts.iter().any(|part| matches!(part, Part::Fact(_))) => {
                faults.push(Fault::new("password", "no fact of the node can be part of a password", hash));
            }
            _ => {}
        }
        faults
    }
}

/// Whether it may stand in the field of a password: a hash as crypt(5) has them, with `!` before it or alone where no
/// password is to be accepted, or `*`. Never nothing, which would be no password at all.
#[must_use]
pub fn is_hash(text: &str) -> bool {
    let hash = text.trim_start_matches('!');
    let locked = hash.len() < text.len() && hash.is_empty();
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, ':' | '!' | '*' | ';' | '\\');
    locked
        || hash == "*"
        || (hash.starts_with('$') && hash.len() > 12 && hash.len() < 512 && hash.chars().all(plain))
}

/// What happens to the groups of an account that a module does not list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Membership {
    /// They stay.
    #[default]
    Minimum,
    /// The account leaves them.
    Inclusive,
}

impl Membership {
    fn is_default(&self) -> bool {
        *self == Self::Minimum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hashes_and_locks_are_passwords() {
        for good in [
            "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7",
            "!",
            "!!",
            "*",
            "!*",
            "!$6$rounds=5000$usesomesillystri$D4IrlXatmP7rx3P3InaxBeoomnAihCKRVQAr/36eg9",
        ] {
            assert!(is_hash(good), "{good}");
        }
        for bad in
            ["", "secret", "$1$", "$6$salt$hash:0:0", "$6$salt$hash\n", "!secret", "x", "$6$salt$ha sh567"]
        {
            assert!(!is_hash(bad), "{bad}");
        }
    }

    #[test]
    fn a_password_in_the_clear_or_from_a_fact_is_refused() {
        let faults = |password| User { password: Some(password), ..User::of("ada".into()) }.faults();
        assert_eq!(faults(Content::Text("correct horse".into()))[0].attr, "password");
        let fact = Part::Fact("os.family".parse().unwrap());
        assert_eq!(faults(Content::Parts(vec![fact]))[0].attr, "password");
        assert!(faults(Content::Text("!".into())).is_empty());
    }
}
