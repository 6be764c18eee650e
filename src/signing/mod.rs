//! Keys, signatures, the trust root, thresholds, Merkle proofs, and deciding what an agent may accept.
//!
//! Layer 1. Deciding does no I/O and reads no clock: bytes, state and the time are arguments. What
//! proves something ([`Verified`], [`Current`]) is made here and nowhere else, and is never read
//! from disk: whoever loads verifies again.

mod armor;
mod blob;
mod current;
mod decide;
pub mod document;
pub mod ed25519;
pub mod glob;
pub mod guard;
mod key;
pub mod log;
pub mod merkle;
#[cfg(test)]
mod model;
pub mod query;
pub mod ratify;
mod refusal;
pub mod release;
pub mod reload;
pub mod report;
pub mod review;
pub mod revoke;
pub mod root;
pub mod sshsig;
pub mod state;
#[cfg(test)]
pub(crate) mod testing;
pub mod timestamp;
pub mod tree;
pub mod trigger;
mod verified;
pub mod withdraw;

pub use current::{Current, Freshness};
pub use decide::{Accepted, Decision, MAX_CHAIN, Offer, decide, learn, walk};
pub use document::{Document, Envelope, RepoId};
pub use key::{KeyError, PublicKey, SigningKey};
pub use ratify::{Ratification, Standing};
pub use refusal::{Missing, Refusal};
pub use release::Release;
pub use reload::{Cached, CachedRelease, Reloaded, reload};
pub use revoke::Revocation;
pub use root::Root;
pub use state::State;
pub use timestamp::Timestamp;
pub use trigger::Trigger;
pub use verified::{Binding, MAX_SIGNATURES, Requirement, Tally, Verified, verify};
pub use withdraw::{Withdrawal, Withdrawals, Withdrawn};
