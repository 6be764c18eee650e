//! Refreshes that wait for their resource: many events, one refresh.

use crate::model::graph::Edge;

/// What has happened to the resources that one subscribes to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Events {
    /// Changes that were made.
    pub(super) made: usize,
    /// Changes that would have been made.
    pub(super) noop: usize,
}

/// The events that wait, by resource.
#[derive(Debug)]
pub(super) struct Pending {
    waiting: Vec<Events>,
    /// Whom each resource tells of its changes.
    tells: Vec<Vec<usize>>,
}

impl Events {
    pub(super) const fn count(self) -> usize {
        self.made + self.noop
    }

    pub(super) fn text(self) -> String {
        let plural = if self.count() == 1 { "" } else { "s" };
        format!("'refresh' from {} event{plural}", self.count())
    }
}

impl Pending {
    pub(super) fn new(resources: usize, edges: &[Edge]) -> Self {
        let mut tells = vec![Vec::new(); resources];
        for edge in edges.iter().filter(|edge| edge.refresh) {
            tells[edge.from].push(edge.to);
        }
        Self { waiting: vec![Events::default(); resources], tells }
    }

    /// Whom a resource tells of its changes.
    pub(super) fn listeners(&self, from: usize) -> Vec<usize> {
        self.tells[from].clone()
    }

    pub(super) fn queue(&mut self, to: usize, events: Events) {
        self.waiting[to].made += events.made;
        self.waiting[to].noop += events.noop;
    }

    /// Whether something waits for a resource.
    pub(super) fn has(&self, index: usize) -> bool {
        self.waiting[index].count() > 0
    }

    /// Takes what waits for a resource: it is delivered once, or dropped.
    pub(super) fn take(&mut self, index: usize) -> Events {
        std::mem::take(&mut self.waiting[index])
    }
}
