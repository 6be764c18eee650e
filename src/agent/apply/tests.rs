//! Order, refresh, failed dependencies, noop, tags, guards and drift, with real files and commands.

use super::*;
use crate::agent::brake::Brake;
use crate::agent::disk::Disk;
use crate::agent::host::Host;
use crate::agent::journal::{self, Header};
use crate::agent::keyring::Keyring;
use crate::model::report::{EventStatus, ResourceStatus};
use crate::model::resource::{Command, Content, Exec, File, FileEnsure, LogLevel, Notify, Schedule, Wall};
use crate::model::safety::{Check, Health};
use crate::model::{Digest, Meta, Resource, Spec, Stamp};
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// No catalog here needs a blob.
pub(super) struct NoBlobs;

impl BlobSource for NoBlobs {
    fn blob(&self, digest: &Digest, _size: u64) -> Result<Vec<u8>, BlobError> {
        Err(format!("{digest} is not here").into())
    }
}

/// What came of a run, for comparing.
pub(super) struct Outcome {
    pub(super) applied: Applied,
    /// `level source: message`, without the last line and its seconds.
    pub(super) lines: Vec<String>,
}

/// A node that remembers its last run.
pub(super) struct Place {
    dir: tempfile::TempDir,
    state: tempfile::TempDir,
    pub(super) host: Host,
    pub(super) facts: Facts,
    pub(super) wishes: Wishes,
    pub(super) limit: Limit,
    pub(super) now: Wall,
    record: Record,
    /// The catalog whose wishes the record holds whole.
    whole: Option<Catalog>,
    /// How often the record was asked for.
    reads: Cell<usize>,
}

impl Place {
    pub(super) fn new() -> Self {
        Self::below("/")
    }

