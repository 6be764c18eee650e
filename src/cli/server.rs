//! Commands on the server: `server init`, `server trust`, `serve`.

use super::{Failure, Outcome, Ui, clock};
use crate::model::EnvName;
use crate::repo::restrict;
use crate::server::{self, Foundation, Layout, Limits, Server, ServerError, Serving, Timestamps, TrustError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// The commands.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make a server, and tell it whom to trust.
    #[command(subcommand)]
    Server(ServerCommand),
    /// Serve agents and operators until a signal says stop.
    Serve(ServeArgs),
    /// The timestamp role, which says how fresh a release is.
    #[command(subcommand)]
    Timestamp(TimestampCommand),
}

/// The commands of the timestamp role.
#[derive(Debug, clap::Subcommand)]
pub(super) enum TimestampCommand {
    /// Sign timestamps until a signal says stop, beside a server that was started with `--no-timestamps`.
    Serve {
        /// The server's directory; of its keys, only `timestamp/key` is read.
        directory: PathBuf,
        /// What is logged.
        #[arg(long, default_value = "info")]
        log: String,
    },
}

/// The commands of the server group.
#[derive(Debug, clap::Subcommand)]
pub(super) enum ServerCommand {
    /// Make a server in an empty directory: repository, certificate authorities, timestamp key, database.
    Init {
        /// The directory; made if it is not there.
        directory: PathBuf,
        /// A name or address by which agents reach the server; may be given several times.
        #[arg(long = "name", default_value = "localhost")]
        names: Vec<String>,
        /// The environment that clones check out.
        #[arg(long, default_value = "production")]
        environment: EnvName,
    },
    /// Install a signed trust root, or a newer version of it.
    Trust {
        /// The server's directory.
        directory: PathBuf,
        /// The directory that `trust init` wrote and reviewers signed.
        trust: PathBuf,
    },
    /// Serve one `git fetch`, or one `git push` within limits of memory and time, and nothing else: for sshd's
    /// `ForceCommand`, or `command="countersign server git DIR",restrict` in `authorized_keys`.
    Git {
        /// The server's directory.
        directory: PathBuf,
    },
}

/// What `serve` is told.
#[derive(Debug, clap::Args)]
pub(super) struct ServeArgs {
    /// The server's directory.
    directory: PathBuf,
    /// Address and port.
    #[arg(long, default_value = "0.0.0.0:8140")]
    listen: SocketAddr,
    /// What is logged, for example `debug` or `countersign::server=debug`.
    #[arg(long, default_value = "info")]
    log: String,
    /// Sign no timestamps: `countersign timestamp serve` does, perhaps as another user.
    #[arg(long)]
    no_timestamps: bool,
}

/// Runs the command.
pub(super) fn run(command: Command, ui: &mut Ui) -> Outcome {
    match command {
        Command::Server(ServerCommand::Init { directory, names, environment }) => {
            init(&directory, (names, environment), ui)
        }
        Command::Server(ServerCommand::Trust { directory, trust }) => install_trust(&directory, &trust, ui),
        Command::Server(ServerCommand::Git { directory }) => serve_git(&directory),
        Command::Serve(args) => serve(&args, ui),
        Command::Timestamp(TimestampCommand::Serve { directory, log }) => {
            sign_timestamps(&directory, &log, ui)
        }
    }
}

/// A runtime for the commands that use the server's parts.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::from)
}

fn init(directory: &Path, (names, environment): (Vec<String>, EnvName), ui: &mut Ui) -> Outcome {
    let program = std::env::current_exe()?;
    let foundation = Foundation { names, branch: environment.as_str(), program: &program, now: clock::now() };
    let made = runtime()?.block_on(server::init(directory, &foundation));
    let layout = made.map_err(|error| init_failure(&error))?;
    let shown = directory.display();
    ui.line(format_args!("Made a server in {shown}."))?;
    ui.line(format_args!("  repository     {}", layout.repository().display()))?;
    ui.line(format_args!("  timestamp key  {}", layout.timestamp_public_key().display()))?;
    ui.line(format_args!("  authorities    {}", layout.tls().display()))?;
    ui.line("Next:")?;
    ui.line(format_args!(
        "  countersign trust init --server {shown} --out trust --reviewer alice=alice.pub --reviewer bob=bob.pub --threshold 2"
    ))?;
    ui.line("  countersign trust sign trust --key alice    (each of the reviewers)")?;
    ui.line(format_args!("  countersign server trust {shown} trust"))?;
    ui.line(format_args!("  countersign serve {shown}"))?;
    Ok(0)
}

