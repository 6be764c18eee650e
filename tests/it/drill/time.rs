//! Attacks on age and order: what is old, what is over, what is not yet, and what does not follow.

use super::attack::{Attack, Course};
use super::evil::{Evil, LEAF, SIGNATURES, STATEMENT, TIMESTAMP};
use super::paper::signed;
use super::world::{Node, World};
use countersign::agent::clock::system as now;
use countersign::model::Digest;
use countersign::signing::release::ReleaseKind;
use countersign::signing::{Release, Timestamp};

const DAY: i64 = 86_400;

pub(super) fn attacks() -> Vec<Attack> {
    let mut all = timestamps();
    all.extend(releases());
    all.extend(chains());
    all
}

/// A timestamp of the attacker's for release 1, which `change` may spoil.
fn for_release_1(world: &World, change: impl FnOnce(&mut Timestamp)) -> Evil {
    Evil::honest(world).stamped(world, |stamp| {
        (stamp.seq, stamp.release) = (1, world.releases[0].id());
        change(stamp);
    })
}

fn stamp(
    what: &str,
    rows: &'static str,
    answer: &'static str,
    change: impl Fn(&mut Timestamp) + Send + Sync + 'static,
) -> Attack {
    Attack::new(what, rows, answer, move |world| Evil::honest(world).stamped(world, &change))
}

fn timestamps() -> Vec<Attack> {
    vec![
        stamp("goes back to an older timestamp", "T8", "TIMESTAMP_ROLLBACK", |stamp| stamp.n = 1)
            .on(Node::Newest),
        stamp("makes a second timestamp with a known number", "D36", "TIMESTAMP_EQUIVOCATION", |stamp| {
            stamp.n -= 1
        })
        .on(Node::Newest),
        stamp("repeats a timestamp that expired", "T5", "FREEZE", |stamp| {
            (stamp.created, stamp.expires) = (now().plus(-7200), now().plus(-3600));
        }),
        stamp("makes a timestamp for ten years", "T5", "FREEZE", |stamp| {
            (stamp.created, stamp.expires) = (now().plus(-7 * 3600), now().plus(3650 * DAY));
        }),
        stamp("makes a timestamp of tomorrow", "D31", "FUTURE", |stamp| {
            (stamp.created, stamp.expires) = (now().plus(DAY), now().plus(DAY + 3600));
        }),
        stamp("names a trust root that nobody has", "T8", "ROOT_MISSING", |stamp| stamp.root = 9),
        Attack::new("puts the signatures of another timestamp beside it", "T7", "UNSIGNED", |world| {
            let beside = TIMESTAMP.replace(".json", ".signatures.json");
            let old = Evil::honest(world).get(&beside);
            Evil::honest(world).stamped(world, |_| {}).put(&beside, old)
        }),
        Attack::new("signs a timestamp with a reviewer's key", "T9", "THRESHOLD", |world| {
            let bytes = Evil::honest(world).stamped(world, |_| {}).get(TIMESTAMP);
            let alice = signed::<Timestamp>(&bytes, "alice");
            Evil::honest(world).put(TIMESTAMP, bytes).signatures(TIMESTAMP, &[alice])
        }),
        Attack::new("sets the clock of a node back", "D31", "CLOCK_BACK", Evil::honest)
            .during(Course::RunInThePast),
    ]
}

fn releases() -> Vec<Attack> {
    let signed = |what, rows, answer, change: fn(&mut Release)| {
        Attack::new(what, rows, answer, move |world| {
            Evil::honest(world).restated(world, &["alice", "bob"], change)
        })
    };
    vec![
        Attack::new("signs a fresh timestamp for an older release", "T8", "ROLLBACK", |world| {
            for_release_1(world, |_| {})
        })
        .on(Node::Newest),
        signed("has another release 3 signed", "D36", "EQUIVOCATION", |release| {
            release.reason = "rival".into()
        })
        .on(Node::Newest),
        Attack::new("hands a new node another release 2 than the floor's", "D36", "EQUIVOCATION", |world| {
            let mut rival = world.releases[1].clone();
            rival.reason = "rival".into();
            at(Evil::honest(world), world, &rival)
        })
        .on(Node::Fresh),
        Attack::new("hands a new node a release below the floor", "T8", "FLOOR", |world| {
            for_release_1(world, |_| {})
        })
        .on(Node::Fresh),
        signed("hands out a release that expired", "T5", "RELEASE_EXPIRED", |release| {
            (release.created, release.expires) = (now().plus(-3 * DAY), now().plus(-DAY));
        }),
        signed("hands out a release for ten years, of last year", "T5", "RELEASE_EXPIRED", |release| {
            (release.created, release.expires) = (now().plus(-300 * DAY), now().plus(3650 * DAY));
        }),
        signed("hands out a release of tomorrow", "D31", "FUTURE", |release| {
            release.created = now().plus(DAY)
        }),
        signed("has a release signed under an older policy", "D3", "POLICY", |release| release.policy_v = 4),
        signed("goes back in content under a policy below the root's", "D3", "POLICY", |release| {
            (release.policy_v, release.kind) = (2, ReleaseKind::Rollback);
        }),
        signed("has a release signed that was made under a later root", "T8", "ROOT_MISSING", |release| {
            release.root = 9
        }),
    ]
}

/// Release 4, signed by alice and bob after changes, with a timestamp for it.
fn fourth(world: &World, change: impl FnOnce(&mut Release)) -> Evil {
    let mut release = world.releases[2].clone();
    (release.seq, release.prev) = (4, Some(release.id()));
    change(&mut release);
    at(Evil::honest(world), world, &release)
}

/// This statement in its own place, with the parts of release 3, signed by alice and bob, and with a timestamp for it.
fn at(evil: Evil, world: &World, release: &Release) -> Evil {
    let place = |path: &str| path.replace("/3/", &format!("/{}/", release.seq));
    let (bytes, leaf) = (release.encode(), evil.get(LEAF));
    let list = ["alice", "bob"].map(|person| signed::<Release>(&bytes, person));
    let evil = evil.put(&place(STATEMENT), bytes).put(&place(LEAF), leaf);
    let evil = evil.put(&place(SIGNATURES), serde_json::to_vec(&list).unwrap());
    evil.stamped(world, |stamp| (stamp.seq, stamp.release) = (release.seq, release.id()))
}

fn chains() -> Vec<Attack> {
    let elsewhere = || Some(Digest::of(b"elsewhere"));
    vec![
        Attack::new("jumps to release 4 and leaves out release 3", "T4", "MISSING", |world| {
            fourth(world, |_| {}).drop(STATEMENT)
        }),
        Attack::new("jumps to release 4 over a forged release 3", "T4", "CHAIN", |world| {
            let mut forged = world.releases[2].clone();
            forged.reason = "forged".into();
            fourth(world, |_| {}).put(STATEMENT, forged.encode())
        }),
        Attack::new("jumps to release 4 over release 2 once more", "T4", "CHAIN", |world| {
            fourth(world, |_| {}).put(STATEMENT, world.releases[1].encode())
        }),
        Attack::new("has a release 4 signed that does not follow release 3", "T4", "CHAIN", move |world| {
            fourth(world, |release| release.prev = elsewhere())
        }),
        Attack::new("has a release 4 signed that follows release 2", "T4", "CHAIN", |world| {
            fourth(world, |release| release.prev = Some(world.releases[1].id()))
        }),
        Attack::new("runs far ahead with a serial of 2 to the 50", "T4", "CHAIN", |world| {
            fourth(world, |release| release.seq = 1 << 50)
        }),
    ]
}
