//! Package managers and init systems that this machine does not have: scripts that keep a state and answer in the
//! recorded form of the real programs, in the sandbox. Tests only.
//!
//! What is shown is what is asked of each program, how its answers are read, and that a second run changes nothing;
//! not what the real program does with it.

use super::sandbox::{changed, sandboxed};
use super::tests::{Outcome, Place, resource};
use crate::model::resource::{
    Bound, Configfiles, Enable, Mark, Package, PackageEnsure, PackageManager, Service, ServiceEnsure,
};
use crate::model::{Resource, Spec};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// A program that writes down how it was called and goes on with `body`.
pub(super) fn program(name: &str, body: &str) {
    std::fs::create_dir_all("/fake").unwrap();
    let path = format!("/usr/local/bin/{name}");
    std::fs::write(&path, format!("#!/bin/sh\necho \"{name} $*\" >> /fake/calls\n{body}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// The calls since the last question, of those that `counts`.
pub(super) fn calls(counts: impl Fn(&str) -> bool) -> Vec<String> {
    let text = std::fs::read_to_string("/fake/calls").unwrap_or_default();
    drop(std::fs::remove_file("/fake/calls"));
    text.lines().filter(|line| counts(line)).map(str::to_owned).collect()
}

fn changes() -> Vec<String> {
    let words = ["install", "-S ", "-R", "-e ", "add", "del", "uninstall", "lock "];
    calls(|line| words.iter().any(|word| line.contains(word)) && !line.contains("list"))
}

fn have() -> String {
    std::fs::read_to_string("/fake/demo").unwrap_or_default().trim().to_owned()
}

fn demo(provider: Option<PackageManager>, ensure: PackageEnsure) -> [Resource; 1] {
    let package = Package { provider, ..Package::of("demo".into(), ensure) };
    [resource("demo", Spec::Package(package))]
}

fn range(text: &str) -> PackageEnsure {
    PackageEnsure::Range(text.split(' ').filter_map(Bound::parse).collect())
}

/// From nothing to the newest, to an older one, to the newest again, into a range and away again; each step is done
/// twice. `versions` are three, ascending, the first two below 2.
fn life(place: &mut Place, provider: Option<PackageManager>, versions: [&str; 3]) -> Vec<String> {
    let [old, middle, new] = versions;
    let mut step = |ensure: PackageEnsure| changed(place, &demo(provider, ensure));
    assert_eq!(step(PackageEnsure::Present), ["notice package[demo]/ensure: created"]);
    assert_eq!(have(), new);
    let down = format!("notice package[demo]/ensure: ensure changed '{new}' to '{old}'");
    assert_eq!(step(PackageEnsure::Version(old.into())), [down]);
    assert_eq!(have(), old);
    let up = format!("notice package[demo]/ensure: ensure changed '{old}' to '{new}'");
    assert_eq!(step(PackageEnsure::Latest), [up]);
    // npm knows no other versions than such of three numbers.
    step(range(if provider == Some(PackageManager::Npm) { ">=1.0.0 <2.0.0" } else { ">=1 <2" }));
    assert_eq!(have(), middle);
    step(PackageEnsure::Absent);
    assert!(!Path::new("/fake/demo").exists());
    changes()
}

fn refused(place: &mut Place, package: Package) -> String {
    let Outcome { applied, lines } = place.run(&[resource("demo", Spec::Package(package))]);
    assert_eq!(applied.counts.failed, 1, "{lines:?}");
    lines[0].clone()
}

const RPM: &str = r#"case "$1" in
--query)
    echo 'warning: Generating 18 missing index(es), please wait...' >&2
    printf 'package\tglibc\tx86_64\t0\t2.34\t83.el9_3.7\n'
    if [ -e /fake/demo ]; then v=$(cat /fake/demo); printf 'package\tdemo\tnoarch\t0\t%s\t%s\n' "${v%-*}" "${v#*-}"; fi ;;
-e) rm /fake/demo ;;
esac"#;

const DNF: &str = r#"case "$*" in
*repoquery*)
    for v in 1.0 1.9 1.9~rc1 2.0; do printf 'package\tdemo\tnoarch\t0\t%s\t1.el9\n' $v; done
    printf 'package\tdemo-libs\tnoarch\t0\t9.0\t1.el9\n' ;;
