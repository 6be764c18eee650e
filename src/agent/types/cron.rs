//! `cron`: an entry of a user's crontab, in the spool where cron looks for it.
//!
//! The spool file is written through the one door, whole and with cron's own owner and mode, rather than by the
//! `crontab` program: that one cannot work below another root, and replaces the file no better.

use super::crontab::{self, Entry as Line};
use super::{Change, Done, Failure, Node, Plan, Type, judge, plain_name};
use crate::agent::host::{HostError, NewFile, Owner};
use crate::model::resource::Cron;
use crate::policy::guard::{GuardCommand, Setting};

/// Bytes of a crontab, at most.
const LIMIT: u64 = 1 << 20;
/// Where Debian's cron and where cronie look.
pub(super) const SPOOLS: [&str; 2] = ["/var/spool/cron/crontabs", "/var/spool/cron"];

/// An entry of a crontab.
pub(in crate::agent) struct Entry<'a>(pub(in crate::agent) &'a Cron);

/// What puts an entry right; the same one for every property, because the file is written whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::agent) enum Step {
    /// Let it stand there as it should.
    Set,
    /// Take it away.
    Remove,
}

impl Type for Entry<'_> {
    type Step = Step;

    fn check(&self, node: &mut Node<'_>) -> Result<Plan<Step>, Failure> {
        let cron = self.0;
        plain_name(&cron.user, "user name")?;
        let environment = cron.environment.iter().flat_map(|(name, value)| [name, value]);
        for text in [&cron.name, &cron.command].into_iter().chain(environment) {
            if text.contains(['\n', '\r', '\0']) {
                return Err(Failure::Value {
                    value: text.escape_default().to_string(),
                    what: "line of a crontab",
                });
            }
        }
        let wanted = self.line();
        let have = crontab::find(&self.text(node)?, &cron.name, &wanted);
        let mut plan = Plan::new();
        plan.wanted.push(("ensure", if cron.absent { "absent" } else { "present" }.into()));
        match (have, cron.absent) {
            (None, true) => {}
            (Some(_), true) => {
                plan.changes.push(Change::new("ensure", "present", "absent", Step::Remove).saying("removed"));
            }
            (None, false) => {
                judge(&GuardCommand::Shell(command_text(&cron.command)), &self.setting())?;
                plan.wanted.extend([("command", wanted.command), ("schedule", wanted.schedule)]);
                plan.changes.push(Change::new("ensure", "absent", "present", Step::Set).saying("created"));
            }
            (Some(have), false) => {
                judge(&GuardCommand::Shell(command_text(&cron.command)), &self.setting())?;
                plan.property("command", &have.command, &wanted.command, || Step::Set);
                plan.property("schedule", &have.schedule, &wanted.schedule, || Step::Set);
                let (have, want) = (have.environment.join(" "), wanted.environment.join(" "));
                plan.property("environment", &have, &want, || Step::Set);
            }
        }
        Ok(plan)
    }

    fn apply(&self, step: Step, node: &mut Node<'_>) -> Result<Done, Failure> {
        let cron = self.0;
        let old = self.text(node)?;
        let new = match step {
            Step::Set => crontab::set(&old, &cron.name, &self.line()),
            Step::Remove => crontab::remove(&old, &cron.name),
        };
        if new != old {
            let uid = node.existing_uid(&cron.user)?;
            // Debian's crontab program is setgid `crontab`; elsewhere the file has the directory's group.
            let owner = Owner { uid: Some(uid), gid: node.gid("crontab")? };
            let file = NewFile { owner, ..NewFile::new(new.as_bytes(), 0o600) };
            node.host.write(&self.path(node)?, &file)?;
        }
        Ok(Done::quietly())
    }
}

impl Entry<'_> {
    fn setting(&self) -> Setting {
        Setting { cwd: None, environment: self.0.environment.clone() }
    }

    fn line(&self) -> Line {
        let cron = self.0;
        let schedule: Vec<&str> = cron.schedule.iter().map(|field| field.0.as_str()).collect();
        Line {
            environment: cron.environment.iter().map(|(name, value)| format!("{name}={value}")).collect(),
            schedule: schedule.join(" "),
            command: cron.command.clone(),
        }
    }

    fn path(&self, node: &Node<'_>) -> Result<String, Failure> {
        for spool in SPOOLS {
            if node.host.stat(spool)?.is_some() {
                return Ok(format!("{spool}/{}", self.0.user));
            }
        }
        Err(Failure::NoProvider("crontab spool (is cron installed?)"))
    }

    fn text(&self, node: &mut Node<'_>) -> Result<String, Failure> {
        let path = match self.path(node) {
            Ok(path) => path,
            // A package of the same catalog may bring it.
            Err(_) if node.noop || self.0.absent => return Ok(String::new()),
            Err(failure) => return Err(failure),
        };
        let owner = node.uid(&self.0.user)?;
        match node.host.read_managed(&path, LIMIT, owner) {
            Ok(bytes) => {
                let what = "crontab in UTF-8";
                String::from_utf8(bytes).map_err(|_| Failure::Value { value: path, what })
            }
            Err(HostError::Io { cause, .. }) if cause.kind() == std::io::ErrorKind::NotFound => {
                Ok(String::new())
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// What cron hands to the shell: the text up to the first `%`, where `\%` is a plain `%`.
fn command_text(command: &str) -> String {
    let mut text = String::new();
    let mut characters = command.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\\' if characters.peek() == Some(&'%') => text.extend(characters.next()),
            '%' => break,
            c => text.push(c),
        }
    }
    text
}
