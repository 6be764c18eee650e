//! What looks like a secret in the clear, in the texts of a site: private keys, tokens of known services, and
//! literal values of keys named like a password. A guess, so that it refuses nothing by itself.

use super::guard::Rules;
use crate::model::secret::{self, DATA};
use crate::model::{Finding, Place, Tree};
use regex::Regex;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Findings of one file, at most.
const MAX_FINDINGS: usize = 20;
/// Characters that a value has, at least, before it counts.
const MIN_VALUE: usize = 6;
/// Bits of entropy for each character that a value has, at least.
const MIN_ENTROPY: f64 = 2.5;

/// What is a secret by its form.
const FORMS: [(&str, &str); 7] = [
    ("a private key", r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"),
    ("a key of AWS", r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    ("a token of GitHub", r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{50,255})\b"),
    ("a token of GitLab", r"\bglpat-[A-Za-z0-9_-]{20,}"),
    ("a token of Slack", r"\bxox[abeprs]-[A-Za-z0-9-]{10,}"),
    ("a private key of age", r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b"),
    ("a node's sealing key", r"\bx25519-private:[0-9a-f]{64}\b"),
];

/// A key that is named like a secret, and its value in quotes.
const NAMED: &str =
    r#"(?i)(?:password|passwd|passphrase|secret|token|api[_-]?key)[\w-]*["']?\s*[=:]\s*["']([^"'\n]*)["']"#;

static PATTERNS: LazyLock<Option<(Vec<Regex>, Regex)>> = LazyLock::new(|| {
    let forms: Result<Vec<Regex>, _> = FORMS.iter().map(|(_, form)| Regex::new(form)).collect();
    Some((forms.ok()?, Regex::new(NAMED).ok()?))
});

/// Everything that looks like a secret in data, nodes, modules and templates.
pub(super) fn findings(rules: &Rules, tree: &Tree) -> Vec<Finding> {
    let (Some(rule), Some((forms, named))) = (rules.named("plaintext-secret"), &*PATTERNS) else {
        return Vec::new();
    };
    let inputs = tree.iter().filter(|(path, _)| {
        !path.starts_with(DATA)
            && ["data/", "nodes/", "modules/"].iter().any(|folder| path.starts_with(folder))
    });
    let mut findings = Vec::new();
    for (path, bytes) in inputs {
        let Ok(text) = std::str::from_utf8(bytes) else { continue };
        let by_form = forms
            .iter()
            .zip(FORMS)
            .flat_map(|(pattern, (what, _))| pattern.find_iter(text).map(move |found| (found.range(), what)));
        let by_name = named.captures_iter(text).filter_map(|found| found.get(1));
        let by_name = by_name.filter(|value| is_literal(value.as_str(), tree));
        let found = by_form.chain(by_name.map(|value| (value.range(), "a secret in the clear")));
        findings.extend(found.take(MAX_FINDINGS).map(|(range, what)| {
            let message = rule.message.replace("{target}", what);
            Finding::new(rule.id.clone(), rule.severity, message, Place::new(path, range.start, range.end))
                .why(rule.why.trim())
                .instead(rule.instead.trim())
        }));
    }
    findings
}

/// Whether a value is one that somebody chose or a program made, and no template, path, hash, or name of a secret.
fn is_literal(value: &str, tree: &Tree) -> bool {
    let elsewhere =
        value.contains("{{") || value.contains("{%") || value.starts_with(['/', '$', '<', '%', '!']);
    let name = value.parse().is_ok_and(|name| tree.get(&secret::data_file(&name)).is_some());
    let has = |class: fn(&char) -> bool| value.chars().any(|c| class(&c));
    let mixed = has(char::is_ascii_digit) && has(char::is_ascii_alphabetic)
        || has(char::is_ascii_lowercase) && has(char::is_ascii_uppercase) && has(char::is_ascii_punctuation);
    !elsewhere && !name && mixed && value.chars().count() >= MIN_VALUE && entropy(value) >= MIN_ENTROPY
}

/// Bits for each character, by how often each occurs (Shannon).
fn entropy(value: &str) -> f64 {
    let mut counts: BTreeMap<char, f64> = BTreeMap::new();
    value.chars().for_each(|c| *counts.entry(c).or_default() += 1.0);
    let total: f64 = counts.values().sum();
    counts.values().map(|count| -(count / total) * (count / total).log2()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str, expected: usize) {
        let mut tree = Tree::default();
        tree.insert("data/secrets/db/p4ssword.toml", Vec::new()).unwrap();
        tree.insert(path, text.as_bytes().to_vec()).unwrap();
        let found = findings(Rules::builtin(), &tree);
        assert_eq!(found.len(), expected, "{text}: {found:?}");
    }

    #[test]
    fn d30_what_looks_like_a_secret_is_named() {
        for text in [
            "password = \"hunter2\"",
            "db_password: 'correct-horse-7'",
            "{ api_key = \"9f8e7d6c5b4a\" }",
            "key = '''\n-----BEGIN OPENSSH PRIVATE KEY-----\n'''",
            "id = \"AKIAABCDEFGHIJKLMNOP\"",
            "x = \"ghp_0123456789abcdefghijABCDEFGHIJ012345\"",
        ] {
            check("data/common.toml", text, 1);
            check("modules/m/templates/x.j2", text, 1);
        }
    }

    #[test]
    fn names_paths_templates_and_words_are_no_secrets() {
        for text in [
            "password = \"db/p4ssword\"",
            "password = { type = \"secret\" }",
            "password_file = \"/etc/app/password1\"",
            "password = \"{{ db_password1 }}\"",
            "password = \"$6$salt$hash1\"",
            "token_type = \"bearer\"",
            "password = \"aaaaaa1\"",
            "PasswordAuthentication no",
        ] {
            check("data/common.toml", text, 0);
        }
        check("README.md", "password = \"hunter2\"", 0);
    }
}
