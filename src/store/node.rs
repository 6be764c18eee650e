//! The nodes that asked for a certificate, and what became of them.

use super::db::{Database, StoreError, from_row, parse};
use crate::model::{Checkpoint, Digest, Facts, NodeName, Stamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row};
use std::fmt;

/// A key that asked for a name. One name may have been asked for by several keys; one at most holds it.
#[derive(Debug, Clone)]
pub struct Node {
    pub(super) id: i64,
    /// The name.
    pub name: NodeName,
    /// SHA-256 of the public key in DER: its fingerprint.
    pub key: Digest,
    /// What became of the request.
    pub state: NodeState,
    /// The key that signs its reports, as an OpenSSH line.
    pub report_key: String,
    /// When it asked first.
    pub requested: Stamp,
    /// Serial of its certificate, in hexadecimal digits.
    pub serial: Option<String>,
    /// When its certificate expires.
    pub expires: Option<Stamp>,
    /// When it was last heard of.
    pub last_seen: Option<Stamp>,
    /// Serial of the release that it last applied.
    pub seq: Option<u64>,
    /// How its last run ended.
    pub status: Option<String>,
    /// Counter of its last report.
    pub counter: u64,
    /// Digest of its last report.
    pub last_report: Option<Digest>,
    /// Reports that did not follow the one before.
    pub alarms: u64,
    /// The last checkpoint of the log that it has seen.
    pub checkpoint: Option<Checkpoint>,
    /// Since when it is known that it has seen another log than this server's (D36).
    pub forked: Option<Stamp>,
    /// What it says of itself.
    pub facts: Facts,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NodeState {
    /// Nobody has decided yet.
    Requested,
    /// It may fetch what is its own.
    Accepted,
    /// It may not.
    Denied,
    /// It might once; its name is free for another key.
    Removed,
}

impl NodeState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Requested, Self::Accepted, Self::Denied, Self::Removed];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Accepted => "accepted",
            Self::Denied => "denied",
            Self::Removed => "removed",
        }
    }
}

impl fmt::Display for NodeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl std::str::FromStr for NodeState {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|state| state.word() == text).ok_or(())
    }
}

impl FromRow<'_, SqliteRow> for Node {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        decode(row).map_err(|error| match error {
            StoreError::Database(error) => error,
            other => sqlx::Error::Decode(Box::new(other)),
        })
    }
}

fn decode(row: &SqliteRow) -> Result<Node, StoreError> {
    let stamp = |column: &str| -> Result<Option<Stamp>, StoreError> {
        Ok(row.try_get::<Option<i64>, _>(column)?.map(Stamp::from_unix))
    };
    let facts: String = row.try_get("facts")?;
    Ok(Node {
        id: row.try_get("id")?,
        name: parse("node name", row.try_get("name")?)?,
        key: parse("key fingerprint", row.try_get("key")?)?,
        state: parse("node state", row.try_get("state")?)?,
        report_key: row.try_get("report_key")?,
        requested: Stamp::from_unix(row.try_get("requested")?),
        serial: row.try_get("serial")?,
        expires: stamp("expires")?,
        last_seen: stamp("last_seen")?,
        seq: row.try_get::<Option<i64>, _>("seq")?.map(from_row),
        status: row.try_get("status")?,
        counter: from_row(row.try_get("counter")?),
        last_report: match row.try_get::<Option<&str>, _>("last_report")? {
            Some(text) => Some(parse("report digest", text)?),
            None => None,
        },
        alarms: from_row(row.try_get("alarms")?),
        checkpoint: match row.try_get::<Option<&str>, _>("checkpoint")? {
            Some(text) => Some(parse("checkpoint of the log", text)?),
            None => None,
        },
        forked: stamp("forked")?,
        facts: serde_json::from_str(&facts).map_err(|_| StoreError::Value { what: "facts", found: facts })?,
    })
}

/// How many nodes are in which state and how their last runs ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeCount {
    /// The state.
    pub state: NodeState,
    /// How their last run ended; empty when none was reported.
    pub status: String,
    /// How many.
    pub nodes: u64,
}

impl Database {
    /// All rows in `state`, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn nodes_in(&self, state: NodeState) -> Result<Vec<Node>, StoreError> {
        let query =
            sqlx::query_as("SELECT * FROM nodes WHERE state = ? ORDER BY name, id").bind(state.word());
        Ok(query.fetch_all(&self.pool).await?)
    }

    /// All rows of one name, newest request last.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn nodes_named(&self, name: &NodeName) -> Result<Vec<Node>, StoreError> {
        let query = sqlx::query_as("SELECT * FROM nodes WHERE name = ? ORDER BY id").bind(name.as_str());
        Ok(query.fetch_all(&self.pool).await?)
    }

    /// The row of one name and key.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn node(&self, name: &NodeName, key: &Digest) -> Result<Option<Node>, StoreError> {
        let query = sqlx::query_as("SELECT * FROM nodes WHERE name = ? AND key = ?");
        Ok(query.bind(name.as_str()).bind(key.to_string()).fetch_optional(&self.pool).await?)
    }

    /// Moves a node from the state that the caller saw to another, and says whether it still was in that state.
    ///
    /// # Errors
    /// When the database fails, also when another key holds the name.
    pub async fn decide(&self, node: &Node, to: NodeState, now: Stamp) -> Result<bool, StoreError> {
        // What an old key said must not be seen under its name by the next one (D44).
        let forget = if to == NodeState::Removed { ", facts = '{}', seq = NULL, status = NULL" } else { "" };
        let text = format!("UPDATE nodes SET state = ?, decided = ?{forget} WHERE id = ? AND state = ?");
        let query = sqlx::query(sqlx::AssertSqlSafe(text)).bind(to.word()).bind(now.unix());
        let done = query.bind(node.id).bind(node.state.word()).execute(&self.pool).await?;
        Ok(done.rows_affected() == 1)
    }

    /// Records the certificate that was made for a node.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_certificate(&self, node: &Node, serial: &str, expires: Stamp) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE nodes SET serial = ?, expires = ? WHERE id = ?");
        query.bind(serial).bind(expires.unix()).bind(node.id).execute(&self.pool).await?;
        Ok(())
    }

    /// Records that a node was heard of.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn seen(&self, node: &Node, now: Stamp) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE nodes SET last_seen = ? WHERE id = ?");
        query.bind(now.unix()).bind(node.id).execute(&self.pool).await?;
        Ok(())
    }

    /// How many nodes are in which state.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn node_counts(&self) -> Result<Vec<NodeCount>, StoreError> {
        let text = "SELECT state, coalesce(status, ''), count(*) FROM nodes GROUP BY 1, 2 ORDER BY 1, 2";
        let rows: Vec<(String, String, i64)> = sqlx::query_as(text).fetch_all(&self.pool).await?;
        let count = |(state, status, nodes): (String, String, i64)| {
            Ok(NodeCount { state: parse("node state", &state)?, status, nodes: from_row(nodes) })
        };
        rows.into_iter().map(count).collect()
    }
}
