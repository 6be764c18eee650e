//! Values between the files of a site, the template engine and guards.

use super::document::{Item, Key, Text, Value};
use crate::model::Sealed;
use crate::model::expr::Literal;
use crate::model::resource::Part;
use minijinja::Value as Rendered;
use minijinja::value::ValueKind;
use std::ops::Range;

/// What stands for a secret while a template is rendered: the sealed value between two NULs, which no other text may have.
pub(super) fn marker(sealed: &Sealed) -> Rendered {
    Rendered::from(format!("\0{SECRET}{}\0", serde_json::to_string(sealed).unwrap_or_default()))
}

/// What tells the marker of a secret from that of a fact.
const SECRET: char = '!';

/// Rendered text as text with live facts and secrets in it; `None` when a NUL stands where neither is.
pub(super) fn parts(text: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    for (i, piece) in text.split('\0').enumerate() {
        match i % 2 {
            0 if piece.is_empty() => {}
            0 => parts.push(Part::Text(piece.to_owned())),
            _ => parts.push(match piece.strip_prefix(SECRET) {
                Some(sealed) => Part::Sealed(serde_json::from_str(sealed).ok()?),
                None => Part::Fact(piece.parse().ok()?),
            }),
        }
    }
    text.matches('\0').count().is_multiple_of(2).then_some(parts)
}

/// A value of a site for the engine.
pub(super) fn to_rendered(item: &Item) -> Rendered {
    match &item.value {
        Value::Text(text) => Rendered::from(text.text.as_str()),
        Value::Integer(number) => Rendered::from(*number),
        Value::Bool(value) => Rendered::from(*value),
        Value::List(items) => items.iter().map(to_rendered).collect(),
        Value::Table(table) => {
            Rendered::from_pairs(table.iter().map(|(key, item)| (key.name.clone(), to_rendered(item))))
        }
        Value::Broken => Rendered::from(()),
    }
}

/// A reviewed fact for the engine.
pub(super) fn from_json(value: &serde_json::Value) -> Rendered {
    match value {
        serde_json::Value::Null => Rendered::from(()),
        serde_json::Value::Bool(value) => Rendered::from(*value),
        serde_json::Value::Number(number) => number.as_i64().map_or_else(Rendered::default, Rendered::from),
        serde_json::Value::String(text) => Rendered::from(text.as_str()),
        serde_json::Value::Array(items) => items.iter().map(from_json).collect(),
        serde_json::Value::Object(table) => {
            Rendered::from_pairs(table.iter().map(|(key, value)| (key.clone(), from_json(value))))
        }
    }
}

/// A value of the engine for a site, standing at `span`; `None` for a value that is not there.
///
/// # Errors
/// When a site has no such values.
pub(super) fn from_rendered(value: &Rendered, span: &Range<usize>) -> Result<Option<Item>, &'static str> {
    let fraction = "a number with a fraction has more than one spelling; use `round|int`";
    let value = match value.kind() {
        ValueKind::None => return Ok(None),
        ValueKind::Bool => Value::Bool(value.is_true()),
        ValueKind::Number => Value::Integer(value.as_i64().filter(|_| value.is_integer()).ok_or(fraction)?),
        ValueKind::String => {
            Value::Text(Text { text: value.as_str().unwrap_or_default().to_owned(), exact: None })
        }
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value.try_iter().map_err(|_| "this list cannot be read")?;
            let items: Result<Vec<Option<Item>>, _> = items.map(|item| from_rendered(&item, span)).collect();
            Value::List(items?.into_iter().flatten().collect())
        }
        ValueKind::Map => {
            let mut table = Vec::new();
            for key in value.try_iter().map_err(|_| "this table cannot be read")? {
                let name = key.as_str().ok_or("the keys of a table are texts")?.to_owned();
                let item = value.get_item(&key).map_err(|_| "this table cannot be read")?;
                if let Some(item) = from_rendered(&item, span)? {
                    table.push((Key { name, span: span.clone(), exact: None }, item));
                }
            }
            Value::Table(table)
        }
        _ => return Err("only texts, numbers, truth values, lists and tables can be values"),
    };
    Ok(Some(Item { value, span: span.clone() }))
}

/// A value of the engine as a value in a guard; `None` where guards have none.
pub(super) fn literal(value: &Rendered) -> Option<Literal> {
    Some(match value.kind() {
        ValueKind::Bool => Literal::Bool(value.is_true()),
        ValueKind::String => Literal::Text(value.as_str()?.to_owned()),
        ValueKind::Number => Literal::Integer(value.as_i64()?),
        ValueKind::Seq | ValueKind::Iterable => {
            Literal::List(value.try_iter().ok()?.map(|item| literal(&item)).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}
