//! Asking the agent: `agent status`, `enable`, `disable`, `hold`, `quarantine`, `facts`, `verify`.

use super::{DisableArgs, FactsArgs, HoldArgs, JOIN, Place, QuarantineArgs, StatusArgs, VerifyArgs, open};
use crate::agent::disable::{self, Disabled};
use crate::agent::disk::Disk;
use crate::agent::fetch::{Deadline, Directory, Https, Source, Trust};
use crate::agent::hold::{self, Hold, HoldError};
use crate::agent::host::Host;
use crate::agent::identity::Identity;
use crate::agent::quarantine::{self, Lifted};
use crate::agent::{facts, freshness, lock, pause, pull, report, servers, stored};
use crate::cli::counted::counted;
use crate::cli::{Failure, Outcome, Ui, clock, duration};
use crate::model::report::{Report, ResourceReport};
use crate::model::{Principal, Stamp};
use crate::signing::{Decision, Freshness, State};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// Resources that drifted, told one by one, at most.
const DRIFT: usize = 10;

pub(super) fn status(args: &StatusArgs, ui: &mut Ui) -> Outcome {
    let disk = open(&args.place)?;
    let state =
        stored::load(&disk)?.ok_or_else(|| Failure::refused("this node has not joined yet").hint(JOIN))?;
    let now = clock::now();
    let disabled = disable::current(&disk, now)?;
    let doing = match (lock::running(&disk), &disabled) {
        (Some(_), _) => "applying a catalog",
        (None, Some(_)) => "disabled",
        (None, None) => "idling",
    };
    let last = report::last(&disk)?;
    let (freshness, signers) = on_disk(&disk, &state, now).unzip();
    if args.json {
        let document = json!({
            "node": state.node(), "environment": state.environment(), "status": doing,
            "disabled": disabled, "paused": pause::current(&disk, now), "trust_root": state.root().version(),
            "accepted": state.accepted().map(|a| a.seq), "applied": state.applied(),
            "fresh": matches!(freshness, Some(Freshness::Fresh)), "freshness": freshness.map(freshness::standing),
            "hold": hold::current(&disk, &state, now)?, "trust_root_expires": state.root().expires(),
            "signed_by": signers, "drifted": last.as_ref().map(drifted),
            "report": state.report(), "log": state.checkpoint(), "last_run": last.as_ref().map(summary), "reports_waiting": report::waiting(&disk)?,
        });
        ui.line(serde_json::to_string_pretty(&document)?)?;
        return Ok(0);
    }
    ui.line(format!("Currently {doing}; {}", since(last.as_ref(), state.report().counter, now)))?;
    if let Some(disabled) = disabled {
        ui.line(disabled)?;
    }
    if let Some(paused) = pause::current(&disk, now) {
        ui.line(format!("Paused by {} until {} or the next push", paused.owner, paused.until))?;
    }
    if let Some(line) = freshness::of_root(state.root(), now) {
        ui.line(line.message)?;
    }
    details(&disk, &state, last.as_ref(), ui)
}

/// How fresh the release on disk is, and who signed it; `None` when there is none that counts.
fn on_disk(disk: &Disk, state: &State, now: Stamp) -> Option<(Freshness, String)> {
    let ready = pull::reload(disk, state, now).ok()??;
    Some((ready.catalog.freshness(), Principal::list(ready.release.signers())))
}

/// What was not as it should be in the last run, though it was before: resource and property.
fn drifted(report: &Report) -> Vec<String> {
    let of = |resource: &ResourceReport| {
        let drift = resource.events.iter().filter(|event| event.corrective);
        let properties: Vec<&str> = drift.map(|event| event.property.as_str()).collect();
        (!properties.is_empty()).then(|| format!("{} ({})", resource.resource, properties.join(", ")))
    };
    report.resources.iter().filter_map(of).collect()
}

