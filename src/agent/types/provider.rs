//! What every package manager can be asked and told, and which one a package is for. What differs between them is in
//! a file for each.

use super::package::State;
use super::{Failure, Lists, Node};
use super::{apk, apt, dnf, flatpak, gem, npm, pacman, pip, snap, zypper};
use crate::agent::host::{Host, Invocation, Outcome, OutputLimit};
use crate::model::resource::{Mark, Package, PackageManager};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// Time for one command that installs or removes, in seconds.
pub(super) const PATIENCE: u64 = 3600;

/// The packages that a package manager lists, by their names.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Packages {
    pub(super) states: BTreeMap<String, State>,
    /// Those that are held; `None` where that takes another question.
    pub(super) held: Option<BTreeSet<String>>,
}

impl Packages {
    /// Packages of which each stands in one or several versions.
    pub(super) fn of(states: BTreeMap<String, State>) -> Self {
        Self { states, held: None }
    }
}

/// A package, and its version where one is given.
pub(super) type Wish<'a> = (&'a Package, Option<&'a str>);

/// A package manager at work. Everything it does is one command, and it is never asked a question.
pub(super) trait Provider: Sync {
    /// Everything that is there.
    fn read(&self, host: &Host) -> Result<Packages, Failure>;

    /// The version that it would install: the first of all, where nothing else is said.
    fn candidate(&self, node: &mut Node<'_>, package: &Package) -> Result<String, Failure> {
        self.versions(node, package)?.into_iter().next().ok_or_else(|| nothing_offered(&package.name))
    }

