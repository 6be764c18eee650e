//! What was taken back counts nowhere, for nobody else, and for ever.

use super::*;
use crate::signing::document::V;
use crate::signing::testing::{Published, accepted, enrolled, hour, publish, root, signed, who};
use crate::signing::{Cached, CachedRelease, Decision, Offer, State, Timestamp, decide, learn, reload};

fn withdrawal(statement: Digest, by: &str) -> Withdrawal {
    Withdrawal {
        document: Withdrawal::TYPE.into(),
        v: V,
        repo: RepoId::new([7; 32]),
        environment: "production".parse().unwrap(),
        release: statement,
        by: who(by),
        created: hour(1),
        reason: "a mistake".into(),
    }
}

fn entry(withdrawal: &Withdrawal, signer: &str) -> Signed {
    let Envelope { bytes, signatures } = signed::<Withdrawal>(withdrawal, &[signer]);
    Signed { document: String::from_utf8(bytes).unwrap(), signatures }
}

/// A list in which these people took back their signature on the statement.
fn list(statement: Digest, people: &[&str]) -> Withdrawals {
    let entries = people.iter().map(|name| entry(&withdrawal(statement, name), name));
    entries.fold(Withdrawals::default(), Withdrawals::with)
}

/// The release with a timestamp that names the list, as an honest server offers it.
fn offer(published: &Published, list: &Withdrawals) -> Offer {
    let stamped = published.restamped(|timestamp| {
        timestamp.withdrawn = list.digest();
        timestamp.n += 1;
    });
    Offer { withdrawals: list.digest().map(|_| list.encode()), ..stamped.offer("web1") }
}

fn code(state: &State, offer: &Offer, published: &Published) -> &'static str {
    match decide(state, offer, published.now()) {
        Ok(Decision::Accept(_)) => "accept",
        Ok(Decision::Unchanged(_)) => "unchanged",
        Ok(Decision::Unassigned { .. }) => "unassigned",
        Err(refusal) => refusal.code(),
    }
}

#[test]
fn d51_a_signature_that_was_taken_back_does_not_count() {
    let one = publish(1, None);
    let id = one.statement.id();
    assert_eq!(code(&enrolled("web1"), &offer(&one, &list(id, &["bob"])), &one), "WITHDRAWN");
    // Carol's is not under it, and that of another statement says nothing about this one.
    assert_eq!(code(&enrolled("web1"), &offer(&one, &list(id, &["carol"])), &one), "accept");
    assert_eq!(code(&enrolled("web1"), &offer(&one, &list(Digest::of(b"other"), &["bob"])), &one), "accept");
    let three = one.restated(&["alice", "bob", "carol"], |_| ());
    assert_eq!(code(&enrolled("web1"), &offer(&three, &list(id, &["bob"])), &three), "accept");
    assert_eq!(code(&enrolled("web1"), &offer(&three, &list(id, &["bob", "carol"])), &three), "WITHDRAWN");
}

#[test]
fn d51_nobody_takes_back_for_somebody_else() {
    let one = publish(1, None);
    let id = one.statement.id();
    for (named, signer) in [("bob", "alice"), ("bob", "server"), ("nobody", "bob"), ("bob", "mallory")] {
        let forged = Withdrawals::default().with(entry(&withdrawal(id, named), signer));
        assert_eq!(code(&enrolled("web1"), &offer(&one, &forged), &one), "accept", "{named} by {signer}");
    }
    let elsewhere = Withdrawal { repo: RepoId::new([8; 32]), ..withdrawal(id, "bob") };
    let foreign = Withdrawals::default().with(entry(&elsewhere, "bob"));
    assert_eq!(code(&enrolled("web1"), &offer(&one, &foreign), &one), "accept", "of another repository");
}

/// Patchsets 3 and 4 were both signed; whoever holds the server shows patchset 3 to one node and 4 to another.
#[test]
fn d51_a_node_that_heard_of_a_withdrawal_refuses_the_statement_ever_after() {
    let third = publish(1, None);
    let fourth = third.restated(&["alice", "bob"], |release| {
        release.patchset = 4;
        release.supersedes = vec![third.statement.id()];
    });
    let list = list(third.statement.id(), &["alice", "bob"]);
    let learned = learn(&enrolled("web1"), &offer(&fourth, &list), fourth.now()).unwrap();
    assert_eq!(learned.withdrawals(), &list);
    // The stolen timestamp key names the older list, no list, or another one.
    for (told, handed) in [(None, None), (Some(&list), None)] {
        let stamped = third.restamped(|timestamp| timestamp.withdrawn = told.and_then(Withdrawals::digest));
        let offer = Offer { withdrawals: handed, ..stamped.offer("web1") };
        let expected = if told.is_none() { "WITHDRAWALS" } else { "WITHDRAWN" };
        assert_eq!(code(&learned, &offer, &third), expected, "{told:?}");
    }
    assert_eq!(code(&learned, &offer(&fourth, &list), &fourth), "accept");
    // The node that took patchset 3 before anybody took it back names the two statements.
    assert_eq!(code(&accepted(&third), &offer(&fourth, &list), &fourth), "EQUIVOCATION");
}

