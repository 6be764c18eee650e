//! Every refusal of an offer, named after the attack that it stops.

use super::*;
use crate::model::Checkpoint;
use crate::signing::root::{RawRoot, ReleasePin};
use crate::signing::testing::{
    Published, accepted, enrolled, hour, key, publish, publish_with, raw_after, raw_root, role, signed,
};
use std::sync::Arc;

/// What comes of an offer: the refusal's code, or the name of the decision.
fn outcome(state: &State, offer: &Offer, now: Stamp) -> &'static str {
    match decide(state, offer, now) {
        Ok(Decision::Accept(_)) => "accept",
        Ok(Decision::Unchanged(_)) => "unchanged",
        Ok(Decision::Unassigned { .. }) => "unassigned",
        Err(refusal) => refusal.code(),
    }
}

/// A node that enrolled a moment ago gets the first release after `change`.
fn check(change: impl FnOnce(&mut Offer), expected: &str) {
    let one = publish(1, None);
    let mut offer = one.offer("web1");
    change(&mut offer);
    assert_eq!(outcome(&enrolled("web1"), &offer, one.now()), expected);
}

fn check_published(published: &Published, expected: &str) {
    assert_eq!(outcome(&enrolled("web1"), &published.offer("web1"), published.now()), expected);
}

#[test]
fn an_honest_offer_is_accepted_and_remembered() {
    let one = publish(1, None);
    let Ok(Decision::Accept(first)) = decide(&enrolled("web1"), &one.offer("web1"), one.now()) else {
        panic!("must be accepted");
    };
    assert_eq!(*first.catalog, one.catalogs[1]);
    assert_eq!(first.catalog.freshness(), Freshness::Fresh);
    let remembered = first.state.accepted().unwrap();
    assert_eq!((remembered.seq, remembered.id), (1, one.statement.id()));
    assert_eq!(first.state.timestamp().map(|seen| seen.n), Some(10));
    assert_eq!(first.state.max_time(), one.now());
    assert_eq!(outcome(&first.state, &one.offer("web1"), one.now()), "unchanged");
    let two = publish(2, Some(&one));
    assert_eq!(outcome(&first.state, &two.offer("web1"), two.now()), "accept");
}

#[test]
fn a_node_without_a_catalog_is_unassigned() {
    let one = publish(1, None);
    assert_eq!(outcome(&enrolled("mail1"), &one.offer("mail1"), one.now()), "unassigned");
}

#[test]
fn t1_what_the_reviewers_did_not_sign_is_refused() {
    let one = publish(1, None);
    check_published(&one.restated(&["alice"], |_| {}), "THRESHOLD");
    check_published(&one.restated(&["server", "olga"], |s| s.reason = "mine".into()), "THRESHOLD");
    check_published(&one.restated(&[], |_| {}), "UNSIGNED");
    check(|offer| Arc::make_mut(&mut offer.catalog)[20] ^= 1, "CATALOG_ALTERED");
    check(|offer| Arc::make_mut(&mut offer.catalog).push(b'\n'), "CATALOG_ALTERED");
    check(|offer| offer.release.bytes[40] ^= 1, "MIX");
    let other = publish_with(1, None, &[notify()]);
    check(
        |offer| (offer.leaf, offer.catalog) = (other.offer("web1").leaf, other.offer("web1").catalog),
        "PROOF",
    );
}

fn notify() -> crate::model::Resource {
    let notify = crate::model::resource::Notify { message: "hello".into() };
    crate::model::Resource {
        title: "hello".into(),
        spec: crate::model::Spec::Notify(notify),
        meta: crate::model::Meta::of("x".parse().unwrap()),
    }
}

#[test]
fn t2_documents_have_a_size() {
    let big = || vec![b' '; 1 << 20];
    check(|offer| offer.timestamp.bytes = big(), "TOO_LARGE");
    check(|offer| offer.leaf = Some(big()), "TOO_LARGE");
    check(|offer| offer.roots = vec![Envelope { bytes: big(), signatures: Vec::new() }], "TOO_LARGE");
    check(|offer| offer.roots = vec![offer.release.clone(); MAX_STEPS + 1], "ROOT_STEPS");
    check(|offer| offer.roots = vec![offer.release.clone(); MAX_STEPS], "UNSIGNED");
}

