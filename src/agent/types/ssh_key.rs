//! `ssh_authorized_key`: a key with which somebody may log in as a user, in the file where sshd looks.

use super::edited::{Edited, Lines};
use super::{Change, Done, Failure, Node, Plan, Type, plain_name};
use crate::agent::found::Found;
use crate::agent::host::Owner;
use crate::model::resource::{Presence, SshAuthorizedKey};
use crate::model::{Kind, Spec};

/// A key.
pub(in crate::agent) struct Key<'a>(pub(in crate::agent) &'a SshAuthorizedKey);

/// What puts the file right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::agent) enum Step {
    /// Let the key stand there as it should.
    Set,
    /// Take it away.
    Remove,
    /// Take this line away, which no resource names.
    Purge(String),
}

impl Type for Key<'_> {
    type Step = Step;

    fn check(&self, node: &mut Node<'_>) -> Result<Plan<Step>, Failure> {
        let key = self.0;
        let mut plan = Plan::new();
        plan.wanted.push(("ensure", key.ensure.name().into()));
        let file = match self.file(node) {
            Ok(file) => file,
            // Without the account there is no key; and in a noop run the same catalog may bring the account.
            Err(Failure::NoAccount { .. }) if !key.ensure.is_present() => return Ok(plan),
            Err(Failure::NoAccount { .. }) if node.noop => {
                plan.changes.push(Change::new("ensure", "absent", "present", Step::Set).saying("created"));
                return Ok(plan);
            }
            Err(failure) => return Err(failure),
        };
        let lines: Vec<Line> = file.text().lines().filter_map(Line::of).collect();
        match (lines.iter().find(|line| line.is(key)), key.ensure) {
            (None, Presence::Absent) => {}
            (Some(_), Presence::Absent) => {
                plan.changes.push(Change::new("ensure", "present", "absent", Step::Remove).saying("removed"));
            }
            (None, Presence::Present) => {
                plan.changes.push(Change::new("ensure", "absent", "present", Step::Set).saying("created"));
            }
            (Some(have), Presence::Present) => {
                plan.property("name", &have.comment, &key.name, || Step::Set);
                plan.property("type", &have.algorithm, &key.algorithm, || Step::Set);
                plan.property("key", &have.key, &key.key, || Step::Set);
                plan.property("options", &have.options, &key.options.join(","), || Step::Set);
            }
        }
        if key.purge {
            for line in lines.iter().filter(|line| !line.is(key) && !is_managed(node, key, line)) {
                let change = Change::new("purge", "present", "absent", Step::Purge(line.text.clone()));
                plan.changes.push(change.saying(format!("removed the key '{}'", line.shown())));
            }
        }
        Ok(plan)
    }

    fn apply(&self, step: Step, node: &mut Node<'_>) -> Result<Done, Failure> {
        let key = self.0;
        let file = self.file(node)?;
        let mut text = Lines::of(file.text());
        let is_ours = |line: &str| Line::of(line).is_some_and(|line| line.is(key));
        match step {
            Step::Set => match text.lines.iter().position(|line| is_ours(line)) {
                Some(at) => text.lines[at] = key.line().into(),
                None => text.lines.push(key.line().into()),
            },
            Step::Remove => text.lines.retain(|line| !is_ours(line)),
            Step::Purge(gone) => text.lines.retain(|line| *line != gone),
        }
        let text = text.join();
        self.make_folder(node)?;
        file.write(node, &text, 0o600)?;
        Ok(Done::quietly())
    }
}

