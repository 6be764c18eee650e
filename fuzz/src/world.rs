//! A small honest world for the targets to begin with, the same in every run: people, a trust root, two releases and
//! everything that belongs to them. The committed corpus is written from it.

use countersign::model::report::{Counts, Report, RunStatus};
use countersign::model::{Catalog, Checkpoint, Digest, NodeName, Secret, Stamp, Tree, canonical, wire};
use countersign::module::{self, Compilation};
use countersign::sealing::{self, OpeningKey, Purpose};
use countersign::signing::document::Hash;
use countersign::signing::merkle::{Leaf, Leaves};
use countersign::signing::query::Query;
use countersign::signing::release::ReleaseKind;
use countersign::signing::review::{Note, NoteVerdict};
use countersign::signing::revoke::Revocation;
use countersign::signing::root::{Guard, Limits, RawPrincipal, RawRole, RawRoot, Require, Rule, Tls};
use countersign::signing::tree::{consistency, leaf_hash, tree_root};
use countersign::signing::trigger::{Action, Replay};
use countersign::signing::{
    Accepted, Decision, Document, Envelope, Offer, Ratification, Release, RepoId, Root, SigningKey, State,
    Timestamp, Trigger, Verified, Withdrawal, Withdrawals, decide, log, report, root, sshsig,
};
use std::sync::OnceLock;

/// The node that judges everything.
pub(crate) const NODE: &str = "web1.example";
const REPO: RepoId = RepoId::new([7; 32]);
/// The certificate request that the corpus holds; its key is gone.
pub(crate) const REQUEST: &str = include_str!("../request.pem");
/// The files of a site, as `countersign site new` makes them.
const FILES: [(&str, &str); 7] = [
    ("countersign.toml", include_str!("../../src/cli/skeleton/countersign.toml")),
    ("nodes/web1.example.toml", include_str!("../../src/cli/skeleton/node.toml")),
    ("data/common.toml", include_str!("../../src/cli/skeleton/common.toml")),
    ("modules/base/module.toml", include_str!("../../src/cli/skeleton/base.toml")),
    ("modules/base/templates/motd.j2", include_str!("../../src/cli/skeleton/motd.j2")),
    ("modules/hello/module.toml", include_str!("../../src/cli/skeleton/hello.toml")),
    ("policies/policy.toml", include_str!("../../src/cli/skeleton/policy.toml")),
];

/// What everybody honest has said so far.
pub(crate) struct World {
    /// The site.
    pub(crate) site: Tree,
    pub(crate) first: Envelope,
    pub(crate) root: Verified<Root>,
    /// Trust root 2.
    pub(crate) second: Envelope,
    /// The node, when it enrolled and when it has accepted release 1.
    pub(crate) enrolled: State,
    pub(crate) accepted: State,
    /// Release 2, an emergency, and what the node is offered with it.
    pub(crate) statement: Release,
    pub(crate) stamp: Timestamp,
    pub(crate) offer: Offer,
    pub(crate) ratification: Envelope,
    pub(crate) withdrawal: Envelope,
    pub(crate) revocation: Envelope,
    pub(crate) list: Vec<u8>,
    pub(crate) trigger: Envelope,
    pub(crate) query: Envelope,
    pub(crate) note: Envelope,
    pub(crate) report: (Vec<u8>, String),
    pub(crate) sealed: Vec<u8>,
    pub(crate) entries: Vec<log::Entry>,
    pub(crate) certificate: Vec<u8>,
    pub(crate) now: Stamp,
}

/// The world, made once.
pub(crate) fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(make)
}

/// The key of somebody, the same in every run.
pub(crate) fn key(name: &str) -> SigningKey {
    SigningKey::generate(*Digest::of(name.as_bytes()).as_bytes())
}

/// Anything with a name.
pub(crate) fn name<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

/// These bytes, signed by these people as a document of that sort.
pub(crate) fn signed<T: Document>(bytes: &[u8], people: &[&str]) -> Envelope {
    let signatures = people.iter().map(|name| sshsig::sign(&key(name), T::NAMESPACE, bytes)).collect();
    Envelope { bytes: bytes.to_vec(), signatures }
}

/// The key that the node opens its secrets with.
pub(crate) fn opening_key() -> OpeningKey {
    OpeningKey::generate(&[5; 32])
}

fn hour(hours: i64) -> Stamp {
    name::<Stamp>("2026-01-01T00:00:00Z").plus(hours * 3600)
}

fn role(title: &str, members: &[&str], threshold: u32) -> RawRole {
    let nodes = matches!(title, "operator" | "break-glass").then(|| vec![name("web*")]);
    let members = members.iter().map(|member| name(member)).collect();
    RawRole { name: name(title), members, threshold, nodes, max_life: None }
}

