//! Packages by dpkg and apt: one `dpkg-query` for all packages, `apt-get` for changes, never a question.

use super::package::State;
use super::provider::{PATIENCE, Packages, Provider, Wish, nothing_offered, with_lists};
use super::version::compare;
use super::{Failure, Node, printed};
use crate::agent::host::{Host, Invocation, Outcome, OutputLimit};
use crate::model::resource::{Configfiles, Mark, Package};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// dpkg and apt.
pub(super) struct Apt;

impl Provider for Apt {
    fn read(&self, host: &Host) -> Result<Packages, Failure> {
        if host.stat("/var/lib/dpkg/status")?.is_none() {
            return Err(Failure::NoProvider("packages of dpkg"));
        }
        let format = "${Package}\t${Architecture}\t${db:Status-Abbrev}\t${Version}\n";
        let mut query = Invocation::of(&["dpkg-query", "--show", "--showformat", format]);
        query.limit = OutputLimit::Database;
        let output = super::tool(host, &query)?;
        Ok(Packages { states: parse(&output), held: Some(held(&output)) })
    }

    fn candidate(&self, node: &mut Node<'_>, package: &Package) -> Result<String, Failure> {
        let name = &package.name;
        let policy = Invocation::of(&["apt-cache", "policy", "--", name]);
        let output = printed(&policy, with_lists(node, &policy, &update(), |_| false)?)?;
        let line = output.lines().find_map(|line| line.trim().strip_prefix("Candidate: "));
        line.filter(|version| *version != "(none)").map(str::to_owned).ok_or_else(|| nothing_offered(name))
    }

    fn versions(&self, node: &mut Node<'_>, package: &Package) -> Result<Vec<String>, Failure> {
        let list = Invocation::of(&["apt-cache", "madison", "--", &package.name]);
        let nothing = |outcome: &Outcome| outcome.output.trim().is_empty();
        let output = printed(&list, with_lists(node, &list, &update(), nothing)?)?;
        let versions = output.lines().filter_map(|line| line.split('|').nth(1));
        Ok(versions.map(|version| version.trim().to_owned()).collect())
    }

    fn compare(&self, _node: &Node<'_>, a: &str, b: &str) -> Result<Ordering, Failure> {
        Ok(compare(a, b))
    }

    fn install(&self, node: &mut Node<'_>, package: &Package, version: Option<&str>) -> Result<(), Failure> {
        self.install_all(node, &[(package, version)])
    }

    fn install_all(&self, node: &mut Node<'_>, wishes: &[Wish<'_>]) -> Result<(), Failure> {
        let Some((first, _)) = wishes.first() else { return Ok(()) };
        let mut options = vec!["install"];
        options.extend(first.install_options.iter().map(String::as_str));
        if wishes.iter().any(|(_, version)| version.is_some()) {
            options.extend(["--allow-downgrades", "--allow-change-held-packages"]);
        }
        let what = |(package, version): &Wish<'_>| match version {
            Some(version) => format!("{}={version}", package.name),
            None => package.name.clone(),
        };
        let names: Vec<String> = wishes.iter().map(what).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let invocation = apt_get(&options, &names, first.configfiles);
        printed(&invocation, with_lists(node, &invocation, &update(), lists_are_stale)?).map(drop)
    }

    fn remove(&self, node: &Node<'_>, package: &Package) -> Result<(), Failure> {
        without(node, package, "remove")
    }

    fn purge(&self, node: &Node<'_>, package: &Package) -> Result<(), Failure> {
        without(node, package, "purge")
    }

    fn mark(&self, node: &Node<'_>, name: &str, mark: Mark) -> Result<(), Failure> {
        let verb = match mark {
            Mark::Hold => "hold",
            Mark::None => "unhold",
        };
        node.tool(&Invocation::of(&["apt-mark", verb, "--", name])).map(drop)
    }

    fn goes_back(&self) -> bool {
        true
    }
}

