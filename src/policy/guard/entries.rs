//! Paths of a table, found by where they start: a table has hundreds, and one path has to do with few.

use crate::shell::run::is_pattern;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A path of a table in its parts.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "String")]
pub(super) struct Segments(pub(super) Vec<String>);

impl From<String> for Segments {
    fn from(path: String) -> Self {
        Self(path.split('/').filter(|s| !s.is_empty()).map(str::to_owned).collect())
    }
}

/// Paths of tables as a tree of their parts, each with what it stands for.
#[derive(Debug, Clone)]
pub(super) struct Entries<T> {
    /// Paths that end here, or go on with a pattern.
    here: Vec<(Segments, T)>,
    /// Paths that go on with this name.
    named: BTreeMap<String, Self>,
}

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self { here: Vec::new(), named: BTreeMap::new() }
    }
}

impl<T> Entries<T> {
    /// Adds a path.
    pub(super) fn add(&mut self, path: Segments, stands_for: T) {
        let mut node = self;
        for name in path.0.iter().take_while(|name| !is_pattern(name)) {
            node = node.named.entry(name.clone()).or_default();
        }
        node.here.push((path, stands_for));
    }

    /// Shows `see` every entry that has to do with `path`: those above it, and those below it. What a
    /// pattern in either may match is shown; other names are not.
    pub(super) fn related(&self, path: &[&str], see: &mut dyn FnMut(&[String], &T)) {
        self.here.iter().for_each(|(entry, stands_for)| see(&entry.0, stands_for));
        match path.split_first() {
            Some((name, rest)) if !is_pattern(name) => {
                if let Some(next) = self.named.get(*name) {
                    next.related(rest, see);
                }
            }
            Some(_) | None => self.named.values().for_each(|next| next.related(&[], see)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: &[&str]) {
        let table = ["/", "/etc", "/etc/ssh", "/etc/*/x", "/usr/lib", "/*/bin"];
        let mut entries = Entries::default();
        for entry in table {
            entries.add(Segments::from(entry.to_owned()), ());
        }
        let mut shown = Vec::new();
        let path = Segments::from(path.to_owned());
        let parts: Vec<&str> = path.0.iter().map(String::as_str).collect();
        entries.related(&parts, &mut |entry, ()| shown.push(format!("/{}", entry.join("/"))));
        shown.sort();
        assert_eq!(shown, expected, "{}", path.0.join("/"));
    }

    #[test]
    fn only_what_has_to_do_with_a_path_is_shown() {
        check("/etc", &["/", "/*/bin", "/etc", "/etc/*/x", "/etc/ssh"]);
        check("/etc/ssh/y", &["/", "/*/bin", "/etc", "/etc/*/x", "/etc/ssh"]);
        check("/etc/apt", &["/", "/*/bin", "/etc", "/etc/*/x"]);
        check("/srv", &["/", "/*/bin"]);
        check("/u*", &["/", "/*/bin", "/etc", "/etc/*/x", "/etc/ssh", "/usr/lib"]);
        check("/usr/l*", &["/", "/*/bin", "/usr/lib"]);
    }
}
