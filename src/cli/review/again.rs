//! `approve --again`: a rebase that changes nothing of what was approved is signed again in one step.

use super::clone::Clone;
use super::examine::{Examined, judge};
use super::ledger::{Ledger, Signed};
use crate::cli::{Failure, Ui};
use crate::model::Digest;
use crate::review::change::Patchset;
use crate::review::source;
use crate::signing::{Release, document};

/// The patchset that this person signed before and that this one equals in everything that it does.
///
/// # Errors
/// When there is none, with the first thing that differs.
pub(super) fn same_as_signed(
    clone: &Clone,
    examined: &Examined,
    ledger: &Ledger,
    ui: &mut Ui,
) -> Result<Signed, Failure> {
    let number = examined.change.number;
    let before = ledger.of_change(number).pop().filter(|signed| signed.statement != examined.id());
    let Some(before) = before else {
        return Err(differs(number, "you signed no earlier patchset of it on this machine"));
    };
    let of_then = |patchset: &&Patchset| Digest::of(&patchset.statement) == before.statement;
    let Some(patchset) = examined.change.patchsets.iter().find(of_then) else {
        return Err(differs(number, "the patchset that you signed is not on record"));
    };
    let release: Release = document::read_untrusted(&patchset.statement)?;
    if let Some(field) = different_terms(&release, &examined.release) {
        return Err(differs(number, &format!("`{field}` of the statement is another")));
    }
    let then = judge(clone, &examined.change.environment, patchset, ui)?;
    if then.tree.manifest_digest() != release.source {
        return Err(differs(number, "the files that you signed are not on record"));
    }
    if source::diff(&then.base, &then.tree) != source::diff(&examined.base, &examined.tree) {
        return Err(differs(number, "its change of the source is another"));
    }
    if then.effect != examined.effect {
        return Err(differs(number, "what it does on the nodes is another"));
    }
    Ok(before)
}

/// The first field in which two statements differ, place, time and digests of whole trees aside.
fn different_terms(then: &Release, now: &Release) -> Option<&'static str> {
    let fields = [
        ("kind", then.kind == now.kind),
        ("authors", then.authors == now.authors),
        ("roles", then.roles == now.roles),
        ("policy", then.policy == now.policy && then.policy_v == now.policy_v),
        ("compiler", then.compiler == now.compiler),
        ("affected", then.affected == now.affected),
        ("reason", then.reason == now.reason),
    ];
    fields.into_iter().find(|(_, same)| !same).map(|(field, _)| field)
}

fn differs(number: u64, why: &str) -> Failure {
    Failure::refused(format!("change {number} is not what you signed before: {why}"))
        .hint(format!("countersign review diff {number}, then countersign approve {number}"))
}
