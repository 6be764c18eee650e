//! Flatpaks of the whole machine. What counts as their version is the commit: most have no other that all agree on, and
//! commits have no order.

use super::package::State;
use super::provider::{Manager, Packages, Provider, change, everything, nothing_offered};
use super::{Failure, Node};
use crate::agent::host::{Host, Invocation};
use crate::model::resource::{Mark, Package, PackageManager};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// flatpak.
pub(super) struct Flatpak;

impl Provider for Flatpak {
    /// The commits are cut to twelve digits.
    fn read(&self, host: &Host) -> Result<Packages, Failure> {
        let list = everything(&["flatpak", "list", "--system", "--columns=application,active"]);
        let mut states = BTreeMap::new();
        for (name, commit) in rows(&super::tool(host, &list)?) {
            let before = states.remove(name).unwrap_or(State::Absent);
            states.insert(name.to_owned(), before.and(commit.to_owned()));
        }
        Ok(Packages::of(states))
    }

    /// The newest of where it came from; of what is not there, the first that a remote offers.
    fn candidate(&self, node: &mut Node<'_>, package: &Package) -> Result<String, Failure> {
        let name = &package.name;
        if is_there(node, name)? {
            let info = ["flatpak", "info", "--system", "--show-origin", name];
            let origin = node.tool(&Invocation::of(&info).within(60))?;
            let ask = ["flatpak", "remote-info", "--system", "--show-commit", word(&origin), name];
            return Ok(word(&node.tool(&Invocation::of(&ask).within(600))?).to_owned());
        }
        self.versions(node, package)?.into_iter().next().ok_or_else(|| nothing_offered(name))
    }

    fn versions(&self, node: &mut Node<'_>, package: &Package) -> Result<Vec<String>, Failure> {
        let words = ["flatpak", "remote-ls", "--system", "--columns=application,commit"];
        let output = node.tool(&everything(&words).within(600))?;
        let of = rows(&output).filter(|(name, _)| *name == package.name);
        Ok(of.map(|(_, commit)| commit.to_owned()).collect())
    }

    /// One that is cut is the whole one; of two others, neither is newer.
    fn compare(&self, _node: &Node<'_>, a: &str, b: &str) -> Result<Ordering, Failure> {
        let same = a.starts_with(b) || b.starts_with(a);
        Ok(if same { Ordering::Equal } else { Ordering::Less })
    }

    fn install(&self, node: &mut Node<'_>, package: &Package, version: Option<&str>) -> Result<(), Failure> {
        let does = |node: &Node<'_>, verb, commit: Option<&str>| {
            let commit = commit.map(|commit| format!("--commit={commit}"));
            let words =
                ["flatpak", verb, "--system", "--noninteractive"].into_iter().chain(commit.as_deref());
            let options: &[String] = if verb == "install" { &package.install_options } else { &[] };
            node.tool(&change(&words.collect::<Vec<_>>(), options, &[&package.name])).map(drop)
        };
        let stated = version.filter(|version| PackageManager::Flatpak.is_version(version));
        if is_there(node, &package.name)? {
            return does(node, "update", stated);
        }
        does(node, "install", None)?;
        // Only what is there can be taken to another commit than the newest.
        stated.map_or(Ok(()), |commit| does(node, "update", Some(commit)))
    }

    fn remove(&self, node: &Node<'_>, package: &Package) -> Result<(), Failure> {
        let words = ["flatpak", "uninstall", "--system", "--noninteractive"];
        node.tool(&change(&words, &package.uninstall_options, &[&package.name])).map(drop)
    }

    fn held(&self, node: &Node<'_>) -> Result<BTreeSet<String>, Failure> {
        let output = node.tool(&everything(&["flatpak", "mask", "--system"]))?;
        Ok(words(&output).map(str::to_owned).collect())
    }

    fn mark(&self, node: &Node<'_>, name: &str, mark: Mark) -> Result<(), Failure> {
        let mut words = vec!["flatpak", "mask", "--system"];
        words.extend((mark == Mark::None).then_some("--remove"));
        node.tool(&change(&words, &[], &[name])).map(drop)
    }

    fn locks(&self) -> bool {
        true
    }
}

fn is_there(node: &mut Node<'_>, name: &str) -> Result<bool, Failure> {
    Ok(Manager::new(PackageManager::Flatpak).state(node, name)? != State::Absent)
}

/// The lines of one word. Notes and warnings come through the same pipe, and have more.
fn words(output: &str) -> impl Iterator<Item = &str> {
    output.lines().map(str::trim).filter(|line| !line.is_empty() && !line.contains(char::is_whitespace))
}

fn word(output: &str) -> &str {
    words(output).last().unwrap_or_default()
}

/// The rows of a table of two columns, which has no heading where nobody watches.
fn rows(output: &str) -> impl Iterator<Item = (&str, &str)> {
    output.lines().filter_map(|line| line.split_once('\t')).map(|(name, other)| (name.trim(), other.trim()))
}
