//! What a daemon is asked to do next: at most one run waits while another is under way.
//!
//! Everything that arrives while one waits joins it, so no storm of triggers makes more than one run (D25).

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What a run was asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// Make the node what its catalog says.
    Converge,
    /// Only look.
    Noop,
}

/// A run that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// What to do. Of several wishes the one that changes things wins.
    pub mode: Mode,
    /// The triggers that wait for its end; none when an administrator asked by signal.
    pub triggers: Vec<String>,
}

/// What became of a wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Nothing is under way: it runs at once.
    Next,
    /// A run is under way, or must keep its distance: this one comes after it.
    Queued,
}

/// Why the daemon's loop goes on.
#[derive(Debug, PartialEq, Eq)]
pub enum Wake {
    /// Somebody asked for a run.
    Asked(Job),
    /// These paths were touched.
    Touched(BTreeSet<String>),
    /// The time was up.
    Slot,
    /// The configuration is to be read again.
    Reload,
    /// Somebody asked the daemon to end.
    Stop,
}

/// The wishes of triggers, signals and the clock, for one runner.
#[derive(Debug, Default)]
pub struct Queue {
    inner: Mutex<Inner>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    waiting: Option<Job>,
    /// Paths that were touched, and from when on they may be looked at.
    touched: BTreeMap<String, Instant>,
    running: bool,
    stop: bool,
    reload: bool,
    not_before: Option<Instant>,
}

impl Queue {
    /// Asks for a run. One that waits already is joined.
    pub fn ask(&self, wish: Job) -> Place {
        let mut inner = self.lock();
        let early = inner.not_before.is_some_and(|at| Instant::now() < at);
        let place = if inner.running || early { Place::Queued } else { Place::Next };
        inner.waiting = Some(match inner.waiting.take() {
            None => wish,
            Some(earlier) => earlier.join(wish),
        });
        self.news.notify_all();
        place
    }

    /// Asks for a look at paths that were touched, not before `at`. What waits already keeps its time.
    pub fn touch(&self, paths: impl IntoIterator<Item = String>, at: Instant) {
        let mut inner = self.lock();
        for path in paths {
            inner.touched.entry(path).or_insert(at);
        }
        self.news.notify_all();
    }

    /// Asks the runner to end after what it is doing.
    pub fn stop(&self) {
        self.lock().stop = true;
        self.news.notify_all();
    }

    /// Asks the runner to read its configuration again, before any run that waits.
    pub fn reload(&self) {
        self.lock().reload = true;
        self.news.notify_all();
    }

    /// Whether the end was asked for.
    #[must_use]
    pub fn stopping(&self) -> bool {
        self.lock().stop
    }

