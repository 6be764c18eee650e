//! `audit`: attributes whose changes are told, whoever makes them. Looks, and changes nothing.

use super::engine::Course;
use super::turn::{Fate, failure};
use crate::agent::found::{self, Found, FoundError, Said};
use crate::agent::host::EntryKind;
use crate::agent::types::{Daemon, chain};
use crate::model::report::{Event, EventStatus};
use crate::model::resource::LogLevel;
use crate::model::{Kind, Ref, Spec};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// What a node has of an attribute that it does not have.
const ABSENT: &str = "absent";

/// The attributes of one resource, as they were found.
pub(super) type Seen = BTreeMap<String, String>;

impl Course<'_> {
    /// Tells what has changed since the last run. Gives what was found.
    pub(super) fn audit(&mut self, index: usize, name: &Ref, fate: &mut Fate) -> Seen {
        let seen = match self.seen(index) {
            Ok(seen) => seen,
            Err(error) => {
                self.voice.of(name, LogLevel::Warning, format!("Could not audit: {}", chain(&error)));
                self.recorded(index, name)
            }
        };
        for (attribute, now) in &seen {
            let Some(last) = self.job.record.audited(name, attribute) else {
                let message = format!("audit change: newly-recorded value {now}");
                self.voice.property(name, attribute, (LogLevel::Info, message));
                continue;
            };
            if last != now {
                let message =
                    format!("audit change: previously recorded value {last} has been changed to {now}");
                self.voice.property(name, attribute, (LogLevel::Notice, message.clone()));
                let (from, to) = (last.to_owned(), now.clone());
                fate.events.push(Event {
                    from,
                    to,
                    status: EventStatus::Audit,
                    ..failure(attribute, &message)
                });
            }
        }
        seen
    }

    /// Keeps what was found for the next run: as it is now, where this run has changed something of it.
    pub(super) fn note_audited(&mut self, index: usize, seen: Seen, fate: &Fate) {
        let changed = fate.failed || fate.events.iter().any(|event| event.status == EventStatus::Success);
        if changed {
            self.told.clear();
        }
        let seen = if changed { self.seen(index).unwrap_or(seen) } else { seen };
        self.notes.note_audited(&seen);
    }

    fn recorded(&self, index: usize, name: &Ref) -> Seen {
        let audit = &self.catalog.resources[index].meta.audit;
        let last = |attribute: &String| {
            Some((attribute.clone(), self.job.record.audited(name, attribute)?.to_owned()))
        };
        audit.iter().filter_map(last).collect()
    }

    /// Lists are read once, until something is changed.
    fn found(&mut self, spec: &Spec, name: &str) -> Result<Option<Found>, FoundError> {
        // Which init system runs it is for the resource to say.
        if let Spec::Service(service) = spec {
            return Ok(Some(Daemon(service).found(&mut self.node)?));
        }
        let kind = spec.kind();
        if matches!(kind, Kind::File | Kind::Sysctl) {
            return Ok(found::found(self.job.host, kind, Some(name))?.pop());
        }
        if let Entry::Vacant(slot) = self.told.entry(kind) {
            slot.insert(found::found(self.job.host, kind, None)?);
        }
        Ok(self.told.get(&kind).into_iter().flatten().find(|found| found.title == name).cloned())
    }

    fn seen(&mut self, index: usize) -> Result<Seen, FoundError> {
        let resource = &self.catalog.resources[index];
        let audit: BTreeSet<&str> = resource.meta.audit.iter().map(String::as_str).collect();
        if audit.is_empty() {
            return Ok(Seen::new());
        }
        let thing = resource.spec.thing().map_or_else(|| resource.title.clone(), |(_, name)| name);
        let kind = resource.spec.kind();
        let found = self.found(&resource.spec, &thing)?;
        let there = if found.is_some() { "present" } else { ABSENT };
        let mut seen: Seen =
            audit.iter().map(|attribute| ((*attribute).to_owned(), ABSENT.to_owned())).collect();
        let mut note = |attribute: &str, value: String| {
            if let Some(slot) = seen.get_mut(attribute) {
                *slot = value;
            }
        };
        note("ensure", there.to_owned());
        for (attribute, said) in found.map(|Found { attributes, .. }| attributes).unwrap_or_default() {
            note(attribute, told(said));
        }
        // A file is told by its digest: it may be large, and not everybody may read it.
        if kind == Kind::File && audit.contains("content") {
            let stat = self.job.host.stat(&thing)?.filter(|stat| stat.kind == EntryKind::File);
            let digest = stat.map(|stat| self.job.host.digest(&thing, Some(stat.uid))).transpose()?;
            note("content", digest.map_or_else(|| ABSENT.to_owned(), |digest| digest.to_string()));
        }
        Ok(seen)
    }
}

fn told(said: Said) -> String {
    match said {
        Said::Text(text) => text,
        Said::Texts(texts) => texts.join(", "),
        Said::Number(number) => number.to_string(),
        Said::Bool(value) => value.to_string(),
        Said::Table(table) => {
            table.iter().map(|(name, text)| format!("{name}={text}")).collect::<Vec<_>>().join(", ")
        }
        Said::Settings(settings) => {
            let lines = |(name, texts): (&String, &Vec<String>)| {
                texts.iter().map(|text| format!("{name}={text}")).collect::<Vec<_>>()
            };
            settings.iter().flat_map(lines).collect::<Vec<_>>().join(", ")
        }
    }
}