#[test]
fn t4_a_serial_from_nowhere_is_refused_and_a_reset_leads_back() {
    let one = publish(1, None);
    let state = accepted(&one);
    let far = publish(2, Some(&one)).restated(&["alice", "bob"], |s| s.seq = 1 << 50);
    assert_eq!(outcome(&state, &far.offer("web1"), far.now()), "CHAIN");
    // A node that enrolled under stolen keys took the far release; only a signed reset brings it back.
    let lost = accepted(&far);
    let two = publish(2, Some(&one)).restamped(|t| t.n = 1 << 52);
    assert_eq!(outcome(&lost, &two.offer("web1"), two.now()), "ROLLBACK");
    let mut raw = raw_after(&raw_root());
    raw.reset =
        Some(ReleasePin { environment: "production".parse().unwrap(), seq: 1, release: one.statement.id() });
    let mut offer = two.offer("web1");
    offer.roots = vec![signed::<Root>(&raw, &["alice", "bob"])];
    assert_eq!(outcome(&lost, &offer, two.now()), "accept");
    raw.reset = raw.reset.map(|pin| ReleasePin { environment: "staging".parse().unwrap(), ..pin });
    offer.roots = vec![signed::<Root>(&raw, &["alice", "bob"])];
    assert_eq!(outcome(&lost, &offer, two.now()), "ROLLBACK", "the reset of another environment");
}

#[test]
fn t4_new_timestamp_keys_forget_the_old_ones_numbers() {
    let one = publish(1, None);
    let ahead = one.restamped(|t| t.n = 1 << 52);
    let lost = accepted(&ahead);
    let mut raw = raw_after(&raw_root());
    let server = raw.principals.iter_mut().find(|p| p.name.as_str() == "server").unwrap();
    server.keys = vec![key("new server").public().to_line()];
    let roots = vec![signed::<Root>(&raw, &["alice", "bob"])];
    let freshness = signed::<Timestamp>(&one.timestamp, &["new server"]);
    let honest = Offer { roots: roots.clone(), timestamp: freshness, ..one.offer("web1") };
    assert_eq!(outcome(&lost, &honest, one.now()), "unchanged");
    let stolen = Offer { roots, ..ahead.offer("web1") };
    assert_eq!(outcome(&lost, &stolen, one.now()), "UNSIGNED", "the old key is worth nothing any more");
    assert_eq!(outcome(&lost, &one.offer("web1"), one.now()), "TIMESTAMP_ROLLBACK", "without rotation");
}

/// The log of a server after so many entries, which `history` tells apart from another one.
fn log(history: &str, size: u64) -> (Vec<Hash>, Checkpoint) {
    let entry = |n: u64| {
        let shared = if n < 3 { "both" } else { history };
        crate::signing::tree::leaf_hash(format!("{shared} {n}").as_bytes())
    };
    let leaves: Vec<Hash> = (0..size).map(entry).collect();
    let root = Digest::from_bytes(crate::signing::tree::tree_root(&leaves).0);
    (leaves, Checkpoint { size, root })
}

/// The release again, under timestamp `n` with this log, and the proof from a log of `from` entries.
fn logged(published: &Published, n: u64, (history, size, from): (&str, u64, u64)) -> Offer {
    let (leaves, checkpoint) = log(history, size);
    let stamped = published.restamped(|t| {
        (t.n, t.log_size, t.log_root) = (n, checkpoint.size, Some(checkpoint.root));
    });
    let mut tree = leaves.as_slice();
    let log_proof = crate::signing::tree::consistency(&mut tree, from, size).unwrap();
    Offer { log_proof, ..stamped.offer("web1") }
}

