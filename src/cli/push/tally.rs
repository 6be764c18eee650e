//! What the nodes of a push said so far, and the summary at its end.

use crate::cli::counted::counted;
use crate::model::NodeName;
use crate::model::wire::{NodePush, PushEvent};
use std::collections::BTreeMap;
use std::time::Duration;

/// What is known of every node of a push.
#[derive(Debug, Default)]
pub(super) struct Tally {
    nodes: BTreeMap<NodeName, Option<(NodePush, String)>>,
}

/// What is worth a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    /// The node has said its last word.
    Final(String),
    /// It is on its way.
    Underway,
}

impl Tally {
    /// Expects an answer of these nodes too.
    pub(super) fn expect(&mut self, nodes: &[NodeName]) {
        self.nodes.extend(nodes.iter().map(|node| (node.clone(), None)));
    }

    /// Takes what a node said; `None` for a node that was not asked or said its last word already.
    pub(super) fn hear(&mut self, event: &PushEvent) -> Option<News> {
        let known = self.nodes.get_mut(&event.node)?;
        if known.as_ref().is_some_and(|(state, _)| is_final(*state)) {
            return None;
        }
        let message = event.message.escape_default().to_string();
        *known = Some((event.state, message.clone()));
        if !is_final(event.state) {
            return Some(News::Underway);
        }
        Some(News::Final(format!("{:<40} {:<8} {message}", event.node.as_str(), word(event.state))))
    }

    /// The nodes that have not said their last word.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &NodeName> {
        let open =
            |heard: &Option<(NodePush, String)>| heard.as_ref().is_none_or(|(state, _)| !is_final(*state));
        self.nodes.iter().filter(move |(_, heard)| open(heard)).map(|(node, _)| node)
    }

    /// Whether one of these nodes has not said its last word.
    pub(super) fn is_waiting_for(&self, nodes: &[NodeName]) -> bool {
        self.waiting().any(|node| nodes.contains(node))
    }

    /// How many ended well.
    pub(super) fn passed(&self) -> usize {
        self.count(|state| state == NodePush::Done)
    }

    /// How many refused, failed, or did not answer in time.
    pub(super) fn failed(&self) -> usize {
        self.nodes.len() - self.passed()
    }

    /// The last lines, as `mco` has them.
    pub(super) fn summary(&self, left_out: usize, times: &Times) -> String {
        // A line of its own for each that is silent: these are what somebody looks for next.
        let silent: String =
            self.waiting().map(|node| format!("{:<40} no answer\n", node.as_str())).collect();
        let (all, passed, failed) = (self.nodes.len(), self.passed(), self.failed());
        let answered = all - self.waiting().count();
        let rest = if left_out == 0 { String::new() } else { format!(", {left_out} left out") };
        let seconds = |time: Duration| format!("{:.2} s", time.as_secs_f64());
        let whole = seconds(times.discovery + times.run);
        let line = |what: &str, value: &str| format!("{what:>16}: {value}");
        [
            silent,
            format!("Finished processing {answered} / {} in {whole}\n", counted(all + left_out, "node")),
            line("Nodes", &format!("{passed} passed, {failed} failed{rest}")),
            line("Discovery time", &seconds(times.discovery)),
            line("Run time", &seconds(times.run)),
        ]
        .join("\n")
    }

    fn count(&self, wanted: impl Fn(NodePush) -> bool) -> usize {
        self.nodes.values().flatten().filter(|(state, _)| wanted(*state)).count()
    }
}

/// How long a push took.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Times {
    pub(super) discovery: Duration,
    pub(super) run: Duration,
}

const fn is_final(state: NodePush) -> bool {
    match state {
        NodePush::Running | NodePush::Queued => false,
        NodePush::Refused | NodePush::Done | NodePush::Failed => true,
    }
}

const fn word(state: NodePush) -> &'static str {
    match state {
        NodePush::Running => "running",
        NodePush::Queued => "queued",
        NodePush::Refused => "refused",
        NodePush::Done => "done",
        NodePush::Failed => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(node: &str, state: NodePush, message: &str) -> PushEvent {
        PushEvent { node: node.parse().unwrap(), state, message: message.into() }
    }

    #[test]
    fn silence_and_refusal_are_failures() {
        let mut tally = Tally::default();
        let nodes: Vec<NodeName> = ["a", "b", "c", "d"].map(|n| n.parse().unwrap()).into();
        tally.expect(&nodes);
        assert_eq!(tally.hear(&event("a", NodePush::Running, "")), Some(News::Underway));
        assert!(matches!(tally.hear(&event("a", NodePush::Done, "2 changes")), Some(News::Final(_))));
        assert!(matches!(tally.hear(&event("b", NodePush::Refused, "WINDOW")), Some(News::Final(_))));
        tally.hear(&event("c", NodePush::Queued, ""));
        assert_eq!((tally.passed(), tally.failed(), tally.waiting().count()), (1, 3, 2));
        let times = Times { discovery: Duration::from_millis(10), run: Duration::from_millis(2340) };
        insta::assert_snapshot!(tally.summary(2, &times), @r"
        c                                        no answer
        d                                        no answer

        Finished processing 2 / 6 nodes in 2.35 s

                   Nodes: 1 passed, 3 failed, 2 left out
          Discovery time: 0.01 s
                Run time: 2.34 s
        ");
    }

    #[test]
    fn a_node_has_one_last_word_and_strangers_none() {
        let mut tally = Tally::default();
        tally.expect(&["a".parse().unwrap()]);
        tally.hear(&event("a", NodePush::Failed, "x"));
        assert_eq!(tally.hear(&event("a", NodePush::Done, "")), None);
        assert_eq!(tally.hear(&event("z", NodePush::Done, "")), None);
        assert_eq!((tally.passed(), tally.failed()), (0, 1));
    }

    #[test]
    fn d46_what_a_node_says_is_printable() {
        let mut tally = Tally::default();
        tally.expect(&["a".parse().unwrap()]);
        let Some(News::Final(line)) = tally.hear(&event("a", NodePush::Done, "\u{1b}[2Jx\n")) else {
            unreachable!()
        };
        assert!(line.chars().all(|c| c.is_ascii_graphic() || c == ' '), "{line:?}");
    }
}
