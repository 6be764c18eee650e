//! Metaparameters: what every resource has.

use super::document::place;
use super::fields::unknown_name;
use super::schedules::Schedules;
use super::shape::Typed;
use crate::model::finding::did_you_mean;
use crate::model::resource::{LogLevel, Period, Schedule};
use crate::model::{Finding, Kind, Meta};
use std::ops::Range;

/// Every attribute that a node can be asked for.
const ALL: &str = "all";

/// What a resource says besides the attributes of its type.
pub(super) struct Said<'a> {
    pub(super) meta: Meta,
    /// Other names by which relationships may mean it.
    pub(super) alias: Vec<String>,
    kind: Kind,
    schedules: &'a Schedules,
    file: &'a str,
}

impl<'a> Said<'a> {
    pub(super) const fn new(meta: Meta, kind: Kind, schedules: &'a Schedules, file: &'a str) -> Self {
        Self { meta, alias: Vec::new(), kind, schedules, file }
    }

    /// Sets the metaparameter `name`, which stands at `at`.
    pub(super) fn set(&mut self, name: &str, typed: Typed, at: &Range<usize>, findings: &mut Vec<Finding>) {
        match (name, typed) {
            ("alias", Typed::Texts(alias)) => self.alias = alias,
            ("schedule", Typed::Text(name)) => {
                self.meta.schedule = self.schedule(&name, at, findings).map(Box::new)
            }
            ("audit", Typed::Texts(names)) => self.meta.audit = self.audited(names, at, findings),
            (name, typed) => self.plain(name, typed),
        }
    }

    fn plain(&mut self, name: &str, typed: Typed) {
        let meta = &mut self.meta;
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

    fn schedule(&self, name: &str, at: &Range<usize>, findings: &mut Vec<Finding>) -> Option<Schedule> {
        let known = self.schedules.get(name).cloned().or_else(|| Schedule::builtin(name));
        if known.is_none() {
            let names = self.schedules.keys().map(String::as_str).chain(Period::NAMES.iter().copied());
            findings.push(unknown_name("schedule", name, place(self.file, at), names));
        }
        known
    }

    fn audited(&self, names: Vec<String>, at: &Range<usize>, findings: &mut Vec<Finding>) -> Vec<String> {
        let told = self.kind.told();
        if names.iter().any(|name| name == ALL) && !told.is_empty() {
            return told.iter().map(|name| (*name).to_owned()).collect();
        }
        for name in names.iter().filter(|name| !told.contains(&name.as_str())) {
            let message =
                format!("a node cannot be asked for `{}` of its {}", name.escape_default(), self.kind);
            let finding = Finding::error("bad-value", message, place(self.file, at));
            let near = did_you_mean(name, told.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            let all = || match told {
                [] => "leave `audit` out".to_owned(),
                _ => format!("known: {}, {ALL}", told.join(", ")),
            };
            findings.push(finding.instead(near.unwrap_or_else(all)));
        }
        names
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
