//! The SELinux context of a file, as far as a catalog states it.

use serde::{Deserialize, Serialize};

/// The parts of a context `user:role:type:range` that are managed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// For example `system_u`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seluser: Option<String>,
    /// For example `object_r`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selrole: Option<String>,
    /// For example `httpd_sys_content_t`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seltype: Option<String>,
    /// For example `s0:c1,c2`; policies without levels have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selrange: Option<String>,
}

/// One part of a context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContextPart {
    /// The user.
    User,
    /// The role.
    Role,
    /// The type.
    Type,
    /// The range of levels: all that follows.
    Range,
}

impl ContextPart {
    /// All of them, in the order in which they stand in a context.
    pub const ALL: [Self; 4] = [Self::User, Self::Role, Self::Type, Self::Range];

    /// The attribute that states it.
    #[must_use]
    pub const fn attr(self) -> &'static str {
        match self {
            Self::User => "seluser",
            Self::Role => "selrole",
            Self::Type => "seltype",
            Self::Range => "selrange",
        }
    }

    /// Whether a text can be this part.
    #[must_use]
    pub fn is(self, text: &str) -> bool {
        let more = if self == Self::Range { "_.-:," } else { "_.-" };
        (1..=255).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    }

    /// This part of a whole context; nothing where it has none.
    #[must_use]
    pub fn of(self, context: &str) -> &str {
        context.splitn(4, ':').nth(self as usize).unwrap_or_default()
    }

    /// The context with another value for this part.
    #[must_use]
    pub fn set(self, context: &str, value: &str) -> String {
        let mut parts: Vec<&str> = context.splitn(4, ':').collect();
        parts.resize(parts.len().max(self as usize + 1), "");
        parts[self as usize] = value;
        parts.join(":")
    }
}

impl Context {
    /// The parts that are managed.
    pub fn parts(&self) -> impl Iterator<Item = (ContextPart, &str)> {
        let values = [&self.seluser, &self.selrole, &self.seltype, &self.selrange];
        ContextPart::ALL.into_iter().zip(values).filter_map(|(part, value)| Some((part, value.as_deref()?)))
    }

    /// A whole context with these parts.
    #[must_use]
    pub fn over(&self, context: &str) -> String {
        self.parts().fold(context.to_owned(), |context, (part, value)| part.set(&context, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_stand_where_they_stand() {
        let context = "system_u:object_r:etc_t:s0-s0:c0.c1023";
        let parts = ContextPart::ALL.map(|part| part.of(context));
        assert_eq!(parts, ["system_u", "object_r", "etc_t", "s0-s0:c0.c1023"]);
        let mine =
            Context { seltype: Some("a_t".into()), selrange: Some("s0:c1,c2".into()), ..Context::default() };
        assert_eq!(mine.over(context), "system_u:object_r:a_t:s0:c1,c2");
        // A policy without levels.
        assert_eq!(ContextPart::Range.of("u:r:t"), "");
        assert_eq!(ContextPart::Range.set("u:r:t", "s0"), "u:r:t:s0");
    }

    #[test]
    fn a_part_is_one_word() {
        assert!(ContextPart::Type.is("httpd_sys_content_t") && ContextPart::Range.is("s0-s0:c0.c1023,c5"));
        for bad in ["", "a:b", "a b", "a\n", "a/b", "é"] {
            assert!(!ContextPart::Type.is(bad), "{bad:?}");
        }
    }
}
