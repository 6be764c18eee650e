//! Emergencies: who makes them, where, for how long, and what becomes of them.

use super::*;
use crate::model::Stamp;
use crate::signing::root::RawRoot;
use crate::signing::testing::{Published, hour, key, publish, raw_root, role, root_of, signed as sign, who};
use crate::signing::{Cached, CachedRelease, Decision, Freshness, Offer, State, decide, reload, sshsig};

/// The fixture's trust root, in which dan may make emergency releases for `web…` and for four hours.
fn raw() -> RawRoot {
    let mut raw = raw_root();
    let mut emergency = role("break-glass", &["dan"], 1);
    (emergency.nodes, emergency.max_life) = (Some(vec!["web*".parse().unwrap()]), Some(4 * 3600));
    raw.roles.push(emergency);
    raw
}

fn enrolled(node: &str) -> State {
    State::enroll(node.parse().unwrap(), "production".parse().unwrap(), root_of(&raw()))
}

/// Release 2 after `one`: dan's alone, for half a day, which dan wrote too.
fn emergency(one: &Published) -> Published {
    publish(2, Some(one)).restated(&["dan"], |release| {
        release.kind = ReleaseKind::BreakGlass;
        release.authors = vec![who("dan")];
        release.expires = release.created.plus(12 * 3600);
        release.reason = "the disk fills up".into();
    })
}

fn ratified(by: &[&str], published: &Published) -> Vec<String> {
    let bytes = Ratification::of(&published.statement).encode();
    by.iter().map(|name| sshsig::sign(&key(name), Ratification::NAMESPACE, &bytes)).collect()
}

fn offer(published: &Published, node: &str, ratification: &[String]) -> Offer {
    Offer { ratification: ratification.to_vec(), ..published.offer(node) }
}

/// The timestamp made anew at `now`.
fn fresh(published: &Published, now: Stamp) -> Published {
    published.restamped(|timestamp| {
        (timestamp.created, timestamp.expires) = (now, now.plus(6 * 3600));
        timestamp.n += u64::try_from(now.since(hour(0))).unwrap();
    })
}

fn accept(state: &State, offer: &Offer, now: Stamp) -> (State, Standing) {
    match decide(state, offer, now).unwrap() {
        Decision::Accept(accepted) | Decision::Unchanged(accepted) => (accepted.state, accepted.standing),
        Decision::Unassigned { state } => unreachable!("{state:?}"),
    }
}

fn code(state: &State, offer: &Offer, now: Stamp) -> &'static str {
    decide(state, offer, now).map_or_else(|refusal| refusal.code(), |_| "")
}

#[test]
fn d33_an_emergency_needs_its_role_and_nobody_elses() {
    let one = publish(1, None);
    let two = emergency(&one);
    let (state, _) = accept(&enrolled("web1"), &one.offer("web1"), one.now());
    let (after, standing) = accept(&state, &two.offer("web1"), two.now());
    assert_eq!((standing, after.accepted().unwrap().seq), (Standing::Emergency, 2));
    assert_eq!(after.fallback(), state.accepted());
    for people in [&["alice", "bob", "carol"][..], &["olga"], &["server"], &["frank"]] {
        let forged = two.restated(people, |_| ());
        assert_eq!(code(&state, &forged.offer("web1"), two.now()), "THRESHOLD", "{people:?}");
    }
    let unheard = State::enroll("web1".parse().unwrap(), "production".parse().unwrap(), root_of(&raw_root()));
    assert_eq!(code(&unheard, &two.offer("web1"), two.now()), "ROLE", "the trust root gives it to nobody");
}

#[test]
fn d33_an_emergency_reaches_no_node_outside_its_scope() {
    let one = publish(1, None);
    let two = emergency(&one);
    let (db, _) = accept(&enrolled("db1"), &one.offer("db1"), one.now());
    assert_eq!(code(&db, &two.offer("db1"), two.now()), "BREAK_GLASS_SCOPE");
    let both = ratified(&["alice", "bob"], &two);
    let (after, standing) = accept(&db, &offer(&two, "db1", &both), two.now());
    assert_eq!((standing, after.accepted().unwrap().seq, after.fallback()), (Standing::Ordinary, 2, None));
}

#[test]
fn d33_an_emergency_has_a_reason_and_a_day_at_most() {
    let one = publish(1, None);
    let (state, _) = accept(&enrolled("web1"), &one.offer("web1"), one.now());
    for spoil in [
        |release: &mut Release| release.reason = " ".into(),
        |release: &mut Release| release.expires = release.created.plus(24 * 3600 + 1),
    ] {
        let bad = emergency(&one).restated(&["dan"], spoil);
        assert_eq!(code(&state, &bad.offer("web1"), bad.now()), "MALFORMED");
    }
    // Twelve hours were asked for, and the trust root gives four.
    let two = emergency(&one);
    assert_eq!(
        two.statement.end(&root_of(&raw()), Standing::Emergency),
        two.statement.created.plus(4 * 3600)
    );
    let late = two.statement.created.plus(4 * 3600 + 1);
    assert_eq!(code(&state, &fresh(&two, late).offer("web1"), late), "UNRATIFIED");
    let last = late.plus(-1);
    assert_eq!(code(&state, &fresh(&two, last).offer("web1"), last), "");
}

