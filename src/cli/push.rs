//! The push command: which nodes, shown and signed one by one, and what came of it.
//!
//! An operator says when nodes run, never what: each verifies the release itself, as when it pulls.

mod hub;
mod tally;
mod targets;

use super::counted::counted;
use super::{Failure, Outcome, Ui, clock, duration};
use crate::agent::enroll::fetch_roots;
use crate::agent::fetch::{Https, Trust};
use crate::model::wire::NodeInfo;
use crate::model::{Digest, ModuleName, NodeName, Principal};
use crate::module::Site;
use crate::repo::{Repo, worktree};
use crate::signing::trigger::{Action, in_scope};
use crate::signing::{Root, Verified};
use hub::{Hub, Operator, Order};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{BufRead, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tally::{News, Tally, Times};
use targets::{FactFilter, Filters, NamePattern};

/// Broken connections in a row, at most.
const RETRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);

/// The arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Filters of different kinds must all hold; several -I are alternatives.\n\
    Exit codes: 0 every node ended well, 1 some did not.")]
pub(super) struct Args {
    /// Nodes that include this module, according to the site.
    #[arg(short = 'C', long = "module", value_name = "MODULE")]
    modules: Vec<ModuleName>,
    /// Nodes with this fact: `os.family=debian`, also with == != =~ <= >= < >.
    #[arg(short = 'F', long = "fact", value_name = "FACT=VALUE")]
    facts: Vec<FactFilter>,
    /// Nodes of this name: a name, a glob, or `/a regular expression/`.
    #[arg(short = 'I', long = "node", value_name = "NAME")]
    names: Vec<NamePattern>,
    /// Nodes in this group, according to the site.
    #[arg(short = 'G', long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// All nodes. Asks for their number.
    #[arg(long, conflicts_with_all = ["modules", "facts", "names", "groups"])]
    all: bool,
    /// The number of nodes that --all is expected to mean; then nothing is asked.
    #[arg(long, value_name = "NUMBER")]
    expect: Option<usize>,
    /// Only look: nothing is changed on any node.
    #[arg(long)]
    noop: bool,
    /// So many nodes at a time.
    #[arg(long, value_name = "NUMBER")]
    batch: Option<std::num::NonZeroUsize>,
    /// How long to pause between batches.
    #[arg(long, value_name = "TIME", value_parser = duration::parse, default_value = "0", requires = "batch")]
    batch_sleep: Duration,
    /// No further batch when more nodes than this have failed.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    max_failures: usize,
    /// The nodes must reach this release or a later one.
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    min_seq: u64,
    /// Why; the nodes log it.
    #[arg(long, default_value = "")]
    reason: String,
    /// How long to wait for the nodes of a batch.
    #[arg(long, value_name = "TIME", value_parser = duration::parse, default_value = "10m")]
    timeout: Duration,
    /// The server.
    #[arg(long, value_name = "URL")]
    server: String,
    /// The operator's key: a private key, or a public key whose private half an agent or token holds.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The operator's name in the trust root.
    #[arg(long, value_name = "NAME")]
    operator: Principal,
    /// The digest of the first trust root; by default what `countersign setup` noted in this clone.
    #[arg(long, value_name = "DIGEST")]
    root_digest: Option<Digest>,
    /// The site's work tree, for -C and -G.
    #[arg(long, value_name = "DIR", default_value = ".")]
    site: PathBuf,
}

/// Runs the command.
pub(super) fn run(args: Args, ui: &mut Ui) -> Outcome {
    let filters = Filters {
        modules: args.modules.clone(),
        groups: args.groups.clone(),
        names: args.names.clone(),
        facts: args.facts.clone(),
    };
    if filters.is_empty() && !args.all {
        return Err(Failure::usage("no node was asked for")
            .hint("choose nodes with -I, -G, -C or -F, or all of them with --all"));
    }
    let site = if filters.needs_site() { Some(load_site(&args.site)?) } else { None };
    let (hub, root) = connect(&args)?;
    let begun = Instant::now();
    let selection = hub.select(clock::now())?;
    let mut times = Times { discovery: begun.elapsed(), run: Duration::ZERO };
    let chosen = filters.select(site.as_ref(), &selection.nodes);
    show(&chosen, ui)?;
    check(&args, &root, &chosen)?;
    let nodes: Vec<NodeName> = chosen.iter().map(|info| info.node.clone()).collect();
    let begun = Instant::now();
    let tally = push(&args, &hub, &nodes, ui)?;
    times.run = begun.elapsed();
    let left_out = nodes.len() - tally.passed() - tally.failed();
    ui.line(tally.summary(left_out, &times))?;
    Ok(u8::from(tally.failed() > 0 || left_out > 0))
}

fn connect(args: &Args) -> Result<(Hub, Verified<Root>), Failure> {
    let digest = args.root_digest.map_or_else(|| noted_digest(&args.site), Ok)?;
    let (_, root) = fetch_roots(&args.server, digest, None)?;
    let client = Https::new(&args.server, Trust::Authority(root.fields().tls.server_ca), None)?;
    let operator = Operator { name: args.operator.clone(), key: args.key.clone() };
    Ok((Hub { client, operator, repo: root.repo() }, root))
}

