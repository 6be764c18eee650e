//! Variables: what each may hold, and what `declare` has said about them.

use crate::shell::{Dynamic, Part, Source, Value};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Values that a variable may have at one point of a script, at most; with more it is unknown.
pub(super) const MAX_ALTERNATIVES: usize = 8;
/// References to references that are followed, at most.
const MAX_REFERENCES: usize = 8;

/// The variables of a shell. A copy costs nothing until one of the two changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Variables(Arc<HashMap<String, Variable>>);

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
            let Some(Variable { kind: Kind::Reference, contents: Some(contents), .. }) = self.0.get(name)
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
        self.0.get(self.target(name))
    }

    /// What the variable holds, if something sets it.
    pub(super) fn contents(&self, name: &str) -> Option<&Contents> {
        self.get(name)?.contents.as_ref()
    }

    /// The entry of the name itself, references not followed.
    pub(super) fn entry(&mut self, name: &str) -> &mut Variable {
        Arc::make_mut(&mut self.0).entry(name.to_owned()).or_default()
    }

    pub(super) fn put(&mut self, name: &str, contents: Contents) {
        let target = self.target(name).to_owned();
        self.entry(&target).contents = Some(contents);
    }

    pub(super) fn remove(&mut self, name: &str) {
        if self.0.contains_key(name) {
            Arc::make_mut(&mut self.0).remove(name);
        }
    }

    /// Puts back what a name stood for before.
    pub(super) fn restore(&mut self, name: &str, before: Option<Variable>) {
        match before {
            Some(variable) => *self.entry(name) = variable,
            None => self.remove(name),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Variable)> {
        self.0.iter().map(|(name, variable)| (name.as_str(), variable))
    }

    /// Bytes of known text in all variables.
    pub(super) fn size(&self) -> usize {
        let values = self.0.values().filter_map(|v| v.contents.as_ref()).flat_map(Contents::values);
        values
            .map(|v| v.parts().iter().map(|p| if let Part::Text(t) = p { t.len() } else { 0 }).sum::<usize>())
            .sum()
    }

    /// Only what programs find in their environment.
    pub(super) fn exported(&self) -> Self {
        if self.0.values().all(|v| v.exported) {
            return self.clone();
        }
        let kept = self.0.iter().filter(|(_, v)| v.exported);
        Self(Arc::new(kept.map(|(name, variable)| (name.clone(), variable.clone())).collect()))
    }

    /// The variables after one of two ways through a script.
    pub(super) fn join(self, other: &Self) -> Self {
        if Arc::ptr_eq(&self.0, &other.0) {
            return self;
        }
        let mut joined = self.clone();
        let names = self.0.keys().chain(other.0.keys().filter(|name| !self.0.contains_key(*name)));
        for name in names {
            let (mine, theirs) = (self.0.get(name), other.0.get(name));
            if mine == theirs {
                continue;
            }
            let contents =
                either(mine.and_then(|v| v.contents.as_ref()), theirs.and_then(|v| v.contents.as_ref()));
            let variable = joined.entry(name);
            variable.contents = contents;
            variable.exported |= theirs.is_some_and(|v| v.exported);
            if variable.kind == Kind::Plain {
                variable.kind = theirs.map_or(Kind::Plain, |v| v.kind);
            }
        }
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
