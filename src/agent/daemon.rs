//! The agent that stays: a run at every slot, whenever a trigger asks, and on SIGUSR1; its configuration read again on
//! SIGHUP; an end after the resource at hand on SIGTERM.
//!
//! Three threads: this one has runs done, each in a process of its own; one holds the connection for triggers, one hears
//! signals; two more hear of touched files, and of who wrote to them, where that is wished. They share a queue and nothing else.

mod apart;
mod watching;

pub use apart::{COMMAND, obey};

use super::clock::Clock;
use super::disk::{Disk, DiskError};
use super::fetch::{FetchError, Https, Trust};
use super::identity::Identity;
use super::pause::{self, Pause};
use super::queue::{Job, Mode, Place, Queue, Wake};
use super::run::{Asked, Order, RunError};
use super::schedule::{Rhythm, Splay};
use super::servers::Servers;
use super::trigger::{self, TriggerError};
use super::{disable, stored};
use crate::model::report::LogLine;
use crate::model::resource::LogLevel;
use crate::model::wire::{NodePush, Signed, TriggerState};
use crate::signing::Refusal;
use crate::signing::trigger::{Action, MAX_PAUSE, MIN_INTERVAL, Trigger};
use apart::{Apart, Ended, NoRun};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use watching::Watching;

/// How a daemon lives.
#[derive(Debug, Clone)]
pub struct Life {
    /// Time between runs that nobody asks for.
    pub interval: Duration,
    /// Whether nodes are spread over the interval.
    pub splay: Splay,
    /// Whether what the release manages is watched between runs.
    pub watch: bool,
    /// What is wished of each run; its mode and trigger come from who asks.
    pub order: Order,
}

/// Why the daemon could not begin.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// A run could not begin for a reason that does not pass by itself.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Signals could not be heard.
    #[error("cannot hear signals")]
    Signals(#[source] std::io::Error),
}

/// Where the daemon's lines go; any of its threads may speak.
pub type Voice = Arc<dyn Fn(&LogLine) + Send + Sync>;

/// How to live from now on, read again; the text says what is wrong with it.
pub type Reload<'a> = &'a dyn Fn() -> Result<Life, String>;

/// Runs until SIGTERM or SIGINT. A run under way stops after the resource at hand.
///
/// # Errors
/// When it could not begin.
pub fn daemon(
    disk: &Disk,
    (life, reload): (Life, Reload<'_>),
    clock: Clock,
    log: Voice,
) -> Result<(), DaemonError> {
    let identity = Identity::load(disk).map_err(RunError::from)?;
    let rhythm = Rhythm::new(&identity.node, life.interval, life.splay);
    let queue = Arc::new(Queue::default());
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGUSR1, SIGHUP]).map_err(DaemonError::Signals)?;
    let hearing = signals.handle();
    let apart = Apart::default();
    let (ears, runs) = (queue.clone(), apart.clone());
    std::thread::spawn(move || {
        for signal in signals.forever() {
            match signal {
                SIGUSR1 => drop(ears.ask(Job { mode: Mode::Converge, triggers: Vec::new() })),
                SIGHUP => ears.reload(),
                _ => {
                    ears.stop();
                    runs.stop();
                }
            }
        }
    });
    let wants = Mutex::default();
    let ear = Arc::new(Ear { disk: disk.clone(), identity, rhythm, queue, apart, clock, log, wants });
    // Nobody waits for this one at the end: it may be in the middle of a long answer that will not come.
    let listener = ear.clone();
    std::thread::spawn(move || listener.listen());
    work(&ear, life, reload);
    hearing.close();
    Ok(())
}

