//! `exec`: a command, its guards, and when its exit code means success.

use super::{Change, Done, Failure, Known, Node, Plan, Refreshed, Type, judge, tail};
use crate::agent::host::{Ending, Host, Invocation, Outcome, OutputLimit};
use crate::model::Facts;
use crate::model::resource::{Command, Exec, LogLevel, LogOutput, Word};
use crate::policy::guard::{GuardCommand, Setting};
use std::io;
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

/// Commands that run at once, at most.
pub(in crate::agent) const AT_ONCE: usize = 8;

/// A command to run.
#[derive(Clone, Copy)]
pub(in crate::agent) struct Run<'a> {
    exec: &'a Exec,
    /// One of its `unless` has succeeded already.
    settled: bool,
}

/// What a command is asked and run with.
#[derive(Clone, Copy)]
struct Place<'a> {
    host: &'a Host,
    facts: &'a Facts,
    noop: bool,
}

/// What the guards say.
enum Wanted {
    /// Run it.
    Yes,
    /// It is not needed.
    No,
    /// These guards are commands, and no command runs when nothing may change.
    Unknown(String),
}

impl Type for Run<'_> {
    type Step = ();

    fn check(&self, node: &mut Node<'_>) -> Result<Plan<()>, Failure> {
        let mut plan = Plan::new();
        if self.exec.refreshonly || self.settled {
            return Ok(plan);
        }
        match self.wanted(Place::of(node))? {
            Wanted::No => {}
            Wanted::Unknown(guards) => plan.unevaluated = Some(guards),
            Wanted::Yes => {
                // Denied commands are told of in a noop run too.
                judged(&self.exec.command, &self.setting(), node.facts)?;
                let change = Change::new("returns", "notrun", &self.expected(), ());
                plan.changes.push(change.saying("executed successfully"));
            }
        }
        Ok(plan)
    }

    fn apply(&self, (): (), node: &mut Node<'_>) -> Result<Done, Failure> {
        self.run(&self.exec.command, Place::of(node))
    }

    fn refresh(&self, node: &mut Node<'_>) -> Result<Refreshed, Failure> {
        match self.wanted(Place::of(node))? {
            Wanted::Yes => {
                let command = self.exec.refresh.as_ref().unwrap_or(&self.exec.command);
                Ok(Refreshed::Done(self.run(command, Place::of(node))?))
            }
            Wanted::No => Ok(Refreshed::Skipped("its guards say that it need not run".into())),
            Wanted::Unknown(guards) => Ok(Refreshed::Skipped(format!("not evaluated: {guards}"))),
        }
    }

    fn forget(&self, known: &mut Known) {
        known.forget_all();
    }
}

impl<'a> Run<'a> {
    pub(in crate::agent) const fn of(exec: &'a Exec) -> Self {
        Self { exec, settled: false }
    }

    /// The same, knowing whether one of its `unless` has succeeded already.
    pub(in crate::agent) const fn knowing(exec: &'a Exec, settled: bool) -> Self {
        Self { exec, settled }
    }

    /// Whether it can be settled by a command ahead of its turn.
    pub(in crate::agent) const fn may_be_settled(exec: &Exec) -> bool {
        !exec.refreshonly && !exec.unless.is_empty()
    }

    /// Asks the `unless` of several commands side by side: how long it took where one succeeded. Where none did, that may be
    /// because others were asked at the same time.
    pub(in crate::agent) fn settled(execs: &[&Exec], node: &Node<'_>) -> Vec<Option<Duration>> {
        let place = Place::of(node);
        let ask = |exec: &Exec| {
            let (begun, run) = (Instant::now(), Run::of(exec));
            let succeeds = |command| run.guard(command, place).unwrap_or(false);
            // Where what it creates is there, no command is asked at all.
            let settled = !run.is_created(place.host).unwrap_or(true) && exec.unless.iter().any(succeeds);
            settled.then(|| begun.elapsed())
        };
        let ask_all = |part: &[&Exec]| part.iter().map(|exec| ask(exec)).collect::<Vec<_>>();
        let most = std::thread::available_parallelism().map_or(1, usize::from).min(AT_ONCE);
        let (size, ask_all) = (execs.len().div_ceil(most).max(1), &ask_all);
        std::thread::scope(|scope| {
            let start = |part| (part, std::thread::Builder::new().spawn_scoped(scope, move || ask_all(part)));
            let parts: Vec<_> = execs.chunks(size).map(start).collect();
            let wait = |(part, thread): (&[&Exec], io::Result<ScopedJoinHandle<'_, Vec<_>>>)| {
                thread.ok().and_then(|thread| thread.join().ok()).unwrap_or_else(|| vec![None; part.len()])
            };
            parts.into_iter().flat_map(wait).collect()
        })
    }

    /// Runs commands at the same time, whose guards have said that they are wanted: how each ended, and how long it took.
    pub(in crate::agent) fn together(
        runs: &[Self],
        node: &Node<'_>,
    ) -> Vec<(Result<Done, Failure>, Duration)> {
        let place = Place::of(node);
        let one = |run: &Self| {
            let begun = Instant::now();
            (run.run(&run.exec.command, place), begun.elapsed())
        };
        std::thread::scope(|scope| {
            let start = |run| (run, std::thread::Builder::new().spawn_scoped(scope, move || one(run)));
            let started: Vec<_> = runs.iter().map(start).collect();
            let end = |(run, thread): (_, io::Result<ScopedJoinHandle<'_, _>>)| match thread {
                Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                // No thread could be had for it: it comes after those that could.
                Err(_) => one(run),
            };
            started.into_iter().map(end).collect()
        })
    }

