//! A small world for the agent's tests: people with keys, a publication in a directory, a node that joined.

use super::disk::Disk;
use super::fetch::{Directory, Source};
use super::identity::Identity;
use super::stored;
use crate::model::resource::{Content, File, FileEnsure as Ensure, Meta};
use crate::model::{Catalog, Checkpoint, Digest, NodeName, Resource, Spec, Stamp};
use crate::signing::document::Hash;
use crate::signing::log::{Edge, Tile};
use crate::signing::merkle::{Entry, Leaf, Leaves};
use crate::signing::release::ReleaseKind;
use crate::signing::root::{self, Limits, RawPrincipal, RawRole, RawRoot, Require, Rule, Tls};
use crate::signing::{
    Document, Envelope, Ratification, Release, RepoId, Root, SigningKey, State, Timestamp, Trigger, Verified,
    sshsig,
};
use std::path::{Path, PathBuf};

/// The time at which everything happens.
pub(super) const NOW: Stamp = Stamp::from_unix(1_780_000_000);

/// [`NOW`] as a clock.
pub(super) const fn now() -> Stamp {
    NOW
}

/// The node of the tests.
pub(super) const NODE: &str = "web1.example";
/// Its neighbour.
pub(super) const OTHER: &str = "web2.example";

/// People with keys and what they published.
#[derive(Clone)]
pub(super) struct World {
    pub(super) root: Verified<Root>,
    first: Envelope,
    last: Option<(u64, Digest)>,
    n: u64,
    /// The hashes of the log's entries; a server without a log when there are none.
    pub(super) log: Vec<Hash>,
    /// The log that the next statements name.
    pub(super) named: Option<Checkpoint>,
}

/// A release to publish.
pub(super) struct Draft {
    /// The content of `/motd` on each node.
    pub(super) motd: String,
    /// Who signs.
    pub(super) signers: Vec<&'static str>,
    /// What sort of release it is.
    pub(super) kind: ReleaseKind,
    /// What else the catalogs say.
    pub(super) more: Option<More>,
}

/// Changes a catalog before it is published.
pub(super) type More = Box<dyn Fn(&mut Catalog)>;

impl Draft {
    pub(super) fn of(motd: &str) -> Self {
        Self { motd: motd.to_owned(), signers: vec!["alice", "bob"], kind: ReleaseKind::Normal, more: None }
    }

    /// An emergency of four hours, signed by dan alone.
    pub(super) fn emergency(motd: &str) -> Self {
        Self { motd: motd.to_owned(), signers: vec!["dan"], kind: ReleaseKind::BreakGlass, more: None }
    }

    /// The same with more in its catalogs.
    pub(super) fn with(mut self, more: impl Fn(&mut Catalog) + 'static) -> Self {
        self.more = Some(Box::new(more));
        self
    }

    pub(super) fn signed_by(mut self, signers: &[&'static str]) -> Self {
        self.signers = signers.to_vec();
        self
    }
}

/// The key of a person: the same in every test.
pub(super) fn key(name: &str) -> SigningKey {
    SigningKey::generate(*Digest::of(name.as_bytes()).as_bytes())
}

fn name<T: std::str::FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().unwrap()
}

/// A document signed by these people.
pub(super) fn envelope<T: Document>(bytes: Vec<u8>, signers: &[&str]) -> Envelope {
    let sign = |who: &&str| sshsig::sign(&key(who), T::NAMESPACE, &bytes);
    let signatures = signers.iter().map(sign).collect();
    Envelope { bytes, signatures }
}

impl World {
    pub(super) fn new() -> Self {
        let raw = raw_root();
        let first = envelope::<Root>(Root::new(raw).unwrap().encode(), &["alice", "bob"]);
        let root = root::first(&first, first.id()).unwrap();
        Self { root, first, last: None, n: 0, log: Vec::new(), named: None }
    }

    /// The first trust root with its signatures.
    pub(super) fn first(&self) -> Envelope {
        self.first.clone()
    }

    /// A node that has joined, in a new directory.
    pub(super) fn node(&self, directory: &Path) -> (Disk, State) {
        let disk = Disk::create(directory).unwrap();
        Identity::load_or_create(&disk, &name(NODE)).unwrap();
        stored::keep_root(&disk, 1, &self.first).unwrap();
        let state = State::enroll(name(NODE), name("production"), self.root.clone());
        stored::keep_state(&disk, &state).unwrap();
        (disk, state)
    }

