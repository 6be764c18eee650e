//! A repository in memory, and a client of it: the agent's pulling, on a disk of its own.

use crate::drill::paper::{self, NODE, OTHER, key, name};
use crate::drill::world::tree;
use countersign::agent::disk::Disk;
use countersign::agent::fetch::{Answer, FetchError, Source, Want};
use countersign::agent::identity::Identity;
use countersign::agent::pull::{Pulled, pull};
use countersign::agent::stored;
use countersign::model::{Digest, Resource, Stamp, canonical};
use countersign::signing::root::{self, RawRoot};
use countersign::signing::{Document, Envelope, Release, Root, State, Timestamp, sshsig};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

pub(crate) const TIMESTAMP: &str = "timestamp/production.json";

/// Where the parts of release `seq` are.
pub(crate) fn statement_of(seq: u64) -> String {
    format!("release/production/{seq}/statement.json")
}

pub(crate) fn leaf_of(seq: u64) -> String {
    format!("release/production/{seq}/leaf/{NODE}.json")
}

/// Where the content of a file is.
pub(crate) fn blob_of(content: &str) -> String {
    format!("blob/{}", Digest::of(content.as_bytes()).hex())
}

fn signatures_of(path: &str) -> String {
    path.replace("statement.json", "signatures.json").replace("production.json", "production.signatures.json")
}

/// Everything that is published, who signs, and what was asked for.
pub(crate) struct Repo {
    pub(crate) root: RawRoot,
    /// The last of each, as signed.
    pub(crate) release: Option<Release>,
    pub(crate) timestamp: Option<Timestamp>,
    /// The keys that sign trust roots, releases and timestamps from now on.
    pub(crate) signers: [Vec<String>; 3],
    pub(crate) now: Stamp,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    asked: Arc<Mutex<Vec<String>>>,
}

const ROOT: usize = 0;
const RELEASE: usize = 1;
const STAMP: usize = 2;

