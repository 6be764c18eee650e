//! What counts no longer, in the repository: `refs/meta/withdrawals/<env>` holds the environment's list as it is published,
//! one commit per withdrawal, and `refs/meta/revocations` the revoked keys, which every environment's list has, too.

use super::GateError;
use crate::model::wire::Signed;
use crate::model::{EnvName, Stamp, Tree};
use crate::repo::{Expected, Limits, NewCommit, RefUpdate, Repo};
use crate::signing::Withdrawals;

const FILE: &str = "list.json";
const REVOCATIONS: &str = "refs/meta/revocations";

fn list_ref(environment: &EnvName) -> String {
    format!("refs/meta/withdrawals/{environment}")
}

/// The list of an environment; empty when nobody took anything back.
///
/// # Errors
/// When it is damaged.
pub fn load(repo: &Repo, environment: &EnvName) -> Result<Withdrawals, GateError> {
    let own = read(repo, &list_ref(environment))?;
    // What is not in it yet comes last and in one order, so that the list as it is published only grows.
    let revoked = revocations(repo)?;
    Ok(revoked.entries().cloned().fold(own, Withdrawals::with))
}

/// The revocations of keys, of all environments.
///
/// # Errors
/// When their list is damaged.
pub fn revocations(repo: &Repo) -> Result<Withdrawals, GateError> {
    read(repo, REVOCATIONS)
}

/// Stores the list of an environment with one more entry, which was verified, and returns the step that makes it the
/// present one.
///
/// # Errors
/// When the list is full or cannot be stored.
pub(super) fn add(
    repo: &Repo,
    environment: &EnvName,
    entry: Signed,
    now: Stamp,
) -> Result<RefUpdate, GateError> {
    let list = load(repo, environment)?.with(entry);
    let message = format!("Withdrawals of {environment}\n");
    store(repo, list_ref(environment), &list, Message { text: &message, now })
}

/// The same for a revocation.
///
/// # Errors
/// As [`add`].
pub(super) fn revoke(repo: &Repo, entry: Signed, now: Stamp) -> Result<RefUpdate, GateError> {
    let list = revocations(repo)?.with(entry);
    store(repo, REVOCATIONS.into(), &list, Message { text: "Revoked keys\n", now })
}

fn read(repo: &Repo, name: &str) -> Result<Withdrawals, GateError> {
    let Some(id) = repo.resolve(name)? else { return Ok(Withdrawals::default()) };
    let files = repo.read_tree(id, Limits::RECORD)?;
    let list = files.get(FILE).and_then(|bytes| Withdrawals::decode(bytes).ok());
    list.ok_or_else(|| GateError::Damaged(format!("`{name}`, of what was taken back,")))
}

struct Message<'a> {
    text: &'a str,
    now: Stamp,
}

fn store(
    repo: &Repo,
    name: String,
    list: &Withdrawals,
    message: Message<'_>,
) -> Result<RefUpdate, GateError> {
    let old = repo.resolve(&name)?;
    let list = list.encode();
    // Agents refuse a longer one, and everything with it.
    Withdrawals::decode(&list)?;
    let mut files = Tree::default();
    files.insert(FILE, list).map_err(|error| GateError::Damaged(error.to_string()))?;
    let parents: Vec<_> = old.into_iter().collect();
    let commit = NewCommit { files: &files, parents: &parents, message: message.text, time: message.now };
    let new = repo.write_commit(&commit)?;
    Ok(RefUpdate { name, old: Expected::from(old), new })
}
