//! The server's database: one SQLite file beside the repository. Opening, and the schema by version.
//!
//! What agents believe is never read from here. Queries live in the files named after their tables.

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqlitePool, Transaction};
use std::path::Path;
use std::time::Duration;

/// The database. Clones share the connections.
#[derive(Debug, Clone)]
pub struct Database {
    pub(super) pool: SqlitePool,
}

/// Why the database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite said so.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// A later version of the program wrote it.
    #[error("the database has schema {have}, and this program knows {know}: use the newer program")]
    Newer {
        /// The file's schema.
        have: i64,
        /// The last schema that this program knows.
        know: i64,
    },
    /// A stored value is not what belongs there.
    #[error("the database holds `{}` as a {what}", .found.escape_default())]
    Value {
        /// What should be there.
        what: &'static str,
        /// What is there.
        found: String,
    },
}

/// Each entry brings the schema from its index to the next version.
const MIGRATIONS: &[&str] =
    &[include_str!("schema/1.sql"), include_str!("schema/2.sql"), include_str!("schema/3.sql")];

impl Database {
    /// Makes the file and its tables. The caller made sure that it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn create(path: &Path) -> Result<Self, StoreError> {
        Self::connect(options(path).create_if_missing(true)).await
    }

    /// Opens the file and brings its tables to the present schema.
    ///
    /// # Errors
    /// When it is not there, or a later program wrote it.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        Self::connect(options(path)).await
    }

    /// A database that lives in memory, for tests.
    ///
    /// # Errors
    /// When SQLite cannot be used.
    pub async fn in_memory() -> Result<Self, StoreError> {
        let pool = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await?;
        migrate(&pool).await?;
        Ok(Self { pool })
    }

    async fn connect(options: SqliteConnectOptions) -> Result<Self, StoreError> {
        let pool = SqlitePoolOptions::new().max_connections(8).connect_with(options).await?;
        migrate(&pool).await?;
        Ok(Self { pool })
    }

    /// A transaction that holds the write lock from its start, so that what it reads stays true.
    pub(super) async fn write(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    /// Waits until all connections are closed.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    // Commands work on the file while the server does: readers do not block the one writer in WAL mode.
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(10))
        .foreign_keys(true)
}

async fn migrate(pool: &SqlitePool) -> Result<(), StoreError> {
    let know = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let have: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *transaction).await?;
    if have > know {
        return Err(StoreError::Newer { have, know });
    }
    let done = usize::try_from(have).unwrap_or(0);
    for script in MIGRATIONS.iter().skip(done) {
        // The last line of each script sets `user_version`.
        sqlx::raw_sql(*script).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Reads a stored text as what it should be.
pub(super) fn parse<T: std::str::FromStr>(what: &'static str, found: &str) -> Result<T, StoreError> {
    found.parse().map_err(|_| StoreError::Value { what, found: found.to_owned() })
}

/// A serial or counter as SQLite keeps it. Both stay below 2^53 in every signed document.
pub(super) fn to_row(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A serial or counter that SQLite kept.
pub(super) fn from_row(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_database_opens_again_and_a_newer_one_is_refused() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("server.db");
        assert!(Database::open(&path).await.is_err());
        Database::create(&path).await.unwrap().close().await;
        let database = Database::open(&path).await.unwrap();
        database.ping().await.unwrap();
        sqlx::query("PRAGMA user_version = 99").execute(&database.pool).await.unwrap();
        database.close().await;
        assert!(matches!(Database::open(&path).await, Err(StoreError::Newer { have: 99, .. })));
    }
}
