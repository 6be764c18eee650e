//! Whole runs of a node with a root directory of its own and a publication in a directory.

use super::*;
use crate::agent::apply::Wishes;
use crate::agent::brake::Brake;
use crate::agent::hold::HoldError;
use crate::agent::lock::LockError;
use crate::agent::report::exit_code;
use crate::agent::servers;
use crate::agent::stored::StoredError;
use crate::agent::testing::{Draft, NOW, World, now};
use crate::model::Digest;
use crate::model::report::RunStatus;
use crate::model::wire::Signed;
use crate::signing::report::{Break, Chain};
use std::path::{Path, PathBuf};

/// When the trust root of these tests ends.
const ROOT_END: Stamp = NOW.plus(365 * 86_400);

/// A node that joined, and release 1 in its source.
struct Scene {
    scratch: tempfile::TempDir,
    world: World,
    disk: Disk,
    order: Order,
}

impl Scene {
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let mut world = World::new();
        let (disk, _) = world.node(&scratch.path().join("agent"));
        let publication = scratch.path().join("publication");
        world.publish(&publication, &Draft::of("one"));
        let root = scratch.path().join("root");
        std::fs::create_dir(&root).unwrap();
        servers::keep(&disk, &[publication.to_str().unwrap().to_owned()]).unwrap();
        let order = Order {
            mode: Mode::Converge,
            root,
            wishes: Wishes::default(),
            reach: Reach::Servers,
            because: Vec::new(),
            fallback: Fallback::Cached,
            trigger: None,
            patience: Duration::ZERO,
            budget: Duration::from_secs(60),
            time: None,
            brake: Brake::default(),
            outlets: Outlets::default(),
        };
        Self { scratch, world, disk, order }
    }

    fn publication(&self) -> PathBuf {
        self.scratch.path().join("publication")
    }

    fn motd(&self) -> Option<String> {
        std::fs::read_to_string(self.order.root.join("motd")).ok()
    }

    fn write_motd(&self, text: &str) {
        std::fs::write(self.order.root.join("motd"), text).unwrap();
    }

    fn run(&self) -> Report {
        self.run_at(now)
    }

    fn run_at(&self, clock: Clock) -> Report {
        run(&self.disk, &self.order, clock, &mut |_| {}).unwrap().report
    }

    fn fails(&self) -> RunError {
        run(&self.disk, &self.order, now, &mut |_| {}).unwrap_err()
    }
}

fn remove(path: &Path) {
    std::fs::remove_dir_all(path).unwrap();
}

#[test]
fn a_run_converges_once_and_then_has_nothing_to_do() {
    let scene = Scene::new();
    let first = scene.run();
    assert_eq!((exit_code(&first), scene.motd().as_deref()), (2, Some("one")), "{:#?}", first.logs);
    let second = scene.run();
    assert_eq!((exit_code(&second), second.status), (0, RunStatus::Unchanged));
    let state = stored::load(&scene.disk).unwrap().unwrap();
    assert_eq!(state.applied().map(|applied| applied.seq), Some(1));
}

#[test]
fn drift_is_put_back_and_called_so() {
    let scene = Scene::new();
    assert!(!scene.run().corrective_change);
    scene.write_motd("defaced");
    let report = scene.run();
    assert_eq!((exit_code(&report), report.corrective_change), (2, true));
    assert_eq!(scene.motd().as_deref(), Some("one"));
}

#[test]
fn a_record_that_cannot_be_read_costs_one_word_about_drift_and_is_made_anew() {
    let scene = Scene::new();
    let whole = || stored_text(&scene.disk, "record.whole");
    let release = scene.run().release.unwrap().id;
    assert_eq!(whole().as_deref(), Some(release.to_string().as_str()));
    for (text, corrective) in [("{", false), ("{}", false)] {
        scene.disk.write("record.json", text.as_bytes()).unwrap();
        for expected in [corrective, true] {
            scene.write_motd("defaced");
            assert_eq!(scene.run().corrective_change, expected, "{text}");
        }
    }
    // The name of the release comes back with the next run that finds everything as it should be.
    scene.run();
    assert_eq!(whole().as_deref(), Some(release.to_string().as_str()));
}

fn stored_text(disk: &Disk, name: &str) -> Option<String> {
    disk.read(name, 1024).unwrap().map(|bytes| String::from_utf8(bytes).unwrap())
}

