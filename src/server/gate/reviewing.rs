//! What a reviewer's upload does to the record of a change: an approval, a withdrawal, a ratification, a comment or a
//! rejection.

use super::{GateError, releases, withdrawals};
use crate::model::{Digest, Principal, wire};
use crate::repo::{Id, Limits, Repo};
use crate::review::change::{Change, ChangeError, NoteRecord, Patchset, Status};
use crate::signing::release::ReleaseKind;
use crate::signing::review::{Note, NoteVerdict};
use crate::signing::root::{BREAK_GLASS, RELEASE};
use crate::signing::sshsig::Signature;
use crate::signing::{
    Document as _, Envelope, Ratification, Release, Root, Verified, Withdrawal, Withdrawn, document, ratify,
    release, verify,
};

/// What a reviewer did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reviewed {
    /// Signed the statement.
    Approved,
    /// Signed the statement of the release in force, which may have lost signatures.
    SignedAgain {
        /// Its serial.
        seq: u64,
    },
    /// Said something.
    Commented,
    /// Does not want it.
    Rejected,
    /// Took their signature back.
    Withdrew(wire::Signed),
    /// Took over an emergency release.
    Ratified {
        /// Its serial.
        seq: u64,
        /// Who.
        who: Principal,
        /// The armoured signature.
        signature: String,
    },
}

/// Adds to `change` what the commit `pushed` holds: `statement.json` and `approval.sig`, or `withdraw.json` and
/// `withdraw.sig`, or `ratify.json` and `ratify.sig`, or `note.json` and `note.sig`.
///
/// # Errors
/// When it is none of them, or does not count.
pub(super) fn record_review(
    repo: &Repo,
    root: &Verified<Root>,
    change: &mut Change,
    pushed: Id,
) -> Result<Reviewed, GateError> {
    let files = repo.read_tree(pushed, Limits::REVIEW)?;
    let text = |name: &str| files.get(name).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    if let (Some(statement), Some(signature)) = (files.get("statement.json"), text("approval.sig")) {
        return approve(repo, root, change, Signed { document: statement, signature });
    }
    if let (Some(document), Some(signature)) = (files.get("withdraw.json"), text("withdraw.sig")) {
        return withdraw(repo, root, change, Signed { document, signature });
    }
    if let (Some(document), Some(signature)) = (files.get("ratify.json"), text("ratify.sig")) {
        return ratify(repo, root, change, Signed { document, signature });
    }
    match (files.get("note.json"), text("note.sig")) {
        (Some(document), Some(signature)) => note(repo, root, change, Signed { document, signature }),
        _ => Err(GateError::NoReview),
    }
}

struct Signed<'a> {
    document: &'a [u8],
    signature: String,
}

fn approve(
    repo: &Repo,
    root: &Verified<Root>,
    change: &mut Change,
    signed: Signed<'_>,
) -> Result<Reviewed, GateError> {
    let Signed { document, signature } = signed;
    let parsed = Signature::parse(&signature).map_err(|_| GateError::BadApproval)?;
    let who = root.principal_of(parsed.key()).ok_or(GateError::BadApproval)?.clone();
    let withdrawn = withdrawals::load(repo, &change.environment)?.in_force(root);
    if withdrawn.revokes(parsed.key()) {
        return Err(GateError::RevokedKey { who, key: parsed.key().fingerprint() });
    }
    let valid = parsed.verify(Release::NAMESPACE, document, root.token());
    valid.map_err(|_| GateError::BadApproval)?;
    // A base that moved voids what was made for it, whether or not anybody wrote that down yet.
    let head = releases::head(repo, &change.environment)?;
    let commit = head.commit.map(|id| id.to_string()).unwrap_or_default();
    change.base_moved(&commit, head.last.map_or(0, |(seq, _)| seq));
    let id = Digest::of(document);
    if let Some(last) = change.current().filter(|last| last.statement == document) {
        match counts(root, &withdrawn, last, &who)? {
            true => return Err(ChangeError::Again { who }.into()),
            false => change.forget(&who),
        }
    }
    let reviewed = match change.status {
        Status::Released(seq) if head.last == Some((seq, id)) => {
            change.sign_again(who.clone(), id, signature)?;
            Reviewed::SignedAgain { seq }
        }
        Status::Released(_) | Status::Open => {
            change.approve(who.clone(), id, signature)?;
            Reviewed::Approved
        }
    };
    let release: Release = document::read_untrusted(document)?;
    let emergency = release.kind == ReleaseKind::BreakGlass;
    if release.authors.contains(&who) && !emergency {
        return Err(ChangeError::SelfApproval { number: change.number, who }.into());
    }
    if withdrawn.from(Digest::of(document)).any(|name| *name == who) {
        return Err(GateError::TakenBack(who));
    }
    let says = if emergency { root.has_role(&who, BREAK_GLASS) } else { has_say(root, &release, &who) };
    if !says {
        return Err(GateError::NoSay { who, what: "approve this change" });
    }
    Ok(reviewed)
}

