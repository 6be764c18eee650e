//! The log of a mirror: its signature, its entries, its tiles, and everything that must be in it.

use super::releases::Published;
use super::{AuditError, Mirror, Problem, Roots, Verdict};
use crate::model::{Checkpoint, Digest, EnvName};
use crate::signing::document::Hash;
use crate::signing::log::{Edge, Entry, EntryKind, FULL, Tile, note, unbundle};
use crate::signing::tree::leaf_hash;
use std::collections::{BTreeMap, BTreeSet};

/// What somebody has seen of the log.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Where, in words.
    pub what: String,
    /// What.
    pub checkpoint: Checkpoint,
}

/// The log while its entries are read.
#[derive(Default)]
struct Reading {
    edge: Edge,
    /// The roots at the sizes that were seen.
    roots: BTreeMap<u64, Checkpoint>,
    /// The digests of trust roots and statements by their number, with the first entry of each.
    documents: BTreeMap<(Option<EnvName>, u64), BTreeMap<Digest, u64>>,
    /// The last report of each node.
    reports: BTreeMap<String, (u64, Digest)>,
}

/// Judges the log, and holds it against what is published and what was seen.
pub(super) fn judge(
    mirror: &Mirror,
    roots: &Roots,
    (mut published, mut seen): (Published, Vec<Seen>),
    verdict: &mut Verdict,
) -> Result<(), AuditError> {
    // What was seen before was judged before: old gaps between reports are not told for ever.
    let known = seen.iter().map(|seen| seen.checkpoint.size).max().unwrap_or(0);
    for stamp in &published.timestamps {
        let what = format!("the timestamp of `{}`", stamp.environment);
        seen.extend(stamp.checkpoint().map(|checkpoint| Seen { what, checkpoint }));
    }
    seen.append(&mut published.named);
    let Some(note) = mirror.read(&format!("log/{}", note::NAME))? else {
        verdict.problems.push(Problem::Missing(format!("log/{}", note::NAME)));
        return Ok(());
    };
    let signed = match note::verify(roots.newest(), &note) {
        Ok(signed) => signed,
        Err(cause) => {
            verdict.problems.push(Problem::Checkpoint(cause));
            return Ok(());
        }
    };
    verdict.log = Some((*signed, signed.signers().to_vec()));
    let sizes: BTreeSet<u64> = seen.iter().map(|seen| seen.checkpoint.size).collect();
    let mut reading = Reading::default();
    read(mirror, *signed, (&mut reading, &sizes, known), (&mut published, verdict))?;
    let got = reading.edge.checkpoint();
    if got != Some(*signed) {
        verdict.problems.push(Problem::Edited { signed: *signed, got });
    }
    for Seen { what, checkpoint: seen } in seen {
        if reading.roots.get(&seen.size) != Some(&seen) {
            verdict.problems.push(Problem::History { what, seen });
        }
    }
    judge_documents(&reading, &published, verdict);
    judge_tiles(mirror, reading.edge.partial().collect(), verdict)?;
    verdict.problems.extend(published.expected.into_values().map(Problem::Unlogged));
    Ok(())
}

/// Reads every entry in order.
fn read(
    mirror: &Mirror,
    signed: Checkpoint,
    (reading, sizes, known): (&mut Reading, &BTreeSet<u64>, u64),
    (published, verdict): (&mut Published, &mut Verdict),
) -> Result<(), AuditError> {
    for index in 0..signed.size.div_ceil(u64::from(FULL)) {
        let Some(tile) = Tile::of(None, index, signed.size) else { return Ok(()) };
        let Some(bytes) = mirror.tile(tile)? else {
            verdict.problems.push(Problem::Missing(format!("log/{}", tile.path())));
            return Ok(());
        };
        let mut tiles = Vec::new();
        for bytes in unbundle(&bytes).unwrap_or_default().into_iter().take(usize::from(tile.width)) {
            let (n, hash) = (reading.edge.size(), leaf_hash(bytes));
            reading.edge.append(hash, |tile, bytes| tiles.push((tile, bytes)));
            let edge = &reading.edge;
            if let Some(checkpoint) = edge.checkpoint().filter(|checkpoint| sizes.contains(&checkpoint.size))
            {
                reading.roots.insert(checkpoint.size, checkpoint);
            }
            published.expected.remove(&hash);
            match Entry::decode(bytes) {
                Ok(entry) => {
                    judge_presence(published, (n, &entry, hash), verdict);
                    take(reading, (n, entry), n < known, verdict);
                }
                Err(cause) => verdict.problems.push(Problem::Entry { n, cause }),
            }
        }
        judge_tiles(mirror, tiles, verdict)?;
    }
    Ok(())
}

