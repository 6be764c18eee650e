//! A revoked key counts nowhere, whoever hides that; and nobody revokes for anybody else.

use super::*;
use crate::model::Digest;
use crate::model::wire::Signed;
use crate::signing::document::V;
use crate::signing::query::{self, Query};
use crate::signing::review::{Note, NoteVerdict};
use crate::signing::root::{RawRoot, advance, next};
use crate::signing::testing::{
    Published, accepted, enrolled, hour, key, publish, raw_after, raw_root, root, root_of, signed, trigger,
    who,
};
use crate::signing::trigger::Replay;
use crate::signing::{
    Cached, CachedRelease, Decision, Offer, Ratification, State, Trigger, Withdrawals, Withdrawn, decide,
    learn, ratify, reload, sshsig, verify as verify_document, walk,
};

fn revocation(name: &str) -> Revocation {
    Revocation {
        document: Revocation::TYPE.into(),
        v: V,
        repo: RepoId::new([7; 32]),
        key: key(name).public().to_line(),
        created: hour(1),
        reason: "the laptop is gone".into(),
    }
}

fn entry(revocation: &Revocation, signers: &[&str]) -> Signed {
    let Envelope { bytes, signatures } = signed::<Revocation>(revocation, signers);
    Signed { document: String::from_utf8(bytes).unwrap(), signatures }
}