*versionlock*)
    if [ ! -e /fake/plugin ]; then echo 'No such command: versionlock. Please use /usr/bin/dnf --help' >&2; exit 1; fi
    case "$*" in
    *list) cat /fake/lock ;;
    *"add demo") echo "demo-0:$(cat /fake/demo).*" > /fake/lock ;;
    *"delete demo") : > /fake/lock ;;
    esac ;;
*install*)
    if [ -s /fake/lock ]; then echo 'Error: Unable to find a match: demo' >&2; exit 1; fi
    case "$3" in
    demo) echo 2.0-1.el9 > /fake/demo ;;
    demo-*-*) echo "${3#demo-}" > /fake/demo ;;
    demo-*) echo "${3#demo-}-1.el9" > /fake/demo ;;
    *) echo "Error: Unable to find a match: $3" >&2; exit 1 ;;
    esac ;;
esac"#;

#[test]
fn packages_by_recorded_dnf_and_rpm() {
    sandboxed(concat!(module_path!(), "::packages_by_recorded_dnf_and_rpm"), || {
        program("rpm", RPM);
        program("dnf", DNF);
        std::fs::create_dir_all("/fake").unwrap();
        // The node's own is found by itself where there is no dpkg.
        std::fs::remove_file("/var/lib/dpkg/status").unwrap();
        std::fs::copy("/usr/local/bin/dnf", "/usr/bin/dnf").unwrap();
        let mut place = Place::new();
        let done = life(&mut place, None, ["1.0-1.el9", "1.9-1.el9", "2.0-1.el9"]);
        assert_eq!(
            done,
            [
                "dnf -y install demo",
                "dnf -y install demo-1.0-1.el9",
                "dnf -y install demo-2.0-1.el9",
                "dnf -y install demo-1.9-1.el9",
                "rpm -e --allmatches demo",
            ]
        );
        // A version without a release is any release of it.
        changed(&mut place, &demo(None, PackageEnsure::Version("1.0".into())));
        let plain =
            |ensure| Package { provider: Some(PackageManager::Dnf), ..Package::of("demo".into(), ensure) };
        let held = |mark, ensure| Package { mark: Some(mark), ..plain(ensure) };
        let no_plugin = refused(&mut place, held(Mark::Hold, PackageEnsure::Present));
        assert!(
            no_plugin.contains("`dnf` cannot hold a package in its version without its plugin"),
            "{no_plugin}"
        );
        std::fs::write("/fake/plugin", "").unwrap();
        std::fs::write("/fake/lock", "").unwrap();
        let hold = |package: Package| [resource("demo", Spec::Package(package))];
        changed(&mut place, &hold(held(Mark::Hold, PackageEnsure::Present)));
        changes();
        // What the catalog says of the version goes before the hold, which stays.
        changed(&mut place, &hold(held(Mark::Hold, PackageEnsure::Latest)));
        assert_eq!(
            changes(),
            [
                "dnf -y versionlock delete demo",
                "dnf -y install demo-2.0-1.el9",
                "dnf -y versionlock add demo"
            ]
        );
        let purged = refused(&mut place, plain(PackageEnsure::Purged));
        assert!(purged.contains("`dnf` cannot purge a package"), "{purged}");
        let replace = Package { configfiles: Configfiles::Replace, ..plain(PackageEnsure::Present) };
        assert!(refused(&mut place, replace).contains("cannot be told whose configuration files win"));
        let odd = Package { name: "demo.rpm".into(), ..plain(PackageEnsure::Present) };
        assert!(refused(&mut place, odd).contains("`demo.rpm` is no package name"));
        assert_eq!(changes(), [""; 0]);
    });
}

const ZYPPER: &str = r#"case "$*" in
*search*)
    echo 'S  | Name | Type    | Version | Arch   | Repository'
    echo '---+------+---------+---------+--------+-----------'
    for v in 2.0-1.1 1.9-1.1 1.0-1.1; do echo "v  | demo | package | $v | noarch | Main"; done ;;
*locks) echo; echo 'There are no package locks defined.' ;;
*install*)
    case "$4" in
    demo) echo 2.0-1.1 > /fake/demo ;;
    --oldpackage) echo "${5#demo=}" > /fake/demo; exit 102 ;;
    *) echo "No provider of '$4' found." >&2; exit 104 ;;
    esac ;;
esac"#;

