//! Fixtures of tests: people with keys, a trust root, and releases one after the other.
//!
//! alice, bob and carol review (two of them must sign), dan is `security`, frank is an author,
//! olga operates all nodes and otto only those named `web…`, `server` is the timestamp key.

use super::document::{Document, Envelope, RepoId, V};
use super::key::SigningKey;
use super::merkle::{Entry, Leaf, Leaves};
use super::release::{Release, ReleaseKind};
use super::root::{self, Limits, RawPrincipal, RawRole, RawRoot, Require, Root, Rule, Tls};
use super::timestamp::Timestamp;
use super::trigger::{Action, Trigger};
use super::{Offer, State, Verified, sshsig};
use crate::model::{Catalog, Digest, NodeName, Principal, Resource, Stamp, canonical};

/// Everybody.
pub(crate) const PEOPLE: [&str; 8] = ["alice", "bob", "carol", "dan", "frank", "olga", "otto", "server"];

/// The key of somebody, the same in every run.
pub(crate) fn key(name: &str) -> SigningKey {
    SigningKey::generate(*Digest::of(name.as_bytes()).as_bytes())
}

/// Somebody's name.
pub(crate) fn who(name: &str) -> Principal {
    name.parse().unwrap()
}

/// Midnight of the first day of 2026, and `hours` later.
pub(crate) fn hour(hours: i64) -> Stamp {
    let midnight: Stamp = "2026-01-01T00:00:00Z".parse().unwrap();
    midnight.plus(hours * 3600)
}

/// A role of the trust root.
pub(crate) fn role(name: &str, members: &[&str], threshold: u32) -> RawRole {
    let members = members.iter().map(|member| who(member)).collect();
    let nodes = match name {
        "operator" => Some(vec!["*".parse().unwrap()]),
        "operator-web" => Some(vec!["web*".parse().unwrap()]),
        _ => None,
    };
    RawRole { name: name.parse().unwrap(), members, threshold, nodes, max_life: None }
}

/// The fields of the first trust root.
pub(crate) fn raw_root() -> RawRoot {
    let principal = |name: &&str| RawPrincipal { name: who(name), keys: vec![key(name).public().to_line()] };
    let rule = |path: &str, roles: &[&str]| Rule {
        paths: vec![path.parse().unwrap()],
        roles: roles.iter().map(|name| name.parse().unwrap()).collect(),
    };
    RawRoot {
        document: "root".into(),
        v: V,
        repo: RepoId::new([7; 32]),
        version: 1,
        prev: None,
        created: hour(0),
        expires: hour(24 * 365),
        principals: PEOPLE.iter().map(principal).collect(),
        roles: vec![
            role("root", &["alice", "bob", "carol"], 2),
            role("release", &["alice", "bob", "carol"], 2),
            role("security", &["dan"], 1),
            role("timestamp", &["server"], 1),
            role("operator", &["olga"], 1),
            role("operator-web", &["otto"], 1),
        ],
        rules: vec![rule("modules/firewall/**", &["security"]), rule("modules/**", &["release"])],
        guards: Vec::new(),
        limits: Limits::default(),
        require: Require { sk_user_presence: true, sk_user_verification: false },
        floor: None,
        reset: None,
        tls: Tls { server_ca: Digest::of(b"server"), node_ca: Digest::of(b"node") },
    }
}

/// The document, signed by these people.
pub(crate) fn signed<T: Document>(raw: &T::Raw, people: &[&str]) -> Envelope {
    let bytes = canonical::encode(raw);
    let signatures = people.iter().map(|name| sshsig::sign(&key(name), T::NAMESPACE, &bytes)).collect();
    Envelope { bytes, signatures }
}

/// The first trust root.
pub(crate) fn root() -> Verified<Root> {
    root_of(&raw_root())
}

/// A first trust root with these fields, signed by alice and bob.
pub(crate) fn root_of(raw: &RawRoot) -> Verified<Root> {
    let envelope = signed::<Root>(raw, &["alice", "bob"]);
    root::first(&envelope, envelope.id()).unwrap()
}

/// The fields of the trust root after `before`.
pub(crate) fn raw_after(before: &RawRoot) -> RawRoot {
    let prev = Some(Digest::of(&canonical::encode(before)));
    RawRoot { version: before.version + 1, prev, ..before.clone() }
}

/// The state of a node that just enrolled.
pub(crate) fn enrolled(node: &str) -> State {
    State::enroll(node.parse().unwrap(), "production".parse().unwrap(), root())
}

/// The state of web1 after it accepted `published`.
pub(crate) fn accepted(published: &Published) -> State {
    use super::Decision::{Accept, Unassigned, Unchanged};
    match super::decide(&enrolled("web1"), &published.offer("web1"), published.now()).unwrap() {
        Accept(accepted) | Unchanged(accepted) => accepted.state,
        Unassigned { state } => state,
    }
}

/// A release and everything that is published with it, signed by alice, bob and the server.
#[derive(Debug, Clone)]
pub(crate) struct Published {
    pub(crate) statement: Release,
    pub(crate) timestamp: Timestamp,
    pub(crate) release: Envelope,
    pub(crate) freshness: Envelope,
    pub(crate) leaves: Vec<Leaf>,
    pub(crate) catalogs: Vec<Catalog>,
}

