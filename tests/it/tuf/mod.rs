//! The cases of the TUF conformance suite that mean something here, under their names there: a repository that somebody
//! makes step by step, and the agent's own pulling against it, with its disk and a clock that the test sets.
//!
//! `docs/tuf-conformance.md` maps every case, and `page.rs` holds it against these tests. The roles of TUF are ours so:
//! root is the trust root, timestamp the timestamp, snapshot the release statement, targets leaf and catalog, and an
//! artifact is the content of a file.

mod basic;
mod download;
mod expiry;
mod keys;
mod page;
pub(crate) mod repo;
mod rollback;
mod rotations;
