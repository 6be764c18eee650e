//! Documents in another spelling, with more in them, of another version, or for another place. Whoever must sign a
//! document signed these very bytes.

use super::attack::Attack;
use super::evil::{Evil, LEAF, STATEMENT, TIMESTAMP, replaced, staging};
use super::paper::NODE;
use super::world::World;
use countersign::signing::RepoId;

/// Hands out the honest files with one document bent by a function of its bytes.
type Bend = fn(&World, &dyn Fn(&[u8]) -> Vec<u8>) -> Evil;

/// A kind of document, and how the attacker hands out other bytes of it.
#[derive(Clone, Copy)]
struct Kind {
    name: &'static str,
    title: &'static str,
    /// The answer to what is not the one spelling.
    form: &'static str,
    /// The answer to another version.
    version: &'static str,
    bend: Bend,
}

const KINDS: [Kind; 5] = [
    Kind {
        name: "timestamp",
        title: "the timestamp",
        form: "FORM",
        version: "FORM",
        bend: |world, change| {
            let evil = Evil::honest(world).stamped(world, |_| {});
            let bytes = change(&evil.get(TIMESTAMP));
            evil.stamp_bytes(world, bytes)
        },
    },
    Kind {
        name: "release",
        title: "the statement",
        form: "FORM",
        version: "VERSION",
        bend: |world, change| {
            let bytes = change(&Evil::honest(world).get(STATEMENT));
            Evil::honest(world).stated(world, &["alice", "bob"], bytes)
        },
    },
    Kind {
        name: "root",
        title: "trust root 4",
        form: "FORM",
        version: "VERSION",
        bend: |world, change| {
            let evil = Evil::honest(world).rooted(world, &["alice", "bob"], |_| {});
            let bytes = change(&evil.get("root/4.json"));
            evil.root_bytes(4, &["alice", "bob"], bytes)
        },
    },
    Kind {
        name: "leaf",
        title: "the leaf",
        form: "FORM",
        version: "VERSION",
        bend: |world, change| Evil::honest(world).edit(LEAF, |bytes| *bytes = change(bytes)),
    },
    Kind {
        name: "catalog",
        title: "the catalog",
        form: "CATALOG",
        version: "CATALOG",
        bend: |world, change| {
            let evil = Evil::honest(world);
            let bytes = change(&evil.get(&evil.catalog_of(NODE)));
            evil.with_catalog(world, bytes)
        },
    },
];

pub(super) fn attacks() -> Vec<Attack> {
    let mut all: Vec<Attack> = KINDS.iter().flat_map(bent).collect();
    all.extend(elsewhere());
    all
}

fn bent(kind: &Kind) -> Vec<Attack> {
    let Kind { name, title, form, version, bend } = *kind;
    let attack = move |what: &str, rows, answer, change: fn(&str, &str) -> String| {
        Attack::new(what.replace('§', title), rows, answer, move |world| {
            bend(world, &|bytes| change(std::str::from_utf8(bytes).unwrap(), name).into_bytes())
        })
    };
    vec![
        attack("writes § with a space", "D42", form, |text, _| text.replacen("\":", "\": ", 1)),
        attack("writes a letter of § as an escape", "D42", form, |text, name| {
            let first = u32::from(name.chars().next().unwrap());
            text.replacen(&format!(":\"{name}\""), &format!(":\"\\u{first:04x}{}\"", &name[1..]), 1)
        }),
        attack("writes a field of § twice", "D42", form, |text, _| {
            text.replacen(",\"v\":1", ",\"v\":1,\"v\":1", 1)
        }),
        attack("leaves out the line feed at the end of §", "D42", form, |text, _| {
            text.trim_end().to_owned()
        }),
        attack("adds a field to §", "D47", form, |text, _| text.replacen(",\"v\":1", ",\"v\":1,\"x\":1", 1)),
        attack("calls § version 0", "D47", version, |text, _| text.replacen(",\"v\":1", ",\"v\":0", 1)),
        attack("calls § version 2", "D47", version, |text, _| text.replacen(",\"v\":1", ",\"v\":2", 1)),
    ]
}

fn elsewhere() -> Vec<Attack> {
    const OTHER: RepoId = RepoId::new([8; 32]);
    vec![
        Attack::new("takes the timestamp of another repository", "D10", "REPO", |world| {
            Evil::honest(world).stamped(world, |stamp| stamp.repo = OTHER)
        }),
        Attack::new("takes the release of another repository", "D10", "REPO", |world| {
            Evil::honest(world).restated(world, &["alice", "bob"], |release| release.repo = OTHER)
        }),
        Attack::new("takes the trust root of another repository", "D10", "REPO", |world| {
            Evil::honest(world).rooted(world, &["alice", "bob"], |root| root.repo = OTHER)
        }),
        Attack::new("takes the timestamp of another environment", "D10", "ENVIRONMENT", |world| {
            Evil::honest(world).stamped(world, |stamp| stamp.environment = staging())
        }),
        Attack::new("takes the release of another environment", "D10", "ENVIRONMENT", |world| {
            Evil::honest(world).restated(world, &["alice", "bob"], |release| release.environment = staging())
        }),
        Attack::new("passes a release off as a timestamp", "D41", "FORM", |world| {
            let bytes = Evil::honest(world).get(STATEMENT);
            Evil::honest(world).stamp_bytes(world, bytes)
        }),
        Attack::new("passes a timestamp off as a release", "D41", "VERSION", |world| {
            let bytes = Evil::honest(world).get(TIMESTAMP);
            Evil::honest(world).stated(world, &["alice", "bob"], bytes)
        }),
        Attack::new("names a log without its root", "D50", "FORM", |world| {
            Evil::honest(world).stamped(world, |stamp| stamp.log_root = None)
        }),
        Attack::new("writes a nought into the timestamp's serial", "T4", "FORM", |world| {
            let evil = Evil::honest(world).stamped(world, |_| {});
            let bytes = replaced(&evil.get(TIMESTAMP), "\"seq\":3", "\"seq\":0");
            evil.stamp_bytes(world, bytes)
        }),
    ]
}
