//! Budgets, health checks, the way back and the quarantine, in whole runs.

use super::*;
use crate::agent::bucket::Bucket;
use crate::agent::journal::{self, Change, Header, Journal};
use crate::agent::quarantine::{self, Lifted};
use crate::agent::testing::file;
use crate::agent::undo::{Access, Undo};
use crate::model::report::ResourceStatus;
use crate::model::resource::{Content, FileEnsure};
use crate::model::safety::{Budget, Check, Health};
use crate::model::{Catalog, Spec};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

fn code(report: &Report) -> Option<&str> {
    report.halted.as_ref().map(|halted| halted.code.as_str())
}

/// A release in which so many files are there, or not.
fn files(budget: Budget, ensure: FileEnsure, count: usize) -> impl Fn(&mut Catalog) + 'static {
    move |catalog| {
        catalog.budget = Some(budget);
        let content = || Some(Content::Text("x".into())).filter(|_| ensure != FileEnsure::Absent);
        catalog.resources.extend((0..count).map(|n| file(&format!("/f{n}"), ensure, content())));
    }
}

#[test]
fn a_run_that_would_be_more_than_its_budget_does_not_begin() {
    let mut scene = Scene::new();
    let publication = scene.publication();
    let five = Budget { changes: Some(5), deletions: Some(2), restarts: None };
    // The first run makes the node what it is: nothing bounds it.
    let everything = Draft::of("one").with(files(five, FileEnsure::File, 10));
    scene.world.publish(&publication, &everything);
    let first = scene.run();
    assert_eq!((code(&first), first.counts.changed), (None, 11), "{:#?}", first.logs);
    assert_eq!((code(&scene.run()), exit_code(&scene.run())), (None, 0));
    // Two deletions are allowed, three are not.
    scene.world.publish(&publication, &Draft::of("two").with(files(five, FileEnsure::Absent, 3)));
    let over = scene.run();
    assert_eq!((code(&over), exit_code(&over), scene.motd().as_deref()), (Some("BUDGET"), 1, Some("one")));
    assert!(says(&over, "4 changes (at most 5), 3 deletions (at most 2), 0 restarts"), "{:#?}", over.logs);
    assert!(says(&over, "too many deletions: file[/f0]: removed"), "{:#?}", over.logs);
    assert!(scene.order.root.join("f0").exists());
    let state = || stored::load(&scene.disk).unwrap().unwrap();
    assert_eq!(state().applied().map(|applied| applied.seq), Some(2));
    scene.world.publish(&publication, &Draft::of("two").with(files(five, FileEnsure::Absent, 2)));
    assert_eq!((code(&scene.run()), scene.motd().as_deref()), (None, Some("two")));
    // Changes are counted whatever made them: somebody rewrote every file.
    scene.world.publish(&publication, &Draft::of("two").with(files(five, FileEnsure::File, 10)));
    scene.write_motd("defaced");
    std::fs::write(scene.order.root.join("f5"), "defaced").unwrap();
    let within = scene.run();
    assert_eq!((code(&within), within.counts.changed), (None, 4), "{:#?}", within.logs);
    for n in 0..6 {
        std::fs::write(scene.order.root.join(format!("f{n}")), "defaced").unwrap();
    }
    assert_eq!(code(&scene.run()), Some("BUDGET"));
    // Looking is always allowed, and shows everything.
    scene.order.mode = Mode::Noop;
    let looked = scene.run();
    assert_eq!((code(&looked), looked.counts.out_of_sync, exit_code(&looked)), (None, 6, 8));
}

fn check(check: Check) -> Health {
    Health { name: "works".into(), check, timeout: 5, tries: 1 }
}

/// Files of every sort, and a check.
fn checked(health: Health, text: &'static str) -> impl Fn(&mut Catalog) + 'static {
    move |catalog| {
        catalog.health = vec![health.clone()];
        let mut mode = file("/mode", FileEnsure::File, None);
        let mut link = file("/link", FileEnsure::Link, None);
        if let (Spec::File(mode), Spec::File(link)) = (&mut mode.spec, &mut link.spec) {
            mode.mode = Some(if text == "good" { "0640" } else { "0600" }.into());
            link.target = Some(text.into());
        }
        let content = Some(Content::Text(text.into()));
        let ensure = if text == "good" { FileEnsure::File } else { FileEnsure::Absent };
        let gone = file("/gone", ensure, content.clone().filter(|_| text == "good"));
        let mut all = vec![mode, link, gone];
        if text == "bad" {
            all.extend([
                file("/dir", FileEnsure::Directory, None),
                file("/dir/new", FileEnsure::File, content),
            ]);
        }
        catalog.resources.extend(all);
    }
}

/// Everything below a root: path, mode, content or target.
fn tree(root: &Path) -> Vec<(PathBuf, u32, String)> {
    let mut found = Vec::new();
    let mut todo = vec![root.to_owned()];
    while let Some(folder) = todo.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let meta = std::fs::symlink_metadata(&path).unwrap();
            let text = if meta.is_symlink() {
                std::fs::read_link(&path).unwrap().to_str().unwrap().to_owned()
            } else if meta.is_dir() {
                todo.push(path.clone());
                String::new()
            } else {
                std::fs::read_to_string(&path).unwrap()
            };
            found.push((path, meta.permissions().mode(), text));
        }
    }
    found.sort();
    found
}

