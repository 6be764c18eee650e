//! `countersign demo`: the main job on this machine, with real processes, in one temporary directory.
//!
//! It shows what a user would type and see, and ends with a table of what was accepted and what was refused.
//! It fails when anything went otherwise than told.

mod attacks;
mod change;
mod prepare;
mod refusals;
mod stage;
mod stock;
mod world;

use super::{Failure, Outcome, Ui};
use prepare::Fleet;
use stage::Stage;
use std::path::PathBuf;
use world::World;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The site to show; the example site by default.
    #[arg(long, value_name = "DIR")]
    site: Option<PathBuf>,
    /// Keep the directory with everything in it.
    #[arg(long)]
    keep: bool,
}

/// Where the example site is: in a checkout, or where the package puts it.
const EXAMPLES: [&str; 2] = ["examples/site", "/usr/share/countersign/examples/site"];

/// Runs the command.
pub(super) fn run(args: Args, ui: &mut Ui) -> Outcome {
    let site = example(args.site)?;
    let directory = tempfile::Builder::new().prefix("countersign-demo-").tempdir()?;
    let world = World::new(directory.path().to_owned())?;
    let mut stage = Stage::new(ui);
    let good = play(world, &site, &mut stage)?;
    stage.act("What to try next")?;
    stage.say("countersign site new mysite      a site of your own")?;
    stage.say("countersign lint examples/site   what the policy says")?;
    stage.say("countersign policy list          what it looks for")?;
    if args.keep {
        stage.say(&format!("everything is in {}", directory.keep().display()))?;
    }
    if good { Ok(0) } else { Err(Failure::refused("the demo did not go as told: see the table")) }
}

fn play(world: World, site: &std::path::Path, stage: &mut Stage<'_>) -> Result<bool, Failure> {
    let mut fleet: Fleet = prepare::prepare(world, site, stage)?;
    change::good_change(&mut fleet, stage)?;
    refusals::at_push(&fleet, stage)?;
    refusals::self_approval(&fleet, stage)?;
    change::drift(&fleet, stage)?;
    stock::agree(&fleet, stage)?;
    attacks::evil_server(&mut fleet, stage)?;
    stage.table()
}

fn example(given: Option<PathBuf>) -> Result<PathBuf, Failure> {
    let found = given.or_else(|| EXAMPLES.iter().map(PathBuf::from).find(|path| path.exists()));
    let found = found.filter(|path| path.join("countersign.toml").exists());
    found.ok_or_else(|| Failure::usage("there is no site to show here").hint("countersign demo --site DIR"))
}
