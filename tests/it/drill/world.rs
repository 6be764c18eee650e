//! The world that every attack begins with: people, an honest server that runs, and a node at four moments.
//!
//! The site has had three trust roots (carol was a reviewer in the first only; the second has expired; the third has a
//! floor at release 2) and three releases. The attacker knows every file of the server's directory.

use super::paper::{self, NODE, OTHER, catalog, file, signed};
use super::server::{Certificates, Files};
use crate::support::{clean, countersign as program, files_below, ok, transcript};
use countersign::agent::clock::system as now;
use countersign::agent::identity::{certificates, public_key};
use countersign::model::wire::Signed;
use countersign::model::{Catalog, Digest, canonical};
use countersign::signing::merkle::{Entry, Leaves};
use countersign::signing::root::{RawRoot, ReleasePin};
use countersign::signing::withdraw::{Withdrawal, Withdrawals};
use countersign::signing::{Release, Revocation, Root, SigningKey};
use countersign::store::{Publication, PublishedRelease, SignedFile};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A moment in the life of the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    /// It joined and has accepted nothing.
    Fresh,
    /// It has applied release 1, under trust root 1.
    One,
    /// It has applied release 3, under trust root 3.
    Newest,
    /// It has applied release 1, and the timestamp that it knows has expired.
    Stale,
}

impl Node {
    const fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::One => "one",
            Self::Newest => "newest",
            Self::Stale => "stale",
        }
    }
}

/// Everything that there is before the first attack.
pub(super) struct World {
    scratch: tempfile::TempDir,
    honest: Child,
    /// The honest server.
    pub(super) url: String,
    /// The digest that agents pin.
    pub(super) digest: Digest,
    /// The trust roots, 1 to 3.
    pub(super) roots: Vec<RawRoot>,
    /// The statements of releases 1 to 3.
    pub(super) releases: Vec<Release>,
    /// What the honest server hands out.
    pub(super) files: Files,
    /// What the attacker's servers show of themselves.
    pub(super) certificates: Certificates,
    timestamp_key: SigningKey,
    withdrawals: Withdrawals,
}

impl Drop for World {
    fn drop(&mut self) {
        drop(self.honest.kill());
        drop(self.honest.wait());
    }
}