#[test]
fn noop_changes_nothing_and_has_an_exit_code_of_its_own() {
    let mut scene = Scene::new();
    scene.order.mode = Mode::Noop;
    let report = scene.run();
    assert_eq!((exit_code(&report), report.noop_pending, scene.motd()), (8, true, None));
    let state = stored::load(&scene.disk).unwrap().unwrap();
    assert_eq!(state.applied(), None);
}

#[test]
fn without_a_source_the_last_release_is_enforced_and_that_is_no_success() {
    let scene = Scene::new();
    scene.run();
    remove(&scene.publication());
    let idle = scene.run();
    assert_eq!((exit_code(&idle), idle.cached), (1, true));
    assert_eq!(idle.refusal.map(|refused| refused.code).as_deref(), Some("MISSING"));
    scene.write_motd("defaced");
    let repaired = scene.run();
    assert_eq!((exit_code(&repaired), repaired.counts.changed), (1, 1));
    assert_eq!(scene.motd().as_deref(), Some("one"));
}

#[test]
fn test_uses_nothing_from_disk() {
    let mut scene = Scene::new();
    scene.run();
    remove(&scene.publication());
    scene.write_motd("defaced");
    scene.order.fallback = Fallback::Nothing;
    let report = scene.run();
    assert_eq!((exit_code(&report), report.release), (1, None));
    assert_eq!(scene.motd().as_deref(), Some("defaced"));
}

#[test]
fn t5_after_the_hold_a_node_only_looks() {
    let scene = Scene::new();
    scene.run();
    scene.write_motd("defaced");
    let frozen = scene.run_at(|| NOW.plus(2 * 86_400));
    assert_eq!(frozen.refusal.map(|refused| refused.code).as_deref(), Some("FREEZE"));
    assert_eq!((frozen.noop, scene.motd().as_deref()), (false, Some("one")));
    scene.write_motd("defaced");
    let held = scene.run_at(|| NOW.plus(9 * 86_400));
    assert_eq!((held.noop, held.noop_pending, exit_code(&held)), (true, true, 16));
    assert_eq!(scene.motd().as_deref(), Some("defaced"));
}

fn says(report: &Report, text: &str) -> bool {
    report.logs.iter().any(|line| line.message.contains(text))
}

#[test]
fn t5_a_local_administrator_holds_a_node_once_and_every_report_says_so() {
    let mut scene = Scene::new();
    scene.run();
    const LATE: Stamp = NOW.plus(9 * 86_400);
    let (until, reason) = (LATE.plus(2 * 86_400), "the line is cut");
    let state = || stored::load(&scene.disk).unwrap().unwrap();
    let hold = |until| hold::hold(&scene.disk, &state(), (reason, until), LATE);
    assert!(matches!(hold(LATE), Err(HoldError::Until { .. })));
    assert!(matches!(hold(LATE.plus(hold::LONGEST + 1)), Err(HoldError::Until { .. })));
    let silent = hold::hold(&scene.disk, &state(), (" ", until), LATE);
    assert!(matches!(silent, Err(HoldError::Reason)));
    hold(until).unwrap();
    scene.write_motd("defaced");
    let report = scene.run_at(|| LATE);
    assert_eq!((report.noop, exit_code(&report), scene.motd().as_deref()), (false, 16, Some("one")));
    assert!(says(&report, "Held by a local administrator") && says(&report, reason), "{:#?}", report.logs);
    scene.write_motd("defaced");
    let after = scene.run_at(|| LATE.plus(3 * 86_400));
    assert_eq!((after.noop, scene.motd().as_deref()), (true, Some("defaced")));
    assert!(says(&after, "ALARM: release 1 on disk expired"), "{:#?}", after.logs);
    assert!(!says(&after, "Held by"));
    assert!(matches!(hold(until), Err(HoldError::Again(_))));
    assert!(hold::end(&scene.disk, &state(), LATE).unwrap());
    assert!(scene.run_at(|| LATE).noop, "it was ended");
    assert!(matches!(hold(until), Err(HoldError::Again(_))), "ending it does not make another one possible");
    // A fresh word ends the silence; in the next one there may be another hold.
    let publication = scene.publication();
    scene.world.stamp(&publication, LATE);
    let fresh = scene.run_at(|| LATE);
    assert_eq!((fresh.noop, fresh.refusal), (false, None));
    let state = stored::load(&scene.disk).unwrap().unwrap();
    hold::hold(&scene.disk, &state, (reason, until), LATE).unwrap();
}

