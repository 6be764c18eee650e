//! Artifacts: the contents of files that a catalog names by their digests.

use super::repo::{Client, Repo, blob_of, refreshed};
use crate::drill::paper::{NODE, catalog, file};

#[test]
fn test_client_downloads_expected_file() {
    let (repo, client) = refreshed();
    assert_eq!(client.downloaded(), [b"one"]);
    assert_eq!(client.refresh(&repo), "ok");
    assert!(repo.asked().iter().all(|path| !path.starts_with("blob/")), "it is there already");
}

#[test]
fn test_client_downloads_expected_file_in_sub_dir() {
    let mut repo = Repo::new();
    repo.publish_with(vec![file("/path/to/a/file", "deep")], |_| {});
    repo.files.insert(blob_of("deep"), b"deep".to_vec());
    let client = Client::of(&repo);
    assert_eq!(client.refresh(&repo), "ok");
    assert_eq!(client.downloaded(), [b"deep"]);
}

#[test]
fn test_repository_substitutes_target_file() {
    let (mut repo, client) = refreshed();
    let evil = b"evi".to_vec();
    repo.files.insert(blob_of("one"), evil.clone());
    assert_eq!(client.refresh(&repo), "ok", "what is kept is not fetched again");
    assert_eq!(client.downloaded(), [b"one"]);
    repo.publish("two");
    repo.files.insert(blob_of("two"), evil);
    assert_eq!(client.refresh(&repo), "BLOB_ALTERED");
    assert_eq!(client.downloaded(), [b"one"]);
    assert_eq!(client.trusted(), (1, Some(1), Some(1)));
}

#[test]
fn test_multiple_changes_to_target() {
    let (mut repo, client) = refreshed();
    for round in 0..11 {
        let content = format!("content {round}");
        repo.publish(&content);
        if round % 5 != 0 {
            continue;
        }
        assert_eq!(client.refresh(&repo), "ok", "{round}");
        assert_eq!(client.downloaded(), [content.as_bytes()], "the one before is gone");
        let next = format!("next {round}");
        repo.publish(&next);
        repo.files.insert(blob_of(&next), vec![b'x'; next.len()]);
        assert_eq!(client.refresh(&repo), "BLOB_ALTERED", "{round}");
        assert_eq!(client.downloaded(), [content.as_bytes()]);
        repo.files.insert(blob_of(&next), next.into_bytes());
    }
}

#[test]
fn test_download_with_unknown_hash_algorithm() {
    let (mut repo, client) = refreshed();
    let bytes = catalog(NODE, vec![file("/motd", "two")]).encode();
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains("\"sha256:"));
    repo.publish_bytes(text.replace("\"sha256:", "\"md5:").into_bytes(), |_| {});
    assert_eq!(client.refresh(&repo), "CATALOG");
    assert_eq!(client.downloaded(), [b"one"]);
}
