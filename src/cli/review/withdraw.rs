//! `withdraw`: a signature taken back, for good.

use super::WithdrawArgs;
use super::clone::{Clone, Signer};
use super::ledger::Ledger;
use crate::cli::{Failure, Outcome, Ui, clock};
use crate::model::{Digest, EnvName, Tree};
use crate::review::change::{Change, Patchset};
use crate::server::gate::changes;
use crate::signing::Withdrawal;
use crate::signing::document::{Document as _, V};

/// A signature to take back.
#[derive(Debug)]
pub(super) struct Signature {
    /// The change that asked for it.
    pub(super) change: u64,
    /// Its environment.
    pub(super) environment: EnvName,
    /// The statement that was signed.
    pub(super) statement: Digest,
    /// Why it shall not count.
    pub(super) reason: String,
}

/// Runs the command.
pub(super) fn run(args: &WithdrawArgs, ui: &mut Ui) -> Outcome {
    let clone = Clone::open()?;
    let signer = clone.signer()?;
    let mut ledger = Ledger::open(clone.root.repo(), &signer.name)?;
    let change = changes::load(&clone.repo, args.change)?;
    let patchset = signed_patchset(&change, &signer, &ledger, args.patchset)?;
    let statement = Digest::of(&patchset.statement);
    let question = format!(
        "take back `{}`'s signature on patchset {} of change {}? It never counts again",
        signer.name, patchset.number, change.number
    );
    if !args.yes && !ui.confirm(&question)? {
        return Err(Failure::refused("nothing was taken back"));
    }
    let reason = args.message.clone();
    let signature =
        Signature { change: change.number, environment: change.environment.clone(), statement, reason };
    take_back(&clone, &signer, &mut ledger, signature, ui)?;
    Ok(0)
}

/// The patchset that is meant: the given one, or the last one that this person signed.
fn signed_patchset<'a>(
    change: &'a Change,
    signer: &Signer,
    ledger: &Ledger,
    given: Option<u32>,
) -> Result<&'a Patchset, Failure> {
    let number = change.number;
    if let Some(wanted) = given {
        let found = change.patchsets.iter().find(|patchset| patchset.number == wanted);
        return found.ok_or_else(|| Failure::refused(format!("change {number} has no patchset {wanted}")));
    }
    let remembered = ledger.of_change(number);
    let signed = |patchset: &&Patchset| {
        let id = Digest::of(&patchset.statement);
        patchset.approvals.iter().any(|(who, _)| *who == signer.name)
            || remembered.iter().any(|signed| signed.statement == id)
    };
    change.patchsets.iter().rev().find(signed).ok_or_else(|| {
        Failure::refused(format!("`{}` signed no patchset of change {number}", signer.name))
            .hint("--patchset N takes back a signature that this machine knows nothing of")
    })
}

/// Signs the withdrawal, hands it to the server and notes it.
///
/// # Errors
/// When the key does not sign or the server refuses.
pub(super) fn take_back(
    clone: &Clone,
    signer: &Signer,
    ledger: &mut Ledger,
    signature: Signature,
    ui: &mut Ui,
) -> Result<(), Failure> {
    let Signature { change, environment, statement, reason } = signature;
    // The server has it, and an earlier command ended before it was noted here.
    if clone.withdrawn(&environment)?.from(statement).any(|name| *name == signer.name) {
        ledger.note_withdrawal(statement)?;
        return ui
            .line(format_args!("the signature of `{}` on {statement} was taken back before", signer.name));
    }
    let withdrawal = Withdrawal {
        document: Withdrawal::TYPE.into(),
        v: V,
        repo: clone.root.repo(),
        environment,
        release: statement,
        by: signer.name.clone(),
        created: clock::now(),
        reason,
    };
    let bytes = withdrawal.encode();
    let armour = signer.sign(Withdrawal::NAMESPACE, &bytes)?;
    let mut files = Tree::default();
    files.insert("withdraw.json", bytes)?;
    files.insert("withdraw.sig", armour.into_bytes())?;
    clone.upload(change, &files, ui)?;
    ledger.note_withdrawal(statement)?;
    ui.line(format_args!("took back the signature of `{}` on {statement}", signer.name))
}
