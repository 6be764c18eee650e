//! Signatures, keys and everything that people, servers and nodes sign.

use super::world::{NODE, World, key, signed, world};
use countersign::model::{Digest, canonical};
use countersign::signing::document::read_untrusted;
use countersign::signing::query::{self, Query};
use countersign::signing::review::Note;
use countersign::signing::revoke::{self, Revocation};
use countersign::signing::sshsig::Signature;
use countersign::signing::trigger::Replay;
use countersign::signing::{
    Binding, Decision, Document, Envelope, Offer, PublicKey, Ratification, Refusal, Release, Root, State,
    Timestamp, Trigger, Withdrawal, Withdrawals, Withdrawn, decide, learn, ratify, release as releases,
    report as reports, sshsig, verify, walk,
};

/// A signature that was touched and still holds would be a second spelling of it (D40).
pub(crate) fn signature(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(read) = Signature::parse(text) else { return };
    let (world, honest) = (world(), Signature::parse(&world().first.signatures[0]).unwrap());
    let bytes = &world.first.bytes;
    for signer in ["alice", "bob", "grace"] {
        if sshsig::verify(&key(signer).public(), Root::NAMESPACE, bytes, text).is_ok() {
            assert_eq!(read, honest, "a second signature of alice: {text:?}");
        }
    }
    assert!(sshsig::verify(read.key(), "git", bytes, text).is_err(), "made for another purpose: {text:?}");
}

/// A key that is read has one line, and a line has one key.
pub(crate) fn key_of(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(key) = PublicKey::parse(text) else { return };
    let line = key.to_line();
    assert!(text.starts_with(&line), "{text:?} became {line:?}");
    assert_eq!(PublicKey::parse(&line).unwrap(), key);
}

/// Who signs a document: enough people, and fewer than are needed.
struct Signers<'a> {
    enough: &'a [&'a str],
    few: &'a [&'a str],
}

/// What holds for every signed document. `judge` is whoever believes it, `print` writes it. Says whether enough
/// people's signatures made it count.
fn judged<T: Document>(
    data: &[u8],
    honest: &Envelope,
    signers: &Signers<'_>,
    (print, judge): (impl Fn(&T) -> Vec<u8>, impl Fn(&Envelope) -> bool),
) -> bool {
    let touched = Envelope { bytes: data.to_vec(), signatures: honest.signatures.clone() };
    let verdict = judge(&touched);
    assert_eq!(verdict, data == honest.bytes, "the verdict on the signatures of a {}: {data:?}", T::TYPE);
    let Ok(document) = read_untrusted::<T>(data) else {
        // Behind good signatures as well as without any.
        assert!(!judge(&signed::<T>(data, signers.enough)), "unreadable, and accepted: {data:?}");
        return false;
    };
    assert!(print(&document) == data, "a second spelling of a {}: {data:?}", T::TYPE);
    assert!(!judge(&signed::<T>(data, signers.few)), "{:?} are not enough: {data:?}", signers.few);
    let other = signers.enough.iter().map(|name| sshsig::sign(&key(name), "git", data)).collect();
    assert!(!judge(&Envelope { bytes: data.to_vec(), signatures: other }), "signed for git: {data:?}");
    judge(&signed::<T>(data, signers.enough))
}

/// The same for documents that need nothing but a trust root to be judged.
fn binding<T: Binding>(
    data: &[u8],
    honest: &Envelope,
    signers: &Signers<'_>,
    print: impl Fn(&T) -> Vec<u8>,
) -> bool {
    judged::<T>(
        data,
        honest,
        signers,
        (print, |envelope: &Envelope| verify::<T>(&world().root, &Withdrawn::none(), envelope).is_ok()),
    )
}

/// What the node becomes with an offer. Its serial never falls, and its own words can be read again (I2).
fn offered(state: &State, offer: &Offer) -> Result<State, Refusal> {
    let next = match decide(state, offer, world().now)? {
        Decision::Accept(accepted) | Decision::Unchanged(accepted) => accepted.state,
        Decision::Unassigned { state } => state,
    };
    let seq = |state: &State| state.accepted().map_or(0, |accepted| accepted.seq);
    assert!(seq(&next) >= seq(state), "{} after {}", seq(&next), seq(state));
    Ok(next)
}

