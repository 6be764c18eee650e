//! Services and crontabs, for real, in the sandbox. Tests only.

use super::sandbox::{changed, run, sandboxed, twice};
use super::tests::{Place, resource};
use crate::model::report::RunStatus;
use crate::model::resource::{Command, Cron, CronField, Enable, Exec, Service, ServiceEnsure};
use crate::model::{Resource, Spec};
use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

const SCRIPT: &str = r#"#!/bin/sh
### BEGIN INIT INFO
# Provides:          demo
# Required-Start:    $remote_fs
# Required-Stop:     $remote_fs
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: demo
### END INIT INFO
D="start-stop-daemon --quiet --pidfile /run/demo.pid"
case "$1" in
start) $D --start --oknodo --background --make-pidfile --exec /bin/sleep -- 1000 ;;
stop) $D --stop --oknodo --retry 5 --remove-pidfile ;;
restart) "$0" stop; "$0" start ;;
status) $D --status ;;
*) exit 2 ;;
esac
"#;

fn service(ensure: Option<ServiceEnsure>, enable: Option<Enable>) -> Resource {
    let mut demo =
        resource("demo", Spec::Service(Service { name: "demo".into(), ensure, enable, provider: None }));
    demo.meta.subscribe = vec!["exec[configure]".parse().unwrap()];
    demo
}

/// A change that the service listens to, made while `/run/again` exists.
fn configure() -> Resource {
    let mut exec = Exec::of(Command::Shell("rm /run/again".into()));
    exec.onlyif = vec![Command::Shell("test -e /run/again".into())];
    resource("configure", Spec::Exec(exec))
}

#[test]
fn services_by_init_scripts() {
    sandboxed(concat!(module_path!(), "::services_by_init_scripts"), || {
        std::fs::write("/etc/init.d/demo", SCRIPT).unwrap();
        std::fs::set_permissions("/etc/init.d/demo", std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut place = Place::new();
        let pid = || std::fs::read_to_string("/run/demo.pid").ok();
        let again = || std::fs::write("/run/again", "").unwrap();
        let wanted = [service(Some(ServiceEnsure::Running), Some(Enable::Yes)), configure()];
        again();
        let lines = changed(&mut place, &wanted);
        for line in [
            "notice service[demo]/ensure: ensure changed 'stopped' to 'running'",
            "notice service[demo]/enable: enable changed 'false' to 'true'",
            // It was started just now: a restart would be for nothing.
            "info service[demo]: Unscheduling refresh on service[demo]",
        ] {
            assert!(lines.iter().any(|l| l == line), "{line}\n{lines:#?}");
        }
        let first = pid();
        assert!(first.is_some() && run("ls", &["/etc/rc2.d"]).contains("demo"));
        again();
        let lines = changed(&mut place, &wanted);
        assert!(
            lines.contains(&"notice service[demo]: Triggered 'refresh' from 1 event".to_owned()),
            "{lines:#?}"
        );
        assert!(pid().is_some() && pid() != first, "it was not restarted");
        run("/etc/init.d/demo", &["stop"]);
        let drift = twice(&mut place, &wanted, RunStatus::Changed);
        assert!(drift.applied.corrective_change);
        changed(&mut place, &[service(Some(ServiceEnsure::Stopped), Some(Enable::No)), configure()]);
        assert!(!run("sh", &["-c", "ls /etc/rc2.d"]).contains("S01demo"));
        again();
        let lines = changed(&mut place, &[service(None, None), configure()]);
        let skipped = "info service[demo]: Skipping restart; service is not running";
        assert!(lines.iter().any(|l| l == skipped) && pid().is_none(), "{lines:#?}");
        let mask = place.run(&[service(None, Some(Enable::Mask)), configure()]);
        assert_eq!(mask.applied.counts.failed, 1);
        // Only watched: whoever starts it is told of, and it stays as it was left.
        let mut watched = service(None, None);
        watched.meta.audit = vec!["ensure".into(), "enable".into()];
        let watched = [watched, configure()];
        place.run(&watched);
        run("/etc/init.d/demo", &["start"]);
        let lines = place.run(&watched).lines;
        let told = "notice service[demo]/ensure: audit change: previously recorded value stopped has been changed to running";
        let audits: Vec<&String> = lines.iter().filter(|line| line.contains("audit change")).collect();
        assert_eq!(audits, [told]);
        assert!(pid().is_some());
        run("/etc/init.d/demo", &["stop"]);
    });
}

fn cron(command: &str, schedule: &[&str]) -> Cron {
    Cron {
        name: "job".into(),
        absent: false,
        command: command.into(),
        user: "games".into(),
        schedule: schedule.iter().map(|f| CronField((*f).into())).collect(),
        environment: BTreeMap::new(),
    }
}

#[test]
fn crontabs_in_the_spool() {
    sandboxed(concat!(module_path!(), "::crontabs_in_the_spool"), || {
        let mut place = Place::new();
        drop(std::fs::remove_dir_all("/var/spool/cron"));
        let entry = |cron: Cron| [resource("job", Spec::Cron(cron))];
        let daily = || cron("/bin/true", &["5", "4", "*", "*", "*"]);
        let none = place.run(&entry(daily()));
        assert!(
            none.lines[0].ends_with("this node has no crontab spool (is cron installed?)"),
            "{:?}",
            none.lines
        );
        // As Debian's cron makes it: others than root may put files there.
        std::fs::create_dir_all("/var/spool/cron/crontabs").unwrap();
        std::fs::set_permissions("/var/spool/cron/crontabs", std::fs::Permissions::from_mode(0o1730))
            .unwrap();
        let path = "/var/spool/cron/crontabs/games";
        std::fs::write(path, "# mine\n1 1 * * * /bin/mine\n").unwrap();
        std::os::unix::fs::chown(path, Some(5), Some(60)).unwrap();
        changed(&mut place, &entry(daily()));
        let text = "# mine\n1 1 * * * /bin/mine\n# Countersign Name: job\n5 4 * * * /bin/true\n";
        assert_eq!(std::fs::read_to_string(path).unwrap(), text);
        let meta = std::fs::metadata(path).unwrap();
        assert_eq!((meta.uid(), meta.mode() & 0o7777), (5, 0o600));
        let lines = changed(&mut place, &entry(cron("/bin/true", &["@hourly"])));
        assert_eq!(lines, ["notice cron[job]/schedule: schedule changed '5 4 * * *' to '@hourly'"]);
        changed(&mut place, &entry(Cron { absent: true, ..daily() }));
        assert_eq!(std::fs::read_to_string(path).unwrap(), "# mine\n1 1 * * * /bin/mine\n");
        let split = place.run(&entry(cron("/bin/true\n* * * * * /bin/evil", &["@hourly"])));
        assert_eq!(split.applied.counts.failed, 1);
    });
}