/// The runs, one after the other.
fn work(ear: &Ear, mut life: Life, reload: Reload<'_>) {
    let mut rhythm = ear.rhythm.clone();
    let (mut patience, mut busy) = (rhythm.next((ear.clock)()), 0);
    let mut watching = Watching::begin(ear, &life);
    say(&ear.log, LogLevel::Info, format!("The first run comes in {} seconds", patience.as_secs()));
    let mut slot = Instant::now() + patience;
    loop {
        let job = match ear.queue.wait(slot.saturating_duration_since(Instant::now())) {
            Wake::Stop => return,
            Wake::Reload => {
                ear.reload(&mut life, reload);
                watching = watching.filter(|_| life.watch).or_else(|| Watching::begin(ear, &life));
                rhythm = Rhythm::new(&ear.identity.node, life.interval, life.splay);
                slot = Instant::now() + rhythm.next((ear.clock)());
                continue;
            }
            Wake::Touched(paths) => {
                if let Some(watching) = &mut watching {
                    watching.look(ear, &life, paths);
                }
                ear.queue.finished(Duration::ZERO);
                continue;
            }
            Wake::Asked(job) => Job { mode: least(job.mode, life.order.mode), ..job },
            Wake::Slot if ear.is_paused() => {
                ear.queue.finished(Duration::ZERO);
                slot = Instant::now() + rhythm.next((ear.clock)());
                continue;
            }
            Wake::Slot => Job { mode: life.order.mode, triggers: Vec::new() },
        };
        let asked = ear.begin(&job);
        let order = Order { mode: job.mode, trigger: asked, ..life.order.clone() };
        let ended = ear.apart.run(&ear.disk, &order, &mut |line| (ear.log)(line));
        if let Some(watching) = &mut watching {
            watching.learn(ear, ended.release);
        }
        ear.end(&job, &ended.outcome);
        ear.queue.finished(Duration::from_secs(MIN_INTERVAL.unsigned_abs()));
        patience = rhythm.next((ear.clock)());
        match ended {
            Ended { none: Some(NoRun::Disabled(why) | NoRun::Failed(why)), .. } => {
                say(&ear.log, LogLevel::Notice, why);
            }
            Ended { retry_after: Some(pause), .. } => {
                busy += 1;
                patience = rhythm.stretched(pause, busy);
            }
            Ended { .. } => busy = 0,
        }
        slot = Instant::now() + patience;
    }
}

/// A daemon that was told to only look does nothing else, whoever asks.
const fn least(asked: Mode, own: Mode) -> Mode {
    match (asked, own) {
        (Mode::Converge, Mode::Converge) => Mode::Converge,
        (Mode::Noop, _) | (_, Mode::Noop) => Mode::Noop,
    }
}

/// What hears triggers and answers for them.
struct Ear {
    disk: Disk,
    identity: Identity,
    rhythm: Rhythm,
    queue: Arc<Queue>,
    apart: Apart,
    clock: Clock,
    log: Voice,
    wants: Mutex<Wants>,
}

/// What triggers want besides a run.
#[derive(Debug, Default)]
struct Wants {
    /// The release that the next run must reach.
    min_seq: u64,
}

impl Ear {
    /// Holds a connection for as long as the daemon lives.
    fn listen(&self) {
        let (mut after, mut failures) = (0, 0);
        let mut server = None;
        while !self.queue.stopping() {
            let heard = match &server {
                Some(server) => trigger::wait(server, after),
                None => self.connect(failures).and_then(|fresh| trigger::wait(server.insert(fresh), after)),
            };
            match heard {
                Ok(triggers) => {
                    (after, failures) = (triggers.next, 0);
                    for signed in triggers.triggers {
                        self.obey(server.as_ref(), signed);
                    }
                }
                Err(error) => {
                    // Another server counts from its own beginning. What is heard twice is obeyed once.
                    (server, after) = (None, 0);
                    failures += 1;
                    let pause = self.pause_after(&error, failures);
                    let text = super::text(&error);
                    say(&self.log, LogLevel::Debug, format!("No connection for triggers: {text}"));
                    self.queue.sleep(pause);
                }
            }
        }
    }

    fn pause_after(&self, error: &TriggerError, failures: u32) -> Duration {
        match error {
            TriggerError::Fetch(FetchError::Busy { retry_after: Some(pause), .. }) => {
                self.rhythm.stretched(*pause, failures.into())
            }
            // A connection that only timed out is simply taken up again.
            TriggerError::Fetch(FetchError::TooSlow { .. }) if failures == 1 => Duration::from_secs(1),
            _ => self.rhythm.back_off(failures),
        }
    }

    /// A connection to a server: after each failure it is the next one's turn.
    fn connect(&self, failures: u32) -> Result<Https, TriggerError> {
        let state = stored::load(&self.disk)?.ok_or(TriggerError::NotEnrolled)?;
        let pin = state.root().fields().tls.server_ca;
        let servers = Servers::open(&self.disk, &self.identity, Trust::Authority(pin));
        let servers = servers.map(|servers| servers.that_listen()).unwrap_or_default();
        let turn = failures as usize % servers.len().max(1);
        servers.into_iter().nth(turn).ok_or(TriggerError::NotEnrolled)
    }

