//! The lint as people run it: every rule with its fixtures, and lists of commands whose verdict is known.
//! Commands are text here; nothing is ever run.

use crate::support::{countersign, repository, transcript};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// The verdicts of `countersign lint --commands -` by id.
fn judge(input: &str) -> BTreeMap<String, Value> {
    let mut child = countersign()
        .args(["lint", "--commands", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let text = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{}", transcript(&output));
    let lines = String::from_utf8(output.stdout).unwrap();
    let verdicts = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    verdicts.map(|v| (v["id"].as_str().unwrap().to_owned(), v)).collect()
}

fn rules_of(findings: &Value) -> BTreeSet<String> {
    let findings = findings.as_array().unwrap();
    findings.iter().map(|f| f["rule"].as_str().unwrap().to_owned()).collect()
}

/// The rules that a site breaks: a base of one node and one module, with the files of `overlay` on top.
fn rules_of_site(overlay: &Path) -> BTreeSet<String> {
    let site = tempfile::tempdir().unwrap();
    let write = |path: &str, bytes: &[u8]| {
        let path = site.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    write("countersign.toml", b"name = \"fixture\"\nenvironments = [\"production\"]\n\n[groups.all]\ndescription = \"All\"\ninclude = [\"m\"]\n");
    write("nodes/n1.toml", b"groups = [\"all\"]\n");
    for file in files_in(overlay) {
        let path = file.strip_prefix(overlay).unwrap().to_str().unwrap().to_owned();
        write(&path, &std::fs::read(&file).unwrap());
    }
    let output = countersign().args(["lint", "--format", "json"]).arg(site.path()).output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}: {}", overlay.display(), transcript(&output));
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{}: {e}\n{}", overlay.display(), transcript(&output)));
    rules_of(&report["findings"])
}

/// Every file below a folder.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let children = names(folder).into_iter().map(|name| folder.join(name));
    children.flat_map(|path| if path.is_dir() { files_in(&path) } else { vec![path] }).collect()
}

/// The names in a folder.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn every_rule_has_fixtures_and_they_say_what_they_should() {
    let fixtures = repository().join("tests/fixtures/lint");
    let data = ["paths.toml", "content.toml", "languages.toml"];
    let rules = names(&repository().join("policies"));
    let rules = rules.iter().filter(|n| !data.contains(&n.as_str())).filter_map(|n| n.strip_suffix(".toml"));
    assert_eq!(names(&fixtures), rules.map(str::to_owned).collect());
    for rule in names(&fixtures) {
        for kind in ["deny", "allow"] {
            let folder = fixtures.join(&rule).join(kind);
            let cases = names(&folder);
            assert!(!cases.is_empty(), "{}", folder.display());
            for case in cases {
                let path = folder.join(&case);
                let broken = if path.is_dir() {
                    rules_of_site(&path)
                } else {
                    let text = std::fs::read_to_string(&path).unwrap();
                    let line = json!({ "id": "x", "shell": true, "command": text.trim_end_matches('\n') });
                    rules_of(&judge(&format!("{line}\n"))["x"]["findings"])
                };
                assert_eq!(broken.contains(&rule), kind == "deny", "{}: {broken:?}", path.display());
            }
        }
    }
}

#[test]
fn the_example_site_passes() {
    let site = repository().join("examples/site");
    let output = countersign().arg("lint").arg(site).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", transcript(&output));
}
