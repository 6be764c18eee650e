//! Triggers that operators signed, and what nodes said of them.

use super::db::{Database, StoreError, from_row, parse, to_row};
use super::log;
use crate::model::wire::{NodePush, PushEvent, Signed};
use crate::model::{Digest, NodeName, Principal, Stamp};
use crate::signing::log::Entry;

/// A trigger to keep.
#[derive(Debug, Clone)]
pub struct NewTrigger {
    /// Its id.
    pub id: String,
    /// Who signed it.
    pub operator: Principal,
    /// The document and its signatures.
    pub signed: Signed,
    /// When it came.
    pub received: Stamp,
    /// When it ends.
    pub expires: Stamp,
}

/// How many triggers of one operator are too many.
#[derive(Debug, Clone, Copy)]
pub struct RateLimit {
    /// So many …
    pub triggers: u32,
    /// … in so many seconds.
    pub seconds: i64,
}

/// What became of a trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum TriggerKept {
    /// It has this number.
    Kept(u64),
    /// Its id is known already (D24).
    Known,
    /// The operator sent too many (D25).
    TooMany,
}

/// A trigger as it was kept.
#[derive(Debug, Clone)]
pub struct TriggerRow {
    /// Its number.
    pub n: u64,
    /// The document and its signatures, which whoever uses it verifies again.
    pub signed: Signed,
}

/// Something that a node said of a trigger.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// The trigger.
    pub trigger: String,
    /// The event.
    pub event: PushEvent,
    /// When it came.
    pub at: Stamp,
}

impl Database {
    /// Keeps a trigger, unless it is known or its operator is too busy.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_trigger(&self, new: &NewTrigger, limit: RateLimit) -> Result<TriggerKept, StoreError> {
        let mut transaction = self.write().await?;
        let text = "SELECT EXISTS (SELECT 1 FROM triggers WHERE id = ?1), \
                    (SELECT count(*) FROM triggers WHERE operator = ?2 AND received > ?3)";
        let since = new.received.plus(-limit.seconds).unix();
        let query = sqlx::query_as(text).bind(&new.id).bind(new.operator.as_str()).bind(since);
        let (known, recent): (bool, i64) = query.fetch_one(&mut *transaction).await?;
        if known {
            return Ok(TriggerKept::Known);
        }
        if recent >= i64::from(limit.triggers) {
            return Ok(TriggerKept::TooMany);
        }
        let text = "INSERT INTO triggers (id, operator, document, signatures, received, expires) \
                    VALUES (?, ?, ?, ?, ?, ?) RETURNING n";
        let query = sqlx::query_scalar(text).bind(&new.id).bind(new.operator.as_str());
        let query = query.bind(&new.signed.document).bind(armors(&new.signed.signatures));
        let query = query.bind(new.received.unix()).bind(new.expires.unix());
        let n: i64 = query.fetch_one(&mut *transaction).await?;
        let entry = Entry::trigger(&new.operator, Digest::of(new.signed.document.as_bytes()));
        log::append(&mut transaction, &entry).await?;
        transaction.commit().await?;
        Ok(TriggerKept::Kept(from_row(n)))
    }

    /// The triggers that have not expired, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn live_triggers(&self, now: Stamp) -> Result<Vec<TriggerRow>, StoreError> {
        let text = "SELECT n, document, signatures FROM triggers WHERE expires > ? ORDER BY n";
        let rows: Vec<(i64, String, String)> =
            sqlx::query_as(text).bind(now.unix()).fetch_all(&self.pool).await?;
        let row = |(n, document, armors): (i64, String, String)| {
            let signatures = serde_json::from_str(&armors)
                .map_err(|_| StoreError::Value { what: "list of signatures", found: armors })?;
            Ok(TriggerRow { n: from_row(n), signed: Signed { document, signatures } })
        };
        rows.into_iter().map(row).collect()
    }

    /// The document of a trigger, also of one that has expired.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn trigger_document(&self, id: &str) -> Result<Option<String>, StoreError> {
        let query = sqlx::query_scalar("SELECT document FROM triggers WHERE id = ?").bind(id);
        Ok(query.fetch_optional(&self.pool).await?)
    }

    /// The number of the newest trigger, 0 when there never was one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_trigger(&self) -> Result<u64, StoreError> {
        let query = sqlx::query_scalar("SELECT coalesce(max(n), 0) FROM triggers");
        let newest: i64 = query.fetch_one(&self.pool).await?;
        Ok(from_row(newest))
    }

    /// Keeps what a node said of a trigger, up to `limit` sayings per node.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_event(&self, new: &NewEvent, limit: u32) -> Result<(), StoreError> {
        let text = "INSERT INTO push_events (trigger_id, node, state, message, at) SELECT ?1, ?2, ?3, ?4, ?5 \
                    WHERE (SELECT count(*) FROM push_events WHERE trigger_id = ?1 AND node = ?2) < ?6";
        let query = sqlx::query(text).bind(&new.trigger).bind(new.event.node.as_str());
        let query = query.bind(word(new.event.state)).bind(&new.event.message).bind(new.at.unix());
        query.bind(limit).execute(&self.pool).await?;
        Ok(())
    }

    /// What nodes said of a trigger after event `after`, with the number of the last one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn events(&self, trigger: &str, after: u64) -> Result<(u64, Vec<PushEvent>), StoreError> {
        let text = "SELECT n, node, state, message FROM push_events WHERE trigger_id = ? AND n > ? \
                    ORDER BY n LIMIT 1000";
        let query = sqlx::query_as(text).bind(trigger).bind(to_row(after));
        let rows: Vec<(i64, String, String, String)> = query.fetch_all(&self.pool).await?;
        let next = rows.last().map_or(after, |(n, ..)| from_row(*n));
        let event = |(_, node, state, message): (i64, String, String, String)| {
            let node: NodeName = parse("node name", &node)?;
            let known = STATES.into_iter().find(|known| word(*known) == state);
            let state = known.ok_or(StoreError::Value { what: "state of a push", found: state })?;
            Ok(PushEvent { node, state, message })
        };
        Ok((next, rows.into_iter().map(event).collect::<Result<_, StoreError>>()?))
    }

    /// How many triggers were ever accepted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn trigger_count(&self) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM triggers").fetch_one(&self.pool).await?;
        Ok(from_row(count))
    }
}

const STATES: [NodePush; 5] =
    [NodePush::Running, NodePush::Queued, NodePush::Refused, NodePush::Done, NodePush::Failed];

const fn word(state: NodePush) -> &'static str {
    match state {
        NodePush::Running => "running",
        NodePush::Queued => "queued",
        NodePush::Refused => "refused",
        NodePush::Done => "done",
        NodePush::Failed => "failed",
    }
}

fn armors(signatures: &[String]) -> String {
    serde_json::Value::from(signatures.to_vec()).to_string()
}
