//! Queries, notes and reports, and what all documents have in common.

use super::*;
use crate::model::Principal;
use crate::signing::query::{self, Query};
use crate::signing::review::{Note, NoteVerdict};
use crate::signing::testing::{hour, key, publish, raw_root, root, signed, trigger, who};
use crate::signing::{
    Ratification, Release, Revocation, Timestamp, Trigger, Withdrawal, Withdrawn, release, report, sshsig,
    verify,
};
use std::collections::BTreeSet;

#[test]
fn d41_no_two_documents_share_a_purpose() {
    let purposes = [
        Root::NAMESPACE,
        Release::NAMESPACE,
        Timestamp::NAMESPACE,
        Trigger::NAMESPACE,
        Query::NAMESPACE,
        Note::NAMESPACE,
        Withdrawal::NAMESPACE,
        Ratification::NAMESPACE,
        Revocation::NAMESPACE,
        report::NAMESPACE,
    ];
    let distinct: BTreeSet<_> = purposes.iter().collect();
    assert_eq!(distinct.len(), purposes.len());
    assert!(purposes.iter().all(|purpose| purpose.ends_with(".v1@countersign.dev")), "never `git` or `file`");
}

/// The order of the fields is part of the format: other programs print it.
#[test]
fn d42_the_bytes_of_documents_are_fixed() {
    fn check<T: Document>(bytes: &[u8], expected: &str) {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let mut at = 0;
        for name in expected.split(' ') {
            let found = text[at..].find(&format!("\"{name}\":"));
            at += found.unwrap_or_else(|| panic!("`{name}` is missing or misplaced in {text}"));
        }
        assert!(text.starts_with(&format!("{{\"type\":\"{}\",\"v\":1,\"repo\":\"0707", T::TYPE)), "{text}");
        assert!(text.ends_with("}\n") && text.is_ascii(), "{text}");
        assert!(read_untrusted::<T>(bytes).is_ok(), "{text}");
    }
    let one = publish(1, None);
    check::<Release>(
        &one.release.bytes,
        "type v repo environment seq prev kind change patchset commit base source authors roles policy policy_v compiler \
         inputs nodes affected catalogs salt root log supersedes created expires reason",
    );
    check::<Timestamp>(
        &one.freshness.bytes,
        "type v repo environment n root seq release log_size log_root withdrawn created expires",
    );
    check::<Trigger>(
        &trigger("olga").encode(),
        "type v repo id operator nodes action min_seq issued expires reason",
    );
    check::<Root>(
        &crate::model::canonical::encode(&raw_root()),
        "type v repo version prev created expires principals roles rules guards limits min_policy_v release_life \
         timestamp_life offline_hold skew min_v require sk_user_presence sk_user_verification floor reset tls server_ca node_ca",
    );
}

fn query() -> Query {
    Query {
        document: "query".into(),
        v: V,
        repo: RepoId::new([7; 32]),
        id: "q".into(),
        operator: who("olga"),
        created: hour(1),
        expires: hour(1).plus(60),
    }
}

#[test]
fn d23_only_operators_ask_and_only_now() {
    let code = |query: &Query, people: &[&str], now| {
        query::accept(&root(), &Withdrawn::none(), &signed::<Query>(query, people), now)
            .map_or_else(|r| r.code(), |_| "")
    };
    assert_eq!(code(&query(), &["olga"], hour(1)), "");
    assert_eq!(code(&query(), &["olga"], hour(1).plus(61)), "WINDOW");
    assert_eq!(code(&query(), &["olga"], hour(0)), "WINDOW");
    assert_eq!(code(&query(), &["alice"], hour(1)), "SIGNER");
    let alice = Query { operator: who("alice"), ..query() };
    assert_eq!(code(&alice, &["alice"], hour(1)), "ROLE");
    let long = Query { expires: hour(2), ..query() };
    assert_eq!(code(&long, &["olga"], hour(1)), "MALFORMED");
}

