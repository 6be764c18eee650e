//! Users and groups of the node, read from its own databases below the root.

use super::{Failure, Node};
use crate::agent::host::{Host, HostError, Invocation};
use crate::model::{Kind, Stamp};
use std::cell::OnceCell;
use std::collections::BTreeMap;

/// The node's own databases: users, then groups.
pub(super) const FILES: [&str; 2] = ["/etc/passwd", "/etc/group"];
/// Bytes of a database of accounts, at most.
const LIMIT: u64 = 64 << 20;

/// The accounts of the node's own files.
#[derive(Default)]
pub(super) struct Accounts {
    pub(super) users: BTreeMap<String, UserEntry>,
    pub(super) groups: BTreeMap<String, GroupEntry>,
    shadow: OnceCell<BTreeMap<String, ShadowEntry>>,
}

/// A line of `/etc/passwd`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UserEntry {
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) comment: String,
    pub(super) home: String,
    pub(super) shell: String,
}

/// A line of `/etc/group`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GroupEntry {
    pub(super) gid: u32,
    pub(super) members: Vec<String>,
}

/// A line of `/etc/shadow` (shadow(5)): the hash of the password, and how long passwords and account last. What the file
/// does not say is -1, or `absent`.
#[derive(Clone)]
pub(super) struct ShadowEntry {
    /// Never told.
    pub(super) password: String,
    pub(super) min: i64,
    pub(super) max: i64,
    pub(super) warn: i64,
    /// `YYYY-MM-DD` or `absent`.
    pub(super) expiry: String,
}

impl Accounts {
    /// Reads the node's own files.
    pub(super) fn read(host: &Host) -> Result<Self, HostError> {
        let users = host.read_text(FILES[0], LIMIT)?.unwrap_or_default();
        let groups = host.read_text(FILES[1], LIMIT)?.unwrap_or_default();
        Ok(Self {
            users: users.lines().filter_map(user).collect(),
            groups: groups.lines().filter_map(group).collect(),
            shadow: OnceCell::new(),
        })
    }

    /// What is known of the password of `name`, of which the file is read when it is first asked for.
    pub(super) fn shadow(&self, host: &Host, name: &str) -> Result<ShadowEntry, HostError> {
        if self.shadow.get().is_none() {
            let text = host.read_text("/etc/shadow", LIMIT)?.unwrap_or_default();
            drop(self.shadow.set(text.lines().filter_map(shadow).collect()));
        }
        Ok(self.shadow.get().and_then(|all| all.get(name)).cloned().unwrap_or_default())
    }
}

impl Node<'_> {
    /// The accounts, read once until something may have changed them.
    pub(super) fn accounts(&mut self) -> Result<&Accounts, Failure> {
        if self.known.accounts.is_none() {
            self.known.accounts = Some(Accounts::read(self.host)?);
        }
        Ok(self.known.accounts.get_or_insert_default())
    }

    /// The number of a user given by name or number; `None` when there is no such user.
    pub(super) fn uid(&mut self, name: &str) -> Result<Option<u32>, Failure> {
        let own = self.accounts()?.users.get(name).map(|u| u.uid);
        Ok(own.or_else(|| name.parse().ok()).or_else(|| self.directory_number("passwd", name)))
    }

    /// The number of a group given by name or number; `None` when there is no such group.
    pub(super) fn gid(&mut self, name: &str) -> Result<Option<u32>, Failure> {
        let own = self.accounts()?.groups.get(name).map(|g| g.gid);
        Ok(own.or_else(|| name.parse().ok()).or_else(|| self.directory_number("group", name)))
    }

    /// As [`Node::uid`], where the user must exist.
    pub(super) fn existing_uid(&mut self, name: &str) -> Result<u32, Failure> {
        let none = || Failure::NoAccount { kind: Kind::User, name: name.to_owned() };
        self.uid(name)?.ok_or_else(none)
    }

    /// As [`Node::gid`], where the group must exist.
    pub(super) fn existing_gid(&mut self, name: &str) -> Result<u32, Failure> {
        let none = || Failure::NoAccount { kind: Kind::Group, name: name.to_owned() };
        self.gid(name)?.ok_or_else(none)
    }

    /// The name of a user, or the number where it has none.
    pub(super) fn user_name(&mut self, uid: u32) -> Result<String, Failure> {
        let found = self.accounts()?.users.iter().find(|(_, u)| u.uid == uid).map(|(name, _)| name.clone());
        Ok(found.unwrap_or_else(|| uid.to_string()))
    }

    /// The name of a group, or the number where it has none.
    pub(super) fn group_name(&mut self, gid: u32) -> Result<String, Failure> {
        let found = self.accounts()?.groups.iter().find(|(_, g)| g.gid == gid).map(|(name, _)| name.clone());
        Ok(found.unwrap_or_else(|| gid.to_string()))
    }

    /// Asks the name service, for accounts that come from a directory server. Only the machine's own can be asked.
    fn directory_number(&self, database: &str, name: &str) -> Option<u32> {
        if !self.host.is_machine() || super::plain_name(name, "name").is_err() {
            return None;
        }
        let outcome = self.host.run(&Invocation::of(&["getent", database, name]).within(20)).ok()?;
        outcome.output.lines().next()?.split(':').nth(2)?.parse().ok()
    }
}

fn user(line: &str) -> Option<(String, UserEntry)> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, uid, gid, comment, home, shell] = fields[..] else { return None };
    let text = |s: &str| s.to_owned();
    let entry = UserEntry {
        uid: uid.parse().ok()?,
        gid: gid.parse().ok()?,
        comment: text(comment),
        home: text(home),
        shell: text(shell),
    };
    Some((text(name), entry))
}

fn shadow(line: &str) -> Option<(String, ShadowEntry)> {
    let fields: Vec<&str> = line.split(':').collect();
    let number = |at: usize| fields.get(at).and_then(|field| field.parse::<i64>().ok());
    let days = |at: usize| number(at).unwrap_or(-1);
    let day = |days: i64| Stamp::from_unix(days.saturating_mul(86_400)).to_string()[..10].to_owned();
    let expiry = number(7).filter(|days| *days >= 0).map_or_else(|| "absent".to_owned(), day);
    let password = (*fields.get(1)?).to_owned();
    let entry = ShadowEntry { password, min: days(3), max: days(4), warn: days(5), expiry };
    Some(((*fields.first()?).to_owned(), entry))
}

impl Default for ShadowEntry {
    fn default() -> Self {
        Self { password: String::new(), min: -1, max: -1, warn: -1, expiry: "absent".into() }
    }
}

fn group(line: &str) -> Option<(String, GroupEntry)> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, gid, members] = fields[..] else { return None };
    let members = members.split(',').filter(|m| !m.is_empty()).map(str::to_owned).collect();
    Some((name.to_owned(), GroupEntry { gid: gid.parse().ok()?, members }))
}