#[test]
fn d33_only_the_ordinary_people_ratify_and_not_the_author() {
    let one = publish(1, None);
    let two = emergency(&one).restated(&["dan"], |release| release.authors = vec![who("alice")]);
    let standing = |signatures: &[String]| {
        Standing::of(&root_of(&raw()), &Withdrawn::none(), &two.statement, signatures).unwrap()
    };
    assert_eq!(standing(&ratified(&["bob", "carol"], &two)), Standing::Ordinary);
    for people in [&["alice", "bob"][..], &["bob"], &["bob", "bob"], &["dan", "bob"], &[]] {
        assert_eq!(standing(&ratified(people, &two)), Standing::Emergency, "{people:?}");
    }
    let other =
        emergency(&publish(1, None).restated(&["alice", "bob"], |release| release.reason = "x".into()));
    assert_eq!(standing(&ratified(&["bob", "carol"], &other)), Standing::Emergency, "of another release");
    // What is signed as a release ratifies nothing.
    let bytes = Ratification::of(&two.statement).encode();
    let borrowed = ["bob", "carol"].map(|name| sshsig::sign(&key(name), Release::NAMESPACE, &bytes));
    assert_eq!(standing(&borrowed), Standing::Emergency);
    // An ordinary release needs no ratification, and signatures ratify nothing that lacks its own.
    let plain = publish(2, Some(&one)).restated(&["dan"], |_| ());
    let (state, _) = accept(&enrolled("web1"), &one.offer("web1"), one.now());
    let signatures = ratified(&["alice", "bob"], &plain);
    assert_eq!(code(&state, &offer(&plain, "web1", &signatures), plain.now()), "THRESHOLD");
}

fn kept(published: &Published, ratification: &[String]) -> CachedRelease {
    let offer = published.offer("web1");
    let (release, ratification) = (offer.release, ratification.to_vec());
    CachedRelease { release, ratification, leaf: offer.leaf.unwrap(), catalog: offer.catalog }
}

#[test]
fn d33_without_ratification_a_node_goes_back_to_the_release_before() {
    let one = publish(1, None);
    let two = emergency(&one);
    let (before, _) = accept(&enrolled("web1"), &one.offer("web1"), one.now());
    let (state, _) = accept(&before, &two.offer("web1"), two.now());
    let end = two.statement.created.plus(4 * 3600);
    let later = fresh(&two, end.plus(-60));
    let (state, _) = accept(&state, &later.offer("web1"), end.plus(-60));
    let look = |state: &State, ratification: &[String], now| {
        let timestamp = later.freshness.clone();
        let cached = Cached {
            held: None,
            timestamp,
            accepted: kept(&two, ratification),
            fallback: Some(kept(&one, &[])),
        };
        let found = reload(state, &cached, now).unwrap();
        (found.release.seq, found.standing, found.catalog.freshness())
    };
    assert_eq!(look(&state, &[], end), (2, Standing::Emergency, Freshness::Fresh));
    assert_eq!(look(&state, &[], end.plus(1)), (1, Standing::Ordinary, Freshness::Fresh));
    let both = ratified(&["alice", "bob"], &two);
    assert_eq!(look(&state, &both, end.plus(1)), (2, Standing::Ordinary, Freshness::Fresh));
    // A node that keeps no release before it only looks.
    let alone =
        Cached { held: None, timestamp: later.freshness.clone(), accepted: kept(&two, &[]), fallback: None };
    let found = reload(&state, &alone, end.plus(1)).unwrap();
    assert_eq!(found.catalog.freshness(), Freshness::Expired { since: end });
    // The release before it must still be good, and must be that one.
    let swapped = Cached {
        held: None,
        timestamp: later.freshness.clone(),
        accepted: kept(&two, &[]),
        fallback: Some(kept(&publish(1, None).restated(&["alice", "bob"], |r| r.reason = "x".into()), &[])),
    };
    assert_eq!(reload(&state, &swapped, end.plus(1)).unwrap_err().code(), "STATE");
}

/// A node that enrolled during an emergency has nothing to go back to, however often it hears of it.
#[test]
fn d33_an_emergency_is_no_way_back_from_itself() {
    let two = emergency(&publish(1, None));
    let (state, standing) = accept(&enrolled("web1"), &two.offer("web1"), two.now());
    assert_eq!((standing, state.fallback()), (Standing::Emergency, None));
    let (again, _) = accept(&state, &two.offer("web1"), two.now());
    assert_eq!((again.accepted(), again.fallback()), (state.accepted(), None));
}

#[test]
fn d33_a_second_emergency_does_not_make_the_first_one_the_way_back() {
    let one = publish(1, None);
    let two = emergency(&one);
    let three = publish(3, Some(&two)).restated(&["dan"], |release| {
        release.kind = ReleaseKind::BreakGlass;
        release.expires = release.created.plus(3600);
    });
    let (first, _) = accept(&enrolled("web1"), &one.offer("web1"), one.now());
    let (second, _) = accept(&first, &two.offer("web1"), two.now());
    let (third, _) = accept(&second, &three.offer("web1"), three.now());
    assert_eq!((third.accepted().unwrap().seq, third.fallback()), (3, first.accepted()));
    let four = publish(4, Some(&three));
    let (fourth, _) = accept(&third, &four.offer("web1"), four.now());
    assert_eq!((fourth.accepted().unwrap().seq, fourth.fallback()), (4, None), "an ordinary release ends it");
    let (root, stored) = (sign::<Root>(&raw(), &["alice", "bob"]), third.encode());
    assert_eq!(State::load(&stored, &root, None).unwrap(), third);
}
