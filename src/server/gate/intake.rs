//! The `proc-receive` hook's work: an admitted push becomes a patchset, a note, an approval, or a release.
//!
//! Everything here happens under the repository's lock and after `reconcile`, so that no two pushes see
//! half of each other.

use super::releases::{self, Head, NewRelease};
use super::reviewing::{Reviewed, record_review};
use super::ticket::{Proposed, Ticket, Work};
use super::trust::{self, Pin};
use super::{
    GateError, admission, answer, changes, checkpoints, crash_point, ratifications, reconcile, revoking,
    withdrawals,
};
use crate::model::{Checkpoint, Digest, Principal, Stamp};
use crate::module;
use crate::repo::receive::Verdict;
use crate::repo::{Expected, Id, Limits, RefUpdate, Repo};
use crate::review::admission::entries;
use crate::review::candidate::{self, Setting};
use crate::review::change::{Change, Patchset, Purpose, Status};
use crate::review::message;
use crate::signing::merkle::Leaves;
use crate::signing::release::{self, ReleaseKind, check_threshold};
use crate::signing::{Envelope, Release, Root, Verified, Withdrawn, document};
use crate::store::Publication;
use std::collections::BTreeSet;

/// What records are made with: the repository, where releases go, the time and a random number.
#[derive(Debug, Clone, Copy)]
pub struct Desk<'a> {
    /// The site's repository.
    pub repo: &'a Repo,
    /// The publication directory.
    pub publication: &'a Publication,
    /// Now.
    pub now: Stamp,
    /// 32 random bytes: the salt of a new statement.
    pub salt: [u8; 32],
}

/// What came of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// For git.
    pub verdict: Verdict,
    /// For whoever pushed.
    pub text: String,
}

/// Carries out an admitted push. The caller holds the repository's lock.
///
/// # Errors
/// When what was admitted no longer holds; nothing has changed then.
pub fn take_in(desk: &Desk<'_>, ticket: &Ticket) -> Result<Answer, GateError> {
    reconcile(desk.repo, desk.publication, desk.now)?;
    let root = trust::load(desk.repo, Pin::Installed)?;
    match &ticket.work {
        Work::Propose(proposed) => propose(desk, &root, ticket, proposed),
        Work::Review(number) => review(desk, &root, *number, ticket.commit.parse()?),
        Work::Revoke => revoke(desk, &root, ticket.commit.parse()?),
    }
}

fn propose(
    desk: &Desk<'_>,
    root: &Verified<Root>,
    ticket: &Ticket,
    proposed: &Proposed,
) -> Result<Answer, GateError> {
    let repo = desk.repo;
    let head = releases::head(repo, &proposed.environment)?;
    if head.commit.map(|id| id.to_string()) != proposed.base {
        return Err(GateError::Raced(proposed.environment.clone()));
    }
    let tip: Id = ticket.commit.parse()?;
    let text = repo.commit(tip)?.message;
    let found = find(repo, proposed, message::change_id(&text))?;
    let mut change = match found {
        Some(change) => change,
        None => new_change(repo, proposed, &ticket.commit, message::change_id(&text))?,
    };
    change.may_propose(&proposed.environment, &ticket.commit)?;
    change.purpose = match proposed.rollback {
        Some(seq) => Purpose::Rollback(seq),
        None if proposed.emergency => Purpose::Emergency,
        None => Purpose::Normal,
    };
    let (log, recorded) = checkpoints::record(repo, desk.publication, root, desk.now)?
        .map_or((None, None), |(at, step)| (Some(at), step));
    let statement = statement(&Draft {
        desk,
        root,
        ticket,
        proposed,
        head: &head,
        change: &change,
        message: &text,
        log,
    })?;
    let lost = change.propose(Patchset {
        number: 0,
        commit: ticket.commit.clone(),
        base: proposed.base.clone().unwrap_or_default(),
        author: ticket.pusher.clone(),
        created: desk.now,
        certificate: ticket.certificate.clone().into_bytes(),
        statement: statement.encode(),
        salt: desk.salt,
        leaves: candidate::leaves_text(&proposed.measured.entries).into_bytes(),
        approvals: Vec::new(),
        void: None,
        rejected: None,
    })?;
    let patchset = statement.patchset;
    let name = changes::patchset_ref(change.number, patchset);
    let meta = changes::save(repo, &change, &format!("patchset {patchset} by {}", ticket.pusher), desk.now)?;
    let mut updates = vec![RefUpdate { name: name.clone(), old: Expected::Absent, new: tip }, meta];
    updates.extend(recorded);
    repo.update(&updates)?;
    let text = answer::proposed(&change, &statement, proposed, &lost, root);
    Ok(Answer { verdict: Verdict::Done { name, old: Id::ZERO, new: tip }, text })
}

