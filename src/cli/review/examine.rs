//! Everything about a change, worked out again on this machine from fetched objects. The server's word is
//! only ever compared with it.

use super::clone::Clone;
use crate::cli::{Failure, Ui, clock};
use crate::model::{Digest, EnvName, Principal, Tree};
use crate::policy::report;
use crate::repo::{Id, Limits};
use crate::review::admission::{self, Admitted, Proposal};
use crate::review::candidate::{self, Difference, Setting};
use crate::review::certificate::{self, Pushed};
use crate::review::change::{Change, Patchset, Purpose, Status};
use crate::review::effect::{self, EffectDiff};
use crate::review::escape;
use crate::server::gate::releases::Head;
use crate::server::gate::{self, GateError, changes, releases};
use crate::signing::release::ReleaseKind;
use crate::signing::{Release, Root, Verified, document};
use std::collections::BTreeSet;

/// A change, examined.
#[derive(Debug)]
pub(super) struct Examined {
    /// The record, as the server wrote it.
    pub(super) change: Change,
    /// The statement, as the server wrote it.
    pub(super) statement: Vec<u8>,
    /// The statement, decoded.
    pub(super) release: Release,
    /// The proposed files.
    pub(super) tree: Tree,
    /// The files of the head.
    pub(super) base: Tree,
    /// What they are judged to be.
    pub(super) admitted: Admitted,
    /// What they do.
    pub(super) effect: EffectDiff,
    /// Where the statement is not what we would write.
    pub(super) differences: Vec<Difference>,
    /// The first node whose catalog is not the one that we compile.
    pub(super) first_node: Option<String>,
}

/// Works out change `number`.
///
/// # Errors
/// When its record, its push certificates or its files do not hold.
pub(super) fn examine(clone: &Clone, number: u64, ui: &mut Ui) -> Result<Examined, Failure> {
    let change = changes::load(&clone.repo, number)?;
    let last = change.current().ok_or_else(|| Failure::from(GateError::NoChange(number)))?;
    let release: Release = document::read_untrusted(&last.statement)?;
    let Judged { tree, base, admitted, effect } = judge(clone, &change.environment, last, ui)?;
    let then = Then::of(clone, &change, &release)?;
    let ours = rebuild(clone, (&change, &then), &release, &admitted)?;
    let leaves = String::from_utf8_lossy(&last.leaves).into_owned();
    Ok(Examined {
        statement: last.statement.clone(),
        differences: candidate::differences(&ours, &release),
        first_node: candidate::first_difference(&admitted.measured.entries, &leaves),
        effect,
        release,
        tree,
        base,
        admitted,
        change,
    })
}

/// The files of a patchset, and what they do.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) tree: Tree,
    pub(super) base: Tree,
    pub(super) admitted: Admitted,
    pub(super) effect: EffectDiff,
}

/// Reads, lints and compiles a patchset.
///
/// # Errors
/// When it does not build on its base, or does not pass the lint.
pub(super) fn judge(
    clone: &Clone,
    environment: &EnvName,
    patchset: &Patchset,
    ui: &mut Ui,
) -> Result<Judged, Failure> {
    let (tip, base_id): (Id, Id) = (patchset.commit.parse()?, base_id(patchset)?);
    let number = patchset.number;
    if !clone.repo.descends(tip, base_id)? {
        return Err(Failure::refused(format!("patchset {number} does not build on the base that it names")));
    }
    let tree = clone.repo.read_tree(tip, Limits::SITE)?;
    let base =
        if base_id.is_zero() { Tree::default() } else { clone.repo.read_tree(base_id, Limits::SITE)? };
    let admitted = admission::judge(&Proposal { environment, tree: &tree, base: &base, now: clock::now() })
        .map_err(|findings| {
        let source = |path: &str| tree.get(path).and_then(|bytes| std::str::from_utf8(bytes).ok());
        ui.note(report::text(&findings, &source, ui.style()));
        Failure::refused(format!("patchset {number} does not pass the lint on this machine"))
    })?;
    let after: Vec<_> = admitted.compilation.nodes.iter().map(|node| node.catalog.clone()).collect();
    let effect = effect::diff(&admitted.before, &after);
    Ok(Judged { tree, base, admitted, effect })
}

fn base_id(patchset: &Patchset) -> Result<Id, Failure> {
    Ok(if patchset.base.is_empty() { Id::ZERO } else { patchset.base.parse()? })
}

/// What a change was made under: for one that is released, what there was then.
struct Then {
    root: Verified<Root>,
    head: Head,
}

impl Then {
    fn of(clone: &Clone, change: &Change, release: &Release) -> Result<Self, Failure> {
        let environment = &change.environment;
        let head = releases::head(&clone.repo, environment)?;
        // Whoever released it may have stopped before that was on its record.
        let seq = match (change.status, head.last) {
            (Status::Released(seq), _) => seq,
            (Status::Open, Some((seq, id))) if id == release.id() => seq,
            (Status::Open, _) => return Ok(Self { root: clone.root.clone(), head }),
        };
        let root = clone.root_at(release.root)?;
        let head = match seq.checked_sub(1).filter(|before| *before > 0) {
            Some(before) => {
                let record = releases::read(&clone.repo, environment, before)?;
                let last = Some((before, Digest::of(&record.statement)));
                Head { commit: Some(record.release.commit.parse()?), last }
            }
            None => Head { commit: release.base.as_deref().map(str::parse).transpose()?, last: None },
        };
        Ok(Self { root, head })
    }
}

