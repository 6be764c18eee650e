//! TOML with places: every key and value knows the bytes of the file that it was read from.
//!
//! This says nothing of what a file means; it refuses only what no file of a site may have.

use super::limits::Limits;
use crate::model::{Finding, Place, Tree};
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A file that was read.
#[derive(Debug, Clone)]
pub(super) struct Document {
    /// Its path in the site.
    pub(super) file: Arc<str>,
    /// What it holds.
    pub(super) root: Table,
}

/// Keys and values in the order of the file.
pub(super) type Table = Vec<(Key, Item)>;

/// A key and where it stands, quotes included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    /// The key.
    pub(super) name: String,
    /// Its bytes in the file.
    pub(super) span: Range<usize>,
    /// Where the name stands byte for byte, if it does.
    pub(super) exact: Option<usize>,
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    /// The value.
    pub(super) value: Value,
    /// Its bytes in the file.
    pub(super) span: Range<usize>,
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// Text.
    Text(Text),
    /// A whole number.
    Integer(i64),
    /// `true` or `false`.
    Bool(bool),
    /// A list.
    List(Vec<Item>),
    /// A table.
    Table(Table),
    /// Something that has been told about already; nothing more is said of it.
    Broken,
}

/// Text and whether it stands in the file as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    /// The text.
    pub(super) text: String,
    /// Where its first byte stands, when the file has it byte for byte.
    pub(super) exact: Option<usize>,
}

/// Which keys need not be plain names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keys {
    /// None.
    Plain,
    /// Those of the second level: titles of resources.
    Titles,
}

impl Value {
    /// What the value is, in a message.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Integer(_) => "a number",
            Self::Bool(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Broken => "nothing",
        }
    }
}

impl Item {
    /// The bytes of the value itself: of the text between the quotes where that is exact.
    pub(super) fn inner(&self) -> Range<usize> {
        match &self.value {
            Value::Text(Text { text, exact: Some(at) }) => *at..*at + text.len(),
            _ => self.span.clone(),
        }
    }
}

/// The place of some bytes of a file.
pub(super) fn place(file: &str, span: &Range<usize>) -> Place {
    Place::new(file, span.start, span.end)
}

/// Reads the TOML file at `path`; what is wrong with it goes to `findings`.
pub(super) fn read(tree: &Tree, path: &str, keys: Keys, findings: &mut Vec<Finding>) -> Option<Document> {
    let bytes = tree.get(path)?;
    let text = text_of(path, bytes, Limits::STANDARD.toml, findings)?;
    let (root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        findings.extend(errors.into_iter().map(|error| {
            let span = error.span().unwrap_or(0..0);
            Finding::error("toml-syntax", lower_first(error.message()), place(path, &span))
        }));
        return None;
    }
    let mut reader = Reader { file: path, text, keys, findings };
    let root = reader.table(root.get_ref(), 0);
    Some(Document { file: path.into(), root })
}

/// The text of a file, if it is text and not too long.
pub(super) fn text_of<'a>(
    path: &str,
    bytes: &'a [u8],
    limit: usize,
    findings: &mut Vec<Finding>,
) -> Option<&'a str> {
    if bytes.len() > limit {
        let message = format!("this file has {} bytes; {limit} at most", bytes.len());
        findings.push(Finding::error("too-large", message, Place::file(path)));
        return None;
    }
    let text = std::str::from_utf8(bytes);
    if let Err(error) = &text {
        let at = error.valid_up_to();
        findings.push(Finding::error(
            "not-text",
            "this file is not UTF-8 text",
            Place::new(path, at, at + 1),
        ));
    }
    text.ok()
}

/// A character that is invisible or changes how its neighbours are shown (D15), which no value needs.
pub(super) fn hidden(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
        || matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{10ffff}')
}

fn lower_first(message: &str) -> String {
    let mut chars = message.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    keys: Keys,
    findings: &'a mut Vec<Finding>,
}

impl Reader<'_> {
    fn complain(&mut self, rule: &str, message: String, span: &Range<usize>, instead: &str) {
        let finding = Finding::error(rule, message, place(self.file, span));
        self.findings.push(if instead.is_empty() { finding } else { finding.instead(instead) });
    }

    fn table(&mut self, table: &DeTable<'_>, depth: usize) -> Table {
        let mut items: Table = Vec::with_capacity(table.len());
        for (key, value) in table {
            let (name, span) = (key.get_ref().to_string(), key.span());
            let title = self.keys == Keys::Titles && depth == 1;
            if !title && !plain(&name) {
                let message = format!("`{}` is no key", name.escape_default());
                self.complain(
                    "bad-key",
                    message,
                    &span,
                    "use A-Z a-z 0-9 `_` `.` and `-`, at most 128 of them",
                );
                continue;
            }
            if let Some(c) = name.chars().find(|c| hidden(*c) || *c == '\n') {
                let message = format!("this key has the hidden character U+{:04X}", u32::from(c));
                self.complain("hidden-character", message, &span, "remove it");
                continue;
            }
            let exact = self.exact(&name, &span);
            let value = self.item(value, depth + 1);
            items.push((Key { name, span, exact }, value));
        }
        items
    }

    fn item(&mut self, value: &Spanned<DeValue<'_>>, depth: usize) -> Item {
        let span = value.span();
        let value = match value.get_ref() {
            DeValue::String(text) => self.string(text, &span),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => Value::Integer(number),
                Err(_) => {
                    self.complain("wrong-type", "this number is too large".into(), &span, "");
                    Value::Broken
                }
            },
            DeValue::Boolean(value) => Value::Bool(*value),
            DeValue::Array(items) => Value::List(items.iter().map(|i| self.item(i, depth + 1)).collect()),
            DeValue::Table(table) => Value::Table(self.table(table, depth)),
            DeValue::Float(_) => {
                let message = "a number with a fraction has more than one spelling".into();
                self.complain("wrong-type", message, &span, "write it as text, in quotes");
                Value::Broken
            }
            DeValue::Datetime(_) => {
                self.complain("wrong-type", "dates are written as text".into(), &span, "put it in quotes");
                Value::Broken
            }
        };
        Item { value, span }
    }

    fn string(&mut self, text: &str, span: &Range<usize>) -> Value {
        if let Some(c) = text.chars().find(|c| hidden(*c)) {
            let message = format!("this text has the hidden character U+{:04X}", u32::from(c));
            self.complain("hidden-character", message, span, "remove it");
            return Value::Broken;
        }
        Value::Text(Text { text: text.to_owned(), exact: self.exact(text, span) })
    }

    /// Where `text` starts in the file if it stands there byte for byte, without escapes.
    fn exact(&self, text: &str, span: &Range<usize>) -> Option<usize> {
        let raw = self.text.get(span.clone())?;
        let quotes = ["\"\"\"\r\n", "\"\"\"\n", "'''\r\n", "'''\n", "\"\"\"", "'''", "\"", "'", ""];
        let open = quotes.into_iter().find(|quotes| raw.starts_with(quotes))?;
        let close = open.trim_end().len();
        let inner = raw.get(open.len()..raw.len().checked_sub(close)?)?;
        (inner == text).then_some(span.start + open.len())
    }
}

fn plain(name: &str) -> bool {
    (1..=128).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}
