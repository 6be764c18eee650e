//! A compiled site against the policy: every resource once, findings with the way from the module to the
//! value, the same finding on many nodes told once, waivers applied.

use super::catalog::{self, Raw};
use super::{Policy, Waiver, plaintext};
use crate::model::{Digest, Finding, NodeName, Place, Related, Resource, Severity, Spec, Stamp, Tree};
use crate::module::{AttrOrigin, Compilation, Origin, Site};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::num::NonZeroUsize;

/// The lint result that a change needs to be reviewed. Nothing but [`check`] makes one.
#[derive(Debug)]
pub struct LintedCommit {
    /// Findings that refuse nothing.
    pub warnings: Vec<Finding>,
    /// Waivers without which the change would have been refused.
    pub waivers_used: Vec<Waiver>,
    policy: Digest,
}

impl LintedCommit {
    /// The digest of the policy that it was held against.
    #[must_use]
    pub const fn policy(&self) -> Digest {
        self.policy
    }
}

/// What the lint says of a commit.
#[derive(Debug)]
#[must_use]
pub enum Verdict {
    /// It may be reviewed.
    Passed(LintedCommit),
    /// It may not.
    Refused(Vec<Finding>),
}

/// Resources that one thread looks at, at least.
const MIN_SHARE: usize = 64;

/// The nodes on which each waiver allows something.
type Used = Vec<BTreeSet<NodeName>>;

/// A finding with what a waiver has to name.
struct Candidate {
    finding: Finding,
    digest: Digest,
}

/// Lints a compiled site.
pub fn check(policy: &Policy, tree: &Tree, site: &Site, compilation: &Compilation, today: Stamp) -> Verdict {
    let mut findings: Vec<Finding> = policy.waivers().iter().flat_map(|w| w.faults(today)).collect();
    let mut used: Used = vec![BTreeSet::new(); policy.waivers().len()];
    for candidate in candidates(policy, tree, (site, compilation)) {
        findings.extend(waived(candidate, policy, site, today, &mut used));
    }
    let needless =
        policy.waivers().iter().zip(&used).filter_map(|(waiver, used)| needless(waiver, used, site));
    findings.extend(needless);
    findings.extend(plaintext::findings(policy.analysis(), tree));
    findings.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.place.cmp(&b.place)));
    if findings.iter().any(|f| f.severity > Severity::Warn) {
        return Verdict::Refused(findings);
    }
    let waivers_used = policy.waivers().iter().zip(&used).filter(|(_, used)| !used.is_empty());
    Verdict::Passed(LintedCommit {
        warnings: findings,
        waivers_used: waivers_used.map(|(waiver, _)| waiver.clone()).collect(),
        policy: policy.digest(),
    })
}

/// What is wrong with any catalog; the same thing on many nodes is one candidate.
fn candidates(policy: &Policy, tree: &Tree, (site, compilation): (&Site, &Compilation)) -> Vec<Candidate> {
    let checks = checks(site);
    let found = examined(policy, compilation);
    let mut merged: BTreeMap<(Place, String, String), Candidate> = BTreeMap::new();
    for node in &compilation.nodes {
        let health = node.catalog.health.iter();
        let health = health.filter_map(|health| Some((health.command()?, checks.get(health.name.as_str())?)));
        for (resource, origin) in node.catalog.resources.iter().zip(&node.origins).chain(health) {
            for raw in found.get(&resource.spec).into_iter().flatten() {
                let finding = placed(raw, resource, origin, tree);
                let key = (finding.place.clone(), finding.rule.clone(), finding.message.clone());
                let candidate =
                    merged.entry(key).or_insert_with(|| Candidate { finding, digest: raw.digest });
                candidate.finding.nodes.push(node.catalog.node.clone());
            }
        }
    }
    merged.into_values().collect()
}

/// Where the commands of health checks come from, by the name of the check.
fn checks(site: &Site) -> BTreeMap<&str, Origin> {
    let origin = |place: &Place| Origin { declared: place.clone(), attrs: BTreeMap::new() };
    site.health().into_iter().map(|(name, place)| (name, origin(place))).collect()
}

/// What is wrong with each resource, looked at once however many nodes have it, in as many threads as there are.
fn examined<'c>(policy: &Policy, compilation: &'c Compilation) -> HashMap<&'c Spec, Vec<Raw>> {
    let resources = compilation.nodes.iter().flat_map(|node| node.catalog.everything());
    let specs: HashSet<&Spec> = resources.map(|resource| &resource.spec).collect();
    let specs: Vec<&Spec> = specs.into_iter().collect();
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    // A thread is not worth starting for less.
    let share = specs.len().div_ceil(threads).max(MIN_SHARE);
    let examine = |spec: &&'c Spec| (*spec, catalog::examine(policy.analysis(), spec, &compilation.blobs));
    std::thread::scope(|scope| {
        let work: Vec<_> = specs
            .chunks(share)
            .map(|chunk| scope.spawn(move || chunk.iter().map(examine).collect::<Vec<_>>()))
            .collect();
        work.into_iter()
            .flat_map(|thread| thread.join().unwrap_or_else(|cause| std::panic::resume_unwind(cause)))
            .collect()
    })
}

