//! A push through a real SSH server: a private one on the loopback, with its own keys and accounts.

use super::{MOTD, SITE, Stage};
use crate::support::{clean, ok, repository};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What root's server runs in: nothing outside of its own mounts sees the folder and the accounts that sshd wants.
const ENTER: &str = "[ -d /run/sshd ] || { mount -t tmpfs none /run && mkdir -m 0755 /run/sshd; } || exit 1
mount --bind \"$1/passwd\" /etc/passwd && mount --bind \"$1/shadow\" /etc/shadow || exit 1
shift; exec \"$@\"";

/// A running SSH server that lets in whoever has the key `ssh-key` of its folder.
struct Sshd {
    folder: PathBuf,
    process: Child,
    port: u16,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Sshd {
    /// A server that lets nobody do anything but `countersign server git`.
    fn start(folder: PathBuf, server: &Path) -> Self {
        std::fs::create_dir(&folder).unwrap();
        for key in ["host-key", "ssh-key"] {
            let mut keygen = clean("ssh-keygen");
            ok(keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", key, "-f"]).arg(folder.join(key)));
        }
        let key = std::fs::read_to_string(folder.join("ssh-key.pub")).unwrap();
        let forced = format!("{} server git {}", env!("CARGO_BIN_EXE_countersign"), server.display());
        let line = format!("restrict,command=\"{forced}\" {key}");
        std::fs::write(folder.join("authorized_keys"), line).unwrap();
        let home = folder.display();
        let accounts = format!("root:*:0:0::{home}:/bin/sh\nsshd:*:101:65534::/:/bin/false\n");
        std::fs::write(folder.join("passwd"), accounts).unwrap();
        std::fs::write(folder.join("shadow"), "root:*:1::::::\nsshd:*:1::::::\n").unwrap();
        std::fs::write(folder.join("config"), config(&folder)).unwrap();
        let (process, port) = (0..9).find_map(|_| listen(&folder)).unwrap_or_else(|| {
            panic!("sshd does not start:\n{}", std::fs::read_to_string(folder.join("log")).unwrap())
        });
        let host = std::fs::read_to_string(folder.join("host-key.pub")).unwrap();
        std::fs::write(folder.join("known_hosts"), format!("[127.0.0.1]:{port} {host}")).unwrap();
        Self { folder, process, port }
    }

    /// How git gets to a repository here.
    fn address(&self, repository: &Path) -> String {
        let user = ok(clean("id").arg("-un"));
        format!("ssh://{}@127.0.0.1:{}{}", user.trim(), self.port, repository.display())
    }

    /// The client, with nothing of whoever runs the tests.
    fn client(&self) -> String {
        let folder = self.folder.display();
        format!(
            "ssh -F none -i '{folder}/ssh-key' -o IdentitiesOnly=yes -o BatchMode=yes \
             -o StrictHostKeyChecking=yes -o GlobalKnownHostsFile=none \
             -o UserKnownHostsFile='{folder}/known_hosts'"
        )
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap()
    }
}

/// Starts the server on a port that was free a moment ago; `None` when somebody else took it.
fn listen(folder: &Path) -> Option<(Child, u16)> {
    let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let log = std::fs::File::create(folder.join("log")).unwrap();
    let mut process = server(folder)
        .args(["-D", "-e", "-p", &port.to_string(), "-f"])
        .arg(folder.join("config"))
        .arg("-h")
        .arg(folder.join("host-key"))
        .stdin(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while process.try_wait().unwrap().is_none() {
        if std::fs::read_to_string(folder.join("log")).unwrap().contains("Server listening on") {
            return Some((process, port));
        }
        assert!(Instant::now() < until, "sshd neither listens nor ends");
        std::thread::sleep(Duration::from_millis(20));
    }
    None
}

/// The server's program; root's in mounts of its own.
fn server(folder: &Path) -> Command {
    let sshd = sshd();
    let mut command = if ok(clean("id").arg("-u")).trim() == "0" {
        let mut command = clean("unshare");
        command.args(["--mount", "--", "/bin/sh", "-c", ENTER, "enter"]).arg(folder).arg(sshd);
        command
    } else {
        clean(sshd.to_str().unwrap())
    };
    // The libraries that were unpacked beside it, if it was.
    let folders = ["lib", "usr/lib"].map(|folder| unpacked().join(folder));
    let folders = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten();
    let folders = folders.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    command.env("LD_LIBRARY_PATH", std::env::join_paths(folders).unwrap());
    command
}

fn unpacked() -> PathBuf {
    repository().join("target/sshd")
}

fn sshd() -> PathBuf {
    let places = ["/usr/sbin/sshd".into(), unpacked().join("usr/sbin/sshd")];
    let found = places.into_iter().find(|place| place.exists());
    found.unwrap_or_else(|| {
        panic!(
            "no sshd in `/usr/sbin` or `target/sshd`; `scripts/unpack-sshd` brings one without installing it"
        )
    })
}

fn config(folder: &Path) -> String {
    let mut config = format!(
        "ListenAddress 127.0.0.1\nAuthorizedKeysFile {}/authorized_keys\nStrictModes no\nUsePAM no\n\
         PidFile none\nPermitRootLogin prohibit-password\nAuthenticationMethods publickey\nPermitUserRC no\n\
         LogLevel VERBOSE\nSetEnv GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null\n",
        folder.display()
    );
    // Since version 9.8 the server is several programs, which know only where they would be installed.
    for (option, program) in [("SshdSessionPath", "sshd-session"), ("SshdAuthPath", "sshd-auth")] {
        let path = unpacked().join("usr/lib/openssh").join(program);
        if sshd().starts_with(unpacked()) && path.exists() {
            config.push_str(&format!("{option} {}\n", path.display()));
        }
    }
    config
}

/// Every file of the server, with its content.
fn snapshot(stage: &Stage) -> Vec<(PathBuf, Vec<u8>)> {
    let listed = ok(clean("find").arg(stage.path("server")).args(["-type", "f"]));
    let mut paths: Vec<PathBuf> = listed.lines().map(PathBuf::from).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

#[test]
fn a_push_through_sshd_is_judged_as_any_other() {
    let stage = Stage::new();
    let sshd = Sshd::start(stage.path("sshd"), &stage.path("server"));
    let [frank, alice, bob] = ["frank", "alice", "bob"].map(|name| {
        let person = stage.clone_of(name);
        ok(&mut person.git(&["remote", "set-url", "origin", &sshd.address(&stage.site())]));
        ok(&mut person.git(&["config", "core.sshCommand", &sshd.client()]));
        person
    });
    frank.commit(SITE, "Say hello");
    let before = snapshot(&stage);
    let said = frank.push_refused("refs/for/production", &["--no-signed"]);
    assert!(said.contains("not signed") && said.contains("countersign setup"), "{said}");
    assert!(snapshot(&stage) == before, "an unsigned push left something on the server");

    let said = frank.propose(&[], "Say hello");
    assert!(said.contains("change 1, patchset 1 for production: Say hello"), "{said}");
    let evil = format!("{MOTD}\n[exec.cleanup]\ncommand = [\"/bin/rm\", \"-rf\", \"/\"]\n");
    frank.commit(&[("modules/motd/module.toml", &evil)], "Clean up");
    let said = frank.push_refused("refs/for/production", &[]);
    assert!(said.contains("modules/motd/module.toml:") && said.contains("exec[cleanup]"), "{said}");

    let said = alice.ok(&["approve", "1", "--yes"]);
    assert!(said.contains("it still lacks 1 of role `release`"), "{said}");
    let said = bob.ok(&["approve", "1", "--yes"]);
    assert!(said.contains("change 1 is release 1 of production"), "{said}");
    assert!(stage.refs().contains("refs/releases/production/1 "), "{}", stage.refs());
    // A shell is not to be had.
    let user = ok(clean("id").arg("-un"));
    let port = sshd.port.to_string();
    let shell = format!("exec {} -p {port} {}@127.0.0.1 id", sshd.client(), user.trim());
    let output = clean("sh").arg("-c").arg(shell).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("`id` is not served here"), "{said}");
    // Nothing of all this went past the server.
    assert!(sshd.log().matches("Accepted publickey for").count() >= 5, "{}", sshd.log());
}
