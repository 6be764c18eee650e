//! `approve`: work everything out, compare, show, sign, upload.

use super::ApproveArgs;
use super::again;
use super::clone::{Clone, Signer};
use super::examine::{Examined, examine};
use super::history::{self, Asked};
use super::ledger::{Ledger, Seen, Signed};
use super::note::{self, Words};
use super::withdraw::{self, Signature};
use super::{list, show, summary};
use crate::cli::{Failure, Outcome, Ui, clock};
use crate::model::{Principal, Tree};
use crate::review::change::{ChangeError, Standing, Status};
use crate::review::{escape, render};
use crate::server::gate::releases;
use crate::signing::Release;
use crate::signing::document::Document as _;
use crate::signing::release::ReleaseKind;

/// Runs the command.
pub(super) fn run(args: &ApproveArgs, ui: &mut Ui) -> Outcome {
    let clone = Clone::open()?;
    let signer = clone.signer()?;
    let examined = examine(&clone, args.change, ui)?;
    may_sign(&clone, &signer, &examined)?;
    examined.agree()?;
    let emergency = examined.release.kind == ReleaseKind::BreakGlass;
    if examined.release.authors.contains(&signer.name) && !emergency {
        let (number, who) = (args.change, signer.name.clone());
        return Err(ChangeError::SelfApproval { number, who }.into());
    }
    summary::demand_reason(&examined)?;
    let mut ledger = Ledger::open(clone.root.repo(), &signer.name)?;
    let rivals = replaced(&ledger, &examined)?;
    let released = matches!(examined.change.status, Status::Released(_));
    let asked = Asked { release: &examined.release, released, copy: args.log.as_deref() };
    let log = history::demand(&clone, &ledger, asked)?;
    let signing = Signing { examined: &examined, rivals, log };
    if args.again {
        let before = again::same_as_signed(&clone, &examined, &ledger, ui)?;
        let text =
            format!("approved again: the same source change and effect as patchset {}", before.patchset);
        ui.line(&text)?;
        ui.line(show::effects(&examined).trim_end())?;
        sign(&clone, &signer, &mut ledger, signing, ui)?;
        note::write(&clone, &signer, Words::comment(args.change, text), ui)?;
        return Ok(0);
    }
    present(&clone, &examined, ui)?;
    for rival in &signing.rivals {
        ui.line(format_args!("your signature on {} is taken back first", place(rival)))?;
    }
    if !args.yes && !ui.confirm(&format!("sign this as `{}`?", signer.name))? {
        return Err(Failure::refused("nothing was signed"));
    }
    sign(&clone, &signer, &mut ledger, signing, ui)?;
    Ok(0)
}

fn place(signed: &Signed) -> String {
    format!("patchset {} of change {} ({})", signed.patchset, signed.change, signed.statement)
}

/// What this person signed for the same place. Two statements with enough signatures for one place could be shown
/// to different nodes: the new one must say that it replaces the old one, whose signature is taken back (D51).
fn replaced(ledger: &Ledger, examined: &Examined) -> Result<Vec<Signed>, Failure> {
    let rivals = ledger.rivals(&examined.release);
    let unnamed = rivals.iter().find(|rival| !examined.release.supersedes.contains(&rival.statement));
    match unnamed {
        None => Ok(rivals),
        Some(rival) => {
            let (number, other) = (examined.change.number, rival.change);
            let text = format!(
                "you signed {} as release {} already, and change {number} does not say that it replaces it",
                place(rival),
                rival.seq
            );
            Err(Failure::refused(text).hint(format!(
                "release change {other} first, or have the author of change {number} push it again (git commit --amend --no-edit)"
            )))
        }
    }
}

/// What is signed, and what goes before.
struct Signing<'a> {
    examined: &'a Examined,
    /// What is taken back first.
    rivals: Vec<Signed>,
    /// What is remembered of the log first.
    log: Option<Seen>,
}

