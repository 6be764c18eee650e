//! Entries get numbers without a gap, once each, and are not changed by mistake.

use super::*;
use crate::model::Digest;

fn entry(n: u64) -> Entry {
    Entry::root(n, Digest::of(&n.to_be_bytes()))
}

fn numbers(rows: &[LogRow]) -> Vec<u64> {
    rows.iter().map(|row| row.n).collect()
}

#[tokio::test]
async fn entries_are_numbered_in_their_order_and_stand_there_once() {
    let database = Database::in_memory().await.unwrap();
    database.append_log(&[entry(1), entry(2)]).await.unwrap();
    database.append_log(&[entry(2), entry(3), entry(1)]).await.unwrap();
    let rows = database.log_rows(0, 10).await.unwrap();
    assert_eq!(numbers(&rows), [0, 1, 2]);
    let stored: Vec<Entry> = rows.iter().map(|row| Entry::decode(&row.entry).unwrap()).collect();
    assert_eq!(stored, [entry(1), entry(2), entry(3)]);
    assert_eq!(numbers(&database.log_rows(1, 1).await.unwrap()), [1]);
}

#[tokio::test]
async fn d50_a_row_is_neither_edited_nor_deleted_by_mistake() {
    let database = Database::in_memory().await.unwrap();
    database.append_log(&[entry(1), entry(2)]).await.unwrap();
    for text in ["UPDATE log SET entry = x'00' WHERE n = 0", "DELETE FROM log WHERE n = 1"] {
        assert!(sqlx::query(text).execute(&database.pool).await.is_err(), "{text}");
    }
    assert_eq!(database.log_rows(0, 10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn d36_a_checkpoint_follows_the_one_that_its_signer_saw() {
    let database = Database::in_memory().await.unwrap();
    let at = |size| Checkpoint { size, root: Digest::of(b"root") };
    assert_eq!(database.log_signed().await.unwrap(), None);
    assert!(database.advance_log(None, at(3)).await.unwrap());
    assert!(!database.advance_log(None, at(4)).await.unwrap(), "another process signed");
    assert!(database.advance_log(Some(at(3)), at(4)).await.unwrap());
    assert_eq!(database.log_signed().await.unwrap(), Some(at(4)));
}