/// What was signed about something that is published must be published with it. Where the thing itself is not, that is
/// told by its own entry.
fn judge_presence(published: &Published, (n, entry, hash): (u64, &Entry, Hash), verdict: &mut Verdict) {
    let of_published = entry.of.is_some_and(|of| published.about.contains(&of));
    let what = match entry.kind {
        EntryKind::Withdrawal => format!("a withdrawal by `{}`", entry.name.as_deref().unwrap_or_default()),
        EntryKind::Revocation => "the revocation of a key".to_owned(),
        EntryKind::Ratification if of_published => "a ratification".to_owned(),
        EntryKind::Approval if of_published => "a signature".to_owned(),
        EntryKind::Waiver if of_published => "a waiver".to_owned(),
        _ => return,
    };
    if !published.known.contains(&hash) {
        let what = entry.of.map_or_else(|| what.clone(), |of| format!("{what} of {of}"));
        verdict.problems.push(Problem::Unpublished { n, what });
    }
}

/// Remembers what an entry says; reports must follow each other.
fn take(reading: &mut Reading, (n, entry): (u64, Entry), known: bool, verdict: &mut Verdict) {
    *verdict.entries.entry(entry.kind).or_default() += 1;
    let number = entry.number.unwrap_or(0);
    match entry.kind {
        EntryKind::Root | EntryKind::Statement => {
            let ids = reading.documents.entry((entry.environment, number)).or_default();
            ids.entry(entry.digest).or_insert(n);
        }
        EntryKind::Report => {
            let node = entry.name.unwrap_or_default();
            let before = reading.reports.insert(node.clone(), (number, entry.digest));
            match before {
                Some((have, id)) if number == have + 1 && entry.of == Some(id) => {}
                Some((have, _)) if number == 1 && entry.of.is_none() => {
                    verdict.remarks.push(format!("`{node}` begins anew after report {have} (entry {n})"));
                }
                Some((have, _)) if !known => {
                    verdict.problems.push(Problem::Reports { n, node, have, got: number });
                }
                None if number != 1 => {
                    verdict
                        .remarks
                        .push(format!("the first report of `{node}` in the log is number {number}"));
                }
                Some(_) | None => {}
            }
        }
        EntryKind::Approval
        | EntryKind::Waiver
        | EntryKind::Trigger
        | EntryKind::Withdrawal
        | EntryKind::Ratification
        | EntryKind::Revocation => {}
    }
}

/// Every number stands for one document, and that one is published.
fn judge_documents(reading: &Reading, published: &Published, verdict: &mut Verdict) {
    for ((env, number), ids) in &reading.documents {
        let what = env.as_ref().map_or_else(|| "trust root".to_owned(), |env| format!("release of `{env}`"));
        let here = published.documents.get(&(env.clone(), *number));
        let all: BTreeSet<Digest> = ids.keys().chain(here).copied().collect();
        if all.len() > 1 {
            let ids = all.into_iter().collect();
            verdict.problems.push(Problem::Equivocation { what, number: *number, ids });
        } else if let Some(n) = ids.values().next().filter(|_| here.is_none()) {
            verdict.problems.push(Problem::Unpublished { n: *n, what: format!("{what} number {number}") });
        }
    }
}

/// The tiles that agents work their proofs out from hold what the entries make.
fn judge_tiles(
    mirror: &Mirror,
    tiles: Vec<(Tile, Vec<u8>)>,
    verdict: &mut Verdict,
) -> Result<(), AuditError> {
    for (tile, expected) in tiles {
        let found = mirror.tile(tile)?.unwrap_or_default();
        if found.get(..tile.bytes()) != Some(expected.as_slice()) {
            verdict.problems.push(Problem::Tile(tile.path()));
        }
    }
    Ok(())
}
