//! What people and nodes did or tried, one row each.

use super::db::{Database, StoreError};
use crate::model::Stamp;

/// Something that was done or tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// When.
    pub at: Stamp,
    /// Who, for example `node web1.example` or `admin`.
    pub actor: String,
    /// What, as one word, for example `forbidden`.
    pub action: String,
    /// The particulars, one line.
    pub detail: String,
}

impl Database {
    /// Adds a row.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit(&self, row: &Audit) -> Result<(), StoreError> {
        let query = sqlx::query("INSERT INTO audit (at, actor, action, detail) VALUES (?, ?, ?, ?)");
        let query = query.bind(row.at.unix()).bind(&row.actor).bind(&row.action).bind(&row.detail);
        query.execute(&self.pool).await?;
        Ok(())
    }

    /// The last rows, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit_rows(&self, limit: u32) -> Result<Vec<Audit>, StoreError> {
        let query = sqlx::query_as("SELECT at, actor, action, detail FROM audit ORDER BY id DESC LIMIT ?");
        let rows: Vec<(i64, String, String, String)> = query.bind(limit).fetch_all(&self.pool).await?;
        let row = |(at, actor, action, detail)| Audit { at: Stamp::from_unix(at), actor, action, detail };
        Ok(rows.into_iter().map(row).collect())
    }
}
