//! What a guard sees, and that the roles it names must have signed.

use super::*;
use crate::model::resource::User;
use crate::model::resource::{Command, Exec, Word};
use crate::model::{Kind, Meta};
use crate::signing::testing::{enrolled, publish_with, raw_root, root_of};
use crate::signing::{State, decide};

fn file(path: &str, change: fn(&mut File)) -> Resource {
    let mut file = File {
        path: path.into(),
        ensure: FileEnsure::File,
        content: None,
        target: None,
        owner: None,
        group: None,
        mode: None,
        selinux: None,
        recurse: false,
        recurselimit: None,
        max_files: None,
        purge: false,
        ignore: Vec::new(),
        force: false,
        replace: true,
        backup: None,
        validate_cmd: Vec::new(),
        show_diff: true,
    };
    change(&mut file);
    Resource { title: "innocent".into(), spec: Spec::File(file), meta: Meta::of("x".parse().unwrap()) }
}

fn user(name: &str) -> Resource {
    let user = User::of(name.into());
    Resource { title: "innocent".into(), spec: Spec::User(user), meta: Meta::of("x".parse().unwrap()) }
}

fn exec(command: Command) -> Resource {
    Resource {
        title: "innocent".into(),
        spec: Spec::Exec(Exec::of(command)),
        meta: Meta::of("x".parse().unwrap()),
    }
}

fn guard(resource: Kind, pattern: &str) -> Guard {
    Guard { resource, pattern: pattern.parse().unwrap(), role: "security".parse().unwrap() }
}

fn check(guard: &Guard, resource: &Resource, expected: bool) {
    assert_eq!(touches(guard, resource), expected, "{}[{}] on {resource:?}", guard.resource, guard.pattern);
}

#[test]
fn d35_a_path_is_guarded_however_it_is_reached() {
    let ssh = guard(Kind::File, "/etc/ssh/**");
    let as_is: fn(&mut File) = |_| {};
    check(&ssh, &file("/etc/ssh/sshd_config", as_is), true);
    check(&ssh, &file("/etc/ssh", as_is), true);
    check(&ssh, &file("/etc/motd", as_is), false);
    check(&ssh, &file("/etc/sshd", as_is), false);
    check(&ssh, &file("/etc", as_is), false);
    check(&ssh, &file("/etc", |f| f.recurse = true), true);
    check(&ssh, &file("/", |f| f.purge = true), true);
    check(&ssh, &file("/etc", |f| f.force = true), true);
    check(&ssh, &file("/etc", |f| f.ensure = FileEnsure::Absent), true);
    check(&ssh, &file("/srv", |f| f.recurse = true), false);
    check(
        &ssh,
        &file("/srv/x", |f| (f.ensure, f.target) = (FileEnsure::Link, Some("/etc/ssh".into()))),
        true,
    );
    check(&ssh, &file("/srv/x", |f| (f.ensure, f.target) = (FileEnsure::Link, Some("/etc".into()))), true);
    for winding in ["/etc/../etc/ssh/x", "/etc//ssh/x", "/etc/./ssh/x", "etc/ssh/x"] {
        check(&ssh, &file(winding, as_is), true);
    }
}

#[test]
fn d35_names_are_guarded_whatever_the_title_says() {
    check(&guard(Kind::User, "root"), &user("root"), true);
    check(&guard(Kind::User, "root"), &user("rooty"), false);
    check(&guard(Kind::Group, "root"), &user("root"), false);
    check(&guard(Kind::User, "*"), &user("anybody"), true);
    let shell = exec(Command::Shell("cd / && /usr/sbin/visudo".into()));
    check(&guard(Kind::Exec, "*visudo*"), &shell, true);
    let argv = exec(Command::Argv(vec![Word::Text("/usr/sbin/usermod".into()), Word::Text("root".into())]));
    check(&guard(Kind::Exec, "/usr/sbin/usermod"), &argv, true);
    check(&guard(Kind::Exec, "*usermod root"), &argv, true);
    check(&guard(Kind::Exec, "*visudo*"), &argv, false);
}

