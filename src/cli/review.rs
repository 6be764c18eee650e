//! Commands for reviewers: review, approve, release, rollback.

mod again;
mod approve;
pub(super) mod clone;
mod examine;
mod history;
mod ledger;
mod list;
mod note;
mod ratify;
mod release;
mod rollback;
mod show;
mod summary;
mod withdraw;

use super::{Outcome, Ui};
use crate::model::EnvName;
use std::path::PathBuf;

/// The commands.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Look at changes and say what you think of them.
    #[command(subcommand)]
    Review(Review),
    /// Check a change on this machine and sign exactly what it releases.
    Approve(ApproveArgs),
    /// Take back your signature on a change. It never counts again, on no node.
    Withdraw(WithdrawArgs),
    /// Take over an emergency release, so that it lasts.
    Ratify(RatifyArgs),
    /// Look at releases.
    #[command(subcommand)]
    Release(Release),
    /// Propose the content of an earlier release again.
    Rollback(RollbackArgs),
}

/// What can be done with changes.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Review {
    /// Changes that wait for somebody.
    List {
        /// Released ones too.
        #[arg(long)]
        all: bool,
    },
    /// What a change is, what it does, who signed and who is missing.
    Show {
        /// Its number.
        change: u64,
    },
    /// What a change does on each node, and what changes in its source.
    Diff {
        /// Its number.
        change: u64,
    },
    /// Say something about a change, signed.
    Comment {
        /// Its number.
        change: u64,
        /// What you say.
        #[arg(short, long, value_name = "TEXT")]
        message: String,
        /// The file that you mean, with a line number if you like.
        #[arg(long, value_name = "PATH[:LINE]")]
        at: Option<String>,
    },
    /// Say that a change must not be released as it is, signed.
    Reject {
        /// Its number.
        change: u64,
        /// Why.
        #[arg(short, long, value_name = "TEXT")]
        message: String,
    },
}

/// What to approve.
#[derive(Debug, clap::Args)]
pub(super) struct ApproveArgs {
    /// The number of the change.
    change: u64,
    /// Do not ask before signing.
    #[arg(long)]
    yes: bool,
    /// Sign at once what a rebase made of a patchset that you signed, if its source change and its effect are the same.
    #[arg(long)]
    again: bool,
    /// A copy of the server's directory `publish`: take the way from the log that you saw to the present one from there,
    /// where the repository does not have all of it.
    #[arg(long, value_name = "COPY")]
    log: Option<PathBuf>,
}

/// Which signature to take back.
#[derive(Debug, clap::Args)]
pub(super) struct WithdrawArgs {
    /// The number of the change.
    change: u64,
    /// The patchset; by default the last one that you signed.
    #[arg(long, value_name = "NUMBER")]
    patchset: Option<u32>,
    /// Why.
    #[arg(short, long, value_name = "TEXT")]
    message: String,
    /// Do not ask before signing.
    #[arg(long)]
    yes: bool,
}

/// Which emergency release to take over.
#[derive(Debug, clap::Args)]
pub(super) struct RatifyArgs {
    /// Its serial.
    seq: u64,
    /// Its environment.
    #[arg(long, default_value = "production")]
    environment: EnvName,
    /// Do not ask before signing.
    #[arg(long)]
    yes: bool,
    /// A copy of the server's directory `publish`, as for `approve`.
    #[arg(long, value_name = "COPY")]
    log: Option<PathBuf>,
}

/// What can be done with releases.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Release {
    /// All releases, the newest first.
    List,
    /// What a release is and who signed it.
    Show(ReleaseArgs),
    /// Check the signatures of a release and the chain behind it, and compile its catalogs again.
    Verify(ReleaseArgs),
}

/// Which release.
#[derive(Debug, clap::Args)]
pub(super) struct ReleaseArgs {
    /// Its serial.
    seq: u64,
    /// Its environment.
    #[arg(long, default_value = "production")]
    environment: EnvName,
}

/// What to go back to.
#[derive(Debug, clap::Args)]
pub(super) struct RollbackArgs {
    /// The serial of the release.
    seq: u64,
    /// Its environment.
    #[arg(long, default_value = "production")]
    environment: EnvName,
    /// Why.
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
}

/// Runs the command.
pub(super) fn run(command: Command, ui: &mut Ui) -> Outcome {
    match command {
        Command::Review(Review::List { all }) => {
            list::run(if all { list::Which::All } else { list::Which::Open }, ui)
        }
        Command::Review(Review::Show { change }) => show::run(change, show::Part::Summary, ui),
        Command::Review(Review::Diff { change }) => show::run(change, show::Part::Diff, ui),
        Command::Review(Review::Comment { change, message, at }) => {
            note::run(note::Words { at, ..note::Words::comment(change, message) }, ui)
        }
        Command::Review(Review::Reject { change, message }) => {
            note::run(note::Words::reject(change, message), ui)
        }
        Command::Approve(args) => approve::run(&args, ui),
        Command::Ratify(args) => ratify::run(&args, ui),
        Command::Withdraw(args) => withdraw::run(&args, ui),
        Command::Release(Release::List) => release::list(ui),
        Command::Release(Release::Show(args)) => release::show(&args, ui),
        Command::Release(Release::Verify(args)) => release::verify(&args, ui),
        Command::Rollback(args) => rollback::run(&args, ui),
    }
}
