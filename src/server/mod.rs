//! Enrolment, publication, reports and push over HTTPS.
//!
//! Layer 2. Thin handlers over the cores; nothing here applies anything to a node, and no key here
//! can make an agent run anything.

mod access;
mod app;
pub mod authority;
mod body;
pub mod config;
mod enrolling;
mod error;
pub mod gate;
mod gauge;
mod hub;
mod init;
mod layout;
mod limits;
mod listen;
mod logging;
mod observing;
mod ownership;
mod publishing;
mod pushing;
mod reporting;
mod routes;
mod silence;
mod timestamp;
mod tls;
mod trust;

pub use config::Config;
pub use error::ServerError;
pub use init::{Foundation, init};
pub use layout::Layout;
pub use limits::Limits;
pub use silence::silent_since;
pub use timestamp::Timestamps;
pub use trust::{TrustError, install, walk_published};

use crate::model::Stamp;
use crate::repo::Repo;
use crate::signing::root::Urgency;
use app::{App, Setting};
use authority::Authority;
use gate::{GateError, Repaired};
use listen::Listening;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Where the present comes from. A test passes another one.
pub type Clock = fn() -> Stamp;

/// How to serve.
#[derive(Debug, Clone)]
pub struct Serving {
    /// The server's directory.
    pub layout: Layout,
    /// Where to listen.
    pub listen: SocketAddr,
    /// What is taken from outside, at most.
    pub limits: Limits,
    /// Where the present comes from.
    pub clock: Clock,
    /// Whether it signs timestamps itself; otherwise a process of its own does.
    pub timestamps: bool,
}

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    app: App,
    listening: Listening,
    own: Arc<tls::Own>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    timestamps: bool,
}

impl Server {
    /// Opens the directory and the port.
    ///
    /// # Errors
    /// When either cannot be opened.
    pub async fn bind(serving: Serving) -> Result<Self, ServerError> {
        let Serving { layout, listen: address, limits, clock, timestamps } = serving;
        let (stop, stopped) = watch::channel(false);
        renew_certificate(&layout, clock())?;
        let app = App::open(layout, Setting { limits, clock, stop: stopped }).await?;
        repair(&app).await;
        look_through_the_hook(&app).await;
        warn_of_the_roots_end(&app);
        let failed = |cause| ServerError::Listen { address, cause };
        let socket = TcpListener::bind(address).await.map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        let own = Arc::new(tls::Own::load(&app.layout)?);
        let settings = tls::settings(Arc::clone(&own), &app.nodes)?;
        Ok(Self { app, listening: Listening { socket, settings }, own, address, stop, timestamps })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is ready, then ends gracefully.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Self { app, listening, own, stop: stopping, timestamps, .. } = self;
        if let Err(error) = pushing::resume(&app).await {
            tracing::error!(?error, "cannot take up the triggers of before");
        }
        let router = routes::router(&app);
        let serving = tokio::spawn(listen::serve(app.clone(), router, listening));
        let signing = timestamps.then(|| {
            let app = app.clone();
            tokio::spawn(async move { Timestamps::of(&app).run(app.stopping()).await })
        });
        let watching = tokio::spawn(silence::watch(app.clone()));
        let renewing = tokio::spawn(keep_certificate_fresh(app.clone(), own));
        stop.await;
        tracing::info!("stopping");
        stopping.send_replace(true);
        for task in [serving, watching, renewing].into_iter().chain(signing) {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of the server ended badly");
            }
        }
        app.database.close().await;
    }
}

/// Brings the publication in line with the repository, as after a crash. A server that cannot still serves
/// what is published: nothing of it can be wrong, because agents verify all of it.
async fn repair(app: &App) {
    let failure = match reconcile(app) {
        Ok(repaired) if repaired == Repaired::default() => return,
        Ok(repaired) => return tracing::warn!(?repaired, "the last step before had not come to its end"),
        Err(error) => error.to_string(),
    };
    tracing::error!(error = failure, "repository and publication are not in line");
    app.audit("server", "not-in-line", &failure).await;
}

/// Says while there is time that the trust root has to be renewed.
fn warn_of_the_roots_end(app: &App) {
    let Ok(root) = app.trust.current(&app.publication) else { return };
    let end = root.expires();
    match root.urgency(app.now()) {
        None => {}
        Some(urgency @ (Urgency::Note | Urgency::Warning)) => {
            tracing::warn!(%end, "{urgency}: the trust root has to be renewed; next: countersign trust renew");
        }
        Some(urgency @ (Urgency::Urgent | Urgency::Expired)) => {
            tracing::error!(%end, "{urgency}: the trust root has to be renewed; next: countersign trust renew");
        }
    }
}

/// Asks the hook about a violation that was planted for it. Agents are served either way: the gate alone is closed.
async fn look_through_the_hook(app: &App) {
    let (layout, now) = (app.layout.clone(), app.now());
    let asked = tokio::task::spawn_blocking(move || -> Result<(), GateError> {
        let mut word = [0; 8];
        getrandom::fill(&mut word).map_err(std::io::Error::other)?;
        gate::self_test(&Repo::open(&layout.repository())?, &crate::model::digest::hex(&word), now)
    });
    let failure = match asked.await {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    tracing::error!(error = failure, "ALARM: the gate is closed, no push is taken");
    app.audit("server", "gate-closed", &failure).await;
}

fn reconcile(app: &App) -> Result<Repaired, GateError> {
    let repo = Repo::open(&app.layout.repository())?;
    let _lock = repo.lock()?;
    gate::reconcile(&repo, &app.publication, app.now())
}

/// Makes the server's certificate anew when its names changed or two thirds of its life are over, and says whether it did.
fn renew_certificate(layout: &Layout, now: Stamp) -> Result<bool, ServerError> {
    let config = Config::load(&layout.config())?;
    if authority::is_fresh(&layout.certificate(), &config.names, now)? {
        return Ok(false);
    }
    let authority = Authority::load(&layout.server_ca(), &layout.server_ca_key())?;
    init::put_certificate(layout, &authority.issue_server(&config.names, now)?)?;
    Ok(true)
}

/// Renews the certificate of a server that runs for years. A failure leaves the old one in use, and is tried again.
async fn keep_certificate_fresh(app: App, own: Arc<tls::Own>) {
    loop {
        tokio::select! {
            () = app.stopping() => return,
            () = tokio::time::sleep(app.limits.certificate_look) => {}
        }
        let renewed = renew_certificate(&app.layout, app.now());
        match renewed
            .and_then(|renewed| if renewed { own.reload(&app.layout).map(|()| true) } else { Ok(false) })
        {
            Ok(false) => {}
            Ok(true) => {
                tracing::info!("the server has a new certificate; open connections go on with the old one")
            }
            Err(error) => tracing::error!(
                error = &error as &dyn std::error::Error,
                "cannot renew the server's certificate"
            ),
        }
    }
}

#[cfg(test)]
mod testing;
