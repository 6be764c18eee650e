//! The log as the timestamp role signs it: everything that was published is in it, and an edited past is not signed.

use super::*;
use crate::model::wire::Signed;
use crate::server::testing::{Publishing, World, trigger};
use crate::signing::log::{EntryKind, Tiles, unbundle};
use crate::signing::tree::{Ranges as _, consistency, continues};
use crate::signing::{Timestamp, verify};
use std::time::{Duration, Instant};

const FIRST: Publishing<'_> =
    Publishing { seq: 1, prev: None, nodes: &["web1.web"], signers: &["alice", "bob"] };

fn env() -> EnvName {
    "production".parse().unwrap()
}

/// A server's directory without a server, its timestamp key, and the parts that the role works with.
struct Room {
    world: World,
    publication: Publication,
    root: Verified<Root>,
    key: SigningKey,
}

impl Room {
    fn new() -> Self {
        let mut world = World::without_timestamps();
        world.stop();
        let publication = Publication::open(&world.layout.publication()).unwrap();
        let pinned = Digest::of(&publication.root(1).unwrap().unwrap().bytes);
        let root = crate::server::walk_published(&publication, pinned).unwrap();
        let pem = std::fs::read(world.layout.timestamp_key()).unwrap();
        let key = SigningKey::from_openssh(&pem).unwrap();
        Self { world, publication, root, key }
    }

    /// Signs the log with the releases up to `seq`, as a role that has seen `log`.
    fn sign(&self, log: &mut Log, seq: u64) -> Result<Option<Checkpoint>, LogError> {
        self.world.database(async |database| {
            let desk = Desk { database, publication: &self.publication, root: &self.root, key: &self.key };
            let said = Said { env: &env(), seq, withdrawn: self.withdrawn() };
            log.sign(&desk, &said).await
        })
    }

    /// The digest of the published list of withdrawals.
    fn withdrawn(&self) -> Option<Digest> {
        let list = self.publication.withdrawals(&env()).unwrap()?;
        Withdrawals::decode(&list).unwrap().digest()
    }

    /// Writes `count` entries about reports.
    fn report(&self, from: u64, count: u64) {
        let node = "web1.web".parse().unwrap();
        let id = |n: u64| Digest::of(&n.to_be_bytes());
        let entries: Vec<Entry> =
            (from..from + count).map(|n| Entry::report(&node, n, (id(n), Some(id(n - 1))))).collect();
        self.world.database(async |database| database.append_log(&entries).await.unwrap());
    }

    /// What an administrator does to the database with the tools of the house.
    fn meddle(&self, statements: &[&str]) {
        let path = self.world.layout.database();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
            let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
            for text in ["DROP TRIGGER IF EXISTS log_is_not_edited", "DROP TRIGGER IF EXISTS log_is_not_cut"]
                .iter()
                .chain(statements)
            {
                sqlx::query(sqlx::AssertSqlSafe(*text)).execute(&pool).await.unwrap();
            }
            pool.close().await;
        });
    }

    /// The entries as anybody finds them in the publication.
    fn entries(&self, size: u64) -> Vec<Entry> {
        let mut entries = Vec::new();
        for index in 0..size.div_ceil(256) {
            let bytes = self.publication.bundle(Tile::of(None, index, size).unwrap()).unwrap().unwrap();
            entries.extend(unbundle(&bytes).unwrap().into_iter().map(|entry| Entry::decode(entry).unwrap()));
        }
        entries
    }

    fn tiles(&self, size: u64) -> Tiles<impl FnMut(Tile) -> Result<Vec<u8>, PublishError>> {
        Tiles::new(size, |tile| Ok(self.publication.tile(tile)?.unwrap()))
    }

    fn published(&self) -> Checkpoint {
        *note::verify(&self.root, &self.publication.checkpoint().unwrap().unwrap()).unwrap()
    }
}

