//! From a value of a module to a value of the type that an attribute demands.
//!
//! The shapes are those of the attribute tables in `model`; nothing here knows a resource type.

use super::convert::parts;
use super::document::{Item, Value, hidden, place};
use super::limits::Limits;
use super::time_field;
use crate::model::finding::did_you_mean;
use crate::model::resource::{Attr, Content, Live, Part, Shape, Word, check_mode};
use crate::model::{Finding, Kind, Ref};
use std::collections::BTreeMap;
use std::ops::Range;

/// A value of the type that its attribute demands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Typed {
    /// Text, a path, a mode, a word, the name of a template or file.
    Text(String),
    /// A list of texts or paths.
    Texts(Vec<String>),
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Integer(i64),
    /// A list of numbers.
    Integers(Vec<i64>),
    /// A table of texts.
    Table(BTreeMap<String, String>),
    /// A table of lists of texts.
    Settings(BTreeMap<String, Vec<String>>),
    /// The content of a file.
    Content(Content),
    /// Commands: one, or several.
    Commands(Vec<RawCommand>),
    /// References to resources.
    Refs(Vec<Ref>),
}

/// A command before it is known whether a shell will read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RawCommand {
    /// Text for a shell.
    Text(String),
    /// An argument vector.
    Argv(Vec<Word>),
}

/// What is being read: an attribute of a file, and where findings go.
pub(super) struct Shaping<'a> {
    /// The attribute.
    pub(super) attr: &'static Attr,
    /// The module's file.
    pub(super) file: &'a str,
    /// Where findings go.
    pub(super) findings: &'a mut Vec<Finding>,
}

