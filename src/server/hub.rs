//! The push hub: triggers on their way to the nodes that hold a connection open. No I/O.
//!
//! What it hands out was verified when it came, as a courtesy; nodes verify it again and decide.

use crate::model::wire::Signed;
use crate::model::{NodeName, Stamp};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// A trigger that has not expired.
#[derive(Debug)]
pub(super) struct Live {
    /// Its number.
    pub(super) n: u64,
    /// The nodes that it names.
    pub(super) nodes: BTreeSet<NodeName>,
    /// The document.
    pub(super) signed: Signed,
    /// When it ends.
    pub(super) expires: Stamp,
}

/// Triggers, waiting nodes and waiting operators.
#[derive(Debug)]
pub(super) struct Hub {
    live: Mutex<VecDeque<Arc<Live>>>,
    polls: Mutex<HashMap<NodeName, Poll>>,
    /// For so long after an answer a node counts as connected.
    between: Duration,
    /// The number of the newest trigger.
    newest: watch::Sender<u64>,
    /// Grows with each event of a push.
    events: watch::Sender<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Poll {
    open: usize,
    ended: Instant,
}

impl Hub {
    pub(super) fn new(between: Duration) -> Self {
        Self {
            live: Mutex::default(),
            polls: Mutex::default(),
            between,
            newest: watch::Sender::new(0),
            events: watch::Sender::new(0),
        }
    }

    /// Hands a trigger out to the nodes that wait for it.
    pub(super) fn add(&self, trigger: Live) {
        let n = trigger.n;
        self.live.lock().unwrap_or_else(PoisonError::into_inner).push_back(Arc::new(trigger));
        self.newest.send_modify(|newest| *newest = n.max(*newest));
    }

    /// Tells the hub which number was given last, before this process began.
    pub(super) fn resume(&self, newest: u64) {
        self.newest.send_replace(newest);
    }

    /// The triggers for `node` after number `after`, and the number to continue from.
    pub(super) fn triggers(&self, node: &NodeName, after: u64, now: Stamp) -> (u64, Vec<Signed>) {
        let newest = *self.newest.borrow();
        // A number that was never given: the server was set up anew. Nodes remember what they obeyed.
        let after = if after > newest { 0 } else { after };
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.retain(|trigger| trigger.expires > now);
        let wanted = live.iter().filter(|trigger| trigger.n > after && trigger.nodes.contains(node));
        (newest, wanted.map(|trigger| trigger.signed.clone()).collect())
    }

    /// Learns of new triggers.
    pub(super) fn watch_triggers(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    /// Learns of new events.
    pub(super) fn watch_events(&self) -> watch::Receiver<u64> {
        self.events.subscribe()
    }

    /// Says that there is a new event.
    pub(super) fn event(&self) {
        self.events.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Counts `node` as connected until the answer is dropped.
    pub(super) fn hold(&self, node: &NodeName) -> Held<'_> {
        let mut polls = self.polls.lock().unwrap_or_else(PoisonError::into_inner);
        polls.retain(|_, poll| poll.connected(self.between));
        polls.entry(node.clone()).or_insert_with(|| Poll { open: 0, ended: Instant::now() }).open += 1;
        Held { hub: self, node: node.clone() }
    }

    /// Whether `node` holds a connection.
    pub(super) fn connected(&self, node: &NodeName) -> bool {
        let polls = self.polls.lock().unwrap_or_else(PoisonError::into_inner);
        polls.get(node).is_some_and(|poll| poll.connected(self.between))
    }

    /// How many nodes hold a connection.
    pub(super) fn connections(&self) -> usize {
        let polls = self.polls.lock().unwrap_or_else(PoisonError::into_inner);
        polls.values().filter(|poll| poll.connected(self.between)).count()
    }
}

impl Poll {
    fn connected(&self, between: Duration) -> bool {
        self.open > 0 || self.ended.elapsed() < between
    }
}

/// A node's open question.
#[derive(Debug)]
pub(super) struct Held<'a> {
    hub: &'a Hub,
    node: NodeName,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut polls = self.hub.polls.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(poll) = polls.get_mut(&self.node) {
            *poll = Poll { open: poll.open.saturating_sub(1), ended: Instant::now() };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Stamp = Stamp::from_unix(1_800_000_000);

    fn name(text: &str) -> NodeName {
        text.parse().unwrap()
    }

    fn trigger(n: u64, node: &str, expires: Stamp) -> Live {
        let signed = Signed { document: n.to_string(), signatures: vec![] };
        Live { n, nodes: BTreeSet::from([name(node)]), signed, expires }
    }

    #[test]
    fn a_node_gets_its_own_triggers_once_and_none_that_expired() {
        let hub = Hub::new(Duration::ZERO);
        hub.add(trigger(1, "web1", NOW.plus(60)));
        hub.add(trigger(2, "web2", NOW.plus(60)));
        hub.add(trigger(3, "web1", NOW.plus(10)));
        let check = |node: &str, after, now, expected: &[&str]| {
            let (next, triggers) = hub.triggers(&name(node), after, now);
            let documents: Vec<String> = triggers.into_iter().map(|signed| signed.document).collect();
            assert_eq!((next, documents), (3, expected.iter().map(ToString::to_string).collect()));
        };
        check("web1", 0, NOW, &["1", "3"]);
        check("web1", 1, NOW, &["3"]);
        check("web1", 3, NOW, &[]);
        check("web2", 99, NOW, &["2"]);
        check("web1", 0, NOW.plus(30), &["1"]);
    }

    #[test]
    fn a_node_is_connected_while_it_asks_and_a_moment_longer() {
        for (between, afterwards) in [(Duration::ZERO, false), (Duration::from_secs(3600), true)] {
            let hub = Hub::new(between);
            assert!(!hub.connected(&name("web1")));
            let (first, second) = (hub.hold(&name("web1")), hub.hold(&name("web1")));
            drop(first);
            assert!(hub.connected(&name("web1")) && !hub.connected(&name("web2")));
            drop(second);
            assert_eq!(hub.connected(&name("web1")), afterwards);
            assert_eq!(hub.connections(), usize::from(afterwards));
        }
    }
}
