//! `user`: a user account of the node's own databases, by useradd, usermod and userdel.

use super::accounts::UserEntry;
use super::content::Wanted;
use super::{Change, Done, Failure, Known, Node, Plan, Type, command_failed, plain_name};
use crate::agent::host::{Ending, Filtered, Invocation, Outcome};
use crate::agent::undo::{Lines, Undo};
use crate::model::Secret;
use crate::model::resource::{Membership, User, is_hash};
use std::collections::BTreeSet;

/// A user account.
pub(in crate::agent) struct Account<'a>(pub(in crate::agent) &'a User);

/// What puts one property of an account right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::agent) enum Step {
    /// Make the account with all its properties.
    Add,
    /// Remove it.
    Remove,
    /// Change one property: the option of usermod and its value.
    Modify(&'static str, String),
    /// Change the age of passwords: the option of chage and its value.
    Age(&'static str, String),
    /// Give it the wanted hash of a password.
    Password,
}

impl Type for Account<'_> {
    type Step = Step;

    fn check(&self, node: &mut Node<'_>) -> Result<Plan<Step>, Failure> {
        let user = self.0;
        plain_name(&user.name, "user name")?;
        let mut plan = Plan::new();
        let entry = node.accounts()?.users.get(&user.name).cloned();
        plan.wanted.push(("ensure", if user.absent { "absent" } else { "present" }.into()));
        match (entry, user.absent) {
            (None, true) => {}
            (None, false) => {
                plan.wanted.extend(self.wishes());
                if let Some(wanted) = self.password(node)? {
                    plan.wanted.push(("password", wanted.shown()));
                }
                plan.changes.push(Change::new("ensure", "absent", "present", Step::Add).saying("created"));
            }
            (Some(_), true) => {
                plan.changes.push(Change::new("ensure", "present", "absent", Step::Remove).saying("removed"));
            }
            (Some(entry), false) => {
                self.check_entry(&entry, node, &mut plan)?;
                self.check_groups(&entry, node, &mut plan)?;
                self.check_password(node, &mut plan)?;
                self.check_aging(node, &mut plan)?;
            }
        }
        Ok(plan)
    }

    fn undo(&self, _step: &Step, node: &mut Node<'_>) -> Result<Vec<Undo>, Failure> {
        Ok(vec![Undo::Account(Lines::of(&self.0.name, node)?)])
    }

    fn apply(&self, step: Step, node: &mut Node<'_>) -> Result<Done, Failure> {
        let user = self.0;
        let added = step == Step::Add;
        let argv: Vec<String> = match step {
            Step::Add => self.add(node)?,
            Step::Modify(option, value) => {
                let dupe = (option == "--uid" && user.allowdupe).then(|| "--non-unique".to_owned());
                let words = ["usermod".to_owned()].into_iter().chain(dupe);
                words.chain([option.into(), value, "--".into(), user.name.clone()]).collect()
            }
            Step::Password => return self.set_password(node),
            Step::Age(option, value) => {
                vec!["chage".into(), option.into(), value, "--".into(), user.name.clone()]
            }
            Step::Remove => {
                let home = user.managehome.then(|| "--remove".to_owned());
                ["userdel".to_owned()]
                    .into_iter()
                    .chain(home)
                    .chain(["--".into(), user.name.clone()])
                    .collect()
            }
        };
        node.tool(&Invocation { argv, ..Invocation::of(&[]) })?;
        node.known.accounts = None;
        if added && user.password.is_some() {
            return self.set_password(node);
        }
        Ok(Done::quietly())
    }

    fn forget(&self, known: &mut Known) {
        known.accounts = None;
    }
}

