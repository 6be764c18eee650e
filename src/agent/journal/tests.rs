//! Runs that are killed: at every moment that matters, in a process of their own, by SIGKILL.

use super::*;
use crate::agent::apply::Wishes;
use crate::agent::brake::Brake;
use crate::agent::queue::Mode;
use crate::agent::run::{Fallback, Order, Ran, Reach, run};
use crate::agent::summary::Outlets;
use crate::agent::testing::{Draft, NOW, World, file, now};
use crate::agent::{servers, testing};
use crate::model::Spec;
use crate::model::report::Report;
use crate::model::resource::{Content, FileEnsure};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Set in the process that is killed.
const PLACE: &str = "COUNTERSIGN_TEST_PLACE";

fn order(place: &Path) -> Order {
    Order {
        mode: Mode::Converge,
        root: place.join("root"),
        wishes: Wishes::default(),
        reach: Reach::Servers,
        because: Vec::new(),
        fallback: Fallback::Cached,
        trigger: None,
        patience: Duration::from_secs(60),
        budget: Duration::from_secs(60),
        time: None,
        brake: Brake::default(),
        outlets: Outlets::default(),
    }
}

fn run_there(place: &Path) -> Report {
    let disk = Disk::open(&place.join("agent")).unwrap();
    let Ran { report, .. } = run(&disk, &order(place), now, &mut |_| {}).unwrap();
    report
}

/// Files of which nothing changes but the content: they are written together.
const TOGETHER: [&str; 3] = ["one", "three", "two"];

/// Everything that a release makes of the root, with texts of one sort.
fn draft(text: &'static str) -> Draft {
    Draft::of(text).with(move |catalog| {
        let here = |text: &str| Some(Content::Text(text.repeat(20_000).into()));
        let even = text == "even";
        let mut private = file("/private", FileEnsure::File, here(text));
        let mut link = file("/link", FileEnsure::Link, None);
        let mut below = file("/dir", FileEnsure::Directory, None);
        if let (Spec::File(private), Spec::File(link), Spec::File(below)) =
            (&mut private.spec, &mut link.spec, &mut below.spec)
        {
            private.mode = Some(if even { "0600" } else { "0640" }.into());
            link.target = Some(text.into());
            below.mode = Some(if even { "0700" } else { "0750" }.into());
        }
        let come = if even { FileEnsure::Absent } else { FileEnsure::File };
        let coming = file("/coming", come, here(text).filter(|_| !even));
        let together = TOGETHER.map(|name| file(&format!("/{name}"), FileEnsure::File, here(text)));
        catalog.resources.extend([private, link, below, coming]);
        catalog.resources.extend(together);
    })
}

/// Each of them is as it was or as it was to be; no half of one is under its name.
fn check(root: &Path, (old, new): (&str, &str), at: usize) {
    let is = |name: &str| std::fs::read_to_string(root.join(name)).ok();
    let motd = is("motd");
    assert!(motd.as_deref() == Some(old) || motd.as_deref() == Some(new), "moment {at}: {motd:?}");
    for name in ["private", "coming"].into_iter().chain(TOGETHER) {
        let Some(text) = is(name) else {
            assert_eq!(name, "coming", "moment {at}");
            continue;
        };
        assert!(text == old.repeat(20_000) || text == new.repeat(20_000), "moment {at}: {name} is torn");
    }
    let mode = std::fs::metadata(root.join("private")).unwrap().permissions().mode() & 0o777;
    assert!(mode == 0o600 || mode == 0o640, "moment {at}: {mode:o}");
    let target = std::fs::read_link(root.join("link")).unwrap();
    assert!([Path::new(old), Path::new(new)].contains(&target.as_path()), "moment {at}: {target:?}");
}

