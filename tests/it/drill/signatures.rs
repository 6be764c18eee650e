//! Attacks on who signed: too few, the wrong ones, the same ones again, for something else, or in a bent form.

use super::attack::Attack;
use super::crooked;
use super::evil::{Evil, SIGNATURES, STATEMENT, for_purpose};
use super::paper::{NODE, role};
use super::paper::{catalog, file, key, name, signed};
use super::world::World;
use countersign::model::Digest;
use countersign::signing::release::ReleaseKind;
use countersign::signing::trigger::Trigger;
use countersign::signing::{Document, Release, Root, Timestamp, sshsig};

pub(super) fn attacks() -> Vec<Attack> {
    let mut all = who();
    all.extend(purposes());
    all.extend(forms());
    all.extend(demands());
    all
}

/// Release 3 with another reason, which nobody has seen, signed by these people.
fn by(people: &'static [&'static str]) -> impl Fn(&World) -> Evil {
    move |world| Evil::honest(world).restated(world, people, |release| release.reason = "mine".into())
}

fn who() -> Vec<Attack> {
    vec![
        Attack::new("signs a release with no key at all", "T1", "UNSIGNED", by(&[])),
        Attack::new("signs a release with a key of its own", "T1", "UNSIGNED", by(&["mallory"])),
        Attack::new("signs a release with the server's key", "T1 T9", "THRESHOLD", by(&["server-ts"])),
        Attack::new(
            "signs with the keys of operators and the server",
            "T9",
            "THRESHOLD",
            by(&["olga", "otto", "server-ts"]),
        ),
        Attack::new("has one reviewer's key and the server's", "T9", "THRESHOLD", by(&["bob", "server-ts"])),
        Attack::new(
            "has one reviewer's key and that of another role",
            "T9",
            "THRESHOLD",
            by(&["bob", "dan"]),
        ),
        Attack::new("shows one reviewer's signature twice", "D9", "THRESHOLD", by(&["bob", "bob"])),
        Attack::new("has both keys of one reviewer", "D9", "THRESHOLD", by(&["alice", "alice-2"])),
        Attack::new("has the author's key and one reviewer's", "D8", "SELF_APPROVAL", by(&["bob", "frank"])),
        Attack::new(
            "has one reviewer's key and that of one who is no longer",
            "D37",
            "THRESHOLD",
            by(&["bob", "carol"]),
        ),
        Attack::new("names a reviewer as author and shows that signature", "D8", "SELF_APPROVAL", |world| {
            Evil::honest(world)
                .restated(world, &["alice", "bob"], |release| release.authors.push(name("alice")))
        }),
        Attack::new("drops a signature", "T9", "THRESHOLD", |world| {
            let evil = Evil::honest(world);
            let bob = signed::<Release>(&evil.get(STATEMENT), "bob");
            evil.signatures(STATEMENT, &[bob])
        }),
        Attack::new("moves the signatures of release 1 to another statement", "D10", "UNSIGNED", |world| {
            let evil = by(&[])(world);
            let old = evil.get(&SIGNATURES.replace("/3/", "/1/"));
            evil.put(SIGNATURES, old)
        }),
        Attack::new("hides two good signatures among 63 others", "T2", "TOO_MANY_SIGNATURES", |world| {
            let evil = Evil::honest(world);
            let bytes = evil.get(STATEMENT);
            let mut list = vec!["nothing".to_owned(); 63];
            list.extend(["alice", "bob"].map(|person| signed::<Release>(&bytes, person)));
            evil.signatures(STATEMENT, &list)
        }),
    ]
}

/// The signatures are valid, by alice and bob, over the very statement: but made for this purpose.
fn purpose(what: &str, namespace: &'static str) -> Attack {
    Attack::new(format!("offers {what} as approvals"), "D41", "UNSIGNED", move |world| {
        let evil = by(&[])(world);
        let bytes = evil.get(STATEMENT);
        let list = ["alice", "bob"].map(|person| for_purpose(person, namespace, &bytes));
        evil.signatures(STATEMENT, &list)
    })
}

