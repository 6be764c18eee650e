//! Which paths a machine cannot lose: `policies/paths.toml`, and how a path that is only partly known
//! is held against it.

use super::entries::{Entries, Segments};
use crate::shell::run::matches;
use crate::shell::{Dynamic, Part, Source, Value};
use serde::Deserialize;

/// The table of protected paths.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Paths {
    /// Directories that are other names of directories.
    #[serde(default)]
    aliases: Vec<(Segments, Segments)>,
    /// Classes, the most important first.
    #[serde(rename = "class", default)]
    classes: Vec<Class>,
    /// Names of files that may go wherever they are.
    #[serde(default)]
    pub(super) junk: Vec<String>,
}

/// A class of protected paths.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Class {
    /// Its name, as rules use it.
    name: String,
    /// Directories: lost with anything above them, or when all that is in them is.
    #[serde(default)]
    directories: Entries,
    /// Files.
    #[serde(default)]
    files: Entries,
    /// Directories in which every single thing counts.
    #[serde(default)]
    within: Entries,
    /// What does not count although it matches.
    #[serde(default)]
    except: Entries,
}

/// How much of a path an action reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// The thing itself: a file that is removed or written.
    Itself,
    /// The thing itself, be it a directory.
    Node,
    /// Everything below it too.
    Below,
}

impl Paths {
    /// Adds the classes of a site in front.
    pub(super) fn extend(&mut self, other: Self) {
        self.classes.splice(0..0, other.classes);
        self.aliases.extend(other.aliases);
    }

    /// The class of what an action on `path` reaches: the most important one of all paths that
    /// it may turn out to be. `unknown` where nothing is known of it.
    pub(super) fn class(&self, path: &Value, reach: Reach) -> Option<&str> {
        if !path.has_dynamic() {
            return self.class_of(path, reach).and_then(|index| self.name(index));
        }
        let settled = path.settled();
        let found = [self.class_of(&settled, reach), self.class_of(&settled.emptied(), reach)];
        match found.into_iter().flatten().min() {
            Some(index) => self.name(index),
            None if is_undetermined(&settled) => Some("unknown"),
            None => None,
        }
    }

    fn name(&self, index: usize) -> Option<&str> {
        self.classes.get(index).map(|class| class.name.as_str())
    }

    fn class_of(&self, path: &Value, reach: Reach) -> Option<usize> {
        let target = self.target(path)?;
        self.classes.iter().position(|class| class.reached(&target, reach))
    }

    /// The normal form of a path with patterns; `None` for one that starts unknown or relative.
    pub(super) fn target(&self, path: &Value) -> Option<Target> {
        let mut text = String::new();
        for part in path.parts() {
            match part {
                Part::Text(t) => text.extend(t.chars().flat_map(|c| {
                    let special = matches!(c, '*' | '?' | '[' | '\\');
                    special.then_some('\\').into_iter().chain([c])
                })),
                Part::Glob(t) => text.push_str(t),
                Part::Dynamic(_) => text.push('\u{1}'),
            }
        }
        if !text.starts_with('/') {
            return None;
        }
        let mut segments = segments(&text);
        for (from, to) in &self.aliases {
            let (from, to) = (&from.0, &to.0);
            if segments.len() >= from.len() && from.iter().zip(&segments).all(|(f, s)| matches(f, s)) {
                segments.splice(..from.len(), to.iter().cloned());
            }
        }
        let mut broad = 0;
        while segments.last().is_some_and(|s| is_broad(s)) {
            segments.pop();
            broad += 1;
        }
        Some(Target { segments, contents: broad > 0 })
    }
}

/// A path in normal form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// Its parts; patterns where a part is not one name.
    segments: Vec<String>,
    /// Whether everything in it is meant, and not it itself.
    contents: bool,
}

impl Class {
    fn reached(&self, target: &Target, reach: Reach) -> bool {
        let below = reach == Reach::Below;
        let path = &target.segments;
        if self.except.any(path, |e| is_prefix(e, path, true)) {
            return false;
        }
        let directory = self.directories.any(path, |d| {
            if below {
                is_prefix(path, d, false)
            } else {
                let whole = target.contents || reach == Reach::Node;
                whole && path.len() == d.len() && is_prefix(path, d, false)
            }
        });
        let file = self.files.any(path, |f| match (below, target.contents) {
            (true, contents) => is_prefix(path, f, false) && !(contents && path.len() == f.len()),
            (false, true) => f.len() == path.len() + 1 && is_prefix(path, f, false),
            (false, false) => f.len() == path.len() && is_prefix(path, f, false),
        });
        let inside = self.within.any(path, |w| {
            let under = path.len() > w.len() || (path.len() == w.len() && (below || target.contents));
            (under && is_prefix(w, path, true)) || (below && is_prefix(path, w, false))
        });
        directory || file || inside
    }
}

/// Whether `short` is the start of `long`. Either may have patterns; `fixed` says that those of `short` do.
fn is_prefix(short: &[String], long: &[String], fixed: bool) -> bool {
    short.len() <= long.len()
        && short.iter().zip(long).all(|(s, l)| {
            s == l
                || if fixed {
                    matches(s, &unescaped(l)) || may_match(l, s)
                } else {
                    matches(s, l) || matches(l, &unescaped(s))
                }
        })
}

/// Whether the pattern `a` of a path may be a name that `b`, a name or pattern of the table, means.
fn may_match(a: &str, b: &str) -> bool {
    a.contains(['*', '?', '[']) && !b.contains(['*', '?', '[']) && matches(a, b)
}

fn unescaped(text: &str) -> String {
    text.replace('\\', "")
}

fn segments(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." | ".*" => drop(out.pop()),
            part => out.push(part.to_owned()),
        }
    }
    out
}

/// Whether a part is a pattern that nearly every name matches.
fn is_broad(segment: &str) -> bool {
    segment.contains(['*', '?']) && matches(segment, "abcdefgh") && matches(segment, "x1-y_z.q")
        || segment.contains('*') && matches(segment, "abc") && matches(segment, "xyz")
}

/// Whether a path may be anything.
fn is_undetermined(path: &Value) -> bool {
    match path.parts().first() {
        Some(Part::Dynamic(Dynamic { source, .. })) => {
            !matches!(source, Source::Checked | Source::Name | Source::Fact | Source::Number | Source::Unset)
        }
        _ => false,
    }
}
