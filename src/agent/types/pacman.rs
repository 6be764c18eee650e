//! Packages by pacman of Arch. It offers one version of each package, and its lists are never fetched here: with new
//! lists and old packages a node would be half of each.

use super::package::State;
use super::provider::{Packages, Provider, change, everything};
use super::{Failure, Node};
use crate::agent::host::{Host, Invocation};
use crate::model::resource::Package;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// pacman.
pub(super) struct Pacman;

impl Provider for Pacman {
    fn read(&self, host: &Host) -> Result<Packages, Failure> {
        let output = super::tool(host, &everything(&["pacman", "-Q"]))?;
        Ok(Packages::of(parse(&output)))
    }

    fn versions(&self, node: &mut Node<'_>, package: &Package) -> Result<Vec<String>, Failure> {
        let info = Invocation::of(&["pacman", "-Si", "--", &package.name]);
        let outcome = node.host.run(&info)?;
        if !outcome.succeeded() && outcome.output.contains("was not found") {
            return Ok(Vec::new());
        }
        let output = super::printed(&info, outcome)?;
        Ok(offered(&output).into_iter().collect())
    }

    /// pacman's own word.
    fn compare(&self, node: &Node<'_>, a: &str, b: &str) -> Result<Ordering, Failure> {
        let output = node.tool(&Invocation::of(&["vercmp", a, b]))?;
        let order = output.trim().parse::<i32>().map(|order| order.cmp(&0));
        order.map_err(|_| Failure::NotReached(format!("vercmp cannot compare `{a}` and `{b}`")))
    }

    fn install(&self, node: &mut Node<'_>, package: &Package, version: Option<&str>) -> Result<(), Failure> {
        let name = &package.name;
        // Also for any version: a group of this name would be many packages.
        let candidate = self.candidate(node, package)?;
        let other = match version {
            Some(version) => self.compare(node, &candidate, version)? != Ordering::Equal,
            None => false,
        };
        if other {
            let text = format!("pacman offers one version of `{name}` only, and that is {candidate}");
            return Err(Failure::NotReached(text));
        }
        node.tool(&change(&["pacman", "-S", "--noconfirm"], &package.install_options, &["--", name]))
            .map(drop)
    }

    fn remove(&self, node: &Node<'_>, package: &Package) -> Result<(), Failure> {
        without(node, package, "-R")
    }

    fn purge(&self, node: &Node<'_>, package: &Package) -> Result<(), Failure> {
        without(node, package, "-Rn")
    }
}

fn without(node: &Node<'_>, package: &Package, how: &str) -> Result<(), Failure> {
    let words = ["pacman", how, "--noconfirm"];
    node.tool(&change(&words, &package.uninstall_options, &["--", &package.name])).map(drop)
}

/// One line for each package: its name and its version.
fn parse(output: &str) -> BTreeMap<String, State> {
    let package = |line: &str| {
        let (name, version) = line.split_once(' ')?;
        let plain = !version.contains(' ') && version.starts_with(|c: char| c.is_ascii_digit());
        plain.then(|| (name.to_owned(), State::Present(version.to_owned())))
    };
    output.lines().filter_map(package).collect()
}

/// The version in the first repository that has it.
fn offered(output: &str) -> Option<String> {
    let line = output.lines().find(|line| line.starts_with("Version"))?;
    line.split_once(':').map(|(_, version)| version.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_output_of_pacman_is_understood() {
        let states =
            parse("acl 2.3.2-1\nlib32-glibc 2.39+r52+gf8e4623421-1\nwarning: database file is old\n");
        assert_eq!(states.get("acl"), Some(&State::Present("2.3.2-1".into())));
        assert_eq!(states.get("lib32-glibc"), Some(&State::Present("2.39+r52+gf8e4623421-1".into())));
        assert_eq!(states.len(), 2);
        let info = "Repository      : extra\nName            : nginx\nVersion         : 1:1.26.0-1\nDescription     : x\n\n\
                    Repository      : other\nName            : nginx\nVersion         : 1:1.20.0-1\n";
        assert_eq!(offered(info).as_deref(), Some("1:1.26.0-1"));
    }
}
