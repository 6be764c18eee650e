//! The command line as a whole: help, completions, manual pages, exit codes.

use crate::support::{countersign, fails, ok};

#[test]
fn help_names_every_command_and_the_exit_codes() {
    let help = ok(countersign().arg("--help"));
    for word in ["lint", "approve", "push", "agent", "trust", "serve", "demo", "Exit codes", "64 wrong usage"]
    {
        assert!(help.contains(word), "`{word}` is not in\n{help}");
    }
}

#[test]
fn wrong_usage_is_told_apart_from_a_refusal() {
    let said = fails(64, countersign().arg("aprove"));
    assert!(said.contains("similar") && said.contains("approve"), "{said}");
}

#[test]
fn completions_and_manual_pages_are_generated() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(ok(countersign().args(["completions", shell])).contains("countersign"));
    }
    let directory = tempfile::tempdir().unwrap();
    ok(countersign().arg("man").arg(directory.path()));
    let page = std::fs::read_to_string(directory.path().join("countersign.1")).unwrap();
    assert!(page.starts_with(".ie"), "{page}");
    assert!(directory.path().join("countersign-approve.1").exists());
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let mut child = countersign()
        .args(["completions", "bash"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}
