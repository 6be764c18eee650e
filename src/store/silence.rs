//! Nodes that fell silent: their reports stopped coming, whatever else is still heard of them (T13).

use super::db::{Database, StoreError, parse};
use crate::model::{NodeName, Stamp};

/// An accepted node without a report for too long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silent {
    /// The node.
    pub node: NodeName,
    /// When its last report came; `None` when none ever did.
    pub last_report: Option<Stamp>,
}

impl Database {
    /// The accepted nodes of which no report came after `since`, by name. One that was accepted after that has time
    /// left.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn silent(&self, since: Stamp) -> Result<Vec<Silent>, StoreError> {
        let text = "SELECT name, last FROM (SELECT name, decided, requested, \
                    (SELECT received FROM reports WHERE node = nodes.id ORDER BY id DESC LIMIT 1) AS last \
                    FROM nodes WHERE state = 'accepted') \
                    WHERE max(coalesce(last, 0), coalesce(decided, requested)) <= ? ORDER BY name";
        let rows: Vec<(String, Option<i64>)> =
            sqlx::query_as(text).bind(since.unix()).fetch_all(&self.pool).await?;
        let silent = |(name, last): (String, Option<i64>)| {
            Ok(Silent { node: parse("node name", &name)?, last_report: last.map(Stamp::from_unix) })
        };
        rows.into_iter().map(silent).collect()
    }

    /// Puts the acceptance of a node back in time, for tests of what comes long after it.
    #[cfg(test)]
    pub(crate) async fn put_back(&self, node: &super::Node, decided: Stamp) {
        let query = sqlx::query("UPDATE nodes SET decided = ?1, requested = ?1 WHERE id = ?2");
        query.bind(decided.unix()).bind(node.id).execute(&self.pool).await.unwrap();
    }
}
