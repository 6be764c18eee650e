//! An emergency: released by one person alone, told as what it is everywhere, and taken over by two others.

use super::Stage;
use crate::support::ok;
use countersign::signing::release::ReleaseKind;
use countersign::signing::{Release, document::read_untrusted};

const HELLO: (&str, &str) = ("modules/motd/files/motd", "Good morning\n");

fn published(stage: &Stage, name: &str) -> Vec<u8> {
    std::fs::read(stage.path("server/publish/release/production").join(name)).unwrap()
}

#[test]
fn d33_an_emergency_is_released_by_its_role_alone_and_ratified_by_the_ordinary_one() {
    let stage = Stage::with(&["--break-glass", "dan=dan.pub"]).released();
    let (dan, alice, bob) = (stage.clone_of("dan"), stage.clone_of("alice"), stage.clone_of("bob"));
    dan.commit(&[HELLO], "The disk fills up");
    let pushed = dan.push("refs/for/production", &["-o", "break-glass"]);
    assert!(pushed.status.success(), "{pushed:?}");
    let told = String::from_utf8_lossy(&pushed.stderr);
    assert!(told.contains("EMERGENCY: needs 1 of role `break-glass`"), "{told}");
    assert!(told.contains("to last, it is ratified by 2 of role `release`"), "{told}");
    let said = alice.refused(&["approve", "2", "--yes"]);
    assert!(said.contains("`alice` has none of the roles that may approve"), "{said}");
    let said = dan.ok(&["approve", "2", "--yes"]);
    assert!(said.contains("EMERGENCY  in force at once"), "{said}");
    assert!(stage.refs().contains("refs/releases/production/2 "));
    let release: Release = read_untrusted(&published(&stage, "2/statement.json")).unwrap();
    assert_eq!((release.kind, release.expires.since(release.created)), (ReleaseKind::BreakGlass, 86_400));
    let list = bob.ok(&["release", "list"]);
    assert!(
        list.contains("signed by dan, EMERGENCY until") && list.contains("missing 2 of role `release`"),
        "{list}"
    );

    assert!(dan.refused(&["ratify", "2", "--yes"]).contains("`dan` is an author"));
    assert!(alice.refused(&["ratify", "1", "--yes"]).contains("release 1 is no emergency"));
    assert!(alice.refused(&["ratify", "2"]).contains("nothing was signed"));
    let said = alice.ok(&["ratify", "2", "--yes"]);
    assert!(said.contains("all as signed") && said.contains("The disk fills up"), "{said}");
    assert!(bob.ok(&["release", "list"]).contains("not ratified: missing 1 of role `release`"));
    let said = stage.clone_of("frank").refused(&["ratify", "2", "--yes"]);
    assert!(said.contains("`frank` has none of the roles that may ratify"), "{said}");
    bob.ok(&["ratify", "2", "--yes"]);
    assert!(bob.ok(&["release", "list"]).contains("EMERGENCY, ratified by alice, bob"));
    let signatures: Vec<String> = serde_json::from_slice(&published(&stage, "2/ratification.json")).unwrap();
    assert_eq!(signatures.len(), 2);
    ok(&mut bob.countersign(&["release", "verify", "2"]));
}

#[test]
fn d33_who_has_not_the_role_makes_no_emergency() {
    let stage = Stage::with(&["--break-glass", "dan=dan.pub"]).released();
    let frank = stage.clone_of("frank");
    frank.commit(&[HELLO], "The disk fills up");
    assert!(frank.push("refs/for/production", &["-o", "break-glass"]).status.success());
    for name in ["alice", "bob", "carol"] {
        let said = stage.clone_of(name).refused(&["approve", "2", "--yes"]);
        assert!(said.contains("none of the roles"), "{name}: {said}");
    }
    assert!(!stage.refs().contains("refs/releases/production/2 "));
}

#[test]
fn d33_where_nobody_has_the_role_there_are_no_emergencies() {
    let stage = Stage::new().released();
    let frank = stage.clone_of("frank");
    frank.commit(&[HELLO], "The disk fills up");
    let said = frank.push_refused("refs/for/production", &["-o", "break-glass"]);
    assert!(
        said.contains("the release needs the role `break-glass`, which the trust root does not give"),
        "{said}"
    );
}