#[test]
fn what_is_published_is_in_the_log_before_it_is_signed() {
    let room = Room::new();
    let first = room.world.publish(&FIRST);
    let mut log = Log::default();
    let signed = room.sign(&mut log, 1).unwrap().unwrap();
    assert_eq!(room.published(), signed);
    // The trust root with two signatures, the statement with two and a waiver.
    let entries = room.entries(signed.size);
    let kinds: Vec<EntryKind> = entries.iter().map(|entry| entry.kind).collect();
    let [root, statement, approval] = [EntryKind::Root, EntryKind::Statement, EntryKind::Approval];
    assert_eq!(kinds, [root, approval, approval, statement, approval, approval, EntryKind::Waiver]);
    assert_eq!(entries[6].digest, Digest::of(b"a waiver"));
    assert_eq!((entries[3].digest, entries[3].number), (first.id(), Some(1)));
    assert!(entries[4..].iter().all(|entry| entry.of == Some(first.id())));
    assert_eq!(room.tiles(7).root(0..7).unwrap().0, *signed.root.as_bytes());
    // Nothing new, nothing signed anew; and a restart goes on from there.
    assert_eq!(room.sign(&mut log, 1).unwrap(), Some(signed));
    room.report(1, 700);
    let next = room.sign(&mut Log::default(), 1).unwrap().unwrap();
    assert_eq!(next.size, 707);
    let path = consistency(&mut room.tiles(707), 7, 707).unwrap();
    assert!(continues(signed, next, &path));
    assert_eq!(room.entries(707).len(), 707);
    // Incomplete tiles of before are gone where the complete ones are there.
    let log = room.publication.directory().join("log/tile");
    assert!(log.join("0/000").exists() && !log.join("0/000.p").exists() && log.join("0/002.p/195").exists());
    assert!(log.join("entries/000").exists() && !log.join("entries/000.p").exists());
}

#[test]
fn tiles_that_grew_step_by_step_are_those_of_the_whole_log() {
    let room = Room::new();
    let mut log = Log::default();
    for (from, count) in [(1, 200), (201, 53), (254, 1), (255, 1), (256, 255), (511, 90)] {
        room.report(from, count);
        room.sign(&mut log, 0).unwrap();
    }
    let size = room.published().size;
    let (mut edge, mut tiles) = (Edge::default(), Vec::new());
    for entry in room.entries(size) {
        edge.append(entry.hash(), |tile, bytes| tiles.push((tile, bytes)));
    }
    tiles.extend(edge.partial());
    assert_eq!((size, edge.checkpoint()), (603, Some(room.published())));
    for (tile, bytes) in tiles {
        let path = room.publication.directory().join("log").join(tile.path());
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "{}", tile.path());
    }
}

#[test]
fn d50_an_edited_log_is_not_signed() {
    let renumber = "UPDATE log SET n = n - 1 WHERE n > 5";
    for edit in [
        &["UPDATE log SET entry = x'00' WHERE n = 5"][..],
        &["DELETE FROM log WHERE n = 5"],
        &["DELETE FROM log WHERE n = 5", renumber],
        &["DELETE FROM log WHERE n = 302"],
        &["DELETE FROM log"],
        &[
            "UPDATE log SET n = -1 WHERE n = 5",
            "UPDATE log SET n = 5 WHERE n = 6",
            "UPDATE log SET n = 6 WHERE n = -1",
        ],
    ] {
        let room = Room::new();
        room.report(1, 300);
        let mut log = Log::default();
        let signed = room.sign(&mut log, 0).unwrap().unwrap();
        assert_eq!(signed.size, 303);
        room.meddle(edit);
        room.report(301, 10);
        // Whoever starts now reads everything; again and again makes no difference.
        let mut restarted = Log::default();
        for _ in 0..2 {
            let refused = room.sign(&mut restarted, 0).unwrap_err();
            assert!(
                matches!(refused, LogError::Edited(before) if before == signed.size),
                "{edit:?}: {refused:?}"
            );
        }
        assert_eq!(room.published(), signed);
    }
}

#[test]
fn d50_a_role_at_work_notices_that_the_end_was_edited_or_cut_off() {
    for edit in [
        "DELETE FROM log WHERE n = 302",
        "DELETE FROM log WHERE n > 250",
        "UPDATE log SET entry = x'00' WHERE n = 302",
        "UPDATE log SET entry = x'00' WHERE n = 270",
    ] {
        let room = Room::new();
        room.report(1, 300);
        let mut log = Log::default();
        let signed = room.sign(&mut log, 0).unwrap().unwrap();
        room.meddle(&[edit]);
        room.report(301, 1);
        assert!(matches!(room.sign(&mut log, 0), Err(LogError::Edited(_))), "{edit}");
        assert_eq!(room.published(), signed);
    }
}

