//! Packages of Ruby by gem, for the whole machine. Several versions of one may stand beside each other.

use super::package::State;
use super::provider::{Packages, Provider, change, everything};
use super::{Failure, Node, order};
use crate::agent::host::{Host, Invocation};
use crate::model::resource::Package;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// gem.
pub(super) struct Gem;

impl Provider for Gem {
    fn read(&self, host: &Host) -> Result<Packages, Failure> {
        let output = super::tool(host, &everything(&["gem", "list", "--local"]))?;
        let state = |(name, versions): (String, Vec<String>)| {
            (name, versions.into_iter().fold(State::Absent, State::and))
        };
        Ok(Packages::of(parse(&output).into_iter().map(state).collect()))
    }

    /// The newest first; none that is only a candidate of a release.
    fn versions(&self, node: &mut Node<'_>, package: &Package) -> Result<Vec<String>, Failure> {
        let name = &package.name;
        let words = ["gem", "list", "--remote", "--exact", "--all", name];
        let output = node.tool(&Invocation::of(&words).within(600))?;
        Ok(parse(&output).remove(name).unwrap_or_default())
    }

    fn compare(&self, _node: &Node<'_>, a: &str, b: &str) -> Result<Ordering, Failure> {
        Ok(order::gem(a, b))
    }

    // No `--` before the name: what follows it would be for the compiler.
    fn install(&self, node: &mut Node<'_>, package: &Package, version: Option<&str>) -> Result<(), Failure> {
        let mut words = vec!["gem", "install", "--remote", "--no-document"];
        words.extend(version.iter().flat_map(|version| ["--version", version]));
        node.tool(&change(&words, &package.install_options, &[&package.name])).map(drop)
    }

    fn remove(&self, node: &Node<'_>, package: &Package) -> Result<(), Failure> {
        let words = ["gem", "uninstall", "--all", "--executables"];
        node.tool(&change(&words, &package.uninstall_options, &[&package.name])).map(drop)
    }
}

/// One line for each gem: `rake (13.1.0, default: 13.0.6)`, or with platforms `nokogiri (1.16.4 ruby x86_64-linux)`.
fn parse(output: &str) -> BTreeMap<String, Vec<String>> {
    let gem = |line: &str| {
        let (name, versions) = line.trim_end().strip_suffix(')')?.split_once(" (")?;
        let version = |text: &str| {
            let text = text.trim();
            text.strip_prefix("default:").unwrap_or(text).split_whitespace().next().map(str::to_owned)
        };
        let plain = !name.contains(char::is_whitespace);
        let mut versions: Vec<String> = versions.split(',').filter_map(version).collect();
        versions.dedup();
        plain.then(|| (name.to_owned(), versions))
    };
    output.lines().filter_map(gem).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_lists_of_gem_are_understood() {
        let recorded = "\n*** LOCAL GEMS ***\n\nbigdecimal (default: 3.1.3)\nrake (13.1.0, default: 13.0.6)\n\
                        nokogiri (1.16.4 ruby java x86_64-linux, 1.16.3 ruby)\n";
        let gems = parse(recorded);
        assert_eq!(gems["bigdecimal"], ["3.1.3"]);
        assert_eq!(gems["rake"], ["13.1.0", "13.0.6"]);
        assert_eq!(gems["nokogiri"], ["1.16.4", "1.16.3"]);
        assert_eq!(gems.len(), 3);
    }
}
