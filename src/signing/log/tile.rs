//! The files that a log is served as (C2SP `tlog-tiles`): 256 hashes or entries in each, complete ones never change.

use crate::signing::document::Hash;
use crate::signing::tree::{Ranges, node_hash, tree_root};
use std::collections::BTreeMap;
use std::ops::Range;

/// Hashes or entries of a complete tile.
pub const FULL: u16 = 256;
/// Tiles that one proof needs, at most: two on each of eight levels, and some to spare (T2).
pub const MAX_TILES: usize = 24;

/// The place of a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tile {
    /// The level of its hashes; `None` for entries themselves.
    pub level: Option<u8>,
    /// Which of its level, from 0.
    pub index: u64,
    /// How many hashes or entries it has, 1 to 256.
    pub width: u16,
}

impl Tile {
    /// The tile at a place in a log of `size` entries; `None` when such a log has none there.
    #[must_use]
    pub fn of(level: Option<u8>, index: u64, size: u64) -> Option<Self> {
        let total = size.checked_shr(8 * u32::from(level.unwrap_or(0))).unwrap_or(0);
        let left = total.checked_sub(index.checked_mul(u64::from(FULL))?)?;
        let width = u16::try_from(left.min(u64::from(FULL))).ok().filter(|width| *width > 0)?;
        Some(Self { level, index, width })
    }

    /// The complete tile at the same place.
    #[must_use]
    pub const fn full(self) -> Self {
        Self { width: FULL, ..self }
    }

    /// Whether nothing will ever be added to it.
    #[must_use]
    pub const fn is_full(self) -> bool {
        self.width == FULL
    }

    /// Bytes of a tile of hashes.
    #[must_use]
    pub fn bytes(self) -> usize {
        usize::from(self.width) * 32
    }

    /// Where it is below the log's directory, for example `tile/0/x001/234.p/17` or `tile/entries/000`.
    #[must_use]
    pub fn path(self) -> String {
        let level = self.level.map_or_else(|| "entries".to_owned(), |level| level.to_string());
        let (mut number, mut rest) = (format!("{:03}", self.index % 1000), self.index / 1000);
        while rest > 0 {
            number = format!("x{:03}/{number}", rest % 1000);
            rest /= 1000;
        }
        let part = if self.is_full() { String::new() } else { format!(".p/{}", self.width) };
        format!("tile/{level}/{number}{part}")
    }

    /// Reads such a path, in its one spelling.
    #[must_use]
    pub fn parse(path: &str) -> Option<Self> {
        let (level, number) = path.strip_prefix("tile/")?.split_once('/')?;
        let level =
            if level == "entries" { None } else { Some(level.parse().ok().filter(|l: &u8| *l < 64)?) };
        let (number, width) = match number.split_once(".p/") {
            Some((number, width)) => (number, width.parse().ok().filter(|w: &u16| (1..FULL).contains(w))?),
            None => (number, FULL),
        };
        let digits: String = number.split('/').map(|part| part.strip_prefix('x').unwrap_or(part)).collect();
        let tile = Self { level, index: digits.parse().ok()?, width };
        (tile.path() == path).then_some(tile)
    }
}

/// The hashes in a tile; `None` when it has another length.
#[must_use]
pub fn hashes(tile: Tile, bytes: &[u8]) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    let fits = rest.is_empty() && hashes.len() == usize::from(tile.width);
    fits.then(|| hashes.iter().copied().map(Hash).collect())
}

/// A bundle of entries: each behind its length in two bytes.
#[must_use]
pub fn bundle<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        // Entries have 4 KiB at most.
        let length = u16::try_from(entry.len()).unwrap_or(u16::MAX);
        bytes.extend(length.to_be_bytes());
        bytes.extend_from_slice(&entry[..usize::from(length)]);
    }
    bytes
}

/// The entries in a bundle; `None` when it is cut off.
#[must_use]
pub fn unbundle(mut bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk::<2>()?;
        let (entry, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        entries.push(entry);
        bytes = rest;
    }
    Some(entries)
}

/// Why a hash could not be worked out from tiles.
#[derive(Debug, thiserror::Error)]
pub enum TileError<E> {
    /// A tile could not be had.
    #[error(transparent)]
    Read(E),
    /// A tile of another length.
    #[error("`{}` has not the {} bytes of {} hashes", .0.path(), .0.bytes(), .0.width)]
    Form(Tile),
    /// More tiles than a proof can need.
    #[error("more than {MAX_TILES} tiles for one proof")]
    TooMany,
}

/// A log of a given size, read tile by tile. Nothing in the tiles is believed: a proof made of wrong ones fails.
#[derive(Debug)]
pub struct Tiles<F> {
    size: u64,
    read: F,
    seen: BTreeMap<Tile, Vec<Hash>>,
}

impl<E, F: FnMut(Tile) -> Result<Vec<u8>, E>> Tiles<F> {
    /// The log of `size` entries whose tiles `read` fetches.
    pub const fn new(size: u64, read: F) -> Self {
        Self { size, read, seen: BTreeMap::new() }
    }

    /// How many tiles were read so far.
    #[must_use]
    pub fn tiles_read(&self) -> usize {
        self.seen.len()
    }

    /// Root of the complete subtree over `1 << height` leaves from `first` on.
    fn subtree(&mut self, first: u64, height: u32) -> Result<Hash, TileError<E>> {
        let level = height / 8;
        let (index, count) = (first >> (8 * level), 1_usize << (height % 8));
        let (tile, within) = (index / u64::from(FULL), index % u64::from(FULL));
        let at = usize::try_from(within).unwrap_or(usize::MAX);
        let level = u8::try_from(level).ok();
        // Only ranges within the size are asked for.
        let tile = Tile::of(level, tile, self.size).ok_or(TileError::TooMany)?;
        let hashes = self.tile(tile)?;
        hashes.get(at..at + count).map(tree_root).ok_or(TileError::Form(tile))
    }

    fn tile(&mut self, tile: Tile) -> Result<&[Hash], TileError<E>> {
        if !self.seen.contains_key(&tile) {
            if self.seen.len() >= MAX_TILES {
                return Err(TileError::TooMany);
            }
            let bytes = (self.read)(tile).map_err(TileError::Read)?;
            self.seen.insert(tile, hashes(tile, &bytes).ok_or(TileError::Form(tile))?);
        }
        Ok(self.seen.get(&tile).map_or(&[], Vec::as_slice))
    }
}

impl<E, F: FnMut(Tile) -> Result<Vec<u8>, E>> Ranges for Tiles<F> {
    type Error = TileError<E>;

    fn root(&mut self, range: Range<u64>) -> Result<Hash, TileError<E>> {
        let (mut low, mut parts) = (range.start, Vec::new());
        while low < range.end {
            let height = low.trailing_zeros().min((range.end - low).ilog2());
            parts.push(self.subtree(low, height)?);
            low += 1 << height;
        }
        let whole = parts.into_iter().rev().reduce(|right, left| node_hash(left, right));
        Ok(whole.unwrap_or_else(|| tree_root(&[])))
    }
}
