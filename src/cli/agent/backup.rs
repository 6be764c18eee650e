//! What the agent kept before it changed files: `agent backup list`, `diff`, `restore` and `prune`.

use super::{Place, open};
use crate::agent::bucket::{self, Bucket, Kept, Pruned};
use crate::agent::disk::Disk;
use crate::agent::host::{EntryKind, Host, NewFile, Owner};
use crate::agent::lock::RunLock;
use crate::cli::counted::counted;
use crate::cli::{Failure, Outcome, Ui, clock, duration};
use similar::TextDiff;
use std::path::PathBuf;
use std::time::Duration;

/// The commands.
#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Command {
    /// What was kept, oldest first: time, digest, bytes, mode, owner, path.
    List {
        /// Only files at this path, or below it.
        path: Option<String>,
        #[command(flatten)]
        place: Place,
    },
    /// How a file differs now from what it was.
    Diff(Which),
    /// Put a file back as it was, with its mode and owner. What is there now is kept first.
    Restore {
        #[command(flatten)]
        which: Which,
        /// Put it there instead of where it was.
        #[arg(long, value_name = "PATH")]
        to: Option<String>,
    },
    /// Let go of what was kept long ago.
    Prune {
        /// Longer ago than this, for example `90d`.
        #[arg(long, value_name = "TIME", value_parser = duration::parse)]
        older: Duration,
        /// The newest of each path, too.
        #[arg(long)]
        newest_too: bool,
        #[command(flatten)]
        place: Place,
    },
}

/// Which of the files that were kept.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Which {
    /// The path of a file, of which the newest is taken, or how a digest begins.
    what: String,
    /// The root directory of the node, where it is not this machine's own.
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(command: Command, ui: &mut Ui) -> Outcome {
    match command {
        Command::List { path, place } => list(path.as_deref(), &open(&place)?, ui),
        Command::Diff(which) => diff(&which, ui),
        Command::Restore { which, to } => restore(&which, to, ui),
        Command::Prune { older, newest_too, place } => prune(older, !newest_too, &open(&place)?, ui),
    }
}

fn list(path: Option<&str>, disk: &Disk, ui: &mut Ui) -> Outcome {
    let below = |kept: &&Kept| {
        path.is_none_or(|path| {
            let rest = kept.path.strip_prefix(path.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    };
    let all = bucket::list(disk)?;
    let kept: Vec<&Kept> = all.iter().filter(below).collect();
    for kept in &kept {
        let Kept { at, digest, size, mode, uid, gid, .. } = kept;
        let path = kept.path.escape_debug();
        ui.line(format_args!("{at}  {}  {size:9}  {mode:04o}  {uid}:{gid}  {path}", short(&digest.hex())))?;
    }
    if kept.is_empty() {
        ui.note("nothing was kept; files with `backup = \"bucket\"` are");
    }
    Ok(0)
}

fn prune(older: Duration, newest_stay: bool, disk: &Disk, ui: &mut Ui) -> Outcome {
    // A run keeps files.
    let _lock = RunLock::take(disk, Duration::ZERO)?;
    let before = clock::now().plus(-duration::seconds(older));
    let Pruned { files, bytes } = bucket::prune(disk, before, newest_stay)?;
    ui.line(format_args!("let go of {}; {bytes} bytes are free", counted(files, "file")))?;
    Ok(0)
}

fn short(hex: &str) -> &str {
    hex.get(..12).unwrap_or(hex)
}

fn diff(which: &Which, ui: &mut Ui) -> Outcome {
    let (kept, was) = find(which)?;
    let host = Host::open(&which.root)?;
    let is = match host.stat(&kept.path)? {
        Some(stat) if stat.kind == EntryKind::File => host.read(&kept.path, bucket::MAX_FILE)?,
        _ => Vec::new(),
    };
    if was == is {
        ui.note("it is as it was");
        return Ok(0);
    }
    let (Ok(was), Ok(is)) = (String::from_utf8(was), String::from_utf8(is)) else {
        ui.line("the contents differ, and are no text")?;
        return Ok(1);
    };
    let diff = TextDiff::from_lines(&was, &is);
    let (old, new) = (format!("{} ({})", kept.path, kept.at), format!("{} (now)", kept.path));
    let text = diff.unified_diff().header(&old, &new).to_string();
    // Files may hold what a terminal would obey.
    let plain = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    let text: String =
        text.chars().map(|c| if plain(c) { c.to_string() } else { c.escape_default().to_string() }).collect();
    ui.line(text.trim_end())?;
    Ok(1)
}

fn restore(which: &Which, to: Option<String>, ui: &mut Ui) -> Outcome {
    let (kept, was) = find(which)?;
    let disk = open(&which.place)?;
    let path = to.unwrap_or_else(|| kept.path.clone());
    let host = Host::open(&which.root)?;
    if let Some(stat) = host.stat(&path)?.filter(|stat| stat.kind == EntryKind::File) {
        let now = host.read_managed(&path, bucket::MAX_FILE, Some(stat.uid))?;
        Bucket::new(&disk, clock::now()).keep(&path, &now, &stat)?;
    }
    let owner = Owner { uid: Some(kept.uid), gid: Some(kept.gid) };
    host.write(
        &path,
        &NewFile { content: &was, mode: Some(kept.mode), owner, context: None, validate: None },
    )?;
    ui.line(format_args!("restored {} of {}", counted(was.len(), "byte"), path.escape_debug()))?;
    ui.note("if the file is managed, the next run changes it again; `countersign agent disable` keeps it from that");
    Ok(0)
}

/// The newest file that is meant, with its content.
fn find(which: &Which) -> Result<(Kept, Vec<u8>), Failure> {
    let disk = open(&which.place)?;
    let all = bucket::list(&disk)?;
    let hex = which.what.strip_prefix("sha256:").unwrap_or(&which.what);
    let digests = || all.iter().rev().filter(|kept| hex.len() >= 4 && kept.digest.hex().starts_with(hex));
    let found = all.iter().rev().find(|kept| kept.path == which.what).or_else(|| digests().next());
    let Some(kept) = found else {
        let message = format!("nothing was kept of `{}`", which.what.escape_default());
        return Err(Failure::refused(message).hint("countersign agent backup list"));
    };
    if kept.path != which.what && digests().any(|other| other.digest != kept.digest) {
        return Err(Failure::refused(format!("several digests begin with `{hex}`"))
            .hint("countersign agent backup list"));
    }
    Ok((kept.clone(), bucket::content(&disk, &kept.digest)?))
}
