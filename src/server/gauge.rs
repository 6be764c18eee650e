//! Counting and slowing down: requests by route and status, and a bucket that refills.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// How many requests came, by route and status.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    requests: Mutex<BTreeMap<(String, u16), u64>>,
}

impl Gauge {
    /// Counts one request. `route` is a pattern of the table, never a path that was asked for.
    pub(super) fn count(&self, route: &str, status: u16) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.entry((route.to_owned(), status)).or_default() += 1;
    }

    /// All counts.
    pub(super) fn requests(&self) -> BTreeMap<(String, u16), u64> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Lets so many through per second, with a burst of as many.
#[derive(Debug)]
pub(super) struct Bucket {
    per_second: f64,
    level: Mutex<(f64, Instant)>,
}

impl Bucket {
    pub(super) fn new(per_second: f64, now: Instant) -> Self {
        Self { per_second, level: Mutex::new((per_second, now)) }
    }

    /// Whether one more may pass at `now`.
    pub(super) fn take(&self, now: Instant) -> bool {
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        let refilled = level.0 + now.duration_since(level.1).as_secs_f64() * self.per_second;
        let have = refilled.min(self.per_second);
        let pass = have >= 1.0;
        *level = (if pass { have - 1.0 } else { have }, now);
        pass
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_bucket_empties_and_refills() {
        let start = Instant::now();
        let bucket = Bucket::new(2.0, start);
        assert_eq!([bucket.take(start), bucket.take(start), bucket.take(start)], [true, true, false]);
        let later = start + Duration::from_millis(600);
        assert_eq!([bucket.take(later), bucket.take(later)], [true, false]);
    }
}
