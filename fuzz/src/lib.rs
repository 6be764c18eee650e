//! What the fuzz targets call, and the smoke run in `tests/it/fuzz.rs`: everything that reads what strangers wrote.
//!
//! Nothing here may panic or take long, and more than that: what is read prints back to the same bytes, a document
//! that was touched is never accepted on the signatures of the untouched one, and fewer people than are required
//! never make anything count. Where a document would be refused for its signatures alone, the target signs it with
//! enough keys, so that what lies behind the signatures is reached, too.

mod agent;
mod log;
mod shell;
mod signed;
mod site;
mod strangers;
mod world;

pub use shell::{lint, parse, resolve};
pub use world::seeds;

/// A target's name, which its corpus folder has, too, and what it does with an input.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 25] = [
    ("parse", |data| text(data, parse)),
    ("resolve", |data| text(data, resolve)),
    ("lint", |data| text(data, lint)),
    ("sshsig", signed::signature),
    ("key", signed::key_of),
    ("root", signed::root),
    ("release", signed::release),
    ("timestamp", signed::timestamp),
    ("withdraw", signed::withdraw),
    ("revoke", signed::revoke),
    ("ratify", signed::ratify),
    ("trigger", signed::trigger),
    ("query", signed::query),
    ("review", signed::review),
    ("report", signed::report),
    ("catalog", agent::catalog),
    ("state", agent::state),
    ("secret", agent::secret),
    ("proof", log::proof),
    ("log", log::log),
    ("tree", site::tree),
    ("site", site::site),
    ("diff", site::diff),
    ("body", strangers::body),
    ("request", strangers::request),
];

/// Runs the target of that name.
///
/// # Panics
/// When there is none, or when the input shows a fault.
pub fn run(name: &str, data: &[u8]) {
    match TARGETS.iter().find(|(target, _)| *target == name) {
        Some((_, target)) => target(data),
        None => panic!("no target `{name}`"),
    }
}

fn text(data: &[u8], target: fn(&str)) {
    if let Ok(text) = std::str::from_utf8(data) {
        target(text);
    }
}