impl Account<'_> {
    /// What a new account gets at once.
    fn wishes(&self) -> Vec<(&'static str, String)> {
        let user = self.0;
        let wishes = [
            ("uid", user.uid.map(|uid| uid.to_string())),
            ("gid", user.gid.clone()),
            ("comment", user.comment.clone()),
            ("home", user.home.clone()),
            ("shell", user.shell.clone()),
        ];
        wishes.into_iter().filter_map(|(property, wish)| Some((property, wish?))).collect()
    }

    fn check_entry(
        &self,
        entry: &UserEntry,
        node: &mut Node<'_>,
        plan: &mut Plan<Step>,
    ) -> Result<(), Failure> {
        let user = self.0;
        if let Some(uid) = user.uid {
            let uid = uid.to_string();
            plan.property("uid", &entry.uid.to_string(), &uid, || Step::Modify("--uid", uid.clone()));
        }
        if let Some(group) = &user.gid {
            plain_name(group, "group")?;
            let have =
                if node.gid(group)? == Some(entry.gid) { group.clone() } else { node.group_name(entry.gid)? };
            plan.property("gid", &have, group, || Step::Modify("--gid", group.clone()));
        }
        for (property, option, have, wanted) in [
            ("comment", "--comment", &entry.comment, &user.comment),
            ("home", "--home", &entry.home, &user.home),
            ("shell", "--shell", &entry.shell, &user.shell),
        ] {
            if let Some(wanted) = wanted {
                plain_field(wanted)?;
                plan.property(property, have, wanted, || Step::Modify(option, wanted.clone()));
            }
        }
        Ok(())
    }

    fn check_groups(
        &self,
        entry: &UserEntry,
        node: &mut Node<'_>,
        plan: &mut Plan<Step>,
    ) -> Result<(), Failure> {
        let Some(wanted) = &self.0.groups else { return Ok(()) };
        let accounts = node.accounts()?;
        let member = |members: &[String]| members.contains(&self.0.name);
        let have: BTreeSet<String> = accounts
            .groups
            .iter()
            .filter(|(_, g)| member(&g.members))
            .map(|(name, _)| name.clone())
            .collect();
        let primary = accounts.groups.iter().find(|(_, g)| g.gid == entry.gid).map(|(name, _)| name);
        // Being in a group as one's first group is being in it.
        let mut target: BTreeSet<String> = wanted.iter().filter(|g| Some(*g) != primary).cloned().collect();
        if self.0.membership == Membership::Minimum {
            target.extend(have.iter().cloned());
        }
        for group in wanted {
            plain_name(group, "group")?;
        }
        let list = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(",");
        let (from, to) = (list(&have), list(&target));
        plan.property("groups", &from, &to, || Step::Modify("--groups", to.clone()));
        Ok(())
    }

    /// The wanted hash of the password, opened where it is a secret.
    fn password(&self, node: &Node<'_>) -> Result<Option<Wanted<'_>>, Failure> {
        let Some(content) = &self.0.password else { return Ok(None) };
        let wanted = Wanted::of(content, node)?;
        if is_hash(std::str::from_utf8(&wanted.fetch(node)?).unwrap_or_default()) {
            return Ok(Some(wanted));
        }
        Err(Failure::Value { value: wanted.shown(), what: "hash of a password, as crypt(5) has them" })
    }

    fn check_password(&self, node: &mut Node<'_>, plan: &mut Plan<Step>) -> Result<(), Failure> {
        let Some(wanted) = self.password(node)? else { return Ok(()) };
        let host = node.host;
        let have = node.accounts()?.shadow(host, &self.0.name)?.password;
        let same = have.as_bytes() == &*wanted.fetch(node)?;
        plan.wanted.push(("password", wanted.shown()));
        if !same {
            let change = Change::new("password", "[redacted]", "[redacted]", Step::Password);
            plan.changes.push(change.saying("changed the hash of the password"));
        }
        Ok(())
    }

    /// By standard input: whoever lists processes sees no hash.
    fn set_password(&self, node: &mut Node<'_>) -> Result<Done, Failure> {
        let Some(wanted) = self.password(node)? else { return Ok(Done::quietly()) };
        let line = Secret::new([self.0.name.as_bytes(), b":", &*wanted.fetch(node)?, b"\n"].concat());
        let invocation = Invocation::of(&["chpasswd", "--encrypted"]);
        let Filtered { ending, .. } = node.host.filter(&invocation, line.expose())?;
        node.known.accounts = None;
        if ending == Ending::Code(0) {
            return Ok(Done::quietly());
        }
        Err(command_failed(&invocation, &Outcome { ending, output: String::new(), truncated: false }))
    }

    /// How long passwords and the account last.
    fn check_aging(&self, node: &mut Node<'_>, plan: &mut Plan<Step>) -> Result<(), Failure> {
        let user = self.0;
        let ages = self.ages();
        if user.expiry.is_none() && ages.is_empty() {
            return Ok(());
        }
        let host = node.host;
        let have = node.accounts()?.shadow(host, &user.name)?;
        if let Some(wanted) = &user.expiry {
            let value = if wanted == "absent" { "" } else { wanted };
            plan.property("expiry", &have.expiry, wanted, || Step::Modify("--expiredate", value.to_owned()));
        }
        for (property, option, _, wanted) in ages {
            let have = match property {
                "password_max_age" => have.max,
                "password_min_age" => have.min,
                _ => have.warn,
            };
            let wanted = wanted.to_string();
            plan.property(property, &have.to_string(), &wanted, || Step::Age(option, wanted.clone()));
        }
        Ok(())
    }

    /// The ages that are managed: property, option of chage, setting of useradd, days.
    fn ages(&self) -> Vec<(&'static str, &'static str, &'static str, i32)> {
        let user = self.0;
        let all = [
            ("password_max_age", "--maxdays", "PASS_MAX_DAYS", user.password_max_age),
            ("password_min_age", "--mindays", "PASS_MIN_DAYS", user.password_min_age),
            ("password_warn_days", "--warndays", "PASS_WARN_AGE", user.password_warn_days),
        ];
        all.into_iter()
            .filter_map(|(property, option, setting, days)| Some((property, option, setting, days?)))
            .collect()
    }

    fn add(&self, node: &mut Node<'_>) -> Result<Vec<String>, Failure> {
        let user = self.0;
        let mut argv = vec!["useradd".to_owned()];
        let mut option = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                argv.extend([name.to_owned(), value]);
            }
        };
        option("--uid", user.uid.map(|uid| uid.to_string()));
        option("--expiredate", user.expiry.clone().filter(|day| day != "absent"));
        for (_, _, setting, days) in self.ages() {
            option("--key", Some(format!("{setting}={days}")));
        }
        option("--groups", user.groups.as_ref().filter(|g| !g.is_empty()).map(|g| g.join(",")));
        for (name, value) in [
            ("--gid", &user.gid),
            ("--comment", &user.comment),
            ("--home-dir", &user.home),
            ("--shell", &user.shell),
        ] {
            if let Some(value) = value {
                plain_field(value)?;
            }
            option(name, value.clone());
        }
        argv.push(if user.managehome { "--create-home" } else { "--no-create-home" }.into());
        if user.system {
            argv.push("--system".into());
        }
        if user.allowdupe && user.uid.is_some() {
            argv.push("--non-unique".into());
        }
        // useradd refuses to make a group of the user's name where there is one, and would rather be told.
        if user.gid.is_none() && node.accounts()?.groups.contains_key(&user.name) {
            argv.extend(["--gid".to_owned(), user.name.clone()]);
        }
        argv.extend(["--".to_owned(), user.name.clone()]);
        Ok(argv)
    }
}

/// A field of `/etc/passwd`: it cannot end itself or its line.
fn plain_field(value: &str) -> Result<(), Failure> {
    if value.contains(':') || value.contains(char::is_control) || value.starts_with('-') {
        return Err(Failure::Value {
            value: value.escape_default().to_string(),
            what: "field of a user account",
        });
    }
    Ok(())
}
