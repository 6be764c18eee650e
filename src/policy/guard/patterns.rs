//! Patterns of the tables, prepared so that what does not match costs next to nothing: a table has hundreds of
//! them, and one path or one text has to do with few.

use crate::shell::run::{is_pattern, matches};
use foldhash::fast::RandomState;
use serde::{Deserialize, Deserializer};
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::OnceLock;

/// A regular expression of a table, compiled when something is first held against it.
#[derive(Debug, Clone)]
pub(super) struct Expression {
    text: String,
    compiled: OnceLock<regex::Regex>,
}

impl<'de> Deserialize<'de> for Expression {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self { text: String::deserialize(from)?, compiled: OnceLock::new() })
    }
}

impl Deref for Expression {
    type Target = regex::Regex;

    fn deref(&self) -> &regex::Regex {
        self.compiled.get_or_init(|| {
            #[expect(
                clippy::expect_used,
                reason = "embedded; a test compiles every expression of the tables"
            )]
            regex::Regex::new(&self.text).expect("the expression compiles")
        })
    }
}

/// A shell pattern.
#[derive(Debug, Clone)]
pub(super) enum Glob {
    /// This text.
    Exact(String),
    /// What starts so.
    Start(String),
    /// What ends so.
    End(String),
    /// What has this somewhere.
    Within(String),
    /// Anything else.
    Any(String),
}

impl From<String> for Glob {
    fn from(pattern: String) -> Self {
        if !is_pattern(&pattern) {
            return Self::Exact(pattern);
        }
        match (pattern.strip_suffix('*'), pattern.strip_prefix('*')) {
            (Some(start), _) if !is_pattern(start) => Self::Start(start.to_owned()),
            (_, Some(end)) if !is_pattern(end) => Self::End(end.to_owned()),
            (Some(_), Some(end)) if end.ends_with('*') && !is_pattern(&end[..end.len() - 1]) => {
                Self::Within(end[..end.len() - 1].to_owned())
            }
            _ => Self::Any(pattern),
        }
    }
}

impl<'de> Deserialize<'de> for Glob {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(Self::from)
    }
}

impl Glob {
    /// Whether all of `text` matches.
    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == text,
            Self::Start(start) => text.starts_with(start.as_str()),
            Self::End(end) => text.ends_with(end.as_str()),
            Self::Within(middle) => text.contains(middle.as_str()),
            Self::Any(pattern) => matches(pattern, text),
        }
    }
}

/// A row of a table that belongs to paths.
pub(super) trait OfPaths {
    /// Patterns of the paths.
    fn paths(&self) -> &[String];
}

impl OfPaths for String {
    fn paths(&self) -> &[String] {
        std::slice::from_ref(self)
    }
}

/// Rows of a table by the paths that they belong to.
#[derive(Debug, Clone)]
pub(super) struct ByPath<T> {
    rows: Vec<T>,
    patterns: Node,
}

/// Patterns that go on behind the same directories.
#[derive(Debug, Clone, Default)]
struct Node {
    /// Those in which a pattern comes next, or nothing, each with the position of its row.
    here: Vec<(Glob, usize)>,
    /// Those in which this name comes next.
    named: HashMap<String, Self, RandomState>,
}

impl<T: OfPaths> From<Vec<T>> for ByPath<T> {
    fn from(rows: Vec<T>) -> Self {
        let mut patterns = Node::default();
        for (at, row) in rows.iter().enumerate() {
            for pattern in row.paths() {
                let mut node = &mut patterns;
                for name in pattern.split('/').take_while(|name| !is_pattern(name)) {
                    node = node.named.entry(name.to_owned()).or_default();
                }
                node.here.push((Glob::from(pattern.clone()), at));
            }
        }
        Self { rows, patterns }
    }
}

impl<'de, T: OfPaths + Deserialize<'de>> Deserialize<'de> for ByPath<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Vec::deserialize(from).map(Self::from)
    }
}

impl<T> ByPath<T> {
    /// The rows that `path` belongs to, in the order of the table.
    pub(super) fn of(&self, path: &str) -> impl Iterator<Item = &T> {
        let mut found = Vec::new();
        let mut node = Some(&self.patterns);
        let mut names = path.split('/');
        while let Some(here) = node {
            found.extend(here.here.iter().filter(|(glob, _)| glob.matches(path)).map(|(_, at)| *at));
            node = names.next().and_then(|name| here.named.get(name));
        }
        found.sort_unstable();
        found.dedup();
        found.into_iter().filter_map(|at| self.rows.get(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::guard::embedded;

    #[test]
    fn a_prepared_pattern_matches_what_the_pattern_matches() {
        let texts = ["", "a", "/etc/x", "/etc/x.conf", "x.conf", "/etc/", "*", "/etc/*"];
        for pattern in ["", "*", "/etc/*", "*.conf", "/etc/x", "/e*/x", "/etc/?", "*etc*", "\\*", "/etc/\\*"]
        {
            for text in texts {
                let glob = Glob::from(pattern.to_owned());
                assert_eq!(glob.matches(text), matches(pattern, text), "{pattern} {text}");
            }
        }
    }

    #[test]
    fn rows_are_found_by_path_in_the_order_of_the_table() {
        let patterns = ["*/x", "/etc/*", "/etc/x", "/usr/*", "/etc/x/*", "*", "/*/x", "/etc"];
        let table = ByPath::from(patterns.map(str::to_owned).to_vec());
        for path in ["/etc/x", "/etc", "/usr/lib/x", "/etc/x/y", "etc/x", "", "//etc/x"] {
            let found: Vec<&String> = table.of(path).collect();
            let expected: Vec<&&str> = patterns.iter().filter(|p| matches(p, path)).collect();
            assert_eq!(found, expected, "{path}");
        }
    }

    #[test]
    fn every_expression_of_the_tables_compiles() {
        let mut compiled = 0;
        for (file, table) in [(embedded::CONTENT, "line"), (embedded::STATEMENTS, "statement")] {
            let file: toml::Table = toml::from_str(file).unwrap();
            for row in file[table].as_array().unwrap() {
                for key in ["pattern", "except", "unless"] {
                    let Some(text) = row.get(key) else { continue };
                    let text = text.as_str().unwrap();
                    assert!(regex::Regex::new(text).is_ok(), "{text}");
                    compiled += 1;
                }
            }
        }
        assert!(compiled > 200, "{compiled}");
    }
}
