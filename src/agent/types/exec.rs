//! `exec`: a command, its guards, and when its exit code means success.

use super::{Change, Done, Failure, Known, Node, Plan, Refreshed, Type, tail};
use crate::agent::host::{Ending, Invocation, Outcome, OutputLimit};
use crate::model::resource::{Command, Exec, LogLevel, LogOutput};
use crate::policy::guard::Setting;
use std::time::Duration;

/// A command to run.
pub(in crate::agent) struct Run<'a>(pub(in crate::agent) &'a Exec);

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
        if self.0.refreshonly {
            return Ok(plan);
        }
        match self.wanted(node)? {
            Wanted::No => {}
            Wanted::Unknown(guards) => plan.unevaluated = Some(guards),
            Wanted::Yes => {
                // Denied commands are told of in a noop run too.
                node.judged(&self.0.command, &self.setting())?;
                let change = Change::new("returns", "notrun", &self.expected(), ());
                plan.changes.push(change.saying("executed successfully"));
            }
        }
        Ok(plan)
    }

    fn apply(&self, (): (), node: &mut Node<'_>) -> Result<Done, Failure> {
        self.run(&self.0.command, node)
    }

    fn refresh(&self, node: &mut Node<'_>) -> Result<Refreshed, Failure> {
        match self.wanted(node)? {
            Wanted::Yes => {
                let command = self.0.refresh.as_ref().unwrap_or(&self.0.command);
                Ok(Refreshed::Done(self.run(command, node)?))
            }
            Wanted::No => Ok(Refreshed::Skipped("its guards say that it need not run".into())),
            Wanted::Unknown(guards) => Ok(Refreshed::Skipped(format!("not evaluated: {guards}"))),
        }
    }

    fn forget(&self, known: &mut Known) {
        known.forget_all();
    }
}

impl Run<'_> {
    /// Asks the guards in the order `creates`, `unless`, `onlyif`; all must agree.
    fn wanted(&self, node: &Node<'_>) -> Result<Wanted, Failure> {
        for path in &self.0.creates {
            if node.host.stat(path)?.is_some() {
                return Ok(Wanted::No);
            }
        }
        if node.noop {
            let guards: Vec<&str> = [("unless", &self.0.unless), ("onlyif", &self.0.onlyif)]
                .into_iter()
                .filter(|(_, commands)| !commands.is_empty())
                .map(|(name, _)| name)
                .collect();
            return Ok(if guards.is_empty() { Wanted::Yes } else { Wanted::Unknown(guards.join(" and ")) });
        }
        for command in &self.0.unless {
            if self.guard(command, node)? {
                return Ok(Wanted::No);
            }
        }
        for command in &self.0.onlyif {
            if !self.guard(command, node)? {
                return Ok(Wanted::No);
            }
        }
        Ok(Wanted::Yes)
    }

    /// Whether a guard succeeds. One that does not end says nothing, and what it guards does not run.
    fn guard(&self, command: &Command, node: &Node<'_>) -> Result<bool, Failure> {
        let outcome = self.try_once(command, node)?;
        if outcome.ending == Ending::TimedOut {
            return Err(self.failure(command, &outcome, ""));
        }
        Ok(outcome.succeeded())
    }

    fn run(&self, command: &Command, node: &Node<'_>) -> Result<Done, Failure> {
        let exec = self.0;
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

    fn try_once(&self, command: &Command, node: &Node<'_>) -> Result<Outcome, Failure> {
        let exec = self.0;
        let mut environment: Vec<_> = exec.environment.clone().into_iter().collect();
        if !exec.path.is_empty() && !exec.environment.contains_key("PATH") {
            environment.push(("PATH".into(), exec.path.join(":")));
        }
        Ok(node.host.run(&Invocation {
            argv: node.judged(command, &self.setting())?,
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
        Setting { cwd: self.0.cwd.clone(), environment: self.0.environment.clone() }
    }

    fn is_success(&self, ending: Ending) -> bool {
        match ending {
            Ending::Code(code) => self.0.returns.iter().any(|wanted| i32::from(*wanted) == code),
            Ending::Signal(_) | Ending::TimedOut => false,
        }
    }

    fn failure(&self, command: &Command, outcome: &Outcome, output: &str) -> Failure {
        let text = match command {
            Command::Shell(text) => text.clone(),
            Command::Argv(words) => {
                let word = |word: &crate::model::resource::Word| match word {
                    crate::model::resource::Word::Text(text) => text.clone(),
                    crate::model::resource::Word::Fact(path) => format!("{{{{ facts.{path} }}}}"),
                };
                words.iter().map(word).collect::<Vec<_>>().join(" ")
            }
        };
        let output = if output.is_empty() { String::new() } else { format!(": {}", tail(output)) };
        let returned = match outcome.ending {
            Ending::Code(code) => format!("{code}"),
            Ending::Signal(signal) => format!("signal {signal}"),
            Ending::TimedOut => {
                let ending = format!("exceeded its timeout of {} seconds", self.0.timeout);
                return Failure::Command { command: text, ending, output };
            }
        };
        Failure::Returned { command: text, returned, expected: self.expected(), output }
    }

    fn expected(&self) -> String {
        self.0.returns.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}