impl World {
    pub(super) fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let server = scratch.path().join("server");
        ok(program().args(["server", "init", "--name", "127.0.0.1"]).arg(&server));
        let timestamp_key =
            SigningKey::from_openssh(&std::fs::read(server.join("timestamp/key")).unwrap()).unwrap();
        let mut first = paper::first_root(&timestamp_key.public().to_line());
        first.tls.server_ca = authority(&server.join("tls/server-ca.pem"));
        first.tls.node_ca = authority(&server.join("tls/node-ca.pem"));
        install(scratch.path(), std::slice::from_ref(&first));
        let (honest, url) = serve(&server);
        let mut world = Self {
            digest: Digest::of(&canonical::encode(&first)),
            roots: vec![first],
            releases: Vec::new(),
            files: Files::default(),
            certificates: Certificates::of(&server.join("tls")),
            timestamp_key,
            withdrawals: Withdrawals::default(),
            honest,
            url,
            scratch,
        };
        world.live();
        world
    }

    /// What happened before the attacks.
    fn live(&mut self) {
        let token = self.token(NODE);
        let fresh = self.home(Node::Fresh);
        std::fs::create_dir_all(fresh.join("root/srv")).unwrap();
        ok(&mut self.enroll(&fresh, NODE, &token));
        self.release("one");
        self.take_back();
        copy(&fresh, &self.home(Node::One));
        self.ends(2, &self.home(Node::One));
        self.remember();
        // An honest word that holds for two seconds only: long enough for one run, and over before the attacks.
        let stale = self.home(Node::Stale);
        copy(&fresh, &stale);
        let brief = super::Evil::honest(self).stamped(self, |stamp| stamp.expires = stamp.created.plus(2));
        let server = super::server::Server::start(brief, &self.certificates);
        point(&stale, &server.url);
        self.ends(2, &stale);
        drop(server);
        let seen = Instant::now();
        self.release("two");
        self.renew_roots();
        self.release("three");
        copy(&self.home(Node::One), &self.home(Node::Newest));
        self.ends(2, &self.home(Node::Newest));
        self.remember();
        std::thread::sleep(Duration::from_secs(4).saturating_sub(seen.elapsed()));
    }

    /// Bob takes back his signature on a rival of release 2 and revokes his second key, and the server's timestamp says so.
    fn take_back(&mut self) {
        let rival = self.rival();
        let withdrawal = Withdrawal {
            document: "withdraw".into(),
            v: 1,
            repo: paper::REPO,
            environment: rival.environment.clone(),
            release: rival.id(),
            by: paper::name("bob"),
            created: rival.created,
            reason: "a mistake".into(),
        };
        let bytes = withdrawal.encode();
        let signatures = vec![signed::<Withdrawal>(&bytes, "bob")];
        let entry = Signed { document: String::from_utf8(bytes).unwrap(), signatures };
        self.withdrawals = Withdrawals::default().with(entry).with(revocation(rival.created));
        let directory = self.scratch.path().join("server/publish");
        let publication = Publication::open(&directory).unwrap();
        publication.set_withdrawals(&rival.environment, &self.withdrawals.encode()).unwrap();
        let digest = self.withdrawals.digest().unwrap().to_string();
        wait("the timestamp with the withdrawal", || {
            let text = std::fs::read_to_string(directory.join("timestamp/production.json"));
            text.is_ok_and(|text| text.contains(&digest))
        });
    }

    /// What alice and bob signed for the place of release 2 before they signed release 2.
    pub(super) fn rival(&self) -> Release {
        let first = &self.releases[0];
        let mut rival = paper::statement(2, Some(first.id()), first.catalogs);
        (rival.created, rival.expires) = (first.created, first.expires);
        rival
    }

    /// The honest list of what was taken back.
    pub(super) fn withdrawals(&self) -> Vec<u8> {
        self.withdrawals.encode()
    }

    /// Trust roots 2, which has expired, and 3, which has a floor at release 2.
    fn renew_roots(&mut self) {
        let now = now();
        let second = paper::without_carol(&self.roots[0], now);
        let release = self.releases[1].id();
        let mut third = paper::after(&second);
        third.expires = now.plus(300 * 86_400);
        third.floor = Some(ReleasePin { environment: paper::name("production"), seq: 2, release });
        self.roots.extend([second, third]);
        install(self.scratch.path(), &self.roots);
    }

    /// Publishes the next release, signed by alice and bob, and waits for the server's timestamp.
    fn release(&mut self, motd: &str) {
        let catalogs = [NODE, OTHER].map(|node| catalog(node, vec![file("/motd", motd)]));
        let leaves = tree(&catalogs.each_ref().map(|catalog| (catalog.node.as_str(), catalog.encode())));
        let (seq, prev) = (self.releases.len() as u64 + 1, self.releases.last().map(Release::id));
        let statement = paper::statement(seq, prev, leaves.root());
        let bytes = statement.encode();
        let sign = |person: &str| (paper::name(person), signed::<Release>(&bytes, person));
        let published = PublishedRelease {
            env: statement.environment.clone(),
            seq,
            statement: SignedFile { bytes: bytes.clone(), signatures: ["alice", "bob"].map(sign).into() },
            leaves: leaves.documents().map(|leaf| (leaf.node.clone(), leaf.encode())).collect(),
            catalogs: catalogs.iter().map(Catalog::encode).collect(),
            waivers: Vec::new(),
            blobs: vec![motd.as_bytes().to_vec()],
        };
        let directory = self.scratch.path().join("server/publish");
        Publication::open(&directory).unwrap().add_release(&published).unwrap();
        let (id, version) = (statement.id().to_string(), format!("\"root\":{},", self.roots.len()));
        wait("the server's timestamp", || {
            let text = std::fs::read_to_string(directory.join("timestamp/production.json"));
            text.is_ok_and(|text| text.contains(&id) && text.contains(&version))
        });
        self.releases.push(statement);
    }

    /// Takes a copy of everything that the honest server hands out.
    fn remember(&mut self) {
        let directory = self.scratch.path().join("server/publish");
        for path in files_below(&directory, &["json"]).into_iter().chain(objects(&directory)) {
            let name = path.strip_prefix(&directory).unwrap().to_str().unwrap().to_owned();
            self.files.insert(name, std::fs::read(&path).unwrap());
        }
    }

    /// The digests of the honest trust roots.
    pub(super) fn root_ids(&self) -> Vec<Digest> {
        self.roots.iter().map(|root| Digest::of(&canonical::encode(root))).collect()
    }

    /// The key that the attacker found on the server.
    pub(super) const fn timestamp_key(&self) -> &SigningKey {
        &self.timestamp_key
    }

    /// A one-time token of the honest server.
    pub(super) fn token(&self, node: &str) -> String {
        let said =
            ok(program().args(["node", "token", node, "--server"]).arg(self.scratch.path().join("server")));
        said.lines().next().unwrap().to_owned()
    }

    /// The directories of a node at that moment: `state` and `root`.
    pub(super) fn home(&self, node: Node) -> PathBuf {
        self.scratch.path().join(node.name())
    }

    /// A directory for the attack with that number.
    pub(super) fn place(&self, number: usize) -> PathBuf {
        self.scratch.path().join(format!("attack-{number}"))
    }

    /// `agent enroll` at the honest server.
    pub(super) fn enroll(&self, home: &Path, node: &str, token: &str) -> Command {
        enroll(home, &self.url, &self.digest.to_string(), &["--name", node, "--token", token])
    }

    /// A run at the honest server that must end with `code`.
    fn ends(&self, code: i32, home: &Path) {
        let output = run(home).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", transcript(&output));
    }
}

