//! Services by systemd: one `systemctl show` for all services of the catalog, `systemctl` for changes.

use super::service::{Action, State};
use super::{Failure, Node};
use crate::agent::host::{EntryKind, Invocation};
use crate::model::resource::{Enable, UNIT_ENDINGS};
use std::collections::BTreeMap;

/// The units that were asked for, by their `Id` or by the name that was asked for.
#[derive(Debug, Default)]
pub(super) struct Units(BTreeMap<String, Unit>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Unit {
    known: bool,
    state: State,
    reload: bool,
}

/// Where control groups of services are: alone, beside the old hierarchies, and in the old one.
const GROUPS: [&str; 3] = [
    "/sys/fs/cgroup/system.slice",
    "/sys/fs/cgroup/unified/system.slice",
    "/sys/fs/cgroup/systemd/system.slice",
];
/// Where it stands that a service starts at boot, or may not start.
const LINKS: [&str; 2] = ["/etc/systemd/system", "/etc/systemd/system/multi-user.target.wants"];

/// The paths that come and go with what a service is: its control group, which systemd makes when it starts and removes
/// when nothing of it runs any more, and its links. The kernel tells of them without a question to systemd. A service
/// that another slice has, or that another target wants, leaves no such trace.
pub(in crate::agent) fn traces(name: &str) -> Vec<String> {
    let whole = name.rsplit_once('.').is_some_and(|(_, ending)| UNIT_ENDINGS.contains(&ending));
    let unit = if whole { name.to_owned() } else { format!("{name}.service") };
    let slice = unit.split_once('@').map(|(template, _)| {
        // As systemd names the slice of a template's instances: a dash would be a level of its own.
        format!("system-{}.slice/", template.replace('-', "\\x2d"))
    });
    let slice = slice.unwrap_or_default();
    let groups = GROUPS.iter().map(|folder| format!("{folder}/{slice}{unit}"));
    groups.chain(LINKS.iter().map(|folder| format!("{folder}/{unit}"))).collect()
}

/// Whether systemd runs this node.
pub(super) fn is_running(node: &Node<'_>) -> Result<bool, Failure> {
    let stat = node.host.stat("/run/systemd/system")?;
    Ok(stat.is_some_and(|s| s.kind == EntryKind::Directory))
}

/// The state of one service; all of the catalog's are read at the first question.
pub(super) fn state(node: &mut Node<'_>, name: &str) -> Result<State, Failure> {
    let unit = unit(node, name)?;
    // What is not there does not run and does not start.
    Ok(if unit.known { unit.state } else { State { running: false, enabled: Some(Enable::No) } })
}

/// Starts, stops, restarts, enables, disables or masks a service.
pub(super) fn tell(node: &mut Node<'_>, name: &str, action: Action) -> Result<(), Failure> {
    let before = unit(node, name)?;
    let masked = before.state.enabled == Some(Enable::Mask);
    if masked && matches!(action, Action::Start | Action::Enable(Enable::Yes | Enable::No)) {
        systemctl(node, &["unmask", "--", name])?;
    }
    if before.reload && matches!(action, Action::Start | Action::Restart) {
        systemctl(node, &["daemon-reload"])?;
    }
    match action {
        Action::Start => with_journal(node, name, systemctl(node, &["start", "--", name])),
        Action::Stop => systemctl(node, &["stop", "--", name]),
        Action::Restart => with_journal(node, name, systemctl(node, &["restart", "--", name])),
        Action::Enable(Enable::Yes) => systemctl(node, &["enable", "--", name]),
        Action::Enable(Enable::No) => systemctl(node, &["disable", "--", name]),
        Action::Enable(Enable::Mask) => {
            if before.known {
                systemctl(node, &["disable", "--", name])?;
            }
            systemctl(node, &["mask", "--", name])
        }
    }
}

fn unit(node: &mut Node<'_>, name: &str) -> Result<Unit, Failure> {
    let missing = !node.known.units.as_ref().is_some_and(|units| units.0.contains_key(name));
    if missing {
        let mut names = node.services.clone();
        if !names.iter().any(|n| n == name) {
            names.push(name.to_owned());
        }
        let mut argv = vec![
            "systemctl",
            "show",
            "--property=LoadState,ActiveState,UnitFileState,NeedDaemonReload",
            "--",
        ];
        argv.extend(names.iter().map(String::as_str));
        let output = node.tool(&Invocation::of(&argv))?;
        let units = parse(&names, &output);
        if output.trim_end().split("\n\n").count() != names.len() {
            return Err(Failure::NotReached("systemctl answered for other units than were asked for".into()));
        }
        node.known.units = Some(Units(units));
    }
    let unit = node.known.units.as_ref().and_then(|units| units.0.get(name)).cloned();
    unit.ok_or_else(|| Failure::NotReached(format!("systemctl said nothing of `{name}`")))
}

/// One paragraph per unit, in the order in which they were asked for.
fn parse(names: &[String], output: &str) -> BTreeMap<String, Unit> {
    let unit = |paragraph: &str| {
        let value = |key: &str| {
            paragraph.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).unwrap_or_default()
        };
        let enabled = match value("UnitFileState") {
            "enabled" | "enabled-runtime" | "linked" | "linked-runtime" | "alias" => Some(Enable::Yes),
            "masked" | "masked-runtime" => Some(Enable::Mask),
            "static" | "indirect" | "generated" | "transient" => None,
            _ => Some(Enable::No),
        };
        let running = matches!(value("ActiveState"), "active" | "reloading" | "activating");
        Unit {
            known: matches!(value("LoadState"), "loaded" | "masked"),
            state: State { running, enabled },
            reload: value("NeedDaemonReload") == "yes",
        }
    };
    names.iter().cloned().zip(output.trim_end().split("\n\n").map(unit)).collect()
}

