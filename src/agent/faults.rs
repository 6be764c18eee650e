//! Runs of a node in bad weather (S13): partitions, slow links, damaged answers, clocks that jump, disks that are full or
//! cannot make anything durable, agents that are killed, servers that stop or come back from an old backup, stolen keys.
//!
//! Everything follows from a seed. After every step the node is what enough people signed, its serial never fell, and
//! it holds nothing against a key that its trust root no longer has; and two intervals after everything works again it
//! is at the newest release. A few dozen seeds here, `scripts/drill faults` plays more.

use super::disk::{Disk, Trouble};
use super::fetch::{Answer, FetchError, Source, Want};
use super::pull::{self, Pulled, Ready};
use super::stored;
use super::testing::{Draft, NOW, World, envelope, key, snapshot, write_envelope};
use crate::model::{Digest, Stamp};
use crate::signing::sshsig::Signature;
use crate::signing::{Freshness, Release, Root, State};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Seconds between two runs of an agent.
const INTERVAL: i64 = 1800;
/// Intervals of bad weather.
const STORM: usize = 12;
/// Intervals after which everything must be well again.
const PATIENCE: usize = 2;

/// Numbers that follow from a seed (SplitMix64).
#[derive(Debug)]
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// True so many times out of a hundred.
    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// What a server hands out, by path.
type Served = BTreeMap<String, Vec<u8>>;

/// A link that loses, delays and damages.
#[derive(Debug)]
struct Link {
    served: Served,
    /// Nothing comes through.
    cut: bool,
    /// Answers out of a hundred that are late, damaged or gone.
    bad: u64,
    numbers: Mutex<Numbers>,
}

impl Source for Link {
    fn name(&self) -> &str {
        "server"
    }

    fn get(&self, want: &Want<'_>) -> Result<Answer, FetchError> {
        let (path, from) = (want.path.to_owned(), "server".to_owned());
        let mut numbers = self.numbers.lock().unwrap();
        if self.cut {
            return Err(FetchError::Unreachable { from, cause: "no route".into() });
        }
        let Some(mut bytes) = self.served.get(want.path).cloned() else { return Ok(Answer::Missing) };
        // What comes torn in the middle of a timestamp makes the agent look twice, and wait before that.
        if numbers.chance(self.bad) && !path.starts_with("timestamp/") {
            match numbers.below(3) {
                0 => return Err(FetchError::TooSlow { path, from }),
                1 => bytes.truncate(bytes.len() / 2),
                _ => {
                    let at = usize::try_from(numbers.below(bytes.len() as u64)).unwrap();
                    bytes[at] ^= 1;
                }
            }
        } else if numbers.chance(self.bad) {
            return Err(FetchError::TooSlow { path, from });
        }
        if bytes.len() as u64 > want.cap {
            return Err(FetchError::TooLong { path, from, cap: want.cap });
        }
        Ok(Answer::Bytes { bytes, etag: None })
    }
}

/// The server, and what honest people signed.
struct Server {
    scratch: tempfile::TempDir,
    world: World,
    /// What the server has of its own past, to be restored.
    backup: Option<(World, Served)>,
    /// What it hands out since a restore, in which newer releases are missing.
    restored: Option<(World, Served)>,
    stopped: bool,
    rotated: bool,
    newest: u64,
    /// Honest releases: their serials.
    honest: BTreeMap<Digest, u64>,
}

impl Server {
    fn new() -> Self {
        let mut server = Self {
            scratch: tempfile::tempdir().unwrap(),
            world: World::new(),
            backup: None,
            restored: None,
            stopped: false,
            rotated: false,
            newest: 0,
            honest: BTreeMap::new(),
        };
        server.publish();
        server
    }

    fn directory(&self) -> &Path {
        self.scratch.path()
    }

