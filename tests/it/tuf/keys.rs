//! Thresholds, and signatures that do not count.

use super::repo::{TIMESTAMP, refreshed};
use crate::drill::paper::{key, role};
use countersign::signing::{Document, Timestamp, sshsig};

#[test]
fn test_snapshot_does_not_meet_threshold() {
    let (mut repo, client) = refreshed();
    repo.publish_root(|root| root.roles[1] = role("release", &["alice", "bob", "carol"], 3));
    repo.signed_by(&["alice", "bob"], &["alice", "bob", "carol"], &["server-ts"]);
    repo.publish("two");
    assert_eq!(client.refresh(&repo), "ok");
    repo.signed_by(&["alice", "bob"], &["alice", "bob"], &["server-ts"]);
    repo.publish("three");
    assert_eq!(client.refresh(&repo), "THRESHOLD");
    assert_eq!(client.trusted(), (2, Some(2), Some(2)));
}

#[test]
fn test_snapshot_has_too_few_keys() {
    // Such a trust root makes no sense and is not walked to.
    let (mut repo, client) = refreshed();
    repo.publish_root(|root| root.roles[1].threshold = 6);
    repo.publish("two");
    assert_eq!(client.refresh(&repo), "MALFORMED");
    assert_eq!(client.trusted(), (1, Some(1), Some(1)));
}

#[test]
fn test_duplicate_keys() {
    let (mut repo, client) = refreshed();
    repo.publish_root(|root| {
        let keys = root.principals[0].keys.clone();
        root.principals[1].keys = keys;
    });
    repo.publish("two");
    assert_eq!(client.refresh(&repo), "MALFORMED");
    assert_eq!(client.trusted(), (1, Some(1), Some(1)));
}

#[test]
fn test_duplicate_sig_keyids() {
    // The suite wants the document refused; here a signature counts once however often it is there, and spoils nothing.
    let (mut repo, client) = refreshed();
    repo.signed_by(&["alice", "bob"], &["alice", "alice", "alice"], &["server-ts"]);
    repo.publish("two");
    assert_eq!(client.refresh(&repo), "THRESHOLD");
    repo.signed_by(&["alice", "bob"], &["alice", "alice", "bob"], &["server-ts"]);
    let release = repo.release.clone().unwrap();
    repo.put_release(2, &release);
    assert_eq!(client.refresh(&repo), "ok");
}

#[test]
fn test_keytype_and_scheme() {
    // Ed25519 alone: the other key types of the suite do not parse.
    let (mut repo, client) = refreshed();
    repo.publish_root(|root| root.roles[0] = role("root", &["alice", "bob", "dan"], 3));
    assert_eq!(client.refresh(&repo), "THRESHOLD");
    repo.root = serde_json::from_slice(&repo.files["root/1.json"]).unwrap();
    repo.signed_by(&["alice", "bob", "dan"], &["alice", "bob"], &["server-ts"]);
    repo.publish_root(|root| root.roles[0] = role("root", &["alice", "bob", "dan"], 3));
    assert_eq!(client.refresh(&repo), "ok");
    repo.publish_root(|_| {});
    let mut list = repo.root_envelope(3).signatures;
    list[2] = sshsig::sign(&key("dan"), "root.v1@countersign.dev", b"something else");
    repo.files.insert("root/3.signatures.json".into(), serde_json::to_vec(&list).unwrap());
    assert_eq!(client.refresh(&repo), "THRESHOLD");
    assert_eq!(client.trusted().0, 2);
}

#[test]
fn test_invalid_sig_in_valid_metadata() {
    let (mut repo, client) = refreshed();
    let elsewhere = sshsig::sign(&key("server-ts"), Timestamp::NAMESPACE, b"something else");
    for bad in [elsewhere, String::new(), "-----BEGIN SSH SIGNATURE-----\n".to_owned()] {
        repo.stamp(|_| {});
        let good = sshsig::sign(&key("server-ts"), Timestamp::NAMESPACE, &repo.files[TIMESTAMP]);
        repo.put_timestamp_signatures(&[bad, good]);
        assert_eq!(client.refresh(&repo), "ok");
    }
}
