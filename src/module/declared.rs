//! One resource of a module as its author wrote it: attributes with their places, some of them
//! final, some to be filled in for each node.

use super::command;
use super::document::{Item, Key, Table, Text, Value, place};
use super::fields::{unknown_name, wrong_type};
use super::module::Entry;
use super::param::is_name;
use super::prepare::{Prepared, Slot};
use super::shape::{Shaping, Typed};
use super::template::Templates;
use crate::model::expr::{Guard, Known, Literal};
use crate::model::finding::did_you_mean;
use crate::model::resource::{Attr, CONTROL_ATTRS, Live, META_ATTRS, Shape};
use crate::model::{Finding, Kind};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

/// A resource that is not yet filled in.
#[derive(Debug)]
pub(super) struct Declared {
    /// The type.
    pub(super) kind: Kind,
    /// The title.
    pub(super) title: Prepared,
    /// Where the title stands.
    pub(super) at: Range<usize>,
    /// What it is repeated for.
    pub(super) for_each: Option<ForEach>,
    /// The guard, and where it stands.
    pub(super) when: Option<(Text, Range<usize>)>,
    /// The attributes, in the order of the file.
    pub(super) attrs: Vec<Given>,
}

/// What a resource is repeated for.
#[derive(Debug)]
pub(super) struct ForEach {
    /// One name for the element, or two for key and value.
    pub(super) names: Vec<String>,
    /// The template whose value is the list or table.
    pub(super) over: Prepared,
    /// The names that its value is made of.
    pub(super) sources: Vec<String>,
}

/// An attribute with a value.
#[derive(Debug)]
pub(super) struct Given {
    /// The attribute.
    pub(super) attr: &'static Attr,
    /// Its value.
    pub(super) value: Prepared,
    /// Its final value, when no node has a say in it.
    pub(super) typed: Option<Typed>,
    /// Where the value stands.
    pub(super) span: Range<usize>,
    /// Where its text stands, and whether the value is that text.
    pub(super) inner: (Range<usize>, bool),
    /// Where its elements stand, if it is a list.
    pub(super) items: Vec<Range<usize>>,
    /// The names that its value is made of.
    pub(super) sources: Vec<String>,
}

impl Declared {
    /// Fills in what is known only once all templates are read.
    pub(super) fn settle(&mut self, templates: &Templates) {
        if let Some(each) = &mut self.for_each {
            each.sources = each.over.sources(templates);
        }
        for given in &mut self.attrs {
            given.sources = given.value.sources(templates);
            if let (Shape::Template, Some(Typed::Text(name))) = (given.attr.shape, &given.typed) {
                given.sources = templates.source(name).map(|source| source.names.clone()).unwrap_or_default();
            }
        }
    }
}

/// The names that `for_each` of a resource defines.
pub(super) fn locals(table: &Table) -> Vec<String> {
    let text = table.iter().find(|(key, _)| key.name == "for_each").map(|(_, item)| &item.value);
    let Some(Value::Text(text)) = text else { return Vec::new() };
    let names = text.text.split_once(" in ").map_or("", |(names, _)| names);
    names.split(',').map(|name| name.trim().to_owned()).filter(|name| is_name(name)).collect()
}

/// Attributes of which a resource may have one.
const ONE_OF: &[(Kind, &[&str])] = &[
    (Kind::File, &["content", "template", "source", "target"]),
    (Kind::Cron, &["special", "minute"]),
    (Kind::Cron, &["special", "hour"]),
    (Kind::Cron, &["special", "monthday"]),
    (Kind::Cron, &["special", "month"]),
    (Kind::Cron, &["special", "weekday"]),
];

/// Reads the resources of one module.
pub(super) struct Reader<'a> {
    /// The module's file.
    pub(super) file: &'a Arc<str>,
    /// The names that every text of the module may use.
    pub(super) names: &'a BTreeSet<String>,
    /// Where its templates go.
    pub(super) templates: &'a mut Templates,
    /// Where findings go.
    pub(super) findings: &'a mut Vec<Finding>,
}

