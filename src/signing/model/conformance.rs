//! The model against the real `decide`: the same situations, made of real keys, signatures and trees, come to the same
//! code.

use super::documents::{
    Catalog as Part, Keys, Leaf as Place, Log, Person, RootName, Statement, Timestamp as Word,
};
use super::rules::{Disk, Offer, Rules, Stored, Verdict};
use crate::model::{Catalog, Digest, Stamp, canonical};
use crate::signing::document::{Document, Envelope, Hash};
use crate::signing::merkle::{Entry, Leaf, Leaves};
use crate::signing::release::ReleaseKind;
use crate::signing::root::{RawPrincipal, RawRole, RawRoot, Root};
use crate::signing::testing::{Numbers, hour, key, publish, raw_after, raw_root, role, root_of, who};
use crate::signing::tree::{Remembered, consistency, leaf_hash, tree_root};
use crate::signing::{Decision, Ratification, Release, State, Timestamp, Withdrawals, decide, sshsig, walk};

const NODES: [&str; 2] = ["web1", "web2"];

pub(super) fn name(person: Person) -> &'static str {
    match person {
        Person::Alice => "alice",
        Person::Bob => "bob",
        Person::Carol => "carol",
        Person::Frank => "frank",
    }
}

/// The bytes with the signatures of these keys, in the order of the keys.
pub(super) fn signed<T: Document>(bytes: Vec<u8>, keys: Keys) -> Envelope {
    let names = ["alice", "alice too", "bob", "carol", "server", "mallory", "grace"];
    let with = |(_, name): (usize, &str)| sshsig::sign(&key(name), T::NAMESPACE, &bytes);
    let chosen = names.into_iter().enumerate().filter(|(bit, _)| keys.0 & (1 << bit) != 0);
    let signatures = chosen.map(with).collect();
    Envelope { bytes, signatures }
}

/// The first trust root and the second, which has Alice no more. A tick is an hour.
fn roots() -> (RawRoot, RawRoot) {
    let mut first = raw_root();
    let alice = first.principals.iter_mut().find(|p| p.name == who("alice")).unwrap();
    alice.keys.push(key("alice too").public().to_line());
    first.expires = hour(2);
    first.principals.push(RawPrincipal { name: who("grace"), keys: vec![key("grace").public().to_line()] });
    let emergency = role("break-glass", &["grace"], 1);
    first.roles.push(RawRole { nodes: Some(vec!["web1".parse().unwrap()]), ..emergency });
    let mut second = raw_after(&first);
    second.expires = hour(9);
    second.roles[0] = role("root", &["bob", "carol"], 2);
    second.roles[1] = role("release", &["bob", "carol"], 2);
    second.principals.retain(|p| p.name != who("alice"));
    (first, second)
}

fn second_root() -> Envelope {
    signed::<Root>(canonical::encode(&roots().1), Keys::BOB.with(Keys::CAROL))
}

/// A release statement with the trees and catalogs behind it.
pub(super) struct Made {
    pub(super) statement: Release,
    leaves: Vec<Leaf>,
    catalogs: Vec<Catalog>,
}

pub(super) fn make(statement: Statement) -> Made {
    let prev = statement.prev().map(make);
    let seed = publish(u64::from(statement.seq()), None);
    let module = format!("module-{}", statement as usize).parse::<crate::model::ModuleName>().unwrap();
    let catalog = |node: &str| {
        let environment = seed.statement.environment.clone();
        Catalog::new(environment, node.parse().unwrap(), vec![module.clone()], Vec::new())
    };
    let catalogs: Vec<Catalog> = NODES.into_iter().map(catalog).collect();
    let entry = |catalog: &Catalog| {
        let bytes = catalog.encode();
        Entry { node: catalog.node.clone(), catalog: Digest::of(&bytes), length: bytes.len() as u64 }
    };
    let leaves = Leaves::new(&[1; 32], catalogs.iter().map(entry).collect()).unwrap();
    let (created, mut expires) = statement.life();
    let mut kind = ReleaseKind::Normal;
    if statement.is_emergency() {
        (kind, expires) = (ReleaseKind::BreakGlass, Statement::EMERGENCY_END);
    }
    let statement = Release {
        kind,
        prev: prev.map(|prev| prev.statement.id()),
        authors: vec![who(name(statement.author()))],
        nodes: 2,
        affected: 2,
        catalogs: leaves.root(),
        created: tick(created),
        expires: tick(expires),
        ..seed.statement
    };
    Made { statement, leaves: leaves.documents().collect(), catalogs }
}

