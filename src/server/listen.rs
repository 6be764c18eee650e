//! Accepting connections: TLS with a time limit each, then HTTP/1.1, and a graceful end.
//!
//! A slow handshake or a slow request holds its own connection only.

use super::app::App;
use super::tls;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;

/// Serves `router` until the server is told to stop, then lets open requests end.
pub(super) async fn serve(app: App, router: Router, listening: Listening) {
    let acceptor = TlsAcceptor::from(listening.settings);
    let room = Arc::new(Semaphore::new(app.limits.connections));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            () = app.stopping() => break,
            accepted = accept(&listening.socket, &room) => accepted,
        };
        let Some((stream, permit)) = accepted else { continue };
        let connection = Connection {
            app: app.clone(),
            router: router.clone(),
            acceptor: acceptor.clone(),
            watcher: graceful.watcher(),
        };
        tokio::spawn(async move {
            connection.run(stream).await;
            drop(permit);
        });
    }
    drop(listening.socket);
    if tokio::time::timeout(app.limits.goodbye, graceful.shutdown()).await.is_err() {
        tracing::warn!("connections were cut because they did not end in time");
    }
}

/// An open port and the TLS settings for it.
#[derive(Debug)]
pub(super) struct Listening {
    pub(super) socket: TcpListener,
    pub(super) settings: Arc<ServerConfig>,
}

async fn accept(socket: &TcpListener, room: &Arc<Semaphore>) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let permit = Arc::clone(room).acquire_owned().await.ok()?;
    match socket.accept().await {
        Ok((stream, _)) => Some((stream, permit)),
        Err(error) => {
            // Mostly too many open files: waiting a moment beats spinning.
            tracing::warn!(%error, "cannot accept a connection");
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        }
    }
}

struct Connection {
    app: App,
    router: Router,
    acceptor: TlsAcceptor,
    watcher: Watcher,
}

impl Connection {
    async fn run(self, stream: TcpStream) {
        drop(stream.set_nodelay(true));
        let handshake = tokio::time::timeout(self.app.limits.handshake, self.acceptor.accept(stream));
        let stream = match handshake.await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => return tracing::debug!("a TLS handshake took too long"),
        };
        let Ok(peer) = tls::peer(stream.get_ref().1) else {
            return tracing::warn!("a certificate of the node authority names no node");
        };
        let service = TowerToHyperService::new(self.router.layer(Extension(peer)));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.app.limits.head_time)
            .max_buf_size(self.app.limits.head)
            .serve_connection(TokioIo::new(stream), service);
        if let Err(error) = self.watcher.watch(connection).await {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}

#[cfg(test)]
mod tests;