/// Whether the signature that somebody gave to a patchset before still counts.
fn counts(
    root: &Verified<Root>,
    withdrawn: &Withdrawn,
    patchset: &Patchset,
    who: &Principal,
) -> Result<bool, GateError> {
    let release: Release = document::read_untrusted(&patchset.statement)?;
    let own = patchset.approvals.iter().filter(|(name, _)| name == who);
    let signatures: Vec<String> = own.map(|(_, signature)| signature.clone()).collect();
    Ok(release::check_threshold(root, withdrawn, &release, &signatures)?.signed.contains(who))
}

fn withdraw(
    repo: &Repo,
    root: &Verified<Root>,
    change: &mut Change,
    signed: Signed<'_>,
) -> Result<Reviewed, GateError> {
    let document = String::from_utf8_lossy(signed.document).into_owned();
    let entry = wire::Signed { document, signatures: vec![signed.signature] };
    let before = withdrawals::load(repo, &change.environment)?.in_force(root);
    let withdrawal: Verified<Withdrawal> = verify(root, &before, &Envelope::from(entry.clone()))?;
    if withdrawal.environment != change.environment {
        let (got, want) = (withdrawal.environment.clone(), change.environment.clone());
        return Err(GateError::WithdrawalElsewhere { got, want });
    }
    // Once is enough, and nobody fills the list.
    if before.from(withdrawal.release).any(|name| *name == withdrawal.by) {
        return Err(GateError::TakenBack(withdrawal.by.clone()));
    }
    change.withdraw(&withdrawal.by, withdrawal.release)?;
    Ok(Reviewed::Withdrew(entry))
}

/// A ratification has no fields of its own: it must be the one of the release that the change became.
fn ratify(
    repo: &Repo,
    root: &Verified<Root>,
    change: &Change,
    signed: Signed<'_>,
) -> Result<Reviewed, GateError> {
    let Signed { document, signature } = signed;
    let Status::Released(seq) = change.status else { return Err(GateError::NoEmergency(change.number)) };
    let release = releases::read(repo, &change.environment, seq)?.release;
    if release.kind != ReleaseKind::BreakGlass || Ratification::of(&release).encode() != document {
        return Err(GateError::NoEmergency(change.number));
    }
    let withdrawn = withdrawals::load(repo, &change.environment)?.in_force(root);
    let tally = ratify::check_threshold(root, &withdrawn, &release, std::slice::from_ref(&signature))?;
    match tally.signed.first() {
        Some(who) if has_say(root, &release, who) => {
            Ok(Reviewed::Ratified { seq, who: who.clone(), signature })
        }
        Some(who) => Err(GateError::NoSay { who: who.clone(), what: "ratify this release" }),
        None => match tally.authors.first() {
            Some(who) => Err(ChangeError::SelfApproval { number: change.number, who: who.clone() }.into()),
            None => Err(GateError::BadApproval),
        },
    }
}

/// Whether the person has `release` or any of the statement's other roles.
fn has_say(root: &Root, release: &Release, who: &Principal) -> bool {
    root.has_role(who, RELEASE) || release.roles.iter().any(|role| root.has_role(who, role))
}

fn note(
    repo: &Repo,
    root: &Verified<Root>,
    change: &mut Change,
    signed: Signed<'_>,
) -> Result<Reviewed, GateError> {
    let envelope = Envelope { bytes: signed.document.to_vec(), signatures: vec![signed.signature.clone()] };
    let withdrawn = withdrawals::load(repo, &change.environment)?.in_force(root);
    let note: Verified<Note> = verify(root, &withdrawn, &envelope)?;
    let number = change.number;
    let last = change.current().ok_or(GateError::NoChange(number))?;
    let want = Digest::of(&last.statement);
    if note.change != number.to_string() || note.patchset != last.number {
        let got = note.statement.unwrap_or(note.id());
        return Err(ChangeError::OtherStatement { number, want, got }.into());
    }
    let reviewed = match note.verdict {
        NoteVerdict::Comment => Reviewed::Commented,
        NoteVerdict::Reject => {
            let release: Release = document::read_untrusted(&last.statement)?;
            let own = release.authors.contains(&note.author);
            if !own && !has_say(root, &release, &note.author) {
                return Err(GateError::NoSay { who: note.author.clone(), what: "reject this change" });
            }
            if let Status::Released(seq) = change.status {
                return Err(ChangeError::Released { number, seq }.into());
            }
            change.reject(note.author.clone());
            Reviewed::Rejected
        }
    };
    let author = note.author.clone();
    change.notes.push(NoteRecord { author, document: envelope.bytes, signature: signed.signature });
    Ok(reviewed)
}
