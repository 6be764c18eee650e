//! Services by scripts in `/etc/init.d`: the script starts and stops, `update-rc.d` decides about boot.

use super::service::{Action, State};
use super::{Failure, Node};
use crate::agent::host::Invocation;
use crate::model::resource::Enable;

/// Whether the script says that the service runs, and whether a runlevel with several users starts it.
pub(super) fn state(node: &Node<'_>, name: &str) -> Result<State, Failure> {
    if node.host.stat(&script(name))?.is_none() {
        return Ok(State { running: false, enabled: Some(Enable::No) });
    }
    let running = node.host.run(&Invocation::of(&[&script(name), "status"]).within(60))?.succeeded();
    let mut enabled = Enable::No;
    for level in 2..=5 {
        let folder = format!("/etc/rc{level}.d");
        if node.host.stat(&folder)?.is_none() {
            continue;
        }
        let starts = |entry: &str| entry.strip_prefix('S').and_then(|e| e.get(2..)) == Some(name);
        if node.host.list(&folder)?.iter().any(|entry| entry.to_str().is_some_and(starts)) {
            enabled = Enable::Yes;
        }
    }
    Ok(State { running, enabled: Some(enabled) })
}

/// Starts, stops, restarts, enables or disables a service.
pub(super) fn tell(node: &Node<'_>, name: &str, action: Action) -> Result<(), Failure> {
    let path = script(name);
    if node.host.stat(&path)?.is_none() {
        return Err(Failure::NotReached(format!(
            "there is no service `{name}`: no `{path}`, and no systemd"
        )));
    }
    let run = |argv: &[&str]| node.tool(&Invocation::of(argv)).map(drop);
    match action {
        Action::Start => run(&[&path, "start"]),
        Action::Stop => run(&[&path, "stop"]),
        Action::Restart => run(&[&path, "restart"]),
        Action::Enable(Enable::Yes) => {
            run(&["update-rc.d", name, "defaults"])?;
            run(&["update-rc.d", name, "enable"])
        }
        Action::Enable(Enable::No) => run(&["update-rc.d", name, "disable"]),
        Action::Enable(Enable::Mask) => Err(Failure::NoProvider("way to mask a service without systemd")),
    }
}

fn script(name: &str) -> String {
    format!("/etc/init.d/{name}")
}
