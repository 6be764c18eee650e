//! `trust show`: a trust root for people.

use super::folder::{Folder, Found, found};
use crate::cli::counted::counted;
use crate::cli::{Failure, Outcome, Ui};
use crate::model::{Digest, Principal, RoleName, Stamp};
use crate::signing::root::{Role, Root};
use std::path::Path;

const DAY: i64 = 86_400;

/// Shows the newest trust root of a folder, or one file.
pub(super) fn show(path: &Path, now: Stamp, ui: &mut Ui) -> Outcome {
    let found = if path.is_dir() { Folder::open(path)?.newest()? } else { found(path)? };
    for line in lines(&found, now)? {
        ui.line(line)?;
    }
    Ok(0)
}

/// What is shown, line by line.
pub(super) fn lines(found: &Found, now: Stamp) -> Result<Vec<String>, Failure> {
    let root = &found.root;
    let mut lines = vec![
        format!("trust root {} of repository {}", root.version(), root.repo()),
        format!("  digest   {}", Digest::of(&found.bytes)),
        format!("  valid    {} to {} ({})", root.fields().created, root.expires(), left(root.expires(), now)),
        format!("  signed   {}", signed(found)?),
    ];
    lines.push("roles".into());
    lines.extend(root.roles().map(|(name, role)| {
        let members: Vec<&str> = role.members().map(Principal::as_str).collect();
        let scope = reach(role).map_or_else(String::new, |reach| format!("  ({reach})"));
        format!("  {:<16} {} of {}{scope}", name.as_str(), role.threshold(), members.join(", "))
    }));
    lines.extend(rules(root));
    lines.push("keys".into());
    for (name, keys) in root.principals() {
        lines.extend(
            keys.iter()
                .map(|key| format!("  {:<16} {} {}", name.as_str(), key.fingerprint(), key.algorithm())),
        );
    }
    lines.extend(limits(root));
    Ok(lines)
}

/// The nodes of a role, and how long what it releases may last; `None` for roles that are not about nodes.
pub(super) fn reach(role: &Role) -> Option<String> {
    let nodes: Vec<String> = role.nodes().iter().map(ToString::to_string).collect();
    let life = role.max_life().map_or_else(String::new, |life| format!(", for {} at most", span(life)));
    (!nodes.is_empty()).then(|| format!("nodes {}{life}", nodes.join(", ")))
}

fn rules(root: &Root) -> Vec<String> {
    let roles = |roles: &[RoleName]| roles.iter().map(RoleName::as_str).collect::<Vec<_>>().join(" and ");
    let mut lines = vec!["rules (all that match apply)".to_owned()];
    for rule in &root.fields().rules {
        let paths: Vec<String> = rule.paths.iter().map(ToString::to_string).collect();
        lines.push(format!("  {:<24} {}", paths.join(", "), roles(&rule.roles)));
    }
    if !root.guards().is_empty() {
        lines.push("guards (whatever the paths)".into());
    }
    for guard in root.guards() {
        lines.push(format!("  {:<24} {}", format!("{}[{}]", guard.resource, guard.pattern), guard.role));
    }
    lines
}

fn limits(root: &Root) -> Vec<String> {
    let limits = root.limits();
    vec![
        "limits".into(),
        format!(
            "  releases last at most {}, timestamps {}",
            span(limits.release_life),
            span(limits.timestamp_life)
        ),
        format!(
            "  nodes that hear nothing go on for {}; clocks may differ by {}",
            span(limits.offline_hold),
            span(limits.skew)
        ),
        format!("  policy version {} at least", limits.min_policy_v),
    ]
}

fn signed(found: &Found) -> Result<String, Failure> {
    let tally = found.tally()?;
    let names: Vec<&str> = tally.signed.iter().map(Principal::as_str).collect();
    let names = if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
    Ok(match tally.missing.first() {
        Some(missing) => format!("by {names}; {} more of role `{}` must sign", missing.count, missing.role),
        None => format!("by {names}: enough"),
    })
}

fn left(expires: Stamp, now: Stamp) -> String {
    let seconds = expires.since(now);
    if seconds < 0 { "EXPIRED".into() } else { format!("{} left", counted(seconds / DAY, "day")) }
}

/// Seconds in the largest unit that divides them.
fn span(seconds: u64) -> String {
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute")];
    let unit = units.into_iter().find(|(size, _)| seconds > 0 && seconds.is_multiple_of(*size));
    let (size, name) = unit.unwrap_or((1, "second"));
    counted(seconds / size, name)
}
