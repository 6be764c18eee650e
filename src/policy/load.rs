//! The policy in force: the built-in rules and what a site adds in its `policies/`.

use super::guard::{Rule, Rules, RulesError};
use super::waiver::{self, Waiver};
use crate::model::finding::did_you_mean;
use crate::model::{Digest, Finding, Place, Severity, Tree};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The site's own settings.
const SETTINGS: &str = "policies/policy.toml";

/// The rules in force: built-in ones and the site's own.
#[derive(Debug, Clone)]
pub struct Policy {
    rules: Rules,
    waivers: Vec<Waiver>,
    digest: Digest,
    version: u64,
}

/// `policies/policy.toml`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Goes up with every change of the policy; agents refuse to go back.
    version: Option<u64>,
    /// Rules that are judged more strictly than they come.
    #[serde(default)]
    severity: BTreeMap<String, Severity>,
}

impl Policy {
    /// Reads the policy of a site.
    ///
    /// # Errors
    /// Every finding at once.
    pub fn load(tree: &Tree) -> Result<Self, Vec<Finding>> {
        let mut rules = Rules::builtin().clone();
        let (mut waivers, mut findings, mut version) = (Vec::new(), Vec::new(), 1);
        for (path, bytes) in tree.below("policies/").filter(|(path, _)| path.ends_with(".toml")) {
            let result = match std::str::from_utf8(bytes) {
                Err(_) => Err(vec![invalid(path, "it is no text", None)]),
                Ok(text) if path == SETTINGS => settings(text, &mut rules).map(|v| version = v),
                Ok(text) if path.starts_with("policies/waivers/") => {
                    waiver::read(path, text).map(|more| waivers.extend(more))
                }
                Ok(text) => rules.protect(path, text).map_err(|error| vec![finding_of(&error)]),
            };
            findings.extend(result.err().into_iter().flatten());
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        let own = tree.digest_where(|path| path.starts_with("policies/"));
        let digest = Digest::of(format!("{}\n{own}\n", Rules::builtin_digest()).as_bytes());
        Ok(Self { rules, waivers, digest, version })
    }

    /// The digest over all rules, built in and the site's own.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The version of the policy.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// The rules, in order of their names.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        self.rules.all()
    }

    /// The rule of that name.
    #[must_use]
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.named(id)
    }

    /// The waivers, in order of their files.
    #[must_use]
    pub fn waivers(&self) -> &[Waiver] {
        &self.waivers
    }

    /// Everything that commands are analysed with.
    #[must_use]
    pub const fn analysis(&self) -> &Rules {
        &self.rules
    }
}

fn settings(text: &str, rules: &mut Rules) -> Result<u64, Vec<Finding>> {
    let settings: Settings =
        toml::from_str(text).map_err(|error| vec![finding_of(&RulesError::toml(SETTINGS, &error))])?;
    let mut findings = Vec::new();
    for (id, severity) in &settings.severity {
        if !rules.raise(id, *severity) {
            let near = did_you_mean(id, Rules::builtin().all().iter().map(|r| r.id.as_str()));
            let at = text.find(id.as_str()).map(|start| start..start + id.len());
            let finding = invalid(SETTINGS, &format!("there is no rule `{id}`"), at);
            findings.push(match near {
                Some(near) => finding.instead(format!("did you mean `{near}`?")),
                None => finding,
            });
        }
    }
    if findings.is_empty() { Ok(settings.version.unwrap_or(1)) } else { Err(findings) }
}

fn finding_of(error: &RulesError) -> Finding {
    invalid(&error.file, &error.message, error.span.clone())
}

/// A finding about a file of the policy.
pub(super) fn invalid(file: &str, message: &str, at: Option<std::ops::Range<usize>>) -> Finding {
    let at = at.unwrap_or(0..0);
    Finding::error("invalid-policy", message, Place::new(file, at.start, at.end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(files: &[(&str, &str)]) -> Result<Policy, Vec<Finding>> {
        let mut tree = Tree::default();
        for (path, text) in files {
            tree.insert(path, text.as_bytes().to_vec()).unwrap();
        }
        Policy::load(&tree)
    }

    #[test]
    fn a_site_raises_severities_and_never_lowers_them() {
        let text = "version = 7\n[severity]\nremote-code = \"deny\"\nrecursive-removal = \"warn\"\n";
        let policy = load(&[(SETTINGS, text)]).unwrap();
        assert_eq!(policy.version(), 7);
        assert_eq!(policy.rule("remote-code").unwrap().severity, Severity::Deny);
        assert_eq!(policy.rule("recursive-removal").unwrap().severity, Severity::Deny);
    }

    #[test]
    fn d3_the_digest_covers_the_sites_own_files() {
        let plain = load(&[]).unwrap().digest();
        let own = load(&[(SETTINGS, "version = 1\n")]).unwrap().digest();
        assert_ne!(plain, own);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let findings = load(&[
            (SETTINGS, "[severity]\nremote-cod = \"deny\"\n"),
            ("policies/own.toml", "[[class]]\nnmae = \"x\"\n"),
        ]);
        let findings = findings.unwrap_err();
        assert_eq!(findings.len(), 2);
        assert!(
            findings.iter().all(|f| f.rule == "invalid-policy" && f.place.end > f.place.start),
            "{findings:?}"
        );
        assert!(findings.iter().any(|f| f.instead.as_deref() == Some("did you mean `remote-code`?")));
    }
}