fn purposes() -> Vec<Attack> {
    vec![
        purpose("git's signatures of commits and pushes", "git"),
        purpose("review comments", "review.v1@countersign.dev"),
        purpose("signatures on a file", "file"),
        purpose("signatures of triggers", Trigger::NAMESPACE),
        purpose("signatures of trust roots", Root::NAMESPACE),
        purpose("signatures of timestamps", Timestamp::NAMESPACE),
        purpose("signatures of run reports", "report.v1@countersign.dev"),
        Attack::new("offers a push certificate that reviewers signed", "D41", "UNSIGNED", |world| {
            let certificate = "certificate version 0.1\npusher alice\nnonce 1\n\n0 1 refs/for/production\n";
            let bytes = certificate.as_bytes().to_vec();
            let list = ["alice", "bob"].map(|person| for_purpose(person, "git", &bytes));
            Evil::honest(world).stated(world, &[], bytes).signatures(STATEMENT, &list)
        }),
        Attack::new("offers a trust root as a release", "D41", "UNSIGNED", |world| {
            let bytes = Evil::honest(world).get("root/3.json");
            let list = ["alice", "bob"].map(|person| for_purpose(person, Root::NAMESPACE, &bytes));
            Evil::honest(world).stated(world, &[], bytes).signatures(STATEMENT, &list)
        }),
    ]
}

/// Bob's honest signature, and this one besides.
fn besides_bob(
    what: &str,
    rows: &'static str,
    forge: impl Fn(&[u8]) -> String + Send + Sync + 'static,
) -> Attack {
    Attack::new(what, rows, "THRESHOLD", move |world| {
        let evil = by(&[])(world);
        let bytes = evil.get(STATEMENT);
        let list = [signed::<Release>(&bytes, "bob"), forge(&bytes)];
        evil.signatures(STATEMENT, &list)
    })
}

/// Alice's signature with other text.
fn alice(change: impl Fn(String) -> String + Send + Sync) -> impl Fn(&[u8]) -> String + Send + Sync {
    move |bytes| change(signed::<Release>(bytes, "alice"))
}

fn forms() -> Vec<Attack> {
    vec![
        besides_bob("shows the one signature by a key that fits every message", "D38", |_| {
            crooked::by_identity()
        }),
        besides_bob("adds the order of the group to a signature", "D38", |bytes| {
            crooked::with_order(bytes, "alice")
        }),
        besides_bob("puts something into the reserved field", "D40", |bytes| {
            crooked::with_reserved(bytes, "alice")
        }),
        besides_bob("writes text behind a signature", "D40", alice(|text| text + "spare\n")),
        besides_bob(
            "ends the lines of a signature as Windows does",
            "D40",
            alice(|text| text.replace('\n', "\r\n")),
        ),
        besides_bob("has a token that nobody touched", "D39", |bytes| crooked::by_token(bytes, 0)),
        besides_bob("has a token that only knows its owner", "D39", |bytes| crooked::by_token(bytes, 4)),
        besides_bob("shows a signature over the digest", "D42", |bytes| {
            let digest = Digest::of(bytes).to_string();
            sshsig::sign(&key("alice"), Release::NAMESPACE, digest.as_bytes())
        }),
    ]
}

/// What the statement itself asks for; alice and bob signed it all.
fn demands() -> Vec<Attack> {
    let signed = |what, rows, answer, change: fn(&mut Release)| {
        Attack::new(what, rows, answer, move |world| {
            Evil::honest(world).restated(world, &["alice", "bob"], change)
        })
    };
    vec![
        signed("adds a role that did not sign", "D35", "THRESHOLD", |release| {
            release.roles.push(name("security"))
        }),
        signed("asks for a role that is not there", "D35", "ROLE", |release| {
            release.roles = vec![name("nobody")]
        }),
        signed("calls it an emergency of a month", "D33", "MALFORMED", |release| {
            release.kind = ReleaseKind::BreakGlass;
        }),
        signed("calls it an emergency, for which nobody has the role", "D33", "ROLE", |release| {
            release.kind = ReleaseKind::BreakGlass;
            release.expires = release.created.plus(3600);
        }),
        signed("says twice that it replaces a statement", "D51", "MALFORMED", |release| {
            release.supersedes = vec![Digest::of(b"x"); 2];
        }),
        signed("names no author", "D8", "MALFORMED", |release| release.authors.clear()),
        Attack::new(
            "asks for the operators' role alone, and an operator signs",
            "D35",
            "THRESHOLD",
            |world| {
                Evil::honest(world)
                    .restated(world, &["olga"], |release| release.roles = vec![name("operator")])
            },
        ),
        Attack::new("gives its own trust root along that names other reviewers", "T9", "UNSIGNED", |world| {
            let bytes = catalog(NODE, vec![file("/evil", "evil")]).encode();
            let evil = Evil::honest(world).with_catalog(world, bytes);
            evil.rooted(world, &["mallory"], |root| root.roles[1] = role("release", &["frank", "olga"], 1))
        }),
    ]
}
