//! Typed parameters of modules: how they are declared, and whether a value fits.

use super::document::{Item, Key, Value, place};
use super::fields::{Fields, unknown_name, wrong_type};
use super::form::{self, MERGES, TYPES};
use crate::model::finding::did_you_mean;
use crate::model::{Finding, Place, SecretName};
use regex::Regex;
use std::ops::Range;

/// A parameter of a module.
#[derive(Debug, Clone)]
pub(super) struct Param {
    /// Its name.
    pub(super) name: String,
    /// What its values look like.
    pub(super) kind: ParamKind,
    /// What a list's elements look like, where the module says so.
    pub(super) items: Option<ParamKind>,
    /// Whether a node may do without a value.
    pub(super) optional: bool,
    /// How values of several data files make one.
    pub(super) merge: Merge,
    /// One sentence for readers.
    pub(super) description: String,
    /// Where it is declared.
    pub(super) place: Place,
    pub(super) default: Option<Item>,
    min: Option<i64>,
    max: Option<i64>,
    pattern: Option<Regex>,
    values: Vec<Value>,
}

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ParamKind {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Bool,
    /// A list.
    List,
    /// A table.
    Table,
    /// The name of a secret, which stands for what only the node can open.
    Secret,
}

/// How values of several data files make one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Merge {
    /// The value of highest precedence, whole.
    Replace,
    /// Lists: all elements, lowest precedence first. Tables: all keys, the highest precedence wins.
    Join,
}

/// Names that mean something else inside a template or guard.
const TAKEN: &[&str] = &[
    "facts",
    "node",
    "loop",
    "self",
    "super",
    "caller",
    "range",
    "dict",
    "namespace",
    "true",
    "false",
    "none",
    "and",
    "or",
    "not",
    "in",
    "is",
    "if",
    "else",
    "for",
    "set",
];

impl ParamKind {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "text" => Self::Text,
            "integer" => Self::Integer,
            "bool" => Self::Bool,
            "list" => Self::List,
            "table" => Self::Table,
            "secret" => Self::Secret,
            _ => return None,
        })
    }

    /// What it is, in a message.
    pub(super) const fn phrase(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "a whole number",
            Self::Bool => "true or false",
            Self::List => "a list",
            Self::Table => "a table",
            Self::Secret => "the name of a secret",
        }
    }

    const fn fits(self, value: &Value) -> bool {
        match value {
            Value::Text(_) => matches!(self, Self::Text | Self::Secret),
            Value::Integer(_) => matches!(self, Self::Integer),
            Value::Bool(_) => matches!(self, Self::Bool),
            Value::List(_) => matches!(self, Self::List),
            Value::Table(_) => matches!(self, Self::Table),
            Value::Broken => true,
        }
    }
}

/// Reads the declaration of a parameter.
pub(super) fn read(file: &str, key: &Key, item: &Item, findings: &mut Vec<Finding>) -> Option<Param> {
    check_name(file, key, findings);
    let Value::Table(table) = &item.value else {
        if item.value != Value::Broken {
            let finding = wrong_type(&key.name, "a table", &item.value, place(file, &item.span));
            findings.push(finding.instead("for example `{ type = \"integer\", default = 80 }`"));
        }
        return None;
    };
    let fields = Fields::of(file, table, form::PARAM, findings);
    let kind = match fields.text("type", findings) {
        Some((text, span)) => kind_of(file, &text.text, &span, findings)?,
        None if fields.item("type").is_some() => return None,
        None => {
            let message = format!("the parameter `{}` has no `type`", key.name);
            let finding = Finding::error("missing-key", message, place(file, &key.span));
            findings.push(finding.instead(format!("add `type`: {}", TYPES.join(", "))));
            return None;
        }
    };
    let items =
        fields.text("items", findings).and_then(|(text, span)| kind_of(file, &text.text, &span, findings));
    let default = fields.item("default").cloned();
    let required = fields.bool("required", findings);
    if let (Some(true), Some(item)) = (required, &default) {
        let message = "a parameter with a default is never required";
        findings.push(
            Finding::error("exclusive-keys", message, place(file, &item.span))
                .instead("remove one of the two"),
        );
    }
    if items == Some(ParamKind::Secret) || (kind == ParamKind::Secret && required == Some(false)) {
        let message = "a secret is a parameter of its own, and always has a value";
        let finding = Finding::error("bad-value", message, place(file, &item.span));
        findings.push(finding.instead("one parameter with `type = \"secret\"` for each secret"));
    }
    let param = Param {
        name: key.name.clone(),
        kind,
        items,
        optional: required == Some(false) && default.is_none(),
        merge: merge(&fields, kind, file, findings),
        description: fields.text("description", findings).map(|(t, _)| t.text.clone()).unwrap_or_default(),
        place: place(file, &key.span),
        default,
        min: fields.integer("min", findings),
        max: fields.integer("max", findings),
        pattern: pattern(&fields, file, findings),
        values: values(&fields, file, findings),
    };
    let default = param.default.as_ref().filter(|item| !param.check(item, file, findings));
    let broken = default.is_some();
    Some(Param { default: if broken { None } else { param.default.clone() }, ..param })
}

