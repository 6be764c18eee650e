//! `[budget]` and `[health.…]` of `countersign.toml`: what one run may do, and what must work afterwards.

use super::document::{Item, Key, Table, Value, place};
use super::fields::{Fields, unknown_name, wrong_type};
use super::form;
use super::inventory::{Inventory, Node};
use crate::model::resource::{Command, Exec, Word};
use crate::model::safety::{Budget, Check, Health};
use crate::model::{Finding, Meta, ModuleName, Place, Resource, Spec};

/// Seconds that a try may take unless the site says otherwise, and at most.
const TIMEOUT: (u32, u32) = (10, 300);
/// How often a check is tried unless the site says otherwise, and at most.
const TRIES: (u32, u32) = (3, 30);

/// A health check, and the groups whose nodes have it: all nodes when there are none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Declared {
    pub(super) health: Health,
    pub(super) groups: Vec<String>,
    pub(super) place: Place,
}

/// The budget at `[budget]` of this table.
pub(super) fn budget(fields: &Fields<'_>, file: &str, findings: &mut Vec<Finding>) -> Option<Budget> {
    let table = match &fields.item("budget")?.value {
        Value::Table(table) => table,
        _ => {
            fields.table("budget", findings);
            return None;
        }
    };
    let inner = Fields::of(file, table, form::BUDGET, findings);
    let mut bound = |name: &str| {
        let number = inner.integer(name, findings)?;
        let count = u64::try_from(number);
        if count.is_err() {
            let at = inner.item(name).map(|item| place(file, &item.span)).unwrap_or(Place::file(file));
            findings.push(Finding::error("bad-value", format!("`{name}` is less than 0"), at));
        }
        count.ok()
    };
    let (changes, deletions, restarts) = (bound("changes"), bound("deletions"), bound("restarts"));
    Some(Budget { changes, deletions, restarts })
}

/// The checks at `[health.…]`.
pub(super) fn health(
    fields: &Fields<'_>,
    (file, inventory): (&str, &Inventory),
    findings: &mut Vec<Finding>,
) -> Vec<Declared> {
    let mut declared = Vec::new();
    for (key, item) in fields.table("health", findings) {
        declared.extend(check(key, item, (file, inventory), findings));
    }
    declared
}

fn check(
    key: &Key,
    item: &Item,
    (file, inventory): (&str, &Inventory),
    findings: &mut Vec<Finding>,
) -> Option<Declared> {
    let at = place(file, &key.span);
    // It has the form of a module's name, so that it can stand in logs and lists.
    let Ok(name) = key.name.parse::<ModuleName>() else {
        let message = format!("`{}` is no name of a health check", key.name.escape_default());
        let finding = Finding::error("bad-name", message, at);
        findings.push(finding.instead("use a-z, 0-9, `_` and `-`, starting with a letter"));
        return None;
    };
    let Value::Table(table) = &item.value else {
        findings.push(wrong_type(&key.name, "a table", &item.value, place(file, &item.span)));
        return None;
    };
    let fields = Fields::of(file, table, form::HEALTH, findings);
    let timeout = number(&fields, file, ("timeout", TIMEOUT), findings);
    let tries = number(&fields, file, ("tries", TRIES), findings);
    let check = looked_at(&fields, (file, table), (&name, timeout), findings)?;
    let mut groups = Vec::new();
    for (group, span) in fields.texts("groups", findings) {
        if inventory.groups.contains_key(&group) {
            groups.push(group);
        } else {
            let known = inventory.groups.keys().map(String::as_str);
            findings.push(unknown_name("group", &group, place(file, &span), known));
        }
    }
    let health = Health { name: name.to_string(), check, timeout, tries };
    Some(Declared { health, groups, place: at })
}

fn number(
    fields: &Fields<'_>,
    file: &str,
    (name, (usual, most)): (&str, (u32, u32)),
    findings: &mut Vec<Finding>,
) -> u32 {
    let Some(given) = fields.integer(name, findings) else { return usual };
    let number = u32::try_from(given).ok().filter(|number| (1..=most).contains(number));
    number.unwrap_or_else(|| {
        let at = fields.item(name).map(|item| place(file, &item.span)).unwrap_or(Place::file(file));
        findings.push(Finding::error("bad-value", format!("`{name}` is from 1 to {most}"), at));
        usual
    })
}

/// Exactly one of `command`, `http` and `tcp`.
fn looked_at(
    fields: &Fields<'_>,
    (file, table): (&str, &Table),
    (name, timeout): (&ModuleName, u32),
    findings: &mut Vec<Finding>,
) -> Option<Check> {
    let whole = table.first().map_or(Place::file(file), |(key, _)| place(file, &key.span));
    let given: Vec<&str> =
        ["command", "http", "tcp"].into_iter().filter(|name| fields.item(name).is_some()).collect();
    let [one] = given[..] else {
        let message = "a health check has one of `command`, `http` and `tcp`";
        findings.push(Finding::error("exclusive-attributes", message, whole));
        return None;
    };
    let at = fields.item(one).map_or(whole, |item| place(file, &item.span));
    let mut refuse = |message: &str, instead: &str| {
        findings.push(Finding::error("bad-value", message, at.clone()).instead(instead));
        None
    };
    if one == "command" {
        let words: Vec<String> =
            fields.texts(one, &mut Vec::new()).into_iter().map(|(word, _)| word).collect();
        return match words.first() {
            Some(program) if program.starts_with('/') => Some(command(name, words, timeout)),
            Some(_) | None => {
                refuse("a health check is a list of words that begins with the path of a program", "")
            }
        };
    }
    let (text, _) = fields.text(one, &mut Vec::new())?;
    let plain = !text.text.contains(|c: char| c.is_control() || c.is_whitespace());
    match one {
        "http" if plain && text.text.starts_with("http://") => Some(Check::Http(text.text.clone())),
        "http" => refuse("this is no URL that begins with `http://`", "for TLS, ask by a `command`"),
        _ if plain && address(&text.text) => Some(Check::Tcp(text.text.clone())),
        _ => refuse("this is no `host:port`", "for example `\"127.0.0.1:5432\"`"),
    }
}

fn address(text: &str) -> bool {
    let parts = text.rsplit_once(':');
    parts.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// The command as the resource that the lint, guards and agents take it for.
fn command(name: &ModuleName, words: Vec<String>, timeout: u32) -> Check {
    let mut exec = Exec::of(Command::Argv(words.into_iter().map(Word::Text).collect()));
    exec.timeout = timeout;
    let title = format!("health check {name}");
    Check::Command(Box::new(Resource { title, spec: Spec::Exec(exec), meta: Meta::of(name.clone()) }))
}

/// What bounds and judges the runs of a node.
pub(super) fn of_node(inventory: &Inventory, node: &Node) -> (Option<Budget>, Vec<Health>) {
    let own = node.groups.iter().filter_map(|group| inventory.groups.get(group)?.budget);
    let budget = inventory.budget.into_iter().chain(own).reduce(Budget::strictest);
    let holds = |declared: &&Declared| {
        declared.groups.is_empty() || declared.groups.iter().any(|group| node.groups.contains(group))
    };
    (budget, inventory.health.iter().filter(holds).map(|declared| declared.health.clone()).collect())
}

#[cfg(test)]
mod tests;
