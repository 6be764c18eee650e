//! When a node runs by itself: once per interval, at a slot that its name decides.
//!
//! Pure. The slots of a fleet are spread evenly and a restart does not move them, so neither an outage
//! nor a power cut makes the nodes come all at once (D32).

use crate::model::{Digest, NodeName, Stamp};
use std::time::Duration;

/// How long a server's "come back later" is stretched at most, in parts of it.
const JITTER_PARTS: u64 = 2;
/// The longest pause after failures.
const LONGEST: Duration = Duration::from_secs(30 * 60);
/// The first pause after a failure.
const SHORTEST: Duration = Duration::from_secs(15);

/// The rhythm of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rhythm {
    interval: u64,
    offset: u64,
    node: NodeName,
}

/// Whether the nodes of a fleet are spread over the interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Splay {
    /// Each node has its own slot.
    PerNode,
    /// All nodes run when the interval begins, counted from 1970.
    Off,
}

impl Rhythm {
    /// The rhythm of `node` with one run per `interval` (at least a second).
    #[must_use]
    pub fn new(node: &NodeName, interval: Duration, splay: Splay) -> Self {
        let interval = interval.as_secs().max(1);
        let offset = match splay {
            Splay::PerNode => number(node, "slot") % interval,
            Splay::Off => 0,
        };
        Self { interval, offset, node: node.clone() }
    }

    /// How long after `now` the next slot comes; never zero.
    #[must_use]
    pub fn next(&self, now: Stamp) -> Duration {
        let now = u64::try_from(now.unix()).unwrap_or(0);
        let since = (now + self.interval - self.offset) % self.interval;
        Duration::from_secs(self.interval - since)
    }

    /// How long to leave a server alone that asked for `pause`: the pause, stretched by up to half of it.
    #[must_use]
    pub fn stretched(&self, pause: Duration, attempt: u64) -> Duration {
        let most = pause.as_secs() / JITTER_PARTS;
        pause + Duration::from_secs(number(&self.node, &format!("retry {attempt}")) % (most + 1))
    }

    /// How long to wait after the `attempt`th failure in a row to hold a connection (the first is 1).
    #[must_use]
    pub fn back_off(&self, attempt: u32) -> Duration {
        let pause = SHORTEST.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1).min(16)));
        self.stretched(pause.min(LONGEST), attempt.into())
    }
}

fn number(node: &NodeName, what: &str) -> u64 {
    let digest = Digest::of(format!("{what}\n{node}\n").as_bytes());
    digest.as_bytes().iter().take(8).fold(0, |n, byte| n << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF_HOUR: Duration = Duration::from_secs(1800);

    fn rhythm(name: &str) -> Rhythm {
        Rhythm::new(&name.parse().unwrap(), HALF_HOUR, Splay::PerNode)
    }

    #[test]
    fn a_slot_comes_once_per_interval_and_stays() {
        let rhythm = rhythm("web1.example");
        let start = Stamp::from_unix(1_800_000_000);
        let slot = start.plus(i64::try_from(rhythm.next(start).as_secs()).unwrap());
        assert_eq!(rhythm.next(slot), HALF_HOUR);
        assert_eq!(rhythm.next(slot.plus(-1)), Duration::from_secs(1));
        assert_eq!(rhythm.next(slot.plus(1)), HALF_HOUR - Duration::from_secs(1));
    }

    #[test]
    fn d32_a_fleet_is_spread_over_the_interval() {
        let now = Stamp::from_unix(1_800_000_000);
        let mut minutes = [0_u32; 30];
        for n in 0..3000 {
            let wait = rhythm(&format!("node{n}.example")).next(now).as_secs();
            minutes[usize::try_from((wait - 1) / 60).unwrap()] += 1;
        }
        // 100 a minute on average; nowhere twice as many.
        assert!(minutes.iter().all(|n| (50..200).contains(n)), "{minutes:?}");
    }

    /// The most that fall into one of the stretches of so many seconds, and how many do on average between the first and
    /// the last.
    fn peak(times: &[u64], stretch: u64) -> (f64, f64) {
        let (first, last) = (times.iter().min().unwrap(), times.iter().max().unwrap());
        let mut counts = std::collections::BTreeMap::<u64, u32>::new();
        times.iter().for_each(|time| *counts.entry((time - first) / stretch).or_default() += 1);
        let stretches = (last - first) / stretch + 1;
        (f64::from(*counts.values().max().unwrap()), times.len() as f64 / stretches as f64)
    }

    #[test]
    fn d32_five_thousand_nodes_after_an_outage_come_no_faster_than_twice_the_mean() {
        let nodes: Vec<Rhythm> = (0..5000).map(|n| rhythm(&format!("node{n}.example"))).collect();
        let start = Stamp::from_unix(1_800_000_000);
        for outage in [60, 7200, 86_400] {
            // Runs keep their slots: those that failed are not made up for when the server is back.
            let back = start.plus(outage);
            let runs: Vec<u64> = nodes.iter().map(|node| node.next(back).as_secs()).collect();
            // Less than three come in a second, so that seconds are a matter of chance; ten of them are not.
            let (most, mean) = peak(&runs, 10);
            assert!(most < 2.0 * mean, "after {outage} s: {most} runs in ten seconds, {mean} on average");
        }
        // All connections for triggers break at once when a server starts again: each node comes back at its own second.
        let again: Vec<u64> = nodes.iter().map(|node| node.back_off(1).as_secs()).collect();
        let (most, mean) = peak(&again, 1);
        assert!(most < 2.0 * mean, "{most} connections in a second, {mean} on average");
        for outage in [60, 300, 7200, 86_400] {
            let back = |node: &Rhythm| {
                let mut tries = 1..;
                let mut at = 0;
                while at < outage {
                    at += node.back_off(tries.next().unwrap()).as_secs();
                }
                at
            };
            let (most, _) = peak(&nodes.iter().map(back).collect::<Vec<_>>(), 1);
            assert!(most < 2.0 * mean, "after {outage} s: {most} connections in a second");
        }
    }

    #[test]
    fn d32_a_busy_server_is_not_met_by_all_at_once() {
        let pause = Duration::from_secs(60);
        let waits: std::collections::BTreeSet<_> =
            (0..100).map(|n| rhythm(&format!("node{n}")).stretched(pause, 1)).collect();
        assert!(waits.len() > 20);
        assert!(waits.iter().all(|wait| (60..=90).contains(&wait.as_secs())));
    }

    #[test]
    fn failures_make_longer_pauses_up_to_an_end() {
        let rhythm = rhythm("web1.example");
        assert!(rhythm.back_off(1) < Duration::from_secs(24));
        assert!(rhythm.back_off(4) >= Duration::from_secs(120));
        assert!(rhythm.back_off(4_000_000) <= Duration::from_secs(2700));
    }

    #[test]
    fn without_splay_all_run_together() {
        let now = Stamp::from_unix(1799);
        let off = Rhythm::new(&"a".parse().unwrap(), HALF_HOUR, Splay::Off);
        assert_eq!(off.next(now), Duration::from_secs(1));
    }
}
