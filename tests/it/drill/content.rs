//! Attacks on catalogs, leaves and the files that catalogs name.

use super::attack::Attack;
use super::evil::{Evil, LEAF, replaced, staging};
use super::paper::{NODE, OTHER, catalog, file, name};
use super::world::tree;
use countersign::model::{Digest, canonical};
use countersign::signing::document::Hash;

pub(super) fn attacks() -> Vec<Attack> {
    let mut all = catalogs();
    all.extend(leaves());
    all.extend(files());
    all
}

fn catalogs() -> Vec<Attack> {
    vec![
        Attack::new("alters the catalog", "T1", "CATALOG_ALTERED", |world| {
            let evil = Evil::honest(world);
            let path = evil.catalog_of(NODE);
            evil.replace(&path, "/motd", "/evil")
        }),
        Attack::new("adds a byte to the catalog", "T1 T2", "TOO_LARGE", |world| {
            let evil = Evil::honest(world);
            let path = evil.catalog_of(NODE);
            evil.edit(&path, |bytes| bytes.push(b'\n'))
        }),
        Attack::new("hands out its own catalog and leaf", "T1", "PROOF", |world| {
            let bytes = catalog(NODE, vec![file("/evil", "evil")]).encode();
            let leaves = tree(&[(NODE, bytes.clone()), (OTHER, bytes.clone())]);
            let evil = Evil::honest(world).put(&format!("catalog/{}", Digest::of(&bytes).hex()), bytes);
            evil.put(&format!("blob/{}", Digest::of(b"evil").hex()), "evil").with_leaves(&leaves)
        }),
        Attack::new("hands out its own release, tree and catalog", "T1", "UNSIGNED", |world| {
            let bytes = catalog(NODE, vec![file("/evil", "evil")]).encode();
            let leaves = tree(&[(NODE, bytes.clone()), (OTHER, bytes.clone())]);
            let evil = Evil::honest(world).put(&format!("catalog/{}", Digest::of(&bytes).hex()), bytes);
            let evil = evil.put(&format!("blob/{}", Digest::of(b"evil").hex()), "evil").with_leaves(&leaves);
            evil.restated(world, &["mallory"], |release| release.catalogs = leaves.root())
        }),
        Attack::new(
            "hands out another node's catalog behind the own leaf",
            "D1",
            "CATALOG_ALTERED",
            |world| {
                let evil = Evil::honest(world);
                let (own, other) = (evil.catalog_of(NODE), evil.catalog_of(OTHER));
                let bytes = evil.get(&other);
                evil.put(&own, bytes)
            },
        ),
        Attack::new("has a catalog signed that names another node", "T10", "WRONG_NODE", |world| {
            Evil::honest(world).with_catalog(world, catalog(OTHER, vec![file("/motd", "three")]).encode())
        }),
        Attack::new(
            "has a catalog signed that names another environment",
            "T10 D10",
            "ENVIRONMENT",
            |world| {
                let mut catalog = Evil::honest(world).catalog();
                catalog.environment = staging();
                Evil::honest(world).with_catalog(world, catalog.encode())
            },
        ),
        Attack::new("has a catalog signed that fetches from an address", "T3", "CATALOG", |world| {
            let bytes = Evil::honest(world).catalog().encode();
            let bytes = replaced(&bytes, "\"digest\":", "\"source\":\"https://evil.example/x\",\"digest\":");
            Evil::honest(world).with_catalog(world, bytes)
        }),
        Attack::new("touches a guarded file without the guarding role", "D35", "GUARD", |world| {
            Evil::honest(world)
                .with_catalog(world, catalog(NODE, vec![file("/etc/ssh/sshd_config", "three")]).encode())
        }),
        Attack::new("reaches a guarded file on a winding path", "D35", "GUARD", |world| {
            let winding = file("/etc/cron.d/../ssh/sshd_config", "three");
            Evil::honest(world).with_catalog(world, catalog(NODE, vec![winding]).encode())
        }),
    ]
}

fn leaves() -> Vec<Attack> {
    vec![
        Attack::new("hands out another node's leaf", "D1", "WRONG_NODE", |world| {
            let evil = Evil::honest(world);
            let other = evil.get(&LEAF.replace(NODE, OTHER));
            evil.put(LEAF, other)
        }),
        Attack::new("writes the own name into another node's leaf", "D1", "PROOF", |world| {
            let evil = Evil::honest(world);
            let other = evil.get(&LEAF.replace(NODE, OTHER));
            evil.put(LEAF, other).with_leaf(|leaf| leaf.node = name(NODE))
        }),
        Attack::new("alters a hash of the proof", "T1", "PROOF", |world| {
            Evil::honest(world).with_leaf(|leaf| leaf.proof[0] = Hash([1; 32]))
        }),
        Attack::new("leaves the proof out", "T1", "PROOF", |world| {
            Evil::honest(world).with_leaf(|leaf| leaf.proof.clear())
        }),
        Attack::new("moves the leaf to another position", "T1 D2", "PROOF", |world| {
            Evil::honest(world).with_leaf(|leaf| leaf.index = 1)
        }),
        Attack::new("says that the tree has more leaves", "D2", "PROOF", |world| {
            Evil::honest(world).with_leaf(|leaf| leaf.size = 3)
        }),
        Attack::new("has a statement signed that counts other leaves", "D2", "PROOF", |world| {
            Evil::honest(world).restated(world, &["alice", "bob"], |release| release.nodes = 3)
        }),
        Attack::new("alters the blind of the leaf", "D45", "PROOF", |world| {
            Evil::honest(world).with_leaf(|leaf| leaf.blind = Hash([1; 32]))
        }),
        Attack::new("sends a proof of 65 hashes", "T2", "TOO_LARGE", |world| {
            Evil::honest(world).with_leaf(|leaf| leaf.proof = vec![Hash([1; 32]); 65])
        }),
        Attack::new("passes an inner node of the tree off as a leaf", "T1", "PROOF", |world| {
            let evil = Evil::honest(world).with_leaf(|leaf| {
                leaf.catalog = Digest::from_bytes(leaf.proof[0].0);
                leaf.proof.clear();
                leaf.index = 1;
            });
            let path = evil.catalog_of(NODE);
            evil.put(&path, "x")
        }),
    ]
}

fn files() -> Vec<Attack> {
    let three = || format!("blob/{}", Digest::of(b"three").hex());
    vec![
        Attack::new("alters the content of a file", "T3", "BLOB_ALTERED", move |world| {
            Evil::honest(world).edit(&three(), |bytes| bytes[0] ^= 1)
        }),
        Attack::new("hands out the content of another file", "T3", "BLOB_ALTERED", move |world| {
            Evil::honest(world).edit(&three(), |bytes| *bytes = b"two".to_vec())
        }),
        Attack::new("has a catalog signed whose file is nowhere", "T3", "MISSING", |world| {
            Evil::honest(world).with_catalog(world, catalog(NODE, vec![file("/motd", "nowhere")]).encode())
        }),
        Attack::new("has a catalog signed that lies about a length", "T3 T2", "TOO_LARGE", |world| {
            let bytes = canonical::encode(&Evil::honest(world).catalog());
            Evil::honest(world).with_catalog(world, replaced(&bytes, "\"size\":5", "\"size\":4"))
        }),
    ]
}
