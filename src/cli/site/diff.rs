//! `diff`: what nodes notice of the changes between a commit and the work tree.

use super::compile::compiled;
use super::{load, read, refusal};
use crate::cli::{Failure, Outcome, Ui};
use crate::model::{Catalog, EnvName, Tree};
use crate::policy::report::Style;
use crate::repo::{Limits, Repo, RepoError};
use crate::review::{effect, render};
use std::path::PathBuf;

/// Arguments of `diff`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The commit to compare with.
    #[arg(default_value = "HEAD")]
    base: String,
    /// The folder of the site: the top of its repository.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// The environment to compile for; the site's first one unless given.
    #[arg(long)]
    env: Option<EnvName>,
}

/// Runs the command.
pub(super) fn run(args: &Args, ui: &mut Ui) -> Outcome {
    let before = committed(args, ui)?;
    let after = read(&args.dir, ui)?;
    let old = catalogs(&before, args, ui)?;
    let new = catalogs(&after, args, ui)?;
    let style = if ui.colour() { Style::Coloured } else { Style::Plain };
    ui.raw(render::effect(&effect::diff(&old, &new), style).as_bytes())
}

fn committed(args: &Args, ui: &mut Ui) -> Result<Tree, Failure> {
    let repo = Repo::discover(&args.dir).map_err(|error| {
        Failure::from_error(&error)
            .hint("`countersign diff` compares with a commit: `git init` and commit first")
    })?;
    let top = repo.workdir().and_then(|top| top.canonicalize().ok());
    let dir = args.dir.canonicalize().map_err(|cause| Failure::io("cannot open", &args.dir, &cause))?;
    if top.as_ref() != Some(&dir) {
        let message = format!("`{}` is not the top of its repository", args.dir.display());
        return Err(Failure::refused(message).hint("run this where the site's `.git` is"));
    }
    match repo.read_tree(repo.revision(&args.base)?, Limits::SITE) {
        Ok(tree) => Ok(tree),
        Err(RepoError::Tree(findings)) => Err(refusal(&Tree::default(), &findings, ui)),
        Err(error) => Err(Failure::from_error(&error)),
    }
}

fn catalogs(tree: &Tree, args: &Args, ui: &mut Ui) -> Result<Vec<Catalog>, Failure> {
    let site = load(tree, ui)?;
    let compilation = compiled(tree, &site, args.env.as_ref(), ui)?;
    Ok(compilation.nodes.into_iter().map(|node| node.catalog).collect())
}
