//! The `pre-receive` hook's work: who pushes, to where, and is it fit to be reviewed? Nothing is written; git
//! throws the objects away when this refuses.

use super::ticket::{self, Proposed, Target, Ticket, Work};
use super::trust::{self, Pin};
use super::{GateError, changes, releases, reviewing, revoking, withdrawals};
use crate::model::{EnvName, Principal, Stamp, Tree};
use crate::policy::report::{self, Style};
use crate::repo::receive::{CertificateCheck, PushCommand};
use crate::repo::{Id, Limits, Repo, RepoError};
use crate::review::admission::{self as judgement, Proposal};
use crate::review::certificate::{self, Pushed};
use crate::review::{effect, render};
use crate::signing::root::BREAK_GLASS;
use crate::signing::{Document as _, Refusal, Release, Root, Verified};
use std::collections::BTreeSet;

/// Commits of one proposal, at most.
pub(super) const MAX_COMMITS: usize = 256;

/// A push as git describes it.
#[derive(Debug, Clone)]
pub struct Push {
    /// What it wants to change.
    pub commands: Vec<PushCommand>,
    /// Its options.
    pub options: Vec<String>,
    /// What git found out about its certificate.
    pub certificate: Option<CertificateCheck>,
}

/// Judges a push.
///
/// # Errors
/// Why it is refused; everything that is wrong with its files at once.
pub fn admit(repo: &Repo, push: &Push, now: Stamp) -> Result<Ticket, GateError> {
    if let Some(why) = super::closed(repo) {
        return Err(GateError::Closed(why));
    }
    repo.pushed()?;
    // Where it goes comes before who it is: who pushes to a branch learns that, signed or not.
    let [command] = &push.commands[..] else { return Err(GateError::Refs(push.commands.len())) };
    let target = ticket::target(command)?;
    let root = trust::load(repo, Pin::Installed)?;
    let (pusher, certificate) = pusher(repo, &root, push, command)?;
    // Whoever hands in a revocation takes something away and no more, with whichever key.
    if target != Target::Revocation
        && let Some(key) = revoked_key(repo, &root, &certificate)?
    {
        return Err(GateError::RevokedKey { who: pusher, key });
    }
    let work = match target {
        Target::Environment(environment) => {
            let options = Options::parse(&push.options)?;
            let asked = Asked { environment, tip: command.new, options, now };
            Work::Propose(Box::new(propose(repo, &root, asked)?))
        }
        Target::Change(number) => {
            let mut change = changes::load(repo, number)?;
            reviewing::record_review(repo, &root, &mut change, command.new)?;
            Work::Review(number)
        }
        Target::Revocation => {
            revoking::read(repo, &root, command.new)?;
            Work::Revoke
        }
    };
    Ok(Ticket { commit: command.new.to_string(), target: command.name.clone(), pusher, certificate, work })
}

/// The principal behind the push certificate: git's verdict and ours must agree.
fn pusher(
    repo: &Repo,
    root: &Root,
    push: &Push,
    command: &PushCommand,
) -> Result<(Principal, String), GateError> {
    let check = push.certificate.as_ref().ok_or(GateError::Unsigned)?;
    if check.status != "G" {
        return Err(GateError::Signature(check.status.clone()));
    }
    if check.nonce != "OK" {
        return Err(GateError::Nonce(check.nonce.clone()));
    }
    let bytes = repo.blob(check.blob)?;
    let pushed = Pushed { commit: &command.new.to_string(), target: &command.name };
    let who = certificate::author(root, &bytes, &pushed)?;
    Ok((who, String::from_utf8_lossy(&bytes).into_owned()))
}

/// The fingerprint of the key behind a verified certificate, if that key was revoked.
fn revoked_key(repo: &Repo, root: &Root, certificate: &str) -> Result<Option<String>, GateError> {
    let withdrawn = withdrawals::revocations(repo)?.in_force(root);
    let key = certificate::key(certificate.as_bytes())?;
    Ok(withdrawn.revokes(&key).then(|| key.fingerprint()))
}

struct Options {
    change: Option<u64>,
    rollback: Option<u64>,
    emergency: bool,
}

impl Options {
    fn parse(options: &[String]) -> Result<Self, GateError> {
        let mut parsed = Self { change: None, rollback: None, emergency: false };
        for option in options {
            if option == "break-glass" {
                parsed.emergency = true;
                continue;
            }
            let unknown = || GateError::PushOption(option.clone());
            let (name, value) = option.split_once('=').ok_or_else(unknown)?;
            let number = value.parse().map_err(|_| unknown())?;
            match name {
                "change" => parsed.change = Some(number),
                "rollback" => parsed.rollback = Some(number),
                _ => return Err(unknown()),
            }
        }
        Ok(parsed)
    }
}

