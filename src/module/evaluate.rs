//! One node: the resources of its modules, filled in with its parameters.

use super::convert::{from_json, from_rendered, literal, parts};
use super::data::Resolved;
use super::declared::{Declared, Given};
use super::document::{Item, Text, Value, hidden, place};
use super::limits::Limits;
use super::module::{Delivered, Module};
use super::origin::{AttrOrigin, Origin};
use super::prepare::Prepared;
use super::schedules::Schedules;
use super::shape::{Shaping, Typed};
use super::spec::Attrs;
use super::template::Scope;
use super::{Node, Site, fixed, folder, meta as metaparameters};
use crate::model::expr::{Guard, Known};
use crate::model::finding::did_you_mean;
use crate::model::resource::{Content, META_ATTRS, Part, Shape};
use crate::model::{Digest, Expr, Finding, Meta, NodeName, Ref, Related, Resource};
use minijinja::Value as Rendered;
use minijinja::value::ValueKind;
use std::collections::BTreeMap;

/// A resource of a catalog and where it comes from.
#[derive(Debug, Clone)]
pub(super) struct Made {
    /// The resource.
    pub(super) resource: Resource,
    /// Where it comes from.
    pub(super) origin: Origin,
    /// Whether it only follows from a folder that another resource delivers.
    pub(super) implied: bool,
    /// Other names by which relationships may mean it.
    pub(super) alias: Vec<String>,
}

/// What evaluating a node gives.
#[derive(Debug, Default)]
pub(super) struct Evaluated<'a> {
    /// Its resources in order.
    pub(super) made: Vec<Made>,
    /// The file contents that they name.
    pub(super) blobs: BTreeMap<Digest, &'a [u8]>,
    /// What is wrong.
    pub(super) findings: Vec<Finding>,
}

/// Evaluates all modules of a node.
pub(super) fn evaluate<'a>(site: &'a Site, name: &'a NodeName, node: &'a Node) -> Evaluated<'a> {
    let facts = Rendered::from_pairs(node.facts.iter().map(|(name, value)| (name.clone(), from_json(value))));
    let groups: Rendered = node.groups.iter().map(String::as_str).map(Rendered::from).collect();
    let inventory =
        Rendered::from_pairs([("name", Rendered::from(name.as_str())), ("groups", groups), ("facts", facts)]);
    let mut evaluated = Evaluated::default();
    for module in node.modules.iter().filter_map(|module| site.module(module.as_str())) {
        let before = evaluated.findings.len();
        let resolved = site.data().resolve(module, (name, node), &mut evaluated.findings);
        if evaluated.findings.len() > before {
            continue;
        }
        for declared in &module.resources {
            let params = std::sync::Arc::clone(&resolved.values);
            let scope = Scope { params, locals: Vec::new(), node: inventory.clone(), live: false };
            let (resolved, schedules) = (&resolved, site.schedules());
            Row { module, node, declared, resolved, schedules, scope, out: &mut evaluated }.all();
        }
    }
    evaluated
}

/// One declared resource on one node, for one turn of its `for_each`.
struct Row<'r, 'a> {
    module: &'a Module,
    node: &'a Node,
    declared: &'a Declared,
    resolved: &'r Resolved,
    schedules: &'r Schedules,
    scope: Scope,
    out: &'r mut Evaluated<'a>,
}

