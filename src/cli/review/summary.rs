//! What a reviewer sees before the question: guarded resources first, and no signature for many nodes without a reason
//! (D48).

use super::examine::Examined;
use crate::cli::Failure;
use crate::cli::counted::counted;
use crate::model::{Catalog, Ref, Resource, RoleName};
use crate::review::effect::What;
use crate::signing::{Root, guard};
use std::collections::{BTreeMap, BTreeSet};

/// A change of more nodes than this needs a reason.
const MANY: u64 = 10;
/// Letters and digits that make a reason.
const LETTERS: usize = 3;

/// One line for each resource that changes and that a guard of the trust root covers, as it is or as it was; nothing where
/// there is none.
pub(super) fn guarded(examined: &Examined, root: &Root) -> String {
    let after = examined.admitted.compilation.nodes.iter().map(|node| &node.catalog);
    let mut resources = by_reference(after);
    for (reference, found) in by_reference(examined.admitted.before.iter()) {
        resources.entry(reference).or_default().extend(found);
    }
    let mut lines = String::new();
    for group in &examined.effect.groups {
        for change in &group.changes {
            let Some(reference) = &change.resource else { continue };
            let found = resources.get(reference).into_iter().flatten();
            let roles: BTreeSet<&RoleName> =
                found.flat_map(|resource| guard::guarding(root, resource)).collect();
            let (nodes, what) = (counted(group.nodes.len(), "node"), word(change.what));
            // What is no longer managed is left as it is.
            if change.what != What::Removed
                && resources.get(reference).into_iter().flatten().any(|resource| resource.meta.irreversible)
            {
                lines.push_str(&format!(
                    "  ONE WAY    {reference} {what} on {nodes}: it does not go back when a health check fails\n"
                ));
            }
            for role in roles {
                lines.push_str(&format!(
                    "  GUARDED    {reference} {what} on {nodes}: role `{role}` must sign\n"
                ));
            }
        }
    }
    lines
}

fn by_reference<'a>(catalogs: impl Iterator<Item = &'a Catalog>) -> BTreeMap<Ref, Vec<&'a Resource>> {
    let mut found: BTreeMap<Ref, Vec<&Resource>> = BTreeMap::new();
    for resource in catalogs.flat_map(|catalog| &catalog.resources) {
        let same = found.entry(resource.reference()).or_default();
        if !same.contains(&resource) {
            same.push(resource);
        }
    }
    found
}

/// What happens to a resource, in words.
pub(super) const fn word(what: What) -> &'static str {
    match what {
        What::Added => "new",
        What::Removed => "no longer managed",
        What::Changed => "changed",
        What::Reordered => "reordered",
        What::Safety => "changed",
    }
}

/// Refuses to sign for many nodes what gives no reason.
///
/// # Errors
/// When that is so.
pub(super) fn demand_reason(examined: &Examined) -> Result<(), Failure> {
    let release = &examined.release;
    let letters = release.reason.chars().filter(|c| c.is_ascii_alphanumeric()).count();
    if release.affected <= MANY || letters >= LETTERS {
        return Ok(());
    }
    let text =
        format!("change {} is for {} and gives no reason", release.change, counted(release.affected, "node"));
    Err(Failure::refused(text)
        .hint("its author says why in the commit message (`git commit --amend`) and pushes again"))
}
