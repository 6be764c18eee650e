//! What the timestamp role signs, and what it does not.

use super::*;
use crate::server::testing::{Publishing, World, now};
use std::time::Instant;

const FIRST: Publishing<'_> =
    Publishing { seq: 1, prev: None, nodes: &["web1.web"], signers: &["alice", "bob"] };

fn env() -> EnvName {
    "production".parse().unwrap()
}

fn current(world: &World) -> Option<Verified<Timestamp>> {
    let publication = Publication::open(&world.layout.publication()).unwrap();
    let trust = crate::server::trust::Trust::new(&world.layout);
    published(&publication, &trust.current(&publication).unwrap(), &env()).unwrap()
}

/// How far the published releases can be followed, and what stops it.
fn follow(publication: &Publication, root: &Verified<Root>) -> (Option<Position>, Option<TimestampError>) {
    let chain = Chain { publication, root, withdrawn: Withdrawn::none(), env: &env() };
    chain.newest(None).unwrap()
}

/// Waits until the timestamp names this release.
fn wait_for(world: &World, seq: u64) -> Verified<Timestamp> {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        match current(world) {
            Some(timestamp) if timestamp.seq == seq => return timestamp,
            Some(_) | None if Instant::now() < end => std::thread::sleep(Duration::from_millis(20)),
            other => unreachable!("no timestamp for release {seq}, but {other:?}"),
        }
    }
}

#[test]
fn a_release_is_stamped_soon_and_the_next_one_with_a_greater_number() {
    let world = World::start();
    assert_eq!(current(&world), None);
    let first = world.publish(&FIRST);
    let stamped = wait_for(&world, 1);
    assert_eq!((stamped.n, stamped.release, stamped.root), (1, first.id(), 1));
    let life = i64::try_from(root::Limits::default().timestamp_life).unwrap();
    assert_eq!(stamped.expires.since(stamped.created), life);
    let second = world.publish(&Publishing { seq: 2, prev: Some(first.id()), ..FIRST });
    let stamped = wait_for(&world, 2);
    assert_eq!((stamped.n, stamped.release), (2, second.id()));
    let page = String::from_utf8(world.stranger().get("/metrics").body).unwrap();
    assert!(page.contains("countersign_release_seq{environment=\"production\"} 2"), "{page}");
}

#[test]
fn d22_a_release_without_enough_approvals_is_not_stamped() {
    let world = World::start();
    let first = world.publish(&FIRST);
    wait_for(&world, 1);
    let forged = Publishing { seq: 2, prev: Some(first.id()), signers: &["alice"], ..FIRST };
    world.publish(&forged);
    let trust = crate::server::trust::Trust::new(&world.layout);
    let publication = Publication::open(&world.layout.publication()).unwrap();
    let root = trust.current(&publication).unwrap();
    let (at, trouble) = follow(&publication, &root);
    assert_eq!(at, Some(Position { seq: 1, release: first.id() }));
    assert!(matches!(trouble, Some(TimestampError::Refused { seq: 2, .. })), "{trouble:?}");
    std::thread::sleep(LOOK * 3);
    assert_eq!(current(&world).unwrap().seq, 1);
}

#[test]
fn a_release_that_does_not_follow_is_not_stamped() {
    let world = World::start();
    world.publish(&FIRST);
    world.publish(&Publishing { seq: 2, prev: Some(Digest::of(b"another history")), ..FIRST });
    let trust = crate::server::trust::Trust::new(&world.layout);
    let publication = Publication::open(&world.layout.publication()).unwrap();
    let (_, trouble) = follow(&publication, &trust.current(&publication).unwrap());
    assert!(matches!(trouble, Some(TimestampError::OffChain { seq: 2, .. })), "{trouble:?}");
}

#[test]
fn the_number_goes_on_after_a_restart_and_never_back() {
    let mut world = World::start();
    world.publish(&FIRST);
    let before = wait_for(&world, 1);
    world.stop();
    std::fs::remove_file(world.layout.publication().join("timestamp/production.json")).unwrap();
    let again = world.restart();
    let after = wait_for(&again, 1);
    assert_eq!(after.n, before.n + 1);
    let back = LastSigned {
        environment: env(),
        n: after.n,
        seq: 1,
        release: after.release,
        withdrawn: None,
        created: now(),
        expires: now(),
    };
    let other = LastSigned { n: after.n + 1, release: Digest::of(b"other"), ..back.clone() };
    for refused in [back, other] {
        assert!(!again.database(async |database| database.advance(&refused).await.unwrap()));
    }
}

#[test]
fn a_lost_database_does_not_take_the_number_back() {
    let mut world = World::start();
    world.publish(&FIRST);
    let before = wait_for(&world, 1);
    world.stop();
    std::fs::remove_file(world.layout.database()).unwrap();
    std::fs::write(world.layout.database(), b"").unwrap();
    let again = world.restart();
    let end = Instant::now() + Duration::from_secs(20);
    // Document and signatures are two files: whoever reads between them has neither, and looks again.
    while current(&again).is_none_or(|timestamp| timestamp.n == before.n) {
        assert!(Instant::now() < end, "still {}", before.n);
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(current(&again).unwrap().n, before.n + 1);
}

#[test]
fn it_is_renewed_before_it_grows_old() {
    let world = World::start();
    let last = LastSigned {
        environment: env(),
        n: 3,
        seq: 1,
        release: Digest::of(b""),
        withdrawn: None,
        created: now(),
        expires: now().plus(600),
    };
    world.publish(&FIRST);
    let published = wait_for(&world, 1);
    let trust = crate::server::trust::Trust::new(&world.layout);
    let publication = Publication::open(&world.layout.publication()).unwrap();
    let root = trust.current(&publication).unwrap();
    let published = Timestamp { n: 3, ..(*published).clone() };
    let newest = Position { seq: 1, release: last.release };
    let check = |after, newest, published: &Timestamp, expected| {
        let now = last.created.plus(after);
        let case = Due {
            last: Some(&last),
            published: Some(published),
            newest,
            late: false,
            withdrawn: None,
            root: &root,
            now,
        };
        assert_eq!(due(&case), expected, "{after} s, {newest:?}");
    };
    check(99, newest, &published, false);
    check(100, newest, &published, true);
    check(0, Position { seq: 2, ..newest }, &published, true);
    check(0, newest, &Timestamp { n: 2, ..published.clone() }, true);
    check(0, newest, &Timestamp { root: 2, ..published.clone() }, true);
}

#[test]
fn a_process_of_its_own_signs_where_the_server_does_not() {
    let world = World::without_timestamps();
    let first = world.publish(&FIRST);
    std::thread::sleep(LOOK * 3);
    assert_eq!(current(&world), None, "the server keeps silent");
    let layout = world.layout.clone();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let signing = runtime.spawn(async move {
        let timestamps = Timestamps::open(layout, now).await.unwrap();
        timestamps.run(async { drop(stopped.await) }).await;
    });
    assert_eq!(wait_for(&world, 1).release, first.id());
    drop(stop);
    runtime.block_on(signing).unwrap();
}

#[test]
fn without_its_key_the_role_does_not_begin() {
    let world = World::without_timestamps();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let open = || runtime.block_on(Timestamps::open(world.layout.clone(), now));
    std::fs::write(world.layout.timestamp_key(), "no key").unwrap();
    let opened = open();
    assert!(matches!(opened, Err(ServerError::NoTimestampKey(_))), "{opened:?}");
    std::fs::remove_file(world.layout.timestamp_key()).unwrap();
    let opened = open();
    assert!(matches!(opened, Err(ServerError::Io { .. })), "{opened:?}");
}
