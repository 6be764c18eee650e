//! What the attacker's server hands out: the honest files, with changes.

use super::paper::{self, NODE, OTHER, key, name, signed};
use super::server::{Files, Front, Reply, Script};
use super::world::{World, tree};
use countersign::agent::clock::system as now;
use countersign::model::{Catalog, Digest, canonical};
use countersign::signing::merkle::{Leaf, Leaves};
use countersign::signing::root::RawRoot;
use countersign::signing::{Document, Release, Root, Timestamp, document, sshsig};
use std::collections::BTreeMap;

pub(super) const TIMESTAMP: &str = "timestamp/production.json";
pub(super) const STATEMENT: &str = "release/production/3/statement.json";
pub(super) const SIGNATURES: &str = "release/production/3/signatures.json";
pub(super) const LEAF: &str = "release/production/3/leaf/web1.example.json";

/// What the attacker's server does.
#[derive(Debug, Clone)]
pub(super) struct Evil {
    pub(super) front: Front,
    pub(super) files: Files,
    /// Answers that are more than files, by whole target.
    pub(super) replies: BTreeMap<String, Reply>,
}

impl From<Evil> for Script {
    fn from(evil: Evil) -> Self {
        let whole = evil.files.into_iter().map(|(path, bytes)| (format!("/pub/{path}"), Reply::Whole(bytes)));
        Self { front: evil.front, replies: whole.chain(evil.replies).collect() }
    }
}

impl Evil {
    /// The honest files, with the newest of everything.
    pub(super) fn honest(world: &World) -> Self {
        Self { front: Front::Owned, files: world.files.clone(), replies: BTreeMap::new() }
    }

    pub(super) fn front(mut self, front: Front) -> Self {
        self.front = front;
        self
    }

    /// Answers a path of the publication in another way.
    pub(super) fn reply(mut self, path: &str, reply: Reply) -> Self {
        self.replies.insert(format!("/pub/{path}"), reply);
        self
    }

    pub(super) fn get(&self, path: &str) -> Vec<u8> {
        self.files.get(path).unwrap_or_else(|| panic!("no `{path}` is published")).clone()
    }

