//! `review list`: changes and what they wait for.

use super::clone::Clone;
use crate::cli::counted::counted;
use crate::cli::{Failure, Outcome, Ui};
use crate::model::Digest;
use crate::review::change::{Change, Standing, Status, void_text};
use crate::review::escape;
use crate::server::gate::{changes, releases};
use crate::signing::release::check_threshold;
use crate::signing::{Missing, Release, Tally, document};

/// Which changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// Those that are not released.
    Open,
    /// All.
    All,
}

/// Runs the command.
pub(super) fn run(which: Which, ui: &mut Ui) -> Outcome {
    let clone = Clone::open()?;
    let mut shown = 0;
    for mut change in changes::all(&clone.repo)? {
        let waits = change.status == Status::Open || lost(&clone, &change)?.is_some();
        if which == Which::Open && !waits {
            continue;
        }
        ui.line(line(&clone, &mut change)?)?;
        shown += 1;
    }
    if shown == 0 {
        ui.line("no change waits for anybody")?;
    }
    Ok(0)
}

fn line(clone: &Clone, change: &mut Change) -> Result<String, Failure> {
    let standing = standing(clone, change)?;
    let Some(last) = change.current() else { return Ok(String::new()) };
    let release: Release = document::read_untrusted(&last.statement)?;
    Ok(format!(
        "{:>4}  {:<12} {:<10} {:>3}/{}  {}  [{standing}]",
        change.number,
        change.environment.as_str(),
        last.author.as_str(),
        release.affected,
        counted(release.nodes, "node"),
        escape::line(release.reason.as_bytes()),
    ))
}

/// Where a change stands, in words. That a base moved is seen here even if the server forgot to say so.
pub(super) fn standing(clone: &Clone, change: &mut Change) -> Result<String, Failure> {
    let head = releases::head(&clone.repo, &change.environment)?;
    let commit = head.commit.map(|id| id.to_string()).unwrap_or_default();
    change.base_moved(&commit, head.last.map_or(0, |(seq, _)| seq));
    Ok(match change.standing() {
        Standing::Released(seq) => match lost(clone, change)? {
            Some(tally) => format!("release {seq} is in force and lost signatures: {}", waiting(&tally)),
            None => format!("release {seq}"),
        },
        Standing::Void(void) => format!("no approval counts: {}", void_text(void)),
        Standing::Rejected(by) => format!("rejected by {by}"),
        Standing::Open => waiting(&tally(clone, change)?),
    })
}

/// What the signatures of a release in force come to, if they are not enough any more (D37).
fn lost(clone: &Clone, change: &Change) -> Result<Option<Tally>, Failure> {
    let Status::Released(seq) = change.status else { return Ok(None) };
    let head = releases::head(&clone.repo, &change.environment)?;
    let id = change.current().map(|last| Digest::of(&last.statement));
    if head.last != id.map(|id| (seq, id)) {
        return Ok(None);
    }
    Ok(Some(tally_of_release(clone, change, seq)?).filter(|tally| !tally.met))
}

/// How far the signatures of the release that a change became go.
pub(super) fn tally_of_release(clone: &Clone, change: &Change, seq: u64) -> Result<Tally, Failure> {
    let record = releases::read(&clone.repo, &change.environment, seq)?;
    let signatures: Vec<String> = record.signatures.into_iter().map(|(_, signature)| signature).collect();
    let withdrawn = clone.withdrawn(&change.environment)?;
    Ok(check_threshold(&clone.root, &withdrawn, &record.release, &signatures)?)
}

/// How far the approvals of the last patchset go.
pub(super) fn tally(clone: &Clone, change: &Change) -> Result<Tally, Failure> {
    let Some(last) = change.current() else { return Err(Failure::refused("a change without a patchset")) };
    let release: Release = document::read_untrusted(&last.statement)?;
    let signatures: Vec<String> = last.approvals.iter().map(|(_, signature)| signature.clone()).collect();
    Ok(check_threshold(&clone.root, &clone.withdrawn(&change.environment)?, &release, &signatures)?)
}

fn waiting(tally: &Tally) -> String {
    let signed = if tally.signed.is_empty() {
        "nobody signed".into()
    } else {
        format!("signed by {}", crate::model::Principal::list(&tally.signed))
    };
    format!("{signed}; missing {}", missing(&tally.missing))
}

/// What is missing, in words.
pub(super) fn missing(missing: &[Missing]) -> String {
    if missing.is_empty() {
        return "nobody".into();
    }
    let one = |m: &Missing| format!("{} of role `{}`", m.count, m.role);
    missing.iter().map(one).collect::<Vec<_>>().join(" and ")
}
