//! What the databases of a node say, in the words of a module.

use super::accounts::Accounts;
use super::fstab::{self, Entry};
use super::package::State;
use super::provider::Manager;
use super::{Failure, host_entry, ssh_key};
use crate::agent::found::Found;
use crate::agent::host::{Host, HostError};
use std::collections::BTreeMap;

/// Bytes of a file that is read, at most.
const LIMIT: u64 = 16 << 20;

/// Names by their numbers.
type Names = BTreeMap<u32, String>;

/// The names of users and of groups by their numbers.
pub(in crate::agent) fn names(host: &Host) -> Result<(Names, Names), HostError> {
    let accounts = Accounts::read(host)?;
    let users = accounts.users.into_iter().map(|(name, user)| (user.uid, name)).collect();
    Ok((users, accounts.groups.into_iter().map(|(name, group)| (group.gid, name)).collect()))
}

/// The users.
pub(in crate::agent) fn users_found(host: &Host) -> Result<Vec<Found>, HostError> {
    let accounts = Accounts::read(host)?;
    let group =
        |gid: u32| accounts.groups.iter().find(|(_, group)| group.gid == gid).map(|(name, _)| name.clone());
    let found = accounts.users.iter().map(|(name, user)| {
        let member = accounts.groups.iter().filter(|(_, group)| group.members.contains(name));
        let groups: Vec<String> = member.map(|(group, _)| group.clone()).collect();
        let found = Found::of(name.clone())
            .with("uid", user.uid)
            .with("gid", group(user.gid).unwrap_or_else(|| user.gid.to_string()));
        let found = if groups.is_empty() { found } else { found.with("groups", groups) };
        let found = found.with_some("comment", &user.comment);
        found.with_some("home", &user.home).with_some("shell", &user.shell)
    });
    Ok(found.collect())
}

/// The groups.
pub(in crate::agent) fn groups_found(host: &Host) -> Result<Vec<Found>, HostError> {
    let groups = Accounts::read(host)?.groups;
    Ok(groups.into_iter().map(|(name, group)| Found::of(name).with("gid", group.gid)).collect())
}

/// The entries of `/etc/hosts`.
pub(in crate::agent) fn hosts_found(host: &Host) -> Result<Vec<Found>, HostError> {
    let text = host.read_text("/etc/hosts", LIMIT)?.unwrap_or_default();
    Ok(host_entry::found(&text))
}

/// The mounts of `/etc/fstab`, and whether they are mounted.
pub(in crate::agent) fn mounts_found(host: &Host) -> Result<Vec<Found>, HostError> {
    let mounts = host.read_text("/proc/self/mountinfo", LIMIT)?.unwrap_or_default();
    let mounted = |path: &str| {
        mounts.lines().filter_map(|line| line.split(' ').nth(4)).any(|point| fstab::decoded(point) == path)
    };
    let number = |text: &str| text.parse::<u32>().unwrap_or(0);
    let entries = fstab_entries(host)?.into_iter().filter(|entry| entry.point.starts_with('/'));
    let found = entries.map(|entry| {
        Found::of(entry.point.clone())
            .with("ensure", if mounted(&entry.point) { "mounted" } else { "present" })
            .with("device", entry.device)
            .with("fstype", entry.fstype)
            .with("options", entry.options)
            .with("dump", number(&entry.dump))
            .with("pass", number(&entry.pass))
    });
    Ok(found.collect())
}

/// The swap space of `/etc/fstab` that has a path.
pub(in crate::agent) fn swaps_found(host: &Host) -> Result<Vec<Found>, HostError> {
    let swap = |entry: &Entry| entry.fstype == "swap" && entry.device.starts_with('/');
    let entries = fstab_entries(host)?.into_iter().filter(swap);
    Ok(entries.map(|entry| Found::of(entry.device).with("options", entry.options)).collect())
}

fn fstab_entries(host: &Host) -> Result<Vec<Entry>, HostError> {
    Ok(fstab::entries(&host.read_text("/etc/fstab", LIMIT)?.unwrap_or_default()))
}

/// The keys in the files of all users.
pub(in crate::agent) fn keys_found(host: &Host) -> Result<Vec<Found>, HostError> {
    let mut found = Vec::new();
    for (name, user) in Accounts::read(host)?.users {
        let path = format!("{}/.ssh/authorized_keys", user.home.trim_end_matches('/'));
        if user.home.starts_with('/') && host.stat(&path)?.is_some() {
            let text = host.read_managed(&path, LIMIT, Some(user.uid))?;
            found.extend(ssh_key::found(&String::from_utf8_lossy(&text), &name));
        }
    }
    Ok(found)
}

/// The packages of the distribution that are installed, in their versions.
pub(in crate::agent) fn packages_found(host: &Host) -> Result<Vec<Found>, Failure> {
    let packages = Manager::own(host)?.does.read(host)?.states;
    let doubled = |name: &str| {
        // The same under its architecture.
        let plain = name.rsplit_once([':', '.']).map(|(plain, _)| plain);
        plain.is_some_and(|plain| packages.contains_key(plain))
    };
    let found = packages.iter().filter(|(name, _)| !doubled(name)).filter_map(|(name, state)| match state {
        State::Present(version) => Some(Found::of(name.clone()).with("ensure", version.clone())),
        State::Several(_) => Some(Found::of(name.clone()).with("ensure", "present")),
        State::Absent | State::Configured | State::Broken => None,
    });
    Ok(found.collect())
}
