//! Two small pattern languages of the trust root: for paths and for names.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A pattern for paths: `*` and `?` stay inside a part, a part `**` is any number of parts, none included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PathGlob(String);

/// A pattern for names: `*` is any text, dots included, `?` is one character.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NameGlob(String);

/// Text that is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no pattern: 1 to 255 printable ASCII characters; `**` only as a whole part of a path", .0.escape_default())]
pub struct GlobError(String);

impl PathGlob {
    /// Whether the pattern covers `path`.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        let pattern: Vec<&[u8]> = self.0.split('/').map(str::as_bytes).collect();
        let parts: Vec<&[u8]> = path.split('/').map(str::as_bytes).collect();
        parts_match(&pattern, &parts)
    }

    /// Whether the pattern, taken as one for names, covers `name`: `*` is any text.
    #[must_use]
    pub fn matches_name(&self, name: &str) -> bool {
        wild(self.0.as_bytes(), name.as_bytes())
    }

    /// Whether the pattern covers something at or below the folder `path`.
    #[must_use]
    pub fn reaches_below(&self, path: &str) -> bool {
        let pattern: Vec<&[u8]> = self.0.split('/').map(str::as_bytes).collect();
        let parts: Vec<&[u8]> = path.trim_end_matches('/').split('/').map(str::as_bytes).collect();
        below(&pattern, &parts)
    }
}

impl NameGlob {
    /// Whether the pattern covers `name`.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        wild(self.0.as_bytes(), name.as_bytes())
    }
}

fn parts_match(pattern: &[&[u8]], parts: &[&[u8]]) -> bool {
    match (pattern.split_first(), parts.split_first()) {
        (None, None) => true,
        (Some((&b"**", rest)), None) => parts_match(rest, parts),
        (Some((&b"**", rest)), Some((_, later))) => parts_match(rest, parts) || parts_match(pattern, later),
        (Some((first, rest)), Some((part, later))) => wild(first, part) && parts_match(rest, later),
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn below(pattern: &[&[u8]], parts: &[&[u8]]) -> bool {
    match (pattern.split_first(), parts.split_first()) {
        (Some((&b"**", _)), _) | (Some(_), None) | (None, None) => true,
        (Some((first, rest)), Some((part, later))) => wild(first, part) && below(rest, later),
        (None, Some(_)) => false,
    }
}

/// `*` and `?` by going back to the last `*` on a mismatch: linear but for one factor.
fn wild(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == b'?' || c == text[t] => (p, t) = (p + 1, t + 1),
            Some(_) | None => {
                let Some((at, from)) = star else { return false };
                star = Some((at, from + 1));
                (p, t) = (at + 1, from + 1);
            }
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

fn printable(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic() || c == ' ')
}

macro_rules! text_form {
    ($ty:ident, $check:expr) => {
        impl TryFrom<String> for $ty {
            type Error = GlobError;

            fn try_from(text: String) -> Result<Self, GlobError> {
                let check: fn(&str) -> bool = $check;
                if printable(&text) && check(&text) { Ok(Self(text)) } else { Err(GlobError(text)) }
            }
        }

        impl std::str::FromStr for $ty {
            type Err = GlobError;

            fn from_str(text: &str) -> Result<Self, GlobError> {
                text.to_owned().try_into()
            }
        }

        impl From<$ty> for String {
            fn from(glob: $ty) -> Self {
                glob.0
            }
        }

        impl fmt::Display for $ty {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_form!(PathGlob, |text| {
    let stars = text.split('/').filter(|part| *part == "**").count();
    stars <= 4 && text.split('/').all(|part| part == "**" || !part.contains("**"))
});
text_form!(NameGlob, |text| !text.contains("**"));

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, path: &str, expected: bool) {
        let glob: PathGlob = pattern.parse().unwrap();
        assert_eq!(glob.matches(path), expected, "{pattern} on {path}");
    }

    #[test]
    fn a_star_stays_in_its_part() {
        check("**", "a", true);
        check("**", "a/b/c", true);
        check("modules/firewall/**", "modules/firewall/module.toml", true);
        check("modules/firewall/**", "modules/firewall/files/a/b", true);
        check("modules/firewall/**", "modules/firewall", true);
        check("modules/firewall/**", "modules/firewalls/x", false);
        check("modules/*/module.toml", "modules/x/module.toml", true);
        check("modules/*/module.toml", "modules/x/y/module.toml", false);
        check("**/*.j2", "modules/x/templates/a.j2", true);
        check("a/**/z", "a/z", true);
        check("a/?", "a/bc", false);
        check("/etc/ssh/**", "/etc/ssh/sshd_config", true);
        check("a", "A", false);
    }

    #[test]
    fn d35_what_is_above_a_guarded_place_reaches_it() {
        let glob: PathGlob = "/etc/ssh/**".parse().unwrap();
        for (path, expected) in
            [("/", true), ("/etc", true), ("/etc/ssh/x", true), ("/var", false), ("/et", false)]
        {
            assert_eq!(glob.reaches_below(path), expected, "{path}");
        }
    }

    #[test]
    fn a_star_in_a_name_crosses_dots() {
        let glob: NameGlob = "*.web".parse().unwrap();
        assert!(glob.matches("a.b.web") && !glob.matches("web") && !glob.matches("a.web.x"));
        let glob: NameGlob = "w*b?".parse().unwrap();
        assert!(glob.matches("wbbb1") && !glob.matches("wb"));
    }

    #[test]
    fn no_pattern_takes_exponential_time() {
        let glob: NameGlob = "*a".repeat(60).parse().unwrap();
        assert!(!glob.matches(&"a".repeat(59)));
        assert!(!glob.matches(&("a".repeat(200) + "b")));
        for bad in ["", "a**", "ü", "\n"] {
            assert!(bad.parse::<PathGlob>().is_err() && bad.parse::<NameGlob>().is_err(), "{bad}");
        }
    }
}
