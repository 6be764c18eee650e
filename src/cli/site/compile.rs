//! `compile`: the catalogs of all nodes, or of one.

use super::{load, read, refusal};
use crate::cli::counted::counted;
use crate::cli::{Failure, Outcome, Ui};
use crate::model::finding::did_you_mean;
use crate::model::{EnvName, Tree};
use crate::module::{self, Compilation, Compiled, Site};
use crate::policy::report::{self, Style};
use std::path::{Path, PathBuf};

/// Arguments of `compile`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The folder of the site.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Only this node; without --out its catalog is printed.
    #[arg(long)]
    node: Option<String>,
    /// The environment to compile for; the site's first one unless given.
    #[arg(long)]
    env: Option<EnvName>,
    /// Write the catalogs and the files that they name into this folder.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(args: &Args, ui: &mut Ui) -> Outcome {
    let tree = read(&args.dir, ui)?;
    let site = load(&tree, ui)?;
    let mut compilation = compiled(&tree, &site, args.env.as_ref(), ui)?;
    if let Some(name) = &args.node {
        compilation.nodes.retain(|node| node.catalog.node.as_str() == name);
        if compilation.nodes.is_empty() {
            return Err(unknown_node(&site, name));
        }
    }
    match (&args.out, compilation.nodes.as_slice(), &args.node) {
        (Some(out), nodes, _) => write_all(out, nodes, &compilation, ui),
        (None, [one], Some(_)) => {
            ui.line(serde_json::to_string_pretty(&one.catalog)?)?;
            Ok(0)
        }
        (None, nodes, _) => table(nodes, &compilation, ui),
    }
}

/// Compiles, or shows everything that is wrong; warnings are shown too.
pub(super) fn compiled(
    tree: &Tree,
    site: &Site,
    env: Option<&EnvName>,
    ui: &mut Ui,
) -> Result<Compilation, Failure> {
    let first = site.environments().first();
    let Some(env) = env.or(first) else { return Err(Failure::refused("the site has no environment")) };
    let compilation = module::compile(site, env).map_err(|findings| refusal(tree, &findings, ui))?;
    if !compilation.warnings.is_empty() {
        let style = if ui.colour() { Style::Coloured } else { Style::Plain };
        let sources = |path: &str| tree.get(path).and_then(|bytes| std::str::from_utf8(bytes).ok());
        ui.note(report::text(&compilation.warnings, &sources, style));
    }
    Ok(compilation)
}

/// The failure for a node that the site does not have.
pub(super) fn unknown_node(site: &Site, name: &str) -> Failure {
    let near = did_you_mean(name, site.nodes().keys().map(crate::model::NodeName::as_str));
    let failure = Failure::refused(format!("the site has no node `{}`", name.escape_default()));
    match near {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint("`countersign compile` lists the nodes"),
    }
}

fn table(nodes: &[Compiled], compilation: &Compilation, ui: &mut Ui) -> Outcome {
    let width = nodes.iter().map(|node| node.catalog.node.as_str().len()).max().unwrap_or(4);
    ui.line(format_args!("{:width$}  resources   bytes  modules", "node"))?;
    for Compiled { catalog, bytes, .. } in nodes {
        let modules: Vec<&str> = catalog.modules.iter().map(crate::model::ModuleName::as_str).collect();
        let (node, resources, bytes) = (catalog.node.as_str(), catalog.resources.len(), bytes.len());
        ui.line(format_args!("{node:width$}  {resources:9} {bytes:7}  {}", modules.join(" ")))?;
    }
    let resources: usize = nodes.iter().map(|node| node.catalog.resources.len()).sum();
    let (nodes, resources) = (counted(nodes.len(), "node"), counted(resources, "resource"));
    let files = counted(compilation.blobs.len(), "delivered file");
    ui.line(format_args!("{nodes}, {resources}, {files}"))?;
    Ok(0)
}

/// Writes catalogs, and the file contents that they name, into a folder.
pub(super) fn write_all(out: &Path, nodes: &[Compiled], compilation: &Compilation, ui: &mut Ui) -> Outcome {
    for node in nodes {
        super::new::write(&out.join("catalog").join(format!("{}.json", node.catalog.node)), &node.bytes)?;
        for digest in node.catalog.blobs().keys() {
            if let Some(bytes) = compilation.blobs.get(digest) {
                super::new::write(&out.join("blob").join(digest.hex()), bytes)?;
            }
        }
    }
    ui.line(format_args!("wrote {} into `{}`", counted(nodes.len(), "catalog"), out.display()))?;
    Ok(0)
}
