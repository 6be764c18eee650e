//! The revocation of a key, handed in by whoever holds it or was given it to keep.

use super::{GateError, withdrawals};
use crate::model::{Principal, wire};
use crate::repo::{Id, Limits, Repo};
use crate::signing::{Envelope, PublicKey, Revocation, Root, Verified, revoke};

/// The revocation in the commit `pushed` (`revoke.json` and `revoke.sig`), as it will stand in the list.
///
/// # Errors
/// When it is none, or not signed by the key that it names, or that key was revoked before.
pub(super) fn read(
    repo: &Repo,
    root: &Verified<Root>,
    pushed: Id,
) -> Result<(wire::Signed, Verified<Revocation>), GateError> {
    let files = repo.read_tree(pushed, Limits::REVIEW)?;
    let text = |name: &str| files.get(name).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let (Some(document), Some(signature)) = (text("revoke.json"), text("revoke.sig")) else {
        return Err(GateError::NoRevocation);
    };
    let entry = wire::Signed { document, signatures: vec![signature] };
    let revocation = revoke::verify(root, &Envelope::from(entry.clone()))?;
    // Once is enough, and nobody fills the list.
    let before = withdrawals::revocations(repo)?.in_force(root);
    match PublicKey::parse(&revocation.key) {
        Ok(key) if before.revokes(&key) => {
            Err(GateError::RevokedKey { who: owner(&revocation)?, key: key.fingerprint() })
        }
        Ok(_) => Ok((entry, revocation)),
        Err(_) => Err(GateError::NoRevocation),
    }
}

/// Whose key it is.
///
/// # Errors
/// Never for what [`read`] returned.
pub(super) fn owner(revocation: &Verified<Revocation>) -> Result<Principal, GateError> {
    revocation.signers().first().cloned().ok_or(GateError::NoRevocation)
}
