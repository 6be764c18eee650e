//! Watching for nodes that fell silent: somebody may keep them from reporting, or from anything (T13).

use super::app::App;
use crate::model::{NodeName, Stamp};
use crate::store::StoreError;
use crate::store::silence::Silent;
use std::collections::BTreeSet;
use std::time::Duration;

/// Run intervals without a report after which a node counts as silent.
const INTERVALS: i64 = 2;
/// Time between two looks, at most.
const LOOK: u64 = 60;

/// Since when nothing must have come from a node that is silent at `now`, with one run per `interval` seconds.
#[must_use]
pub fn silent_since(now: Stamp, interval: u32) -> Stamp {
    now.plus(-INTERVALS * i64::from(interval))
}

/// The nodes that are silent now.
pub(super) async fn silent(app: &App) -> Result<Vec<Silent>, StoreError> {
    app.database.silent(silent_since(app.now(), app.interval)).await
}

/// Looks again and again, and raises the alarm once for each node that falls silent.
pub(super) async fn watch(app: App) {
    let pause = Duration::from_secs(u64::from(app.interval).clamp(1, LOOK));
    let mut known = BTreeSet::new();
    loop {
        match silent(&app).await {
            Ok(found) => known = tell(&app, &known, found).await,
            Err(error) => tracing::error!(%error, "cannot look for silent nodes"),
        }
        tokio::select! {
            () = app.stopping() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn tell(app: &App, known: &BTreeSet<NodeName>, found: Vec<Silent>) -> BTreeSet<NodeName> {
    for Silent { node, last_report } in found.iter().filter(|silent| !known.contains(&silent.node)) {
        let last = last_report.map_or_else(|| "never".to_owned(), |stamp| stamp.to_string());
        tracing::warn!(%node, last, "ALARM: a node is silent, its reports do not come any more");
        app.audit(&format!("node {node}"), "node-silent", &format!("last report: {last}")).await;
    }
    let now: BTreeSet<NodeName> = found.into_iter().map(|silent| silent.node).collect();
    for node in known.difference(&now) {
        tracing::info!(%node, "a node that was silent reports again, or was taken off the list");
    }
    now
}
