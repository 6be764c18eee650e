//! Resources, modules and functions of other configuration tools, read out of their languages as far as
//! literals go. What they do is in `policies/resources.toml`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use regex::{Captures, Regex};

/// Resources in one text, at most.
const MAX_RESOURCES: usize = 200;

/// A resource, or a call of a module or function.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Resource {
    /// Its type, module or function.
    pub(super) kind: String,
    /// Its attributes; the title is `title`, arguments without a name are `0`, `1` …
    pub(super) attributes: BTreeMap<String, String>,
}

impl Resource {
    /// A resource with a title whose attributes stand in `body`.
    pub(super) fn new(kind: &str, title: &str, body: &str) -> Self {
        let mut attributes = pairs(body);
        if !title.is_empty() {
            attributes.insert("title".to_owned(), title.to_owned());
        }
        Self { kind: kind.to_owned(), attributes }
    }

    /// A module or function called with `key=value` words and others.
    pub(super) fn called(kind: &str, words: &[String]) -> Self {
        let mut resource = Self::new(kind, "", "");
        let mut free = 0;
        for word in words {
            let named = word.split_once('=').filter(|(name, _)| is_name(name));
            match named {
                Some((name, value)) => {
                    resource.attributes.insert(name.to_owned(), unquoted(value).to_owned())
                }
                None => {
                    free += 1;
                    resource.attributes.insert((free - 1).to_string(), unquoted(word).to_owned())
                }
            };
        }
        if let Some(first) = resource.attributes.get("0").cloned() {
            resource.attributes.entry("title".to_owned()).or_insert(first);
        }
        resource
    }
}

/// The resources in a manifest, recipe, play or state.
pub(super) fn resources(text: &str) -> Vec<Resource> {
    let mut found: Vec<Resource> = declared(text).chain(blocks(text)).collect();
    found.extend(indented(text));
    found.truncate(MAX_RESOURCES);
    found
}

/// `type { 'title': attribute => value }`
fn declared(text: &str) -> impl Iterator<Item = Resource> {
    let form = r#"(?s)([\w:]+)\s*\{\s*(\[[^\]]*\]|'[^']*'|"[^"]*"|[\w/.]+)\s*:([^:].*?)?\}"#;
    compiled(0, form).captures_iter(text).flat_map(|found| {
        let titles: Vec<String> =
            found[2].trim_matches(['[', ']']).split(',').map(|t| unquoted(t).to_owned()).collect();
        titles
            .into_iter()
            .map(move |title| Resource::new(&found[1], &title, found.get(3).map_or("", |b| b.as_str())))
            .collect::<Vec<_>>()
    })
}

/// `type 'title' do … end`, `type "title" { … }`, `type 'title'`
fn blocks(text: &str) -> impl Iterator<Item = Resource> {
    let form = r#"(?s)\b([a-z]\w*)[ (]+(?:"([^"]*)"|'([^']*)')\)?(?:[\s;]*(?:do\b|\{)(.*?)(?:\bend\b|\}))?"#;
    compiled(1, form).captures_iter(text).map(|found: Captures<'_>| {
        let part = |n: usize| found.get(n).map_or("", |m| m.as_str());
        Resource::new(&found[1], if part(2).is_empty() { part(3) } else { part(2) }, part(4))
    })
}

/// `module: key=value …` and `module:` with `key: value` lines below it.
fn indented(text: &str) -> Vec<Resource> {
    let mut found: Vec<(usize, Resource)> = Vec::new();
    for line in text.lines() {
        let inside = line.trim_start().trim_start_matches("- ");
        let depth = line.len() - inside.len();
        let Some((key, value)) = inside.split_once(':') else { continue };
        if !key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.')) {
            continue;
        }
        let value = value.trim();
        if let Some((_, resource)) = found.iter_mut().rev().find(|(outer, _)| *outer < depth) {
            resource.attributes.insert(key.to_owned(), unquoted(value).to_owned());
        }
        if value.starts_with(['{', '[']) || found.len() >= MAX_RESOURCES {
            found.push((depth, Resource::new(key, "", value)));
        } else {
            let mut resource = Resource::called(key, &words(value));
            if !value.is_empty() {
                resource.attributes.insert("title".to_owned(), unquoted(value).to_owned());
            }
            found.push((depth, resource));
        }
    }
    found.into_iter().map(|(_, resource)| resource).collect()
}

/// `name => value`, `name: value`, `name=value`, `name value`
fn pairs(text: &str) -> BTreeMap<String, String> {
    let form = r#"([\w.]+)\s*(?:=>|=|:|\s|\()\s*(?:"([^"]*)"|'([^']*)'|[:\[\s]*([^\s,;{})\]]+))"#;
    let found = compiled(2, form).captures_iter(text).map(|found| {
        let value = (2..=4).find_map(|n| found.get(n)).map_or("", |m| m.as_str());
        (found[1].to_owned(), value.to_owned())
    });
    found.collect()
}

/// The words of `key='a b' c`.
pub(super) fn words(text: &str) -> Vec<String> {
    let form = r#"(?:[^\s"']|"[^"]*"|'[^']*')+"#;
    compiled(3, form).find_iter(text).map(|m| m.as_str().to_owned()).collect()
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches(['"', '\''])
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// The expression number `which`, compiled once.
fn compiled(which: usize, form: &str) -> &'static Regex {
    static FORMS: [OnceLock<Regex>; 4] = [const { OnceLock::new() }; 4];
    #[expect(clippy::expect_used, reason = "literals of this file; the tests compile every one of them")]
    FORMS[which].get_or_init(|| Regex::new(form).expect("the expression is valid"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, kind: &str, expected: &[(&str, &str)]) {
        let all = resources(text);
        let fits = |r: &&Resource| {
            r.kind == kind
                && expected.iter().all(|(n, v)| r.attributes.get(*n).map(String::as_str) == Some(*v))
        };
        assert!(all.iter().find(fits).is_some(), "{kind} {expected:?} in {all:#?}");
    }

    #[test]
    fn resources_are_read_in_every_language() {
        check(
            "file { '/etc': ensure => absent, force => true }",
            "file",
            &[("title", "/etc"), ("ensure", "absent"), ("force", "true")],
        );
        check("package { ['a', 'b']: ensure => purged }", "package", &[("title", "b"), ("ensure", "purged")]);
        check("exec { '/bin/rm -rf /usr': }", "exec", &[("title", "/bin/rm -rf /usr")]);
        check(
            "directory \"/etc\" do recursive true; action :delete end",
            "directory",
            &[("title", "/etc"), ("recursive", "true"), ("action", "delete")],
        );
        check("package('x') { action :purge }", "package", &[("title", "x"), ("action", "purge")]);
        check("bash 'x' do; code 'rm -rf /etc'; end", "bash", &[("code", "rm -rf /etc")]);
        check("exec \"x\" { cmd => \"rm\" }", "exec", &[("cmd", "rm")]);
        check("- hosts: a\n  tasks:\n  - shell: rm -rf /usr\n", "shell", &[("title", "rm -rf /usr")]);
        check(
            "- file:\n    path: /etc\n    state: absent\n",
            "file",
            &[("path", "/etc"), ("state", "absent")],
        );
        check("x:\n  file.absent:\n    - name: /etc\n", "file.absent", &[("name", "/etc")]);
    }
}
