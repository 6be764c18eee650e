//! What all handlers share.

use super::authority::Authority;
use super::error::ApiError;
use super::gauge::{Bucket, Gauge};
use super::hub::Hub;
use super::layout::Layout;
use super::limits::Limits;
use super::ownership::Ownership;
use super::trust::Trust;
use super::{Clock, Config, ServerError};
use crate::model::Stamp;
use crate::store::{Audit, Database, Publication};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{Semaphore, watch};

/// What all handlers share. Clones are the same thing.
#[derive(Clone)]
pub(super) struct App(Arc<Shared>);

/// The parts of [`App`].
pub(super) struct Shared {
    pub(super) layout: Layout,
    pub(super) database: Database,
    pub(super) publication: Publication,
    pub(super) ownership: Ownership,
    pub(super) nodes: Authority,
    pub(super) trust: Trust,
    pub(super) hub: Hub,
    pub(super) gauge: Gauge,
    pub(super) limits: Limits,
    /// Seconds between two runs of the agents.
    pub(super) interval: u32,
    /// Files of the publication that may be handed out now.
    pub(super) gate: Semaphore,
    strangers: Bucket,
    stranger_audits: Bucket,
    /// Turns true once, when the server ends.
    pub(super) stop: watch::Receiver<bool>,
    clock: Clock,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("layout", &self.layout).finish_non_exhaustive()
    }
}

impl std::ops::Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// What [`App::open`] needs besides the directory.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub(super) limits: Limits,
    pub(super) clock: Clock,
    pub(super) stop: watch::Receiver<bool>,
}

impl App {
    /// Opens the server's directory.
    pub(super) async fn open(layout: Layout, setting: Setting) -> Result<Self, ServerError> {
        let Setting { limits, clock, stop } = setting;
        let database = Database::open(&layout.database()).await?;
        let publication = Publication::open(&layout.publication())?;
        let app = Self(Arc::new(Shared {
            nodes: Authority::load(&layout.node_ca(), &layout.node_ca_key())?,
            trust: Trust::new(&layout),
            ownership: Ownership::new(publication.clone()),
            hub: Hub::new(limits.between_polls),
            gauge: Gauge::default(),
            gate: Semaphore::new(limits.publication),
            strangers: Bucket::new(limits.strangers, Instant::now()),
            stranger_audits: Bucket::new(limits.stranger_audits, Instant::now()),
            interval: Config::load(&layout.config())?.run_interval,
            layout,
            database,
            publication,
            limits,
            stop,
            clock,
        }));
        Ok(app)
    }

    /// The present.
    pub(super) fn now(&self) -> Stamp {
        (self.clock)()
    }

    /// Where the present comes from.
    pub(super) fn clock(&self) -> Clock {
        self.clock
    }

    /// Returns when the server ends.
    pub(super) async fn stopping(&self) {
        let mut stop = self.stop.clone();
        // An error means that whoever could stop the server is gone: then it ends, too.
        drop(stop.wait_for(|stopping| *stopping).await);
    }

    /// Slows down requests by people and machines that nobody knows yet.
    pub(super) fn admit_stranger(&self) -> Result<(), ApiError> {
        if self.strangers.take(Instant::now()) { Ok(()) } else { Err(ApiError::TooMany) }
    }

    /// Writes down what an unknown tried, unless so many do that the rows would fill the disk.
    pub(super) async fn audit_stranger(&self, action: &str, detail: &str) {
        if self.stranger_audits.take(Instant::now()) {
            self.audit("unknown", action, detail).await;
        } else {
            tracing::info!(action, detail, "not audited: too many unknown try");
        }
    }

    /// Writes down what somebody did or tried. Failing to is logged, and does not change the answer.
    pub(super) async fn audit(&self, actor: &str, action: &str, detail: &str) {
        tracing::info!(actor, action, detail, "audit");
        let row = Audit { at: self.now(), actor: actor.into(), action: action.into(), detail: detail.into() };
        if let Err(error) = self.database.audit(&row).await {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot write an audit row");
        }
    }
}
