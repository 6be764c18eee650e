//! Values with templates in them: found, checked and put aside, to be rendered for each node.

use super::declared::Reader;
use super::document::{Item, Key, Table, Text, Value, place};
use super::fields::unknown_name;
use super::live::Form;
use super::template::{Source, Templates};
use std::collections::BTreeSet;
use std::ops::Range;

/// A value, some of it templates.
#[derive(Debug, Clone)]
pub(super) enum Prepared {
    /// Final.
    Fixed(Item),
    /// To be rendered, or evaluated when it is one expression.
    Template {
        /// The name of the template.
        name: String,
        /// Whether its value keeps its type.
        whole: bool,
        /// Where it stands.
        span: Range<usize>,
    },
    /// A list.
    List(Vec<Prepared>, Range<usize>),
    /// A table.
    Table(Vec<(Key, Prepared)>, Range<usize>),
}

impl Prepared {
    fn templates<'a>(&'a self, into: &mut Vec<&'a str>) {
        match self {
            Self::Fixed(_) => {}
            Self::Template { name, .. } => into.push(name),
            Self::List(items, _) => items.iter().for_each(|item| item.templates(into)),
            Self::Table(table, _) => table.iter().for_each(|(_, item)| item.templates(into)),
        }
    }

    /// The names that it is made of.
    pub(super) fn sources(&self, templates: &Templates) -> Vec<String> {
        let mut names = Vec::new();
        self.templates(&mut names);
        let sources = names.into_iter().filter_map(|name| templates.source(name));
        let all: BTreeSet<&String> = sources.flat_map(|source| &source.names).collect();
        all.into_iter().cloned().collect()
    }
}

/// How far live facts may go in the value that is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// Nowhere.
    Closed,
    /// Anywhere in a text.
    Content,
    /// Not here, but in the elements that follow.
    FirstArgument,
    /// As this whole element.
    Argument,
}

impl Reader<'_> {
    /// The name of a template, which must be there.
    pub(super) fn template_name(&mut self, item: &Item) -> Prepared {
        if let Value::Text(text) = &item.value {
            if Templates::needed(&text.text) {
                let message = "the name of a template must be written out";
                self.fail(
                    "bad-value",
                    message,
                    &item.inner(),
                    "use `for_each` or `when` with several resources",
                );
                return Prepared::Fixed(Item { value: Value::Broken, span: item.span.clone() });
            }
            if self.templates.source(&text.text).is_none() {
                let known = self.templates.files();
                let finding = unknown_name("template", &text.text, place(self.file, &item.inner()), known);
                self.findings.push(finding);
                return Prepared::Fixed(Item { value: Value::Broken, span: item.span.clone() });
            }
        }
        Prepared::Fixed(item.clone())
    }

    /// Takes the templates out of a value.
    pub(super) fn prepare(&mut self, item: &Item, slot: Slot, names: &BTreeSet<String>) -> Prepared {
        match &item.value {
            Value::Text(text) if Templates::needed(&text.text) => self.text(item, text, slot, names),
            Value::List(items) => {
                let inner = |at: usize, item: &Item| match (slot, &item.value) {
                    (Slot::FirstArgument, Value::List(_)) => Slot::FirstArgument,
                    (Slot::FirstArgument, _) if at > 0 => Slot::Argument,
                    (Slot::FirstArgument | Slot::Argument, _) => slot,
                    (Slot::Closed | Slot::Content, _) => Slot::Closed,
                };
                let items: Vec<Prepared> =
                    items.iter().enumerate().map(|(at, i)| self.prepare(i, inner(at, i), names)).collect();
                let fixed: Option<Vec<Item>> = items.iter().map(fixed).collect();
                match fixed {
                    Some(items) => {
                        Prepared::Fixed(Item { value: Value::List(items), span: item.span.clone() })
                    }
                    None => Prepared::List(items, item.span.clone()),
                }
            }
            Value::Table(table) => {
                let table: Vec<(Key, Prepared)> = table
                    .iter()
                    .map(|(key, item)| (key.clone(), self.prepare(item, Slot::Closed, names)))
                    .collect();
                let fixed: Option<Table> =
                    table.iter().map(|(key, item)| Some((key.clone(), fixed(item)?))).collect();
                match fixed {
                    Some(table) => {
                        Prepared::Fixed(Item { value: Value::Table(table), span: item.span.clone() })
                    }
                    None => Prepared::Table(table, item.span.clone()),
                }
            }
            Value::Text(_) | Value::Integer(_) | Value::Bool(_) | Value::Broken => {
                Prepared::Fixed(item.clone())
            }
        }
    }

    fn text(&mut self, item: &Item, text: &Text, slot: Slot, names: &BTreeSet<String>) -> Prepared {
        let known: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        let source = Source::new(self.file, item.span.clone(), text.exact);
        let name =
            self.templates.add_inline(slot != Slot::Content, (&text.text, source), &known, self.findings);
        let broken = || Prepared::Fixed(Item { value: Value::Broken, span: item.span.clone() });
        let Some(source) = self.templates.source(&name) else { return broken() };
        let (form, live) = (source.form.clone(), source.is_live());
        if source.is_secret() && slot != Slot::Content {
            let instead = "only the content of a file holds secrets; give a program the path of that file";
            self.fail("secret-place", "a secret cannot stand here", &item.inner(), instead);
            return broken();
        }
        match (&form, slot) {
            (Form::Fact(path), Slot::Argument) => {
                let text = Text { text: format!("\0{path}\0"), exact: None };
                return Prepared::Fixed(Item { value: Value::Text(text), span: item.span.clone() });
            }
            (_, Slot::Closed | Slot::FirstArgument | Slot::Argument) if live => {
                let instead = match slot {
                    Slot::Argument => "a live fact is one whole element of a list, with nothing beside it",
                    Slot::FirstArgument => "a live fact is an element of a list, and not the first",
                    Slot::Closed | Slot::Content => {
                        "use a reviewed fact, `node.facts.…`, or decide with `when`"
                    }
                };
                self.fail("live-fact", "a fact of the node itself cannot stand here", &item.inner(), instead);
                return broken();
            }
            (_, Slot::Closed | Slot::FirstArgument | Slot::Argument | Slot::Content) => {}
        }
        let whole = form == Form::Expression && slot != Slot::Content;
        Prepared::Template { name, whole, span: item.span.clone() }
    }
}

fn fixed(prepared: &Prepared) -> Option<Item> {
    match prepared {
        Prepared::Fixed(item) => Some(item.clone()),
        Prepared::Template { .. } | Prepared::List(..) | Prepared::Table(..) => None,
    }
}