    fn signers(&self) -> Vec<&'static str> {
        vec![if self.rotated { "new alice" } else { "alice" }, "bob"]
    }

    /// The next honest release.
    fn publish(&mut self) {
        let draft = Draft::of(&format!("release {}", self.newest + 1)).signed_by(&self.signers());
        self.newest = self.world.publish(self.scratch.path(), &draft);
        let statement = self.directory().join(format!("release/production/{}/statement.json", self.newest));
        self.honest.insert(Digest::of(&std::fs::read(statement).unwrap()), self.newest);
    }

    /// Alice's key was stolen: trust root 2 has a new one, and what is in force is signed again.
    fn rotate(&mut self) {
        let mut raw = self.world.root.fields().clone();
        (raw.version, raw.prev) = (2, Some(self.world.root.id()));
        let alice = raw.principals.iter_mut().find(|principal| principal.name.as_str() == "alice").unwrap();
        alice.keys = vec![key("new alice").public().to_line()];
        let next = Root::new(raw).unwrap().encode();
        let mut next = envelope::<Root>(next, &["alice", "bob"]);
        next.signatures.extend(envelope::<Root>(next.bytes.clone(), &["new alice"]).signatures);
        let place = self.directory().join("root");
        write_envelope(&place.join("2.json"), &place.join("2.signatures.json"), &next);
        self.rotated = true;
        let place = self.directory().join(format!("release/production/{}", self.newest));
        let statement = std::fs::read(place.join("statement.json")).unwrap();
        let signed = envelope::<Release>(statement, &self.signers());
        write_envelope(&place.join("statement.json"), &place.join("signatures.json"), &signed);
    }

    /// Everything that was published, as it lies there.
    fn files(&self) -> Served {
        let relative = |(path, bytes): (std::path::PathBuf, Vec<u8>)| {
            let path = path.strip_prefix(self.directory()).unwrap().to_str().unwrap().to_owned();
            (path, bytes)
        };
        snapshot(self.directory()).into_iter().map(relative).collect()
    }

    /// A fresh timestamp at the true time, and what is handed out then. A restored server stamps the newest that it has.
    fn serve(&mut self, time: Stamp) -> Served {
        if let Some((world, served)) = &mut self.restored {
            let scratch = tempfile::tempdir().unwrap();
            if !self.stopped {
                world.stamp(scratch.path(), time);
                for (path, bytes) in snapshot(scratch.path()) {
                    let path = path.strip_prefix(scratch.path()).unwrap().to_str().unwrap().to_owned();
                    served.insert(path, bytes);
                }
            }
            return served.clone();
        }
        if !self.stopped {
            self.world.stamp(self.scratch.path(), time);
        }
        self.files()
    }

    /// Puts back what was lost. The timestamp role goes on after the highest number that was published.
    fn mend(&mut self) {
        self.stopped = false;
        if let Some((world, _)) = self.restored.take() {
            self.world.go_on_after(&world);
        }
    }

    fn weather(&mut self, numbers: &mut Numbers) {
        if numbers.chance(35) {
            self.publish();
        }
        if numbers.chance(15) {
            self.backup = Some((self.world.clone(), self.files()));
        }
        if numbers.chance(8) && !self.rotated && self.restored.is_none() {
            self.rotate();
        }
        if numbers.chance(10) && self.restored.is_none() {
            self.restored = self.backup.take();
        } else if numbers.chance(30) {
            self.mend();
        }
        self.stopped = numbers.chance(20);
    }
}

/// What a disk does at the next steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Nothing can be written any more.
    Full,
    /// Nothing becomes durable.
    NotDurable,
    /// The agent is killed.
    Killed,
}

/// A disk that works for so many steps, and then does not.
fn troubled(disk: &Disk, fault: Fault, after: u64) -> Disk {
    let left = Mutex::new(after);
    disk.troubled(Trouble(Arc::new(move |verb| {
        let mut left = left.lock().unwrap();
        if *left > 0 {
            *left -= 1;
            return Ok(());
        }
        match (fault, verb) {
            (Fault::Full, "make" | "create" | "write") => Err(io::ErrorKind::StorageFull.into()),
            (Fault::NotDurable, "make durable") => Err(io::Error::other("input/output error")),
            (Fault::Killed, _) => Err(io::Error::other("killed")),
            (Fault::Full | Fault::NotDurable, _) => Ok(()),
        }
    })))
}

