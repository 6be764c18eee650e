//! The reports of runs, as nodes signed them, and whether each follows the one before (D26, D27).

use super::db::{Database, StoreError, from_row, to_row};
use super::log;
use super::node::Node;
use crate::model::{Checkpoint, Digest, Facts, Stamp};
use crate::signing::log::Entry;

/// A report whose signature was verified.
#[derive(Debug, Clone)]
pub struct NewReport {
    /// The exact bytes.
    pub body: Vec<u8>,
    /// The armoured signature.
    pub signature: String,
    /// Its counter.
    pub counter: u64,
    /// The digest of the report before.
    pub prev: Option<Digest>,
    /// How the run ended, as one word.
    pub status: String,
    /// The release that was applied.
    pub seq: Option<u64>,
    /// The last checkpoint of the log that the node has seen.
    pub checkpoint: Option<Checkpoint>,
    /// Whether the node has seen another log than this server's, or says so (D36).
    pub forked: bool,
    /// What the node says of itself.
    pub facts: Facts,
    /// When it came.
    pub received: Stamp,
}

/// How a report relates to those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Continuity {
    /// It is the next one.
    Next,
    /// It is the last one again: the answer got lost.
    Again,
    /// Reports between are missing: alarm.
    Gap,
    /// The counter went back: the node's state was restored or its key is used twice. Alarm.
    Regression,
    /// The next counter, but another history: alarm.
    Fork,
    /// An old report again: not recorded a second time. Alarm.
    Replay,
}

impl Continuity {
    /// The word for an alarm; `None` when all is well.
    #[must_use]
    pub const fn alarm(self) -> Option<&'static str> {
        match self {
            Self::Next | Self::Again => None,
            Self::Gap => Some("gap"),
            Self::Regression => Some("regression"),
            Self::Fork => Some("fork"),
            Self::Replay => Some("replay"),
        }
    }
}

/// One line of a node's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRow {
    /// Its counter.
    pub counter: u64,
    /// Digest of its bytes.
    pub digest: String,
    /// How the run ended.
    pub status: String,
    /// Why it does not follow the one before.
    pub alarm: Option<String>,
    /// When it came.
    pub received: Stamp,
}

/// A report as it came.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Its row.
    pub row: i64,
    /// The exact bytes.
    pub body: Vec<u8>,
    /// The armoured signature.
    pub signature: String,
}

