//! One run, from taking the lock to handing over the report.
//!
//! The order is the design's: verify everything, write it down, apply, write down what was applied, report.
//! What may be applied is `signing`'s to say; how it is applied is `apply`'s.

mod applying;
mod order;

use applying::Experience;
pub use order::{Asked, Fallback, Order, Ran, Reach, RunError};

use super::brake::Limit;
use super::clock::Clock;
use super::disable::{self, Disabled};
use super::disk::Disk;
use super::fetch::{Deadline, FetchError, Https, Trust};
use super::hold::{self, Hold};
use super::host::Host;
use super::identity::Identity;
use super::keyring::Keyring;
use super::lock::RunLock;
use super::pull::{self, Attempts, Origin, Problem, Pulled, Ready};
use super::queue::Mode;
use super::report::{self, Account};
use super::servers::Servers;
use super::stored;
use super::summary::{self, Outlets};
use super::{enroll, facts, freshness};
use crate::model::digest::hex;
use crate::model::report::{LogLine, Refused, ReleaseRef, Report};
use crate::model::resource::LogLevel;
use crate::model::{Facts, Principal, Stamp};
use crate::signing::{Standing, State};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Runs once. Every line that is said goes to `log` as it is said, and into the report.
///
/// # Errors
/// When the run did not begin; what goes wrong later is in the report.
pub fn run(disk: &Disk, order: &Order, clock: Clock, log: &mut dyn FnMut(&LogLine)) -> Result<Ran, RunError> {
    if let Some(disabled) = disable::current(disk, clock())? {
        return Err(RunError::Disabled(disabled));
    }
    let _lock = RunLock::take(disk, order.patience)?;
    let state = stored::load(disk)?.ok_or(RunError::NotEnrolled)?;
    Course::new(disk, order, clock(), log)?.run(state, clock)
}

/// Reports that the agent is disabled, in place of a run: whoever looks at the fleet sees why the node is silent.
///
/// # Errors
/// When the report could not be made.
pub fn report_disabled(
    disk: &Disk,
    (order, disabled): (&Order, &Disabled),
    clock: Clock,
    log: &mut dyn FnMut(&LogLine),
) -> Result<Ran, RunError> {
    let _lock = RunLock::take(disk, order.patience)?;
    let state = stored::load(disk)?.ok_or(RunError::NotEnrolled)?;
    let mut course = Course::new(disk, order, clock(), log)?;
    course.say(LogLevel::Notice, disabled.to_string());
    let facts = facts::gather(&course.host);
    let account = Account { disabled: Some(disabled.switch()), ..course.account(facts, clock)? };
    let report = course.close(&state, account)?;
    Ok(Ran { report, retry_after: None })
}

/// A run on its way.
struct Course<'a> {
    disk: &'a Disk,
    order: &'a Order,
    identity: Identity,
    keyring: Keyring,
    host: Host,
    servers: Option<Servers>,
    limit: Limit,
    begun: Instant,
    /// One time for the whole run.
    now: Stamp,
    /// Random id of the run.
    id: String,
    logs: Vec<LogLine>,
    log: &'a mut dyn FnMut(&LogLine),
    phases: BTreeMap<String, u64>,
}

/// What there is to apply, and why it is not something newer.
struct Found {
    ready: Option<Ready>,
    refusal: Option<Refused>,
    retry_after: Option<Duration>,
}

impl<'a> Course<'a> {
    fn new(
        disk: &'a Disk,
        order: &'a Order,
        now: Stamp,
        log: &'a mut dyn FnMut(&LogLine),
    ) -> Result<Self, RunError> {
        let identity = Identity::load(disk)?;
        let keyring = Keyring::load(disk, &identity.node)?;
        let begun = Instant::now();
        let limit = Limit::new(&order.brake, begun, order.time);
        let host = Host::open(&order.root)?.until(limit.end());
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(RunError::Randomness)?;
        let (id, logs, phases) = (hex(&id), Vec::new(), BTreeMap::new());
        Ok(Self {
            disk,
            order,
            identity,
            keyring,
            host,
            servers: None,
            limit,
            begun,
            now,
            id,
            logs,
            log,
            phases,
        })
    }

