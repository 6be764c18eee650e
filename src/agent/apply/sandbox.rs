//! Packages, accounts, services and crontabs, for real: apt, useradd, init scripts and the cron spool of this
//! machine, on an overlay of its root that nobody else sees and that goes with the test. Tests only.
//!
//! Each test starts itself again in new namespaces (mount, process, network, name) and there in a `chroot` on the
//! overlay. It needs root and says so: where it cannot be had, the test fails.

use super::tests::{Outcome, Place, resource};
use crate::model::report::RunStatus;
use crate::model::resource::{
    Bound, Command, Configfiles, Content, Exec, Group, Mark, Membership, Package, PackageEnsure, User,
};
use crate::model::{Resource, Spec};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command as Process;

/// Set inside the sandbox.
pub(super) const INSIDE: &str = "COUNTERSIGN_SANDBOX";

/// `$0` is an empty directory, `$1` the test program, `$2` the test.
pub(super) const ENTER: &str = r#"
set -eu
mount --make-rprivate /
mount -t tmpfs -o mode=0755 tmpfs "$0"
mkdir "$0/upper" "$0/work" "$0/root"
mount -t overlay -o "lowerdir=/,upperdir=$0/upper,workdir=$0/work" overlay "$0/root"
mount -t proc proc "$0/root/proc"
mount --rbind /dev "$0/root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$0/root/tmp"
mount -t tmpfs -o mode=0755 tmpfs "$0/root/run"
touch "$0/root/tmp/test"
mount --bind "$1" "$0/root/tmp/test"
# Not the last command: process 1 stays this shell, which buries orphaned daemons as an init does.
chroot "$0/root" /tmp/test --exact "$2" --nocapture --test-threads=1 || exit 1
exit 0
"#;

/// Runs `body` in the sandbox: the first time it enters it, the second time it is there. `test` is its whole path.
pub(super) fn sandboxed(test: &str, body: fn()) {
    sandboxed_by(ENTER, test, body);
}

/// As [`sandboxed`], in a sandbox that another script makes of the same arguments.
pub(super) fn sandboxed_by(enter: &str, test: &str, body: fn()) {
    if std::env::var_os(INSIDE).is_some() {
        return body();
    }
    assert!(
        rustix::process::geteuid().is_root(),
        "this test mounts an overlay of the machine's root and needs root"
    );
    let before = machine();
    let place = tempfile::tempdir().unwrap();
    let name = test.split_once("::").unwrap().1;
    let output = Process::new("unshare")
        .args(["--mount", "--pid", "--fork", "--kill-child", "--net", "--uts", "--", "/bin/sh", "-c", enter])
        .arg(place.path())
        .arg(std::env::current_exe().unwrap())
        .arg(name)
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .env(INSIDE, "1")
        .output()
        .expect("this test needs `unshare` of util-linux");
    let text = [output.stdout, output.stderr].map(|t| String::from_utf8_lossy(&t).into_owned()).concat();
    assert!(output.status.success(), "in the sandbox (is overlayfs to be had?):\n{text}");
    assert!(text.contains("1 passed"), "the test did not run in the sandbox:\n{text}");
    assert_eq!(before, machine(), "the machine itself was touched");
}

/// Says that a test shows nothing on this machine, past the harness, which keeps what `eprintln` says to itself.
pub(super) fn skipped(test: &str, why: &str) {
    std::io::stderr().write_all(format!("SKIPPED {test}: {why}\n").as_bytes()).unwrap();
}

/// What of the machine must be the same afterwards.
fn machine() -> BTreeMap<&'static str, Option<(u64, i64, i64)>> {
    let paths = [
        "/etc/passwd",
        "/etc/group",
        "/etc/shadow",
        "/etc/init.d",
        "/etc/rc2.d",
        "/etc/apt",
        "/home",
        "/var/mail",
        "/var/lib/dpkg/status",
        "/var/lib/apt/lists",
        "/var/cache/apt",
        "/var/spool/cron",
        "/var/spool/cron/crontabs",
    ];
    let look = |path| std::fs::metadata(path).ok().map(|m| (m.ino(), m.ctime(), m.ctime_nsec()));
    paths.into_iter().map(|path| (path, look(path))).collect()
}