/// Release `seq` after `prev`, for the nodes db1, web1 and web2, made at hour `seq`.
pub(crate) fn publish(seq: u64, prev: Option<&Published>) -> Published {
    publish_with(seq, prev, &[])
}

/// The same with these resources on every node.
pub(crate) fn publish_with(seq: u64, prev: Option<&Published>, resources: &[Resource]) -> Published {
    let environment: crate::model::EnvName = "production".parse().unwrap();
    let names = ["db1", "web1", "web2"].map(|name| name.parse::<NodeName>().unwrap());
    let module: crate::model::ModuleName = format!("module-{seq}").parse().unwrap();
    let catalogs: Vec<Catalog> = names
        .into_iter()
        .map(|node| Catalog::new(environment.clone(), node, vec![module.clone()], resources.to_vec()))
        .collect();
    let salt = *Digest::of(&seq.to_be_bytes()).as_bytes();
    let entry = |catalog: &Catalog| {
        let bytes = catalog.encode();
        Entry { node: catalog.node.clone(), catalog: Digest::of(&bytes), length: bytes.len() as u64 }
    };
    let leaves = Leaves::new(&salt, catalogs.iter().map(entry).collect()).unwrap();
    let created = hour(i64::try_from(seq).unwrap());
    let statement = Release {
        document: "release".into(),
        v: V,
        repo: RepoId::new([7; 32]),
        environment: environment.clone(),
        seq,
        prev: prev.map(|published| published.statement.id()),
        kind: ReleaseKind::Normal,
        change: "c-1".into(),
        patchset: 1,
        commit: "0".repeat(40),
        base: None,
        source: Digest::of(b"source"),
        authors: vec![who("frank")],
        roles: vec!["release".parse().unwrap()],
        policy: Digest::of(b"policy"),
        policy_v: 1,
        compiler: Digest::of(b"compiler"),
        inputs: Digest::of(b"inputs"),
        nodes: 3,
        affected: 3,
        catalogs: leaves.root(),
        salt: Digest::of(&salt),
        root: 1,
        log: None,
        supersedes: Vec::new(),
        created,
        expires: created.plus(30 * 86_400),
        reason: "because".into(),
    };
    let timestamp = Timestamp {
        document: "timestamp".into(),
        v: V,
        repo: RepoId::new([7; 32]),
        environment,
        n: seq * 10,
        root: 1,
        seq,
        release: statement.id(),
        log_size: 0,
        log_root: None,
        withdrawn: None,
        created,
        expires: created.plus(6 * 3600),
    };
    let release = signed::<Release>(&statement, &["alice", "bob"]);
    let freshness = signed::<Timestamp>(&timestamp, &["server"]);
    Published { statement, timestamp, release, freshness, leaves: leaves.documents().collect(), catalogs }
}

impl Published {
    /// Half an hour after it was made.
    pub(crate) fn now(&self) -> Stamp {
        self.statement.created.plus(1800)
    }

    /// What an honest server hands to a node.
    pub(crate) fn offer(&self, node: &str) -> Offer {
        let at = self.leaves.iter().position(|leaf| leaf.node.as_str() == node);
        Offer {
            roots: Vec::new(),
            timestamp: self.freshness.clone(),
            withdrawals: None,
            log_proof: Vec::new(),
            release_log_proof: Vec::new(),
            release: self.release.clone(),
            ratification: Vec::new(),
            chain: Vec::new(),
            leaf: at.map(|at| self.leaves[at].encode()),
            catalog: at.map_or_else(Vec::new, |at| self.catalogs[at].encode()).into(),
        }
    }

    /// Changes the statement, signs it again by these people, and has the timestamp name it.
    pub(crate) fn restated(&self, people: &[&str], change: impl FnOnce(&mut Release)) -> Self {
        let mut next = self.clone();
        change(&mut next.statement);
        next.release = signed::<Release>(&next.statement, people);
        let (release, seq) = (next.statement.id(), next.statement.seq);
        let environment = next.statement.environment.clone();
        next.restamped(|timestamp| {
            (timestamp.release, timestamp.seq) = (release, seq);
            timestamp.environment = environment;
        })
    }

    /// Changes the timestamp and signs it again.
    pub(crate) fn restamped(&self, change: impl FnOnce(&mut Timestamp)) -> Self {
        let mut next = self.clone();
        change(&mut next.timestamp);
        next.freshness = signed::<Timestamp>(&next.timestamp, &["server"]);
        next
    }
}

/// A trigger of `operator` for web1, made at hour 1.
pub(crate) fn trigger(operator: &str) -> Trigger {
    Trigger {
        document: "trigger".into(),
        v: V,
        repo: RepoId::new([7; 32]),
        id: "0123456789abcdef0123456789abcdef".into(),
        operator: who(operator),
        nodes: vec!["web1".parse().unwrap()],
        action: Action::Converge,
        min_seq: 1,
        issued: hour(1),
        expires: hour(1).plus(300),
        reason: "now".into(),
    }
}

/// Numbers that follow from a seed (SplitMix64): the same in every run.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap()
    }

    pub(crate) const fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    /// Flips one bit.
    pub(crate) fn flip(&mut self, bytes: &mut [u8]) {
        let at = self.below(bytes.len());
        bytes[at] ^= 1 << self.below(8);
    }
}