impl Key<'_> {
    fn path(&self, node: &mut Node<'_>) -> Result<String, Failure> {
        if let Some(target) = &self.0.target {
            return Ok(target.clone());
        }
        let name = plain_name(self.0.user.as_deref().unwrap_or_default(), "user name")?;
        let home = node.accounts()?.users.get(name).map(|user| user.home.clone());
        let home = home.ok_or_else(|| Failure::NoAccount { kind: Kind::User, name: name.into() })?;
        Ok(format!("{}/.ssh/authorized_keys", home.trim_end_matches('/')))
    }

    fn owner(&self, node: &mut Node<'_>) -> Result<Owner, Failure> {
        let Some(name) = &self.0.user else { return Ok(Owner::default()) };
        let uid = node.existing_uid(name)?;
        Ok(Owner { uid: Some(uid), gid: node.accounts()?.users.get(name).map(|user| user.gid) })
    }

    fn file(&self, node: &mut Node<'_>) -> Result<Edited, Failure> {
        let path = self.path(node)?;
        let owner = self.owner(node)?;
        Edited::read_of(node, &path, owner)
    }

    /// The folder of the user's own file, closed to others from the beginning.
    fn make_folder(&self, node: &mut Node<'_>) -> Result<(), Failure> {
        let path = self.path(node)?;
        let Some((folder, _)) = path.rsplit_once('/').filter(|_| self.0.target.is_none()) else {
            return Ok(());
        };
        if node.host.stat(folder)?.is_none() {
            let owner = self.owner(node)?;
            node.host.make_directory(folder, 0o700)?;
            node.host.set_owner(folder, owner)?;
        }
        Ok(())
    }
}

/// Whether another resource of the catalog names the key for the same file.
fn is_managed(node: &Node<'_>, own: &SshAuthorizedKey, line: &Line) -> bool {
    node.catalog.iter().any(|resource| match &resource.spec {
        Spec::SshAuthorizedKey(other) => {
            other.ensure.is_present()
                && other.user == own.user
                && other.target == own.target
                && line.is(other)
        }
        _ => false,
    })
}

/// The keys of a text that opens the account of `user`, in the words of a module.
pub(super) fn found(text: &str, user: &str) -> Vec<Found> {
    let lines = text.lines().filter_map(Line::of).filter(|line| SshAuthorizedKey::is_type(&line.algorithm));
    let found = lines.map(|line| {
        let found =
            Found::of(line.shown().to_owned()).with("user", user).with("type", line.algorithm.as_str());
        let found = found.with("key", line.key.as_str());
        let options = split_options(&line.options);
        if options.is_empty() { found } else { found.with("options", options) }
    });
    found.collect()
}

/// The options one by one: commas in quotes part nothing.
fn split_options(text: &str) -> Vec<String> {
    let (mut quoted, mut escaped) = (false, false);
    let mut options = vec![String::new()];
    for c in text.chars() {
        match c {
            '"' if !escaped => quoted = !quoted,
            ',' if !quoted => {
                options.push(String::new());
                continue;
            }
            _ => {}
        }
        escaped = c == '\\' && !escaped;
        if let Some(last) = options.last_mut() {
            last.push(c);
        }
    }
    options.retain(|option| !option.is_empty());
    options
}

/// A line with a key (sshd(8), AUTHORIZED_KEYS FILE FORMAT).
struct Line {
    text: String,
    options: String,
    algorithm: String,
    key: String,
    comment: String,
}

impl Line {
    fn of(text: &str) -> Option<Self> {
        let rest = text.trim();
        if rest.is_empty() || rest.starts_with('#') {
            return None;
        }
        let first = rest.split_whitespace().next().unwrap_or_default();
        let (options, rest) =
            if SshAuthorizedKey::is_type(first) { ("", rest) } else { rest.split_at(options_end(rest)) };
        let mut words = rest.trim_start().splitn(3, [' ', '\t']);
        let mut word = || words.next().unwrap_or_default().trim().to_owned();
        Some(Self {
            text: text.to_owned(),
            options: options.to_owned(),
            algorithm: word(),
            key: word(),
            comment: word(),
        })
    }

    /// By its comment, or else by the key itself.
    fn is(&self, key: &SshAuthorizedKey) -> bool {
        self.comment == key.name || (!key.key.is_empty() && self.key == key.key)
    }

    fn shown(&self) -> &str {
        if self.comment.is_empty() { &self.key } else { &self.comment }
    }
}