pub(super) fn run(program: &str, arguments: &[&str]) -> String {
    let output = Process::new(program).args(arguments).output().unwrap_or_else(|e| panic!("{program}: {e}"));
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Runs twice: the first run must end as `expected`, the second must find nothing to do. Gives the first.
pub(super) fn twice(place: &mut Place, resources: &[Resource], expected: RunStatus) -> Outcome {
    let first = place.run(resources);
    assert_eq!(first.applied.status, expected, "{:#?}", first.lines);
    let second = place.run(resources);
    assert_eq!((second.applied.status, second.lines), (RunStatus::Unchanged, Vec::<String>::new()));
    first
}

pub(super) fn changed(place: &mut Place, resources: &[Resource]) -> Vec<String> {
    twice(place, resources, RunStatus::Changed).lines
}

/// Packages in two versions each, in a repository of their own.
fn repository(names: &[&str]) {
    drop(std::fs::remove_dir_all("/etc/apt/sources.list.d"));
    std::fs::write("/etc/apt/sources.list", "deb [trusted=yes] file:/repo ./\n").unwrap();
    let mut index = String::new();
    for (name, version) in names.iter().flat_map(|name| ["1.0", "2.0"].map(|version| (name, version))) {
        let tree = format!("/build/{name}-{version}");
        for folder in ["DEBIAN", "etc", "usr/share/demo"] {
            std::fs::create_dir_all(format!("{tree}/{folder}")).unwrap();
        }
        let control = format!(
            "Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: T <t@example>\nDescription: demo\n"
        );
        std::fs::write(format!("{tree}/DEBIAN/control"), &control).unwrap();
        let settings = name.replace("countersign-", "/etc/") + ".conf";
        std::fs::write(format!("{tree}/DEBIAN/conffiles"), format!("{settings}\n")).unwrap();
        std::fs::write(format!("{tree}{settings}"), format!("version {version}\n")).unwrap();
        std::fs::write(format!("{tree}/usr/share/demo/{name}"), version).unwrap();
        std::fs::create_dir_all("/repo").unwrap();
        let deb = format!("/repo/{name}_{version}.deb");
        run("dpkg-deb", &["--root-owner-group", "-b", &tree, &deb]);
        let bytes = std::fs::read(&deb).unwrap();
        let digest = crate::model::Digest::of(&bytes).hex();
        let (file, size) = (format!("./{name}_{version}.deb"), bytes.len());
        index += &format!("{control}Filename: {file}\nSize: {size}\nSHA256: {digest}\n\n");
    }
    std::fs::write("/repo/Packages", index).unwrap();
}

fn package(name: &str, ensure: PackageEnsure) -> Resource {
    resource(name, Spec::Package(Package::of(name.into(), ensure)))
}

#[test]
fn packages_that_need_nothing_from_each_other_are_one_transaction() {
    let test = concat!(module_path!(), "::packages_that_need_nothing_from_each_other_are_one_transaction");
    sandboxed(test, || {
        let names = ["countersign-a", "countersign-b", "countersign-c"];
        repository(&names);
        // What was installed since it was asked last, a line for each transaction.
        let installed = || {
            let log = std::fs::read_to_string("/var/log/apt/history.log").unwrap_or_default();
            drop(std::fs::remove_file("/var/log/apt/history.log"));
            let lines = log.lines().filter_map(|line| line.split_once(" -- "));
            lines.map(|(_, names)| names.replace("countersign-", "")).collect::<Vec<_>>()
        };
        installed();
        let mut place = Place::new();
        let wish = |ensure: PackageEnsure| names.map(|name| package(name, ensure.clone()));
        let lines = changed(&mut place, &wish(PackageEnsure::Present));
        let created = |name: &str| format!("notice package[{name}]/ensure: created");
        assert_eq!(lines, names.map(created));
        assert_eq!(installed(), ["a b c"]);
        // One has its own options, and what comes after a package comes after it.
        let mut other = wish(PackageEnsure::Version("1.0".into()));
        if let Spec::Package(package) = &mut other[1].spec {
            package.configfiles = Configfiles::Replace;
        }
        changed(&mut place, &other);
        assert_eq!(installed(), ["a=1.0", "b=1.0", "c=1.0"]);
        let mut ordered = wish(PackageEnsure::Latest);
        ordered[2].meta.require = vec!["package[countersign-b]".parse().unwrap()];
        changed(&mut place, &ordered);
        assert_eq!(installed(), ["a=2.0 b=2.0", "c=2.0"]);
        // One that cannot be had does not keep the others away.
        changed(&mut place, &wish(PackageEnsure::Absent));
        installed();
        let mut missing = wish(PackageEnsure::Present).to_vec();
        missing.insert(1, package("countersign-none", PackageEnsure::Present));
        let outcome = place.run(&missing);
        let counts = outcome.applied.counts;
        assert_eq!((counts.changed, counts.failed), (3, 1), "{:?}", outcome.lines);
        assert_eq!(installed(), ["a", "b", "c"]);
    });
}

#[test]
fn packages_by_apt_and_dpkg() {
    sandboxed(concat!(module_path!(), "::packages_by_apt_and_dpkg"), || {
        repository(&["countersign-demo"]);
        let mut place = Place::new();
        let demo = |ensure| [package("countersign-demo", ensure)];
        let state = || run("dpkg-query", &["-W", "-f=${db:Status-Abbrev}${Version}", "countersign-demo"]);
        // The lists know nothing of the repository yet: they are fetched because of that.
        let created = changed(&mut place, &demo(PackageEnsure::Present));
        assert_eq!(created, ["notice package[countersign-demo]/ensure: created"]);
        assert_eq!(state(), "ii 2.0");
        std::fs::write("/etc/demo.conf", "by hand\n").unwrap();
        let down = changed(&mut place, &demo(PackageEnsure::Version("1.0".into())));
        assert_eq!(down, ["notice package[countersign-demo]/ensure: ensure changed '2.0' to '1.0'"]);
        assert_eq!(
            (state(), std::fs::read_to_string("/etc/demo.conf").unwrap()),
            ("ii 1.0".into(), "by hand\n".into())
        );
        let up = changed(&mut place, &demo(PackageEnsure::Latest));
        assert_eq!(up, ["notice package[countersign-demo]/ensure: ensure changed '1.0' to '2.0'"]);
        // A range is kept by what fits, and otherwise filled with the newest that does.
        let range = |text: &str| PackageEnsure::Range(text.split(' ').filter_map(Bound::parse).collect());
        assert_eq!(twice(&mut place, &demo(range(">=1.5 <3")), RunStatus::Unchanged).lines, [""; 0]);
        changed(&mut place, &demo(range("<2.0")));
        assert_eq!(state(), "ii 1.0");
        let none = place.run(&demo(range(">2.0")));
        assert!(
            none.lines[0].contains("no package list of this node offers `countersign-demo` >2.0"),
            "{:?}",
            none.lines
        );
        let held = |mark, ensure| {
            let package = Package { mark: Some(mark), ..Package::of("countersign-demo".into(), ensure) };
            [resource("countersign-demo", Spec::Package(package))]
        };
        let lines = changed(&mut place, &held(Mark::Hold, PackageEnsure::Present));
        assert_eq!(lines, ["notice package[countersign-demo]/mark: mark changed 'none' to 'hold'"]);
        assert_eq!(state(), "hi 1.0");
        // What the catalog says of the version goes before the hold, which stays.
        std::fs::write("/etc/demo.conf", "by hand\n").unwrap();
        let mut two = held(Mark::Hold, PackageEnsure::Version("2.0".into()));
        if let Spec::Package(package) = &mut two[0].spec {
            package.configfiles = Configfiles::Replace;
        }
        changed(&mut place, &two);
        assert_eq!(
            (state(), std::fs::read_to_string("/etc/demo.conf").unwrap()),
            ("hi 2.0".into(), "version 2.0\n".into())
        );
        changed(&mut place, &held(Mark::None, PackageEnsure::Present));
        changed(&mut place, &demo(PackageEnsure::Absent));
        assert_eq!(state(), "rc 2.0");
        changed(&mut place, &demo(PackageEnsure::Purged));
        assert!(!Path::new("/etc/demo.conf").exists());
        let none = place.run(&[
            package("no-such-package", PackageEnsure::Present),
            demo(PackageEnsure::Present)[0].clone(),
        ]);
        assert_eq!((none.applied.counts.failed, none.applied.counts.changed), (1, 1));
        assert!(none.lines[0].contains("Unable to locate package no-such-package"), "{:?}", none.lines);
        // Removed behind our back: drift.
        run("dpkg", &["--purge", "countersign-demo"]);
        assert!(place.run(&demo(PackageEnsure::Present)).applied.corrective_change);
    });
}

fn user(name: &str) -> User {
    User::of(name.into())
}

fn account(user: User) -> Resource {
    resource(&user.name.clone(), Spec::User(user))
}

fn group(name: &str, gid: Option<u32>, absent: bool) -> Resource {
    resource(name, Spec::Group(Group { absent, gid, ..Group::of(name.into()) }))
}

#[test]
fn users_and_groups_by_useradd_and_its_kin() {
    sandboxed(concat!(module_path!(), "::users_and_groups_by_useradd_and_its_kin"), || {
        let mut place = Place::new();
        let app = User {
            uid: Some(4242),
            gid: Some("app".into()),
            groups: Some(vec!["staff".into()]),
            comment: Some("The app".into()),
            home: Some("/home/app".into()),
            shell: Some("/bin/sh".into()),
            managehome: true,
            ..user("app")
        };
        // The group comes first although it is listed last.
        let both = [account(app.clone()), group("app", Some(4243), false)];
        let lines = changed(&mut place, &both);
        assert_eq!(lines, ["notice group[app]/ensure: created", "notice user[app]/ensure: created"]);
        assert_eq!(run("getent", &["passwd", "app"]), "app:x:4242:4243:The app:/home/app:/bin/sh\n");
        assert_eq!(run("id", &["-nG", "app"]), "app staff\n");
        assert!(Path::new("/home/app").is_dir());
        run("usermod", &["-aG", "games", "app"]);
        let kept =
            User { groups: Some(vec!["users".into()]), shell: Some("/bin/false".into()), ..app.clone() };
        let lines = changed(&mut place, &[account(kept.clone())]);
        let expected = [
            "notice user[app]/shell: shell changed '/bin/sh' to '/bin/false'",
            "notice user[app]/groups: groups changed 'games,staff' to 'games,staff,users'",
        ];
        assert_eq!(lines, expected);
        let only = User { membership: Membership::Inclusive, ..kept };
        changed(&mut place, &[account(only)]);
        assert_eq!(run("id", &["-nG", "app"]), "app users\n");
        let unknown = place.run(&[account(User { gid: Some("ghosts".into()), ..user("other") })]);
        assert_eq!(unknown.applied.counts.failed, 1);
        let gone =
            [account(User { absent: true, managehome: true, ..user("app") }), group("app", None, true)];
        twice(&mut place, &gone, RunStatus::Changed);
        assert_eq!(
            (run("getent", &["passwd", "app"]), Path::new("/home/app").exists()),
            (String::new(), false)
        );
        let odd = place.run(&[account(user("-x")), account(user("a:b")), group("a,b", None, false)]);
        assert_eq!(odd.applied.counts.failed, 3);
    });
}

#[test]
fn ages_of_passwords_and_members_of_groups() {
    sandboxed(concat!(module_path!(), "::ages_of_passwords_and_members_of_groups"), || {
        let mut place = Place::new();
        changed(&mut place, &[account(User { uid: Some(4242), ..user("app") })]);
        let aging = User {
            expiry: Some("2031-02-03".into()),
            password_max_age: Some(90),
            password_min_age: Some(1),
            password_warn_days: Some(10),
            ..user("app")
        };
        assert_eq!(changed(&mut place, &[account(aging.clone())]).len(), 4);
        changed(&mut place, &[account(User { name: "other".into(), ..aging.clone() })]);
        for name in ["app", "other"] {
            let shadow = run("getent", &["shadow", name]);
            assert_eq!(
                shadow.trim().split(':').skip(3).collect::<Vec<_>>(),
                ["1", "90", "10", "", "22313", ""]
            );
        }
        let never = User { expiry: Some("absent".into()), ..user("app") };
        let lines = changed(&mut place, &[account(never)]);
        assert_eq!(lines, ["notice user[app]/expiry: expiry changed '2031-02-03' to 'absent'"]);
        let members = |names: &[&str], auth_membership| {
            let members = Some(names.iter().map(|name| (*name).to_owned()).collect());
            [resource("crew", Spec::Group(Group { members, auth_membership, ..Group::of("crew".into()) }))]
        };
        let lines = changed(&mut place, &members(&["app"], false));
        assert_eq!(
            lines,
            ["notice group[crew]/ensure: created", "notice group[crew]/members: members changed '' to 'app'"]
        );
        changed(&mut place, &members(&["other"], false));
        assert_eq!(run("getent", &["group", "crew"]).rsplit(':').next(), Some("app,other\n"));
        changed(&mut place, &members(&["other"], true));
        changed(&mut place, &members(&[], true));
        assert_eq!(run("getent", &["group", "crew"]).rsplit(':').next(), Some("\n"));
        let dupe = User { uid: Some(4242), allowdupe: true, ..user("twin") };
        changed(&mut place, &[account(dupe)]);
    });
}

#[test]
fn hashes_of_passwords_are_set_and_never_told() {
    sandboxed(concat!(module_path!(), "::hashes_of_passwords_are_set_and_never_told"), || {
        let mut place = Place::new();
        let with = |hash: &str| {
            [account(User { password: Some(Content::Text(hash.into())), uid: Some(4242), ..user("app") })]
        };
        let (one, two) = ("$6$saltsalt$FirstHashOfAPassword", "$y$j9T$salt$SecondHashOfAPassword");
        let of_app = || run("getent", &["shadow", "app"]).split(':').nth(1).unwrap().to_owned();
        assert_eq!(changed(&mut place, &with(one)), ["notice user[app]/ensure: created"]);
        assert_eq!(of_app(), one);
        let lines = changed(&mut place, &with(two));
        assert_eq!(lines, ["notice user[app]/password: changed the hash of the password"]);
        assert_eq!(of_app(), two);
        changed(&mut place, &with("!"));
        assert_eq!(of_app(), "!");
        // A secret may hold anything: what is no hash does not become the field of the file, nor of the log.
        let wrong = place.run(&with("hunter2:0:0"));
        assert_eq!((wrong.applied.counts.failed, of_app().as_str()), (1, "!"));
        let told = format!("{:?} {:?}", wrong.lines, wrong.applied.resources);
        assert!(told.contains("hash of a password") && !told.contains("hunter2"), "{told}");
    });
}

/// A root of its own inside the sandbox: the system's programs, other accounts.
const INNER: &str = r#"
set -eu
mkdir -p /inner/usr /inner/etc /inner/dev
mount --bind /usr /inner/usr
for name in bin sbin lib lib64; do ln -s "usr/$name" "/inner/$name"; done
echo root:x:0:0::/root:/bin/sh > /inner/etc/passwd
echo root:x:0: > /inner/etc/group
touch /inner/dev/null
mount --bind /dev/null /inner/dev/null
"#;

#[test]
fn another_root_is_all_that_a_run_can_reach() {
    sandboxed(concat!(module_path!(), "::another_root_is_all_that_a_run_can_reach"), || {
        assert_eq!(run("sh", &["-c", INNER]), "");
        let outside = std::fs::read_to_string("/etc/group").unwrap();
        let mut place = Place::below("/inner");
        let mut exec = Exec::of(Command::Shell("pwd > /made; id -g >> /made; umask >> /made".into()));
        exec.creates = vec!["/made".into()];
        (exec.group, exec.cwd, exec.umask) =
            (Some("app".into()), Some("/usr/share".into()), Some("0027".into()));
        let mut made = resource("made", Spec::Exec(exec));
        made.meta.require = vec!["group[app]".parse().unwrap()];
        changed(&mut place, &[group("app", Some(4243), false), made]);
        assert_eq!(std::fs::read_to_string("/inner/made").unwrap(), "/usr/share\n4243\n0027\n");
        assert!(std::fs::read_to_string("/inner/etc/group").unwrap().contains("app:x:4243:"));
        assert_eq!(
            (std::fs::read_to_string("/etc/group").unwrap(), Path::new("/made").exists()),
            (outside, false)
        );
        let packages = place.run(&[package("countersign-demo", PackageEnsure::Present)]);
        assert!(packages.lines[0].contains("no package manager that we know"), "{:?}", packages.lines);
    });
}
