//! Reports: the node's own are taken, all others refused, and histories that do not fit are noticed.

use crate::model::report::{Counts, Refused, Report, RunStatus};
use crate::model::wire::Signed;
use crate::model::{Checkpoint, Digest, Facts};
use crate::server::testing::{NodeClient, Publishing, REPO, World, now, signed};
use crate::signing::log::{Entry, Tiles};
use crate::signing::tree::Ranges as _;
use crate::signing::{SigningKey, report};
use crate::store::Node;
use crate::store::report::{Continuity, NewReport};
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
        halted: None,
        disabled: None,
        checkpoint: None,
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

/// A release is published and the log with it is signed.
fn signed_log(world: &World) -> crate::model::Checkpoint {
    let case = Publishing { seq: 1, prev: None, nodes: &["web1.web"], signers: &["alice", "bob"] };
    world.publish(&case);
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        if let Some(signed) = world.database(async |database| database.log_signed().await.unwrap()) {
            return signed;
        }
        assert!(std::time::Instant::now() < end, "no log was signed");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn d36_a_node_that_has_seen_another_history_is_noticed_by_its_report() {
    let world = World::start();
    let node = world.node("web1.web");
    let ours = signed_log(&world);
    let publication = crate::store::Publication::open(&world.layout.publication()).unwrap();
    let mut tiles = Tiles::new(ours.size, |tile| publication.tile(tile).map(Option::unwrap_or_default));
    let earlier = tiles.root(0..4).unwrap();
    let earlier = Checkpoint { size: 4, root: Digest::from_bytes(earlier.0) };
    let mut prev = None;
    let mut send = |counter, checkpoint, code: Option<&str>| {
        let refusal = code.map(|code| Refused { code: code.to_owned(), message: "why".to_owned() });
        let report = Report { checkpoint, refusal, ..body("web1.web", counter, prev) };
        let signed = sign(&node.keys.report, &report);
        prev = Some(Digest::of(signed.document.as_bytes()));
        check(&node, &signed, 204);
        let row = row(&world);
        (row.forked.is_some(), row.alarms, row.checkpoint)
    };
    assert_eq!(send(1, None, Some("ROLLBACK")), (false, 0, None));
    assert_eq!(send(2, Some(earlier), None), (false, 0, Some(earlier)));
    assert_eq!(send(3, Some(ours), None), (false, 0, Some(ours)));
    // Another history of the same length, one that is longer than ours, and one that the node itself speaks of.
    let other = Checkpoint { root: Digest::of(b"another history"), ..earlier };
    assert_eq!(send(4, Some(other), None), (true, 1, Some(other)));
    assert_eq!(send(5, Some(Checkpoint { size: ours.size + 1, ..ours }), None).1, 2);
    assert_eq!(send(6, Some(ours), Some("LOG_FORK")), (true, 3, Some(ours)));
    // What was noticed once stays noticed.
    assert_eq!(send(7, Some(ours), None), (true, 3, Some(ours)));
    assert_eq!(world.audited().iter().filter(|action| *action == "equivocation").count(), 3);
}

#[test]
fn d26_a_report_is_in_the_log_when_it_is_acknowledged() {
    let world = World::start();
    let node = world.node("web1.web");
    let first = sign(&node.keys.report, &body("web1.web", 1, None));
    check(&node, &first, 204);
    let rows = world.database(async |database| database.log_rows(0, 100).await.unwrap());
    let id = Digest::of(first.document.as_bytes());
    let expected = Entry::report(&"web1.web".parse().unwrap(), 1, (id, None));
    assert!(rows.iter().any(|row| row.entry == expected.encode()));
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

#[test]
fn t13_a_node_that_is_kept_from_reporting_is_told_within_two_intervals() {
    let world = World::start();
    let (heard, kept) = (world.node("web1.web"), world.node("web2.web"));
    check(&heard, &sign(&heard.keys.report, &body("web1.web", 1, None)), 204);
    let silent = |world: &World| {
        let page = String::from_utf8(world.stranger().get("/metrics").body).unwrap();
        let line = page.lines().find_map(|line| line.strip_prefix("countersign_nodes_silent ")).unwrap();
        line.parse::<u32>().unwrap()
    };
    assert_eq!(silent(&world), 0);
    // It was accepted and reported two intervals ago, and still asks for its catalog today.
    let name = "web2.web".parse().unwrap();
    world.database(async |database| {
        let node = database.nodes_named(&name).await.unwrap().remove(0);
        let long_ago = now().plus(-3600);
        database.put_back(&node, long_ago).await;
        let signed = sign(&kept.keys.report, &body("web2.web", 1, None));
        let report = NewReport {
            body: signed.document.into_bytes(),
            signature: signed.signatures[0].clone(),
            counter: 1,
            prev: None,
            status: "changed".into(),
            seq: None,
            facts: Facts::default(),
            checkpoint: None,
            forked: false,
            received: long_ago,
        };
        assert_eq!(database.add_report(&node, &report).await.unwrap(), Continuity::Next);
    });
    assert_eq!(silent(&world), 1);
    let world = world.restart();
    assert_eq!(silent(&world), 1);
    let alarms = |world: &World| world.audited().iter().filter(|action| *action == "node-silent").count();
    // The watch of the new server looks at once; stopping it waits for that.
    let mut world = world;
    world.stop();
    assert_eq!(alarms(&world), 1);
}