pub(super) fn tick(at: u8) -> Stamp {
    hour(i64::from(at))
}

/// The entries of a log.
fn history(log: Log) -> Vec<Hash> {
    let entries: &[&[u8]] = match log {
        Log::None => &[],
        Log::One => &[b"one"],
        Log::Two => &[b"one", b"two"],
        Log::Other => &[b"another", b"two"],
    };
    entries.iter().map(|entry| leaf_hash(entry)).collect()
}

pub(super) fn word(word: Word, list: &Withdrawals) -> Envelope {
    let statement = make(word.names).statement;
    let seed = publish(1, None).timestamp;
    let timestamp = Timestamp {
        n: u64::from(word.n),
        root: u64::from(word.root),
        seq: statement.seq,
        release: statement.id(),
        log_size: u64::from(word.log.size()),
        log_root: history(word.log).last().map(|_| Digest::from_bytes(tree_root(&history(word.log)).0)),
        created: tick(word.created),
        expires: tick(word.expires()),
        withdrawn: list.digest(),
        ..seed
    };
    signed::<Timestamp>(timestamp.encode(), Keys::SERVER)
}

/// The real offer, with the chain from `have` on.
pub(super) fn real(offer: &Offer, state: &State) -> crate::signing::Offer {
    let have = state.accepted().map_or(0, |accepted| u8::try_from(accepted.seq).unwrap());
    let entries = history(offer.timestamp.log);
    let seen = state.checkpoint().map_or(0, |checkpoint| checkpoint.size);
    let log_proof = consistency(&mut Remembered::new(&entries), seen, entries.len() as u64)
        .unwrap_or_else(|never| match never {});
    let made = make(offer.statement);
    let mut chain = Vec::new();
    let mut before = offer.statement.prev();
    while let Some(older) = before.filter(|older| older.seq() > have) {
        chain.insert(0, make(older).statement.encode());
        before = older.prev();
    }
    let leaf = |place: Place| {
        let mut leaf = make(place.catalog.of).leaves[usize::from(place.catalog.node)].clone();
        leaf.node = NODES[usize::from(place.node)].parse().unwrap();
        leaf.encode()
    };
    let catalog = |part: Part| make(part.of).catalogs[usize::from(part.node)].encode();
    crate::signing::Offer {
        roots: Vec::new(),
        timestamp: word(offer.timestamp, state.withdrawals()),
        withdrawals: None,
        log_proof,
        release_log_proof: Vec::new(),
        release: signed::<Release>(made.statement.encode(), offer.signatures),
        ratification: signed::<Ratification>(Ratification::of(&made.statement).encode(), offer.ratification)
            .signatures,
        chain,
        leaf: offer.part.map(|(place, _)| leaf(place)),
        catalog: offer.part.map_or_else(Vec::new, |(_, part)| catalog(part)).into(),
    }
}

pub(super) fn rules() -> Rules {
    Rules { bug: None, stolen: Some(Person::Alice) }
}

pub(super) fn in_model(disk: &Disk, offer: &Offer, now: u8) -> &'static str {
    match rules().decide(0, disk, offer, now) {
        Ok(Verdict::Accept(_)) => "accept",
        Ok(Verdict::Unchanged(_)) => "unchanged",
        Ok(Verdict::Unassigned) => "unassigned",
        Err(code) => code,
    }
}

pub(super) fn in_truth(state: &State, offer: &Offer, now: u8) -> &'static str {
    match decide(state, &real(offer, state), tick(now)) {
        Ok(Decision::Accept(_)) => "accept",
        Ok(Decision::Unchanged(_)) => "unchanged",
        Ok(Decision::Unassigned { .. }) => "unassigned",
        Err(refusal) => refusal.code(),
    }
}