/// A node, what it was made into so far, and what it had.
struct Node {
    _scratch: tempfile::TempDir,
    disk: Disk,
    /// Highest serials that were ever accepted and applied.
    highest: (u64, u64),
    /// How far its clock is from the true time.
    skew: i64,
    cut: bool,
    bad: u64,
    /// Codes of what went wrong, for the test that the weather is bad enough.
    codes: BTreeSet<String>,
}

impl Node {
    fn new(server: &Server) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let (disk, _) = server.world.node(&scratch.path().join("agent"));
        let codes = BTreeSet::new();
        Self { _scratch: scratch, disk, highest: (0, 0), skew: 0, cut: false, bad: 0, codes }
    }

    /// What is on the disk, which can always be read (I2).
    fn state(&mut self) -> State {
        let state = stored::load(&self.disk).unwrap().unwrap();
        let seq = state.accepted().map_or(0, |accepted| accepted.seq);
        assert!(seq >= self.highest.0, "I2: accepted {seq} after {}", self.highest.0);
        self.highest.0 = seq;
        state
    }

    fn weather(&mut self, numbers: &mut Numbers) {
        self.cut = numbers.chance(25);
        self.bad = if numbers.chance(30) { numbers.below(40) } else { 0 };
        if numbers.chance(15) {
            const JUMPS: [i64; 6] = [-86_400 * 365, -7200, -600, 600, 3000, 86_400 * 3650];
            self.skew = JUMPS[usize::try_from(numbers.below(6)).unwrap()];
        } else if numbers.chance(40) {
            self.skew = 0;
        }
    }

    /// One run, as far as it comes.
    fn run(
        &mut self,
        server: &Server,
        served: Served,
        (time, fault): (Stamp, Option<(Fault, u64)>),
        seed: u64,
    ) {
        let now = time.plus(self.skew);
        let disk =
            fault.map_or_else(|| self.disk.clone(), |(fault, after)| troubled(&self.disk, fault, after));
        let numbers = Mutex::new(Numbers(seed));
        let link: Box<dyn Source> = Box::new(Link { served, cut: self.cut, bad: self.bad, numbers });
        let mut state = self.state();
        let attempts = pull::pull(&disk, &mut state, &[link], now);
        self.codes.extend(attempts.problems.iter().map(|(_, problem)| problem.code().to_owned()));
        let ready = match attempts.pulled {
            Some(Pulled::Ready(ready)) => Some(*ready),
            Some(Pulled::Unassigned(_)) => panic!("every release is for this node"),
            None => pull::reload(&disk, &state, now).ok().flatten(),
        };
        if let Some(ready) = ready {
            self.apply(server, &disk, &ready);
        }
        self.state();
    }

    /// Only what is fresh or held is enforced, and it is written down when it has been.
    fn apply(&mut self, server: &Server, disk: &Disk, ready: &Ready) {
        if matches!(ready.catalog.freshness(), Freshness::Expired { .. }) {
            return;
        }
        let release = &ready.release;
        let on_disk = self.state();
        // Where the last write failed, what is enforced may be older than what is on the disk, and never newer.
        let kept = on_disk.accepted().unwrap();
        let same = kept.seq == release.seq && kept.id == release.id();
        assert!(same || release.seq < kept.seq, "I2: applied {} before it is kept", release.seq);
        // I1, I5: honest people made exactly this, for this node.
        assert_eq!(server.honest.get(&release.id()), Some(&release.seq), "I1: nobody signed this");
        let honest = format!("release {}", release.seq);
        let wanted = [Digest::of(honest.as_bytes())];
        assert!(
            ready.catalog.blobs().keys().eq(&wanted),
            "I1: another catalog than that of release {}",
            release.seq
        );
        self.count(&on_disk, release.id());
        assert!(release.seq >= self.highest.1, "I2: applied {} after {}", release.seq, self.highest.1);
        self.highest.1 = release.seq;
        let after = ready.state.after_applying();
        if stored::keep_state(disk, &after).is_ok() {
            let report = Digest::of(&after.encode());
            drop(stored::keep_state(disk, &after.after_report(report)));
        }
    }

    /// Enough people signed, each counted once, no author, and nobody with a key that the trust root does not have (I3, I4).
    fn count(&self, state: &State, id: Digest) {
        let kept = stored::release(&self.disk, id).unwrap().unwrap();
        let release: Release = crate::signing::document::read_untrusted(&kept.bytes).unwrap();
        let mut people = BTreeSet::new();
        for armored in &kept.signatures {
            let signature = Signature::parse(armored).unwrap();
            people.extend(state.root().principal_of(signature.key()).cloned());
        }
        people.retain(|name| !release.authors.contains(name));
        assert!(people.len() >= 2, "I3, I4: only {people:?} signed");
    }
}

