//! Waivers: one command of one resource, on named nodes, for a while. Signed like every other file of the
//! policy; a rule of severity deny has none.

use super::load::invalid;
use crate::model::{Digest, Finding, NodeName, Place, Ref, Stamp};
use serde::Deserialize;

/// A waiver, as a `[[waiver]]` table of `policies/waivers/*.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// The rule.
    pub rule: String,
    /// The resource.
    pub resource: Ref,
    /// SHA-256 of the exact command or content.
    pub digest: Digest,
    /// The nodes that it holds for.
    #[serde(default)]
    pub nodes: Vec<NodeName>,
    /// The groups that it holds for.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Why.
    pub reason: String,
    /// Where that was decided.
    pub ticket: String,
    /// Until when.
    pub expires: Stamp,
    /// Where it is written.
    #[serde(skip, default = "nowhere")]
    pub place: Place,
}

fn nowhere() -> Place {
    Place::file("")
}

/// Longest life of a waiver: a year.
const MAX_LIFE: i64 = 366 * 24 * 3600;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    waiver: Vec<toml::Spanned<Waiver>>,
}

/// Reads the waivers of one file.
pub(super) fn read(path: &str, text: &str) -> Result<Vec<Waiver>, Vec<Finding>> {
    let file: File = toml::from_str(text).map_err(|e| vec![invalid(path, e.message(), e.span())])?;
    let waivers = file.waiver.into_iter().map(|spanned| {
        let span = spanned.span();
        let first_line = text[span.clone()].find('\n').map_or(span.end, |n| span.start + n);
        Waiver { place: Place::new(path, span.start, first_line), ..spanned.into_inner() }
    });
    Ok(waivers.collect())
}

impl Waiver {
    /// What is wrong with the waiver itself.
    pub(super) fn faults(&self, today: Stamp) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut fault = |rule: &str, message: String| {
            findings.push(Finding::error(rule, message, self.place.clone()).resource(self.resource.clone()));
        };
        if self.nodes.is_empty() && self.groups.is_empty() {
            fault("invalid-waiver", "the waiver names no nodes and no groups".into());
        }
        if self.reason.trim().len() < 10 || self.ticket.trim().is_empty() {
            fault("invalid-waiver", "the waiver says neither why nor where that was decided".into());
        }
        if self.expires < today {
            fault("expired-waiver", format!("the waiver expired at {}", self.expires));
        } else if self.expires.since(today) > MAX_LIFE {
            fault("invalid-waiver", "the waiver lasts longer than a year".into());
        }
        findings
    }

    /// Whether it is about this finding of this exact command.
    pub(super) fn covers(&self, finding: &Finding, digest: Digest) -> bool {
        self.rule == finding.rule
            && self.digest == digest
            && finding.resource.as_ref() == Some(&self.resource)
    }

    /// Whether it holds for a node that is in `groups`.
    pub(super) fn holds_for(&self, node: &NodeName, groups: &[String]) -> bool {
        self.nodes.contains(node) || self.groups.iter().any(|g| groups.contains(g))
    }
}
