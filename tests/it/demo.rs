//! The main job, end to end: the demo is the program that users see, and every row of its table is a claim.

use crate::support::{countersign, repository, transcript};

#[test]
fn the_demo_goes_as_told() {
    let output =
        countersign().arg("demo").arg("--site").arg(repository().join("examples/site")).output().unwrap();
    let said = transcript(&output);
    let failed: Vec<&str> = said.lines().filter(|line| line.trim_start().starts_with("FAIL")).collect();
    assert!(output.status.success(), "{failed:#?}\n{said}");
    // The claims of the README, by the words that a user sees.
    for row in [
        "ok   a release with both signatures verifies",
        "ok   an agent pulls and applies release 1",
        "ok   a push converges a connected node",
        "ok   `rm -rf /` in a variable is refused",
        "ok   `rm -rf /` behind base64 is refused",
        "ok   a wiped disk in a cron job behind wrappers is refused",
        "ok   a refused push leaves no ref behind",
        "ok   an author cannot approve their own change",
        "ok   drift is put back",
        "ok   ssh-keygen accepts an approval",
        "ok   git finds the repository sound",
        "ok   a mirror clone is the whole record",
        "ok   a release with one signature is refused",
        "ok   an altered catalog is refused",
        "ok   another node's catalog is refused",
        "ok   an older release is refused",
    ] {
        assert!(said.contains(row), "`{row}` is not in\n{said}");
    }
}
