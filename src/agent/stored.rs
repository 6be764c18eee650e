//! What the agent keeps of trust and releases: content-addressed objects, and the one state that names them.
//!
//! Order is everything: objects first, then `state.json`, then acting. Whatever is read back is verified again by
//! `signing`; damage is a refusal with code `STATE`, never a fresh start (D27).

use super::apply::{BlobError, BlobSource};
use super::disk::{Disk, DiskError, Lasting};
use super::fetch::LIMITS;
use crate::model::{Catalog, Digest};
use crate::signing::merkle::Leaf;
use crate::signing::state::AcceptedRelease;
use crate::signing::{Cached, CachedRelease, Envelope, Offer, Refusal, State};
use std::collections::BTreeSet;
use std::sync::Arc;

const STATE: &str = "state.json";
const STATE_CAP: u64 = 64 << 10;

/// Why what is stored cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoredError {
    /// The agent's directory could not be used.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// It is damaged, or somebody changed it.
    #[error(transparent)]
    Refusal(#[from] Refusal),
}

/// The node's part of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its leaf.
    pub leaf: Vec<u8>,
    /// Its catalog.
    pub catalog: Arc<Vec<u8>>,
}

/// The state of this agent; `None` when it never joined.
///
/// # Errors
/// When it is damaged.
pub fn load(disk: &Disk) -> Result<Option<State>, StoredError> {
    let Some(bytes) = disk.read(STATE, STATE_CAP)? else {
        return match disk.list("root")? {
            roots if roots.is_empty() => Ok(None),
            // It joined once, so a missing state was taken away.
            _ => Err(gone("it is missing")),
        };
    };
    let named = State::named_untrusted(&bytes)?;
    let root = envelope(disk, &format!("root/{}", named.root), LIMITS.root)?;
    let root = root.ok_or_else(|| gone("its trust root is missing"))?;
    let withdrawals = match named.withdrawals {
        None => None,
        Some(digest) => {
            let list = disk.read(&withdrawals_name(digest), LIMITS.withdrawals)?;
            Some(list.ok_or_else(|| gone("its list of withdrawals is missing"))?)
        }
    };
    Ok(Some(State::load(&bytes, &root, withdrawals.as_deref())?))
}

/// Writes the state down. Whatever it names must have been written before.
///
/// # Errors
/// When it could not be made durable: then nothing may be done.
pub fn keep_state(disk: &Disk, state: &State) -> Result<(), StoredError> {
    Ok(disk.write(STATE, &state.encode())?)
}

/// Keeps a version of the trust root.
///
/// # Errors
/// When it could not be made durable.
pub fn keep_root(disk: &Disk, version: u64, root: &Envelope) -> Result<(), StoredError> {
    keep_envelope(disk, &format!("root/{version}"), root)
}

/// Keeps what a state made of this offer will name. The offer must have been decided about.
///
/// # Errors
/// When it could not be made durable.
pub fn keep_offer(disk: &Disk, offer: &Offer) -> Result<(), StoredError> {
    let release = offer.release.id();
    keep_envelope(disk, &timestamp_name(offer.timestamp.id()), &offer.timestamp)?;
    keep_envelope(disk, &release_name(release), &offer.release)?;
    if !offer.ratification.is_empty() {
        let list = serde_json::to_vec(&offer.ratification).unwrap_or_default();
        keep(disk, &ratification_name(release), &list)?;
    }
    if let Some(leaf) = &offer.leaf {
        keep(disk, &format!("catalog/{}", Digest::of(&offer.catalog).hex()), &offer.catalog)?;
        keep(disk, &leaf_name(release), leaf)?;
    }
    Ok(())
}

/// Keeps the list of withdrawals of an offer that `signing::learn` found good.
///
/// # Errors
/// When it could not be made durable.
pub fn keep_withdrawals(disk: &Disk, offer: &Offer) -> Result<(), StoredError> {
    offer.withdrawals.iter().try_for_each(|list| keep(disk, &withdrawals_name(Digest::of(list)), list))
}

