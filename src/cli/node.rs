//! Commands of the node group: who may have a certificate. They work while the server runs.

mod reports;

use super::counted::counted;
use super::server::runtime;
use super::{Failure, Outcome, Ui, clock};
use crate::model::{Digest, NodeName, Stamp};
use crate::server::{Config, Layout, silent_since};
use crate::store::enrol::{TokenRow, TokenScope};
use crate::store::{Audit, Database, Node, NodeState};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// How long a join token is good for, in seconds.
const TOKEN_LIFE: i64 = 3600;

/// The commands.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List nodes with the fingerprints of their keys.
    List {
        #[command(flatten)]
        at: At,
        /// Only nodes in this state: requested, accepted, denied or removed.
        #[arg(long)]
        state: Option<String>,
    },
    /// Show all that is known of a node.
    Show {
        #[command(flatten)]
        which: Which,
    },
    /// Check the whole chain of a node's reports: signatures, numbers, and that each names the one before.
    Reports {
        #[command(flatten)]
        which: Which,
    },
    /// Let a node that asked have its name.
    Accept {
        #[command(flatten)]
        which: Which,
    },
    /// Refuse a node, also one that was accepted before. It is out at its next request.
    Deny {
        #[command(flatten)]
        which: Which,
    },
    /// Free a node's name for another key. The old key never comes back.
    Remove {
        #[command(flatten)]
        which: Which,
    },
    /// Make a join token: good once, for one hour, for a name or for `*.suffix`.
    Token {
        #[command(flatten)]
        at: At,
        /// The name, or `*.` and a suffix.
        scope: String,
    },
}

/// Which server.
#[derive(Debug, clap::Args)]
pub(super) struct At {
    /// The server's directory.
    #[arg(long, default_value = "/var/lib/countersign/server")]
    server: PathBuf,
}

/// Which node.
#[derive(Debug, clap::Args)]
pub(super) struct Which {
    #[command(flatten)]
    at: At,
    /// The node's name.
    name: NodeName,
    /// The fingerprint of its key, or how it begins; needed when several keys asked for the name.
    #[arg(long)]
    fingerprint: Option<String>,
}

/// Runs the command.
pub(super) fn run(command: Command, ui: &mut Ui) -> Outcome {
    runtime()?.block_on(dispatch(command, ui))
}

async fn dispatch(command: Command, ui: &mut Ui) -> Outcome {
    match command {
        Command::List { at, state } => list(&at, state.as_deref(), ui).await,
        Command::Show { which } => show(&which, ui).await,
        Command::Reports { which } => reports::check(&which, ui).await,
        Command::Accept { which } => {
            let from = [NodeState::Requested, NodeState::Denied];
            change(&which, (&from, NodeState::Accepted), ui).await
        }
        Command::Deny { which } => {
            let from = [NodeState::Requested, NodeState::Accepted];
            change(&which, (&from, NodeState::Denied), ui).await
        }
        Command::Remove { which } => {
            let from = [NodeState::Accepted, NodeState::Denied, NodeState::Requested];
            change(&which, (&from, NodeState::Removed), ui).await
        }
        Command::Token { at, scope } => token(&at, &scope, ui).await,
    }
}

async fn open(at: &At) -> Result<Database, Failure> {
    let path = Layout::new(&at.server).database();
    if !path.exists() {
        let failure = Failure::refused(format!("`{}` is not a server's directory", at.server.display()));
        return Err(
            failure.hint("name it with `--server DIR`, or make one with `countersign server init DIR`")
        );
    }
    Ok(Database::open(&path).await?)
}

