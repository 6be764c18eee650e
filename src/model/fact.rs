//! Facts: what a node says of itself, and where a catalog may use it.

use super::finding::did_you_mean;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// The path of a fact, for example `os.family`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FactPath(String);

/// Text that names no fact.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no fact path: words of a-z, 0-9 and `_`, joined by dots", .0.escape_default())]
pub struct FactPathError(String);

impl FactPath {
    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for FactPath {
    type Error = FactPathError;

    fn try_from(text: String) -> Result<Self, FactPathError> {
        let word = |w: &str| {
            w.starts_with(|c: char| c.is_ascii_lowercase())
                && w.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        };
        if text.len() <= 128 && text.split('.').all(word) { Ok(Self(text)) } else { Err(FactPathError(text)) }
    }
}

impl std::str::FromStr for FactPath {
    type Err = FactPathError;

    fn from_str(text: &str) -> Result<Self, FactPathError> {
        text.to_owned().try_into()
    }
}

impl From<FactPath> for String {
    fn from(path: FactPath) -> Self {
        path.0
    }
}

impl fmt::Display for FactPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a fact's value must look like before anything is done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FactShape {
    /// 1 to 255 of `A-Z a-z 0-9 . _ - + : ~ /`, not starting with `-`: safe as one argument and in text.
    Word,
    /// A whole number of at most 15 digits.
    Integer,
    /// `true` or `false`.
    Bool,
}

/// The facts that every agent gathers and that a catalog may use, with their shapes and meanings.
pub const KNOWN: &[(&str, FactShape, &str)] = &[
    (
        "os.family",
        FactShape::Word,
        "`debian`, `redhat`, `suse`, `alpine`, `arch` or the ID in /etc/os-release",
    ),
    ("os.name", FactShape::Word, "ID in /etc/os-release, for example `debian`"),
    ("os.release", FactShape::Word, "VERSION_ID in /etc/os-release, for example `12`"),
    ("os.codename", FactShape::Word, "VERSION_CODENAME in /etc/os-release, for example `bookworm`"),
    ("kernel.name", FactShape::Word, "`Linux`"),
    ("kernel.release", FactShape::Word, "for example `6.1.0-18-amd64`"),
    ("architecture", FactShape::Word, "machine name of uname(2), for example `x86_64`"),
    ("hostname", FactShape::Word, "the host name up to its first dot"),
    ("fqdn", FactShape::Word, "the whole host name"),
    ("processors", FactShape::Integer, "number of processors that the agent may run on"),
    ("memory_mib", FactShape::Integer, "main memory in MiB"),
    ("init", FactShape::Word, "`systemd` or `sysv`"),
    ("virtual", FactShape::Bool, "whether the processor says that it is virtual"),
];

/// The shape of a known fact, or the nearest known path.
///
/// # Errors
/// The nearest known path, if one is near, when `path` is not known.
pub fn known(path: &str) -> Result<FactShape, Option<&'static str>> {
    match KNOWN.iter().find(|(name, ..)| *name == path) {
        Some((_, shape, _)) => Ok(*shape),
        None => Err(did_you_mean(path, KNOWN.iter().map(|(name, ..)| *name))),
    }
}

/// Why a fact cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FactError {
    /// The node did not gather it.
    #[error("this node has no fact `{0}`")]
    Missing(FactPath),
    /// Its value is not what its shape demands (D6).
    #[error("the value of fact `{path}` is not a {shape:?}")]
    Shape {
        /// The fact.
        path: FactPath,
        /// What it should look like.
        shape: FactShape,
    },
}

/// What a node says of itself: a tree of values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Facts(serde_json::Map<String, Value>);

impl Facts {
    /// Sets the value at `path`, making the tables on the way.
    pub fn set(&mut self, path: &FactPath, value: Value) {
        let mut words: Vec<&str> = path.as_str().split('.').collect();
        let Some(last) = words.pop() else { return };
        let mut table = &mut self.0;
        for word in words {
            let next = table.entry(word).or_insert_with(|| Value::Object(serde_json::Map::new()));
            if !next.is_object() {
                *next = Value::Object(serde_json::Map::new());
            }
            let Value::Object(inner) = next else { return };
            table = inner;
        }
        table.insert(last.to_owned(), value);
    }

    /// The raw value at `path`, unchecked.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Value> {
        let mut words = path.split('.');
        let first = self.0.get(words.next()?)?;
        words.try_fold(first, |value, word| value.get(word))
    }

    /// The value at `path` as text, checked against the shape of that fact (D6).
    ///
    /// # Errors
    /// When it is missing or has another shape.
    pub fn text(&self, path: &FactPath) -> Result<String, FactError> {
        let value = self.get(path.as_str()).ok_or_else(|| FactError::Missing(path.clone()))?;
        let shape = known(path.as_str()).unwrap_or(FactShape::Word);
        let text = match (shape, value) {
            (FactShape::Word, Value::String(s)) if is_word(s) => Some(s.clone()),
            (FactShape::Integer, Value::Number(n)) if n.is_u64() && n.to_string().len() <= 15 => {
                Some(n.to_string())
            }
            (FactShape::Bool, Value::Bool(b)) => Some(b.to_string()),
            (FactShape::Word | FactShape::Integer | FactShape::Bool, _) => None,
        };
        text.ok_or_else(|| FactError::Shape { path: path.clone(), shape })
    }

    /// All facts as one JSON object.
    #[must_use]
    pub const fn as_object(&self) -> &serde_json::Map<String, Value> {
        &self.0
    }
}

fn is_word(s: &str) -> bool {
    (1..=255).contains(&s.len())
        && !s.starts_with('-')
        && s.chars().all(|c| c.is_ascii_alphanumeric() || ".:_-+~/".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn facts(path: &str, value: Value) -> (FactPath, Facts) {
        let mut facts = Facts::default();
        let path = path.parse::<FactPath>().unwrap_or_else(|e| unreachable!("{e}"));
        facts.set(&path, value);
        (path, facts)
    }

    #[test]
    fn d6_a_value_of_another_shape_is_refused() {
        for (path, value) in [
            ("os.family", json!("x; rm -rf /")),
            ("os.family", json!("-rf")),
            ("os.family", json!("")),
            ("os.family", json!(["debian"])),
            ("processors", json!("2")),
            ("processors", json!(1.5)),
            ("virtual", json!("yes")),
        ] {
            let (path, facts) = facts(path, value);
            assert!(matches!(facts.text(&path), Err(FactError::Shape { .. })), "{path}");
        }
        let (path, facts) = facts("os.family", json!("debian"));
        assert_eq!(facts.text(&path), Ok("debian".to_owned()));
    }

    #[test]
    fn a_near_name_is_suggested() {
        assert_eq!(known("os.famly"), Err(Some("os.family")));
        assert_eq!(known("zzzzzzzz"), Err(None));
    }
}
