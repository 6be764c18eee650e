//! Services by runit: a link in the folder that `runsvdir` looks at is a service, `sv` starts and stops it.

use super::service::{Action, State};
use super::{Failure, Node};
use crate::agent::host::Invocation;
use crate::model::resource::Enable;

/// Where services that may be linked are.
const AVAILABLE: &str = "/etc/sv";
/// Where `runsvdir` looks, one of these.
const LINKED: [&str; 3] = ["/var/service", "/etc/service", "/service"];

/// Whether runit runs this node.
pub(super) fn is_running(node: &Node<'_>) -> Result<bool, Failure> {
    Ok(node.host.stat("/run/runit")?.is_some() || node.host.stat("/run/runit.stopit")?.is_some())
}

/// Whether the service runs, and whether `runsvdir` knows it.
pub(super) fn state(node: &Node<'_>, name: &str) -> Result<State, Failure> {
    let linked = node.host.stat(&link(node, name)?)?.is_some();
    if !linked {
        return Ok(State { running: false, enabled: Some(Enable::No) });
    }
    let status = node.host.run(&Invocation::of(&["sv", "status", name]).within(60))?;
    Ok(State { running: status.output.starts_with("run:"), enabled: Some(Enable::Yes) })
}

/// Starts, stops, restarts, enables or disables a service.
pub(super) fn tell(node: &Node<'_>, name: &str, action: Action) -> Result<(), Failure> {
    let link = link(node, name)?;
    let linked = node.host.stat(&link)?.is_some();
    let sv = |verb: &str| node.host.run(&Invocation::of(&["sv", verb, name]));
    match action {
        Action::Start | Action::Restart if !linked => {
            let text = format!("runit starts `{name}` only where it is enabled: there is no `{link}`");
            Err(Failure::NotReached(text))
        }
        Action::Start => {
            let outcome = sv("start")?;
            // A new link is seen within five seconds, and what it names is started then.
            let unseen = outcome.output.contains("unable to open supervise/ok");
            if outcome.succeeded() || unseen {
                return Ok(());
            }
            Err(super::command_failed(&Invocation::of(&["sv", "start", name]), &outcome))
        }
        Action::Stop if !linked => Ok(()),
        Action::Stop => node.tool(&Invocation::of(&["sv", "stop", name])).map(drop),
        Action::Restart => node.tool(&Invocation::of(&["sv", "restart", name])).map(drop),
        Action::Enable(Enable::Yes) => {
            let service = format!("{AVAILABLE}/{name}");
            if node.host.stat(&service)?.is_none() {
                return Err(Failure::NotReached(format!("there is no service `{name}`: no `{service}`")));
            }
            Ok(node.host.link(&link, &service)?)
        }
        Action::Enable(Enable::No) => Ok(node.host.remove(&link)?),
        Action::Enable(Enable::Mask) => Err(Failure::NoProvider("way to mask a service with runit")),
    }
}

fn link(node: &Node<'_>, name: &str) -> Result<String, Failure> {
    for folder in LINKED {
        if node.host.stat(folder)?.is_some() {
            return Ok(format!("{folder}/{name}"));
        }
    }
    Err(Failure::NoProvider("folder that runsvdir looks at (`/var/service`, `/etc/service`)"))
}
