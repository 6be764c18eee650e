//! Data: the values of parameters, in files of rising precedence, and which of them a node gets.

use super::convert::to_rendered;
use super::document::{self, Item, Keys, Value, place};
use super::fields::{unknown, wrong_type};
use super::inventory::{Inventory, Node};
use super::module::Module;
use super::param::{Merge, Param, ParamKind};
use super::secrets::{self, Secrets};
use crate::model::{Finding, ModuleName, NodeName, Place, Related, SecretName, Tree};
use minijinja::Value as Rendered;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The values of all data files.
#[derive(Debug, Default)]
pub(super) struct Data {
    values: BTreeMap<Layer, BTreeMap<(ModuleName, String), Datum>>,
    secrets: Secrets,
}

/// A data file, in rising precedence within one node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Layer {
    /// `data/common.toml`.
    Common,
    /// `data/group/<group>.toml`.
    Group(String),
    /// `data/node/<node>.toml`.
    Node(NodeName),
}

/// A value of a data file.
#[derive(Debug)]
pub(super) struct Datum {
    /// The value.
    pub(super) item: Item,
    /// Where it stands.
    pub(super) place: Place,
    rendered: Rendered,
}

/// The parameters of a module as one node has them.
#[derive(Debug, Clone)]
pub(super) struct Resolved {
    /// The values.
    pub(super) values: Arc<BTreeMap<String, Rendered>>,
    /// Where each comes from.
    pub(super) origins: BTreeMap<String, Vec<Related>>,
}

impl Layer {
    /// The path of its file.
    pub(super) fn path(&self) -> String {
        match self {
            Self::Common => "data/common.toml".to_owned(),
            Self::Group(group) => format!("data/group/{group}.toml"),
            Self::Node(node) => format!("data/node/{node}.toml"),
        }
    }
}

/// Reads all data files.
pub(super) fn load(
    tree: &Tree,
    inventory: &Inventory,
    modules: &BTreeMap<ModuleName, Option<Module>>,
    findings: &mut Vec<Finding>,
) -> Data {
    let secrets = secrets::load(tree, inventory, findings);
    let mut data = Data { values: BTreeMap::new(), secrets };
    for (path, _) in tree.below("data/").filter(|(path, _)| !path.starts_with(secrets::DATA)) {
        let Some(layer) = layer(path, inventory, findings) else { continue };
        let Some(document) = document::read(tree, path, Keys::Plain, findings) else { continue };
        let values = data.values.entry(layer).or_default();
        for (key, item) in &document.root {
            let Some((name, module)) = modules.get_key_value(key.name.as_str()) else {
                let known = modules.keys().map(ModuleName::as_str);
                findings.push(unknown("module", key, path, known));
                continue;
            };
            let Value::Table(table) = &item.value else {
                if item.value != Value::Broken {
                    let at = place(path, &item.span);
                    let finding = wrong_type(&key.name, "a table", &item.value, at);
                    findings.push(finding.instead(format!("write `{}.<parameter> = …`", key.name)));
                }
                continue;
            };
            let Some(module) = module else { continue };
            for (key, item) in table {
                let Some(param) = module.params.iter().find(|param| param.name == key.name) else {
                    let known = module.params.iter().map(|param| param.name.as_str());
                    findings.push(
                        unknown("parameter", key, path, known).related(module.place(), "of this module"),
                    );
                    continue;
                };
                if param.check(item, path, findings) {
                    let at = place(path, &item.span);
                    let datum = Datum { item: item.clone(), place: at, rendered: to_rendered(item) };
                    values.insert((name.clone(), key.name.clone()), datum);
                }
            }
        }
    }
    data
}

fn layer(path: &str, inventory: &Inventory, findings: &mut Vec<Finding>) -> Option<Layer> {
    let known = || {
        let groups = inventory.groups.keys().map(|group| format!("data/group/{group}.toml"));
        let nodes = inventory.nodes.keys().map(|node| format!("data/node/{node}.toml"));
        std::iter::once("data/common.toml".to_owned()).chain(groups).chain(nodes)
    };
    let layer = match path.strip_suffix(".toml").and_then(|path| path.strip_prefix("data/")) {
        Some("common") => Some(Layer::Common),
        Some(rest) => match rest.split_once('/') {
            Some(("group", group)) if inventory.groups.contains_key(group) => {
                Some(Layer::Group(group.to_owned()))
            }
            Some(("node", node)) => {
                inventory.nodes.get_key_value(node).map(|(node, _)| Layer::Node(node.clone()))
            }
            _ => None,
        },
        None => None,
    };
    if layer.is_none() {
        let all: Vec<String> = known().collect();
        let near = crate::model::finding::did_you_mean(path, all.iter().map(String::as_str));
        let message = "no node reads this data file";
        let finding = Finding::error("unknown-data", message, Place::file(path));
        let forms = "data files are `data/common.toml`, `data/group/<group>.toml`, `data/node/<node>.toml` and `data/secrets/<secret>.toml`";
        findings.push(
            finding.instead(near.map_or_else(|| forms.into(), |near| format!("did you mean `{near}`?"))),
        );
    }
    layer
}