#[test]
fn packages_by_recorded_zypper_and_rpm() {
    sandboxed(concat!(module_path!(), "::packages_by_recorded_zypper_and_rpm"), || {
        program("rpm", RPM);
        program("zypper", ZYPPER);
        let done = life(&mut Place::new(), Some(PackageManager::Zypper), ["1.0-1.1", "1.9-1.1", "2.0-1.1"]);
        let install = "zypper --non-interactive install --auto-agree-with-licenses";
        assert_eq!(
            done,
            [
                format!("{install} demo"),
                format!("{install} --oldpackage demo=1.0-1.1"),
                format!("{install} --oldpackage demo=2.0-1.1"),
                format!("{install} --oldpackage demo=1.9-1.1"),
                "rpm -e --allmatches demo".to_owned(),
            ]
        );
    });
}

const APK: &str = r#"case "$*" in
"info -v")
    echo 'WARNING: opening from cache https://dl-cdn.alpinelinux.org/alpine/v3.18/main: No such file or directory' >&2
    echo musl-1.2.4-r2
    if [ -e /fake/demo ]; then echo "demo-$(cat /fake/demo)"; fi ;;
"policy demo")
    echo 'demo policy:'
    for v in 2.0-r0 1.9-r0 1.0-r0; do
        echo "  $v:"
        if [ "$v" = "$(cat /fake/demo 2>&1)" ]; then echo '    lib/apk/db/installed'; fi
        echo '    https://dl-cdn.alpinelinux.org/alpine/v3.18/main'
    done ;;
"version --test "*)
    if [ "$3" = "$4" ]; then echo =; elif dpkg --compare-versions "$3" lt "$4"; then echo '<'; else echo '>'; fi ;;
"add demo" | "add --upgrade demo") echo 2.0-r0 > /fake/demo ;;
"add demo="*) echo "${2#demo=}" > /fake/demo ;;
del*) rm /fake/demo ;;
update) : ;;
*) echo "ERROR: unable to select packages:" >&2; exit 1 ;;
esac"#;

#[test]
fn packages_by_recorded_apk() {
    sandboxed(concat!(module_path!(), "::packages_by_recorded_apk"), || {
        program("apk", APK);
        let mut place = Place::new();
        let apk = Some(PackageManager::Apk);
        let done = life(&mut place, apk, ["1.0-r0", "1.9-r0", "2.0-r0"]);
        // The newest is not written into apk's list of wishes with its version.
        let expected = [
            "apk add demo",
            "apk add demo=1.0-r0",
            "apk add --upgrade demo",
            "apk add demo=1.9-r0",
            "apk del demo",
        ];
        assert_eq!(done, expected);
        changed(&mut place, &demo(apk, PackageEnsure::Present));
        changed(&mut place, &demo(apk, PackageEnsure::Purged));
        assert_eq!(changes(), ["apk add demo", "apk del --purge demo"]);
        let held = Package {
            provider: apk,
            mark: Some(Mark::Hold),
            ..Package::of("demo".into(), PackageEnsure::Present)
        };
        assert!(refused(&mut place, held).contains("`apk` cannot hold a package in its version"));
    });
}

const PACMAN: &str = r#"case "$*" in
-Q)
    echo 'acl 2.3.2-1'
    if [ -e /fake/demo ]; then echo "demo $(cat /fake/demo)"; fi ;;
"-Si -- demo")
    echo 'Repository      : extra'; echo 'Name            : demo'; echo "Version         : 1:2.0-1" ;;
"-Si "*) echo "error: package '$3' was not found" >&2; exit 1 ;;
"-S "*) echo 1:2.0-1 > /fake/demo ;;
-R*) rm /fake/demo ;;
esac"#;

#[test]
fn packages_by_recorded_pacman() {
    sandboxed(concat!(module_path!(), "::packages_by_recorded_pacman"), || {
        program("pacman", PACMAN);
        program(
            "vercmp",
            r#"if [ "$1" = "$2" ]; then echo 0; elif dpkg --compare-versions "$1" lt "$2"; then echo -1; else echo 1; fi"#,
        );
        let mut place = Place::new();
        let pacman = |ensure| demo(Some(PackageManager::Pacman), ensure);
        changed(&mut place, &pacman(PackageEnsure::Present));
        std::fs::write("/fake/demo", "1:1.0-1").unwrap();
        changed(&mut place, &pacman(PackageEnsure::Latest));
        changed(&mut place, &pacman(PackageEnsure::Absent));
        changed(&mut place, &pacman(PackageEnsure::Version("1:2.0-1".into())));
        changed(&mut place, &pacman(PackageEnsure::Purged));
        let install = "pacman -S --noconfirm -- demo";
        assert_eq!(
            changes(),
            [install, install, "pacman -R --noconfirm -- demo", install, "pacman -Rn --noconfirm -- demo"]
        );
        let of = |name: &str, ensure| Package {
            provider: Some(PackageManager::Pacman),
            ..Package::of(name.into(), ensure)
        };
        let old = refused(&mut place, of("demo", PackageEnsure::Version("1:1.0-1".into())));
        assert!(old.contains("pacman offers one version of `demo` only, and that is 1:2.0-1"), "{old}");
        // A group is no package: nothing of it is installed.
        let group = refused(&mut place, of("base-devel", PackageEnsure::Present));
        assert!(group.contains("no package list of this node offers `base-devel`"), "{group}");
        assert_eq!(changes(), [""; 0]);
    });
}

