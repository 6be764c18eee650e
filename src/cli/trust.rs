//! `countersign trust`: making, signing and showing the trust root.

mod consequences;
mod draft;
mod edit;
mod folder;
mod revoke;
mod show;
mod status;

use super::{Failure, Outcome, Ui, clock, keys};
use crate::model::Digest;
use crate::signing::document::Document as _;
use crate::signing::root::{Root, allowed_signers};
use draft::Draft;
use edit::Edit;
use folder::Folder;
use std::path::PathBuf;

/// The commands.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Write the first trust root: who reviews, how many must sign, which server serves.
    Init(InitArgs),
    /// Sign the newest trust root of a folder.
    Sign {
        /// The folder that `trust init` made.
        directory: PathBuf,
        /// Your private key, or the public half of one that ssh-agent holds.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    /// Show a trust root: its digest, roles, rules, signatures and expiry.
    Show {
        /// A folder that `trust init` made, or one trust root.
        #[arg(default_value = ".")]
        path: PathBuf,
    },
    /// Say whether the newest trust root is signed and how long it lasts.
    Status {
        /// The folder that `trust init` made.
        #[arg(default_value = ".")]
        directory: PathBuf,
    },
    /// Take a key out of use by its own word, at once and for good: nothing that it signed counts any longer.
    Revoke(RevokeArgs),
    #[command(flatten)]
    Edit(Edit),
}

/// What a first trust root is made of.
#[derive(Debug, clap::Args)]
pub(super) struct InitArgs {
    /// Somebody who reviews and signs releases; repeat it.
    #[arg(long, value_name = "NAME=KEY.pub", required = true)]
    reviewer: Vec<String>,
    /// How many reviewers must sign a release or a trust root.
    #[arg(long, value_name = "N", default_value_t = 2)]
    threshold: u32,
    /// Somebody who may only propose changes; repeat it.
    #[arg(long, value_name = "NAME=KEY.pub")]
    author: Vec<String>,
    /// Somebody who may ask nodes to run now; all nodes, or only those that the patterns name.
    #[arg(long, value_name = "NAME=KEY.pub[:PATTERN,…]")]
    operator: Vec<String>,
    /// Somebody who may release alone in an emergency, for a day at most; all nodes, or only those that the patterns name.
    #[arg(long, value_name = "NAME=KEY.pub[:PATTERN,…]")]
    break_glass: Vec<String>,
    /// Somebody of role `security`, who must sign changes of policies and whatever `--guard` names.
    #[arg(long, value_name = "NAME=KEY.pub")]
    security: Vec<String>,
    /// Resources that no catalog may have without a signature of role `security`, such as `file:/etc/ssh/**`.
    #[arg(long, value_name = "TYPE:PATTERN", requires = "security")]
    guard: Vec<String>,
    /// The folder that `countersign server init` made, for the server's public keys.
    #[arg(long, value_name = "SERVERDIR")]
    server: PathBuf,
    /// Days until it must be renewed.
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u16).range(1..=3650))]
    days: u16,
    /// The folder to make.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Which key to take out of use.
#[derive(Debug, clap::Args)]
pub(super) struct RevokeArgs {
    /// The private key that goes, or the public half of one that ssh-agent holds.
    #[arg(long, value_name = "FILE", required_unless_present = "from", conflicts_with = "from")]
    key: Option<PathBuf>,
    /// Why.
    #[arg(short, long, value_name = "TEXT", required_unless_present = "from", conflicts_with = "from")]
    message: Option<String>,
    /// Only write the revocation to a file, to be handed in when the key is lost.
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    out: Option<PathBuf>,
    /// Hand in a revocation that was written before. Anybody may who has a key in the trust root.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Do not ask before handing it in.
    #[arg(long)]
    yes: bool,
}

/// Runs the command.
pub(super) fn run(command: Command, ui: &mut Ui) -> Outcome {
    match command {
        Command::Init(args) => init(&args, ui),
        Command::Sign { directory, key } => sign(&Folder::open(&directory)?, &key, ui),
        Command::Show { path } => show::show(&path, clock::now(), ui),
        Command::Status { directory } => status::status(&directory, clock::now(), ui),
        Command::Revoke(args) => revoke::run(&args, ui),
        Command::Edit(edit) => edit::edit(&edit, clock::now(), ui),
    }
}

fn init(args: &InitArgs, ui: &mut Ui) -> Outcome {
    let root = Draft::new(args)?.finish(clock::now())?;
    let folder = Folder::create(&args.out)?;
    folder.write("1.json", &root.encode())?;
    folder.write("allowed_signers", allowed_signers(&root).as_bytes())?;
    ui.line(format_args!("wrote trust root 1 to {}", folder.path().display()))?;
    ui.line(format_args!("digest {}", Digest::of(&root.encode())))?;
    ui.note(format_args!(
        "next: {} of its reviewers sign it: countersign trust sign {} --key KEY",
        args.threshold,
        folder.path().display()
    ));
    Ok(0)
}

fn sign(folder: &Folder, key: &std::path::Path, ui: &mut Ui) -> Outcome {
    let newest = folder.newest()?;
    let public = keys::read_public(key)?;
    // The people of the version before have to agree too, also those who go.
    let before = folder.before(&newest)?;
    let roots = [Some(&newest.root), before.as_ref().map(|found| &found.root)];
    let mut roots = roots.into_iter().flatten();
    let may = |root: &&Root| {
        root.principal_of(&public).is_some_and(|name| root.has_role(name, crate::signing::root::ROOT))
    };
    let root = roots.clone().find(may).or_else(|| roots.find(|root| root.principal_of(&public).is_some()));
    let Some((root, name)) = root.and_then(|root| Some((root, root.principal_of(&public)?))) else {
        let text = format!("the key {} is not in trust root {}", public.fingerprint(), newest.version);
        return Err(
            Failure::refused(text).hint(format!("countersign trust show {}", folder.path().display()))
        );
    };
    if !root.has_role(name, crate::signing::root::ROOT) {
        let text = format!("`{name}` is not in role `root`, so the signature would not count");
        return Err(
            Failure::refused(text).hint(format!("countersign trust show {}", folder.path().display()))
        );
    }
    let armored = keys::sign(key, Root::NAMESPACE, &newest.bytes)?;
    folder.write_signature(newest.version, name, &armored)?;
    ui.line(format_args!("`{name}` signed trust root {}: {}", newest.version, Digest::of(&newest.bytes)))?;
    let newest = folder.newest()?;
    let tallies = [Some(newest.tally()?), folder.old_tally(&newest)?];
    let missing = tallies.iter().flatten().filter_map(|tally| tally.missing.first()).max_by_key(|m| m.count);
    match missing {
        Some(missing) => ui.note(format_args!("next: {} more must sign", missing.count)),
        None => ui.note(format_args!("next: countersign server trust SERVERDIR {}", folder.path().display())),
    }
    Ok(0)
}

#[cfg(test)]
mod tests;
