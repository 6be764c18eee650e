//! Commands on the secrets of a site: seal, reseal, list, check.
//!
//! The value comes from a terminal without echo or from standard input, never from the command line, and goes
//! nowhere but into sealed values. The keys are those of the reviewed inventory, never a server's.

mod ask;
mod file;
mod reviewed;

use super::counted::counted;
use super::{Failure, Outcome, Ui, site};
use crate::model::{EnvName, NodeName, SecretName, secret};
use crate::module::{Need, Seal, Site};
use reviewed::Reviewed;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// The commands.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Seal a value for the nodes that need it, and write `data/secrets/NAME.toml`.
    Seal(SealArgs),
    /// Seal again what is missing or sealed to a key that a node had before; asks for each value once.
    Reseal(ResealArgs),
    /// Which secrets nodes need, and whether each can open them.
    List(Place),
    /// Fail where a node could not open a secret that it needs.
    Check(Place),
}

/// Where the site is.
#[derive(Debug, clap::Args)]
pub(super) struct Place {
    /// The folder of the site.
    #[arg(default_value = ".")]
    dir: PathBuf,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "The value is read from standard input, or asked for on a terminal:\n  \
    countersign secret seal db/password < password.txt")]
pub(super) struct SealArgs {
    /// The secret, for example `db/password`.
    name: SecretName,
    /// Only for this node; may be given several times.
    #[arg(long = "node", value_name = "NODE")]
    nodes: Vec<NodeName>,
    /// Only for the nodes of this group; may be given several times.
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    #[command(flatten)]
    input: Input,
}

#[derive(Debug, clap::Args)]
pub(super) struct ResealArgs {
    /// Only these secrets.
    names: Vec<SecretName>,
    #[command(flatten)]
    input: Input,
}

/// How a value is read, and where the site is.
#[derive(Debug, clap::Args)]
struct Input {
    /// Keep the line break at the end of standard input.
    #[arg(long)]
    exact: bool,
    /// The folder of the site.
    #[arg(long, value_name = "DIR", default_value = ".")]
    site: PathBuf,
    /// The environment whose last release says which keys of nodes were reviewed.
    #[arg(long, value_name = "ENV", default_value = "production")]
    environment: EnvName,
}

/// Runs the command.
pub(super) fn run(command: Command, ui: &mut Ui) -> Outcome {
    match command {
        Command::Seal(args) => seal(&args, ui),
        Command::Reseal(args) => reseal(&args, ui),
        Command::List(place) => list(&place, ui),
        Command::Check(place) => check(&place, ui),
    }
}

fn open(dir: &std::path::Path, ui: &mut Ui) -> Result<Site, Failure> {
    let tree = site::read(dir, ui)?;
    site::load(&tree, ui)
}

fn seal(args: &SealArgs, ui: &mut Ui) -> Outcome {
    let site = open(&args.input.site, ui)?;
    let nodes = chosen(&site, args)?;
    warn(&args.input, &site, &nodes, ui)?;
    let value = ask::value(&args.name, args.input.exact)?;
    file::write(&args.input.site, &site, (&args.name, &nodes), &value)?;
    said(&site, (&args.name, &nodes), ui)
}

/// The nodes to seal for: those that were named, or all that need the secret.
fn chosen(site: &Site, args: &SealArgs) -> Result<BTreeSet<NodeName>, Failure> {
    let mut nodes = BTreeSet::new();
    for node in &args.nodes {
        if !site.nodes().contains_key(node) {
            return Err(
                Failure::refused(format!("there is no node `{node}`")).hint("countersign secret list")
            );
        }
        nodes.insert(node.clone());
    }
    for group in &args.groups {
        if !site.groups().contains_key(group) {
            return Err(Failure::refused(format!("there is no group `{}`", group.escape_default())));
        }
        nodes.extend(site.nodes().iter().filter(|(_, n)| n.groups.contains(group)).map(|(n, _)| n.clone()));
    }
    if args.nodes.is_empty() && args.groups.is_empty() {
        let needs = site.needed_secrets().into_iter().filter(|need| need.secret == args.name);
        nodes.extend(needs.map(|need| need.node));
    }
    if nodes.is_empty() {
        let failure = Failure::refused(format!("no node needs the secret `{}`", args.name));
        return Err(failure.hint(format!(
            "give a parameter with `type = \"secret\"` the value \"{}\" in `data/`, or name nodes with --node",
            args.name
        )));
    }
    Ok(nodes)
}

