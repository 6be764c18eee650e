//! The log at the timestamp role: what was published is written down, and the log is signed only if it continues what
//! was signed before.
//!
//! The role remembers the right edge of the tree, so that nobody who edits the database or the publication changes what
//! it signs: it notices at the next entry, at the latest when it starts, and then signs nothing.

use crate::model::{Checkpoint, Digest, EnvName};
use crate::signing::document::Hash;
use crate::signing::log::{Edge, Entry, Tile, bundle, note, unbundle};
use crate::signing::root::Root;
use crate::signing::tree::leaf_hash;
use crate::signing::{SigningKey, Verified, Withdrawals};
use crate::store::log::LogRow;
use crate::store::{Database, Publication, PublishError, Published, StoreError};
use std::collections::BTreeMap;

/// Entries that are read from the database at once: a bundle.
const PAGE: u32 = 256;

/// Why the log is not signed.
#[derive(Debug, thiserror::Error)]
pub(super) enum LogError {
    /// What was signed once is not what the database holds (D50).
    #[error(
        "the log was edited: its first {0} entries are not those that were signed, or a number is left out behind them"
    )]
    Edited(u64),
    /// The database is older than what was published, and holds something else besides (D50).
    #[error("the log went back: {} entries were signed and published, and the database knows of {have} and has others behind them", .signed.size)]
    Rewound {
        /// What was signed.
        signed: Checkpoint,
        /// What the database says was signed.
        have: u64,
    },
    /// Another process signed meanwhile.
    #[error("the log was moved on by somebody else")]
    Raced,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The publication directory failed.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

/// What signs, and where everything is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Desk<'a> {
    pub(super) database: &'a Database,
    pub(super) publication: &'a Publication,
    pub(super) root: &'a Verified<Root>,
    pub(super) key: &'a SigningKey,
}

/// What is about to be said of an environment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said<'a> {
    /// The environment.
    pub(super) env: &'a EnvName,
    /// Its newest release.
    pub(super) seq: u64,
    /// The digest of its list of withdrawals.
    pub(super) withdrawn: Option<Digest>,
}

/// The log as the role remembers it.
#[derive(Debug, Default)]
pub(super) struct Log {
    signed: Option<Signed>,
    /// How much was signed before somebody edited it.
    edited: Option<u64>,
    /// The last trust root and releases whose entries are written.
    roots: u64,
    releases: BTreeMap<EnvName, u64>,
    /// The last list of withdrawals, and the last ratification, whose entries are written.
    withdrawn: BTreeMap<EnvName, Digest>,
    ratified: BTreeMap<EnvName, (u64, Vec<String>)>,
}

/// The log up to the checkpoint that was signed last.
#[derive(Debug, Clone, Default)]
struct Signed {
    edge: Edge,
    /// The last entry, to notice at once when the end is cut off.
    last: Option<LogRow>,
}

impl Log {
    /// Writes down the trust roots, and the releases of an environment with their signatures and what was taken back, then
    /// signs the log with them, and returns what was signed.
    ///
    /// # Errors
    /// When the log does not continue what was signed before, or something failed. Then nothing new is signed.
    pub(super) async fn sign(
        &mut self,
        desk: &Desk<'_>,
        said: &Said<'_>,
    ) -> Result<Option<Checkpoint>, LogError> {
        let before = self.signed(desk).await?;
        let Said { env, seq, withdrawn } = *said;
        let ratification = desk.publication.ratification(env, seq)?;
        let mut entries = self.new_roots(desk)?;
        entries.extend(self.new_releases(desk, env, seq)?);
        entries.extend(self.new_withdrawals(desk, said)?);
        desk.database.append_log(&entries).await?;
        self.roots = desk.root.version();
        self.releases.insert(env.clone(), seq);
        self.withdrawn.extend(withdrawn.map(|digest| (env.clone(), digest)));
        self.ratified.insert(env.clone(), (seq, ratification));
        let have = before.edge.checkpoint();
        let grown = grow(desk, &before).await?;
        let next = grown.edge.checkpoint();
        if let Some(next) = next {
            if have != Some(next) && !desk.database.advance_log(have, next).await? {
                // What the other one signed is read and checked as at a start.
                self.signed = None;
                return Err(LogError::Raced);
            }
            desk.publication.put_checkpoint(&note::sign(desk.key, desk.root.repo(), next))?;
        }
        self.signed = Some(grown);
        Ok(next)
    }

