//! Services by systemd, for real: the machine's own systemd is process 1 of a sandbox, in namespaces and a control group of
//! its own, and starts nothing but what the test has. Tests only.

use super::sandbox::{INSIDE, changed, run, sandboxed_by, skipped, twice};
use super::tests::{Place, resource};
use crate::agent::drift::Drift;
use crate::agent::queue::{Queue, Wake};
use crate::agent::watch::Watch;
use crate::model::report::RunStatus;
use crate::model::resource::{Enable, Service, ServiceEnsure};
use crate::model::{Catalog, Kind, Resource, Spec};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command as Process;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What systemd is started from.
const SYSTEMD: &str = "/lib/systemd/systemd";

/// `$0` is an empty directory, `$1` the test program, `$2` the test.
const ENTER: &str = r#"
set -eu
mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs -o mode=0755 tmpfs "$0"
root=$0/root
mkdir "$0/upper" "$0/work" "$root" "$0/groups"
mount -t overlay -o "lowerdir=/,upperdir=$0/upper,workdir=$0/work" overlay "$root"
for place in dev tmp run sys; do mount -t tmpfs -o mode=0755 tmpfs "$root/$place"; done
for node in null zero full random urandom tty; do
    touch "$root/dev/$node"
    mount --bind "/dev/$node" "$root/dev/$node"
done
mkdir -p "$root/dev/pts" "$root/dev/shm" "$root/sys/fs/cgroup"
touch "$root/tmp/test"
mount --bind "$1" "$root/tmp/test"
# Nothing of the machine's own units is wanted by this target.
rm -rf "$root/etc/systemd/system"
mkdir "$root/etc/systemd/system"
printf '[Unit]\nDescription=Nothing\nDefaultDependencies=no\n' >"$root/etc/systemd/system/nothing.target"
mount -t cgroup2 cgroup2 "$0/groups"
group=$0/groups/countersign-$(basename "$0")
mkdir "$group"
sh -c '
    echo 0 >"$0/cgroup.procs"
    exec unshare --cgroup --pid --mount --ipc --fork --kill-child -- sh -c "
        mount -t proc proc \"\$0/proc\"
        mount --bind \"\$0/proc/sys\" \"\$0/proc/sys\"
        mount -o remount,bind,ro \"\$0/proc/sys\"
        mount -t cgroup2 cgroup2 \"\$0/sys/fs/cgroup\"
        exec env -i container=sandbox PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot \"\$0\" /lib/systemd/systemd --system --unit=nothing.target
    " "$1"
' "$group" "$root" >"$0/log" 2>&1 &
namespaces=$!
for try in $(seq 300); do [ -S "$root/run/systemd/private" ] && break; sleep 0.1; done
init=$(pgrep -P "$namespaces") || { cat "$0/log"; exit 1; }
code=0
nsenter --target "$init" --mount --pid --cgroup --ipc --root --wd=/ /tmp/test --exact "$2" --nocapture --test-threads=1 || code=$?
kill -9 "$init"
wait "$namespaces" || true
for try in $(seq 100); do
    find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null
    [ -d "$group" ] || break
    sleep 0.1
done
[ $code = 0 ] || cat "$0/log"
exit $code
"#;

/// Whether the machine has what such a sandbox is made of. Where it has not, the test says so and shows nothing.
fn can_be(test: &str) -> bool {
    let systemd = Path::new(SYSTEMD).exists();
    let place = tempfile::tempdir().unwrap();
    let group = "mount -t cgroup2 cgroup2 \"$0\" && mkdir \"$0/$1\" && rmdir \"$0/$1\"";
    let name = place.path().file_name().unwrap();
    let mut groups = Process::new("unshare");
    groups.args(["--mount", "--", "/bin/sh", "-c", group]).arg(place.path()).arg(name);
    let groups = groups.output().is_ok_and(|output| output.status.success());
    if !systemd || !groups {
        skipped(test, "this machine has no systemd, or no control groups (version 2) that can be made");
    }
    systemd && groups
}

/// Runs `body` where systemd is process 1. `test` is its whole path.
fn with_systemd(test: &str, body: fn()) {
    if std::env::var_os(INSIDE).is_some() || can_be(test) {
        sandboxed_by(ENTER, test, body);
    }
}

fn unit(name: &str, text: &str) {
    let text = format!("[Unit]\nDefaultDependencies=no\n{text}");
    std::fs::write(format!("/lib/systemd/system/{name}"), text).unwrap();
    run("systemctl", &["daemon-reload"]);
}

fn service(name: &str, ensure: Option<ServiceEnsure>, enable: Option<Enable>) -> Resource {
    resource(name, Spec::Service(Service { name: name.into(), ensure, enable, provider: None }))
}

fn unit_file(title: &str, attributes: serde_json::Value) -> Resource {
    resource(title, Spec::read(Kind::SystemdUnit, attributes).unwrap())
}

fn is(what: &str, name: &str) -> String {
    run("systemctl", &[what, name]).trim().to_owned()
}

