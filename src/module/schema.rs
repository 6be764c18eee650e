//! JSON Schemas of a site's TOML files, for editors: made of the tables that reading uses.
//!
//! A schema is generous where only the compiler can tell: any text may be a template. What a schema
//! accepts may still be refused, what it refuses never compiles. Only keywords that mean the same in
//! every draft since 6 are used, because editors differ in which one they know.

use super::form::{self, Field, Form};
use crate::model::Kind;
use crate::model::resource::{Attr, CONTROL_ATTRS, META_ATTRS, Shape};
use serde_json::{Map, Value, json};

/// The draft that the schemas are written in.
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";
/// What a module, group, environment or role is called.
const IDENTIFIER: &str = "^[a-z][a-z0-9_-]{0,63}$";
/// What a parameter is called.
const PARAMETER: &str = "^[a-z][a-z0-9_]{0,63}$";
/// Where a template stands in a text.
const TEMPLATE: &str = r"\{[{%]";

/// The schema of `countersign.toml`.
#[must_use]
pub fn site() -> Value {
    let mut root = fields(form::SITE);
    root["required"] = json!(["name"]);
    root["properties"]["environments"]["items"]["pattern"] = json!(IDENTIFIER);
    root["properties"]["groups"]["propertyNames"] = json!({ "pattern": IDENTIFIER });
    document("A Countersign site", root)
}

/// The schema of `nodes/<node>.toml`.
#[must_use]
pub fn node() -> Value {
    let mut root = fields(form::NODE);
    root["properties"]["sealing_key"]["pattern"] = json!("^x25519:[0-9a-f]{64}$");
    document("A node of a Countersign site", root)
}

/// The schema of the files below `data/`. Which parameters there are is the modules' business.
#[must_use]
pub fn data() -> Value {
    let values =
        json!({ "type": "object", "propertyNames": { "pattern": PARAMETER }, "additionalProperties": any() });
    let root = json!({
        "type": "object",
        "propertyNames": { "pattern": IDENTIFIER },
        "additionalProperties": values,
    });
    document("Values of parameters: a table for each module", root)
}

/// The schema of `data/secrets/<secret>.toml`.
#[must_use]
pub fn secret() -> Value {
    let mut root = fields(form::SECRET);
    root["required"] = json!(["site"]);
    root["properties"]["node"]["additionalProperties"]["required"] = json!(["key", "sealed"]);
    document("A secret of a Countersign site, sealed", root)
}

/// The schema of `modules/<module>/module.toml`.
#[must_use]
pub fn module() -> Value {
    let mut root = fields(form::MODULE);
    let params = &mut root["properties"]["params"];
    params["propertyNames"] = json!({ "pattern": PARAMETER });
    params["additionalProperties"]["required"] = json!(["type"]);
    for kind in Kind::ALL {
        root["properties"][kind.name()] = json!({
            "type": "object",
            "description": format!("`[{kind}.\"title\"]`: {}.", kind.doc()),
            "additionalProperties": resource(kind),
        });
    }
    document("A module of a Countersign site", root)
}

/// A whole schema out of what its root has to be.
#[must_use]
pub fn document(title: &str, mut root: Value) -> Value {
    root["$schema"] = json!(DRAFT);
    root["title"] = json!(title);
    root
}

