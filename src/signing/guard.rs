//! Effect guards: which roles must have signed because of what a catalog touches, whatever the
//! statement says about paths (D35).
//!
//! A node cannot know which roles agreed to an earlier release, so a guard looks at the whole catalog.

use super::refusal::Refusal;
use super::release::Release;
use super::root::{Guard, Root};
use super::verified::Verified;
use crate::model::resource::{Command, Cron, Exec, File, FileEnsure, Word};
use crate::model::{Catalog, Principal, Ref, Resource, RoleName, Spec};
use std::collections::{BTreeMap, BTreeSet};

/// The roles that must have signed a release with this catalog, each with a resource that says so.
#[must_use]
pub fn required(root: &Root, catalog: &Catalog) -> BTreeMap<RoleName, Ref> {
    let mut roles = BTreeMap::new();
    for resource in &catalog.resources {
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
    if guard.resource != resource.spec.kind() {
        return false;
    }
    let names: Vec<String> = match &resource.spec {
        Spec::File(file) => return file_touches(guard, file),
        Spec::Package(package) => vec![package.name.clone()],
        Spec::Service(service) => vec![service.name.clone()],
        Spec::User(user) => vec![user.name.clone()],
        Spec::Group(group) => vec![group.name.clone()],
        Spec::Exec(exec) => exec_names(exec),
        Spec::Cron(cron) => cron_names(cron),
        Spec::Notify(_) => Vec::new(),
    };
    let title = std::iter::once(&resource.title);
    title.chain(&names).any(|name| guard.pattern.matches_name(name))
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

fn exec_names(exec: &Exec) -> Vec<String> {
    let mut names: Vec<String> = exec.commands().map(|(_, command)| command_text(command)).collect();
    names.extend(exec.program().map(str::to_owned));
    names
}

fn command_text(command: &Command) -> String {
    match command {
        Command::Shell(text) => text.clone(),
        Command::Argv(words) => {
            let text = |word: &Word| match word {
                Word::Text(text) => text.clone(),
                Word::Fact(fact) => format!("{{{{ facts.{fact} }}}}"),
            };
            words.iter().map(text).collect::<Vec<_>>().join(" ")
        }
    }
}

fn cron_names(cron: &Cron) -> Vec<String> {
    vec![cron.name.clone(), cron.user.clone(), cron.command.clone()]
}

#[cfg(test)]
mod tests;
