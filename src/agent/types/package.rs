//! `package`: a package in a version. Which commands do it is the provider's matter.

use super::provider::{Manager, Wish, newest};
use super::{Change, Done, Failure, Known, Node, Plan, Type};
use crate::model::resource::{Bound, Configfiles, Mark, Package, PackageEnsure, PackageManager, Than};
use std::cmp::Ordering;

/// A package.
#[derive(Clone, Copy)]
pub(in crate::agent) struct Installed<'a>(pub(in crate::agent) &'a Package);

/// What a provider says of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing of it is there.
    Absent,
    /// It was removed, and its configuration files are still there.
    Configured,
    /// It is there in this version.
    Present(String),
    /// It is there in these versions beside each other.
    Several(Vec<String>),
    /// Its installation or removal was left half done.
    Broken,
}

/// What puts a package right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::agent) enum Step {
    /// Install it, in this version where one is given.
    Install(Option<String>),
    /// Remove it and leave its configuration files.
    Remove,
    /// Remove it with its configuration files.
    Purge,
    /// Hold it in its version, or let it go.
    Mark(Mark),
}

impl Type for Installed<'_> {
    type Step = Step;

    fn check(&self, node: &mut Node<'_>) -> Result<Plan<Step>, Failure> {
        let package = self.0;
        let manager = self.manager(node)?;
        let state = manager.state(node, &package.name)?;
        let mut plan = Plan::new();
        let (to, step) = self.wanted(manager, &state, node)?;
        plan.wanted.push(("ensure", to.clone()));
        if let Some(step) = step {
            let message = match (&step, &state) {
                (Step::Install(_), State::Absent | State::Configured) => "created".to_owned(),
                (Step::Install(_), _) => format!("ensure changed '{}' to '{to}'", state.text()),
                (Step::Remove, _) => "removed".to_owned(),
                (Step::Purge, _) => "purged".to_owned(),
                (Step::Mark(_), _) => String::new(),
            };
            plan.changes.push(Change::new("ensure", &state.text(), &to, step).saying(message));
        }
        if let Some(mark) = package.mark {
            let name = |held: bool| if held { "hold" } else { "none" };
            let have = name(manager.is_held(node, &package.name)?);
            plan.property("mark", have, name(mark == Mark::Hold), || Step::Mark(mark));
        }
        Ok(plan)
    }

    fn apply(&self, step: Step, node: &mut Node<'_>) -> Result<Done, Failure> {
        let name = &self.0.name;
        let manager = self.manager(node)?;
        let does = manager.does;
        let done = match &step {
            Step::Install(version) => self.install(manager, version.as_deref(), node),
            Step::Remove => does.remove(node, self.0),
            Step::Purge => does.purge(node, self.0),
            Step::Mark(mark) => does.mark(node, name, *mark),
        };
        node.known.packages.clear();
        done?;
        self.reached(&step, manager, node)
    }

    fn forget(&self, known: &mut Known) {
        known.forget_all();
    }
}