pub(super) fn offer(statement: Statement, signatures: Keys, n: u8) -> Offer {
    let catalog = Part { node: 0, of: statement };
    let timestamp = Word { n, names: statement, created: 0, root: 1, log: Log::None };
    Offer {
        timestamp,
        statement,
        signatures,
        ratification: Keys::NONE,
        part: Some((Place { node: 0, catalog }, catalog)),
    }
}

/// An agent in both worlds: enrolled, and after it took these offers in the first tick.
pub(super) fn after(offers: &[Offer]) -> (Disk, State) {
    let node = NODES[0].parse().unwrap();
    let start = State::enroll(node, "production".parse().unwrap(), root_of(&roots().0));
    offers.iter().fold((Disk::ENROLLED, start), |(disk, state), offer| {
        assert_eq!(in_model(&disk, offer, 0), "accept");
        let Offer { statement, signatures, ratification, part, .. } = *offer;
        let stored = Stored { statement, signatures, ratification, part };
        let disk = Disk { timestamp: Some(offer.timestamp), accepted: Some(stored), ..disk };
        let Ok(Decision::Accept(accepted)) = decide(&state, &real(offer, &state), tick(0)) else {
            panic!("must be accepted")
        };
        (disk, accepted.state)
    })
}

/// Both worlds under the second trust root.
fn walked((disk, state): (Disk, State)) -> (Disk, State) {
    let root = second_root();
    let model = rules().walk(disk.root, RootName::Second, Keys::BOB.with(Keys::CAROL));
    assert_eq!(model, Ok(()));
    (Disk { root: RootName::Second, ..disk }, walk(&state, &[root]).unwrap())
}

pub(super) const ALL: Keys = Keys::REVIEWERS;

/// The situations of the protocol by name, each with the code that both must come to.
#[test]
fn s8_the_model_judges_as_decide_does() {
    use Statement::{First, Forged, Rival, Second, Third};
    let (alice, bob, carol) = (Keys::ALICE, Keys::BOB, Keys::CAROL);
    let fresh = || after(&[]);
    let one = || after(&[offer(First, ALL, 1)]);
    let two = || after(&[offer(First, ALL, 1), offer(Second, ALL, 2)]);
    let both = alice.with(Keys::ALICE_TOO);
    let theirs = Part { node: 1, of: Second };
    let leaf = |node, catalog, bytes| Offer {
        part: Some((Place { node, catalog }, bytes)),
        ..offer(Second, ALL, 2)
    };
    let good = offer(Second, ALL, 2);
    let late = |created| Offer { timestamp: Word { created, ..good.timestamp }, ..good };
    let newer = Offer { timestamp: Word { root: 2, ..good.timestamp }, ..good };
    let mixed = Offer { timestamp: offer(First, ALL, 2).timestamp, ..good };
    let cases = [
        ("good", fresh(), good, 0, "accept"),
        ("the next", one(), good, 0, "accept"),
        ("again", two(), good, 0, "unchanged"),
        ("nothing for the node", fresh(), Offer { part: None, ..good }, 0, "unassigned"),
        ("an old serial", two(), offer(First, ALL, 2), 0, "TIMESTAMP_EQUIVOCATION"),
        ("an old serial with news", two(), offer(First, ALL, 3), 0, "ROLLBACK"),
        ("an old timestamp", two(), offer(Second, ALL, 1), 0, "TIMESTAMP_ROLLBACK"),
        ("another with the serial", two(), offer(Rival, ALL, 3), 0, "EQUIVOCATION"),
        (
            "a serial left out",
            one(),
            Offer { timestamp: late(1).timestamp, ..offer(Third, ALL, 2) },
            1,
            "MIX",
        ),
        ("two serials on", one(), later(offer(Third, ALL, 2)), 1, "accept"),
        ("after a rival", after(&[offer(Rival, ALL, 1)]), later(offer(Third, ALL, 2)), 1, "CHAIN"),
        ("a timestamp at its end", one(), good, 1, "accept"),
        ("a timestamp after its end", one(), good, 2, "FREEZE"),
        ("a timestamp of tomorrow", one(), late(1), 0, "FUTURE"),
        ("a release of tomorrow", fresh(), offer(Third, ALL, 1), 0, "FUTURE"),
        ("a release after its end", fresh(), later(offer(First, ALL, 1)), 2, "RELEASE_EXPIRED"),
        ("a trust root after its end", fresh(), later(offer(Third, ALL, 1)), 3, "ROOT_EXPIRED"),
        ("a trust root held back", fresh(), newer, 0, "ROOT_MISSING"),
        ("parts of two", fresh(), mixed, 0, "MIX"),
        ("nobody", fresh(), offer(Second, Keys::NONE, 1), 0, "UNSIGNED"),
        ("strangers", fresh(), offer(Forged, Keys::MALLORY, 1), 0, "UNSIGNED"),
        ("the server", fresh(), offer(Forged, Keys::SERVER, 1), 0, "THRESHOLD"),
        ("one", fresh(), offer(Second, bob.with(Keys::SERVER), 1), 0, "THRESHOLD"),
        ("the author and one", fresh(), offer(First, alice.with(bob), 1), 0, "SELF_APPROVAL"),
        ("the author and two", fresh(), offer(First, ALL, 1), 0, "accept"),
        ("two keys of one", fresh(), offer(Forged, both, 1), 0, "THRESHOLD"),
        ("two keys of one and one", fresh(), offer(Second, both.with(carol), 1), 0, "accept"),
        ("another's leaf", fresh(), leaf(1, theirs, theirs), 0, "WRONG_NODE"),
        ("another's leaf renamed", fresh(), leaf(0, theirs, theirs), 0, "PROOF"),
        ("another's catalog", fresh(), leaf(0, Part { node: 0, of: Second }, theirs), 0, "CATALOG_ALTERED"),
        ("a removed key", walked(fresh()), offer(Second, alice.with(bob), 1), 0, "THRESHOLD"),
        ("removed keys alone", walked(fresh()), offer(Second, both, 1), 0, "UNSIGNED"),
        ("who is left", walked(one()), offer(Second, bob.with(carol), 2), 0, "accept"),
        ("accepted with a removed key", walked(one()), offer(First, carol, 1), 0, "THRESHOLD"),
    ];
    for (case, (disk, state), offer, now, expected) in cases {
        assert_eq!(in_truth(&state, &offer, now), expected, "{case}: decide");
        assert_eq!(in_model(&disk, &offer, now), expected, "{case}: the model");
    }
}

