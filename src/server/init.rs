//! `countersign server init`: a new server's directory with its keys. Never over something that is there.

use super::ServerError;
use super::authority::{self, Authority, Certified};
use super::config::Config;
use super::layout::Layout;
use crate::model::Stamp;
use crate::repo::{SiteSetup, init_site};
use crate::signing::SigningKey;
use crate::store::durable::{self, Access};
use crate::store::{Database, Publication};
use std::path::Path;

/// What a new server is made with.
#[derive(Debug, Clone)]
pub struct Foundation<'a> {
    /// Names and addresses by which agents reach it.
    pub names: Vec<String>,
    /// The branch that clones check out.
    pub branch: &'a str,
    /// The `countersign` program that the hooks run, as an absolute path.
    pub program: &'a Path,
    /// The present.
    pub now: Stamp,
}

/// Makes a server in `directory`, which must be empty or absent.
///
/// # Errors
/// When there is something there, or something cannot be made.
pub async fn init(directory: &Path, foundation: &Foundation<'_>) -> Result<Layout, ServerError> {
    let layout = Layout::new(directory);
    let config = Config::new(foundation.names.clone())?;
    durable::directory(directory, Access::Public).map_err(ServerError::io("make", directory))?;
    let mut entries = std::fs::read_dir(directory).map_err(ServerError::io("read", directory))?;
    if entries.next().is_some() {
        return Err(ServerError::NotEmpty(directory.to_owned()));
    }
    let seed = random()?;
    init_site(
        directory,
        &SiteSetup { program: foundation.program, nonce_seed: seed, branch: foundation.branch },
    )?;
    authorities(&layout, &config, foundation.now)?;
    timestamp_key(&layout)?;
    Publication::open(&layout.publication())?;
    database(&layout).await?;
    // The settings come last: without them there is no server.
    put(&layout.config(), config.text().as_bytes(), Access::Public)?;
    Ok(layout)
}

fn authorities(layout: &Layout, config: &Config, now: Stamp) -> Result<(), ServerError> {
    durable::directory(&layout.tls(), Access::Private).map_err(ServerError::io("make", &layout.tls()))?;
    let server = authority::create("Countersign server authority", now)?;
    put_pair(&layout.server_ca(), &layout.server_ca_key(), &server)?;
    let nodes = authority::create("Countersign node authority", now)?;
    put_pair(&layout.node_ca(), &layout.node_ca_key(), &nodes)?;
    let own =
        Authority::load(&layout.server_ca(), &layout.server_ca_key())?.issue_server(&config.names, now)?;
    put_certificate(layout, &own)
}

fn put_pair(certificate: &Path, key: &Path, pair: &Certified) -> Result<(), ServerError> {
    put(key, pair.key.as_bytes(), Access::Private)?;
    put(certificate, pair.certificate.as_bytes(), Access::Public)
}

/// Replaces the server's own certificate and key.
pub(super) fn put_certificate(layout: &Layout, own: &Certified) -> Result<(), ServerError> {
    let (key, certificate) = (layout.certificate_key(), layout.certificate());
    durable::replace(&key, own.key.as_bytes(), Access::Private).map_err(ServerError::io("write", &key))?;
    let content = own.certificate.as_bytes();
    durable::replace(&certificate, content, Access::Public).map_err(ServerError::io("write", &certificate))
}

fn timestamp_key(layout: &Layout) -> Result<(), ServerError> {
    let directory = layout.timestamp();
    durable::directory(&directory, Access::Private).map_err(ServerError::io("make", &directory))?;
    let key = SigningKey::generate(random()?);
    let pem = key.to_openssh("countersign timestamp").map_err(ServerError::TimestampKey)?;
    put(&layout.timestamp_key(), pem.as_bytes(), Access::Private)?;
    put(&layout.timestamp_public_key(), format!("{}\n", key.public().to_line()).as_bytes(), Access::Public)
}

/// The file is made by us, so that its mode is right before SQLite writes into it or puts others beside it.
async fn database(layout: &Layout) -> Result<(), ServerError> {
    put(&layout.database(), b"", Access::Private)?;
    Database::open(&layout.database()).await?.close().await;
    Ok(())
}

fn put(path: &Path, content: &[u8], access: Access) -> Result<(), ServerError> {
    durable::create(path, content, access).map_err(ServerError::io("make", path))
}

fn random() -> Result<[u8; 32], ServerError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(ServerError::Randomness)?;
    Ok(bytes)
}
