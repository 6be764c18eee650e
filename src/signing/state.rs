//! What an agent remembers between runs, so that nobody can take it back in time.

use super::document::{Envelope, RepoId};
use super::refusal::Refusal;
use super::root::{self, Root};
use super::verified::Verified;
use super::withdraw::{Withdrawals, Withdrawn};
use crate::model::report::ReleaseRef;
use crate::model::{Checkpoint, Digest, EnvName, NodeName, Stamp, canonical};
use serde::{Deserialize, Serialize};

/// The state of an agent: what is stored, and the trust root and the withdrawals that it is about.
///
/// Every change returns a new state; the agent writes it down before it acts on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    pub(super) record: Record,
    pub(super) root: Verified<Root>,
    pub(super) withdrawals: Withdrawals,
}

/// What is stored. The order of the fields is the order of the bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    #[serde(rename = "type")]
    pub(super) document: String,
    pub(super) v: u32,
    pub(super) repo: RepoId,
    pub(super) node: NodeName,
    pub(super) environment: EnvName,
    pub(super) root: RootSeen,
    pub(super) timestamp: Option<TimestampSeen>,
    pub(super) accepted: Option<AcceptedRelease>,
    pub(super) applied: Option<ReleaseRef>,
    pub(super) max_time: Stamp,
    pub(super) report: ReportChain,
    pub(super) checkpoint: Option<Checkpoint>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) fallback: Option<AcceptedRelease>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) withdrawn: Option<Digest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) log_since: Option<u64>,
    pub(super) writes: u64,
}

/// The trust root that is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootSeen {
    /// Its version.
    pub version: u64,
    /// Its digest.
    pub id: Digest,
}

/// The last timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimestampSeen {
    /// Its number.
    pub n: u64,
    /// Its digest.
    pub id: Digest,
}

/// The last release that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptedRelease {
    /// Its serial.
    pub seq: u64,
    /// The digest of its statement.
    pub id: Digest,
    /// The version of the policy that it was linted under.
    pub policy_v: u64,
}

/// What a state counts, at most: no node comes so far, and one that did would have to begin again.
const MAX_COUNT: u64 = u64::MAX / 2;

/// Where the node's chain of reports is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportChain {
    /// Reports made so far.
    pub counter: u64,
    /// Digest of the last one.
    pub prev: Option<Digest>,
}

/// What has to be loaded beside a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named {
    /// The version of the trust root.
    pub root: u64,
    /// The digest of the list of withdrawals.
    pub withdrawals: Option<Digest>,
}

/// The record with the digest of its bytes, as it is stored.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    state: Record,
    checksum: Digest,
}

impl State {
    /// The first state of a node, made by enrolling and by nothing else.
    #[must_use]
    pub fn enroll(node: NodeName, environment: EnvName, root: Verified<Root>) -> Self {
        let record = Record {
            document: "state".into(),
            v: 1,
            repo: root.repo(),
            node,
            environment,
            root: RootSeen { version: root.version(), id: root.id() },
            timestamp: None,
            accepted: None,
            applied: None,
            max_time: root.fields().created,
            report: ReportChain::default(),
            checkpoint: None,
            fallback: None,
            withdrawn: None,
            // Which keys signed the log under older trust roots is not known here.
            log_since: Some(root.version()),
            writes: 1,
        };
        Self { record, root, withdrawals: Withdrawals::default() }
    }

    /// Reads stored bytes and verifies the stored trust root and the list of withdrawals that they name.
    ///
    /// # Errors
    /// When anything is damaged or does not fit together: never a reason to start afresh (D27).
    pub fn load(bytes: &[u8], root: &Envelope, withdrawals: Option<&[u8]>) -> Result<Self, Refusal> {
        let broken = |why| Refusal::State { why };
        let stored: Stored = canonical::decode("state", bytes).map_err(|_| broken("it is damaged"))?;
        let record = stored.state;
        if Digest::of(&canonical::encode(&record)) != stored.checksum {
            return Err(broken("its checksum is wrong"));
        }
        if record.document != "state" || record.v != 1 {
            return Err(broken("it was written by another version"));
        }
        if record.writes.max(record.report.counter) > MAX_COUNT {
            return Err(broken("it counts further than anybody can have counted"));
        }
        let root = root::first(root, record.root.id)?;
        if root.version() != record.root.version || root.repo() != record.repo {
            return Err(broken("it belongs to another trust root"));
        }
        let withdrawals = withdrawals.map_or_else(|| Ok(Withdrawals::default()), Withdrawals::decode)?;
        if withdrawals.digest() != record.withdrawn {
            return Err(broken("its list of withdrawals is another"));
        }
        Ok(Self { record, root, withdrawals })
    }

