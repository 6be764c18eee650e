//! What is over.

use super::repo::refreshed;
use crate::drill::paper::file;

const DAY: i64 = 86_400;

#[test]
fn test_root_expired() {
    let (mut repo, client) = refreshed();
    repo.publish_root(|_| {});
    assert_eq!(client.refresh(&repo), "ok");
    let yesterday = repo.now.plus(-3600);
    repo.publish_root(|root| root.expires = yesterday);
    repo.publish("two");
    assert_eq!(client.refresh(&repo), "ROOT_EXPIRED");
    assert_eq!(client.trusted(), (3, Some(1), Some(1)), "the trust root is walked to, and nothing else");
    repo.publish_root(|root| root.expires = root.created.plus(365 * DAY));
    assert_eq!(client.refresh(&repo), "ok");
    assert_eq!(client.trusted(), (4, Some(2), Some(2)));
}

#[test]
fn test_snapshot_expired() {
    let (mut repo, client) = refreshed();
    repo.publish_with(vec![file("/motd", "one")], |release| {
        (release.created, release.expires) = (release.created.plus(-2 * DAY), release.created.plus(-DAY));
    });
    assert_eq!(client.refresh(&repo), "RELEASE_EXPIRED");
    assert_eq!(client.trusted(), (1, Some(1), Some(1)));
}

#[test]
fn test_expired_metadata() {
    let (mut repo, client) = refreshed();
    repo.now = repo.now.plus(18 * DAY);
    assert_eq!(client.refresh(&repo), "FREEZE");
    repo.publish("two");
    assert_eq!(client.refresh(&repo), "ok", "what is stored and over is no obstacle to what is new");
    assert_eq!(client.trusted(), (1, Some(2), Some(2)));
}

#[test]
fn test_timestamp_expired() {
    let (mut repo, client) = refreshed();
    repo.stamp(|stamp| {
        (stamp.created, stamp.expires) = (stamp.created.plus(-7200), stamp.created.plus(-3600))
    });
    assert_eq!(client.refresh(&repo), "FREEZE");
    assert_eq!(client.trusted(), (1, Some(1), Some(1)));
}
