//! The quick start of the README, followed literally in an empty directory by a shell.

use crate::support::{clean, repository, transcript};
use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::Path;

/// The indented blocks below a heading, one text each.
pub(crate) fn blocks(document: &str, heading: &str) -> Vec<String> {
    let section = document.split(heading).nth(1).unwrap_or_default();
    let section = section.split("\n## ").next().unwrap_or_default();
    let mut blocks: Vec<String> = Vec::new();
    let mut inside = false;
    for line in section.lines() {
        match line.strip_prefix("    ") {
            Some(code) if inside => writeln!(blocks.last_mut().unwrap(), "{code}").unwrap(),
            Some(code) => blocks.push(format!("{code}\n")),
            None => {}
        }
        inside = line.starts_with("    ");
    }
    blocks
}

#[test]
fn the_quick_start_works_as_written() {
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let blocks = blocks(&readme, "## Quick start");
    let (bad_change, good) = blocks.split_last().unwrap();
    assert!(good.len() >= 5 && bad_change.contains("rm"), "the quick start was not found: {blocks:?}");
    let directory = tempfile::tempdir().unwrap();
    // The only liberty that is taken: a port that is free here.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut script = "set -eu\ntrap 'kill $(jobs -p)' EXIT\n".to_owned();
    for block in good {
        // The server needs a moment before agents come; a person would take it.
        script.push_str(&block.replace("8140", &port.to_string()));
        if block.contains("countersign serve") {
            script.push_str("until grep -q Listening serve.log; do sleep 0.05; done\n");
        }
        if block.contains("approve") {
            script.push_str(
                "until grep -qs '\"seq\":1' server/publish/timestamp/production.json; do sleep 0.05; done\n",
            );
        }
    }
    // A changed node is exit code 2, which a person reads as success.
    script = script.replace(
        "countersign agent run --test --root node/root --state node/state\n",
        "countersign agent run --test --root node/root --state node/state || [ $? = 2 ]\n",
    );
    script.push_str("echo everything good went well\n");
    script.push_str(bad_change);
    let output = shell(directory.path(), &script);
    let said = transcript(&output);
    assert!(said.contains("everything good went well"), "{said}");
    assert!(!output.status.success() && said.contains("modules/base/module.toml"), "{said}");
    assert!(said.contains("pre-receive hook declined"), "{said}");
}

fn shell(directory: &Path, script: &str) -> std::process::Output {
    let program = Path::new(env!("CARGO_BIN_EXE_countersign")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    clean("bash")
        .arg("-c")
        .arg(script)
        .current_dir(directory)
        .env("PATH", path)
        .env("HOME", directory)
        .output()
        .unwrap()
}
