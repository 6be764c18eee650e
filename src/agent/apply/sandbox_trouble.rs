//! What goes wrong on real machines, for real, in the sandbox: a full disk, a read-only one, programs that are not there or
//! hang; and accounts and services that go back. Tests only.

use super::sandbox::{run, sandboxed};
use super::tests::{Place, resource};
use crate::model::resource::{
    Command, Content, Enable, Exec, FileEnsure, Group, Membership, Service, ServiceEnsure, User, Word,
};
use crate::model::{Resource, Spec};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command as Process;
use std::time::Duration;

fn file(path: &str, content: &str) -> Resource {
    let mut file = crate::agent::testing::file(path, FileEnsure::File, Some(Content::Text(content.into())));
    file.title = path.into();
    file
}

fn exec(title: &str, argv: &[&str], timeout: u32) -> Resource {
    let words = argv.iter().map(|word| Word::Text((*word).into())).collect();
    let mut exec = Exec::of(Command::Argv(words));
    exec.timeout = timeout;
    resource(title, Spec::Exec(exec))
}

#[test]
fn a_full_disk_a_read_only_one_a_missing_tool_and_a_hung_command_fail_their_resource_and_no_other() {
    let test =
        "::a_full_disk_a_read_only_one_a_missing_tool_and_a_hung_command_fail_their_resource_and_no_other";
    sandboxed(&format!("{}{test}", module_path!()), || {
        for name in ["small", "fixed"] {
            std::fs::create_dir(format!("/{name}")).unwrap();
            run("mount", &["-t", "tmpfs", "-o", "size=64k,mode=0755", "tmpfs", &format!("/{name}")]);
        }
        std::fs::write("/small/big", "old").unwrap();
        std::fs::write("/fixed/a", "old").unwrap();
        run("mount", &["-o", "remount,ro", "/fixed"]);
        let mut place = Place::new();
        let mut service = Service { name: "demo".into(), ensure: None, enable: None, provider: None };
        (service.ensure, service.provider) = (Some(ServiceEnsure::Running), Some("systemd".into()));
        let wanted = [
            file("/small/big", &"x".repeat(1 << 20)),
            file("/fixed/a", "new"),
            exec("missing", &["/usr/bin/no-such-program"], 5),
            exec("hung", &["/bin/sleep", "600"], 1),
            resource("demo", Spec::Service(service)),
            file("/tmp/fine", "fine"),
        ];
        let outcome = place.run(&wanted);
        let counts = outcome.applied.counts;
        assert_eq!((counts.failed, counts.changed), (5, 1), "{:#?}", outcome.lines);
        for text in [
            "cannot write `/small/big`: No space left on device",
            "cannot write `/fixed/a`: Read-only file system",
            "there is no program `/usr/bin/no-such-program` on this node",
            "`/bin/sleep 600` exceeded its timeout of 1 seconds",
        ] {
            assert!(outcome.lines.iter().any(|line| line.contains(text)), "{text}\n{:#?}", outcome.lines);
        }
        assert_eq!(std::fs::read_to_string("/small/big").unwrap(), "old");
        assert_eq!(std::fs::read_to_string("/fixed/a").unwrap(), "old");
        assert_eq!(std::fs::read_to_string("/tmp/fine").unwrap(), "fine");
        // No half of a file is left where there is no room.
        assert_eq!(std::fs::read_dir("/small").unwrap().count(), 1);
    });
}

fn user(name: &str) -> User {
    User::of(name.into())
}

/// A daemon that says with which configuration it was started.
const SCRIPT: &str = r#"#!/bin/sh
### BEGIN INIT INFO
# Provides:          demo
# Required-Start:
# Required-Stop:
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: demo
### END INIT INFO
D="start-stop-daemon --quiet --pidfile /run/demo.pid"
case "$1" in
start) cat /etc/demo.conf > /run/demo.with; $D --start --oknodo --background --make-pidfile --exec /bin/sleep -- 1000 ;;
stop) $D --stop --oknodo --retry 5 --remove-pidfile ;;
restart) "$0" stop; "$0" start ;;
status) $D --status ;;
*) exit 2 ;;
esac
"#;

