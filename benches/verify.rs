//! What an agent computes before it believes a release, at the size of a large fleet: `cargo bench --bench verify`.
//!
//! One of 100,000 nodes, its catalog 100 KiB long: a timestamp with one signature, a release with two or five, a proof of
//! 17 hashes. No disk and no network: `signing::decide` alone.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a bench that cannot go on has failed")]

use countersign::model::resource::Notify;
use countersign::model::{Catalog, Digest, Meta, Resource, Spec, Stamp};
use countersign::signing::merkle::{Entry, Leaf, Leaves};
use countersign::signing::release::ReleaseKind;
use countersign::signing::root::{self, Limits, RawPrincipal, RawRole, RawRoot, Require, Root, Rule, Tls};
use countersign::signing::{
    Decision, Document, Envelope, Offer, Release, RepoId, SigningKey, State, Timestamp, decide, sshsig,
};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

const NODES: usize = 100_000;
/// Bytes of the catalog, at least.
const CATALOG: usize = 100 << 10;
const NOW: Stamp = Stamp::from_unix(1_800_000_000);
const REPO: RepoId = RepoId::new([7; 32]);
const REVIEWERS: [&str; 5] = ["alice", "bob", "carol", "dan", "erin"];

fn name<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

fn key(person: &str) -> SigningKey {
    SigningKey::generate(*Digest::of(person.as_bytes()).as_bytes())
}

fn signed<T: Document>(bytes: Vec<u8>, people: &[&str]) -> Envelope {
    let signatures = people.iter().map(|person| sshsig::sign(&key(person), T::NAMESPACE, &bytes)).collect();
    Envelope { bytes, signatures }
}

/// A trust root that wants so many of the reviewers.
fn trust(threshold: usize) -> State {
    let principal =
        |person: &&str| RawPrincipal { name: name(person), keys: vec![key(person).public().to_line()] };
    let role = |title: &str, members: &[&str], threshold: usize| RawRole {
        name: name(title),
        members: members.iter().map(|member| name(member)).collect(),
        threshold: u32::try_from(threshold).unwrap(),
        nodes: None,
        max_life: None,
    };
    let raw = RawRoot {
        document: "root".into(),
        v: 1,
        repo: REPO,
        version: 1,
        prev: None,
        created: NOW.plus(-86_400),
        expires: NOW.plus(365 * 86_400),
        principals: REVIEWERS.iter().chain(&["server"]).map(principal).collect(),
        roles: vec![
            role("root", &REVIEWERS, 2),
            role("release", &REVIEWERS, threshold),
            role("timestamp", &["server"], 1),
        ],
        rules: vec![Rule { paths: vec![name("**")], roles: vec![name("release")] }],
        guards: Vec::new(),
        limits: Limits::default(),
        require: Require { sk_user_presence: true, sk_user_verification: false },
        floor: None,
        reset: None,
        tls: Tls { server_ca: Digest::of(b""), node_ca: Digest::of(b"") },
    };
    let envelope = signed::<Root>(Root::new(raw).unwrap().encode(), &REVIEWERS);
    let root = root::first(&envelope, envelope.id()).unwrap();
    State::enroll(name("node-000000"), name("production"), root)
}

/// A catalog of [`CATALOG`] bytes: some hundred resources.
fn catalog() -> Vec<u8> {
    let mut resources = Vec::new();
    loop {
        let message = format!("resource {}: {}", resources.len(), "words ".repeat(40));
        let title = format!("n{}", resources.len());
        resources.push(Resource {
            title,
            spec: Spec::Notify(Notify { message }),
            meta: Meta::of(name("motd")),
        });
        let catalog =
            Catalog::new(name("production"), name("node-000000"), vec![name("motd")], resources.clone());
        let bytes = catalog.encode();
        if bytes.len() >= CATALOG {
            return bytes;
        }
    }
}

/// The leaf of the first of all nodes, and the root of the tree.
fn leaf(catalog: &[u8]) -> (Leaf, Digest) {
    let entry = |number| Entry {
        node: name(&format!("node-{number:06}")),
        catalog: Digest::of(catalog),
        length: catalog.len() as u64,
    };
    let leaves = Leaves::new(&[7; 32], (0..NODES).map(entry).collect()).unwrap();
    (leaves.documents().next().unwrap(), leaves.root())
}

fn offer(catalog: &[u8], (leaf, catalogs): &(Leaf, Digest), signers: usize) -> Offer {
    let some = Digest::of(b"");
    let release = Release {
        document: "release".into(),
        v: 1,
        repo: REPO,
        environment: name("production"),
        seq: 1,
        prev: None,
        kind: ReleaseKind::Normal,
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
        nodes: NODES as u64,
        affected: 1,
        catalogs: *catalogs,
        salt: some,
        root: 1,
        log: None,
        supersedes: Vec::new(),
        created: NOW,
        expires: NOW.plus(86_400),
        reason: "bench".into(),
    };
    let timestamp = Timestamp {
        document: "timestamp".into(),
        v: 1,
        repo: REPO,
        environment: name("production"),
        n: 1,
        root: 1,
        seq: 1,
        release: release.id(),
        log_size: 0,
        log_root: None,
        withdrawn: None,
        created: NOW,
        expires: NOW.plus(3600),
    };
    Offer {
        roots: Vec::new(),
        timestamp: signed::<Timestamp>(timestamp.encode(), &["server"]),
        withdrawals: None,
        release: signed::<Release>(release.encode(), &REVIEWERS[..signers]),
        ratification: Vec::new(),
        log_proof: Vec::new(),
        release_log_proof: Vec::new(),
        chain: Vec::new(),
        leaf: Some(leaf.encode()),
        catalog: catalog.to_vec().into(),
    }
}

fn verify(criterion: &mut Criterion) {
    let catalog = catalog();
    let place = leaf(&catalog);
    assert_eq!(place.0.proof.len(), 17);
    let mut group = criterion.benchmark_group("verify");
    for signers in [2, 5] {
        let (state, offer) = (trust(signers), offer(&catalog, &place, signers));
        group.bench_function(format!("{signers} signatures"), |bench| {
            bench.iter(|| match decide(&state, black_box(&offer), NOW).unwrap() {
                Decision::Accept(accepted) => accepted.state,
                other => panic!("not accepted: {other:?}"),
            });
        });
    }
    // Where the time goes.
    let offer = offer(&catalog, &place, 2);
    group.bench_function("of that, one signature", |bench| {
        let (public, bytes) = (key("alice").public(), &offer.release.bytes);
        let signature = &offer.release.signatures[0];
        bench.iter(|| sshsig::verify(&public, Release::NAMESPACE, black_box(bytes), signature).unwrap());
    });
    group.bench_function("of that, the proof", |bench| {
        bench.iter(|| black_box(&place.0).verify(place.1).unwrap());
    });
    group.bench_function("of that, the digest of the catalog", |bench| {
        bench.iter(|| Digest::of(black_box(&catalog)));
    });
    group.bench_function("of that, reading the catalog", |bench| {
        bench.iter(|| Catalog::decode(black_box(&catalog)).unwrap());
    });
    group.finish();
}

criterion_group!(benches, verify);
criterion_main!(benches);
