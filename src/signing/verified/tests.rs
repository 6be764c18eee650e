//! Counting: distinct people, authors left out, no way to make two of one.

use super::*;
use crate::signing::release::{Release, check_threshold};
use crate::signing::testing::{PEOPLE, key, publish, raw_root, role, root, root_of, signed, trigger, who};
use crate::signing::{Timestamp, Trigger, sshsig};
use proptest::prelude::*;

fn code<T: Document>(root: &Verified<Root>, envelope: &Envelope) -> &'static str {
    examine::<T>(root, &Withdrawn::none(), envelope).map_or_else(|refusal| refusal.code(), |_| "")
}

/// The code of a release that `authors` made and `signers` signed.
fn check(authors: &[&str], signers: &[&str], expected: &str) {
    let mut statement = publish(1, None).statement;
    statement.authors = authors.iter().map(|name| who(name)).collect();
    assert_eq!(code::<Release>(&root(), &signed::<Release>(&statement, signers)), expected, "{signers:?}");
}

#[test]
fn t9_two_of_three_are_enough_and_one_is_not() {
    check(&["frank"], &["alice", "bob"], "");
    check(&["frank"], &["carol", "alice", "bob"], "");
    check(&["frank"], &[], "UNSIGNED");
    check(&["frank"], &["alice"], "THRESHOLD");
    check(&["frank"], &["alice", "olga", "dan", "server"], "THRESHOLD");
}

#[test]
fn d8_authors_do_not_count() {
    check(&["alice"], &["alice", "bob"], "SELF_APPROVAL");
    check(&["alice"], &["bob", "carol"], "");
    check(&["alice", "bob"], &["alice", "bob", "carol"], "SELF_APPROVAL");
    check(&["alice"], &["alice"], "THRESHOLD");
    let statement = Release { authors: vec![who("alice")], ..publish(1, None).statement };
    let verified: Verified<Release> =
        examine(&root(), &Withdrawn::none(), &signed::<Release>(&statement, &["alice", "bob", "carol"]))
            .unwrap();
    assert_eq!(verified.signers(), [who("bob"), who("carol")], "an author is never a signer");
}

#[test]
fn d8_a_second_key_does_not_make_a_second_person() {
    let mut raw = raw_root();
    raw.principals[0].keys.push(key("alice's other key").public().to_line());
    let root = root_of(&raw);
    for authors in ["alice", "frank"] {
        let statement = Release { authors: vec![who(authors)], ..publish(1, None).statement };
        let both = signed::<Release>(&statement, &["alice", "alice's other key"]);
        assert_eq!(code::<Release>(&root, &both), "THRESHOLD", "author {authors}");
    }
}

#[test]
fn d9_one_person_counts_once() {
    check(&["frank"], &["alice", "alice", "alice"], "THRESHOLD");
}

#[test]
fn d10_signatures_do_not_move_to_another_statement() {
    let one = publish(1, None);
    for change in [
        |s: &mut Release| s.change = "c-2".into(),
        |s: &mut Release| s.patchset = 2,
        |s: &mut Release| s.environment = "staging".parse().unwrap(),
        |s: &mut Release| s.reason = String::new(),
        |s: &mut Release| s.seq = 1_000_000,
    ] {
        let mut other = one.statement.clone();
        change(&mut other);
        let pasted = Envelope { bytes: other.encode(), signatures: one.release.signatures.clone() };
        assert_eq!(code::<Release>(&root(), &pasted), "UNSIGNED");
    }
}

#[test]
fn d10_another_repository_is_refused() {
    let statement = Release { repo: crate::signing::RepoId::new([8; 32]), ..publish(1, None).statement };
    assert_eq!(code::<Release>(&root(), &signed::<Release>(&statement, &["alice", "bob"])), "REPO");
}

#[test]
fn d41_signatures_for_other_purposes_do_not_count() {
    let statement = publish(1, None).statement;
    let bytes = statement.encode();
    for purpose in ["git", "file", Trigger::NAMESPACE, Timestamp::NAMESPACE, Root::NAMESPACE] {
        let signatures = ["alice", "bob"].map(|name| sshsig::sign(&key(name), purpose, &bytes)).to_vec();
        assert_eq!(
            code::<Release>(&root(), &Envelope { bytes: bytes.clone(), signatures }),
            "UNSIGNED",
            "{purpose}"
        );
    }
}

