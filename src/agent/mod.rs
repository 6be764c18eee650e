//! Identity, fetch, verify, plan, apply, report: what runs as root on a node.
//!
//! Layer 2. Imports `model`, `signing`, `shell` and `policy::guard` only, so that what it trusts stays small.

pub mod clock;
pub mod disable;
pub mod disk;
pub mod fetch;
pub mod host;
pub mod identity;
pub mod lock;
pub mod queue;
pub mod schedule;
