//! Names that are checked once, where they enter, and trusted afterwards.
//!
//! Every name is plain ASCII from a small alphabet, so that no two names look alike and none can
//! leave its place in a path, a ref name or a log line.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A name that does not have the form its kind demands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a {kind}: {form}", .given.escape_default())]
pub struct NameError {
    /// What the name should have been, for example "node name".
    pub kind: &'static str,
    /// The form that it must have, in words.
    pub form: &'static str,
    /// The text that was given.
    pub given: String,
}

macro_rules! name {
    ($(#[$doc:meta])* $ty:ident, $kind:literal, $form:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $ty(String);

        impl $ty {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $ty {
            type Error = NameError;

            fn try_from(given: String) -> Result<Self, NameError> {
                let check: fn(&str) -> bool = $check;
                if check(&given) { Ok(Self(given)) } else { Err(NameError { kind: $kind, form: $form, given }) }
            }
        }

        impl std::str::FromStr for $ty {
            type Err = NameError;

            fn from_str(given: &str) -> Result<Self, NameError> {
                given.to_owned().try_into()
            }
        }

        impl From<$ty> for String {
            fn from(name: $ty) -> Self {
                name.0
            }
        }

        impl AsRef<str> for $ty {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $ty {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $ty {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// The certname of one node, for example `web1.example`.
    NodeName,
    "node name",
    "1 to 253 of a-z, 0-9, `.` and `-`, starting and ending with a letter or digit, without `..`",
    |s| s.len() <= 253
        && !s.contains("..")
        && s.starts_with(alphanumeric)
        && s.ends_with(alphanumeric)
        && s.chars().all(|c| alphanumeric(c) || matches!(c, '.' | '-'))
);

name!(
    /// An environment: a protected branch of the site repository.
    EnvName,
    "environment name",
    "1 to 64 of a-z, 0-9, `_` and `-`, starting with a letter, and not `change`",
    |s| identifier(s, 64) && s != "change"
);

name!(
    /// A module of the site.
    ModuleName,
    "module name",
    "1 to 64 of a-z, 0-9, `_` and `-`, starting with a letter",
    |s| identifier(s, 64)
);

name!(
    /// A person or machine with keys, as the trust root names it.
    Principal,
    "principal name",
    "1 to 64 of a-z, 0-9, `.`, `_` and `-`, starting with a letter or digit",
    |s| s.len() <= 64
        && s.starts_with(alphanumeric)
        && s.chars().all(|c| alphanumeric(c) || matches!(c, '.' | '_' | '-'))
);

impl Principal {
    /// Their names, for people: `alice, bob`.
    pub fn list<'a>(people: impl IntoIterator<Item = &'a Self>) -> String {
        let names: Vec<&str> = people.into_iter().map(Self::as_str).collect();
        names.join(", ")
    }
}

name!(
    /// A role of the trust root, for example `release`.
    RoleName,
    "role name",
    "1 to 64 of a-z, 0-9, `_` and `-`, starting with a letter",
    |s| identifier(s, 64)
);

name!(
    /// A secret of the site, for example `db/password`.
    SecretName,
    "secret name",
    "1 to 128 of a-z, 0-9, `.`, `_` and `-`, in parts joined by `/` that start with a letter or digit",
    |s| s.len() <= 128
        && s.split('/').all(|part| {
            part.starts_with(alphanumeric)
                && part.chars().all(|c| alphanumeric(c) || matches!(c, '.' | '_' | '-'))
        })
);

fn alphanumeric(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

fn identifier(s: &str, max: usize) -> bool {
    s.len() <= max
        && s.starts_with(|c: char| c.is_ascii_lowercase())
        && s.chars().all(|c| alphanumeric(c) || matches!(c, '_' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_names_cannot_leave_their_place() {
        for good in ["a", "web1.example", "10-0-0-1.lan"] {
            assert!(good.parse::<NodeName>().is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "a..b", "-a", "a.", "A", "a/b", "a b", "a\n", "ä", &"a".repeat(254)] {
            assert!(bad.parse::<NodeName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn change_is_no_environment() {
        assert!("change".parse::<EnvName>().is_err());
        assert!("production".parse::<EnvName>().is_ok());
    }
}
