//! Packages by dpkg and apt: one `dpkg-query` for all packages, `apt-get` for changes, never a question.

use super::package::State;
use super::{Failure, Node};
use crate::agent::host::{Invocation, Outcome, OutputLimit};
use crate::model::resource::Package;
use std::collections::BTreeMap;

/// Time for one `apt-get`, in seconds.
const PATIENCE: u64 = 3600;

/// The packages that dpkg knows, by `name` and by `name:architecture`.
#[derive(Debug, Default)]
pub(super) struct Packages(BTreeMap<String, State>);

/// The state of one package; all are read at the first question.
pub(super) fn state(node: &mut Node<'_>, name: &str) -> Result<State, Failure> {
    if node.known.packages.is_none() {
        if node.host.stat("/var/lib/dpkg/status")?.is_none() {
            return Err(Failure::NoProvider("package manager that we know (dpkg with apt)"));
        }
        let format = "${Package}\t${Architecture}\t${db:Status-Abbrev}\t${Version}\n";
        let mut query = Invocation::of(&["dpkg-query", "--show", "--showformat", format]);
        query.limit = OutputLimit::Database;
        let output = node.tool(&query)?;
        node.known.packages = Some(Packages(parse(&output)));
    }
    let known = node.known.packages.as_ref().and_then(|p| p.0.get(name));
    Ok(known.cloned().unwrap_or(State::Absent))
}

/// The newest version that the lists of packages offer.
pub(super) fn candidate(node: &Node<'_>, name: &str) -> Result<String, Failure> {
    let output = node.tool(&Invocation::of(&["apt-cache", "policy", "--", name]))?;
    let line = output.lines().find_map(|line| line.trim().strip_prefix("Candidate: "));
    match line {
        Some(version) if version != "(none)" => Ok(version.to_owned()),
        _ => Err(Failure::NotReached(format!("no package list of this node offers `{name}`"))),
    }
}

/// Installs a package. The lists of packages are fetched once per run, and only when apt does not find it.
pub(super) fn install(node: &mut Node<'_>, package: &Package, version: Option<&str>) -> Result<(), Failure> {
    let mut options = vec!["install"];
    options.extend(package.install_options.iter().map(String::as_str));
    let what = match version {
        Some(version) => {
            options.push("--allow-downgrades");
            format!("{}={version}", package.name)
        }
        None => package.name.clone(),
    };
    let invocation = apt_get(&options, &[&what]);
    let outcome = node.host.run(&invocation)?;
    if outcome.succeeded() {
        return Ok(());
    }
    if node.known.lists_are_fresh || !lists_are_stale(&outcome) {
        return Err(super::command_failed(&invocation, &outcome));
    }
    node.tool(&apt_get(&["update"], &[]))?;
    node.known.lists_are_fresh = true;
    node.tool(&invocation).map(drop)
}

/// Removes (`remove`) or purges (`purge`) a package.
pub(super) fn remove(node: &Node<'_>, name: &str, how: &str) -> Result<(), Failure> {
    node.tool(&apt_get(&[how], &[name])).map(drop)
}

/// Refuses a name that apt would read as an option, a pattern, or an order to remove.
pub(super) fn check_name(name: &str) -> Result<(), Failure> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+.-:".contains(c);
    let good = name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name.chars().all(plain)
        && !name.ends_with('-');
    let what = "package name";
    if good { Ok(()) } else { Err(Failure::Value { value: name.escape_default().to_string(), what }) }
}

fn apt_get(action: &[&str], names: &[&str]) -> Invocation {
    let fixed =
        ["apt-get", "-q", "-y", "-o", "DPkg::Options::=--force-confold", "-o", "DPkg::Lock::Timeout=120"];
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
    [
        "Unable to locate package",
        "has no installation candidate",
        "was not found",
        "404  Not Found",
        "Failed to fetch",
    ]
    .iter()
    .any(|sign| outcome.output.contains(sign))
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
    }

    #[test]
    fn a_name_is_never_an_option_a_pattern_or_an_order() {
        for good in ["nginx", "g++", "libc6:i386", "python3.11", "0ad"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", "-y", "nginx-", "^nginx", "nginx$", "nginx=1", "a/b", "./a.deb", "a b", "A", "a*"] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