fn noted_digest(site: &Path) -> Result<Digest, Failure> {
    let noted = Repo::discover(site).and_then(|repo| repo.config("countersign.rootDigest")).ok().flatten();
    let text = noted.ok_or_else(|| {
        Failure::refused("the trust root of this site is not known here")
            .hint("run `countersign setup` in a clone of the site, or give --root-digest")
    })?;
    Ok(text.parse()?)
}

fn load_site(directory: &Path) -> Result<Site, Failure> {
    let tree = worktree::read(directory)?;
    crate::module::load(&tree).map_err(|findings| {
        let errors = counted(findings.len(), "error");
        Failure::refused(format!("the site in `{}` has {errors}", directory.display()))
            .hint(format!("countersign lint {}", directory.display()))
    })
}

fn show(chosen: &[&NodeInfo], ui: &mut Ui) -> Result<(), Failure> {
    for info in chosen {
        let seq = info.seq.map_or_else(|| "none".to_owned(), |seq| seq.to_string());
        let link = if info.connected { "connected" } else { "not connected" };
        ui.line(format!("{:<40} release {seq:<6} {link}", info.node.as_str()))?;
    }
    ui.line(format!("{}\n", counted(chosen.len(), "node")))
}

fn check(args: &Args, root: &Verified<Root>, chosen: &[&NodeInfo]) -> Result<(), Failure> {
    if chosen.is_empty() {
        return Err(Failure::refused("no enrolled node fulfils all filters")
            .hint("countersign node list --server DIR, on the server, shows the nodes"));
    }
    let outside = |info: &&&NodeInfo| !in_scope(root, &args.operator, &info.node);
    if let Some(info) = chosen.iter().find(outside) {
        let (operator, node) = (&args.operator, &info.node);
        return Err(Failure::refused(format!("operator `{operator}` may not ask node `{node}` to run"))
            .hint("countersign trust show DIR lists the operator roles and their nodes"));
    }
    if args.all {
        confirm(args.expect, chosen.len())?;
    }
    Ok(())
}

/// `--all` is easy to type: the number shows that somebody looked.
fn confirm(expected: Option<usize>, count: usize) -> Result<(), Failure> {
    let given = match expected {
        Some(number) => Some(number),
        None if std::io::stdin().is_terminal() => ask_number(count)?,
        None => None,
    };
    match given {
        Some(number) if number == count => Ok(()),
        Some(number) => {
            Err(Failure::refused(format!("--all means {}, not {number}", counted(count, "node")))
                .hint(format!("if that is what you want: --expect {count}")))
        }
        None => Err(Failure::refused("--all needs the number of nodes that it means")
            .hint(format!("if {count} is right: --expect {count}"))),
    }
}

fn ask_number(count: usize) -> Result<Option<usize>, Failure> {
    let mut ui = Ui::standard();
    ui.note(format!("--all means {}. Type the number to go on:", counted(count, "node")));
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim().parse().ok())
}

fn push(args: &Args, hub: &Hub, nodes: &[NodeName], ui: &mut Ui) -> Result<Tally, Failure> {
    let action = if args.noop { Action::Noop } else { Action::Converge };
    let order = Order { action, min_seq: args.min_seq, reason: args.reason.clone() };
    let size = args.batch.map_or(nodes.len(), std::num::NonZeroUsize::get);
    let bar = progress(nodes.len());
    let mut tally = Tally::default();
    for (number, batch) in nodes.chunks(size).enumerate() {
        if number > 0 {
            if tally.failed() > args.max_failures {
                let failed = counted(tally.failed(), "node");
                bar.suspend(|| ui.note(format!("{failed} failed: no further batch")));
                break;
            }
            std::thread::sleep(args.batch_sleep);
        }
        let accepted = hub.push(batch, &order, clock::now())?;
        tally.expect(batch);
        let patience = args.timeout;
        watch(hub, &accepted.id, Watch { batch, tally: &mut tally, bar: &bar, ui, patience })?;
    }
    bar.finish_and_clear();
    Ok(tally)
}

struct Watch<'a> {
    batch: &'a [NodeName],
    tally: &'a mut Tally,
    bar: &'a ProgressBar,
    ui: &'a mut Ui,
    patience: Duration,
}

/// Follows one trigger until every node of its batch has said its last word, or the time is up.
fn watch(hub: &Hub, id: &str, to: Watch<'_>) -> Result<(), Failure> {
    let until = Instant::now() + to.patience;
    let (mut after, mut lost) = (0, 0_u32);
    while Instant::now() < until && to.tally.is_waiting_for(to.batch) {
        let begun = Instant::now();
        let news = match hub.events(id, after) {
            Ok(news) => news,
            // The nodes go on without us; a connection that breaks is tried again.
            Err(_) if lost < RETRIES => {
                lost += 1;
                std::thread::sleep(PAUSE);
                continue;
            }
            Err(failure) => return Err(failure),
        };
        (after, lost) = (news.next, 0);
        for event in &news.events {
            if let Some(News::Final(line)) = to.tally.hear(event) {
                to.bar.inc(1);
                to.bar.suspend(|| to.ui.line(line))?;
            }
        }
        // The server answers late when there is no news; one that does not must not be asked in a circle.
        if news.events.is_empty() && begun.elapsed() < PAUSE {
            std::thread::sleep(PAUSE);
        }
    }
    Ok(())
}

fn progress(nodes: usize) -> ProgressBar {
    let bar = ProgressBar::new(nodes as u64);
    let style = ProgressStyle::with_template(" * [ {bar:60} ] {pos} / {len}");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