#[test]
fn d36_d50_a_log_only_grows_and_has_one_past() {
    let one = publish(1, None);
    let first = match decide(&enrolled("web1"), &logged(&one, 20, ("a", 5, 0)), one.now()).unwrap() {
        Decision::Accept(accepted) => accepted.state,
        other => unreachable!("{other:?}"),
    };
    assert_eq!(first.checkpoint(), Some(log("a", 5).1));
    // From the disk as well.
    let root = signed::<Root>(&raw_root(), &["alice", "bob"]);
    let state = State::load(&first.encode(), &root, None).unwrap();
    let check = |offer: &Offer, expected: &str| assert_eq!(outcome(&state, offer, one.now()), expected);
    check(&logged(&one, 21, ("a", 5, 5)), "unchanged");
    check(&logged(&one, 21, ("a", 9, 5)), "unchanged");
    check(&logged(&one, 21, ("b", 5, 5)), "LOG_FORK");
    check(&logged(&one, 21, ("b", 9, 5)), "LOG_FORK");
    check(&logged(&one, 21, ("b", 9, 3)), "LOG_FORK");
    check(&Offer { log_proof: Vec::new(), ..logged(&one, 21, ("a", 9, 5)) }, "LOG_FORK");
    check(&logged(&one, 21, ("a", 4, 0)), "LOG_ROLLBACK");
    check(&one.restamped(|t| t.n = 21).offer("web1"), "LOG_ROLLBACK");
}

/// The next release names `named`, under a timestamp with the log `a` of 9 entries and the proof from there.
fn naming(published: &Published, named: Checkpoint) -> Offer {
    let named = published.restated(&["alice", "bob"], |s| s.log = Some(named));
    let mut tree = &log("a", 9).0[..];
    let from = named.statement.log.unwrap().size;
    let release_log_proof = crate::signing::tree::consistency(&mut tree, from, 9).unwrap();
    Offer { release_log_proof, ..logged(&named, 21, ("a", 9, 5)) }
}

#[test]
fn d36_reviewers_and_nodes_are_shown_one_log() {
    let one = publish(1, None);
    let new = enrolled("web1");
    let check = |state: &State, offer: &Offer, expected: &str| {
        assert_eq!(outcome(state, offer, one.now()), expected);
    };
    for size in [1, 3, 8, 9] {
        check(&new, &naming(&one, log("a", size).1), "accept");
    }
    check(&new, &naming(&one, log("b", 3).1), "accept");
    for size in [4, 8, 9] {
        check(&new, &naming(&one, log("b", size).1), "LOG_FORK");
    }
    check(&new, &naming(&one, log("a", 10).1), "LOG_ROLLBACK");
    let unproved = Offer { release_log_proof: Vec::new(), ..naming(&one, log("a", 8).1) };
    check(&new, &unproved, "LOG_FORK");
    let silent = one.restated(&["alice", "bob"], |s| s.log = Some(log("a", 8).1));
    check(&new, &silent.offer("web1"), "LOG_ROLLBACK");
    // What was accepted is not asked about again.
    let Decision::Accept(known) = decide(&new, &naming(&one, log("a", 8).1), one.now()).unwrap() else {
        unreachable!()
    };
    check(&known.state, &Offer { log_proof: Vec::new(), ..unproved }, "unchanged");
}

/// A statement from before the timestamp keys were changed may name a log that ended with them; a later one may not.
#[test]
fn t4_new_timestamp_keys_let_the_log_of_an_older_statement_be() {
    let one = publish(1, None);
    let mut raw = raw_after(&raw_root());
    let server = raw.principals.iter_mut().find(|p| p.name.as_str() == "server").unwrap();
    server.keys = vec![key("new server").public().to_line()];
    let roots = vec![signed::<Root>(&raw, &["alice", "bob"])];
    let offer = |version: u64| {
        let stated = one.restated(&["alice", "bob"], |s| {
            (s.log, s.root) = (Some(log("b", 30).1), version);
        });
        let mut stamp = stated.timestamp.clone();
        let (_, honest) = log("a", 5);
        (stamp.log_size, stamp.log_root) = (honest.size, Some(honest.root));
        let timestamp = signed::<Timestamp>(&stamp, &["new server"]);
        Offer { roots: roots.clone(), timestamp, ..stated.offer("web1") }
    };
    assert_eq!(outcome(&enrolled("web1"), &offer(1), one.now()), "accept");
    assert_eq!(outcome(&enrolled("web1"), &offer(2), one.now()), "LOG_ROLLBACK");
}