fn reseal(args: &ResealArgs, ui: &mut Ui) -> Outcome {
    let site = open(&args.input.site, ui)?;
    let mut stale: BTreeMap<SecretName, BTreeSet<NodeName>> = BTreeMap::new();
    for need in site.needed_secrets() {
        let named = args.names.is_empty() || args.names.contains(&need.secret);
        if named && need.seal != Seal::Current {
            stale.entry(need.secret).or_default().insert(need.node);
        }
    }
    if stale.is_empty() {
        ui.line("every secret is sealed to the key of each node that needs it")?;
        return Ok(0);
    }
    if stale.len() > 1 && !ask::on_terminal() {
        let names: Vec<&str> = stale.keys().map(SecretName::as_str).collect();
        let failure =
            Failure::usage(format!("standard input holds one value, and {} are asked for", stale.len()));
        return Err(failure.hint(format!("countersign secret reseal NAME, for each of {}", names.join(", "))));
    }
    let nodes = stale.values().flatten().cloned().collect();
    warn(&args.input, &site, &nodes, ui)?;
    for (name, nodes) in &stale {
        let value = ask::value(name, args.input.exact)?;
        file::write(&args.input.site, &site, (name, nodes), &value)?;
        said(&site, (name, nodes), ui)?;
    }
    Ok(0)
}

/// Says which keys nobody has reviewed, before a value is asked for: who can write into the work tree can put a key there.
fn warn(input: &Input, site: &Site, nodes: &BTreeSet<NodeName>, ui: &mut Ui) -> Result<(), Failure> {
    let keys = file::keys(site, nodes)?;
    let doubts = Reviewed::load(&input.site, &input.environment)?.doubts(&keys);
    for doubt in &doubts {
        ui.note(doubt);
    }
    if !doubts.is_empty() {
        ui.note("whoever has such a key can open what is sealed to it; on the node: countersign agent sealing-key");
    }
    Ok(())
}

/// Says to which keys it was sealed: in a branch that somebody else proposed, they may be that somebody's.
fn said(site: &Site, (name, nodes): (&SecretName, &BTreeSet<NodeName>), ui: &mut Ui) -> Outcome {
    let file = secret::data_file(name);
    ui.line(format_args!("sealed `{name}` for {} into `{file}`", counted(nodes.len(), "node")))?;
    for (node, key) in file::keys(site, nodes)? {
        ui.line(format_args!("  {node}  key {}", secret::short(key.id())))?;
    }
    ui.note(format_args!("next: git add {file} && git commit && git push origin HEAD:refs/for/production"));
    Ok(0)
}

fn list(place: &Place, ui: &mut Ui) -> Outcome {
    let site = open(&place.dir, ui)?;
    for need in site.needed_secrets() {
        ui.line(line(&need))?;
    }
    for (secret, node) in site.needless_secrets() {
        ui.line(format_args!("{secret}  {node}  not needed"))?;
    }
    Ok(0)
}

fn check(place: &Place, ui: &mut Ui) -> Outcome {
    let site = open(&place.dir, ui)?;
    let bad: Vec<Need> =
        site.needed_secrets().into_iter().filter(|need| need.seal != Seal::Current).collect();
    for need in &bad {
        ui.line(line(need))?;
    }
    match bad.iter().find(|need| need.seal == Seal::NoKey) {
        _ if bad.is_empty() => {
            ui.line("every secret is sealed to the key of each node that needs it")?;
            Ok(0)
        }
        Some(need) => Err(Failure::refused(counted(bad.len(), "secret value") + " missing or old").hint(
            format!("countersign agent sealing-key on {0}; its line goes into `nodes/{0}.toml`", need.node),
        )),
        None => Err(Failure::refused(counted(bad.len(), "secret value") + " missing or old")
            .hint("countersign secret reseal")),
    }
}

fn line(need: &Need) -> String {
    let state = match need.seal {
        Seal::Current => "sealed",
        Seal::Old => "sealed to another key",
        Seal::Missing => "not sealed",
        Seal::NoKey => "no sealing key",
    };
    format!("{}  {}  {state}", need.secret, need.node)
}