#[test]
fn a_trust_root_that_ends_soon_is_in_the_report() {
    let scene = Scene::new();
    let early = scene.run();
    assert!(!says(&early, "The trust root ends"));
    let late = scene.run_at(|| ROOT_END.plus(-6 * 86_400));
    assert!(says(&late, "(urgent)"), "{:#?}", late.logs);
    let over = scene.run_at(|| ROOT_END.plus(1));
    assert_eq!(over.refusal.as_ref().map(|refused| refused.code.as_str()), Some("ROOT_EXPIRED"));
    assert_eq!((exit_code(&over), over.noop), (16, true));
    assert!(says(&over, "(expired)"), "{:#?}", over.logs);
}

#[test]
fn t9_a_refused_release_leaves_the_old_one_in_force() {
    let mut scene = Scene::new();
    scene.run();
    let publication = scene.publication();
    scene.world.publish(&publication, &Draft::of("evil").signed_by(&["alice"]));
    scene.write_motd("defaced");
    let report = scene.run();
    assert_eq!(report.refusal.map(|refused| refused.code).as_deref(), Some("THRESHOLD"));
    assert_eq!(report.release.map(|release| release.seq), Some(1));
    assert_eq!(scene.motd().as_deref(), Some("one"));
}

/// What every line of a report says.
fn said(report: &Report) -> String {
    report.logs.iter().map(|line| format!("{}\n", line.message)).collect()
}

#[test]
fn d33_an_emergency_is_told_in_every_report_and_ends_by_itself() {
    let mut scene = Scene::new();
    scene.run();
    let publication = scene.publication();
    scene.world.publish(&publication, &Draft::emergency("two"));
    for _ in 0..2 {
        let during = scene.run();
        assert!(said(&during).contains("EMERGENCY release 2 by dan: test; it ends at"), "{}", said(&during));
        assert_eq!(scene.motd().as_deref(), Some("two"));
    }
    // Four hours later nobody has ratified it: the node is again what it was.
    scene.world.stamp(&publication, NOW.plus(3 * 3600));
    scene.run_at(|| NOW.plus(3 * 3600));
    scene.world.stamp(&publication, NOW.plus(4 * 3600 - 60));
    scene.run_at(|| NOW.plus(4 * 3600 - 60));
    let after = scene.run_at(|| NOW.plus(4 * 3600 + 1));
    assert_eq!(after.refusal.as_ref().map(|refused| refused.code.as_str()), Some("UNRATIFIED"));
    assert!(
        said(&after).contains("Emergency release 2 was not ratified: back to release 1"),
        "{}",
        said(&after)
    );
    assert_eq!(
        (scene.motd().as_deref(), after.release.as_ref().map(|release| release.seq)),
        (Some("one"), Some(1))
    );
    // Ratified late, it is in force once more.
    scene.world.ratify(&publication, &["alice", "bob"]);
    scene.world.stamp(&publication, NOW.plus(5 * 3600));
    let ratified = scene.run_at(|| NOW.plus(5 * 3600));
    assert_eq!((scene.motd().as_deref(), &ratified.refusal), (Some("two"), &None));
    assert!(!said(&ratified).contains("EMERGENCY"), "{}", said(&ratified));
    std::fs::remove_dir_all(&publication).unwrap();
    let alone = scene.run_at(|| NOW.plus(5 * 3600 + 1));
    assert_eq!(alone.release.map(|release| release.seq), Some(2), "the ratification is on the disk, too");
}

#[test]
fn d26_reports_are_signed_and_chained_and_wait_for_a_server() {
    let scene = Scene::new();
    let (first, second) = (scene.run(), scene.run());
    assert_eq!((first.counter, first.prev, second.counter), (1, None, 2));
    let identity = Identity::load(&scene.disk).unwrap();
    let names = scene.disk.list("outbox").unwrap();
    assert_eq!(names.len(), 2);
    let mut prev = None;
    for name in names {
        let bytes = scene.disk.read(&format!("outbox/{name}"), 1 << 20).unwrap().unwrap();
        let signed: Signed = serde_json::from_slice(&bytes).unwrap();
        let key = identity.report_key().public();
        let document = signed.document.as_bytes();
        let report = crate::signing::report::verify(&key, document, &signed.signatures[0]).unwrap();
        assert_eq!(report.prev, prev);
        prev = Some(Digest::of(document));
    }
    assert_eq!(report::last(&scene.disk).unwrap(), Some(second));
}

