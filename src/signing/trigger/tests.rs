//! Triggers that must not be obeyed, and one that must.

use super::*;
use crate::signing::testing::{enrolled, hour, key, signed, trigger};

fn code(replay: &Replay, trigger: &Trigger, people: &[&str], now: Stamp) -> &'static str {
    let envelope = signed::<Trigger>(trigger, people);
    replay.accept(&enrolled("web1"), &envelope, now).map_or_else(|refusal| refusal.code(), |_| "")
}

/// The code of olga's trigger after `change`, signed by `people`, at the time it was made.
fn check(people: &[&str], change: impl FnOnce(&mut Trigger), expected: &str) {
    let mut trigger = trigger("olga");
    change(&mut trigger);
    assert_eq!(code(&Replay::default(), &trigger, people, hour(1)), expected);
}

fn names(nodes: &[&str]) -> Vec<NodeName> {
    nodes.iter().map(|node| node.parse().unwrap()).collect()
}

#[test]
fn d23_only_an_operator_asks_and_only_for_themselves() {
    check(&["olga"], |_| {}, "");
    check(&[], |_| {}, "UNSIGNED");
    check(&["alice", "bob", "server"], |_| {}, "SIGNER");
    check(&["alice"], |t| t.operator = "alice".parse().unwrap(), "ROLE");
    check(&["server"], |t| t.operator = "server".parse().unwrap(), "ROLE");
    check(&["otto"], |_| {}, "SIGNER");
    let foreign = sshsig_for_another_purpose();
    let refusal = Replay::default().accept(&enrolled("web1"), &foreign, hour(1)).unwrap_err();
    assert_eq!(refusal.code(), "UNSIGNED");
}

fn sshsig_for_another_purpose() -> Envelope {
    let bytes = trigger("olga").encode();
    let signatures = vec![crate::signing::sshsig::sign(&key("olga"), "git", &bytes)];
    Envelope { bytes, signatures }
}

#[test]
fn d23_an_operator_stays_in_their_scope() {
    let otto = |node: &str| {
        let trigger = Trigger { nodes: names(&[node]), ..trigger("otto") };
        let envelope = signed::<Trigger>(&trigger, &["otto"]);
        Replay::default().accept(&enrolled(node), &envelope, hour(1)).map_or_else(|r| r.code(), |_| "")
    };
    assert_eq!((otto("web1"), otto("db1")), ("", "SCOPE"));
}

#[test]
fn d24_a_trigger_for_others_is_not_for_us() {
    check(&["olga"], |t| t.nodes = names(&["web2"]), "NOT_ADDRESSED");
    check(&["olga"], |t| t.nodes = names(&["db1", "web1"]), "");
    check(&["olga"], |t| t.nodes = Vec::new(), "MALFORMED");
    check(&["olga"], |t| t.nodes = names(&["web1", "db1"]), "MALFORMED");
    check(&["olga"], |t| t.repo = RepoId::new([8; 32]), "REPO");
}

#[test]
fn d24_a_trigger_has_five_minutes() {
    let at = |now| code(&Replay::default(), &trigger("olga"), &["olga"], now);
    let minutes = |n: i64| hour(1).plus(n * 60);
    assert_eq!((at(minutes(4)), at(minutes(-4))), ("", ""));
    assert_eq!((at(minutes(6)), at(minutes(-6))), ("WINDOW", "WINDOW"));
    check(&["olga"], |t| t.expires = t.issued.plus(301), "MALFORMED");
    check(&["olga"], |t| t.expires = t.issued, "MALFORMED");
    check(&["olga"], |t| t.id = "short".into(), "MALFORMED");
}

#[test]
fn d24_a_trigger_is_obeyed_once_even_after_a_restart() {
    let envelope = signed::<Trigger>(&trigger("olga"), &["olga"]);
    let state = enrolled("web1");
    let first = Replay::default().accept(&state, &envelope, hour(1)).unwrap();
    assert_eq!(first.replay.accept(&state, &envelope, hour(1)).unwrap_err().code(), "REPLAY");
    let loaded = Replay::load(&first.replay.encode()).unwrap();
    assert_eq!(loaded.accept(&state, &envelope, hour(1).plus(300)).unwrap_err().code(), "REPLAY");
    assert_eq!(loaded.accept(&state, &envelope, hour(1).plus(301)).unwrap_err().code(), "WINDOW");
}

#[test]
fn d24_a_damaged_memory_is_not_an_empty_one() {
    let envelope = signed::<Trigger>(&trigger("olga"), &["olga"]);
    let replay = Replay::default().accept(&enrolled("web1"), &envelope, hour(1)).unwrap().replay;
    let bytes = replay.encode();
    for at in 0..bytes.len() {
        let mut other = bytes.clone();
        other[at] ^= 1;
        assert!(Replay::load(&other).is_err(), "byte {at}");
    }
    assert_eq!(Replay::load(b"").unwrap_err().code(), "STATE");
}

#[test]
fn d25_a_storm_of_triggers_is_spread_and_has_an_end() {
    let state = enrolled("web1");
    let mut replay = Replay::default();
    let mut times = Vec::new();
    let numbered = |n: usize| Trigger { id: format!("{n:032x}"), ..trigger("olga") };
    for n in 0..5 {
        let accepted = replay.accept(&state, &signed::<Trigger>(&numbered(n), &["olga"]), hour(1)).unwrap();
        times.push(accepted.not_before.since(hour(1)));
        replay = accepted.replay;
    }
    assert_eq!(times, [0, 10, 20, 30, 40]);
    for n in 0..MAX_REPLAY {
        replay.seen.insert(format!("{n:032x}"), hour(1));
    }
    assert_eq!(code(&replay, &numbered(MAX_REPLAY), &["olga"], hour(1)), "STORM");
    assert_eq!(
        code(&replay, &numbered(MAX_REPLAY), &["olga"], hour(1).plus(1)),
        "",
        "and is forgotten in time"
    );
}

#[test]
fn d31_a_clock_that_went_back_obeys_nothing_again() {
    let state = enrolled("web1").changed(|record| record.max_time = hour(9));
    let envelope = signed::<Trigger>(&trigger("olga"), &["olga"]);
    assert_eq!(Replay::default().accept(&state, &envelope, hour(1)).unwrap_err().code(), "CLOCK_BACK");
}
