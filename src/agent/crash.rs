//! Every moment of a crash (D28): what the system was asked to do is written down, and each disk that can be left behind
//! after each step is made and looked at. Before a file is durable, its bytes may be lost, cut, zeroed or whole; before a
//! directory is, any of its new names may be there or not, in whatever order they were asked for.

use super::apply::Wishes;
use super::brake::Brake;
use super::disk::{Disk, Lasting, Step};
use super::fault;
use super::host::{Host, NewFile, place};
use super::queue::Mode;
use super::run::{self, Fallback, Order, Reach};
use super::summary::Outlets;
use super::testing::{Draft, NOW, World, envelope, now, snapshot, write, write_envelope};
use super::{pull, servers, stored};
use crate::signing::{Root, State};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A file's bytes, and how many of them are certainly on the disk.
#[derive(Debug, Clone)]
struct Content {
    bytes: Vec<u8>,
    durable: bool,
}

/// A change of a directory that may still be lost.
#[derive(Debug, Clone)]
enum Pending {
    Name(PathBuf, usize),
    Gone(PathBuf),
    Moved(PathBuf, PathBuf, usize),
    Folder(PathBuf),
}

impl Pending {
    fn directory(&self) -> &Path {
        let (Self::Name(path, _) | Self::Gone(path) | Self::Moved(_, path, _) | Self::Folder(path)) = self;
        path.parent().unwrap()
    }
}

/// A disk as the system has it in memory, and what of it is certain.
#[derive(Debug, Clone, Default)]
struct Simulated {
    contents: Vec<Content>,
    /// Names that are certain.
    names: BTreeMap<PathBuf, usize>,
    folders: BTreeSet<PathBuf>,
    /// Names as the running system sees them.
    seen: BTreeMap<PathBuf, usize>,
    pending: Vec<Pending>,
}

/// What a disk holds after a crash.
type Left = BTreeMap<PathBuf, Vec<u8>>;

impl Simulated {
    /// All that is in `directory`, certain.
    fn of(directory: &Path) -> Self {
        let mut disk = Self::default();
        for (path, bytes) in snapshot(directory) {
            for folder in path.ancestors().skip(1).take_while(|folder| folder.starts_with(directory)) {
                disk.folders.insert(folder.to_owned());
            }
            disk.names.insert(path, disk.contents.len());
            disk.contents.push(Content { bytes, durable: true });
        }
        disk.folders.insert(directory.to_owned());
        disk.seen = disk.names.clone();
        disk
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::MakeDirectory(path) => self.pending.push(Pending::Folder(path.clone())),
            Step::Create(path) => {
                self.seen.insert(path.clone(), self.contents.len());
                self.pending.push(Pending::Name(path.clone(), self.contents.len()));
                self.contents.push(Content { bytes: Vec::new(), durable: false });
            }
            Step::Write(path, bytes) => self.contents[self.seen[path]].bytes.clone_from(bytes),
            Step::Sync(path) => self.contents[self.seen[path]].durable = true,
            Step::Rename(from, to) => {
                let file = self.seen.remove(from).unwrap();
                self.seen.insert(to.clone(), file);
                self.pending.push(Pending::Moved(from.clone(), to.clone(), file));
            }
            Step::Remove(path) => {
                self.seen.remove(path);
                self.pending.push(Pending::Gone(path.clone()));
            }
            Step::SyncDirectory(directory) => {
                let (certain, open) =
                    self.pending.drain(..).partition(|pending| pending.directory() == directory);
                self.pending = open;
                let certain: Vec<Pending> = certain;
                for pending in &certain {
                    carry_out(&mut self.names, &mut self.folders, pending);
                }
            }
        }
    }

    /// Every disk that may be left behind now.
    fn after_a_crash(&self) -> BTreeSet<Left> {
        assert!(self.pending.len() <= 8, "so much is never uncertain at once: {:?}", self.pending);
        let mut found = BTreeSet::new();
        for luck in 0_u32..1 << self.pending.len() {
            let (mut names, mut folders) = (self.names.clone(), self.folders.clone());
            for (at, pending) in self.pending.iter().enumerate() {
                if luck & (1 << at) != 0 {
                    carry_out(&mut names, &mut folders, pending);
                }
            }
            names.retain(|path, _| folders.contains(path.parent().unwrap()));
            let open: Vec<&PathBuf> = names
                .iter()
                .filter(|(_, file)| !self.contents[**file].durable)
                .map(|(path, _)| path)
                .collect();
            assert!(open.len() <= 3, "so many files are never uncertain at once: {open:?}");
            for fate in 0..4_usize.pow(u32::try_from(open.len()).unwrap()) {
                let bytes = |(path, file): (&PathBuf, &usize)| {
                    let whole = &self.contents[*file].bytes;
                    let at = open.iter().position(|open| *open == path);
                    let bytes = match at.map(|at| fate / 4_usize.pow(u32::try_from(at).unwrap()) % 4) {
                        None | Some(0) => whole.clone(),
                        Some(1) => Vec::new(),
                        Some(2) => whole[..whole.len() / 2].to_vec(),
                        Some(_) => vec![0; whole.len()],
                    };
                    (path.clone(), bytes)
                };
                found.insert(names.iter().map(bytes).collect());
            }
        }
        found
    }
}