#[test]
fn a_server_without_a_log_is_heard_until_one_was_seen() {
    let one = publish(1, None);
    assert_eq!(outcome(&enrolled("web1"), &one.offer("web1"), one.now()), "accept");
    let torn = one.restamped(|t| t.log_size = 5);
    assert_eq!(outcome(&enrolled("web1"), &torn.offer("web1"), one.now()), "MALFORMED");
    let torn = one.restamped(|t| t.log_root = Some(Digest::of(b"x")));
    assert_eq!(outcome(&enrolled("web1"), &torn.offer("web1"), one.now()), "MALFORMED");
    assert_eq!(outcome(&accepted(&one), &logged(&one, 11, ("a", 5, 0)), one.now()), "unchanged");
}

/// Whoever stole the timestamp key can show a node a log that no honest one continues: a rotation leads back.
#[test]
fn t4_new_timestamp_keys_forget_the_old_ones_log() {
    let one = publish(1, None);
    let Decision::Accept(lost) =
        decide(&enrolled("web1"), &logged(&one, 20, ("b", 30, 0)), one.now()).unwrap()
    else {
        unreachable!()
    };
    let mut raw = raw_after(&raw_root());
    let server = raw.principals.iter_mut().find(|p| p.name.as_str() == "server").unwrap();
    server.keys = vec![key("new server").public().to_line()];
    let roots = vec![signed::<Root>(&raw, &["alice", "bob"])];
    let (_, honest) = log("a", 5);
    let mut stamp = one.timestamp.clone();
    (stamp.log_size, stamp.log_root) = (honest.size, Some(honest.root));
    let timestamp = signed::<Timestamp>(&stamp, &["new server"]);
    let offer = Offer { roots, timestamp, ..one.offer("web1") };
    assert_eq!(outcome(&lost.state, &offer, one.now()), "unchanged");
    assert_eq!(
        outcome(&lost.state, &logged(&one, 21, ("a", 5, 0)), one.now()),
        "LOG_ROLLBACK",
        "without rotation"
    );
}

#[test]
fn t5_an_old_timestamp_is_a_freeze() {
    let one = publish(1, None);
    let offer = one.offer("web1");
    let at = |hours| outcome(&enrolled("web1"), &offer, hour(hours));
    assert_eq!((at(7), at(8)), ("accept", "FREEZE"));
    let long = one.restamped(|t| t.expires = hour(24 * 300));
    assert_eq!(outcome(&enrolled("web1"), &long.offer("web1"), hour(8)), "FREEZE", "the root's limit counts");
    let fresh = one.restamped(|t| (t.created, t.expires) = (hour(24 * 40), hour(24 * 40 + 6)));
    assert_eq!(outcome(&enrolled("web1"), &fresh.offer("web1"), hour(24 * 40)), "RELEASE_EXPIRED");
    let far = hour(24 * 366);
    let fresh = one.restamped(|t| (t.created, t.expires) = (far, far.plus(600)));
    assert_eq!(outcome(&enrolled("web1"), &fresh.offer("web1"), far), "ROOT_EXPIRED");
}

/// Everything counts until its last second, and not for one more.
#[test]
fn t5_an_end_is_exact() {
    let one = publish(1, None);
    let end = hour(24 * 365);
    let last = one.restated(&["alice", "bob"], |s| (s.created, s.expires) = (end.plus(-60), end.plus(3600)));
    let last = last.restamped(|t| (t.created, t.expires) = (end.plus(-60), end.plus(3600)));
    let at = |published: &Published, now| outcome(&enrolled("web1"), &published.offer("web1"), now);
    assert_eq!((at(&last, end), at(&last, end.plus(1))), ("accept", "ROOT_EXPIRED"));
    let end = hour(2);
    let short = one.restated(&["alice", "bob"], |s| s.expires = end);
    assert_eq!((at(&short, end), at(&short, end.plus(1))), ("accept", "RELEASE_EXPIRED"));
}