/// `agent enroll` with further arguments.
pub(super) fn enroll(home: &Path, url: &str, digest: &str, more: &[&str]) -> Command {
    let mut command = program();
    command.args(["agent", "enroll", "--server", url, "--root-digest", digest, "--state"]);
    command.arg(home.join("state")).args(more);
    command
}

/// `agent run --test` of a node.
pub(super) fn run(home: &Path) -> Command {
    let mut command = program();
    command.args(["agent", "run", "--test", "--state"]).arg(home.join("state"));
    command.arg("--root").arg(home.join("root"));
    command
}

/// Makes the server at `url` the only one that a node knows.
pub(super) fn point(home: &Path, url: &str) {
    std::fs::write(home.join("state/servers"), format!("{url}\n")).unwrap();
}

/// A copy of a node's directories.
pub(super) fn copy(from: &Path, to: &Path) {
    ok(clean("cp").arg("-a").arg(from).arg(to));
}

/// The tree of these catalogs.
pub(crate) fn tree(catalogs: &[(&str, Vec<u8>)]) -> Leaves {
    let entries = catalogs.iter().map(|(node, bytes)| Entry {
        node: paper::name(node),
        catalog: Digest::of(bytes),
        length: bytes.len() as u64,
    });
    Leaves::new(&[7; 32], entries.collect()).unwrap()
}

/// Waits until something is so.
pub(super) fn wait(what: &str, mut there: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !there() {
        assert!(Instant::now() < until, "{what} did not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Bob's second key takes itself out of use.
fn revocation(created: countersign::model::Stamp) -> Signed {
    let revocation = Revocation {
        document: "revoke".into(),
        v: 1,
        repo: paper::REPO,
        key: paper::key("bob-2").public().to_line(),
        created,
        reason: "a lost laptop".into(),
    };
    let bytes = revocation.encode();
    let signatures = vec![signed::<Revocation>(&bytes, "bob-2")];
    Signed { document: String::from_utf8(bytes).unwrap(), signatures }
}

fn serve(server: &Path) -> (Child, String) {
    let mut command = program();
    command.arg("serve").arg(server).args(["--listen", "127.0.0.1:0"]);
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (process, line.trim().strip_prefix("Listening on ").unwrap().to_owned())
}

/// Installs these trust roots, signed by alice and bob, as an administrator does.
fn install(scratch: &Path, roots: &[RawRoot]) {
    let directory = scratch.join("trust");
    for root in roots {
        let bytes = canonical::encode(root);
        let signatures = directory.join(format!("{}.sig.d", root.version));
        std::fs::create_dir_all(&signatures).unwrap();
        for person in ["alice", "bob"] {
            std::fs::write(signatures.join(format!("{person}.sig")), signed::<Root>(&bytes, person)).unwrap();
        }
        std::fs::write(directory.join(format!("{}.json", root.version)), bytes).unwrap();
    }
    ok(program().args(["server", "trust"]).arg(scratch.join("server")).arg(directory));
}

fn authority(path: &Path) -> Digest {
    public_key(&certificates(&std::fs::read(path).unwrap()).unwrap()[0]).unwrap()
}

/// Catalogs, blobs and lists of withdrawals: their names have no ending.
fn objects(directory: &Path) -> Vec<PathBuf> {
    ["catalog", "blob", "withdrawals", "log"]
        .iter()
        .flat_map(|name| files_in(&directory.join(name)))
        .collect()
}

fn files_in(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_in(&path) } else { vec![path] }).collect()
}