fn carry_out(names: &mut BTreeMap<PathBuf, usize>, folders: &mut BTreeSet<PathBuf>, pending: &Pending) {
    match pending {
        Pending::Name(path, file) => {
            names.insert(path.clone(), *file);
        }
        Pending::Gone(path) => {
            names.remove(path);
        }
        Pending::Moved(from, to, file) => {
            names.remove(from);
            names.insert(to.clone(), *file);
        }
        Pending::Folder(path) => {
            folders.insert(path.clone());
        }
    }
}

/// The states that may be found while the system does `steps`: the last certain one, and the one on its way.
#[derive(Debug, Default)]
struct States {
    certain: Option<Vec<u8>>,
    coming: Option<Vec<u8>>,
}

impl States {
    fn step(&mut self, root: &Path, step: &Step) {
        match step {
            Step::Write(path, bytes) if *path == root.join("state.json.tmp") => {
                self.coming = Some(bytes.clone())
            }
            Step::SyncDirectory(path) if path == root && self.coming.is_some() => {
                self.certain = self.coming.take();
            }
            _ => {}
        }
    }

    fn allow(&self, state: &State) -> bool {
        let bytes = Some(state.encode());
        bytes == self.certain || (self.coming.is_some() && bytes == self.coming)
    }
}

/// Ends the system after each of `steps`, which began with `before`, and looks at every disk that may be left. Returns
/// how many that were.
fn crash_everywhere(root: &Path, before: &Simulated, steps: &[Step]) -> usize {
    let (mut disk, mut seen, mut looked) = (before.clone(), BTreeSet::new(), 0);
    let first = before.names.get(&root.join("state.json")).map(|file| before.contents[*file].bytes.clone());
    let mut states = States { certain: first, coming: None };
    for (at, step) in steps.iter().enumerate() {
        disk.step(step);
        states.step(root, step);
        for left in disk.after_a_crash() {
            // The same disk may be left after several steps; what may be on it only differs by the states.
            let certain = states.certain.clone();
            if seen.insert((certain, states.coming.clone(), left.clone())) {
                looked += 1;
                look(root, &left, &states, (at, step));
            }
        }
    }
    looked
}

/// A disk after a crash has the old state or the new one, and everything that it names.
fn look(root: &Path, left: &Left, states: &States, place: (usize, &Step)) {
    let scratch = tempfile::tempdir().unwrap();
    let there = Disk::create(&scratch.path().join("agent")).unwrap();
    for (path, bytes) in left {
        write(&there.path(path.strip_prefix(root).unwrap().to_str().unwrap()), bytes);
    }
    let state = match stored::load(&there) {
        Ok(Some(state)) => state,
        // Joining was not finished: the node does nothing until somebody does it again.
        Ok(None) | Err(_) if states.certain.is_none() => return,
        other => panic!("after step {place:?} the state cannot be read: {other:?}"),
    };
    assert!(states.allow(&state), "after step {place:?} there is a state that was never written: {state:?}");
    if state.accepted().is_some() {
        let ready =
            pull::reload(&there, &state, NOW).unwrap_or_else(|error| panic!("step {place:?}: {error}"));
        assert!(ready.is_some(), "after step {place:?} the accepted release has no catalog");
    }
}

/// A node in a root directory of its own, which is run while its disk is watched.
struct Scene {
    scratch: tempfile::TempDir,
    world: World,
    disk: Disk,
}

impl Scene {
    fn publication(&self) -> PathBuf {
        self.scratch.path().join("publication")
    }

