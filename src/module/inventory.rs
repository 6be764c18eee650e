//! `countersign.toml` and `nodes/*.toml`: the site's name, its groups, its nodes and their reviewed facts.

use super::document::{self, Document, Item, Key, Keys, Value, place};
use super::fields::{Fields, unknown_name, wrong_type};
use super::form;
use super::safety::{self, Declared};
use super::schedules::{Schedules, schedules};
use crate::model::safety::Budget;
use crate::model::{EnvName, Finding, ModuleName, NodeName, Place, SealingKey, Tree};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// The path of the file that makes a folder a site.
pub(super) const SITE_FILE: &str = "countersign.toml";

/// A group of nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The modules that its nodes include, in order.
    pub include: Vec<ModuleName>,
    /// One sentence for readers.
    pub description: String,
    /// A stricter budget for the runs of its nodes.
    pub budget: Option<Budget>,
    /// Where it is declared.
    pub place: Place,
}

/// A node as the inventory has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The groups that it is in; data of a later one overrides data of an earlier one.
    pub groups: Vec<String>,
    /// All modules that it includes, by default, through its groups and by itself, in that order.
    pub modules: Vec<ModuleName>,
    /// The facts that reviewers have agreed to, `node.facts` in templates.
    pub facts: serde_json::Map<String, Json>,
    /// The key that secrets are sealed to, as reviewers have agreed to it.
    pub sealing_key: Option<SealingKey>,
    /// The file that declares it.
    pub place: Place,
}

/// What the site's own file and its node files say.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    pub(super) name: String,
    pub(super) environments: Vec<EnvName>,
    pub(super) defaults: Vec<ModuleName>,
    pub(super) groups: BTreeMap<String, Group>,
    pub(super) nodes: BTreeMap<NodeName, Node>,
    pub(super) budget: Option<Budget>,
    pub(super) health: Vec<Declared>,
    pub(super) schedules: Schedules,
}

/// Reads the inventory; `modules` are the names of all modules.
pub(super) fn load(tree: &Tree, modules: &BTreeSet<ModuleName>, findings: &mut Vec<Finding>) -> Inventory {
    let mut inventory = Inventory::default();
    if tree.get(SITE_FILE).is_none() {
        let finding = Finding::error("no-site", "there is no `countersign.toml`", Place::file(SITE_FILE));
        findings.push(finding.instead("run `countersign site new DIR` for a new site"));
    }
    if let Some(document) = document::read(tree, SITE_FILE, Keys::Plain, findings) {
        site_file(&document, modules, &mut inventory, findings);
    }
    for (path, _) in tree.below("nodes/") {
        node_file(tree, path, modules, &mut inventory, findings);
    }
    inventory
}

fn site_file(
    document: &Document,
    modules: &BTreeSet<ModuleName>,
    inventory: &mut Inventory,
    findings: &mut Vec<Finding>,
) {
    let file = &*document.file;
    let fields = Fields::of(file, &document.root, form::SITE, findings);
    match fields.text("name", findings) {
        Some((text, _)) => inventory.name.clone_from(&text.text),
        None if fields.item("name").is_none() => {
            let finding = Finding::error("missing-key", "the site has no `name`", Place::file(file));
            findings.push(finding.instead("add `name = \"example\"` at the top"));
        }
        None => {}
    }
    for (name, span) in fields.texts("environments", findings) {
        match name.parse::<EnvName>() {
            Ok(environment) => inventory.environments.push(environment),
            Err(error) => findings.push(Finding::error("bad-name", error.to_string(), place(file, &span))),
        }
    }
    if inventory.environments.is_empty() {
        inventory.environments.extend("production".parse::<EnvName>());
    }
    if let Some(Item { value: Value::Table(table), .. }) = fields.item("defaults") {
        let fields = Fields::of(file, table, form::DEFAULTS, findings);
        inventory.defaults = includes(&fields, file, modules, findings);
    } else {
        fields.table("defaults", findings);
    }
    for (key, item) in fields.table("groups", findings) {
        if let Some(group) = group(file, key, item, modules, findings) {
            inventory.groups.insert(key.name.clone(), group);
        }
    }
    inventory.budget = safety::budget(&fields, file, findings);
    inventory.schedules = schedules(&fields, file, findings);
    inventory.health = safety::health(&fields, (file, &*inventory), findings);
}

fn group(
    file: &str,
    key: &Key,
    item: &Item,
    modules: &BTreeSet<ModuleName>,
    findings: &mut Vec<Finding>,
) -> Option<Group> {
    // A group has the form of a module's name, so that `data/group/<group>.toml` is always a plain path.
    if key.name.parse::<ModuleName>().is_err() {
        let message = format!("`{}` is no name of a group", key.name.escape_default());
        let finding = Finding::error("bad-name", message, place(file, &key.span));
        findings.push(finding.instead("use a-z, 0-9, `_` and `-`, starting with a letter"));
        return None;
    }
    let Value::Table(table) = &item.value else {
        findings.push(wrong_type(&key.name, "a table", &item.value, place(file, &item.span)));
        return None;
    };
    let fields = Fields::of(file, table, form::GROUP, findings);
    Some(Group {
        include: includes(&fields, file, modules, findings),
        description: fields.text("description", findings).map(|(t, _)| t.text.clone()).unwrap_or_default(),
        budget: safety::budget(&fields, file, findings),
        place: place(file, &key.span),
    })
}