/// The chain of the reports that wait in the node's outbox, as a server would keep them.
fn chain(scene: &Scene, keep: impl Fn(usize) -> bool, edit: &str) -> Chain {
    let identity = Identity::load(&scene.disk).unwrap();
    let mut chain = Chain::default();
    for (at, name) in scene.disk.list("outbox").unwrap().iter().enumerate().filter(|(at, _)| keep(*at)) {
        let bytes = scene.disk.read(&format!("outbox/{name}"), 1 << 20).unwrap().unwrap();
        let signed: Signed = serde_json::from_slice(&bytes).unwrap();
        let document = if at == 1 { signed.document.replace(edit, "") } else { signed.document };
        chain.add(&identity.report_key().public(), document.as_bytes(), &signed.signatures[0]);
    }
    chain
}

#[test]
fn d26_a_report_that_a_server_left_out_shows_to_whoever_looks() {
    let scene = Scene::new();
    for _ in 0..4 {
        scene.run();
    }
    let whole = chain(&scene, |_| true, "\0");
    assert!(whole.breaks.is_empty() && whole.reports == 4, "{whole:?}");
    let state = stored::load(&scene.disk).unwrap().unwrap();
    assert_eq!(whole.last.map(|(counter, id)| (counter, Some(id))), Some((4, state.report().prev)));
    let gap = chain(&scene, |at| at != 2, "\0");
    assert!(matches!(gap.breaks[..], [Break::Gap { after: 2, got: 4 }]), "{gap:?}");
    let first = chain(&scene, |at| at != 0, "\0");
    assert!(matches!(first.breaks[..], [Break::Gap { after: 0, got: 2 }]), "{first:?}");
    let edited = chain(&scene, |_| true, "web1");
    assert!(matches!(edited.breaks[..], [Break::Refused { place: 2, .. }, Break::Gap { .. }]), "{edited:?}");
    // What is cut off at the end is seen by whoever asks the node.
    let cut = chain(&scene, |at| at < 3, "\0");
    assert!(cut.breaks.is_empty());
    assert_ne!(cut.last.map(|(counter, _)| counter), Some(state.report().counter));
}

#[test]
fn a_trigger_that_demands_more_is_not_fulfilled() {
    let mut scene = Scene::new();
    scene.order.trigger = Some(Asked { id: "ab".repeat(16), min_seq: 2 });
    let report = scene.run();
    assert_eq!(report.refusal.as_ref().map(|refused| refused.code.as_str()), Some("BEHIND"));
    assert_eq!((exit_code(&report), report.trigger), (1, Some("ab".repeat(16))));
}

#[test]
fn a_disabled_or_busy_agent_does_not_run() {
    let scene = Scene::new();
    let wish = Disabled { reason: "disk swap".into(), owner: "dora".into(), since: NOW, until: None };
    disable::disable(&scene.disk, wish).unwrap();
    assert!(matches!(scene.fails(), RunError::Disabled(disabled) if disabled.reason == "disk swap"));
    disable::enable(&scene.disk).unwrap();
    let lock = RunLock::take(&scene.disk, Duration::ZERO).unwrap();
    assert!(matches!(scene.fails(), RunError::Lock(LockError::Held(_))));
    drop(lock);
    assert_eq!(scene.motd(), None);
    assert_eq!(exit_code(&scene.run()), 2);
}

#[test]
fn a_run_that_was_stopped_before_it_began_to_apply_is_not_taken_for_applied() {
    let mut scene = Scene::new();
    scene.order.brake.pull();
    let report = scene.run();
    assert_eq!(report.halted.as_ref().map(|halted| halted.code.as_str()), Some("STOPPED"));
    assert_eq!((exit_code(&report), report.counts.unreached, scene.motd()), (1, 1, None));
    let state = || stored::load(&scene.disk).unwrap().unwrap();
    assert_eq!((state().accepted().map(|accepted| accepted.seq), state().applied()), (Some(1), None));
    scene.order.brake.release();
    assert_eq!((exit_code(&scene.run()), scene.motd().as_deref()), (2, Some("one")));
    scene.order.time = Some(Duration::ZERO);
    let late = scene.run();
    assert_eq!(late.halted.map(|halted| halted.code).as_deref(), Some("RUN_TIMEOUT"));
}