const PIP: &str = r#"case "$*" in
list*)
    echo 'WARNING: The directory /root/.cache/pip is not writable.' >&2
    if [ -e /fake/demo ]; then echo "[{\"name\": \"Demo\", \"version\": \"$(cat /fake/demo)\"}, {\"name\": \"pip\", \"version\": \"23.0.1\"}]"
    else echo '[{"name": "pip", "version": "23.0.1"}]'; fi ;;
"index versions"*)
    echo 'WARNING: pip index is currently an experimental command.' >&2
    echo 'demo (2.0.0)'; echo 'Available versions: 2.0.0, 1.10, 1.9' ;;
install*"-- demo") echo 2.0.0 > /fake/demo ;;
install*"-- demo=="*) echo "${5#demo==}" > /fake/demo ;;
uninstall*) rm /fake/demo ;;
*) exit 1 ;;
esac"#;

#[test]
fn packages_by_recorded_pip() {
    sandboxed(concat!(module_path!(), "::packages_by_recorded_pip"), || {
        program("pip3", PIP);
        let mut place = Place::new();
        let done = life(&mut place, Some(PackageManager::Pip), ["1.9", "1.10", "2.0.0"]);
        let install = "pip3 install --disable-pip-version-check --no-input --";
        assert_eq!(
            done,
            [
                format!("{install} demo"),
                format!("{install} demo==1.9"),
                format!("{install} demo==2.0.0"),
                format!("{install} demo==1.10"),
                "pip3 uninstall --disable-pip-version-check --no-input --yes -- demo".to_owned(),
            ]
        );
        // The same version in other words, of the same name in other letters.
        std::fs::write("/fake/demo", "2.0.0").unwrap();
        let same = Package {
            provider: Some(PackageManager::Pip),
            ..Package::of("DEMO".into(), PackageEnsure::Version("2.0".into()))
        };
        let unchanged = place.run(&[resource("demo", Spec::Package(same))]);
        assert_eq!(unchanged.lines, [""; 0]);
    });
}

const NPM: &str = r#"case "$*" in
"ls --global --json --depth=0")
    echo 'npm WARN config global is deprecated.' >&2
    printf '{\n  "name": "lib",\n  "dependencies": {\n'
    if [ -e /fake/demo ]; then printf '    "demo": {\n      "version": "%s"\n    },\n' "$(cat /fake/demo)"; fi
    printf '    "npm": {\n      "version": "9.2.0"\n    }\n  }\n}\n'
    echo 'npm ERR! code ELSPROBLEMS' >&2
    exit 1 ;;
"view demo version --json") echo '"2.0.0"' ;;
"view demo versions --json") printf '[\n  "1.0.0",\n  "1.10.0",\n  "1.11.0-rc.1",\n  "2.0.0"\n]\n' ;;
install*"-- demo") echo 2.0.0 > /fake/demo ;;
install*"-- demo@"*) echo "${6#demo@}" > /fake/demo ;;
uninstall*) rm /fake/demo ;;
*) exit 1 ;;
esac"#;

#[test]
fn packages_by_recorded_npm() {
    sandboxed(concat!(module_path!(), "::packages_by_recorded_npm"), || {
        program("npm", NPM);
        let done = life(&mut Place::new(), Some(PackageManager::Npm), ["1.0.0", "1.10.0", "2.0.0"]);
        let install = "npm install --global --no-audit --no-fund --";
        assert_eq!(
            done,
            [
                format!("{install} demo"),
                format!("{install} demo@1.0.0"),
                format!("{install} demo@2.0.0"),
                format!("{install} demo@1.10.0"),
                "npm uninstall --global -- demo".to_owned(),
            ]
        );
    });
}

