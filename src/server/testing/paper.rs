//! Documents as people would sign them.

use super::{key_of, now};
use crate::model::wire::Signed;
use crate::model::{Catalog, Digest, EnvName, NodeName, Principal};
use crate::server::{Layout, authority};
use crate::signing::document::{Document, RepoId, V};
use crate::signing::merkle::{Entry, Leaves};
use crate::signing::release::ReleaseKind;
use crate::signing::root::{self, RawPrincipal, RawRole, RawRoot, Require, Root, Rule, Tls};
use crate::signing::trigger::Action;
use crate::signing::{Release, SigningKey, Trigger, sshsig};
use crate::store::{Publication, PublishedRelease, SignedFile};
use std::path::Path;

pub(in crate::server) const REPO: RepoId = RepoId::new([7; 32]);

/// The first trust root of a server.
pub(in crate::server) fn raw_root(layout: &Layout) -> RawRoot {
    let timestamp = std::fs::read_to_string(layout.timestamp_public_key()).unwrap();
    let person = |name: &str| RawPrincipal {
        name: name.parse().unwrap(),
        keys: vec![key_of(name).public().to_line()],
    };
    let server =
        RawPrincipal { name: "server".parse().unwrap(), keys: vec![timestamp.trim_end().to_owned()] };
    let role = |name: &str, members: &[&str], threshold| RawRole {
        name: name.parse().unwrap(),
        members: members.iter().map(|member| member.parse().unwrap()).collect(),
        threshold,
        nodes: None,
        max_life: None,
    };
    let operator = RawRole {
        nodes: Some(vec!["*.web".to_owned().try_into().unwrap()]),
        ..role(root::OPERATOR, &["frank"], 1)
    };
    RawRoot {
        document: Root::TYPE.to_owned(),
        v: V,
        repo: REPO,
        version: 1,
        prev: None,
        created: now(),
        expires: now().plus(86_400),
        principals: vec![person("alice"), person("bob"), person("carol"), person("frank"), server],
        roles: vec![
            role(root::ROOT, &["alice", "bob"], 2),
            role(root::RELEASE, &["alice", "bob"], 2),
            role(root::TIMESTAMP, &["server"], 1),
            operator,
        ],
        rules: vec![Rule {
            paths: vec!["**".to_owned().try_into().unwrap()],
            roles: vec![root::RELEASE.parse().unwrap()],
        }],
        guards: Vec::new(),
        limits: root::Limits::default(),
        require: Require { sk_user_presence: true, sk_user_verification: false },
        floor: None,
        reset: None,
        tls: Tls {
            server_ca: authority::public_key(&layout.server_ca()).unwrap(),
            node_ca: authority::public_key(&layout.node_ca()).unwrap(),
        },
    }
}

/// Writes a version of a trust root with signatures of `signers` into `directory`.
pub(in crate::server) fn write_root(directory: &Path, raw: RawRoot, signers: &[&str]) {
    let version = raw.version;
    let bytes = Root::new(raw).unwrap().encode();
    let signatures = directory.join(format!("{version}.sig.d"));
    std::fs::create_dir_all(&signatures).unwrap();
    for signer in signers {
        let armor = sshsig::sign(&key_of(signer), Root::NAMESPACE, &bytes);
        std::fs::write(signatures.join(format!("{signer}.sig")), armor).unwrap();
    }
    std::fs::write(directory.join(format!("{version}.json")), bytes).unwrap();
}

/// A release to publish.
pub(in crate::server) struct Publishing<'a> {
    pub(in crate::server) seq: u64,
    pub(in crate::server) prev: Option<Digest>,
    pub(in crate::server) nodes: &'a [&'a str],
    pub(in crate::server) signers: &'a [&'a str],
}

pub(in crate::server) fn publish(layout: &Layout, case: &Publishing<'_>) -> Release {
    let env: EnvName = "production".parse().unwrap();
    let nodes: Vec<NodeName> = case.nodes.iter().map(|node| node.parse().unwrap()).collect();
    let catalogs: Vec<Vec<u8>> =
        nodes.iter().map(|node| Catalog::new(env.clone(), node.clone(), vec![], vec![]).encode()).collect();
    let entry = |(node, catalog): (&NodeName, &Vec<u8>)| Entry {
        node: node.clone(),
        catalog: Digest::of(catalog),
        length: catalog.len() as u64,
    };
    let leaves = Leaves::new(&[1; 32], nodes.iter().zip(&catalogs).map(entry).collect()).unwrap();
    let release = statement(case, leaves.root());
    let bytes = release.encode();
    let sign = |signer: &&str| {
        let principal: Principal = signer.parse().unwrap();
        (principal, sshsig::sign(&key_of(signer), Release::NAMESPACE, &bytes))
    };
    let signatures = case.signers.iter().map(sign).collect();
    let published = PublishedRelease {
        env,
        seq: case.seq,
        statement: SignedFile { bytes: bytes.clone(), signatures },
        leaves: leaves.documents().map(|leaf| (leaf.node.clone(), leaf.encode())).collect(),
        catalogs,
        blobs: vec![b"somebody's file".to_vec()],
        waivers: vec![b"a waiver".to_vec()],
    };
    Publication::open(&layout.publication()).unwrap().add_release(&published).unwrap();
    release
}

fn statement(case: &Publishing<'_>, catalogs: Digest) -> Release {
    let zero = Digest::of(b"");
    let count = case.nodes.len() as u64;
    Release {
        document: Release::TYPE.to_owned(),
        v: V,
        repo: REPO,
        environment: "production".parse().unwrap(),
        seq: case.seq,
        prev: case.prev,
        kind: ReleaseKind::Normal,
        change: format!("c-{}", case.seq),
        patchset: 1,
        commit: "0".repeat(40),
        base: None,
        source: zero,
        authors: vec!["carol".parse().unwrap()],
        roles: Vec::new(),
        policy: zero,
        policy_v: 1,
        compiler: zero,
        inputs: zero,
        nodes: count,
        affected: count,
        catalogs,
        salt: zero,
        root: 1,
        log: None,
        supersedes: Vec::new(),
        created: now(),
        expires: now().plus(86_400),
        reason: "a test".to_owned(),
    }
}

/// A trigger of `operator`, signed by `signer`.
pub(in crate::server) fn trigger(id: u8, people: (&str, &str), nodes: &[&str]) -> Signed {
    let (operator, signer) = people;
    let trigger = Trigger {
        document: Trigger::TYPE.to_owned(),
        v: V,
        repo: REPO,
        id: format!("{id:032x}"),
        operator: operator.parse().unwrap(),
        nodes: nodes.iter().map(|node| node.parse().unwrap()).collect(),
        action: Action::Converge,
        min_seq: 0,
        issued: now(),
        expires: now().plus(120),
        reason: "a test".to_owned(),
    };
    signed(&trigger.encode(), &key_of(signer), Trigger::NAMESPACE)
}

pub(in crate::server) fn signed(bytes: &[u8], key: &SigningKey, namespace: &str) -> Signed {
    let document = String::from_utf8(bytes.to_vec()).unwrap();
    Signed { document, signatures: vec![sshsig::sign(key, namespace, bytes)] }
}
