//! The database of rpm, which dnf and zypper share, and the order of its versions.

use super::order;
use super::package::State;
use super::provider::{Packages, change, everything};
use super::{Failure, Node};
use crate::agent::host::Host;
use crate::model::resource::Package;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// One line for each package, with a word in front by which it is told from what else is printed.
const FORMAT: &str = "package\t%{NAME}\t%{ARCH}\t%|EPOCH?{%{EPOCH}}:{0}|\t%{VERSION}\t%{RELEASE}\n";

/// Everything that is installed, by `name` and by `name.architecture`.
pub(super) fn read(host: &Host) -> Result<Packages, Failure> {
    let output = super::tool(host, &everything(&["rpm", "--query", "--all", "--queryformat", FORMAT]))?;
    Ok(Packages::of(parse(&output)))
}

/// Removes a package, and nothing else: what others need stays, with a failure.
pub(super) fn remove(node: &Node<'_>, package: &Package) -> Result<(), Failure> {
    let words = ["rpm", "-e", "--allmatches"];
    node.tool(&change(&words, &package.uninstall_options, &[&package.name])).map(drop)
}

/// `epoch:version-release`, without an epoch that is 0.
pub(super) fn version(epoch: &str, version: &str, release: &str) -> String {
    match epoch {
        "0" | "" | "(none)" => format!("{version}-{release}"),
        epoch => format!("{epoch}:{version}-{release}"),
    }
}

/// Which of two versions is newer. A version without a release is every release of it.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let parts = |text: &str| -> (String, String, Option<String>) {
        let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
        let (version, release) = match rest.rsplit_once('-') {
            Some((version, release)) => (version, Some(release.to_owned())),
            None => (rest, None),
        };
        (epoch.to_owned(), version.to_owned(), release)
    };
    let ((epoch_a, version_a, release_a), (epoch_b, version_b, release_b)) = (parts(a), parts(b));
    order::digits(&epoch_a, &epoch_b).then_with(|| order::rpm(&version_a, &version_b)).then_with(|| {
        match (release_a, release_b) {
            (Some(a), Some(b)) => order::rpm(&a, &b),
            _ => Ordering::Equal,
        }
    })
}

fn parse(output: &str) -> BTreeMap<String, State> {
    let mut states: BTreeMap<String, State> = BTreeMap::new();
    for line in output.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let ["package", name, architecture, epoch, upstream, release] = fields[..] else { continue };
        let have = version(epoch, upstream, release);
        for name in [name.to_owned(), format!("{name}.{architecture}")] {
            let state = states.remove(&name).unwrap_or(State::Absent);
            // Two architectures in one version are that version.
            let known = state.versions().contains(&have);
            states.insert(name, if known { state } else { state.and(have.clone()) });
        }
    }
    states
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_output_of_rpm_is_understood() {
        let recorded = "package\tglibc\tx86_64\t0\t2.34\t83.el9_3.7\npackage\tglibc\ti686\t0\t2.34\t83.el9_3.7\n\
                        warning: something\npackage\topenssl\tx86_64\t1\t3.0.7\t25.el9_3\n\
                        package\tkernel\tx86_64\t0\t5.14.0\t362.8.1.el9_3\npackage\tkernel\tx86_64\t0\t5.14.0\t362.18.1.el9_3\n\
                        package\tgpg-pubkey\t(none)\t0\t8483c65d\t5ccc5b19\n";
        let states = parse(recorded);
        let one = |version: &str| State::Present(version.into());
        assert_eq!(states["glibc"], one("2.34-83.el9_3.7"));
        assert_eq!(states["glibc.i686"], one("2.34-83.el9_3.7"));
        assert_eq!(states["openssl"], one("1:3.0.7-25.el9_3"));
        let both = ["5.14.0-362.8.1.el9_3", "5.14.0-362.18.1.el9_3"].map(str::to_owned);
        assert_eq!(states["kernel"], State::Several(both.into()));
        assert_eq!(states.get("warning"), None);
    }

    #[test]
    fn a_version_without_a_release_is_every_release_of_it() {
        for (a, b, expected) in [
            ("1.0-1", "1.0-1", Ordering::Equal),
            ("1.0-1", "1.0", Ordering::Equal),
            ("1.0-2.el9", "1.0-10.el9", Ordering::Less),
            ("1:1.0-1", "2.0-1", Ordering::Greater),
            ("0:1.0-1", "1.0-1", Ordering::Equal),
            ("1.0~rc1-1", "1.0-1", Ordering::Less),
            ("1.0^git1-1", "1.0-1", Ordering::Greater),
        ] {
            assert_eq!(compare(a, b), expected, "{a} {b}");
        }
    }
}
