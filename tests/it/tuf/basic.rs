//! Requests, what is trusted afterwards, and what is not signed, not there, or not what it should be.

use super::repo::{Client, Repo, TIMESTAMP, blob_of, leaf_of, refreshed, statement_of};
use crate::drill::paper::{NODE, file};
use countersign::model::{Digest, canonical};
use countersign::signing::merkle::Leaf;
use countersign::signing::{Envelope, root};

#[test]
fn test_basic_refresh_requests() {
    let repo = Repo::new();
    assert_eq!(Client::of(&repo).refresh(&repo), "ok");
    let catalog = Leaf::decode(&repo.files[&leaf_of(1)]).unwrap().catalog.hex();
    let expected = [
        "root/2.json".to_owned(),
        TIMESTAMP.to_owned(),
        "timestamp/production.signatures.json".to_owned(),
        statement_of(1),
        "release/production/1/signatures.json".to_owned(),
        leaf_of(1),
        format!("catalog/{catalog}"),
        blob_of("one"),
    ];
    assert_eq!(repo.asked(), expected);
}

#[test]
fn test_basic_refresh_trusted_data() {
    let (repo, client) = refreshed();
    let state = client.state();
    let kept = |name: String| client.disk.read(&name, 1 << 20).unwrap().unwrap();
    let timestamp = kept(format!("timestamp/{}.json", state.timestamp().unwrap().id.hex()));
    let release = state.accepted().unwrap().id.hex();
    assert_eq!(timestamp, repo.files[TIMESTAMP]);
    assert_eq!(kept(format!("release/{release}.json")), repo.files[&statement_of(1)]);
    assert_eq!(kept(format!("leaf/{release}")), repo.files[&leaf_of(1)]);
    assert_eq!(kept("root/1.json".into()), repo.files["root/1.json"]);
}

#[test]
fn test_metadata_bytes_match() {
    // What is stored is what came, byte for byte; and there is one spelling, so that no other comes.
    let (mut repo, client) = refreshed();
    repo.stamp(|_| {});
    let mut bytes = repo.files[TIMESTAMP].clone();
    bytes.push(b' ');
    repo.put_timestamp(bytes);
    assert_eq!(client.refresh(&repo), "FORM");
    assert_eq!(client.trusted(), (1, Some(1), Some(1)));
}

/// The first trust root after `change`, handed over with the digest that it then has.
fn initial(change: impl FnOnce(&mut Envelope)) -> &'static str {
    let mut envelope = Repo::new().root_envelope(1);
    change(&mut envelope);
    root::first(&envelope, envelope.id()).map_or_else(|refusal| refusal.code(), |_| "ok")
}

#[test]
fn test_invalid_initial_root() {
    assert_eq!(initial(|_| {}), "ok");
    let without_version = |envelope: &mut Envelope| {
        let text = String::from_utf8(envelope.bytes.clone()).unwrap();
        assert!(text.contains("\"version\":1,"));
        envelope.bytes = text.replace("\"version\":1,", "").into_bytes();
    };
    assert_eq!(initial(without_version), "FORM");
}

#[test]
fn test_unsigned_initial_root() {
    assert_eq!(initial(|envelope| envelope.signatures.clear()), "UNSIGNED");
    assert_eq!(initial(|envelope| envelope.signatures.truncate(1)), "THRESHOLD");
}

#[test]
fn test_unsigned_metadata() {
    for (role, expected, trusted) in [
        ("root", "THRESHOLD", 1),
        ("timestamp", "UNSIGNED", 2),
        ("snapshot", "THRESHOLD", 2),
        ("targets", "PROOF", 2),
    ] {
        let mut repo = Repo::new();
        let client = Client::of(&repo);
        let (root, release, stamp): (&[&str], &[&str], &[&str]) = match role {
            "root" => (&["alice"], &["alice", "bob"], &["server-ts"]),
            "timestamp" => (&["alice", "bob"], &["alice", "bob"], &[]),
            "snapshot" => (&["alice", "bob"], &["alice"], &["server-ts"]),
            _ => (&["alice", "bob"], &["alice", "bob"], &["server-ts"]),
        };
        repo.signed_by(root, release, stamp);
        repo.publish_root(|_| {});
        repo.publish("two");
        if role == "targets" {
            // No signature of its own: the proof stands for it.
            let old = repo.files[&leaf_of(1)].clone();
            repo.files.insert(leaf_of(2), old);
        }
        assert_eq!(client.refresh(&repo), expected, "{role}");
        assert_eq!(client.trusted(), (trusted, None, None), "{role}");
    }
}

