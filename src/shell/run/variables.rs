//! Variables: what each may hold, and what `declare` has said about them.

use super::shared::Shared;
use crate::shell::visit::Seen;
use crate::shell::{Dynamic, Part, Source, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Values that a variable may have at one point of a script, at most; with more it is unknown.
pub(super) const MAX_ALTERNATIVES: usize = 8;
/// References to references that are followed, at most.
const MAX_REFERENCES: usize = 8;

/// The variables of a shell. A copy costs nothing until one of the two changes.
#[derive(Debug, Clone, Default)]
pub(super) struct Variables {
    all: Shared<Variable>,
    /// Those that may be exported, so that not all have to be looked at.
    exported: Shared<()>,
    /// Those that may have more than one value.
    undecided: Shared<()>,
}

impl PartialEq for Variables {
    fn eq(&self, other: &Self) -> bool {
        self.all == other.all
    }
}

/// A variable.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Variable {
    /// What is in it; `None` as long as it is only declared.
    pub(super) contents: Option<Contents>,
    /// Whether programs find it in their environment.
    pub(super) exported: bool,
    /// What happens to values that it is given.
    pub(super) kind: Kind,
}

/// What a variable holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Contents {
    /// One of these values.
    Scalar(Vec<Value>),
    /// An array.
    Array(Array),
}

/// The elements of an array.
pub(super) type Array = BTreeMap<Key, Value>;

/// The index of an element.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// Of an indexed array.
    Index(i64),
    /// Of an associative one.
    Name(String),
}

/// What happens to values that a variable is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Kind {
    /// Nothing.
    #[default]
    Plain,
    /// They are computed (`declare -i`).
    Integer,
    /// They become lower case (`declare -l`).
    Lower,
    /// They become upper case (`declare -u`).
    Upper,
    /// They go to the variable that it names (`declare -n`).
    Reference,
    /// They are found by name (`declare -A`).
    Associative,
}

impl Contents {
    /// An array of `values`, counted from zero.
    pub(super) fn list(values: Vec<Value>) -> Self {
        Self::Array((0..).map(Key::Index).zip(values).collect())
    }

    /// Every value that a scalar may have, or the elements of an array.
    pub(super) fn values(&self) -> Vec<Value> {
        match self {
            Self::Scalar(values) => values.clone(),
            Self::Array(array) => array.values().cloned().collect(),
        }
    }
}

impl Variables {
    /// The variable that `name` means after all references.
    pub(super) fn target<'a>(&'a self, name: &'a str) -> &'a str {
        let mut name = name;
        for _ in 0..MAX_REFERENCES {
            let Some(Variable { kind: Kind::Reference, contents: Some(contents), .. }) = self.all.get(name)
            else {
                break;
            };
            let Contents::Scalar(values) = contents else { break };
            match values.first().and_then(Value::literal) {
                Some(next) if !next.is_empty() => name = next,
                _ => break,
            }
        }
        name
    }

    pub(super) fn get(&self, name: &str) -> Option<&Variable> {
        self.own(self.target(name))
    }

    /// The variable of the name itself, references not followed.
    pub(super) fn own(&self, name: &str) -> Option<&Variable> {
        self.all.get(name)
    }

    /// What the variable holds, if something sets it.
    pub(super) fn contents(&self, name: &str) -> Option<&Contents> {
        self.get(name)?.contents.as_ref()
    }

    /// The entry of the name itself, references not followed.
    pub(super) fn entry(&mut self, name: &str) -> &mut Variable {
        self.all.entry(name)
    }

    pub(super) fn put(&mut self, name: &str, contents: Contents) {
        let target = self.target(name).to_owned();
        self.entry(&target).contents = Some(contents);
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.all.remove(name);
    }

