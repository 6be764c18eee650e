//! What changes on the nodes: catalogs compared resource by resource, told once for all nodes on which the
//! same thing happens.

use super::source::{self, Hunk};
use crate::model::finding::line_column;
use crate::model::resource::{Content, Part};
use crate::model::safety::Check;
use crate::model::{Catalog, NodeName, Ref, Resource, Spec};
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
    /// What bounds and judges the runs of the node differs: its budget, its health checks.
    Safety,
}

/// How an attribute differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AttrChange {
    /// Its name.
    pub name: String,
    /// What was and what is.
    pub difference: Difference,
}

/// What was and what is. A value is bare text, or JSON for everything that is no text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// It has this value now.
    Set(String),
    /// It had this value, and has none now.
    Unset(String),
    /// One value for another.
    Replaced(String, String),
    /// The lines of a longer text that differ, and where. Lines that stay are left out, so that nodes whose
    /// texts differ elsewhere, but change alike, are told together.
    Lines(Vec<Hunk>),
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
    let resources = |catalog: Option<&Catalog>| -> BTreeMap<Ref, BTreeMap<String, Value>> {
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
    let attrs = differing(Some(&safety(old)), Some(&safety(new)));
    let safety = (!attrs.is_empty()).then_some(ResourceChange { resource: None, what: What::Safety, attrs });
    if changes.is_empty() && safety.is_none() && before.len() == after.len() {
        changes.push(ResourceChange { resource: None, what: What::Reordered, attrs: Vec::new() });
    }
    changes.extend(safety);
    changes
}

/// Budget and health checks of a node, one by one.
fn safety(catalog: Option<&Catalog>) -> BTreeMap<String, Value> {
    let Some(catalog) = catalog else { return BTreeMap::new() };
    let bounds = catalog.budget.unwrap_or_default().bounds();
    let bounds =
        bounds.into_iter().filter_map(|(name, most)| Some((format!("budget: {name}"), most?.into())));
    let checks = catalog.health.iter().map(|health| {
        let what = match &health.check {
            Check::Command(resource) => {
                attributes(resource).remove("command").map_or_else(String::new, |command| command.to_string())
            }
            Check::Http(url) => url.clone(),
            Check::Tcp(address) => format!("tcp {address}"),
        };
        let text = format!("{what}, {} seconds, {} tries", health.timeout, health.tries);
        (format!("health check {}", health.name), Value::String(text))
    });
    bounds.chain(checks).collect()
}

fn differing(
    old: Option<&BTreeMap<String, Value>>,
    new: Option<&BTreeMap<String, Value>>,
) -> Vec<AttrChange> {
    let none = BTreeMap::new();
    let (old, new) = (old.unwrap_or(&none), new.unwrap_or(&none));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let change = |name: &String| {
        let difference = difference(name, old.get(name), new.get(name))?;
        Some(AttrChange { name: name.clone(), difference })
    };
    names.into_iter().filter_map(change).collect()
}

fn difference(name: &str, old: Option<&Value>, new: Option<&Value>) -> Option<Difference> {
    let (was, is) = (old.map(|v| shown(name, v)), new.map(|v| shown(name, v)));
    let long = |text: &str| text.trim_end_matches('\n').contains('\n');
    match (was, is) {
        _ if old == new => None,
        // What differs must show, also where two values read alike.
        (Some(was), Some(is)) if was == is => {
            let json = |value: Option<&Value>| value.map(Value::to_string).unwrap_or_default();
            Some(Difference::Replaced(json(old), json(new)))
        }
        (Some(was), Some(is)) if long(&was) || long(&is) => {
            Some(Difference::Lines(source::bare_hunks(was.as_bytes(), is.as_bytes())))
        }
        (Some(was), Some(is)) => Some(Difference::Replaced(was, is)),
        (None, Some(is)) => Some(Difference::Set(is)),
        (Some(was), None) => Some(Difference::Unset(was)),
        (None, None) => None,
    }
}

/// Everything that the catalog says of a resource but its name, by attribute name.
fn attributes(resource: &Resource) -> BTreeMap<String, Value> {
    let spec = serde_json::to_value(&resource.spec).unwrap_or_default();
    // The typed form is an object with the type's name around the attributes.
    let inner = spec.as_object().and_then(|object| object.values().next().cloned()).unwrap_or_default();
    let mut found = BTreeMap::new();
    for part in [inner, serde_json::to_value(&resource.meta).unwrap_or_default()] {
        if let Value::Object(fields) = part {
            found.extend(fields);
        }
    }
    // In a diff of lines a live fact or a secret looks like the same words as plain text; here it does not.
    if let Some((attr, content @ Content::Parts(parts))) = live(&resource.spec) {
        let facts = places(parts, |part| matches!(part, Part::Fact(_)));
        let secrets = places(parts, |part| matches!(part, Part::Sealed(_)));
        if !secrets.is_empty() {
            // What is sealed anew shows there, and not as a change of the text around it.
            found.insert(attr.to_owned(), Value::String(content_text(content)));
            found.insert(format!("secrets in {attr}"), Value::String(secrets.clone()));
        }
        if !facts.is_empty() || secrets.is_empty() {
            found.insert(format!("live facts in {attr}"), Value::String(facts));
        }
    }
    found
}

/// The attribute in which live facts and secrets may stand.
fn live(spec: &Spec) -> Option<(&'static str, &Content)> {
    let (attr, content) = match spec {
        Spec::File(file) => ("content", &file.content),
        Spec::User(user) => ("password", &user.password),
        _ => return None,
    };
    Some((attr, content.as_ref()?))
}

/// `os.name at 1:18, architecture at 1:27`: lines and columns in the text that [`content_text`] makes.
fn places(parts: &[Part], wanted: fn(&Part) -> bool) -> String {
    let (mut before, mut places) = (String::new(), Vec::new());
    for part in parts {
        let (line, column) = line_column(&before, before.len());
        match part {
            Part::Fact(path) if wanted(part) => places.push(format!("{path} at {line}:{column}")),
            Part::Sealed(sealed) if wanted(part) => places.push(format!("{sealed} at {line}:{column}")),
            Part::Text(_) | Part::Fact(_) | Part::Sealed(_) => {}
        }
        before.push_str(&part_text(part));
    }
    places.join(", ")
}

/// A value as people read it.
fn shown(name: &str, value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(_) if matches!(name, "content" | "password") => {
            let content = serde_json::from_value(value.clone());
            content.map_or_else(|_| value.to_string(), |content| content_text(&content))
        }
        other => other.to_string(),
    }
}

/// Content as its author wrote it: text, with live facts and secrets in double braces as in a template.
fn content_text(content: &Content) -> String {
    match content {
        Content::Text(text) => text.get().into_owned(),
        Content::Blob { digest, size } => format!("{size} bytes, {digest}"),
        Content::Parts(parts) => parts.iter().map(part_text).collect(),
    }
}

fn part_text(part: &Part) -> String {
    match part {
        Part::Text(text) => text.clone(),
        Part::Fact(path) => format!("{{{{ facts.{path} }}}}"),
        Part::Sealed(sealed) => format!("{{{{ secret {} }}}}", sealed.secret),
    }
}
