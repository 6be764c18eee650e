//! `POST /v1/report`: a node tells what a run did. Signed by its report key, one after the other (D26).

use super::access::Caller;
use super::app::App;
use super::body::Body;
use super::error::ApiError;
use super::trust::TrustError;
use crate::model::report::{Report, RunStatus};
use crate::model::wire::Signed;
use crate::signing::log::{EQUIVOCATIONS, Tile, Tiles};
use crate::signing::tree::Ranges as _;
use crate::signing::{PublicKey, Verified, report};
use crate::store::report::{Continuity, NewReport};
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;

/// Bytes of the facts in a report, at most.
const FACTS: usize = 256 << 10;

/// Takes a report.
pub(super) async fn report(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Body(signed): Body<Signed>,
) -> Result<StatusCode, ApiError> {
    let actor = format!("node {}", caller.name);
    let report = match judge(&app, &caller, &signed) {
        Ok(report) => report,
        Err(ApiError::Forbidden(why)) => {
            app.audit(&actor, "report-refused", &why).await;
            return Err(ApiError::Forbidden(why));
        }
        Err(other) => return Err(other),
    };
    let new = NewReport {
        checkpoint: report.checkpoint,
        forked: has_seen_another_log(&app, &report).await?,
        body: report.bytes().to_vec(),
        signature: signed.signatures.into_iter().next().unwrap_or_default(),
        counter: report.counter,
        prev: report.prev,
        status: status(&report).to_owned(),
        seq: report.release.as_ref().map(|release| release.seq),
        facts: report.facts.clone(),
        received: app.now(),
    };
    let continuity = app.database.add_report(&caller, &new).await?;
    if let Some(alarm) = continuity.alarm() {
        tracing::warn!(node = %caller.name, alarm, counter = new.counter, "a report does not follow the one before");
        app.audit(&actor, "report-alarm", &format!("{alarm}: counter {}", new.counter)).await;
    }
    if new.forked {
        let seen = new.checkpoint.map_or_else(|| "no log".to_owned(), |seen| seen.to_string());
        tracing::error!(node = %caller.name, seen, "a node has seen another history than this server's");
        app.audit(&actor, "equivocation", &format!("it has seen {seen}")).await;
    }
    match continuity {
        Continuity::Replay => Err(ApiError::Conflict("this report was sent before".to_owned())),
        Continuity::Next
        | Continuity::Again
        | Continuity::Gap
        | Continuity::Regression
        | Continuity::Fork => Ok(StatusCode::NO_CONTENT),
    }
}

/// Whether this is a report of the node that sends it.
fn judge(app: &App, caller: &Caller, signed: &Signed) -> Result<Verified<Report>, ApiError> {
    let [signature] = signed.signatures.as_slice() else {
        return Err(ApiError::Malformed("a report has one signature".to_owned()));
    };
    let key = PublicKey::parse(&caller.report_key).map_err(|error| ApiError::Internal(Box::new(error)))?;
    let report = report::verify(&key, signed.document.as_bytes(), signature)
        .map_err(|refusal| ApiError::Forbidden(refusal.to_string()))?;
    if report.node != caller.name {
        return Err(ApiError::Forbidden(format!("a report of `{}`", report.node)));
    }
    match app.trust.current(&app.publication) {
        Ok(root) if root.repo().to_string() != report.repo => {
            return Err(ApiError::Forbidden("a report about another repository".to_owned()));
        }
        Ok(_) | Err(TrustError::NotInstalled) => {}
        Err(other) => return Err(ApiError::Internal(Box::new(other))),
    }
    let facts = serde_json::to_vec(&report.facts).map_err(|error| ApiError::Internal(Box::new(error)))?;
    if facts.len() > FACTS {
        return Err(ApiError::Malformed(format!("more than {FACTS} bytes of facts")));
    }
    Ok(report)
}

/// Whether the node has seen a log that is not this server's, or was shown two histories (D36).
async fn has_seen_another_log(app: &App, report: &Report) -> Result<bool, ApiError> {
    let said = report.refusal.as_ref().is_some_and(|refused| EQUIVOCATIONS.contains(&refused.code.as_str()));
    let Some(seen) = report.checkpoint.filter(|_| !said) else { return Ok(said) };
    let Some(ours) = app.database.log_signed().await?.filter(|ours| ours.size >= seen.size) else {
        return Ok(true);
    };
    let publication = app.publication.clone();
    let root = tokio::task::spawn_blocking(move || {
        let read = |tile: Tile| publication.tile(tile).map(Option::unwrap_or_default);
        Tiles::new(ours.size, read).root(0..seen.size)
    });
    match root.await? {
        Ok(root) => Ok(root.0 != *seen.root.as_bytes()),
        // Without tiles nothing can be compared; that is no reason to accuse anybody.
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "the published log cannot be read");
            Ok(false)
        }
    }
}

/// How the run ended, as one word. A node on which the agent is disabled reports that in place of a run.
const fn status(report: &Report) -> &'static str {
    match report.status {
        _ if report.disabled.is_some() => "disabled",
        RunStatus::Failed => "failed",
        RunStatus::Changed => "changed",
        RunStatus::Unchanged => "unchanged",
    }
}

#[cfg(test)]
mod tests;
