//! Attacks on the trust root: whose signatures, which version, and what it says.

use super::attack::Attack;
use super::crooked;
use super::evil::Evil;
use super::paper::{after, key, name, role};
use super::world::{Node, World};
use countersign::model::{Digest, canonical};
use countersign::signing::root::{RawPrincipal, RawRoot};

pub(super) fn attacks() -> Vec<Attack> {
    let mut all = signed();
    all.extend(numbered());
    all.extend(said());
    all
}

fn by(people: &'static [&'static str]) -> impl Fn(&World) -> Evil {
    move |world| Evil::honest(world).rooted(world, people, |_| {})
}

/// A trust root 4 that gives the root role to these people.
fn given_to(members: &'static [&'static str], people: &'static [&'static str]) -> impl Fn(&World) -> Evil {
    move |world| Evil::honest(world).rooted(world, people, |root| root.roles[0] = role("root", members, 2))
}

fn signed() -> Vec<Attack> {
    vec![
        Attack::new("makes a trust root of its own", "T9", "UNSIGNED", by(&["mallory"])),
        Attack::new("signs a trust root with one stolen key", "T9", "THRESHOLD", by(&["alice"])),
        Attack::new(
            "signs a trust root with one stolen key three times",
            "T9 D9",
            "THRESHOLD",
            by(&["alice", "alice", "alice"]),
        ),
        Attack::new(
            "signs a trust root with both keys of one person",
            "D9",
            "THRESHOLD",
            by(&["alice", "alice-2"]),
        ),
        Attack::new(
            "signs a trust root with one stolen key and one that was revoked",
            "T9 D37",
            "REVOKED",
            by(&["alice", "bob-2"]),
        ),
        Attack::new(
            "signs a trust root with keys of other roles",
            "T9",
            "THRESHOLD",
            by(&["olga", "frank", "otto"]),
        ),
        Attack::new(
            "has the old threshold sign a trust root, and not the new one",
            "T9",
            "THRESHOLD",
            given_to(&["frank", "olga"], &["alice", "bob"]),
        ),
        Attack::new(
            "has the new threshold sign a trust root, and not the old one",
            "T9",
            "THRESHOLD",
            given_to(&["frank", "olga"], &["frank", "olga"]),
        ),
        Attack::new(
            "signs a trust root with one of the old and one of the new people",
            "T9",
            "THRESHOLD",
            given_to(&["frank", "olga"], &["alice", "frank"]),
        ),
        Attack::new("puts the signatures of trust root 3 beside trust root 4", "T7", "UNSIGNED", |world| {
            let evil = by(&[])(world);
            let old = evil.get("root/3.signatures.json");
            evil.put("root/4.signatures.json", old)
        }),
        Attack::new("shows 65 signatures on a trust root", "T2", "TOO_MANY_SIGNATURES", |world| {
            let list = vec!["nothing".to_owned(); 65];
            by(&["alice", "bob"])(world).signatures("root/4.json", &list)
        }),
    ]
}

