//! What the tests share: the program under test, a clean environment, keys.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The root of this repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The program under test with a clean environment: no configuration of whoever runs the tests.
pub(crate) fn countersign() -> Command {
    clean(env!("CARGO_BIN_EXE_countersign"))
}

/// `program` with a clean environment: a home of its own that is empty, C locale, UTC.
pub(crate) fn clean(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    for name in ["PATH", "TMPDIR", "LLVM_PROFILE_FILE"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.envs([
        ("HOME", "/nonexistent"),
        ("LC_ALL", "C.UTF-8"),
        ("TZ", "UTC"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_AUTHOR_NAME", "Test"),
        ("GIT_AUTHOR_EMAIL", "test@example"),
        ("GIT_COMMITTER_NAME", "Test"),
        ("GIT_COMMITTER_EMAIL", "test@example"),
    ]);
    command
}

/// What a command printed, both streams, with its exit code in front.
pub(crate) fn transcript(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("exit {:?}\n--- stdout\n{out}--- stderr\n{err}", output.status.code())
}

/// Runs a command that must succeed and returns its standard output.
///
/// # Panics
/// When it does not succeed, with everything that it printed.
pub(crate) fn ok(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|e| panic!("cannot run {command:?}: {e}"));
    assert!(output.status.success(), "{command:?}\n{}", transcript(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs a command that must fail with `code` and returns its standard error.
///
/// # Panics
/// When it ends in any other way.
pub(crate) fn fails(code: i32, command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|e| panic!("cannot run {command:?}: {e}"));
    assert_eq!(output.status.code(), Some(code), "{command:?}\n{}", transcript(&output));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// All files below `dir` with one of these endings, ascending.
pub(crate) fn files_below(dir: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let (mut found, mut todo) = (Vec::new(), vec![dir.to_owned()]);
    while let Some(dir) = todo.pop() {
        for entry in std::fs::read_dir(&dir).unwrap_or_else(|e| panic!("cannot read {}: {e}", dir.display()))
        {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else if path.extension().is_some_and(|e| endings.iter().any(|end| e == *end)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
