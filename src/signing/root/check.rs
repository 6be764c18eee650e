//! From the written trust root to one that makes sense, with all problems at once.

use super::raw::{RawRole, RawRoot};
use super::{BREAK_GLASS, RELEASE, ROOT, Role, Root, TIMESTAMP, WITNESS, is_machine, is_operator};
use crate::model::{Principal, RoleName};
use crate::signing::document::{V, sound};
use crate::signing::key::PublicKey;
use crate::signing::ratify::MAX_LIFE;
use crate::signing::refusal::Refusal;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

/// Principals, roles, rules and guards, at most of each.
const MAX_LIST: usize = 256;
/// Keys of one principal, at most.
const MAX_KEYS: usize = 8;
/// Seconds that clocks may be apart, at most: a day.
const MAX_SKEW: u64 = 86_400;

pub(super) fn check(raw: RawRoot) -> Result<Root, Refusal> {
    let mut problems = Vec::new();
    header(&raw, &mut problems);
    limits(&raw, &mut problems);
    let keys = keys(&raw, &mut problems);
    let roles = roles(&raw, &mut problems);
    machines(&raw, &mut problems);
    references(&raw, &roles, &mut problems);
    sound("trust root", problems)?;
    Ok(Root { raw, keys, roles })
}

fn header(raw: &RawRoot, problems: &mut Vec<String>) {
    if raw.document != "root" || raw.v != V {
        problems.push("its type or format version is another".into());
    }
    if raw.version == 0 || (raw.version == 1) != raw.prev.is_none() {
        problems.push("version 1 has no `prev`, and every later version has one".into());
    }
    if raw.expires <= raw.created {
        problems.push("it ends before it begins".into());
    }
}

fn limits(raw: &RawRoot, problems: &mut Vec<String>) {
    let limits = &raw.limits;
    if limits.skew > MAX_SKEW {
        problems.push(format!("`skew` is more than {MAX_SKEW} seconds"));
    }
    if limits.release_life == 0 || limits.timestamp_life == 0 {
        problems.push("`release_life` and `timestamp_life` must be more than nought".into());
    }
    if !raw.require.sk_user_presence {
        problems.push("`sk_user_presence` cannot be switched off".into());
    }
}

/// Every key, with its owner. A key that two people shared would let one of them vote twice (D9).
fn keys(raw: &RawRoot, problems: &mut Vec<String>) -> BTreeMap<PublicKey, Principal> {
    let mut keys = BTreeMap::new();
    let mut points = BTreeSet::new();
    let mut names = BTreeSet::new();
    if raw.principals.len() > MAX_LIST {
        problems.push(format!("more than {MAX_LIST} principals"));
    }
    for principal in &raw.principals {
        let name = &principal.name;
        if !names.insert(name) {
            problems.push(format!("principal `{name}` is there twice"));
        }
        if principal.keys.is_empty() || principal.keys.len() > MAX_KEYS {
            problems.push(format!("principal `{name}` needs 1 to {MAX_KEYS} keys"));
        }
        for line in &principal.keys {
            match PublicKey::parse(line) {
                Ok(key) if key.to_line() != *line => {
                    problems.push(format!("a key of `{name}` has a comment or another spelling"));
                }
                Ok(key) if !points.insert(*key.point()) => {
                    problems.push(format!("a key of `{name}` is there twice: {}", key.fingerprint()));
                }
                Ok(key) => drop(keys.insert(key, name.clone())),
                Err(error) => problems.push(format!("a key of `{name}` is refused: {}", reason(&error))),
            }
        }
    }
    keys
}

fn reason(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

fn roles(raw: &RawRoot, problems: &mut Vec<String>) -> BTreeMap<RoleName, Role> {
    let known: BTreeSet<&Principal> = raw.principals.iter().map(|p| &p.name).collect();
    let mut roles = BTreeMap::new();
    let mut names = BTreeSet::new();
    if raw.roles.len() > MAX_LIST {
        problems.push(format!("more than {MAX_LIST} roles"));
    }
    for role in &raw.roles {
        for stranger in role.members.iter().filter(|member| !known.contains(member)) {
            problems.push(format!("`{stranger}` of role `{}` has no key", role.name));
        }
        if !names.insert(&role.name) {
            problems.push(format!("role `{}` is there twice", role.name));
        }
        match valid_role(role) {
            Ok(Some(valid)) => drop(roles.insert(role.name.clone(), valid)),
            Ok(None) => {}
            Err(problem) => problems.push(format!("role `{}` {problem}", role.name)),
        }
    }
    for needed in [ROOT, RELEASE, TIMESTAMP] {
        if !raw.roles.iter().any(|role| role.name.as_str() == needed) {
            problems.push(format!("role `{needed}` is missing"));
        }
    }
    roles
}

/// `None` for witnesses without a threshold, who are no requirement yet.
fn valid_role(role: &RawRole) -> Result<Option<Role>, &'static str> {
    let members: BTreeSet<Principal> = role.members.iter().cloned().collect();
    if members.len() != role.members.len() {
        return Err("names somebody twice");
    }
    let threshold = usize::try_from(role.threshold).unwrap_or(usize::MAX);
    if threshold > members.len() {
        return Err("has a threshold that its members cannot reach");
    }
    let nodes = role.nodes.clone().unwrap_or_default();
    let emergency = role.name.as_str() == BREAK_GLASS;
    if (is_operator(&role.name) || emergency) == nodes.is_empty() {
        return Err("must name nodes if it is for operators or emergencies, and must not otherwise");
    }
    if role.max_life.is_some_and(|life| !emergency || !(1..=MAX_LIFE).contains(&life)) {
        return Err(
            "may have a `max_life` of up to 86400 seconds if it is `break-glass`, and none otherwise",
        );
    }
    match NonZeroUsize::new(threshold) {
        Some(threshold) => Ok(Some(Role { members, threshold, nodes, max_life: role.max_life })),
        None if role.name.as_str() == WITNESS => Ok(None),
        None => Err("has a threshold of nought"),
    }
}

/// A machine's key lies on a server: it has no vote in what people decide.
fn machines(raw: &RawRoot, problems: &mut Vec<String>) {
    let (machine, human): (Vec<&RawRole>, Vec<_>) = raw.roles.iter().partition(|role| is_machine(&role.name));
    let people: BTreeSet<&Principal> = human.iter().flat_map(|role| &role.members).collect();
    for member in machine.iter().flat_map(|role| &role.members).filter(|member| people.contains(member)) {
        problems.push(format!("`{member}` is a machine and has a role for people"));
    }
}

/// Rules and guards name roles that exist and that people have.
fn references(raw: &RawRoot, roles: &BTreeMap<RoleName, Role>, problems: &mut Vec<String>) {
    if raw.rules.len() > MAX_LIST || raw.guards.len() > MAX_LIST {
        problems.push(format!("more than {MAX_LIST} rules or guards"));
    }
    for rule in &raw.rules {
        if rule.paths.is_empty() || rule.roles.is_empty() {
            problems.push("a rule needs paths and roles".into());
        }
    }
    if raw.rules.is_empty() {
        problems.push("there is no rule, so nobody could change anything".into());
    }
    let named =
        raw.rules.iter().flat_map(|rule| &rule.roles).chain(raw.guards.iter().map(|guard| &guard.role));
    let distinct: BTreeSet<&RoleName> = named.collect();
    for name in distinct {
        if !roles.contains_key(name) || is_machine(name) || is_operator(name) || name.as_str() == BREAK_GLASS
        {
            problems.push(format!("a rule or guard names `{name}`, which is no role of reviewers"));
        }
    }
}
