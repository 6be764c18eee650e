//! From typed attributes to the typed form of a resource whose attributes are all that there is to it: what they
//! are called and what is wrong with them together is in the type's own file in `model`.

use super::shape::{Typed, path_fault};
use super::spec::Attrs;
use crate::model::Spec;
use crate::model::resource::{Content, Shape};
use serde_json::{Map, Value, json};

/// The typed form of a resource, with the content of the file that an attribute names; `None` after telling what
/// is wrong.
pub(super) fn build(attrs: &mut Attrs<'_>, content: Option<Content>) -> Option<Spec> {
    let before = attrs.findings.len();
    let mut given = Map::new();
    for attr in attrs.kind.attrs() {
        let value = match (attrs.values.get(attr.name), attr.shape) {
            (Some(_), Shape::Source) => content.as_ref().map(|content| json!(content)),
            (Some((typed, _)), _) => value(typed),
            (None, _) if attrs.kind.title_attr() == Some(attr.name) => title(attrs, attr.shape),
            (None, _) => {
                if attr.required {
                    let message = format!("`{}` needs `{}`", attrs.kind, attr.name);
                    attrs.fail("missing-attribute", attr.name, message, attr.doc);
                }
                None
            }
        };
        given.extend(value.map(|value| (attr.name.to_owned(), value)));
    }
    if attrs.findings.len() > before {
        return None;
    }
    let spec = match Spec::read(attrs.kind, Value::Object(given)) {
        Ok(spec) => spec,
        Err(error) => {
            attrs.fail("bad-value", "", format!("this is no `{}`: {error}", attrs.kind), "");
            return None;
        }
    };
    for fault in super::languages::faults(&spec) {
        attrs.fail("bad-value", fault.attr, fault.message, &fault.instead);
    }
    (attrs.findings.len() == before).then_some(spec)
}

/// The title in the place of an attribute, held to the form of it as far as titles can miss it.
fn title(attrs: &mut Attrs<'_>, shape: Shape) -> Option<Value> {
    let title = attrs.title.to_owned();
    if shape == Shape::Path
        && let Some((why, instead)) = path_fault(&title)
    {
        let message = format!("`{}` is no path: {why}", title.escape_default());
        attrs.fail("bad-path", "path", message, &instead);
        return None;
    }
    Some(json!(title))
}

/// The value under the name of its attribute; `None` where attributes of this shape have a form of their own.
fn value(typed: &Typed) -> Option<Value> {
    match typed {
        Typed::Text(text) => Some(json!(text)),
        Typed::Texts(texts) => Some(json!(texts)),
        Typed::Bool(value) => Some(json!(value)),
        Typed::Integer(number) => Some(json!(number)),
        Typed::Integers(numbers) => Some(json!(numbers)),
        Typed::Table(table) => Some(json!(table)),
        Typed::Settings(table) => Some(json!(table)),
        Typed::Content(content) => Some(json!(content)),
        Typed::Commands(_) | Typed::Refs(_) => None,
    }
}
