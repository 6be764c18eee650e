//! `countersign schema`: JSON Schemas of a site's files, for editors.

use super::{Failure, Outcome, Ui, site};
use crate::module::schema;
use crate::policy::schema as policy;
use serde_json::Value;
use std::path::PathBuf;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Which schema to print; without it, a list of them.
    #[arg(value_enum)]
    kind: Option<Kind>,
    /// Write into this folder instead of printing: one schema, or all of them.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// The files that have a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// `countersign.toml`.
    Site,
    /// `nodes/<node>.toml`.
    Node,
    /// `data/common.toml` and what is below `data/group/` and `data/node/`.
    Data,
    /// `data/secrets/<secret>.toml`.
    Secret,
    /// `modules/<module>/module.toml`.
    Module,
    /// `policies/policy.toml`.
    Policy,
    /// `policies/waivers/*.toml`.
    Waivers,
    /// All other files below `policies/`: protected paths.
    Paths,
}

impl Kind {
    const ALL: [Self; 8] = [
        Self::Site,
        Self::Node,
        Self::Data,
        Self::Secret,
        Self::Module,
        Self::Policy,
        Self::Waivers,
        Self::Paths,
    ];

    /// The name, and the files that it is for.
    const fn files(self) -> (&'static str, &'static str) {
        match self {
            Self::Site => ("site", "countersign.toml"),
            Self::Node => ("node", "nodes/*.toml"),
            Self::Data => ("data", "data/common.toml, data/group/*.toml, data/node/*.toml"),
            Self::Secret => ("secret", "data/secrets/**/*.toml"),
            Self::Module => ("module", "modules/*/module.toml"),
            Self::Policy => ("policy", "policies/policy.toml"),
            Self::Waivers => ("waivers", "policies/waivers/*.toml"),
            Self::Paths => ("paths", "policies/*.toml, the rest"),
        }
    }

    fn schema(self) -> Value {
        match self {
            Self::Site => schema::site(),
            Self::Node => schema::node(),
            Self::Data => schema::data(),
            Self::Secret => schema::secret(),
            Self::Module => schema::module(),
            Self::Policy => policy::settings(),
            Self::Waivers => policy::waivers(),
            Self::Paths => policy::paths(),
        }
    }

    fn text(self) -> Result<String, Failure> {
        Ok(serde_json::to_string_pretty(&self.schema())? + "\n")
    }
}

/// Runs the command.
pub(super) fn run(args: &Args, ui: &mut Ui) -> Outcome {
    match (args.kind, &args.out) {
        (Some(kind), None) => ui.raw(kind.text()?.as_bytes()),
        (None, None) => {
            for kind in Kind::ALL {
                let (name, files) = kind.files();
                ui.line(format_args!("{name:<8} {files}"))?;
            }
            ui.note("next: countersign schema --out .schemas");
            Ok(0)
        }
        (kind, Some(dir)) => {
            let kinds = kind.map_or_else(|| Kind::ALL.to_vec(), |kind| vec![kind]);
            for kind in &kinds {
                let (name, _) = kind.files();
                site::write(&dir.join(format!("{name}.schema.json")), kind.text()?.as_bytes())?;
            }
            ui.line(format_args!("wrote {} schemas into `{}`", kinds.len(), dir.display()))?;
            Ok(0)
        }
    }
}

#[cfg(test)]
mod tests;