/// The next trust root: version 2 names version 1, and both thresholds agree.
pub(crate) fn root(data: &[u8]) {
    let world = world();
    let take = |envelope: &Envelope| walk(&world.enrolled, std::slice::from_ref(envelope)).is_ok();
    let signers = Signers { enough: &["alice", "bob", "carol"], few: &["carol", "grace", "frank", "server"] };
    if judged::<Root>(data, &world.second, &signers, (Root::encode, take)) {
        let next = walk(&world.enrolled, &[signed::<Root>(data, signers.enough)]).unwrap();
        assert_eq!((next.root().version(), next.root().id()), (2, Digest::of(data)));
        assert_eq!(next.root().fields().prev, Some(world.root.id()));
        // What is offered under it may be refused. It is judged all the same.
        let roots = vec![signed::<Root>(data, signers.enough)];
        drop(offered(&world.accepted, &Offer { roots, ..world.offer.clone() }));
    }
}

/// A release statement, ordinary or emergency, and all that a node does about it.
pub(crate) fn release(data: &[u8]) {
    let world = world();
    let withdrawn = world.enrolled.withdrawn();
    let take = |envelope: &Envelope| releases::verify(&world.root, &withdrawn, envelope).is_ok();
    let enough = ["alice", "bob", "carol", "dan", "grace", "server"];
    let signers = Signers { enough: &enough, few: &["alice", "frank", "olga", "server"] };
    if judged::<Release>(data, &world.offer.release, &signers, (Release::encode, take)) {
        let statement: Release = read_untrusted(data).unwrap();
        let stamp = Timestamp {
            environment: statement.environment.clone(),
            seq: statement.seq,
            release: Digest::of(data),
            ..world.stamp.clone()
        };
        let mut offer = world.offer.clone();
        offer.release = signed::<Release>(data, &enough);
        offer.timestamp = signed::<Timestamp>(&stamp.encode(), &["server"]);
        for state in [&world.accepted, &world.enrolled] {
            if let Ok(next) = offered(state, &offer) {
                assert_eq!(next.accepted().map(|accepted| accepted.id), Some(Digest::of(data)));
            }
        }
    }
}

/// The server's word on what is new, by its own key: it never makes more than the release that people signed.
pub(crate) fn timestamp(data: &[u8]) {
    let world = world();
    let signers = Signers { enough: &["server"], few: &["alice", "bob", "grace", "olga"] };
    if binding::<Timestamp>(data, &world.offer.timestamp, &signers, Timestamp::encode) {
        let offer = Offer { timestamp: signed::<Timestamp>(data, &["server"]), ..world.offer.clone() };
        if let Ok(next) = offered(&world.accepted, &offer) {
            assert_eq!(next.accepted().map(|accepted| accepted.id), Some(world.offer.release.id()));
        }
        if let Ok(next) = learn(&world.accepted, &offer, world.now) {
            assert_eq!(next.accepted(), world.accepted.accepted());
        }
    }
}

/// One withdrawal, and the list of all: it can only take away, and only the signer's own (D51).
pub(crate) fn withdraw(data: &[u8]) {
    let world = world();
    let signers = Signers { enough: &["carol", "bob"], few: &["grace", "server"] };
    let honest =
        read_untrusted::<Withdrawal>(data).map_or(true, |it| !["grace", "server"].contains(&it.by.as_str()));
    if honest {
        binding::<Withdrawal>(data, &world.withdrawal, &signers, Withdrawal::encode);
    }
    let Ok(list) = Withdrawals::decode(data) else { return };
    assert!(list.encode() == data, "a second spelling of a list: {data:?}");
    let statement = read_untrusted::<Withdrawal>(&world.withdrawal.bytes).unwrap().release;
    let in_force = list.in_force(&world.root);
    let names: Vec<&str> = in_force.from(statement).map(|name| name.as_str()).collect();
    assert!(names.is_empty() || names == ["carol"], "{names:?} took something back: {data:?}");
    assert!(data != world.list || names == ["carol"], "nobody took anything back");
    assert!(in_force.from(world.offer.release.id()).next().is_none(), "nobody took this back: {data:?}");
    let offer = Offer { withdrawals: Some(data.to_vec()), ..world.offer.clone() };
    drop(offered(&world.accepted, &offer));
}