    /// The bytes to store.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let checksum = Digest::of(&canonical::encode(&self.record));
        canonical::encode(&Stored { state: self.record.clone(), checksum })
    }

    /// What stored bytes are about: which files to load beside them.
    ///
    /// # Errors
    /// When the bytes are damaged.
    pub fn named_untrusted(bytes: &[u8]) -> Result<Named, Refusal> {
        canonical::decode::<Stored>("state", bytes)
            .map(|stored| Named { root: stored.state.root.version, withdrawals: stored.state.withdrawn })
            .map_err(|_| Refusal::State { why: "it is damaged" })
    }

    /// The node.
    #[must_use]
    pub const fn node(&self) -> &NodeName {
        &self.record.node
    }

    /// The environment that it follows.
    #[must_use]
    pub const fn environment(&self) -> &EnvName {
        &self.record.environment
    }

    /// The trust root in force.
    #[must_use]
    pub const fn root(&self) -> &Verified<Root> {
        &self.root
    }

    /// The last timestamp.
    #[must_use]
    pub const fn timestamp(&self) -> Option<TimestampSeen> {
        self.record.timestamp
    }

    /// The last accepted release.
    #[must_use]
    pub const fn accepted(&self) -> Option<AcceptedRelease> {
        self.record.accepted
    }

    /// The release to go back to if the accepted one, an emergency, is not ratified in time.
    #[must_use]
    pub const fn fallback(&self) -> Option<AcceptedRelease> {
        self.record.fallback
    }

    /// The last release that a run applied to its end.
    #[must_use]
    pub const fn applied(&self) -> Option<&ReleaseRef> {
        self.record.applied.as_ref()
    }

    /// Where the chain of reports is.
    #[must_use]
    pub const fn report(&self) -> ReportChain {
        self.record.report
    }

    /// The last checkpoint of the log that was seen; every later one must continue it.
    #[must_use]
    pub const fn checkpoint(&self) -> Option<Checkpoint> {
        self.record.checkpoint
    }

    /// The latest time that was ever seen.
    #[must_use]
    pub const fn max_time(&self) -> Stamp {
        self.record.max_time
    }

    /// The list of withdrawals that was seen last.
    #[must_use]
    pub const fn withdrawals(&self) -> &Withdrawals {
        &self.withdrawals
    }

    /// The signatures that count no longer, as the trust root in force sees it.
    #[must_use]
    pub fn withdrawn(&self) -> Withdrawn {
        self.withdrawals.in_force(&self.root)
    }

    /// The state after a run applied the accepted release to its end.
    #[must_use]
    pub fn after_applying(&self) -> Self {
        self.changed(|record| {
            record.applied = record.accepted.map(|a| ReleaseRef { seq: a.seq, id: a.id });
        })
    }

    /// The state after a report with this digest was made.
    #[must_use]
    pub fn after_report(&self, report: Digest) -> Self {
        self.changed(|record| {
            record.report = ReportChain { counter: record.report.counter + 1, prev: Some(report) };
        })
    }

    pub(super) fn changed(&self, change: impl FnOnce(&mut Record)) -> Self {
        let mut next = self.clone();
        change(&mut next.record);
        next.record.writes += 1;
        next
    }

    /// Seconds that clocks may be apart.
    pub(super) fn skew(&self) -> i64 {
        i64::try_from(self.root.limits().skew).unwrap_or(0)
    }

    /// Refuses a clock that is behind what was already seen (D31).
    pub(super) fn check_clock(&self, now: Stamp) -> Result<(), Refusal> {
        let seen = self.record.max_time;
        if now < seen.plus(-self.skew()) { Err(Refusal::ClockBack { now, seen }) } else { Ok(()) }
    }

    /// Refuses what was made in the future of the clock (D31).
    pub(super) fn check_created(
        &self,
        what: &'static str,
        created: Stamp,
        now: Stamp,
    ) -> Result<(), Refusal> {
        let limit = now.plus(self.skew());
        if created > limit { Err(Refusal::Future { what, created, now }) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