/// Keeps the content of a file.
///
/// # Errors
/// When it could not be made durable.
pub fn keep_blob(disk: &Disk, digest: Digest, bytes: &[u8]) -> Result<(), StoredError> {
    Ok(disk.write(&blob_name(digest), bytes)?)
}

/// The content of a file, if it is kept and undamaged.
///
/// # Errors
/// When the disk cannot be read.
pub fn blob(disk: &Disk, digest: Digest, size: u64) -> Result<Option<Vec<u8>>, StoredError> {
    let bytes = match disk.read(&blob_name(digest), size.min(LIMITS.blob)) {
        Err(DiskError::TooLong { .. }) => None,
        other => other?,
    };
    Ok(bytes.filter(|bytes| Digest::of(bytes) == digest))
}

/// The last timestamp, if it is kept.
///
/// # Errors
/// When the disk cannot be read.
pub fn timestamp(disk: &Disk, state: &State) -> Result<Option<Envelope>, StoredError> {
    state.timestamp().map_or(Ok(None), |seen| envelope(disk, &timestamp_name(seen.id), LIMITS.timestamp))
}

/// The statement of a release, if it is kept.
///
/// # Errors
/// When the disk cannot be read.
pub fn release(disk: &Disk, id: Digest) -> Result<Option<Envelope>, StoredError> {
    envelope(disk, &release_name(id), LIMITS.statement)
}

/// The node's part of a release, if it is kept.
///
/// # Errors
/// When the disk cannot be read.
pub fn catalog(disk: &Disk, release: Digest) -> Result<Option<Part>, StoredError> {
    let Some((leaf, name)) = leaf_and_catalog(disk, release)? else { return Ok(None) };
    let catalog = disk.read(&name, LIMITS.catalog)?;
    Ok(catalog.map(|catalog| Part { leaf, catalog: catalog.into() }))
}

/// Whether [`catalog`] has something.
///
/// # Errors
/// When the disk cannot be read.
pub fn has_catalog(disk: &Disk, release: Digest) -> Result<bool, StoredError> {
    Ok(leaf_and_catalog(disk, release)?.is_some_and(|(_, name)| disk.has(&name)))
}

/// The leaf of a release, and the name of the catalog that it names.
fn leaf_and_catalog(disk: &Disk, release: Digest) -> Result<Option<(Vec<u8>, String)>, StoredError> {
    let Some(leaf) = disk.read(&leaf_name(release), LIMITS.leaf)? else { return Ok(None) };
    let Ok(parsed) = Leaf::decode(&leaf) else { return Ok(None) };
    let name = format!("catalog/{}", parsed.catalog.hex());
    Ok(Some((leaf, name)))
}

/// What `signing::reload` needs of the accepted release; `None` when there is none for this node.
///
/// # Errors
/// When the disk cannot be read, or what must be there is not.
pub fn cached(disk: &Disk, state: &State) -> Result<Option<Cached>, StoredError> {
    let Some(accepted) = state.accepted() else { return Ok(None) };
    let timestamp = timestamp(disk, state)?.unwrap_or(Envelope { bytes: Vec::new(), signatures: Vec::new() });
    let Some(accepted) = cached_release(disk, accepted.id)? else { return Ok(None) };
    let fallback = state.fallback().map_or(Ok(None), |before| cached_release(disk, before.id))?;
    Ok(Some(Cached { held: None, timestamp, accepted, fallback }))
}

fn cached_release(disk: &Disk, id: Digest) -> Result<Option<CachedRelease>, StoredError> {
    let release = release(disk, id)?.ok_or_else(|| gone("the accepted release is missing"))?;
    let ratification = match disk.read(&ratification_name(id), LIMITS.signatures)? {
        None => Vec::new(),
        Some(list) => serde_json::from_slice(&list).map_err(|_| gone("stored signatures are damaged"))?,
    };
    let found = catalog(disk, id)?;
    Ok(found.map(|Part { leaf, catalog }| CachedRelease { release, ratification, leaf, catalog }))
}

