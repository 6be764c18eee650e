//! Each run of a daemon in a process of its own. What a run took up, it gives back; what goes wrong in it goes wrong there; and
//! the process that stays for months is small, holds no catalog and parses nothing that a server sent but triggers.
//!
//! The order is written to the child's standard input as one JSON document. The child says what happens on its standard output,
//! a JSON document in each line: the lines of the log as they are spoken, and what the run came to at its end. It is the same
//! program in the same version, whatever was installed since. When nobody listens any more, it finishes what it does.

use crate::agent::clock::Clock;
use crate::agent::disk::Disk;
use crate::agent::run::{self, Order, Ran, RunError};
use crate::agent::trigger;
use crate::model::report::{LogLine, Report, ResourceStatus};
use crate::model::resource::LogLevel;
use crate::model::wire::{NodePush, TriggerState};
use crate::model::{Digest, Ref};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io::{self, BufRead as _, BufReader, Write};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The program of this very process, even when another was installed in its place.
const SELF: &str = "/proc/self/exe";
/// The hidden command of the child.
pub const COMMAND: &str = "run-ordered";

/// What a run came to, as far as a daemon needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ended {
    /// What is told to whoever triggered it.
    pub(super) outcome: TriggerState,
    /// The release that it was of.
    pub(super) release: Option<Digest>,
    /// How long a busy server asks to be left alone.
    pub(super) retry_after: Option<Duration>,
    /// Whether anything was found that was not as it should be.
    pub(super) found: bool,
    /// What it changed, or tried to.
    pub(super) changed: BTreeSet<Ref>,
    /// Why there was no run.
    pub(super) none: Option<NoRun>,
}

/// Why there was no run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum NoRun {
    /// An administrator disabled the agent: this is what is said of it.
    Disabled(String),
    /// Something else, as it is told.
    Failed(String),
}

/// A line of what a child says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Said {
    Line(LogLine),
    Ended(Box<Ended>),
}

impl Ended {
    fn of(ran: &Result<Ran, RunError>) -> Self {
        match ran {
            Ok(Ran { report, retry_after }) => Self {
                outcome: trigger::outcome(report),
                release: report.release.as_ref().map(|release| release.id),
                retry_after: *retry_after,
                found: !report.resources.is_empty() || report.halted.is_some(),
                changed: changed(report),
                none: None,
            },
            Err(RunError::Disabled(disabled)) => Self::without_run(NoRun::Disabled(disabled.to_string())),
            Err(error) => Self::failed(crate::agent::text(error)),
        }
    }

    fn failed(why: impl Into<String>) -> Self {
        Self::without_run(NoRun::Failed(why.into()))
    }

    fn without_run(none: NoRun) -> Self {
        let (NoRun::Disabled(message) | NoRun::Failed(message)) = &none;
        let outcome = TriggerState { state: NodePush::Failed, message: message.clone() };
        let (release, retry_after, found, changed) = (None, None, false, BTreeSet::new());
        Self { outcome, release, retry_after, found, changed, none: Some(none) }
    }
}

/// The resources that a run changed, or tried to.
fn changed(report: &Report) -> BTreeSet<Ref> {
    let tried = |status| matches!(status, ResourceStatus::Changed | ResourceStatus::Failed);
    report.resources.iter().filter(|one| tried(one.status)).map(|one| one.resource.clone()).collect()
}

/// For the child: carries out the order that comes on `input`, and says on `output` what happens.
///
/// # Errors
/// When there is no order, or signals cannot be heard. That nobody reads `output` is no error.
pub fn obey(disk: &Disk, input: impl io::Read, output: &mut dyn Write, clock: Clock) -> io::Result<()> {
    let order: Order = serde_json::from_reader(input)?;
    order.brake.pull_on_any_signal()?;
    let mut say = |said: &Said| {
        let mut line = serde_json::to_vec(said).unwrap_or_default();
        line.push(b'\n');
        drop(output.write_all(&line).and_then(|()| output.flush()));
    };
    let log = &mut |line: &LogLine| say(&Said::Line(line.clone()));
    let ran = run::run(disk, &order, clock, log);
    if let Err(RunError::Disabled(disabled)) = &ran
        && order.reach == run::Reach::Servers
        && let Err(error) = run::report_disabled(disk, (&order, disabled), clock, log)
    {
        let message = crate::agent::text(&error);
        log(&LogLine { level: LogLevel::Warning, source: String::new(), message });
    }
    say(&Said::Ended(Box::new(Ended::of(&ran))));
    Ok(())
}

/// For the daemon: where its runs are started and stopped.
#[derive(Debug, Clone, Default)]
pub(super) struct Apart(Arc<Mutex<Now>>);

#[derive(Debug, Default)]
struct Now {
    child: Option<Pid>,
    stopped: bool,
}

impl Apart {
    /// Runs to the end, and passes on what is said.
    pub(super) fn run(&self, disk: &Disk, order: &Order, log: &mut dyn FnMut(&LogLine)) -> Ended {
        let child = match self.start(&disk.path(""), order) {
            Ok(child) => child,
            Err(cause) => return Ended::failed(format!("cannot start a process for the run: {cause}")),
        };
        let ended = self.listen(child, log);
        ended.unwrap_or_else(|cause| Ended::failed(format!("the process of the run: {cause}")))
    }

    /// Asks the run at hand to stop after the resource at hand, and starts no other.
    pub(super) fn stop(&self) {
        let mut now = self.now();
        now.stopped = true;
        // One that has just ended needs no word.
        now.child.map(|child| kill_process(child, Signal::TERM));
    }

    fn start(&self, state: &Path, order: &Order) -> io::Result<Child> {
        let mut now = self.now();
        if now.stopped {
            return Err(io::Error::other("the agent was asked to stop"));
        }
        let mut command = Command::new(SELF);
        command.arg0(std::env::args_os().next().unwrap_or_else(|| SELF.into()));
        command.args(["agent", COMMAND, "--state"]).arg(state);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        now.child = Some(Pid::from_child(&child));
        drop(now);
        // A child that ends at once is told of when it is waited for.
        if let Some(input) = child.stdin.take() {
            drop(serde_json::to_writer(input, order));
        }
        Ok(child)
    }

    fn listen(&self, mut child: Child, log: &mut dyn FnMut(&LogLine)) -> io::Result<Ended> {
        let heard = child.stdout.take().map_or(Ok(None), |output| hear(output, log));
        // Once it was waited for, its number may be that of another process.
        self.now().child = None;
        let status = child.wait()?;
        heard?.ok_or_else(|| io::Error::other(format!("it ended before the run did ({status})")))
    }

    /// A panic elsewhere leaves these two in order.
    fn now(&self) -> MutexGuard<'_, Now> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hears a child to its end.
fn hear(output: impl io::Read, log: &mut dyn FnMut(&LogLine)) -> io::Result<Option<Ended>> {
    let mut ended = None;
    for line in BufReader::new(output).lines() {
        match serde_json::from_str(&line?)? {
            Said::Line(line) => log(&line),
            Said::Ended(said) => ended = Some(*said),
        }
    }
    Ok(ended)
}
