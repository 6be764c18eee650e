//! The trust root as the server has it: walked and verified anew whenever a version appears.
//!
//! The server obeys the root when it answers operators and signs timestamps; it cannot change it.

use super::config::{self, Config};
use super::layout::Layout;
use super::{ServerError, authority};
use crate::model::tree::PathError;
use crate::model::{Digest, Principal, Stamp, Tree};
use crate::repo::{NewCommit, RefUpdate, Repo, RepoError, TRUST_REF};
use crate::signing::root::{self, Root, allowed_signers};
use crate::signing::{Envelope, Refusal, Verified, Withdrawals, Withdrawn};
use crate::store::{Publication, PublishError, Published, SignedFile};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Why there is no trust root to obey, or none was installed.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// None was ever installed.
    #[error("no trust root is installed")]
    NotInstalled,
    /// A directory without version 1, or with a gap.
    #[error("`{}` has no version {version} of a trust root", .directory.display())]
    Missing {
        /// The directory.
        directory: PathBuf,
        /// The version that is missing.
        version: u64,
    },
    /// Signatures or content of a version are not as they must be.
    #[error("version {version} of the trust root is refused")]
    Refused {
        /// Which.
        version: u64,
        /// Why.
        #[source]
        cause: Refusal,
    },
    /// The last version is too old.
    #[error("version {version} of the trust root expired at {at}")]
    Expired {
        /// Which.
        version: u64,
        /// When.
        at: Stamp,
    },
    /// A later version is installed already.
    #[error("version {have} of the trust root is installed, and the directory ends with version {got}")]
    Older {
        /// What is installed.
        have: u64,
        /// What was offered.
        got: u64,
    },
    /// The root is for another server: agents that obey it would never talk to this one.
    #[error("the trust root names another {0} than this server has")]
    OtherServer(&'static str),
    /// The signature files of a version cannot be used.
    #[error("`{}` is not named after a principal", .0.display())]
    SignatureName(PathBuf),
    /// The list of revoked keys is damaged.
    #[error("the list of revoked keys cannot be read")]
    Revocations(#[source] Refusal),
    /// The publication directory failed.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// A name cannot be a path in the repository.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The repository failed.
    #[error(transparent)]
    Repo(#[from] RepoError),
    /// The server's directory failed.
    #[error(transparent)]
    Server(#[from] ServerError),
}

/// The newest published trust root, remembered until another version appears.
#[derive(Debug)]
pub(super) struct Trust {
    config: PathBuf,
    current: Mutex<Option<Arc<Verified<Root>>>>,
}

impl Trust {
    pub(super) fn new(layout: &Layout) -> Self {
        Self { config: layout.config(), current: Mutex::default() }
    }

    /// The newest trust root.
    pub(super) fn current(&self, publication: &Publication) -> Result<Arc<Verified<Root>>, TrustError> {
        let newest = publication.root_versions()?.last().copied().ok_or(TrustError::NotInstalled)?;
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(root) = current.as_ref().filter(|root| root.version() == newest) {
            return Ok(Arc::clone(root));
        }
        let pinned = Config::load(&self.config)?.root.ok_or(TrustError::NotInstalled)?;
        let root = Arc::new(walk_published(publication, pinned)?);
        *current = Some(Arc::clone(&root));
        Ok(root)
    }
}

/// The keys that were revoked.
///
/// # Errors
/// When their list cannot be read: then nobody is believed.
pub(super) fn revoked(publication: &Publication, root: &Root) -> Result<Withdrawn, TrustError> {
    Ok(revocations(publication)?.in_force(root))
}

fn revocations(publication: &Publication) -> Result<Withdrawals, TrustError> {
    let Some(bytes) = publication.revocations()? else { return Ok(Withdrawals::default()) };
    Withdrawals::decode(&bytes).map_err(TrustError::Revocations)
}

/// Verifies the published versions of the trust root, from the pinned one to the newest.
///
/// # Errors
/// When one is missing or refused.
pub fn walk_published(publication: &Publication, pinned: Digest) -> Result<Verified<Root>, TrustError> {
    let directory = publication.directory().join("root");
    let mut envelopes = Vec::new();
    for version in 1.. {
        match publication.root(version)? {
            Some(Published { bytes, signatures }) => envelopes.push(Envelope { bytes, signatures }),
            None => break,
        }
    }
    // What was in force stays in force, whatever was revoked since.
    walk(&envelopes, pinned, &directory, &|_| Withdrawals::default())
}

/// Walks versions one by one, each with the list of what counts no longer for it.
fn walk(
    envelopes: &[Envelope],
    pinned: Digest,
    directory: &Path,
    list: &dyn Fn(u64) -> Withdrawals,
) -> Result<Verified<Root>, TrustError> {
    let (first, rest) = envelopes
        .split_first()
        .ok_or_else(|| TrustError::Missing { directory: directory.to_owned(), version: 1 })?;
    let mut newest = root::first(first, pinned).map_err(|cause| TrustError::Refused { version: 1, cause })?;
    for envelope in rest {
        let version = newest.version() + 1;
        newest = root::advance(&newest, &list(version), envelope)
            .map_err(|cause| TrustError::Refused { version, cause })?;
    }
    Ok(newest)
}

/// Installs the versions of a trust root that `directory` holds: `1.json`, `1.sig.d/<principal>.sig` and so on.
///
/// # Errors
/// When any version is missing, refused or for another server. Then nothing has changed.
pub fn install(layout: &Layout, directory: &Path, now: Stamp) -> Result<Verified<Root>, TrustError> {
    let files = read_directory(directory)?;
    let envelopes: Vec<Envelope> = files.iter().map(envelope).collect();
    let first = envelopes
        .first()
        .ok_or_else(|| TrustError::Missing { directory: directory.to_owned(), version: 1 })?;
    let pinned = Config::load(&layout.config())?.root;
    let publication = Publication::open(&layout.publication()).map_err(TrustError::Publish)?;
    let have = publication.root_versions()?.last().copied().unwrap_or(0);
    let revoked = revocations(&publication)?;
    let list = |version| if version > have { revoked.clone() } else { Withdrawals::default() };
    let newest = walk(&envelopes, pinned.unwrap_or_else(|| first.id()), directory, &list)?;
    if now >= newest.expires() {
        return Err(TrustError::Expired { version: newest.version(), at: newest.expires() });
    }
    check_authorities(layout, &newest)?;
    let got = newest.version();
    if got < have {
        return Err(TrustError::Older { have, got });
    }
    for (version, file) in (1..).zip(&files) {
        publication.add_root(version, file)?;
    }
    if pinned.is_none() {
        config::pin_root(&layout.config(), first.id())?;
    }
    record(layout, &newest, &Recording { files: &files, now })?;
    Ok(newest)
}

/// Agents find this server by the authorities in the root: others would lock them out for good.
fn check_authorities(layout: &Layout, root: &Root) -> Result<(), TrustError> {
    let tls = &root.fields().tls;
    if tls.server_ca != authority::public_key(&layout.server_ca())? {
        return Err(TrustError::OtherServer("server authority"));
    }
    if tls.node_ca != authority::public_key(&layout.node_ca())? {
        return Err(TrustError::OtherServer("node authority"));
    }
    Ok(())
}

struct Recording<'a> {
    files: &'a [SignedFile],
    now: Stamp,
}

/// Puts the versions under `refs/meta/trust`, so that clones have them, and renews the keys that may push.
fn record(layout: &Layout, newest: &Verified<Root>, recording: &Recording<'_>) -> Result<(), TrustError> {
    let repo = Repo::open(&layout.repository())?;
    let mut tree = Tree::default();
    for (version, file) in (1..).zip(recording.files) {
        tree.insert(&format!("{version}.json"), file.bytes.clone())?;
        for (principal, signature) in &file.signatures {
            tree.insert(&format!("{version}.sig.d/{principal}.sig"), signature.clone().into_bytes())?;
        }
    }
    let old = repo.resolve(TRUST_REF)?;
    let message = format!("Trust root, version {}\n", newest.version());
    let commit = NewCommit { files: &tree, parents: old.as_slice(), message: &message, time: recording.now };
    let new = repo.write_commit(&commit)?;
    repo.update(&[RefUpdate { name: TRUST_REF.to_owned(), old: old.into(), new }])?;
    Ok(repo.set_allowed_signers(&allowed_signers(newest))?)
}

fn envelope(file: &SignedFile) -> Envelope {
    let signatures = file.signatures.iter().map(|(_, signature)| signature.clone()).collect();
    Envelope { bytes: file.bytes.clone(), signatures }
}

/// The versions in a trust directory, from 1 on without a gap.
fn read_directory(directory: &Path) -> Result<Vec<SignedFile>, TrustError> {
    let mut files = Vec::new();
    for version in 1.. {
        let path = directory.join(format!("{version}.json"));
        let read = crate::store::durable::read(&path).map_err(ServerError::io("read", &path))?;
        let Some(bytes) = read else { break };
        let signatures = read_signatures(&directory.join(format!("{version}.sig.d")))?;
        files.push(SignedFile { bytes, signatures });
    }
    Ok(files)
}

fn read_signatures(directory: &Path) -> Result<Vec<(Principal, String)>, TrustError> {
    let mut signatures = Vec::new();
    if !directory.exists() {
        return Ok(signatures);
    }
    for entry in std::fs::read_dir(directory).map_err(ServerError::io("read", directory))? {
        let path = entry.map_err(ServerError::io("read", directory))?.path();
        let stem = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".sig"));
        let principal = stem.and_then(|stem| stem.parse().ok());
        let principal = principal.ok_or_else(|| TrustError::SignatureName(path.clone()))?;
        let signature = std::fs::read_to_string(&path).map_err(ServerError::io("read", &path))?;
        signatures.push((principal, signature));
    }
    signatures.sort();
    Ok(signatures)
}

#[cfg(test)]
mod tests;
