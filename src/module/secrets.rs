//! `data/secrets/`: sealed values, a file for each secret with an entry for each node; and which of them nodes need.
//!
//! Nothing here can open one.

use super::convert::marker;
use super::document::{self, Item, Key, Keys, Value, place};
use super::fields::{Fields, wrong_type};
use super::inventory::{Inventory, Node};
use super::param::ParamKind;
use super::{Site, form};
use crate::model::{Digest, Finding, NodeName, Place, Sealed, SecretName, Tree, secret};
use minijinja::Value as Rendered;
use std::collections::{BTreeMap, BTreeSet};

pub(super) use crate::model::secret::DATA;

/// The sealed values of a site.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    site: String,
    values: BTreeMap<SecretName, Values>,
}

/// The values of one secret.
#[derive(Debug)]
struct Values {
    /// The site that they were sealed for.
    site: String,
    nodes: BTreeMap<NodeName, Entry>,
}

/// One value for one node.
#[derive(Debug)]
struct Entry {
    key: Digest,
    text: String,
}

/// A secret that a node needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    /// The secret.
    pub secret: SecretName,
    /// The node.
    pub node: NodeName,
    /// Whether the node can open it.
    pub seal: Seal,
}

/// Whether a node can open a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seal {
    /// It is sealed to the node's key.
    Current,
    /// It is sealed to a key that is not the node's, or not any more, or for a site of another name.
    Old,
    /// It is not sealed for the node.
    Missing,
    /// The inventory has no key of the node.
    NoKey,
}

/// Reads all files below `data/secrets/`.
pub(super) fn load(tree: &Tree, inventory: &Inventory, findings: &mut Vec<Finding>) -> Secrets {
    let mut secrets = Secrets { site: inventory.name.clone(), values: BTreeMap::new() };
    for (path, _) in tree.below(DATA) {
        let Some(name) = secret::of_data_file(path) else {
            let finding = Finding::error("unknown-file", "only sealed values belong here", Place::file(path));
            findings.push(finding.instead("`countersign secret seal NAME` writes `data/secrets/NAME.toml`"));
            continue;
        };
        let Some(document) = document::read(tree, path, Keys::Plain, findings) else { continue };
        let fields = Fields::of(path, &document.root, form::SECRET, findings);
        let site = fields.text("site", findings).map(|(site, _)| site.text.clone()).unwrap_or_default();
        let mut nodes = BTreeMap::new();
        for (key, item) in fields.table("node", findings) {
            nodes.extend(entry(path, (key, item), findings));
        }
        secrets.values.insert(name, Values { site, nodes });
    }
    secrets
}

fn entry(file: &str, (key, item): (&Key, &Item), findings: &mut Vec<Finding>) -> Option<(NodeName, Entry)> {
    let node = key.name.parse::<NodeName>();
    if let Err(error) = &node {
        findings.push(Finding::error("bad-name", error.to_string(), place(file, &key.span)));
    }
    let Value::Table(table) = &item.value else {
        findings.push(wrong_type(&key.name, "a table", &item.value, place(file, &item.span)));
        return None;
    };
    let fields = Fields::of(file, table, form::SEALED, findings);
    let (id, text) = (fields.text("key", findings), fields.text("sealed", findings));
    let id = id.and_then(|(id, _)| id.text.parse::<Digest>().ok());
    let text = text.filter(|(text, _)| secret::has_form(&text.text));
    let (Some(id), Some((text, _))) = (id, text) else {
        let finding = Finding::error("bad-value", "this is no sealed value", place(file, &key.span));
        findings.push(finding.instead("do not write it by hand: `countersign secret seal NAME`"));
        return None;
    };
    Some((node.ok()?, Entry { key: id, text: text.text.clone() }))
}

/// What seals a secret again.
fn command(secret: &SecretName) -> String {
    format!("countersign secret seal {secret}")
}