/// A list in which these people's keys revoked themselves.
fn list(people: &[&str]) -> Withdrawals {
    let entries = people.iter().map(|name| entry(&revocation(name), &[name]));
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

/// The state of web1 after it accepted release 1 and heard of these revocations.
fn heard(people: &[&str]) -> State {
    let one = publish(1, None);
    learn(&accepted(&one), &offer(&one, &list(people)), one.now()).unwrap()
}

/// The first trust root, in which alice has a second key.
fn two_keys() -> RawRoot {
    let mut raw = raw_root();
    raw.principals[0].keys.push(key("alice's other key").public().to_line());
    raw
}

#[test]
fn d37_a_key_revokes_itself_and_nothing_else() {
    let check = |revocation: &Revocation, signers: &[&str]| {
        verify(&root_of(&two_keys()), &signed::<Revocation>(revocation, signers))
            .map_or_else(|r| r.code(), |_| "")
    };
    assert_eq!(check(&revocation("alice"), &["alice"]), "");
    assert_eq!(check(&revocation("server"), &["server"]), "", "a machine's key, too");
    assert_eq!(check(&revocation("alice"), &["bob", "alice"]), "", "more signatures spoil nothing");
    assert_eq!(check(&revocation("alice"), &["bob", "carol", "dan"]), "OTHER_KEY");
    assert_eq!(check(&revocation("alice"), &["alice's other key"]), "OTHER_KEY", "of the same person");
    assert_eq!(check(&revocation("mallory"), &["mallory"]), "UNSIGNED");
    assert_eq!(check(&revocation("mallory"), &["alice"]), "OTHER_KEY");
    assert_eq!(check(&revocation("alice"), &[]), "UNSIGNED");
    let elsewhere = Revocation { repo: RepoId::new([8; 32]), ..revocation("alice") };
    assert_eq!(check(&elsewhere, &["alice"]), "REPO");
    assert_eq!(check(&Revocation { v: 2, ..revocation("alice") }, &["alice"]), "VERSION");
    assert_eq!(
        check(&Revocation { document: "release".into(), ..revocation("alice") }, &["alice"]),
        "VERSION"
    );
    for line in ["", "ssh-ed25519", &format!("{} alice", key("alice").public().to_line())] {
        assert_eq!(
            check(&Revocation { key: line.into(), ..revocation("alice") }, &["alice"]),
            "MALFORMED",
            "{line}"
        );
    }
    let bytes = revocation("alice").encode();
    let borrowed = Envelope { signatures: vec![sshsig::sign(&key("alice"), "git", &bytes)], bytes };
    assert_eq!(verify(&root(), &borrowed).unwrap_err().code(), "UNSIGNED", "made for another purpose");
    let many = vec!["alice"; MAX_SIGNATURES + 1];
    assert_eq!(check(&revocation("alice"), &many), "TOO_MANY_SIGNATURES");
}

#[test]
fn d37_what_a_revoked_key_signed_does_not_count() {
    let one = publish(1, None);
    assert_eq!(code(&enrolled("web1"), &offer(&one, &list(&["bob"])), &one), "REVOKED");
    assert_eq!(
        code(&enrolled("web1"), &offer(&one, &list(&["carol"])), &one),
        "accept",
        "carol did not sign"
    );
    let three = one.restated(&["alice", "bob", "carol"], |_| ());
    assert_eq!(code(&enrolled("web1"), &offer(&three, &list(&["bob"])), &three), "accept");
    assert_eq!(code(&enrolled("web1"), &offer(&three, &list(&["bob", "carol"])), &three), "REVOKED");
    assert_eq!(code(&enrolled("web1"), &offer(&three, &list(&["alice", "bob", "carol"])), &three), "REVOKED");
    let refusal = decide(&enrolled("web1"), &offer(&one, &list(&["bob"])), one.now()).unwrap_err();
    assert_eq!(refusal.to_string(), "the release counts only with keys that were revoked (bob)");
    let lone = one.restated(&["bob"], |_| ());
    assert_eq!(
        code(&enrolled("web1"), &offer(&lone, &list(&["carol"])), &lone),
        "THRESHOLD",
        "not for that reason"
    );
}

#[test]
fn d37_another_key_of_the_same_person_still_counts() {
    let state = State::enroll("web1".parse().unwrap(), "production".parse().unwrap(), root_of(&two_keys()));
    let one = publish(1, None);
    let other = one.restated(&["alice's other key", "bob"], |_| ());
    assert_eq!(code(&state, &offer(&other, &list(&["alice"])), &other), "accept");
    assert_eq!(code(&state, &offer(&one, &list(&["alice"])), &one), "REVOKED");
    let both = one.restated(&["alice", "alice's other key"], |_| ());
    assert_eq!(code(&state, &offer(&both, &list(&["bob"])), &both), "THRESHOLD", "one person all the same");
}

/// Whatever a server puts into the list that no key said of itself takes nobody's signature away.
#[test]
fn d37_forged_revocations_count_for_nothing_and_bind_nobody() {
    let one = publish(1, None);
    let elsewhere = Revocation { repo: RepoId::new([8; 32]), ..revocation("bob") };
    let forged = [
        entry(&revocation("bob"), &["alice", "server"]),
        entry(&revocation("bob"), &[]),
        entry(&elsewhere, &["bob"]),
        entry(&revocation("mallory"), &["mallory"]),
        Signed { document: "{}\n".into(), signatures: Vec::new() },
    ];
    for forged in forged {
        let spoiled = Withdrawals::default().with(forged.clone());
        assert_eq!(code(&enrolled("web1"), &offer(&one, &spoiled), &one), "accept", "{forged:?}");
        let learned = learn(&enrolled("web1"), &offer(&one, &spoiled), one.now()).unwrap();
        assert_eq!(code(&learned, &offer(&one, &Withdrawals::default()), &one), "accept", "{forged:?}");
    }
    let signature = sshsig::sign(&key("bob"), Revocation::NAMESPACE, &one.statement.encode());
    let statement =
        Signed { document: String::from_utf8(one.statement.encode()).unwrap(), signatures: vec![signature] };
    assert_eq!(
        code(&enrolled("web1"), &offer(&one, &Withdrawals::default().with(statement)), &one),
        "accept"
    );
}

#[test]
fn d37_an_agent_never_forgets_a_revocation() {
    let three = publish(1, None).restated(&["alice", "carol"], |_| ());
    let state = learn(&enrolled("web1"), &offer(&three, &list(&["bob"])), three.now()).unwrap();
    let by_bob = publish(1, None);
    for shown in [Withdrawals::default(), list(&["carol"]), list(&["carol", "dan"])] {
        assert_eq!(code(&state, &offer(&by_bob, &shown), &by_bob), "WITHDRAWALS", "{shown:?}");
    }
    assert_eq!(code(&state, &offer(&by_bob, &list(&["bob"])), &by_bob), "REVOKED");
    assert_eq!(code(&state, &offer(&by_bob, &list(&["carol", "bob"])), &by_bob), "REVOKED");
    let held_back = Offer { withdrawals: None, ..offer(&by_bob, &list(&["carol"])) };
    assert_eq!(code(&state, &held_back, &by_bob), "WITHDRAWALS");
    let envelope = signed::<Root>(&raw_root(), &["alice", "bob"]);
    let again = State::load(&state.encode(), &envelope, Some(&list(&["bob"]).encode())).unwrap();
    assert_eq!(code(&again, &offer(&by_bob, &list(&["bob"])), &by_bob), "REVOKED", "after a restart, too");
    assert_eq!(State::load(&state.encode(), &envelope, None).unwrap_err().code(), "STATE");
}

#[test]
fn d37_what_is_on_the_disk_counts_no_more_either() {
    let one = publish(1, None);
    let offered = one.offer("web1");
    let cached = |release: Envelope| Cached {
        held: None,
        timestamp: one.freshness.clone(),
        accepted: CachedRelease {
            release,
            ratification: Vec::new(),
            leaf: offered.leaf.clone().unwrap(),
            catalog: offered.catalog.clone(),
        },
        fallback: None,
    };
    let check = |state: &State, release: &Envelope| {
        reload(state, &cached(release.clone()), one.now()).map_or_else(|refusal| refusal.code(), |_| "")
    };
    assert_eq!(check(&accepted(&one), &one.release), "");
    assert_eq!(check(&heard(&["bob"]), &one.release), "REVOKED");
    let resigned = one.restated(&["alice", "bob", "carol"], |_| ()).release;
    assert_eq!(check(&heard(&["bob"]), &resigned), "", "carol signed the same statement besides");
}

/// The timestamp that brings the news is signed by the key that it is about, and nothing after it is believed.
#[test]
fn d37_a_revoked_timestamp_key_brings_its_own_end_and_no_more() {
    let one = publish(1, None);
    let news = offer(&one, &list(&["server"]));
    assert_eq!(code(&enrolled("web1"), &news, &one), "REVOKED");
    let learned = learn(&enrolled("web1"), &news, one.now()).unwrap();
    assert_eq!(learned.timestamp(), None, "nothing was accepted with it");
    assert_eq!(code(&learned, &news, &one), "REVOKED");
    assert_eq!(code(&learned, &one.offer("web1"), &one), "REVOKED");
    assert_eq!(learn(&learned, &news, one.now()).unwrap_err().code(), "REVOKED");
    let mut raw = raw_after(&raw_root());
    raw.principals.last_mut().unwrap().keys = vec![key("the server's new key").public().to_line()];
    let rotated = walk(&learned, &[signed::<Root>(&raw, &["alice", "bob"])]).unwrap();
    let mut fresh = news;
    fresh.timestamp.signatures = vec![sshsig::sign(
        &key("the server's new key"),
        crate::signing::Timestamp::NAMESPACE,
        &fresh.timestamp.bytes,
    )];
    assert_eq!(code(&rotated, &fresh, &one), "accept");
}

#[test]
fn t9_a_revoked_key_makes_no_new_trust_root() {
    let raw = raw_after(&raw_root());
    let step = |state: &State, people: &[&str]| {
        walk(state, &[signed::<Root>(&raw, people)]).map_or_else(|refusal| refusal.code(), |_| "")
    };
    assert_eq!(step(&enrolled("web1"), &["alice", "bob"]), "");
    assert_eq!(step(&heard(&["bob"]), &["alice", "bob"]), "REVOKED");
    assert_eq!(step(&heard(&["bob"]), &["alice", "carol"]), "");
    assert_eq!(step(&heard(&["bob", "carol"]), &["alice", "bob", "carol"]), "REVOKED");
    // Whoever comes later walks over what was in force before.
    let envelope = signed::<Root>(&raw, &["alice", "bob"]);
    assert!(next(&root(), &envelope).is_ok());
    assert_eq!(advance(&root(), &list(&["alice"]), &envelope).unwrap_err().code(), "REVOKED");
    // Nor does it help to bring a key back that was gone for a version.
    let mut without = raw_after(&raw_root());
    without.principals[1].keys = vec![key("bob's new key").public().to_line()];
    let second = next(&root(), &signed::<Root>(&without, &["alice", "carol"])).unwrap();
    let mut back = raw_after(second.fields());
    back.principals[1].keys.push(key("bob").public().to_line());
    back.roles[0].members = vec![who("alice"), who("bob")];
    let signers = ["alice", "carol", "bob"];
    assert_eq!(
        advance(&second, &list(&["bob"]), &signed::<Root>(&back, &signers)).unwrap_err().code(),
        "REVOKED"
    );
    assert!(advance(&second, &Withdrawals::default(), &signed::<Root>(&back, &signers)).is_ok());
}

#[test]
fn d37_no_other_document_counts_with_a_revoked_key() {
    let revoked = list(&["olga", "dan", "alice"]).in_force(&root());
    let trigger = signed::<Trigger>(&trigger("olga"), &["olga"]);
    let obeyed =
        |state: &State| Replay::default().accept(state, &trigger, hour(1)).map_or_else(|r| r.code(), |_| "");
    let one = publish(1, None);
    let heard = learn(&enrolled("web1"), &offer(&one, &list(&["olga"])), one.now()).unwrap();
    assert_eq!((obeyed(&enrolled("web1")), obeyed(&heard)), ("", "REVOKED"));
    let query = Query {
        document: Query::TYPE.into(),
        v: V,
        repo: RepoId::new([7; 32]),
        id: "0123456789abcdef0123456789abcdef".into(),
        operator: who("olga"),
        created: hour(1),
        expires: hour(1).plus(60),
    };
    let query = signed::<Query>(&query, &["olga"]);
    assert!(query::accept(&root(), &Withdrawn::none(), &query, hour(1)).is_ok());
    assert_eq!(query::accept(&root(), &revoked, &query, hour(1)).unwrap_err().code(), "REVOKED");
    let note = Note {
        document: Note::TYPE.into(),
        v: V,
        repo: RepoId::new([7; 32]),
        change: "1".into(),
        patchset: 1,
        statement: None,
        author: who("dan"),
        verdict: NoteVerdict::Reject,
        file: None,
        line: None,
        text: "no".into(),
        created: hour(1),
    };
    let note = signed::<Note>(&note, &["dan"]);
    assert!(verify_document::<Note>(&root(), &Withdrawn::none(), &note).is_ok());
    assert_eq!(verify_document::<Note>(&root(), &revoked, &note).unwrap_err().code(), "REVOKED");
    let bytes = Ratification::of(&one.statement).encode();
    let signatures = ["alice", "bob"].map(|name| sshsig::sign(&key(name), Ratification::NAMESPACE, &bytes));
    let met = |withdrawn: &Withdrawn| {
        ratify::check_threshold(&root(), withdrawn, &one.statement, &signatures).unwrap().met
    };
    assert!(met(&Withdrawn::none()) && !met(&revoked));
}

#[test]
fn a_revocation_is_told_with_its_owner_and_once() {
    let list = list(&["bob", "bob"]).with(entry(&revocation("carol"), &["alice"]));
    let told = list.revocations(&root());
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].signers(), told[0].reason.as_str()), (&[who("bob")][..], "the laptop is gone"));
    assert!(list.in_force(&root()).revokes(&key("bob").public()));
    assert!(!list.in_force(&root()).revokes(&key("carol").public()));
    assert_eq!(list.in_force(&root()).from(Digest::of(b"any")).count(), 0);
}
