//! Metaparameters: what every resource has.

use super::shape::Typed;
use crate::model::Meta;
use crate::model::resource::LogLevel;

/// Sets the metaparameter `name`.
pub(super) fn set(meta: &mut Meta, name: &str, typed: Typed) {
    match (name, typed) {
        ("before", Typed::Refs(refs)) => meta.before = refs,
        ("require", Typed::Refs(refs)) => meta.require = refs,
        ("notify", Typed::Refs(refs)) => meta.notify = refs,
        ("subscribe", Typed::Refs(refs)) => meta.subscribe = refs,
        ("noop", Typed::Bool(noop)) => meta.noop = noop,
        ("irreversible", Typed::Bool(irreversible)) => meta.irreversible = irreversible,
        ("tag", Typed::Texts(tags)) => meta.tag = tags,
        ("loglevel", Typed::Text(level)) => meta.loglevel = level_named(&level),
        _ => {}
    }
}

fn level_named(name: &str) -> LogLevel {
    const LEVELS: [LogLevel; 8] = [
        LogLevel::Debug,
        LogLevel::Info,
        LogLevel::Notice,
        LogLevel::Warning,
        LogLevel::Err,
        LogLevel::Crit,
        LogLevel::Alert,
        LogLevel::Emerg,
    ];
    let at = LogLevel::NAMES.iter().position(|known| *known == name);
    at.and_then(|at| LEVELS.get(at).copied()).unwrap_or_default()
}