    /// The log up to what was signed last. When it was edited meanwhile, that is for good: it is not read again and again.
    async fn signed(&mut self, desk: &Desk<'_>) -> Result<Signed, LogError> {
        if let Some(edited) = self.edited {
            return Err(LogError::Edited(edited));
        }
        if let Some(signed) = &self.signed {
            return Ok(signed.clone());
        }
        let begun = begin(desk).await;
        if let Err(LogError::Edited(size)) = &begun {
            self.edited = Some(*size);
        }
        begun
    }

    /// Whether a ratification of the newest release is published that this role has not written down.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn lacks(
        &self,
        publication: &Publication,
        env: &EnvName,
        seq: u64,
    ) -> Result<bool, PublishError> {
        let published = publication.ratification(env, seq)?;
        let written = self.ratified.get(env).filter(|(written, _)| *written == seq);
        Ok(!published.is_empty() && written.is_none_or(|(_, written)| *written != published))
    }

    /// The entries of trust roots that may be new. Signatures can be added to the last one later.
    fn new_roots(&self, desk: &Desk<'_>) -> Result<Vec<Entry>, PublishError> {
        let mut entries = Vec::new();
        for version in self.roots.max(1)..=desk.root.version() {
            if let Some(published) = desk.publication.root(version)? {
                let id = Digest::of(&published.bytes);
                entries.extend(with_approvals(Entry::root(version, id), &published));
            }
        }
        Ok(entries)
    }

    fn new_releases(&self, desk: &Desk<'_>, env: &EnvName, newest: u64) -> Result<Vec<Entry>, PublishError> {
        let mut entries = Vec::new();
        for seq in self.releases.get(env).copied().unwrap_or(1)..=newest {
            if let Some(published) = desk.publication.statement(env, seq)? {
                let entry = Entry::statement(env, seq, Digest::of(&published.bytes));
                let waivers = desk.publication.waivers(env, seq)?;
                let waivers: Vec<Entry> = waivers.iter().map(|waiver| entry.waiver(waiver)).collect();
                let ratification = desk.publication.ratification(env, seq)?;
                let ratified: Vec<Entry> =
                    ratification.iter().map(|armor| entry.ratification(armor)).collect();
                entries.extend(with_approvals(entry, &published));
                entries.extend(waivers.into_iter().chain(ratified));
            }
        }
        Ok(entries)
    }

    fn new_withdrawals(&self, desk: &Desk<'_>, said: &Said<'_>) -> Result<Vec<Entry>, PublishError> {
        let new = said.withdrawn.filter(|digest| self.withdrawn.get(said.env) != Some(digest));
        let Some(digest) = new else { return Ok(Vec::new()) };
        let bytes = desk.publication.withdrawals_named(digest)?.unwrap_or_default();
        // Who says that this list is in force has read it.
        let list = Withdrawals::decode(&bytes).unwrap_or_default();
        Ok(list.entries().flat_map(|listed| Entry::withdrawal(said.env, listed)).collect())
    }
}

fn with_approvals(entry: Entry, published: &Published) -> Vec<Entry> {
    let approvals: Vec<Entry> = published.signatures.iter().map(|armor| entry.approval(armor)).collect();
    std::iter::once(entry).chain(approvals).collect()
}

/// Reads the whole log once, up to what was signed last, and demands the root that was signed.
async fn begin(desk: &Desk<'_>) -> Result<Signed, LogError> {
    let last = desk.database.log_signed().await?;
    let published = desk.publication.checkpoint()?;
    // What does not verify was not signed by this role under this trust root, and is replaced.
    let published = published.and_then(|note| note::verify(desk.root, &note).ok()).map(|signed| *signed);
    let newer = published.filter(|signed| last.is_none_or(|last| last.size < signed.size));
    if let Some(newer) = newer {
        restore(desk, last, newer).await?;
    }
    let mut signed = Signed::default();
    let Some(last) = newer.or(last) else { return Ok(signed) };
    while signed.edge.size() < last.size {
        let left = last.size - signed.edge.size();
        let rows =
            desk.database.log_rows(signed.edge.size(), PAGE.min(u32::try_from(left).unwrap_or(PAGE))).await?;
        if rows.is_empty() {
            return Err(LogError::Edited(last.size));
        }
        for row in rows {
            append(&mut signed, row, |_, _| {}).ok_or(LogError::Edited(last.size))?;
        }
    }
    if signed.edge.checkpoint() == Some(last) { Ok(signed) } else { Err(LogError::Edited(last.size)) }
}