async fn list(at: &At, state: Option<&str>, ui: &mut Ui) -> Outcome {
    let states = match state {
        Some(word) => vec![word.parse().map_err(|()| {
            Failure::usage(format!("`{}` is no state of a node", word.escape_default()))
                .hint("one of requested, accepted, denied, removed")
        })?],
        None => vec![NodeState::Requested, NodeState::Accepted, NodeState::Denied],
    };
    let database = open(at).await?;
    let mut nodes = Vec::new();
    for state in states {
        nodes.extend(database.nodes_in(state).await?);
    }
    if nodes.is_empty() {
        ui.note("no nodes");
        return Ok(0);
    }
    let silent = silent(at, &database).await?;
    let width = nodes.iter().map(|node| node.name.as_str().len()).max().unwrap_or(0).max(4);
    ui.line(format_args!("{:width$}  {:9}  {:71}  {:20}  LAST RUN", "NODE", "STATE", "KEY", "LAST SEEN"))?;
    for node in &nodes {
        let (name, key) = (node.name.as_str(), node.key.to_string());
        let seen = or_never(node.last_seen);
        let mut last = last_run(node);
        last.push_str(&reports::why(&database, node).await?);
        if node.state == NodeState::Accepted && silent.contains(&node.name) {
            last.push_str(", SILENT");
        }
        if node.alarms > 0 {
            last.push_str(&format!(", {}", counted(node.alarms, "alarm")));
        }
        ui.line(format_args!("{name:width$}  {:9}  {key:71}  {seen:20}  {last}", node.state))?;
    }
    Ok(0)
}

/// The nodes whose reports do not come any more (T13).
async fn silent(at: &At, database: &Database) -> Result<BTreeSet<NodeName>, Failure> {
    let interval = Config::load(&Layout::new(&at.server).config())?.run_interval;
    let silent = database.silent(silent_since(clock::now(), interval)).await?;
    Ok(silent.into_iter().map(|silent| silent.node).collect())
}

async fn show(which: &Which, ui: &mut Ui) -> Outcome {
    let database = open(&which.at).await?;
    let silent = silent(&which.at, &database).await?;
    let rows = candidates(&database, which, &NodeState::ALL).await?;
    if rows.is_empty() {
        return Err(unknown(which));
    }
    for node in &rows {
        ui.line(format_args!("{} {}", node.name, node.state))?;
        ui.line(format_args!("  key          {}", node.key))?;
        ui.line(format_args!("  report key   {}", node.report_key))?;
        ui.line(format_args!("  asked        {}", node.requested))?;
        if let (Some(serial), Some(expires)) = (&node.serial, node.expires) {
            ui.line(format_args!("  certificate  {serial}, until {expires}"))?;
        }
        ui.line(format_args!("  last seen    {}", or_never(node.last_seen)))?;
        if node.state == NodeState::Accepted && silent.contains(&node.name) {
            ui.line("  SILENT       no report for two run intervals; look at the node: `countersign agent status`")?;
        }
        let why = reports::why(&database, node).await?;
        ui.line(format_args!("  last run     {}{why}", last_run(node)))?;
        ui.line(format_args!("  alarms       {}", node.alarms))?;
        if let Some(checkpoint) = node.checkpoint {
            ui.line(format_args!("  log          {checkpoint}"))?;
        }
        if let Some(since) = node.forked {
            ui.line(format_args!("  EQUIVOCATION since {since} it is known that this node has seen another log than this server's"))?;
        }
        for report in database.reports(node, 5).await? {
            let alarm = report.alarm.map(|alarm| format!(", {alarm}")).unwrap_or_default();
            ui.line(format_args!(
                "  report {:4}  {} {}{alarm}",
                report.counter, report.received, report.status
            ))?;
        }
        for (name, value) in node.facts.as_object() {
            // A node's own words: JSON escapes what a terminal would obey, all but what is beyond ASCII (D46).
            ui.line(format_args!("  fact         {} = {}", name.escape_default(), printable(value)))?;
        }
    }
    Ok(0)
}

fn printable(value: &serde_json::Value) -> String {
    value
        .to_string()
        .chars()
        .flat_map(|c| if c == ' ' || c.is_ascii_graphic() { vec![c] } else { c.escape_default().collect() })
        .collect()
}