fn raw_root() -> RawRoot {
    let person = |who: &str| RawPrincipal { name: name(who), keys: vec![key(who).public().to_line()] };
    let people = ["alice", "bob", "carol", "dan", "frank", "grace", "olga", "server"];
    RawRoot {
        document: "root".into(),
        v: 1,
        repo: REPO,
        version: 1,
        prev: None,
        created: hour(0),
        expires: hour(24 * 365),
        principals: people.map(person).into(),
        roles: vec![
            role("root", &["alice", "bob", "carol"], 2),
            role("release", &["alice", "bob", "carol"], 2),
            role("security", &["dan"], 1),
            role("timestamp", &["server"], 1),
            role("operator", &["olga"], 1),
            role("break-glass", &["grace"], 1),
        ],
        rules: vec![Rule { paths: vec![name("**")], roles: vec![name("release")] }],
        guards: vec![Guard {
            resource: countersign::model::Kind::File,
            pattern: name("/etc/ssh/**"),
            role: name("security"),
        }],
        limits: Limits::default(),
        require: Require { sk_user_presence: true, sk_user_verification: false },
        floor: None,
        reset: None,
        tls: Tls { server_ca: Digest::of(b"server"), node_ca: Digest::of(b"node") },
    }
}

fn site() -> Tree {
    let mut tree = Tree::default();
    for (path, content) in FILES {
        tree.insert(path, content.as_bytes().to_vec()).unwrap();
    }
    tree
}

fn release(seq: u64, prev: Option<Digest>, (leaves, salt): (&Leaves, [u8; 32])) -> Release {
    let (some, created) = (Digest::of(b"some"), hour(i64::try_from(seq).unwrap()));
    Release {
        document: "release".into(),
        v: 1,
        repo: REPO,
        environment: name("production"),
        seq,
        prev,
        kind: if seq == 1 { ReleaseKind::Normal } else { ReleaseKind::BreakGlass },
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
        nodes: leaves.documents().count() as u64,
        affected: 1,
        catalogs: leaves.root(),
        salt: Digest::of(&salt),
        root: 1,
        log: None,
        supersedes: Vec::new(),
        created,
        expires: created.plus(24 * 3600),
        reason: "because".into(),
    }
}

fn timestamp(release: &Release, checkpoint: Checkpoint, withdrawn: Option<Digest>) -> Timestamp {
    Timestamp {
        document: "timestamp".into(),
        v: 1,
        repo: REPO,
        environment: release.environment.clone(),
        n: release.seq * 10,
        root: 1,
        seq: release.seq,
        release: release.id(),
        log_size: checkpoint.size,
        log_root: Some(checkpoint.root),
        withdrawn,
        created: release.created,
        expires: release.created.plus(6 * 3600),
    }
}

/// Size and root of the log of these entries.
pub(crate) fn checkpoint(entries: &[log::Entry]) -> Checkpoint {
    let hashes: Vec<Hash> = entries.iter().map(log::Entry::hash).collect();
    Checkpoint { size: hashes.len() as u64, root: Digest::from_bytes(tree_root(&hashes).0) }
}

/// What an honest server offers the node of a release.
fn offer(
    (statement, stamp): (&Release, &Timestamp),
    people: &[&str],
    (leaf, catalog): (&Leaf, &Catalog),
) -> Offer {
    Offer {
        roots: Vec::new(),
        timestamp: signed::<Timestamp>(&stamp.encode(), &["server"]),
        withdrawals: None,
        log_proof: Vec::new(),
        release_log_proof: Vec::new(),
        release: signed::<Release>(&statement.encode(), people),
        ratification: Vec::new(),
        chain: Vec::new(),
        leaf: Some(leaf.encode()),
        catalog: catalog.encode().into(),
    }
}

/// The node's state when it has taken the offer.
fn taken(state: &State, offer: &Offer, now: Stamp) -> State {
    match decide(state, offer, now).unwrap() {
        Decision::Accept(Accepted { state, .. }) | Decision::Unchanged(Accepted { state, .. }) => state,
        Decision::Unassigned { .. } => panic!("the node has a catalog"),
    }
}

