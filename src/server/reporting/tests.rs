//! Reports: the node's own are taken, all others refused, and histories that do not fit are noticed.

use crate::model::report::{Counts, Report, RunStatus};
use crate::model::wire::Signed;
use crate::model::{Digest, Facts};
use crate::server::testing::{NodeClient, REPO, World, now, signed};
use crate::signing::{SigningKey, report};
use crate::store::Node;
use std::collections::BTreeMap;

fn body(node: &str, counter: u64, prev: Option<Digest>) -> Report {
    let mut facts = Facts::default();
    facts.set(&"os.family".parse().unwrap(), "debian".into());
    Report {
        kind: "report".to_owned(),
        v: 1,
        repo: REPO.to_string(),
        node: node.parse().unwrap(),
        environment: "production".parse().unwrap(),
        counter,
        prev,
        run: format!("{counter:032x}"),
        trigger: None,
        release: None,
        cached: false,
        refusal: None,
        noop: false,
        status: RunStatus::Changed,
        noop_pending: false,
        corrective_change: false,
        started: now(),
        finished: now(),
        counts: Counts::default(),
        resources: Vec::new(),
        logs: Vec::new(),
        time: BTreeMap::new(),
        facts,
    }
}

fn sign(key: &SigningKey, report: &Report) -> Signed {
    let (bytes, signature) = report::sign(key, report);
    Signed { document: String::from_utf8(bytes).unwrap(), signatures: vec![signature] }
}

fn row(world: &World) -> Node {
    let name = "web1.web".parse().unwrap();
    world.database(async |database| database.nodes_named(&name).await.unwrap()).remove(0)
}

fn check(node: &NodeClient, report: &Signed, expected: u16) {
    let answer = node.post("/v1/report", report);
    assert_eq!(answer.status, expected, "{}", String::from_utf8_lossy(&answer.body));
}

#[test]
fn a_report_is_recorded_with_facts_and_a_lost_answer_does_no_harm() {
    let world = World::start();
    let node = world.node("web1.web");
    let first = sign(&node.keys.report, &body("web1.web", 1, None));
    check(&node, &first, 204);
    check(&node, &first, 204);
    let prev = Some(Digest::of(first.document.as_bytes()));
    check(&node, &sign(&node.keys.report, &body("web1.web", 2, prev)), 204);
    let row = row(&world);
    assert_eq!((row.counter, row.alarms, row.status.as_deref()), (2, 0, Some("changed")));
    assert_eq!(row.facts.get("os.family").unwrap(), "debian");
}

#[test]
fn d26_what_the_node_did_not_sign_is_refused_and_not_kept() {
    let world = World::start();
    let node = world.node("web1.web");
    let other = world.node("web2.web");
    let good = sign(&node.keys.report, &body("web1.web", 1, None));
    check(&node, &sign(&other.keys.report, &body("web1.web", 1, None)), 403);
    check(&other, &good, 403);
    check(&other, &sign(&other.keys.report, &body("web1.web", 1, None)), 403);
    let edited = Signed { document: good.document.replace("changed", "failed"), ..good.clone() };
    check(&node, &edited, 403);
    let unsigned = Signed { signatures: vec![], ..good.clone() };
    check(&node, &unsigned, 400);
    let other_purpose = signed(good.document.as_bytes(), &node.keys.report, "git");
    check(&node, &other_purpose, 403);
    let other_repo = Report { repo: "0".repeat(64), ..body("web1.web", 1, None) };
    check(&node, &sign(&node.keys.report, &other_repo), 403);
    assert_eq!((row(&world).counter, row(&world).status), (0, None));
    assert_eq!(world.audited().iter().filter(|action| *action == "report-refused").count(), 6);
}

#[test]
fn d26_d27_gaps_and_replays_raise_alarms() {
    let world = World::start();
    let node = world.node("web1.web");
    let first = sign(&node.keys.report, &body("web1.web", 1, None));
    check(&node, &first, 204);
    check(&node, &sign(&node.keys.report, &body("web1.web", 3, None)), 204);
    check(&node, &first, 409);
    check(&node, &sign(&node.keys.report, &body("web1.web", 2, None)), 204);
    assert_eq!(row(&world).alarms, 3);
    assert_eq!(world.audited().iter().filter(|action| *action == "report-alarm").count(), 3);
    let page = String::from_utf8(world.stranger().get("/metrics").body).unwrap();
    assert!(page.contains("\ncountersign_report_alarms_total 3\n"), "{page}");
    assert!(page.contains("countersign_nodes{state=\"accepted\",last_run=\"changed\"} 1"), "{page}");
}

#[test]
fn d46_facts_are_bounded_in_size_and_depth() {
    let world = World::start();
    let node = world.node("web1.web");
    let mut large = body("web1.web", 1, None);
    large.facts.set(&"hostname".parse().unwrap(), "x".repeat(300_000).into());
    check(&node, &sign(&node.keys.report, &large), 400);
    let text = String::from_utf8(crate::model::canonical::encode(&body("web1.web", 1, None))).unwrap();
    let deep = text.replace("\"debian\"", &format!("{}1{}", "[".repeat(500), "]".repeat(500)));
    check(&node, &signed(deep.as_bytes(), &node.keys.report, report::NAMESPACE), 403);
    assert_eq!(row(&world).counter, 0);
}