fn numbered() -> Vec<Attack> {
    let version = |version: u64| {
        move |world: &World| {
            Evil::honest(world).rooted(world, &["alice", "bob"], move |root| root.version = version)
        }
    };
    vec![
        Attack::new("calls trust root 4 number 5", "T8", "ROOT_SKIPPED", version(5)),
        Attack::new("calls trust root 4 number 3", "T8", "ROOT_ROLLBACK", version(3)),
        Attack::new("hands out trust root 3 as the next once more", "T8", "ROOT_ROLLBACK", |world| {
            let root = canonical::encode(&world.roots[2]);
            Evil::honest(world).root_bytes(4, &["alice", "bob"], root)
        })
        .on(Node::Newest),
        Attack::new("goes back to trust root 1", "T8", "ROOT_ROLLBACK", |world| {
            let root = canonical::encode(&world.roots[0]);
            Evil::honest(world).root_bytes(4, &["alice", "bob"], root)
        })
        .on(Node::Newest),
        Attack::new(
            "has a trust root 4 signed that does not follow trust root 3",
            "T8",
            "ROOT_FORKED",
            |world| {
                Evil::honest(world)
                    .rooted(world, &["alice", "bob"], |root| root.prev = Some(Digest::of(b"another")))
            },
        ),
        Attack::new("has another trust root 3 signed", "D36", "ROOT_ROLLBACK", |world| {
            let mut third = world.roots[2].clone();
            third.expires = third.expires.plus(60);
            Evil::honest(world).root_bytes(4, &["alice", "bob"], canonical::encode(&third))
        })
        .on(Node::Newest),
        Attack::new("holds trust root 3 back", "T5 D37", "ROOT_MISSING", |world| {
            Evil::honest(world).drop("root/3.json").drop("root/2.json")
        }),
        Attack::new("holds trust root 3 back, when the second has expired", "T5", "ROOT_EXPIRED", |world| {
            Evil::honest(world).drop("root/3.json").stamped(world, |stamp| stamp.root = 2)
        }),
        Attack::new("hands out 1,025 trust roots that nobody signed", "T2", "UNSIGNED", |world| {
            let mut root = world.roots[2].clone();
            (4..=1029).fold(Evil::honest(world), |evil, version| {
                root = after(&root);
                evil.root_bytes(version, &[], canonical::encode(&root))
            })
        })
        .on(Node::Newest),
    ]
}

/// A trust root 4 that says something which no trust root may say; alice and bob signed it.
fn saying(what: &str, rows: &'static str, answer: &'static str, change: fn(&mut RawRoot)) -> Attack {
    Attack::new(what, rows, answer, move |world| Evil::honest(world).rooted(world, &["alice", "bob"], change))
}

fn said() -> Vec<Attack> {
    vec![
        saying("empties the release role", "T9", "MALFORMED", |root| root.roles[1] = role("release", &[], 0)),
        saying("sets the release threshold to nought", "T9", "MALFORMED", |root| root.roles[1].threshold = 0),
        saying("sets a threshold that nobody reaches", "T9", "MALFORMED", |root| root.roles[1].threshold = 9),
        saying("leaves out the release role", "T9", "MALFORMED", |root| drop(root.roles.remove(1))),
        saying("gives a role to somebody without a key", "T9", "MALFORMED", |root| {
            root.roles[1].members.push(name("nobody"));
        }),
        saying("lets two people share a key", "D9", "MALFORMED", |root| {
            let keys = vec![key("alice").public().to_line()];
            root.principals.push(RawPrincipal { name: name("mallory"), keys });
        }),
        saying("names a person twice in a role", "D9", "MALFORMED", |root| {
            root.roles[1].members.push(name("bob"))
        }),
        saying("brings in a key that fits every message", "D38", "MALFORMED", |root| {
            let keys = vec![crooked::identity_line()];
            root.principals.push(RawPrincipal { name: name("mallory"), keys });
        }),
        saying("makes the server's machine a reviewer", "T9", "MALFORMED", |root| {
            root.roles[1].members.push(name("server-ts"));
        }),
        saying("switches the touch of tokens off", "D39", "MALFORMED", |root| {
            root.require.sk_user_presence = false
        }),
        saying("lets every clock be right", "D31", "MALFORMED", |root| root.limits.skew = u64::MAX >> 12),
        saying("has no rules", "D35", "MALFORMED", |root| root.rules.clear()),
        saying("guards with a role of machines", "D35", "MALFORMED", |root| {
            root.guards[0].role = name("timestamp")
        }),
        saying("ends before it begins", "T5", "MALFORMED", |root| root.expires = root.created),
        saying("is longer than a trust root may be", "T2", "TOO_LARGE", |root| {
            let line = key("mallory").public().to_line();
            let more = |n: usize| RawPrincipal { name: name(&format!("p{n}")), keys: vec![line.clone()] };
            root.principals.extend((0..700).map(more));
        }),
    ]
}
