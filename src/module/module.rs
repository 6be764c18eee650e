//! A module read from its file: parameters, resources not yet filled in, templates, files.
//!
//! Everything that can be checked without knowing a node is checked here, once, whether or not any
//! node includes the module.

use super::declared::{self, Declared};
use super::document::{Document, Item, Key, Table, Value, place, text_of};
use super::fields::{Fields, unknown, wrong_type};
use super::fixed;
use super::form;
use super::limits::Limits;
use super::param::{self, Param, ParamKind};
use super::template::{Source, Templates};
use crate::model::{Digest, Finding, Kind, ModuleName, Place, Tree};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A module.
#[derive(Debug)]
pub(super) struct Module {
    /// Its name.
    pub(super) name: ModuleName,
    /// Its `module.toml`.
    pub(super) file: Arc<str>,
    /// Its parameters.
    pub(super) params: Vec<Param>,
    /// Its resources in the order of the file.
    pub(super) resources: Vec<Declared>,
    /// Its templates, those inside attributes included.
    pub(super) templates: Templates,
    /// What is below its `files/`, by the path below it.
    pub(super) files: BTreeMap<String, Delivered>,
}

/// A file that is delivered as it is.
#[derive(Debug)]
pub(super) struct Delivered {
    /// Its path in the site.
    pub(super) path: String,
    /// The digest of its bytes.
    pub(super) digest: Digest,
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
}

impl Module {
    /// Its file as a whole.
    pub(super) fn place(&self) -> Place {
        Place::file(&*self.file)
    }
}

/// One `[type."title"]` table.
pub(super) struct Entry<'a> {
    /// The type.
    pub(super) kind: Kind,
    /// The title.
    pub(super) key: &'a Key,
    /// What is below it.
    pub(super) table: &'a Table,
}

/// Reads the module `name` out of its file and the folders beside it.
pub(super) fn load(
    tree: &Tree,
    name: &ModuleName,
    document: &Document,
    findings: &mut Vec<Finding>,
) -> Module {
    let file = &document.file;
    let entries = entries(document, findings);
    let params = params(document, findings);
    // A parameter whose declaration is broken is still known by name: one mistake, one finding.
    let names = param_names(document);
    let locals: BTreeSet<String> = entries.iter().flat_map(|entry| declared::locals(entry.table)).collect();
    let secrets = params.iter().filter(|param| param.kind == ParamKind::Secret);
    let mut templates = Templates::new(secrets.map(|param| param.name.clone()).collect());
    let known: BTreeSet<&str> = names.iter().chain(&locals).map(String::as_str).collect();
    add_templates(tree, name, &known, &mut templates, findings);
    let files = files(tree, name, findings);
    let mut resources = Vec::new();
    {
        let mut reader = declared::Reader { file, names: &names, templates: &mut templates, findings };
        for entry in &entries {
            resources.push(reader.read(entry));
        }
    }
    templates.finish(findings);
    for resource in &mut resources {
        resource.settle(&templates);
    }
    let module = Module { name: name.clone(), file: Arc::clone(file), params, resources, templates, files };
    fixed::check(&module, findings);
    module
}

/// The names that every text of the module may use.
fn param_names(document: &Document) -> BTreeSet<String> {
    let params = document.root.iter().find(|(key, _)| key.name == "params").map(|(_, item)| &item.value);
    let Some(Value::Table(table)) = params else { return BTreeSet::from(["node".to_owned()]) };
    table.iter().map(|(key, _)| key.name.clone()).chain(["node".to_owned()]).collect()
}

fn entries<'a>(document: &'a Document, findings: &mut Vec<Finding>) -> Vec<Entry<'a>> {
    let file = &*document.file;
    let mut entries = Vec::new();
    for (key, item) in &document.root {
        if key.name == "params" {
            continue;
        }
        if key.name == "description" {
            if !matches!(item.value, Value::Text(_) | Value::Broken) {
                findings.push(wrong_type("description", "text", &item.value, place(file, &item.span)));
            }
            continue;
        }
        let Some(kind) = Kind::named(&key.name) else {
            let known =
                Kind::ALL.iter().map(|kind| kind.name()).chain(form::MODULE.iter().map(|field| field.name));
            findings.push(unknown("type", key, file, known));
            continue;
        };
        for (title, item) in table_of(&key.name, item, file, findings) {
            match &item.value {
                Value::Table(table) => entries.push(Entry { kind, key: title, table }),
                Value::Broken => {}
                other => {
                    let finding = wrong_type(&title.name, "a table", other, place(file, &item.span));
                    findings
                        .push(finding.instead(format!("write `[{kind}.\"title\"]` and attributes below it")));
                }
            }
        }
    }
    // The file groups tables by type in whatever order its author likes; document order is that of the titles.
    entries.sort_by_key(|entry| entry.key.span.start);
    entries
}

fn table_of<'a>(name: &str, item: &'a Item, file: &str, findings: &mut Vec<Finding>) -> &'a [(Key, Item)] {
    match &item.value {
        Value::Table(table) => table,
        Value::Broken => &[],
        other => {
            findings.push(wrong_type(name, "a table", other, place(file, &item.span)));
            &[]
        }
    }
}

fn params(document: &Document, findings: &mut Vec<Finding>) -> Vec<Param> {
    let only: Table = document.root.iter().filter(|(key, _)| key.name == "params").cloned().collect();
    let fields = Fields::of(&document.file, &only, form::MODULE, findings);
    let table = fields.table("params", findings);
    table.iter().filter_map(|(key, item)| param::read(&document.file, key, item, findings)).collect()
}

fn add_templates(
    tree: &Tree,
    module: &ModuleName,
    known: &BTreeSet<&str>,
    templates: &mut Templates,
    findings: &mut Vec<Finding>,
) {
    let folder = format!("modules/{module}/templates/");
    for (path, bytes) in tree.below(&folder) {
        let Some(text) = text_of(path, bytes, Limits::STANDARD.template, findings) else { continue };
        if let Some(at) = text.find('\0') {
            let message = "this template has the hidden character U+0000";
            findings.push(Finding::error("hidden-character", message, Place::new(path, at, at + 1)));
            continue;
        }
        let source = Source::new(&path.into(), 0..text.len(), Some(0));
        templates.add(&path[folder.len()..], text, source, known, findings);
    }
}

fn files(tree: &Tree, module: &ModuleName, findings: &mut Vec<Finding>) -> BTreeMap<String, Delivered> {
    let folder = format!("modules/{module}/files/");
    let mut files = BTreeMap::new();
    for (path, bytes) in tree.below(&folder) {
        if bytes.len() > Limits::STANDARD.file {
            let message = format!("this file has {} bytes; {} at most", bytes.len(), Limits::STANDARD.file);
            findings.push(Finding::error("too-large", message, Place::file(path)));
            continue;
        }
        let delivered = Delivered { path: path.to_owned(), digest: Digest::of(bytes), bytes: bytes.to_vec() };
        files.insert(path[folder.len()..].to_owned(), delivered);
    }
    files
}
