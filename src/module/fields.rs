//! Reading a table whose keys are known: each value by its type, and whatever is left over is a finding.

use super::document::{Item, Key, Table, Text, Value, place};
use super::form::Field;
use crate::model::finding::did_you_mean;
use crate::model::{Finding, Place};
use std::ops::Range;

/// A table being read.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    file: &'a str,
    table: &'a Table,
    known: &'static [Field],
}

impl<'a> Fields<'a> {
    /// Starts reading `table`, which may have the keys `known`; others are told at once.
    pub(super) fn of(
        file: &'a str,
        table: &'a Table,
        known: &'static [Field],
        findings: &mut Vec<Finding>,
    ) -> Self {
        let names = known.iter().map(|field| field.name);
        for (key, _) in table.iter().filter(|(key, _)| !names.clone().any(|name| name == key.name)) {
            findings.push(unknown("key", key, file, names.clone()));
        }
        Self { file, table, known }
    }

    /// The value of `name`.
    pub(super) fn item(&self, name: &str) -> Option<&'a Item> {
        debug_assert!(self.known.iter().any(|field| field.name == name));
        self.table.iter().find(|(key, _)| key.name == name).map(|(_, item)| item)
    }

    /// The text at `name`.
    pub(super) fn text(&self, name: &str, findings: &mut Vec<Finding>) -> Option<(&'a Text, Range<usize>)> {
        let item = self.item(name)?;
        match &item.value {
            Value::Text(text) => Some((text, item.inner())),
            Value::Broken => None,
            other => self.wrong(name, "text", other, item, findings),
        }
    }

    /// The number at `name`.
    pub(super) fn integer(&self, name: &str, findings: &mut Vec<Finding>) -> Option<i64> {
        let item = self.item(name)?;
        match &item.value {
            Value::Integer(number) => Some(*number),
            Value::Broken => None,
            other => self.wrong(name, "a whole number", other, item, findings),
        }
    }

    /// The truth value at `name`.
    pub(super) fn bool(&self, name: &str, findings: &mut Vec<Finding>) -> Option<bool> {
        let item = self.item(name)?;
        match &item.value {
            Value::Bool(value) => Some(*value),
            Value::Broken => None,
            other => self.wrong(name, "true or false", other, item, findings),
        }
    }

    /// The table at `name`, empty if there is none.
    pub(super) fn table(&self, name: &str, findings: &mut Vec<Finding>) -> &'a [(Key, Item)] {
        match self.item(name).map(|item| (item, &item.value)) {
            None | Some((_, Value::Broken)) => &[],
            Some((_, Value::Table(table))) => table,
            Some((item, other)) => self.wrong(name, "a table", other, item, findings).unwrap_or(&[]),
        }
    }

    /// The texts of the list at `name` with their places, empty if there is none.
    pub(super) fn texts(&self, name: &str, findings: &mut Vec<Finding>) -> Vec<(String, Range<usize>)> {
        let Some(item) = self.item(name) else { return Vec::new() };
        let Value::List(items) = &item.value else {
            if item.value != Value::Broken {
                self.wrong::<()>(name, "a list of texts", &item.value, item, findings);
            }
            return Vec::new();
        };
        let mut texts = Vec::new();
        for item in items {
            match &item.value {
                Value::Text(text) => texts.push((text.text.clone(), item.inner())),
                Value::Broken => {}
                other => drop(self.wrong::<()>(name, "a list of texts", other, item, findings)),
            }
        }
        texts
    }

    fn wrong<T>(
        &self,
        name: &str,
        wanted: &str,
        got: &Value,
        item: &Item,
        findings: &mut Vec<Finding>,
    ) -> Option<T> {
        findings.push(wrong_type(name, wanted, got, place(self.file, &item.span)));
        None
    }
}

/// A value of the wrong type.
pub(super) fn wrong_type(name: &str, wanted: &str, got: &Value, place: Place) -> Finding {
    Finding::error("wrong-type", format!("`{name}` must be {wanted}, and this is {}", got.kind()), place)
}

/// A key that nobody knows, with the nearest one that is known.
pub(super) fn unknown<'k>(
    what: &str,
    key: &Key,
    file: &str,
    known: impl IntoIterator<Item = &'k str> + Clone,
) -> Finding {
    unknown_name(what, &key.name, place(file, &key.span), known)
}

/// A name that nobody knows, with the nearest one that is known.
pub(super) fn unknown_name<'k>(
    what: &str,
    name: &str,
    place: Place,
    known: impl IntoIterator<Item = &'k str> + Clone,
) -> Finding {
    let rule = format!("unknown-{}", what.replace(' ', "-"));
    let finding = Finding::error(rule, format!("there is no {what} `{}`", name.escape_default()), place);
    match did_you_mean(name, known.clone()) {
        Some(near) => finding.instead(format!("did you mean `{near}`?")),
        None => {
            let all: Vec<&str> = known.into_iter().take(24).collect();
            if all.is_empty() { finding } else { finding.instead(format!("known: {}", all.join(", "))) }
        }
    }
}
