//! What a node reads: its catalog with the leaf that proves it, its own files, and sealed secrets.

use super::world::{opening_key, world};
use countersign::model::secret::has_form;
use countersign::model::{Catalog, Digest, Sealed, SealingKey, canonical};
use countersign::policy::report::Style;
use countersign::review::{effect, render};
use countersign::sealing::OpeningKey;
use countersign::signing::merkle::Leaf;
use countersign::signing::trigger::Replay;
use countersign::signing::{Offer, State, decide};

/// A catalog or leaf is the signed one, or it is refused; and reviewers see any catalog in printable characters.
pub(crate) fn catalog(data: &[u8]) {
    let world = world();
    let honest = &world.offer;
    let touched = Offer { catalog: data.to_vec().into(), ..honest.clone() };
    let accepted = decide(&world.accepted, &touched, world.now).is_ok();
    assert_eq!(accepted, data == honest.catalog.as_slice(), "the verdict on a catalog: {data:?}");
    if let Ok(leaf) = Leaf::decode(data) {
        assert!(leaf.encode() == data, "a second spelling of a leaf: {data:?}");
        let touched = Offer { leaf: Some(data.to_vec()), ..honest.clone() };
        let accepted = decide(&world.accepted, &touched, world.now).is_ok();
        assert!(
            !accepted || Some(data) == honest.leaf.as_deref(),
            "another leaf than the signed one: {data:?}"
        );
    }
    let catalog = Catalog::decode(data).ok();
    let within = Catalog::decode_within(&data.to_vec().into()).ok();
    assert_eq!(within, catalog, "texts that stay in their document: {data:?}");
    let Some((catalog, within)) = catalog.zip(within) else { return };
    for catalog in [&catalog, &within] {
        assert!(catalog.encode() == data, "a second spelling of a catalog: {data:?}");
    }
    let before = Catalog::decode(&honest.catalog).unwrap();
    let changes = effect::diff(&[before], &[catalog]);
    let shown = render::effect(&changes, Style::Plain);
    assert!(super::site::printable(&shown), "{shown:?}");
}

/// The state of an agent and its memory of triggers: read whole or not at all (D27).
pub(crate) fn state(data: &[u8]) {
    let world = world();
    if let Ok(replay) = Replay::load(data) {
        assert!(replay.encode() == data, "a second spelling of a memory: {data:?}");
    }
    assert_eq!(checksummed(&world.accepted.encode()), world.accepted.encode());
    for bytes in [data.to_vec(), checksummed(data)] {
        let named = State::named_untrusted(&bytes).ok();
        let list = named.and_then(|named| named.withdrawals).map(|_| world.list.as_slice());
        let Ok(state) = State::load(&bytes, &world.first, list) else { continue };
        assert!(state.encode() == bytes, "a second spelling of a state: {data:?}");
        if let Ok(next) = countersign::signing::learn(&state, &world.offer, world.now) {
            assert_eq!(next.accepted(), state.accepted());
        }
        drop(decide(&state, &world.offer, world.now));
    }
}

/// `data` with the checksum that belongs to it, so that what lies behind the checksum is read, too.
fn checksummed(data: &[u8]) -> Vec<u8> {
    const HEAD: &[u8] = b"{\"state\":";
    const TAIL: &[u8] = b",\"checksum\":";
    let end = data.windows(TAIL.len()).rposition(|window| window == TAIL);
    let Some(record) = end.and_then(|end| data.get(HEAD.len()..end)) else { return data.to_vec() };
    let digest = Digest::of(&[record, b"\n"].concat());
    [HEAD, record, TAIL, format!("\"{digest}\"}}\n").as_bytes()].concat()
}

/// A sealed value that was touched does not open, and keys have one spelling (D30).
pub(crate) fn secret(data: &[u8]) {
    let world = world();
    if let Ok(sealed) = canonical::decode::<Sealed>("sealed value", data) {
        let opened = opening_key().open(&sealed);
        assert_eq!(opened.is_ok(), data == world.sealed, "opens, or does not: {data:?}");
        let shown = sealed.to_string();
        assert!(!has_form(&sealed.text) || !shown.contains(&sealed.text), "{shown}");
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(key) = text.parse::<SealingKey>() {
        assert_eq!(key.to_string(), text);
    }
    if let Some(key) = OpeningKey::parse(text) {
        assert_eq!(key.to_text().trim_end(), text.trim_end());
    }
}