    /// Puts back what a name stood for before.
    pub(super) fn restore(&mut self, name: &str, before: Option<Variable>) {
        match before {
            Some(variable) => {
                *self.entry(name) = variable;
                self.noted(name);
            }
            None => self.remove(name),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Variable)> {
        self.all.iter()
    }

    /// Changes whether programs find a variable in their environment.
    pub(super) fn export(&mut self, name: &str, exported: bool) {
        self.entry(name).exported = exported;
        self.noted(name);
    }

    /// Notes what a variable is looked for by.
    pub(super) fn noted(&mut self, name: &str) {
        let Some(variable) = self.own(name) else { return };
        let undecided = matches!(&variable.contents, Some(Contents::Scalar(values)) if values.len() > 1);
        if variable.exported && !self.exported.contains(name) {
            self.exported.insert(name, ());
        }
        if undecided && !self.undecided.contains(name) {
            self.undecided.insert(name, ());
        }
    }

    /// The exported variables, in order.
    pub(super) fn exports(&self) -> impl Iterator<Item = (&str, &Variable)> {
        let names: BTreeSet<&str> = self.exported.iter().map(|(name, ())| name).collect();
        let variables = names.into_iter().filter_map(|name| Some((name, self.own(name)?)));
        variables.filter(|(_, variable)| variable.exported)
    }

    /// The variables that a command may mention and that have more than one value, in order. `written` tells
    /// everything that is written in it.
    pub(super) fn undecided(
        &self,
        written: impl FnOnce(&mut dyn FnMut(Seen<'_>)),
    ) -> Vec<(String, Vec<Value>)> {
        let mut found: Vec<(String, Vec<Value>)> = Vec::new();
        if self.undecided.is_empty() {
            return found;
        }
        let mut note = |name: &str| {
            if name.is_empty()
                || !self.undecided.contains(name)
                || found.iter().any(|(known, _)| known == name)
            {
                return;
            }
            if let Some(Contents::Scalar(values)) = self.own(name).and_then(|v| v.contents.as_ref())
                && values.len() > 1
            {
                found.push((name.to_owned(), values.clone()));
            }
        };
        written(&mut |seen| {
            let names = seen.text().split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            for name in names {
                note(name);
                // The letter of an escape may stand right before a name.
                note(name.get(1..).unwrap_or(""));
            }
        });
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        found
    }

    /// Bytes of known text that all variables have more than they had `before`.
    pub(super) fn added(&self, before: &Self) -> usize {
        let size = |variables: &Self, name: &String| {
            let values = variables.own(name).and_then(|v| v.contents.as_ref()).map(Contents::values);
            let text = |p: &Part| if let Part::Text(t) = p { t.len() } else { 0 };
            values.iter().flatten().flat_map(|v| v.parts()).map(text).sum::<usize>()
        };
        let changed = self.all.differing(&before.all);
        let now: usize = changed.iter().map(|name| size(self, name)).sum();
        now.saturating_sub(changed.iter().map(|name| size(before, name)).sum())
    }

    /// Only what programs find in their environment.
    pub(super) fn exported(&self) -> Self {
        let mut kept = Self::default();
        for (name, variable) in self.exports() {
            *kept.entry(name) = variable.clone();
            kept.noted(name);
        }
        kept
    }

    /// The variables after one of two ways through a script.
    pub(super) fn join(self, other: &Self) -> Self {
        let mut joined = self.clone();
        for name in self.all.differing(&other.all) {
            let (mine, theirs) = (self.own(&name), other.own(&name));
            let contents =
                either(mine.and_then(|v| v.contents.as_ref()), theirs.and_then(|v| v.contents.as_ref()));
            let variable = joined.entry(&name);
            variable.contents = contents;
            variable.exported |= theirs.is_some_and(|v| v.exported);
            if variable.kind == Kind::Plain {
                variable.kind = theirs.map_or(Kind::Plain, |v| v.kind);
            }
            joined.noted(&name);
        }
        joined.all.share(&other.all);
        joined
    }
}

/// What a variable may hold after one of two ways.
fn either(mine: Option<&Contents>, theirs: Option<&Contents>) -> Option<Contents> {
    let unset = || vec![Value::dynamic(Source::Unset, true)];
    match (mine, theirs) {
        (None, None) => None,
        (Some(Contents::Array(a)), Some(Contents::Array(b))) => {
            let mut both = a.clone();
            for (key, value) in b {
                let old = both.entry(key.clone()).or_insert_with(|| value.clone());
                if old != value {
                    *old = summary(&[old.clone(), value.clone()]);
                }
            }
            Some(Contents::Array(both))
        }
        (Some(array @ Contents::Array(_)), None) | (None, Some(array @ Contents::Array(_))) => {
            Some(array.clone())
        }
        (mine, theirs) => {
            let mut values = mine.map_or_else(unset, Contents::values);
            values.extend(theirs.map_or_else(unset, Contents::values));
            Some(Contents::Scalar(limited(values)))
        }
    }
}

/// Each value once, and no more of them than are told apart.
pub(super) fn limited(values: Vec<Value>) -> Vec<Value> {
    let mut kept: Vec<Value> = Vec::new();
    for value in values {
        if !kept.contains(&value) {
            kept.push(value);
        }
    }
    if kept.len() > MAX_ALTERNATIVES { vec![summary(&kept)] } else { kept }
}

/// What many values have in common: their common start, and then something.
pub(super) fn summary(values: &[Value]) -> Value {
    let mut common = values.first().map_or("", Value::prefix);
    for value in values {
        while !value.prefix().starts_with(common) {
            let cut = common.char_indices().last().map_or(0, |(at, _)| at);
            common = common.get(..cut).unwrap_or("");
        }
    }
    let mut value = Value::text(common);
    let empty = values.iter().any(|v| v.settled().literal() == Some(common));
    value.push(Part::Dynamic(Dynamic { source: Source::Limit, empty }));
    value
}
