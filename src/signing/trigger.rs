//! Triggers: an operator says *when* nodes run, never what. Nodes obey each one once.

use super::document::{self, Document, Envelope, RepoId};
use super::refusal::Refusal;
use super::root::{self, Root};
use super::state::State;
use super::verified::{Binding, Requirement, Verified, verify};
use crate::model::{Digest, NodeName, Principal, RoleName, Stamp, canonical};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Seconds between the issue of a trigger and its end, at most.
pub const MAX_WINDOW: i64 = 300;
/// Seconds that a `pause` lasts, at most.
pub const MAX_PAUSE: i64 = 86_400;
/// Seconds between two runs that triggers ask for, at least (D25).
pub const MIN_INTERVAL: i64 = 10;
/// Triggers that a node remembers at once, at most.
pub const MAX_REPLAY: usize = 1024;

/// "Run now", signed. The order of the fields is the order of the bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// Always `trigger`.
    #[serde(rename = "type")]
    pub document: String,
    /// Version of the format: 1.
    pub v: u32,
    /// The repository.
    pub repo: RepoId,
    /// Random id (32 hexadecimal digits).
    pub id: String,
    /// Who asks.
    pub operator: Principal,
    /// The nodes that are asked, by name.
    pub nodes: Vec<NodeName>,
    /// What they are asked to do.
    pub action: Action,
    /// They must be at this release or a later one when they have run.
    pub min_seq: u64,
    /// When it was made.
    pub issued: Stamp,
    /// When it ends.
    pub expires: Stamp,
    /// Why.
    pub reason: String,
}

/// What a trigger asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Pull and apply.
    Converge,
    /// Pull and only look.
    Noop,
    /// Do not run by yourself for a while, [`MAX_PAUSE`] at most.
    Pause,
}

impl Trigger {
    /// The canonical bytes: what is signed.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        canonical::encode(self)
    }
}

/// A trigger that a node obeys.
#[derive(Debug)]
#[must_use]
pub struct Accepted {
    /// The trigger.
    pub trigger: Verified<Trigger>,
    /// What to remember, on disk, before obeying.
    pub replay: Replay,
    /// The earliest time to run (D25).
    pub not_before: Stamp,
}

/// The triggers that a node obeyed and that could still be sent again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    seen: BTreeMap<String, Stamp>,
    last: Option<Stamp>,
}

/// The replay memory with a checksum, as it is stored.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    replay: Replay,
    checksum: Digest,
}

impl Replay {
    /// The bytes to store.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        canonical::encode(&Stored { replay: self.clone(), checksum: Digest::of(&canonical::encode(self)) })
    }

    /// Reads stored bytes.
    ///
    /// # Errors
    /// When they are damaged: a node that forgets what it obeyed would obey again.
    pub fn load(bytes: &[u8]) -> Result<Self, Refusal> {
        let broken = Refusal::State { why: "the memory of triggers is damaged" };
        let Ok(stored) = canonical::decode::<Stored>("replay memory", bytes) else { return Err(broken) };
        let sum = Digest::of(&canonical::encode(&stored.replay));
        if sum == stored.checksum { Ok(stored.replay) } else { Err(broken) }
    }

    /// Verifies a trigger and remembers it.
    ///
    /// # Errors
    /// When the operator did not sign it or may not ask this node, or it is too early, too late, for others, or a repetition.
    pub fn accept(&self, state: &State, envelope: &Envelope, now: Stamp) -> Result<Accepted, Refusal> {
        state.check_clock(now)?;
        let trigger: Verified<Trigger> = verify(state.root(), &state.withdrawn(), envelope)?;
        let node = state.node();
        if !trigger.nodes.contains(node) {
            return Err(Refusal::NotAddressed { node: node.clone() });
        }
        if !in_scope(state.root(), &trigger.operator, node) {
            return Err(Refusal::Scope { operator: trigger.operator.clone(), node: node.clone() });
        }
        let (issued, expires) = (trigger.issued, trigger.expires);
        if now < issued.plus(-state.skew()) || now > expires {
            return Err(Refusal::Window { issued, expires, now });
        }
        let replay = self.remember(&trigger, now)?;
        let not_before = self.last.map_or(now, |last| now.max(last.plus(MIN_INTERVAL)));
        Ok(Accepted { trigger, replay: Self { last: Some(not_before), ..replay }, not_before })
    }

    fn remember(&self, trigger: &Trigger, now: Stamp) -> Result<Self, Refusal> {
        let mut seen = self.seen.clone();
        seen.retain(|_, expires| *expires >= now);
        if seen.len() >= MAX_REPLAY {
            return Err(Refusal::Storm { limit: MAX_REPLAY });
        }
        if seen.insert(trigger.id.clone(), trigger.expires).is_some() {
            return Err(Refusal::Replay { id: trigger.id.clone() });
        }
        Ok(Self { seen, last: self.last })
    }
}

/// Whether an operator may ask `node` to run.
#[must_use]
pub fn in_scope(root: &Root, operator: &Principal, node: &NodeName) -> bool {
    let mut roles = root.operator_roles(operator);
    roles.any(|(_, role)| role.nodes().iter().any(|glob| glob.matches(node.as_str())))
}

/// The operator's own signature, and the thresholds of the operator roles that they have.
pub(super) fn operator_requirement(
    root: &Root,
    operator: &Principal,
    what: &'static str,
) -> Result<Requirement, Refusal> {
    let roles: Vec<RoleName> = root.operator_roles(operator).map(|(name, _)| name.clone()).collect();
    if roles.is_empty() {
        return Err(Refusal::Role { what, role: root::OPERATOR.into() });
    }
    Ok(Requirement::signer(operator.clone()).and_roles(roles))
}

impl Document for Trigger {
    type Raw = Self;
    const TYPE: &'static str = "trigger";
    const NAMESPACE: &'static str = "trigger.v1@countersign.dev";
    const MAX_BYTES: usize = 4 << 20;

    fn from_raw(raw: Self) -> Result<Self, Refusal> {
        let mut problems = document::header_problems::<Self>(&raw.document, raw.v);
        let mut need = |holds: bool, problem: &str| {
            if !holds {
                problems.push(problem.to_owned());
            }
        };
        need(
            raw.id.len() == 32 && raw.id.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')),
            "its id is not 32 hexadecimal digits",
        );
        need(
            (1..=MAX_WINDOW).contains(&raw.expires.since(raw.issued)),
            "it must end 1 to 300 seconds after it was made",
        );
        need(raw.nodes.is_sorted_by(|a, b| a < b), "its nodes are not in ascending order");
        need(!raw.nodes.is_empty(), "it names no node");
        document::sound(Self::TYPE, problems)?;
        Ok(raw)
    }

    fn repo(&self) -> RepoId {
        self.repo
    }

    fn requirement(&self, root: &Root) -> Result<Requirement, Refusal> {
        operator_requirement(root, &self.operator, Self::TYPE)
    }
}

impl Binding for Trigger {}

#[cfg(test)]
mod tests;