fn names(root: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(root).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn d28_a_run_killed_at_any_moment_tears_nothing_and_the_next_says_where_it_was_and_finishes() {
    if let Some(place) = std::env::var_os(PLACE) {
        run_there(Path::new(&place));
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let place = scratch.path();
    let mut world = World::new();
    let (disk, _) = world.node(&place.join("agent"));
    let publication = place.join("publication");
    std::fs::create_dir(place.join("root")).unwrap();
    servers::keep(&disk, &[publication.to_str().unwrap().to_owned()]).unwrap();
    world.publish(&publication, &draft("even"));
    assert_eq!(run_there(place).counts.changed, 7);
    let (mut told, mut many, mut at) = (0, 0, 0);
    loop {
        let (old, new) = if at % 2 == 0 { ("even", "odd") } else { ("odd", "even") };
        world.publish(&publication, &draft(new));
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--test-threads=1"])
            .arg(concat!(
                "agent::journal::tests::",
                "d28_a_run_killed_at_any_moment_tears_nothing_and_the_next_says_where_it_was_and_finishes"
            ))
            .env(PLACE, place)
            .env(fault::in_tests::CRASH_AT, at.to_string())
            .output()
            .unwrap()
            .status;
        if status.success() {
            break;
        }
        assert_eq!(status.signal(), Some(9), "moment {at}");
        check(&place.join("root"), (old, new), at);
        let stopped = unfinished(&disk).unwrap();
        let report = run_there(place);
        let said = |text: &str| report.logs.iter().any(|line| line.message.contains(text));
        for change in stopped.iter().flat_map(|stopped| stopped.begun.values()) {
            assert!(
                said(&format!("stopped while changing {}", change.resource)),
                "moment {at}: {:#?}",
                report.logs
            );
            told += 1;
        }
        many += usize::from(stopped.as_ref().is_some_and(|stopped| stopped.begun.len() >= TOGETHER.len()));
        assert_eq!(stopped.is_some(), said("The last run ("), "moment {at}: {:#?}", report.logs);
        assert_eq!((report.counts.failed, unfinished(&disk).unwrap()), (0, None), "moment {at}");
        let mut all: Vec<&str> = ["dir", "link", "motd", "private"].into_iter().chain(TOGETHER).collect();
        all.extend((new == "odd").then_some("coming"));
        all.sort();
        assert_eq!(names(&place.join("root")), all, "moment {at}");
        let again = run_there(place);
        assert_eq!((again.counts.changed, again.counts.out_of_sync), (0, 0), "moment {at}");
        at += 1;
    }
    assert!(
        at > 30 && told > 10 && many > 10,
        "{at} moments, {told} changes told, {many} times many at once"
    );
    assert!(disk.list(FOLDER).unwrap().len() <= KEPT);
}

fn change(title: &str) -> Change {
    let resource = format!("file[{title}]").parse().unwrap();
    let (property, from, to) = ("content".to_owned(), "a".to_owned(), "b".to_owned());
    Change { resource, property, from, to, path: Some(title.to_owned()), undo: Vec::new() }
}

#[test]
fn what_a_journal_says_is_what_was_noted_whatever_its_last_line_lost() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Disk::create(&dir.path().join("agent")).unwrap();
    let header = Header { run: "ab".repeat(16), release: 7, started: NOW };
    let journal = Journal::new(&disk, header.clone());
    assert_eq!(unfinished(&disk).unwrap(), None, "nothing was changed yet");
    let first = journal.begin(&change("/a")).unwrap();
    journal.ended(first, true);
    journal.begin(&change("/b")).unwrap();
    let stopped = unfinished(&disk).unwrap().unwrap();
    assert_eq!((&stopped.header, stopped.done), (&header, 1));
    assert_eq!(stopped.begun.values().collect::<Vec<_>>(), [&change("/b")]);
    let name = format!("{FOLDER}/{}", stopped.file);
    let whole = disk.read(&name, CAP).unwrap().unwrap();
    let lines = whole.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::len).collect::<Vec<_>>();
    for cut in 0..whole.len() {
        disk.write(&name, &whole[..cut]).unwrap();
        let begun = unfinished(&disk).unwrap().map_or(0, |stopped| stopped.begun.len());
        let complete = lines
            .iter()
            .scan(0, |end, line| {
                Some({
                    *end += line;
                    *end
                })
            })
            .filter(|end| cut + 1 >= *end)
            .count();
        let expected = match complete {
            0 | 1 | 3 => 0,
            _ => 1,
        };
        assert_eq!(begun, expected, "cut after {cut} bytes");
    }
    disk.write(&name, &whole[..whole.len() - 3]).unwrap();
    take_up(&disk, &stopped).unwrap();
    assert_eq!(unfinished(&disk).unwrap(), None);
}

#[test]
fn changes_that_begin_together_end_each_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Disk::create(&dir.path().join("agent")).unwrap();
    let header = Header { run: "ab".repeat(16), release: 7, started: NOW };
    let journal = Journal::new(&disk, header);
    let alone = journal.begin(&change("/a")).unwrap();
    let first = journal.begin_all(&["/b", "/c", "/d"].map(change)).unwrap();
    assert_eq!((alone, first), (0, 1));
    journal.ended(first + 1, true);
    journal.ended(alone, false);
    let stopped = unfinished(&disk).unwrap().unwrap();
    let begun: Vec<_> = stopped.begun.values().filter_map(|change| change.path.as_deref()).collect();
    assert_eq!((begun, stopped.done), (vec!["/b", "/d"], 2));
}

#[test]
fn without_a_journal_nothing_is_changed() {
    let scratch = tempfile::tempdir().unwrap();
    let place = scratch.path();
    let mut world = testing::World::new();
    let (disk, _) = world.node(&place.join("agent"));
    let publication = place.join("publication");
    std::fs::create_dir(place.join("root")).unwrap();
    servers::keep(&disk, &[publication.to_str().unwrap().to_owned()]).unwrap();
    world.publish(&publication, &Draft::of("one"));
    // A file where the directory of journals belongs.
    disk.write(FOLDER, b"").unwrap();
    let refused = run(&disk, &order(place), now, &mut |_| {}).unwrap_err();
    assert!(refused.to_string().contains(FOLDER), "{refused}");
    let header = Header { run: "ab".repeat(16), release: 1, started: NOW };
    let error = Journal::new(&disk, header).begin(&change("/a")).unwrap_err();
    assert!(error.to_string().contains("nothing is changed without it"), "{error}");
    assert_eq!(names(&place.join("root")), Vec::<String>::new());
    disk.remove(FOLDER, Lasting::Now).unwrap();
    assert_eq!(run_there(place).counts.changed, 1);
}
