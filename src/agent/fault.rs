//! The moments at which a crash would hurt most, named so that tests can end the process at each of them. Outside of tests
//! there is nothing here.

/// Passes one such moment.
#[cfg(not(test))]
pub(super) const fn point() {}

#[cfg(test)]
pub(super) use in_tests::point;

#[cfg(test)]
pub(super) mod in_tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Set in a process that is to end at the moment with this number, counted from 0.
    pub(in crate::agent) const CRASH_AT: &str = "COUNTERSIGN_TEST_CRASH_AT";

    static PASSED: AtomicUsize = AtomicUsize::new(0);

    /// Passes one such moment, or ends the process there as SIGKILL would: nothing is flushed, nothing cleaned up.
    pub(in crate::agent) fn point() {
        let Some(at) = std::env::var(CRASH_AT).ok().and_then(|at| at.parse::<usize>().ok()) else { return };
        if PASSED.fetch_add(1, Ordering::SeqCst) == at {
            let me = rustix::process::getpid();
            rustix::process::kill_process(me, rustix::process::Signal::KILL).unwrap();
        }
    }
}