impl Secrets {
    /// What stands for a secret on a node while templates are rendered. `name` is the value of the parameter,
    /// which stands at `at`.
    ///
    /// # Errors
    /// When the node could not open it.
    pub(super) fn slot(
        &self,
        name: &Rendered,
        (node, inventory): (&NodeName, &Node),
        at: &Place,
    ) -> Result<Rendered, Box<Finding>> {
        let fail = |rule: &str, message: String, at: &Place, instead: String| {
            Err(Box::new(Finding::error(rule, message, at.clone()).instead(instead)))
        };
        let Some(name) = name.as_str().and_then(|name| name.parse::<SecretName>().ok()) else {
            return fail("bad-value", "this is no name of a secret".into(), at, String::new());
        };
        match (self.seal(&name, node, inventory), self.entry(&name, node)) {
            (Seal::Current, Some(entry)) => Ok(marker(&Sealed {
                site: self.site.clone(),
                secret: name,
                node: node.clone(),
                key: entry.key,
                text: entry.text.clone(),
            })),
            (Seal::NoKey, _) => fail(
                "no-sealing-key",
                format!("this node has no `sealing_key`, and needs the secret `{name}`"),
                &inventory.place,
                "put the line that `countersign agent sealing-key` prints on the node into its node file"
                    .into(),
            ),
            (Seal::Old, _) => fail(
                "stale-secret",
                format!("the secret `{name}` is not sealed to the key that this node has now"),
                at,
                command(&name),
            ),
            (Seal::Missing | Seal::Current, _) => fail(
                "unsealed-secret",
                format!("the secret `{name}` is not sealed for this node"),
                at,
                command(&name),
            ),
        }
    }

    fn entry(&self, secret: &SecretName, node: &NodeName) -> Option<&Entry> {
        self.values.get(secret)?.nodes.get(node)
    }

    fn seal(&self, secret: &SecretName, node: &NodeName, inventory: &Node) -> Seal {
        let here = self.values.get(secret).is_some_and(|values| values.site == self.site);
        match (inventory.sealing_key, self.entry(secret, node)) {
            (None, _) => Seal::NoKey,
            (Some(_), None) => Seal::Missing,
            (Some(key), Some(entry)) if key.id() == entry.key && here => Seal::Current,
            (Some(_), Some(_)) => Seal::Old,
        }
    }

    /// The secrets of which there are values, each with each node that has one, ascending.
    fn all(&self) -> impl Iterator<Item = (&SecretName, &NodeName)> {
        self.values.iter().flat_map(|(name, values)| values.nodes.keys().map(move |node| (name, node)))
    }
}

impl Site {
    /// The secrets that nodes need, ascending, and whether they can open them.
    #[must_use]
    pub fn needed_secrets(&self) -> Vec<Need> {
        let mut needs = Vec::new();
        for (node, inventory) in self.nodes() {
            for module in inventory.modules.iter().filter_map(|name| self.module(name.as_str())) {
                for param in module.params.iter().filter(|param| param.kind == ParamKind::Secret) {
                    let Some(secret) = self.data().secret_of(module, param, (node, inventory)) else {
                        continue;
                    };
                    let seal = self.data().secrets().seal(&secret, node, inventory);
                    needs.push(Need { secret, node: node.clone(), seal });
                }
            }
        }
        needs.sort();
        needs.dedup();
        needs
    }

    /// Sealed values that no node needs.
    #[must_use]
    pub fn needless_secrets(&self) -> Vec<(SecretName, NodeName)> {
        let mut all = self.data().secrets().all().peekable();
        if all.peek().is_none() {
            return Vec::new();
        }
        let needs = self.needed_secrets();
        let needed: BTreeSet<(&SecretName, &NodeName)> =
            needs.iter().map(|need| (&need.secret, &need.node)).collect();
        let needless = all.filter(|pair| !needed.contains(pair));
        needless.map(|(secret, node)| (secret.clone(), node.clone())).collect()
    }
}

#[cfg(test)]
mod tests;
