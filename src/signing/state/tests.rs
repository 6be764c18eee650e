//! A state that was touched is never used, and never read as a fresh one.

use super::*;
use crate::signing::testing::{accepted, enrolled, publish, raw_after, raw_root, signed};

fn root_envelope() -> Envelope {
    signed::<Root>(&raw_root(), &["alice", "bob"])
}

fn why(bytes: &[u8]) -> &'static str {
    State::load(bytes, &root_envelope(), None).expect_err("must be refused").code()
}

#[test]
fn a_state_goes_to_disk_and_back() {
    let state = accepted(&publish(1, None)).after_applying().after_report(Digest::of(b"report"));
    let loaded = State::load(&state.encode(), &root_envelope(), None).unwrap();
    assert_eq!(loaded, state);
    assert_eq!(State::named_untrusted(&state.encode()).unwrap().root, 1);
    assert_eq!(loaded.applied().map(|applied| applied.seq), Some(1));
    assert_eq!(loaded.report(), ReportChain { counter: 1, prev: Some(Digest::of(b"report")) });
}

#[test]
fn d27_no_flipped_byte_goes_unnoticed() {
    let bytes = accepted(&publish(1, None)).encode();
    for at in 0..bytes.len() {
        let mut other = bytes.clone();
        other[at] ^= 1;
        assert!(State::load(&other, &root_envelope(), None).is_err(), "byte {at}");
        assert!(State::load(&bytes[..at], &root_envelope(), None).is_err(), "cut at {at}");
    }
    assert_eq!(why(b""), "STATE");
}

#[test]
fn d27_a_lower_serial_needs_more_than_an_editor() {
    let text = String::from_utf8(accepted(&publish(2, Some(&publish(1, None)))).encode()).unwrap();
    assert!(text.contains("\"seq\":2"));
    assert_eq!(why(text.replace("\"seq\":2", "\"seq\":1").as_bytes()), "STATE");
}

#[test]
fn d27_a_state_is_read_with_its_own_trust_root_only() {
    let other = signed::<Root>(&raw_after(&raw_root()), &["alice", "bob"]);
    let refusal = State::load(&enrolled("web1").encode(), &other, None).unwrap_err();
    assert_eq!(refusal.code(), "ROOT_DIGEST");
}

#[test]
fn every_change_counts_as_a_write() {
    let state = enrolled("web1");
    let later = state.after_report(Digest::of(b"x"));
    assert_eq!(later.record.writes, state.record.writes + 1);
    assert_ne!(state.encode(), later.encode());
}

#[test]
fn d27_a_state_that_cannot_count_on_is_refused() {
    let mut state = enrolled("web1");
    let counts = |state: &State| State::load(&state.encode(), &root_envelope(), None).map(drop);
    for end in [&mut |r: &mut Record, n| r.writes = n, &mut |r: &mut Record, n| r.report.counter = n]
        as [&mut dyn FnMut(&mut Record, u64); 2]
    {
        end(&mut state.record, MAX_COUNT);
        assert!(counts(&state).is_ok());
        end(&mut state.record, MAX_COUNT + 1);
        assert_eq!(counts(&state).unwrap_err().code(), "STATE");
        end(&mut state.record, 1);
    }
}
