//! What ends a run before its end: somebody's word, or its time. The resource at hand is finished first.

use crate::model::report::Refused;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Exit code of a process that a second signal ends: 128 and the number of SIGTERM, as shells say it.
const ENDED: i32 = 143;

/// The wish that a run ends early; every clone is the same brake.
#[derive(Debug, Clone, Default)]
pub struct Brake(Arc<AtomicBool>);

impl Brake {
    /// Asks the run to stop after the resource at hand.
    pub fn pull(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Lets runs go on again.
    pub fn release(&self) {
        self.0.store(false, Ordering::SeqCst);
    }

    /// Whether somebody asked the run to stop.
    #[must_use]
    pub fn is_pulled(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Pulls it on SIGTERM and SIGINT. Who sends a second one does not want to wait: it ends the process.
    ///
    /// # Errors
    /// When signals cannot be heard.
    pub fn pull_on_signals(&self) -> io::Result<()> {
        for signal in [SIGTERM, SIGINT] {
            flag::register_conditional_shutdown(signal, ENDED, self.0.clone())?;
            flag::register(signal, self.0.clone())?;
        }
        Ok(())
    }

    /// As [`Brake::pull_on_signals`] for a run that somebody else stops: however often it is asked, it stops in order.
    ///
    /// # Errors
    /// When signals cannot be heard.
    pub fn pull_on_any_signal(&self) -> io::Result<()> {
        [SIGTERM, SIGINT].into_iter().try_for_each(|signal| flag::register(signal, self.0.clone()).map(drop))
    }
}

/// What a run looks at between two resources.
#[derive(Debug, Clone, Default)]
pub struct Limit {
    brake: Brake,
    time: Option<(Instant, Duration)>,
}

impl Limit {
    /// A run that began at `begun`, may take `time`, and ends early when the brake is pulled.
    #[must_use]
    pub fn new(brake: &Brake, begun: Instant, time: Option<Duration>) -> Self {
        let end = |time| Some((begun.checked_add(time)?, time));
        Self { brake: brake.clone(), time: time.and_then(end) }
    }

    /// When its time is over.
    #[must_use]
    pub fn end(&self) -> Option<Instant> {
        self.time.map(|(end, _)| end)
    }

    /// Why the run has to end now; `None` when it may go on.
    #[must_use]
    pub fn reached(&self) -> Option<Refused> {
        if self.brake.is_pulled() {
            let message = "the agent was asked to stop".to_owned();
            return Some(Refused { code: "STOPPED".into(), message });
        }
        let (_, time) = self.time.filter(|(end, _)| Instant::now() >= *end)?;
        let message = format!("the run took longer than the {} seconds that it may take", time.as_secs());
        Some(Refused { code: "RUN_TIMEOUT".into(), message })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_when_it_is_asked_to_or_its_time_is_over() {
        let brake = Brake::default();
        let code = |limit: &Limit| limit.reached().map(|refused| refused.code);
        let now = Instant::now();
        let endless = Limit::new(&brake, now, None);
        assert_eq!((code(&endless), endless.end()), (None, None));
        assert_eq!(code(&Limit::new(&brake, now, Some(Duration::from_secs(3600)))), None);
        let over = Limit::new(&brake, now, Some(Duration::ZERO));
        assert_eq!(code(&over).as_deref(), Some("RUN_TIMEOUT"));
        brake.clone().pull();
        assert_eq!(code(&endless).as_deref(), Some("STOPPED"));
        brake.release();
        assert_eq!(code(&endless), None);
    }
}
