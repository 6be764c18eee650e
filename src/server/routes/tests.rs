//! Every route of the table, asked by those who may not use it.

use super::*;
use crate::server::testing::{Client, World, now};
use crate::store::NodeState;
use std::collections::BTreeMap;
use tokio::sync::watch;

/// The routes that need no certificate. This list only shrinks.
const WITHOUT_CERTIFICATE: &[&str] =
    &["/healthz", "/metrics", "/pub/root/{file}", "/v1/enroll", "/v1/push", "/v1/push/{id}", "/v1/select"];

/// What a stranger gets from those when they send nothing that anybody signed.
const STRANGER: &[(&str, u16)] = &[
    ("/healthz", 200),
    ("/metrics", 200),
    ("/pub/root/{file}", 200),
    ("/v1/enroll", 400),
    ("/v1/push", 400),
    ("/v1/push/{id}", 404),
    ("/v1/select", 400),
];

fn paths(world: &World) -> Vec<(String, &'static str, &'static str, Access)> {
    let (_stop, stopped) = watch::channel(false);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let setting =
        super::super::app::Setting { limits: super::super::Limits::default(), clock: now, stop: stopped };
    let app = runtime.block_on(App::open(world.layout.clone(), setting)).unwrap();
    let fill = |path: &str| {
        let digest = "0".repeat(64);
        let file = if path.contains("leaf") { "web1.web.json" } else { "1.json" };
        path.replace("{file}", if path.contains("timestamp") { "production.json" } else { file })
            .replace("{*path}", "checkpoint")
            .replace("{env}", "production")
            .replace("{seq}", "1")
            .replace("{digest}", &digest)
            .replace("{id}", &"0".repeat(32))
    };
    table(&app).iter().map(|route| (fill(route.path), route.path, route.method, route.access)).collect()
}

fn ask(client: &Client, method: &str, path: &str) -> u16 {
    client.send(&format!("{method} {path} HTTP/1.1\r\n"), b"{}").unwrap().status
}

#[test]
fn every_route_refuses_who_may_not_use_it() {
    let world = World::start();
    let routes = paths(&world);
    let open: Vec<&str> =
        routes.iter().filter(|route| route.3 != Access::Node).map(|(_, pattern, ..)| *pattern).collect();
    assert_eq!(
        open.iter().copied().collect::<std::collections::BTreeSet<_>>(),
        WITHOUT_CERTIFICATE.iter().copied().collect()
    );
    let expected: BTreeMap<&str, u16> = STRANGER.iter().copied().collect();
    let stranger = world.stranger();
    for (path, pattern, method, access) in &routes {
        let want = if *access == Access::Node { 401 } else { expected[pattern] };
        assert_eq!(ask(&stranger, method, path), want, "{method} {pattern} without a certificate");
    }
    let node = world.node("web1.web");
    world.decide("web1.web", NodeState::Accepted, NodeState::Denied);
    for (path, pattern, method, access) in &routes {
        if *access == Access::Node {
            assert_eq!(ask(&node, method, path), 403, "{method} {pattern} by a denied node");
        }
    }
    let refused = world.audited().into_iter().filter(|action| action == "not-accepted").count();
    assert_eq!(refused, routes.len() - open.len());
}

#[test]
fn other_paths_and_methods_do_nothing() {
    let world = World::start();
    let node = world.node("web1.web");
    for path in ["/", "/pub/", "/pub/root/", "/pub/root/..%2f..%2fserver.db", "/pub/root/server-ca.json"] {
        assert_eq!(ask(&node, "GET", path), 404, "{path}");
    }
    assert_eq!(ask(&node, "GET", "/v1/triggers?after=x"), 400);
    assert_eq!(ask(&node, "DELETE", "/v1/report"), 405);
    assert_eq!(ask(&node, "POST", "/pub/root/1.json"), 405);
}
