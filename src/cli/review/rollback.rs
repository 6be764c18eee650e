//! `rollback`: the content of an old release, proposed as a new change and reviewed like any other.

use super::RollbackArgs;
use super::clone::Clone;
use crate::cli::{Failure, Outcome, Ui, clock, random};
use crate::repo::{NewCommit, Push};
use crate::review::message;
use crate::server::gate::releases;

/// Runs the command.
pub(super) fn run(args: &RollbackArgs, ui: &mut Ui) -> Outcome {
    let clone = Clone::open()?;
    let (environment, seq) = (&args.environment, args.seq);
    let old = releases::read(&clone.repo, environment, seq)?;
    let head = releases::head(&clone.repo, environment)?;
    let (Some(head), true) = (head.commit, head.last.is_some_and(|(last, _)| last != seq)) else {
        return Err(Failure::refused(format!("release {seq} is what `{environment}` has now")));
    };
    let why = args.message.as_deref().map_or_else(String::new, |text| format!(": {text}"));
    let subject = format!("Roll back to release {seq}{why}\n");
    let id = format!("I{}", crate::model::digest::hex(&random::bytes()?[..20]));
    let message = message::with_change_id(&subject, &id);
    let files = clone.repo.read_tree(old.release.commit.parse()?, crate::repo::Limits::SITE)?;
    let new = NewCommit { files: &files, parents: &[head], message: &message, time: clock::now() };
    let commit = clone.repo.write_commit(&new)?;
    let refspec = format!("{commit}:refs/for/{environment}");
    ui.flush()?;
    clone.repo.push(&Push { remote: "origin", refspec: &refspec, options: &[format!("rollback={seq}")] })?;
    Ok(0)
}
