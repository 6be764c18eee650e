//! `GET /healthz` and `GET /metrics`: how the server fares, for machines that watch it.

use super::app::App;
use super::error::ApiError;
use super::gate;
use super::silence;
use super::trust::TrustError;
use crate::model::Stamp;
use crate::repo::Repo;
use crate::store::freshness::LastSigned;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::Serialize;
use std::fmt::Write as _;

/// The answer of `/healthz`.
#[derive(Debug, Serialize)]
pub(super) struct Health {
    /// `ok` or `failing`.
    status: &'static str,
    /// Version of the trust root.
    root: Option<u64>,
    /// What is wrong.
    problems: Vec<String>,
}

/// Whether the server can do its work.
pub(super) async fn health(State(app): State<App>) -> (StatusCode, Json<Health>) {
    let mut problems = Vec::new();
    if app.database.ping().await.is_err() {
        problems.push("the database does not answer".to_owned());
    }
    let root = app.trust.current(&app.publication);
    match &root {
        Ok(root) if root.expires() <= app.now() => problems.push("the trust root has expired".to_owned()),
        Ok(_) => {}
        Err(TrustError::NotInstalled) => problems.push(TrustError::NotInstalled.to_string()),
        Err(error) => {
            tracing::error!(error = error as &dyn std::error::Error, "the trust root cannot be used");
            problems.push("the trust root cannot be used".to_owned());
        }
    }
    let now = app.now();
    for last in app.database.last_signed().await.unwrap_or_default() {
        if last.expires <= now {
            problems.push(format!("the timestamp of `{}` has expired", last.environment));
        }
    }
    let (code, status) = if problems.is_empty() {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "failing")
    };
    (code, Json(Health { status, root: root.ok().map(|root| root.version()), problems }))
}

/// Whether pushes are refused because the hook is blind; a repository that cannot be opened takes none either.
fn gate_is_closed(app: &App) -> bool {
    Repo::open(&app.layout.repository()).map_or(true, |repo| gate::closed(&repo).is_some())
}

/// The counters, in Prometheus' text format.
pub(super) async fn metrics(State(app): State<App>) -> Result<impl IntoResponse, ApiError> {
    let mut page = Page::default();
    nodes(&mut page, &app).await?;
    page.head("countersign_push_triggers_total", "counter", "Triggers accepted.");
    page.value("", app.database.trigger_count().await?);
    page.head("countersign_push_connections", "gauge", "Nodes that wait for triggers.");
    page.value("", app.hub.connections());
    if let Ok(root) = app.trust.current(&app.publication) {
        page.head("countersign_root_expires_seconds", "gauge", "Life left in the trust root.");
        page.value("", root.expires().since(app.now()));
    }
    page.head("countersign_gate_open", "gauge", "Whether pushes are judged; 0 when the hook is blind.");
    page.value("", u8::from(!gate_is_closed(&app)));
    timestamps(&mut page, &app.database.last_signed().await?, app.now());
    page.head("countersign_http_requests_total", "counter", "Requests by route and status.");
    for ((route, status), count) in app.gauge.requests() {
        page.value(&format!("{{route=\"{route}\",status=\"{status}\"}}"), count);
    }
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], page.text))
}

async fn nodes(page: &mut Page, app: &App) -> Result<(), ApiError> {
    page.head("countersign_nodes", "gauge", "Nodes by state and by how their last run ended.");
    for count in app.database.node_counts().await? {
        page.value(&format!("{{state=\"{}\",last_run=\"{}\"}}", count.state, count.status), count.nodes);
    }
    page.head("countersign_nodes_silent", "gauge", "Accepted nodes without a report for two run intervals.");
    page.value("", silence::silent(app).await?.len());
    let (reports, alarms) = app.database.report_counts().await?;
    page.head("countersign_reports_total", "counter", "Reports received.");
    page.value("", reports);
    page.head("countersign_report_alarms_total", "counter", "Reports that did not follow the one before.");
    page.value("", alarms);
    Ok(())
}

fn timestamps(page: &mut Page, signed: &[LastSigned], now: Stamp) {
    type Value = fn(&LastSigned, Stamp) -> i64;
    let rows: [(&str, &str, Value); 3] = [
        ("countersign_timestamp_age_seconds", "Age of the newest timestamp.", |last, now| {
            now.since(last.created)
        }),
        ("countersign_timestamp_expires_seconds", "Life left in the newest timestamp.", |last, now| {
            last.expires.since(now)
        }),
        ("countersign_release_seq", "Serial of the newest release.", |last, _| {
            i64::try_from(last.seq).unwrap_or(i64::MAX)
        }),
    ];
    for (name, help, value) in rows {
        page.head(name, "gauge", help);
        for last in signed {
            page.value(&format!("{{environment=\"{}\"}}", last.environment), value(last, now));
        }
    }
}

/// The page that is being written.
#[derive(Debug, Default)]
struct Page {
    text: String,
    name: String,
}

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        name.clone_into(&mut self.name);
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn value(&mut self, labels: &str, value: impl std::fmt::Display) {
        let _ = writeln!(self.text, "{}{labels} {value}", self.name);
    }
}