/// The open change that a push means: by option, or by `Change-Id` within the environment.
fn find(repo: &Repo, proposed: &Proposed, key: Option<&str>) -> Result<Option<Change>, GateError> {
    if let Some(number) = proposed.change {
        return changes::load(repo, number).map(Some);
    }
    let Some(key) = key else { return Ok(None) };
    let mut all = changes::all(repo)?;
    all.retain(|change| change.key == key && change.environment == proposed.environment);
    Ok(all.pop())
}

fn new_change(
    repo: &Repo,
    proposed: &Proposed,
    commit: &str,
    key: Option<&str>,
) -> Result<Change, GateError> {
    Ok(Change {
        number: changes::next_number(repo)?,
        key: key.map_or_else(|| format!("I{commit}"), str::to_owned),
        environment: proposed.environment.clone(),
        purpose: Purpose::Normal,
        status: Status::Open,
        patchsets: Vec::new(),
        notes: Vec::new(),
    })
}

struct Draft<'a> {
    desk: &'a Desk<'a>,
    root: &'a Verified<Root>,
    ticket: &'a Ticket,
    proposed: &'a Proposed,
    head: &'a Head,
    change: &'a Change,
    message: &'a str,
    log: Option<Checkpoint>,
}

fn statement(draft: &Draft<'_>) -> Result<Release, GateError> {
    let Draft { desk, root, ticket, proposed, head, change, message, log } = draft;
    let mut authors = change.authors();
    authors.insert(ticket.pusher.clone());
    authors.extend(proposed.committers.iter().cloned());
    let setting = Setting {
        root,
        environment: proposed.environment.clone(),
        kind: match change.purpose {
            Purpose::Normal => ReleaseKind::Normal,
            Purpose::Rollback(_) => ReleaseKind::Rollback,
            Purpose::Emergency => ReleaseKind::BreakGlass,
        },
        change: change.number,
        patchset: change.next_patchset(),
        commit: ticket.commit.clone(),
        base: proposed.base.clone(),
        authors,
        previous: head.last,
        log: *log,
        supersedes: superseded(desk.repo, head, proposed)?,
        salt: desk.salt,
        created: desk.now,
        message,
    };
    Ok(candidate::build(&setting, &proposed.measured)?)
}

/// The statements for the place that a proposal would take which somebody signed already. Naming them is what lets
/// those people take their signatures back and sign this one instead.
fn superseded(repo: &Repo, head: &Head, proposed: &Proposed) -> Result<BTreeSet<Digest>, GateError> {
    let mut all = changes::all(repo)?;
    all.retain(|change| change.environment == proposed.environment && change.status == Status::Open);
    let same_place = |patchset: &&Patchset| {
        let statement = document::read_untrusted::<Release>(&patchset.statement);
        !patchset.approvals.is_empty()
            && statement.is_ok_and(|statement| statement.prev == head.last.map(|(_, id)| id))
    };
    let signed = all.iter().flat_map(|change| &change.patchsets).filter(same_place);
    Ok(signed.map(|patchset| Digest::of(&patchset.statement)).collect())
}

fn review(desk: &Desk<'_>, root: &Verified<Root>, number: u64, pushed: Id) -> Result<Answer, GateError> {
    let repo = desk.repo;
    let mut change = changes::load(repo, number)?;
    let what = record_review(repo, root, &mut change, pushed)?;
    let withdrawn = withdrawals::load(repo, &change.environment)?.in_force(root);
    if what == Reviewed::Approved
        && let Some(approved) = complete(repo, root, &withdrawn, &change)?
    {
        let repaired = release(desk, &change, &approved)?;
        let text = answer::released(&change, &approved.release, &repaired);
        return Ok(Answer { verdict: Verdict::Taken, text });
    }
    let event = match &what {
        Reviewed::Approved => "approval",
        Reviewed::SignedAgain { .. } => "late approval",
        Reviewed::Commented => "comment",
        Reviewed::Rejected => "rejection",
        Reviewed::Withdrew(_) => "withdrawal",
        Reviewed::Ratified { .. } => "ratification",
    };
    let mut updates = vec![changes::save(repo, &change, event, desk.now)?];
    if let Reviewed::Withdrew(entry) = &what {
        updates.push(withdrawals::add(repo, &change.environment, entry.clone(), desk.now)?);
    }
    if let Reviewed::Ratified { seq, who, signature } = &what {
        let place = (&change.environment, *seq);
        updates.push(ratifications::add(repo, place, (who, signature), desk.now)?);
    }
    repo.update(&updates)?;
    reconcile(repo, desk.publication, desk.now)?;
    let text = answer::reviewed(&change, &what, tally(root, &withdrawn, &change).as_ref());
    Ok(Answer { verdict: Verdict::Taken, text })
}