fn without(node: &Node<'_>, package: &Package, how: &str) -> Result<(), Failure> {
    let mut options = vec![how];
    options.extend(package.uninstall_options.iter().map(String::as_str));
    // What is held may go where the catalog says so.
    options.push("--allow-change-held-packages");
    node.tool(&apt_get(&options, &[&package.name], package.configfiles)).map(drop)
}

fn update() -> Invocation {
    apt_get(&["update"], &[], Configfiles::Keep)
}

fn apt_get(action: &[&str], names: &[&str], configfiles: Configfiles) -> Invocation {
    let conf = match configfiles {
        Configfiles::Keep => "DPkg::Options::=--force-confold",
        Configfiles::Replace => "DPkg::Options::=--force-confnew",
    };
    let fixed = ["apt-get", "-q", "-y", "-o", conf, "-o", "DPkg::Lock::Timeout=120"];
    let argv: Vec<&str> =
        fixed.iter().chain(action).copied().chain(["--"]).chain(names.iter().copied()).collect();
    let mut invocation = Invocation::of(&argv).within(PATIENCE);
    for (name, value) in [
        ("DEBIAN_FRONTEND", "noninteractive"),
        ("APT_LISTCHANGES_FRONTEND", "none"),
        ("APT_LISTBUGS_FRONTEND", "none"),
        ("NEEDRESTART_SUSPEND", "1"),
    ] {
        invocation.environment.push((name.into(), value.into()));
    }
    invocation
}

fn lists_are_stale(outcome: &Outcome) -> bool {
    let signs = [
        "Unable to locate package",
        "has no installation candidate",
        "was not found",
        "404  Not Found",
        "Failed to fetch",
    ];
    !outcome.succeeded() && signs.iter().any(|sign| outcome.output.contains(sign))
}

fn parse(output: &str) -> BTreeMap<String, State> {
    let mut packages = BTreeMap::new();
    for line in output.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, architecture, status, version] = fields[..] else { continue };
        // Three letters: what is wanted, what is, and `R` where it must be installed again.
        let state = match (status.chars().nth(1), status.chars().nth(2)) {
            (_, Some('R')) => State::Broken,
            (Some('i'), _) => State::Present(version.to_owned()),
            (Some('c'), _) => State::Configured,
            (Some('n'), _) => State::Absent,
            _ => State::Broken,
        };
        packages.insert(format!("{name}:{architecture}"), state.clone());
        // A second architecture of the same package does not hide an installed one.
        let entry = packages.entry(name.to_owned()).or_insert(State::Absent);
        if !matches!(entry, State::Present(_)) {
            *entry = state;
        }
    }
    packages
}

/// The packages of which dpkg is told to keep the version.
fn held(output: &str) -> BTreeSet<String> {
    let names = output.lines().filter_map(|line| {
        let mut fields = line.split('\t');
        let (name, architecture, status) = (fields.next()?, fields.next()?, fields.next()?);
        status.starts_with('h').then(|| [name.to_owned(), format!("{name}:{architecture}")])
    });
    names.flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_output_of_dpkg_query_is_understood() {
        let recorded = "base-files\tamd64\tii \t12.4+deb12u5\nlibc6\tamd64\tii \t2.36-9\nlibc6\ti386\trc \t2.36-8\n\
                        ntp\tamd64\trc \t1:4.2\nold\tamd64\tun \t\nhalf\tamd64\tiF \t1\nbad\tamd64\tiiR\t2\nheld\tall\thi \t3\n";
        let packages = parse(recorded);
        let present = |v: &str| State::Present(v.to_owned());
        for (name, state) in [
            ("base-files", present("12.4+deb12u5")),
            ("libc6", present("2.36-9")),
            ("libc6:i386", State::Configured),
            ("ntp", State::Configured),
            ("old", State::Absent),
            ("half", State::Broken),
            ("bad", State::Broken),
            ("held", present("3")),
        ] {
            assert_eq!(packages.get(name), Some(&state), "{name}");
        }
        assert_eq!(held(recorded), ["held".to_owned(), "held:all".to_owned()].into());
    }
}
