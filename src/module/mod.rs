//! A site's files to typed modules, and those to catalogs.
//!
//! Layer 1. Pure: the same tree gives the same bytes on every machine and in any number of threads.
//! Nothing here reads a file, a clock, a variable of the environment or a random number.

mod catalog;
mod command;
mod convert;
mod data;
mod declared;
mod document;
mod evaluate;
mod explain;
mod fields;
mod file_spec;
mod fixed;
mod folder;
mod form;
mod inventory;
mod languages;
mod limits;
mod live;
mod meta;
#[expect(clippy::module_inception, reason = "the file of the type `Module`")]
mod module;
mod origin;
mod param;
mod plain;
mod prepare;
mod safety;
mod schedules;
pub mod schema;
mod secrets;
mod shape;
mod site;
mod spec;
mod template;
mod time_field;
mod whole;

pub use catalog::{Compilation, Compiled};
pub use explain::{Lookup, LookupError, Step};
pub use inventory::{Group, Node};
pub use limits::Limits;
pub use origin::{AttrOrigin, Origin};
pub use secrets::{Need, Seal};
pub use site::Site;

use crate::model::{Digest, EnvName, Finding, Tree};

/// Reads a site out of its files.
///
/// # Errors
/// Every finding at once, in the order of files and places.
pub fn load(tree: &Tree) -> Result<Site, Vec<Finding>> {
    site::load(tree)
}

/// Compiles the catalogs of all nodes of the site for the environment `env`.
///
/// # Errors
/// Every finding at once; one that concerns several nodes is told once and names them.
pub fn compile(site: &Site, env: &EnvName) -> Result<Compilation, Vec<Finding>> {
    let threads = std::thread::available_parallelism().unwrap_or(std::num::NonZeroUsize::MIN);
    catalog::compile(site, env, threads)
}

/// What names this compiler in a release statement (D7): another digest, another compiler.
#[must_use]
pub fn compiler() -> Digest {
    Digest::of(concat!("countersign ", env!("CARGO_PKG_VERSION"), " catalog 1\n").as_bytes())
}

#[cfg(test)]
mod tests;
