//! Programs of Node.js by npm, installed for the whole machine.

use super::package::State;
use super::provider::{Packages, Provider, change, everything, nothing_offered};
use super::{Failure, Node, command_failed, order, printed};
use crate::agent::host::{Host, Invocation, Outcome};
use crate::model::resource::Package;
use serde::Deserialize;
use serde_json::Value;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// npm.
pub(super) struct Npm;

/// What npm lists.
#[derive(Deserialize)]
struct Tree {
    #[serde(default)]
    dependencies: BTreeMap<String, Installed>,
}

/// A package as npm lists it: without a version where it is wished for and missing.
#[derive(Deserialize)]
struct Installed {
    version: Option<String>,
}

impl Provider for Npm {
    fn read(&self, host: &Host) -> Result<Packages, Failure> {
        let list = everything(&["npm", "ls", "--global", "--json", "--depth=0"]);
        let outcome = host.run(&list)?;
        // It fails where something is amiss with any package, and lists them all the same.
        let tree: Option<Tree> = json(&outcome.output).and_then(|value| serde_json::from_value(value).ok());
        let tree = tree.ok_or_else(|| command_failed(&list, &outcome))?;
        let state = |(name, one): (String, Installed)| Some((name, State::Present(one.version?)));
        Ok(Packages::of(tree.dependencies.into_iter().filter_map(state).collect()))
    }

    fn candidate(&self, node: &mut Node<'_>, package: &Package) -> Result<String, Failure> {
        let name = &package.name;
        let version = view(node, name, "version")?;
        version.into_iter().next().ok_or_else(|| nothing_offered(name))
    }

    /// Without those before a release.
    fn versions(&self, node: &mut Node<'_>, package: &Package) -> Result<Vec<String>, Failure> {
        let versions = view(node, &package.name, "versions")?;
        Ok(versions.into_iter().filter(|version| !version.contains('-')).collect())
    }

    fn compare(&self, _node: &Node<'_>, a: &str, b: &str) -> Result<Ordering, Failure> {
        let order = order::semantic(a, b);
        order.ok_or_else(|| {
            Failure::NotReached(format!("`{a}` or `{b}` is not like `1.2.3`, as npm's versions are"))
        })
    }

    fn install(&self, node: &mut Node<'_>, package: &Package, version: Option<&str>) -> Result<(), Failure> {
        let what = match version {
            Some(version) => format!("{}@{version}", package.name),
            None => package.name.clone(),
        };
        let words = ["npm", "install", "--global", "--no-audit", "--no-fund"];
        node.tool(&change(&words, &package.install_options, &["--", &what])).map(drop)
    }

    fn remove(&self, node: &Node<'_>, package: &Package) -> Result<(), Failure> {
        let words = ["npm", "uninstall", "--global"];
        node.tool(&change(&words, &package.uninstall_options, &["--", &package.name])).map(drop)
    }
}

/// A field of what the registry says of a package: a text or a list of texts; nothing where it knows no such package.
fn view(node: &Node<'_>, name: &str, field: &str) -> Result<Vec<String>, Failure> {
    let view = Invocation::of(&["npm", "view", name, field, "--json"]).within(600);
    let outcome: Outcome = node.host.run(&view)?;
    if !outcome.succeeded() && outcome.output.contains("E404") {
        return Ok(Vec::new());
    }
    let output = printed(&view, outcome)?;
    Ok(match json(&output) {
        Some(Value::String(version)) => vec![version],
        Some(Value::Array(versions)) => {
            versions.iter().filter_map(|version| version.as_str().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    })
}

/// The value in what npm printed: warnings before and after it are lines of their own.
fn json(output: &str) -> Option<Value> {
    let lines: Vec<&str> =
        output.lines().filter(|line| !line.starts_with("npm ") && !line.trim().is_empty()).collect();
    serde_json::from_str(&lines.join("\n")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_output_of_npm_is_understood_with_its_warnings() {
        let recorded = "npm WARN config global `--global`, `--local` are deprecated. Use `--location=global` instead.\n\
            {\n  \"name\": \"lib\",\n  \"dependencies\": {\n    \"npm\": {\n      \"version\": \"9.2.0\",\n      \"overridden\": false\n    },\n\
            \x20   \"gone\": {\n      \"required\": \"1\",\n      \"missing\": true\n    }\n  }\n}\nnpm ERR! code ELSPROBLEMS\n";
        let tree: Tree = serde_json::from_value(json(recorded).unwrap()).unwrap();
        assert_eq!(tree.dependencies["npm"].version.as_deref(), Some("9.2.0"));
        assert_eq!(tree.dependencies["gone"].version, None);
        assert_eq!(json("\"1.2.3\"\n"), Some(Value::String("1.2.3".into())));
        assert_eq!(json("nothing"), None);
    }
}