impl Database {
    /// Records a report of `node` and says how it relates to those before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_report(&self, node: &Node, report: &NewReport) -> Result<Continuity, StoreError> {
        let mut transaction = self.write().await?;
        let id = Digest::of(&report.body);
        let digest = id.to_string();
        let text = "SELECT counter, last_report, \
                    EXISTS (SELECT 1 FROM reports WHERE node = ?1 AND digest = ?2) FROM nodes WHERE id = ?1";
        let query = sqlx::query_as(text).bind(node.id).bind(&digest);
        let (counter, last, known): (i64, Option<String>, bool) = query.fetch_one(&mut *transaction).await?;
        let before = Before { counter: from_row(counter), last, known };
        let continuity = judge(&before, report, &digest);
        let alarm = if report.forked { Some("equivocation") } else { continuity.alarm() };
        if matches!(continuity, Continuity::Again) {
            return Ok(continuity);
        }
        if matches!(continuity, Continuity::Replay) {
            let query = sqlx::query("UPDATE nodes SET alarms = alarms + 1 WHERE id = ?").bind(node.id);
            query.execute(&mut *transaction).await?;
            transaction.commit().await?;
            return Ok(continuity);
        }
        let text = "INSERT INTO reports (node, counter, digest, prev, status, alarm, received, body, signature) \
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let query = sqlx::query(text).bind(node.id).bind(to_row(report.counter)).bind(&digest);
        let query = query.bind(report.prev.map(|d| d.to_string())).bind(&report.status).bind(alarm);
        let query = query.bind(report.received.unix()).bind(&report.body).bind(&report.signature);
        query.execute(&mut *transaction).await?;
        let entry = Entry::report(&node.name, report.counter, (id, report.prev));
        log::append(&mut transaction, &entry).await?;
        let text = "UPDATE nodes SET counter = ?, last_report = ?, alarms = alarms + ?, status = ?, \
                    seq = coalesce(?, seq), facts = ?, last_seen = ?, checkpoint = coalesce(?, checkpoint), \
                    forked = coalesce(forked, ?) WHERE id = ?";
        let query =
            sqlx::query(text).bind(to_row(report.counter)).bind(&digest).bind(i64::from(alarm.is_some()));
        let query = query.bind(&report.status).bind(report.seq.map(to_row));
        let query = query.bind(serde_json::Value::Object(report.facts.as_object().clone()).to_string());
        let query = query.bind(report.received.unix()).bind(report.checkpoint.map(|c| c.to_string()));
        let query = query.bind(report.forked.then_some(report.received.unix()));
        query.bind(node.id).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(continuity)
    }

    /// The last reports of a node, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reports(&self, node: &Node, limit: u32) -> Result<Vec<ReportRow>, StoreError> {
        let text = "SELECT counter, digest, status, alarm, received FROM reports WHERE node = ? \
                    ORDER BY id DESC LIMIT ?";
        let query = sqlx::query_as(text).bind(node.id).bind(limit);
        let rows: Vec<(i64, String, String, Option<String>, i64)> = query.fetch_all(&self.pool).await?;
        let row = |(counter, digest, status, alarm, received)| ReportRow {
            counter: from_row(counter),
            digest,
            status,
            alarm,
            received: Stamp::from_unix(received),
        };
        Ok(rows.into_iter().map(row).collect())
    }

    /// The reports of a node as they came, in order of arrival, those after row `after`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn kept_reports(&self, node: &Node, after: i64, limit: u32) -> Result<Vec<Kept>, StoreError> {
        let text = "SELECT id, body, signature FROM reports WHERE node = ? AND id > ? ORDER BY id LIMIT ?";
        let query = sqlx::query_as(text).bind(node.id).bind(after).bind(limit);
        let rows: Vec<(i64, Vec<u8>, String)> = query.fetch_all(&self.pool).await?;
        Ok(rows.into_iter().map(|(row, body, signature)| Kept { row, body, signature }).collect())
    }

    /// The bytes of the newest report of `node`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn newest_report(&self, node: &Node) -> Result<Option<Vec<u8>>, StoreError> {
        let text = "SELECT body FROM reports WHERE node = ? ORDER BY counter DESC, id DESC LIMIT 1";
        let query = sqlx::query_as(text).bind(node.id);
        let row: Option<(Vec<u8>,)> = query.fetch_optional(&self.pool).await?;
        Ok(row.map(|(body,)| body))
    }

    /// How many reports there are, and how many raised an alarm.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn report_counts(&self) -> Result<(u64, u64), StoreError> {
        let text = "SELECT (SELECT count(*) FROM reports), (SELECT coalesce(sum(alarms), 0) FROM nodes)";
        let (reports, alarms): (i64, i64) = sqlx::query_as(text).fetch_one(&self.pool).await?;
        Ok((from_row(reports), from_row(alarms)))
    }
}

/// What was known of a node when a report came.
struct Before {
    counter: u64,
    last: Option<String>,
    known: bool,
}

fn judge(before: &Before, report: &NewReport, digest: &str) -> Continuity {
    let follows = report.prev.map(|d| d.to_string()) == before.last;
    if before.last.as_deref() == Some(digest) {
        Continuity::Again
    } else if before.known {
        Continuity::Replay
    } else if report.counter <= before.counter {
        Continuity::Regression
    } else if report.counter > before.counter + 1 {
        Continuity::Gap
    } else if follows {
        Continuity::Next
    } else {
        Continuity::Fork
    }
}

#[cfg(test)]
mod tests;