/// The statement as it must be, from what we measured. Only five things are taken over, because nobody can
/// measure them: the time, the salt, the numbers that the server gives, which statements for the same place
/// had signatures then, and the log, which is held against what this reviewer has seen of it.
fn rebuild(
    clone: &Clone,
    (change, then): (&Change, &Then),
    theirs: &Release,
    admitted: &Admitted,
) -> Result<Release, Failure> {
    let last = change.current().ok_or_else(|| Failure::from(GateError::NoChange(change.number)))?;
    let message = clone.repo.commit(last.commit.parse()?)?.message;
    let setting = Setting {
        root: &then.root,
        environment: change.environment.clone(),
        kind: kind(clone, change, admitted)?,
        change: change.number,
        patchset: last.number,
        commit: last.commit.clone(),
        base: then.head.commit.map(|id| id.to_string()),
        authors: authors(clone, change, &then.root)?,
        previous: then.head.last,
        log: theirs.log,
        supersedes: known_rivals(clone, theirs)?,
        salt: last.salt,
        created: last.created,
        message: &message,
    };
    Ok(candidate::build(&setting, &admitted.measured)?)
}

/// The statements that `theirs` says it supersedes and that are on record for the same place.
fn known_rivals(clone: &Clone, theirs: &Release) -> Result<BTreeSet<Digest>, Failure> {
    if theirs.supersedes.is_empty() {
        return Ok(BTreeSet::new());
    }
    let all = changes::all(&clone.repo)?;
    let patchsets = all.iter().flat_map(|change| &change.patchsets);
    let same_place = |patchset: &&Patchset| {
        document::read_untrusted::<Release>(&patchset.statement)
            .is_ok_and(|other| other.environment == theirs.environment && other.prev == theirs.prev)
    };
    let known: BTreeSet<Digest> =
        patchsets.filter(same_place).map(|patchset| Digest::of(&patchset.statement)).collect();
    Ok(theirs.supersedes.iter().copied().filter(|id| known.contains(id)).collect())
}

/// A rollback must be one: the files of the release that it names.
fn kind(clone: &Clone, change: &Change, admitted: &Admitted) -> Result<ReleaseKind, Failure> {
    match change.purpose {
        Purpose::Normal => Ok(ReleaseKind::Normal),
        Purpose::Emergency => Ok(ReleaseKind::BreakGlass),
        Purpose::Rollback(seq) => {
            let old = releases::read(&clone.repo, &change.environment, seq)?;
            let same = old.release.source == admitted.measured.source;
            if same { Ok(ReleaseKind::Rollback) } else { Err(GateError::NotRollback(seq).into()) }
        }
    }
}

/// Everybody who had a hand in it, by their own signatures: on each patchset's push, and on its commits.
fn authors(clone: &Clone, change: &Change, root: &Root) -> Result<BTreeSet<Principal>, Failure> {
    let mut authors = BTreeSet::new();
    let target = format!("refs/for/{}", change.environment);
    for patchset in &change.patchsets {
        let pushed = Pushed { commit: &patchset.commit, target: &target };
        let who = certificate::author(root, &patchset.certificate, &pushed)?;
        if who != patchset.author {
            return Err(Failure::refused(format!(
                "patchset {} was pushed by `{who}`, and the server says `{}`",
                patchset.number, patchset.author
            )));
        }
        authors.insert(who);
    }
    if let Some(last) = change.current() {
        authors.extend(gate::committers(&clone.repo, root, last)?);
    }
    Ok(authors)
}

impl Examined {
    /// The digest of the statement.
    pub(super) fn id(&self) -> Digest {
        Digest::of(&self.statement)
    }

    /// Refuses a statement that is not what this machine would write (D13).
    ///
    /// # Errors
    /// Naming the first field that differs, and the first node where catalogs do.
    pub(super) fn agree(&self) -> Result<(), Failure> {
        let Some(first) = self.differences.first() else { return Ok(()) };
        let node = match &self.first_node {
            Some(node) if self.differences.iter().any(|d| d.field == "catalogs") => {
                format!("; the first node that differs is `{node}`")
            }
            _ => String::new(),
        };
        let fields: Vec<&str> = self.differences.iter().map(|d| d.field.as_str()).collect();
        let message = format!(
            "the server's statement is not what this machine measures: `{}` is {} here and {} there{node} (differing: {})",
            first.field,
            escape::line(first.ours.as_bytes()),
            escape::line(first.theirs.as_bytes()),
            fields.join(", ")
        );
        let hint = match first.field.as_str() {
            "seq" | "prev" | "base" => "the environment moved on: its author rebases and pushes again",
            "compiler" => "use the same version of countersign as the server",
            "root" => "the trust root changed since the push: its author pushes again",
            _ => "do not sign; somebody should look at the server",
        };
        Err(Failure::refused(message).hint(hint))
    }
}
