//! Every way to put an offer together out of the parts of releases 2 and 3.

use super::attack::Attack;
use super::evil::{Evil, LEAF, SIGNATURES, STATEMENT};
use super::paper::NODE;
use super::world::{Node, World};

/// Statement, signatures, leaf and catalog: which of them are of release 2, where release 3 is asked for.
const PARTS: [&str; 4] = ["statement", "signatures", "leaf", "catalog"];

pub(super) fn attacks() -> Vec<Attack> {
    (1..(1_u8 << PARTS.len())).flat_map(|mask| [of_newer(mask), of_older(mask)]).collect()
}

fn named(mask: u8) -> String {
    let chosen = PARTS.iter().enumerate().filter(|(bit, _)| mask & (1 << bit) != 0).map(|(_, part)| *part);
    chosen.collect::<Vec<_>>().join(", ")
}

/// The first thing that does not fit to what is before it.
const fn answer(mask: u8) -> &'static str {
    match mask {
        mask if mask & 1 != 0 => "MIX",
        mask if mask & 2 != 0 => "UNSIGNED",
        mask if mask & 4 != 0 => "PROOF",
        _ => "CATALOG_ALTERED",
    }
}

/// With release 3 asked for by its timestamp, these parts are of release 2.
fn of_newer(mask: u8) -> Attack {
    let what = format!("hands out release 3 with {} of release 2", named(mask));
    Attack::new(what, "T7", answer(mask), move |world| mixed(Evil::honest(world), mask, ["3", "2"]))
}

/// With release 2 asked for, these parts are of release 3.
fn of_older(mask: u8) -> Attack {
    let what = format!("hands out release 2 with {} of release 3", named(mask));
    Attack::new(what, "T7", answer(mask), move |world: &World| {
        let evil = Evil::honest(world)
            .stamped(world, |stamp| (stamp.seq, stamp.release) = (2, world.releases[1].id()));
        mixed(evil, mask, ["2", "3"])
    })
    .on(Node::Fresh)
}

/// Puts parts of release `from` into the place of those of release `into`.
fn mixed(evil: Evil, mask: u8, [into, from]: [&str; 2]) -> Evil {
    let at = |path: &str, seq: &str| path.replace("/3/", &format!("/{seq}/"));
    let catalog = |seq: &str| {
        let leaf = countersign::signing::merkle::Leaf::decode(&evil.get(&at(LEAF, seq))).unwrap();
        assert_eq!(leaf.node.as_str(), NODE);
        format!("catalog/{}", leaf.catalog.hex())
    };
    // The catalog is asked for by the digest in whichever leaf is handed out.
    let leaf_of = if mask & 4 == 0 { into } else { from };
    let catalog_of = if mask & 8 == 0 { into } else { from };
    let (asked, given) = (catalog(leaf_of), evil.get(&catalog(catalog_of)));
    let parts = [STATEMENT, SIGNATURES, LEAF].into_iter().enumerate();
    let moved: Vec<(String, Vec<u8>)> = parts
        .filter(|(bit, _)| mask & (1 << bit) != 0)
        .map(|(_, path)| (at(path, into), evil.get(&at(path, from))))
        .chain([(asked, given)])
        .collect();
    moved.into_iter().fold(evil, |evil, (path, bytes)| evil.put(&path, bytes))
}
