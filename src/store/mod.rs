//! The publication directory, and the database of nodes, runs and reports.
//!
//! Layer 2. Holds no key that an agent trusts for content.

pub mod audit;
pub mod db;
pub mod durable;
pub mod enrol;
pub mod freshness;
pub mod log;
pub mod node;
pub mod publish;
pub mod published;
pub mod push;
pub mod report;
pub mod silence;
mod tiles;

pub use audit::Audit;
pub use db::{Database, StoreError};
pub use node::{Node, NodeState};
pub use publish::{Publication, PublishError, PublishedRelease, SignedFile};
pub use published::Published;