/// A key takes itself out of use, and nobody else does.
pub(crate) fn revoke(data: &[u8]) {
    let world = world();
    let take = |envelope: &Envelope| revoke::verify(&world.root, envelope).is_ok();
    let signers = Signers { enough: &["carol"], few: &["alice", "bob", "server"] };
    let key_of = |name: &str| key(name).public().to_line();
    // Whose key it is may sign, whoever that is.
    let stranger = read_untrusted::<Revocation>(data)
        .is_ok_and(|revocation| signers.few.iter().any(|name| key_of(name) == revocation.key));
    if !stranger && judged::<Revocation>(data, &world.revocation, &signers, (Revocation::encode, take)) {
        assert_eq!(read_untrusted::<Revocation>(data).unwrap().key, key_of("carol"));
    }
}

/// The ratification of one emergency ratifies no other, whatever was signed.
pub(crate) fn ratify(data: &[u8]) {
    let world = world();
    if let Ok(document) = read_untrusted::<Ratification>(data) {
        assert!(document.encode() == data, "a second spelling of a ratification: {data:?}");
    }
    let met = |people: &[&str]| {
        let signatures = signed::<Ratification>(data, people).signatures;
        ratify::check_threshold(&world.root, &Withdrawn::none(), &world.statement, &signatures)
            .is_ok_and(|tally| tally.met)
    };
    assert_eq!(met(&["alice", "bob"]), data == world.ratification.bytes, "{data:?}");
    assert!(!met(&["alice", "frank", "grace", "server"]), "{data:?}");
}

/// A trigger is obeyed by whom it names, in its time, once (D24).
pub(crate) fn trigger(data: &[u8]) {
    let world = world();
    let signers = Signers { enough: &["olga"], few: &["alice", "bob", "server"] };
    if binding::<Trigger>(data, &world.trigger, &signers, Trigger::encode) {
        let envelope = signed::<Trigger>(data, &["olga"]);
        let Ok(accepted) = Replay::default().accept(&world.accepted, &envelope, world.now) else { return };
        assert!(accepted.trigger.nodes.iter().any(|node| node.as_str() == NODE), "{data:?}");
        assert!(accepted.trigger.expires >= world.now, "{data:?}");
        let memory = Replay::load(&accepted.replay.encode()).unwrap();
        let again = memory.accept(&world.accepted, &envelope, world.now);
        assert!(matches!(again, Err(Refusal::Replay { .. })), "obeyed twice: {data:?}");
    }
}

/// An operator's question.
pub(crate) fn query(data: &[u8]) {
    let world = world();
    let signers = Signers { enough: &["olga"], few: &["alice", "bob", "server"] };
    if binding::<Query>(data, &world.query, &signers, Query::encode) {
        drop(query::accept(&world.root, &Withdrawn::none(), &signed::<Query>(data, &["olga"]), world.now));
    }
}

/// A reviewer's note, which counts for nothing but its author's words.
pub(crate) fn review(data: &[u8]) {
    let author =
        read_untrusted::<Note>(data).map_or_else(|_| "bob".to_owned(), |note| note.author.to_string());
    let few: Vec<&str> = ["alice", "server"].into_iter().filter(|name| *name != author).collect();
    binding::<Note>(data, &world().note, &Signers { enough: &[&author], few: &few }, Note::encode);
}

/// A run report by the node's own key (D26, D46).
pub(crate) fn report(data: &[u8]) {
    let World { report: (honest, signature), .. } = world();
    let node = key(NODE).public();
    let accepted = reports::verify(&node, data, signature).is_ok();
    assert_eq!(accepted, data == honest, "the verdict on the signature of a report: {data:?}");
    let by = |who: &str| sshsig::sign(&key(who), reports::NAMESPACE, data);
    assert!(reports::verify(&node, data, &by("olga")).is_err(), "{data:?}");
    let Ok(report) = reports::verify(&node, data, &by(NODE)) else { return };
    assert!(canonical::encode(&*report) == data, "a second spelling of a report: {data:?}");
    let mut chain = reports::Chain::default();
    chain.add(&node, data, &by(NODE));
    chain.add(&node, data, &by(NODE));
    assert!(!chain.breaks.is_empty(), "the same report twice: {data:?}");
}
