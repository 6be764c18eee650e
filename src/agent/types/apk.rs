//! Packages by apk of Alpine. What is wanted in a version stands in its list of wishes in that version.

use super::package::State;
use super::provider::{Packages, Provider, change, everything, newest, nothing_offered, with_lists};
use super::{Failure, Node, printed};
use crate::agent::host::{Host, Invocation, Outcome};
use crate::model::resource::{Package, PackageEnsure};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// apk.
pub(super) struct Apk;

impl Provider for Apk {
    fn read(&self, host: &Host) -> Result<Packages, Failure> {
        let output = super::tool(host, &everything(&["apk", "info", "-v"]))?;
        Ok(Packages::of(parse(&output)))
    }

    fn candidate(&self, node: &mut Node<'_>, package: &Package) -> Result<String, Failure> {
        let versions = self.versions(node, package)?;
        newest(self, node, versions)?.ok_or_else(|| nothing_offered(&package.name))
    }

    fn versions(&self, node: &mut Node<'_>, package: &Package) -> Result<Vec<String>, Failure> {
        let policy = Invocation::of(&["apk", "policy", &package.name]);
        let nothing = |outcome: &Outcome| offered(&outcome.output).is_empty();
        let output = printed(&policy, with_lists(node, &policy, &update(), nothing)?)?;
        Ok(offered(&output))
    }

    /// apk's own word.
    fn compare(&self, node: &Node<'_>, a: &str, b: &str) -> Result<Ordering, Failure> {
        match node.tool(&Invocation::of(&["apk", "version", "--test", a, b]))?.trim() {
            "<" => Ok(Ordering::Less),
            "=" => Ok(Ordering::Equal),
            ">" => Ok(Ordering::Greater),
            _ => Err(Failure::NotReached(format!("apk cannot compare the versions `{a}` and `{b}`"))),
        }
    }

    fn install(&self, node: &mut Node<'_>, package: &Package, version: Option<&str>) -> Result<(), Failure> {
        let mut words = vec!["apk", "add"];
        let stated = matches!(package.ensure, PackageEnsure::Version(_));
        // A version in apk's list of wishes stays there: only one that the catalog states, or that is not the newest.
        let is_newest = match version {
            Some(version) if !stated => self.candidate(node, package)? == version,
            _ => false,
        };
        let what = match version {
            Some(_) if is_newest => {
                words.push("--upgrade");
                package.name.clone()
            }
            Some(version) => format!("{}={version}", package.name),
            None => package.name.clone(),
        };
        let invocation = change(&words, &package.install_options, &[&what]);
        let stale = |outcome: &Outcome| !outcome.succeeded();
        printed(&invocation, with_lists(node, &invocation, &update(), stale)?).map(drop)
    }

    fn remove(&self, node: &Node<'_>, package: &Package) -> Result<(), Failure> {
        node.tool(&change(&["apk", "del"], &package.uninstall_options, &[&package.name])).map(drop)
    }

    fn purge(&self, node: &Node<'_>, package: &Package) -> Result<(), Failure> {
        node.tool(&change(&["apk", "del", "--purge"], &package.uninstall_options, &[&package.name])).map(drop)
    }
}

fn update() -> Invocation {
    Invocation::of(&["apk", "update"]).within(600)
}

/// One line for each package: `name-version-r0`.
fn parse(output: &str) -> BTreeMap<String, State> {
    let package = |line: &str| {
        let line = line.trim();
        let (rest, release) = line.rsplit_once('-')?;
        let (name, version) = rest.rsplit_once('-')?;
        let good = release.starts_with('r') && version.starts_with(|c: char| c.is_ascii_digit());
        (good && !line.contains(char::is_whitespace))
            .then(|| (name.to_owned(), State::Present(format!("{version}-{release}"))))
    };
    output.lines().filter_map(package).collect()
}

/// The versions of `apk policy` that a repository has: each with a line for each place where it is.
fn offered(output: &str) -> Vec<String> {
    let mut versions: Vec<String> = Vec::new();
    let mut version = None;
    for line in output.lines() {
        if let Some(place) = line.strip_prefix("    ") {
            // A repository with a tag is only for packages that ask for it by that tag.
            let other = place.trim().ends_with("lib/apk/db/installed") || place.trim().starts_with('@');
            if let Some(version) = version.take_if(|_| !other) {
                versions.push(version);
            }
        } else if let Some(text) = line.strip_prefix("  ") {
            version = text.trim().strip_suffix(':').map(str::to_owned);
        }
    }
    versions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_output_of_apk_is_understood() {
        let states = parse(
            "WARNING: opening from cache https://dl-cdn.alpinelinux.org: No such file or directory\n\
             musl-1.2.4-r2\npy3-pip-23.1.2-r0\nalpine-baselayout-data-3.4.3-r1\n",
        );
        for (name, version) in
            [("musl", "1.2.4-r2"), ("py3-pip", "23.1.2-r0"), ("alpine-baselayout-data", "3.4.3-r1")]
        {
            assert_eq!(states.get(name), Some(&State::Present(version.into())), "{name}");
        }
        assert_eq!(states.len(), 3);
        let policy = "nginx policy:\n  1.22.1-r0:\n    lib/apk/db/installed\n\
                      \x20 1.24.0-r6:\n    lib/apk/db/installed\n    https://dl-cdn.alpinelinux.org/alpine/v3.18/main\n\
                      \x20 1.24.0-r7:\n    https://dl-cdn.alpinelinux.org/alpine/v3.18/main\n\
                      \x20 1.26.0-r0:\n    @edge https://dl-cdn.alpinelinux.org/alpine/edge/main\n";
        assert_eq!(offered(policy), ["1.24.0-r6", "1.24.0-r7"]);
    }
}
