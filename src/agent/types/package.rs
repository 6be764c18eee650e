//! `package`: a package of the distribution, in a version. Which commands do it is the provider's matter.

use super::version::compare;
use super::{Change, Done, Failure, Known, Node, Plan, Type, apt};
use crate::model::resource::{Bound, Mark, Package, PackageEnsure, Than};
use std::cmp::Ordering;

/// A package.
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
        apt::check_name(&package.name)?;
        let state = apt::state(node, &package.name)?;
        let mut plan = Plan::new();
        let (to, step) = match &package.ensure {
            PackageEnsure::Present => match state {
                State::Present(_) => ("present".to_owned(), None),
                State::Absent | State::Configured | State::Broken => {
                    ("present".to_owned(), Some(Step::Install(None)))
                }
            },
            PackageEnsure::Absent => match state {
                State::Absent | State::Configured => ("absent".to_owned(), None),
                State::Present(_) | State::Broken => ("absent".to_owned(), Some(Step::Remove)),
            },
            PackageEnsure::Purged => match state {
                State::Absent => ("purged".to_owned(), None),
                State::Present(_) | State::Configured | State::Broken => {
                    ("purged".to_owned(), Some(Step::Purge))
                }
            },
            PackageEnsure::Version(version) => (version.clone(), self.towards(&state, version)),
            PackageEnsure::Latest => {
                let version = apt::candidate(node, &package.name)?;
                let step = self.towards(&state, &version);
                (version, step)
            }
            PackageEnsure::Range(bounds) => {
                let range = bounds.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
                match &state {
                    State::Present(have) if is_within(have, bounds) => (range, None),
                    _ => {
                        let version = newest_within(node, &package.name, bounds, &range)?;
                        (range, Some(Step::Install(Some(version))))
                    }
                }
            }
        };
        plan.wanted.push(("ensure", to.clone()));
        if let Some(step) = step {
            let message = match (&step, &state) {
                (Step::Install(_), State::Absent | State::Configured) => "created".to_owned(),
                (Step::Install(_), _) => format!("ensure changed '{}' to '{to}'", state.text()),
                (Step::Remove, _) => "removed".to_owned(),
                (Step::Purge, _) => "purged".to_owned(),
                (Step::Mark(_), _) => String::new(),
            };
            plan.changes.push(Change::new("ensure", state.text(), &to, step).saying(message));
        }
        if let Some(mark) = package.mark {
            let name = |held: bool| if held { "hold" } else { "none" };
            let have = name(apt::is_held(node, &package.name)?);
            plan.property("mark", have, name(mark == Mark::Hold), || Step::Mark(mark));
        }
        Ok(plan)
    }

    fn apply(&self, step: Step, node: &mut Node<'_>) -> Result<Done, Failure> {
        let name = &self.0.name;
        match &step {
            Step::Install(version) => {
                let held = apt::is_held(node, name)?;
                apt::install(node, self.0, version.as_deref())?;
                // apt forgets the hold of a package whose version it was told to change.
                if held {
                    apt::mark(node, name, Mark::Hold)?;
                }
            }
            Step::Remove => apt::remove(node, self.0, "remove")?,
            Step::Purge => apt::remove(node, self.0, "purge")?,
            Step::Mark(mark) => {
                apt::mark(node, name, *mark)?;
                node.known.packages = None;
                return Ok(Done::quietly());
            }
        }
        node.known.packages = None;
        let state = apt::state(node, name)?;
        let reached = match (&step, &state) {
            (Step::Install(Some(version)), State::Present(have)) => have == version,
            (Step::Install(None), State::Present(_)) | (Step::Purge, State::Absent) => true,
            (Step::Remove, State::Absent | State::Configured) => true,
            (Step::Install(_) | Step::Remove | Step::Purge | Step::Mark(_), _) => false,
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

    fn forget(&self, known: &mut Known) {
        known.forget_all();
    }
}

impl Installed<'_> {
    fn towards(&self, state: &State, version: &str) -> Option<Step> {
        let there = matches!(state, State::Present(have) if have == version);
        (!there).then(|| Step::Install(Some(version.to_owned())))
    }
}

impl State {
    fn text(&self) -> &str {
        match self {
            Self::Absent => "purged",
            Self::Configured => "absent",
            Self::Present(version) => version,
            Self::Broken => "broken",
        }
    }
}

fn is_within(version: &str, bounds: &[Bound]) -> bool {
    bounds.iter().all(|bound| {
        let order = compare(version, &bound.version);
        match bound.than {
            Than::Less => order == Ordering::Less,
            Than::AtMost => order != Ordering::Greater,
            Than::AtLeast => order != Ordering::Less,
            Than::More => order == Ordering::Greater,
        }
    })
}

/// The newest version that the lists of packages offer within the bounds.
fn newest_within(node: &mut Node<'_>, name: &str, bounds: &[Bound], range: &str) -> Result<String, Failure> {
    let offered = apt::versions(node, name)?;
    let fitting = offered.into_iter().filter(|version| is_within(version, bounds));
    let newest = fitting.max_by(|a, b| compare(a, b));
    newest.ok_or_else(|| Failure::NotReached(format!("no package list of this node offers `{name}` {range}")))
}
