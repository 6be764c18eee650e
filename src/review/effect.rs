//! What changes on the nodes: catalogs compared resource by resource, told once for all nodes on which the
//! same thing happens.

use crate::model::{Catalog, NodeName, Ref, Resource};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What a change does to a fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectDiff {
    /// Nodes on which the same resources change in the same way, the largest group first.
    pub groups: Vec<Group>,
    /// Nodes whose catalog is not the same as before, ascending.
    pub affected: Vec<NodeName>,
    /// Nodes that had no catalog before, ascending.
    pub added: Vec<NodeName>,
    /// Nodes that have no catalog any more, ascending. They keep what they are.
    pub removed: Vec<NodeName>,
}

/// Nodes that change in the same way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The nodes, ascending.
    pub nodes: Vec<NodeName>,
    /// What changes on each of them.
    pub changes: Vec<ResourceChange>,
}

/// What happens to one resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResourceChange {
    /// The resource; `None` for the order of the resources as a whole.
    pub resource: Option<Ref>,
    /// What happens to it.
    pub what: What,
    /// Its attributes that differ, ascending; all of them for a new or vanished resource.
    pub attrs: Vec<AttrChange>,
}

/// What happens to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// The catalog has it now.
    Added,
    /// The catalog does not have it any more. What it managed stays as it is.
    Removed,
    /// Its attributes differ.
    Changed,
    /// Resources are the same and come in another order.
    Reordered,
}

/// How an attribute differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AttrChange {
    /// Its name.
    pub name: String,
    /// The old value as text: bare text, or JSON for everything else.
    pub old: Option<String>,
    /// The new value as text.
    pub new: Option<String>,
}

/// Compares the catalogs of two compilations.
#[must_use]
pub fn diff(old: &[Catalog], new: &[Catalog]) -> EffectDiff {
    let by_name = |all: &'_ [Catalog]| -> BTreeMap<NodeName, usize> {
        all.iter().enumerate().map(|(i, c)| (c.node.clone(), i)).collect()
    };
    let (before, after) = (by_name(old), by_name(new));
    let names: BTreeSet<&NodeName> = before.keys().chain(after.keys()).collect();
    let mut where_it_happens: BTreeMap<ResourceChange, Vec<NodeName>> = BTreeMap::new();
    let mut affected = Vec::new();
    for name in names {
        let (was, is) = (before.get(name).map(|i| &old[*i]), after.get(name).map(|i| &new[*i]));
        if was == is {
            continue;
        }
        affected.push(name.clone());
        for change in node(was, is) {
            where_it_happens.entry(change).or_default().push(name.clone());
        }
    }
    let only = |a: &BTreeMap<NodeName, usize>, b: &BTreeMap<NodeName, usize>| {
        a.keys().filter(|name| !b.contains_key(*name)).cloned().collect()
    };
    EffectDiff {
        groups: grouped(where_it_happens),
        affected,
        added: only(&after, &before),
        removed: only(&before, &after),
    }
}

fn grouped(changes: BTreeMap<ResourceChange, Vec<NodeName>>) -> Vec<Group> {
    let mut by_nodes: BTreeMap<Vec<NodeName>, Vec<ResourceChange>> = BTreeMap::new();
    for (change, nodes) in changes {
        by_nodes.entry(nodes).or_default().push(change);
    }
    let mut groups: Vec<Group> =
        by_nodes.into_iter().map(|(nodes, changes)| Group { nodes, changes }).collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.nodes.len()));
    groups
}

fn node(old: Option<&Catalog>, new: Option<&Catalog>) -> Vec<ResourceChange> {
    let resources = |catalog: Option<&Catalog>| -> BTreeMap<Ref, BTreeMap<String, String>> {
        let all = catalog.map_or(&[][..], |c| &c.resources);
        all.iter().map(|resource| (resource.reference(), attributes(resource))).collect()
    };
    let (before, after) = (resources(old), resources(new));
    let references: BTreeSet<&Ref> = before.keys().chain(after.keys()).collect();
    let mut changes = Vec::new();
    for reference in references {
        let (was, is) = (before.get(reference), after.get(reference));
        let what = match (was, is) {
            (None, _) => What::Added,
            (_, None) => What::Removed,
            (Some(was), Some(is)) if was == is => continue,
            (Some(_), Some(_)) => What::Changed,
        };
        let attrs = differing(was, is);
        changes.push(ResourceChange { resource: Some(reference.clone()), what, attrs });
    }
    if changes.is_empty() && before.len() == after.len() {
        changes.push(ResourceChange { resource: None, what: What::Reordered, attrs: Vec::new() });
    }
    changes
}

fn differing(
    old: Option<&BTreeMap<String, String>>,
    new: Option<&BTreeMap<String, String>>,
) -> Vec<AttrChange> {
    let none = BTreeMap::new();
    let (old, new) = (old.unwrap_or(&none), new.unwrap_or(&none));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let change = |name: &String| AttrChange {
        name: name.clone(),
        old: old.get(name).cloned(),
        new: new.get(name).cloned(),
    };
    names.into_iter().map(change).filter(|change| change.old != change.new).collect()
}

/// Everything that the catalog says of a resource but its name, by attribute name.
fn attributes(resource: &Resource) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let spec = serde_json::to_value(&resource.spec).unwrap_or_default();
    // The typed form is an object with the type's name around the attributes.
    let inner = spec.as_object().and_then(|object| object.values().next().cloned()).unwrap_or_default();
    for part in [inner, serde_json::to_value(&resource.meta).unwrap_or_default()] {
        let Value::Object(fields) = part else { continue };
        for (name, value) in fields {
            flatten(&mut found, name, value);
        }
    }
    found
}

/// Content is an object with one field that says what it is; its text is what people want to compare.
fn flatten(found: &mut BTreeMap<String, String>, name: String, value: Value) {
    match value {
        Value::String(text) => {
            found.insert(name, text);
        }
        Value::Object(mut fields)
            if name == "content" && fields.len() == 1 && fields.contains_key("text") =>
        {
            if let Some(Value::String(text)) = fields.remove("text") {
                found.insert(name, text);
            }
        }
        other => {
            found.insert(name, other.to_string());
        }
    }
}
