//! Packages by dpkg and apt: one `dpkg-query` for all packages, `apt-get` for changes, never a question.

use super::package::State;
use super::{Failure, Lists, Node};
use crate::agent::host::{Host, Invocation, Outcome, OutputLimit};
use crate::model::resource::{Configfiles, Mark, Package};
use std::collections::{BTreeMap, BTreeSet};

/// Time for one `apt-get`, in seconds.
const PATIENCE: u64 = 3600;

/// The packages that dpkg knows, by `name` and by `name:architecture`.
#[derive(Debug, Default)]
pub(super) struct Packages {
    states: BTreeMap<String, State>,
    held: BTreeSet<String>,
}

/// The state of one package; all are read at the first question.
pub(super) fn state(node: &mut Node<'_>, name: &str) -> Result<State, Failure> {
    if node.known.packages.is_none() {
        node.known.packages = Some(query(node.host)?);
    }
    let known = node.known.packages.as_ref().and_then(|p| p.states.get(name));
    Ok(known.cloned().unwrap_or(State::Absent))
}

/// Every package that dpkg knows, by `name` and by `name:architecture`.
pub(super) fn all(host: &Host) -> Result<BTreeMap<String, State>, Failure> {
    query(host).map(|packages| packages.states)
}

fn query(host: &Host) -> Result<Packages, Failure> {
    if host.stat("/var/lib/dpkg/status")?.is_none() {
        return Err(Failure::NoProvider("package manager that we know (dpkg with apt)"));
    }
    let format = "${Package}\t${Architecture}\t${db:Status-Abbrev}\t${Version}\n";
    let mut query = Invocation::of(&["dpkg-query", "--show", "--showformat", format]);
    query.limit = OutputLimit::Database;
    let output = super::tool(host, &query)?;
    Ok(Packages { states: parse(&output), held: held(&output) })
}

/// The newest version that the lists of packages offer.
pub(super) fn candidate(node: &mut Node<'_>, name: &str) -> Result<String, Failure> {
    if node.known.lists == Lists::Old && !node.noop {
        update(node)?;
    }
    let output = node.tool(&Invocation::of(&["apt-cache", "policy", "--", name]))?;
    let line = output.lines().find_map(|line| line.trim().strip_prefix("Candidate: "));
    match line {
        Some(version) if version != "(none)" => Ok(version.to_owned()),
        _ => Err(Failure::NotReached(format!("no package list of this node offers `{name}`"))),
    }
}

/// Installs a package. The lists of packages are fetched once per run, and only when apt does not find it or a
/// repository was changed.
pub(super) fn install(node: &mut Node<'_>, package: &Package, version: Option<&str>) -> Result<(), Failure> {
    let mut options = vec!["install"];
    options.extend(package.install_options.iter().map(String::as_str));
    let what = match version {
        Some(version) => {
            options.extend(["--allow-downgrades", "--allow-change-held-packages"]);
            format!("{}={version}", package.name)
        }
        None => package.name.clone(),
    };
    if node.known.lists == Lists::Old {
        update(node)?;
    }
    let invocation = apt_get(&options, &[&what], package.configfiles);
    let outcome = node.host.run(&invocation)?;
    if outcome.succeeded() {
        return Ok(());
    }
    if node.known.lists == Lists::Fresh || !lists_are_stale(&outcome) {
        return Err(super::command_failed(&invocation, &outcome));
    }
    update(node)?;
    node.tool(&invocation).map(drop)
}

fn update(node: &mut Node<'_>) -> Result<(), Failure> {
    node.tool(&apt_get(&["update"], &[], Configfiles::Keep))?;
    node.known.lists = Lists::Fresh;
    Ok(())
}

/// Removes (`remove`) or purges (`purge`) a package.
pub(super) fn remove(node: &Node<'_>, package: &Package, how: &str) -> Result<(), Failure> {
    let mut options = vec![how];
    options.extend(package.uninstall_options.iter().map(String::as_str));
    // What is held may go where the catalog says so.
    options.push("--allow-change-held-packages");
    node.tool(&apt_get(&options, &[&package.name], package.configfiles)).map(drop)
}

/// Whether the package is held.
pub(super) fn is_held(node: &mut Node<'_>, name: &str) -> Result<bool, Failure> {
    state(node, name)?;
    let known = node.known.packages.as_ref();
    Ok(known.is_some_and(|packages| packages.held.contains(name)))
}

/// Holds a package in its version, or lets it go.
pub(super) fn mark(node: &Node<'_>, name: &str, mark: Mark) -> Result<(), Failure> {
    let verb = match mark {
        Mark::Hold => "hold",
        Mark::None => "unhold",
    };
    node.tool(&Invocation::of(&["apt-mark", verb, "--", name])).map(drop)
}

/// The versions that the lists of packages offer.
pub(super) fn versions(node: &mut Node<'_>, name: &str) -> Result<Vec<String>, Failure> {
    if node.known.lists == Lists::Old && !node.noop {
        update(node)?;
    }
    let list = |node: &Node<'_>| node.tool(&Invocation::of(&["apt-cache", "madison", "--", name]));
    let mut output = list(node)?;
    if output.trim().is_empty() && node.known.lists == Lists::Unknown && !node.noop {
        update(node)?;
        output = list(node)?;
    }
    Ok(output
        .lines()
        .filter_map(|line| line.split('|').nth(1))
        .map(|version| version.trim().to_owned())
        .collect())
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
