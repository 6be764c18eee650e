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

/// Paths of a table as a tree of their parts.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(from = "Vec<Segments>")]
pub(super) struct Entries {
    /// Paths that end here, or go on with a pattern.
    here: Vec<Segments>,
    /// Paths that go on with this name.
    named: BTreeMap<String, Self>,
}

impl From<Vec<Segments>> for Entries {
    fn from(paths: Vec<Segments>) -> Self {
        let mut entries = Self::default();
        for path in paths {
            let mut node = &mut entries;
            for name in path.0.iter().take_while(|name| !is_pattern(name)) {
                node = node.named.entry(name.clone()).or_default();
            }
            node.here.push(path);
        }
        entries
    }
}

impl Entries {
    /// Whether `holds` for an entry that has to do with `path`: one above it, or one below it. What a
    /// pattern in either may match is asked about; other names are not.
    pub(super) fn any(&self, path: &[String], holds: impl Fn(&[String]) -> bool) -> bool {
        self.any_from(path, &holds)
    }

    fn any_from(&self, path: &[String], holds: &dyn Fn(&[String]) -> bool) -> bool {
        if self.here.iter().any(|entry| holds(&entry.0)) {
            return true;
        }
        match path.split_first() {
            Some((name, rest)) if !is_pattern(name) => {
                self.named.get(name).is_some_and(|next| next.any_from(rest, holds))
            }
            Some(_) | None => self.named.values().any(|next| next.any_from(&[], holds)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: &[&str]) {
        let table = ["/", "/etc", "/etc/ssh", "/etc/*/x", "/usr/lib", "/*/bin"];
        let entries = Entries::from(table.map(|p| Segments::from(p.to_owned())).to_vec());
        let asked = std::cell::RefCell::new(Vec::new());
        let path = Segments::from(path.to_owned());
        assert!(!entries.any(&path.0, |entry| {
            asked.borrow_mut().push(format!("/{}", entry.join("/")));
            false
        }));
        let mut asked = asked.into_inner();
        asked.sort();
        assert_eq!(asked, expected, "{}", path.0.join("/"));
    }

    #[test]
    fn only_what_has_to_do_with_a_path_is_asked_about() {
        check("/etc", &["/", "/*/bin", "/etc", "/etc/*/x", "/etc/ssh"]);
        check("/etc/ssh/y", &["/", "/*/bin", "/etc", "/etc/*/x", "/etc/ssh"]);
        check("/etc/apt", &["/", "/*/bin", "/etc", "/etc/*/x"]);
        check("/srv", &["/", "/*/bin"]);
        check("/u*", &["/", "/*/bin", "/etc", "/etc/*/x", "/etc/ssh", "/usr/lib"]);
        check("/usr/l*", &["/", "/*/bin", "/usr/lib"]);
    }
}