impl<'a> Row<'_, 'a> {
    fn all(&mut self) {
        let Some(each) = &self.declared.for_each else { return self.one() };
        let Some(over) = self.value(&each.over) else { return };
        let span = self.declared.at.clone();
        let fail = |message: &str| {
            Finding::error("wrong-type", message, place(&self.module.file, &span))
                .instead("for example `for_each = \"vhost in vhosts\"`")
        };
        match (over.kind(), each.names.as_slice()) {
            (ValueKind::Seq | ValueKind::Iterable, [name]) => {
                for item in over.try_iter().into_iter().flatten() {
                    self.scope.locals = vec![(name.clone(), item)];
                    self.one();
                }
            }
            (ValueKind::Map, [key, value]) => {
                for name in over.try_iter().into_iter().flatten() {
                    let item = over.get_item(&name).unwrap_or_default();
                    self.scope.locals = vec![(key.clone(), name), (value.clone(), item)];
                    self.one();
                }
            }
            (ValueKind::Map, _) => self.out.findings.push(fail("a table needs two names: `key, value in …`")),
            (ValueKind::Seq | ValueKind::Iterable, _) => {
                self.out.findings.push(fail("a list needs one name: `element in …`"));
            }
            _ => self.out.findings.push(fail("`for_each` needs a list or a table")),
        }
    }

    fn one(&mut self) {
        let mark = self.out.findings.len();
        let when = match self.guard() {
            Some(Guard::Fixed(true)) => None,
            Some(Guard::Live(expr)) => Some(expr),
            Some(Guard::Fixed(false)) | None => return,
        };
        let Some(title) = self.title() else { return };
        let reference = Ref { kind: self.declared.kind, title };
        self.made(&reference, when);
        for finding in &mut self.out.findings[mark..] {
            finding.resource.get_or_insert_with(|| reference.clone());
        }
    }

    fn guard(&mut self) -> Option<Guard> {
        let Some((text, span)) = &self.declared.when else { return Some(Guard::Fixed(true)) };
        let guard = Guard::parse(&text.text, &|name| self.known(name));
        match guard {
            Ok(guard) => Some(guard),
            Err(error) => {
                let at = text.exact.map_or_else(|| span.clone(), |at| at + error.at..at + error.at);
                let finding = Finding::error("bad-guard", error.message, place(&self.module.file, &at));
                self.out.findings.push(finding);
                None
            }
        }
    }

    /// The value of a name in a guard, with the parts of a table behind dots.
    fn known(&self, name: &str) -> Known {
        let mut words = name.split('.');
        let root = words.next().unwrap_or_default();
        let Some(value) = std::sync::Arc::new(self.scope.clone()).lookup(root) else {
            let params = self.module.params.iter().map(|param| param.name.as_str());
            return Known::Unknown(did_you_mean(root, params).map(str::to_owned));
        };
        let found =
            words.try_fold(value, |value, word| value.get_attr(word).ok().filter(|v| !v.is_undefined()));
        match found {
            None => Known::Unknown(None),
            Some(value) => literal(&value).map_or(Known::NotComparable, Known::Value),
        }
    }

    fn title(&mut self) -> Option<String> {
        let item = self.fill(&self.declared.title)?;
        let title = match item.map(|item| item.value) {
            Some(Value::Text(text)) => text.text,
            Some(Value::Integer(number)) => number.to_string(),
            _ => String::new(),
        };
        let fault = if title.is_empty() {
            Some("this title is empty".to_owned())
        } else if title.len() > Limits::STANDARD.title {
            Some(format!("this title has {} bytes; {} at most", title.len(), Limits::STANDARD.title))
        } else {
            let bad = title.chars().find(|c| hidden(*c) || matches!(c, '\n' | '\t'));
            bad.map(|c| format!("this title has the character U+{:04X}", u32::from(c)))
        };
        match fault {
            None => Some(title),
            Some(message) => {
                let at = place(&self.module.file, &self.declared.at);
                self.out.findings.push(Finding::error("bad-title", message, at));
                None
            }
        }
    }

    fn made(&mut self, reference: &Ref, when: Option<Expr>) {
        let mark = self.out.findings.len();
        let meta = Meta { when, ..Meta::of(self.module.name.clone()) };
        let mut said = metaparameters::Said::new(meta, reference.kind, self.schedules, &self.module.file);
        let mut values = BTreeMap::new();
        let mut origins = BTreeMap::new();
        let mut content = None;
        let mut below: Vec<(&'a str, &'a Delivered)> = Vec::new();
        for given in &self.declared.attrs {
            let before = self.out.findings.len();
            let typed = self.typed(given);
            let mut origin = self.origin(given);
            if let Some(typed) = &typed {
                match (given.attr.shape, typed) {
                    (Shape::Template, Typed::Text(name)) => content = self.template(name, given, &mut origin),
                    (Shape::Source, Typed::Texts(names)) => match folder::first(self.module, given, names) {
                        Ok(folder::Found::File(file)) => {
                            self.out.blobs.insert(file.digest, &file.bytes);
                            content = Some(folder::content(file));
                            origin.point_at(file);
                        }
                        Ok(folder::Found::Folder(files)) => below = files,
                        Err(finding) => self.out.findings.push(*finding),
                    },
                    (_, Typed::Content(text)) => content = Some(text.clone()),
                    _ => {}
                }
            }
            for finding in &mut self.out.findings[before..] {
                finding.related.extend(origin.via.iter().cloned());
            }
            origins.insert(given.attr.name.to_owned(), origin);
            if let Some(typed) = typed {
                if META_ATTRS.iter().any(|attr| attr.name == given.attr.name) {
                    said.set(given.attr.name, typed, &given.span, &mut self.out.findings);
                } else {
                    values.insert(given.attr.name, (typed, given.span.clone()));
                }
            }
        }
        if self.out.findings.len() > mark {
            return;
        }
        let (kind, title, at) = (reference.kind, reference.title.as_str(), self.declared.at.clone());
        let findings = &mut self.out.findings;
        let mut attrs = Attrs { kind, title, file: &self.module.file, at, values, findings };
        let mode = attrs.text("mode");
        let spec = fixed::built(&mut attrs, content);
        let origin = Origin { declared: place(&self.module.file, &self.declared.at), attrs: origins };
        let Some(spec) = spec else { return };
        for (_, file) in &below {
            self.out.blobs.insert(file.digest, &file.bytes);
        }
        let (meta, alias) = (said.meta, said.alias);
        let implied = folder::expand((&spec, mode), &meta, &origin, &below);
        let resource = Resource { title: reference.title.clone(), spec, meta };
        self.out.made.push(Made { resource, origin, implied: false, alias });
        self.out.made.extend(implied);
    }

    fn typed(&mut self, given: &Given) -> Option<Typed> {
        if let Some(typed) = &given.typed {
            return Some(typed.clone());
        }
        let item = self.fill(&given.value)??;
        Shaping { attr: given.attr, file: &self.module.file, findings: &mut self.out.findings }.typed(&item)
    }

    /// The content that a template makes.
    fn template(&mut self, name: &str, given: &Given, origin: &mut AttrOrigin) -> Option<Content> {
        let source = self.module.templates.source(name)?;
        let used =
            Related { place: place(&self.module.file, &given.inner.0), message: "used here".to_owned() };
        origin.via.insert(0, used);
        origin.place = source.place(None);
        origin.literal = source.plain;
        let scope = Scope { live: true, ..self.scope.clone() };
        let text = match self.module.templates.render(name, scope) {
            Ok(text) => text,
            Err(finding) => {
                self.out.findings.push(*finding);
                return None;
            }
        };
        match parts(&text) {
            Some(parts) if parts.iter().any(|part| !matches!(part, Part::Text(_))) => {
                Some(Content::Parts(parts))
            }
            Some(_) => Some(Content::Text(text.into())),
            None => {
                let message = "this makes the character U+0000";
                self.out.findings.push(Finding::error("hidden-character", message, source.place(None)));
                None
            }
        }
    }

    fn origin(&self, given: &Given) -> AttrOrigin {
        let mut via: Vec<Related> = Vec::new();
        for name in &given.sources {
            let each = self.declared.for_each.as_ref().filter(|each| each.names.contains(name));
            let names: &[String] = each.map_or(std::slice::from_ref(name), |each| &each.sources);
            for name in names {
                if name == "node" {
                    let message = "the node's inventory is here".to_owned();
                    via.push(Related { place: self.node.place.clone(), message });
                }
                via.extend(self.resolved.origins.get(name).into_iter().flatten().cloned());
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        via.retain(|related| seen.insert(related.place.clone()));
        AttrOrigin {
            place: place(&self.module.file, &given.inner.0),
            via,
            literal: given.inner.1,
            items: given.items.iter().map(|span| place(&self.module.file, span)).collect(),
        }
    }

    /// A value with its templates rendered: `None` after a finding, `Some(None)` for a value that is not there.
    #[expect(clippy::option_option, reason = "failed, absent and present are three things")]
    fn fill(&mut self, prepared: &Prepared) -> Option<Option<Item>> {
        match prepared {
            Prepared::Fixed(item) => Some(Some(item.clone())),
            Prepared::Template { whole: true, span, .. } => {
                let value = self.value(prepared)?;
                match from_rendered(&value, span) {
                    Ok(item) => Some(item),
                    Err(message) => {
                        let at = place(&self.module.file, span);
                        self.out.findings.push(Finding::error("wrong-type", message, at));
                        None
                    }
                }
            }
            Prepared::Template { name, span, .. } => {
                let scope = Scope { live: true, ..self.scope.clone() };
                let rendered = self.module.templates.render(name, scope);
                let text = rendered.map_err(|finding| self.out.findings.push(*finding)).ok()?;
                let value = Value::Text(Text { text, exact: None });
                Some(Some(Item { value, span: span.clone() }))
            }
            Prepared::List(items, span) => {
                let items: Vec<Option<Option<Item>>> = items.iter().map(|item| self.fill(item)).collect();
                let items: Option<Vec<Option<Item>>> = items.into_iter().collect();
                let value = Value::List(items?.into_iter().flatten().collect());
                Some(Some(Item { value, span: span.clone() }))
            }
            Prepared::Table(table, span) => {
                let mut filled = Vec::with_capacity(table.len());
                for (key, item) in table {
                    filled.extend(self.fill(item)?.map(|item| (key.clone(), item)));
                }
                Some(Some(Item { value: Value::Table(filled), span: span.clone() }))
            }
        }
    }

    fn value(&mut self, prepared: &Prepared) -> Option<Rendered> {
        match prepared {
            Prepared::Template { name, whole: true, .. } => {
                let value = self.module.templates.evaluate(name, self.scope.clone());
                value.map_err(|finding| self.out.findings.push(*finding)).ok()
            }
            Prepared::Fixed(_) | Prepared::Template { .. } | Prepared::List(..) | Prepared::Table(..) => None,
        }
    }
}
