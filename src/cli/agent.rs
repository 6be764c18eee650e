//! Commands of the agent on this node: join, run, stay, tell.

mod backup;
mod enrolling;
mod log;
mod running;
mod settings;
mod telling;

use super::{Failure, Outcome, Ui, duration};
use crate::agent::disk::Disk;
use crate::model::{Digest, EnvName, NodeName, Stamp};
use std::path::PathBuf;
use std::time::Duration;

/// The commands.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Join: verify the trust root by its digest, make keys, ask the server for a certificate.
    Enroll(EnrollArgs),
    /// Print the fingerprint of this node's key; `node list` on the server shows the same.
    Fingerprint(Place),
    /// Print the key that secrets are sealed to, as a line for this node's file in the site; make it if there is none.
    SealingKey(SealingKeyArgs),
    /// Run once: verify the newest release, apply it, report.
    Run(RunArgs),
    /// Run as a daemon orders on standard input: how `agent daemon` has its runs done.
    #[command(name = crate::agent::daemon::COMMAND, hide = true)]
    RunOrdered(Place),
    /// Stay and run at every interval and whenever an operator pushes.
    Daemon(DaemonArgs),
    /// What the agent is doing and when it last ran.
    Status(StatusArgs),
    /// Let the agent run again.
    Enable(Place),
    /// Keep the agent from running.
    Disable(DisableArgs),
    /// Go on enforcing the accepted release although no fresh word comes from a server: once, for 30 days at most.
    Hold(HoldArgs),
    /// The release that failed its health checks here, and the word that it is tried once more.
    Quarantine(QuarantineArgs),
    /// What files were before the agent changed them, where `backup = "bucket"` says so.
    #[command(subcommand)]
    Backup(backup::Command),
    /// Print what this node says of itself.
    Facts(FactsArgs),
    /// Check what a server or directory offers this node, and apply nothing.
    Verify(VerifyArgs),
}

/// Where the agent keeps its keys and state.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Place {
    /// The agent's directory.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/countersign/agent")]
    state: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(super) struct EnrollArgs {
    /// The server.
    #[arg(long, value_name = "URL")]
    server: String,
    /// The digest of the first trust root, from somebody you trust; `countersign trust show` prints it.
    #[arg(long, value_name = "DIGEST")]
    root_digest: Digest,
    /// The name of this node [default: the host name].
    #[arg(long)]
    name: Option<NodeName>,
    /// The environment that this node follows.
    #[arg(long, default_value = "production")]
    environment: EnvName,
    /// A one-time token from `countersign node token`.
    #[arg(long)]
    token: Option<String>,
    /// How long to wait until somebody accepts the node.
    #[arg(long, value_name = "TIME", value_parser = duration::parse, default_value = "0")]
    wait: Duration,
    /// The certificate of the server's authority, to be strict before the trust root is known too.
    #[arg(long, value_name = "FILE")]
    server_ca: Option<PathBuf>,
    /// Begin anew where the state is damaged. The agent forgets which releases it has seen.
    #[arg(long)]
    reset: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, clap::Args)]
pub(super) struct SealingKeyArgs {
    /// Make another key. Until the next rotation the one before still opens what is sealed to it.
    #[arg(long)]
    rotate: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 nothing to do, 2 changes, 4 failures, 6 both, 8 changes pending under --noop,\n\
    1 not attempted, refused, or only the release on disk could be enforced,\n\
    16 news may be held back: the timestamp, the release or the trust root has expired (and nothing failed)."
)]
pub(super) struct RunArgs {
    /// Say more, and use nothing from disk when the server offers nothing acceptable.
    #[arg(short, long)]
    test: bool,
    /// Change nothing, only say what would be changed.
    #[arg(long)]
    noop: bool,
    /// Only resources with one of these tags.
    #[arg(long, value_name = "TAGS", value_delimiter = ',')]
    tags: Vec<String>,
    /// No resources with one of these tags.
    #[arg(long, value_name = "TAGS", value_delimiter = ',')]
    skip_tags: Vec<String>,
    /// Look at every resource, whatever its schedule says.
    #[arg(long)]
    ignore_schedules: bool,
    /// Say progress too.
    #[arg(short, long)]
    verbose: bool,
    /// Say everything.
    #[arg(long)]
    debug: bool,
    /// How long to wait for another run to end.
    #[arg(long, value_name = "TIME", value_parser = duration::parse, default_value = "0")]
    wait_for_lock: Duration,
    #[command(flatten)]
    course: CourseArgs,
    #[command(flatten)]
    place: Place,
}

/// What single runs and those of the daemon share.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct CourseArgs {
    /// The root directory of the node, where it is not this machine's own.
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
    /// How long fetching may take [default: 5m].
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    fetch_timeout: Option<Duration>,
    /// How long a whole run may take, 0 is without end; what runs then is ended, the rest is not reached [default: 1h].
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    run_timeout: Option<Duration>,
    /// The agent's settings [default: /etc/countersign/agent.toml, where there is one].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Clone, clap::Args)]