/// Brings a database that was lost, or is a copy of an earlier day, up to what was signed and published. The checkpoint
/// vouches for the published entries; entries that came since and are not among them cannot be kept in their place.
async fn restore(desk: &Desk<'_>, have: Option<Checkpoint>, signed: Checkpoint) -> Result<(), LogError> {
    let rewound = || LogError::Rewound { signed, have: have.map_or(0, |have| have.size) };
    let entries = published_entries(desk.publication, signed)?.ok_or_else(rewound)?;
    let rows: Vec<LogRow> = (0..).zip(entries).map(|(n, entry)| LogRow { n, entry }).collect();
    if !desk.database.restore_log(&rows).await? || !desk.database.advance_log(have, signed).await? {
        return Err(rewound());
    }
    tracing::warn!(
        size = signed.size,
        "the database was older than the published log, and was brought up to it"
    );
    Ok(())
}

/// The published entries, if they are those that were signed.
fn published_entries(
    publication: &Publication,
    signed: Checkpoint,
) -> Result<Option<Vec<Vec<u8>>>, PublishError> {
    let (mut edge, mut entries) = (Edge::default(), Vec::new());
    for index in 0..signed.size.div_ceil(u64::from(PAGE)) {
        let tile = Tile::of(None, index, signed.size);
        let bytes = tile.map_or(Ok(None), |tile| publication.bundle(tile))?.unwrap_or_default();
        for entry in unbundle(&bytes).unwrap_or_default() {
            edge.append(leaf_hash(entry), |_, _| {});
            entries.push(entry.to_vec());
        }
    }
    Ok((edge.checkpoint() == Some(signed)).then_some(entries))
}

/// Appends what is new in the database, and publishes the tiles that change with it.
async fn grow(desk: &Desk<'_>, before: &Signed) -> Result<Signed, LogError> {
    let mut signed = before.clone();
    let edited = || LogError::Edited(before.edge.size());
    if let Some(last) = &before.last
        && desk.database.log_rows(last.n, 1).await?.first() != Some(last)
    {
        return Err(edited());
    }
    let mut full = true;
    while full {
        let first = signed.edge.size() - signed.edge.leaves().len() as u64;
        let rows = desk.database.log_rows(first, PAGE).await?;
        full = rows.len() == PAGE as usize;
        if !begins_with(&rows, first, signed.edge.leaves()) {
            return Err(edited());
        }
        if rows.len() == signed.edge.leaves().len() {
            break;
        }
        extend(desk.publication, &mut signed, rows).ok_or_else(edited)??;
    }
    for (tile, bytes) in signed.edge.partial() {
        desk.publication.put_tile(tile, &bytes)?;
    }
    Ok(signed)
}

/// Whether rows are numbered from `first` on without a gap, and the first of them are those with these hashes.
fn begins_with(rows: &[LogRow], first: u64, known: &[Hash]) -> bool {
    let numbered = (first..).zip(rows).all(|(n, row)| row.n == n);
    numbered
        && rows.len() >= known.len()
        && rows.iter().zip(known).all(|(row, hash)| leaf_hash(&row.entry) == *hash)
}

/// Publishes a bundle, the first entries of which are known already, and the tiles that it completes. `None` when its
/// entries are not numbered as they should be.
fn extend(
    publication: &Publication,
    signed: &mut Signed,
    rows: Vec<LogRow>,
) -> Option<Result<(), PublishError>> {
    let (known, index) = (signed.edge.leaves().len(), signed.edge.size() / u64::from(PAGE));
    let width = u16::try_from(rows.len()).ok()?;
    let bytes = bundle(rows.iter().map(|row| row.entry.as_slice()));
    let mut complete = Vec::new();
    for row in rows.into_iter().skip(known) {
        append(signed, row, |tile, bytes| complete.push((tile, bytes)))?;
    }
    complete.push((Tile { level: None, index, width }, bytes));
    Some(complete.into_iter().try_for_each(|(tile, bytes)| publication.put_tile(tile, &bytes)))
}

fn append(signed: &mut Signed, row: LogRow, complete: impl FnMut(Tile, Vec<u8>)) -> Option<()> {
    if row.n != signed.edge.size() {
        return None;
    }
    signed.edge.append(leaf_hash(&row.entry), complete);
    signed.last = Some(row);
    Some(())
}

#[cfg(test)]
mod tests;
