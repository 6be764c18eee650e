//! The lint as people run it: every rule with its fixtures, and lists of commands whose verdict is known.
//! Commands are text here; nothing is ever run.

use crate::support::{countersign, repository, transcript};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

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
    let data = ["paths.toml", "content.toml", "languages.toml", "resources.toml", "statements.toml"];
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

/// A site of one node with one module, whose files are given by their paths in the module.
fn site_with(files: &[(&str, &str)]) -> tempfile::TempDir {
    let site = tempfile::tempdir().unwrap();
    let settings = "name = \"s\"\nenvironments = [\"production\"]\n\n[groups.all]\ndescription = \"All\"\ninclude = [\"m\"]\n";
    let around = [("countersign.toml", settings), ("nodes/n1.toml", "groups = [\"all\"]\n")];
    let module = files.iter().map(|(path, text)| (format!("modules/m/{path}"), *text));
    for (path, text) in around.map(|(path, text)| (path.to_owned(), text)).into_iter().chain(module) {
        let path = site.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    site
}

#[test]
fn findings_underline_the_place_inside_quotes_lists_and_scripts() {
    let module = "\
[exec.one]
command = [\"/bin/sh\", \"-c\", \"true && rm -rf /etc/ssh\"]

[exec.two]
provider = \"shell\"
command = \"cd /srv; D=/boot; sh -c \\\"rm -rf $D\\\"\"

[file.\"/usr/local/sbin/clean\"]
mode = \"0755\"
source = \"clean.sh\"
";
    let script = "#!/bin/sh\nset -eu\nsh -c 'ls; rm -rf /usr/lib'\n";
    let site = site_with(&[("module.toml", module), ("files/clean.sh", script)]);
    let output = countersign().args(["lint", "--format", "json"]).arg(site.path()).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let marked: BTreeMap<String, String> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            let place = &finding["position"];
            let text = if place["file"] == "modules/m/module.toml" { module } else { script };
            let at = |name: &str| usize::try_from(place[name].as_u64().unwrap()).unwrap();
            let resolved = finding["resolved"].as_str().unwrap_or("as written");
            (text[at("start")..at("end")].to_owned(), resolved.to_owned())
        })
        .collect();
    let expected =
        [("/etc/ssh", "as written"), ("\\\"rm -rf $D\\\"", "rm -rf /boot"), ("/usr/lib", "as written")];
    assert_eq!(marked, expected.map(|(a, b)| (a.to_owned(), b.to_owned())).into(), "{}", transcript(&output));
}

#[test]
fn why_shows_tree_words_effects_and_rules_of_a_line() {
    let module = "[exec.one]\nprovider = \"shell\"\ncommand = \"D=/; rm -rf \\\"$D\\\"boot\"\n";
    let site = site_with(&[("module.toml", module)]);
    let why = |place: &str| {
        let output = countersign().args(["lint", "--why", place]).arg(site.path()).output().unwrap();
        (output.status.code(), transcript(&output))
    };
    let (code, told) = why("modules/m/module.toml:3");
    assert_eq!(code, Some(0), "{told}");
    for expected in [
        "exec[one], attribute `command`, on n1",
        "command  rm  -rf  \"$D\"boot",
        "    rm -rf /boot",
        "effect: delete `/boot` (system), recursive, forced",
        "rule `recursive-removal`: deny",
    ] {
        assert!(told.contains(expected), "`{expected}` is missing in:\n{told}");
    }
    for (place, expected) in [
        ("modules/m/module.toml:99", "nothing on line 99"),
        ("modules/x/module.toml:1", "is no file of the site"),
        ("modules/m/module.toml", "give a file of the site and a line"),
    ] {
        let (code, told) = why(place);
        assert_eq!(code, Some(64), "{told}");
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn watch_lints_again_after_a_change() {
    let site = site_with(&[("module.toml", "[exec.one]\ncommand = [\"/bin/true\"]\n")]);
    let mut child =
        countersign().args(["lint", "--watch"]).arg(site.path()).stdout(Stdio::piped()).spawn().unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let (told, heard) = std::sync::mpsc::channel();
    std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| told.send(line)));
    let wait_for = |wanted: &str| {
        while let Ok(line) = heard.recv_timeout(Duration::from_secs(60)) {
            if line.contains(wanted) {
                return true;
            }
        }
        false
    };
    let first = wait_for("no findings");
    let bad = "[exec.one]\ncommand = [\"/bin/rm\", \"-rf\", \"/boot\"]\n";
    std::fs::write(site.path().join("modules/m/module.toml"), bad).unwrap();
    let second = wait_for("recursive-removal");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(first && second, "first {first}, second {second}");
}
