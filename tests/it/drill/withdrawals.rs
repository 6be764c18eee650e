//! Attacks on what people took back: bob signed a rival of release 2 and withdrew that, and revoked his second key; the
//! node knows both.

use super::attack::Attack;
use super::evil::{Evil, STATEMENT};
use super::paper::signed;
use super::world::World;
use countersign::model::Digest;
use countersign::model::wire::Signed;
use countersign::signing::{Release, Timestamp, Withdrawals};

pub(super) fn attacks() -> Vec<Attack> {
    vec![
        Attack::new(
            "hands out what counts only with a signature that was taken back",
            "D51",
            "WITHDRAWN",
            |world| rival(world, |_| {}),
        ),
        Attack::new(
            "does the same and forgets that anything was taken back",
            "D51",
            "WITHDRAWALS",
            |world| rival(world, |stamp| stamp.withdrawn = None),
        ),
        list("does the same with a list of withdrawals that is empty", "WITHDRAWALS", |_| b"[]\n".to_vec()),
        list("does the same with the withdrawal of somebody else", "WITHDRAWALS", |honest| {
            String::from_utf8(honest).unwrap().replace("bob", "dan").into_bytes()
        }),
        list("writes the list of withdrawals with a space", "FORM", |mut honest| {
            honest.insert(1, b' ');
            honest
        }),
        list("makes the list of withdrawals too long", "TOO_LARGE", |mut honest| {
            honest.resize(2 << 20, b' ');
            honest
        }),
        list("appends what nobody signed to the list of withdrawals", "WITHDRAWN", |honest| {
            let junk = Signed { document: "{}\n".into(), signatures: Vec::new() };
            Withdrawals::decode(&honest).unwrap().with(junk).encode()
        }),
        Attack::new("names a list of withdrawals that is nowhere", "D51", "MISSING", |world| {
            rival(world, |stamp| stamp.withdrawn = Some(Digest::of(b"nowhere")))
        }),
        Attack::new(
            "hands out another list of withdrawals than its timestamp names",
            "D51",
            "WITHDRAWALS",
            |world| {
                let named = Digest::of(b"named");
                let honest = world.withdrawals();
                rival(world, |stamp| stamp.withdrawn = Some(named))
                    .put(&format!("withdrawals/{}", named.hex()), honest)
            },
        ),
        Attack::new("has one reviewer's key and one that was revoked", "D37", "REVOKED", by_revoked),
        Attack::new("does the same and forgets the revocation", "D37", "WITHDRAWALS", |world| {
            let honest = Withdrawals::decode(&world.withdrawals()).unwrap();
            let first = honest.entries().take(1).cloned().fold(Withdrawals::default(), Withdrawals::with);
            let digest = first.digest();
            by_revoked(world)
                .stamped(world, |stamp| stamp.withdrawn = digest)
                .put(&format!("withdrawals/{}", digest.unwrap().hex()), first.encode())
        }),
        Attack::new(
            "does the same and forgets all that was ever taken back",
            "D37",
            "WITHDRAWALS",
            |world| by_revoked(world).stamped(world, |stamp| stamp.withdrawn = None),
        ),
    ]
}

/// Release 3 with alice's signature and one by the key that bob revoked.
fn by_revoked(world: &World) -> Evil {
    Evil::honest(world).restated(world, &["alice", "bob-2"], |_| {})
}

/// The rival of release 2, with both signatures that it once had, and a timestamp for it.
fn rival(world: &World, change: impl FnOnce(&mut Timestamp)) -> Evil {
    let bytes = world.rival().encode();
    let list = ["alice", "bob"].map(|person| signed::<Release>(&bytes, person));
    let second = STATEMENT.replace("/3/", "/2/");
    let evil = Evil::honest(world).put(&second, bytes);
    let evil = evil.put(&second.replace("statement", "signatures"), serde_json::to_vec(&list).unwrap());
    evil.stamped(world, |stamp| {
        (stamp.seq, stamp.release) = (2, world.rival().id());
        change(stamp);
    })
}

/// The rival, with a list of withdrawals that the attacker made of the honest one.
fn list(what: &str, answer: &'static str, change: fn(Vec<u8>) -> Vec<u8>) -> Attack {
    Attack::new(what, "D51", answer, move |world| {
        let bytes = change(world.withdrawals());
        let digest = Digest::of(&bytes);
        rival(world, |stamp| stamp.withdrawn = Some(digest))
            .put(&format!("withdrawals/{}", digest.hex()), bytes)
    })
}
