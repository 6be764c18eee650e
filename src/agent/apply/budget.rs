//! What a run would do, before it does anything, against the most that the release lets one run do.

use super::{Applied, Job, Wishes, engine};
use crate::model::report::{Event, EventStatus, Refused, ResourceReport, ResourceStatus, RunStatus};
use crate::model::safety::Budget;
use crate::model::{Catalog, Kind};

/// What a run would do, as far as it can be told without doing any of it. Commands whose guards would have to run are not
/// in it, nor what follows from the changes themselves.
#[derive(Debug)]
pub struct Forecast {
    /// The run, as if it were only to look.
    pub seen: Applied,
    changes: Vec<String>,
    deletions: Vec<String>,
    restarts: Vec<String>,
}

/// Looks at everything and changes nothing.
#[must_use]
pub fn forecast(catalog: &Catalog, job: &Job<'_>) -> Forecast {
    let wishes = Wishes { noop: true, ..job.wishes.clone() };
    let seen = engine::run(catalog, &Job { wishes: &wishes, ..*job }, &mut |_| {});
    let mut forecast =
        Forecast { changes: Vec::new(), deletions: Vec::new(), restarts: Vec::new(), seen: seen.clone() };
    for report in &seen.resources {
        forecast.add(report);
    }
    forecast
}

impl Forecast {
    fn add(&mut self, report: &ResourceReport) {
        let name = report.resource.to_string();
        // A resource that says `noop` is pending in every run, and changes in none.
        let events: Vec<&Event> =
            report.events.iter().filter(|event| event.status == EventStatus::Noop).collect();
        let restart = |event: &&&Event| event.property == "refresh";
        if report.status == ResourceStatus::Pending && events.iter().any(|event| !restart(&event)) {
            self.changes.push(name.clone());
        }
        let gone = |event: &&&Event| matches!(event.property.as_str(), "ensure" | "purge");
        let deleted =
            events.iter().filter(gone).filter(|event| matches!(event.to.as_str(), "absent" | "purged"));
        self.deletions.extend(deleted.map(|event| format!("{name}: {}", event.message)));
        if report.resource.kind == Kind::Service && events.iter().any(|event| restart(&event)) {
            self.restarts.push(name);
        }
    }

    /// Whether there is nothing to do, for sure.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        let seen = &self.seen;
        seen.resources.is_empty() && seen.status == RunStatus::Unchanged && seen.halted.is_none()
    }

    /// How it stands to a budget, in one line: `12 changes (at most 100), 1 deletion, 0 restarts (at most 3)`.
    #[must_use]
    pub fn against(&self, budget: &Budget) -> String {
        let one = |(name, most): (&str, Option<u64>)| {
            let count = self.list(name).len();
            let word = if count == 1 { name.trim_end_matches('s') } else { name };
            let most = most.map(|most| format!(" (at most {most})")).unwrap_or_default();
            format!("{count} {word}{most}")
        };
        budget.bounds().map(one).join(", ")
    }

    /// Why the run must not begin, and the list of what is too much; `None` when it may.
    #[must_use]
    pub fn over(&self, budget: &Budget) -> Option<(Refused, Vec<String>)> {
        let too_much = budget.bounds().into_iter().filter_map(|(name, most)| {
            let list = self.list(name);
            (list.len() as u64 > most?).then(|| list.iter().map(move |what| format!("{name}: {what}")))
        });
        let list: Vec<String> = too_much.flatten().collect();
        let against = self.against(budget);
        let message = format!("this run would be more than the release allows, and did not begin: {against}");
        (!list.is_empty()).then(|| (Refused { code: "BUDGET".into(), message }, list))
    }

    fn list(&self, bound: &str) -> &[String] {
        match bound {
            "changes" => &self.changes,
            "deletions" => &self.deletions,
            _ => &self.restarts,
        }
    }
}
