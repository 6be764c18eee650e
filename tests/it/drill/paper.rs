//! Documents and keys: what honest people write, for the attacker to begin with.

use countersign::agent::clock::system as now;
use countersign::model::resource::{Content, File, FileEnsure};
use countersign::model::{Catalog, Digest, Meta, Resource, Spec, Stamp, canonical};
use countersign::signing::release::ReleaseKind;
use countersign::signing::root::{Guard, Limits, RawPrincipal, RawRole, RawRoot, Require, Rule, Tls};
use countersign::signing::{Document, Release, RepoId, SigningKey, sshsig};

/// The node that is attacked.
pub(crate) const NODE: &str = "web1.example";
/// Its neighbour.
pub(crate) const OTHER: &str = "web2.example";
/// The repository.
pub(crate) const REPO: RepoId = RepoId::new([7; 32]);

/// The key of somebody, the same in every run. `alice-2` is alice's second key; bob's second one is revoked.
pub(crate) fn key(person: &str) -> SigningKey {
    SigningKey::generate(*Digest::of(person.as_bytes()).as_bytes())
}

/// Anything with a name.
pub(crate) fn name<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

/// Somebody's signature over a document.
pub(crate) fn signed<T: Document>(bytes: &[u8], person: &str) -> String {
    sshsig::sign(&key(person), T::NAMESPACE, bytes)
}

/// A role.
pub(crate) fn role(title: &str, members: &[&str], threshold: u32) -> RawRole {
    let nodes = match title {
        "operator" => Some(vec![name("web*")]),
        "operator-db" => Some(vec![name("db*")]),
        _ => None,
    };
    let members = members.iter().map(|member| name(member)).collect();
    RawRole { name: name(title), members, threshold, nodes, max_life: None }
}

/// The first trust root. Harriet's key is on a token.
pub(crate) fn first_root(timestamp_key: &str) -> RawRoot {
    let line = |person: &str| key(person).public().to_line();
    let one = |person: &str| RawPrincipal { name: name(person), keys: vec![line(person)] };
    let with = |person: &str, keys: Vec<String>| RawPrincipal { name: name(person), keys };
    let created = now().plus(-40 * 86_400);
    RawRoot {
        document: "root".into(),
        v: 1,
        repo: REPO,
        version: 1,
        prev: None,
        created,
        expires: created.plus(365 * 86_400),
        principals: vec![
            with("alice", vec![line("alice"), line("alice-2")]),
            with("bob", vec![line("bob"), line("bob-2")]),
            one("carol"),
            one("dan"),
            one("frank"),
            with("harriet", vec![super::crooked::token_line()]),
            one("olga"),
            one("otto"),
            with("server-ts", vec![timestamp_key.to_owned()]),
        ],
        roles: vec![
            role("root", &["alice", "bob", "dan"], 2),
            role("release", &["alice", "bob", "carol", "frank", "harriet"], 2),
            role("security", &["dan"], 1),
            role("timestamp", &["server-ts"], 1),
            role("operator", &["olga"], 1),
            role("operator-db", &["otto"], 1),
        ],
        rules: vec![Rule { paths: vec![name("**")], roles: vec![name("release")] }],
        guards: vec![Guard {
            resource: countersign::model::Kind::File,
            pattern: name("/etc/ssh/**"),
            role: name("security"),
        }],
        limits: Limits { min_policy_v: 3, ..Limits::default() },
        require: Require { sk_user_presence: true, sk_user_verification: false },
        floor: None,
        reset: None,
        tls: Tls { server_ca: Digest::of(b""), node_ca: Digest::of(b"") },
    }
}

/// The trust root after `before`, with nothing changed.
pub(crate) fn after(before: &RawRoot) -> RawRoot {
    let prev = Some(Digest::of(&canonical::encode(before)));
    RawRoot { version: before.version + 1, prev, ..before.clone() }
}

/// Trust root 2: without carol, and over since an hour.
pub(crate) fn without_carol(first: &RawRoot, now: Stamp) -> RawRoot {
    let mut second = after(first);
    second.principals.retain(|principal| principal.name.as_str() != "carol");
    second.roles[1] = role("release", &["alice", "bob", "frank", "harriet"], 2);
    second.expires = now.plus(-3600);
    second
}

/// A release statement by frank, made a minute ago.
pub(crate) fn statement(seq: u64, prev: Option<Digest>, catalogs: Digest) -> Release {
    let (some, created) = (Digest::of(b""), now().plus(-60));
    Release {
        document: "release".into(),
        v: 1,
        repo: REPO,
        environment: name("production"),
        seq,
        prev,
        kind: ReleaseKind::Normal,
        change: "1".into(),
        patchset: 1,
        commit: "a".repeat(40),
        base: None,
        source: some,
        authors: vec![name("frank")],
        roles: vec![name("release")],
        policy: some,
        policy_v: 5,
        compiler: some,
        inputs: some,
        nodes: 2,
        affected: 2,
        catalogs,
        salt: some,
        root: 1,
        log: None,
        supersedes: Vec::new(),
        created,
        expires: created.plus(30 * 86_400),
        reason: "test".into(),
    }
}

/// A catalog of these resources.
pub(crate) fn catalog(node: &str, resources: Vec<Resource>) -> Catalog {
    Catalog::new(name("production"), name(node), vec![name("motd")], resources)
}

/// A file with this content, which is a blob.
pub(crate) fn file(path: &str, content: &str) -> Resource {
    let content = Content::Blob { digest: Digest::of(content.as_bytes()), size: content.len() as u64 };
    let file = File {
        path: path.into(),
        ensure: FileEnsure::File,
        content: Some(content),
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