/// Removes the objects that neither the state nor its catalogs name.
///
/// # Errors
/// When the disk refuses.
pub fn tidy(disk: &Disk, state: &State) -> Result<(), StoredError> {
    let mut wanted = BTreeSet::new();
    if let Some(seen) = state.timestamp() {
        wanted.extend(names(&timestamp_name(seen.id)));
    }
    wanted.extend(state.withdrawals().digest().map(withdrawals_name));
    let blobs = disk.list("blob")?;
    for AcceptedRelease { id, .. } in state.accepted().into_iter().chain(state.fallback()) {
        wanted.extend(names(&release_name(id)));
        wanted.insert(ratification_name(id));
        let Some((_, catalog)) = leaf_and_catalog(disk, id)? else { continue };
        let Some(digest) = disk.digest(&catalog)? else { continue };
        wanted.insert(leaf_name(id));
        // One that is damaged goes, and comes again.
        wanted.insert(format!("catalog/{}", digest.hex()));
        if !blobs.is_empty()
            && let Some(bytes) = disk.read(&catalog, LIMITS.catalog)?
            && let Ok(catalog) = Catalog::decode(&bytes)
        {
            wanted.extend(catalog.blobs().into_keys().map(blob_name));
        }
    }
    for directory in ["timestamp", "withdrawals", "release", "leaf", "catalog", "blob"] {
        let names = disk.list(directory)?.into_iter().map(|file| format!("{directory}/{file}"));
        let unwanted: Vec<String> = names.filter(|name| !wanted.contains(name)).collect();
        if let Some((last, rest)) = unwanted.split_last() {
            rest.iter().try_for_each(|name| disk.remove(name, Lasting::Soon))?;
            // With it, all of them are gone for good.
            disk.remove(last, Lasting::Now)?;
        }
    }
    Ok(())
}

fn keep_envelope(disk: &Disk, name: &str, envelope: &Envelope) -> Result<(), StoredError> {
    let [document, signatures] = names(name);
    let list = serde_json::to_vec(&envelope.signatures).unwrap_or_default();
    // Signatures first: whoever sees the document finds them.
    keep(disk, &signatures, &list)?;
    keep(disk, &document, &envelope.bytes)
}

/// Writes a file unless it has these bytes already: waiting for the disk is the longest part of a run with nothing
/// to do.
///
/// # Errors
/// When it could not be made durable.
fn keep(disk: &Disk, name: &str, bytes: &[u8]) -> Result<(), StoredError> {
    if !disk.holds(name, bytes)? {
        disk.write(name, bytes)?;
    }
    Ok(())
}

fn envelope(disk: &Disk, name: &str, cap: u64) -> Result<Option<Envelope>, StoredError> {
    let [document, signatures] = names(name);
    let Some(bytes) = disk.read(&document, cap)? else { return Ok(None) };
    let Some(list) = disk.read(&signatures, LIMITS.signatures)? else { return Ok(None) };
    let signatures = serde_json::from_slice(&list).map_err(|_| gone("stored signatures are damaged"))?;
    Ok(Some(Envelope { bytes, signatures }))
}

fn gone(why: &'static str) -> StoredError {
    Refusal::State { why }.into()
}

fn names(stem: &str) -> [String; 2] {
    [format!("{stem}.json"), format!("{stem}.signatures.json")]
}

fn timestamp_name(id: Digest) -> String {
    format!("timestamp/{}", id.hex())
}

fn withdrawals_name(digest: Digest) -> String {
    format!("withdrawals/{}", digest.hex())
}

fn release_name(id: Digest) -> String {
    format!("release/{}", id.hex())
}

fn ratification_name(release: Digest) -> String {
    format!("release/{}.ratification.json", release.hex())
}

fn leaf_name(release: Digest) -> String {
    format!("leaf/{}", release.hex())
}

fn blob_name(digest: Digest) -> String {
    format!("blob/{}", digest.hex())
}

/// File contents out of the agent's directory, where they all are before a run begins.
pub(super) struct Kept<'a>(pub(super) &'a Disk);

impl BlobSource for Kept<'_> {
    fn blob(&self, digest: &Digest, size: u64) -> Result<Vec<u8>, BlobError> {
        blob(self.0, *digest, size)?.ok_or_else(|| "it is not on this node's disk".into())
    }
}