/// All ways to put an offer together out of the parts of releases n and n+1.
#[test]
fn t7_parts_of_two_releases_do_not_mix() {
    let one = publish(1, None);
    let two = publish(2, Some(&one));
    let (old, new) = (one.offer("web1"), two.offer("web1"));
    let state = accepted(&one);
    for mask in 0..16_u8 {
        let from = |bit: u8| if mask & (1 << bit) == 0 { &old } else { &new };
        let offer = Offer {
            roots: Vec::new(),
            ratification: Vec::new(),
            chain: Vec::new(),
            timestamp: from(0).timestamp.clone(),
            withdrawals: None,
            log_proof: Vec::new(),
            release_log_proof: Vec::new(),
            release: from(1).release.clone(),
            leaf: from(2).leaf.clone(),
            catalog: from(3).catalog.clone(),
        };
        let expected = match mask {
            0b0000 => "unchanged",
            0b1111 => "accept",
            mask if (mask & 1 == 0) != (mask & 2 == 0) => "MIX",
            mask if (mask & 2 == 0) != (mask & 4 == 0) => "PROOF",
            _ => "CATALOG_ALTERED",
        };
        assert_eq!(outcome(&state, &offer, two.now()), expected, "{mask:04b}");
    }
}

#[test]
fn t8_nothing_older_comes_back() {
    let one = publish(1, None);
    let two = publish(2, Some(&one));
    let state = accepted(&two);
    let check = |published: &Published, expected: &str| {
        assert_eq!(outcome(&state, &published.offer("web1"), two.now()), expected);
    };
    check(&one, "TIMESTAMP_ROLLBACK");
    check(&one.restamped(|t| t.n = 21), "ROLLBACK");
    check(
        &two.restated(&["alice", "bob"], |s| s.reason = "other".into()).restamped(|t| t.n = 21),
        "EQUIVOCATION",
    );
    check(&two.restamped(|t| t.n = 19), "TIMESTAMP_ROLLBACK");
    let root = signed::<Root>(&raw_root(), &["alice", "bob"]);
    let offer = Offer { roots: vec![root], ..two.offer("web1") };
    assert_eq!(outcome(&state, &offer, two.now()), "ROOT_ROLLBACK");
}

#[test]
fn t8_a_state_from_disk_remembers_as_well() {
    let one = publish(1, None);
    let two = publish(2, Some(&one));
    let stored = accepted(&two).encode();
    let state = State::load(&stored, &signed::<Root>(&raw_root(), &["alice", "bob"]), None).unwrap();
    let replayed = one.restamped(|t| t.n = 21);
    assert_eq!(outcome(&state, &replayed.offer("web1"), two.now()), "ROLLBACK");
}

#[test]
fn d36_two_timestamps_with_one_number_are_noticed() {
    let one = publish(1, None);
    let twin = one.restamped(|t| t.expires = t.expires.plus(-1));
    assert_eq!(outcome(&accepted(&one), &twin.offer("web1"), one.now()), "TIMESTAMP_EQUIVOCATION");
}

#[test]
fn d1_another_nodes_catalog_is_refused() {
    let one = publish(1, None);
    let theirs = one.offer("web2");
    check(|offer| (offer.leaf, offer.catalog) = (theirs.leaf.clone(), theirs.catalog.clone()), "WRONG_NODE");
    check(|offer| offer.catalog.clone_from(&theirs.catalog), "CATALOG_ALTERED");
    let mut renamed = Leaf::decode(theirs.leaf.as_ref().unwrap()).unwrap();
    renamed.node = "web1".parse().unwrap();
    check(|offer| (offer.leaf, offer.catalog) = (Some(renamed.encode()), theirs.catalog.clone()), "PROOF");
}

/// A leaf may be right and signed, and the catalog behind it still say that it is for another node.
#[test]
fn t10_the_catalog_itself_names_its_node_and_environment() {
    for (change, expected) in [
        ((|c: &mut Catalog| c.node = "web2".parse().unwrap()) as fn(&mut Catalog), "WRONG_NODE"),
        (|c: &mut Catalog| c.environment = "staging".parse().unwrap(), "ENVIRONMENT"),
        (|c: &mut Catalog| c.v = 2, "CATALOG"),
    ] {
        let mut one = publish(1, None);
        change(&mut one.catalogs[1]);
        let bytes = one.catalogs[1].encode();
        let entry = crate::signing::merkle::Entry {
            node: "web1".parse().unwrap(),
            catalog: Digest::of(&bytes),
            length: bytes.len() as u64,
        };
        let leaves = crate::signing::merkle::Leaves::new(&[1; 32], vec![entry]).unwrap();
        one.leaves[1] = leaves.documents().next().unwrap();
        let one = one.restated(&["alice", "bob"], |s| {
            (s.nodes, s.affected, s.catalogs) = (1, 1, leaves.root());
        });
        check_published(&one, expected);
    }
}

