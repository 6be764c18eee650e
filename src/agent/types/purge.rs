//! `purge`: what is of a type on the node and no resource of its catalog names. Everything that would go is in the plan,
//! one by one, before anything goes.

use super::{
    Account, Change, Done, Failure, Known, Node, Plan, Type, accounts, crontab, host_entry, judge, systemd,
};
use super::{HostEntry, plain_name};
use crate::agent::host::{EntryKind, HostError, Invocation, NewFile, Owner};
use crate::model::Spec;
use crate::model::resource::{Host, Presence, Purge, UNIT_ENDINGS, User};
use crate::policy::guard::{GuardCommand, Setting};
use std::collections::BTreeSet;

/// Where apt's repositories are described, besides its main file.
const SOURCES: &str = "/etc/apt/sources.list.d";
/// Where the administrator's units are.
const UNITS: &str = "/etc/systemd/system";
/// Bytes of a file that is read, at most.
const LIMIT: u64 = 16 << 20;

/// Everything else of a type.
pub(in crate::agent) struct Purged<'a>(pub(in crate::agent) &'a Purge);

impl Type for Purged<'_> {
    /// What goes.
    type Step = String;

    fn check(&self, node: &mut Node<'_>) -> Result<Plan<String>, Failure> {
        let purge = self.0;
        let mut found = match purge.kind.as_str() {
            "host" => self.hosts(node)?,
            "cron" => self.jobs(node)?,
            "user" => self.users(node)?,
            "apt_repository" => files(node, SOURCES, &["sources", "list"])?,
            "systemd_unit" => files(node, UNITS, &UNIT_ENDINGS)?,
            _ => return Err(Failure::Value { value: purge.kind.clone(), what: "type that can be purged" }),
        };
        let base = |name: &str| name.rsplit('/').next().map(str::to_owned).unwrap_or_default();
        found.retain(|name| !purge.keep.contains(name) && !purge.keep.contains(&base(name)));
        if found.len() > purge.max as usize {
            let message = format!(
                "{} of type `{}` would be removed, and `max` is {}: {}",
                found.len(),
                purge.kind,
                purge.max,
                found.join(", ")
            );
            return Err(Failure::NotReached(message));
        }
        let mut plan = Plan::new();
        for name in found {
            self.judged(&name)?;
            let message = format!("{name}: removed");
            plan.changes.push(Change::new("ensure", "present", "absent", name).saying(message));
        }
        Ok(plan)
    }

    fn apply(&self, name: String, node: &mut Node<'_>) -> Result<Done, Failure> {
        match self.0.kind.as_str() {
            "host" => {
                let host = Host { ensure: Presence::Absent, ..host(&name) };
                carry_out(&HostEntry(&host), node)?;
            }
            "user" => {
                let user = User { absent: true, ..User::of(name) };
                carry_out(&Account(&user), node)?;
            }
            "cron" => self.remove_job(&name, node)?,
            "systemd_unit" => remove_unit(&name, node)?,
            _ => node.host.remove(&name)?,
        }
        Ok(Done::quietly())
    }

    fn forget(&self, known: &mut Known) {
        known.forget_all();
        known.forget_file("/etc/apt/sources.list.d");
    }
}

/// Does whatever is to be done about a resource.
fn carry_out<T: Type>(resource: &T, node: &mut Node<'_>) -> Result<(), Failure> {
    for change in resource.check(node)?.changes {
        resource.apply(change.step, node)?;
    }
    Ok(())
}

