//! After a run: the health checks of the release, and the way back when one of them fails.

use super::engine::node;
use super::{Job, voice::Voice};
use crate::agent::health;
use crate::agent::types::{Run, Type as _, chain};
use crate::agent::undo::Undo;
use crate::model::report::LogLine;
use crate::model::resource::LogLevel;
use crate::model::safety::{Check, Health};
use crate::model::{Catalog, Ref, Spec};
use std::time::Duration;

/// Between two tries of a health check.
const PAUSE: Duration = Duration::from_secs(2);

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Returned {
    /// How many changes were taken back.
    pub back: usize,
    /// What could not be, and why.
    pub failed: Vec<String>,
}

/// Does the health checks, in their order. Which one failed and why, if one did.
pub fn judge(catalog: &Catalog, job: &Job<'_>, log: &mut dyn FnMut(&LogLine)) -> Option<String> {
    let mut voice = Voice(log);
    for check in &catalog.health {
        match tried(catalog, check, job) {
            Ok(()) => voice.say(LogLevel::Info, format!("Health check `{}` passed", check.name)),
            Err(why) => {
                let text = format!("health check `{}` failed: {why}", check.name);
                voice.say(LogLevel::Err, &text);
                return Some(text);
            }
        }
    }
    None
}

fn tried(catalog: &Catalog, check: &Health, job: &Job<'_>) -> Result<(), String> {
    let mut tries = 1;
    loop {
        match once(catalog, check, job) {
            Err(_) if tries < check.tries && job.limit.reached().is_none() => tries += 1,
            ended => return ended,
        }
        std::thread::sleep(PAUSE);
    }
}

fn once(catalog: &Catalog, check: &Health, job: &Job<'_>) -> Result<(), String> {
    let time = Duration::from_secs(check.timeout.into());
    match &check.check {
        Check::Tcp(address) => health::tcp(address, time),
        Check::Http(url) => health::http(url, time),
        Check::Command(resource) => match &resource.spec {
            Spec::Exec(exec) => {
                let done = Run::of(exec).apply((), &mut node(catalog, job));
                done.map(drop).map_err(|failure| chain(&failure))
            }
            other => Err(format!("a check cannot be a {}", other.kind())),
        },
    }
}

/// Puts back what was, the last change first; services after files, and restarts at the end.
pub fn go_back(
    catalog: &Catalog,
    job: &Job<'_>,
    undo: Vec<(Ref, Undo)>,
    log: &mut dyn FnMut(&LogLine),
) -> Returned {
    let mut voice = Voice(log);
    let mut node = node(catalog, job);
    let mut steps: Vec<(Ref, Undo)> = Vec::new();
    for step in undo.into_iter().rev() {
        // One restart takes up everything that is back.
        if step.1.turn() < 2 || !steps.iter().any(|(_, earlier)| *earlier == step.1) {
            steps.push(step);
        }
    }
    steps.sort_by_key(|(_, undo)| undo.turn());
    let mut returned = Returned { back: 0, failed: Vec::new() };
    for (resource, step) in steps {
        match step.put_back(&mut node) {
            Ok(()) => {
                returned.back += 1;
                voice.of(&resource, LogLevel::Notice, "taken back");
            }
            Err(failure) => {
                let text = chain(&failure);
                voice.of(&resource, LogLevel::Err, format!("could not be taken back: {text}"));
                returned.failed.push(format!("{resource}: {text}"));
            }
        }
    }
    returned
}
