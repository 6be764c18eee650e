//! A compiled site against the policy: every resource once, findings with the way from the module to the
//! value, the same finding on many nodes told once, waivers applied.

use super::catalog::{self, Raw};
use super::{Policy, Waiver};
use crate::model::{Digest, Finding, Place, Related, Resource, Severity, Spec, Stamp, Tree};
use crate::module::{Compilation, Origin, Site};
use std::collections::{BTreeMap, HashMap, HashSet};
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

/// A finding with what a waiver has to name.
struct Candidate {
    finding: Finding,
    digest: Digest,
}

/// Lints a compiled site.
pub fn check(policy: &Policy, _tree: &Tree, site: &Site, compilation: &Compilation, today: Stamp) -> Verdict {
    let mut findings: Vec<Finding> = policy.waivers().iter().flat_map(|w| w.faults(today)).collect();
    let mut used = vec![false; policy.waivers().len()];
    for candidate in candidates(policy, compilation) {
        findings.extend(waived(candidate, policy, site, today, &mut used));
    }
    for (waiver, _) in policy.waivers().iter().zip(&used).filter(|(_, used)| !**used) {
        let message = format!("the waiver for `{}` allows nothing that is there", waiver.resource);
        findings.push(Finding::new("unused-waiver", Severity::Warn, message, waiver.place.clone()));
    }
    findings.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.place.cmp(&b.place)));
    if findings.iter().any(|f| f.severity > Severity::Warn) {
        return Verdict::Refused(findings);
    }
    let waivers_used = policy.waivers().iter().zip(&used).filter(|(_, used)| **used);
    Verdict::Passed(LintedCommit {
        warnings: findings,
        waivers_used: waivers_used.map(|(waiver, _)| waiver.clone()).collect(),
        policy: policy.digest(),
    })
}

/// What is wrong with any catalog; the same thing on many nodes is one candidate.
fn candidates(policy: &Policy, compilation: &Compilation) -> Vec<Candidate> {
    let found = examined(policy, compilation);
    let mut merged: BTreeMap<(Place, String, String), Candidate> = BTreeMap::new();
    for node in &compilation.nodes {
        for (resource, origin) in node.catalog.resources.iter().zip(&node.origins) {
            for raw in found.get(&resource.spec).into_iter().flatten() {
                let finding = placed(raw, resource, origin);
                let key = (finding.place.clone(), finding.rule.clone(), finding.message.clone());
                let candidate =
                    merged.entry(key).or_insert_with(|| Candidate { finding, digest: raw.digest });
                candidate.finding.nodes.push(node.catalog.node.clone());
            }
        }
    }
    merged.into_values().collect()
}

/// What is wrong with each resource, looked at once however many nodes have it, in as many threads as there are.
fn examined<'c>(policy: &Policy, compilation: &'c Compilation) -> HashMap<&'c Spec, Vec<Raw>> {
    let resources = compilation.nodes.iter().flat_map(|node| &node.catalog.resources);
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
fn placed(raw: &Raw, resource: &Resource, origin: &Origin) -> Finding {
    let names: &[&str] = match raw.attr {
        "content" | "source" => &["content", "template", "source"],
        other => &[other],
    };
    let attr = names.iter().find_map(|name| origin.attrs.get(*name));
    let (place, mut related) = match attr {
        Some(attr) => {
            let item = raw.item.and_then(|item| attr.items.get(item));
            let place = match (item, raw.span) {
                (Some(item), _) => item.clone(),
                (None, Some(span)) if attr.literal && attr.place.start + span.end <= attr.place.end => {
                    Place::new(
                        attr.place.file.as_str(),
                        attr.place.start + span.start,
                        attr.place.start + span.end,
                    )
                }
                (None, _) => attr.place.clone(),
            };
            (place, attr.via.clone())
        }
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
    finding
}

/// The finding for the nodes that no waiver covers; nothing of severity deny is ever covered.
fn waived(
    candidate: Candidate,
    policy: &Policy,
    site: &Site,
    today: Stamp,
    used: &mut [bool],
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
            used[*at] = true;
        }
        holding.is_none()
    });
    (!finding.nodes.is_empty()).then_some(finding)
}