#[test]
fn d50_a_database_that_went_back_is_not_signed() {
    let room = Room::new();
    room.report(1, 5);
    room.sign(&mut Log::default(), 0).unwrap();
    let (database, backup) = (room.world.layout.database(), room.world.layout.directory().join("backup.db"));
    std::fs::copy(&database, &backup).unwrap();
    room.report(6, 5);
    let signed = room.sign(&mut Log::default(), 0).unwrap().unwrap();
    std::fs::copy(&backup, &database).unwrap();
    room.report(60, 5);
    let refused = room.sign(&mut Log::default(), 0).unwrap_err();
    assert!(matches!(refused, LogError::Rewound { signed: at, have: 8 } if at == signed), "{refused:?}");
    assert_eq!(room.published(), signed);
}

/// What was signed and published is not forgotten with the database.
#[test]
fn d50_a_lost_database_is_brought_up_to_the_published_log() {
    for lost in [
        &["DELETE FROM log", "DELETE FROM log_signed"][..],
        &["DELETE FROM log WHERE n > 2", "DELETE FROM log_signed"],
    ] {
        let room = Room::new();
        room.report(1, 300);
        let signed = room.sign(&mut Log::default(), 0).unwrap().unwrap();
        room.meddle(lost);
        let mut log = Log::default();
        assert_eq!(room.sign(&mut log, 0).unwrap(), Some(signed));
        room.report(301, 1);
        assert_eq!(room.sign(&mut log, 0).unwrap().unwrap().size, 304);
        // Entries that were edited in the publication, too, are not taken for those that were signed.
        room.meddle(lost);
        let bundle = room.publication.directory().join("log").join("tile/entries/000");
        let mut bytes = std::fs::read(&bundle).unwrap();
        bytes[20] ^= 1;
        std::fs::write(&bundle, bytes).unwrap();
        assert!(matches!(room.sign(&mut Log::default(), 0), Err(LogError::Rewound { .. })));
    }
}

#[test]
fn d36_of_two_roles_one_signs() {
    let room = Room::new();
    let [mut one, mut other] = [Log::default(), Log::default()];
    room.sign(&mut one, 0).unwrap();
    room.sign(&mut other, 0).unwrap();
    room.report(1, 1);
    let signed = room.sign(&mut one, 0).unwrap();
    room.report(2, 1);
    assert!(matches!(room.sign(&mut other, 0), Err(LogError::Raced)));
    assert_eq!(room.published(), signed.unwrap());
    // It reads what the other one signed, and goes on from there.
    assert_eq!(room.sign(&mut other, 0).unwrap().unwrap().size, 5);
}

#[test]
fn d50_what_is_taken_back_or_ratified_is_written_down_once() {
    let room = Room::new();
    let first = room.world.publish(&FIRST);
    let mut log = Log::default();
    let before = room.sign(&mut log, 1).unwrap().unwrap();
    assert!(!log.lacks(&room.publication, &env(), 1).unwrap());
    let withdrawal = crate::signing::Withdrawal {
        document: "withdraw".into(),
        v: 1,
        repo: room.root.repo(),
        environment: env(),
        release: first.id(),
        by: "bob".parse().unwrap(),
        created: first.created,
        reason: "a second look".into(),
    };
    let document = String::from_utf8(withdrawal.encode()).unwrap();
    let listed = Signed { document, signatures: vec!["armour".into()] };
    let list = Withdrawals::default().with(listed.clone());
    room.publication.set_withdrawals(&env(), &list.encode()).unwrap();
    room.publication.set_ratification(&env(), 1, &[("alice".parse().unwrap(), "mine".into())]).unwrap();
    assert!(log.lacks(&room.publication, &env(), 1).unwrap());
    let signed = room.sign(&mut log, 1).unwrap().unwrap();
    assert!(!log.lacks(&room.publication, &env(), 1).unwrap());
    let new = room.entries(signed.size).split_off(usize::try_from(before.size).unwrap());
    let statement = Entry::statement(&env(), 1, first.id());
    assert_eq!(new, [vec![statement.ratification("mine")], Entry::withdrawal(&env(), &listed)].concat());
    let [_, withdrew, approval] = &new[..] else { unreachable!("{new:?}") };
    assert_eq!((withdrew.kind, withdrew.of), (EntryKind::Withdrawal, Some(first.id())));
    assert_eq!((withdrew.name.as_deref(), approval.of), (Some("bob"), Some(withdrew.digest)));
    // At work and after a restart nothing is repeated; a second person is added.
    assert_eq!(room.sign(&mut log, 1).unwrap(), Some(signed));
    assert_eq!(room.sign(&mut Log::default(), 1).unwrap(), Some(signed));
    let people = ["alice", "bob"].map(|name| (name.parse().unwrap(), "mine".to_owned() + name));
    room.publication.set_ratification(&env(), 1, &people).unwrap();
    assert!(log.lacks(&room.publication, &env(), 1).unwrap());
    assert_eq!(room.sign(&mut log, 1).unwrap().unwrap().size, signed.size + 2);
}