fn details(disk: &Disk, state: &State, last: Option<&Report>, ui: &mut Ui) -> Outcome {
    let mut line = |what: &str, value: String| ui.line(format!("{what:<14} {value}"));
    line("node", state.node().to_string())?;
    line("environment", state.environment().to_string())?;
    line("servers", servers::load(disk)?.join(", "))?;
    let root = state.root();
    line("trust root", format!("version {}, {}, expires {}", root.version(), root.id(), root.expires()))?;
    let seq = |seq: Option<u64>| seq.map_or_else(|| "none".to_owned(), |seq| seq.to_string());
    let accepted = state.accepted().map(|accepted| accepted.seq);
    let applied = state.applied().map(|applied| applied.seq);
    line("release", format!("accepted {}, applied {}", seq(accepted), seq(applied)))?;
    line("log", state.checkpoint().map_or_else(|| "none seen".to_owned(), |seen| seen.to_string()))?;
    let now = clock::now();
    if let Some((freshness, signers)) = on_disk(disk, state, now) {
        line("signed by", signers)?;
        line("freshness", freshness::standing(freshness))?;
    }
    if let Some(Hold { until, reason, .. }) = hold::current(disk, state, now)? {
        line("held", format!("until {until} (Reason: '{reason}')"))?;
    }
    if let Some(report) = last {
        let counts = report.counts;
        line(
            "last run",
            format!(
                "{}, {} changed, {} failed, {} out of sync",
                counted(counts.total, "resource"),
                counts.changed,
                counts.failed,
                counts.out_of_sync
            ),
        )?;
        let drift = drifted(report);
        for what in drift.iter().take(DRIFT) {
            line("drifted", what.escape_debug().to_string())?;
        }
        if let more @ 1.. = drift.len().saturating_sub(DRIFT) {
            line("drifted", format!("and {more} more; the report has all of them: last_run_report.json"))?;
        }
        for (what, why) in [("refused", &report.refusal), ("halted", &report.halted)] {
            if let Some(why) = why {
                line(what, format!("{}: {}", why.code, why.message.escape_debug()))?;
            }
        }
    }
    let chain = state.report();
    let made = chain
        .prev
        .map_or_else(|| "none made".to_owned(), |id| format!("{} made, the last is {id}", chain.counter));
    line("reports", format!("{made}; {} waiting for a server", report::waiting(disk)?))?;
    Ok(0)
}

fn summary(report: &Report) -> Value {
    json!({
        "finished": report.finished, "status": report.status, "release": report.release, "cached": report.cached,
        "refusal": report.refusal, "counts": report.counts, "noop_pending": report.noop_pending,
        "corrective_change": report.corrective_change, "time": report.time,
    })
}

/// When it last ran. The copy of the last report is not waited for, so a power failure may have taken it.
fn since(last: Option<&Report>, made: u64, now: Stamp) -> String {
    let Some(report) = last else {
        let lost = "the report of the last run is not on this disk any more; the next run makes another";
        return if made == 0 { "never ran" } else { lost }.into();
    };
    let seconds = u64::try_from(now.since(report.finished)).unwrap_or(0);
    format!("last completed run {} ago", duration::words(Duration::from_secs(seconds)))
}

pub(super) fn enable(place: &Place, ui: &mut Ui) -> Outcome {
    let was = disable::enable(&open(place)?)?;
    ui.line(if was { "enabled" } else { "it was enabled already" })?;
    Ok(0)
}

pub(super) fn disable(args: &DisableArgs, ui: &mut Ui) -> Outcome {
    let disk = open(&args.place)?;
    let since = clock::now();
    let until = args.duration.map(|time| since.plus(duration::seconds(time)));
    let wish = Disabled { reason: args.reason.clone(), owner: args.owner.clone(), since, until };
    let said = disable::disable(&disk, wish.clone())?;
    let until = said.until.map(|until| format!(" until {until}")).unwrap_or_default();
    let what = format!("by {} (Reason: '{}'){until}", said.owner, said.reason);
    if said == wish {
        ui.line(format!("disabled {what}"))?;
    } else {
        ui.line(format!("it was disabled already, and stays so: {what}"))?;
    }
    Ok(0)
}