    pub(super) fn below(root: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let host = Host::open(Path::new(root)).unwrap();
        let (facts, wishes, limit) = (Facts::default(), Wishes::default(), Limit::default());
        let state = tempfile::tempdir().unwrap();
        let now = Wall::new(Stamp::from_unix(0), 0);
        Self {
            dir,
            state,
            host,
            facts,
            wishes,
            limit,
            now,
            record: Record::default(),
            whole: None,
            reads: Cell::new(0),
        }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn path(&self, name: &str) -> String {
        self.at(name).to_str().unwrap().to_owned()
    }

    pub(super) fn run(&mut self, resources: &[Resource]) -> Outcome {
        self.work(resources, Vec::new(), |_, _| ()).0
    }

    /// Runs with a health check that nobody looks at, and goes back.
    pub(super) fn run_and_go_back(&mut self, resources: &[Resource]) -> (Outcome, Returned) {
        let check = Check::Tcp("127.0.0.1:1".into());
        let health = vec![Health { name: "none".into(), check, timeout: 1, tries: 1 }];
        self.work(resources, health, |catalog, job| go_back(catalog, job, job.journal.undo(), &mut |_| {}))
    }

    /// What a run would do.
    pub(super) fn foresee(&mut self, resources: &[Resource]) -> Forecast {
        self.work(resources, Vec::new(), forecast).1
    }

    fn work<T>(
        &mut self,
        resources: &[Resource],
        health: Vec<Health>,
        then: impl FnOnce(&Catalog, &Job<'_>) -> T,
    ) -> (Outcome, T) {
        let (node, env) = ("n".parse().unwrap(), "production".parse().unwrap());
        let mut catalog = Catalog::new(env, node, Vec::new(), resources.to_vec());
        catalog.health = health;
        let mut lines = Vec::new();
        let mut log = |line: &LogLine| {
            let level = format!("{:?}", line.level).to_lowercase();
            let source = if line.source.is_empty() { String::new() } else { format!("{}: ", line.source) };
            lines.push(format!("{level} {source}{}", line.message));
        };
        let disk = Disk::create(&self.state.path().join("agent")).unwrap();
        let header = Header { run: "ab".repeat(16), release: 1, started: Stamp::from_unix(0) };
        let journal = Journal::new(&disk, header);
        let (record, whole) = (self.record.clone(), self.whole.as_ref() == Some(&catalog));
        self.reads.set(0);
        let read = || {
            self.reads.set(self.reads.get() + 1);
            Some(record.clone())
        };
        let job = Job {
            host: &self.host,
            facts: &self.facts,
            blobs: &NoBlobs,
            secrets: &Keyring::empty("n".parse().unwrap()),
            bucket: &Bucket::new(&disk, Stamp::from_unix(0)),
            record: &Last::new(whole, read),
            wishes: &self.wishes,
            limit: &self.limit,
            journal: &journal,
            now: self.now,
        };
        let applied = converge(&catalog, &job, &mut log);
        let more = then(&catalog, &job);
        if let Some(record) = &applied.record {
            self.record = record.clone();
            self.whole = None;
        }
        if applied.whole {
            self.whole = Some(catalog.clone());
        }
        journal.close(&disk, "whole");
        assert_eq!(journal::unfinished(&disk).unwrap(), None);
        assert!(
            lines.pop().is_some_and(|l| l.starts_with("notice Applied catalog in ") || l.starts_with("err"))
        );
        (Outcome { applied, lines }, more)
    }

    /// A file resource titled `name` with this content.
    fn file(&self, name: &str, content: &str) -> Resource {
        let file = File {
            path: self.path(name),
            ensure: FileEnsure::File,
            content: Some(Content::Text(content.into())),
            target: None,
            owner: None,
            group: None,
            mode: None,
            selinux: None,
            recurse: false,
            recurselimit: None,
            max_files: None,
            purge: false,
            ignore: Vec::new(),
            force: false,
            replace: true,
            backup: None,
            validate_cmd: Vec::new(),
            show_diff: false,
        };
        resource(name, Spec::File(file))
    }

    /// A command that leaves a line in the file `ran`.
    fn exec(&self, name: &str, set: impl FnOnce(&mut Exec)) -> Resource {
        let mut exec = Exec::of(Command::Shell(format!("echo {name} >> {}", self.path("ran"))));
        set(&mut exec);
        resource(name, Spec::Exec(exec))
    }

    /// What ran since it was asked last.
    fn ran(&self) -> String {
        let text = std::fs::read_to_string(self.at("ran")).unwrap_or_default();
        drop(std::fs::remove_file(self.at("ran")));
        text.lines().collect::<Vec<_>>().join(" ")
    }
}

pub(super) fn resource(title: &str, spec: Spec) -> Resource {
    Resource { title: title.into(), spec, meta: Meta::of("m".parse().unwrap()) }
}

fn notify(message: &str) -> Resource {
    resource(message, Spec::Notify(Notify { message: message.into() }))
}

fn with(mut resource: Resource, set: impl FnOnce(&mut Meta)) -> Resource {
    set(&mut resource.meta);
    resource
}

fn refs(list: &[&str]) -> Vec<crate::model::Ref> {
    list.iter().map(|r| r.parse().unwrap()).collect()
}

fn failing(e: &mut Exec) {
    e.command = Command::Shell("exit 1".into());
}

fn refreshonly(e: &mut Exec) {
    e.refreshonly = true;
}

#[test]
fn a_run_that_is_stopped_finishes_the_resource_at_hand_and_says_what_it_did_not_reach() {
    let mut place = Place::new();
    let brake = Brake::default();
    place.limit = Limit::new(&brake, Instant::now(), None);
    let go = place.path("go");
    // The command waits until the brake was pulled, and goes on after it.
    let slow = format!(
        "echo begun >> {0}; until test -e {go}; do sleep 0.02; done; echo done >> {0}",
        place.path("ran")
    );
    let resources = [
        place.exec("slow", |e| e.command = Command::Shell(slow)),
        place.file("a", "x"),
        place.file("b", "x"),
    ];
    let ran = place.at("ran");
    let stopping = std::thread::spawn(move || {
        while !ran.exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        brake.pull();
        std::fs::write(go, "").unwrap();
    });
    let run = place.run(&resources);
    stopping.join().unwrap();
    assert_eq!(place.ran(), "begun done");
    assert_eq!((run.applied.counts.changed, run.applied.counts.unreached), (1, 2));
    assert_eq!(run.applied.halted.map(|halted| halted.code).as_deref(), Some("STOPPED"));
    assert_eq!(run.applied.status, RunStatus::Failed);
    let left = run.applied.resources.iter().filter(|r| r.status == ResourceStatus::Unreached);
    assert_eq!(left.map(|r| r.resource.to_string()).collect::<Vec<_>>(), ["file[a]", "file[b]"]);
    assert!(!place.at("a").exists() && !place.at("b").exists());
}

#[test]
fn a_run_whose_time_is_over_ends_what_hangs_and_leaves_the_rest() {
    let mut place = Place::new();
    let limit = Limit::new(&Brake::default(), Instant::now(), Some(Duration::from_millis(300)));
    place.host = Host::open(Path::new("/")).unwrap().until(limit.end());
    place.limit = limit;
    let endless = |e: &mut Exec| {
        e.command = Command::Shell("sleep 600".into());
        e.timeout = 0;
    };
    let resources = [place.exec("hangs", endless), place.file("a", "x")];
    let run = place.run(&resources);
    assert_eq!((run.applied.counts.failed, run.applied.counts.unreached), (1, 1), "{:#?}", run.lines);
    assert_eq!(run.applied.halted.map(|halted| halted.code).as_deref(), Some("RUN_TIMEOUT"));
    assert!(!place.at("a").exists());
}

#[test]
fn ties_are_broken_by_the_order_of_the_catalog() {
    let mut place = Place::new();
    let resources = ["c", "a", "b"].map(|name| place.exec(name, |_| ()));
    place.run(&resources);
    assert_eq!(place.ran(), "c a b");
}

#[test]
fn a_resource_that_is_skipped_drops_the_events_that_wait_for_it() {
    let mut place = Place::new();
    let broken = place.exec("broken", failing);
    let told = with(place.file("told", "x"), |meta| meta.notify = refs(&["exec[late]"]));
    let late = with(place.exec("late", refreshonly), |meta| meta.require = refs(&["exec[broken]"]));
    let first = place.run(&[broken, told, late.clone()]);
    assert!(
        first.lines.iter().any(|line| line == "info exec[late]: Unscheduling all events"),
        "{:#?}",
        first.lines
    );
    // What was dropped does not come later.
    let told = with(place.file("told", "x"), |meta| meta.notify = refs(&["exec[late]"]));
    let second = place.run(&[told, with(late, |meta| meta.require = Vec::new())]);
    assert_eq!((place.ran(), second.lines.len()), (String::new(), 0), "{:#?}", second.lines);
}

#[test]
fn what_is_missing_is_made_in_one_change_with_all_of_its_properties() {
    let mut place = Place::new();
    let mut made = place.file("a", "x");
    if let Spec::File(file) = &mut made.spec {
        file.mode = Some("0600".into());
    }
    let run = place.run(&[made]);
    let properties: Vec<_> =
        run.applied.resources[0].events.iter().map(|event| event.property.as_str()).collect();
    assert_eq!((properties, run.applied.counts.changed), (vec!["ensure"], 1));
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(place.at("a")).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_second_run_changes_nothing() {
    let mut place = Place::new();
    let resources = [place.file("a", "x"), place.exec("once", |e| e.creates = vec![place.path("ran")])];
    let first = place.run(&resources).applied;
    assert_eq!((first.status, first.counts.changed, first.counts.total), (RunStatus::Changed, 2, 2));
    let second = place.run(&resources);
    assert_eq!((second.applied.status, second.lines.len()), (RunStatus::Unchanged, 0));
    assert_eq!((second.applied.counts.changed, second.applied.resources.len()), (0, 0));
    assert_eq!(place.ran(), "once");
}

#[test]
fn a_change_refreshes_once_and_at_once() {
    let mut place = Place::new();
    let resources = [
        with(place.file("a", "x"), |m| m.notify = refs(&["exec[target]"])),
        with(place.file("b", "x"), |m| m.notify = refs(&["exec[target]"])),
        place.exec("target", refreshonly),
        place.exec("later", |_| ()),
    ];
    let run = place.run(&resources);
    assert_eq!(place.ran(), "target later");
    assert_eq!((run.applied.counts.restarted, run.applied.counts.changed), (1, 3));
    let digest = Digest::of(b"x");
    let expected = [
        format!("notice file[a]/ensure: defined content as '{digest}'"),
        "info file[a]: Scheduling refresh of exec[target]".into(),
        format!("notice file[b]/ensure: defined content as '{digest}'"),
        "info file[b]: Scheduling refresh of exec[target]".into(),
        "notice exec[target]: Triggered 'refresh' from 2 events".into(),
        "notice exec[later]/returns: executed successfully".into(),
    ];
    assert_eq!(run.lines, expected);
    // Nothing changes, nothing is refreshed.
    assert_eq!(place.run(&resources[..3]).applied.status, RunStatus::Unchanged);
    assert_eq!(place.ran(), "");
}

#[test]
fn an_exec_that_is_no_refreshonly_runs_twice_and_chains_go_on() {
    let mut place = Place::new();
    let resources = [
        with(notify("go"), |m| m.notify = refs(&["exec[one]"])),
        with(
            place.exec("one", |e| {
                e.refresh = Some(Command::Shell(format!("echo again >> {}", place.path("ran"))))
            }),
            |m| {
                m.notify = refs(&["exec[two]"]);
            },
        ),
        place.exec("two", refreshonly),
        with(place.exec("three", refreshonly), |m| m.subscribe = refs(&["exec[two]"])),
    ];
    let run = place.run(&resources);
    assert_eq!(place.ran(), "one again two three");
    assert!(
        run.lines.contains(&"notice exec[two]: Triggered 'refresh' from 2 events".to_owned()),
        "{:?}",
        run.lines
    );
}

#[test]
fn require_orders_and_never_refreshes() {
    let mut place = Place::new();
    let resources = [
        with(place.exec("second", refreshonly), |m| m.require = refs(&["exec[first]"])),
        place.exec("first", |_| ()),
        with(place.exec("zeroth", |_| ()), |m| m.before = refs(&["exec[first]"])),
    ];
    place.run(&resources);
    assert_eq!(place.ran(), "zeroth first");
}

#[test]
fn a_failure_skips_all_that_wait_for_it_and_nothing_else() {
    let mut place = Place::new();
    let resources = [
        place.exec("bad", failing),
        with(place.file("a", "x"), |m| m.require = refs(&["exec[bad]"])),
        with(place.exec("b", |_| ()), |m| m.subscribe = refs(&["file[a]", "notify[hello]"])),
        with(notify("hello"), |m| m.before = refs(&["exec[b]"])),
        place.exec("free", |_| ()),
    ];
    let run = place.run(&resources);
    assert_eq!((place.ran(), place.at("a").exists()), ("free".into(), false));
    let counts = run.applied.counts;
    assert_eq!(
        (run.applied.status, counts.failed, counts.skipped, counts.changed),
        (RunStatus::Failed, 1, 2, 2)
    );
    for line in [
        "err exec[bad]/returns: change from 'notrun' to '0' failed: 'exit 1' returned 1 instead of one of [0]",
        "notice file[a]: Dependency exec[bad] has failures: true",
        "warning file[a]: Skipping because of failed dependencies",
        "notice exec[b]: Dependency exec[bad] has failures: true",
        "info exec[b]: Unscheduling all events",
    ] {
        assert!(run.lines.iter().any(|l| l == line), "{line}\n{:#?}", run.lines);
    }
    let statuses: Vec<_> = run.applied.resources.iter().map(|r| (r.resource.to_string(), r.status)).collect();
    assert!(statuses.contains(&("exec[b]".into(), ResourceStatus::Skipped)));
}

#[test]
fn a_failed_refresh_is_a_failure_and_skips_dependents() {
    let mut place = Place::new();
    let bad = |e: &mut Exec| (e.refreshonly, e.refresh) = (true, Some(Command::Shell("exit 7".into())));
    let resources = [
        with(notify("go"), |m| m.notify = refs(&["exec[bad]"])),
        with(place.exec("bad", bad), |m| m.before = refs(&["exec[after]"])),
        place.exec("after", |_| ()),
    ];
    let run = place.run(&resources);
    let counts = run.applied.counts;
    assert_eq!((counts.failed_to_restart, counts.skipped, run.applied.status), (1, 1, RunStatus::Failed));
    let line = "err exec[bad]: Failed to call refresh: 'exit 7' returned 7 instead of one of [0]";
    assert!(run.lines.iter().any(|l| l == line), "{:?}", run.lines);
    assert_eq!(place.ran(), "");
}

#[test]
fn noop_changes_nothing_and_says_what_is_pending() {
    let mut place = Place::new();
    place.wishes.noop = true;
    let resources = [
        with(place.file("a", "x"), |m| m.notify = refs(&["exec[target]"])),
        place.exec("target", refreshonly),
        place
            .exec("guarded", |e| e.unless = vec![Command::Shell(format!("touch {}", place.path("witness")))]),
        with(place.exec("listens", refreshonly), |m| m.subscribe = refs(&["exec[guarded]"])),
    ];
    let run = place.run(&resources);
    assert_eq!(std::fs::read_dir(place.dir.path()).unwrap().count(), 0);
    let expected = [
        format!("notice file[a]/ensure: defined content as '{}' (noop)", Digest::of(b"x")),
        "info file[a]: Scheduling refresh of exec[target]".into(),
        "notice exec[target]: Would have triggered 'refresh' from 1 event".into(),
        "notice exec[guarded]: not evaluated: unless would have to run a command (noop)".into(),
    ];
    assert_eq!(run.lines, expected);
    let applied = run.applied;
    assert_eq!(
        (applied.status, applied.noop_pending, applied.counts.changed),
        (RunStatus::Unchanged, true, 0)
    );
    assert_eq!((applied.counts.out_of_sync, applied.counts.skipped), (1, 1));
    assert!(applied.resources.iter().flat_map(|r| &r.events).all(|e| e.status == EventStatus::Noop));
}

#[test]
fn noop_of_a_resource_holds_in_any_run_and_its_events_are_noop() {
    let mut place = Place::new();
    let resources = [
        with(place.file("a", "x"), |m| (m.noop, m.notify) = (true, refs(&["exec[target]"]))),
        place.exec("target", refreshonly),
        place.exec("free", |_| ()),
    ];
    let run = place.run(&resources).applied;
    assert_eq!((place.at("a").exists(), place.ran()), (false, "free".into()));
    assert_eq!((run.noop_pending, run.status, run.counts.changed), (true, RunStatus::Changed, 1));
}

#[test]
fn drift_is_told_from_a_new_wish() {
    let mut place = Place::new();
    assert_eq!(place.run(&[place.file("a", "x")]).applied.counts.corrective, 0);
    let wish = place.run(&[place.file("a", "y")]);
    assert_eq!((wish.applied.counts.corrective, wish.applied.counts.changed), (0, 1));
    std::fs::write(place.at("a"), "z").unwrap();
    // A look in between does not make the run forget what it left.
    place.wishes.noop = true;
    assert!(place.run(&[place.file("a", "y")]).applied.noop_pending);
    place.wishes.noop = false;
    let drift = place.run(&[place.file("a", "y")]);
    assert!(
        drift.applied.corrective_change && drift.lines[0].ends_with(" (corrective)"),
        "{:?}",
        drift.lines
    );
    assert!(drift.applied.resources[0].events[0].corrective);
    std::fs::remove_file(place.at("a")).unwrap();
    assert_eq!(place.run(&[place.file("a", "y")]).applied.counts.corrective, 1);
    // Also right after the run that made it.
    place.run(&[place.file("b", "x")]);
    std::fs::write(place.at("b"), "z").unwrap();
    assert_eq!(place.run(&[place.file("b", "x")]).applied.counts.corrective, 1);
}

#[test]
fn the_record_of_a_run_survives_its_way_through_a_file() {
    let mut place = Place::new();
    place.run(&[place.file("a", "x")]);
    let bytes = serde_json::to_vec(&place.record).unwrap();
    assert_eq!(serde_json::from_slice::<Record>(&bytes).unwrap(), place.record);
    assert!(place.record.is_drift(&"file[a]".parse().unwrap(), "ensure", "file"));
}

#[test]
fn a_whole_record_is_read_only_when_something_changes_and_loses_nothing() {
    let mut place = Place::new();
    let resources =
        [place.file("a", "x"), place.file("b", "x"), place.exec("once", |e| e.creates = vec!["/".into()])];
    assert!(place.run(&resources).applied.whole);
    let still = place.run(&resources).applied;
    assert_eq!((still.whole, still.record, place.reads.get()), (true, None, 0));
    for name in ["a", "b"] {
        std::fs::write(place.at(name), "z").unwrap();
        let drift = place.run(&resources).applied;
        assert_eq!((drift.counts.corrective, drift.whole, place.reads.get()), (1, true, 1), "{name}");
    }
    // A look at one of them alone needs no word of the others either.
    place.wishes.only = Some(refs(&["file[a]"]).into_iter().collect());
    let look = place.run(&resources).applied;
    assert_eq!((look.counts.skipped, look.record, place.reads.get()), (2, None, 0));
    place.wishes.only = None;
    // A new wish for one of them is no drift, and the other is still known.
    let resources = [place.file("a", "y"), place.file("b", "x")];
    assert_eq!(place.run(&resources).applied.counts.corrective, 0);
    std::fs::write(place.at("b"), "z").unwrap();
    assert_eq!(place.run(&resources).applied.counts.corrective, 1);
}

#[test]
fn a_record_is_not_whole_while_something_is_not_as_it_should_be() {
    let mut place = Place::new();
    let failed = place.run(&[place.file("a", "x"), place.file("missing/b", "x")]).applied;
    assert_eq!((failed.counts.failed, failed.whole), (1, false));
    place.wishes.noop = true;
    assert!(!place.run(&[place.file("b", "x")]).applied.whole);
    place.wishes = Wishes { tags: vec!["a".into()], ..Wishes::default() };
    assert!(!place.run(&[place.file("a", "x"), place.file("b", "x")]).applied.whole);
    place.wishes = Wishes::default();
    assert!(place.run(&[place.file("a", "x"), place.file("b", "x")]).applied.whole);
    // What depends on the time or on facts is looked up each time, and stands in nobody's way.
    let never = hourly(&place, "late");
    assert!(place.run(&[place.file("a", "x"), never.clone()]).applied.whole);
    assert!(place.run(&[place.file("a", "x"), never]).applied.whole);
    assert_eq!(place.reads.get(), 1);
}

#[test]
fn tags_choose_and_leave_out() {
    let mut place = Place::new();
    let resources = [
        with(place.exec("a", |_| ()), |m| m.tag = vec!["web".into()]),
        with(place.exec("b", |_| ()), |m| m.require = refs(&["exec[a]"])),
        notify("c"),
    ];
    place.wishes.tags = vec!["web".into(), "b".into()];
    place.run(&resources);
    assert_eq!(place.ran(), "a b");
    place.wishes = Wishes { skip_tags: vec!["web".into(), "notify".into()], ..Wishes::default() };
    let run = place.run(&resources);
    assert_eq!(
        (place.ran(), run.applied.counts.skipped, run.applied.status),
        ("b".into(), 2, RunStatus::Changed)
    );
}

#[test]
fn a_guard_on_facts_decides_and_fails_closed() {
    let mut place = Place::new();
    place.facts.set(&"os.family".parse().unwrap(), "debian".into());
    let when = |text: &str| Some(crate::model::Expr::try_from(text.to_owned()).unwrap());
    let resources = [
        with(place.exec("yes", |_| ()), |m| m.when = when("facts.os.family == 'debian'")),
        with(place.exec("no", |_| ()), |m| m.when = when("facts.os.family == 'redhat'")),
        with(place.exec("unknown", |_| ()), |m| m.when = when("facts.init == 'systemd'")),
        with(place.exec("after no", |_| ()), |m| m.require = refs(&["exec[no]"])),
    ];
    let run = place.run(&resources).applied;
    assert_eq!(place.ran(), "yes after no");
    assert_eq!((run.counts.skipped, run.counts.failed), (1, 1));
}

#[test]
fn files_that_are_written_together_are_told_in_order_and_fail_each_by_itself() {
    let mut place = Place::new();
    let with_owner = |mut resource: Resource| {
        if let Spec::File(file) = &mut resource.spec {
            file.owner = Some("no-such-user".into());
        }
        resource
    };
    let look = place.exec("look", |exec| {
        let all = ["a", "b", "c", "d", "e"].map(|name| place.path(name)).join(" ");
        exec.command = Command::Shell(format!("cat {all} >> {}; true", place.path("ran")));
    });
    let resources = [
        place.file("a", "A"),
        with_owner(place.file("b", "B")),
        place.file("c", "C"),
        with(place.file("d", "D"), |meta| meta.require = refs(&["file[b]"])),
        with(place.file("e", "E"), |meta| meta.require = refs(&["file[c]"])),
        look,
        place.file("f", "F"),
    ];
    let Outcome { applied, lines } = place.run(&resources);
    let digest = |text: &str| Digest::of(text.as_bytes());
    let defined =
        |name: &str, text| format!("notice file[{name}]/ensure: defined content as '{}'", digest(text));
    let expected = [
        defined("a", "A"),
        "err file[b]/ensure: change from 'absent' to 'file' failed: there is no user `no-such-user` on this node"
            .into(),
        defined("c", "C"),
        "notice file[d]: Dependency file[b] has failures: true".into(),
        "warning file[d]: Skipping because of failed dependencies".into(),
        defined("e", "E"),
        "notice exec[look]/returns: executed successfully".into(),
        defined("f", "F"),
    ];
    assert_eq!(lines, expected);
    assert_eq!(std::fs::read_to_string(place.at("ran")).unwrap(), "ACE");
    assert_eq!((applied.counts.changed, applied.counts.failed, applied.counts.skipped), (5, 1, 1));
    let told: Vec<String> = applied.resources.iter().map(|report| report.resource.title.clone()).collect();
    assert_eq!(told, ["a", "b", "c", "d", "e", "look", "f"]);
    let mut names: Vec<_> =
        std::fs::read_dir(place.dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["a", "c", "e", "f", "ran"]);
}

/// A command that may run beside others, leaves its name in `ran`, and ends when the others have begun.
fn meeting(place: &Place, name: &str, others: &[&str], code: u8) -> Resource {
    let there: Vec<String> = others.iter().map(|other| format!("-e {}", place.path(other))).collect();
    let text = format!(
        "touch {}; until test {}; do sleep 0.01; done; echo {name} >> {}; echo {name} here; exit {code}",
        place.path(name),
        there.join(" -a "),
        place.path("ran"),
    );
    place.exec(name, |exec| {
        exec.command = Command::Shell(text);
        exec.parallel = true;
        exec.timeout = 60;
        exec.logoutput = crate::model::resource::LogOutput::Yes;
    })
}

#[test]
fn commands_that_say_so_run_side_by_side_and_are_told_in_order() {
    let mut place = Place::new();
    let told = with(place.exec("told", refreshonly), |meta| meta.subscribe = refs(&["exec[b]", "exec[c]"]));
    let late =
        with(place.exec("late", |exec| exec.parallel = true), |meta| meta.require = refs(&["exec[b]"]));
    let kept = place.exec("kept", |exec| {
        exec.parallel = true;
        exec.creates = vec!["/".into()];
    });
    let (a, b, c) = (
        meeting(&place, "a", &["b", "c"], 0),
        meeting(&place, "b", &["a", "c"], 1),
        meeting(&place, "c", &["a", "b"], 0),
    );
    let alone = place.exec("alone", |_| ());
    let run = place.run(&[a, b, kept, c, late, told, alone]);
    let counts = run.applied.counts;
    assert_eq!(
        (counts.changed, counts.failed, counts.skipped, counts.restarted),
        (3, 1, 2, 0),
        "{:#?}",
        run.lines
    );
    // All three have begun before any ended; what is alone waits for them.
    let ran = place.ran();
    let mut first: Vec<&str> = ran.split(' ').collect();
    assert_eq!(first.pop(), Some("alone"));
    first.sort_unstable();
    assert_eq!(first, ["a", "b", "c"]);
    let said: Vec<&str> = run
        .lines
        .iter()
        .filter(|line| line.starts_with("notice exec[") && line.ends_with("here"))
        .map(String::as_str)
        .collect();
    assert_eq!(said, ["notice exec[a]/returns: a here", "notice exec[c]/returns: c here"]);
    let place_of = |start: &str| run.lines.iter().position(|line| line.starts_with(start)).unwrap();
    assert!(place_of("notice exec[a]/returns: executed") < place_of("err exec[b]/returns"));
    assert!(place_of("err exec[b]/returns") < place_of("notice exec[c]/returns: executed"));
}

#[test]
fn a_folder_that_is_another_one_now_is_looked_at_anew() {
    let mut place = Place::new();
    let (first, second) = (place.file("d/a", "a"), place.file("d/b", "b"));
    let swap = format!("mv {0} {0}.old && mkdir {0}", place.path("d"));
    let swap = place.exec("swap", |e| e.command = Command::Shell(swap));
    std::fs::create_dir(place.at("d")).unwrap();
    place.run(&[first.clone(), second.clone()]);
    let run = place.run(&[first.clone(), swap, second.clone()]);
    assert_eq!(run.applied.counts.changed, 2, "{:?}", run.lines);
    assert_eq!(std::fs::read_to_string(place.at("d/b")).unwrap(), "b");
}

#[test]
fn commands_side_by_side_keep_to_what_depends_on_what() {
    let mut place = Place::new();
    let parallel = |exec: &mut Exec| exec.parallel = true;
    let first = with(place.file("first", "x"), |meta| meta.notify = refs(&["exec[b]"]));
    let (a, b) = (place.exec("a", parallel), place.exec("b", parallel));
    let c = with(place.exec("c", parallel), |meta| meta.require = refs(&["exec[b]"]));
    let run = place.run(&[first, a, b, c]);
    // `b` is refreshed, too, once and after it ran.
    assert_eq!(run.applied.counts.restarted, 1, "{:#?}", run.lines);
    let ran = place.ran();
    assert!(["a b b c", "b a b c"].contains(&ran.as_str()), "{ran}");
    // In a noop run none of them runs.
    place.wishes.noop = true;
    let (d, e) = (place.exec("d", parallel), place.exec("e", parallel));
    assert!(place.run(&[d, e]).applied.noop_pending);
    assert_eq!(place.ran(), "");
}

#[test]
fn files_that_wait_when_the_run_has_to_end_are_left_as_they_are() {
    let mut place = Place::new();
    // To look at this one takes longer than the run may take.
    std::fs::File::create(place.at("long")).unwrap().set_len(64 << 20).unwrap();
    place.limit = Limit::new(&Brake::default(), Instant::now(), Some(Duration::from_millis(10)));
    let names = ["a", "b", "long", "c"];
    let resources = names.map(|name| place.file(name, "new"));
    let Outcome { applied, .. } = place.run(&resources);
    assert_eq!(applied.halted.map(|halted| halted.code).as_deref(), Some("RUN_TIMEOUT"));
    assert_eq!((applied.counts.changed, applied.counts.unreached), (0, 4));
    let told: Vec<String> = applied.resources.iter().map(|report| report.resource.title.clone()).collect();
    assert_eq!(told, names);
    assert_eq!(std::fs::read_dir(place.dir.path()).unwrap().count(), 1);
    assert_eq!(std::fs::metadata(place.at("long")).unwrap().len(), 64 << 20);
}

#[test]
fn a_cycle_stops_the_run_before_it_begins() {
    let mut place = Place::new();
    let resources = [
        with(place.exec("a", |_| ()), |m| m.require = refs(&["exec[b]"])),
        with(place.exec("b", |_| ()), |m| m.require = refs(&["exec[a]"])),
        place.exec("free", |_| ()),
    ];
    let run = place.run(&resources);
    assert_eq!(
        (place.ran(), run.applied.status, run.applied.counts.failed),
        (String::new(), RunStatus::Failed, 3)
    );
    assert!(run.lines.contains(&"err One or more resource dependency cycles detected in graph".to_owned()));
}

#[test]
fn loglevel_is_that_of_the_resource() {
    let mut place = Place::new();
    let run = place.run(&[with(notify("careful"), |m| m.loglevel = LogLevel::Warning)]);
    assert_eq!(run.lines, ["warning notify[careful]/message: careful"]);
    assert_eq!(run.applied.counts.changed, 1);
}

#[test]
fn automatic_order_makes_the_folder_first() {
    let mut place = Place::new();
    let mut folder = place.file("d", "");
    if let Spec::File(file) = &mut folder.spec {
        (file.ensure, file.content) = (FileEnsure::Directory, None);
    }
    let inside = place.file("d/a", "x");
    assert_eq!(place.run(&[inside, folder]).applied.counts.changed, 2);
}

#[test]
fn what_is_ignored_below_a_folder_is_neither_purged_nor_given_away() {
    let mut place = Place::new();
    let mut folder = place.file("d", "");
    if let Spec::File(file) = &mut folder.spec {
        (file.ensure, file.content) = (FileEnsure::Directory, None);
        (file.recurse, file.purge, file.force) = (true, true, true);
        file.ignore = vec!["*.keep".into(), ".git".into()];
    }
    let all = ["a", "b.keep", ".git/config", "sub/c", "sub/d.keep", "gone/deep/e"];
    for path in all {
        let path = place.at(&format!("d/{path}"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "x").unwrap();
    }
    let run = place.run(std::slice::from_ref(&folder));
    assert_eq!((run.applied.counts.changed, run.applied.counts.failed), (1, 0), "{:?}", run.lines);
    let left = all.map(|path| place.at(&format!("d/{path}")).exists());
    assert_eq!(left, [false, true, true, false, true, false]);
    assert!(!place.at("d/gone").exists());
    assert_eq!(place.run(&[folder]).lines, [""; 0]);
}

/// In noop runs, so that a guard that fails does no harm to whoever tests it.
#[test]
fn what_must_never_run_is_a_failed_resource_even_after_review() {
    let mut place = Place::new();
    place.wishes.noop = true;
    let bad = |e: &mut Exec| e.command = Command::Shell("rm -rf --no-preserve-root /".into());
    let run = place.run(&[place.exec("bad", bad), place.exec("good", |_| ())]);
    assert_eq!((run.applied.counts.failed, run.applied.counts.out_of_sync), (1, 2));
    assert!(
        run.lines[0].starts_with("err exec[bad]: Could not evaluate: this must never run: "),
        "{:?}",
        run.lines
    );
}

fn hourly(place: &Place, name: &str) -> Resource {
    with(place.exec(name, |_| ()), |m| m.schedule = Schedule::builtin("hourly").map(Box::new))
}

#[test]
fn a_schedule_only_holds_back() {
    let mut place = Place::new();
    let resources = [hourly(&place, "a"), place.exec("b", |_| ())];
    let at = |minutes: i64| Wall::new(Stamp::from_unix(1_000_000 + 60 * minutes), 0);
    place.now = at(0);
    place.run(&resources);
    assert_eq!(place.ran(), "a b");
    place.now = at(59);
    let outcome = place.run(&resources);
    assert_eq!((place.ran().as_str(), outcome.applied.counts.skipped), ("b", 1));
    assert!(outcome.lines.contains(&"debug exec[a]: Not looked at: it is not the time of hourly".to_owned()));
    // What is held back holds nobody else back, and its time counts from its own last look.
    place.now = at(60);
    place.run(&resources);
    assert_eq!(place.ran(), "a b");
    place.now = at(61);
    place.wishes.ignore_schedules = true;
    place.run(&resources);
    assert_eq!(place.ran(), "a b");
}

#[test]
fn a_noop_look_puts_off_no_scheduled_change() {
    let mut place = Place::new();
    let resources = [hourly(&place, "a")];
    place.wishes.noop = true;
    assert_eq!(place.run(&resources).applied.counts.skipped, 0);
    place.wishes.noop = false;
    place.run(&resources);
    assert_eq!(place.ran(), "a");
    place.wishes.noop = true;
    assert_eq!(place.run(&resources).applied.counts.skipped, 1);
}

#[test]
fn a_refresh_of_what_is_not_due_is_dropped() {
    let mut place = Place::new();
    let never = with(place.exec("b", refreshonly), |m| m.schedule = Schedule::builtin("never").map(Box::new));
    let resources = [with(place.exec("a", |_| ()), |m| m.notify = refs(&["exec[b]"])), never];
    let outcome = place.run(&resources);
    assert_eq!(place.ran(), "a");
    assert!(outcome.lines.contains(&"info exec[b]: Unscheduling all events".to_owned()));
}

#[test]
fn guards_that_are_asked_ahead_are_asked_again_once_something_was_changed() {
    let mut place = Place::new();
    let unless = |path: String| {
        move |e: &mut Exec| {
            e.unless = vec![Command::Shell(format!("echo asked >> {path}.asked; test -e {path}"))]
        }
    };
    let asked = |place: &Place, name: &str| {
        let text = std::fs::read_to_string(place.at(&format!("{name}.asked"))).unwrap_or_default();
        drop(std::fs::remove_file(place.at(&format!("{name}.asked"))));
        text.lines().count()
    };
    let names = ["a", "b", "c"];
    let all = names.map(|name| place.exec(name, unless(place.path(name))));
    names.iter().for_each(|name| std::fs::write(place.at(name), "").unwrap());
    assert_eq!(place.run(&all).applied.status, RunStatus::Unchanged);
    assert_eq!(names.map(|name| asked(&place, name)), [1, 1, 1]);
    // The first one takes away what settled the second, and comes before it in the order of the list alone.
    let (a, b) = (place.path("a"), place.path("b"));
    let mut takes = place.exec("a", unless(a.clone()));
    let Spec::Exec(exec) = &mut takes.spec else { unreachable!() };
    exec.command = Command::Shell(format!("touch {a}; mv {b} {b}.old; echo a >> {}", place.path("ran")));
    std::fs::remove_file(place.at("a")).unwrap();
    let resources = [takes, all[1].clone(), all[2].clone()];
    assert_eq!(place.run(&resources).applied.counts.changed, 2);
    assert_eq!(place.ran(), "a b");
    assert_eq!(names.map(|name| asked(&place, name)), [2, 2, 2]);
    // A guard that waits for another command's resource is not asked before it.
    let mut last = place.exec("c", unless(place.path("c")));
    last.meta.require = vec!["exec[a]".parse().unwrap()];
    let mut fails = place.exec("a", unless(place.path("gone")));
    let Spec::Exec(exec) = &mut fails.spec else { unreachable!() };
    exec.command = Command::Shell("exit 1".into());
    assert_eq!(place.run(&[fails, last]).applied.counts.skipped, 1);
    assert_eq!(asked(&place, "c"), 0);
}

#[test]
fn an_audit_tells_and_changes_nothing() {
    let mut place = Place::new();
    let path = place.path("f");
    let told = |outcome: &Outcome| -> Vec<String> {
        let audit = |line: &&String| line.contains("audit change");
        outcome.lines.iter().filter(audit).map(|line| line.replace(&path, "/f")).collect()
    };
    let mut watched = place.file("f", "");
    if let Spec::File(file) = &mut watched.spec {
        file.content = None;
        file.mode = Some("0600".into());
    }
    watched.meta.audit = vec!["content".into(), "mode".into()];
    let resources = [watched];
    std::fs::write(place.at("f"), "one").unwrap();
    let (one, two) = (Digest::of(b"one"), Digest::of(b"two"));
    let outcome = place.run(&resources);
    assert_eq!(
        told(&outcome),
        [
            format!("info file[f]/content: audit change: newly-recorded value {one}"),
            "info file[f]/mode: audit change: newly-recorded value 0644".to_owned(),
        ]
    );
    // What the run itself changed is no news.
    let outcome = place.run(&resources);
    assert_eq!(told(&outcome), [""; 0]);
    assert_eq!(outcome.applied.status, RunStatus::Unchanged);
    std::fs::write(place.at("f"), "two").unwrap();
    let outcome = place.run(&resources);
    let expected = format!("audit change: previously recorded value {one} has been changed to {two}");
    assert_eq!(told(&outcome), [format!("notice file[f]/content: {expected}")]);
    let [report] = &outcome.applied.resources[..] else { unreachable!() };
    assert_eq!((report.status, report.events[0].status), (ResourceStatus::Unchanged, EventStatus::Audit));
    assert_eq!((outcome.applied.status, outcome.applied.noop_pending), (RunStatus::Unchanged, false));
    assert_eq!(std::fs::read_to_string(place.at("f")).unwrap(), "two");
    std::fs::remove_file(place.at("f")).unwrap();
    // It is made anew by the resource; what it was in between is told.
    let outcome = place.run(&resources);
    assert_eq!(told(&outcome).len(), 2);
    assert!(told(&outcome)[0].ends_with("has been changed to absent"));
}

#[test]
fn every_type_that_may_be_audited_can_be_asked_for() {
    let host = Host::open(Path::new("/")).unwrap();
    for kind in crate::model::Kind::ALL {
        let found = crate::agent::found::found(&host, kind, Some("/"));
        let silent = matches!(found, Err(crate::agent::found::FoundError::NotThere(_)));
        assert!(!silent || kind.told().is_empty(), "{kind}");
        let attrs = |name: &&str| kind.attrs().iter().any(|attr| attr.name == *name);
        assert!(kind.told().iter().all(attrs), "{kind}");
    }
}
