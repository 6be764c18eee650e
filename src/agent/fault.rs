//! The moments at which a crash would hurt most, named so that tests can end the process at each of them. Outside of tests
//! there is nothing here.

use super::disk::Step;

/// Passes one such moment.
#[cfg(not(test))]
pub(super) const fn point() {}

/// Tells what the system was just asked to do.
#[cfg(not(test))]
pub(super) fn step(_: impl FnOnce() -> Step) {}

#[cfg(test)]
pub(super) use in_tests::{point, step};

#[cfg(test)]
pub(super) mod in_tests {
    use super::Step;
    use std::path::Path;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Set in a process that is to end at the moment with this number, counted from 0.
    pub(in crate::agent) const CRASH_AT: &str = "COUNTERSIGN_TEST_CRASH_AT";

    /// The directory below which the system is watched.
    pub(in crate::agent) const WATCHED: &str = "/watched";

    static STEPS: Mutex<Vec<Step>> = Mutex::new(Vec::new());

    /// Writes down what the system was asked to do in the one directory that is watched.
    pub(in crate::agent) fn step(step: impl FnOnce() -> Step) {
        let step = step();
        let (Step::MakeDirectory(path)
        | Step::Create(path)
        | Step::Write(path, _)
        | Step::Sync(path)
        | Step::Rename(path, _)
        | Step::Remove(path)
        | Step::SyncDirectory(path)) = &step;
        if path.starts_with(Path::new(WATCHED)) {
            STEPS.lock().unwrap().push(step);
        }
    }

    /// What was written down.
    pub(in crate::agent) fn steps() -> Vec<Step> {
        std::mem::take(&mut STEPS.lock().unwrap())
    }

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
