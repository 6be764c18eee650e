//! The one deadline of a run's fetching, and the least speed of an answer (T11).

use std::time::{Duration, Instant};

/// When fetching must be over.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    at: Instant,
}

impl Deadline {
    /// So long from now.
    #[must_use]
    pub fn after(patience: Duration) -> Self {
        Self { at: Instant::now() + patience }
    }

    /// What is left; a millisecond when nothing is, because zero means "for ever" to sockets.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.at.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
    }
}

/// Whether `bytes` in `elapsed` is slower than `rate` bytes per second allows.
#[must_use]
pub(super) fn too_slow(bytes: u64, elapsed: Duration, rate: u64) -> bool {
    elapsed > super::GRACE && u128::from(bytes) * 1000 < u128::from(rate) * elapsed.as_millis()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t11_speed_is_judged_after_the_grace() {
        assert!(!too_slow(0, Duration::from_secs(10), 1024));
        assert!(too_slow(11, Duration::from_secs(11), 1024));
        assert!(!too_slow(11 << 10, Duration::from_secs(11), 1024));
    }

    #[test]
    fn a_deadline_in_the_past_is_not_for_ever() {
        assert_eq!(Deadline::after(Duration::ZERO).left(), Duration::from_millis(1));
    }
}