    /// Asks the guards in the order `creates`, `unless`, `onlyif`; all must agree.
    fn wanted(&self, node: Place<'_>) -> Result<Wanted, Failure> {
        if self.is_created(node.host)? {
            return Ok(Wanted::No);
        }
        if node.noop {
            let guards: Vec<&str> = [("unless", &self.exec.unless), ("onlyif", &self.exec.onlyif)]
                .into_iter()
                .filter(|(_, commands)| !commands.is_empty())
                .map(|(name, _)| name)
                .collect();
            return Ok(if guards.is_empty() { Wanted::Yes } else { Wanted::Unknown(guards.join(" and ")) });
        }
        for command in &self.exec.unless {
            if self.guard(command, node)? {
                return Ok(Wanted::No);
            }
        }
        for command in &self.exec.onlyif {
            if !self.guard(command, node)? {
                return Ok(Wanted::No);
            }
        }
        Ok(Wanted::Yes)
    }

    /// Whether something is there that it creates.
    fn is_created(&self, host: &Host) -> Result<bool, Failure> {
        for path in &self.exec.creates {
            if host.stat(path)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a guard succeeds. One that does not end says nothing, and what it guards does not run.
    fn guard(&self, command: &Command, node: Place<'_>) -> Result<bool, Failure> {
        let outcome = self.try_once(command, node)?;
        if outcome.ending == Ending::TimedOut {
            return Err(self.failure(command, &outcome, ""));
        }
        Ok(outcome.succeeded())
    }

    fn run(&self, command: &Command, node: Place<'_>) -> Result<Done, Failure> {
        let exec = self.exec;
        let mut tries = 1;
        let outcome = loop {
            let outcome = self.try_once(command, node)?;
            if self.is_success(outcome.ending) || tries >= exec.tries {
                break outcome;
            }
            tries += 1;
            std::thread::sleep(Duration::from_secs(exec.try_sleep.into()));
        };
        let success = self.is_success(outcome.ending);
        let output = match exec.logoutput {
            LogOutput::Yes => outcome.output.trim_end(),
            LogOutput::OnFailure if !success => outcome.output.trim_end(),
            LogOutput::OnFailure | LogOutput::No => "",
        };
        if !success {
            return Err(self.failure(command, &outcome, output));
        }
        let lines = output.lines().map(|line| (None::<LogLevel>, line.to_owned()));
        Ok(Done { log: lines.collect(), fresh: false })
    }

    fn try_once(&self, command: &Command, node: Place<'_>) -> Result<Outcome, Failure> {
        let exec = self.exec;
        let mut environment: Vec<_> = exec.environment.clone().into_iter().collect();
        if !exec.path.is_empty() && !exec.environment.contains_key("PATH") {
            environment.push(("PATH".into(), exec.path.join(":")));
        }
        Ok(node.host.run(&Invocation {
            argv: judged(command, &self.setting(), node.facts)?,
            user: exec.user.clone(),
            group: exec.group.clone(),
            umask: exec.umask.clone(),
            cwd: exec.cwd.clone(),
            environment,
            timeout: (exec.timeout > 0).then(|| Duration::from_secs(exec.timeout.into())),
            limit: OutputLimit::Log,
        })?)
    }

    fn setting(&self) -> Setting {
        Setting { cwd: self.exec.cwd.clone(), environment: self.exec.environment.clone() }
    }

    fn is_success(&self, ending: Ending) -> bool {
        match ending {
            Ending::Code(code) => self.exec.returns.iter().any(|wanted| i32::from(*wanted) == code),
            Ending::Signal(_) | Ending::TimedOut => false,
        }
    }

    fn failure(&self, command: &Command, outcome: &Outcome, output: &str) -> Failure {
        let text = match command {
            Command::Shell(text) => text.clone(),
            Command::Argv(words) => {
                let word = |word: &Word| match word {
                    Word::Text(text) => text.clone(),
                    Word::Fact(path) => format!("{{{{ facts.{path} }}}}"),
                };
                words.iter().map(word).collect::<Vec<_>>().join(" ")
            }
        };
        let output = if output.is_empty() { String::new() } else { format!(": {}", tail(output)) };
        let returned = match outcome.ending {
            Ending::Code(code) => format!("{code}"),
            Ending::Signal(signal) => format!("signal {signal}"),
            Ending::TimedOut => {
                let ending = format!("exceeded its timeout of {} seconds", self.exec.timeout);
                return Failure::Command { command: text, ending, output };
            }
        };
        Failure::Returned { command: text, returned, expected: self.expected(), output }
    }

    fn expected(&self) -> String {
        self.exec.returns.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

impl<'a> Place<'a> {
    const fn of(node: &Node<'a>) -> Self {
        Self { host: node.host, facts: node.facts, noop: node.noop }
    }
}

/// The catalog's command with the node's facts filled in, after the agent's own last look at it.
fn judged(command: &Command, setting: &Setting, facts: &Facts) -> Result<Vec<String>, Failure> {
    let (argv, seen) = match command {
        Command::Shell(text) => {
            (vec!["/bin/sh".to_owned(), "-c".to_owned(), text.clone()], GuardCommand::Shell(text.clone()))
        }
        Command::Argv(words) => {
            let word = |word: &Word| match word {
                Word::Text(text) => Ok(text.clone()),
                Word::Fact(path) => facts.text(path),
            };
            let argv = words.iter().map(word).collect::<Result<Vec<_>, _>>()?;
            (argv.clone(), GuardCommand::Argv(argv))
        }
    };
    judge(&seen, setting)?;
    Ok(argv)
}
