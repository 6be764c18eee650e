//! The trust root in the repository: walked from its first version every time, believed for its signatures.

use super::GateError;
use crate::model::{Digest, Stamp, Tree};
use crate::repo::{Expected, Limits, NewCommit, RefUpdate, Repo, TRUST_REF};
use crate::signing::root::{allowed_signers, first, next};
use crate::signing::{Envelope, Root, Verified};

/// Which first version to believe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pin {
    /// The one with this digest, learnt out of band.
    Given(Digest),
    /// The one that was installed here: for the server, which has nothing else.
    Installed,
}

/// The newest trust root of the repository.
///
/// # Errors
/// When there is none, or any of its versions is not signed as it must be.
pub fn load(repo: &Repo, pin: Pin) -> Result<Verified<Root>, GateError> {
    let id = repo.resolve(TRUST_REF)?.ok_or(GateError::NoTrust)?;
    walk(&repo.read_tree(id, Limits::RECORD)?, pin)
}

/// Walks the versions in `files`: `<n>.json` with `<n>.sig.d/*.sig`.
///
/// # Errors
/// As [`load`].
pub fn walk(files: &Tree, pin: Pin) -> Result<Verified<Root>, GateError> {
    let start = envelope(files, 1).ok_or(GateError::NoTrust)?;
    let pinned = match pin {
        Pin::Given(digest) => digest,
        Pin::Installed => start.id(),
    };
    let mut root = first(&start, pinned)?;
    while let Some(envelope) = envelope(files, root.version() + 1) {
        root = next(&root, &envelope)?;
    }
    Ok(root)
}

/// The versions in `files` as they are, ascending; nothing is verified.
#[must_use]
pub fn envelopes(files: &Tree) -> Vec<Envelope> {
    (1..).map_while(|version| envelope(files, version)).collect()
}

fn envelope(files: &Tree, version: u64) -> Option<Envelope> {
    let bytes = files.get(&format!("{version}.json"))?.to_vec();
    let folder = format!("{version}.sig.d/");
    let signatures = files.below(&folder).map(|(_, sig)| String::from_utf8_lossy(sig).into_owned()).collect();
    Some(Envelope { bytes, signatures })
}

/// Installs the trust root in `files` on the server: verified, put on record, and its keys made known to
/// git. Versions that are already there must be the same.
///
/// # Errors
/// When it does not verify, or does not continue the one that is installed.
pub fn install(repo: &Repo, files: &Tree, now: Stamp) -> Result<Verified<Root>, GateError> {
    let old = repo.resolve(TRUST_REF)?;
    let pin = match old {
        Some(id) => {
            let before = repo.read_tree(id, Limits::RECORD)?;
            let have = before.get("1.json").ok_or_else(|| GateError::Damaged("the trust root".into()))?;
            let installed = walk(&before, Pin::Installed)?;
            let same = files.get(&format!("{}.json", installed.version())) == Some(installed.bytes());
            if !same {
                let version = installed.version();
                return Err(crate::signing::Refusal::RootForked { version }.into());
            }
            Pin::Given(Digest::of(have))
        }
        None => Pin::Installed,
    };
    let root = walk(files, pin)?;
    let mut kept = Tree::default();
    for (path, bytes) in files.iter().filter(|(path, _)| versioned(path)) {
        kept.insert(path, bytes.to_vec()).map_err(|error| GateError::Damaged(error.to_string()))?;
    }
    let parents: Vec<_> = old.into_iter().collect();
    let message = format!("Trust root {}\n", root.version());
    let new =
        repo.write_commit(&NewCommit { files: &kept, parents: &parents, message: &message, time: now })?;
    repo.update(&[RefUpdate { name: TRUST_REF.into(), old: Expected::from(old), new }])?;
    repo.set_allowed_signers(&allowed_signers(&root))?;
    Ok(root)
}

/// Whether a file is part of a version: a trust directory may hold other files too.
fn versioned(path: &str) -> bool {
    path.starts_with(|c: char| c.is_ascii_digit()) && (path.ends_with(".json") || path.ends_with(".sig"))
}