fn resource(kind: Kind) -> Value {
    let all = kind.attrs().iter().chain(META_ATTRS).chain(CONTROL_ATTRS);
    let properties: Map<String, Value> = all.map(|attr| (attr.name.to_owned(), attribute(attr))).collect();
    let needs = |attr: &&Attr| attr.required && kind.title_attr() != Some(attr.name);
    let required: Vec<&str> = kind.attrs().iter().filter(needs).map(|attr| attr.name).collect();
    let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn attribute(attr: &Attr) -> Value {
    let mut schema = json!({ "anyOf": shape(attr.shape), "description": attr.doc });
    if let Some(value) = attr.default_value() {
        schema["default"] = value;
    }
    schema
}

/// The forms that a value may have.
fn shape(shape: Shape) -> Vec<Value> {
    let template = json!({ "type": "string", "pattern": TEMPLATE });
    let one = match shape {
        Shape::Text | Shape::Texts | Shape::CronField => json!({ "type": ["string", "integer"] }),
        Shape::Path | Shape::Paths => json!({ "type": "string", "pattern": "^/" }),
        Shape::Bool => json!({ "type": "boolean" }),
        Shape::Integer(min, max) | Shape::Integers(min, max) => {
            json!({ "type": "integer", "minimum": min, "maximum": max })
        }
        Shape::OneOf(words) => json!({ "enum": words }),
        Shape::BoolOr(words) => {
            return vec![json!({ "type": "boolean" }), json!({ "enum": words }), template];
        }
        Shape::Table => json!({
            "type": "object",
            "propertyNames": { "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" },
            "additionalProperties": { "type": ["string", "integer"] },
        }),
        Shape::Settings => json!({
            "type": "object",
            "propertyNames": { "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" },
            "additionalProperties": {
                "type": ["string", "integer", "array"], "items": { "type": ["string", "integer"] },
            },
        }),
        Shape::Mode => json!({ "type": "string", "pattern": "^[0-7]{1,4}$|^[ugoa]*[-+=]" }),
        Shape::Command | Shape::Commands => json!({ "type": "string", "minLength": 1 }),
        Shape::Refs => json!({ "type": "string", "pattern": reference() }),
        Shape::Template | Shape::Source => json!({ "type": "string", "minLength": 1 }),
    };
    let list = |items: Value| json!({ "type": "array", "items": items });
    let words = json!({ "type": "array", "minItems": 1, "items": { "type": ["string", "integer"] } });
    let element = json!({ "anyOf": [one.clone(), template.clone()] });
    match shape {
        Shape::Text | Shape::Path | Shape::Bool | Shape::Integer(..) => vec![one, template],
        Shape::OneOf(_) | Shape::BoolOr(_) | Shape::Table | Shape::Settings | Shape::Mode => {
            vec![one, template]
        }
        Shape::Paths | Shape::Integers(..) | Shape::Texts | Shape::CronField | Shape::Refs => {
            vec![one, template, list(element)]
        }
        Shape::Command => vec![one, words],
        Shape::Commands => vec![one.clone(), words.clone(), list(json!({ "anyOf": [one, words] }))],
        Shape::Template => vec![one],
        Shape::Source => vec![one.clone(), json!({ "type": "array", "minItems": 1, "items": one })],
    }
}

/// A pattern for `type[title]`.
fn reference() -> String {
    format!(r"^({})\[.+\]$", Kind::ALL.map(Kind::name).join("|"))
}

fn fields(table: &[Field]) -> Value {
    let properties: Map<String, Value> = table.iter().map(|f| (f.name.to_owned(), field(f))).collect();
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

fn field(field: &Field) -> Value {
    let mut schema = match field.form {
        Form::Text => json!({ "type": "string" }),
        Form::Integer => json!({ "type": "integer" }),
        Form::Bool => json!({ "type": "boolean" }),
        Form::OneOf(words) => json!({ "enum": words }),
        Form::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        Form::List => json!({ "type": "array", "items": any() }),
        Form::Any => any(),
        Form::Table(keys) => fields(keys),
        Form::Tables(keys) => json!({ "type": "object", "additionalProperties": fields(keys) }),
        Form::Open => json!({ "type": "object", "additionalProperties": any() }),
    };
    schema["description"] = json!(field.doc);
    schema
}

/// Any value that a site's file may have: numbers with a fraction are written as text.
fn any() -> Value {
    json!({ "type": ["string", "integer", "boolean", "array", "object"] })
}

#[cfg(test)]
mod tests;