    fn run(&mut self, mut state: State, clock: Clock) -> Result<Ran, RunError> {
        for why in &self.order.because {
            self.say(LogLevel::Notice, why);
        }
        let found = match self.order.reach {
            Reach::Servers => self.find(&mut state)?,
            Reach::Disk => self.on_disk(&state),
        };
        if let Some(line) = freshness::of_root(state.root(), self.now) {
            self.say(line.level, line.message);
        }
        let facts = self.timed("facts", |course| facts::gather(&course.host));
        let Found { ready, refusal, retry_after } = self.hold_to_trigger(found);
        if let Some(ready) = &ready {
            self.warn_of_emergency(ready, &state);
        }
        let experience = if state.applied().is_some() { Experience::Seasoned } else { Experience::New };
        let applied = ready.as_ref().map(|ready| self.apply(ready, &facts, experience)).transpose()?;
        let whole = applied.as_ref().is_some_and(|applied| applied.halted.is_none());
        if whole && self.order.mode == Mode::Converge && self.order.wishes.is_whole() {
            state = state.after_applying();
        }
        let release = ready.as_ref().map(|r| ReleaseRef { seq: r.release.seq, id: r.release.id() });
        let only_noop = ready.as_ref().is_some_and(|r| r.catalog.only_noop());
        let from_disk = ready.as_ref().is_some_and(|ready| ready.origin == Origin::Disk);
        // The catalog may be large, and so may the report.
        drop(ready);
        let quiet = self.order.reach == Reach::Disk
            && applied
                .as_ref()
                .is_some_and(|applied| applied.halted.is_none() && applied.resources.is_empty());
        let account = Account {
            release,
            cached: self.order.reach == Reach::Servers && from_disk,
            refusal,
            noop: self.order.mode == Mode::Noop || only_noop,
            applied,
            ..self.account(facts, clock)?
        };
        let report = if quiet { report::compose(&state, account) } else { self.close(&state, account)? };
        Ok(Ran { report, retry_after })
    }

    /// What the run knows of itself, whatever it did.
    fn account(&mut self, facts: Facts, clock: Clock) -> Result<Account, RunError> {
        self.phases.insert("total".into(), millis(self.begun));
        Ok(Account {
            run: self.id.clone(),
            trigger: self.order.trigger.as_ref().map(|asked| asked.id.clone()),
            release: None,
            cached: false,
            refusal: None,
            disabled: disable::current(self.disk, self.now)?.map(|disabled| disabled.switch()),
            noop: self.order.mode == Mode::Noop,
            time: (self.now, clock()),
            applied: None,
            phases: std::mem::take(&mut self.phases),
            facts,
            logs: std::mem::take(&mut self.logs),
        })
    }

    /// Makes the report, keeps it, and hands it over.
    fn close(&mut self, state: &State, account: Account) -> Result<Report, RunError> {
        let mut report = report::compose(state, account);
        let state = report::keep(self.disk, state, self.identity.report_key(), &mut report)?;
        self.tell(&report);
        // A server that does not answer must not hold up the next repair: the run of the interval tries again.
        if self.order.reach == Reach::Servers || report::waiting(self.disk)? <= 1 {
            self.hand_over(&state);
        }
        Ok(report)
    }

    /// Tells monitoring of the run. That it cannot be told is no failure of the run.
    fn tell(&mut self, report: &Report) {
        let json = serde_json::to_vec_pretty(&summary::summary(report)).unwrap_or_default();
        let metrics = summary::metrics(report);
        let own = self.disk.path(summary::NAME);
        let Outlets { summary, textfile } = &self.order.outlets;
        let files =
            [(Some(&own), &*json), (summary.as_ref(), &*json), (textfile.as_ref(), metrics.as_bytes())];
        for (path, bytes) in files.into_iter().filter_map(|(path, bytes)| Some((path?, bytes))) {
            if let Err(error) = summary::publish(path, bytes) {
                self.say(LogLevel::Warning, format!("Could not write {}: {error}", path.display()));
            }
        }
    }