/// The offer with a timestamp that was made a tick later.
fn later(offer: Offer) -> Offer {
    let created = if offer.statement == Statement::First { 2 } else { 1 };
    Offer { timestamp: Word { created, ..offer.timestamp }, ..offer }
}

/// Offers put together at random come to the same code in both.
#[test]
fn s8_the_model_judges_random_offers_as_decide_does() {
    use Statement::{First, Second};
    let one = || after(&[offer(First, ALL, 1)]);
    let two = || after(&[offer(First, ALL, 1), offer(Second, ALL, 2)]);
    let places = [after(&[]), one(), two(), walked(after(&[])), walked(one()), walked(two())];
    let mut numbers = Numbers::new(8);
    let mut codes = std::collections::BTreeSet::new();
    for _ in 0..300 {
        let (disk, state) = &places[numbers.below(places.len())];
        let drawn = draw(&mut numbers);
        let now = u8::try_from(numbers.below(3)).unwrap();
        let code = in_model(disk, &drawn, now);
        assert_eq!(in_truth(state, &drawn, now), code, "{drawn:?} at {now} for {disk:?}");
        codes.insert(code);
    }
    assert!(codes.len() >= 10, "only {codes:?}");
}

/// Mostly of a piece, since an offer is refused for the first thing that is wrong.
fn draw(numbers: &mut Numbers) -> Offer {
    let mut small = |end: usize| u8::try_from(numbers.below(end)).unwrap();
    let statement = Statement::ALL[usize::from(small(7))];
    let n = 1 + small(3);
    let mut drawn = offer(statement, Keys(small(64)), n);
    drawn.timestamp.created = small(3);
    if small(8) == 0 {
        drawn.timestamp.names = Statement::ALL[usize::from(small(7))];
    }
    let catalog = Part { node: u8::from(small(8) == 0), of: statement };
    let place = Place { node: u8::from(small(8) == 0), catalog };
    drawn.part = (small(8) != 0).then_some((place, catalog));
    drawn
}