fn systemctl(node: &Node<'_>, arguments: &[&str]) -> Result<(), Failure> {
    let argv: Vec<&str> = ["systemctl", "--no-ask-password"].iter().chain(arguments).copied().collect();
    node.tool(&Invocation::of(&argv)).map(drop)
}

/// Adds the last lines of the journal to a failure.
fn with_journal(node: &Node<'_>, name: &str, result: Result<(), Failure>) -> Result<(), Failure> {
    let failure = match result {
        Ok(()) => return Ok(()),
        Err(failure) => super::chain(&failure),
    };
    let journal = Invocation::of(&["journalctl", "--no-pager", "-n", "50", "-u", name]).within(20);
    let lines = node.host.run(&journal).map(|outcome| outcome.output).unwrap_or_default();
    Err(Failure::NotReached(format!("{failure}\n{}", lines.trim_end()).trim_end().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_leaves_traces_where_systemd_has_it() {
        let has =
            |name: &str, path: &str| assert!(traces(name).contains(&path.to_owned()), "{:?}", traces(name));
        has("ssh", "/sys/fs/cgroup/system.slice/ssh.service");
        has("ssh.service", "/sys/fs/cgroup/unified/system.slice/ssh.service");
        has("a-b@c", "/sys/fs/cgroup/system.slice/system-a\\x2db.slice/a-b@c.service");
        has("ssh", "/etc/systemd/system/ssh.service");
        has("apt-daily.timer", "/etc/systemd/system/apt-daily.timer");
        has("org.example", "/etc/systemd/system/org.example.service");
        has("ssh", "/etc/systemd/system/multi-user.target.wants/ssh.service");
    }

    #[test]
    fn recorded_output_of_systemctl_is_understood() {
        let recorded = "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nNeedDaemonReload=no\n\n\
                        LoadState=not-found\nActiveState=inactive\nUnitFileState=\nNeedDaemonReload=no\n\n\
                        LoadState=masked\nActiveState=inactive\nUnitFileState=masked\nNeedDaemonReload=no\n\n\
                        LoadState=loaded\nActiveState=failed\nUnitFileState=static\nNeedDaemonReload=yes\n";
        let names: Vec<String> = ["ssh", "none", "sleep.target", "motd"].map(str::to_owned).into();
        let units = parse(&names, recorded);
        let unit =
            |known, running, enabled, reload| Unit { known, state: State { running, enabled }, reload };
        assert_eq!(units["ssh"], unit(true, true, Some(Enable::Yes), false));
        assert_eq!(units["none"], unit(false, false, Some(Enable::No), false));
        assert_eq!(units["sleep.target"], unit(true, false, Some(Enable::Mask), false));
        assert_eq!(units["motd"], unit(true, false, None, true));
    }
}