    /// The release that is in force, and no look at anything newer.
    fn on_disk(&self, state: &State) -> Found {
        let (ready, refusal) = match pull::reload(self.disk, state, self.now) {
            Ok(ready) => (ready, None),
            Err(problem) => (None, Some(problem.refused())),
        };
        Found { ready, refusal, retry_after: None }
    }

    /// What to apply: the newest that a source offers, or what is on the disk.
    fn find(&mut self, state: &mut State) -> Result<Found, RunError> {
        let begun = Instant::now();
        let attempts = self.pull(state)?;
        self.phases.insert("fetch".into(), millis(begun));
        for (source, problem) in &attempts.problems {
            self.say(LogLevel::Warning, format!("{source}: {}: {}", problem.code(), super::text(problem)));
        }
        let retry_after = attempts.problems.iter().find_map(|(_, problem)| match problem {
            Problem::Fetch(FetchError::Busy { retry_after, .. }) => *retry_after,
            _ => None,
        });
        match attempts.pulled {
            Some(Pulled::Ready(ready)) => Ok(Found { ready: Some(*ready), refusal: None, retry_after }),
            Some(Pulled::Unassigned(_)) => {
                self.say(LogLevel::Warning, "The release has nothing for this node: nothing is applied");
                Ok(Found { ready: None, refusal: None, retry_after })
            }
            None => {
                let refusal = attempts.problems.first().map(|(_, problem)| problem.refused());
                let ready = self.fall_back(state);
                Ok(Found { ready, refusal: refusal.or_else(|| Some(no_server())), retry_after })
            }
        }
    }

    /// An emergency is told in every run and every report, and so is the way back from one (D33).
    fn warn_of_emergency(&mut self, ready: &Ready, state: &State) {
        let release = &ready.release;
        let (seq, end) = (release.seq, release.end(state.root(), ready.standing));
        if ready.standing == Standing::Emergency {
            // One person chose these words.
            let reason = release.reason.escape_debug();
            let by = Principal::list(release.signers());
            let text =
                format!("EMERGENCY release {seq} by {by}: {reason}; it ends at {end} unless it is ratified");
            self.say(LogLevel::Warning, text);
        }
        if let Some(accepted) = state.accepted().filter(|accepted| accepted.seq > seq) {
            let text = format!("Emergency release {} was not ratified: back to release {seq}", accepted.seq);
            self.say(LogLevel::Warning, text);
        }
    }

    fn pull(&mut self, state: &mut State) -> Result<Attempts, RunError> {
        let deadline = Deadline::after(self.order.budget);
        let pin = state.root().fields().tls.server_ca;
        let sources = self.servers(Trust::Authority(pin))?.sources(deadline);
        let attempts = pull::pull(self.disk, state, &sources, self.now);
        let rogue = |(_, problem): &(String, Problem)| {
            matches!(problem, Problem::Fetch(FetchError::Authority { .. }))
        };
        if attempts.pulled.is_some() || !attempts.problems.iter().any(rogue) {
            return Ok(attempts);
        }
        // The authority may have been replaced by a newer trust root. Roots prove themselves, so they may be asked
        // of anyone; if they pin another authority now, that one counts.
        for source in self.servers(Trust::AnyoneForRoots)?.sources(deadline) {
            drop(pull::walk(self.disk, state, source.as_ref()));
        }
        let new_pin = state.root().fields().tls.server_ca;
        if new_pin == pin {
            return Ok(attempts);
        }
        let sources = self.servers(Trust::Authority(new_pin))?.sources(deadline);
        Ok(pull::pull(self.disk, state, &sources, self.now))
    }

