//! The publication directory, and the database of nodes, runs and reports.
//!
//! Layer 2. Holds no key that an agent trusts for content.

pub mod durable;
pub mod publish;

pub use publish::{Publication, PublishError, PublishedRelease, SignedFile};