/// Takes a key out of use: from now on nothing that it signed counts, in no environment.
fn revoke(desk: &Desk<'_>, root: &Verified<Root>, pushed: Id) -> Result<Answer, GateError> {
    let (entry, revocation) = revoking::read(desk.repo, root, pushed)?;
    let who = revoking::owner(&revocation)?;
    desk.repo.update(&[withdrawals::revoke(desk.repo, entry, desk.now)?])?;
    reconcile(desk.repo, desk.publication, desk.now)?;
    Ok(Answer { verdict: Verdict::Taken, text: answer::revoked(&who) })
}

fn signatures(patchset: &Patchset) -> Vec<String> {
    patchset.approvals.iter().map(|(_, signature)| signature.clone()).collect()
}

fn tally(root: &Verified<Root>, withdrawn: &Withdrawn, change: &Change) -> Option<crate::signing::Tally> {
    let last = change.current()?;
    let release: Release = document::read_untrusted(&last.statement).ok()?;
    check_threshold(root, withdrawn, &release, &signatures(last)).ok()
}

/// A change that enough people signed: which statement, and what its commit compiles to.
pub(super) struct ApprovedChange {
    pub(super) release: Verified<Release>,
    compilation: module::Compilation,
}

/// The proof that the last patchset is approved by enough people; `None` while signatures are missing.
fn complete(
    repo: &Repo,
    root: &Verified<Root>,
    withdrawn: &Withdrawn,
    change: &Change,
) -> Result<Option<ApprovedChange>, GateError> {
    let met = tally(root, withdrawn, change).is_some_and(|tally| tally.met);
    let Some(last) = change.current().filter(|_| met) else { return Ok(None) };
    let envelope = Envelope { bytes: last.statement.clone(), signatures: signatures(last) };
    let release = release::verify(root, withdrawn, &envelope)?;
    let compilation = recompile(repo, &release, last.salt)?;
    Ok(Some(ApprovedChange { release, compilation }))
}

/// Compiles the approved commit once more and demands the bytes that were signed (D4).
fn recompile(repo: &Repo, release: &Release, salt: [u8; 32]) -> Result<module::Compilation, GateError> {
    let tree = repo.read_tree(release.commit.parse()?, Limits::SITE)?;
    let compiled = module::load(&tree).and_then(|site| module::compile(&site, &release.environment));
    let compilation = compiled.map_err(|_| GateError::Recompiled)?;
    let leaves = Leaves::new(&salt, entries(&compilation))?;
    if leaves.root() == release.catalogs { Ok(compilation) } else { Err(GateError::Recompiled) }
}

/// Makes the release. The one ref that is created first decides; everything after it is repaired by
/// `reconcile` if it does not happen now.
fn release(
    desk: &Desk<'_>,
    change: &Change,
    approved: &ApprovedChange,
) -> Result<reconcile::Repaired, GateError> {
    let repo = desk.repo;
    let last = change.current().ok_or(GateError::NoChange(change.number))?;
    let record = NewRelease {
        release: &approved.release,
        signatures: &last.approvals,
        salt: last.salt,
        compilation: &approved.compilation,
    };
    let new = releases::write(repo, &record, desk.now)?;
    let name = releases::release_ref(&approved.release.environment, approved.release.seq);
    crash_point("before-release");
    repo.update(&[RefUpdate { name, old: Expected::Absent, new }])?;
    crash_point("after-release");
    reconcile(repo, desk.publication, desk.now)
}

/// Who signed commits between the base and the tip of a patchset.
///
/// # Errors
/// When a commit is missing.
pub fn committers(repo: &Repo, root: &Root, patchset: &Patchset) -> Result<BTreeSet<Principal>, GateError> {
    let base = if patchset.base.is_empty() { Id::ZERO } else { patchset.base.parse()? };
    let commits = repo.range(base, patchset.commit.parse()?, admission::MAX_COMMITS)?;
    admission::committers(repo, root, &commits)
}
