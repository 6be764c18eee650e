//! A loaded site: everything that its files say, found well-formed and consistent.

use super::data::{self, Data};
use super::document::{Document, Keys, read};
use super::inventory::{self, Group, Inventory, Node, SITE_FILE};
use super::limits::Limits;
use super::module::{self, Module};
use super::safety;
use super::schedules::Schedules;
use crate::model::safety::{Budget, Health};
use crate::model::{
    Digest, EnvName, Finding, ModuleName, NodeName, Place, SecretName, Severity, Tree, secret,
};
use std::collections::{BTreeMap, BTreeSet};

/// A site whose files have been read and found well-formed.
#[derive(Debug)]
pub struct Site {
    inventory: Inventory,
    modules: BTreeMap<ModuleName, Module>,
    data: Data,
    inputs: Digest,
    warnings: Vec<Finding>,
}

impl Site {
    /// The site's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inventory.name
    }

    /// The environments: protected branches of the site.
    #[must_use]
    pub fn environments(&self) -> &[EnvName] {
        &self.inventory.environments
    }

    /// The nodes by name.
    #[must_use]
    pub const fn nodes(&self) -> &BTreeMap<NodeName, Node> {
        &self.inventory.nodes
    }

    /// The groups by name.
    #[must_use]
    pub const fn groups(&self) -> &BTreeMap<String, Group> {
        &self.inventory.groups
    }

    /// The modules, ascending.
    pub fn modules(&self) -> impl Iterator<Item = &ModuleName> {
        self.modules.keys()
    }

    /// Digest over every file that catalogs are compiled from (D5).
    #[must_use]
    pub const fn inputs(&self) -> Digest {
        self.inputs
    }

    /// Findings that refuse nothing.
    #[must_use]
    pub fn warnings(&self) -> &[Finding] {
        &self.warnings
    }

    /// What bounds and judges the runs of this node.
    pub(super) fn safety(&self, node: &Node) -> (Option<Budget>, Vec<Health>) {
        safety::of_node(&self.inventory, node)
    }

    /// Where the health checks are declared, by name.
    #[must_use]
    pub fn health(&self) -> BTreeMap<&str, &Place> {
        let declared = self.inventory.health.iter();
        declared.map(|declared| (declared.health.name.as_str(), &declared.place)).collect()
    }

    pub(super) fn module(&self, name: &str) -> Option<&Module> {
        self.modules.get(name)
    }

    pub(super) const fn schedules(&self) -> &Schedules {
        &self.inventory.schedules
    }

    pub(super) const fn data(&self) -> &Data {
        &self.data
    }
}

/// Whether the file at `path` can change a catalog.
fn is_input(path: &str) -> bool {
    path == SITE_FILE || ["nodes/", "data/", "modules/"].iter().any(|folder| path.starts_with(folder))
}

pub(super) fn load(tree: &Tree) -> Result<Site, Vec<Finding>> {
    let mut findings = Vec::new();
    let names = module_names(tree, &mut findings);
    let inventory = inventory::load(tree, &names, &mut findings);
    let modules: BTreeMap<ModuleName, Option<Module>> =
        names.into_iter().map(|name| (name.clone(), load_module(tree, &name, &mut findings))).collect();
    let data = data::load(tree, &inventory, &modules, &mut findings);
    if !findings.is_empty() {
        return Err(settle(findings));
    }
    let modules: BTreeMap<ModuleName, Module> =
        modules.into_iter().filter_map(|(name, module)| Some((name, module?))).collect();
    let warnings = warnings(&inventory, &modules);
    let mut site = Site { inventory, modules, data, inputs: tree.digest_where(is_input), warnings };
    site.warnings.extend(needless(&site));
    Ok(site)
}

/// Findings in the order of files and places, each once, and not more than anyone can read.
pub(super) fn settle(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by(|a, b| (&a.place, &a.rule, &a.message).cmp(&(&b.place, &b.rule, &b.message)));
    findings.dedup();
    let spare = findings.len().saturating_sub(Limits::STANDARD.findings);
    if spare > 0 {
        findings.truncate(Limits::STANDARD.findings);
        let message = format!("{spare} more findings are not shown");
        findings.push(Finding::error("too-many", message, Place::file(SITE_FILE)));
    }
    findings
}

fn module_names(tree: &Tree, findings: &mut Vec<Finding>) -> BTreeSet<ModuleName> {
    let mut names = BTreeSet::new();
    let mut told = BTreeSet::new();
    for (path, _) in tree.below("modules/") {
        let Some((name, _)) = path["modules/".len()..].split_once('/') else {
            let finding = Finding::error("unknown-file", "only modules belong here", Place::file(path));
            findings.push(finding.instead("name it `modules/<module>/module.toml`, or move it"));
            continue;
        };
        match name.parse::<ModuleName>() {
            Ok(module) if tree.get(&format!("modules/{name}/module.toml")).is_some() => {
                names.insert(module);
            }
            Ok(_) if told.insert(name.to_owned()) => {
                let file = format!("modules/{name}/module.toml");
                let message = format!("the module `{name}` has no `module.toml`");
                findings.push(Finding::error("no-module", message, Place::file(file)).instead("add it"));
            }
            Err(error) if told.insert(name.to_owned()) => {
                findings.push(Finding::error("bad-name", error.to_string(), Place::file(path)));
            }
            Ok(_) | Err(_) => {}
        }
    }
    names
}

fn load_module(tree: &Tree, name: &ModuleName, findings: &mut Vec<Finding>) -> Option<Module> {
    let path = format!("modules/{name}/module.toml");
    let document: Document = read(tree, &path, Keys::Titles, findings)?;
    Some(module::load(tree, name, &document, findings))
}

/// Sealed values that are there for nobody.
fn needless(site: &Site) -> Vec<Finding> {
    let finding = |(secret, node): (SecretName, NodeName)| {
        let message = format!("`{node}` does not need the secret `{secret}`");
        let place = Place::file(secret::data_file(&secret));
        Finding::new("unused-secret", Severity::Warn, message, place)
            .instead(format!("remove `[node.\"{node}\"]` if it is not to come back"))
    };
    site.needless_secrets().into_iter().map(finding).collect()
}

/// What is there for nobody.
fn warnings(inventory: &Inventory, modules: &BTreeMap<ModuleName, Module>) -> Vec<Finding> {
    let used: BTreeSet<&ModuleName> = inventory.nodes.values().flat_map(|node| &node.modules).collect();
    let unused = modules.values().filter(|module| !used.contains(&module.name)).map(|module| {
        let message = format!("no node includes the module `{}`", module.name);
        Finding::new("unused-module", Severity::Warn, message, module.place())
            .instead("include it in `countersign.toml` or a node file, or remove it")
    });
    let members: BTreeSet<&String> = inventory.nodes.values().flat_map(|node| &node.groups).collect();
    let empty = inventory.groups.iter().filter(|(name, _)| !members.contains(name)).map(|(name, group)| {
        let message = format!("no node is in the group `{name}`");
        Finding::new("unused-group", Severity::Warn, message, group.place.clone())
    });
    unused.chain(empty).collect()
}