#[test]
fn d41_no_document_passes_as_another() {
    let one = publish(1, None);
    assert_eq!(code::<Timestamp>(&root(), &one.release), "UNSIGNED");
    assert_eq!(code::<Release>(&root(), &one.freshness), "UNSIGNED");
    let bytes = trigger("olga").encode();
    let signatures =
        ["alice", "bob"].map(|name| sshsig::sign(&key(name), Release::NAMESPACE, &bytes)).to_vec();
    assert_eq!(code::<Release>(&root(), &Envelope { bytes, signatures }), "VERSION");
}

#[test]
fn d35_a_statement_can_add_roles_and_never_spare_one() {
    let statement = |roles: &[&str]| {
        let roles = roles.iter().map(|role| role.parse().unwrap()).collect();
        Release { roles, ..publish(1, None).statement }
    };
    let check = |roles: &[&str], signers: &[&str], expected: &str| {
        assert_eq!(
            code::<Release>(&root(), &signed::<Release>(&statement(roles), signers)),
            expected,
            "{roles:?}"
        );
    };
    check(&["operator"], &["olga"], "THRESHOLD");
    check(&["operator", "timestamp"], &["olga", "server"], "THRESHOLD");
    check(&[], &["alice"], "THRESHOLD");
    check(&["security"], &["alice", "bob"], "THRESHOLD");
    check(&["security"], &["alice", "bob", "dan"], "");
    check(&["nobody"], &["alice", "bob"], "ROLE");
}

#[test]
fn t2_too_many_signatures_and_too_many_bytes_are_refused() {
    let one = publish(1, None);
    let mut many = one.release.clone();
    many.signatures = vec![many.signatures[0].clone(); MAX_SIGNATURES + 1];
    assert_eq!(code::<Release>(&root(), &many), "TOO_MANY_SIGNATURES");
    let mut large = one.release;
    large.bytes.resize(Release::MAX_BYTES + 1, b' ');
    assert_eq!(code::<Release>(&root(), &large), "TOO_LARGE");
}

#[test]
fn d40_a_signature_that_does_not_count_spoils_nothing() {
    let one = publish(1, None);
    let mut spoiled = one.release.clone();
    spoiled.signatures.insert(0, "nonsense".into());
    spoiled.signatures.push(sshsig::sign(&key("stranger"), Release::NAMESPACE, &one.release.bytes));
    let verified: Verified<Release> = examine(&root(), &Withdrawn::none(), &spoiled).unwrap();
    assert_eq!(verified.signers(), [who("alice"), who("bob")]);
}

#[test]
fn d42_signed_bytes_in_another_spelling_are_refused() {
    let text = String::from_utf8(publish(1, None).statement.encode()).unwrap();
    for bytes in [
        text.replace("\"seq\":1", "\"seq\": 1"),
        text.replace("\"seq\":1", "\"seq\":1.0"),
        text.replace("\"seq\":1", "\"seq\":1,\"seq\":1"),
        text.replace("\"seq\":1", "\"seq\":1,\"more\":1"),
        text.replace("because", "becaus\\u0065"),
        text.trim_end().to_owned(),
        format!("{text}\n"),
    ] {
        let bytes = bytes.into_bytes();
        let signatures =
            ["alice", "bob"].map(|name| sshsig::sign(&key(name), Release::NAMESPACE, &bytes)).to_vec();
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        assert_eq!(code::<Release>(&root(), &Envelope { bytes, signatures }), "FORM", "{shown}");
    }
}

#[test]
fn d47_other_versions_and_types_are_refused() {
    for (from, to) in
        [("\"v\":1", "\"v\":0"), ("\"v\":1", "\"v\":2"), ("\"type\":\"release\"", "\"type\":\"relase\"")]
    {
        let text = String::from_utf8(publish(1, None).statement.encode()).unwrap().replacen(from, to, 1);
        let bytes = text.into_bytes();
        let signatures =
            ["alice", "bob"].map(|name| sshsig::sign(&key(name), Release::NAMESPACE, &bytes)).to_vec();
        assert_eq!(code::<Release>(&root(), &Envelope { bytes, signatures }), "VERSION", "{to}");
    }
}

