//! Packages by dnf and rpm: rpm says what is there and removes, dnf installs.

use super::provider::{Packages, Provider, change, newest, nothing_offered};
use super::{Failure, Node, printed, rpm};
use crate::agent::host::{Host, Invocation};
use crate::model::resource::{Mark, Package, PackageManager};
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// dnf.
pub(super) struct Dnf;

/// As with rpm: a word in front.
const FORMAT: &str = "package\t%{name}\t%{arch}\t%{epoch}\t%{version}\t%{release}\n";

impl Provider for Dnf {
    fn read(&self, host: &Host) -> Result<Packages, Failure> {
        rpm::read(host)
    }

    fn candidate(&self, node: &mut Node<'_>, package: &Package) -> Result<String, Failure> {
        let versions = self.versions(node, package)?;
        newest(self, node, versions)?.ok_or_else(|| nothing_offered(&package.name))
    }

    fn versions(&self, node: &mut Node<'_>, package: &Package) -> Result<Vec<String>, Failure> {
        let name = package.name.as_str();
        let words =
            ["dnf", "-q", "repoquery", "--available", "--showduplicates", "--queryformat", FORMAT, name];
        let output = node.tool(&Invocation::of(&words).within(600))?;
        let version = |line: &str| {
            let fields: Vec<&str> = line.split('\t').collect();
            let ["package", found, architecture, epoch, version, release] = fields[..] else { return None };
            let asked = found == name || format!("{found}.{architecture}") == name;
            asked.then(|| rpm::version(epoch, version, release))
        };
        Ok(output.lines().filter_map(version).collect())
    }

    fn compare(&self, _node: &Node<'_>, a: &str, b: &str) -> Result<Ordering, Failure> {
        Ok(rpm::compare(a, b))
    }

    fn install(&self, node: &mut Node<'_>, package: &Package, version: Option<&str>) -> Result<(), Failure> {
        // `name.architecture` in a version is `name-version.architecture`.
        let what = match (version, package.name.rsplit_once('.')) {
            (None, _) => package.name.clone(),
            (Some(version), Some((name, architecture))) if is_architecture(architecture) => {
                format!("{name}-{version}.{architecture}")
            }
            (Some(version), _) => format!("{}-{version}", package.name),
        };
        node.tool(&change(&["dnf", "-y", "install"], &package.install_options, &[&what])).map(drop)
    }

    fn remove(&self, node: &Node<'_>, package: &Package) -> Result<(), Failure> {
        rpm::remove(node, package)
    }

    fn held(&self, node: &Node<'_>) -> Result<BTreeSet<String>, Failure> {
        let list = Invocation::of(&["dnf", "-q", "versionlock", "list"]);
        let outcome = node.host.run(&list)?;
        if has_no_locks(&outcome.output) {
            return Ok(BTreeSet::new());
        }
        Ok(locked(&printed(&list, outcome)?))
    }

    fn mark(&self, node: &Node<'_>, name: &str, mark: Mark) -> Result<(), Failure> {
        let verb = match mark {
            Mark::Hold => "add",
            Mark::None => "delete",
        };
        let invocation = Invocation::of(&["dnf", "-y", "versionlock", verb, name]);
        let outcome = node.host.run(&invocation)?;
        if has_no_locks(&outcome.output) {
            let what =
                "hold a package in its version without its plugin `versionlock`: install that first".into();
            return Err(Failure::Unable { manager: PackageManager::Dnf, what });
        }
        printed(&invocation, outcome).map(drop)
    }

    fn locks(&self) -> bool {
        true
    }
}

fn is_architecture(text: &str) -> bool {
    ["x86_64", "i386", "i486", "i586", "i686", "aarch64", "armv7hl", "ppc64le", "s390x", "riscv64", "noarch"]
        .contains(&text)
}

fn has_no_locks(output: &str) -> bool {
    output.contains("No such command") || output.contains("Unknown argument \"versionlock\"")
}

/// The names of what is locked: `name-epoch:version-release.*` of dnf 4, or `Package name: name` of dnf 5.
fn locked(output: &str) -> BTreeSet<String> {
    let name = |line: &str| {
        let line = line.trim();
        if let Some(name) = line.strip_prefix("Package name:") {
            return Some(name.trim().to_owned());
        }
        let plain = !line.starts_with(['!', '#']) && !line.contains(char::is_whitespace);
        let (name, epoch) = line.rsplit_once('-')?.0.rsplit_once('-')?;
        (plain && epoch.contains(':')).then(|| name.to_owned())
    };
    output.lines().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_lists_of_locks_are_understood() {
        let four = "nginx-1:1.20.1-14.el9.*\nperl-libs-4:5.32.1-480.el9.*\n!httpd-0:2.4.57-5.el9.*\n";
        assert_eq!(locked(four), ["nginx".to_owned(), "perl-libs".to_owned()].into());
        let five = "# Added by 'versionlock add' command on 2024-05-13 11:42:41\nPackage name: nginx\nevr = 1:1.20.1-14\n";
        assert_eq!(locked(five), ["nginx".to_owned()].into());
        assert_eq!(locked(""), BTreeSet::new());
        assert!(has_no_locks("No such command: versionlock. Please use /usr/bin/dnf --help\n"));
    }
}
