//! What a proposal is judged by: its files are loaded, linted and compiled for every node. The hook, the
//! author's machine and each reviewer run exactly this.

use super::source::changed_paths;
use crate::model::{Catalog, Digest, EnvName, Finding, NodeName, Stamp, Tree};
use crate::module::{self, Compilation};
use crate::policy::{self, LintedCommit, Policy, Verdict};
use crate::signing::merkle::Entry;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is proposed.
#[derive(Debug, Clone, Copy)]
pub struct Proposal<'a> {
    /// The environment.
    pub environment: &'a EnvName,
    /// The proposed files.
    pub tree: &'a Tree,
    /// The files of the environment's head; empty before the first release.
    pub base: &'a Tree,
    /// Today: waivers expire.
    pub now: Stamp,
}

/// A proposal that passed.
#[derive(Debug)]
pub struct Admitted {
    /// What a statement says about its files.
    pub measured: Measured,
    /// That it passed the lint, and under which conditions.
    pub linted: LintedCommit,
    /// What it compiles to.
    pub compilation: Compilation,
    /// The catalogs of the environment's head; empty where that does not compile any more.
    pub before: Vec<Catalog>,
    /// The nodes whose catalogs differ, ascending.
    pub affected: Vec<NodeName>,
}

/// The measured part of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// Manifest digest of the files.
    pub source: Digest,
    /// Digest of the policy.
    pub policy: Digest,
    /// Version of the policy.
    pub policy_v: u64,
    /// The compiler.
    pub compiler: Digest,
    /// Digest of what was compiled.
    pub inputs: Digest,
    /// Number of nodes whose catalog differs.
    pub affected: u64,
    /// The paths that differ from the environment's head, ascending.
    pub paths: Vec<String>,
    /// Node, catalog digest and length, ascending by node.
    #[serde(with = "entries")]
    pub entries: Vec<Entry>,
}

/// Loads, lints and compiles a proposal.
///
/// # Errors
/// Everything that is wrong with it, of the first stage that finds anything.
pub fn judge(proposal: &Proposal<'_>) -> Result<Admitted, Vec<Finding>> {
    let Proposal { environment, tree, base, now } = *proposal;
    let unreadable = policy::source_findings(tree);
    if !unreadable.is_empty() {
        return Err(unreadable);
    }
    let (site, rules) = match (module::load(tree), Policy::load(tree)) {
        (Ok(site), Ok(rules)) => (site, rules),
        (site, rules) => return Err([site.err(), rules.err()].into_iter().flatten().flatten().collect()),
    };
    let compilation = module::compile(&site, environment)?;
    let linted = match policy::check(&rules, tree, &site, &compilation, now) {
        Verdict::Passed(linted) => linted,
        Verdict::Refused(findings) => return Err(findings),
    };
    let before = compiled(base, environment);
    let affected = affected(&compilation, &before);
    let measured = Measured {
        source: tree.manifest_digest(),
        policy: rules.digest(),
        policy_v: rules.version(),
        compiler: module::compiler(),
        inputs: compilation.inputs,
        affected: affected.len() as u64,
        paths: changed_paths(base, tree),
        entries: entries(&compilation),
    };
    Ok(Admitted { measured, linted, compilation, before, affected })
}

/// The catalogs of the environment's head. What does not compile under today's compiler is no obstacle to
/// its successor: all nodes count as affected then.
fn compiled(base: &Tree, environment: &EnvName) -> Vec<Catalog> {
    if base.is_empty() {
        return Vec::new();
    }
    let compilation = module::load(base).and_then(|site| module::compile(&site, environment));
    compilation.map(|c| c.nodes.into_iter().map(|node| node.catalog).collect()).unwrap_or_default()
}

fn affected(compilation: &Compilation, before: &[Catalog]) -> Vec<NodeName> {
    let before: BTreeMap<&NodeName, &Catalog> =
        before.iter().map(|catalog| (&catalog.node, catalog)).collect();
    let now = compilation.nodes.iter().map(|node| &node.catalog);
    now.filter(|catalog| before.get(&catalog.node) != Some(catalog)).map(|c| c.node.clone()).collect()
}

/// The leaves of a compilation.
#[must_use]
pub fn entries(compilation: &Compilation) -> Vec<Entry> {
    let entry = |node: &module::Compiled| Entry {
        node: node.catalog.node.clone(),
        catalog: Digest::of(&node.bytes),
        length: node.bytes.len() as u64,
    };
    compilation.nodes.iter().map(entry).collect()
}

/// Leaves in the hand-over between two hooks.
mod entries {
    use super::{Digest, Entry, NodeName};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(entries: &[Entry], to: S) -> Result<S::Ok, S::Error> {
        let tuples: Vec<_> = entries.iter().map(|e| (&e.node, e.catalog, e.length)).collect();
        tuples.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Entry>, D::Error> {
        let tuples = Vec::<(NodeName, Digest, u64)>::deserialize(from)?;
        Ok(tuples.into_iter().map(|(node, catalog, length)| Entry { node, catalog, length }).collect())
    }
}
