//! Histories of reports: the good one, and those that raise an alarm.

use super::*;
use crate::store::enrol::{Application, Enrolment};

const NOW: Stamp = Stamp::from_unix(1_800_000_000);

async fn node(database: &Database) -> Node {
    let application = Application {
        name: "web1".parse().unwrap(),
        key: Digest::of(b"key"),
        report_key: "report key".into(),
        token: None,
        now: NOW,
    };
    assert!(matches!(database.enrol(&application).await.unwrap(), Enrolment::Waiting));
    database.node(&application.name, &application.key).await.unwrap().unwrap()
}

fn report(counter: u64, text: &str, prev: Option<&str>) -> NewReport {
    NewReport {
        body: text.into(),
        signature: "signature".into(),
        counter,
        prev: prev.map(|before| Digest::of(before.as_bytes())),
        status: "changed".into(),
        seq: Some(counter),
        checkpoint: None,
        forked: false,
        facts: Facts::default(),
        received: NOW,
    }
}

/// Adds the reports in order and compares what each is taken for.
async fn check(history: &[(NewReport, Continuity)], alarms: u64) {
    let database = Database::in_memory().await.unwrap();
    let node = node(&database).await;
    for (report, expected) in history {
        let text = String::from_utf8_lossy(&report.body).into_owned();
        assert_eq!(database.add_report(&node, report).await.unwrap(), *expected, "{text}");
    }
    let after = database.node(&node.name, &node.key).await.unwrap().unwrap();
    assert_eq!(after.alarms, alarms);
}

#[tokio::test]
async fn a_history_goes_on_and_a_repeated_last_report_is_no_alarm() {
    let history = [
        (report(1, "a", None), Continuity::Next),
        (report(2, "b", Some("a")), Continuity::Next),
        (report(2, "b", Some("a")), Continuity::Again),
        (report(3, "c", Some("b")), Continuity::Next),
    ];
    check(&history, 0).await;
}

#[tokio::test]
async fn d26_gaps_forks_and_replays_are_noticed() {
    let history = [
        (report(1, "a", None), Continuity::Next),
        (report(2, "b", Some("z")), Continuity::Fork),
        (report(4, "d", Some("b")), Continuity::Gap),
        (report(1, "a", None), Continuity::Replay),
    ];
    check(&history, 3).await;
}

#[tokio::test]
async fn d27_a_restored_node_raises_an_alarm_once_and_goes_on() {
    let history = [
        (report(1, "a", None), Continuity::Next),
        (report(2, "b", Some("a")), Continuity::Next),
        (report(2, "b2", Some("a")), Continuity::Regression),
        (report(3, "c", Some("b2")), Continuity::Next),
    ];
    check(&history, 1).await;
}

#[tokio::test]
async fn t13_who_reports_nothing_for_too_long_is_silent() {
    let database = Database::in_memory().await.unwrap();
    let node = node(&database).await;
    let silent = async |at: Stamp| database.silent(at.plus(-3600)).await.unwrap();
    assert_eq!(silent(NOW.plus(99_999)).await, [], "who was never accepted is not expected to report");
    assert!(database.decide(&node, crate::store::NodeState::Accepted, NOW).await.unwrap());
    assert_eq!(silent(NOW.plus(3599)).await, []);
    let never = silent(NOW.plus(3600)).await;
    assert_eq!((never.len(), never[0].last_report), (1, None));
    let late = NewReport { received: NOW.plus(3600), ..report(1, "a", None) };
    assert_eq!(database.add_report(&node, &late).await.unwrap(), Continuity::Next);
    assert_eq!(silent(NOW.plus(7199)).await, []);
    // That it asks for catalogs and triggers does not count: its reports may be held back.
    database.seen(&node, NOW.plus(7200)).await.unwrap();
    let silent = silent(NOW.plus(7200)).await;
    assert_eq!((silent.len(), silent[0].last_report), (1, Some(NOW.plus(3600))));
}