#[test]
fn d35_the_guarding_role_must_sign_whatever_the_statement_says() {
    let mut raw = raw_root();
    raw.guards = vec![guard(Kind::User, "root")];
    let root = root_of(&raw);
    let outcome = |resource: Resource, signers: &[&str]| {
        let one = publish_with(1, None, &[resource]).restated(signers, |_| {});
        let state = State::enroll("web1".parse().unwrap(), "production".parse().unwrap(), root.clone());
        decide(&state, &one.offer("web1"), one.now())
            .map_or_else(|refusal| refusal.to_string(), |_| String::new())
    };
    let text = outcome(user("root"), &["alice", "bob"]);
    assert_eq!(text, "`user[innocent]` is guarded by role `security`, which did not sign");
    assert_eq!(outcome(user("root"), &["alice", "bob", "dan"]), "");
    assert_eq!(outcome(user("nginx"), &["alice", "bob"]), "");
    assert_ne!(outcome(user("root"), &["dan"]), "", "a guard adds to `release`, it does not replace it");
}

#[test]
fn d35_an_author_of_the_guarding_role_does_not_count() {
    let mut raw = raw_root();
    raw.guards = vec![guard(Kind::User, "root")];
    let state = State::enroll("web1".parse().unwrap(), "production".parse().unwrap(), root_of(&raw));
    let one = publish_with(1, None, &[user("root")]);
    let one = one.restated(&["alice", "bob", "dan"], |s| s.authors = vec!["dan".parse().unwrap()]);
    assert_eq!(decide(&state, &one.offer("web1"), one.now()).unwrap_err().code(), "GUARD");
}

#[test]
fn a_site_without_guards_needs_no_further_role() {
    let one = publish_with(1, None, &[user("root")]);
    assert!(required(enrolled("web1").root(), &one.catalogs[0]).is_empty());
}

#[test]
fn d35_a_file_is_guarded_whatever_type_writes_into_it() {
    let line = serde_json::json!({ "path": "/etc/sudoers", "line": "x" });
    let spec = Spec::read(Kind::LineInFile, line).unwrap();
    let line = Resource { title: "innocent".into(), spec, meta: Meta::of("x".parse().unwrap()) };
    check(&guard(Kind::File, "/etc/sudoers"), &line, true);
    check(&guard(Kind::File, "/etc/ssh/**"), &line, false);
    check(&guard(Kind::LineInFile, "/etc/sudoers"), &line, true);
}

#[test]
fn d35_a_file_is_guarded_from_what_is_unpacked_or_tidied_around_it() {
    let of = |kind: Kind, attributes: serde_json::Value| {
        let spec = Spec::read(kind, attributes).unwrap();
        Resource { title: "innocent".into(), spec, meta: Meta::of("x".parse().unwrap()) }
    };
    let source = serde_json::json!({ "blob": { "digest": crate::model::Digest::of(b"x"), "size": 1 } });
    let archive = of(Kind::Archive, serde_json::json!({ "path": "/opt/app", "source": source }));
    check(&guard(Kind::File, "/opt/app/bin/**"), &archive, true);
    check(&guard(Kind::File, "/opt/app"), &archive, true);
    check(&guard(Kind::File, "/opt/other/**"), &archive, false);
    let tidy = of(Kind::Tidy, serde_json::json!({ "path": "/var/spool", "age": "4w", "recurse": true }));
    check(&guard(Kind::File, "/var/spool/cron/root"), &tidy, true);
    check(&guard(Kind::File, "/etc/**"), &tidy, false);
}

#[test]
fn d35_what_is_purged_may_be_anything_of_its_type() {
    let spec = Spec::read(Kind::Purge, serde_json::json!({ "type": "user" })).unwrap();
    let purge = Resource { title: "innocent".into(), spec, meta: Meta::of("x".parse().unwrap()) };
    check(&guard(Kind::User, "root"), &purge, true);
    check(&guard(Kind::Purge, "user"), &purge, true);
    check(&guard(Kind::Package, "nginx"), &purge, false);
}
