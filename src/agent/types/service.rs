//! `service`: whether a service runs now and whether it starts at boot. How is the init system's matter.

use super::{Change, Done, Failure, Known, Node, Plan, Refreshed, Type, openrc, runit, systemd, sysv};
use crate::agent::found::Found;
use crate::agent::undo::Undo;
use crate::model::resource::{Enable, Service, ServiceEnsure};
use std::time::{Duration, Instant};

/// A service.
pub(in crate::agent) struct Daemon<'a>(pub(in crate::agent) &'a Service);

/// What puts one property of a service right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::agent) enum Step {
    /// Let it run.
    Start,
    /// Let it not run.
    Stop,
    /// Let it start at boot, or not, or not at all.
    Enable(Enable),
}

/// What an init system says of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    pub(super) running: bool,
    /// Whether it starts at boot; `None` where that is not for us to say (a static unit).
    pub(super) enabled: Option<Enable>,
}

/// What an init system can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Start,
    Stop,
    Restart,
    Enable(Enable),
}

#[derive(Debug, Clone, Copy)]
enum Init {
    Systemd,
    Openrc,
    Runit,
    Sysv,
}

/// How long a service may take to be what it was told to be.
const PATIENCE: Duration = Duration::from_secs(10);

impl Type for Daemon<'_> {
    type Step = Step;

    fn check(&self, node: &mut Node<'_>) -> Result<Plan<Step>, Failure> {
        let service = self.0;
        let state = self.state(node)?;
        let mut plan = Plan::new();
        if let Some(ensure) = service.ensure {
            let (wanted, step) = match ensure {
                ServiceEnsure::Running => ("running", Step::Start),
                ServiceEnsure::Stopped => ("stopped", Step::Stop),
            };
            plan.property("ensure", running(state.running), wanted, || step);
        }
        if let Some(wanted) = service.enable {
            plan.wanted.push(("enable", enable(wanted).into()));
            // What has no say of its own about booting is as it should be, except for being masked.
            let have = state.enabled.unwrap_or(if wanted == Enable::Mask { Enable::No } else { wanted });
            if have != wanted {
                plan.changes.push(Change::new("enable", enable(have), enable(wanted), Step::Enable(wanted)));
            }
        }
        if service.enable == Some(Enable::Yes) {
            // A masked service cannot be started before it is unmasked.
            plan.changes.sort_by_key(|change| change.property != "enable");
        }
        Ok(plan)
    }

    fn undo(&self, _step: &Step, node: &mut Node<'_>) -> Result<Vec<Undo>, Failure> {
        let State { running, enabled } = self.state(node)?;
        let Service { name, provider, .. } = self.0;
        Ok(vec![Undo::Service { name: name.clone(), provider: provider.clone(), running, enabled }])
    }

    fn undo_refresh(&self) -> Vec<Undo> {
        let Service { name, provider, .. } = self.0;
        vec![Undo::Restart { name: name.clone(), provider: provider.clone() }]
    }

    fn apply(&self, step: Step, node: &mut Node<'_>) -> Result<Done, Failure> {
        let action = match step {
            Step::Start => Action::Start,
            Step::Stop => Action::Stop,
            Step::Enable(enable) => Action::Enable(enable),
        };
        self.tell(action, node)?;
        if step != Step::Start && step != Step::Stop {
            return Ok(Done::quietly());
        }
        self.wait_for(step == Step::Start, node)?;
        Ok(Done { fresh: step == Step::Start, ..Done::default() })
    }

    fn refresh(&self, node: &mut Node<'_>) -> Result<Refreshed, Failure> {
        if !self.state(node)?.running {
            return Ok(Refreshed::Skipped("Skipping restart; service is not running".into()));
        }
        self.tell(Action::Restart, node)?;
        self.wait_for(true, node)?;
        Ok(Refreshed::Done(Done::quietly()))
    }

    fn forget(&self, known: &mut Known) {
        known.units = None;
    }
}

impl Daemon<'_> {
    fn init(&self, node: &Node<'_>) -> Result<Init, Failure> {
        if !is_name(&self.0.name) {
            return Err(Failure::Value {
                value: self.0.name.escape_default().to_string(),
                what: "service name",
            });
        }
        match self.0.provider.as_deref() {
            Some("systemd") => Ok(Init::Systemd),
            Some("openrc") => Ok(Init::Openrc),
            Some("runit") => Ok(Init::Runit),
            Some("sysv") => Ok(Init::Sysv),
            Some(_) => Err(Failure::NoProvider("such init system")),
            None if systemd::is_running(node)? => Ok(Init::Systemd),
            None if openrc::is_running(node)? => Ok(Init::Openrc),
            None if runit::is_running(node)? => Ok(Init::Runit),
            None => Ok(Init::Sysv),
        }
    }

    fn state(&self, node: &mut Node<'_>) -> Result<State, Failure> {
        match self.init(node)? {
            Init::Systemd => systemd::state(node, &self.0.name),
            Init::Openrc => openrc::state(node, &self.0.name),
            Init::Runit => runit::state(node, &self.0.name),
            Init::Sysv => sysv::state(node, &self.0.name),
        }
    }

    /// What the init system says of the service, whatever is wished for.
    pub(in crate::agent) fn found(&self, node: &mut Node<'_>) -> Result<Found, Failure> {
        let state = self.state(node)?;
        let enabled = state.enabled.map_or("static", enable);
        Ok(Found::of(self.0.name.clone()).with("ensure", running(state.running)).with("enable", enabled))
    }

    fn tell(&self, action: Action, node: &mut Node<'_>) -> Result<(), Failure> {
        let told = match self.init(node)? {
            Init::Systemd => systemd::tell(node, &self.0.name, action),
            Init::Openrc => openrc::tell(node, &self.0.name, action),
            Init::Runit => runit::tell(node, &self.0.name, action),
            Init::Sysv => sysv::tell(node, &self.0.name, action),
        };
        node.known.units = None;
        told
    }

    /// A service that says it did as told and then does not is a failure, not a change.
    fn wait_for(&self, wanted: bool, node: &mut Node<'_>) -> Result<(), Failure> {
        let until = Instant::now() + PATIENCE;
        while self.state(node)?.running != wanted {
            node.known.units = None;
            if Instant::now() > until {
                let (name, state) = (&self.0.name, running(!wanted));
                return Err(Failure::NotReached(format!("`{name}` was told otherwise and is still {state}")));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }
}

/// Whether this names one service: no option, no path, and no pattern, which systemctl would expand.
pub(in crate::agent) fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || ":_.@-\\".contains(c);
    !name.is_empty() && !name.starts_with(['-', '.']) && name.chars().all(plain)
}

const fn running(yes: bool) -> &'static str {
    if yes { "running" } else { "stopped" }
}

const fn enable(enable: Enable) -> &'static str {
    match enable {
        Enable::Yes => "true",
        Enable::No => "false",
        Enable::Mask => "mask",
    }
}
