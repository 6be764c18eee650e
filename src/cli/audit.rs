//! Commands of the audit group: is the record whole, and who signed for what is on a node.

use super::counted::counted;
use super::server::runtime;
use super::{Failure, Outcome, Ui};
use crate::audit::{self, Answer, AuditError, Mirror, Origin, Roots, Seen, WhoError};
use crate::model::{Checkpoint, Digest, EnvName, NodeName, Principal, Ref};
use crate::server::{Config, Layout};
use crate::signing::log::{EntryKind, note};
use crate::store::{Database, NodeState};
use std::path::{Path, PathBuf};

/// The commands.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Check a copy of the publication directory, offline: trust roots, releases, and the log of all of it.
    Verify(VerifyArgs),
    /// Say which people signed for what is on a node now.
    Who(WhoArgs),
}

/// What `audit verify` is told.
#[derive(Debug, clap::Args)]
pub(super) struct VerifyArgs {
    /// The copy.
    mirror: PathBuf,
    /// Digest of the first trust root, as it was handed over by other means than the server.
    #[arg(long)]
    root_digest: Digest,
    /// A checkpoint of the log from another day or from somebody else: a copy of `log/checkpoint`, or a line with a size and
    /// a digest as `agent status` and `node show` print it. May be given several times.
    #[arg(long)]
    since: Vec<PathBuf>,
}

/// What `audit who` is told.
#[derive(Debug, clap::Args)]
pub(super) struct WhoArgs {
    /// The node.
    node: NodeName,
    /// The resource, for example `file[/etc/motd]`.
    resource: Ref,
    /// The environment that the node follows.
    #[arg(long, default_value = "production")]
    environment: EnvName,
    /// The server's directory: it knows from the node's signed reports at which release the node is.
    #[arg(long, default_value = "/var/lib/countersign/server", conflicts_with = "mirror")]
    server: PathBuf,
    /// A copy of the publication directory instead. The node is taken to be at the newest release.
    #[arg(long, requires = "root_digest")]
    mirror: Option<PathBuf>,
    /// Digest of the first trust root; the server's own where a server is asked.
    #[arg(long)]
    root_digest: Option<Digest>,
    /// Another release than the one that the node is at.
    #[arg(long, value_name = "SEQ")]
    release: Option<u64>,
}

/// Runs the command.
pub(super) fn run(command: Command, ui: &mut Ui) -> Outcome {
    match command {
        Command::Verify(args) => verify(&args, ui),
        Command::Who(args) => who(&args, ui),
    }
}

fn verify(args: &VerifyArgs, ui: &mut Ui) -> Outcome {
    let mirror = Mirror::new(&args.mirror);
    let roots = audit::roots(&mirror, args.root_digest).map_err(|error| explain(&error))?;
    let seen =
        args.since.iter().map(|file| load_seen(&roots, file)).collect::<Result<Vec<Seen>, Failure>>()?;
    let count = seen.len();
    let verdict = audit::verify(&mirror, &roots, seen).map_err(|error| explain(&error))?;
    ui.line(format_args!("trust root  version {}", verdict.root))?;
    for (env, newest) in &verdict.releases {
        ui.line(format_args!("releases    {env} 1 to {newest}"))?;
    }
    if let Some((log, by)) = &verdict.log {
        ui.line(format_args!("log         {log}, signed by {}", Principal::list(by)))?;
        let sorts: Vec<String> =
            verdict.entries.iter().map(|(kind, count)| counted(*count, word(*kind))).collect();
        ui.line(format_args!("            {}", sorts.join(", ")))?;
    }
    for remark in &verdict.remarks {
        ui.note(format_args!("note: {remark}"));
    }
    for problem in &verdict.problems {
        let text = Failure::from_error(problem).to_string();
        ui.line(format_args!("{}: {}", problem.code(), text.trim_start_matches("error: ")))?;
    }
    match verdict.problems.len() {
        0 if count > 0 => {
            ui.line(format_args!("whole, and it continues {}", counted(count as u64, "checkpoint")))?
        }
        0 => ui.line("whole")?,
        problems => {
            let failure = Failure::refused(format!("{} in the record", counted(problems as u64, "problem")));
            return Err(
                failure.hint("keep this copy: it is the evidence; `docs/log.md` says what each code means")
            );
        }
    }
    Ok(0)
}

const fn word(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Root => "trust root",
        EntryKind::Statement => "statement",
        EntryKind::Approval => "approval",
        EntryKind::Waiver => "waiver",
        EntryKind::Trigger => "trigger",
        EntryKind::Report => "report",
        EntryKind::Withdrawal => "withdrawal",
        EntryKind::Ratification => "ratification",
        EntryKind::Revocation => "revocation",
    }
}

