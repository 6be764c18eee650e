//! Names, keys and tokens: who gets a name, and who does not.

use super::*;

const NOW: Stamp = Stamp::from_unix(1_800_000_000);

fn application(name: &str, key: &str) -> Application {
    Application {
        name: name.parse().unwrap(),
        key: Digest::of(key.as_bytes()),
        report_key: format!("report key of {key}"),
        token: None,
        now: NOW,
    }
}

fn with_token(name: &str, key: &str, token: &str) -> Application {
    Application { token: Some(Digest::of(token.as_bytes())), ..application(name, key) }
}

async fn give_token(database: &Database, token: &str, scope: &str) {
    let hash = Digest::of(token.as_bytes());
    let scope = TokenScope::parse(scope).unwrap();
    let row = TokenRow { hash, scope, created: NOW, expires: NOW.plus(3600) };
    database.add_token(&row).await.unwrap();
}

/// One word for the answer.
async fn check(database: &Database, application: &Application, expected: &str) {
    let answer = match database.enrol(application).await.unwrap() {
        Enrolment::Accepted(node) => {
            assert_eq!((&node.name, node.key), (&application.name, application.key));
            "accepted".to_owned()
        }
        Enrolment::Waiting => "waiting".to_owned(),
        Enrolment::Refused(why) => format!("{why:?}"),
    };
    assert_eq!(answer, expected);
}

async fn decide(database: &Database, name: &str, key: &str, to: NodeState) {
    let node = database.node(&name.parse().unwrap(), &Digest::of(key.as_bytes())).await.unwrap().unwrap();
    assert!(database.decide(&node, to, NOW).await.unwrap());
}

#[tokio::test]
async fn a_request_waits_until_somebody_decides() {
    let database = Database::in_memory().await.unwrap();
    check(&database, &application("web1", "a"), "waiting").await;
    check(&database, &application("web1", "a"), "waiting").await;
    assert_eq!(database.nodes_named(&"web1".parse().unwrap()).await.unwrap().len(), 1);
    decide(&database, "web1", "a", NodeState::Accepted).await;
    check(&database, &application("web1", "a"), "accepted").await;
    check(&database, &application("web2", "b"), "waiting").await;
    decide(&database, "web2", "b", NodeState::Denied).await;
    check(&database, &application("web2", "b"), "Denied").await;
}

#[tokio::test]
async fn d44_a_new_key_under_an_old_name_needs_a_removal_and_sees_nothing_old() {
    let database = Database::in_memory().await.unwrap();
    check(&database, &application("web1", "old"), "waiting").await;
    decide(&database, "web1", "old", NodeState::Accepted).await;
    give_token(&database, "t", "web1").await;
    check(&database, &with_token("web1", "new", "t"), "NameHeldByAnotherKey").await;
    decide(&database, "web1", "old", NodeState::Removed).await;
    check(&database, &application("web1", "old"), "Removed").await;
    check(&database, &with_token("web1", "new", "t"), "accepted").await;
    let rows = database.nodes_named(&"web1".parse().unwrap()).await.unwrap();
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|node| node.facts == crate::model::Facts::default() && node.seq.is_none()));
}

#[tokio::test]
async fn two_keys_never_hold_one_name() {
    let database = Database::in_memory().await.unwrap();
    check(&database, &application("web1", "a"), "waiting").await;
    check(&database, &application("web1", "b"), "waiting").await;
    decide(&database, "web1", "a", NodeState::Accepted).await;
    let second = database.node(&"web1".parse().unwrap(), &Digest::of(b"b")).await.unwrap().unwrap();
    assert!(database.decide(&second, NodeState::Accepted, NOW).await.is_err());
}

#[tokio::test]
async fn d43_a_token_is_good_once_for_its_names_for_an_hour() {
    let database = Database::in_memory().await.unwrap();
    give_token(&database, "one", "web1").await;
    check(&database, &with_token("web2", "b", "one"), "Token").await;
    check(&database, &with_token("web1", "a", "unknown"), "Token").await;
    let late = Application { now: NOW.plus(3600), ..with_token("web1", "a", "one") };
    check(&database, &late, "Token").await;
    assert!(database.nodes_in(NodeState::Requested).await.unwrap().is_empty());
    check(&database, &with_token("web1", "a", "one"), "accepted").await;
    decide(&database, "web1", "a", NodeState::Removed).await;
    check(&database, &with_token("web1", "c", "one"), "Token").await;
}

#[tokio::test]
async fn d43_a_suffix_covers_whole_labels_only() {
    let scope = TokenScope::parse("*.web.example").unwrap();
    for (name, covered) in [("a.web.example", true), ("a.b.web.example", true), ("aweb.example", false)] {
        assert_eq!(scope.covers(&name.parse().unwrap()), covered, "{name}");
    }
    assert!(!scope.covers(&"web.example".parse().unwrap()));
    assert!(TokenScope::parse("*").is_err());
}

#[tokio::test]
async fn the_report_key_stays_and_waiting_requests_are_bounded() {
    let database = Database::in_memory().await.unwrap();
    check(&database, &application("web1", "a"), "waiting").await;
    let other = Application { report_key: "another".into(), ..application("web1", "a") };
    check(&database, &other, "AnotherReportKey").await;
    for key in ["b", "c", "d"] {
        check(&database, &application("web1", key), "waiting").await;
    }
    check(&database, &application("web1", "e"), "TooManyWaiting").await;
}
