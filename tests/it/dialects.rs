//! The parser held against the shells themselves: over the scripts that Debian packages have put on this machine,
//! what `bash -n` or `dash -n` accepts parses, or the lint says that it does not. Scripts are read, never run.

use countersign::policy::guard::{self, Rules, Setting, Subject};
use countersign::shell::{Dialect, Value, parse};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where packages put scripts.
const PLACES: [&str; 6] =
    ["/etc/init.d", "/usr/bin", "/usr/lib", "/usr/sbin", "/usr/share", "/var/lib/dpkg/info"];
/// Scripts that any Debian machine has, at least.
const LEAST: usize = 100;
/// Readings that do not parse, per thousand, at most. The number only falls.
const UNPARSED: usize = 2;
/// Bytes of a script that is compared, at most.
const LENGTH: u64 = 1 << 20;

/// A script and the shells that accept it.
struct Script {
    path: PathBuf,
    text: String,
    accepted: Vec<Dialect>,
}

fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.map(Result::unwrap) {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            files(&entry.path(), found);
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
}

/// The shells that a script is written for, by its first line.
fn shells(path: &Path) -> Vec<Dialect> {
    let mut start = [0; 64];
    let Ok(length) = std::fs::File::open(path).and_then(|mut file| file.read(&mut start)) else {
        return Vec::new();
    };
    let start = String::from_utf8_lossy(&start[..length]);
    let Some(line) = start.strip_prefix("#!").and_then(|rest| rest.lines().next()) else { return Vec::new() };
    let names = line.split_whitespace().map(|word| word.rsplit('/').next().unwrap_or(word));
    match names.into_iter().find(|name| *name != "env") {
        Some("sh") => vec![Dialect::Bash, Dialect::Dash],
        Some("bash") => vec![Dialect::Bash],
        Some("dash") => vec![Dialect::Dash],
        _ => Vec::new(),
    }
}

/// Whether the shell itself finds nothing wrong in the script. It reads it and runs nothing.
fn accepts(dialect: Dialect, path: &Path) -> bool {
    let shell = match dialect {
        Dialect::Bash => "/bin/bash",
        Dialect::Dash => "/bin/dash",
    };
    let mut command = Command::new(shell);
    command.arg("-n").arg(path).env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().unwrap_or_else(|e| panic!("cannot run {shell}: {e}")).success()
}

fn scripts() -> Vec<Script> {
    let mut paths = Vec::new();
    for place in PLACES {
        files(Path::new(place), &mut paths);
    }
    let mut scripts = Vec::new();
    for path in paths {
        let accepted: Vec<Dialect> = shells(&path).into_iter().filter(|d| accepts(*d, &path)).collect();
        let small = path.metadata().is_ok_and(|m| m.len() <= LENGTH);
        if let Some(text) = std::fs::read_to_string(&path).ok().filter(|_| small && !accepted.is_empty()) {
            scripts.push(Script { path, text, accepted });
        }
    }
    scripts
}

/// Whether the lint says that it cannot read a script.
fn told(script: &Script) -> bool {
    let content = Value::text(script.text.as_str());
    let subject = Subject::File("/usr/local/bin/x", &content, true);
    let effects = guard::effects(Rules::builtin(), &subject, &Setting::default());
    let findings = guard::findings(Rules::builtin(), &effects, "x");
    findings.iter().any(|f| matches!(f.rule.as_str(), "unparsed-command" | "analysis-limit"))
}

#[test]
fn what_the_shells_accept_parses_or_is_a_finding() {
    let scripts = scripts();
    assert!(scripts.len() >= LEAST, "{} scripts on this machine; is this Debian?", scripts.len());
    let (mut readings, mut unparsed, mut silent) = (0, Vec::new(), Vec::new());
    for script in &scripts {
        readings += script.accepted.len();
        let mut read = false;
        for dialect in &script.accepted {
            match parse(&script.text, 0, *dialect) {
                Ok(_) => read = true,
                Err(error) => unparsed.push(format!("{} as {dialect:?}: {error}", script.path.display())),
            }
        }
        if !read && !told(script) {
            silent.push(script.path.display().to_string());
        }
    }
    let list = unparsed.join("\n");
    println!("{} scripts, {readings} readings, {} do not parse\n{list}", scripts.len(), unparsed.len());
    assert!(silent.is_empty(), "neither parsed nor told:\n{}", silent.join("\n"));
    assert!(unparsed.len() * 1000 <= UNPARSED * readings, "{} of {readings}:\n{list}", unparsed.len());
}
