//! Approvals count for what they approved and for nothing else.

use super::*;

fn who(name: &str) -> Principal {
    name.parse().unwrap()
}

pub(in crate::review) fn patchset(author: &str, commit: &str, base: &str) -> Patchset {
    Patchset {
        number: 1,
        commit: commit.into(),
        base: base.into(),
        author: who(author),
        created: Stamp::from_unix(7),
        certificate: b"cert\n".to_vec(),
        statement: format!("{commit}\n").into_bytes(),
        salt: [3; 32],
        leaves: b"a sha256:.. 1\n".to_vec(),
        approvals: Vec::new(),
        void: None,
        rejected: None,
    }
}

pub(in crate::review) fn change(author: &str) -> Change {
    Change {
        number: 12,
        key: "I1".into(),
        environment: "production".parse().unwrap(),
        purpose: Purpose::Normal,
        status: Status::Open,
        patchsets: vec![patchset(author, "c1", "b1")],
        notes: Vec::new(),
    }
}

fn sign(change: &mut Change, name: &str) -> Result<(), ChangeError> {
    let statement = Digest::of(&change.current().unwrap().statement);
    change.approve(who(name), statement, "sig".into())
}

#[test]
fn d8_no_author_of_any_patchset_approves() {
    let mut change = change("frank");
    assert!(matches!(sign(&mut change, "frank"), Err(ChangeError::SelfApproval { .. })));
    change.propose(patchset("alice", "c2", "b1")).unwrap();
    for author in ["frank", "alice"] {
        assert!(matches!(sign(&mut change, author), Err(ChangeError::SelfApproval { .. })), "{author}");
    }
    sign(&mut change, "bob").unwrap();
    assert_eq!(change.current().unwrap().approvals.len(), 1);
}

#[test]
fn d9_a_person_counts_once() {
    let mut change = change("frank");
    sign(&mut change, "bob").unwrap();
    assert_eq!(sign(&mut change, "bob"), Err(ChangeError::Again { who: who("bob") }));
}

#[test]
fn d11_an_amended_change_starts_with_no_approvals() {
    let mut change = change("frank");
    let old = Digest::of(&change.current().unwrap().statement);
    sign(&mut change, "bob").unwrap();
    assert_eq!(change.propose(patchset("frank", "c2", "b1")), Ok(vec![who("bob")]));
    assert_eq!(change.current().unwrap().number, 2);
    assert!(change.current().unwrap().approvals.is_empty());
    assert_eq!(change.patchsets[0].void, Some(Void::Replaced(2)));
    let stale = change.approve(who("carol"), old, "sig".into());
    assert!(matches!(stale, Err(ChangeError::OtherStatement { .. })));
}

#[test]
fn d12_a_moved_base_voids_what_was_signed() {
    let mut change = change("frank");
    sign(&mut change, "bob").unwrap();
    assert_eq!(change.base_moved("b1", 5), None);
    assert_eq!(change.base_moved("b2", 5), Some(vec![who("bob")]));
    assert_eq!(change.base_moved("b3", 6), None, "told once");
    assert_eq!(change.standing(), Standing::Void(Void::BaseMoved(5)));
    assert!(matches!(sign(&mut change, "carol"), Err(ChangeError::Void { .. })));
    change.propose(patchset("frank", "c1", "b2")).unwrap();
    assert_eq!(change.standing(), Standing::Open);
}

#[test]
fn a_rejected_patchset_waits_for_the_next() {
    let mut change = change("frank");
    change.reject(who("bob"));
    assert!(matches!(sign(&mut change, "carol"), Err(ChangeError::Rejected { .. })));
    change.propose(patchset("frank", "c2", "b1")).unwrap();
    sign(&mut change, "carol").unwrap();
}

#[test]
fn a_released_change_is_over() {
    let mut change = change("frank");
    change.status = Status::Released(3);
    assert!(matches!(sign(&mut change, "bob"), Err(ChangeError::Released { .. })));
    assert!(matches!(change.propose(patchset("frank", "c2", "b1")), Err(ChangeError::Released { .. })));
    assert_eq!(change.base_moved("b2", 5), None);
}

#[test]
fn the_same_commit_is_no_new_patchset() {
    let mut change = change("frank");
    let same = change.propose(patchset("frank", "c1", "b1"));
    assert_eq!(same, Err(ChangeError::Same { number: 12, patchset: 1 }));
}
