//! `site new`: a small site that compiles and lints clean, to be changed into one's own.

use crate::cli::{Failure, Outcome, Ui};
use std::path::{Path, PathBuf};

/// Arguments of `site new`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The folder; made if it is not there.
    dir: PathBuf,
}

/// The files of a new site.
pub(super) const FILES: &[(&str, &str)] = &[
    ("README.md", include_str!("../skeleton/readme.md")),
    ("countersign.toml", include_str!("../skeleton/countersign.toml")),
    ("nodes/web1.example.toml", include_str!("../skeleton/node.toml")),
    ("data/common.toml", include_str!("../skeleton/common.toml")),
    ("modules/base/module.toml", include_str!("../skeleton/base.toml")),
    ("modules/base/templates/motd.j2", include_str!("../skeleton/motd.j2")),
    ("modules/hello/module.toml", include_str!("../skeleton/hello.toml")),
    ("policies/policy.toml", include_str!("../skeleton/policy.toml")),
];

/// Runs the command.
pub(super) fn run(args: &Args, ui: &mut Ui) -> Outcome {
    for (path, _) in FILES {
        let file = args.dir.join(path);
        if file.exists() {
            let failure = Failure::refused(format!("`{}` is there already", file.display()));
            return Err(failure.hint("name an empty folder, or a new one"));
        }
    }
    for (path, content) in FILES {
        write(&args.dir.join(path), content.as_bytes())?;
    }
    let dir = args.dir.display();
    ui.line(format_args!("made a site of 2 modules and 1 node in `{dir}`"))?;
    let enter = if args.dir == Path::new(".") { String::new() } else { format!("cd {dir} && ") };
    ui.line(format_args!("next: {enter}git init && countersign lint && countersign compile"))?;
    Ok(0)
}

/// Writes a file and the folders on the way to it.
pub(in crate::cli) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder).map_err(|cause| Failure::io("cannot make", folder, &cause))?;
    std::fs::write(path, bytes).map_err(|cause| Failure::io("cannot write", path, &cause))
}