/// The finding at the place that the value comes from, with the way to it.
fn placed(raw: &Raw, resource: &Resource, origin: &Origin, tree: &Tree) -> Finding {
    let attr = attribute(raw.attr, origin);
    let (place, mut related) = match attr {
        Some(attr) => (narrowed(raw, attr, tree), attr.via.clone()),
        None => (origin.declared.clone(), Vec::new()),
    };
    if place != origin.declared {
        related.push(Related { place: origin.declared.clone(), message: "declared here".into() });
    }
    let mut finding = Finding::new(raw.rule.as_str(), raw.severity, raw.message.as_str(), place)
        .why(raw.why.as_str())
        .instead(raw.instead.as_str())
        .resource(resource.reference());
    if raw.severity == Severity::NeedsWaiver {
        finding.instead = Some(format!("{} Or a waiver for digest {}.", raw.instead, raw.digest));
    }
    finding.related = related;
    finding.resolved.clone_from(&raw.resolved);
    finding
}

/// Where the value of an attribute comes from. A file has three that give it content.
pub(super) fn attribute<'o>(name: &str, origin: &'o Origin) -> Option<&'o AttrOrigin> {
    let names: &[&str] = match name {
        "content" | "source" => &["content", "template", "source"],
        other => &[other],
    };
    names.iter().find_map(|name| origin.attrs.get(*name))
}

/// The place in an attribute that a finding is about, as narrow as it can be told.
fn narrowed(raw: &Raw, attr: &AttrOrigin, tree: &Tree) -> Place {
    let place = raw.item.and_then(|item| attr.items.get(item)).unwrap_or(&attr.place);
    let within = |start: usize, length: usize| {
        Place::new(place.file.as_str(), place.start + start, place.start + start + length)
    };
    if let Some(span) =
        raw.span.filter(|s| attr.literal && raw.item.is_none() && place.start + s.end <= place.end)
    {
        return within(span.start, span.end - span.start);
    }
    // What a template or a list spells out word for word, and once, stands where it is found.
    let text = tree.get(&place.file).and_then(|bytes| std::str::from_utf8(bytes).ok());
    let text = text.and_then(|text| text.get(place.start..place.end)).unwrap_or("");
    let once = |excerpt: &str| {
        let mut found = text.match_indices(excerpt).filter(|(_, found)| !found.is_empty());
        found.next().filter(|_| found.next().is_none()).map(|(at, found)| within(at, found.len()))
    };
    let quoted = raw.excerpt.replace('\\', "\\\\").replace('"', "\\\"");
    once(&raw.excerpt).or_else(|| once(&quoted)).unwrap_or_else(|| place.clone())
}

/// What a waiver allows without need: everything, or what is on some of its nodes.
fn needless(waiver: &Waiver, used: &BTreeSet<NodeName>, site: &Site) -> Option<Finding> {
    let finding =
        |rule: &str, message: String| Finding::new(rule, Severity::Warn, message, waiver.place.clone());
    if used.is_empty() {
        let message = format!("the waiver for `{}` allows nothing that is there", waiver.resource);
        return Some(finding("unused-waiver", message));
    }
    let nodes = site.nodes().iter().filter(|(name, node)| waiver.holds_for(name, &node.groups));
    let mut spare = nodes.map(|(name, _)| name).filter(|name| !used.contains(*name));
    let first = spare.next()?;
    let others = match spare.count() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let message = format!(
        "the waiver for `{}` also holds for `{first}`{others}, where nothing needs it",
        waiver.resource
    );
    Some(finding("broad-waiver", message))
}

/// The finding for the nodes that no waiver covers; nothing of severity deny is ever covered.
fn waived(
    candidate: Candidate,
    policy: &Policy,
    site: &Site,
    today: Stamp,
    used: &mut Used,
) -> Option<Finding> {
    let Candidate { mut finding, digest } = candidate;
    if finding.severity != Severity::NeedsWaiver {
        return Some(finding);
    }
    let covering: Vec<usize> = (0..used.len())
        .filter(|at| {
            let waiver = &policy.waivers()[*at];
            waiver.expires >= today && waiver.covers(&finding, digest)
        })
        .collect();
    finding.nodes.retain(|node| {
        let groups = site.nodes().get(node).map_or(&[][..], |n| n.groups.as_slice());
        let holding = covering.iter().find(|at| policy.waivers()[**at].holds_for(node, groups));
        if let Some(at) = holding {
            used[*at].insert(node.clone());
        }
        holding.is_none()
    });
    (!finding.nodes.is_empty()).then_some(finding)
}