fn init_failure(error: &ServerError) -> Failure {
    let failure = Failure::from_error(error);
    match error {
        ServerError::NotEmpty(_) => failure.hint("choose a directory that is empty or not there yet"),
        ServerError::HostName(_) => {
            failure.hint("give a name such as `--name puppet.example`, or an address")
        }
        _ => failure,
    }
}

fn install_trust(directory: &Path, trust: &Path, ui: &mut Ui) -> Outcome {
    let installed = server::install(&Layout::new(directory), trust, clock::now());
    let root = installed.map_err(|error| trust_failure(&error, trust))?;
    ui.line(format_args!("Installed version {} of the trust root.", root.version()))?;
    let pinned = server::Config::load(&Layout::new(directory).config())?.root;
    if let Some(pinned) = pinned {
        ui.line(format_args!("Agents and clones pin its first version: {pinned}"))?;
    }
    ui.line("Next:")?;
    ui.line(format_args!("  countersign serve {}", directory.display()))?;
    Ok(0)
}

fn trust_failure(error: &TrustError, trust: &Path) -> Failure {
    let failure = Failure::from_error(error);
    let shown = trust.display();
    match error {
        TrustError::Refused { .. } | TrustError::Revocations(_) => {
            failure.hint(format!("countersign trust show {shown}"))
        }
        TrustError::Missing { .. } => failure.hint(format!("countersign trust init --out {shown} …")),
        TrustError::Expired { .. } => failure.hint(format!("countersign trust renew --trust {shown}")),
        TrustError::OtherServer(_) => {
            failure.hint("make and sign a new version with `countersign trust init --server DIR …`")
        }
        TrustError::NotInstalled
        | TrustError::Older { .. }
        | TrustError::SignatureName(_)
        | TrustError::Path(_)
        | TrustError::Publish(_)
        | TrustError::Repo(_)
        | TrustError::Server(_) => failure,
    }
}

/// Becomes git, or says why not.
fn serve_git(directory: &Path) -> Outcome {
    let asked = std::env::var("SSH_ORIGINAL_COMMAND").unwrap_or_default();
    let failure = Failure::from_error(&restrict::serve(directory, &asked));
    Err(failure.hint("git clone USER@SERVER:DIR/site.git"))
}

fn serve(args: &ServeArgs, ui: &mut Ui) -> Outcome {
    log(&args.log)?;
    let serving = Serving {
        layout: Layout::new(&args.directory),
        listen: args.listen,
        limits: Limits::default(),
        clock: clock::now,
        timestamps: !args.no_timestamps,
    };
    runtime()?.block_on(async {
        let stop = stopped()?;
        let server = Server::bind(serving).await.map_err(|error| {
            let failure = Failure::from_error(&error);
            match &error {
                ServerError::Io { .. } => {
                    failure.hint(format!("countersign server init {}", args.directory.display()))
                }
                _ => failure,
            }
        })?;
        ui.line(format_args!("Listening on https://{}", server.address()))?;
        ui.raw(b"")?;
        server.run(stop).await;
        Ok(0)
    })
}

fn sign_timestamps(directory: &Path, filter: &str, ui: &mut Ui) -> Outcome {
    log(filter)?;
    runtime()?.block_on(async {
        let stop = stopped()?;
        let opened = Timestamps::open(Layout::new(directory), clock::now).await;
        let timestamps = opened.map_err(|error| {
            Failure::from_error(&error).hint(format!("countersign server init {}", directory.display()))
        })?;
        ui.line("Signing timestamps")?;
        ui.raw(b"")?;
        timestamps.run(stop).await;
        Ok(0)
    })
}

/// Ready when a signal says stop.
fn stopped() -> Result<impl Future<Output = ()>, Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

fn log(filter: &str) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| Failure::usage(format!("`--log {filter}` makes no sense: {error}")))?;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    subscriber.with_ansi(false).try_init().map_err(|error| Failure::refused(error.to_string()))
}
