//! What strangers send to a server, and servers to agents, before anybody knows who they are.

use super::world::{NODE, REQUEST, as_text, key, world};
use countersign::model::wire::{
    EnrollAnswer, EnrollRequest, Problem, PushAccepted, PushEvents, Selection, Signed, TriggerState, Triggers,
};
use countersign::review::certificate::{self, Pushed};
use countersign::server::authority::read_request;
use countersign::signing::trigger::Replay;
use countersign::signing::{Envelope, PublicKey, Withdrawn, query, report, sshsig};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The JSON bodies of requests and answers, and what is looked at first in each.
pub(crate) fn body(data: &[u8]) {
    same::<EnrollAnswer>(data);
    same::<Triggers>(data);
    same::<PushAccepted>(data);
    same::<PushEvents>(data);
    same::<TriggerState>(data);
    same::<Selection>(data);
    same::<Problem>(data);
    if let Some(enroll) = same::<EnrollRequest>(data) {
        request(enroll.csr.as_bytes());
        drop(PublicKey::parse(&enroll.report_key));
    }
    let Some(signed) = same::<Signed>(data) else { return };
    let world = world();
    let envelope = Envelope::from(signed.clone());
    let untouched = [&world.trigger, &world.query].map(|honest| as_text(honest).document);
    let obeyed = Replay::default().accept(&world.accepted, &envelope, world.now).is_ok();
    assert!(!obeyed || signed.document == untouched[0], "a trigger that nobody signed: {data:?}");
    if query::accept(&world.root, &Withdrawn::none(), &envelope, world.now).is_ok() {
        assert_eq!(signed.document, untouched[1], "a query that nobody signed");
    }
    for signature in &signed.signatures {
        let report = report::verify(&key(NODE).public(), signed.document.as_bytes(), signature);
        assert!(
            report.is_err() || signed.document.as_bytes() == world.report.0,
            "a report that nobody signed"
        );
    }
}

/// What is read prints to something that reads as the same.
fn same<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(data: &[u8]) -> Option<T> {
    let read: T = serde_json::from_slice(data).ok()?;
    let printed = serde_json::to_vec(&read).unwrap();
    assert_eq!(serde_json::from_slice::<T>(&printed).unwrap(), read);
    Some(read)
}

/// Requests for certificates, and the certificates of pushes.
pub(crate) fn request(data: &[u8]) {
    let world = world();
    if let Ok(request) =
        std::str::from_utf8(data).map_err(drop).and_then(|text| read_request(text).map_err(drop))
    {
        let honest = read_request(REQUEST).unwrap();
        let (got, want) = ((request.name, request.fingerprint), (honest.name, honest.fingerprint));
        assert_eq!(got, want, "a request that its key did not sign: {data:?}");
    }
    let commit = "a".repeat(40);
    let pushed = Pushed { commit: &commit, target: "refs/for/production" };
    let payload = |bytes: &[u8]| {
        let armour = bytes.windows(10).position(|window| window == b"-----BEGIN");
        bytes[..armour.unwrap_or(bytes.len())].to_vec()
    };
    if certificate::author(&world.root, data, &pushed).is_ok() {
        assert_eq!(payload(data), payload(&world.certificate), "a certificate that nobody signed: {data:?}");
    }
    let own = [data, sshsig::sign(&key("frank"), "git", data).as_bytes()].concat();
    if let Ok(author) = certificate::author(&world.root, &own, &pushed) {
        assert_eq!(author.as_str(), "frank");
        let line = format!("{commit} refs/for/production");
        assert!(String::from_utf8_lossy(data).contains(&line), "about another push: {data:?}");
    }
}