pub(super) fn hold(args: &HoldArgs, ui: &mut Ui) -> Outcome {
    let disk = open(&args.place)?;
    let state =
        stored::load(&disk)?.ok_or_else(|| Failure::refused("this node has not joined yet").hint(JOIN))?;
    let now = clock::now();
    let (Some(until), Some(reason), false) = (args.until, &args.reason, args.end) else {
        ui.line(if hold::end(&disk, &state, now)? { "the hold has ended" } else { "there was no hold" })?;
        return Ok(0);
    };
    let held = hold::hold(&disk, &state, (reason, until), now).map_err(|error| {
        let failure = Failure::from_error(&error);
        match &error {
            HoldError::Again(_) => failure
                .hint("a server with a fresh timestamp ends the silence: `countersign agent run --test`"),
            HoldError::Disk(_) | HoldError::Until { .. } | HoldError::Reason | HoldError::Nothing => failure,
        }
    })?;
    ui.line(format!("held until {} (Reason: '{}')", held.until, held.reason))?;
    Ok(0)
}

pub(super) fn quarantine(args: &QuarantineArgs, ui: &mut Ui) -> Outcome {
    let disk = open(&args.place)?;
    let state =
        stored::load(&disk)?.ok_or_else(|| Failure::refused("this node has not joined yet").hint(JOIN))?;
    let since = clock::now();
    for release in [state.accepted(), state.fallback()].into_iter().flatten() {
        let release = (release.seq, release.id);
        let Some(held) = quarantine::current(&disk, release, since)? else { continue };
        let lifted = match args.reason.clone().filter(|_| args.lift) {
            Some(reason) => {
                let word = Lifted { owner: args.owner.clone(), since, reason };
                quarantine::lift(&disk, release, word)?.map(|(_, lifted)| lifted)
            }
            None => held.lifted.clone(),
        };
        ui.line(format!("release {} failed here at {} ({})", held.seq, held.since, held.why))?;
        match lifted {
            Some(Lifted { owner, since, reason }) => ui.line(format!(
                "lifted by {} at {since} (Reason: '{}'): the next run applies it once more",
                owner.escape_debug(),
                reason.escape_debug()
            ))?,
            None => ui.note("next: countersign agent quarantine --lift --reason TEXT"),
        }
        return Ok(0);
    }
    ui.line("nothing is in quarantine")?;
    Ok(0)
}

pub(super) fn facts(args: &FactsArgs, ui: &mut Ui) -> Outcome {
    let facts = facts::gather(&Host::open(&args.root)?);
    let Some(path) = &args.path else {
        ui.line(serde_json::to_string_pretty(&facts)?)?;
        return Ok(0);
    };
    match facts.get(path.as_str()) {
        Some(Value::String(text)) => ui.line(text)?,
        Some(value) => ui.line(value)?,
        None => {
            return Err(
                Failure::refused(format!("this node has no fact `{path}`")).hint("countersign agent facts")
            );
        }
    }
    Ok(0)
}

pub(super) fn verify(args: &VerifyArgs, ui: &mut Ui) -> Outcome {
    let disk = open(&args.place)?;
    let state =
        stored::load(&disk)?.ok_or_else(|| Failure::refused("this node has not joined yet").hint(JOIN))?;
    let source = source(args, &disk, &state)?;
    let now = args.at.unwrap_or_else(clock::now);
    let accepted = match pull::judge(&disk, &state, source.as_ref(), now) {
        Ok((Decision::Accept(accepted) | Decision::Unchanged(accepted), _)) => accepted,
        Ok((Decision::Unassigned { .. }, _)) => {
            ui.line("verified: the release has nothing for this node")?;
            return Ok(0);
        }
        Err(problem) => {
            return Err(Failure::refused(format!("{}: {}", problem.code(), crate::agent::text(&problem))));
        }
    };
    let signers: Vec<String> = accepted.release.signers().iter().map(ToString::to_string).collect();
    ui.line(format!("verified: release {} {}", accepted.release.seq, accepted.release.id()))?;
    ui.line(format!("signed by {}", signers.join(", ")))?;
    ui.line(format!("{} for {}", counted(accepted.catalog.resources.len(), "resource"), state.node()))?;
    Ok(0)
}

fn source(args: &VerifyArgs, disk: &Disk, state: &State) -> Result<Box<dyn Source>, Failure> {
    if !args.base.contains("://") {
        return Ok(Box::new(Directory::new(Path::new(&args.base))));
    }
    let pin = state.root().fields().tls.server_ca;
    let certificate = Identity::load(disk)?.certificate(disk)?;
    let server = Https::new(&args.base, Trust::Authority(pin), certificate)?;
    Ok(Box::new(server.until(Deadline::after(Duration::from_secs(60)))))
}
