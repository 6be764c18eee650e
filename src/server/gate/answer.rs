//! What whoever pushed reads in their terminal: what came of it, whom it concerns, what comes next.

use super::reconcile::Repaired;
use super::reviewing::Reviewed;
use super::ticket::Proposed;
use crate::model::{Digest, Principal, RoleName};
use crate::review::change::Change;
use crate::signing::release::ReleaseKind;
use crate::signing::root::BREAK_GLASS;
use crate::signing::{Missing, Release, Root, Tally};

/// Lines of the effect shown before the rest is left to `review diff`.
const EFFECT: usize = 40;

pub(super) fn proposed(
    change: &Change,
    statement: &Release,
    proposed: &Proposed,
    lost: &[Principal],
    root: &Root,
) -> String {
    let number = change.number;
    let mut out = format!(
        "\nchange {number}, patchset {} for {}: {}\n",
        statement.patchset, statement.environment, statement.reason
    );
    out.push_str(&format!("statement {}\n", Digest::of(&statement.encode())));
    out.push_str(&format!("{} of {} nodes change:\n", statement.affected, statement.nodes));
    out.push_str(&shortened(&proposed.effect, number));
    if !proposed.warnings.is_empty() {
        out.push_str(&format!("\n{}\n", proposed.warnings));
    }
    if statement.patchset > 1 {
        out.push_str(&format!("patchset {} starts with no approvals", statement.patchset));
        out.push_str(&match names(lost) {
            None => ".\n".into(),
            Some(names) => format!("; void now: those of {names}. They have to look again.\n"),
        });
    }
    let needed = |role: &str| root.role(role).map(crate::signing::root::Role::threshold).unwrap_or_default();
    let emergency = statement.kind == ReleaseKind::BreakGlass;
    if emergency {
        out.push_str(&format!("EMERGENCY: needs {} of role `{BREAK_GLASS}`\n", needed(BREAK_GLASS)));
    }
    for role in statement.roles.iter().map(RoleName::as_str) {
        let what = if emergency { "to last, it is ratified by" } else { "needs" };
        out.push_str(&format!("{what} {} of role `{role}`, not its authors\n", needed(role)));
    }
    out.push_str(&format!("next: a reviewer runs `countersign review show {number}`\n"));
    out
}

pub(super) fn reviewed(change: &Change, what: &Reviewed, tally: Option<&Tally>) -> String {
    let number = change.number;
    match what {
        Reviewed::Commented => format!("\nthe comment is on change {number}\n"),
        Reviewed::Rejected => {
            format!("\nchange {number} is rejected as it is; the author's next patchset opens it again\n")
        }
        Reviewed::Ratified { seq, .. } => format!("\nthe ratification of release {seq} is on record\n"),
        Reviewed::Withdrew(_) => {
            "\nthe signature is taken back: it counts no longer, here or on any node that hears of it\n"
                .to_owned()
        }
        Reviewed::SignedAgain { seq } => {
            let missing = tally.map(|tally| missing(&tally.missing)).unwrap_or_default();
            match missing.as_str() {
                "" => format!(
                    "\nrelease {seq} has all its signatures; nodes find the new one when they next run\n"
                ),
                missing => format!("\nthe signature is on release {seq}; it still lacks {missing}\n"),
            }
        }
        Reviewed::Approved => {
            let missing = tally.map(|tally| missing(&tally.missing)).unwrap_or_default();
            format!("\nthe approval is on change {number}; it still lacks {missing}\n")
        }
    }
}

pub(super) fn released(change: &Change, release: &Release, repaired: &Repaired) -> String {
    let mut out = format!(
        "\nchange {} is release {} of {}: {} of {} nodes change when they next run\n",
        change.number, release.seq, release.environment, release.affected, release.nodes
    );
    for (number, lost) in &repaired.voided {
        let whose =
            names(lost).map_or_else(String::new, |names| format!(" The approvals of {names} are void."));
        out.push_str(&format!("change {number} was made for the old head: its author rebases it.{whose}\n"));
    }
    out.push_str(&format!(
        "next: `countersign push --all` or wait for the nodes; `countersign release show {}`\n",
        release.seq
    ));
    out
}

pub(super) fn revoked(who: &Principal) -> String {
    format!(
        "\nthe key of `{who}` is revoked: what it signed counts no longer, here or on any node that hears of it\n\
         next: `countersign trust rotate {who}=NEW.pub`, signed by people of role `root`\n"
    )
}

/// What is missing, in words.
#[must_use]
pub(super) fn missing(missing: &[Missing]) -> String {
    let one = |m: &Missing| format!("{} of role `{}`", m.count, m.role);
    missing.iter().map(one).collect::<Vec<_>>().join(" and ")
}

fn names(people: &[Principal]) -> Option<String> {
    (!people.is_empty()).then(|| Principal::list(people))
}

fn shortened(effect: &str, number: u64) -> String {
    let lines: Vec<&str> = effect.lines().collect();
    let shown: String = lines.iter().take(EFFECT).map(|line| format!("  {line}\n")).collect();
    let more = lines.len().saturating_sub(EFFECT);
    let rest = if more > 0 {
        format!("  … {more} more lines: `countersign review diff {number}`\n")
    } else {
        String::new()
    };
    shown + &rest.replace('…', "...")
}