impl Reader<'_> {
    /// Adds a finding.
    pub(super) fn fail(
        &mut self,
        rule: &str,
        message: impl Into<String>,
        span: &Range<usize>,
        instead: &str,
    ) {
        let finding = Finding::error(rule, message, place(self.file, span));
        self.findings.push(if instead.is_empty() { finding } else { finding.instead(instead) });
    }

    /// Reads one `[type."title"]` table.
    pub(super) fn read(&mut self, entry: &Entry<'_>) -> Declared {
        let mut names = self.names.clone();
        let for_each = self.for_each(entry.table, &names);
        names.extend(for_each.iter().flat_map(|each| each.names.iter().cloned()));
        let text = Text { text: entry.key.name.clone(), exact: entry.key.exact };
        let title = Item { value: Value::Text(text), span: entry.key.span.clone() };
        let shell = self.provider(entry);
        let mut attrs = Vec::new();
        for (key, item) in entry.table {
            if !CONTROL_ATTRS.iter().any(|attr| attr.name == key.name) {
                attrs.extend(self.attribute(entry.kind, key, item, (shell, &names)));
            }
        }
        if entry.kind == Kind::Exec && !entry.table.iter().any(|(key, _)| key.name == "command") {
            let command = Key { name: "command".into(), ..entry.key.clone() };
            attrs.extend(self.attribute(entry.kind, &command, &title, (shell, &names)));
        }
        self.one_of(entry);
        Declared {
            kind: entry.kind,
            title: self.prepare(&title, Slot::Closed, &names),
            at: entry.key.span.clone(),
            when: self.when(entry.table, &names),
            for_each,
            attrs,
        }
    }

    /// Whether an exec hands its texts to a shell. It must be plain to see, for people and for the lint.
    fn provider(&mut self, entry: &Entry<'_>) -> bool {
        let item = entry.table.iter().find(|(key, _)| key.name == "provider").map(|(_, item)| item);
        let Some(Item { value: Value::Text(text), span }) = item.filter(|_| entry.kind == Kind::Exec) else {
            return false;
        };
        if Templates::needed(&text.text) {
            let message = "whether a shell reads a command must be written out";
            self.fail("bad-value", message, span, "`posix` or `shell`");
        }
        text.text == "shell"
    }

    fn one_of(&mut self, entry: &Entry<'_>) {
        for (_, names) in ONE_OF.iter().filter(|(kind, _)| *kind == entry.kind) {
            let given: Vec<&Key> = entry
                .table
                .iter()
                .map(|(key, _)| key)
                .filter(|key| names.contains(&key.name.as_str()))
                .collect();
            if let [first, second, ..] = given.as_slice() {
                let message = format!("`{}` and `{}` exclude each other", first.name, second.name);
                let finding = Finding::error("exclusive-attributes", message, place(self.file, &second.span));
                let finding = finding.related(place(self.file, &first.span), "the other one");
                self.findings.push(finding.instead("remove one of the two"));
            }
        }
    }

    fn for_each(&mut self, table: &Table, names: &BTreeSet<String>) -> Option<ForEach> {
        const FORM: &str = "for example `vhost in vhosts`, or `name, user in users` for a table";
        let (_, item) = table.iter().find(|(key, _)| key.name == "for_each")?;
        let Value::Text(text) = &item.value else {
            if item.value != Value::Broken {
                self.findings.push(wrong_type("for_each", "text", &item.value, place(self.file, &item.span)));
            }
            return None;
        };
        let Some((defined, over)) = text.text.split_once(" in ") else {
            self.fail("bad-value", "`for_each` is a name, `in` and a list", &item.inner(), FORM);
            return None;
        };
        let defined: Vec<String> = defined.split(',').map(|name| name.trim().to_owned()).collect();
        if defined.len() > 2 || defined.iter().any(|name| !is_name(name)) {
            self.fail("bad-name", "`for_each` defines one name, or two for a table", &item.inner(), FORM);
            return None;
        }
        if let Some(name) = defined.iter().find(|name| names.contains(*name)) {
            self.fail(
                "bad-name",
                format!("`{name}` is a parameter already"),
                &item.inner(),
                "take another name",
            );
        }
        // Two bytes are put in front, so that what stands behind `in` keeps its place.
        let start = text.text.len() - over.len();
        let inner = Text { text: format!("{{{{{over}}}}}"), exact: text.exact.map(|at| at + start - 2) };
        let inner = Item { value: Value::Text(inner), span: item.span.clone() };
        let over = self.prepare(&inner, Slot::Closed, names);
        Some(ForEach { names: defined, over, sources: Vec::new() })
    }

    fn when(&mut self, table: &Table, names: &BTreeSet<String>) -> Option<(Text, Range<usize>)> {
        let (_, item) = table.iter().find(|(key, _)| key.name == "when")?;
        let Value::Text(text) = &item.value else {
            if item.value != Value::Broken {
                self.findings.push(wrong_type("when", "text", &item.value, place(self.file, &item.span)));
            }
            return None;
        };
        // Any value will do for what is known: this looks for names that are not, and for form.
        let known = |name: &str| {
            let root = name.split('.').next().unwrap_or_default();
            if self.templates.is_secret(root) {
                Known::NotComparable
            } else if names.contains(root) {
                Known::Value(Literal::Bool(true))
            } else {
                Known::Unknown(did_you_mean(root, names.iter().map(String::as_str)).map(str::to_owned))
            }
        };
        if let Err(error) = Guard::parse(&text.text, &known) {
            let at = text.exact.map_or_else(|| item.span.clone(), |at| at + error.at..at + error.at);
            self.fail("bad-guard", error.message, &at, "");
            return None;
        }
        Some((text.clone(), item.span.clone()))
    }

    fn attribute(
        &mut self,
        kind: Kind,
        key: &Key,
        item: &Item,
        (shell, names): (bool, &BTreeSet<String>),
    ) -> Option<Given> {
        let all = || kind.attrs().iter().chain(META_ATTRS);
        let Some(attr) = all().find(|attr| attr.name == key.name) else {
            let known: Vec<&str> = all().chain(CONTROL_ATTRS).map(|attr| attr.name).collect();
            let finding =
                unknown_name("attribute", &key.name, place(self.file, &key.span), known.iter().copied());
            self.findings
                .push(Finding { message: format!("{kind} has no attribute `{}`", key.name), ..finding });
            return None;
        };
        let (slot, item) = match attr.shape {
            Shape::Command | Shape::Commands => {
                let words = !shell || attr.live == Live::Never;
                let item =
                    if words { command::split_all(item, self.file, self.findings) } else { item.clone() };
                (Slot::FirstArgument, item)
            }
            _ if attr.live == Live::Content => (Slot::Content, item.clone()),
            _ => (Slot::Closed, item.clone()),
        };
        let value = match attr.shape {
            Shape::Template => self.template_name(&item),
            _ => self.prepare(&item, slot, names),
        };
        let typed = match &value {
            Prepared::Fixed(item) => Shaping { attr, file: self.file, findings: self.findings }.typed(item),
            Prepared::Template { .. } | Prepared::List(..) | Prepared::Table(..) => None,
        };
        let literal =
            matches!((&value, &item.value), (Prepared::Fixed(_), Value::Text(Text { exact: Some(_), .. })));
        let items = match &item.value {
            Value::List(items) => items.iter().map(Item::inner).collect(),
            _ => Vec::new(),
        };
        let (span, inner) = (item.span.clone(), (item.inner(), literal));
        Some(Given { attr, value, typed, span, inner, items, sources: Vec::new() })
    }
}