const DATABASES: [&str; 4] = ["/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow"];

#[test]
fn useradd_waits_while_accounts_go_back() {
    sandboxed(concat!(module_path!(), "::useradd_waits_while_accounts_go_back"), || {
        let place = Place::new();
        let lock = place.host.lock_accounts().unwrap();
        let mut useradd = Process::new("useradd").arg("late").spawn().unwrap();
        std::thread::sleep(Duration::from_millis(500));
        assert!(useradd.try_wait().unwrap().is_none(), "it did not wait");
        drop(lock);
        assert!(useradd.wait().unwrap().success());
        assert!(std::fs::read_to_string("/etc/passwd").unwrap().contains("late:"));
        drop(place.host.lock_accounts().unwrap());
    });
}

#[test]
fn accounts_and_services_go_back_to_what_they_were() {
    sandboxed(concat!(module_path!(), "::accounts_and_services_go_back_to_what_they_were"), || {
        run("groupadd", &["old"]);
        run("useradd", &["--no-create-home", "--shell", "/bin/sh", "--groups", "old", "kept"]);
        run("useradd", &["--no-create-home", "leaves"]);
        std::fs::write("/etc/demo.conf", "one").unwrap();
        std::fs::write("/etc/init.d/demo", SCRIPT).unwrap();
        std::fs::set_permissions("/etc/init.d/demo", std::fs::Permissions::from_mode(0o755)).unwrap();
        run("/etc/init.d/demo", &["start"]);
        let before = DATABASES.map(|path| std::fs::read_to_string(path).unwrap());
        let mut kept = user("kept");
        (kept.shell, kept.groups) = (Some("/bin/false".into()), Some(vec!["games".into()]));
        kept.membership = Membership::Inclusive;
        let demo = Service {
            name: "demo".into(),
            ensure: Some(ServiceEnsure::Running),
            enable: None,
            provider: None,
        };
        let mut demo = resource("demo", Spec::Service(demo));
        demo.meta.subscribe = vec!["file[/etc/demo.conf]".parse().unwrap()];
        let group = Group::of("fresh".into());
        let wanted = [
            resource("kept", Spec::User(kept)),
            resource("fresh", Spec::Group(group)),
            resource("new", Spec::User(user("new"))),
            resource("leaves", Spec::User(User { absent: true, ..user("leaves") })),
            file("/etc/demo.conf", "two"),
            demo,
        ];
        let mut place = Place::new();
        let (outcome, returned) = place.run_and_go_back(&wanted);
        assert_eq!((outcome.applied.counts.failed, returned.failed), (0, Vec::new()), "{:#?}", outcome.lines);
        assert_eq!(outcome.applied.counts.changed, 5, "{:#?}", outcome.lines);
        for (path, before) in DATABASES.iter().zip(&before) {
            let sorted = |text: &str| {
                let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
                lines.sort();
                lines
            };
            let now = std::fs::read_to_string(path).unwrap();
            assert_eq!(sorted(&now), sorted(before), "{path}\n{:#?}", outcome.lines);
        }
        assert_eq!(std::fs::read_to_string("/etc/demo.conf").unwrap(), "one");
        assert_eq!(
            std::fs::read_to_string("/run/demo.with").unwrap(),
            "one",
            "it was restarted with what is back"
        );
        // One that was stopped and did not start at boot is so again.
        run("/etc/init.d/demo", &["stop"]);
        let running = Service {
            name: "demo".into(),
            ensure: Some(ServiceEnsure::Running),
            enable: Some(Enable::Yes),
            provider: None,
        };
        let (outcome, returned) = place.run_and_go_back(&[resource("demo", Spec::Service(running))]);
        assert_eq!(
            (outcome.applied.counts.changed, returned.failed),
            (1, Vec::new()),
            "{:#?}",
            outcome.lines
        );
        assert!(!run("sh", &["-c", "ls /etc/rc2.d"]).contains("S01demo"));
        assert!(!std::path::Path::new("/run/demo.pid").exists());
    });
}
