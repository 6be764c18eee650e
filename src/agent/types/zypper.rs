//! Packages by zypper and rpm: rpm says what is there and removes, zypper installs.

use super::provider::{Packages, Provider, change, newest, nothing_offered, with_lists};
use super::{Failure, Node, command_failed, rpm};
use crate::agent::host::{Ending, Host, Invocation, Outcome};
use crate::model::resource::{Mark, Package};
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// zypper.
pub(super) struct Zypper;

impl Provider for Zypper {
    fn read(&self, host: &Host) -> Result<Packages, Failure> {
        rpm::read(host)
    }

    fn candidate(&self, node: &mut Node<'_>, package: &Package) -> Result<String, Failure> {
        let versions = self.versions(node, package)?;
        newest(self, node, versions)?.ok_or_else(|| nothing_offered(&package.name))
    }

    fn versions(&self, node: &mut Node<'_>, package: &Package) -> Result<Vec<String>, Failure> {
        let name = package.name.as_str();
        let search = zypper(&["search", "--details", "--match-exact", "--type", "package", name]);
        let outcome = with_lists(node, &search, &refresh(), |outcome| outcome.ending == NOTHING_FOUND)?;
        if outcome.ending == NOTHING_FOUND {
            return Ok(Vec::new());
        }
        Ok(table(&done(&search, outcome)?)
            .filter(|row| row.get(1) == Some(&name) && row.get(5) != Some(&"(System Packages)"))
            .filter_map(|row| row.get(3).map(|version| (*version).to_owned()))
            .collect())
    }

    fn compare(&self, _node: &Node<'_>, a: &str, b: &str) -> Result<Ordering, Failure> {
        Ok(rpm::compare(a, b))
    }

    fn install(&self, node: &mut Node<'_>, package: &Package, version: Option<&str>) -> Result<(), Failure> {
        let mut words = vec!["zypper", "--non-interactive", "install", "--auto-agree-with-licenses"];
        let what = match version {
            Some(version) => {
                words.push("--oldpackage");
                format!("{}={version}", package.name)
            }
            None => package.name.clone(),
        };
        let invocation = change(&words, &package.install_options, &[&what]);
        let outcome = with_lists(node, &invocation, &refresh(), |outcome| outcome.ending == NOTHING_FOUND)?;
        done(&invocation, outcome).map(drop)
    }

    fn remove(&self, node: &Node<'_>, package: &Package) -> Result<(), Failure> {
        rpm::remove(node, package)
    }

    fn held(&self, node: &Node<'_>) -> Result<BTreeSet<String>, Failure> {
        let locks = zypper(&["locks"]);
        let output = done(&locks, node.host.run(&locks)?)?;
        let rows = table(&output).filter(|row| row.get(2).is_some_and(|kind| *kind == "package"));
        Ok(rows.filter_map(|row| row.get(1).map(|name| (*name).to_owned())).collect())
    }

    fn mark(&self, node: &Node<'_>, name: &str, mark: Mark) -> Result<(), Failure> {
        let verb = match mark {
            Mark::Hold => "addlock",
            Mark::None => "removelock",
        };
        node.tool(&zypper(&[verb, "--type", "package", name])).map(drop)
    }

    fn locks(&self) -> bool {
        true
    }
}

/// No package has that name.
const NOTHING_FOUND: Ending = Ending::Code(104);

fn zypper(words: &[&str]) -> Invocation {
    let argv: Vec<&str> = ["zypper", "--quiet", "--non-interactive"].iter().chain(words).copied().collect();
    Invocation::of(&argv).within(600)
}

fn refresh() -> Invocation {
    zypper(&["refresh"])
}

/// Exit codes from 100 tell something: updates are there, a restart is needed, a repository was left out.
fn done(invocation: &Invocation, outcome: Outcome) -> Result<String, Failure> {
    match outcome.ending {
        Ending::Code(0 | 100..=103 | 106) => Ok(outcome.output),
        _ => Err(command_failed(invocation, &outcome)),
    }
}

/// The rows of a table: `S | Name | Type | Version | Arch | Repository`.
fn table(output: &str) -> impl Iterator<Item = Vec<&str>> {
    output.lines().filter(|line| line.contains(" | ")).map(|line| line.split('|').map(str::trim).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_tables_of_zypper_are_understood() {
        let recorded = "S  | Name  | Type    | Version           | Arch   | Repository\n\
                        ---+-------+---------+-------------------+--------+----------------------\n\
                        v  | nginx | package | 1.21.5-150400.2.1 | x86_64 | Update repository\n\
                        i+ | nginx | package | 1.21.5-150400.1.8 | x86_64 | (System Packages)\n";
        let rows: Vec<_> = table(recorded).map(|row| (row[1], row[3], row[5])).collect();
        assert_eq!(
            rows,
            [
                ("Name", "Version", "Repository"),
                ("nginx", "1.21.5-150400.2.1", "Update repository"),
                ("nginx", "1.21.5-150400.1.8", "(System Packages)"),
            ]
        );
    }
}
