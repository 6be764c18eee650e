//! Joining: the trust root by its digest, a key made here, a certificate from the server.
//!
//! The server is believed in nothing. The first trust root is the one whose digest the administrator gave; it names
//! the authority of the server's certificate, and only then does this node say who it is. The first state is
//! written here and nowhere else.

use super::disk::{Disk, DiskError};
use super::fetch::{Answer, FetchError, Https, LIMITS, Method, Request, Trust, publication};
use super::identity::{Identity, IdentityError};
use super::keyring::{self, KeyringError};
use super::servers::{self, ServersError};
use super::stored::{self, StoredError};
use crate::model::wire::{EnrollAnswer, EnrollRequest};
use crate::model::{Digest, EnvName, NodeName};
use crate::signing::{self, Refusal, Root, State, Verified};
use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(30);

/// What the administrator says when a node joins.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Where the server is.
    pub server: String,
    /// The digest of the first trust root.
    pub root: Digest,
    /// The name of the node.
    pub node: NodeName,
    /// The environment that it follows.
    pub environment: EnvName,
    /// A one-time token, if one was given out.
    pub token: Option<String>,
    /// The key of the server's authority, if it is known beforehand.
    pub authority: Option<Digest>,
    /// How long to wait for somebody to accept the node.
    pub wait: Duration,
    /// What to do with a state that is there already.
    pub existing: Existing,
}

/// What to do with a state that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Keep it: what was seen stays seen.
    Keep,
    /// Begin anew. Forgets which releases were seen, so it is an administrator's decision.
    Replace,
}

/// How joining ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Joined {
    /// The node has a certificate.
    Accepted,
    /// Somebody must accept it on the server; until then asking again is harmless.
    Pending(Digest),
}

