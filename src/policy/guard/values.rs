//! What an expression of another language may be.

use crate::shell::{Part, Source, Value};

/// Values that one expression may have, at most.
const MAX_ITEMS: usize = 64;

/// The values of an expression.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Values {
    /// The elements of a list, or what a single value may be.
    pub(super) items: Vec<Value>,
    /// Whether it is a list.
    pub(super) list: bool,
    /// The function or module that it is.
    pub(super) name: Option<String>,
}

impl Values {
    pub(super) fn unknown() -> Self {
        Self::one(Value::dynamic(Source::Output, true))
    }

    pub(super) fn one(value: Value) -> Self {
        Self { items: vec![value], ..Self::default() }
    }

    /// A list; the elements of lists in it are its own.
    pub(super) fn of_list(elements: Vec<Self>) -> Self {
        let items: Vec<Value> = elements.into_iter().flat_map(|e| e.items).take(MAX_ITEMS).collect();
        Self { items, list: true, name: None }
    }

    pub(super) fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// One of the elements, not known which.
    pub(super) fn elements(mut self) -> Self {
        self.list = false;
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty() && self.name.is_none()
    }

    /// The text, if that is known.
    pub(super) fn text(&self) -> Option<&str> {
        match self.items.as_slice() {
            [one] => one.literal(),
            _ => None,
        }
    }

    /// The number, if it is one that is known.
    pub(super) fn number(&self) -> Option<f64> {
        let text = self.text()?;
        let octal = text.strip_prefix("0o").and_then(|t| u64::from_str_radix(t, 8).ok());
        let hex = text.strip_prefix("0x").and_then(|t| u64::from_str_radix(t, 16).ok());
        match octal.or(hex) {
            Some(number) => Some(number as f64),
            None => text.parse().ok(),
        }
    }

    /// This, or the other.
    pub(super) fn or(mut self, other: Self) -> Self {
        self.items.extend(other.items);
        self.items.truncate(MAX_ITEMS);
        self.name = self.name.or(other.name);
        self.list = self.list || other.list;
        self
    }

    /// The list with more elements.
    pub(super) fn with(mut self, other: Self) -> Self {
        self.items.extend(other.items);
        self.items.truncate(MAX_ITEMS);
        self.list = true;
        self
    }

    /// All elements in one text, as a list in a string is shown; one of the values else.
    pub(super) fn spaced(&self) -> Value {
        self.join(&Value::text(" "))
    }

    /// All elements in one text.
    pub(super) fn join(&self, separator: &Value) -> Value {
        let mut out = Value::default();
        for (at, item) in self.items.iter().enumerate() {
            if at > 0 {
                out.append(separator);
            }
            out.append(item);
        }
        out
    }

    /// Applies `change` to every value that is known.
    pub(super) fn map(&self, change: impl Fn(&str) -> Option<String>) -> Self {
        let one = |value: &Value| match value.literal().and_then(&change) {
            Some(text) => Value::text(text),
            None => Value::dynamic(Source::Output, true),
        };
        Self { items: self.items.iter().map(one).collect(), list: self.list, name: None }
    }
}

/// Two values, one behind the other.
pub(super) fn joined(left: Values, right: Values) -> Values {
    if left.items.is_empty() {
        return right;
    }
    if right.items.is_empty() {
        return left;
    }
    if left.list || right.list {
        return left.with(right);
    }
    let pairs = left.items.iter().flat_map(|a| right.items.iter().map(move |b| (a, b)));
    let items = pairs.take(MAX_ITEMS).map(|(a, b)| {
        let mut whole = a.clone();
        whole.append(b);
        whole
    });
    Values { items: items.collect(), list: false, name: None }
}

/// The text with its patterns active.
pub(super) fn globbed(text: &str) -> Value {
    let mut out = Value::default();
    for c in text.chars() {
        out.push(if matches!(c, '*' | '?') {
            Part::Glob(c.to_string().into())
        } else {
            Part::Text(c.to_string().into())
        });
    }
    out
}
