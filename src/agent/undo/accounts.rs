//! The lines of one account in the node's own databases, to be put back one by one: whatever else was changed there
//! meanwhile stays.

use crate::agent::host::{NewFile, Owner};
use crate::agent::types::{Failure, Node};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Where an account has lines of its own.
const OWN: [&str; 6] =
    ["/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/etc/subuid", "/etc/subgid"];
/// Where the last field of a line lists members.
const MEMBERS: [&str; 2] = ["/etc/group", "/etc/gshadow"];
const LIMIT: u64 = 64 << 20;

/// The lines of an account. They may hold the digest of a password, and are in the agent's own directory only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lines {
    name: String,
    /// By database: the lines that begin with the name.
    own: BTreeMap<String, Vec<String>>,
    /// By database: the groups that list the name.
    member_of: BTreeMap<String, BTreeSet<String>>,
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lines({})", self.name)
    }
}

impl Lines {
    /// The lines of a user or group as they are now.
    pub(in crate::agent) fn of(name: &str, node: &Node<'_>) -> Result<Self, Failure> {
        let mut lines = Self { name: name.to_owned(), own: BTreeMap::new(), member_of: BTreeMap::new() };
        for path in OWN {
            let Some(text) = node.host.read_text(path, LIMIT)? else { continue };
            let own = text.lines().filter(|line| field(line) == name).map(str::to_owned).collect();
            lines.own.insert(path.to_owned(), own);
            if MEMBERS.contains(&path) {
                let groups = text.lines().filter(|line| members(line).any(|member| member == name));
                lines.member_of.insert(path.to_owned(), groups.map(|line| field(line).to_owned()).collect());
            }
        }
        Ok(lines)
    }

    pub(super) fn put_back(&self, node: &mut Node<'_>) -> Result<(), Failure> {
        let _lock = node.host.lock_accounts()?;
        for (path, own) in &self.own {
            let Some(text) = node.host.read_text(path, LIMIT)? else { continue };
            let new = self.restored(&text, own, self.member_of.get(path));
            if new != text {
                let owner = Owner::default();
                let file =
                    NewFile { content: new.as_bytes(), mode: None, owner, context: None, validate: None };
                node.host.write(path, &file)?;
            }
        }
        Ok(())
    }

    /// The database with the lines of the account as they were.
    fn restored(&self, text: &str, own: &[String], member_of: Option<&BTreeSet<String>>) -> String {
        let mut lines = Vec::new();
        let mut missing = own.iter();
        for line in text.lines() {
            if field(line) == self.name {
                lines.extend(missing.next().cloned());
            } else {
                lines.push(member_of.map_or_else(|| line.to_owned(), |groups| self.listed(line, groups)));
            }
        }
        lines.extend(missing.cloned());
        lines.iter().map(|line| format!("{line}\n")).collect()
    }

    /// The line of a group that lists the account exactly if it did.
    fn listed(&self, line: &str, groups: &BTreeSet<String>) -> String {
        let was = groups.contains(field(line));
        if members(line).any(|member| member == self.name) == was {
            return line.to_owned();
        }
        let Some((head, _)) = line.rsplit_once(':') else { return line.to_owned() };
        let others = members(line).filter(|member| *member != self.name);
        let all: Vec<&str> = others.chain(was.then_some(self.name.as_str())).collect();
        format!("{head}:{}", all.join(","))
    }
}

fn field(line: &str) -> &str {
    line.split(':').next().unwrap_or("")
}

fn members(line: &str) -> impl Iterator<Item = &str> {
    let list = line.splitn(4, ':').nth(3).unwrap_or("");
    list.split(',').filter(|member| !member.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(own: &[&str], groups: &[&str]) -> Lines {
        let own = own.iter().map(|line| (*line).to_owned()).collect();
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        Lines {
            name: "web".into(),
            own: [("/etc/group".to_owned(), own)].into(),
            member_of: [("/etc/group".to_owned(), groups)].into(),
        }
    }

    fn restored(lines: &Lines, text: &str) -> String {
        lines.restored(text, &lines.own["/etc/group"], lines.member_of.get("/etc/group"))
    }

    #[test]
    fn an_account_gets_its_lines_back_and_others_keep_theirs() {
        let there = lines(&["web:x:33:"], &["adm"]);
        // Removed, changed, listed elsewhere; a group that somebody else made meanwhile stays.
        let now = "root:x:0:\nweb:x:34:\nadm:x:4:ada\nssl:x:9:web,bob\nnew:x:77:\n";
        let was = "root:x:0:\nweb:x:33:\nadm:x:4:ada,web\nssl:x:9:bob\nnew:x:77:\n";
        assert_eq!(restored(&there, now), was);
        assert_eq!(restored(&there, was), was);
        assert_eq!(restored(&there, "root:x:0:\nadm:x:4:web\n"), "root:x:0:\nadm:x:4:web\nweb:x:33:\n");
        // It was not there before.
        assert_eq!(
            restored(&lines(&[], &[]), "root:x:0:\nweb:x:33:\nadm:x:4:web\n"),
            "root:x:0:\nadm:x:4:\n"
        );
    }
}