async fn change(which: &Which, (from, to): (&[NodeState], NodeState), ui: &mut Ui) -> Outcome {
    let database = open(&which.at).await?;
    let rows = candidates(&database, which, from).await?;
    let node = match rows.as_slice() {
        [node] => node,
        [] => return Err(unknown(which)),
        several => return Err(ambiguous(which, several)),
    };
    let now = clock::now();
    if to == NodeState::Accepted {
        refuse_held(&database, which).await?;
    }
    if !database.decide(node, to, now).await? {
        return Err(Failure::refused(format!("`{}` changed meanwhile", node.name))
            .hint(format!("countersign node show {}", node.name)));
    }
    let detail = format!("{} {} was {}", node.name, node.key, node.state);
    let action = format!("node-{to}");
    database.audit(&Audit { at: now, actor: "admin".to_owned(), action, detail }).await?;
    ui.line(format_args!("{} {to}: key {}", node.name, node.key))?;
    Ok(0)
}

async fn refuse_held(database: &Database, which: &Which) -> Result<(), Failure> {
    let rows = database.nodes_named(&which.name).await?;
    match rows.iter().find(|node| node.state == NodeState::Accepted) {
        Some(holder) => Err(Failure::refused(format!("`{}` is held by key {}", which.name, holder.key))
            .hint(format!("countersign node remove {}", which.name))),
        None => Ok(()),
    }
}

/// The rows of the name that are in one of these states and have the fingerprint that was given.
async fn candidates(database: &Database, which: &Which, states: &[NodeState]) -> Result<Vec<Node>, Failure> {
    let mut rows = database.nodes_named(&which.name).await?;
    let begins = |key: &Digest| match &which.fingerprint {
        Some(start) => key.to_string().starts_with(start) || key.hex().starts_with(start),
        None => true,
    };
    rows.retain(|node| states.contains(&node.state) && begins(&node.key));
    Ok(rows)
}

fn unknown(which: &Which) -> Failure {
    let at = which.at.server.display();
    Failure::refused(format!("no key of `{}` to which this could be done", which.name))
        .hint(format!("countersign node list --server {at}"))
}

fn ambiguous(which: &Which, rows: &[Node]) -> Failure {
    let keys: Vec<String> = rows.iter().map(|node| format!("{} {}", node.state, node.key)).collect();
    Failure::refused(format!("several keys ask for `{}`: {}", which.name, keys.join(", "))).hint(
        "compare with what `countersign agent enroll` prints on the node, then add `--fingerprint sha256:…`",
    )
}

async fn token(at: &At, scope: &str, ui: &mut Ui) -> Outcome {
    let scope = TokenScope::parse(scope)?;
    let database = open(at).await?;
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| Failure::refused(format!("no randomness: {error}")))?;
    let token = crate::model::digest::hex(&bytes);
    let now = clock::now();
    let hash = Digest::of(token.as_bytes());
    let row = TokenRow { hash, scope, created: now, expires: now.plus(TOKEN_LIFE) };
    database.add_token(&row).await?;
    let detail = format!("for {:?}, until {}", row.scope, row.expires);
    database.audit(&Audit { at: now, actor: "admin".to_owned(), action: "token".to_owned(), detail }).await?;
    ui.note(format_args!("good once, until {}; it is not shown again", row.expires));
    ui.line(token)?;
    Ok(0)
}

fn or_never(stamp: Option<Stamp>) -> String {
    stamp.map_or_else(|| "never".to_owned(), |stamp| stamp.to_string())
}

fn last_run(node: &Node) -> String {
    let forked = if node.forked.is_some() { ", EQUIVOCATION" } else { "" };
    match (&node.status, node.seq) {
        (Some(status), Some(seq)) => format!("{status}, release {seq}{forked}"),
        (Some(status), None) => format!("{status}{forked}"),
        (None, _) => "none".to_owned(),
    }
}
