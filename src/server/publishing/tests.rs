//! Who may see which file of the publication, and what a client need not fetch again.

use crate::model::{Catalog, Digest};
use crate::server::testing::{NodeClient, Publishing, World};

const RELEASE: Publishing<'_> =
    Publishing { seq: 1, prev: None, nodes: &["web1.web", "web2.web"], signers: &["alice", "bob"] };

fn catalog_path(node: &str) -> String {
    let catalog = Catalog::new("production".parse().unwrap(), node.parse().unwrap(), vec![], vec![]).encode();
    format!("/pub/catalog/{}", Digest::of(&catalog).hex())
}

fn check(node: &NodeClient, path: &str, expected: u16) {
    assert_eq!(node.get(path).status, expected, "{path}");
}

#[test]
fn t14_a_node_sees_its_own_and_nothing_of_others() {
    let world = World::start();
    world.publish(&RELEASE);
    let node = world.node("web1.web");
    let answer = node.get(&catalog_path("web1.web"));
    assert_eq!(answer.status, 200);
    assert_eq!(Catalog::decode(&answer.body).unwrap().node.as_str(), "web1.web");
    check(&node, "/pub/release/production/1/leaf/web1.web.json", 200);
    check(&node, "/pub/release/production/1/statement.json", 200);
    check(&node, "/pub/release/production/1/signatures.json", 200);
    assert!(world.audited().iter().all(|action| action != "forbidden"));
    check(&node, &catalog_path("web2.web"), 403);
    check(&node, "/pub/release/production/1/leaf/web2.web.json", 403);
    check(&node, &format!("/pub/blob/{}", Digest::of(b"somebody's file").hex()), 403);
    check(&node, &format!("/pub/catalog/{}", Digest::of(b"unknown").hex()), 403);
    assert_eq!(world.audited().iter().filter(|action| *action == "forbidden").count(), 4);
}

#[test]
fn a_node_without_a_leaf_gets_no_catalog() {
    let world = World::start();
    world.publish(&RELEASE);
    let node = world.node("db1.db");
    check(&node, &catalog_path("web1.web"), 403);
    check(&node, "/pub/release/production/1/leaf/db1.db.json", 404);
    check(&node, "/pub/release/production/2/statement.json", 404);
    check(&node, "/pub/release/production/01/statement.json", 404);
}

#[test]
fn a_removed_node_sees_nothing_at_its_next_request() {
    let world = World::start();
    world.publish(&RELEASE);
    let node = world.node("web1.web");
    check(&node, &catalog_path("web1.web"), 200);
    world.decide("web1.web", crate::store::NodeState::Accepted, crate::store::NodeState::Removed);
    check(&node, &catalog_path("web1.web"), 403);
}

#[test]
fn unchanged_content_is_not_sent_again() {
    let world = World::start();
    world.publish(&RELEASE);
    let node = world.node("web1.web");
    for (path, immutable) in [(catalog_path("web1.web"), true), ("/pub/root/1.json".to_owned(), false)] {
        let first = node.get(&path);
        let tag = first.header("etag").unwrap();
        assert_eq!(tag, format!("\"{}\"", Digest::of(&first.body).hex()));
        assert_eq!(first.header("cache-control").unwrap().contains("immutable"), immutable);
        let again = node.get_if_changed(&path, tag);
        assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, Some(tag)));
        assert_eq!(node.get_if_changed(&path, "\"other\"").status, 200);
    }
}

#[test]
fn a_new_release_is_seen_at_once() {
    let world = World::start();
    let first = world.publish(&RELEASE);
    let node = world.node("db1.db");
    check(&node, &catalog_path("db1.db"), 403);
    world.publish(&Publishing { seq: 2, prev: Some(first.id()), nodes: &["db1.db"], ..RELEASE });
    check(&node, &catalog_path("db1.db"), 200);
}

#[test]
fn withdrawals_and_ratifications_are_handed_out_when_there_are_any() {
    let world = World::start();
    world.publish(&RELEASE);
    let node = world.node("web1.web");
    let list = format!("/pub/withdrawals/{}", Digest::of(b"[]\n").hex());
    let ratification = "/pub/release/production/1/ratification.json";
    check(&node, &list, 404);
    check(&node, ratification, 404);
    let publication = crate::store::Publication::open(&world.layout.publication()).unwrap();
    let environment = "production".parse().unwrap();
    publication.set_withdrawals(&environment, b"[]\n").unwrap();
    let signatures = [("alice".parse().unwrap(), "signature".to_owned())];
    publication.set_ratification(&environment, 1, &signatures).unwrap();
    assert_eq!(node.get(&list).body, b"[]\n");
    assert_eq!(node.get(ratification).body, b"[\"signature\"]\n");
    check(&node, "/pub/withdrawals/production.json", 404);
}