    fn obey(&self, server: Option<&Https>, signed: Signed) {
        let id = trigger::id_untrusted(&signed);
        let answer = match trigger::accept(&self.disk, signed, self.clock) {
            Ok(accepted) => self.follow(&accepted.trigger),
            // It was obeyed and answered for when it came first.
            Err(TriggerError::Refusal(refusal @ Refusal::Replay { .. })) => {
                say(&self.log, LogLevel::Debug, format!("Trigger refused: {}: {refusal}", refusal.code()));
                return;
            }
            Err(error) => {
                let message = format!("{}: {}", error.code(), super::text(&error));
                say(&self.log, LogLevel::Warning, format!("Trigger refused: {message}"));
                TriggerState { state: NodePush::Refused, message }
            }
        };
        if let (Some(server), Some(id)) = (server, id) {
            drop(trigger::tell(server, &id, &answer));
        }
    }

    fn follow(&self, accepted: &Trigger) -> TriggerState {
        let why = if accepted.reason.is_empty() { String::new() } else { format!(": {}", accepted.reason) };
        say(&self.log, LogLevel::Notice, format!("Triggered by {}{why}", accepted.operator));
        let mode = match accepted.action {
            Action::Converge => Mode::Converge,
            Action::Noop => Mode::Noop,
            Action::Pause => return self.pause(accepted),
        };
        if let Some(disabled) = disable::current(&self.disk, (self.clock)()).ok().flatten() {
            let message = format!("disabled: {}", disabled.reason);
            return TriggerState { state: NodePush::Refused, message };
        }
        let mut wants = self.wants();
        wants.min_seq = wants.min_seq.max(accepted.min_seq);
        drop(wants);
        let (state, message) = match self.queue.ask(Job { mode, triggers: vec![accepted.id.clone()] }) {
            Place::Next => (NodePush::Running, "running"),
            Place::Queued => (NodePush::Queued, "a run is under way; this one comes after it"),
        };
        TriggerState { state, message: message.to_owned() }
    }

    fn pause(&self, accepted: &Trigger) -> TriggerState {
        let until = (self.clock)().plus(MAX_PAUSE);
        match pause::begin(&self.disk, &Pause { owner: accepted.operator.clone(), until }) {
            Ok(()) => {
                let message = format!("paused until {until} or the next push");
                TriggerState { state: NodePush::Done, message }
            }
            Err(error) => TriggerState { state: NodePush::Failed, message: super::text(&error) },
        }
    }

    fn is_paused(&self) -> bool {
        pause::current(&self.disk, (self.clock)()).is_some()
    }

    /// A configuration that is wrong leaves the one before in force.
    fn reload(&self, life: &mut Life, reload: Reload<'_>) {
        match reload() {
            Ok(new) => {
                *life = new;
                say(&self.log, LogLevel::Notice, "The configuration was read again");
            }
            Err(text) => {
                say(&self.log, LogLevel::Err, format!("The configuration stays as it was: {text}"));
            }
        }
    }

    /// What the run is asked to reach. A push ends a pause.
    fn begin(&self, job: &Job) -> Option<Asked> {
        if let Err(error) = pause::end(&self.disk) {
            say(&self.log, LogLevel::Warning, super::text(&error));
        }
        let mut wants = self.wants();
        let min_seq = std::mem::take(&mut wants.min_seq);
        job.triggers.last().map(|id| Asked { id: id.clone(), min_seq })
    }

    fn end(&self, job: &Job, answer: &TriggerState) {
        if job.triggers.is_empty() {
            return;
        }
        let Ok(server) = self.connect(0) else { return };
        for id in &job.triggers {
            drop(trigger::tell(&server, id, answer));
        }
    }

    /// A panic elsewhere leaves this value in order.
    fn wants(&self) -> std::sync::MutexGuard<'_, Wants> {
        self.wants.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl From<DiskError> for DaemonError {
    fn from(error: DiskError) -> Self {
        Self::Run(error.into())
    }
}

fn say(log: &Voice, level: LogLevel, message: impl Into<String>) {
    log(&LogLine { level, source: String::new(), message: message.into() });
}
