//! Who may have a node certificate: requests, decisions and join tokens, each settled in one transaction.
//!
//! A name belongs to a key. Another key under the same name waits until somebody removes the old one (D44).

use super::db::{Database, StoreError};
use super::node::{Node, NodeState};
use crate::model::{Digest, NodeName, Stamp};
use sqlx::SqliteConnection;

/// Requests that wait for a decision, at most; more are refused until somebody decides.
pub const MAX_WAITING: i64 = 1000;
/// Requests that wait under one name, at most.
pub const MAX_WAITING_PER_NAME: usize = 4;

/// What a key asks for, after its request was checked.
#[derive(Debug, Clone)]
pub struct Application {
    /// The name that it wants.
    pub name: NodeName,
    /// SHA-256 of the public key in DER.
    pub key: Digest,
    /// The key that is to sign reports, as an OpenSSH line.
    pub report_key: String,
    /// Digest of the join token, if it brought one.
    pub token: Option<Digest>,
    /// The present.
    pub now: Stamp,
}

/// The answer to an application.
#[derive(Debug)]
#[must_use]
pub enum Enrolment {
    /// Make it a certificate.
    Accepted(Box<Node>),
    /// Somebody must decide.
    Waiting,
    /// No.
    Refused(EnrolRefusal),
}

/// Why a key does not get a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnrolRefusal {
    /// Another key holds the name (D44).
    #[error("another key holds this name: `countersign node remove` it first")]
    NameHeldByAnotherKey,
    /// Somebody said no.
    #[error("the request was denied")]
    Denied,
    /// The key was removed; it does not come back.
    #[error("this key was removed: make a new one")]
    Removed,
    /// The request names another report key than the one that was accepted.
    #[error("the report key differs from the one that was accepted with this key")]
    AnotherReportKey,
    /// The token is unknown, used, expired, or for another name (D43).
    #[error("the join token is not valid for this name now")]
    Token,
    /// Too many requests wait.
    #[error("too many requests wait for a decision")]
    TooManyWaiting,
}

/// Which names a join token is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenScope {
    /// This one.
    Name(NodeName),
    /// Those that end with a dot and this.
    Suffix(NodeName),
}

impl TokenScope {
    /// Reads `web1.example` or `*.example`.
    ///
    /// # Errors
    /// When the name is none.
    pub fn parse(text: &str) -> Result<Self, crate::model::name::NameError> {
        match text.strip_prefix("*.") {
            Some(suffix) => Ok(Self::Suffix(suffix.parse()?)),
            None => Ok(Self::Name(text.parse()?)),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Name(name) => name.to_string(),
            Self::Suffix(suffix) => format!("*.{suffix}"),
        }
    }

    fn covers(&self, name: &NodeName) -> bool {
        match self {
            Self::Name(own) => own == name,
            Self::Suffix(suffix) => {
                name.as_str().strip_suffix(suffix.as_str()).is_some_and(|rest| rest.ends_with('.'))
            }
        }
    }
}

/// A join token as it is kept: never the token itself.
#[derive(Debug, Clone)]
pub struct TokenRow {
    /// Digest of the token.
    pub hash: Digest,
    /// Which names it is good for.
    pub scope: TokenScope,
    /// When it was made.
    pub created: Stamp,
    /// When it ends.
    pub expires: Stamp,
}

impl Database {
    /// Keeps a new join token.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_token(&self, token: &TokenRow) -> Result<(), StoreError> {
        let query = sqlx::query("INSERT INTO tokens (hash, scope, created, expires) VALUES (?, ?, ?, ?)");
        let query = query.bind(token.hash.to_string()).bind(token.scope.text());
        query.bind(token.created.unix()).bind(token.expires.unix()).execute(&self.pool).await?;
        Ok(())
    }

    /// Settles an application: who asks again gets the same answer.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn enrol(&self, application: &Application) -> Result<Enrolment, StoreError> {
        let mut transaction = self.write().await?;
        let rows: Vec<Node> = sqlx::query_as("SELECT * FROM nodes WHERE name = ? ORDER BY id")
            .bind(application.name.as_str())
            .fetch_all(&mut *transaction)
            .await?;
        let waiting: i64 = sqlx::query_scalar("SELECT count(*) FROM nodes WHERE state = 'requested'")
            .fetch_one(&mut *transaction)
            .await?;
        let answer = match judge(&rows, waiting, application) {
            Step::Answer(answer) => answer,
            Step::Record => record(&mut transaction, application).await?,
        };
        transaction.commit().await?;
        Ok(answer)
    }
}