#[test]
fn d2_the_tree_has_as_many_leaves_as_the_statement_says() {
    let one = publish(1, None);
    check_published(&one.restated(&["alice", "bob"], |s| s.nodes = 4), "PROOF");
}

#[test]
fn d3_the_policy_does_not_grow_older() {
    let one = publish(1, None).restated(&["alice", "bob"], |s| s.policy_v = 5);
    let state = accepted(&one);
    let later = |policy_v, kind| {
        let two =
            publish(2, Some(&one)).restated(&["alice", "bob"], |s| (s.policy_v, s.kind) = (policy_v, kind));
        outcome(&state, &two.offer("web1"), two.now())
    };
    assert_eq!(later(5, ReleaseKind::Normal), "accept");
    assert_eq!(later(4, ReleaseKind::Normal), "POLICY");
    assert_eq!(later(4, ReleaseKind::Rollback), "accept");
    assert_eq!(later(0, ReleaseKind::Rollback), "POLICY", "below the root's minimum");
}

#[test]
fn d10_a_release_of_another_environment_is_refused() {
    let one = publish(1, None);
    let staging = one.restated(&["alice", "bob"], |s| s.environment = "staging".parse().unwrap());
    check_published(&staging, "ENVIRONMENT");
    check_published(&staging.restamped(|t| t.environment = "production".parse().unwrap()), "ENVIRONMENT");
}

#[test]
fn d31_clocks_may_differ_by_five_minutes() {
    let one = publish(1, None);
    let state = accepted(&one);
    let seen = state.max_time();
    let at = |now| outcome(&state, &one.offer("web1"), now);
    assert_eq!((at(seen.plus(-300)), at(seen.plus(-301))), ("unchanged", "CLOCK_BACK"));
    for early in [seen.plus(-3600), seen.plus(-365 * 86_400), Stamp::from_unix(0)] {
        assert_eq!(at(early), "CLOCK_BACK", "{early}");
    }
    for late in ["2038-01-19T03:14:08Z", "2106-02-07T06:28:16Z"] {
        assert_eq!(at(late.parse().unwrap()), "ROOT_EXPIRED", "{late}");
    }
    let new = |created: Stamp| {
        let future = one.restamped(|t| (t.created, t.expires) = (created, created.plus(600)));
        outcome(&enrolled("web1"), &future.offer("web1"), one.now())
    };
    assert_eq!((new(one.now().plus(300)), new(one.now().plus(301))), ("accept", "FUTURE"));
    let future = one.restated(&["alice", "bob"], |s| s.created = one.now().plus(301));
    assert_eq!(outcome(&enrolled("web1"), &future.offer("web1"), one.now()), "FUTURE");
}

#[test]
fn releases_that_were_missed_are_shown_in_between() {
    let one = publish(1, None);
    let two = publish(2, Some(&one));
    let three = publish(3, Some(&two));
    let four = publish(4, Some(&three));
    let state = accepted(&one);
    let with = |chain: &[&Published]| {
        let chain = chain.iter().map(|published| published.statement.encode()).collect();
        outcome(&state, &Offer { chain, ..four.offer("web1") }, four.now())
    };
    assert_eq!(with(&[&two, &three]), "accept");
    for broken in [&[][..], &[&three], &[&three, &two], &[&two], &[&one, &two, &three], &[&two, &two, &three]]
    {
        assert_eq!(with(broken), "CHAIN", "{} statements", broken.len());
    }
    let fork = publish(2, Some(&one)).restated(&["alice", "bob"], |s| s.reason = "fork".into());
    let after_fork = publish(3, Some(&fork));
    assert_eq!(outcome(&accepted(&two), &after_fork.offer("web1"), after_fork.now()), "CHAIN");
}

