//! The public types of the lint, before it can analyse anything: what cannot be analysed is refused.

use crate::model::{Digest, Finding, Spec, Stamp, Tree};
use crate::module::{Compilation, Compiled, Origin, Site};

/// The rules in force: built-in ones and the site's own.
#[derive(Debug)]
pub struct Policy {
    digest: Digest,
}

/// The lint result that a change needs to be reviewed.
#[derive(Debug)]
pub struct LintedCommit {
    /// Findings that refuse nothing.
    pub warnings: Vec<Finding>,
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

impl Policy {
    /// Reads the policy of a site.
    ///
    /// # Errors
    /// Every finding at once.
    pub fn load(tree: &Tree) -> Result<Self, Vec<Finding>> {
        Ok(Self { digest: tree.digest_where(|path| path.starts_with("policies/")) })
    }

    /// The digest over all rules.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The version of the policy.
    #[must_use]
    pub const fn version(&self) -> u64 {
        1
    }
}

/// Lints a compiled site.
pub fn check(
    _policy: &Policy,
    _tree: &Tree,
    _site: &Site,
    compilation: &Compilation,
    _today: Stamp,
) -> Verdict {
    let findings: Vec<Finding> = compilation.nodes.iter().flat_map(commands).collect();
    if findings.is_empty() {
        Verdict::Passed(LintedCommit { warnings: Vec::new() })
    } else {
        Verdict::Refused(findings)
    }
}

/// Commands cannot be analysed yet.
fn commands(node: &Compiled) -> impl Iterator<Item = Finding> {
    node.catalog.resources.iter().zip(&node.origins).filter_map(|(resource, origin): (_, &Origin)| {
        let runs = matches!(resource.spec, Spec::Exec(_) | Spec::Cron(_));
        let finding = || {
            let reference = resource.reference();
            let message = format!("`{reference}` runs a command that cannot be analysed");
            Finding::error("unanalysed-command", message, origin.declared.clone()).resource(reference)
        };
        runs.then(finding)
    })
}

/// Characters that read differently from what they are.
#[must_use]
pub fn source_findings(_tree: &Tree) -> Vec<Finding> {
    Vec::new()
}
