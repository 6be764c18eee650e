//! `[schedules.…]` of `countersign.toml`: times at which resources may be looked at.

use super::document::{Item, Key, Value, place};
use super::fields::{Fields, wrong_type};
use super::form;
use crate::model::resource::{Period, PeriodMatch, Schedule, Span, Weekday};
use crate::model::{Finding, ModuleName};
use std::collections::BTreeMap;

/// How often within a period, at most: once a minute in the longest.
const MOST: i64 = 43_200;

/// The schedules of a site by name.
pub(super) type Schedules = BTreeMap<String, Schedule>;

/// The schedules at `[schedules.…]`.
pub(super) fn schedules(fields: &Fields<'_>, file: &str, findings: &mut Vec<Finding>) -> Schedules {
    let all = fields.table("schedules", findings).iter();
    let read = all.filter_map(|(key, item)| schedule(file, key, item, findings));
    read.map(|schedule| (schedule.name.clone(), schedule)).collect()
}

fn schedule(file: &str, key: &Key, item: &Item, findings: &mut Vec<Finding>) -> Option<Schedule> {
    let name = &key.name;
    let taken = Period::named(name).is_some();
    if taken || name.parse::<ModuleName>().is_err() {
        let what = if taken { "is there already" } else { "is no name of a schedule" };
        let message = format!("`{}` {what}", name.escape_default());
        let finding = Finding::error("bad-name", message, place(file, &key.span));
        findings.push(finding.instead("use a-z, 0-9, `_` and `-`, starting with a letter"));
        return None;
    }
    let Value::Table(table) = &item.value else {
        findings.push(wrong_type(name, "a table", &item.value, place(file, &item.span)));
        return None;
    };
    let fields = Fields::of(file, table, form::SCHEDULE, findings);
    let range = each(&fields, file, "range", |text| text.parse::<Span>().ok(), findings);
    let weekday = each(&fields, file, "weekday", Weekday::named, findings);
    let period = word(&fields, file, "period", (Period::NAMES, Period::named), findings);
    let matches = (PeriodMatch::NAMES, |name: &str| match name {
        "distance" => Some(PeriodMatch::Distance),
        "number" => Some(PeriodMatch::Number),
        _ => None,
    });
    let periodmatch = word(&fields, file, "periodmatch", matches, findings).unwrap_or_default();
    let repeat = fields.integer("repeat", findings).unwrap_or(1);
    let mut refuse = |name: &str, message: &str| {
        let at = fields.item(name).map_or(&item.span, |item| &item.span);
        findings.push(Finding::error("bad-value", message, place(file, at)));
    };
    if !(1..=MOST).contains(&repeat) {
        refuse("repeat", &format!("`repeat` is from 1 to {MOST}"));
    }
    if repeat > 1 && periodmatch == PeriodMatch::Number {
        refuse("repeat", "by number a period is new only once");
    }
    let divided = matches!(period, None | Some(Period::Never));
    if divided && (repeat > 1 || fields.item("periodmatch").is_some()) {
        refuse("repeat", "`repeat` and `periodmatch` mean nothing without a `period`");
    }
    if range.is_empty() && weekday.is_empty() && period.is_none() {
        refuse("period", "a schedule has a `period`, a `range` or a `weekday`");
    }
    let repeat = u32::try_from(repeat).unwrap_or(1);
    Some(Schedule { name: name.clone(), range, weekday, period, periodmatch, repeat })
}

/// The texts of a list, each read by `read`.
fn each<T>(
    fields: &Fields<'_>,
    file: &str,
    name: &str,
    read: impl Fn(&str) -> Option<T>,
    findings: &mut Vec<Finding>,
) -> Vec<T> {
    let mut all = Vec::new();
    for (text, span) in fields.texts(name, findings) {
        match read(&text) {
            Some(value) => all.push(value),
            None => {
                let message = format!("`{}` is no {name}", text.escape_default());
                let finding = Finding::error("bad-value", message, place(file, &span));
                findings.push(
                    finding
                        .instead("for example `range = [\"22:00-04:00\"]`, `weekday = [\"sat\", \"sun\"]`"),
                );
            }
        }
    }
    all
}

fn word<T>(
    fields: &Fields<'_>,
    file: &str,
    name: &str,
    (known, read): (&[&str], impl Fn(&str) -> Option<T>),
    findings: &mut Vec<Finding>,
) -> Option<T> {
    let (text, span) = fields.text(name, findings)?;
    let value = read(&text.text);
    if value.is_none() {
        let message = format!("`{name}` is one of {}", known.join(", "));
        findings.push(Finding::error("bad-value", message, place(file, &span)));
    }
    value
}
