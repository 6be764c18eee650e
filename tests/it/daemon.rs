//! The agent that stays, as its administrator handles it: by signals, by its settings, and by saying "not now".

use crate::agent::{NODE, Server, wait};
use crate::support::{countersign as program, ok};
use nix::sys::fanotify::{EventFFlags, Fanotify, InitFlags};
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::process::{Child, Stdio};
use std::time::Duration;

/// A daemon that runs only when it is asked to.
struct Daemon<'a> {
    server: &'a Server,
    process: Child,
}

impl<'a> Daemon<'a> {
    fn start(server: &'a Server) -> Self {
        Self::with(server, "interval = \"30d\"\nsplay = false\n")
    }

    fn with(server: &'a Server, settings: &str) -> Self {
        fs::write(server.at("agent.toml"), settings).unwrap();
        let log = fs::File::create(server.at("log")).unwrap();
        let process = server
            .agent(NODE, "daemon")
            .arg("--verbose")
            .arg("--config")
            .arg(server.at("agent.toml"))
            .arg("--root")
            .arg(server.root_of(NODE))
            .stdout(log.try_clone().unwrap())
            .stderr(Stdio::from(log))
            .spawn()
            .unwrap();
        let daemon = Self { server, process };
        daemon.hears("The first run comes in");
        daemon
    }

    fn hears(&self, text: &str) {
        wait(text, || fs::read_to_string(self.server.at("log")).unwrap().contains(text));
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    fn nodes(&self) -> String {
        ok(program().args(["node", "list", "--server"]).arg(self.server.at("server")))
    }
}

impl Drop for Daemon<'_> {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[test]
fn a_run_that_dies_takes_nobody_with_it() {
    let mut server = Server::start();
    server.publish("one", &["alice", "bob"]);
    server.node(NODE);
    let mut daemon = Daemon::start(&server);
    // As long as somebody else holds the lock, the run waits for it in its own process.
    let lock = fs::File::create(server.at(&format!("agent-{NODE}")).join("run.lock")).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    daemon.signal(Signal::USR1);
    let run = || fs::read_to_string(format!("/proc/{0}/task/{0}/children", daemon.process.id())).unwrap();
    wait("the process of the run", || !run().trim().is_empty());
    kill_process(Pid::from_raw(run().trim().parse().unwrap()).unwrap(), Signal::KILL).unwrap();
    daemon.hears("the process of the run: it ended before the run did (signal: 9");
    drop(lock);
    daemon.signal(Signal::USR1);
    wait("the next run", || server.motd(NODE).as_deref() == Some("one"));
    daemon.signal(Signal::TERM);
    assert!(daemon.process.wait().unwrap().success());
}

#[test]
fn signals_make_the_daemon_run_read_its_settings_and_end() {
    let mut server = Server::start();
    server.publish("one", &["alice", "bob"]);
    server.node(NODE);
    let mut daemon = Daemon::start(&server);
    assert_eq!(server.motd(NODE), None);
    daemon.signal(Signal::USR1);
    wait("the run", || server.motd(NODE).as_deref() == Some("one"));
    fs::write(server.at("agent.toml"), "intervall = \"1h\"\n").unwrap();
    daemon.signal(Signal::HUP);
    daemon.hears("The configuration stays as it was");
    fs::write(server.at("agent.toml"), "interval = \"1h\"\nnoop = true\n").unwrap();
    daemon.signal(Signal::HUP);
    daemon.hears("The configuration was read again");
    fs::write(server.root_of(NODE).join("motd"), "defaced").unwrap();
    daemon.signal(Signal::USR1);
    daemon.hears("(noop)");
    assert_eq!(server.motd(NODE).as_deref(), Some("defaced"));
    daemon.signal(Signal::TERM);
    assert!(daemon.process.wait().unwrap().success());
}

#[test]
fn a_disabled_node_says_in_the_list_who_disabled_it_why_and_until_when() {
    let mut server = Server::start();
    server.publish("one", &["alice", "bob"]);
    server.node(NODE);
    let disable = |reason: &str, owner: &str| {
        let mut command = server.agent(NODE, "disable");
        ok(command.args([reason, "--owner", owner, "--for", "2h"]))
    };
    assert!(disable("disk \u{1b}[2Jswap", "dora").contains("disabled by dora"));
    assert!(disable("other", "emil").contains("it was disabled already, and stays so: by dora"));
    {
        let daemon = Daemon::start(&server);
        daemon.signal(Signal::USR1);
        wait("the report", || daemon.nodes().contains("disabled by dora since"));
        let list = daemon.nodes();
        assert!(list.contains("(Reason: 'disk \\u{1b}[2Jswap'), until 20"), "{list}");
    }
    assert_eq!(server.motd(NODE), None);
    // A restart of the daemon does not enable it.
    let daemon = Daemon::start(&server);
    let status = ok(&mut server.agent(NODE, "status"));
    assert!(status.starts_with("Currently disabled;") && status.contains("by dora"), "{status}");
    ok(&mut server.agent(NODE, "enable"));
    daemon.signal(Signal::USR1);
    wait("the run", || server.motd(NODE).as_deref() == Some("one"));
    wait("the report", || !daemon.nodes().contains("disabled"));
}

#[test]
fn what_something_else_changes_is_put_back_at_once_but_not_for_ever() {
    let mut server = Server::start();
    server.publish("one", &["alice", "bob"]);
    server.node(NODE);
    let daemon = Daemon::with(&server, "interval = \"30d\"\nsplay = false\nwatch = true\n");
    let motd = server.root_of(NODE).join("motd");
    daemon.signal(Signal::USR1);
    wait("the run", || server.motd(NODE).as_deref() == Some("one"));
    daemon.hears("Watched folders: 1");
    // Nobody is asked for it: the server is away.
    kill_process(Pid::from_child(&server.process), Signal::KILL).unwrap();
    for text in ["defaced", "again"] {
        fs::write(&motd, text).unwrap();
        wait("the repair", || server.motd(NODE).as_deref() == Some("one"));
    }
    // Who did it is asked of the kernel, where that tells.
    if Fanotify::init(InitFlags::FAN_CLASS_NOTIF, EventFFlags::O_RDONLY).is_ok() {
        daemon.hears("/motd was written by `it-");
    }
    fs::remove_file(&motd).unwrap();
    wait("the repair", || server.motd(NODE).as_deref() == Some("one"));
    daemon.hears("(corrective)");
    fs::write(&motd, "a fourth time").unwrap();
    daemon.hears("was put back 4 times in");
    let status = ok(&mut server.agent(NODE, "status"));
    assert!(status.contains("file[/motd]"), "{status}");
    // What the repairs wrote themselves made no more of them.
    wait("the repair", || server.motd(NODE).as_deref() == Some("one"));
    let log = fs::read_to_string(server.at("log")).unwrap();
    assert!((5..8).contains(&log.matches("Applied catalog").count()), "{log}");
    // Whoever disables the agent is not fought.
    ok(server.agent(NODE, "disable").arg("my turn"));
    fs::write(&motd, "mine").unwrap();
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(server.motd(NODE).as_deref(), Some("mine"));
}