#[test]
fn a_disabled_agent_reports_who_disabled_it_and_why() {
    let scene = Scene::new();
    scene.run();
    let wish = Disabled {
        reason: "disk swap".into(),
        owner: "dora".into(),
        since: NOW,
        until: Some(NOW.plus(7200)),
    };
    disable::disable(&scene.disk, wish.clone()).unwrap();
    let order = (&scene.order, &wish);
    let report = report_disabled(&scene.disk, order, now, &mut |_| {}).unwrap().report;
    assert_eq!((report.counter, report.release, report.resources.len()), (2, None, 0));
    assert_eq!(report.disabled, Some(wish.switch()));
    let after = scene.run_at(|| NOW.plus(7200));
    assert_eq!((after.disabled, after.status), (None, RunStatus::Unchanged));
}

#[test]
fn every_run_is_told_to_monitoring_in_whole_files() {
    let mut scene = Scene::new();
    let (summary, textfile) =
        (scene.scratch.path().join("summary.json"), scene.scratch.path().join("c.prom"));
    scene.order.outlets = Outlets { summary: Some(summary.clone()), textfile: Some(textfile.clone()) };
    scene.run();
    let json = || serde_json::from_slice::<serde_json::Value>(&std::fs::read(&summary).unwrap()).unwrap();
    assert_eq!((&json()["status"], &json()["version"]["config"]), (&"changed".into(), &1.into()));
    assert_eq!((&json()["resources"]["total"], &json()["changes"]["total"]), (&1.into(), &1.into()));
    assert_eq!(json()["time"]["last_run"], NOW.unix());
    let metrics = std::fs::read_to_string(&textfile).unwrap();
    for line in [
        "countersign_run_status{status=\"changed\"} 1",
        "countersign_run_status{status=\"failed\"} 0",
        "countersign_run_release 1",
        "countersign_run_resources{state=\"changed\"} 1",
        "countersign_disabled 0",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line}\n{metrics}");
    }
    assert_eq!(metrics.matches("# TYPE").count(), metrics.matches("# HELP").count());
    let own = scene.disk.read(crate::agent::summary::NAME, 1 << 20).unwrap().unwrap();
    assert_eq!(own, std::fs::read(&summary).unwrap());
    remove(&scene.publication());
    scene.order.brake.pull();
    scene.run();
    let metrics = std::fs::read_to_string(&textfile).unwrap();
    assert!(metrics.contains("countersign_run_code{what=\"halted\",code=\"STOPPED\"} 1"), "{metrics}");
    // A collector that is not there is told, and is no failure.
    scene.order.outlets.textfile = Some(scene.scratch.path().join("none/c.prom"));
    scene.order.brake.release();
    let mut said = Vec::new();
    let ran = run(&scene.disk, &scene.order, now, &mut |line| said.push(line.message.clone()));
    assert_eq!(ran.unwrap().report.counts.failed, 0);
    assert!(said.iter().any(|line| line.starts_with("Could not write ")), "{said:#?}");
}

#[test]
fn d27_a_damaged_state_stops_the_run() {
    let scene = Scene::new();
    scene.run();
    scene.write_motd("defaced");
    scene.disk.write("state.json", b"{}").unwrap();
    let error = scene.fails();
    let RunError::Stored(StoredError::Refusal(refusal)) = &error else { unreachable!("{error}") };
    assert_eq!(refusal.code(), "STATE");
    assert_eq!(scene.motd().as_deref(), Some("defaced"));
}

#[test]
fn t12_content_lost_from_disk_is_a_failure_and_not_an_empty_file() {
    let scene = Scene::new();
    scene.run();
    remove(&scene.publication());
    remove(&scene.disk.path("blob"));
    scene.write_motd("defaced");
    let report = scene.run();
    assert_eq!(exit_code(&report), 4, "{:#?}", report.logs);
    assert_eq!(scene.motd().as_deref(), Some("defaced"));
}

#[path = "safety_tests.rs"]
mod safety;
