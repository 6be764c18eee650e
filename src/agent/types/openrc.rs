//! Services by OpenRC: `rc-service` starts and stops, `rc-update` decides about boot.

use super::service::{Action, State};
use super::{Failure, Node};
use crate::agent::host::Invocation;
use crate::model::resource::Enable;

/// Whether OpenRC runs this node.
pub(super) fn is_running(node: &Node<'_>) -> Result<bool, Failure> {
    Ok(node.host.stat("/run/openrc/softlevel")?.is_some())
}

/// Whether the service runs, and whether a runlevel starts it.
pub(super) fn state(node: &Node<'_>, name: &str) -> Result<State, Failure> {
    if node.host.stat(&format!("/etc/init.d/{name}"))?.is_none() {
        return Ok(State { running: false, enabled: Some(Enable::No) });
    }
    let running = node.host.run(&Invocation::of(&["rc-service", name, "status"]).within(60))?.succeeded();
    let mut enabled = Enable::No;
    for level in node.host.list("/etc/runlevels")? {
        let Some(level) = level.to_str() else { continue };
        if node.host.stat(&format!("/etc/runlevels/{level}/{name}"))?.is_some() {
            enabled = Enable::Yes;
        }
    }
    Ok(State { running, enabled: Some(enabled) })
}

/// Starts, stops, restarts, enables or disables a service.
pub(super) fn tell(node: &Node<'_>, name: &str, action: Action) -> Result<(), Failure> {
    let run = |argv: &[&str]| node.tool(&Invocation::of(argv)).map(drop);
    match action {
        Action::Start => run(&["rc-service", name, "start"]),
        Action::Stop => run(&["rc-service", name, "stop"]),
        Action::Restart => run(&["rc-service", name, "restart"]),
        Action::Enable(Enable::Yes) => run(&["rc-update", "add", name, "default"]),
        Action::Enable(Enable::No) => run(&["rc-update", "--all", "del", name]),
        Action::Enable(Enable::Mask) => Err(Failure::NoProvider("way to mask a service with OpenRC")),
    }
}
