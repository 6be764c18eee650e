//! What the server takes from outside, at most: bytes, connections, seconds.

use crate::store::push::RateLimit;
use std::time::Duration;

/// The limits. One value for all of the server.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of an enrolment.
    pub enrol_body: usize,
    /// Bytes of a trigger or query with its signatures.
    pub signed_body: usize,
    /// Bytes of a report with its signature.
    pub report_body: usize,
    /// Bytes of what a node says of a trigger.
    pub state_body: usize,
    /// Bytes of a request's head.
    pub head: usize,
    /// Connections at once.
    pub connections: usize,
    /// Files of the publication that are handed out at once.
    pub publication: usize,
    /// Requests per second, over all, that need no certificate and cost something.
    pub strangers: f64,
    /// Audit rows per second about those; the rest is only logged.
    pub stranger_audits: f64,
    /// Triggers and queries of one operator.
    pub triggers: RateLimit,
    /// Sayings of one node about one trigger.
    pub events: u32,
    /// Time for a TLS handshake.
    pub handshake: Duration,
    /// Time for a request's head, also between two requests.
    pub head_time: Duration,
    /// Time for a whole request, longer than any long poll.
    pub request: Duration,
    /// How long a node's question for triggers stays open.
    pub trigger_poll: Duration,
    /// A node that just got an answer asks again at once; for so long it counts as connected.
    pub between_polls: Duration,
    /// How long an operator's question for news stays open.
    pub push_poll: Duration,
    /// Time between two looks at how old the server's certificate is.
    pub certificate_look: Duration,
    /// Time that requests have to end when the server stops.
    pub goodbye: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            enrol_body: 16 << 10,
            signed_body: 6 << 20,
            report_body: 8 << 20,
            state_body: 4 << 10,
            head: 16 << 10,
            connections: 16_384,
            publication: 128,
            strangers: 50.0,
            stranger_audits: 1.0,
            triggers: RateLimit { triggers: 30, seconds: 60 },
            events: 8,
            handshake: Duration::from_secs(10),
            head_time: Duration::from_secs(60),
            request: Duration::from_secs(75),
            trigger_poll: Duration::from_secs(50),
            between_polls: Duration::from_secs(3),
            push_poll: Duration::from_secs(10),
            certificate_look: Duration::from_secs(3600),
            goodbye: Duration::from_secs(10),
        }
    }
}