fn make() -> World {
    let site = site();
    let raw = raw_root();
    let first = signed::<Root>(&canonical::encode(&raw), &["alice", "bob"]);
    let root = root::first(&first, first.id()).unwrap();
    let next = RawRoot { version: 2, prev: Some(root.id()), ..raw };
    let second = signed::<Root>(&canonical::encode(&next), &["alice", "bob"]);

    let compilation: Compilation =
        module::compile(&module::load(&site).unwrap(), &name("production")).unwrap();
    let salt = [3; 32];
    let leaves = Leaves::new(&salt, countersign::review::admission::entries(&compilation)).unwrap();
    let own = (&leaves.documents().next().unwrap(), &compilation.nodes[0].catalog);

    let earlier = release(1, None, (&leaves, salt));
    let statement = release(2, Some(earlier.id()), (&leaves, salt));
    let entries: Vec<log::Entry> = (0..9_u64)
        .map(|number| {
            log::Entry::statement(&statement.environment, number + 1, Digest::of(&number.to_be_bytes()))
        })
        .collect();
    let withdrawal = signed::<Withdrawal>(&withdrawal_of(&earlier).encode(), &["carol"]);
    let list = Withdrawals::default().with(as_text(&withdrawal));

    let enrolled = State::enroll(name(NODE), name("production"), root.clone());
    let seen = timestamp(&earlier, checkpoint(&entries[..5]), None);
    let accepted =
        taken(&enrolled, &offer((&earlier, &seen), &["alice", "bob"], own), earlier.created.plus(60));
    let stamp = timestamp(&statement, checkpoint(&entries), list.digest());
    let mut offer = offer((&statement, &stamp), &["grace"], own);
    let hashes: Vec<Hash> = entries.iter().map(log::Entry::hash).collect();
    let mut log = countersign::signing::tree::Remembered::new(&hashes);
    offer.log_proof = consistency(&mut log, 5, 9).unwrap();
    offer.withdrawals = Some(list.encode());
    let now = statement.created.plus(60);
    let ratification = signed::<Ratification>(&Ratification::of(&statement).encode(), &["alice", "bob"]);
    World {
        trigger: signed::<Trigger>(&trigger(now).encode(), &["olga"]),
        query: signed::<Query>(&query(now).encode(), &["olga"]),
        note: signed::<Note>(&note(&statement).encode(), &["bob"]),
        report: report::sign(&key(NODE), &a_report(now)),
        sealed: canonical::encode(&sealed()),
        certificate: certificate(),
        revocation: signed::<Revocation>(&revocation(now).encode(), &["carol"]),
        list: list.encode(),
        site,
        first,
        root,
        second,
        enrolled,
        accepted,
        statement,
        stamp,
        offer,
        ratification,
        withdrawal,
        entries,
        now,
    }
}

fn withdrawal_of(release: &Release) -> Withdrawal {
    Withdrawal {
        document: "withdraw".into(),
        v: 1,
        repo: REPO,
        environment: release.environment.clone(),
        release: release.id(),
        by: name("carol"),
        created: release.created,
        reason: "not what I read".into(),
    }
}

fn revocation(now: Stamp) -> Revocation {
    Revocation {
        document: "revoke".into(),
        v: 1,
        repo: REPO,
        key: key("carol").public().to_line(),
        created: now,
        reason: "the laptop is gone".into(),
    }
}

fn trigger(now: Stamp) -> Trigger {
    Trigger {
        document: "trigger".into(),
        v: 1,
        repo: REPO,
        id: "0123456789abcdef0123456789abcdef".into(),
        operator: name("olga"),
        nodes: vec![name(NODE)],
        action: Action::Converge,
        min_seq: 2,
        issued: now,
        expires: now.plus(300),
        reason: "now".into(),
    }
}

fn query(now: Stamp) -> Query {
    let id = "00112233445566778899aabbccddeeff".into();
    let (created, expires) = (now, now.plus(60));
    Query { document: "query".into(), v: 1, repo: REPO, id, operator: name("olga"), created, expires }
}

fn note(statement: &Release) -> Note {
    Note {
        document: "review".into(),
        v: 1,
        repo: REPO,
        change: "1".into(),
        patchset: 1,
        statement: Some(statement.id()),
        author: name("bob"),
        verdict: NoteVerdict::Reject,
        file: Some("nodes/web1.example.toml".into()),
        line: Some(3),
        text: "Not on a Friday: \u{201c}no\u{201d}".into(),
        created: statement.created,
    }
}