struct Asked {
    environment: EnvName,
    tip: Id,
    options: Options,
    now: Stamp,
}

fn propose(repo: &Repo, root: &Verified<Root>, asked: Asked) -> Result<Proposed, GateError> {
    let Asked { environment, tip, options, now } = asked;
    if options.emergency && root.role(BREAK_GLASS).is_none() {
        return Err(Refusal::Role { what: Release::TYPE, role: BREAK_GLASS.into() }.into());
    }
    let head = releases::head(repo, &environment)?;
    let base = head.commit.unwrap_or(Id::ZERO);
    let commits = new_commits(repo, &environment, base, tip)?;
    let files = |id: Id| -> Result<Tree, GateError> {
        if id.is_zero() { Ok(Tree::default()) } else { site_files(repo, id) }
    };
    let (before, tree) = (files(base)?, files(tip)?);
    // Commits between are on record too, and somebody may check them out.
    repo.check_trees(&commits, Limits::SITE).map_err(|error| form(error, &tree))?;
    if let Some(seq) = options.rollback {
        let wanted = releases::read(repo, &environment, seq)?.release.source;
        if wanted != tree.manifest_digest() {
            return Err(GateError::NotRollback(seq));
        }
    }
    let proposal = Proposal { environment: &environment, tree: &tree, base: &before, now };
    let admitted = match judgement::judge(&proposal) {
        Ok(admitted) => admitted,
        Err(findings) => return Err(GateError::Findings { findings, tree: Box::new(tree) }),
    };
    // Asked here so that an uncovered path refuses the push and not the approval.
    root.roles_for(admitted.measured.paths.iter().map(String::as_str))?;
    let after: Vec<_> = admitted.compilation.nodes.iter().map(|node| node.catalog.clone()).collect();
    let text = |path: &str| tree.get(path).and_then(|bytes| std::str::from_utf8(bytes).ok());
    let warnings = [&admitted.compilation.warnings[..], &admitted.linted.warnings[..]].concat();
    Ok(Proposed {
        base: head.commit.map(|id| id.to_string()),
        change: options.change,
        rollback: options.rollback,
        emergency: options.emergency,
        committers: committers(repo, root, &commits)?.into_iter().collect(),
        effect: render::effect(&effect::diff(&admitted.before, &after), Style::Plain),
        warnings: if warnings.is_empty() {
            String::new()
        } else {
            report::text(&warnings, &text, Style::Plain)
        },
        measured: admitted.measured,
        environment,
    })
}

/// The commits of a proposal; it must build on the head and bring something.
fn new_commits(repo: &Repo, environment: &EnvName, base: Id, tip: Id) -> Result<Vec<Id>, GateError> {
    if tip == base {
        return Err(GateError::Nothing(environment.clone()));
    }
    if !repo.descends(tip, base)? {
        return Err(GateError::Diverged { environment: environment.clone(), head: base.to_string() });
    }
    let commits = repo.range(base, tip, MAX_COMMITS)?;
    if commits.len() > MAX_COMMITS { Err(GateError::Long(MAX_COMMITS)) } else { Ok(commits) }
}

/// The files of a commit of the site, with what is wrong about them as findings.
pub(super) fn site_files(repo: &Repo, id: Id) -> Result<Tree, GateError> {
    repo.read_tree(id, Limits::SITE).map_err(|error| form(error, &Tree::default()))
}

pub(super) fn form(error: RepoError, tree: &Tree) -> GateError {
    match error {
        RepoError::Tree(findings) => GateError::Findings { findings, tree: Box::new(tree.clone()) },
        other => GateError::Repo(other),
    }
}

/// Who signed commits: they had a hand in the change, whoever pushed it (D8).
pub(super) fn committers(repo: &Repo, root: &Root, commits: &[Id]) -> Result<BTreeSet<Principal>, GateError> {
    let mut found = BTreeSet::new();
    for id in commits {
        if let Some((armour, payload)) = repo.commit(*id)?.signature {
            let armour = String::from_utf8_lossy(&armour).into_owned();
            // A signature by a stranger or with OpenPGP is nobody's vote and nobody's authorship.
            found.extend(certificate::signer(root, &payload, &armour).ok());
        }
    }
    Ok(found)
}