impl Data {
    /// The layers of a node, lowest precedence first.
    pub(super) fn layers(name: &NodeName, node: &Node) -> Vec<Layer> {
        let groups = node.groups.iter().map(|group| Layer::Group(group.clone()));
        std::iter::once(Layer::Common).chain(groups).chain([Layer::Node(name.clone())]).collect()
    }

    /// The value of `param` of `module` in `layer`.
    pub(super) fn get(&self, layer: &Layer, module: &ModuleName, param: &str) -> Option<&Datum> {
        self.values.get(layer)?.get(&(module.clone(), param.to_owned()))
    }

    /// The sealed values.
    pub(super) const fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// The secret that `param` of `module` names on a node.
    pub(super) fn secret_of(
        &self,
        module: &Module,
        param: &Param,
        (name, node): (&NodeName, &Node),
    ) -> Option<SecretName> {
        let layers = Self::layers(name, node);
        let found: Vec<&Datum> =
            layers.iter().filter_map(|layer| self.get(layer, &module.name, &param.name)).collect();
        value(param, &found).0?.as_str()?.parse().ok()
    }

    /// All parameters of `module` for a node; what is missing goes to `findings`.
    pub(super) fn resolve(
        &self,
        module: &Module,
        (name, node): (&NodeName, &Node),
        findings: &mut Vec<Finding>,
    ) -> Resolved {
        let layers = Self::layers(name, node);
        let mut values = BTreeMap::new();
        let mut origins = BTreeMap::new();
        for param in &module.params {
            let key = format!("{}.{}", module.name, param.name);
            let found: Vec<&Datum> =
                layers.iter().filter_map(|layer| self.get(layer, &module.name, &param.name)).collect();
            let (value, places) = self::value(param, &found);
            match value {
                Some(value) if param.kind == ParamKind::Secret => {
                    let at = places.last().unwrap_or(&param.place);
                    match self.secrets.slot(&value, (name, node), at) {
                        Ok(slot) => drop(values.insert(param.name.clone(), slot)),
                        Err(finding) => findings.push(*finding),
                    }
                }
                Some(value) => drop(values.insert(param.name.clone(), value)),
                None => {
                    let message = format!("this node has no value for `{key}`");
                    let place = param.place.clone();
                    findings.push(Finding::error("missing-data", message, place).instead(format!(
                        "set it in `data/common.toml`, `data/group/<group>.toml` or `data/node/{name}.toml`"
                    )));
                    continue;
                }
            }
            let related = |place| Related { place, message: format!("`{key}` comes from here") };
            origins.insert(param.name.clone(), places.into_iter().map(related).collect());
        }
        Resolved { values: Arc::new(values), origins }
    }
}

fn value(param: &Param, found: &[&Datum]) -> (Option<Rendered>, Vec<Place>) {
    match (param.merge, found) {
        (_, []) => {
            let default = param.default.as_ref().map(to_rendered);
            let value = default.or_else(|| param.optional.then(|| Rendered::from(())));
            (value, vec![param.place.clone()])
        }
        (Merge::Replace, [.., last]) => (Some(last.rendered.clone()), vec![last.place.clone()]),
        (Merge::Join, found) => {
            let places = found.iter().map(|datum| datum.place.clone()).collect();
            (Some(to_rendered(&joined(found.iter().map(|datum| &datum.item)))), places)
        }
    }
}

/// Lists one after the other, tables key by key, the later one winning.
pub(super) fn joined<'a>(items: impl Iterator<Item = &'a Item>) -> Item {
    let mut all = Item { value: Value::Broken, span: 0..0 };
    for item in items {
        match (&mut all.value, &item.value) {
            (Value::List(list), Value::List(more)) => {
                for item in more.iter().filter(|item| !matches!(item.value, Value::Broken)) {
                    list.push(item.clone());
                }
            }
            (Value::Table(table), Value::Table(more)) => {
                for (key, item) in more {
                    table.retain(|(old, _)| old.name != key.name);
                    table.push((key.clone(), item.clone()));
                }
            }
            _ => all = item.clone(),
        }
    }
    all
}