#[test]
fn a_tally_says_who_is_missing() {
    let one = publish(1, None);
    let statement =
        Release { roles: vec!["security".parse().unwrap()], authors: vec![who("bob")], ..one.statement };
    let envelope = signed::<Release>(&statement, &["bob", "alice"]);
    let tally = check_threshold(&root(), &Withdrawn::none(), &statement, &envelope.signatures).unwrap();
    assert_eq!((tally.met, tally.signed, tally.authors), (false, vec![who("alice")], vec![who("bob")]));
    let missing: Vec<_> = tally.missing.iter().map(|m| (m.role.as_str(), m.count)).collect();
    assert_eq!(missing, [("release", 1), ("security", 1)]);
}

#[test]
fn what_nobody_asks_for_is_never_met() {
    let root = root();
    let everybody: BTreeSet<Principal> = PEOPLE.iter().map(|name| who(name)).collect();
    assert!(!count(&root, &everybody, [], &Requirement::roles([])).met);
}

fn people() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..PEOPLE.len(), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whoever signs, in whatever order and however often: accepted exactly when two distinct reviewers
    /// who are not authors are among them (I3, I5).
    #[test]
    fn t9_only_enough_distinct_reviewers_are_enough(signers in people(), authors in people()) {
        let names = |list: &[usize]| list.iter().map(|at| PEOPLE[*at]).collect::<BTreeSet<_>>();
        let (signed_by, made_by) = (names(&signers), names(&authors));
        let mut statement = publish(1, None).statement;
        statement.authors = made_by.iter().chain(["frank"].iter()).map(|name| who(name)).collect();
        let list: Vec<&str> = signers.iter().map(|at| PEOPLE[*at]).collect();
        let accepted = examine::<Release>(&root(), &Withdrawn::none(), &signed::<Release>(&statement, &list)).is_ok();
        let votes = ["alice", "bob", "carol"].iter().filter(|n| signed_by.contains(**n) && !made_by.contains(**n));
        prop_assert_eq!(accepted, votes.count() >= 2);
    }

    /// Reordering, repeating or dropping signatures never raises the count (D9, D40).
    #[test]
    fn d9_shuffling_never_raises_the_count(signers in people(), picks in prop::collection::vec(any::<prop::sample::Index>(), 0..20)) {
        let statement = publish(1, None).statement;
        let list: Vec<&str> = signers.iter().map(|at| PEOPLE[*at]).collect();
        let all = signed::<Release>(&statement, &list).signatures;
        let some: Vec<String> = picks.iter().filter(|_| !all.is_empty()).map(|pick| pick.get(&all).clone()).collect();
        let whole = check_threshold(&root(), &Withdrawn::none(), &statement, &all).unwrap();
        let part = check_threshold(&root(), &Withdrawn::none(), &statement, &some).unwrap();
        prop_assert!(part.signed.iter().all(|name| whole.signed.contains(name)));
        prop_assert!(whole.met || !part.met);
        let mut reversed = all;
        reversed.reverse();
        prop_assert_eq!(check_threshold(&root(), &Withdrawn::none(), &statement, &reversed).unwrap(), whole);
    }

    /// The threshold of any role of any size is reached by as many people and by no fewer.
    #[test]
    fn t9_a_threshold_is_what_it_says(threshold in 1_u32..=5, signers in prop::collection::btree_set(0..5_usize, 0..=5)) {
        let five = ["alice", "bob", "carol", "dan", "frank"];
        let mut raw = raw_root();
        raw.roles[1] = role("release", &five, threshold);
        let mut statement = publish(1, None).statement;
        statement.authors = vec![who("olga")];
        let list: Vec<&str> = signers.iter().map(|at| five[*at]).collect();
        let accepted = examine::<Release>(&root_of(&raw), &Withdrawn::none(), &signed::<Release>(&statement, &list)).is_ok();
        prop_assert_eq!(accepted, list.len() >= threshold as usize);
    }
}