fn a_report(now: Stamp) -> Report {
    Report {
        kind: "report".into(),
        v: 1,
        repo: REPO.to_string(),
        node: name(NODE),
        environment: name("production"),
        counter: 1,
        prev: None,
        run: "ffeeddccbbaa99887766554433221100".into(),
        trigger: None,
        release: None,
        cached: false,
        halted: None,
        disabled: None,
        refusal: None,
        checkpoint: None,
        noop: false,
        status: RunStatus::Unchanged,
        noop_pending: false,
        corrective_change: false,
        started: now,
        finished: now.plus(1),
        counts: Counts { total: 3, ..Counts::default() },
        resources: Vec::new(),
        logs: Vec::new(),
        time: [("total".to_owned(), 950)].into(),
        facts: serde_json::from_str(r#"{"os":{"family":"debian"}}"#).unwrap(),
    }
}

fn sealed() -> countersign::model::Sealed {
    let (secret, node): (_, NodeName) = (name("db/password"), name(NODE));
    let purpose = Purpose { site: "my-site", secret: &secret, node: &node };
    let text = Secret::new(b"not so secret".to_vec());
    sealing::seal(&opening_key().public(), &purpose, &text, &[9; 32]).unwrap()
}

/// Frank's push of a commit, as git writes it.
fn certificate() -> Vec<u8> {
    let (old, new) = ("0".repeat(40), "a".repeat(40));
    let payload = format!(
        "certificate version 0.1\npusher {} 1767225600 +0000\nnonce 1-0\n\n{old} {new} refs/for/production\n",
        key("frank").public().to_line()
    );
    [payload.as_bytes(), sshsig::sign(&key("frank"), "git", payload.as_bytes()).as_bytes()].concat()
}

/// A signed document as it travels in JSON.
pub(crate) fn as_text(envelope: &Envelope) -> wire::Signed {
    let document = String::from_utf8(envelope.bytes.clone()).unwrap();
    wire::Signed { document, signatures: envelope.signatures.clone() }
}

/// A tree object of two files and a folder.
fn tree_object() -> Vec<u8> {
    let id = leaf_hash(b"").0;
    let entry = |start: &str| [start.as_bytes(), &[0], &id[..20]].concat();
    ["100644 a.toml", "40000 data", "100644 site.toml"].map(entry).concat()
}

/// What the committed corpus consists of besides the texts for the lint: `<target>/<name>` and the bytes.
#[must_use]
pub fn seeds() -> Vec<(String, Vec<u8>)> {
    let world = world();
    let mut seeds: Vec<(String, Vec<u8>)> = Vec::new();
    let mut add = |path: &str, bytes: Vec<u8>| seeds.push((path.to_owned(), bytes));
    add("sshsig/plain", world.first.signatures[0].clone().into_bytes());
    add("key/plain", key("alice").public().to_line().into_bytes());
    add("root/first", world.first.bytes.clone());
    add("root/second", world.second.bytes.clone());
    add("release/emergency", world.offer.release.bytes.clone());
    add("timestamp/second", world.offer.timestamp.bytes.clone());
    add("withdraw/one", world.withdrawal.bytes.clone());
    add("withdraw/list", world.list.clone());
    add("revoke/own", world.revocation.bytes.clone());
    add("ratify/emergency", world.ratification.bytes.clone());
    add("trigger/converge", world.trigger.bytes.clone());
    add("query/nodes", world.query.bytes.clone());
    add("review/reject", world.note.bytes.clone());
    add("report/unchanged", world.report.0.clone());
    add("catalog/web1", world.offer.catalog.to_vec());
    add("catalog/leaf", world.offer.leaf.clone().unwrap());
    add("state/enrolled", world.enrolled.encode());
    add("state/accepted", world.accepted.encode());
    add("state/replay", Replay::default().encode());
    add("secret/sealed", world.sealed.clone());
    add("secret/key", opening_key().public().to_string().into_bytes());
    add("secret/private", opening_key().to_text().as_bytes().to_vec());
    add("proof/five", (0..40).collect());
    add("log/entry", world.entries[0].encode());
    add("log/note", log::note::sign(&key("server"), REPO, checkpoint(&world.entries)).into_bytes());
    add("log/path", b"tile/0/x001/234.p/17".to_vec());
    let encoded: Vec<Vec<u8>> = world.entries.iter().take(2).map(log::Entry::encode).collect();
    add("log/bundle", log::bundle(encoded.iter().map(Vec::as_slice)));
    add("tree/three", tree_object());
    for (at, (path, content)) in FILES.iter().enumerate() {
        add(&format!("site/{at}"), format!("{path}\n{content}").into_bytes());
    }
    add("site/secret", b"data/secrets/db/password.toml\n[nodes.\"web1.example\"]\n".to_vec());
    add("diff/lines", b"\x80one\ntwo\nthree\none\n2\nthree\n".to_vec());
    add("diff/bytes", b"\x70\x1b[2J\r\n\xff\xfe\x00no end".to_vec());
    add("body/signed", serde_json::to_vec(&as_text(&world.trigger)).unwrap());
    add("body/report", serde_json::to_vec(&report_body(world)).unwrap());
    add("body/enroll", serde_json::to_vec(&enroll_request()).unwrap());
    add("body/state", br#"{"state":"running","message":"it runs"}"#.to_vec());
    add("request/certificate", world.certificate.clone());
    add("request/csr", REQUEST.as_bytes().to_vec());
    seeds
}

fn report_body(world: &World) -> wire::Signed {
    let (bytes, signature) = world.report.clone();
    wire::Signed { document: String::from_utf8(bytes).unwrap(), signatures: vec![signature] }
}

fn enroll_request() -> wire::EnrollRequest {
    let (csr, report_key) = (REQUEST.to_owned(), key(NODE).public().to_line());
    wire::EnrollRequest { node: name(NODE), csr, report_key, token: Some("a-token".into()) }
}