/// A statement in between is of the same chain, each with its own serial, and there is an end to how many are read.
#[test]
fn t4_every_statement_in_between_is_of_this_chain() {
    let one = publish(1, None);
    let state = accepted(&one);
    let with = |chain: &[&Published], last: &Published| {
        let chain = chain.iter().map(|published| published.statement.encode()).collect();
        outcome(&state, &Offer { chain, ..last.offer("web1") }, last.now())
    };
    let two = publish(2, Some(&one));
    for change in [
        |s: &mut Release| s.environment = "staging".parse().unwrap(),
        |s: &mut Release| s.repo = document::RepoId::new([8; 32]),
    ] {
        let strange = two.restated(&["alice", "bob"], change);
        assert_eq!(with(&[&strange], &publish(3, Some(&strange))), "CHAIN");
    }
    let misnumbered = publish(3, Some(&two)).restated(&["alice", "bob"], |s| s.seq = 7);
    assert_eq!(with(&[&two, &misnumbered], &publish(4, Some(&misnumbered))), "CHAIN");
}

#[test]
fn t4_a_chain_has_a_longest_length() {
    let one = publish(1, None);
    let (state, mut at, mut chain) = (accepted(&one), one.statement.clone(), Vec::new());
    for _ in 0..=MAX_CHAIN {
        at = Release { seq: at.seq + 1, prev: Some(at.id()), ..at };
        chain.push(at.encode());
    }
    let with = |chain: &[Vec<u8>]| {
        let last: Release = document::read(chain.last().unwrap()).unwrap();
        let next = one.restated(&["alice", "bob"], |s| (s.seq, s.prev) = (last.seq + 1, Some(last.id())));
        let next = next.restamped(|t| t.n += 1);
        outcome(&state, &Offer { chain: chain.to_vec(), ..next.offer("web1") }, next.now())
    };
    assert_eq!((with(&chain[..MAX_CHAIN]), with(&chain)), ("accept", "CHAIN"));
}

/// The outcome for a node that is handed the first release and trust root 2 after `change`.
fn under(change: impl FnOnce(&mut RawRoot)) -> &'static str {
    let one = publish(1, None);
    let mut raw = raw_after(&raw_root());
    change(&mut raw);
    let offer = Offer { roots: vec![signed::<Root>(&raw, &["alice", "bob"])], ..one.offer("web1") };
    outcome(&enrolled("web1"), &offer, one.now())
}

#[test]
fn d37_signatures_are_judged_by_the_trust_root_in_force() {
    assert_eq!(under(|_| {}), "accept");
    assert_eq!(under(|raw| raw.roles[1] = role("release", &["bob", "carol"], 2)), "THRESHOLD");
    assert_eq!(under(|raw| raw.limits.min_policy_v = 2), "POLICY");
    assert_eq!(under(|raw| raw.limits.min_v = 2), "VERSION");
    let floor = |seq, id: &[u8]| ReleasePin {
        environment: "production".parse().unwrap(),
        seq,
        release: Digest::of(id),
    };
    assert_eq!(under(|raw| raw.floor = Some(floor(2, b"two"))), "FLOOR");
    assert_eq!(under(|raw| raw.floor = Some(floor(1, b"other"))), "EQUIVOCATION");
    let first = publish(1, None).statement.encode();
    assert_eq!(under(|raw| raw.floor = Some(floor(1, &first))), "accept", "the floor itself");
}

#[test]
fn a_trust_root_that_was_held_back_is_noticed() {
    let one = publish(1, None);
    check_published(&one.restamped(|t| t.root = 2), "ROOT_MISSING");
    check_published(&one.restated(&["alice", "bob"], |s| s.root = 2), "ROOT_MISSING");
}

#[test]
fn a_refusal_leaves_the_state_alone_and_a_walk_stands_by_itself() {
    let one = publish(1, None);
    let state = accepted(&one);
    let before = state.encode();
    let two = publish(2, Some(&one)).restated(&["alice"], |_| {});
    assert_eq!(outcome(&state, &two.offer("web1"), two.now()), "THRESHOLD");
    assert_eq!(state.encode(), before);
    let second = signed::<Root>(&raw_after(&raw_root()), &["alice", "bob"]);
    let walked = walk(&state, std::slice::from_ref(&second)).unwrap();
    assert_eq!((walked.root().version(), walked.accepted()), (2, state.accepted()));
    assert!(State::load(&walked.encode(), &second, None).is_ok());
}

#[test]
fn d51_what_this_version_does_not_understand_is_refused() {
    let one = publish(1, None);
    let twice = vec![Digest::of(b"x"); 2];
    check_published(&one.restated(&["alice", "bob"], |s| s.supersedes = twice), "MALFORMED");
}