const GEM: &str = r#"case "$*" in
"list --local")
    printf '\n*** LOCAL GEMS ***\n\nbundler (default: 2.3.7)\n'
    if [ -e /fake/demo ]; then echo "demo ($(sort -rV /fake/demo | tr '\n' ' ' | sed 's/ $//; s/ /, /g'))"; fi ;;
"list --remote"*) printf '\n*** REMOTE GEMS ***\n\ndemo (2.0.0 ruby java, 1.10.0 ruby, 1.9)\n' ;;
"install --remote --no-document demo") echo 2.0.0 >> /fake/demo ;;
"install --remote --no-document --version "*" demo") echo "$5" >> /fake/demo ;;
uninstall*) rm /fake/demo ;;
*) exit 1 ;;
esac"#;

#[test]
fn packages_by_recorded_gem() {
    sandboxed(concat!(module_path!(), "::packages_by_recorded_gem"), || {
        program("gem", GEM);
        let mut place = Place::new();
        let gem = |ensure| demo(Some(PackageManager::Gem), ensure);
        changed(&mut place, &gem(range("<2")));
        assert_eq!(have(), "1.10.0");
        changed(&mut place, &gem(PackageEnsure::Latest));
        // Versions stand beside each other, and each that is there is there.
        for ensure in [range("<2"), PackageEnsure::Version("1.10".into()), PackageEnsure::Version("2".into())]
        {
            assert_eq!(place.run(&gem(ensure)).lines, [""; 0]);
        }
        changed(&mut place, &gem(PackageEnsure::Absent));
        assert_eq!(
            changes(),
            [
                "gem install --remote --no-document --version 1.10.0 demo",
                "gem install --remote --no-document --version 2.0.0 demo",
                "gem uninstall --all --executables demo",
            ]
        );
    });
}

const SNAP: &str = r#"case "$*" in
"list "*)
    printf 'Name    Version  Rev   Tracking       Publisher    Notes\ncore22  1        1122  latest/stable  canonical**  base\n'
    if [ -e /fake/demo ]; then printf 'demo    1.1      %s    latest/stable  example      %s\n' "$(cat /fake/demo)" "$(cat /fake/notes)"; fi ;;
"info "*" demo")
    printf 'name:      demo\nsummary:   A demo\ntracking:     latest/stable\nchannels:\n'
    printf '  latest/stable:    1.2 2024-01-02 (51) 1MB -\n  latest/candidate: ^\n  latest/beta:      ^\n  latest/edge:      2.0 2024-02-02 (60) 1MB -\n' ;;
"info "*) echo "error: no snap found for \"$4\"" >&2; exit 1 ;;
*--hold*) echo held > /fake/notes ;;
*--unhold*) echo - > /fake/notes ;;
install*--revision=*|refresh*--revision=*) r=${2#--revision=}; echo "$r" > /fake/demo ;;
install*--edge*|refresh*--edge*) echo 60 > /fake/demo ;;
"install demo"|"refresh demo") echo 51 > /fake/demo ;;
remove*) rm /fake/demo ;;
*) exit 1 ;;
esac"#;

#[test]
fn packages_by_recorded_snap() {
    sandboxed(concat!(module_path!(), "::packages_by_recorded_snap"), || {
        program("snap", SNAP);
        std::fs::write("/fake/notes", "-").unwrap();
        let mut place = Place::new();
        let snap = |ensure| demo(Some(PackageManager::Snap), ensure);
        let with = |set: fn(&mut Package)| {
            let mut wish = snap(PackageEnsure::Latest);
            if let Spec::Package(package) = &mut wish[0].spec {
                set(package);
            }
            wish
        };
        changed(&mut place, &snap(PackageEnsure::Present));
        changed(&mut place, &snap(PackageEnsure::Version("50".into())));
        assert_eq!(have(), "50");
        let lines = changed(&mut place, &snap(PackageEnsure::Latest));
        assert_eq!(lines, ["notice package[demo]/ensure: ensure changed '50' to '51'"]);
        assert_eq!(place.run(&snap(range(">=51 <60"))).lines, [""; 0]);
        let none = place.run(&snap(range(">51"))).lines;
        assert!(none[0].contains("no package list of this node offers `demo` >51"), "{none:?}");
        changed(&mut place, &with(|package| package.mark = Some(Mark::Hold)));
        changed(&mut place, &with(|package| package.install_options = vec!["--edge".into()]));
        assert_eq!(have(), "60");
        changed(&mut place, &with(|package| package.mark = Some(Mark::None)));
        changed(&mut place, &snap(PackageEnsure::Purged));
        let unknown = Package {
            provider: Some(PackageManager::Snap),
            ..Package::of("unknown".into(), PackageEnsure::Latest)
        };
        assert!(refused(&mut place, unknown).contains("no package list of this node offers `unknown`"));
        assert_eq!(
            calls(|line| !line.contains("snap list") && !line.contains("snap info")),
            [
                "snap install demo",
                "snap refresh --revision=50 demo",
                "snap refresh demo",
                "snap refresh --hold demo",
                "snap refresh --edge demo",
                "snap refresh --hold demo",
                "snap refresh --unhold demo",
                "snap remove --purge demo",
            ]
        );
    });
}