/// Why a node did not join.
#[derive(Debug, thiserror::Error)]
pub enum EnrollError {
    /// The agent's directory could not be used.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// What is on the disk could not be used.
    #[error(transparent)]
    Stored(#[from] StoredError),
    /// The list of servers could not be kept.
    #[error(transparent)]
    Servers(#[from] ServersError),
    /// The node's keys could not be used.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The keys of sealed secrets could not be made.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The server could not be asked.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// What it offered is not the trust root.
    #[error(transparent)]
    Refusal(#[from] Refusal),
    /// The server has no trust root.
    #[error("{0} has no trust root yet")]
    NoRoot(String),
    /// The agent obeys another trust root already.
    #[error("this agent already obeys the trust root of repository {have}, not that of {wanted}")]
    OtherRoot {
        /// The repository that it obeys.
        have: String,
        /// The repository that was asked for.
        wanted: String,
    },
    /// The server said no.
    #[error("the server denied `{node}`: {reason}")]
    Denied {
        /// The name that was asked for.
        node: NodeName,
        /// What the server said, made printable.
        reason: String,
    },
    /// The server said something else.
    #[error("the server's answer to the request makes no sense")]
    Answer,
}

impl EnrollError {
    /// The code that scripts and tests know this failure by.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refusal(refusal) | Self::Stored(StoredError::Refusal(refusal)) => refusal.code(),
            Self::Fetch(error) => error.code(),
            Self::Disk(_) | Self::Stored(StoredError::Disk(_)) | Self::Servers(_) => "DISK",
            Self::Identity(_) | Self::Keyring(_) => "IDENTITY",
            Self::NoRoot(_) => "MISSING",
            Self::OtherRoot { .. } => "REPO",
            Self::Denied { .. } => "DENIED",
            Self::Answer => "FORM",
        }
    }
}

/// Joins, or takes up joining where it was left.
///
/// # Errors
/// When anything is not as it must be; nothing is believed then.
pub fn enroll(disk: &Disk, wish: &Wish) -> Result<Joined, EnrollError> {
    let identity = Identity::load_or_create(disk, &wish.node)?;
    keyring::ensure(disk)?;
    let root = trust(disk, wish)?;
    servers::keep(disk, std::slice::from_ref(&wish.server))?;
    let pin = root.fields().tls.server_ca;
    let client = Https::new(&wish.server, Trust::Authority(pin), None)?;
    let request = EnrollRequest {
        node: identity.node.clone(),
        csr: identity.request()?,
        report_key: identity.report_key().public().to_line(),
        token: wish.token.clone(),
    };
    let until = Instant::now() + wish.wait;
    loop {
        match ask(&client, &request)? {
            EnrollAnswer::Issued(pem) => {
                identity.keep_certificate(disk, &pem)?;
                return Ok(Joined::Accepted);
            }
            EnrollAnswer::Denied(reason) => {
                let reason = reason.escape_default().to_string();
                return Err(EnrollError::Denied { node: identity.node, reason });
            }
            EnrollAnswer::Pending(_) if Instant::now() < until => std::thread::sleep(POLL),
            // The node's own idea of its fingerprint, not the server's.
            EnrollAnswer::Pending(_) => return Ok(Joined::Pending(identity.fingerprint())),
        }
    }
}

/// Asks for the certificate again with the same key: it is about to end.
///
/// # Errors
/// When the server does not issue another.
pub fn renew(disk: &Disk, identity: &Identity, client: &Https) -> Result<(), EnrollError> {
    let request = EnrollRequest {
        node: identity.node.clone(),
        csr: identity.request()?,
        report_key: identity.report_key().public().to_line(),
        token: None,
    };
    match ask(client, &request)? {
        EnrollAnswer::Issued(pem) => Ok(identity.keep_certificate(disk, &pem)?),
        EnrollAnswer::Pending(_) | EnrollAnswer::Denied(_) => Err(EnrollError::Denied {
            node: identity.node.clone(),
            reason: "the certificate was not renewed".into(),
        }),
    }
}

/// The newest trust root that `server` hands out, walked from the one with the pinned digest.
///
/// # Errors
/// When the server's roots do not lead from there to here.
pub fn fetch_roots(
    server: &str,
    pinned: Digest,
    authority: Option<Digest>,
) -> Result<(Vec<signing::Envelope>, Verified<Root>), EnrollError> {
    let trust = authority.map_or(Trust::AnyoneForRoots, Trust::Authority);
    let source = Https::new(server, trust, None)?;
    let first = publication::root(&source, 1)?.ok_or_else(|| EnrollError::NoRoot(server.to_owned()))?;
    let mut root = signing::root::first(&first, pinned)?;
    let mut envelopes = vec![first];
    for _ in 0..LIMITS.root_steps {
        let Some(envelope) = publication::root(&source, root.version() + 1)? else { break };
        root = signing::root::next(&root, &envelope)?;
        envelopes.push(envelope);
    }
    Ok((envelopes, root))
}

fn trust(disk: &Disk, wish: &Wish) -> Result<Verified<Root>, EnrollError> {
    let existing = match wish.existing {
        Existing::Keep => stored::load(disk)?,
        Existing::Replace => None,
    };
    let (envelopes, root) = fetch_roots(&wish.server, wish.root, wish.authority)?;
    if let Some(existing) = existing {
        let (have, wanted) = (existing.root().repo(), root.repo());
        if have != wanted {
            return Err(EnrollError::OtherRoot { have: have.to_string(), wanted: wanted.to_string() });
        }
        // The state stays as it is: the next run walks to the newest root by itself.
        return Ok(root);
    }
    for (version, envelope) in (1..).zip(&envelopes) {
        stored::keep_root(disk, version, envelope)?;
    }
    let state = State::enroll(wish.node.clone(), wish.environment.clone(), root.clone());
    stored::keep_state(disk, &state)?;
    Ok(root)
}

fn ask(client: &Https, request: &EnrollRequest) -> Result<EnrollAnswer, EnrollError> {
    let body = serde_json::to_vec(request).map_err(|_| EnrollError::Answer)?;
    let (method, path) = (Method::Post(&body), "/v1/enroll");
    match client.send(&Request { method, path, cap: LIMITS.answer, patience: PATIENCE })? {
        Answer::Bytes { bytes, .. } => serde_json::from_slice(&bytes).map_err(|_| EnrollError::Answer),
        Answer::Same | Answer::Missing => Err(EnrollError::Answer),
    }
}