    /// Runs once; returns what was asked of the disk, and how much of that before anything was applied.
    fn run(&self) -> (Vec<Step>, usize) {
        let order = Order {
            mode: Mode::Converge,
            root: self.scratch.path().join("root"),
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
        let (watched, steps) = self.disk.watched();
        let mut acted = None;
        let ran = run::run(&watched, &order, now, &mut |line| {
            if line.message.starts_with("Applying configuration") {
                acted = Some(steps.lock().unwrap().len());
            }
        });
        assert_eq!(ran.unwrap().report.refusal, None);
        let steps = steps.lock().unwrap().clone();
        (steps, acted.unwrap())
    }
}

#[test]
fn d28_t8_every_crash_of_every_update_leaves_the_old_state_or_the_new_one() {
    let scratch = tempfile::tempdir().unwrap();
    let world = World::new();
    let (disk, _) = world.node(&scratch.path().join("agent"));
    std::fs::create_dir(scratch.path().join("root")).unwrap();
    let mut scene = Scene { scratch, world, disk };
    let publication = scene.publication();
    servers::keep(&scene.disk, &[publication.to_str().unwrap().to_owned()]).unwrap();
    let root = scene.disk.path("");
    let root = root.components().collect::<PathBuf>();
    let mut looked = 0;
    for motd in ["one", "two", "three"] {
        scene.world.publish(&publication, &Draft::of(motd));
        if motd == "three" {
            let mut raw = scene.world.root.fields().clone();
            (raw.version, raw.prev) = (2, Some(scene.world.root.id()));
            let next = envelope::<Root>(Root::new(raw).unwrap().encode(), &["alice", "bob"]);
            let at = publication.join("root");
            write_envelope(&at.join("2.json"), &at.join("2.signatures.json"), &next);
        }
        let before = Simulated::of(&root);
        let (steps, acted) = scene.run();
        looked += crash_everywhere(&root, &before, &steps);
        remembered_before_acting(&root, &before, &steps[..acted], &scene.disk);
    }
    assert!(looked > 200, "only {looked} disks were looked at");
}

/// When the first change is made to the node, no crash can bring back the state before (T8).
fn remembered_before_acting(root: &Path, before: &Simulated, steps: &[Step], disk: &Disk) {
    let accepted = stored::load(disk).unwrap().unwrap().accepted();
    let mut simulated = before.clone();
    steps.iter().for_each(|step| simulated.step(step));
    for left in simulated.after_a_crash() {
        let scratch = tempfile::tempdir().unwrap();
        let there = Disk::create(&scratch.path().join("agent")).unwrap();
        for (path, bytes) in &left {
            write(&there.path(path.strip_prefix(root).unwrap().to_str().unwrap()), bytes);
        }
        assert_eq!(stored::load(&there).unwrap().unwrap().accepted(), accepted);
    }
}

#[test]
fn d28_joining_is_done_or_not_done() {
    let scratch = tempfile::tempdir().unwrap();
    let world = World::new();
    let (disk, state) = world.node(&scratch.path().join("agent"));
    let root = disk.path("").components().collect::<PathBuf>();
    for file in ["state.json", "root/1.json", "root/1.signatures.json"] {
        disk.remove(file, Lasting::Now).unwrap();
    }
    std::fs::remove_dir(root.join("root")).unwrap();
    let before = Simulated::of(&root);
    let (watched, steps) = disk.watched();
    stored::keep_root(&watched, 1, &world.first()).unwrap();
    stored::keep_state(&watched, &state).unwrap();
    let steps = steps.lock().unwrap().clone();
    assert!(crash_everywhere(&root, &before, &steps) > 10);
}

/// What may be found of the files of [`written_together`] after the system was ended after any of these steps.
fn torn(root: &Path, before: &Simulated, steps: &[Step]) -> Vec<String> {
    let (mut disk, mut torn) = (before.clone(), BTreeSet::new());
    for step in steps {
        disk.step(step);
        for left in disk.after_a_crash() {
            for name in WRITTEN {
                match left.get(&root.join(name)).map(Vec::as_slice) {
                    None if name != "a" => {}
                    Some(b"old") if name == "a" => {}
                    Some(bytes) if bytes == name.as_bytes() => {}
                    other => drop(torn.insert(format!("{name} is {other:?} after {step:?}"))),
                }
            }
        }
    }
    torn.into_iter().collect()
}

/// The files that are written together; there is one `a` before.
const WRITTEN: [&str; 3] = ["a", "b", "sub/c"];

/// Writes them. Gives the disk before, and what the system was asked to do.
fn written_together(scratch: &Path) -> (Simulated, Vec<Step>) {
    let root = scratch.join(&fault::in_tests::WATCHED[1..]);
    std::fs::create_dir_all(root.join("sub")).unwrap();
    write(&root.join("a"), b"old");
    let mut before = Simulated::of(&root);
    before.folders.insert(root.join("sub"));
    let host = Host::open(scratch).unwrap();
    let paths = WRITTEN.map(|name| format!("{}/{name}", fault::in_tests::WATCHED));
    let prepare =
        |(path, name): (_, &str)| host.prepare(path, &NewFile::new(name.as_bytes(), 0o600)).unwrap();
    let files = paths.iter().map(String::as_str).zip(WRITTEN).map(prepare).collect();
    place(files).into_iter().collect::<Result<(), _>>().unwrap();
    let here = |path: PathBuf| scratch.join(path.strip_prefix("/").unwrap());
    let moved = |step| match step {
        Step::Create(path) => Step::Create(here(path)),
        Step::Write(path, bytes) => Step::Write(here(path), bytes),
        Step::Sync(path) => Step::Sync(here(path)),
        Step::Rename(from, to) => Step::Rename(here(from), here(to)),
        Step::SyncDirectory(path) => Step::SyncDirectory(here(path)),
        other => other,
    };
    (before, fault::in_tests::steps().into_iter().map(moved).collect())
}

#[test]
fn d28_files_that_are_written_together_are_each_old_or_new_after_a_crash_at_any_step() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path().join(&fault::in_tests::WATCHED[1..]);
    let (before, steps) = written_together(scratch.path());
    assert_eq!(torn(&root, &before, &steps), Vec::<String>::new());
    let mut after = before.clone();
    steps.iter().for_each(|step| after.step(step));
    let new: Left = WRITTEN.map(|name| (root.join(name), name.as_bytes().to_vec())).into();
    assert_eq!(after.after_a_crash(), BTreeSet::from([new]), "what was written is not durable");
    // The same without waiting for the files, or for one of them, would be noticed.
    let hasty: Vec<Step> = steps.iter().filter(|step| !matches!(step, Step::Sync(_))).cloned().collect();
    assert_ne!(torn(&root, &before, &hasty), Vec::<String>::new());
    for (at, _) in steps.iter().enumerate().filter(|(_, step)| matches!(step, Step::Sync(_))) {
        let hasty = [&steps[..at], &steps[at + 1..]].concat();
        assert_ne!(torn(&root, &before, &hasty), Vec::<String>::new());
    }
}

