//! Writing `data/secrets/NAME.toml`: one sealed value for each node, values of other nodes left as they are.

use crate::cli::{Failure, random, site as folder};
use crate::model::{NodeName, Sealed, SealingKey, Secret, SecretName, secret};
use crate::module::Site;
use crate::sealing::{Purpose, seal};
use std::collections::BTreeSet;
use std::path::Path;
use toml_edit::{DocumentMut, Item, Table, value};

const HEAD: &str =
    "# Sealed values, made by `countersign secret seal`; only the nodes can open them.\nsite = \"\"\n";

/// The sealing keys of nodes, out of the inventory.
pub(super) fn keys(site: &Site, nodes: &BTreeSet<NodeName>) -> Result<Vec<(NodeName, SealingKey)>, Failure> {
    let key = |node: &NodeName| {
        let key = site.nodes().get(node).and_then(|inventory| inventory.sealing_key);
        key.map(|key| (node.clone(), key)).ok_or_else(|| {
            Failure::refused(format!("`{node}` has no `sealing_key` in `nodes/{node}.toml`"))
                .hint(format!("countersign agent sealing-key on {node}, and put its line there"))
        })
    };
    nodes.iter().map(key).collect()
}

/// Seals a value for each node, then writes the file.
pub(super) fn write(
    dir: &Path,
    site: &Site,
    (name, nodes): (&SecretName, &BTreeSet<NodeName>),
    secret: &Secret,
) -> Result<(), Failure> {
    let mut sealed = Vec::new();
    for (node, key) in keys(site, nodes)? {
        let purpose = Purpose { site: site.name(), secret: name, node: &node };
        sealed.push(seal(&key, &purpose, secret, &random::bytes()?)?);
    }
    let path = dir.join(secret::data_file(name));
    let before = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(cause) => return Err(Failure::io("cannot read", &path, &cause)),
    };
    folder::write(&path, edited(&before, site, &sealed)?.as_bytes())
}

/// The file with these values in it. What no node of the site could open any more is dropped.
fn edited(before: &str, site: &Site, sealed: &[Sealed]) -> Result<String, Failure> {
    let text = if before.is_empty() { HEAD } else { before };
    let mut document: DocumentMut = text.parse()?;
    let here = document.get("site").and_then(Item::as_str) == Some(site.name());
    document["site"] = value(site.name());
    let mut nodes = match document.remove("node") {
        Some(Item::Table(nodes)) if here => nodes,
        _ => Table::new(),
    };
    nodes.set_implicit(true);
    nodes.retain(|node, _| site.nodes().contains_key(node));
    for sealed in sealed {
        let mut entry = Table::new();
        entry["key"] = value(sealed.key.to_string());
        entry["sealed"] = value(&sealed.text);
        nodes.insert(sealed.node.as_str(), Item::Table(entry));
    }
    nodes.sort_values();
    // In this order, whatever order they came in.
    for (at, (_, entry)) in nodes.iter_mut().enumerate() {
        if let Some(table) = entry.as_table_mut() {
            table.set_position(isize::try_from(at).ok());
        }
    }
    document["node"] = Item::Table(nodes);
    Ok(document.to_string())
}