/// With a real server: the timestamp that agents get carries the log, and the log holds what the server accepted.
#[test]
fn a_timestamp_carries_the_log_with_releases_triggers_and_reports() {
    let world = World::start();
    let node = world.node("web1.web");
    let pushed = trigger(1, ("frank", "frank"), &["web1.web"]);
    assert_eq!(node.post("/v1/push", &pushed).status, 200);
    let first = world.publish(&FIRST);
    let publication = Publication::open(&world.layout.publication()).unwrap();
    let pinned = Digest::of(&publication.root(1).unwrap().unwrap().bytes);
    let root = crate::server::walk_published(&publication, pinned).unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    let stamp = loop {
        if let Some(Published { bytes, signatures }) = publication.timestamp(&env()).unwrap()
            && let Ok(stamp) = verify::<Timestamp>(
                &root,
                &crate::signing::Withdrawn::none(),
                &crate::signing::Envelope { bytes, signatures },
            )
        {
            break stamp;
        }
        assert!(Instant::now() < end, "no timestamp");
        std::thread::sleep(Duration::from_millis(20));
    };
    let seen = stamp.checkpoint().unwrap();
    let answer = node.get("/pub/log/checkpoint");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/plain; charset=utf-8")));
    assert_eq!(*note::verify(&root, &answer.body).unwrap(), seen);
    let tile = node.get(&format!("/pub/log/{}", Tile::of(Some(0), 0, seen.size).unwrap().path()));
    assert_eq!((tile.status, tile.body.len() as u64), (200, 32 * seen.size));
    let hashes: Vec<Hash> = tile.body.as_chunks::<32>().0.iter().copied().map(Hash).collect();
    for entry in [
        Entry::root(1, pinned),
        Entry::statement(&env(), 1, first.id()),
        Entry::trigger(&"frank".parse().unwrap(), Digest::of(pushed.document.as_bytes())),
    ] {
        assert!(hashes.contains(&entry.hash()), "{entry:?}");
    }
    // A ratification is written down when it is published, and not when the timestamp is renewed an hour later.
    publication.set_ratification(&env(), 1, &[("alice".parse().unwrap(), "armour".into())]).unwrap();
    let wanted = Entry::statement(&env(), 1, first.id()).ratification("armour").hash();
    let end = Instant::now() + Duration::from_secs(20);
    while *note::verify(&root, &publication.checkpoint().unwrap().unwrap()).unwrap() == seen {
        assert!(Instant::now() < end, "no new checkpoint");
        std::thread::sleep(Duration::from_millis(20));
    }
    let tile = Tile::of(Some(0), 0, seen.size + 1).unwrap();
    assert!(publication.tile(tile).unwrap().unwrap().ends_with(&wanted.0));
}

/// Entries name other nodes: a node gets hashes, which is all that a proof needs.
#[test]
fn t14_entries_of_the_log_are_not_handed_to_nodes() {
    let world = World::start();
    let node = world.node("web1.web");
    world.publish(&FIRST);
    let end = Instant::now() + Duration::from_secs(20);
    while node.get("/pub/log/checkpoint").status != 200 {
        assert!(Instant::now() < end, "no checkpoint");
        std::thread::sleep(Duration::from_millis(20));
    }
    let entries = Tile::of(None, 0, 7).unwrap().path();
    assert!(world.layout.publication().join("log").join(&entries).exists());
    for path in
        [entries.as_str(), "tile/entries/000", "tile/0/../entries/000.p/7", "..%2f..%2fserver.db", "tile/9/9"]
    {
        assert_eq!(node.get(&format!("/pub/log/{path}")).status, 404, "{path}");
    }
    assert_eq!(world.stranger().get("/pub/log/checkpoint").status, 401);
}
