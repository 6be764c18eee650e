//! The timestamp role: says which release an environment is at, with its own key, as a task of the server or as a process
//! of its own, which another user may run.
//!
//! It follows the chain that it signed before, release by release, and signs nothing that lacks approvals:
//! whoever writes into the publication directory cannot make it say something else. What it is about to
//! say is on disk before it is said, so that it never says two things under one number.

use super::app::App;
use super::logging::{Desk, Log, LogError, Said};
use super::trust::{Trust, TrustError};
use super::{Clock, ServerError, layout::Layout};
use crate::model::{Digest, EnvName, Principal, Stamp};
use crate::signing::document::{Document, V};
use crate::signing::root::{self, Root};
use crate::signing::{
    Envelope, Refusal, Release, SigningKey, Timestamp, Verified, Withdrawals, Withdrawn, release, sshsig,
    verify,
};
use crate::store::freshness::LastSigned;
use crate::store::{Database, Publication, PublishError, Published, SignedFile, StoreError};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How often it looks for a new release.
const LOOK: Duration = Duration::from_millis(500);
/// It signs anew after so many seconds, or after a sixth of the life that the trust root allows.
const RENEW: i64 = 3600;

/// Why no timestamp was signed.
#[derive(Debug, thiserror::Error)]
pub(super) enum TimestampError {
    /// The trust root does not know the key.
    #[error("the trust root does not give role `timestamp` to this server's key")]
    NoRole,
    /// The key was revoked.
    #[error(
        "this server's timestamp key was revoked: a new one comes into force with `countersign trust rotate`"
    )]
    Revoked,
    /// A published release does not follow what was signed last.
    #[error("release {seq} of `{env}` does not follow what was signed last")]
    OffChain {
        /// The environment.
        env: EnvName,
        /// Its serial.
        seq: u64,
    },
    /// A published release lacks approvals.
    #[error("release {seq} of `{env}` is refused")]
    Refused {
        /// The environment.
        env: EnvName,
        /// Its serial.
        seq: u64,
        /// Why.
        #[source]
        cause: Refusal,
    },
    /// The list of withdrawals is not what was signed last, with more or nothing appended.
    #[error("the list of withdrawals of `{0}` does not go on from the one that was signed last")]
    Withdrawals(EnvName),
    /// Another process signs, too.
    #[error("the timestamp of `{0}` was moved on by somebody else")]
    Raced(EnvName),
    /// There is no trust root.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The log does not continue what was signed before.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The publication directory failed.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The server's directory failed.
    #[error(transparent)]
    Server(#[from] ServerError),
}

/// The timestamp role at work. Where two of them are, one record in the database keeps them from saying two things.
#[derive(Debug)]
pub struct Timestamps {
    layout: Layout,
    database: Database,
    publication: Publication,
    trust: Trust,
    log: tokio::sync::Mutex<Log>,
    /// The signatures of the newest release of each environment, as they are in the log.
    logged: Mutex<BTreeMap<EnvName, Digest>>,
    clock: Clock,
}

impl Timestamps {
    /// Opens what the role needs of a server's directory: database, publication directory and its own key.
    ///
    /// # Errors
    /// When one of them cannot be opened.
    pub async fn open(layout: Layout, clock: Clock) -> Result<Self, ServerError> {
        let database = Database::open(&layout.database()).await?;
        let publication = Publication::open(&layout.publication())?;
        read_key(&layout)?;
        let (trust, log, logged) = (Trust::new(&layout), tokio::sync::Mutex::default(), Mutex::default());
        Ok(Self { database, publication, trust, log, logged, layout, clock })
    }

    /// The role inside a server.
    pub(super) fn of(app: &App) -> Self {
        Self {
            database: app.database.clone(),
            publication: app.publication.clone(),
            trust: Trust::new(&app.layout),
            log: tokio::sync::Mutex::default(),
            logged: Mutex::default(),
            layout: app.layout.clone(),
            clock: app.clock(),
        }
    }