/// Seeds that found something once: 526, a new trust root that was on the disk though its write had failed, while the run
/// went on under the old one.
const FOUND: [u64; 1] = [526];

/// What a seed came to.
struct Ended {
    codes: BTreeSet<String>,
    releases: u64,
}

/// Storm, then calm, for two nodes at one server.
fn play(seed: u64) -> Ended {
    let mut numbers = Numbers(seed);
    let mut server = Server::new();
    let mut nodes = [Node::new(&server), Node::new(&server)];
    let mut time = NOW;
    for _ in 0..STORM {
        time = time.plus(INTERVAL);
        server.weather(&mut numbers);
        let served = server.serve(time);
        for node in &mut nodes {
            node.weather(&mut numbers);
            let faults = [Fault::Full, Fault::NotDurable, Fault::Killed];
            let fault = faults[usize::try_from(numbers.below(3)).unwrap()];
            let fault = numbers.chance(40).then(|| (fault, numbers.below(60)));
            node.run(&server, served.clone(), (time, fault), numbers.next());
        }
    }
    server.mend();
    for node in &mut nodes {
        (node.skew, node.cut, node.bad) = (0, false, 0);
    }
    for _ in 0..PATIENCE {
        time = time.plus(INTERVAL);
        let served = server.serve(time);
        nodes.iter_mut().for_each(|node| node.run(&server, served.clone(), (time, None), 0));
    }
    for node in &nodes {
        assert_eq!(
            node.highest,
            (server.newest, server.newest),
            "not at the newest release: {:?}",
            node.codes
        );
    }
    let [one, other] = nodes;
    Ended { codes: one.codes.union(&other.codes).cloned().collect(), releases: server.newest }
}

#[test]
fn s13_nodes_obey_only_what_was_signed_in_any_weather_and_catch_up_after_it() {
    let wished = std::env::var("COUNTERSIGN_FAULTS").ok().map(|text| text.parse::<u64>().unwrap());
    let (mut codes, mut releases) = (BTreeSet::new(), 0);
    for seed in (1..=wished.unwrap_or(24)).chain(FOUND) {
        let ended = std::panic::catch_unwind(|| play(seed)).unwrap_or_else(|_| panic!("seed {seed}"));
        codes.extend(ended.codes);
        releases += ended.releases;
    }
    println!("{releases} releases; what went wrong on the way: {codes:?}");
    for code in ["DISK", "FREEZE", "CLOCK_BACK", "TIMESTAMP_ROLLBACK"] {
        assert!(codes.contains(code), "the weather is too good: {codes:?}");
    }
}

/// The checks find what they are for.
#[test]
fn s13_a_state_that_went_back_and_a_forged_release_are_noticed() {
    let mut server = Server::new();
    let mut node = Node::new(&server);
    let notices = |node: &mut Node, server: &Server, served: Served| {
        let run = || node.run(server, served, (NOW, None), 1);
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err()
    };
    let before = node.state().encode();
    let served = server.serve(NOW);
    assert!(!notices(&mut node, &server, served.clone()));
    node.disk.write("state.json", &before).unwrap();
    assert!(notices(&mut node, &server, served.clone()), "a state that went back was not noticed");
    let mut node = Node::new(&server);
    server.honest.clear();
    assert!(notices(&mut node, &server, served), "a release that nobody signed was not noticed");
}
