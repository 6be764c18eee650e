//! A mount namespace of the test's own: memory, Puppet as `scripts/unpack-puppet` brought it, and as many overlays of this
//! machine's root as machines are needed.

use crate::support::{clean, ok, repository};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Set inside, to the memory.
const INSIDE: &str = "COUNTERSIGN_PUPPET_SANDBOX";

/// `$0` is an empty directory, `$1` the unpacked Puppet, `$2` the test program, `$3` the test.
const ENTER: &str = r#"
set -eu
mount --make-rprivate /
mount -t tmpfs -o mode=0755 tmpfs "$0"
mkdir "$0/puppet"
cp -a "$1/." "$0/puppet"
mount -t proc proc /proc
"$2" --exact "$3" --nocapture --test-threads=1 || exit 1
exit 0
"#;

/// How a machine begins: `$0` is its directory, `$1` the unpacked Puppet.
const MACHINE: &str = r#"
set -eu
mkdir "$0/upper" "$0/work" "$0/root"
mount -t overlay -o "lowerdir=$1:/,upperdir=$0/upper,workdir=$0/work" overlay "$0/root"
mount -t proc proc "$0/root/proc"
mount --rbind /sys "$0/root/sys"
mount --rbind /dev "$0/root/dev"
for folder in tmp run var/cache/puppet var/lib/puppet var/lib/countersign; do
    mkdir -p "$0/root/$folder"
    mount -t tmpfs -o mode=0755 tmpfs "$0/root/$folder"
done
chmod 1777 "$0/root/tmp"
mkdir "$0/root/srv/case"
"#;

/// Runs `body` in a namespace of its own, or says why that cannot be. `test` is its whole path.
pub(super) fn within(test: &str, body: fn()) {
    if std::env::var_os(INSIDE).is_some() {
        return body();
    }
    if let Some(why) = missing() {
        // The harness keeps what `eprintln` says of a test that passes to itself.
        std::io::stderr().write_all(format!("SKIPPED {test}: {why}\n").as_bytes()).unwrap();
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let mut command = clean("unshare");
    command.args([
        "--mount",
        "--pid",
        "--fork",
        "--kill-child",
        "--net",
        "--uts",
        "--",
        "/bin/sh",
        "-c",
        ENTER,
    ]);
    command.arg(place.path()).arg(unpacked()).arg(std::env::current_exe().unwrap());
    let output = command.arg(test.split_once("::").unwrap().1).env(INSIDE, place.path()).output().unwrap();
    let text = [output.stdout, output.stderr].map(|t| String::from_utf8_lossy(&t).into_owned()).concat();
    assert!(output.status.success(), "{text}");
    assert!(text.contains("1 passed"), "the test did not run in its namespace:\n{text}");
}

fn unpacked() -> PathBuf {
    repository().join("target/puppet")
}

/// Why the test cannot run here, if it cannot.
fn missing() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("it mounts overlays of the machine's root and needs root".to_owned());
    }
    if !unpacked().join("usr/bin/puppet").exists() {
        return Some("no Puppet in `target/puppet`; `scripts/unpack-puppet` brings one".to_owned());
    }
    // What a sandbox needs and a container may not allow.
    let script = "d=$(mktemp -d) && trap 'umount \"$d\"; rmdir \"$d\"' EXIT && mount --make-rprivate / && \
        mount -t tmpfs tmpfs \"$d\" && mkdir \"$d/u\" \"$d/w\" \"$d/r\" && \
        mount -t overlay -o \"lowerdir=/,upperdir=$d/u,workdir=$d/w\" overlay \"$d/r\" && umount \"$d/r\"";
    let mut command = clean("unshare");
    command.args(["--mount", "--pid", "--fork", "--net", "--uts", "--", "/bin/sh", "-c", script]);
    match command.output() {
        Ok(output) if output.status.success() => None,
        Ok(output) => {
            Some(format!("no overlay can be had: {}", String::from_utf8_lossy(&output.stderr).trim()))
        }
        Err(error) => Some(format!("there is no `unshare`: {error}")),
    }
}

/// Makes another machine; returns its directory, in which `root` is its root and `upper` what is changed of it.
pub(super) fn machine(name: &str) -> PathBuf {
    let memory = PathBuf::from(std::env::var_os(INSIDE).unwrap());
    let folder = memory.join(name);
    std::fs::create_dir(&folder).unwrap();
    ok(clean("/bin/sh").args(["-c", MACHINE]).arg(&folder).arg(memory.join("puppet")));
    folder
}

/// A program that sees `root` as the root directory.
pub(super) fn chroot(root: &Path, program: &str) -> Command {
    let mut command = clean("chroot");
    command
        .arg(root)
        .arg(program)
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", "/root")
        .env_remove("TMPDIR");
    command
}
