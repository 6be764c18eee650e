//! What the timestamp role last signed in each environment. Written before anything is published.

use super::db::{Database, StoreError, from_row, parse, to_row};
use crate::model::{Digest, EnvName, Stamp};

/// What was last signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastSigned {
    /// The environment.
    pub environment: EnvName,
    /// The timestamp's number.
    pub n: u64,
    /// Serial of the release.
    pub seq: u64,
    /// Digest of its statement.
    pub release: Digest,
    /// Digest of the list of withdrawals; `None` while there are none.
    pub withdrawn: Option<Digest>,
    /// When it was signed.
    pub created: Stamp,
    /// When it ends.
    pub expires: Stamp,
}

impl Database {
    /// What was last signed, by environment.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_signed(&self) -> Result<Vec<LastSigned>, StoreError> {
        type Row = (String, i64, i64, String, Option<String>, i64, i64);
        let text = "SELECT environment, n, seq, release, withdrawn, created, expires FROM timestamps \
                    ORDER BY environment";
        let rows: Vec<Row> = sqlx::query_as(text).fetch_all(&self.pool).await?;
        let last = |(environment, n, seq, release, withdrawn, created, expires): Row| {
            Ok(LastSigned {
                environment: parse("environment name", &environment)?,
                n: from_row(n),
                seq: from_row(seq),
                release: parse("digest", &release)?,
                withdrawn: withdrawn.map(|digest| parse("digest", &digest)).transpose()?,
                created: Stamp::from_unix(created),
                expires: Stamp::from_unix(expires),
            })
        };
        rows.into_iter().map(last).collect()
    }

    /// Records what is about to be signed, and says whether it goes forward: a number that is not greater,
    /// or a serial that is less, changes nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn advance(&self, next: &LastSigned) -> Result<bool, StoreError> {
        let text = "INSERT INTO timestamps (environment, n, seq, release, withdrawn, created, expires) \
                    VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (environment) DO UPDATE SET n = excluded.n, \
                    seq = excluded.seq, release = excluded.release, withdrawn = excluded.withdrawn, \
                    created = excluded.created, \
                    expires = excluded.expires WHERE excluded.n > timestamps.n AND \
                    (excluded.seq > timestamps.seq OR \
                    (excluded.seq = timestamps.seq AND excluded.release = timestamps.release))";
        let query = sqlx::query(text).bind(next.environment.as_str()).bind(to_row(next.n));
        let query = query.bind(to_row(next.seq)).bind(next.release.to_string());
        let query = query.bind(next.withdrawn.map(|digest| digest.to_string()));
        let query = query.bind(next.created.unix()).bind(next.expires.unix());
        Ok(query.execute(&self.pool).await?.rows_affected() == 1)
    }
}