    /// Publishes the next release and a timestamp for it.
    pub(super) fn publish(&mut self, directory: &Path, draft: &Draft) -> u64 {
        let seq = self.last.map_or(1, |(seq, _)| seq + 1);
        let catalogs: Vec<(NodeName, Vec<u8>)> =
            [NODE, OTHER].map(|node| (name(node), catalog(node, draft).encode())).into();
        let entry = |(node, bytes): &(NodeName, Vec<u8>)| Entry {
            node: node.clone(),
            catalog: Digest::of(bytes),
            length: bytes.len() as u64,
        };
        let leaves = Leaves::new(&[7; 32], catalogs.iter().map(entry).collect()).unwrap();
        let release = self.statement(seq, draft.kind, leaves.root());
        let place = directory.join(format!("release/production/{seq}"));
        let signed = envelope::<Release>(release.encode(), &draft.signers);
        write_envelope(&place.join("statement.json"), &place.join("signatures.json"), &signed);
        for leaf in leaves.documents() {
            write(&place.join(format!("leaf/{}.json", leaf.node)), &Leaf::encode(&leaf));
        }
        for (_, bytes) in &catalogs {
            write(&directory.join(format!("catalog/{}", Digest::of(bytes).hex())), bytes);
        }
        let blob = draft.motd.as_bytes();
        write(&directory.join(format!("blob/{}", Digest::of(blob).hex())), blob);
        write_envelope(
            &directory.join("root/1.json"),
            &directory.join("root/1.signatures.json"),
            &self.first,
        );
        self.last = Some((seq, release.id()));
        self.stamp(directory, NOW);
        seq
    }

    /// Publishes signatures of these people that ratify the last release.
    pub(super) fn ratify(&self, directory: &Path, people: &[&str]) {
        let place = directory.join(format!("release/production/{}", self.last.unwrap().0));
        let statement = std::fs::read(place.join("statement.json")).unwrap();
        let release: Release = crate::signing::document::read_untrusted(&statement).unwrap();
        let signed = envelope::<Ratification>(Ratification::of(&release).encode(), people);
        write(&place.join("ratification.json"), &serde_json::to_vec(&signed.signatures).unwrap());
    }

    /// Publishes a fresh timestamp for the last release.
    pub(super) fn stamp(&mut self, directory: &Path, created: Stamp) {
        let (seq, release) = self.last.unwrap();
        self.n += 1;
        let log = self.write_log(&directory.join("log"));
        let timestamp = Timestamp {
            document: "timestamp".into(),
            v: 1,
            repo: self.root.repo(),
            environment: name("production"),
            n: self.n,
            root: 1,
            seq,
            release,
            log_size: log.map_or(0, |log| log.size),
            log_root: log.map(|log| log.root),
            withdrawn: None,
            created,
            expires: created.plus(3600),
        };
        let signed = envelope::<Timestamp>(timestamp.encode(), &["server-ts"]);
        let at = directory.join("timestamp");
        write_envelope(&at.join("production.json"), &at.join("production.signatures.json"), &signed);
    }

    /// Goes on with the numbers of timestamps where the one or the other ended.
    pub(super) fn go_on_after(&mut self, other: &Self) {
        self.n = self.n.max(other.n);
    }

    /// Publishes the tiles of the log and returns its checkpoint.
    fn write_log(&self, directory: &Path) -> Option<Checkpoint> {
        let mut edge = Edge::default();
        let put = |tile: Tile, bytes: Vec<u8>| write(&directory.join(tile.path()), &bytes);
        for leaf in &self.log {
            edge.append(*leaf, put);
        }
        edge.partial().for_each(|(tile, bytes)| put(tile, bytes));
        edge.checkpoint()
    }

    /// A trigger of the operator for the node.
    pub(super) fn trigger(&self, id: u8) -> Trigger {
        Trigger {
            document: "trigger".into(),
            v: 1,
            repo: self.root.repo(),
            id: crate::model::digest::hex(&[id; 16]),
            operator: name("olga"),
            nodes: vec![name(NODE)],
            action: crate::signing::trigger::Action::Converge,
            min_seq: 0,
            issued: NOW,
            expires: NOW.plus(300),
            reason: "test".into(),
        }
    }

