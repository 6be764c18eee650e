//! The trust root in the repository: walked from its first version every time, believed for its signatures.

use super::GateError;
use crate::model::{Digest, Tree};
use crate::repo::{Limits, Repo, TRUST_REF};
use crate::signing::root::{first, next};
use crate::signing::{Envelope, Refusal, Root, Verified, log};

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

/// The trust root as it was at a version.
///
/// # Errors
/// As [`load`], and when there is no such version.
pub fn load_version(repo: &Repo, pin: Pin, version: u64) -> Result<Verified<Root>, GateError> {
    let id = repo.resolve(TRUST_REF)?.ok_or(GateError::NoTrust)?;
    walk_to(&repo.read_tree(id, Limits::RECORD)?, pin, |have| have >= version).and_then(|(root, _)| {
        let have = root.version();
        if have == version { Ok(root) } else { Err(Refusal::RootMissing { have, want: version }.into()) }
    })
}

/// Walks the versions in `files`: `<n>.json` with `<n>.sig.d/*.sig`.
///
/// # Errors
/// As [`load`].
pub fn walk(files: &Tree, pin: Pin) -> Result<Verified<Root>, GateError> {
    Ok(walk_to(files, pin, |_| false)?.0)
}

/// The newest trust root of the repository, and the version since which its timestamp keys sign the log: statements from
/// before may name one that ended with older keys.
///
/// # Errors
/// As [`load`].
pub fn load_with_log(repo: &Repo, pin: Pin) -> Result<(Verified<Root>, u64), GateError> {
    let id = repo.resolve(TRUST_REF)?.ok_or(GateError::NoTrust)?;
    walk_to(&repo.read_tree(id, Limits::RECORD)?, pin, |_| false)
}

fn walk_to(files: &Tree, pin: Pin, enough: impl Fn(u64) -> bool) -> Result<(Verified<Root>, u64), GateError> {
    let start = envelope(files, 1).ok_or(GateError::NoTrust)?;
    let pinned = match pin {
        Pin::Given(digest) => digest,
        Pin::Installed => start.id(),
    };
    let mut root = first(&start, pinned)?;
    let mut log_since = root.version();
    while !enough(root.version())
        && let Some(envelope) = envelope(files, root.version() + 1)
    {
        let after = next(&root, &envelope)?;
        if log::keeper(&after) != log::keeper(&root) {
            log_since = after.version();
        }
        root = after;
    }
    Ok((root, log_since))
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