#[command(
    after_help = "The file of settings may say interval, splay, noop, watch, fetch_timeout and run_timeout, as in\n\
    `interval = \"1h\"`; the command line comes first. `summary` and `textfile` name files that every run writes for\n\
    monitoring (JSON, and metrics for Prometheus); `syslog = true` hands notices and worse to the system's log.\n\n\
    Signals: USR1 runs now, HUP reads the settings again, TERM finishes the resource at hand and ends."
)]
pub(super) struct DaemonArgs {
    /// Time between runs [default: 30m].
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    interval: Option<Duration>,
    /// Run when the interval begins, not at this node's own slot in it.
    #[arg(long)]
    no_splay: bool,
    /// Only look in every run.
    #[arg(long)]
    noop: bool,
    /// Watch the files that the release manages, and put back at once what something else changes.
    #[arg(long)]
    watch: bool,
    /// Say progress too.
    #[arg(short, long)]
    verbose: bool,
    /// Say everything.
    #[arg(long)]
    debug: bool,
    #[command(flatten)]
    course: CourseArgs,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, clap::Args)]
pub(super) struct StatusArgs {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, clap::Args)]
pub(super) struct DisableArgs {
    /// Why. Whoever wants to run the agent reads it.
    #[arg(default_value = crate::agent::disable::NO_REASON)]
    reason: String,
    /// Who says so; reports and `node list` show it [default: you].
    #[arg(long, value_name = "NAME", default_value_t = settings::person(), hide_default_value = true)]
    owner: String,
    /// For how long [default: until it is enabled].
    #[arg(long = "for", value_name = "TIME", value_parser = duration::parse)]
    duration: Option<Duration>,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "A release that has itself expired is not brought back. A fresh timestamp ends the hold. Each run and its\n\
    report say that the node is held, until when and why."
)]
pub(super) struct HoldArgs {
    /// When the hold ends, for example `2026-05-31T12:00:00Z`.
    #[arg(long, value_name = "TIME", required_unless_present = "end")]
    until: Option<Stamp>,
    /// Why. It is in every report.
    #[arg(long, required_unless_present = "end")]
    reason: Option<String>,
    /// End it now. There is no second one before a fresh timestamp has come.
    #[arg(long, conflicts_with_all = ["until", "reason"])]
    end: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "A release whose health checks fail again is in quarantine again. Each run that applies it by this word\n\
    says so in its log and report. What was put right elsewhere needs no release of its own then."
)]
pub(super) struct QuarantineArgs {
    /// Let the release be applied here once more.
    #[arg(long, requires = "reason")]
    lift: bool,
    /// Why. It is in every report.
    #[arg(long, value_name = "TEXT", requires = "lift")]
    reason: Option<String>,
    /// Who says so [default: you].
    #[arg(long, value_name = "NAME", default_value_t = settings::person(), hide_default_value = true)]
    owner: String,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, clap::Args)]
pub(super) struct FactsArgs {
    /// Only this fact, for example `os.family`.
    path: Option<crate::model::FactPath>,
    /// The root directory of the node, where it is not this machine's own.
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(super) struct VerifyArgs {
    /// A server, or a directory with a publication.
    #[arg(long, value_name = "URL|DIR")]
    base: String,
    /// Judge as if it were this time.
    #[arg(long, value_name = "TIME")]
    at: Option<Stamp>,
    #[command(flatten)]
    place: Place,
}

/// Runs the command.
pub(super) fn run(command: Command, ui: &mut Ui) -> Outcome {
    match command {
        Command::Enroll(args) => enrolling::enroll(&args, ui),
        Command::Fingerprint(place) => enrolling::fingerprint(&place, ui),
        Command::SealingKey(args) => enrolling::sealing_key(&args, ui),
        Command::Run(args) => running::run(&args, ui),
        Command::RunOrdered(place) => running::run_ordered(&place),
        Command::Daemon(args) => running::daemon(&args),
        Command::Status(args) => telling::status(&args, ui),
        Command::Enable(place) => telling::enable(&place, ui),
        Command::Disable(args) => telling::disable(&args, ui),
        Command::Hold(args) => telling::hold(&args, ui),
        Command::Quarantine(args) => telling::quarantine(&args, ui),
        Command::Backup(command) => backup::run(command, ui),
        Command::Facts(args) => telling::facts(&args, ui),
        Command::Verify(args) => telling::verify(&args, ui),
    }
}

fn open(place: &Place) -> Result<Disk, Failure> {
    Disk::open(&place.state).map_err(|error| Failure::from(error).hint(JOIN))
}

/// What comes next where there is no agent yet.
const JOIN: &str = "countersign agent enroll --server URL --root-digest sha256:…";
/// What comes next where the state is damaged.
const RESET: &str =
    "countersign agent enroll --reset --server URL --root-digest sha256:… (forgets which releases were seen)";
