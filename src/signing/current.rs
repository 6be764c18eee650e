//! The catalog that a node may apply: the right node's, verified, and not outdated.
//!
//! ```compile_fail
//! // Nobody else can say that a catalog is current.
//! use countersign::signing::{Current, Freshness};
//! use countersign::model::Catalog;
//! fn forge(catalog: Catalog) -> Current<Catalog> {
//!     Current { value: catalog, freshness: Freshness::Fresh }
//! }
//! ```
//!
//! ```compile_fail
//! fn readable<T: serde::de::DeserializeOwned>() {}
//! readable::<countersign::signing::Current<countersign::model::Catalog>>();
//! ```

use crate::model::Stamp;
use std::ops::Deref;

/// Something that is verified, for this node, and of known freshness. Made by `decide` and `reload` only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Current<T> {
    value: T,
    freshness: Freshness,
}

/// How fresh a release is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// The server's timestamp says that it is the newest.
    Fresh,
    /// No fresh timestamp can be had; drift is corrected until then.
    Stale {
        /// The end of the agent's patience.
        until: Stamp,
    },
    /// Too old: only look, change nothing, raise the alarm.
    Expired {
        /// Since when.
        since: Stamp,
    },
}

impl<T> Current<T> {
    pub(super) const fn new(value: T, freshness: Freshness) -> Self {
        Self { value, freshness }
    }

    /// How fresh it is.
    #[must_use]
    pub const fn freshness(&self) -> Freshness {
        self.freshness
    }

    /// Whether a run may only look (C.6): what is too old is never enforced and never taken away either.
    #[must_use]
    pub const fn only_noop(&self) -> bool {
        matches!(self.freshness, Freshness::Expired { .. })
    }
}

impl<T> Deref for Current<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