/// The simulation finds what it is for: a state that is written before its objects, and one that is not made durable.
#[test]
fn d28_the_simulation_notices_a_wrong_order_and_a_missing_fsync() {
    let scratch = tempfile::tempdir().unwrap();
    let mut world = World::new();
    let (disk, _) = world.node(&scratch.path().join("agent"));
    std::fs::create_dir(scratch.path().join("root")).unwrap();
    world.publish(&scratch.path().join("publication"), &Draft::of("one"));
    let scene = Scene { scratch, world, disk };
    servers::keep(&scene.disk, &[scene.publication().to_str().unwrap().to_owned()]).unwrap();
    let root = scene.disk.path("").components().collect::<PathBuf>();
    let before = Simulated::of(&root);
    let (steps, acted) = scene.run();
    let notices =
        |steps: Vec<Step>| std::panic::catch_unwind(|| crash_everywhere(&root, &before, &steps)).is_err();
    assert!(!notices(steps.clone()));
    let scratch_state = root.join("state.json.tmp");
    let hasty = steps.iter().filter(|step| **step != Step::Sync(scratch_state.clone())).cloned().collect();
    assert!(notices(hasty), "a state whose bytes are not durable was not noticed");
    let of_state = |step: &&Step| match step {
        Step::Create(path) | Step::Write(path, _) | Step::Sync(path) | Step::Rename(path, _) => {
            *path == scratch_state
        }
        _ => false,
    };
    let state_first: Vec<Step> = steps[..acted].iter().filter(of_state).cloned().collect();
    let others = steps.iter().filter(|step| !of_state(step)).cloned();
    let wrong = state_first.into_iter().chain([Step::SyncDirectory(root.clone())]).chain(others).collect();
    assert!(notices(wrong), "a state before its objects was not noticed");
}