/// A signed checkpoint, under whichever trust root it was made, or a bare line.
fn load_seen(roots: &Roots, file: &Path) -> Result<Seen, Failure> {
    let bytes = std::fs::read(file).map_err(|cause| Failure::io("cannot read", file, &cause))?;
    let what = format!("`{}`", file.display());
    let line = std::str::from_utf8(&bytes).ok().and_then(|text| text.trim_end().parse::<Checkpoint>().ok());
    if let Some(checkpoint) = line {
        return Ok(Seen { what, checkpoint });
    }
    let mut refused = None;
    for root in roots.since(1) {
        match note::verify(root, &bytes) {
            Ok(signed) => return Ok(Seen { what, checkpoint: *signed }),
            Err(refusal) => refused = refused.or(Some(refusal)),
        }
    }
    let why = refused.map_or_else(String::new, |refusal| format!(": {refusal}"));
    Err(Failure::refused(format!("{what} is no checkpoint of this log{why}"))
        .hint("give a copy of an earlier `log/checkpoint`, or a line such as `993 sha256:…`"))
}

fn explain(error: &AuditError) -> Failure {
    let failure = Failure::from_error(error);
    match error {
        AuditError::NoPublication(_) => failure.hint("name a copy of the server's directory `publish`"),
        AuditError::Root { version: 1, .. } => {
            failure.hint("compare `--root-digest` with the one that `trust init` printed")
        }
        AuditError::Root { .. } | AuditError::Io { .. } => failure,
    }
}

fn who(args: &WhoArgs, ui: &mut Ui) -> Outcome {
    let layout = Layout::new(&args.server);
    let directory = args.mirror.clone().unwrap_or_else(|| layout.publication());
    let mirror = Mirror::new(&directory);
    let pinned = match args.root_digest {
        Some(digest) => digest,
        None => Config::load(&layout.config())?.root.ok_or_else(|| {
            Failure::refused("this server has no trust root yet").hint("countersign server trust DIR TRUST")
        })?,
    };
    let roots = audit::roots(&mirror, pinned).map_err(|error| explain(&error))?;
    let (seq, word) = at(args, &layout, &mirror)?;
    let found = audit::who(&mirror, &roots, (&args.environment, seq), (&args.node, &args.resource));
    let answer = found.map_err(|error| explain_who(&error, args))?;
    ui.line(format_args!("{} is at release {seq} of {}: {word}", args.node, args.environment))?;
    tell(&answer.at, ui)?;
    let Answer { at, since, .. } = &answer;
    if since.release.seq == at.release.seq {
        ui.line(format_args!("{} is what that release made of it", args.resource))?;
    } else {
        ui.line(format_args!("{} is what release {} made of it", args.resource, since.release.seq))?;
        tell(since, ui)?;
    }
    let leaf = format!("release/{}/{}/leaf/{}.json", args.environment, since.release.seq, args.node);
    ui.line(format_args!("  proof     {leaf} for catalog/{}", since.catalog.hex()))?;
    Ok(0)
}

fn tell(origin: &Origin, ui: &mut Ui) -> Result<(), Failure> {
    let release = &origin.release;
    let place = format!("release/{}/{}", release.environment, release.seq);
    ui.line(format_args!("  statement {} {place}/statement.json", release.id()))?;
    ui.line(format_args!("  signed    {} ({place}/sig.d)", Principal::list(release.signers())))?;
    ui.line(format_args!(
        "  written   {}, change {}, patchset {}",
        Principal::list(&release.authors),
        escape(&release.change),
        release.patchset
    ))?;
    ui.line(format_args!("  commit    {}", release.commit))?;
    ui.line(format_args!("  reason    {}", escape(&release.reason)))
}

fn escape(text: &str) -> String {
    text.escape_default().to_string()
}

/// The release that the node is at, and who says so.
fn at(args: &WhoArgs, layout: &Layout, mirror: &Mirror) -> Result<(u64, String), Failure> {
    if let Some(seq) = args.release {
        return Ok((seq, "you said so".to_owned()));
    }
    if args.mirror.is_some() {
        let newest = mirror.newest(&args.environment)?;
        return newest.map(|seq| (seq, "the newest in this mirror".to_owned())).ok_or_else(|| {
            Failure::refused(format!("this mirror has no release of `{}`", args.environment))
                .hint("name another with `--environment`")
        });
    }
    runtime()?.block_on(async {
        let database = Database::open(&layout.database()).await?;
        let rows = database.nodes_named(&args.node).await?;
        let node = rows.into_iter().find(|node| node.state == NodeState::Accepted);
        match node.map(|node| (node.seq, node.counter, node.last_report)) {
            Some((Some(seq), counter, Some(report))) => {
                Ok((seq, format!("its report {counter} says so, {report}")))
            }
            Some(_) => Err(Failure::refused(format!("`{}` has not reported a release yet", args.node))
                .hint("name one with `--release SEQ`")),
            None => Err(Failure::refused(format!("this server knows no node `{}`", args.node))
                .hint(format!("countersign node list --server {}", args.server.display()))),
        }
    })
}

fn explain_who(error: &WhoError, args: &WhoArgs) -> Failure {
    let failure = Failure::from_error(error);
    match error {
        WhoError::NoNode { .. } => {
            failure.hint("name another environment with `--environment`, or another release")
        }
        WhoError::NoResource { .. } => failure
            .hint(format!("countersign compile --node {}    (in a clone) lists what it has", args.node)),
        WhoError::Missing(_) => failure.hint("copy the whole publication directory"),
        WhoError::Audit(_) | WhoError::Refused { .. } => failure,
    }
}
