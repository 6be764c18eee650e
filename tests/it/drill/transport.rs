//! Attacks on the connection: who answers, how much, how fast, and when it stops.

use super::attack::{Attack, Course};
use super::evil::{Evil, LEAF, SIGNATURES, STATEMENT, TIMESTAMP};
use super::paper::NODE;
use super::server::{Front, Reply};
use super::world::{Node, World};
use countersign::model::Digest;

/// The head of an answer whose length the attacker does not tell.
const OPEN: &[u8] = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";

pub(super) fn attacks() -> Vec<Attack> {
    let mut all = fronts();
    all.extend(lengths());
    all.extend(parts().into_iter().map(endless));
    all.extend(halves());
    all.extend(parts().into_iter().filter(|part| part.needed).map(missing));
    all
}

/// A document of release 3 that the node asks for.
#[derive(Clone, Copy)]
struct Part {
    name: &'static str,
    path: fn(&Evil) -> String,
    /// Whether there is no way without it.
    needed: bool,
    /// The answer to its first half.
    half: Option<&'static str>,
}

fn blob() -> String {
    format!("blob/{}", Digest::of(b"three").hex())
}

fn parts() -> Vec<Part> {
    let part = |name, path, needed, half| Part { name, path, needed, half };
    vec![
        part("trust root 3", |_| "root/3.json".to_owned(), false, Some("FORM")),
        part("the timestamp", |_| TIMESTAMP.to_owned(), true, Some("FORM")),
        part(
            "the timestamp's signatures",
            |_| TIMESTAMP.replace(".json", ".signatures.json"),
            true,
            Some("FORM"),
        ),
        part("the statement", |_| STATEMENT.to_owned(), true, Some("MIX")),
        part("the statement's signatures", |_| SIGNATURES.to_owned(), true, Some("FORM")),
        part("the leaf", |_| LEAF.to_owned(), false, Some("FORM")),
        part("the catalog", |evil| evil.catalog_of(NODE), true, Some("CATALOG_ALTERED")),
        part("a file's content", |_| blob(), true, Some("BLOB_ALTERED")),
    ]
}

fn endless(part: Part) -> Attack {
    Attack::new(format!("sends {} without end", part.name), "T2", "TOO_LARGE", move |world| {
        let evil = Evil::honest(world);
        let path = (part.path)(&evil);
        evil.reply(&path, Reply::Endless(OPEN.to_vec(), b' '))
    })
}

fn missing(part: Part) -> Attack {
    Attack::new(format!("leaves out {}", part.name), "T12", "MISSING", move |world| {
        let evil = Evil::honest(world);
        let path = (part.path)(&evil);
        evil.drop(&path)
    })
}

/// Half a document, told to be whole; half a trust root has no signature that fits.
fn halves() -> Vec<Attack> {
    let cut = |part: Part| {
        let answer = if part.name == "trust root 3" { "UNSIGNED" } else { part.half? };
        Some(Attack::new(format!("sends half of {}", part.name), "T12", answer, move |world| {
            let evil = Evil::honest(world);
            let path = (part.path)(&evil);
            evil.edit(&path, |bytes| bytes.truncate(bytes.len() / 2))
        }))
    };
    parts().into_iter().filter_map(cut).collect()
}

fn raw(head: &str, bytes: &[u8]) -> Reply {
    Reply::Raw([format!("HTTP/1.1 {head}\r\n\r\n").as_bytes(), bytes].concat())
}

/// The catalog, answered in another way.
fn catalog(world: &World, reply: impl FnOnce(Vec<u8>) -> Reply) -> Evil {
    let evil = Evil::honest(world);
    let path = evil.catalog_of(NODE);
    let bytes = evil.get(&path);
    evil.reply(&path, reply(bytes))
}

fn lengths() -> Vec<Attack> {
    let stamp = |reply: fn() -> Reply| move |world: &World| Evil::honest(world).reply(TIMESTAMP, reply());
    vec![
        Attack::new("promises more bytes than it sends", "T12", "UNREACHABLE", |world| {
            catalog(world, |bytes| raw("200 OK\r\ncontent-length: 100000", &bytes))
        }),
        Attack::new("promises fewer bytes than there are", "T12", "CATALOG_ALTERED", |world| {
            catalog(world, |bytes| raw("200 OK\r\ncontent-length: 100", &bytes))
        }),
        Attack::new("promises 4 EiB and sends on and on", "T2", "TOO_LARGE", |world| {
            let head = b"HTTP/1.1 200 OK\r\ncontent-length: 4611686018427387904\r\n\r\n";
            catalog(world, |_| Reply::Endless(head.to_vec(), b'{'))
        }),
        Attack::new("says two lengths", "T12", "UNREACHABLE", |world| {
            catalog(world, |bytes| raw("200 OK\r\ncontent-length: 10\r\ncontent-length: 99999", &bytes))
        }),
        Attack::new(
            "sends a head without end",
            "T2",
            "UNREACHABLE",
            stamp(|| Reply::Endless(b"HTTP/1.1 200 OK\r\nx: ".to_vec(), b'x')),
        ),
        Attack::new(
            "leads to another address",
            "T6",
            "FORBIDDEN",
            stamp(|| raw("302 Found\r\nlocation: https://127.0.0.1:1/\r\ncontent-length: 0", b"")),
        ),
        Attack::new(
            "answers with an error of its own",
            "T6 D15",
            "FORBIDDEN",
            stamp(|| raw("500 No\r\ncontent-length: 25", b"{\"error\":\"\\u001b[2Jgone\"}")),
        ),
        Attack::new(
            "asks to be left alone for ever",
            "T5",
            "BUSY",
            stamp(|| raw("503 Busy\r\nretry-after: 99999999999\r\ncontent-length: 0", b"")),
        ),
        Attack::new("says that a catalog has not changed", "T12", "MISSING", |world| {
            catalog(world, |_| raw("304 Not Modified", b""))
        }),
        Attack::new(
            "says for ever that nothing is new",
            "T5",
            "FREEZE",
            stamp(|| raw("304 Not Modified", b"")),
        )
        .on(Node::Stale),
        Attack::new(
            "says to a new node that nothing is new",
            "T5",
            "FORM",
            stamp(|| raw("304 Not Modified", b"")),
        )
        .on(Node::Fresh),
        Attack::new("sends a byte every tenth of a second", "T11", "SLOW", stamp(|| Reply::Drip))
            .during(Course::HastyRun),
        Attack::new("takes the question and says nothing", "T11", "SLOW", stamp(|| Reply::Silence))
            .during(Course::HastyRun),
    ]
}

fn fronts() -> Vec<Attack> {
    let front =
        |what, answer, front| Attack::new(what, "D43", answer, move |world| Evil::honest(world).front(front));
    vec![
        front("has a certificate of another authority", "SERVER_AUTHORITY", Front::OtherAuthority),
        front(
            "shows the pinned authority's certificate behind it",
            "SERVER_AUTHORITY",
            Front::BorrowedAuthority,
        ),
        front("has a certificate for another name", "SERVER_AUTHORITY", Front::OtherName),
        front("has a certificate that expired", "SERVER_AUTHORITY", Front::Expired),
        front("has a certificate of the nodes' authority", "SERVER_AUTHORITY", Front::NodeAuthority),
        front("speaks an older TLS", "UNREACHABLE", Front::OldTls),
        front("speaks no TLS", "UNREACHABLE", Front::Clear),
        Attack::new("does not answer the handshake", "T11", "SLOW", |world| {
            Evil::honest(world).front(Front::Mute)
        })
        .during(Course::HastyRun),
    ]
}
