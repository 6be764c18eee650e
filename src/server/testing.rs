//! Fixtures of this module's tests: a real server on a port of its own, its people, and a client that speaks TLS.

mod client;
mod paper;

pub(super) use client::{Client, NodeClient, NodeKeys};
pub(super) use paper::{Publishing, REPO, publish, raw_root, signed, trigger, write_root};

use super::{Foundation, Layout, Limits, Server, Serving, init, install};
use crate::model::wire::EnrollAnswer;
use crate::model::{Digest, NodeName, Stamp};
use crate::signing::{Release, SigningKey};
use crate::store::{Database, NodeState};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// The machine's clock: TLS looks at it, too.
#[expect(clippy::disallowed_methods, reason = "certificates are judged by the machine's clock")]
pub(super) fn now() -> Stamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Stamp::from_unix(i64::try_from(since.as_secs()).unwrap())
}

/// The key of a person, from their name alone.
pub(super) fn key_of(person: &str) -> SigningKey {
    SigningKey::generate(*Digest::of(person.as_bytes()).as_bytes())
}

/// A running server with a trust root: reviewers alice and bob, operator frank for `*.web`.
pub(super) struct World {
    pub(super) layout: Layout,
    pub(super) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
    limits: Limits,
    directory: Arc<tempfile::TempDir>,
}

impl World {
    /// A server with the usual limits but short polls.
    pub(super) fn start() -> Self {
        let short = Duration::from_millis(300);
        Self::with(Limits {
            trigger_poll: short,
            push_poll: short,
            strangers: 1000.0,
            stranger_audits: 1000.0,
            ..Limits::default()
        })
    }

    pub(super) fn with(limits: Limits) -> Self {
        let directory = Arc::new(tempfile::tempdir().unwrap());
        let layout = make(&directory.path().join("server"));
        trust(&layout, directory.path());
        Self::serve(&directory, &layout, limits, true)
    }

    /// A server that leaves timestamps to another process.
    pub(super) fn without_timestamps() -> Self {
        let directory = Arc::new(tempfile::tempdir().unwrap());
        let layout = make(&directory.path().join("server"));
        trust(&layout, directory.path());
        Self::serve(&directory, &layout, Limits::default(), false)
    }

    fn serve(directory: &Arc<tempfile::TempDir>, layout: &Layout, limits: Limits, timestamps: bool) -> Self {
        let serving = Serving {
            layout: layout.clone(),
            listen: ([127, 0, 0, 1], 0).into(),
            limits,
            clock: now,
            timestamps,
        };
        let (stop, stopped) = oneshot::channel();
        let (ready, address) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            block_on(async {
                let server = Server::bind(serving).await.unwrap();
                ready.send(server.address()).unwrap();
                server.run(async { drop(stopped.await) }).await;
            });
        });
        Self {
            layout: layout.clone(),
            address: address.recv().unwrap(),
            limits,
            stop: Some(stop),
            thread: Some(thread),
            directory: Arc::clone(directory),
        }
    }

    /// Stops the server and starts another in the same directory, on another port.
    pub(super) fn restart(mut self) -> Self {
        self.stop();
        Self::serve(&self.directory, &self.layout, self.limits, true)
    }

    /// Stops the server and waits until it has ended.
    pub(super) fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }

    /// Asks something of the database while the server runs.
    pub(super) fn database<T>(&self, ask: impl AsyncFnOnce(&Database) -> T) -> T {
        block_on(async {
            let database = Database::open(&self.layout.database()).await.unwrap();
            let answer = ask(&database).await;
            database.close().await;
            answer
        })
    }

    /// The actions in the audit rows, newest first.
    pub(super) fn audited(&self) -> Vec<String> {
        let rows = self.database(async |database| database.audit_rows(100).await.unwrap());
        rows.into_iter().map(|row| row.action).collect()
    }

    /// A client without a certificate.
    pub(super) fn stranger(&self) -> Client {
        Client::new(self, None)
    }

    /// Enrols a node and lets an administrator accept it.
    pub(super) fn node(&self, name: &str) -> NodeClient {
        let keys = NodeKeys::new(name);
        let answer = self.stranger().enroll(&keys.request(None));
        assert!(matches!(answer, EnrollAnswer::Pending(_)), "{answer:?}");
        self.decide(name, NodeState::Requested, NodeState::Accepted);
        let EnrollAnswer::Issued(pem) = self.stranger().enroll(&keys.request(None)) else { unreachable!() };
        let client = Client::new(self, Some((&pem, &keys.tls)));
        NodeClient { client, keys, pem }
    }

    pub(super) fn decide(&self, name: &str, from: NodeState, to: NodeState) {
        let name: NodeName = name.parse().unwrap();
        self.database(async |database| {
            let rows = database.nodes_named(&name).await.unwrap();
            let row = rows.iter().find(|node| node.state == from).unwrap();
            assert!(database.decide(row, to, now()).await.unwrap());
        });
    }

    /// Publishes a release whose catalogs hold nothing, signed by `signers`.
    pub(super) fn publish(&self, case: &Publishing<'_>) -> Release {
        publish(&self.layout, case)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn make(directory: &Path) -> Layout {
    let foundation = Foundation {
        names: vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
        branch: "production",
        program: Path::new("/usr/bin/countersign"),
        now: now(),
    };
    block_on(init(directory, &foundation)).unwrap()
}

fn trust(layout: &Layout, scratch: &Path) {
    let directory = scratch.join("trust");
    write_root(&directory, raw_root(layout), &["alice", "bob"]);
    install(layout, &directory, now()).unwrap();
}
