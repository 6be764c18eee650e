//! Push from the operator's word to the node's answer, and every word that is not an operator's.

use super::*;
use crate::model::wire::NodePush;
use crate::server::Limits;
use crate::server::testing::{NodeClient, REPO, World, key_of, now, signed, trigger};
use crate::signing::document::{Document, V};
use crate::signing::query::Query as NodeQuery;
use std::time::Duration;

const FRANK: (&str, &str) = ("frank", "frank");

fn poll(node: &NodeClient, after: u64) -> Triggers {
    node.get(&format!("/v1/triggers?after={after}")).json()
}

fn say(node: &NodeClient, id: &str, state: NodePush) -> u16 {
    let body = TriggerState { state, message: "so\u{1b}[31m far\n".to_owned() };
    node.post(&format!("/v1/trigger/{id}"), &body).status
}

#[test]
fn d46_a_message_is_one_short_line() {
    assert_eq!(one_line("a\n\u{1b}[31mb"), "a  [31mb");
    assert_eq!(one_line(&"x".repeat(2000)).len(), MESSAGE);
}

#[test]
fn a_trigger_reaches_the_nodes_that_it_names_and_news_come_back() {
    let world = World::with(Limits { trigger_poll: Duration::from_secs(10), ..Limits::default() });
    let (named, other) = (world.node("web1.web"), world.node("web2.web"));
    let sent = trigger(1, FRANK, &["web1.web"]);
    let (got, accepted) = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| poll(&named, 0));
        while !String::from_utf8_lossy(&world.stranger().get("/metrics").body)
            .contains("countersign_push_connections 1")
        {
            std::thread::sleep(Duration::from_millis(10));
        }
        let accepted: PushAccepted = world.stranger().post("/v1/push", &sent).json();
        (waiting.join().unwrap(), accepted)
    });
    assert_eq!(accepted.connected, ["web1.web".parse().unwrap()]);
    assert_eq!(got.triggers, [sent]);
    assert_eq!(say(&named, &accepted.id, NodePush::Running), 204);
    assert_eq!(say(&other, &accepted.id, NodePush::Done), 403);
    let news: PushEvents = world.stranger().get(&format!("/v1/push/{}", accepted.id)).json();
    let states: Vec<_> = news.events.iter().map(|event| (event.node.as_str(), event.state)).collect();
    assert_eq!(states, [("web1.web", NodePush::Running)]);
    assert_eq!(news.events[0].message, "so [31m far ");
    assert_eq!(say(&named, &accepted.id, NodePush::Done), 204);
    let more: PushEvents =
        world.stranger().get(&format!("/v1/push/{}?after={}", accepted.id, news.next)).json();
    assert_eq!(more.events.iter().map(|event| event.state).collect::<Vec<_>>(), [NodePush::Done]);
}

#[test]
fn a_node_that_comes_later_gets_the_trigger_also_after_a_restart_of_the_hub() {
    let world = World::start();
    let (named, other) = (world.node("web1.web"), world.node("web2.web"));
    assert_eq!(world.stranger().post("/v1/push", &trigger(1, FRANK, &["web1.web"])).status, 200);
    let first = poll(&named, 0);
    assert_eq!(first.triggers.len(), 1);
    assert!(poll(&named, first.next).triggers.is_empty());
    assert!(poll(&other, 0).triggers.is_empty());
    let again = world.restart();
    assert_eq!(named.at(&again).get("/v1/triggers?after=0").json::<Triggers>().triggers.len(), 1);
}

#[test]
fn d23_what_no_operator_signed_reaches_nobody() {
    let world = World::start();
    let node = world.node("web1.web");
    let good = trigger(1, FRANK, &["web1.web"]);
    let unsigned = Signed { signatures: vec![], ..good.clone() };
    let altered = Signed { document: good.document.replace("web1.web", "web2.web"), ..good.clone() };
    let timestamp_key = std::fs::read(world.layout.timestamp_key()).unwrap();
    let servers = crate::signing::SigningKey::from_openssh(&timestamp_key).unwrap();
    let by_server = signed(good.document.as_bytes(), &servers, Trigger::NAMESPACE);
    let other_purpose = signed(good.document.as_bytes(), &key_of("frank"), "git");
    for (what, bad) in [
        ("unsigned", unsigned),
        ("altered", altered),
        ("signed by a reviewer in the operator's name", trigger(2, ("frank", "alice"), &["web1.web"])),
        ("by a reviewer", trigger(3, ("alice", "alice"), &["web1.web"])),
        ("outside the operator's nodes", trigger(4, FRANK, &["db1.db", "web1.web"])),
        ("forged by the server", by_server),
        ("signed for another purpose", other_purpose),
    ] {
        assert_eq!(world.stranger().post("/v1/push", &bad).status, 403, "{what}");
    }
    assert!(poll(&node, 0).triggers.is_empty());
    assert_eq!(world.database(async |database| database.trigger_count().await.unwrap()), 0);
    assert_eq!(world.audited().iter().filter(|action| *action == "push-refused").count(), 7);
}

#[test]
fn strangers_cannot_fill_the_audit_table() {
    let world = World::with(Limits::default());
    let unsigned = Signed { signatures: vec![], ..trigger(1, FRANK, &["web1.web"]) };
    for _ in 0..12 {
        assert_eq!(world.stranger().post("/v1/push", &unsigned).status, 403);
    }
    assert!((1..12).contains(&world.audited().len()), "{:?}", world.audited());
}

#[test]
fn d24_d25_a_trigger_counts_once_and_an_operator_is_slowed_down() {
    let rate = crate::store::push::RateLimit { triggers: 2, seconds: 60 };
    let world = World::with(Limits { triggers: rate, ..Limits::default() });
    let push = |id| world.stranger().post("/v1/push", &trigger(id, FRANK, &["web1.web"])).status;
    assert_eq!([push(1), push(1), push(2), push(3)], [200, 409, 200, 429]);
    assert_eq!(world.database(async |database| database.trigger_count().await.unwrap()), 2);
}

#[test]
fn an_operator_sees_the_nodes_of_their_scope_and_others_see_none() {
    let world = World::start();
    let _nodes = [world.node("web1.web"), world.node("db1.db")];
    let query = |operator: &str, signer: &str| {
        let query = NodeQuery {
            document: NodeQuery::TYPE.to_owned(),
            v: V,
            repo: REPO,
            id: "0".repeat(32),
            operator: operator.parse().unwrap(),
            created: now(),
            expires: now().plus(60),
        };
        world.stranger().post("/v1/select", &signed(&query.encode(), &key_of(signer), NodeQuery::NAMESPACE))
    };
    let selection: Selection = query("frank", "frank").json();
    assert_eq!(selection.nodes.iter().map(|node| node.node.as_str()).collect::<Vec<_>>(), ["web1.web"]);
    for (operator, signer) in [("frank", "alice"), ("alice", "alice"), ("frank", "nobody")] {
        assert_eq!(query(operator, signer).status, 403, "{operator} by {signer}");
    }
}
