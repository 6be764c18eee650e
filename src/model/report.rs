//! What a run did: the document that a node signs and sends, and that stays on the node.

use super::resource::{LogLevel, Ref};
use super::{Checkpoint, Digest, EnvName, Facts, NodeName, Stamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One run of the agent. Durations are in milliseconds; there are no floats, because it is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Always `report`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Version of this format: 1.
    pub v: u32,
    /// The repository of the trust root that the node obeys (64 hexadecimal digits).
    pub repo: String,
    /// The node.
    pub node: NodeName,
    /// The environment that it follows.
    pub environment: EnvName,
    /// 1 for the first report of a node, then one more for each.
    pub counter: u64,
    /// Digest of the previous report's bytes.
    pub prev: Option<Digest>,
    /// Random id of the run (32 hexadecimal digits).
    pub run: String,
    /// Id of the trigger that asked for it, if it was pushed.
    pub trigger: Option<String>,
    /// The release that was applied; `None` when nothing was.
    pub release: Option<ReleaseRef>,
    /// The release came from the node's disk because nothing newer could be had.
    pub cached: bool,
    /// Why the server's offer was not accepted: the refusal's code and text.
    pub refusal: Option<Refused>,
    /// Why the run did not go to its end or was taken back, with the code of it. Left out when it went to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halted: Option<Refused>,
    /// An administrator keeps the agent from running. Left out when it may run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<SwitchedOff>,
    /// The last checkpoint of the log that the node has seen, by which servers and auditors notice two histories. Left out
    /// when it has seen none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Checkpoint>,
    /// Nothing was changed, only looked at.
    pub noop: bool,
    /// How it ended.
    pub status: RunStatus,
    /// A noop resource is not as it should be.
    pub noop_pending: bool,
    /// Drift was put back.
    pub corrective_change: bool,
    /// When it began.
    pub started: Stamp,
    /// When it ended.
    pub finished: Stamp,
    /// How many resources came to which end.
    pub counts: Counts,
    /// The resources that were not simply as they should be.
    pub resources: Vec<ResourceReport>,
    /// The log of the run.
    pub logs: Vec<LogLine>,
    /// Milliseconds by phase (`fetch`, `verify`, `facts`, `apply`, `total`) and by resource type.
    pub time: BTreeMap<String, u64>,
    /// What the node says of itself.
    pub facts: Facts,
}

/// The release that a run applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseRef {
    /// Its serial in its environment.
    pub seq: u64,
    /// The digest of its statement.
    pub id: Digest,
}

/// A refusal as it is reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    /// The code, for example `ROLLBACK`.
    pub code: String,
    /// The text.
    pub message: String,
}

/// An administrator's word that the agent must not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwitchedOff {
    /// Why, in the administrator's words.
    pub reason: String,
    /// Who said so, as far as the node can tell.
    pub owner: String,
    /// When it was said.
    pub since: Stamp,
    /// When the agent runs again by itself; `None` is never.
    pub until: Option<Stamp>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// Something failed, or the run did not complete.
    Failed,
    /// Something was changed and nothing failed.
    Changed,
    /// Everything was as it should be.
    Unchanged,
}

/// How many resources came to which end. One resource may count in several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Resources in the catalog.
    pub total: u64,
    /// Not as they should be when the run came to them.
    pub out_of_sync: u64,
    /// Changed.
    pub changed: u64,
    /// Failed.
    pub failed: u64,
    /// Refreshed.
    pub restarted: u64,
    /// Failed to refresh.
    pub failed_to_restart: u64,
    /// Left out because of a failed dependency, a guard or a tag.
    pub skipped: u64,
    /// Changes that put drift back.
    pub corrective: u64,
    /// Not looked at, because the run ended before.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unreached: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What happened to one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceReport {
    /// Which.
    pub resource: Ref,
    /// How it ended.
    pub status: ResourceStatus,
    /// What was noticed or done, property by property.
    pub events: Vec<Event>,
    /// Milliseconds.
    pub time: u64,
}

/// How one resource ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResourceStatus {
    /// As it should be.
    Unchanged,
    /// Changed.
    Changed,
    /// Not as it should be, and left so because of noop.
    Pending,
    /// Failed.
    Failed,
    /// Left out.
    Skipped,
    /// Not looked at, because the run ended before.
    Unreached,
}

/// One property of one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// The property, for example `content`.
    pub property: String,
    /// What it was, as text; digests instead of content.
    pub from: String,
    /// What it should be.
    pub to: String,
    /// The sentence in the log, for example `mode changed '0644' to '0600'`.
    pub message: String,
    /// How it ended.
    pub status: EventStatus,
    /// Drift, not a new wish.
    pub corrective: bool,
}

/// How one property ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventStatus {
    /// Changed.
    Success,
    /// Could not be changed.
    Failure,
    /// Would have been changed.
    Noop,
    /// Was changed by somebody else; only looked at.
    Audit,
}

/// A line of the run's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogLine {
    /// How important it is.
    pub level: LogLevel,
    /// The resource or part of the agent that speaks, for example `file[/etc/motd]/content`.
    pub source: String,
    /// What it says.
    pub message: String,
}
