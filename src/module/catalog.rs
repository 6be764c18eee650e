//! All nodes of a site to catalogs, in as many threads as there are, with the same bytes in any number.

use super::evaluate::{Evaluated, evaluate};
use super::limits::Limits;
use super::origin::Origin;
use super::site::settle;
use super::{Node, Site, whole};
use crate::model::catalog::MAX_CATALOG;
use crate::model::finding::did_you_mean;
use crate::model::{Catalog, Digest, EnvName, Finding, NodeName, Place};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;

/// The catalogs of all nodes of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compilation {
    /// One for each node, ascending by name.
    pub nodes: Vec<Compiled>,
    /// The file contents that the catalogs name by digest.
    pub blobs: BTreeMap<Digest, Vec<u8>>,
    /// Digest over everything that was compiled: modules, data, templates, files, inventory (D5).
    pub inputs: Digest,
    /// Findings that refuse nothing.
    pub warnings: Vec<Finding>,
}

/// The catalog of one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiled {
    /// The catalog.
    pub catalog: Catalog,
    /// Its canonical bytes.
    pub bytes: Vec<u8>,
    /// Where its resources come from, parallel to `catalog.resources`.
    pub origins: Vec<Origin>,
}

type One<'a> = Result<(Compiled, BTreeMap<Digest, &'a [u8]>), Vec<Finding>>;

/// Compiles all nodes in `threads` threads.
pub(super) fn compile(
    site: &Site,
    env: &EnvName,
    threads: NonZeroUsize,
) -> Result<Compilation, Vec<Finding>> {
    if !site.environments().contains(env) {
        let known = site.environments().iter().map(EnvName::as_str);
        let near = did_you_mean(env.as_str(), known).map(|near| format!("did you mean `{near}`?"));
        let message = format!("the site has no environment `{env}`");
        let finding =
            Finding::error("unknown-environment", message, Place::file(super::inventory::SITE_FILE));
        return Err(vec![finding.instead(near.unwrap_or_else(|| "add it to `environments`".into()))]);
    }
    let nodes: Vec<(&NodeName, &Node)> = site.nodes().iter().collect();
    let share = nodes.len().div_ceil(threads.get()).max(1);
    let results: Vec<One<'_>> = std::thread::scope(|scope| {
        let work: Vec<_> = nodes
            .chunks(share)
            .map(|chunk| {
                scope.spawn(move || chunk.iter().map(|node| one(site, env, *node)).collect::<Vec<_>>())
            })
            .collect();
        work.into_iter()
            .flat_map(|thread| thread.join().unwrap_or_else(|_| vec![Err(vec![died()])]))
            .collect()
    });
    let mut compilation = Compilation {
        nodes: Vec::new(),
        blobs: BTreeMap::new(),
        inputs: site.inputs(),
        warnings: Vec::new(),
    };
    let mut findings = Vec::new();
    for result in results {
        match result {
            Ok((compiled, blobs)) => {
                for (digest, bytes) in blobs {
                    compilation.blobs.entry(digest).or_insert_with(|| bytes.to_vec());
                }
                compilation.nodes.push(compiled);
            }
            Err(more) => findings.extend(more),
        }
    }
    if !findings.is_empty() {
        return Err(settle(merged(findings)));
    }
    compilation.warnings = site.warnings().to_vec();
    Ok(compilation)
}

fn died() -> Finding {
    Finding::error(
        "compiler-failed",
        "a thread of the compiler died",
        Place::file(super::inventory::SITE_FILE),
    )
}

fn one<'a>(site: &'a Site, env: &EnvName, (name, node): (&'a NodeName, &'a Node)) -> One<'a> {
    let Evaluated { mut made, blobs, mut findings } = evaluate(site, name, node);
    whole::prefer_declared(&mut made);
    whole::resolve_aliases(&mut made, &mut findings);
    let (resources, origins): (Vec<_>, Vec<_>) =
        made.into_iter().map(|made| (made.resource, made.origin)).unzip();
    if findings.is_empty() {
        whole::check(&resources, &origins, &mut findings);
    }
    let (budget, health) = site.safety(node);
    if !health.is_empty() {
        whole::ways_back(&resources, &origins, &mut findings);
    }
    if resources.len() > Limits::STANDARD.resources {
        let message = format!("{} resources; {} at most", resources.len(), Limits::STANDARD.resources);
        findings.push(Finding::error("too-large", message, node.place.clone()));
    }
    let catalog = Catalog::new(env.clone(), name.clone(), node.modules.clone(), resources);
    let catalog = Catalog { budget, health, ..catalog };
    let bytes = catalog.encode();
    if bytes.len() as u64 > MAX_CATALOG {
        let message = format!("this catalog has {} bytes; {MAX_CATALOG} at most", bytes.len());
        findings.push(Finding::error("too-large", message, node.place.clone()));
    }
    if findings.is_empty() {
        return Ok((Compiled { catalog, bytes, origins }, blobs));
    }
    for finding in &mut findings {
        finding.nodes = vec![name.clone()];
    }
    Err(findings)
}

/// One finding for all the nodes that have it.
fn merged(findings: Vec<Finding>) -> Vec<Finding> {
    let mut all: Vec<Finding> = Vec::new();
    let mut index: BTreeMap<(String, Place, String), usize> = BTreeMap::new();
    for finding in findings {
        let key = (finding.rule.clone(), finding.place.clone(), finding.message.clone());
        match index.get(&key) {
            Some(&at) => {
                let first = &mut all[at];
                first.nodes.extend(finding.nodes);
                first.related.extend(finding.related);
                first.related.sort_by(|a, b| (&a.place, &a.message).cmp(&(&b.place, &b.message)));
                first.related.dedup();
            }
            None => {
                index.insert(key, all.len());
                all.push(finding);
            }
        }
    }
    for finding in &mut all {
        finding.nodes.sort();
        finding.nodes.dedup();
    }
    all
}
