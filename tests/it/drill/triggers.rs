//! Attacks with triggers, on the daemon that listens for them. A trigger can make a node run and nothing else.

use super::attack::{Attack, Course};
use super::evil::Evil;
use super::paper::{NODE, OTHER, REPO, key, name};
use super::server::Reply;
use super::world::World;
use countersign::agent::clock::system as now;
use countersign::model::wire::{Signed, Triggers};
use countersign::signing::trigger::{Action, Trigger};
use countersign::signing::{Document, Release, RepoId, sshsig};

/// What olga may ask of the node: to look. Made now.
fn honest() -> Trigger {
    Trigger {
        document: "trigger".into(),
        v: 1,
        repo: REPO,
        id: "0123456789abcdef0123456789abcdef".into(),
        operator: name("olga"),
        nodes: vec![name(NODE)],
        action: Action::Converge,
        min_seq: 0,
        issued: now(),
        expires: now().plus(300),
        reason: "now".into(),
    }
}

/// The server hands out these documents once, and then nothing more.
fn sending(world: &World, signed: Vec<Signed>) -> Evil {
    let first = serde_json::to_vec(&Triggers { next: 1, triggers: signed }).unwrap();
    let mut evil = Evil::honest(world);
    evil.replies.insert("/v1/triggers?after=0".into(), Reply::Whole(first));
    evil.replies.insert("/v1/triggers?after=1".into(), Reply::Silence);
    evil
}

fn by(person: &str, namespace: &str, bytes: Vec<u8>) -> Signed {
    let signatures = vec![sshsig::sign(&key(person), namespace, &bytes)];
    Signed { document: String::from_utf8(bytes).unwrap(), signatures }
}

/// The trigger, with changes, signed by this person.
fn trigger(
    what: &str,
    rows: &'static str,
    answer: &'static str,
    person: &'static str,
    change: fn(&mut Trigger),
) -> Attack {
    Attack::new(what, rows, answer, move |world| {
        let mut trigger = honest();
        change(&mut trigger);
        sending(world, vec![by(person, Trigger::NAMESPACE, trigger.encode())])
    })
    .during(Course::Daemon)
}

fn other(
    what: &str,
    rows: &'static str,
    answer: &'static str,
    signed: impl Fn(&World) -> Vec<Signed> + Send + Sync + 'static,
) -> Attack {
    Attack::new(what, rows, answer, move |world| sending(world, signed(world))).during(Course::Daemon)
}

pub(super) fn attacks() -> Vec<Attack> {
    vec![
        trigger("signs a trigger with a key of its own", "D23", "UNSIGNED", "mallory", |_| {}),
        other("signs a trigger with the server's key", "D23", "SIGNER", |world| {
            let bytes = honest().encode();
            let signature = sshsig::sign(world.timestamp_key(), Trigger::NAMESPACE, &bytes);
            vec![Signed { document: String::from_utf8(bytes).unwrap(), signatures: vec![signature] }]
        }),
        trigger("signs a trigger with a reviewer's key", "D23", "ROLE", "alice", |t| {
            t.operator = name("alice")
        }),
        trigger("signs a trigger in another operator's name", "D23", "SIGNER", "otto", |_| {}),
        trigger("has an operator of other nodes ask", "D23", "SCOPE", "otto", |t| t.operator = name("otto")),
        trigger("hands out a trigger for another node", "D24", "NOT_ADDRESSED", "olga", |t| {
            t.nodes = vec![name(OTHER)]
        }),
        trigger("hands out a trigger of an hour ago", "D24", "WINDOW", "olga", |t| {
            (t.issued, t.expires) = (now().plus(-3600), now().plus(-3400));
        }),
        trigger("hands out a trigger of tomorrow", "D24", "WINDOW", "olga", |t| {
            (t.issued, t.expires) = (now().plus(86_400), now().plus(86_500));
        }),
        trigger("hands out a trigger for a year", "D24", "MALFORMED", "olga", |t| {
            t.expires = now().plus(31_536_000)
        }),
        trigger("hands out a trigger of another repository", "D10", "REPO", "olga", |t| {
            t.repo = RepoId::new([8; 32])
        }),
        trigger("names a trigger so that it leads out of its place", "D24", "MALFORMED", "olga", |t| {
            t.id = "../../../../../../../../etc/motd".into();
        }),
        other("alters a trigger that an operator signed", "D23", "UNSIGNED", |_| {
            let mut signed = by("olga", Trigger::NAMESPACE, honest().encode());
            signed.document = signed.document.replace("\"now\"", "\"evil\"");
            vec![signed]
        }),
        other("offers an operator's git signature", "D41", "UNSIGNED", |_| {
            vec![by("olga", "git", honest().encode())]
        }),
        other("offers a release as a trigger", "D41", "UNSIGNED", |world| {
            vec![by("olga", Release::NAMESPACE, world.releases[2].encode())]
        }),
        other("sends an operator's trigger to pause twice", "D24", "REPLAY", |_| {
            let pause = Trigger { action: Action::Pause, ..honest() };
            vec![by("olga", Trigger::NAMESPACE, pause.encode()); 2]
        }),
        other("sends a trigger with a field that nobody knows", "D47", "FORM", |_| {
            let bytes = String::from_utf8(honest().encode()).unwrap();
            let bytes = bytes.replacen(",\"v\":1", ",\"v\":1,\"command\":\"sh\"", 1);
            vec![by("olga", Trigger::NAMESPACE, bytes.into_bytes())]
        }),
    ]
}
