//! What was changed of a machine.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// What each of the programs keeps for itself, and what has the time in every line.
const OWN: [&str; 9] = [
    "/etc/puppet",
    "/usr/local/bin/countersign",
    "/var/cache/puppet",
    "/var/lib/countersign",
    "/var/lib/puppet",
    "/var/log/apt",
    "/var/log/dpkg.log",
    "/var/log/puppet",
    "/run",
];

/// What accounts and groups are called on a machine, by their numbers.
struct Names([BTreeMap<u32, String>; 2]);

impl Names {
    fn of(root: &Path) -> Self {
        Self(["etc/passwd", "etc/group"].map(|path| {
            let text = std::fs::read_to_string(root.join(path)).unwrap();
            let entry = |line: &str| {
                let fields: Vec<&str> = line.split(':').collect();
                (fields[2].parse().unwrap(), fields[0].to_owned())
            };
            text.lines().map(entry).collect()
        }))
    }

    fn access(&self, metadata: &Metadata) -> String {
        let name =
            |names: &BTreeMap<u32, String>, id| names.get(&id).cloned().unwrap_or_else(|| id.to_string());
        let [users, groups] = &self.0;
        let (user, group) = (name(users, metadata.uid()), name(groups, metadata.gid()));
        format!("{user}:{group} {:04o}", metadata.mode() & 0o7777)
    }
}

/// A line for everything that was changed of the machine in that folder, by path: owner, mode, content.
pub(super) fn lines(machine: &Path) -> BTreeMap<String, String> {
    let (root, top) = (machine.join("root"), machine.join("upper"));
    let names = Names::of(&root);
    let (mut lines, mut todo) = (BTreeMap::new(), vec![String::new()]);
    while let Some(folder) = todo.pop() {
        for entry in std::fs::read_dir(top.join(folder.trim_start_matches('/'))).unwrap() {
            let path = format!("{folder}/{}", entry.unwrap().file_name().to_str().unwrap());
            if OWN.contains(&path.as_str()) {
                continue;
            }
            let at = top.join(path.trim_start_matches('/'));
            let metadata = at.symlink_metadata().unwrap();
            // An overlay has its own copy of every folder in which something is new.
            let own = Path::new(&path).metadata();
            let copy =
                metadata.is_dir() && own.is_ok_and(|own| names.access(&own) == names.access(&metadata));
            if !copy {
                lines.insert(path.clone(), line(&at, &path, &metadata, &names));
            }
            if metadata.is_dir() {
                todo.push(path);
            }
        }
    }
    lines
}

fn line(at: &Path, path: &str, metadata: &Metadata, names: &Names) -> String {
    let kind = metadata.file_type();
    // How an overlay remembers that something was removed.
    if kind.is_char_device() && metadata.rdev() == 0 {
        return "removed".to_owned();
    }
    let what = if kind.is_symlink() {
        format!("-> {}", at.read_link().unwrap().display())
    } else if kind.is_file() {
        format!("{:?}", content(path, &std::fs::read(at).unwrap()))
    } else {
        (if kind.is_dir() { "folder" } else { "something else" }).to_owned()
    };
    format!("{} {what}", names.access(metadata))
}

/// The content of a file, without what says when it was written, and by whom.
fn content(path: &str, bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let crontab = path.starts_with("/var/spool/cron/crontabs/");
    let headers: &[&str] = match crontab {
        true => &["# HEADER", "# DO NOT EDIT", "# (- installed", "# (/tmp", "# (Cron version"],
        false => &["# HEADER"],
    };
    let kept = |line: &&str| !headers.iter().any(|header| line.starts_with(header));
    let line = |line: &str| {
        if path.starts_with("/etc/shadow") {
            // The third field is the day of the last change.
            let fields: Vec<&str> = line.split(':').collect();
            return [&fields[..2], &fields[3..]].concat().join(":");
        }
        if crontab { line.replace("# Countersign Name:", "# Puppet Name:") } else { line.to_owned() }
    };
    text.lines().filter(kept).map(line).collect::<Vec<_>>().join("\n")
}
