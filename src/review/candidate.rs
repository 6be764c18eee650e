//! The statement that reviewers are asked to sign, built from measured facts and from nothing else, so that
//! everybody who measures the same gets the same bytes (D7, D13).

use super::admission::Measured;
use super::{escape, message};
use crate::model::{Checkpoint, Digest, EnvName, Principal, Stamp};
use crate::signing::merkle::{Entry, Leaves};
use crate::signing::release::{ReleaseKind, emergency_life};
use crate::signing::{Refusal, Release, Root, Verified};
use serde_json::Value;
use std::collections::BTreeSet;

/// Characters of a reason, at most.
const MAX_REASON: usize = 200;

/// Where a statement stands: everything that is not measured from the proposed files.
#[derive(Debug, Clone)]
pub struct Setting<'a> {
    /// The trust root in force.
    pub root: &'a Verified<Root>,
    /// The environment.
    pub environment: EnvName,
    /// What sort of release it would be.
    pub kind: ReleaseKind,
    /// Number of the change.
    pub change: u64,
    /// Number of the patchset.
    pub patchset: u32,
    /// The proposed commit.
    pub commit: String,
    /// The head of the environment; `None` for the first release.
    pub base: Option<String>,
    /// Everybody who had a hand in it.
    pub authors: BTreeSet<Principal>,
    /// Serial and digest of the last release.
    pub previous: Option<(u64, Digest)>,
    /// The checkpoint of the log that was published then.
    pub log: Option<Checkpoint>,
    /// Signed statements for the same serial.
    pub supersedes: BTreeSet<Digest>,
    /// The secret behind the blinds of the leaves.
    pub salt: [u8; 32],
    /// When it was proposed.
    pub created: Stamp,
    /// The message of the proposed commit.
    pub message: &'a str,
}

/// Builds the statement.
///
/// # Errors
/// When a changed path has no rule in the trust root, or the catalogs make no tree.
pub fn build(setting: &Setting<'_>, measured: &Measured) -> Result<Release, Refusal> {
    let root = setting.root;
    let limit = root.limits().release_life;
    let life = match setting.kind {
        ReleaseKind::Normal | ReleaseKind::Rollback => limit,
        ReleaseKind::BreakGlass => limit.min(emergency_life(root)),
    };
    let life = i64::try_from(life).unwrap_or(i64::MAX);
    let roles = root.roles_for(measured.paths.iter().map(String::as_str))?;
    let leaves = Leaves::new(&setting.salt, measured.entries.clone())?;
    Ok(Release {
        document: "release".into(),
        v: 1,
        repo: root.repo(),
        environment: setting.environment.clone(),
        seq: setting.previous.map_or(1, |(seq, _)| seq + 1),
        prev: setting.previous.map(|(_, id)| id),
        kind: setting.kind,
        change: setting.change.to_string(),
        patchset: setting.patchset,
        commit: setting.commit.clone(),
        base: setting.base.clone(),
        source: measured.source,
        authors: setting.authors.iter().cloned().collect(),
        roles: roles.into_iter().collect(),
        policy: measured.policy,
        policy_v: measured.policy_v,
        compiler: measured.compiler,
        inputs: measured.inputs,
        nodes: measured.entries.len() as u64,
        affected: measured.affected,
        catalogs: leaves.root(),
        salt: Digest::of(&setting.salt),
        root: root.version(),
        log: setting.log,
        supersedes: setting.supersedes.iter().copied().collect(),
        created: setting.created,
        expires: setting.created.plus(life),
        reason: reason(setting.message),
    })
}

fn reason(text: &str) -> String {
    escape::line(message::subject(text).as_bytes()).chars().take(MAX_REASON).collect()
}

/// A field of a statement that is not what we measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its name.
    pub field: String,
    /// What we measured.
    pub ours: String,
    /// What the statement says.
    pub theirs: String,
}

/// The fields in which two statements differ, in the order of their bytes.
#[must_use]
pub fn differences(ours: &Release, theirs: &Release) -> Vec<Difference> {
    let fields = |release| match serde_json::to_value(release) {
        Ok(Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    let (ours, theirs) = (fields(ours), fields(theirs));
    let text = |value: Option<&Value>| value.map_or_else(|| "nothing".into(), Value::to_string);
    let difference = |(field, value): (&String, &Value)| {
        let other = theirs.get(field);
        (other != Some(value)).then(|| Difference {
            field: field.clone(),
            ours: text(Some(value)),
            theirs: text(other),
        })
    };
    ours.iter().filter_map(difference).collect()
}

/// The leaves as one line per node: `<node> <catalog digest> <length>`.
#[must_use]
pub fn leaves_text(entries: &[Entry]) -> String {
    entries.iter().map(leaf_line).collect()
}

fn leaf_line(entry: &Entry) -> String {
    format!("{} {} {}\n", entry.node, entry.catalog, entry.length)
}

/// The first node whose line is not ours, with the server's line in place of what we measured.
#[must_use]
pub fn first_difference(ours: &[Entry], theirs: &str) -> Option<String> {
    let ours = leaves_text(ours);
    let (mut a, mut b) = (ours.lines(), theirs.lines());
    loop {
        match (a.next(), b.next()) {
            (None, None) => return None,
            (left, right) if left == right => {}
            (left, right) => {
                let line = left.or(right).unwrap_or_default();
                return Some(escape::line(line.split(' ').next().unwrap_or_default().as_bytes()));
            }
        }
    }
}
