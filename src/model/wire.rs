//! What agents, operators and the server say to each other over HTTPS. Containers only: whatever
//! is believed is signed, and is verified by whoever receives it.

use super::{Digest, Facts, NodeName, Stamp};
use serde::{Deserialize, Serialize};

/// `POST /v1/enroll`: a node asks for a certificate. Sent again until it is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrollRequest {
    /// The name that the node wants.
    pub node: NodeName,
    /// Certificate request in PEM. Only its key and common name are honoured.
    pub csr: String,
    /// The key that signs the node's reports, as an OpenSSH public key line.
    pub report_key: String,
    /// A one-time join token.
    pub token: Option<String>,
}

/// The answer to [`EnrollRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum EnrollAnswer {
    /// Here is the certificate, in PEM.
    Issued(String),
    /// Somebody must accept the request that has this fingerprint (SHA-256 of its public key in DER).
    Pending(Digest),
    /// Refused, and why.
    Denied(String),
}

/// A signed document in a JSON container: the exact bytes as text, and SSH signatures over them.
/// `POST /v1/report` (node certificate) takes one with a run report; the answer has no body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// The document, exactly as signed.
    pub document: String,
    /// Armoured SSH signatures.
    pub signatures: Vec<String>,
}

/// `GET /v1/triggers?after=N` (node certificate; answers when there is something, or after 50 s).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Triggers {
    /// What to give as `after` next time.
    pub next: u64,
    /// Triggers that name this node, oldest first.
    pub triggers: Vec<Signed>,
}

/// `POST /v1/push` with [`Signed`]: what the hub did with an operator's trigger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushAccepted {
    /// The trigger's id.
    pub id: String,
    /// The nodes that hold a connection now; the others get it when they come, until it expires.
    pub connected: Vec<NodeName>,
}

/// `POST /v1/trigger/<id>` (node certificate): what a node says of a trigger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriggerState {
    /// What it does about it.
    pub state: NodePush,
    /// One line for people.
    pub message: String,
}

/// How far a node is with a trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodePush {
    /// It verified the trigger and runs.
    Running,
    /// It verified the trigger; a run is under way, and this one comes after it.
    Queued,
    /// It does not accept the trigger.
    Refused,
    /// Its run ended without a failure.
    Done,
    /// Its run failed.
    Failed,
}

/// `GET /v1/push/<id>?after=N`: what happened to a trigger since event N (answers at once if there is news,
/// otherwise after at most 10 s).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushEvents {
    /// What to give as `after` next time.
    pub next: u64,
    /// The news, oldest first.
    pub events: Vec<PushEvent>,
}

/// What one node said of a trigger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushEvent {
    /// The node.
    pub node: NodeName,
    /// How far it is.
    pub state: NodePush,
    /// One line for people.
    pub message: String,
}

/// `POST /v1/select` with a signed query of an operator: the nodes that the server knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// The enrolled nodes that the operator may ask to run, ascending.
    pub nodes: Vec<NodeInfo>,
}

/// What the server knows of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeInfo {
    /// Its name.
    pub node: NodeName,
    /// Whether it holds a connection now.
    pub connected: bool,
    /// When it was last heard of.
    pub last_seen: Option<Stamp>,
    /// Serial of the release that it last applied.
    pub seq: Option<u64>,
    /// Its facts, as last reported.
    pub facts: Facts,
}

/// The answer to any request that is not fulfilled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// What was refused and why, one line.
    pub error: String,
}