impl Purged<'_> {
    /// The last look at what would be done for one of them.
    fn judged(&self, name: &str) -> Result<(), Failure> {
        let argv: &[&str] = match self.0.kind.as_str() {
            "user" => &["userdel", name],
            "systemd_unit" | "apt_repository" => &["rm", name],
            _ => return Ok(()),
        };
        let argv = argv.iter().map(|word| (*word).to_owned()).collect();
        judge(&GuardCommand::Argv(argv), &Setting::default())
    }

    fn hosts(&self, node: &Node<'_>) -> Result<Vec<String>, Failure> {
        let text = node.host.read_text("/etc/hosts", LIMIT)?.unwrap_or_default();
        let named = |spec: &Spec| match spec {
            Spec::Host(host) => Some(host.name.clone()),
            _ => None,
        };
        let named: BTreeSet<String> =
            node.catalog.iter().filter_map(|resource| named(&resource.spec)).collect();
        let found = host_entry::found(&text).into_iter().map(|found| found.title);
        // Without it, many programs do not find their own machine.
        Ok(found.filter(|name| name != "localhost" && !named.contains(name)).collect())
    }

    fn users(&self, node: &mut Node<'_>) -> Result<Vec<String>, Failure> {
        let named = |spec: &Spec| match spec {
            Spec::User(user) => Some(user.name.clone()),
            _ => None,
        };
        let named: BTreeSet<String> =
            node.catalog.iter().filter_map(|resource| named(&resource.spec)).collect();
        let accounts = accounts::Accounts::read(node.host)?;
        let found = accounts.users.iter().filter(|(name, entry)| {
            !named.contains(*name) && !self.0.spares(entry.uid) && plain_name(name, "user name").is_ok()
        });
        Ok(found.map(|(name, _)| name.clone()).collect())
    }

    fn jobs(&self, node: &mut Node<'_>) -> Result<Vec<String>, Failure> {
        let user = plain_name(self.0.crontab(), "user name")?;
        let (mut names, mut likes) = (BTreeSet::new(), Vec::new());
        for resource in node.catalog {
            if let Spec::Cron(cron) = &resource.spec
                && cron.user == user
            {
                names.insert(cron.name.clone());
                let schedule: Vec<&str> = cron.schedule.iter().map(|field| field.0.as_str()).collect();
                likes.push(format!("{} {}", schedule.join(" "), cron.command));
            }
        }
        let found = crontab::all(&self.crontab(node)?.1);
        let managed = |job: &crontab::Job| match &job.name {
            Some(name) => names.contains(name),
            // The same without a name is taken over by its resource.
            None => likes.contains(&job.line),
        };
        Ok(found.into_iter().filter(|job| !managed(job)).map(|job| job.name.unwrap_or(job.line)).collect())
    }

    /// The crontab, and its text; nothing where there is none.
    fn crontab(&self, node: &mut Node<'_>) -> Result<(String, String), Failure> {
        let uid = node.uid(self.0.crontab())?;
        for spool in super::cron::SPOOLS {
            let path = format!("{spool}/{}", self.0.crontab());
            match node.host.stat(&path)? {
                Some(stat) if stat.kind == EntryKind::File => {
                    let odd = |_| Failure::Value { value: path.clone(), what: "crontab in UTF-8" };
                    let text = String::from_utf8(node.host.read_managed(&path, LIMIT, uid)?).map_err(odd)?;
                    return Ok((path, text));
                }
                Some(_) | None => {}
            }
        }
        Ok((String::new(), String::new()))
    }

    fn remove_job(&self, name: &str, node: &mut Node<'_>) -> Result<(), Failure> {
        let (path, text) = self.crontab(node)?;
        let new = crontab::without(&text, name);
        if new == text {
            return Ok(());
        }
        let owner = Owner { uid: node.uid(self.0.crontab())?, gid: node.gid("crontab")? };
        let file = NewFile { owner, ..NewFile::new(new.as_bytes(), 0o600) };
        Ok(node.host.write(&path, &file)?)
    }
}

fn host(name: &str) -> Host {
    Host {
        name: name.to_owned(),
        ensure: Presence::Present,
        ip: String::new(),
        host_aliases: Vec::new(),
        comment: None,
        target: "/etc/hosts".into(),
    }
}

/// The regular files of a folder with such an ending that the catalog does not name.
fn files(node: &Node<'_>, folder: &str, endings: &[&str]) -> Result<Vec<String>, Failure> {
    let names = match node.host.list(folder) {
        Err(HostError::Io { cause, .. }) if cause.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        names => names?,
    };
    let mut found = Vec::new();
    for name in names {
        let Some(name) = name.to_str() else { continue };
        let ending = name.rsplit_once('.').is_some_and(|(_, ending)| endings.contains(&ending));
        let path = format!("{folder}/{name}");
        let file = node.host.stat(&path)?.is_some_and(|stat| stat.kind == EntryKind::File);
        if ending && file && !node.managed().contains_key(&path) {
            found.push(path);
        }
    }
    Ok(found)
}

