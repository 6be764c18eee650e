//! Ratifications in the repository: `refs/meta/ratifications/<env>/<seq>` holds the signatures that ratify an emergency
//! release, one file a person.

use super::GateError;
use crate::model::{EnvName, Principal, Stamp, Tree};
use crate::repo::{Expected, Limits, NewCommit, RefUpdate, Repo};

fn ratification_ref(environment: &EnvName, seq: u64) -> String {
    format!("refs/meta/ratifications/{environment}/{seq}")
}

/// Who ratified a release, and the armoured signatures. What they are worth is for `signing::ratify` to say.
///
/// # Errors
/// When the record is damaged.
pub fn load(repo: &Repo, environment: &EnvName, seq: u64) -> Result<Vec<(Principal, String)>, GateError> {
    let Some(id) = repo.resolve(&ratification_ref(environment, seq))? else { return Ok(Vec::new()) };
    let files = repo.read_tree(id, Limits::RECORD)?;
    let signature = |(path, bytes): (&str, &[u8])| {
        let who = path.strip_suffix(".sig")?.parse().ok()?;
        Some((who, String::from_utf8(bytes.to_vec()).ok()?))
    };
    let all: Option<Vec<_>> = files.iter().map(signature).collect();
    all.ok_or_else(|| GateError::Damaged(format!("the ratification of release {seq} of `{environment}`")))
}

/// Stores one more signature, which was verified, and returns the step that makes it count.
///
/// # Errors
/// When it cannot be stored.
pub(super) fn add(
    repo: &Repo,
    (environment, seq): (&EnvName, u64),
    (who, signature): (&Principal, &str),
    now: Stamp,
) -> Result<RefUpdate, GateError> {
    let name = ratification_ref(environment, seq);
    let old = repo.resolve(&name)?;
    let mut files = Tree::default();
    let mut add = |who: &Principal, signature: &str| {
        files
            .insert(&format!("{who}.sig"), signature.as_bytes().to_vec())
            .map_err(|error| GateError::Damaged(error.to_string()))
    };
    for (other, given) in load(repo, environment, seq)?.iter().filter(|(other, _)| other != who) {
        add(other, given)?;
    }
    add(who, signature)?;
    let parents: Vec<_> = old.into_iter().collect();
    let message = format!("Ratification of release {seq} of {environment}\n");
    let new =
        repo.write_commit(&NewCommit { files: &files, parents: &parents, message: &message, time: now })?;
    Ok(RefUpdate { name, old: Expected::from(old), new })
}
