//! What the node says of itself: the facts of `model::fact::KNOWN`, read below the root.
//!
//! A fact that cannot be read is left out, and a catalog that needs it fails there. Nothing here is believed by
//! anybody but this node.

use super::host::{EntryKind, Host};
use crate::model::{FactPath, Facts};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;

/// Bytes of a file that is read for facts, at most.
const LIMIT: u64 = 1 << 20;

/// Gathers the facts of a node.
#[must_use]
pub fn gather(host: &Host) -> Facts {
    let mut facts = Facts::default();
    let mut set = |path: &str, value: Option<Value>| {
        if let (Ok(path), Some(value)) = (path.parse::<FactPath>(), value) {
            facts.set(&path, value);
        }
    };
    let release = os_release(&text(host, "/etc/os-release").unwrap_or_default());
    let os = |key: &str| release.get(key).cloned().map(Value::String);
    set("os.family", family(&release).map(Value::String));
    set("os.name", os("ID"));
    set("os.release", os("VERSION_ID"));
    set("os.codename", os("VERSION_CODENAME"));
    let system = rustix::system::uname();
    let word = |name: &std::ffi::CStr| Some(Value::String(name.to_string_lossy().into_owned()));
    set("kernel.name", word(system.sysname()));
    set("kernel.release", word(system.release()));
    set("architecture", word(system.machine()));
    let name = hostname(host).unwrap_or_else(|| system.nodename().to_string_lossy().into_owned());
    set("hostname", name.split('.').next().map(|short| Value::String(short.to_owned())));
    set("fqdn", Some(Value::String(fqdn(host, &name))));
    // Not what a control group lets the agent use: that says nothing of anybody else.
    let processors = rustix::thread::sched_getaffinity(None).ok().map(|set| set.count());
    set("processors", processors.map(Value::from));
    // By this file, not by a call: a container may have one of its own.
    set("memory_mib", beginning("/proc/meminfo").as_deref().and_then(memory_mib).map(Value::from));
    set("virtual", beginning("/proc/cpuinfo").map(|cpu| Value::Bool(is_virtual(&cpu))));
    let systemd = host.stat("/run/systemd/system").ok().flatten();
    let systemd = systemd.is_some_and(|stat| stat.kind == EntryKind::Directory);
    set("init", Some(Value::String(if systemd { "systemd" } else { "sysv" }.into())));
    facts
}

fn text(host: &Host, path: &str) -> Option<String> {
    host.read_text(path, LIMIT).ok().flatten()
}

/// `KEY=value` lines, quotes taken off.
fn os_release(text: &str) -> BTreeMap<String, String> {
    let pairs = text.lines().filter_map(|line| line.trim().split_once('='));
    pairs.map(|(key, value)| (key.to_owned(), value.trim_matches(['"', '\'']).to_owned())).collect()
}

fn family(release: &BTreeMap<String, String>) -> Option<String> {
    let id = release.get("ID")?;
    let like = release.get("ID_LIKE").map_or("", String::as_str);
    let kin: Vec<&str> = std::iter::once(id.as_str()).chain(like.split_whitespace()).collect();
    let families = [
        ("debian", "debian"),
        ("ubuntu", "debian"),
        ("rhel", "redhat"),
        ("fedora", "redhat"),
        ("centos", "redhat"),
        ("suse", "suse"),
        ("opensuse", "suse"),
        ("alpine", "alpine"),
        ("arch", "arch"),
    ];
    let known = families.iter().find(|(name, _)| kin.contains(name));
    Some(known.map_or_else(|| id.clone(), |(_, family)| (*family).to_owned()))
}

/// The name in the root's own file where the root is not the machine's.
fn hostname(host: &Host) -> Option<String> {
    if host.is_machine() {
        return None;
    }
    let name = text(host, "/etc/hostname")?.trim().to_owned();
    (!name.is_empty()).then_some(name)
}

/// The longest name for this host in the root's own list of hosts; its short name where it has none.
fn fqdn(host: &Host, name: &str) -> String {
    if name.contains('.') {
        return name.to_owned();
    }
    let hosts = text(host, "/etc/hosts").unwrap_or_default();
    let lines = hosts.lines().map(|line| line.split('#').next().unwrap_or_default());
    let whole = lines
        .filter_map(|line| {
            let names: Vec<&str> = line.split_whitespace().skip(1).collect();
            names.contains(&name).then(|| names.into_iter().find(|n| n.starts_with(&format!("{name}."))))?
        })
        .next();
    whole.unwrap_or(name).to_owned()
}

/// The beginning of a file of the kernel. To tell of all processors takes it milliseconds where there are many.
fn beginning(path: &str) -> Option<String> {
    let mut text = [0; 4 << 10];
    let read = File::open(path).ok()?.read(&mut text).ok()?;
    Some(String::from_utf8_lossy(&text[..read]).into_owned())
}

fn memory_mib(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? / 1024)
}

fn is_virtual(cpuinfo: &str) -> bool {
    let flags = cpuinfo.lines().find(|line| line.starts_with("flags") || line.starts_with("Features"));
    flags.is_some_and(|line| line.split_whitespace().any(|flag| flag == "hypervisor"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fact::KNOWN;
    use std::path::Path;

    #[test]
    fn every_known_fact_of_this_machine_has_its_shape() {
        let facts = gather(&Host::open(Path::new("/")).unwrap());
        for (path, ..) in KNOWN {
            assert!(facts.text(&path.parse().unwrap()).is_ok(), "{path}: {:?}", facts.get(path));
        }
    }

    #[test]
    fn the_root_speaks_for_itself() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("etc")).unwrap();
        let write = |name: &str, text: &str| std::fs::write(dir.path().join("etc").join(name), text).unwrap();
        write("os-release", "ID=rocky\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.3\"\n");
        write("hostname", "web1\n");
        write("hosts", "127.0.0.1 localhost\n10.0.0.1 web1.example web1 # us\n");
        let facts = gather(&Host::open(dir.path()).unwrap());
        let text = |path: &str| facts.text(&path.parse().unwrap());
        assert_eq!(text("os.family").as_deref(), Ok("redhat"));
        assert_eq!(text("os.release").as_deref(), Ok("9.3"));
        assert_eq!((text("hostname").as_deref(), text("fqdn").as_deref()), (Ok("web1"), Ok("web1.example")));
        assert_eq!(text("init").as_deref(), Ok("sysv"));
        assert!(text("os.codename").is_err());
    }

    #[test]
    fn what_proc_says_is_understood() {
        assert_eq!(memory_mib("MemTotal:       24683656 kB\nMemFree: 1 kB\n"), Some(24_105));
        assert!(is_virtual("flags\t\t: fpu hypervisor sse\n") && !is_virtual("flags\t\t: fpu sse\n"));
    }
}