/// What the rows of a name alone decide.
enum Step {
    Answer(Enrolment),
    /// A request that is new, or waits and may now have a token.
    Record,
}

fn judge(rows: &[Node], waiting: i64, application: &Application) -> Step {
    let refuse = |why| Step::Answer(Enrolment::Refused(why));
    let own = rows.iter().find(|node| node.key == application.key);
    if let Some(own) = own
        && own.report_key != application.report_key
    {
        return refuse(EnrolRefusal::AnotherReportKey);
    }
    if rows.iter().any(|node| node.state == NodeState::Accepted && node.key != application.key) {
        return refuse(EnrolRefusal::NameHeldByAnotherKey);
    }
    let waiting_here = rows.iter().filter(|node| node.state == NodeState::Requested).count();
    match own.map(|node| (node, node.state)) {
        Some((node, NodeState::Accepted)) => Step::Answer(Enrolment::Accepted(Box::new(node.clone()))),
        Some((_, NodeState::Denied)) => refuse(EnrolRefusal::Denied),
        Some((_, NodeState::Removed)) => refuse(EnrolRefusal::Removed),
        Some((_, NodeState::Requested)) => Step::Record,
        None if waiting >= MAX_WAITING || waiting_here >= MAX_WAITING_PER_NAME => {
            refuse(EnrolRefusal::TooManyWaiting)
        }
        None => Step::Record,
    }
}

async fn record(
    connection: &mut SqliteConnection,
    application: &Application,
) -> Result<Enrolment, StoreError> {
    let state = match &application.token {
        None => NodeState::Requested,
        Some(token) if use_token(connection, token, application).await? => NodeState::Accepted,
        Some(_) => return Ok(Enrolment::Refused(EnrolRefusal::Token)),
    };
    let text = "INSERT INTO nodes (name, key, state, report_key, requested) VALUES (?1, ?2, ?3, ?4, ?5) \
                ON CONFLICT (name, key) DO UPDATE SET state = ?3 RETURNING *";
    let query = sqlx::query_as(text).bind(application.name.as_str()).bind(application.key.to_string());
    let query = query.bind(state.word()).bind(&application.report_key).bind(application.now.unix());
    let node: Node = query.fetch_one(connection).await?;
    Ok(match node.state {
        NodeState::Accepted => Enrolment::Accepted(Box::new(node)),
        NodeState::Requested | NodeState::Denied | NodeState::Removed => Enrolment::Waiting,
    })
}

/// Uses a token up, if it is good for this application. Two uses at once are told apart by the row count.
async fn use_token(
    connection: &mut SqliteConnection,
    token: &Digest,
    application: &Application,
) -> Result<bool, StoreError> {
    let text = "SELECT scope FROM tokens WHERE hash = ? AND used IS NULL AND expires > ?";
    let query = sqlx::query_scalar(text).bind(token.to_string()).bind(application.now.unix());
    let Some(scope) = query.fetch_optional(&mut *connection).await? else { return Ok(false) };
    let scope: String = scope;
    if !TokenScope::parse(&scope).is_ok_and(|scope| scope.covers(&application.name)) {
        return Ok(false);
    }
    let query = sqlx::query("UPDATE tokens SET used = ?, used_by = ? WHERE hash = ? AND used IS NULL");
    let query = query.bind(application.now.unix()).bind(application.key.to_string()).bind(token.to_string());
    Ok(query.execute(connection).await?.rows_affected() == 1)
}

#[cfg(test)]
mod tests;
