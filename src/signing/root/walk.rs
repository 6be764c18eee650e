//! From one trust root to the next: the only makers of a `Verified<Root>`.

use super::Root;
use crate::model::Digest;
use crate::signing::document::{self, Document as _, Envelope};
use crate::signing::refusal::Refusal;
use crate::signing::verified::{Tally, Verified, tally, verify, verify_under};
use crate::signing::withdraw::{Withdrawals, Withdrawn};

/// Trust roots that one walk takes, at most.
pub const MAX_STEPS: usize = 1024;

/// The trust root whose digest was given out of band, signed by its own threshold.
///
/// # Errors
/// When the digest is another or its people did not sign.
pub fn first(envelope: &Envelope, pinned: Digest) -> Result<Verified<Root>, Refusal> {
    if envelope.id() != pinned {
        return Err(Refusal::RootDigest { got: envelope.id(), want: pinned });
    }
    // The digest vouches for these bytes, so they may be read before their signatures are judged.
    let root: Root = document::read(&envelope.bytes)?;
    verify_under(&root, envelope)
}

/// The trust root after `current`: the next version, naming the one before, and signed by the
/// thresholds of both. Keys that were revoked since count: what was in force stays in force.
///
/// # Errors
/// When any of this does not hold. Whether it has expired is for whoever stops walking to ask.
pub fn next(current: &Verified<Root>, envelope: &Envelope) -> Result<Verified<Root>, Refusal> {
    advance(current, &Withdrawals::default(), envelope)
}

/// The same for a version that is new to whoever has this list: keys that are revoked in it count no more.
///
/// # Errors
/// As [`next`].
pub fn advance(
    current: &Verified<Root>,
    list: &Withdrawals,
    envelope: &Envelope,
) -> Result<Verified<Root>, Refusal> {
    let under_old: Verified<Root> = verify(current, &list.in_force(current), envelope)?;
    let (have, got) = (current.version(), under_old.version());
    if got <= have {
        return Err(Refusal::RootRolledBack { have, got });
    }
    if got != have + 1 {
        return Err(Refusal::RootSkipped { have, got });
    }
    if under_old.fields().prev != Some(current.id()) {
        return Err(Refusal::RootForked { version: got });
    }
    verify(&under_old, &list.in_force(&under_old), envelope)
}

/// How far `signatures` on `root` go towards the threshold of the version before it. It says nothing about whether
/// anybody should trust either.
///
/// # Errors
/// When there are more signatures than anybody needs.
pub fn check_under(before: &Root, root: &Root, signatures: &[String]) -> Result<Tally, Refusal> {
    tally::<Root>(before, &Withdrawn::none(), &claimed(root, signatures), &root.requirement(before)?)
}

/// How far `signatures` go towards the root's own threshold: who signed, who is missing. It says nothing
/// about whether anybody should trust this root.
///
/// # Errors
/// When there are more signatures than anybody needs.
pub fn check_threshold(root: &Root, signatures: &[String]) -> Result<Tally, Refusal> {
    tally::<Root>(root, &Withdrawn::none(), &claimed(root, signatures), &root.requirement(root)?)
}

fn claimed(root: &Root, signatures: &[String]) -> Envelope {
    Envelope { bytes: root.encode(), signatures: signatures.to_vec() }
}