fn note(author: Principal) -> Note {
    Note {
        document: "review".into(),
        v: V,
        repo: RepoId::new([7; 32]),
        change: "c-1".into(),
        patchset: 1,
        statement: None,
        author,
        verdict: NoteVerdict::Comment,
        file: Some("modules/x/module.toml".into()),
        line: Some(3),
        text: "why?".into(),
        created: hour(1),
    }
}

#[test]
fn a_note_is_its_authors_own() {
    let code = |note: &Note, people: &[&str]| {
        verify::<Note>(&root(), &Withdrawn::none(), &signed::<Note>(note, people))
            .map_or_else(|r| r.code(), |_| "")
    };
    assert_eq!(code(&note(who("frank")), &["frank"]), "");
    assert_eq!(code(&note(who("frank")), &["alice"]), "SIGNER");
    assert_eq!(code(&note(who("nobody")), &["alice"]), "SIGNER");
    assert_eq!(code(&Note { file: None, ..note(who("frank")) }, &["frank"]), "MALFORMED");
    assert_eq!(code(&Note { text: " ".into(), ..note(who("frank")) }, &["frank"]), "MALFORMED");
}

#[test]
fn d41_a_note_is_no_approval() {
    let statement = publish(1, None).statement;
    let bytes = statement.encode();
    let signatures = ["alice", "bob"].map(|name| sshsig::sign(&key(name), Note::NAMESPACE, &bytes)).to_vec();
    assert_eq!(
        release::verify(&root(), &Withdrawn::none(), &Envelope { bytes, signatures }).unwrap_err().code(),
        "UNSIGNED"
    );
}

#[test]
fn d26_a_report_is_its_nodes_own() {
    let run = sample_report();
    let (bytes, signature) = report::sign(&key("web1"), &run);
    assert_eq!(*report::verify(&key("web1").public(), &bytes, &signature).unwrap(), run);
    let code = |key: &crate::signing::PublicKey, bytes: &[u8]| {
        report::verify(key, bytes, &signature).unwrap_err().code()
    };
    assert_eq!(code(&key("web2").public(), &bytes), "UNSIGNED");
    let mut other = bytes;
    other[30] ^= 1;
    assert_eq!(code(&key("web1").public(), &other), "UNSIGNED");
    assert_eq!(code(&key("web1").public(), &vec![b' '; report::MAX_BYTES + 1]), "TOO_LARGE");
}

fn sample_report() -> crate::model::report::Report {
    use crate::model::report::{Counts, Report, RunStatus};
    Report {
        kind: "report".into(),
        v: 1,
        repo: RepoId::new([7; 32]).to_string(),
        node: "web1".parse().unwrap(),
        environment: "production".parse().unwrap(),
        counter: 1,
        prev: None,
        run: "0".repeat(32),
        trigger: None,
        release: None,
        cached: false,
        refusal: None,
        halted: None,
        disabled: None,
        checkpoint: None,
        noop: false,
        status: RunStatus::Unchanged,
        noop_pending: false,
        corrective_change: false,
        started: hour(1),
        finished: hour(1),
        counts: Counts::default(),
        resources: Vec::new(),
        logs: Vec::new(),
        time: std::collections::BTreeMap::new(),
        facts: crate::model::Facts::default(),
    }
}

#[test]
fn statements_that_make_no_sense_are_refused() {
    let check = |change: fn(&mut Release)| {
        let mut statement = publish(1, None).statement;
        change(&mut statement);
        let refusal = read_untrusted::<Release>(&statement.encode()).unwrap_err();
        assert_eq!(refusal.code(), "MALFORMED", "{refusal}");
    };
    check(|s| s.seq = 0);
    check(|s| s.seq = 2);
    check(|s| s.prev = Some(Digest::of(b"x")));
    check(|s| s.expires = s.created);
    check(|s| s.authors.clear());
    check(|s| s.commit = "HEAD".into());
    check(|s| s.base = Some(String::new()));
    check(|s| s.affected = 4);
}