/// Where the options end: at the first blank outside quotes.
fn options_end(text: &str) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            '"' if !escaped => quoted = !quoted,
            ' ' | '\t' if !quoted => return at,
            _ => {}
        }
        escaped = c == '\\' && !escaped;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Place, said};
    use super::*;
    use crate::model::{Meta, Resource};
    use std::os::unix::fs::MetadataExt as _;

    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAICkFxq1hTyi7AYXRXYOtbGKPHrOkU6Ys91GjQkVCsVMS";

    fn key(name: &str) -> SshAuthorizedKey {
        SshAuthorizedKey {
            name: name.into(),
            ensure: Presence::Present,
            user: Some("web".into()),
            target: None,
            algorithm: "ssh-ed25519".into(),
            key: KEY.into(),
            options: Vec::new(),
            purge: false,
        }
    }

    fn place() -> Place {
        let place = Place::new();
        place.put("/etc/passwd", "root:x:0:0::/:/bin/sh\nweb:x:33:33::/home/web:/bin/sh\n", 0o644);
        std::fs::create_dir_all(place.at("/home/web")).unwrap();
        std::os::unix::fs::chown(place.at("/home/web"), Some(33), Some(33)).unwrap();
        place
    }

    const FILE: &str = "/home/web/.ssh/authorized_keys";

    #[test]
    fn a_key_goes_into_a_file_that_only_its_user_may_read() {
        let place = place();
        assert_eq!(place.apply(&Key(&key("a@b"))), said(&["created"]));
        assert_eq!(place.read(FILE), format!("ssh-ed25519 {KEY} a@b\n"));
        let (file, folder) = (
            std::fs::metadata(place.at(FILE)).unwrap(),
            std::fs::metadata(place.at("/home/web/.ssh")).unwrap(),
        );
        assert_eq!((file.uid(), file.gid(), place.mode(FILE)), (33, 33, 0o600));
        assert_eq!((folder.uid(), folder.gid(), place.mode("/home/web/.ssh")), (33, 33, 0o700));
        let forced = SshAuthorizedKey {
            options: vec!["restrict".into(), "command=\"/bin/x, \\\"y\\\"\"".into()],
            ..key("a@b")
        };
        let message = "options changed '' to 'restrict,command=\"/bin/x, \\\"y\\\"\"'";
        assert_eq!(place.apply(&Key(&forced)), said(&[message]));
        assert_eq!(
            place.apply(&Key(&SshAuthorizedKey { ensure: Presence::Absent, ..key("a@b") })),
            said(&["removed"])
        );
        assert_eq!(place.read(FILE), "");
    }

    #[test]
    fn other_keys_stay_unless_they_are_purged() {
        let mut place = place();
        std::fs::create_dir(place.at("/home/web/.ssh")).unwrap();
        let others = "# mine\nssh-rsa AAAA old@b\nno-pty,from=\"x y\" ssh-rsa BBBB c d\n";
        place.put(FILE, others, 0o600);
        assert_eq!(place.apply(&Key(&key("a@b"))), said(&["created"]));
        assert_eq!(place.read(FILE), format!("{others}ssh-ed25519 {KEY} a@b\n"));
        let old = SshAuthorizedKey { key: "AAAA".into(), algorithm: "ssh-rsa".into(), ..key("old@b") };
        let spec = Spec::SshAuthorizedKey(old);
        place.catalog.push(Resource { title: "old@b".into(), spec, meta: Meta::of("m".parse().unwrap()) });
        let purging = SshAuthorizedKey { purge: true, ..key("a@b") };
        assert_eq!(place.apply(&Key(&purging)), said(&["removed the key 'c d'"]));
        assert_eq!(place.read(FILE), format!("# mine\nssh-rsa AAAA old@b\nssh-ed25519 {KEY} a@b\n"));
    }

    #[test]
    fn d29_a_link_in_the_users_own_folder_is_not_followed() {
        let place = place();
        std::fs::create_dir(place.at("/root")).unwrap();
        std::os::unix::fs::symlink(place.at("/root"), place.at("/home/web/.ssh")).unwrap();
        std::os::unix::fs::lchown(place.at("/home/web/.ssh"), Some(33), Some(33)).unwrap();
        let failed = place.apply(&Key(&key("a@b"))).unwrap_err();
        assert!(failed.contains("which others than root may change"), "{failed}");
        assert!(!place.at("/root/authorized_keys").exists());
    }

    #[test]
    fn without_the_account_there_is_no_key() {
        let place = Place::new();
        let ghost = SshAuthorizedKey { user: Some("ghost".into()), ..key("a@b") };
        assert_eq!(place.apply(&Key(&ghost)), Err("there is no user `ghost` on this node".into()));
        assert_eq!(place.apply(&Key(&SshAuthorizedKey { ensure: Presence::Absent, ..ghost })), said(&[]));
    }
}
