//! What a run is asked for, and what comes of it.

use crate::agent::apply::Wishes;
use crate::agent::brake::Brake;
use crate::agent::disable::Disabled;
use crate::agent::disk::DiskError;
use crate::agent::host::HostError;
use crate::agent::identity::IdentityError;
use crate::agent::keyring::KeyringError;
use crate::agent::lock::LockError;
use crate::agent::queue::Mode;
use crate::agent::servers::ServersError;
use crate::agent::stored::StoredError;
use crate::agent::summary::Outlets;
use crate::model::report::Report;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// What is wished of a run. Its JSON form is between two processes of one version, and all of it but the brake.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Whether to change anything.
    pub mode: Mode,
    /// The node's root directory; `/` but in tests and images.
    pub root: PathBuf,
    /// Which resources are looked at; whether any is changed is the mode's to say.
    pub wishes: Wishes,
    /// What to do when no server offers anything acceptable.
    pub fallback: Fallback,
    /// Where the release comes from.
    pub reach: Reach,
    /// Why there is a run, where that is to be told.
    pub because: Vec<String>,
    /// The trigger that asks for the run.
    pub trigger: Option<Asked>,
    /// How long to wait for another run to end.
    pub patience: Duration,
    /// How long fetching may take.
    pub budget: Duration,
    /// How long the whole run may take; without end when unset.
    pub time: Option<Duration>,
    /// What asks the run to stop after the resource at hand.
    #[serde(skip)]
    pub brake: Brake,
    /// Where the run is told besides its report.
    pub outlets: Outlets,
}

/// What to do when no server offers anything acceptable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fallback {
    /// Enforce the last accepted release from disk, for as long as the trust root allows.
    Cached,
    /// Apply nothing.
    Nothing,
}

/// Where the release of a run comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reach {
    /// From the servers, as far as they have a newer one.
    Servers,
    /// From the node's own disk: drift is put back at once. A run that finds none is not reported.
    Disk,
}

/// The trigger behind a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Its id.
    pub id: String,
    /// The release that the node must reach.
    pub min_seq: u64,
}

/// What came of a run.
#[derive(Debug)]
pub struct Ran {
    /// Its report.
    pub report: Report,
    /// How long a busy server asks to be left alone.
    pub retry_after: Option<Duration>,
}

/// Why there was no run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The node never joined.
    #[error("this node has not joined yet")]
    NotEnrolled,
    /// An administrator said "not now".
    #[error("{0}")]
    Disabled(Disabled),
    /// Another run is under way.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The agent's directory could not be used.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// What is stored cannot be used.
    #[error(transparent)]
    Stored(#[from] StoredError),
    /// The list of servers cannot be used.
    #[error(transparent)]
    Servers(#[from] ServersError),
    /// The node's keys cannot be used.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The keys of sealed secrets cannot be used.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The node's file system cannot be used.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The operating system gave no randomness.
    #[error("no randomness from the operating system: {0}")]
    Randomness(getrandom::Error),
}