fn service(ensure: ServiceEnsure, enable: Enable) -> [Resource; 1] {
    let service = Service { name: "demo".into(), ensure: Some(ensure), enable: Some(enable), provider: None };
    [resource("demo", Spec::Service(service))]
}

#[test]
fn services_by_recorded_openrc() {
    sandboxed(concat!(module_path!(), "::services_by_recorded_openrc"), || {
        program(
            "rc-service",
            r#"case "$2" in
status) if [ -e /fake/up ]; then echo ' * status: started'; else echo ' * status: stopped'; exit 3; fi ;;
start | restart) : > /fake/up ;;
stop) rm -f /fake/up ;;
esac"#,
        );
        program(
            "rc-update",
            r#"case "$*" in
"add demo default") ln -s /etc/init.d/demo /etc/runlevels/default/demo ;;
"--all del demo") rm /etc/runlevels/*/demo ;;
esac"#,
        );
        std::fs::create_dir_all("/etc/runlevels/default").unwrap();
        std::fs::create_dir_all("/etc/runlevels/boot").unwrap();
        std::fs::create_dir_all("/run/openrc").unwrap();
        std::fs::write("/run/openrc/softlevel", "default\n").unwrap();
        std::fs::write("/etc/init.d/demo", "#!/sbin/openrc-run\n").unwrap();
        let mut place = Place::new();
        changed(&mut place, &service(ServiceEnsure::Running, Enable::Yes));
        changed(&mut place, &service(ServiceEnsure::Stopped, Enable::No));
        let done = calls(|line| !line.ends_with("status"));
        assert_eq!(
            done,
            [
                "rc-update add demo default",
                "rc-service demo start",
                "rc-service demo stop",
                "rc-update --all del demo"
            ]
        );
        let mask = place.run(&service(ServiceEnsure::Stopped, Enable::Mask));
        assert!(mask.lines[0].contains("no way to mask a service with OpenRC"), "{:?}", mask.lines);
    });
}

#[test]
fn services_by_recorded_runit() {
    sandboxed(concat!(module_path!(), "::services_by_recorded_runit"), || {
        program(
            "sv",
            r#"case "$1" in
status) if [ -e /fake/up ]; then echo 'run: demo: (pid 712) 11s'; else echo 'down: demo: 3s, normally up'; fi ;;
start) if [ -e /fake/seen ]; then : > /fake/up; else : > /fake/seen; : > /fake/up; echo 'warning: demo: unable to open supervise/ok: file does not exist'; exit 1; fi ;;
stop) rm -f /fake/up ;;
esac"#,
        );
        for folder in ["/run/runit", "/var/service", "/etc/sv/demo"] {
            std::fs::create_dir_all(folder).unwrap();
        }
        let mut place = Place::new();
        let unlinked = place.run(&service(ServiceEnsure::Running, Enable::No));
        assert!(
            unlinked.lines[0].contains("runit starts `demo` only where it is enabled"),
            "{:?}",
            unlinked.lines
        );
        changed(&mut place, &service(ServiceEnsure::Running, Enable::Yes));
        assert_eq!(std::fs::read_link("/var/service/demo").unwrap(), Path::new("/etc/sv/demo"));
        changed(&mut place, &service(ServiceEnsure::Stopped, Enable::Yes));
        changed(&mut place, &service(ServiceEnsure::Running, Enable::Yes));
        assert_eq!(
            calls(|line| !line.contains("status")),
            ["sv start demo", "sv stop demo", "sv start demo"]
        );
        let stopped = changed(&mut place, &service(ServiceEnsure::Stopped, Enable::No));
        assert_eq!(stopped.len(), 2);
        assert!(!Path::new("/var/service/demo").exists());
    });
}