    /// For the runner: waits for a wish, at most `patience`. A wish or a slot counts as a run
    /// that is under way until [`Queue::finished`].
    pub fn wait(&self, patience: Duration) -> Wake {
        let until = Instant::now() + patience;
        let mut inner = self.lock();
        loop {
            let now = Instant::now();
            if inner.stop {
                return Wake::Stop;
            }
            if std::mem::take(&mut inner.reload) {
                return Wake::Reload;
            }
            let open = inner.not_before.is_none_or(|at| at <= now);
            if open && let Some(job) = inner.waiting.take() {
                inner.running = true;
                return Wake::Asked(job);
            }
            let touched = inner.take_due(now);
            if !touched.is_empty() {
                inner.running = true;
                return Wake::Touched(touched);
            }
            if until <= now {
                inner.running = true;
                return Wake::Slot;
            }
            let distance = inner.not_before.filter(|_| inner.waiting.is_some());
            let first = inner.touched.values().copied().chain(distance).fold(until, Instant::min);
            let left = first.saturating_duration_since(now);
            let waited = self.news.wait_timeout(inner, left.max(Duration::from_millis(1)));
            inner = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// For the runner: the run ended; the next one that is asked for keeps this distance.
    pub fn finished(&self, distance: Duration) {
        let mut inner = self.lock();
        inner.running = false;
        // A run that nobody asked for shortens no distance.
        inner.not_before = inner.not_before.max(Some(Instant::now() + distance));
    }

    /// For helpers of the runner: sleeps, at most `patience`, and says whether the end was asked for.
    pub fn sleep(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        let mut inner = self.lock();
        while !inner.stop && Instant::now() < until {
            let left = until.saturating_duration_since(Instant::now());
            let waited = self.news.wait_timeout(inner, left.max(Duration::from_millis(1)));
            inner = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        inner.stop
    }

    /// A panic elsewhere leaves these few flags in order, so a poisoned lock is still a good one.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn take_due(&mut self, now: Instant) -> BTreeSet<String> {
        let (due, later) = std::mem::take(&mut self.touched).into_iter().partition(|(_, at)| *at <= now);
        self.touched = later;
        BTreeMap::into_keys(due).collect()
    }
}

impl Job {
    fn join(mut self, wish: Self) -> Self {
        if wish.mode == Mode::Converge {
            self.mode = Mode::Converge;
        }
        self.triggers.extend(wish.triggers);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(mode: Mode, trigger: &str) -> Job {
        Job { mode, triggers: vec![trigger.into()] }
    }

    #[test]
    fn d25_a_storm_makes_one_run() {
        let queue = Queue::default();
        assert_eq!(queue.ask(job(Mode::Noop, "0")), Place::Next);
        assert_eq!(queue.wait(Duration::ZERO), Wake::Asked(job(Mode::Noop, "0")));
        for n in 1..=10_000 {
            let mode = if n == 77 { Mode::Converge } else { Mode::Noop };
            assert_eq!(queue.ask(job(mode, &n.to_string())), Place::Queued);
        }
        queue.finished(Duration::ZERO);
        let Wake::Asked(one) = queue.wait(Duration::ZERO) else { unreachable!() };
        assert_eq!((one.mode, one.triggers.len()), (Mode::Converge, 10_000));
        assert_eq!(queue.wait(Duration::ZERO), Wake::Slot);
    }

    #[test]
    fn d25_runs_keep_their_distance() {
        let queue = Queue::default();
        queue.finished(Duration::from_millis(200));
        assert_eq!(queue.ask(job(Mode::Converge, "1")), Place::Queued);
        let begun = Instant::now();
        assert!(matches!(queue.wait(Duration::from_secs(9)), Wake::Asked(_)));
        assert!(begun.elapsed() >= Duration::from_millis(150));
    }

    #[test]
    fn the_configuration_is_read_before_the_run_that_waits() {
        let queue = Queue::default();
        queue.ask(job(Mode::Converge, "1"));
        queue.reload();
        queue.reload();
        assert_eq!(queue.wait(Duration::ZERO), Wake::Reload);
        assert_eq!(queue.wait(Duration::ZERO), Wake::Asked(job(Mode::Converge, "1")));
    }

    #[test]
    fn touched_paths_wait_for_their_time_and_for_each_other() {
        let queue = Queue::default();
        let now = Instant::now();
        queue.touch(["/a".to_owned(), "/b".to_owned()], now);
        queue.touch(["/a".to_owned()], now + Duration::from_secs(60));
        queue.touch(["/c".to_owned()], now + Duration::from_millis(50));
        let paths = |all: &[&str]| Wake::Touched(all.iter().map(|path| (*path).to_owned()).collect());
        assert_eq!(queue.wait(Duration::from_secs(9)), paths(&["/a", "/b"]));
        queue.finished(Duration::ZERO);
        assert_eq!(queue.wait(Duration::from_secs(9)), paths(&["/c"]));
        queue.finished(Duration::ZERO);
        assert_eq!(queue.wait(Duration::ZERO), Wake::Slot);
    }

    #[test]
    fn the_end_is_heard_at_once() {
        let queue = Queue::default();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| queue.wait(Duration::from_secs(60)));
            let sleeping = scope.spawn(|| queue.sleep(Duration::from_secs(60)));
            queue.stop();
            assert_eq!(waiting.join().unwrap(), Wake::Stop);
            assert!(sleeping.join().unwrap());
        });
    }
}
