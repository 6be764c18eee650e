//! `ratify`: people whom an ordinary release needs take over an emergency release.

use super::RatifyArgs;
use super::clone::Clone;
use super::examine::judge;
use super::history::{self, Asked};
use super::ledger::Ledger;
use super::release;
use crate::cli::{Failure, Outcome, Ui};
use crate::model::Tree;
use crate::review::change::ChangeError;
use crate::review::{escape, render};
use crate::server::gate::{changes, releases};
use crate::signing::Ratification;
use crate::signing::document::Document as _;
use crate::signing::release::ReleaseKind;

/// Runs the command.
pub(super) fn run(args: &RatifyArgs, ui: &mut Ui) -> Outcome {
    let clone = Clone::open()?;
    let signer = clone.signer()?;
    let record = releases::read(&clone.repo, &args.environment, args.seq)?;
    let statement = &record.release;
    if statement.kind != ReleaseKind::BreakGlass {
        return Err(Failure::refused(format!(
            "release {} is no emergency: nothing is to be ratified",
            args.seq
        )));
    }
    // Everything that a reviewer would have checked before: signatures, chain, files and catalogs.
    release::check(&clone, &record, ui)?;
    let number: u64 = statement.change.parse()?;
    if statement.authors.contains(&signer.name) {
        return Err(ChangeError::SelfApproval { number, who: signer.name.clone() }.into());
    }
    let change = changes::load(&clone.repo, number)?;
    let of_release = |patchset: &&crate::review::change::Patchset| patchset.statement == record.statement;
    let patchset = change.patchsets.iter().find(of_release);
    let patchset = patchset.ok_or_else(|| {
        Failure::refused(format!("change {number} has no patchset that became release {}", args.seq))
    })?;
    let mut ledger = Ledger::open(clone.root.repo(), &signer.name)?;
    let asked = Asked { release: statement, released: true, copy: args.log.as_deref() };
    let log = history::demand(&clone, &ledger, asked)?;
    let judged = judge(&clone, &args.environment, patchset, ui)?;
    ui.line(format_args!("emergency  {}", escape::line(statement.reason.as_bytes())))?;
    ui.line(render::effect(&judged.effect, ui.style()).trim_end())?;
    let ratification = Ratification::of(statement).encode();
    ui.line(escape::text(&ratification).trim_end())?;
    if !args.yes && !ui.confirm(&format!("ratify release {} as `{}`?", args.seq, signer.name))? {
        return Err(Failure::refused("nothing was signed"));
    }
    if let Some(seen) = log {
        ledger.note_log(seen)?;
    }
    let signature = signer.sign(Ratification::NAMESPACE, &ratification)?;
    let mut files = Tree::default();
    files.insert("ratify.json", ratification)?;
    files.insert("ratify.sig", signature.into_bytes())?;
    clone.upload(number, &files, ui)?;
    ui.line(format_args!("ratified release {} as `{}`", args.seq, signer.name))?;
    Ok(0)
}
