//! What git runs: `pre-receive` and `proc-receive` on the server, `commit-msg` in clones.

use super::{Failure, Outcome, Ui};
use super::{clock, random};
use crate::policy::report::{self, Style};
use crate::repo::receive::{self, PushCommand, Verdict};
use crate::repo::restrict::{self, Bounds, HOOK_TIME};
use crate::repo::{Id, Repo};
use crate::review::message;
use crate::server::gate::{self, Answer, Desk, GateError, Push, ticket::Ticket};
use crate::store::Publication;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The commands.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Judge a push before its objects are taken.
    PreReceive {
        /// Judge a planted commit instead, and never admit it: the server asks at its start whether this sees it.
        #[arg(long)]
        self_test: bool,
    },
    /// Carry out an admitted push.
    ProcReceive,
    /// Give a commit message its Change-Id.
    CommitMsg {
        /// The file with the message.
        file: PathBuf,
    },
}

/// Runs the command.
pub(super) fn run(command: Command, ui: &mut Ui) -> Outcome {
    match command {
        Command::PreReceive { self_test: false } => within_limits().and_then(|()| pre_receive(ui)),
        Command::PreReceive { self_test: true } => within_limits().and_then(|()| self_test(ui)),
        Command::ProcReceive => within_limits().and_then(|()| proc_receive(ui)),
        Command::CommitMsg { file } => commit_msg(&file),
    }
}

/// A push that asks for too much memory or time ends its hook, and is refused by that (D19, D20).
fn within_limits() -> Result<(), Failure> {
    restrict::within(Bounds::PUSH)?;
    // Tests have no five minutes; a shorter time harms nobody but who sets it.
    let asked = std::env::var("COUNTERSIGN_HOOK_SECONDS").ok().and_then(|text| text.parse().ok());
    let time = asked.map_or(HOOK_TIME, |seconds| HOOK_TIME.min(Duration::from_secs(seconds)));
    restrict::watch(time, move || {
        Ui::standard()
            .note(format_args!("the push is refused: its hook took more than {} seconds", time.as_secs()));
    });
    Ok(())
}

/// Exit code of a self-test that found nothing wrong with what is wrong.
const BLIND: u8 = 3;

fn self_test(ui: &mut Ui) -> Outcome {
    let repo = Repo::from_env()?;
    let judged = gate::judge_planted(&repo, &receive::commands(io::stdin().lock())?, clock::now());
    match judged {
        Err(error) => Err(refusal(ui, &error)),
        Ok(()) => Ok(BLIND),
    }
}

fn pre_receive(ui: &mut Ui) -> Outcome {
    let repo = Repo::from_env()?;
    let push = Push {
        commands: receive::commands(io::stdin().lock())?,
        options: receive::push_options(),
        certificate: receive::certificate_check()?,
    };
    let admitted = gate::admit(&repo, &push, clock::now());
    let ticket = admitted.map_err(|error| refusal(ui, &error))?;
    repo.hand_over(&serde_json::to_vec(&ticket)?)?;
    Ok(0)
}

/// Findings are printed in full; the error itself comes last, where people look.
fn refusal(ui: &mut Ui, error: &GateError) -> Failure {
    if let GateError::Findings { findings, tree } = error {
        let source = |path: &str| tree.get(path).and_then(|bytes| std::str::from_utf8(bytes).ok());
        ui.note(format_args!("\n{}", report::text(findings, &source, Style::Plain)));
    }
    let failure = Failure::from_error(error);
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn proc_receive(ui: &mut Ui) -> Outcome {
    let commands = receive::converse(io::stdin().lock(), io::stdout().lock())?;
    let verdicts: Vec<(PushCommand, Verdict)> =
        commands.into_iter().map(|command| one(command, ui)).collect();
    receive::answer(io::stdout().lock(), &verdicts)?;
    Ok(0)
}

fn one(command: PushCommand, ui: &mut Ui) -> (PushCommand, Verdict) {
    let verdict = match carry_out(&command) {
        Ok(Answer { verdict, text }) => {
            ui.note(text.trim_end());
            verdict
        }
        Err(error) => {
            let failure = refusal(ui, &error);
            ui.note(&failure);
            Verdict::Refused("refused, see above".into())
        }
    };
    (command, verdict)
}

fn carry_out(command: &PushCommand) -> Result<Answer, GateError> {
    let repo = Repo::from_env()?;
    let ticket: Ticket = serde_json::from_slice(&repo.take_over()?)?;
    // The hooks of one push must be about one push.
    if ticket.target != command.name || ticket.commit.parse::<Id>()? != command.new {
        return Err(GateError::NoReview);
    }
    let _lock = repo.lock()?;
    let publication = publication(&repo)?;
    let desk = Desk { repo: &repo, publication: &publication, now: clock::now(), salt: random::bytes()? };
    gate::take_in(&desk, &ticket)
}

/// The publication directory beside the repository.
fn publication(repo: &Repo) -> Result<Publication, GateError> {
    let path = repo.path().canonicalize().unwrap_or_else(|_| repo.path().to_owned());
    let server = path.parent().unwrap_or(Path::new("."));
    Ok(Publication::open(&server.join("publish"))?)
}

fn commit_msg(file: &Path) -> Outcome {
    let text = std::fs::read_to_string(file).map_err(|cause| Failure::io("cannot read", file, &cause))?;
    let random: [u8; 32] = random::bytes()?;
    let id = format!("I{}", crate::model::digest::hex(&random[..20]));
    let with_id = message::with_change_id(&text, &id);
    if with_id != text {
        std::fs::write(file, with_id).map_err(|cause| Failure::io("cannot write", file, &cause))?;
    }
    Ok(0)
}
