//! Fetching: bytes from servers, mirrors and directories, none of which is believed.
//!
//! Every answer has a cap in bytes, a run has one deadline, and nothing here decides or writes: what is
//! returned goes through `signing` before it means anything.

mod deadline;
mod directory;
mod https;
mod names;
pub mod offer;
pub mod publication;
mod tls;

pub use deadline::Deadline;
pub use directory::Directory;
pub use https::{Https, Method, Request};
pub use tls::Trust;

use crate::signing::Withdrawals;
use std::time::Duration;

/// The most that is read of each kind of document, in bytes, and the least speed (T2, T11).
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// A version of the trust root.
    pub root: u64,
    /// The freshness statement.
    pub timestamp: u64,
    /// The list of withdrawals.
    pub withdrawals: u64,
    /// A release statement.
    pub statement: u64,
    /// The container of a document's signatures.
    pub signatures: u64,
    /// A leaf with its proof.
    pub leaf: u64,
    /// A catalog.
    pub catalog: u64,
    /// One file's content.
    pub blob: u64,
    /// Any other answer of a server.
    pub answer: u64,
    /// Versions of the trust root that one run walks.
    pub root_steps: u32,
    /// Release statements between the accepted one and the newest.
    pub chain: u64,
    /// Bytes per second below which an answer is given up, after the first [`GRACE`].
    pub rate: u64,
}

/// The limits that are in force.
pub const LIMITS: Limits = Limits {
    root: 64 << 10,
    timestamp: 16 << 10,
    withdrawals: Withdrawals::MAX_BYTES as u64,
    statement: 64 << 10,
    signatures: 256 << 10,
    leaf: 16 << 10,
    catalog: crate::model::catalog::MAX_CATALOG,
    blob: 256 << 20,
    answer: 1 << 20,
    root_steps: 1024,
    chain: crate::signing::MAX_CHAIN as u64,
    rate: 1 << 10,
};

/// How long an answer may be slow before its speed is judged.
pub const GRACE: Duration = Duration::from_secs(10);

/// What is asked of a source.
#[derive(Debug, Clone, Copy)]
pub struct Want<'a> {
    /// The path inside the publication, for example `timestamp/production.json`.
    pub path: &'a str,
    /// The most bytes that it may have.
    pub cap: u64,
    /// The tag of the copy at hand, so that it need not be sent again.
    pub etag: Option<&'a str>,
}

impl<'a> Want<'a> {
    /// Asks for a whole document.
    #[must_use]
    pub const fn new(path: &'a str, cap: u64) -> Self {
        Self { path, cap, etag: None }
    }
}

/// What a source answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The bytes, and the tag to ask with next time.
    Bytes {
        /// The bytes. Nobody has verified them.
        bytes: Vec<u8>,
        /// The source's tag for them.
        etag: Option<String>,
    },
    /// The copy at hand is still the one.
    Same,
    /// There is no such document.
    Missing,
}

/// Where the bytes of a publication come from.
pub trait Source: std::fmt::Debug + Send + Sync {
    /// How people would name it.
    fn name(&self) -> &str;

    /// Asks for a document.
    ///
    /// # Errors
    /// When it cannot be had whole, within the cap and in time.
    fn get(&self, want: &Want<'_>) -> Result<Answer, FetchError>;
}

/// Why a document could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Longer than such a document can be (T2).
    #[error("`{path}` from {from} is longer than {cap} bytes")]
    TooLong {
        /// The document.
        path: String,
        /// The source.
        from: String,
        /// The cap.
        cap: u64,
    },
    /// Too slow to be honest (T11).
    #[error("`{path}` from {from} came too slowly")]
    TooSlow {
        /// The document.
        path: String,
        /// The source.
        from: String,
    },
    /// It is not there.
    #[error("{from} has no `{path}`")]
    Missing {
        /// The document.
        path: String,
        /// The source.
        from: String,
    },
    /// The server will not give it to this node.
    #[error("{from} refused `{path}`: {message}")]
    Refused {
        /// The document.
        path: String,
        /// The source.
        from: String,
        /// The status of the answer.
        status: u16,
        /// What the server said, made printable.
        message: String,
    },
    /// The server is busy.
    #[error("{from} is busy")]
    Busy {
        /// The source.
        from: String,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// It is not what it says it is.
    #[error("`{path}` from {from} is not a {what}")]
    Form {
        /// The document.
        path: String,
        /// The source.
        from: String,
        /// What was expected.
        what: &'static str,
    },
    /// Its digest is another one.
    #[error("`{path}` from {from} has other bytes than its name promises")]
    Digest {
        /// The document.
        path: String,
        /// The source.
        from: String,
    },
    /// The address is not one.
    #[error("`{}` is not an address: write `https://host:port`", .0.escape_default())]
    Address(String),
    /// The server's certificate does not end in the pinned authority.
    #[error("{from} does not have the certificate authority of the trust root")]
    Authority {
        /// The source.
        from: String,
    },
    /// No connection, or it broke.
    #[error("cannot reach {from}")]
    Unreachable {
        /// The source.
        from: String,
        /// What the network said.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl FetchError {
    /// The code that reports, logs and tests know this failure by.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "TOO_LARGE",
            Self::TooSlow { .. } => "SLOW",
            Self::Missing { .. } => "MISSING",
            Self::Refused { .. } => "FORBIDDEN",
            Self::Busy { .. } => "BUSY",
            Self::Form { .. } => "FORM",
            Self::Digest { .. } => "BLOB_ALTERED",
            Self::Address(_) => "ADDRESS",
            Self::Authority { .. } => "SERVER_AUTHORITY",
            Self::Unreachable { .. } => "UNREACHABLE",
        }
    }
}

#[cfg(test)]
mod tests;