    pub(super) fn put(mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.to_owned(), bytes.into());
        self
    }

    pub(super) fn drop(mut self, path: &str) -> Self {
        assert!(self.files.remove(path).is_some(), "no `{path}` is published");
        self
    }

    /// Changes the bytes of a file; they must become others.
    pub(super) fn edit(self, path: &str, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut bytes = self.get(path);
        change(&mut bytes);
        assert_ne!(bytes, self.get(path), "`{path}` stays as it was");
        self.put(path, bytes)
    }

    /// Puts `to` in the place of the first `from` of a file.
    pub(super) fn replace(self, path: &str, from: &str, to: &str) -> Self {
        self.edit(path, |bytes| *bytes = replaced(bytes, from, to))
    }

    fn timestamp(&self) -> Timestamp {
        document::read_untrusted(&self.get(TIMESTAMP)).unwrap()
    }

    pub(super) fn statement(&self) -> Release {
        document::read_untrusted(&self.get(STATEMENT)).unwrap()
    }

    /// The next timestamp, fresh, with changes, signed with the server's own key.
    pub(super) fn stamped(self, world: &World, change: impl FnOnce(&mut Timestamp)) -> Self {
        let mut stamp = self.timestamp();
        stamp.n += 1;
        stamp.created = now();
        stamp.expires = stamp.created.plus(3600);
        change(&mut stamp);
        self.stamp_bytes(world, stamp.encode())
    }

    /// These bytes as the timestamp, signed with the server's own key.
    pub(super) fn stamp_bytes(self, world: &World, bytes: Vec<u8>) -> Self {
        let signature = sshsig::sign(world.timestamp_key(), Timestamp::NAMESPACE, &bytes);
        self.put(TIMESTAMP, bytes).signatures(TIMESTAMP, &[signature])
    }

    /// A timestamp for whatever is in the place of release 3.
    pub(super) fn stamped_anew(self, world: &World) -> Self {
        let release = Digest::of(&self.get(STATEMENT));
        self.stamped(world, |stamp| (stamp.seq, stamp.release) = (3, release))
    }

    /// The signatures of a document: the statement's, the timestamp's, or a trust root's.
    pub(super) fn signatures(self, path: &str, signatures: &[String]) -> Self {
        let beside = match path {
            STATEMENT => SIGNATURES.to_owned(),
            path => path.replace(".json", ".signatures.json"),
        };
        self.put(&beside, serde_json::to_vec(signatures).unwrap())
    }

    /// Another statement in the place of release 3, signed by these people, with a timestamp for it.
    pub(super) fn restated(self, world: &World, people: &[&str], change: impl FnOnce(&mut Release)) -> Self {
        let mut release = self.statement();
        change(&mut release);
        self.stated(world, people, release.encode())
    }

    /// These bytes in the place of release 3, signed by these people, with a timestamp for them.
    pub(super) fn stated(self, world: &World, people: &[&str], bytes: Vec<u8>) -> Self {
        let by = |person: &&str| match *person {
            "server-ts" => sshsig::sign(world.timestamp_key(), Release::NAMESPACE, &bytes),
            person => signed::<Release>(&bytes, person),
        };
        let list: Vec<String> = people.iter().map(by).collect();
        self.put(STATEMENT, bytes).signatures(STATEMENT, &list).stamped_anew(world)
    }

    /// Release 3 with this catalog for the node, and everything that must be signed about it signed by alice and bob.
    pub(super) fn with_catalog(self, world: &World, bytes: Vec<u8>) -> Self {
        let other = paper::catalog(OTHER, vec![paper::file("/motd", "three")]).encode();
        let leaves = tree(&[(NODE, bytes.clone()), (OTHER, other)]);
        let evil = self.put(&format!("catalog/{}", Digest::of(&bytes).hex()), bytes);
        evil.with_leaves(&leaves)
            .restated(world, &["alice", "bob"], |release| release.catalogs = leaves.root())
    }

    /// The leaf documents of this tree.
    pub(super) fn with_leaves(self, leaves: &Leaves) -> Self {
        leaves.documents().fold(self, |evil, leaf| {
            evil.put(&format!("release/production/3/leaf/{}.json", leaf.node), leaf.encode())
        })
    }

    /// The node's leaf with changes.
    pub(super) fn with_leaf(self, change: impl FnOnce(&mut Leaf)) -> Self {
        let mut leaf = Leaf::decode(&self.get(LEAF)).unwrap();
        change(&mut leaf);
        self.edit(LEAF, |bytes| *bytes = leaf.encode())
    }

    /// Where the catalog of a node is.
    pub(super) fn catalog_of(&self, node: &str) -> String {
        let leaf = self.get(&format!("release/production/3/leaf/{node}.json"));
        format!("catalog/{}", Leaf::decode(&leaf).unwrap().catalog.hex())
    }

    /// The node's catalog.
    pub(super) fn catalog(&self) -> Catalog {
        Catalog::decode(&self.get(&self.catalog_of(NODE))).unwrap()
    }

    /// Trust root 4, with changes, signed by these people.
    pub(super) fn rooted(self, world: &World, people: &[&str], change: impl FnOnce(&mut RawRoot)) -> Self {
        let mut root = paper::after(&world.roots[2]);
        change(&mut root);
        self.root_bytes(4, people, canonical::encode(&root))
    }

    /// These bytes as a version of the trust root, signed by these people.
    pub(super) fn root_bytes(self, version: u64, people: &[&str], bytes: Vec<u8>) -> Self {
        let list: Vec<String> = people.iter().map(|person| signed::<Root>(&bytes, person)).collect();
        let path = format!("root/{version}.json");
        self.put(&path, bytes).signatures(&path, &list)
    }
}

/// The bytes with `to` in the place of the first `from`.
pub(super) fn replaced(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    assert!(text.contains(from), "no `{from}` in {text}");
    text.replacen(from, to, 1).into_bytes()
}

/// Somebody's signature over a statement for another purpose.
pub(super) fn for_purpose(person: &str, purpose: &str, bytes: &[u8]) -> String {
    sshsig::sign(&key(person), purpose, bytes)
}

/// Another environment.
pub(super) fn staging() -> countersign::model::EnvName {
    name("staging")
}
