//! The log in the database: entries in the order in which they came, and the checkpoint that was signed last.
//!
//! An entry is written in the transaction that accepts what it is about. Editing these rows helps nobody: the timestamp
//! role, agents and auditors hold what is published against what they have seen.

use super::db::{Database, StoreError, from_row, parse, to_row};
use crate::model::Checkpoint;
use crate::signing::log::Entry;
use crate::signing::tree::leaf_hash;
use sqlx::{Sqlite, SqliteConnection, Transaction};

/// An entry as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRow {
    /// Its number, from 0.
    pub n: u64,
    /// Its exact bytes.
    pub entry: Vec<u8>,
}

impl Database {
    /// Appends entries, all or none, in their order. One that is there already is not repeated.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn append_log(&self, entries: &[Entry]) -> Result<(), StoreError> {
        let mut transaction = self.write().await?;
        for entry in entries {
            append(&mut transaction, entry).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Up to `limit` entries from number `from` on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn log_rows(&self, from: u64, limit: u32) -> Result<Vec<LogRow>, StoreError> {
        let query = sqlx::query_as("SELECT n, entry FROM log WHERE n >= ? ORDER BY n LIMIT ?");
        let rows: Vec<(i64, Vec<u8>)> = query.bind(to_row(from)).bind(limit).fetch_all(&self.pool).await?;
        Ok(rows.into_iter().map(|(n, entry)| LogRow { n: from_row(n), entry }).collect())
    }

    /// Completes a log that is the beginning of `rows` with the rest of them; says whether it was.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn restore_log(&self, rows: &[LogRow]) -> Result<bool, StoreError> {
        let mut transaction = self.write().await?;
        let query = sqlx::query_as("SELECT n, entry FROM log ORDER BY n");
        let have: Vec<(i64, Vec<u8>)> = query.fetch_all(&mut *transaction).await?;
        let same =
            have.iter().zip(rows).all(|((n, entry), row)| from_row(*n) == row.n && *entry == row.entry);
        if !same || have.len() > rows.len() {
            return Ok(false);
        }
        for row in rows.iter().skip(have.len()) {
            let query = sqlx::query("INSERT INTO log (n, hash, entry) VALUES (?, ?, ?)").bind(to_row(row.n));
            let query = query.bind(leaf_hash(&row.entry).0.to_vec()).bind(&row.entry);
            query.execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(true)
    }

    /// The checkpoint that was signed last.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn log_signed(&self) -> Result<Option<Checkpoint>, StoreError> {
        signed(&mut *self.pool.acquire().await?).await
    }

    /// Records the checkpoint that is about to be signed, if the last one is still `before`; says whether it was.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn advance_log(
        &self,
        before: Option<Checkpoint>,
        next: Checkpoint,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.write().await?;
        if signed(&mut transaction).await? != before {
            return Ok(false);
        }
        let text = "INSERT INTO log_signed (id, size, root) VALUES (1, ?, ?) \
                    ON CONFLICT (id) DO UPDATE SET size = excluded.size, root = excluded.root";
        let query = sqlx::query(text).bind(to_row(next.size)).bind(next.root.to_string());
        query.execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(true)
    }
}

/// Appends an entry within the transaction that accepts what it is about.
pub(super) async fn append(
    transaction: &mut Transaction<'static, Sqlite>,
    entry: &Entry,
) -> Result<(), StoreError> {
    let text = "INSERT INTO log (n, hash, entry) SELECT coalesce(max(n) + 1, 0), ?, ? FROM log WHERE true \
                ON CONFLICT (hash) DO NOTHING";
    let query = sqlx::query(text).bind(entry.hash().0.to_vec()).bind(entry.encode());
    query.execute(&mut **transaction).await?;
    Ok(())
}

async fn signed(connection: &mut SqliteConnection) -> Result<Option<Checkpoint>, StoreError> {
    let query = sqlx::query_as("SELECT size, root FROM log_signed");
    let row: Option<(i64, String)> = query.fetch_optional(connection).await?;
    row.map(|(size, root)| Ok(Checkpoint { size: from_row(size), root: parse("root of the log", &root)? }))
        .transpose()
}

#[cfg(test)]
mod tests;