    /// The servers under this trust, with the connections that the run has to them already.
    fn servers(&mut self, trust: Trust) -> Result<&Servers, RunError> {
        let servers = match self.servers.take().filter(|servers| servers.trust() == trust) {
            Some(servers) => servers,
            None => Servers::open(self.disk, &self.identity, trust)?,
        };
        Ok(self.servers.insert(servers))
    }

    /// The last accepted release from the disk. That is never silent and never a success.
    fn fall_back(&mut self, state: &State) -> Option<Ready> {
        if self.order.fallback == Fallback::Nothing {
            self.say(LogLevel::Warning, "Not using the release on disk; nothing is applied");
            return None;
        }
        match pull::reload(self.disk, state, self.now) {
            Ok(Some(ready)) => {
                let said = freshness::enforcing(ready.catalog.freshness(), ready.release.seq);
                self.say(LogLevel::Warning, said);
                self.tell_hold(state);
                Some(ready)
            }
            Ok(None) => {
                self.say(LogLevel::Err, "There is no accepted release on disk; nothing is applied");
                None
            }
            Err(problem) => {
                self.say(LogLevel::Err, format!("The release on disk: {}", super::text(&problem)));
                None
            }
        }
    }

    /// Who looks at the report learns that the node goes on by a local administrator's word.
    fn tell_hold(&mut self, state: &State) {
        if let Ok(Some(hold)) = hold::current(self.disk, state, self.now) {
            let Hold { since, until, reason, .. } = hold;
            self.say(
                LogLevel::Warning,
                format!("Held by a local administrator from {since} until {until} (Reason: '{reason}')"),
            );
        }
    }

    /// A trigger that demands a release which the node did not reach is not fulfilled by an older one.
    fn hold_to_trigger(&mut self, mut found: Found) -> Found {
        let wanted = self.order.trigger.as_ref().map_or(0, |asked| asked.min_seq);
        let reached = found.ready.as_ref().map_or(0, |ready| ready.release.seq);
        if wanted > reached && found.refusal.is_none() {
            let message = format!("the trigger demands release {wanted}, and {reached} is the newest here");
            self.say(LogLevel::Err, message.clone());
            found.refusal = Some(Refused { code: "BEHIND".into(), message });
        }
        found
    }

    /// Hands the reports over and asks for a new certificate in time. That neither works is told, and no failure
    /// of the run.
    fn hand_over(&mut self, state: &State) {
        let pin = state.root().fields().tls.server_ca;
        let servers = self.servers(Trust::Authority(pin)).map(Servers::that_listen).unwrap_or_default();
        let mut trouble = None;
        for server in &servers {
            match report::send(self.disk, server) {
                Ok(_) => {
                    trouble = None;
                    self.renew(server);
                    break;
                }
                Err(error) => trouble = Some(super::text(&error)),
            }
        }
        if let Some(trouble) = trouble {
            self.say(LogLevel::Warning, format!("Could not send the report, it waits on disk: {trouble}"));
        }
    }

    fn renew(&mut self, server: &Https) {
        if self.identity.is_renewal_due(self.disk, self.now).unwrap_or(false)
            && let Err(error) = enroll::renew(self.disk, &self.identity, server)
        {
            self.say(LogLevel::Warning, format!("Could not renew the certificate: {}", super::text(&error)));
        }
    }

    fn timed<T>(&mut self, phase: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        let begun = Instant::now();
        let result = work(self);
        self.phases.insert(phase.to_owned(), millis(begun));
        result
    }

    fn say(&mut self, level: LogLevel, message: impl Into<String>) {
        let line = LogLine { level, source: String::new(), message: message.into() };
        (self.log)(&line);
        self.logs.push(line);
    }
}

fn no_server() -> Refused {
    Refused { code: "NO_SERVER".into(), message: "this agent knows no server".into() }
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
