//! A loaded site: which nodes there are, in which groups, with which modules and reviewed facts.

use crate::model::{Digest, EnvName, Finding, ModuleName, NodeName, Place, Tree};
use std::collections::BTreeMap;

/// A site whose files have been read and found well-formed.
#[derive(Debug)]
pub struct Site {
    name: String,
    environments: Vec<EnvName>,
    groups: BTreeMap<String, Group>,
    nodes: BTreeMap<NodeName, Node>,
    modules: Vec<ModuleName>,
    inputs: Digest,
}

/// A group of nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The modules that its nodes include, in order.
    pub include: Vec<ModuleName>,
    /// Where it is declared.
    pub place: Place,
}

/// A node as the inventory has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The groups that it is in; data of a later one overrides data of an earlier one.
    pub groups: Vec<String>,
    /// All modules that it includes, by itself and through its groups, in order.
    pub modules: Vec<ModuleName>,
    /// The facts that reviewers have agreed to, `node.facts` in templates.
    pub facts: serde_json::Map<String, serde_json::Value>,
    /// The file that declares it.
    pub place: Place,
}

impl Site {
    /// The site's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The environments: protected branches of the site.
    #[must_use]
    pub fn environments(&self) -> &[EnvName] {
        &self.environments
    }

    /// The nodes by name.
    #[must_use]
    pub const fn nodes(&self) -> &BTreeMap<NodeName, Node> {
        &self.nodes
    }

    /// The groups by name.
    #[must_use]
    pub const fn groups(&self) -> &BTreeMap<String, Group> {
        &self.groups
    }

    /// The modules, ascending.
    pub fn modules(&self) -> impl Iterator<Item = &ModuleName> {
        self.modules.iter()
    }

    /// Digest over every file that catalogs are compiled from (D5).
    #[must_use]
    pub const fn inputs(&self) -> Digest {
        self.inputs
    }
}

pub(super) fn load(tree: &Tree) -> Result<Site, Vec<Finding>> {
    let closure = |path: &str| {
        path == "countersign.toml" || ["nodes/", "data/", "modules/"].iter().any(|f| path.starts_with(f))
    };
    Ok(Site {
        name: String::new(),
        environments: Vec::new(),
        groups: BTreeMap::new(),
        nodes: BTreeMap::new(),
        modules: Vec::new(),
        inputs: tree.digest_where(closure),
    })
}
