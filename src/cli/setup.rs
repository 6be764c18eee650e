//! `countersign setup`: everything a clone needs for proposing and reviewing, once.

use super::{Failure, Outcome, Ui, keys};
use crate::model::Digest;
use crate::repo::{self, Repo, TRUST_REF};
use crate::server::gate::trust::{self, Pin};
use crate::signing::PublicKey;
use std::path::{Path, PathBuf};

/// The setting that holds the digest of the first trust root.
pub(super) const ROOT_DIGEST: &str = "countersign.rootDigest";
/// The setting that holds the path of the key.
pub(super) const KEY: &str = "countersign.key";

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Your SSH key: a private key file, or the public half of one that ssh-agent or a token holds.
    /// `~/.ssh/id_ed25519` if it is there.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Digest of the first trust root, learnt from a person and not from the server. Needed to review.
    #[arg(long, value_name = "sha256:…")]
    root_digest: Option<Digest>,
    /// Lint the work tree before every commit.
    #[arg(long)]
    pre_commit: bool,
    /// The remote repository.
    #[arg(long, default_value = "origin")]
    remote: String,
}

/// Refs that a clone of a site fetches besides branches: changes, releases, the trust root.
const REFSPECS: [&str; 3] =
    ["+refs/changes/*:refs/changes/*", "+refs/releases/*:refs/releases/*", "+refs/meta/*:refs/meta/*"];

/// Runs the command.
pub(super) fn run(args: Args, ui: &mut Ui) -> Outcome {
    let repo = Repo::discover(Path::new("."))?;
    if repo.workdir().is_none() {
        return Err(Failure::refused("this is a bare repository, not a clone to work in"));
    }
    let (path, key) = key(&repo, args.key)?;
    configure(&repo, &path, &args.remote)?;
    install_hook(&repo, "commit-msg", "hook commit-msg")?;
    if args.pre_commit {
        install_hook(&repo, "pre-commit", "lint")?;
    }
    if let Some(digest) = args.root_digest {
        repo.set_config(ROOT_DIGEST, &digest.to_string())?;
    }
    ui.line(format_args!("pushes are signed with {} {}", path.display(), key.fingerprint()))?;
    if args.pre_commit {
        ui.line("the work tree is linted before every commit; `git commit --no-verify` commits anyway")?;
    }
    ui.line("commits get a Change-Id, by which an amended commit finds its change")?;
    introduce(&repo, &args.remote, &key, ui)?;
    ui.line("next: commit, then `git push origin HEAD:refs/for/production`")?;
    Ok(0)
}

/// The key, as an absolute path, and its public half.
fn key(repo: &Repo, given: Option<PathBuf>) -> Result<(PathBuf, PublicKey), Failure> {
    let configured = repo.config(KEY)?.map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".ssh/id_ed25519"));
    let path = given.or(configured).or_else(|| home.filter(|path| path.exists())).ok_or_else(|| {
        Failure::usage("no SSH key given, and `~/.ssh/id_ed25519` does not exist")
            .hint("ssh-keygen -t ed25519, then `countersign setup --key FILE`")
    })?;
    let path = path.canonicalize().map_err(|cause| Failure::io("cannot find the key", &path, &cause))?;
    let key = keys::read_public(&path)?;
    Ok((path, key))
}

fn configure(repo: &Repo, key: &Path, remote: &str) -> Result<(), Failure> {
    let key = key.to_string_lossy();
    let settings = [
        ("gpg.format", "ssh"),
        ("user.signingKey", &key),
        ("push.gpgSign", "true"),
        ("transfer.fsckObjects", "true"),
        ("fetch.fsckObjects", "true"),
        (KEY, &key),
    ];
    for (name, value) in settings {
        repo.set_config(name, value)?;
    }
    for refspec in REFSPECS {
        repo.add_config(&format!("remote.{remote}.fetch"), refspec)?;
    }
    Ok(())
}

/// Installs the hook `name`, which runs `countersign <runs>`, unless there is another one.
fn install_hook(repo: &Repo, name: &'static str, runs: &str) -> Result<(), Failure> {
    let program = std::env::current_exe()?;
    let argument = if name == "commit-msg" { "\"$1\"" } else { "." };
    let existing = std::fs::read_to_string(repo.path().join("hooks").join(name)).unwrap_or_default();
    if !existing.is_empty() && !existing.contains(&format!("' {runs}")) {
        return Err(Failure::refused(format!("this clone has a `{name}` hook of its own"))
            .hint(format!("add to it: '{}' {runs} {argument}", program.display())));
    }
    if repo.config("core.hooksPath")?.is_some() {
        return Err(Failure::refused("`core.hooksPath` points git to other hooks than this clone's")
            .hint("git config --local core.hooksPath .git/hooks"));
    }
    Ok(repo::install_hook(repo, name, &program)?)
}

/// Says whom the trust root takes the owner of this key for.
fn introduce(repo: &Repo, remote: &str, key: &PublicKey, ui: &mut Ui) -> Result<(), Failure> {
    repo.fetch(remote, &REFSPECS)?;
    if repo.resolve(TRUST_REF)?.is_none() {
        ui.note("the server has no trust root yet");
        return Ok(());
    }
    let Some(pinned) = repo.config(ROOT_DIGEST)? else {
        ui.note(
            "no trust root is pinned here: enough to propose changes.\n\
             To review, ask a person for its digest: countersign setup --root-digest sha256:…",
        );
        return Ok(());
    };
    let root = trust::load(repo, Pin::Given(pinned.parse()?))?;
    match root.principal_of(key) {
        Some(name) => {
            let roles: Vec<&str> =
                root.roles().filter(|(_, role)| role.has(name)).map(|(role, _)| role.as_str()).collect();
            let roles = if roles.is_empty() { "author".to_owned() } else { roles.join(", ") };
            ui.line(format_args!("trust root {} knows you as `{name}` ({roles})", root.version()))
        }
        None => {
            ui.note(format_args!(
                "trust root {} does not know this key: pushes will be refused",
                root.version()
            ));
            Ok(())
        }
    }
}