/// Stops a unit where systemd runs, so that no link to it stays, and removes it.
fn remove_unit(path: &str, node: &mut Node<'_>) -> Result<(), Failure> {
    let name = path.rsplit('/').next().unwrap_or_default();
    let running = systemd::is_running(node)? && super::service::is_name(name);
    let systemctl = |arguments: &[&str]| {
        let argv: Vec<&str> = ["systemctl", "--no-ask-password"].iter().chain(arguments).copied().collect();
        node.tool(&Invocation::of(&argv)).map(drop)
    };
    if running && !name.contains("@.") {
        systemctl(&["disable", "--now", "--", name])?;
    }
    node.host.remove(path)?;
    if running { systemctl(&["daemon-reload"]) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Place, said};
    use super::*;
    use crate::model::resource::{Kind, Meta};
    use crate::model::{Resource, Spec};

    fn purge(kind: &str, more: &str) -> Purge {
        let attributes = serde_json::from_str(&format!(r#"{{ "type": "{kind}"{more} }}"#)).unwrap();
        match Spec::read(Kind::Purge, attributes).unwrap() {
            Spec::Purge(purge) => purge,
            _ => unreachable!(),
        }
    }

    fn resource(kind: Kind, title: &str, attributes: serde_json::Value) -> Resource {
        let spec = Spec::read(kind, attributes).unwrap();
        Resource { title: title.into(), spec, meta: Meta::of("x".parse().unwrap()) }
    }

    #[test]
    fn hosts_that_nobody_names_go_one_by_one() {
        let mut place = Place::new();
        place.put(
            "/etc/hosts",
            "127.0.0.1 localhost\n192.0.2.1 db\n192.0.2.2 old # x\n192.0.2.3 kept\n",
            0o644,
        );
        place.catalog =
            vec![resource(Kind::Host, "db", serde_json::json!({ "name": "db", "ip": "192.0.2.9" }))];
        let wish = purge("host", r#", "keep": ["kept"]"#);
        assert_eq!(place.apply(&Purged(&wish)), said(&["old: removed"]));
        assert_eq!(place.read("/etc/hosts"), "127.0.0.1 localhost\n192.0.2.1 db\n192.0.2.3 kept\n");
    }

    #[test]
    fn more_than_may_go_is_nothing_at_all() {
        let place = Place::new();
        place.put("/etc/hosts", "192.0.2.1 a\n192.0.2.2 b\n", 0o644);
        let refused = place.apply(&Purged(&purge("host", r#", "max": 1"#))).unwrap_err();
        assert_eq!(refused, "2 of type `host` would be removed, and `max` is 1: a, b");
        assert_eq!(place.read("/etc/hosts"), "192.0.2.1 a\n192.0.2.2 b\n");
    }

    #[test]
    fn entries_of_a_crontab_go_with_and_without_a_name() {
        let mut place = Place::new();
        std::fs::create_dir_all(place.at("/var/spool/cron/crontabs")).unwrap();
        let before = "MAILTO=ops\n# by hand\n1 1 * * * /bin/hand\n# Countersign Name: job\nA=1\n@daily /bin/job\n\
                      # Puppet Name: gone\n@daily /bin/gone\n@hourly /bin/same\n";
        place.put("/var/spool/cron/crontabs/root", before, 0o600);
        let job = |name: &str, schedule: &[&str], command: &str| {
            let attributes =
                serde_json::json!({ "name": name, "command": command, "user": "root", "schedule": schedule });
            resource(Kind::Cron, name, attributes)
        };
        place.catalog = vec![job("job", &["@daily"], "/bin/other"), job("same", &["@hourly"], "/bin/same")];
        let gone = said(&["1 1 * * * /bin/hand: removed", "gone: removed"]);
        assert_eq!(place.apply(&Purged(&purge("cron", ""))), gone);
        let after =
            "MAILTO=ops\n# by hand\n# Countersign Name: job\nA=1\n@daily /bin/job\n@hourly /bin/same\n";
        assert_eq!(place.read("/var/spool/cron/crontabs/root"), after);
    }

    #[test]
    fn sources_and_units_that_nobody_names_go() {
        let mut place = Place::new();
        for folder in ["/etc/apt/sources.list.d", "/etc/systemd/system/x.service.d"] {
            std::fs::create_dir_all(place.at(folder)).unwrap();
        }
        for path in [
            "/etc/apt/sources.list.d/a.sources",
            "/etc/apt/sources.list.d/b.list",
            "/etc/apt/sources.list.d/c.save",
        ] {
            place.put(path, "x", 0o644);
        }
        place.managed.insert("/etc/apt/sources.list.d/a.sources".into(), false);
        let gone = said(&["/etc/apt/sources.list.d/b.list: removed"]);
        assert_eq!(place.apply(&Purged(&purge("apt_repository", ""))), gone);
        for path in [
            "/etc/systemd/system/old.service",
            "/etc/systemd/system/kept.timer",
            "/etc/systemd/system/x.service.d/y.conf",
        ] {
            place.put(path, "x", 0o644);
        }
        std::os::unix::fs::symlink(
            "/lib/systemd/system/ssh.service",
            place.at("/etc/systemd/system/sshd.service"),
        )
        .unwrap();
        let gone = said(&["/etc/systemd/system/old.service: removed"]);
        assert_eq!(place.apply(&Purged(&purge("systemd_unit", r#", "keep": ["kept.timer"]"#))), gone);
        assert!(std::fs::symlink_metadata(place.at("/etc/systemd/system/sshd.service")).is_ok());
    }

    #[test]
    fn accounts_of_the_system_are_never_in_the_list() {
        let mut place = Place::new();
        let passwd = "root:x:0:0::/:/bin/sh\nweb:x:33:33::/:/bin/sh\nann:x:1000:1000::/:/bin/sh\nbob:x:1001:1001::/:/bin/sh\n\
                      cec:x:1002:1002::/:/bin/sh\ndan:x:1003:1003::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n";
        place.put("/etc/passwd", passwd, 0o644);
        place.catalog = vec![resource(Kind::User, "ann", serde_json::json!({ "name": "ann" }))];
        let wish = purge("user", r#", "unless_uid": [1001], "keep": ["cec"]"#);
        let mut node = place.node();
        let plan = Purged(&wish).check(&mut node).unwrap();
        let list: Vec<&str> = plan.changes.iter().map(|change| change.message.as_str()).collect();
        assert_eq!(list, ["dan: removed"]);
        assert_eq!((plan.changes[0].property, plan.changes[0].to.as_str()), ("ensure", "absent"));
    }
}