    /// All versions that it could install.
    fn versions(&self, node: &mut Node<'_>, package: &Package) -> Result<Vec<String>, Failure>;

    /// Which of two versions is newer.
    fn compare(&self, node: &Node<'_>, a: &str, b: &str) -> Result<Ordering, Failure>;

    /// Installs a package, in this version where one is given.
    fn install(&self, node: &mut Node<'_>, package: &Package, version: Option<&str>) -> Result<(), Failure>;

    /// Installs packages that have the same options, all or none, where [`PackageManager::takes_many`].
    fn install_all(&self, _node: &mut Node<'_>, _wishes: &[Wish<'_>]) -> Result<(), Failure> {
        Err(Failure::NoProvider("way to install packages together"))
    }

    /// Removes a package.
    fn remove(&self, node: &Node<'_>, package: &Package) -> Result<(), Failure>;

    /// Removes a package with its configuration files.
    fn purge(&self, _node: &Node<'_>, _package: &Package) -> Result<(), Failure> {
        Err(Failure::NoProvider("way to purge a package"))
    }

    /// The packages that are held, where [`Provider::read`] does not tell.
    fn held(&self, _node: &Node<'_>) -> Result<BTreeSet<String>, Failure> {
        Ok(BTreeSet::new())
    }

    /// Holds a package in its version, or lets it go.
    fn mark(&self, _node: &Node<'_>, _name: &str, _mark: Mark) -> Result<(), Failure> {
        Err(Failure::NoProvider("way to hold a package"))
    }

    /// Whether it goes back to an older candidate by itself.
    fn goes_back(&self) -> bool {
        false
    }

    /// Whether a package must be let go before its version can change.
    fn locks(&self) -> bool {
        false
    }
}

/// A package manager of this node.
#[derive(Clone, Copy)]
pub(super) struct Manager {
    pub(super) which: PackageManager,
    pub(super) does: &'static dyn Provider,
}

impl Manager {
    /// That of the package: the one that it names, or else the node's own.
    pub(super) fn of(package: &Package, host: &Host) -> Result<Self, Failure> {
        let which = match package.provider {
            Some(manager) => manager,
            None => own(host)?,
        };
        let manager = Self::new(which);
        let wrong = |value: &str, what| Failure::Value { value: value.escape_default().to_string(), what };
        if !which.is_name(&package.name) {
            return Err(wrong(&package.name, "package name"));
        }
        match package.ensure.versions().find(|version| !which.is_version(version)) {
            Some(version) => Err(wrong(version, "version of a package")),
            None => Ok(manager),
        }
    }

    /// The node's own.
    pub(super) fn own(host: &Host) -> Result<Self, Failure> {
        own(host).map(Self::new)
    }

    /// That one, whether the node has it or not.
    pub(super) fn new(which: PackageManager) -> Self {
        let does: &'static dyn Provider = match which {
            PackageManager::Apt => &apt::Apt,
            PackageManager::Dnf => &dnf::Dnf,
            PackageManager::Zypper => &zypper::Zypper,
            PackageManager::Apk => &apk::Apk,
            PackageManager::Pacman => &pacman::Pacman,
            PackageManager::Pip => &pip::Pip,
            PackageManager::Npm => &npm::Npm,
            PackageManager::Gem => &gem::Gem,
            PackageManager::Snap => &snap::Snap,
            PackageManager::Flatpak => &flatpak::Flatpak,
        };
        Self { which, does }
    }

    /// The state of one package; all are read at the first question.
    pub(super) fn state(self, node: &mut Node<'_>, name: &str) -> Result<State, Failure> {
        let known = self.known(node)?.states.get(self.which.listed(name).as_ref());
        Ok(known.cloned().unwrap_or(State::Absent))
    }

    /// Whether a package is held.
    pub(super) fn is_held(self, node: &mut Node<'_>, name: &str) -> Result<bool, Failure> {
        if !self.which.holds() {
            return Ok(false);
        }
        if self.known(node)?.held.is_none() {
            let held = self.does.held(node)?;
            self.known(node)?.held = Some(held);
        }
        Ok(self.known(node)?.held.as_ref().is_some_and(|held| held.contains(name)))
    }

    /// That it cannot do something.
    pub(super) fn unable(self, what: &str) -> Failure {
        Failure::Unable { manager: self.which, what: what.to_owned() }
    }

    fn known<'n>(self, node: &'n mut Node<'_>) -> Result<&'n mut Packages, Failure> {
        use std::collections::btree_map::Entry;
        match node.known.packages.entry(self.which) {
            Entry::Occupied(there) => Ok(there.into_mut()),
            Entry::Vacant(missing) => Ok(missing.insert(self.does.read(node.host)?)),
        }
    }
}

/// The package manager of the distribution, by its database and its program.
fn own(host: &Host) -> Result<PackageManager, Failure> {
    let signs = [
        (PackageManager::Apt, "/var/lib/dpkg/status"),
        (PackageManager::Apk, "/lib/apk/db/installed"),
        (PackageManager::Apk, "/usr/lib/apk/db/installed"),
        (PackageManager::Pacman, "/var/lib/pacman/local"),
        (PackageManager::Zypper, "/usr/bin/zypper"),
        (PackageManager::Dnf, "/usr/bin/dnf"),
    ];
    for (manager, sign) in signs {
        if host.stat(sign)?.is_some() {
            return Ok(manager);
        }
    }
    Err(Failure::NoProvider("package manager that we know (apt, dnf, zypper, apk or pacman)"))
}

/// A command that changes something.
pub(super) fn change(words: &[&str], options: &[String], names: &[&str]) -> Invocation {
    let options = options.iter().map(String::as_str);
    let argv: Vec<&str> = words.iter().copied().chain(options).chain(names.iter().copied()).collect();
    Invocation::of(&argv).within(PATIENCE)
}

/// A command that asks for everything that is there.
pub(super) fn everything(argv: &[&str]) -> Invocation {
    let mut invocation = Invocation::of(argv);
    invocation.limit = OutputLimit::Database;
    invocation
}

/// Runs `invocation`, with new lists of packages once per run where they are old, or where `stale` sees in what it
/// prints that they are.
pub(super) fn with_lists(
    node: &mut Node<'_>,
    invocation: &Invocation,
    update: &Invocation,
    stale: fn(&Outcome) -> bool,
) -> Result<Outcome, Failure> {
    let fetch = |node: &mut Node<'_>| -> Result<(), Failure> {
        node.tool(update)?;
        node.known.lists = Lists::Fresh;
        Ok(())
    };
    if node.known.lists == Lists::Old && !node.noop {
        fetch(node)?;
    }
    let outcome = node.host.run(invocation)?;
    if node.noop || node.known.lists == Lists::Fresh || !stale(&outcome) {
        return Ok(outcome);
    }
    fetch(node)?;
    Ok(node.host.run(invocation)?)
}

/// The newest of several versions.
pub(super) fn newest(
    provider: &dyn Provider,
    node: &Node<'_>,
    versions: impl IntoIterator<Item = String>,
) -> Result<Option<String>, Failure> {
    let mut newest: Option<String> = None;
    for version in versions {
        let newer = match &newest {
            Some(have) => provider.compare(node, &version, have)? == Ordering::Greater,
            None => true,
        };
        if newer {
            newest = Some(version);
        }
    }
    Ok(newest)
}

/// That nothing of this name can be had.
pub(super) fn nothing_offered(name: &str) -> Failure {
    Failure::NotReached(format!("no package list of this node offers `{name}`"))
}