fn people(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn sign<T: Document>(bytes: &[u8], signers: &[String]) -> Vec<String> {
    signers.iter().map(|signer| sshsig::sign(&key(signer), T::NAMESPACE, bytes)).collect()
}

impl Repo {
    /// Trust root 1, release 1 with the file `/motd`, and a timestamp for it.
    pub(crate) fn new() -> Self {
        Self::with_root(&people(&["alice", "bob"]), |_| {})
    }

    /// The same with another first trust root, signed by these people.
    pub(crate) fn with_root(signers: &[String], change: impl FnOnce(&mut RawRoot)) -> Self {
        let mut root = paper::first_root(&key("server-ts").public().to_line());
        root.guards.clear();
        change(&mut root);
        let mut repo = Self {
            now: root.created.plus(86_400),
            root,
            release: None,
            timestamp: None,
            signers: [signers.to_vec(), people(&["alice", "bob"]), people(&["server-ts"])],
            files: BTreeMap::new(),
            asked: Arc::default(),
        };
        repo.put_root(repo.root.version);
        repo.publish("one");
        repo
    }

    /// Signs the trust root as it is and puts it where that version belongs.
    fn put_root(&mut self, version: u64) {
        let bytes = canonical::encode(&self.root);
        let list = sign::<Root>(&bytes, &self.signers[ROOT]);
        self.files.insert(format!("root/{version}.signatures.json"), serde_json::to_vec(&list).unwrap());
        self.files.insert(format!("root/{version}.json"), bytes);
    }

    /// The next trust root, with changes.
    pub(crate) fn publish_root(&mut self, change: impl FnOnce(&mut RawRoot)) {
        let version = self.root.version + 1;
        self.root = paper::after(&self.root);
        change(&mut self.root);
        self.put_root(version);
    }

    /// Who signs from now on: trust roots, releases, timestamps.
    pub(crate) fn signed_by(&mut self, root: &[&str], release: &[&str], stamp: &[&str]) {
        self.signers = [people(root), people(release), people(stamp)];
    }

    /// The next release, with this content of `/motd`, and a timestamp for it.
    pub(crate) fn publish(&mut self, content: &str) {
        self.publish_with(vec![paper::file("/motd", content)], |_| {});
        self.files.insert(blob_of(content), content.as_bytes().to_vec());
    }

    /// The next release with these resources, with changes to its statement, and a timestamp for it.
    pub(crate) fn publish_with(&mut self, resources: Vec<Resource>, change: impl FnOnce(&mut Release)) {
        let bytes = paper::catalog(NODE, resources).encode();
        self.publish_bytes(bytes, change);
    }

    /// The next release with these bytes as catalog.
    pub(crate) fn publish_bytes(&mut self, bytes: Vec<u8>, change: impl FnOnce(&mut Release)) {
        let other = paper::catalog(OTHER, Vec::new()).encode();
        let leaves = tree(&[(NODE, bytes.clone()), (OTHER, other)]);
        let last = self.release.as_ref();
        let seq = last.map_or(1, |last| last.seq + 1);
        let mut release = paper::statement(seq, last.map(Release::id), leaves.root());
        (release.created, release.expires) = (self.now, self.now.plus(30 * 86_400));
        change(&mut release);
        self.files.insert(format!("catalog/{}", Digest::of(&bytes).hex()), bytes);
        for leaf in leaves.documents() {
            self.files.insert(format!("release/production/{seq}/leaf/{}.json", leaf.node), leaf.encode());
        }
        self.put_release(seq, &release);
        self.release = Some(release);
        self.stamp(|_| {});
    }

    /// Signs a statement and puts it where number `seq` belongs.
    pub(crate) fn put_release(&mut self, seq: u64, release: &Release) {
        let bytes = release.encode();
        let list = sign::<Release>(&bytes, &self.signers[RELEASE]);
        self.files.insert(signatures_of(&statement_of(seq)), serde_json::to_vec(&list).unwrap());
        self.files.insert(statement_of(seq), bytes);
    }

    /// The next timestamp, for the last release, with changes.
    pub(crate) fn stamp(&mut self, change: impl FnOnce(&mut Timestamp)) {
        let release = self.release.as_ref().unwrap();
        let mut timestamp = Timestamp {
            document: "timestamp".into(),
            v: 1,
            repo: paper::REPO,
            environment: name("production"),
            n: self.timestamp.as_ref().map_or(1, |last| last.n + 1),
            root: 1,
            seq: release.seq,
            release: release.id(),
            log_size: 0,
            log_root: None,
            withdrawn: None,
            created: self.now,
            expires: self.now.plus(3600),
        };
        change(&mut timestamp);
        let bytes = timestamp.encode();
        self.put_timestamp(bytes);
        self.timestamp = Some(timestamp);
    }

    /// Signs these bytes as the timestamp.
    pub(crate) fn put_timestamp(&mut self, bytes: Vec<u8>) {
        let list = sign::<Timestamp>(&bytes, &self.signers[STAMP]);
        self.put_timestamp_signatures(&list);
        self.files.insert(TIMESTAMP.to_owned(), bytes);
    }

    pub(crate) fn put_timestamp_signatures(&mut self, list: &[String]) {
        self.files.insert(signatures_of(TIMESTAMP), serde_json::to_vec(list).unwrap());
    }

    /// What was asked for since the last question.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    /// A version of the trust root, as it is handed out.
    pub(crate) fn root_envelope(&self, version: u64) -> Envelope {
        let at = |end: &str| self.files[&format!("root/{version}{end}")].clone();
        Envelope { bytes: at(".json"), signatures: serde_json::from_slice(&at(".signatures.json")).unwrap() }
    }

    /// Makes the node trust root 1 of this repository.
    pub(crate) fn enroll(&self, disk: &Disk) {
        Identity::load_or_create(disk, &name(NODE)).unwrap();
        let envelope = self.root_envelope(1);
        let root = root::first(&envelope, envelope.id()).unwrap();
        stored::keep_root(disk, 1, &envelope).unwrap();
        stored::keep_state(disk, &State::enroll(name(NODE), name("production"), root)).unwrap();
    }

    /// Puts everything that is published into a directory.
    pub(crate) fn write_to(&self, publication: &Path) {
        for (name, bytes) in &self.files {
            let path = publication.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    }
}

/// What a source hands out at a moment.
#[derive(Debug)]
struct Moment {
    files: BTreeMap<String, Vec<u8>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Source for Moment {
    fn name(&self) -> &str {
        "the repository"
    }

    fn get(&self, want: &Want<'_>) -> Result<Answer, FetchError> {
        self.asked.lock().unwrap().push(want.path.to_owned());
        match self.files.get(want.path) {
            None => Ok(Answer::Missing),
            Some(bytes) if bytes.len() as u64 > want.cap => {
                let (path, from) = (want.path.to_owned(), self.name().to_owned());
                Err(FetchError::TooLong { path, from, cap: want.cap })
            }
            Some(bytes) => Ok(Answer::Bytes { bytes: bytes.clone(), etag: None }),
        }
    }
}

/// A client: the agent with a directory of its own.
pub(crate) struct Client {
    _scratch: tempfile::TempDir,
    pub(crate) disk: Disk,
}

impl Client {
    /// It trusts root 1 of the repository.
    pub(crate) fn of(repo: &Repo) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let disk = Disk::create(&scratch.path().join("agent")).unwrap();
        repo.enroll(&disk);
        Self { _scratch: scratch, disk }
    }

    /// Pulls once, as a new process does; `ok`, or the code of what was wrong.
    pub(crate) fn refresh(&self, repo: &Repo) -> String {
        let source = Moment { files: repo.files.clone(), asked: repo.asked.clone() };
        let mut state = self.state();
        let attempts = pull(&self.disk, &mut state, &[Box::new(source)], repo.now);
        match attempts.pulled {
            Some(Pulled::Ready(_)) => "ok".to_owned(),
            Some(Pulled::Unassigned(_)) => "unassigned".to_owned(),
            None => attempts.problems[0].1.code().to_owned(),
        }
    }

    pub(crate) fn state(&self) -> State {
        stored::load(&self.disk).unwrap().unwrap()
    }

    /// The versions that it trusts: trust root, timestamp, release.
    pub(crate) fn trusted(&self) -> (u64, Option<u64>, Option<u64>) {
        let state = self.state();
        let (timestamp, accepted) = (state.timestamp().map(|seen| seen.n), state.accepted().map(|a| a.seq));
        (state.root().version(), timestamp, accepted)
    }

    /// The contents of files that it keeps.
    pub(crate) fn downloaded(&self) -> Vec<Vec<u8>> {
        let names = self.disk.list("blob").unwrap();
        names.iter().map(|name| self.disk.read(&format!("blob/{name}"), 1 << 20).unwrap().unwrap()).collect()
    }
}

/// A client that has what the repository begins with.
pub(crate) fn refreshed() -> (Repo, Client) {
    let repo = Repo::new();
    let client = Client::of(&repo);
    assert_eq!(client.refresh(&repo), "ok");
    assert_eq!(client.trusted(), (1, Some(1), Some(1)));
    drop(repo.asked());
    (repo, client)
}