impl Installed<'_> {
    /// Whether it may be installed in one transaction with others, as far as the catalog tells.
    pub(in crate::agent) fn may_wait(&self) -> bool {
        let package = self.0;
        package.mark.is_none()
            && package.provider.is_none_or(PackageManager::takes_many)
            && !matches!(package.ensure, PackageEnsure::Absent | PackageEnsure::Purged)
    }

    /// Whether both may be in one: the options are those of all that are in it.
    pub(in crate::agent) fn joins(&self, other: &Self) -> bool {
        let (one, other) = (self.0, other.0);
        let any = |package: &Package| package.ensure == PackageEnsure::Present;
        one.name != other.name
            && one.provider == other.provider
            && one.configfiles == other.configfiles
            && one.install_options == other.install_options
            && any(one) == any(other)
    }

    /// Whether the node's package manager takes it together with others. What is held has more to it.
    pub(in crate::agent) fn is_taken_with_others(&self, node: &mut Node<'_>) -> bool {
        let manager = self.manager(node).ok().filter(|manager| manager.which.takes_many());
        manager.is_some_and(|manager| manager.is_held(node, &self.0.name).is_ok_and(|held| !held))
    }

    /// Installs all of them, in one transaction if there are several. When that fails each is tried by itself: one that cannot
    /// be had does not keep the others away.
    pub(in crate::agent) fn together(
        all: &[(Self, Option<String>)],
        node: &mut Node<'_>,
    ) -> Vec<Result<Done, Failure>> {
        let step = |version: &Option<String>| Step::Install(version.clone());
        if let [(first, _), _, ..] = all
            && let Ok(manager) = first.manager(node)
        {
            let wishes: Vec<Wish<'_>> =
                all.iter().map(|(one, version)| (one.0, version.as_deref())).collect();
            let installed = manager.does.install_all(node, &wishes);
            node.known.packages.clear();
            if installed.is_ok() {
                let reached = all.iter().map(|(one, version)| one.reached(&step(version), manager, node));
                return reached.collect();
            }
        }
        all.iter().map(|(one, version)| one.apply(step(version), node)).collect()
    }

    /// Looks whether a step came to what it was for.
    fn reached(&self, step: &Step, manager: Manager, node: &mut Node<'_>) -> Result<Done, Failure> {
        let name = &self.0.name;
        let state = manager.state(node, name)?;
        let reached = match (step, &state) {
            (Step::Install(Some(version)), state) => state.is(manager, node, version)?,
            (Step::Install(None), State::Present(_) | State::Several(_)) => true,
            (Step::Purge, State::Absent) | (Step::Remove, State::Absent | State::Configured) => true,
            (Step::Mark(_), _) => true,
            (Step::Install(_) | Step::Remove | Step::Purge, _) => false,
        };
        if reached {
            Ok(Done::quietly())
        } else {
            Err(Failure::NotReached(format!(
                "the package manager was content, but `{name}` is '{}' now; is it a virtual package?",
                state.text()
            )))
        }
    }

    /// The package manager, unless it cannot do what is wanted of it.
    fn manager(&self, node: &Node<'_>) -> Result<Manager, Failure> {
        let package = self.0;
        let manager = Manager::of(package, node.host)?;
        if package.ensure == PackageEnsure::Purged && !manager.which.purges() {
            return Err(manager.unable("purge a package: it knows no configuration files"));
        }
        if package.mark.is_some() && !manager.which.holds() {
            return Err(manager.unable("hold a package in its version"));
        }
        if package.configfiles == Configfiles::Replace && manager.which != PackageManager::Apt {
            return Err(manager.unable("be told whose configuration files win"));
        }
        Ok(manager)
    }

    /// The wanted state in words, and what is to be done for it.
    fn wanted(
        &self,
        manager: Manager,
        state: &State,
        node: &mut Node<'_>,
    ) -> Result<(String, Option<Step>), Failure> {
        let name = &self.0.name;
        let there = matches!(state, State::Present(_) | State::Several(_));
        let gone = matches!(state, State::Absent);
        Ok(match &self.0.ensure {
            PackageEnsure::Present => ("present".into(), (!there).then_some(Step::Install(None))),
            PackageEnsure::Absent => {
                let left = !gone && *state != State::Configured;
                ("absent".into(), left.then_some(Step::Remove))
            }
            PackageEnsure::Purged => ("purged".into(), (!gone).then_some(Step::Purge)),
            PackageEnsure::Version(version) => {
                let is = state.is(manager, node, version)?;
                (version.clone(), (!is).then(|| Step::Install(Some(version.clone()))))
            }
            PackageEnsure::Latest => {
                let version = manager.does.candidate(node, self.0)?;
                let newer = |have: &String| -> Result<bool, Failure> {
                    let order = manager.does.compare(node, have, &version)?;
                    Ok(order == Ordering::Equal || (order == Ordering::Greater && !manager.does.goes_back()))
                };
                let mut is = false;
                for have in state.versions() {
                    is |= newer(have)?;
                }
                let step = (!is).then(|| Step::Install(Some(version.clone())));
                (version, step)
            }
            PackageEnsure::Range(bounds) => {
                let range = bounds.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
                if !within(manager, node, state.versions(), bounds)?.is_empty() {
                    return Ok((range, None));
                }
                let offered = manager.does.versions(node, self.0)?;
                let fitting = within(manager, node, &offered, bounds)?;
                let none =
                    || Failure::NotReached(format!("no package list of this node offers `{name}` {range}"));
                let version = newest(manager.does, node, fitting)?.ok_or_else(none)?;
                (range, Some(Step::Install(Some(version))))
            }
        })
    }

    /// Installs, and leaves a hold as it was.
    fn install(&self, manager: Manager, version: Option<&str>, node: &mut Node<'_>) -> Result<(), Failure> {
        let name = &self.0.name;
        let held = manager.is_held(node, name)?;
        if held && manager.does.locks() {
            manager.does.mark(node, name, Mark::None)?;
        }
        let installed = manager.does.install(node, self.0, version);
        // Some forget the hold of a package whose version they were told to change.
        if held {
            manager.does.mark(node, name, Mark::Hold)?;
        }
        installed
    }
}

impl State {
    fn text(&self) -> String {
        match self {
            Self::Absent => "purged".to_owned(),
            Self::Configured => "absent".to_owned(),
            Self::Present(version) => version.clone(),
            Self::Several(versions) => versions.join(", "),
            Self::Broken => "broken".to_owned(),
        }
    }

    /// The versions in which it is there.
    pub(super) fn versions(&self) -> &[String] {
        match self {
            Self::Present(version) => std::slice::from_ref(version),
            Self::Several(versions) => versions,
            Self::Absent | Self::Configured | Self::Broken => &[],
        }
    }

    /// Whether it is there in this version.
    fn is(&self, manager: Manager, node: &Node<'_>, version: &str) -> Result<bool, Failure> {
        for have in self.versions() {
            if have == version || manager.does.compare(node, have, version)? == Ordering::Equal {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// One version more of what may be there in several.
    pub(super) fn and(self, version: String) -> Self {
        match self {
            Self::Present(other) => Self::Several(vec![other, version]),
            Self::Several(mut versions) => {
                versions.push(version);
                Self::Several(versions)
            }
            Self::Absent | Self::Configured | Self::Broken => Self::Present(version),
        }
    }
}

/// Those of the versions that are within all bounds.
fn within(
    manager: Manager,
    node: &Node<'_>,
    versions: &[String],
    bounds: &[Bound],
) -> Result<Vec<String>, Failure> {
    let mut fitting = Vec::new();
    for version in versions {
        let mut fits = true;
        for bound in bounds {
            let order = manager.does.compare(node, version, &bound.version)?;
            fits &= match bound.than {
                Than::Less => order == Ordering::Less,
                Than::AtMost => order != Ordering::Greater,
                Than::AtLeast => order != Ordering::Less,
                Than::More => order == Ordering::Greater,
            };
        }
        if fits {
            fitting.push(version.clone());
        }
    }
    Ok(fitting)
}
