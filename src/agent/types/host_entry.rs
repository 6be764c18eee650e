//! `host`: an entry of `/etc/hosts`.

use super::edited::{Edited, Lines};
use super::{Change, Done, Failure, Node, Plan, Type};
use crate::agent::found::Found;
use crate::model::resource::{Host, Presence};

/// An entry.
pub(in crate::agent) struct HostEntry<'a>(pub(in crate::agent) &'a Host);

/// What puts an entry right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::agent) enum Step {
    /// Let it stand there as it should.
    Set,
    /// Take it away.
    Remove,
}

impl Type for HostEntry<'_> {
    type Step = Step;

    fn check(&self, node: &mut Node<'_>) -> Result<Plan<Step>, Failure> {
        let host = self.0;
        let file = Edited::read(node, &host.target)?;
        let have = file.text().lines().filter_map(Line::of).find(|line| line.name() == host.name);
        let mut plan = Plan::new();
        plan.wanted.push(("ensure", host.ensure.name().into()));
        match (have, host.ensure) {
            (None, Presence::Absent) => {}
            (Some(_), Presence::Absent) => {
                plan.changes.push(Change::new("ensure", "present", "absent", Step::Remove).saying("removed"));
            }
            (None, Presence::Present) => {
                plan.changes.push(Change::new("ensure", "absent", "present", Step::Set).saying("created"));
            }
            (Some(have), Presence::Present) => {
                plan.property("ip", have.ip, &host.ip, || Step::Set);
                let aliases = have.names.get(1..).unwrap_or_default().join(" ");
                plan.property("host_aliases", &aliases, &host.host_aliases.join(" "), || Step::Set);
                if let Some(comment) = &host.comment {
                    plan.property("comment", have.comment, comment, || Step::Set);
                }
            }
        }
        Ok(plan)
    }

    fn apply(&self, step: Step, node: &mut Node<'_>) -> Result<Done, Failure> {
        let host = self.0;
        let file = Edited::read(node, &host.target)?;
        let mut text = Lines::of(file.text());
        let at =
            text.lines.iter().position(|line| Line::of(line).is_some_and(|line| line.name() == host.name));
        match (step, at) {
            (Step::Set, Some(at)) => {
                let comment =
                    Line::of(&text.lines[at]).map(|line| line.comment.to_owned()).unwrap_or_default();
                text.lines[at] = self.line(&comment).into();
            }
            (Step::Set, None) => text.lines.push(self.line("").into()),
            (Step::Remove, Some(at)) => drop(text.lines.remove(at)),
            (Step::Remove, None) => {}
        }
        let text = text.join();
        file.write(node, &text, 0o644)?;
        Ok(Done::quietly())
    }
}

impl HostEntry<'_> {
    fn line(&self, old_comment: &str) -> String {
        // As Puppet writes them, so that a file that both have seen stays as it is.
        let aliases = if self.0.host_aliases.is_empty() { "" } else { "\t" };
        let line = format!("{}\t{}{aliases}{}", self.0.ip, self.0.name, self.0.host_aliases.join(" "));
        match self.0.comment.as_deref().unwrap_or(old_comment) {
            "" => line,
            comment => format!("{line}\t# {comment}"),
        }
    }
}

/// The entries of a text, in the words of a module.
pub(super) fn found(text: &str) -> Vec<Found> {
    let lines = text.lines().filter_map(Line::of).filter(|line| !line.names.is_empty());
    let found = lines.map(|line| {
        let aliases: Vec<String> = line.names[1..].iter().map(|name| (*name).to_owned()).collect();
        let found = Found::of(line.name().to_owned()).with("ip", line.ip);
        let found = if aliases.is_empty() { found } else { found.with("host_aliases", aliases) };
        found.with_some("comment", line.comment)
    });
    // The first entry of a name is the one that counts.
    let mut seen = std::collections::BTreeSet::new();
    found.filter(|found| seen.insert(found.title.clone())).collect()
}

struct Line<'l> {
    ip: &'l str,
    names: Vec<&'l str>,
    comment: &'l str,
}

impl<'l> Line<'l> {
    fn of(line: &'l str) -> Option<Self> {
        let (entry, comment) = line.split_once('#').unwrap_or((line, ""));
        let mut words = entry.split_whitespace();
        let ip = words.next()?;
        Some(Self { ip, names: words.collect(), comment: comment.trim() })
    }

    fn name(&self) -> &str {
        self.names.first().copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Place, said};
    use super::*;

    fn db1() -> Host {
        Host {
            name: "db1.example".into(),
            ensure: Presence::Present,
            ip: "192.0.2.7".into(),
            host_aliases: vec!["db1".into()],
            comment: None,
            target: "/etc/hosts".into(),
        }
    }

    #[test]
    fn an_entry_goes_in_and_out_and_nothing_else_moves() {
        let place = Place::new();
        let others = "# static\n127.0.0.1\tlocalhost\n192.0.2.9 db1.example.net db1.example # other\n";
        place.put("/etc/hosts", others, 0o644);
        assert_eq!(place.apply(&HostEntry(&db1())), said(&["created"]));
        assert_eq!(place.read("/etc/hosts"), format!("{others}192.0.2.7\tdb1.example\tdb1\n"));
        place.put("/etc/hosts", "192.0.2.8 db1.example db1 old # primary\n::1 localhost\n", 0o644);
        let said_of_both =
            ["ip changed '192.0.2.8' to '192.0.2.7'", "host_aliases changed 'db1 old' to 'db1'"];
        assert_eq!(place.apply(&HostEntry(&db1())), said(&said_of_both));
        assert_eq!(place.read("/etc/hosts"), "192.0.2.7\tdb1.example\tdb1\t# primary\n::1 localhost\n");
        let comment = Host { comment: Some("main".into()), ..db1() };
        assert_eq!(place.apply(&HostEntry(&comment)), said(&["comment changed 'primary' to 'main'"]));
        assert_eq!(place.apply(&HostEntry(&Host { ensure: Presence::Absent, ..db1() })), said(&["removed"]));
        assert_eq!(place.read("/etc/hosts"), "::1 localhost\n");
    }
}
