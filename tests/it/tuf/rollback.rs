//! Going back, and the ways back after somebody ran ahead.

use super::repo::{leaf_of, refreshed};
use crate::drill::paper::{key, name};
use countersign::signing::root::ReleasePin;

#[test]
fn test_new_timestamp_version_rollback() {
    let (mut repo, client) = refreshed();
    repo.stamp(|_| {});
    assert_eq!(client.refresh(&repo), "ok");
    repo.stamp(|stamp| stamp.n = 1);
    assert_eq!(client.refresh(&repo), "TIMESTAMP_ROLLBACK");
    assert_eq!(client.trusted(), (1, Some(2), Some(1)));
}

#[test]
fn test_snapshot_rollback() {
    // With and without hashes is one case here: a timestamp always has the digest.
    let (mut repo, client) = refreshed();
    let first = repo.release.clone();
    repo.publish("two");
    assert_eq!(client.refresh(&repo), "ok");
    repo.release = first;
    repo.stamp(|_| {});
    assert_eq!(client.refresh(&repo), "ROLLBACK");
    assert_eq!(client.trusted(), (1, Some(2), Some(2)));
}

#[test]
fn test_targets_rollback() {
    // One statement covers leaf and catalog, so that an older one of them is part of no newer statement.
    let (mut repo, client) = refreshed();
    repo.publish("two");
    assert_eq!(client.refresh(&repo), "ok");
    repo.publish("three");
    let old = repo.files[&leaf_of(1)].clone();
    repo.files.insert(leaf_of(3), old);
    assert_eq!(client.refresh(&repo), "PROOF");
    assert_eq!(client.trusted(), (1, Some(2), Some(2)));
}

#[test]
fn test_new_timestamp_fast_forward_recovery() {
    let (mut repo, client) = refreshed();
    repo.stamp(|stamp| stamp.n = 1 << 52);
    assert_eq!(client.refresh(&repo), "ok");
    repo.timestamp.as_mut().unwrap().n = 1;
    repo.stamp(|_| {});
    assert_eq!(client.refresh(&repo), "TIMESTAMP_ROLLBACK", "without new keys there is no way back");
    repo.publish_root(|root| {
        root.principals.last_mut().unwrap().keys = vec![key("new server").public().to_line()];
    });
    repo.signed_by(&["alice", "bob"], &["alice", "bob"], &["new server"]);
    repo.stamp(|stamp| stamp.n = 1);
    assert_eq!(client.refresh(&repo), "ok");
    assert_eq!(client.trusted(), (2, Some(1), Some(1)));
}

#[test]
fn test_new_snapshot_fast_forward_recovery() {
    // The way back for releases is a reset that the root threshold signs.
    let (mut repo, client) = refreshed();
    let first = repo.release.clone().unwrap();
    for ahead in 2..=9 {
        repo.publish(&format!("ahead {ahead}"));
    }
    assert_eq!(client.refresh(&repo), "ok");
    repo.release = Some(first.clone());
    repo.publish("two");
    assert_eq!(client.refresh(&repo), "ROLLBACK");
    let pin = ReleasePin { environment: name("production"), seq: 1, release: first.id() };
    repo.publish_root(|root| root.reset = Some(pin));
    assert_eq!(client.refresh(&repo), "ok");
    assert_eq!(client.trusted().2, Some(2));
}