#[test]
fn a_release_that_fails_its_health_check_goes_back_and_is_not_applied_again() {
    let mut scene = Scene::new();
    let publication = scene.publication();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let open = listener.local_addr().unwrap().to_string();
    let publish = |scene: &mut Scene, text: &'static str, address: &str| {
        let health = check(Check::Tcp(address.to_owned()));
        scene.world.publish(&publication, &Draft::of(text).with(checked(health, text)));
    };
    publish(&mut scene, "good", &open);
    let first = scene.run();
    assert_eq!((code(&first), exit_code(&first)), (None, 2), "{:#?}", first.logs);
    assert!(says(&first, "Health check `works` passed"));
    let before = tree(&scene.order.root);
    // The record stays that of the last release that was kept.
    let whose = |scene: &Scene| scene.disk.read("record.whole", 1024).unwrap().unwrap();
    let good = whose(&scene);
    let closed = {
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        other.local_addr().unwrap().to_string()
    };
    publish(&mut scene, "bad", &closed);
    let bad = scene.run();
    assert_eq!((code(&bad), exit_code(&bad), bad.status), (Some("HEALTH"), 1, RunStatus::Failed));
    assert_eq!(tree(&scene.order.root), before, "{:#?}", bad.logs);
    assert_eq!(whose(&scene), good);
    let message = &bad.halted.as_ref().unwrap().message;
    assert!(
        message.contains("health check `works` failed") && message.contains("6 changes were taken back"),
        "{message}"
    );
    let state = || stored::load(&scene.disk).unwrap().unwrap();
    assert_eq!(state().applied().map(|applied| applied.seq), Some(2));
    assert_eq!(scene.disk.list("aside").unwrap(), Vec::<String>::new());
    // From now on the node only looks, and goes on saying why.
    let held = scene.run();
    assert_eq!((code(&held), exit_code(&held)), (Some("QUARANTINED"), 1), "{:#?}", held.logs);
    assert!(held.resources.iter().any(|resource| resource.status == ResourceStatus::Pending));
    assert_eq!(tree(&scene.order.root), before);
    // Somebody wants it all the same: it is applied and checked, and held again as long as it fails.
    let lift = |scene: &Scene| {
        let accepted = state().accepted().unwrap();
        let word = Lifted { owner: "dora".into(), since: NOW, reason: "try again".into() };
        quarantine::lift(&scene.disk, (accepted.seq, accepted.id), word).unwrap().unwrap();
    };
    lift(&scene);
    let again = scene.run();
    assert_eq!((code(&again), exit_code(&again)), (Some("HEALTH"), 1), "{:#?}", again.logs);
    assert!(says(&again, "by the word of dora, who lifted the quarantine"), "{:#?}", again.logs);
    assert_eq!(tree(&scene.order.root), before);
    assert_eq!(code(&scene.run()), Some("QUARANTINED"));
    lift(&scene);
    let _mended = TcpListener::bind(&closed).unwrap();
    let mended = scene.run();
    assert_eq!((code(&mended), exit_code(&mended)), (None, 2), "{:#?}", mended.logs);
    assert_ne!(whose(&scene), good);
    assert_eq!(exit_code(&scene.run()), 0);
    // A newer release is free.
    publish(&mut scene, "good", &open);
    let next = scene.run();
    assert_eq!((code(&next), exit_code(&next)), (None, 2), "{:#?}", next.logs);
    assert!(quarantine::current(&scene.disk, (3, Digest::of(b"")), NOW).unwrap().is_none());
}

#[test]
fn a_crash_between_the_changes_and_the_check_does_not_spare_the_release_the_check() {
    let mut scene = Scene::new();
    let publication = scene.publication();
    scene.run();
    let closed = {
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        other.local_addr().unwrap().to_string()
    };
    let health = check(Check::Tcp(closed));
    scene
        .world
        .publish(&publication, &Draft::of("two").with(move |catalog| catalog.health = vec![health.clone()]));
    // What a run leaves that was killed after its last change and before the check.
    scene.order.brake.pull();
    scene.run();
    scene.order.brake.release();
    let header = Header { run: "ab".repeat(16), release: 2, started: NOW };
    let journal = Journal::new(&scene.disk, header);
    let host = Host::open(&scene.order.root).unwrap();
    let stat = host.stat("/motd").unwrap().unwrap();
    let aside = Bucket::new(&scene.disk, NOW).set_aside(b"one").unwrap();
    let access = Access { uid: stat.uid, gid: stat.gid, mode: stat.mode, label: None };
    let undo = vec![Undo::File { path: "/motd".into(), content: aside, access }];
    let resource: crate::model::Ref = "file[/motd]".parse().unwrap();
    let (property, from, to) = ("content".to_owned(), "one".to_owned(), "two".to_owned());
    let change = Change { resource, property, from, to, path: Some("/motd".into()), undo };
    let number = journal.begin(&change).unwrap();
    scene.write_motd("two");
    journal.ended(number, true);
    drop(journal);
    let report = scene.run();
    assert_eq!((code(&report), report.counts.changed), (Some("HEALTH"), 0), "{:#?}", report.logs);
    assert_eq!(scene.motd().as_deref(), Some("one"));
    assert_eq!(journal::unfinished(&scene.disk).unwrap(), None);
}
