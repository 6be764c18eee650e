//! The documents of a publication, one function each: where they are and how long they may be.
//!
//! Nothing here is verified but that a content-addressed file has the digest that it is named by.

use super::{Answer, FetchError, LIMITS, Source, Want};
use crate::model::{Checkpoint, Digest, EnvName, NodeName};
use crate::signing::Envelope;
use crate::signing::document::Hash;
use crate::signing::log::{Tile, TileError, Tiles};
use crate::signing::tree::consistency;

/// A timestamp that may be the one at hand.
#[derive(Debug)]
pub enum News {
    /// The source says that nothing changed since the tag.
    Same,
    /// What the source has now, and its tag.
    Timestamp(Envelope, Option<String>),
}

/// A version of the trust root; `None` when the source has none with that number. Who walks verifies each before asking
/// for the next, or a source could fill the memory with what nobody signed (T2).
///
/// # Errors
/// When it cannot be had whole.
pub fn root(source: &dyn Source, version: u64) -> Result<Option<Envelope>, FetchError> {
    let Some(bytes) = document(source, &format!("root/{version}.json"), LIMITS.root)? else {
        return Ok(None);
    };
    let signatures = signatures(source, &format!("root/{version}.signatures.json"))?;
    Ok(Some(Envelope { bytes, signatures }))
}

/// The freshness statement of an environment; `Same` when the source still has the one with that tag.
///
/// # Errors
/// When it cannot be had whole.
pub fn timestamp(source: &dyn Source, environment: &EnvName, etag: Option<&str>) -> Result<News, FetchError> {
    let path = format!("timestamp/{environment}.json");
    let want = Want { path: &path, cap: LIMITS.timestamp, etag };
    match source.get(&want)? {
        Answer::Same => Ok(News::Same),
        Answer::Missing => Err(missing(source, path)),
        Answer::Bytes { bytes, etag } => {
            let signatures = signatures(source, &format!("timestamp/{environment}.signatures.json"))?;
            Ok(News::Timestamp(Envelope { bytes, signatures }, etag))
        }
    }
}

/// What the source has as the list of withdrawals of that digest. Whether it is, is for `signing` to say.
///
/// # Errors
/// When it cannot be had whole.
pub fn withdrawals(source: &dyn Source, digest: Digest) -> Result<Vec<u8>, FetchError> {
    let path = format!("withdrawals/{}", digest.hex());
    document(source, &path, LIMITS.withdrawals)?.ok_or_else(|| missing(source, path))
}

/// The statement of a release with its approvals.
///
/// # Errors
/// When it cannot be had whole.
pub fn release(source: &dyn Source, environment: &EnvName, seq: u64) -> Result<Envelope, FetchError> {
    let bytes = statement(source, environment, seq)?;
    let signatures = signatures(source, &format!("release/{environment}/{seq}/signatures.json"))?;
    Ok(Envelope { bytes, signatures })
}

/// The signatures that ratify a release; none when nobody did yet.
///
/// # Errors
/// When they cannot be had whole.
pub fn ratification(source: &dyn Source, environment: &EnvName, seq: u64) -> Result<Vec<String>, FetchError> {
    let path = format!("release/{environment}/{seq}/ratification.json");
    document(source, &path, LIMITS.signatures)?
        .map_or_else(|| Ok(Vec::new()), |bytes| list(source, &path, &bytes))
}

/// The statement of a release without its approvals: enough for a link of the chain.
///
/// # Errors
/// When it cannot be had whole.
pub fn statement(source: &dyn Source, environment: &EnvName, seq: u64) -> Result<Vec<u8>, FetchError> {
    let path = format!("release/{environment}/{seq}/statement.json");
    document(source, &path, LIMITS.statement)?.ok_or_else(|| missing(source, path))
}

/// The leaf of a node; `None` when the release has none for it.
///
/// # Errors
/// When it cannot be had whole.
pub fn leaf(
    source: &dyn Source,
    environment: &EnvName,
    seq: u64,
    node: &NodeName,
) -> Result<Option<Vec<u8>>, FetchError> {
    document(source, &format!("release/{environment}/{seq}/leaf/{node}.json"), LIMITS.leaf)
}

/// What the source has as the catalog of that digest. Whether it is, is for `signing` to say.
///
/// # Errors
/// When it cannot be had whole, or is longer than `length`.
pub fn catalog(source: &dyn Source, digest: Digest, length: u64) -> Result<Vec<u8>, FetchError> {
    let path = format!("catalog/{}", digest.hex());
    document(source, &path, length.min(LIMITS.catalog))?.ok_or_else(|| missing(source, path))
}

/// The content of a file of `size` bytes, with the digest that it is named by.
///
/// # Errors
/// When it cannot be had whole, or has other bytes.
pub fn blob(source: &dyn Source, digest: Digest, size: u64) -> Result<Vec<u8>, FetchError> {
    let path = format!("blob/{}", digest.hex());
    let bytes =
        document(source, &path, size.min(LIMITS.blob))?.ok_or_else(|| missing(source, path.clone()))?;
    if Digest::of(&bytes) == digest {
        Ok(bytes)
    } else {
        Err(FetchError::Digest { path, from: source.name().to_owned() })
    }
}

/// The proof that the log with `to` continues the one with `from`, worked out from the source's hashes. Whether it
/// holds is for `signing` to say.
///
/// # Errors
/// When a tile cannot be had whole.
pub fn log_proof(source: &dyn Source, from: Checkpoint, to: Checkpoint) -> Result<Vec<Hash>, FetchError> {
    let mut tiles = Tiles::new(to.size, |wanted| tile(source, wanted));
    consistency(&mut tiles, from.size, to.size).map_err(|error| match error {
        TileError::Read(error) => error,
        TileError::Form(_) | TileError::TooMany => {
            let (path, from) = ("log/tile".to_owned(), source.name().to_owned());
            FetchError::Form { path, from, what: "log" }
        }
    })
}

/// A tile, or the beginning of the complete one that took its place.
fn tile(source: &dyn Source, tile: Tile) -> Result<Vec<u8>, FetchError> {
    for place in [tile, tile.full()] {
        let cap = place.bytes() as u64;
        if let Some(mut bytes) = document(source, &format!("log/{}", place.path()), cap)? {
            bytes.truncate(tile.bytes());
            return Ok(bytes);
        }
    }
    Err(missing(source, format!("log/{}", tile.path())))
}

fn signatures(source: &dyn Source, path: &str) -> Result<Vec<String>, FetchError> {
    let bytes = document(source, path, LIMITS.signatures)?.ok_or_else(|| missing(source, path.to_owned()))?;
    list(source, path, &bytes)
}

fn list(source: &dyn Source, path: &str, bytes: &[u8]) -> Result<Vec<String>, FetchError> {
    serde_json::from_slice(bytes).map_err(|_| FetchError::Form {
        path: path.to_owned(),
        from: source.name().to_owned(),
        what: "list of signatures",
    })
}

fn document(source: &dyn Source, path: &str, cap: u64) -> Result<Option<Vec<u8>>, FetchError> {
    match source.get(&Want::new(path, cap))? {
        Answer::Bytes { bytes, .. } => Ok(Some(bytes)),
        Answer::Missing => Ok(None),
        Answer::Same => Err(missing(source, path.to_owned())),
    }
}

fn missing(source: &dyn Source, path: String) -> FetchError {
    FetchError::Missing { path, from: source.name().to_owned() }
}