    /// Signs whenever there is something to say, until `stop` is ready.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let mut last_complaint = String::new();
        tokio::pin!(stop);
        loop {
            let complaint = match self.tick().await {
                // A server without a trust root has nothing to say yet.
                Ok(()) | Err(TimestampError::Trust(TrustError::NotInstalled)) => String::new(),
                Err(error) => chain(&error),
            };
            if !complaint.is_empty() && complaint != last_complaint {
                tracing::error!(error = complaint, "no timestamp was signed");
            }
            last_complaint = complaint;
            tokio::select! {
                () = &mut stop => return,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// Whether a release got signatures since this was asked last: they belong into the log.
    fn signed_late(&self, env: &EnvName, seq: u64) -> Result<bool, TimestampError> {
        let published = self.publication.statement(env, seq)?;
        let signatures = published.map(|published| published.signatures.concat()).unwrap_or_default();
        let now = Digest::of(signatures.as_bytes());
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(logged.insert(env.clone(), now).is_some_and(|before| before != now))
    }

    /// Looks at every environment once.
    async fn tick(&self) -> Result<(), TimestampError> {
        let environments = self.publication.newest()?;
        if environments.is_empty() {
            return Ok(());
        }
        let role = Role::load(self)?;
        let signed = self.database.last_signed().await?;
        let mut first_error = None;
        for (env, _) in environments {
            let last = signed.iter().find(|last| last.environment == env);
            // One environment in disorder must not make the others stale.
            if let Err(error) = role.attend(self, &env, last).await {
                first_error = first_error.or(Some(error));
            }
        }
        first_error.map_or(Ok(()), Err)
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {}", chain(cause)))
}

/// The role's key and whom the trust root takes it for.
struct Role {
    key: SigningKey,
    principal: Principal,
    root: std::sync::Arc<Verified<Root>>,
}

impl Role {
    fn load(at: &Timestamps) -> Result<Self, TimestampError> {
        let root = at.trust.current(&at.publication)?;
        let key = read_key(&at.layout)?;
        let principal = root.principal_of(&key.public()).cloned().ok_or(TimestampError::NoRole)?;
        if !root.has_role(&principal, root::TIMESTAMP) {
            return Err(TimestampError::NoRole);
        }
        Ok(Self { key, principal, root })
    }

    async fn attend(
        &self,
        work: &Timestamps,
        env: &EnvName,
        last: Option<&LastSigned>,
    ) -> Result<(), TimestampError> {
        let now = (work.clock)();
        let published = published(&work.publication, &self.root, env)?;
        // What was published is as good as what was recorded: this role's own signature is under it.
        let at = last.map(|last| Position { seq: last.seq, release: last.release }).or_else(|| {
            let own = published.as_ref()?;
            Some(Position { seq: own.seq, release: own.release })
        });
        let signed =
            last.map_or_else(|| published.as_ref().and_then(|own| own.withdrawn), |last| last.withdrawn);
        let withdrawals = withdrawals(&work.publication, env, signed)?;
        let withdrawn = withdrawals.in_force(&self.root);
        // The last thing that a revoked key says is that it is revoked.
        if withdrawn.revokes(&self.key.public()) && signed == withdrawals.digest() {
            return Err(TimestampError::Revoked);
        }
        let (newest, trouble) =
            Chain { publication: &work.publication, root: &self.root, withdrawn, env }.newest(at)?;
        let Some(newest) = newest else { return trouble.map_or(Ok(()), Err) };
        let withdrawn = withdrawals.digest();
        let late = work.signed_late(env, newest.seq)?
            || work.log.lock().await.lacks(&work.publication, env, newest.seq)?;
        let case =
            Due { last, published: published.as_deref(), newest, late, withdrawn, root: &self.root, now };
        if due(&case) {
            let seen =
                last.map_or(0, |last| last.n).max(published.as_ref().map_or(0, |published| published.n));
            let life = i64::try_from(self.root.limits().timestamp_life).unwrap_or(i64::MAX);
            let next = LastSigned {
                environment: env.clone(),
                n: seen + 1,
                seq: newest.seq,
                release: newest.release,
                withdrawn,
                created: now,
                expires: now.plus(life),
            };
            self.sign(work, &next).await?;
        }
        trouble.map_or(Ok(()), Err)
    }

    async fn sign(&self, work: &Timestamps, next: &LastSigned) -> Result<(), TimestampError> {
        let Timestamps { database, publication, .. } = work;
        let desk = Desk { database, publication, root: &self.root, key: &self.key };
        // What is said to be released is in the log before it is said.
        let said = Said { env: &next.environment, seq: next.seq, withdrawn: next.withdrawn };
        let log = work.log.lock().await.sign(&desk, &said).await?;
        if !work.database.advance(next).await? {
            return Err(TimestampError::Raced(next.environment.clone()));
        }
        let timestamp = Timestamp {
            document: Timestamp::TYPE.to_owned(),
            v: V,
            repo: self.root.repo(),
            environment: next.environment.clone(),
            n: next.n,
            root: self.root.version(),
            seq: next.seq,
            release: next.release,
            log_size: log.map_or(0, |log| log.size),
            log_root: log.map(|log| log.root),
            withdrawn: next.withdrawn,
            created: next.created,
            expires: next.expires,
        };
        let bytes = timestamp.encode();
        let signature = sshsig::sign(&self.key, Timestamp::NAMESPACE, &bytes);
        let file = SignedFile { bytes, signatures: vec![(self.principal.clone(), signature)] };
        work.publication.set_timestamp(&next.environment, &file)?;
        tracing::info!(environment = %next.environment, n = next.n, seq = next.seq, "signed a timestamp");
        Ok(())
    }
}

/// Where a chain of releases is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Position {
    seq: u64,
    release: Digest,
}

/// The published releases of an environment.
struct Chain<'a> {
    publication: &'a Publication,
    root: &'a Verified<Root>,
    withdrawn: Withdrawn,
    env: &'a EnvName,
}

impl Chain<'_> {
    /// Follows the chain from `at` as far as it is sound. What stops it is told besides.
    fn newest(
        &self,
        mut at: Option<Position>,
    ) -> Result<(Option<Position>, Option<TimestampError>), TimestampError> {
        let env = self.env;
        loop {
            let seq = at.map_or(1, |at| at.seq + 1);
            let Some(published) = self.publication.statement(env, seq)? else { return Ok((at, None)) };
            let envelope = Envelope { bytes: published.bytes, signatures: published.signatures };
            let release: Verified<Release> = match release::verify(self.root, &self.withdrawn, &envelope) {
                Ok(release) => release,
                Err(cause) => {
                    return Ok((at, Some(TimestampError::Refused { env: env.clone(), seq, cause })));
                }
            };
            let follows = release.seq == seq && release.prev == at.map(|at| at.release);
            if !follows || release.environment != *env {
                return Ok((at, Some(TimestampError::OffChain { env: env.clone(), seq })));
            }
            at = Some(Position { seq, release: release.id() });
        }
    }
}