fn check_name(file: &str, key: &Key, findings: &mut Vec<Finding>) {
    let finding = |message: String| Finding::error("bad-name", message, place(file, &key.span));
    if TAKEN.contains(&key.name.as_str()) {
        let message = format!("`{}` means something else in templates", key.name);
        findings.push(finding(message).instead("take another name"));
    } else if !is_name(&key.name) {
        let message = format!("`{}` is no name of a parameter", key.name.escape_default());
        findings.push(finding(message).instead("use a-z, 0-9 and `_`, starting with a letter"));
    }
}

fn kind_of(file: &str, name: &str, span: &Range<usize>, findings: &mut Vec<Finding>) -> Option<ParamKind> {
    let kind = ParamKind::named(name);
    if kind.is_none() {
        findings.push(unknown_name("type", name, place(file, span), TYPES.iter().copied()));
    }
    kind
}

fn merge(fields: &Fields<'_>, kind: ParamKind, file: &str, findings: &mut Vec<Finding>) -> Merge {
    let Some((text, span)) = fields.text("merge", findings) else { return Merge::Replace };
    match (text.text.as_str(), kind) {
        ("replace", _) => Merge::Replace,
        ("join", ParamKind::List | ParamKind::Table) => Merge::Join,
        ("join", ParamKind::Text | ParamKind::Integer | ParamKind::Bool | ParamKind::Secret) => {
            let message = "only lists and tables can be joined";
            findings.push(Finding::error("bad-value", message, place(file, &span)));
            Merge::Replace
        }
        (other, _) => {
            findings.push(unknown_name("merge", other, place(file, &span), MERGES.iter().copied()));
            Merge::Replace
        }
    }
}

fn pattern(fields: &Fields<'_>, file: &str, findings: &mut Vec<Finding>) -> Option<Regex> {
    let (text, span) = fields.text("pattern", findings)?;
    match Regex::new(&format!("^(?:{})$", text.text)) {
        Ok(pattern) => Some(pattern),
        Err(_) => {
            let message = "this is no regular expression";
            findings.push(Finding::error("bad-value", message, place(file, &span)));
            None
        }
    }
}

fn values(fields: &Fields<'_>, file: &str, findings: &mut Vec<Finding>) -> Vec<Value> {
    match fields.item("values").map(|item| (&item.value, item)) {
        None | Some((Value::Broken, _)) => Vec::new(),
        Some((Value::List(items), _)) => items.iter().map(|item| plain(&item.value)).collect(),
        Some((other, item)) => {
            findings.push(wrong_type("values", "a list", other, place(file, &item.span)));
            Vec::new()
        }
    }
}

/// A value without where it stands, for comparison.
fn plain(value: &Value) -> Value {
    match value {
        Value::Text(text) => Value::Text(super::document::Text { text: text.text.clone(), exact: None }),
        other => other.clone(),
    }
}

