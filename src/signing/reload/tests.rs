//! How long a node goes on alone, and what it does not go on with.

use super::*;
use crate::signing::Root;
use crate::signing::decide::walk;
use crate::signing::testing::{
    Published, accepted, enrolled, hour, publish, raw_after, raw_root, role, signed,
};
use std::sync::Arc;

fn cached(published: &Published) -> Cached {
    let offer = published.offer("web1");
    let accepted = CachedRelease {
        release: offer.release,
        ratification: Vec::new(),
        leaf: offer.leaf.unwrap(),
        catalog: offer.catalog,
    };
    Cached { held: None, timestamp: offer.timestamp, accepted, fallback: None }
}

fn at(now: Stamp) -> Freshness {
    let one = publish(1, None);
    reload(&accepted(&one), &cached(&one), now).unwrap().catalog.freshness()
}

fn code(state: &State, cached: &Cached) -> &'static str {
    reload(state, cached, hour(2)).map_or_else(|refusal| refusal.code(), |_| "")
}

#[test]
fn t5_a_node_without_news_goes_on_for_a_week_and_then_only_looks() {
    let until = hour(7).plus(7 * 86_400);
    assert_eq!(at(hour(2)), Freshness::Fresh);
    assert_eq!(at(hour(7)), Freshness::Fresh);
    assert_eq!(at(hour(7).plus(1)), Freshness::Stale { until });
    assert_eq!(at(until), Freshness::Stale { until });
    assert_eq!(at(until.plus(1)), Freshness::Expired { since: until });
    let one = publish(1, None);
    let late = reload(&accepted(&one), &cached(&one), until.plus(1)).unwrap();
    assert!(late.catalog.only_noop());
    assert_eq!(*late.catalog, one.catalogs[1], "it is never taken away");
}

#[test]
fn t5_a_hold_is_longer_than_patience_and_no_longer_than_the_release() {
    let one = publish(1, None);
    let (state, end) = (accepted(&one), hour(7).plus(7 * 86_400));
    let at = |held: i64, now: i64| {
        let cached = Cached { held: Some(end.plus(held)), ..cached(&one) };
        reload(&state, &cached, end.plus(now)).unwrap().catalog.freshness()
    };
    assert_eq!(at(86_400, 1), Freshness::Stale { until: end.plus(86_400) });
    assert_eq!(at(86_400, 86_401), Freshness::Expired { since: end.plus(86_400) });
    assert_eq!(at(-86_400, 0), Freshness::Stale { until: end }, "a hold never makes it shorter");
    let release_end = one.statement.end(state.root(), Standing::Ordinary);
    let long = release_end.since(end) + 86_400;
    assert_eq!(at(long, 1), Freshness::Stale { until: release_end });
    assert_eq!(at(long, long - 1), Freshness::Expired { since: release_end });
}

#[test]
fn an_expired_release_is_only_looked_at() {
    let one = publish(1, None).restated(&["alice", "bob"], |s| s.expires = hour(3));
    let state = accepted(&one);
    let at = |now| reload(&state, &cached(&one), now).unwrap().catalog.freshness();
    assert_eq!(at(hour(3)), Freshness::Fresh);
    assert_eq!(at(hour(3).plus(1)), Freshness::Expired { since: hour(3) });
}

#[test]
fn d31_a_clock_that_went_back_makes_nothing_younger() {
    let one = publish(1, None);
    let state = accepted(&one);
    let late = hour(7).plus(8 * 86_400);
    let state = state.changed(|record| record.max_time = late);
    let freshness = reload(&state, &cached(&one), hour(2)).unwrap().catalog.freshness();
    assert_eq!(freshness, Freshness::Expired { since: hour(7).plus(7 * 86_400) });
}

#[test]
fn what_lies_on_the_disk_is_verified_again() {
    let one = publish(1, None);
    let state = accepted(&one);
    let check = |change: fn(&mut Cached), expected: &str| {
        let mut cached = cached(&one);
        change(&mut cached);
        assert_eq!(code(&state, &cached), expected);
    };
    check(|_| {}, "");
    check(|c| Arc::make_mut(&mut c.accepted.catalog)[9] ^= 1, "CATALOG_ALTERED");
    check(|c| c.accepted.leaf = publish(2, None).leaves[1].encode(), "PROOF");
    check(|c| c.accepted.release.bytes[9] ^= 1, "STATE");
    check(|c| c.accepted.release.signatures.truncate(1), "THRESHOLD");
    assert_eq!(code(&enrolled("web1"), &cached(&one)), "STATE");
    assert_eq!(code(&state, &cached(&publish(2, Some(&one)))), "STATE");
}

#[test]
fn an_altered_timestamp_buys_no_time() {
    let one = publish(1, None);
    let state = accepted(&one);
    let other = one.restamped(|t| t.created = t.created.plus(60));
    for timestamp in [other.freshness, Envelope { signatures: Vec::new(), ..cached(&one).timestamp }] {
        let cached = Cached { timestamp, ..cached(&one) };
        assert!(reload(&state, &cached, one.now()).unwrap().catalog.only_noop());
    }
}

#[test]
fn d37_a_release_of_somebody_revoked_is_held_until_signed_again() {
    let one = publish(1, None);
    let mut raw = raw_after(&raw_root());
    raw.roles[1] = role("release", &["bob", "carol"], 2);
    let state = walk(&accepted(&one), &[signed::<Root>(&raw, &["alice", "bob"])]).unwrap();
    assert_eq!(code(&state, &cached(&one)), "THRESHOLD");
    let again = one.restated(&["bob", "carol"], |_| {});
    assert_eq!(again.statement.id(), one.statement.id());
    assert_eq!(code(&state, &cached(&again)), "", "the same statement with other signatures");
}
