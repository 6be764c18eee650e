//! Arguments, rendering and exit codes. The only place that prints.
//!
//! Each file holds the commands of one group: their arguments and a `run` that calls the cores.

mod agent;
mod audit;
mod clock;
mod counted;
mod demo;
mod describe;
mod duration;
mod hook;
mod keys;
mod lint;
mod node;
mod policy;
mod push;
mod random;
mod resource;
mod review;
mod schema;
mod secret;
mod server;
mod setup;
mod site;
mod trust;
mod ui;

pub use ui::{Failure, Kind, Outcome, Ui};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;
use std::process::ExitCode;

/// Change-gated configuration: nothing runs on a node unless the required people signed exactly that.
#[derive(Debug, Parser)]
#[command(name = "countersign", version, propagate_version = true, after_help = EXIT_CODES)]
struct Cli {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 refused or failed, 64 wrong usage.
`agent run` also has 2 changes, 4 failures, 6 both, 8 changes pending under --noop; `trust status` 2 where something is to be done.";

#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Site(site::Command),
    /// Hold a site, or a list of commands, against the policy.
    Lint(lint::Args),
    /// Rules of the lint policy.
    #[command(subcommand)]
    Policy(policy::Command),
    /// Show what a module may say of each resource type.
    Describe(describe::Args),
    /// Show what is on this machine, as a module that says so.
    Resource(resource::Args),
    /// JSON Schemas of a site's files, for editors.
    Schema(schema::Args),
    /// Secrets: sealed to the nodes that need them, opened nowhere else.
    #[command(subcommand)]
    Secret(secret::Command),
    /// Prepare this clone for pushing and reviewing.
    Setup(setup::Args),
    #[command(flatten)]
    Review(review::Command),
    /// The trust root: who may sign what.
    #[command(subcommand)]
    Trust(trust::Command),
    #[command(flatten)]
    Server(server::Command),
    /// Nodes that the server knows.
    #[command(subcommand)]
    Node(node::Command),
    /// The agent on this node.
    #[command(subcommand)]
    Agent(agent::Command),
    /// The record of who signed what: whether it is whole, and what it says.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Ask nodes to run now.
    Push(push::Args),
    /// The main job on this machine, in a temporary directory: see it work, see attacks refused.
    Demo(demo::Args),
    /// Run by git; see `hooks/`.
    #[command(subcommand, hide = true)]
    Hook(hook::Command),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a directory.
    Man {
        /// The directory; made if it is not there.
        directory: std::path::PathBuf,
    },
}

/// Runs the program with `args` (the first is its name) and returns the exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut ui = Ui::standard();
    let matches = match Cli::command().try_get_matches_from(args) {
        Ok(matches) => matches,
        Err(error) => return ui.usage(&error),
    };
    let outcome = match Cli::from_arg_matches(&matches) {
        Ok(cli) => run(cli.command, &mut ui),
        Err(error) => return ui.usage(&error),
    };
    ui.finish(outcome)
}

fn run(command: Command, ui: &mut Ui) -> Outcome {
    match command {
        Command::Site(command) => site::run(command, ui),
        Command::Lint(args) => lint::run(&args, ui),
        Command::Policy(command) => policy::run(command, ui),
        Command::Describe(args) => describe::run(&args, ui),
        Command::Resource(args) => resource::run(&args, ui),
        Command::Schema(args) => schema::run(&args, ui),
        Command::Secret(command) => secret::run(command, ui),
        Command::Setup(args) => setup::run(args, ui),
        Command::Review(command) => review::run(command, ui),
        Command::Trust(command) => trust::run(command, ui),
        Command::Server(command) => server::run(command, ui),
        Command::Node(command) => node::run(command, ui),
        Command::Agent(command) => agent::run(command, ui),
        Command::Audit(command) => audit::run(command, ui),
        Command::Push(args) => push::run(args, ui),
        Command::Demo(args) => demo::run(args, ui),
        Command::Hook(command) => hook::run(command, ui),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "countersign", &mut script);
            ui.raw(&script)
        }
        Command::Man { directory } => {
            std::fs::create_dir_all(&directory)
                .and_then(|()| clap_mangen::generate_to(Cli::command(), &directory))
                .map_err(|cause| Failure::io("cannot write manual pages into", &directory, &cause))?;
            Ok(0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