impl Param {
    /// Whether `item` of `file` fits; tells why not.
    pub(super) fn check(&self, item: &Item, file: &str, findings: &mut Vec<Finding>) -> bool {
        let before = findings.len();
        if !self.kind.fits(&item.value) {
            let finding = wrong_type(&self.name, self.kind.phrase(), &item.value, place(file, &item.span));
            findings.push(finding.related(self.place.clone(), "declared here"));
            return false;
        }
        match &item.value {
            Value::Broken => return false,
            Value::List(items) => {
                self.bounded(items.len() as i64, "elements", item, file, findings);
                for item in items {
                    self.element(item, file, findings);
                }
            }
            Value::Integer(number) => {
                self.bounded(*number, "", item, file, findings);
                self.one_of(item, file, findings);
            }
            Value::Text(text) => {
                self.bounded(text.text.chars().count() as i64, "characters", item, file, findings);
                self.one_of(item, file, findings);
                if self.kind == ParamKind::Secret {
                    self.secret(&text.text, item, file, findings);
                }
            }
            Value::Bool(_) | Value::Table(_) => {}
        }
        findings.len() == before
    }

    fn element(&self, item: &Item, file: &str, findings: &mut Vec<Finding>) {
        if let Some(kind) = self.items.filter(|kind| !kind.fits(&item.value)) {
            let name = format!("each element of {}", self.name);
            let finding = wrong_type(&name, kind.phrase(), &item.value, place(file, &item.span));
            findings.push(finding.related(self.place.clone(), "declared here"));
        } else {
            self.one_of(item, file, findings);
        }
    }

    /// A value in the clear would stand where the name of a secret belongs: it is not repeated.
    fn secret(&self, text: &str, item: &Item, file: &str, findings: &mut Vec<Finding>) {
        if text.parse::<SecretName>().is_err() {
            let message = format!("`{}` takes the name of a secret, and this is none", self.name);
            let finding = Finding::error("bad-value", message, place(file, &item.inner()));
            let finding = finding.related(self.place.clone(), "declared here");
            findings.push(finding.instead(
                "a name such as `db/password`; its value goes into `countersign secret seal db/password`",
            ));
        }
    }

    fn bounded(&self, size: i64, unit: &str, item: &Item, file: &str, findings: &mut Vec<Finding>) {
        let low = self.min.filter(|min| size < *min).map(|min| format!("at least {min}"));
        let high = self.max.filter(|max| size > *max).map(|max| format!("at most {max}"));
        if let Some(bound) = low.or(high) {
            let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
            let message = format!("`{}` has {size}{unit}; {bound}", self.name);
            let message = if unit.is_empty() { message.replace(" has ", " is ") } else { message };
            let finding = Finding::error("out-of-range", message, place(file, &item.span));
            findings.push(finding.related(self.place.clone(), "declared here"));
        }
    }

    fn one_of(&self, item: &Item, file: &str, findings: &mut Vec<Finding>) {
        let text = if let Value::Text(text) = &item.value { Some(text.text.as_str()) } else { None };
        if let (Some(pattern), Some(text)) = (&self.pattern, text)
            && !pattern.is_match(text)
        {
            let message =
                format!("`{}` does not match the pattern of `{}`", text.escape_default(), self.name);
            let finding = Finding::error("bad-value", message, place(file, &item.inner()));
            findings.push(finding.related(self.place.clone(), "declared here"));
        }
        if self.values.is_empty() || self.values.contains(&plain(&item.value)) {
            return;
        }
        let known: Vec<String> = self.values.iter().map(shown).collect();
        let near = text.and_then(|text| did_you_mean(text, known.iter().map(String::as_str)));
        let instead = near.map_or_else(|| known.join(", "), |near| format!("did you mean `{near}`?"));
        let message = format!("`{}` cannot be `{}`", self.name, shown(&item.value));
        let finding = Finding::error("bad-value", message, place(file, &item.inner())).instead(instead);
        findings.push(finding.related(self.place.clone(), "declared here"));
    }
}

/// A value on one line, for people.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => text.text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Bool(value) => value.to_string(),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(|item| quoted(&item.value)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Table(table) => {
            let pairs: Vec<String> =
                table.iter().map(|(key, item)| format!("{} = {}", key.name, quoted(&item.value))).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        Value::Broken => String::new(),
    }
}

/// A value as TOML writes it.
pub(super) fn quoted(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("\"{}\"", text.text.escape_default()),
        other => shown(other),
    }
}

/// Whether `text` can name a value in templates and guards.
pub(super) fn is_name(text: &str) -> bool {
    !TAKEN.contains(&text)
        && text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}
