//! Packages of Python by pip, for the whole machine.

use super::package::State;
use super::provider::{Packages, Provider, change, everything};
use super::{Failure, Node, command_failed, order, printed};
use crate::agent::host::{Host, Invocation};
use crate::model::resource::{Package, PackageManager};
use serde::Deserialize;
use std::cmp::Ordering;

/// pip.
pub(super) struct Pip;

/// A package as pip lists it.
#[derive(Deserialize)]
struct Listed {
    name: String,
    version: String,
}

impl Provider for Pip {
    fn read(&self, host: &Host) -> Result<Packages, Failure> {
        let list = everything(&["pip3", "list", "--disable-pip-version-check", "--format=json"]);
        let outcome = host.run(&list)?;
        let text = printed(&list, outcome.clone())?;
        // Warnings come through the same pipe.
        let listed =
            text.lines().find(|line| line.starts_with('[')).and_then(|line| serde_json::from_str(line).ok());
        let listed: Vec<Listed> = listed.ok_or_else(|| command_failed(&list, &outcome))?;
        let state =
            |one: Listed| (PackageManager::Pip.listed(&one.name).into_owned(), State::Present(one.version));
        Ok(Packages::of(listed.into_iter().map(state).collect()))
    }

    /// The newest first; none that is only a candidate of a release.
    fn versions(&self, node: &mut Node<'_>, package: &Package) -> Result<Vec<String>, Failure> {
        let words = ["pip3", "index", "versions", "--disable-pip-version-check", &package.name];
        let index = Invocation::of(&words).within(600);
        let outcome = node.host.run(&index)?;
        if !outcome.succeeded() && outcome.output.contains("No matching distribution found") {
            return Ok(Vec::new());
        }
        let output = printed(&index, outcome)?;
        let line = output.lines().find_map(|line| line.trim().strip_prefix("Available versions:"));
        Ok(line
            .unwrap_or_default()
            .split(',')
            .map(|v| v.trim().to_owned())
            .filter(|v| !v.is_empty())
            .collect())
    }

    fn compare(&self, _node: &Node<'_>, a: &str, b: &str) -> Result<Ordering, Failure> {
        let order = order::python(a, b);
        order.ok_or_else(|| Failure::NotReached(format!("`{a}` or `{b}` is no version of a Python package")))
    }

    fn install(&self, node: &mut Node<'_>, package: &Package, version: Option<&str>) -> Result<(), Failure> {
        let what = match version {
            Some(version) => format!("{}=={version}", package.name),
            None => package.name.clone(),
        };
        let words = ["pip3", "install", "--disable-pip-version-check", "--no-input"];
        node.tool(&change(&words, &package.install_options, &["--", &what])).map(drop)
    }

    fn remove(&self, node: &Node<'_>, package: &Package) -> Result<(), Failure> {
        let words = ["pip3", "uninstall", "--disable-pip-version-check", "--no-input", "--yes"];
        node.tool(&change(&words, &package.uninstall_options, &["--", &package.name])).map(drop)
    }
}
