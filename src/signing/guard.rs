//! Effect guards: which roles must have signed because of what a catalog touches, whatever the
//! statement says about paths (D35).
//!
//! A node cannot know which roles agreed to an earlier release, so a guard looks at the whole catalog.

use super::refusal::Refusal;
use super::release::Release;
use super::root::{Guard, Root};
use super::verified::Verified;
use crate::model::resource::{File, FileEnsure};
use crate::model::{Catalog, Kind, Principal, Ref, Resource, RoleName, Spec};
use std::collections::{BTreeMap, BTreeSet};

/// The roles that must have signed a release with this catalog, each with a resource that says so.
#[must_use]
pub fn required(root: &Root, catalog: &Catalog) -> BTreeMap<RoleName, Ref> {
    let mut roles = BTreeMap::new();
    for resource in catalog.everything() {
        for role in guarding(root, resource) {
            roles.entry(role.clone()).or_insert_with(|| resource.reference());
        }
    }
    roles
}

/// The roles whose guards cover this resource.
pub fn guarding<'a>(root: &'a Root, resource: &'a Resource) -> impl Iterator<Item = &'a RoleName> {
    root.guards().iter().filter(|guard| touches(guard, resource)).map(|guard| &guard.role)
}

pub(super) fn check(root: &Root, release: &Verified<Release>, catalog: &Catalog) -> Result<(), Refusal> {
    let signed: BTreeSet<&Principal> = release.signers().iter().collect();
    for (role, resource) in required(root, catalog) {
        if root.role(&role).is_none_or(|body| body.lacking(&signed) > 0) {
            return Err(Refusal::Guard { resource, role });
        }
    }
    Ok(())
}

fn touches(guard: &Guard, resource: &Resource) -> bool {
    let spec = &resource.spec;
    if let (Kind::File, Spec::File(file)) = (guard.resource, spec) {
        return file_touches(guard, file);
    }
    // Whatever the type is called, a guarded file is a guarded file.
    if guard.resource == Kind::File && spec.paths().iter().any(|path| guard.pattern.matches(path)) {
        return true;
    }
    if guard.resource == Kind::File
        && spec
            .sweeps()
            .is_some_and(|folder| guard.pattern.matches(folder) || guard.pattern.reaches_below(folder))
    {
        return true;
    }
    // What goes is not known before the node looks: it may be anything of its type.
    if matches!(spec, Spec::Purge(purge) if purge.kind == guard.resource.name()) {
        return true;
    }
    let mut names = std::iter::once(resource.title.clone()).chain(spec.names());
    guard.resource == spec.kind() && names.any(|name| guard.pattern.matches_name(&name))
}

/// A file touches a guarded path when it is there, when what it does to a folder reaches there, or when it
/// is a link to there. A path with `..` in it could be anywhere.
fn file_touches(guard: &Guard, file: &File) -> bool {
    let winding = |path: &str| {
        !path.starts_with('/') || path.split('/').skip(1).any(|part| matches!(part, "" | "." | ".."))
    };
    let mut paths = vec![file.path.as_str()];
    paths.extend(file.target.as_deref());
    let sweeping = file.recurse || file.purge || file.force;
    let replaces = matches!(file.ensure, FileEnsure::Absent | FileEnsure::Link);
    paths.into_iter().any(|path| {
        (path != "/" && winding(path))
            || guard.pattern.matches(path)
            || ((sweeping || replaces) && guard.pattern.reaches_below(path))
    })
}

#[cfg(test)]
mod tests;