    fn statement(&self, seq: u64, kind: ReleaseKind, catalogs: Digest) -> Release {
        let some = Digest::of(b"");
        Release {
            document: "release".into(),
            v: 1,
            repo: self.root.repo(),
            environment: name("production"),
            seq,
            prev: self.last.map(|(_, id)| id),
            kind,
            change: "1".into(),
            patchset: 1,
            commit: "a".repeat(40),
            base: None,
            source: some,
            authors: vec![name("frank")],
            roles: vec![name("release")],
            policy: some,
            policy_v: 1,
            compiler: some,
            inputs: some,
            nodes: 2,
            affected: 2,
            catalogs,
            salt: some,
            root: 1,
            log: self.named,
            supersedes: Vec::new(),
            created: NOW,
            expires: NOW.plus(if kind == ReleaseKind::BreakGlass { 4 * 3600 } else { 30 * 86_400 }),
            reason: "test".into(),
        }
    }
}

fn raw_root() -> RawRoot {
    let people = ["alice", "bob", "frank", "olga", "dan", "server-ts"];
    let principal = |who: &str| RawPrincipal { name: name(who), keys: vec![key(who).public().to_line()] };
    let role = |title: &str, members: &[&str], threshold, nodes: Option<&str>| RawRole {
        name: name(title),
        members: members.iter().map(|who| name(who)).collect(),
        threshold,
        nodes: nodes.map(|glob| vec![glob.to_owned().try_into().unwrap()]),
        max_life: None,
    };
    RawRoot {
        document: "root".into(),
        v: 1,
        repo: RepoId::new([1; 32]),
        version: 1,
        prev: None,
        created: NOW.plus(-86_400),
        expires: NOW.plus(365 * 86_400),
        principals: people.map(principal).into(),
        roles: vec![
            role("root", &["alice", "bob"], 2, None),
            role("release", &["alice", "bob", "frank"], 2, None),
            role("timestamp", &["server-ts"], 1, None),
            role("operator", &["olga"], 1, Some("*")),
            role("break-glass", &["dan"], 1, Some("web*")),
        ],
        rules: vec![Rule { paths: vec!["**".to_owned().try_into().unwrap()], roles: vec![name("release")] }],
        guards: Vec::new(),
        limits: Limits::default(),
        require: Require { sk_user_presence: true, sk_user_verification: false },
        floor: None,
        reset: None,
        tls: Tls { server_ca: Digest::of(b"ca"), node_ca: Digest::of(b"node ca") },
    }
}

fn catalog(node: &str, draft: &Draft) -> Catalog {
    let motd = &draft.motd;
    let content = Content::Blob { digest: Digest::of(motd.as_bytes()), size: motd.len() as u64 };
    let motd = file("/motd", Ensure::File, Some(content));
    let mut catalog = Catalog::new(name("production"), name(node), vec![name("motd")], vec![motd]);
    if let Some(more) = &draft.more {
        more(&mut catalog);
    }
    catalog
}

/// A file resource that sets nothing else.
pub(super) fn file(path: &str, ensure: Ensure, content: Option<Content>) -> Resource {
    let file = File {
        path: path.into(),
        ensure,
        content,
        target: None,
        owner: None,
        group: None,
        mode: None,
        selinux: None,
        recurse: false,
        recurselimit: None,
        max_files: None,
        purge: false,
        ignore: Vec::new(),
        force: false,
        replace: true,
        backup: None,
        validate_cmd: Vec::new(),
        show_diff: true,
    };
    Resource { title: path.into(), spec: Spec::File(file), meta: Meta::of(name("motd")) }
}

pub(super) fn write_envelope(document: &Path, signatures: &Path, envelope: &Envelope) {
    write(document, &envelope.bytes);
    write(signatures, &serde_json::to_vec(&envelope.signatures).unwrap());
}

/// Writes a file and the directories on the way.
pub(super) fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// The publication in `directory` as the only source.
pub(super) fn only(directory: &Path) -> Vec<Box<dyn Source>> {
    vec![Box::new(Directory::new(directory))]
}

/// Every file below `directory` with its bytes.
pub(super) fn snapshot(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let (mut found, mut todo) = (Vec::new(), vec![directory.to_owned()]);
    while let Some(dir) = todo.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else {
                found.push((path.clone(), std::fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}