#[test]
fn test_url_and_metadata_version_mismatch() {
    let (mut repo, client) = refreshed();
    repo.publish_root(|root| root.version = 3);
    assert_eq!(client.refresh(&repo), "ROOT_SKIPPED");
    let (mut repo, client) = refreshed();
    repo.publish_with(vec![file("/motd", "one")], |release| release.seq = 3);
    repo.stamp(|stamp| stamp.seq = 2);
    assert_eq!(client.refresh(&repo), "MIX");
    let (mut repo, client) = refreshed();
    repo.publish("two");
    let old = repo.files[&leaf_of(1)].clone();
    repo.files.insert(leaf_of(2), old);
    assert_eq!(client.refresh(&repo), "PROOF");
    assert_eq!(client.trusted(), (1, Some(1), Some(1)));
}

#[test]
fn test_timestamp_content_changes() {
    // The suite lets a client keep what it has; here a second text under one number is told as what it is.
    let (mut repo, client) = refreshed();
    repo.stamp(|stamp| (stamp.n, stamp.expires) = (1, stamp.expires.plus(60)));
    assert_eq!(client.refresh(&repo), "TIMESTAMP_EQUIVOCATION");
    assert_eq!(client.trusted(), (1, Some(1), Some(1)));
}

#[test]
fn test_basic_metadata_hash_support() {
    let (mut repo, client) = refreshed();
    repo.publish("two");
    repo.stamp(|stamp| stamp.release = Digest::of(b"another"));
    assert_eq!(client.refresh(&repo), "MIX");
    repo.stamp(|_| {});
    let path = format!("catalog/{}", Leaf::decode(&repo.files[&leaf_of(2)]).unwrap().catalog.hex());
    let good = repo.files[&path].clone();
    repo.files.get_mut(&path).unwrap()[10] ^= 1;
    assert_eq!(client.refresh(&repo), "CATALOG_ALTERED");
    repo.files.insert(path, good);
    assert_eq!(client.refresh(&repo), "ok");
}

#[test]
fn test_custom_fields() {
    // The suite wants unknown fields to be taken along; here what is not known is refused (D47).
    let (mut repo, client) = refreshed();
    repo.publish_root(|_| {});
    let text = String::from_utf8(canonical::encode(&repo.root)).unwrap();
    let bytes = text.replacen(",\"v\":1", ",\"v\":1,\"custom-field\":\"value\"", 1).into_bytes();
    let sign = |who| {
        countersign::signing::sshsig::sign(&crate::drill::paper::key(who), "root.v1@countersign.dev", &bytes)
    };
    let list = ["alice", "bob"].map(sign);
    repo.files.insert("root/2.signatures.json".into(), serde_json::to_vec(&list).unwrap());
    repo.files.insert("root/2.json".into(), bytes.clone());
    assert_eq!(client.refresh(&repo), "FORM");
    assert_eq!(client.trusted(), (1, Some(1), Some(1)));
}

/// A part of release 2 is not there.
fn absent(path: impl FnOnce(&Repo) -> String) {
    let (mut repo, client) = refreshed();
    repo.publish("two");
    let path = path(&repo);
    let bytes = repo.files.remove(&path).unwrap();
    assert_eq!(client.refresh(&repo), "MISSING", "{path}");
    assert_eq!(client.trusted(), (1, Some(1), Some(1)), "all of it, or nothing");
    repo.files.insert(path, bytes);
    assert_eq!(client.refresh(&repo), "ok");
    assert_eq!(client.trusted(), (1, Some(2), Some(2)));
}

#[test]
fn test_snapshot_404() {
    absent(|_| statement_of(2));
}

#[test]
fn test_targets_404() {
    absent(|repo| {
        let leaf = Leaf::decode(&repo.files[&leaf_of(2)]).unwrap();
        assert_eq!(leaf.node.as_str(), NODE);
        format!("catalog/{}", leaf.catalog.hex())
    });
}

#[test]
fn test_timestamp_404() {
    absent(|_| TIMESTAMP.to_owned());
}

#[test]
fn test_incorrect_metadata_type() {
    // A statement, signed with the timestamp key as a timestamp is.
    let (mut repo, client) = refreshed();
    repo.publish("two");
    let statement = repo.files[&statement_of(2)].clone();
    repo.put_timestamp(statement);
    assert_eq!(client.refresh(&repo), "FORM");
    assert_eq!(client.trusted(), (1, Some(1), Some(1)));
}

#[test]
fn test_faketime() {
    let (mut repo, client) = refreshed();
    let week = repo.now.plus(7 * 86_400);
    repo.publish_root(|root| root.expires = week);
    assert_eq!(client.refresh(&repo), "ok");
    repo.now = week.plus(86_400);
    repo.stamp(|_| {});
    assert_eq!(client.refresh(&repo), "ROOT_EXPIRED");
}
