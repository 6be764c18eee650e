//! Other configuration tools: what the resources and modules do that they are given, as commands.

use super::analysis::Analysis;
use super::effect::{Effect, Kind};
use super::options::Arguments;
use super::resource::{Resource, resources, words};
use super::special::file_content;
use crate::shell::run::{Call, State, matches};
use crate::shell::{Source, Span, Value};
use serde::Deserialize;
use std::collections::BTreeMap;

/// `policies/resources.toml`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Resources {
    /// Names of attributes, and others that mean the same.
    same: BTreeMap<String, Vec<String>>,
    does: Vec<Does>,
}

/// What resources of some types do.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Does {
    of: Vec<String>,
    #[serde(default)]
    when: BTreeMap<String, String>,
    runs: String,
}

impl Resources {
    /// The commands that do what `resource` does.
    fn commands(&self, resource: &Resource) -> Vec<String> {
        let short = resource.kind.rsplit('.').next().unwrap_or("");
        let named = |does: &&Does| does.of.iter().any(|of| *of == resource.kind || of == short);
        let fits = |does: &&Does| {
            does.when.iter().all(|(name, pattern)| {
                let value = self.value(resource, name).unwrap_or("");
                pattern.split('|').any(|p| matches(p, value))
            })
        };
        self.does
            .iter()
            .filter(named)
            .filter(fits)
            .filter_map(|does| self.filled(&does.runs, resource))
            .collect()
    }

    fn value<'r>(&self, resource: &'r Resource, name: &str) -> Option<&'r str> {
        let given = |name: &str| resource.attributes.get(name).map(String::as_str);
        let others = self.same.get(name).map(Vec::as_slice).unwrap_or_default();
        let found = given(name).or_else(|| others.iter().find_map(|other| given(other)));
        let titled = matches!(name, "name" | "path");
        found.or_else(|| titled.then(|| given("name").or_else(|| given("title"))).flatten())
    }

    /// The command with the resource's attributes in it, if it has them.
    fn filled(&self, runs: &str, resource: &Resource) -> Option<String> {
        let mut out = String::new();
        let mut rest = runs;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, behind) = after.split_once('}')?;
            let value = match name.strip_prefix('!') {
                Some(name) => self.value(resource, name)?.to_owned(),
                None => format!("'{}'", self.value(resource, name)?.replace('\'', r"'\''")),
            };
            out.push_str(before);
            out.push_str(&value);
            rest = behind;
        }
        out.push_str(rest);
        Some(out)
    }
}

/// Code, modules and functions on the command line, on standard input, and in files that the script wrote.
pub(super) fn configuration(
    analysis: &mut Analysis<'_>,
    arguments: &Arguments,
    call: &Call<'_>,
    state: &mut State,
) {
    let value = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        arguments.values(&names).last().map(Value::code)
    };
    if call.stdin.has(Source::Remote) {
        analysis.add(Effect::new(Kind::RemoteCode, "manifest", call.stdin.to_string(), call.span));
        return;
    }
    let mut found = Vec::new();
    for code in
        [value(&["-e", "-E", "--execute", "--code", "--eval"]), Some(call.stdin.code())].into_iter().flatten()
    {
        found.extend(resources(&code));
    }
    for operand in arguments.operands.iter().filter(|o| state.written(&o.value).is_some()) {
        found.extend(resources(&file_content(&operand.value, state).code()));
    }
    let given = value(&["-a", "--args"]);
    let module = value(&["-m", "--module-name"]);
    if given.is_some() || module.is_some() {
        found.push(called(&module.unwrap_or_else(|| "command".to_owned()), &given.unwrap_or_default()));
    }
    let operands: Vec<String> = arguments.operands.iter().map(|o| o.value.code()).collect();
    found.extend(function(&operands));
    for resource in found {
        act(analysis, &resource, call.span, state);
    }
}

/// A module of Ansible with its arguments.
fn called(module: &str, arguments: &str) -> Resource {
    let mut resource = Resource::called(module, &words(arguments));
    resource.attributes.entry("title".to_owned()).or_insert_with(|| arguments.to_owned());
    // Free text may hold anything: `cmd=rm -rf x` too.
    let code = arguments.strip_prefix("cmd=").unwrap_or(arguments).trim_matches(['"', '\'']);
    resource.attributes.insert("code".to_owned(), code.to_owned());
    resource
}

/// `puppet resource type title name=value`, `salt … function arguments`, `salt … state.single function …`
fn function(operands: &[String]) -> Option<Resource> {
    if let [first, kind, title, rest @ ..] = operands
        && first == "resource"
    {
        let mut resource = Resource::called(kind, rest);
        resource.attributes.insert("title".to_owned(), title.clone());
        return Some(resource);
    }
    let is_function = |o: &String| {
        o.split_once('.').is_some_and(|(module, name)| {
            let word = |w: &str| !w.is_empty() && w.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            word(module) && word(name)
        })
    };
    let at = operands.iter().take(3).position(is_function)?;
    let nested =
        matches!(operands[at].as_str(), "state.single" | "salt.cmd" | "salt.function" | "salt.state");
    let at = if nested && operands.len() > at + 1 { at + 1 } else { at };
    Some(Resource::called(&operands[at], &operands[at + 1..]))
}

fn act(analysis: &mut Analysis<'_>, resource: &Resource, span: Span, state: &mut State) {
    for command in analysis.rules.resources.commands(resource) {
        analysis.shell_text(&Value::text(command), span, state, &Value::default());
    }
}
