//! Bringing everything that follows from a release in line with it: the branch, the change's record, other
//! changes of the environment, the publication directory. Run before and after every step that counts, so
//! that a crash leaves the old state or the new one, and the next command repairs what lags behind.

use super::releases::{self, ReleaseRecord};
use super::trust;
use super::{GateError, changes, crash_point, ratifications, withdrawals};
use crate::model::{EnvName, Principal, Stamp};
use crate::repo::{Expected, Id, Limits, RefUpdate, Repo, TRUST_REF};
use crate::review::change::Status;
use crate::store::{Publication, PublishedRelease, SignedFile};

/// What was brought in line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repaired {
    /// Releases whose branch moved.
    pub moved: Vec<(EnvName, u64)>,
    /// Changes whose approvals are void now, and who signed them.
    pub voided: Vec<(u64, Vec<Principal>)>,
    /// Releases that were published.
    pub published: Vec<(EnvName, u64)>,
}

/// Brings everything in line. The caller holds the repository's lock.
///
/// # Errors
/// When a branch is somewhere that no release put it (D22), or something cannot be written.
pub fn reconcile(repo: &Repo, publication: &Publication, now: Stamp) -> Result<Repaired, GateError> {
    let mut repaired = Repaired::default();
    publish_trust(repo, publication)?;
    let revocations = withdrawals::revocations(repo)?;
    if revocations.digest().is_some() {
        publication.set_revocations(&revocations.encode())?;
    }
    for environment in releases::environments(repo)? {
        publish_withdrawals(repo, publication, &environment)?;
        let all = releases::list(repo, &environment)?;
        if let Some((seq, _)) = all.last() {
            follow(repo, &environment, *seq, now, &mut repaired)?;
        }
        for (seq, _) in &all {
            let statement = format!("release/{environment}/{seq}/statement.json");
            if !publication.directory().join(statement).exists() {
                let record = releases::read(repo, &environment, *seq)?;
                let waivers = releases::waivers(repo, &record.release)?;
                publication.add_release(&PublishedRelease { waivers, ..record.published()? })?;
                repaired.published.push((environment.clone(), *seq));
            }
        }
        // Of an older one nobody asks any more.
        if let Some((seq, _)) = all.last() {
            let signatures = ratifications::load(repo, &environment, *seq)?;
            if !signatures.is_empty() {
                publication.set_ratification(&environment, *seq, &signatures)?;
            }
            let ReleaseRecord { statement: bytes, signatures, .. } =
                releases::read(repo, &environment, *seq)?;
            publication.add_signatures(&environment, *seq, &SignedFile { bytes, signatures })?;
        }
    }
    Ok(repaired)
}

/// The trust root's versions, for agents.
fn publish_trust(repo: &Repo, publication: &Publication) -> Result<(), GateError> {
    let Some(id) = repo.resolve(TRUST_REF)? else { return Ok(()) };
    let files = repo.read_tree(id, Limits::RECORD)?;
    for (version, envelope) in (1..).zip(trust::envelopes(&files)) {
        if publication.directory().join(format!("root/{version}.json")).exists() {
            continue;
        }
        let folder = format!("{version}.sig.d/");
        let signature = |(path, bytes): (&str, &[u8])| {
            let who = path.strip_prefix(&folder)?.strip_suffix(".sig")?.parse().ok()?;
            Some((who, String::from_utf8_lossy(bytes).into_owned()))
        };
        let signatures = files.below(&folder).filter_map(signature).collect();
        publication.add_root(version, &SignedFile { bytes: envelope.bytes, signatures })?;
    }
    Ok(())
}

/// The list of withdrawals, for the timestamp role and for agents.
fn publish_withdrawals(
    repo: &Repo,
    publication: &Publication,
    environment: &EnvName,
) -> Result<(), GateError> {
    let list = withdrawals::load(repo, environment)?;
    if list.digest().is_some() {
        publication.set_withdrawals(environment, &list.encode())?;
    }
    Ok(())
}

/// Moves the branch and the records of changes to where the last release has them, in one transaction.
fn follow(
    repo: &Repo,
    environment: &EnvName,
    seq: u64,
    now: Stamp,
    repaired: &mut Repaired,
) -> Result<(), GateError> {
    let record = releases::read(repo, environment, seq)?;
    let commit: Id = record.release.commit.parse()?;
    let name = releases::branch(environment);
    let at = repo.resolve(&name)?;
    if at == Some(commit) {
        return Ok(());
    }
    // Only the way from one release to the next is ours to go.
    let expected = record.release.base.as_deref().map(str::parse::<Id>).transpose()?;
    if at != expected {
        let head = at.map_or_else(|| "no commit".into(), |id| id.to_string());
        let commit = commit.to_string();
        return Err(GateError::Tampered { environment: environment.clone(), head, seq, commit });
    }
    let mut updates = record_changes(repo, &record, now, repaired)?;
    updates.push(RefUpdate { name, old: Expected::from(at), new: commit });
    repo.update(&updates)?;
    repaired.moved.push((environment.clone(), seq));
    crash_point("before-publication");
    Ok(())
}

fn record_changes(
    repo: &Repo,
    record: &ReleaseRecord,
    now: Stamp,
    repaired: &mut Repaired,
) -> Result<Vec<RefUpdate>, GateError> {
    let release = &record.release;
    let mut updates = Vec::new();
    for mut change in changes::all(repo)? {
        if change.environment != release.environment || change.status != Status::Open {
            continue;
        }
        if change.number.to_string() == release.change {
            change.status = Status::Released(release.seq);
            if let Some(last) = change.patchsets.last_mut() {
                last.approvals.clone_from(&record.signatures);
            }
            updates.push(changes::save(repo, &change, &format!("release {}", release.seq), now)?);
        } else if let Some(lost) = change.base_moved(&release.commit, release.seq) {
            updates.push(changes::save(repo, &change, &format!("void: release {}", release.seq), now)?);
            repaired.voided.push((change.number, lost));
        }
    }
    Ok(updates)
}
