//! Enrolment over HTTPS: who gets a certificate, and what a certificate is good for.

use super::*;
use crate::server::Limits;
use crate::server::authority::NODE_LIFE;
use crate::server::testing::{Client, NodeKeys, World, now};
use crate::store::NodeState;
use crate::store::enrol::{TokenRow, TokenScope};

fn give_token(world: &World, token: &str, scope: &str) {
    let scope = TokenScope::parse(scope).unwrap();
    let row =
        TokenRow { hash: Digest::of(token.as_bytes()), scope, created: now(), expires: now().plus(3600) };
    world.database(async |database| database.add_token(&row).await.unwrap());
}

fn is_denied(answer: &EnrollAnswer, why: EnrolRefusal) -> bool {
    *answer == EnrollAnswer::Denied(why.to_string())
}

#[test]
fn an_accepted_node_gets_a_certificate_and_may_renew_it() {
    let world = World::start();
    let node = world.node("web1.web");
    assert_eq!(node.get("/pub/timestamp/production.json").status, 404);
    let EnrollAnswer::Issued(again) = world.stranger().enroll(&node.keys.request(None)) else {
        unreachable!()
    };
    assert_ne!(again, node.pem);
    let renewed = Client::new(&world, Some((&again, &node.keys.tls)));
    assert_eq!(renewed.get("/v1/triggers").status, 200);
    let name = "web1.web".parse().unwrap();
    let rows = world.database(async |database| database.nodes_named(&name).await.unwrap());
    let expires = rows[0].expires.unwrap();
    assert!((NODE_LIFE - 60..=NODE_LIFE).contains(&expires.since(now())));
    assert!(rows[0].last_seen.is_some());
}

#[test]
fn d43_a_token_lets_one_key_in_once() {
    let world = World::start();
    give_token(&world, "secret", "*.web");
    let first = NodeKeys::new("web1.web");
    assert!(matches!(world.stranger().enroll(&first.request(Some("secret"))), EnrollAnswer::Issued(_)));
    let second = NodeKeys::new("web2.web");
    let answer = world.stranger().enroll(&second.request(Some("secret")));
    assert!(is_denied(&answer, EnrolRefusal::Token), "{answer:?}");
    assert!(
        world.database(async |database| database.nodes_in(NodeState::Requested).await.unwrap()).is_empty()
    );
    assert!(world.audited().contains(&"enrolment-refused".to_owned()));
}

#[test]
fn d44_another_key_does_not_get_a_name_that_is_held() {
    let world = World::start();
    let _holder = world.node("web1.web");
    let thief = NodeKeys::new("web1.web");
    let answer = world.stranger().enroll(&thief.request(None));
    assert!(is_denied(&answer, EnrolRefusal::NameHeldByAnotherKey), "{answer:?}");
    world.decide("web1.web", NodeState::Accepted, NodeState::Removed);
    let EnrollAnswer::Pending(shown) = world.stranger().enroll(&thief.request(None)) else { unreachable!() };
    let rows = world.database(async |database| database.nodes_in(NodeState::Requested).await.unwrap());
    assert_eq!(rows.iter().map(|node| node.key).collect::<Vec<_>>(), [shown]);
}

#[test]
fn d43_a_request_for_another_name_or_without_a_sound_key_is_malformed() {
    let world = World::start();
    let good = NodeKeys::new("web1.web").request(None);
    let other_name = EnrollRequest { node: "web2.web".parse().unwrap(), ..good.clone() };
    let no_request = EnrollRequest { csr: "hello".to_owned(), ..good.clone() };
    let no_key = EnrollRequest { report_key: "ssh-rsa AAAA".to_owned(), ..good };
    for bad in [&other_name, &no_request, &no_key] {
        assert_eq!(world.stranger().post("/v1/enroll", bad).status, 400);
    }
    let huge = vec![b' '; Limits::default().enrol_body + 1];
    assert_eq!(world.stranger().send("POST /v1/enroll HTTP/1.1\r\n", &huge).unwrap().status, 413);
    assert!(
        world.database(async |database| database.nodes_in(NodeState::Requested).await.unwrap()).is_empty()
    );
}

#[test]
fn enrolments_are_slowed_down() {
    let world = World::with(Limits { strangers: 1.0, ..Limits::default() });
    let request = NodeKeys::new("web1.web").request(None);
    let answers: Vec<_> = (0..3).map(|_| world.stranger().post("/v1/enroll", &request)).collect();
    let refused = answers.iter().find(|answer| answer.status == 429).unwrap();
    assert!(refused.header("retry-after").is_some());
}