fn includes(
    fields: &Fields<'_>,
    file: &str,
    modules: &BTreeSet<ModuleName>,
    findings: &mut Vec<Finding>,
) -> Vec<ModuleName> {
    let mut included = Vec::new();
    for (name, span) in fields.texts("include", findings) {
        match modules.get(name.as_str()) {
            Some(module) if included.contains(module) => {
                let message = format!("`{name}` is included twice");
                findings.push(Finding::error("repeated", message, place(file, &span)).instead("remove one"));
            }
            Some(module) => included.push(module.clone()),
            None => {
                let known = modules.iter().map(ModuleName::as_str);
                findings.push(unknown_name("module", &name, place(file, &span), known));
            }
        }
    }
    included
}

fn node_file(
    tree: &Tree,
    path: &str,
    modules: &BTreeSet<ModuleName>,
    inventory: &mut Inventory,
    findings: &mut Vec<Finding>,
) {
    let name = path.strip_suffix(".toml").and_then(|path| path.strip_prefix("nodes/"));
    let name = match name.map(str::parse::<NodeName>) {
        Some(Ok(name)) => name,
        Some(Err(error)) => {
            findings.push(Finding::error("bad-name", error.to_string(), Place::file(path)));
            return;
        }
        None => {
            let finding = Finding::error("unknown-file", "only node files belong here", Place::file(path));
            findings.push(finding.instead("name it `nodes/<node>.toml`, or move it"));
            return;
        }
    };
    let mut node = Node {
        groups: Vec::new(),
        modules: Vec::new(),
        facts: serde_json::Map::new(),
        sealing_key: None,
        place: Place::file(path),
    };
    if let Some(document) = document::read(tree, path, Keys::Plain, findings) {
        let fields = Fields::of(path, &document.root, form::NODE, findings);
        fields.text("description", findings);
        node.groups = groups(&fields, path, inventory, findings);
        let own = includes(&fields, path, modules, findings);
        node.modules = all_modules(inventory, &node.groups, own);
        node.facts = fields
            .table("facts", findings)
            .iter()
            .map(|(key, item)| (key.name.clone(), json(&item.value)))
            .collect();
        node.sealing_key = sealing_key(&fields, path, findings);
    }
    inventory.nodes.insert(name, node);
}

fn sealing_key(fields: &Fields<'_>, file: &str, findings: &mut Vec<Finding>) -> Option<SealingKey> {
    let (text, span) = fields.text("sealing_key", findings)?;
    let key = text.text.parse::<SealingKey>();
    if let Err(error) = &key {
        let finding = Finding::error("bad-value", error.to_string(), place(file, &span));
        findings.push(finding.instead("what `countersign agent sealing-key` prints on the node"));
    }
    key.ok()
}

fn groups(
    fields: &Fields<'_>,
    file: &str,
    inventory: &Inventory,
    findings: &mut Vec<Finding>,
) -> Vec<String> {
    let mut groups: Vec<String> = Vec::new();
    for (name, span) in fields.texts("groups", findings) {
        if !inventory.groups.contains_key(&name) {
            let known = inventory.groups.keys().map(String::as_str);
            let finding = unknown_name("group", &name, place(file, &span), known);
            findings
                .push(finding.related(Place::file(SITE_FILE), "groups are declared here, in `[groups.…]`"));
        } else if groups.contains(&name) {
            let message = format!("this node is in `{name}` twice");
            findings.push(Finding::error("repeated", message, place(file, &span)).instead("remove one"));
        } else {
            groups.push(name);
        }
    }
    groups
}

fn all_modules(inventory: &Inventory, groups: &[String], own: Vec<ModuleName>) -> Vec<ModuleName> {
    let through = groups.iter().filter_map(|group| inventory.groups.get(group)).flat_map(|g| &g.include);
    let mut seen = BTreeSet::new();
    let all = inventory.defaults.iter().chain(through).cloned().chain(own);
    all.filter(|module| seen.insert(module.clone())).collect()
}

fn json(value: &Value) -> Json {
    match value {
        Value::Text(text) => Json::from(text.text.as_str()),
        Value::Integer(number) => Json::from(*number),
        Value::Bool(value) => Json::from(*value),
        Value::List(items) => items.iter().map(|item| json(&item.value)).collect(),
        Value::Table(table) => {
            Json::Object(table.iter().map(|(key, item)| (key.name.clone(), json(&item.value))).collect())
        }
        Value::Broken => Json::Null,
    }
}
