//! Hooks in clones, run by real git.

use super::{SITE, Stage};
use crate::support::{fails, ok};

#[test]
fn what_would_be_refused_is_not_committed_where_that_was_asked_for() {
    let stage = Stage::new().released();
    let frank = stage.clone_of("frank");
    frank.ok(&["setup", "--pre-commit"]);
    let (path, text) = SITE.iter().find(|(path, _)| path.ends_with("module.toml")).unwrap();
    let file = frank.dir.join(path);
    let head = || ok(&mut frank.git(&["rev-parse", "HEAD"]));
    let before = head();
    std::fs::write(&file, format!("{text}\n[exec.clean]\ncommand = [\"/bin/rm\", \"-rf\", \"/\"]\n"))
        .unwrap();
    let said = fails(1, &mut frank.git(&["commit", "-qam", "Clean"]));
    assert!(said.contains("recursive-removal"), "{said}");
    assert_eq!(before, head());
    std::fs::write(&file, format!("{text}\n[notify.hello]\n")).unwrap();
    ok(&mut frank.git(&["commit", "-qam", "Greet"]));
    assert_ne!(before, head());
}

#[test]
fn a_hook_of_ones_own_is_kept_and_nothing_is_installed_unasked() {
    let stage = Stage::new().released();
    let frank = stage.clone_of("frank");
    let hook = frank.dir.join(".git/hooks/pre-commit");
    assert!(!hook.exists());
    std::fs::write(&hook, "#!/bin/sh\nexit 0\n").unwrap();
    let said = fails(1, &mut frank.countersign(&["setup", "--pre-commit"]));
    assert!(said.contains("`pre-commit` hook of its own") && said.contains("lint ."), "{said}");
    assert_eq!(std::fs::read_to_string(&hook).unwrap(), "#!/bin/sh\nexit 0\n");
}