#[test]
fn d51_the_list_only_grows() {
    let one = publish(1, None);
    let id = one.statement.id();
    let (short, long) = (list(id, &["carol"]), list(id, &["carol", "dan"]));
    let seen = learn(&enrolled("web1"), &offer(&one, &long), one.now()).unwrap();
    let other = list(Digest::of(b"other"), &["carol"]);
    for (shown, handed, expected) in [
        (&long, long.encode(), "accept"),
        (&short, short.encode(), "WITHDRAWALS"),
        (&other, other.encode(), "WITHDRAWALS"),
        (&list(id, &["dan", "carol"]), list(id, &["dan", "carol"]).encode(), "accept"),
        (&list(id, &["carol", "dan", "alice"]), long.encode(), "WITHDRAWALS"),
        (&list(id, &["carol", "dan", "alice"]), list(id, &["carol", "dan", "alice"]).encode(), "WITHDRAWN"),
    ] {
        let offer = Offer { withdrawals: Some(handed), ..offer(&one, shown) };
        assert_eq!(code(&seen, &offer, &one), expected, "{shown:?}");
    }
    // Whoever had the timestamp key appended what nobody signed: it binds nobody to carry it on.
    let junk = Signed { document: "{}\n".into(), signatures: Vec::new() };
    let spoiled = long.clone().with(junk.clone());
    let spoiled = learn(&seen, &offer(&one, &spoiled), one.now()).unwrap();
    assert_eq!(code(&spoiled, &offer(&one, &long), &one), "accept");
    assert_eq!(code(&spoiled, &offer(&one, &short.clone().with(junk)), &one), "WITHDRAWALS");
    let missing = Offer { withdrawals: None, ..offer(&one, &long) };
    assert_eq!(code(&enrolled("web1"), &missing, &one), "WITHDRAWALS");
    let empty = one.restamped(|timestamp| timestamp.withdrawn = Some(Digest::of(b"[]\n")));
    let empty = Offer { withdrawals: Some(b"[]\n".to_vec()), ..empty.offer("web1") };
    assert_eq!(code(&enrolled("web1"), &empty, &one), "WITHDRAWALS", "no list is called none");
    for broken in [&b"[{}]\n"[..], b"[ ]\n", b"", &vec![b'['; Withdrawals::MAX_BYTES + 1]] {
        assert!(Withdrawals::decode(broken).is_err());
    }
}

/// The live release loses a signature: it is not enforced any longer, not even from the disk, until it is signed anew.
#[test]
fn d51_what_is_on_the_disk_counts_no_more_either() {
    let one = publish(1, None);
    let list = list(one.statement.id(), &["bob"]);
    let state = learn(&accepted(&one), &offer(&one, &list), one.now()).unwrap();
    let offered = one.offer("web1");
    let accepted_release = CachedRelease {
        release: one.release.clone(),
        ratification: Vec::new(),
        leaf: offered.leaf.unwrap(),
        catalog: offered.catalog.clone(),
    };
    let cached = |accepted| Cached { held: None, timestamp: one.freshness.clone(), accepted, fallback: None };
    assert!(reload(&accepted(&one), &cached(accepted_release.clone()), one.now()).is_ok());
    assert_eq!(reload(&state, &cached(accepted_release.clone()), one.now()).unwrap_err().code(), "WITHDRAWN");
    let resigned = one.restated(&["alice", "bob", "carol"], |_| ()).release;
    let resigned = CachedRelease { release: resigned, ..accepted_release };
    assert!(reload(&state, &cached(resigned), one.now()).is_ok(), "carol signed the same statement besides");
}

#[test]
fn d27_a_state_without_its_list_is_damaged() {
    let one = publish(1, None);
    let list = list(one.statement.id(), &["carol"]);
    let state = learn(&enrolled("web1"), &offer(&one, &list), one.now()).unwrap();
    let root = signed::<crate::signing::Root>(root().fields(), &["alice", "bob"]);
    let load =
        |list: Option<&[u8]>| State::load(&state.encode(), &root, list).map_err(|refusal| refusal.code());
    assert_eq!(load(Some(&list.encode())), Ok(state.clone()));
    assert_eq!(State::named_untrusted(&state.encode()).unwrap().withdrawals, list.digest());
    for lost in [None, Some(&b"[]\n"[..])] {
        assert_eq!(load(lost), Err("STATE"));
    }
}

#[test]
fn timestamps_of_before_have_no_list() {
    let before = String::from_utf8(publish(1, None).timestamp.encode()).unwrap();
    assert!(before.contains("\"withdrawn\":null"), "{before}");
    assert!(document::read_untrusted::<Timestamp>(before.as_bytes()).is_ok());
}