fn sign(
    clone: &Clone,
    signer: &Signer,
    ledger: &mut Ledger,
    Signing { examined, rivals, log }: Signing<'_>,
    ui: &mut Ui,
) -> Result<(), Failure> {
    let (release, id) = (&examined.release, examined.id());
    for Signed { change, environment, statement, .. } in rivals {
        let reason = format!("replaced by patchset {} of change {}", release.patchset, release.change);
        withdraw::take_back(clone, signer, ledger, Signature { change, environment, statement, reason }, ui)?;
    }
    if let Some(seen) = log {
        ledger.note_log(seen)?;
    }
    ledger.note(Signed {
        statement: id,
        environment: release.environment.clone(),
        seq: release.seq,
        prev: release.prev,
        change: examined.change.number,
        patchset: release.patchset,
        at: clock::now(),
    })?;
    let signature = signer.sign(Release::NAMESPACE, &examined.statement)?;
    let mut files = Tree::default();
    files.insert("statement.json", examined.statement.clone())?;
    files.insert("approval.sig", signature.into_bytes())?;
    clone.upload(examined.change.number, &files, ui)?;
    ui.line(format_args!("signed {id} as `{}`", signer.name))
}

fn may_sign(clone: &Clone, signer: &Signer, examined: &Examined) -> Result<(), Failure> {
    let mut change = examined.change.clone();
    let head = releases::head(&clone.repo, &change.environment)?;
    let commit = head.commit.map(|id| id.to_string()).unwrap_or_default();
    change.base_moved(&commit, head.last.map_or(0, |(seq, _)| seq));
    let (number, patchset) = (change.number, examined.release.patchset);
    match change.standing() {
        Standing::Open => {}
        // The release in force may have lost signatures, and any that is added helps (D37).
        Standing::Released(seq) if head.last == Some((seq, examined.id())) => {
            let tally = list::tally_of_release(clone, &change, seq)?;
            match tally.signed.contains(&signer.name) {
                true if tally.met => return Err(ChangeError::Released { number, seq }.into()),
                true => return Err(ChangeError::Again { who: signer.name.clone() }.into()),
                false => {}
            }
        }
        Standing::Released(seq) => return Err(ChangeError::Released { number, seq }.into()),
        Standing::Rejected(by) => return Err(ChangeError::Rejected { number, patchset, by }.into()),
        Standing::Void(why) => {
            return Err(Failure::from(ChangeError::Void { number, patchset, why })
                .hint("the author rebases and pushes again; then approve the new patchset"));
        }
    }
    let (release, now) = (&examined.release, clock::now());
    let skew = i64::try_from(clone.root.limits().skew).unwrap_or(i64::MAX);
    if release.created.since(now) > skew || release.expires <= now {
        let text =
            format!("the statement is for {} to {}, and it is {now}", release.created, release.expires);
        return Err(Failure::refused(text).hint("check the clock; otherwise its author pushes again"));
    }
    Ok(())
}

/// What is about to be signed: what it does first, the bytes last.
fn present(clone: &Clone, examined: &Examined, ui: &mut Ui) -> Result<(), Failure> {
    let release = &examined.release;
    ui.line(format_args!("change {}: {}", release.change, escape::line(release.reason.as_bytes())))?;
    ui.line(format_args!("  authors    {}", Principal::list(&release.authors)))?;
    if let Status::Released(seq) = examined.change.status {
        let missing = list::missing(&list::tally_of_release(clone, &examined.change, seq)?.missing);
        ui.line(format_args!(
            "  RELEASED   as release {seq}, in force, missing {missing}: your signature is added to it"
        ))?;
    }
    if release.kind == ReleaseKind::BreakGlass {
        ui.line(format_args!(
            "  EMERGENCY  in force at once, until {} unless it is ratified",
            release.expires
        ))?;
    }
    ui.line(format_args!(
        "{}{}",
        summary::guarded(examined, &clone.root),
        show::effects(examined).trim_end()
    ))?;
    ui.line(render::effect(&examined.effect, ui.style()).trim_end())?;
    let warnings = show::warnings(examined, ui);
    if !warnings.is_empty() {
        ui.line(warnings.trim_end())?;
    }
    ui.line("every field of the statement was worked out on this machine and agrees. You sign:")?;
    ui.line(escape::text(&examined.statement).trim_end())?;
    ui.line(format_args!("digest {}", examined.id()))
}