#[test]
fn services_by_systemd() {
    with_systemd(concat!(module_path!(), "::services_by_systemd"), || {
        unit("demo.service", "[Service]\nExecStart=/bin/sleep 1000\n[Install]\nWantedBy=multi-user.target\n");
        unit("bad.service", "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'exit 3'\n");
        let mut place = Place::new();
        let pid = || run("systemctl", &["show", "--property=MainPID", "demo"]);
        let wanted = [service("demo", Some(ServiceEnsure::Running), Some(Enable::Yes))];
        let lines = changed(&mut place, &wanted);
        for line in [
            "notice service[demo]/ensure: ensure changed 'stopped' to 'running'",
            "notice service[demo]/enable: enable changed 'false' to 'true'",
        ] {
            assert!(lines.iter().any(|l| l == line), "{line}\n{lines:#?}");
        }
        assert_eq!(
            (is("is-active", "demo").as_str(), is("is-enabled", "demo").as_str()),
            ("active", "enabled")
        );
        let first = pid();
        run("systemctl", &["kill", "--signal=KILL", "demo"]);
        // systemd hears of it a moment later.
        while is("is-active", "demo") == "active" {
            std::thread::sleep(Duration::from_millis(10));
        }
        let drift = twice(&mut place, &wanted, RunStatus::Changed);
        assert!(drift.applied.corrective_change && pid() != first, "{:#?}", drift.lines);
        // A unit that was edited is read again before it is started.
        run("systemctl", &["stop", "demo"]);
        std::fs::write(
                "/lib/systemd/system/demo.service",
                "[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/bin/sleep 2000\n[Install]\nWantedBy=multi-user.target\n",
            )
            .unwrap();
        changed(&mut place, &wanted);
        assert!(run("systemctl", &["show", "--property=ExecStart", "demo"]).contains("2000"));
        changed(&mut place, &[service("demo", Some(ServiceEnsure::Stopped), Some(Enable::Mask))]);
        assert_eq!(
            (is("is-active", "demo").as_str(), is("is-enabled", "demo").as_str()),
            ("inactive", "masked")
        );
        changed(&mut place, &wanted);
        let bad = place.run(&[service("bad", Some(ServiceEnsure::Running), None)]);
        assert_eq!(bad.applied.counts.failed, 1);
        let none = place.run(&[service("none", Some(ServiceEnsure::Running), None)]);
        assert_eq!(none.applied.counts.failed, 1);
    });
}

#[test]
fn units_and_timers_by_systemd() {
    with_systemd(concat!(module_path!(), "::units_and_timers_by_systemd"), || {
        let mut place = Place::new();
        let plain = json!({ "DefaultDependencies": ["no"] });
        let own = |seconds: u32| {
            let start = json!({ "ExecStart": [format!("/bin/sleep {seconds}")] });
            unit_file("own.service", json!({ "name": "own.service", "unit": plain, "service": start }))
        };
        let mut running = service("own", Some(ServiceEnsure::Running), None);
        running.meta.subscribe = vec!["systemd_unit[own.service]".parse().unwrap()];
        let begun = changed(&mut place, &[own(1000), running.clone()]);
        assert!(begun.iter().any(|line| line.contains("Unscheduling refresh")), "{begun:#?}");
        let first = run("systemctl", &["show", "--property=MainPID", "own"]);
        let edited = twice(&mut place, &[own(2000), running], RunStatus::Changed);
        assert_eq!(edited.applied.counts.restarted, 1, "{:#?}", edited.lines);
        assert_eq!(is("is-active", "own"), "active");
        assert!(run("systemctl", &["show", "--property=MainPID", "own"]) != first);
        let often = json!({
            "name": "own.timer",
            "unit": plain,
            "timer": { "OnActiveSec": ["1h"] },
            "install": { "WantedBy": ["timers.target"] },
        });
        let timer = || service("own.timer", Some(ServiceEnsure::Running), Some(Enable::Yes));
        changed(&mut place, &[unit_file("own.timer", often), timer()]);
        assert_eq!(
            (is("is-active", "own.timer").as_str(), is("is-enabled", "own.timer").as_str()),
            ("active", "enabled")
        );
    });
}

#[test]
fn a_service_that_ends_is_heard_of() {
    with_systemd(concat!(module_path!(), "::a_service_that_ends_is_heard_of"), || {
        let text = "[Service]\nExecStart=/bin/sleep 1000\n[Install]\nWantedBy=multi-user.target\n";
        for name in ["demo.service", "many-of@.service"] {
            unit(name, text);
        }
        let mut place = Place::new();
        let names = ["demo", "many-of@one"];
        let wanted = names.map(|name| service(name, Some(ServiceEnsure::Running), Some(Enable::Yes)));
        changed(&mut place, &wanted);
        let mut drift = Drift::default();
        let (node, environment) = ("n".parse().unwrap(), "production".parse().unwrap());
        drift.learn(&Catalog::new(environment, node, Vec::new(), wanted.to_vec()));
        let queue = Arc::new(Queue::default());
        let watch = Watch::begin(Path::new("/"), queue.clone()).unwrap();
        assert!(watch.arm(&drift.interests()).is_empty());
        // What is heard until a resource is meant; a deed that nobody hears of would end the patience.
        let means = || {
            let until = Instant::now() + Duration::from_secs(30);
            let mut heard = BTreeSet::new();
            while let Some(patience) = until.checked_duration_since(Instant::now()) {
                if let Wake::Touched(paths) = queue.wait(patience) {
                    queue.finished(Duration::ZERO);
                    heard.extend(drift.plan(paths, Instant::now()).now);
                }
                if !heard.is_empty() {
                    break;
                }
            }
            heard.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        for name in names {
            for deed in [["kill", "--signal=KILL"].as_slice(), &["disable"], &["stop"]] {
                let arguments: Vec<&str> = deed.iter().copied().chain([name]).collect();
                run("systemctl", &arguments);
                assert_eq!(means(), format!("service[{name}]"), "{deed:?}");
                place.run(&wanted);
                while matches!(queue.wait(Duration::from_secs(1)), Wake::Touched(_)) {
                    queue.finished(Duration::ZERO);
                }
                queue.finished(Duration::ZERO);
                watch.arm(&drift.interests());
            }
        }
    });
}