/// The present list of withdrawals, which must go on from the one that this role signed last.
fn withdrawals(
    publication: &Publication,
    env: &EnvName,
    last: Option<Digest>,
) -> Result<Withdrawals, TimestampError> {
    let refuse = || TimestampError::Withdrawals(env.clone());
    let read = |bytes: Option<Vec<u8>>| {
        bytes.map_or_else(
            || Ok(Withdrawals::default()),
            |bytes| Withdrawals::decode(&bytes).map_err(|_| refuse()),
        )
    };
    let now = read(publication.withdrawals(env)?)?;
    let Some(last) = last else { return Ok(now) };
    let before = read(publication.withdrawals_named(last)?)?;
    if before.digest() == Some(last) && now.continues(&before) { Ok(now) } else { Err(refuse()) }
}

/// What speaks for or against signing now.
struct Due<'a> {
    last: Option<&'a LastSigned>,
    published: Option<&'a Timestamp>,
    newest: Position,
    late: bool,
    withdrawn: Option<Digest>,
    root: &'a Root,
    now: Stamp,
}

/// Whether there is something new to say, or the last word grows old, or was never published.
fn due(case: &Due<'_>) -> bool {
    let (Some(last), Some(published)) = (case.last, case.published) else { return true };
    let renew = (last.expires.since(last.created) / 6).min(RENEW);
    last.seq != case.newest.seq
        || case.late
        || last.withdrawn != case.withdrawn
        || published.n != last.n
        || published.root != case.root.version()
        || case.now.since(last.created) >= renew
}

/// What this role published last. What does not verify was not published by it, and is replaced.
fn published(
    publication: &Publication,
    root: &Verified<Root>,
    env: &EnvName,
) -> Result<Option<Verified<Timestamp>>, TimestampError> {
    let Some(Published { bytes, signatures }) = publication.timestamp(env)? else { return Ok(None) };
    Ok(verify(root, &Withdrawn::none(), &Envelope { bytes, signatures }).ok())
}

fn read_key(layout: &Layout) -> Result<SigningKey, ServerError> {
    let path = layout.timestamp_key();
    let pem = std::fs::read(&path).map_err(ServerError::io("read", &path))?;
    SigningKey::from_openssh(&pem).map_err(ServerError::NoTimestampKey)
}

#[cfg(test)]
mod tests;
