//! Withdrawals in the repository: `refs/meta/withdrawals/<env>` holds the environment's list as it is published, one
//! commit per withdrawal.

use super::GateError;
use crate::model::wire::Signed;
use crate::model::{EnvName, Stamp, Tree};
use crate::repo::{Expected, Limits, NewCommit, RefUpdate, Repo};
use crate::signing::Withdrawals;

const FILE: &str = "list.json";

fn list_ref(environment: &EnvName) -> String {
    format!("refs/meta/withdrawals/{environment}")
}

/// The list of an environment; empty when nobody took anything back.
///
/// # Errors
/// When it is damaged.
pub fn load(repo: &Repo, environment: &EnvName) -> Result<Withdrawals, GateError> {
    let Some(id) = repo.resolve(&list_ref(environment))? else { return Ok(Withdrawals::default()) };
    let files = repo.read_tree(id, Limits::RECORD)?;
    let list = files.get(FILE).and_then(|bytes| Withdrawals::decode(bytes).ok());
    list.ok_or_else(|| GateError::Damaged(format!("the withdrawals of `{environment}`")))
}

/// Stores the list with one more entry, which was verified, and returns the step that makes it the present one.
///
/// # Errors
/// When the list is full or cannot be stored.
pub(super) fn add(
    repo: &Repo,
    environment: &EnvName,
    entry: Signed,
    now: Stamp,
) -> Result<RefUpdate, GateError> {
    let name = list_ref(environment);
    let old = repo.resolve(&name)?;
    let list = load(repo, environment)?.with(entry).encode();
    // Agents refuse a longer one, and everything with it.
    Withdrawals::decode(&list)?;
    let mut files = Tree::default();
    files.insert(FILE, list).map_err(|error| GateError::Damaged(error.to_string()))?;
    let parents: Vec<_> = old.into_iter().collect();
    let message = format!("Withdrawals of {environment}\n");
    let new =
        repo.write_commit(&NewCommit { files: &files, parents: &parents, message: &message, time: now })?;
    Ok(RefUpdate { name, old: Expected::from(old), new })
}