impl Shaping<'_> {
    /// The typed value of `item`; `None` after telling what is wrong.
    pub(super) fn typed(&mut self, item: &Item) -> Option<Typed> {
        match self.attr.shape {
            Shape::Text if self.attr.live == Live::Content => self.content(item),
            Shape::Text => self.text(item).map(Typed::Text),
            Shape::Path => self.path(item).map(Typed::Text),
            Shape::Paths => self.paths(item),
            Shape::Bool => self.bool(item).map(Typed::Bool),
            Shape::Integer(min, max) => self.integer(item, min, max).map(Typed::Integer),
            Shape::Integers(min, max) => {
                self.each(item, |s, item| s.integer(item, min, max)).map(Typed::Integers)
            }
            Shape::OneOf(words) => self.word(item, words).map(Typed::Text),
            Shape::BoolOr(words) => match &item.value {
                Value::Bool(value) => Some(Typed::Text(value.to_string())),
                Value::Text(text) if matches!(text.text.as_str(), "true" | "false") => {
                    self.wrong("true or false", item, "write it without quotes")
                }
                _ => self.word(item, words).map(Typed::Text),
            },
            Shape::Texts => self.each(item, Self::text).map(Typed::Texts),
            Shape::Table => self.table(item).map(Typed::Table),
            Shape::Settings => self.settings(item).map(Typed::Settings),
            Shape::Mode => self.mode(item).map(Typed::Text),
            Shape::Command => self.command(item).map(|command| Typed::Commands(vec![command])),
            Shape::Commands => self.commands(item).map(Typed::Commands),
            Shape::CronField => self.time(item).map(Typed::Text),
            Shape::Refs => self.each(item, Self::reference).map(Typed::Refs),
            Shape::Template => self.text(item).map(Typed::Text),
            Shape::Source => self.each(item, Self::text).map(Typed::Texts),
        }
    }

    fn fail<T>(&mut self, rule: &str, message: String, span: &Range<usize>, instead: &str) -> Option<T> {
        let finding = Finding::error(rule, message, place(self.file, span));
        self.findings.push(if instead.is_empty() { finding } else { finding.instead(instead) });
        None
    }

    fn wrong<T>(&mut self, wanted: &str, item: &Item, instead: &str) -> Option<T> {
        if item.value == Value::Broken {
            return None;
        }
        let message = format!("`{}` must be {wanted}, and this is {}", self.attr.name, item.value.kind());
        self.fail("wrong-type", message, &item.span, instead)
    }

    fn each<T>(&mut self, item: &Item, read: impl Fn(&mut Self, &Item) -> Option<T>) -> Option<Vec<T>> {
        match &item.value {
            Value::List(items) => {
                let read: Vec<Option<T>> = items.iter().map(|item| read(self, item)).collect();
                read.into_iter().collect()
            }
            _ => read(self, item).map(|one| vec![one]),
        }
    }

    fn text(&mut self, item: &Item) -> Option<String> {
        match &item.value {
            Value::Text(text) => match text.text.chars().find(|c| hidden(*c) || matches!(c, '\n' | '\t')) {
                None => Some(text.text.clone()),
                Some(c) => {
                    let message =
                        format!("`{}` is one line, and this has U+{:04X}", self.attr.name, u32::from(c));
                    self.fail("control-character", message, &item.span, "")
                }
            },
            Value::Integer(number) => Some(number.to_string()),
            _ => self.wrong("text", item, ""),
        }
    }

    fn content(&mut self, item: &Item) -> Option<Typed> {
        let Value::Text(text) = &item.value else { return self.wrong("text", item, "") };
        if !text.text.contains('\0') {
            return Some(Typed::Content(Content::Text(text.text.as_str().into())));
        }
        match parts(&text.text) {
            Some(parts) => Some(Typed::Content(Content::Parts(parts))),
            None => self.fail("hidden-character", "this has the character U+0000".into(), &item.span, ""),
        }
    }

    fn path(&mut self, item: &Item) -> Option<String> {
        let path = self.text(item)?;
        match path_fault(&path) {
            None => Some(path),
            Some((why, instead)) => {
                let message = format!("`{path}` is no path for `{}`: {why}", self.attr.name);
                self.fail("bad-path", message, &item.inner(), &instead)
            }
        }
    }

    /// A list of paths. The search path may be one text with colons, as everywhere else.
    fn paths(&mut self, item: &Item) -> Option<Typed> {
        let split = |text: &str| text.contains(':').then(|| text.split(':').map(str::to_owned).collect());
        let texts: Option<Vec<String>> = match &item.value {
            Value::Text(text) if self.attr.name == "path" => split(&text.text),
            _ => None,
        };
        let Some(texts) = texts else { return self.each(item, Self::path).map(Typed::Texts) };
        match texts.iter().find_map(|path| path_fault(path).map(|fault| (path.clone(), fault))) {
            None => Some(Typed::Texts(texts)),
            Some((path, (why, _))) => {
                self.fail("bad-path", format!("`{path}` is no path: {why}"), &item.inner(), "")
            }
        }
    }

    fn bool(&mut self, item: &Item) -> Option<bool> {
        match &item.value {
            Value::Bool(value) => Some(*value),
            Value::Text(text) if text.text == "true" || text.text == "false" => {
                self.wrong("true or false", item, "write it without quotes")
            }
            _ => self.wrong("true or false", item, ""),
        }
    }

    fn integer(&mut self, item: &Item, min: i64, max: i64) -> Option<i64> {
        match &item.value {
            Value::Integer(number) if (min..=max).contains(number) => Some(*number),
            Value::Integer(number) => {
                let message = format!("`{}` is {number}; from {min} to {max}", self.attr.name);
                self.fail("out-of-range", message, &item.span, "")
            }
            Value::Text(text) if text.text.parse::<i64>().is_ok() => {
                self.wrong("a whole number", item, "write it without quotes")
            }
            _ => self.wrong("a whole number", item, ""),
        }
    }

    fn word(&mut self, item: &Item, words: &[&str]) -> Option<String> {
        let Value::Text(text) = &item.value else {
            return self.wrong(&format!("one of {}", words.join(", ")), item, "");
        };
        if words.contains(&text.text.as_str()) {
            return Some(text.text.clone());
        }
        let near = did_you_mean(&text.text, words.iter().copied());
        let instead = near.map_or_else(|| words.join(", "), |near| format!("did you mean `{near}`?"));
        let message = format!("`{}` cannot be `{}`", self.attr.name, text.text.escape_default());
        self.fail("bad-value", message, &item.inner(), &instead)
    }

    fn table(&mut self, item: &Item) -> Option<BTreeMap<String, String>> {
        self.entries(item, Self::text)
    }

    fn settings(&mut self, item: &Item) -> Option<BTreeMap<String, Vec<String>>> {
        self.entries(item, |shaping, item| shaping.each(item, Self::text))
    }

    fn entries<T>(
        &mut self,
        item: &Item,
        read: impl Fn(&mut Self, &Item) -> Option<T>,
    ) -> Option<BTreeMap<String, T>> {
        let Value::Table(table) = &item.value else { return self.wrong("a table of texts", item, "") };
        let mut texts = BTreeMap::new();
        for (key, item) in table {
            let named = key.name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && key.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if !named {
                let message = format!("`{}` is no name of a variable", key.name.escape_default());
                self.fail::<()>("bad-value", message, &key.span, "use A-Z a-z 0-9 and `_`");
                continue;
            }
            let value = read(self, item)?;
            texts.insert(key.name.clone(), value);
        }
        (texts.len() == table.len()).then_some(texts)
    }

    fn mode(&mut self, item: &Item) -> Option<String> {
        let Value::Text(text) = &item.value else {
            return self.wrong("text", item, "quote the mode: `\"0644\"`");
        };
        let octal = self.attr.name == "umask";
        match check_mode(&text.text) {
            Ok(()) if !octal || text.text.chars().all(|c| c.is_ascii_digit()) => Some(text.text.clone()),
            Ok(()) => {
                self.fail("bad-value", "a umask is octal".into(), &item.inner(), "for example `\"022\"`")
            }
            Err(error) => self.fail("bad-value", error.to_string(), &item.inner(), ""),
        }
    }

    fn command(&mut self, item: &Item) -> Option<RawCommand> {
        match &item.value {
            Value::Text(text) if text.text.trim().is_empty() => {
                self.fail("bad-value", "this command is empty".into(), &item.span, "")
            }
            Value::Text(text) if text.text.contains('\0') => {
                let message = "a live fact cannot be part of shell text".to_owned();
                self.fail("live-fact", message, &item.span, "give it as one whole element of a list")
            }
            Value::Text(text) => Some(RawCommand::Text(text.text.clone())),
            Value::List(items) => {
                let words: Vec<Option<Word>> = items.iter().map(|item| self.argument(item)).collect();
                let words: Option<Vec<Word>> = words.into_iter().collect();
                match words?.split_first() {
                    None => self.fail("bad-value", "this command is empty".into(), &item.span, ""),
                    Some((Word::Text(program), _)) if program.is_empty() => {
                        self.fail("bad-value", "this command has no program".into(), &item.span, "")
                    }
                    Some((Word::Text(program), _)) if program.contains(char::is_whitespace) => {
                        self.whole_command(program, &items[0])
                    }
                    Some((Word::Fact(_), _)) => {
                        let message = "a live fact cannot be the program that is run".to_owned();
                        self.fail("live-fact", message, &items[0].span, "name the program in the module")
                    }
                    Some((program, rest)) => {
                        Some(RawCommand::Argv(std::iter::once(program).chain(rest).cloned().collect()))
                    }
                }
            }
            _ => self.wrong("a list of texts, or text", item, ""),
        }
    }

    /// Puppet reads a list of texts as several commands where a guard is wished for.
    fn whole_command<T>(&mut self, text: &str, item: &Item) -> Option<T> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let several = self.attr.shape == Shape::Commands;
        let instead = if several {
            format!("several commands are lists in a list: `[{words:?}, …]`")
        } else {
            format!("one element for each argument: `{words:?}`")
        };
        let message = format!("`{}` is no program: a list is one command", text.escape_default());
        self.fail("bad-value", message, &item.span, &instead)
    }

    fn argument(&mut self, item: &Item) -> Option<Word> {
        let text = match &item.value {
            Value::Text(text) => text.text.clone(),
            Value::Integer(number) => number.to_string(),
            _ => return self.wrong("a list of texts", item, ""),
        };
        if !text.contains('\0') {
            return Some(Word::Text(text));
        }
        match parts(&text).as_deref() {
            Some([Part::Fact(path)]) if self.attr.live == Live::Argument => Some(Word::Fact(path.clone())),
            _ => {
                let message = "a live fact must be one whole element of a command".to_owned();
                self.fail("live-fact", message, &item.span, "")
            }
        }
    }

    /// One command, or a list of them: a list of texts is one argument vector.
    fn commands(&mut self, item: &Item) -> Option<Vec<RawCommand>> {
        match &item.value {
            Value::List(items) if items.iter().any(|item| matches!(item.value, Value::List(_))) => {
                let commands: Vec<Option<RawCommand>> = items.iter().map(|item| self.command(item)).collect();
                commands.into_iter().collect()
            }
            _ => self.command(item).map(|command| vec![command]),
        }
    }

    fn time(&mut self, item: &Item) -> Option<String> {
        let fields = self.each(item, Self::text)?;
        for field in &fields {
            if let Err(why) = time_field::check(self.attr.name, field) {
                let message = format!("`{}` is no `{}`: {why}", field.escape_default(), self.attr.name);
                return self.fail("bad-value", message, &item.inner(), "");
            }
        }
        Some(fields.join(","))
    }

    fn reference(&mut self, item: &Item) -> Option<Ref> {
        let text = self.text(item)?;
        match text.parse::<Ref>() {
            Ok(reference) => Some(reference),
            Err(error) => {
                let kind = text.split('[').next().unwrap_or_default().to_ascii_lowercase();
                let known = Kind::ALL.iter().map(|kind| kind.name());
                let near = did_you_mean(&kind, known).filter(|_| text.contains('['));
                let instead = near.map_or_else(String::new, |near| format!("did you mean `{near}[…]`?"));
                self.fail("bad-reference", error.to_string(), &item.inner(), &instead)
            }
        }
    }
}

/// Why a text is no absolute, plain path, and what to write instead.
pub(super) fn path_fault(path: &str) -> Option<(&'static str, String)> {
    if !path.starts_with('/') {
        return Some(("it must start with `/`", String::new()));
    }
    if path.len() > Limits::STANDARD.title {
        return Some(("it is too long", String::new()));
    }
    if path == "/" {
        return None;
    }
    let parts: Vec<&str> = path[1..].split('/').collect();
    if parts.iter().any(|part| matches!(*part, "." | "..")) {
        return Some(("it has a `.` or `..` part", "name the place itself".into()));
    }
    let plain: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    (plain.len() != parts.len()).then(|| ("it has a spare `/`", format!("`/{}`", plain.join("/"))))
}
