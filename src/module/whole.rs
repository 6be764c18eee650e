//! What only the whole catalog of a node shows: things declared twice, missing, or waiting for each other.

use super::evaluate::Made;
use super::origin::Origin;
use crate::model::finding::did_you_mean;
use crate::model::graph::{self, GraphError};
use crate::model::resource::Resource;
use crate::model::{Finding, Place, Ref, Spec};
use std::collections::{BTreeMap, BTreeSet};

/// Drops what a folder implies and another resource declares.
pub(super) fn prefer_declared(made: &mut Vec<Made>) {
    let declared: BTreeSet<String> = made.iter().filter(|made| !made.implied).filter_map(path).collect();
    made.retain(|made| !made.implied || path(made).is_none_or(|path| !declared.contains(&path)));
}

/// Puts the resources that are meant in the place of their other names.
pub(super) fn resolve_aliases(made: &mut [Made], findings: &mut Vec<Finding>) {
    if made.iter().all(|made| made.alias.is_empty()) {
        return;
    }
    let declared: BTreeMap<Ref, usize> =
        made.iter().enumerate().map(|(i, made)| (made.resource.reference(), i)).collect();
    let mut meant: BTreeMap<Ref, usize> = BTreeMap::new();
    for (i, one) in made.iter().enumerate() {
        for alias in &one.alias {
            let name = Ref { kind: one.resource.spec.kind(), title: alias.clone() };
            let Some(other) = declared.get(&name).copied().or_else(|| meant.insert(name.clone(), i)) else {
                continue;
            };
            let at = one.origin.attrs.get("alias").map_or(&one.origin.declared, |attr| &attr.place).clone();
            let finding = Finding::error("duplicate-resource", format!("there is a `{name}` already"), at);
            let finding = finding.related(made[other].origin.declared.clone(), "this");
            findings.push(finding.instead("take another name").resource(one.resource.reference()));
        }
    }
    let meant: BTreeMap<Ref, Ref> =
        meant.into_iter().map(|(name, i)| (name, made[i].resource.reference())).collect();
    for one in made {
        let meta = &mut one.resource.meta;
        for refs in [&mut meta.before, &mut meta.require, &mut meta.notify, &mut meta.subscribe] {
            for name in refs {
                if let Some(reference) = meant.get(name) {
                    name.clone_from(reference);
                }
            }
        }
    }
}

fn path(made: &Made) -> Option<String> {
    match &made.resource.spec {
        Spec::File(file) => Some(file.path.clone()),
        _ => None,
    }
}

/// Checks the resources of one node against each other.
pub(super) fn check(resources: &[Resource], origins: &[Origin], findings: &mut Vec<Finding>) {
    same_thing(resources, origins, findings);
    whole_and_part(resources, origins, findings);
    let Err(errors) = graph::order(resources) else { return };
    let known: Vec<String> = resources.iter().map(|resource| resource.reference().to_string()).collect();
    let index: BTreeMap<Ref, usize> =
        resources.iter().enumerate().rev().map(|(i, resource)| (resource.reference(), i)).collect();
    let declared = |reference: &Ref| index.get(reference).map(|i| origins[*i].declared.clone());
    for error in errors {
        let message = error.to_string();
        match error {
            GraphError::Duplicate(reference) => {
                let all = resources.iter().zip(origins).filter(|(r, _)| r.reference() == reference);
                let places: Vec<&Place> = all.map(|(_, origin)| &origin.declared).collect();
                let (Some(first), Some(last)) = (places.first(), places.last()) else { continue };
                let finding = Finding::error("duplicate-resource", message, (*last).clone());
                let finding = finding.related((*first).clone(), "first declared here");
                findings.push(finding.instead("give it another title, or remove one").resource(reference));
            }
            GraphError::Unknown { from, metaparameter, to } => {
                let Some(origin) = index.get(&from).map(|i| &origins[*i]) else { continue };
                let attr = origin.attrs.get(metaparameter);
                let place = attr.map_or(&origin.declared, |attr| &attr.place).clone();
                let finding = Finding::error("missing-resource", message, place).resource(from);
                let near = did_you_mean(&to.to_string(), known.iter().map(String::as_str)).map(str::to_owned);
                findings.push(match near {
                    Some(near) => finding.instead(format!("did you mean `{near}`?")),
                    None => finding.instead(format!("declare `{to}`, or include the module that does")),
                });
            }
            GraphError::Cycle(members) => {
                let Some(first) = members.first() else { continue };
                let place = declared(first).unwrap_or_else(|| Place::file("<catalog>"));
                let mut finding = Finding::error("dependency-cycle", message, place).resource(first.clone());
                for member in members.iter().skip(1).take(members.len().saturating_sub(2)) {
                    if let Some(place) = declared(member) {
                        finding = finding.related(place, format!("then `{member}`"));
                    }
                }
                findings.push(
                    finding.instead("remove one of these `require`, `before`, `notify` or `subscribe`"),
                );
            }
        }
    }
}

/// Where health checks may take a release back, what cannot go back says so, and reviewers see it.
pub(super) fn ways_back(resources: &[Resource], origins: &[Origin], findings: &mut Vec<Finding>) {
    let stuck = |resource: &Resource| !resource.spec.goes_back() && !resource.meta.irreversible;
    for (resource, origin) in resources.iter().zip(origins).filter(|(resource, _)| stuck(resource)) {
        let message = "this node has health checks, and this stays as it is when one of them fails";
        let finding = Finding::error("irreversible", message, origin.declared.clone());
        findings.push(
            finding.instead("add `irreversible = true`, which reviewers see").resource(resource.reference()),
        );
    }
}

/// Two resources that manage one thing under two titles. Where the nodes' own facts decide between them, both may be there.
fn same_thing(resources: &[Resource], origins: &[Origin], findings: &mut Vec<Finding>) {
    let mut first: BTreeMap<(&str, String), usize> = BTreeMap::new();
    for (i, resource) in resources.iter().enumerate() {
        let Some((what, name)) = resource.spec.thing() else { continue };
        let Some(other) = first.insert((what, name.clone()), i) else { continue };
        let apart = resource.meta.when.is_some() && resources[other].meta.when.is_some();
        if apart || resource.reference() == resources[other].reference() {
            continue;
        }
        let message = format!("the {what} `{name}` is managed by `{}` already", resources[other].reference());
        let finding = Finding::error("duplicate-resource", message, origins[i].declared.clone());
        let finding = finding.related(origins[other].declared.clone(), "by this");
        findings.push(finding.instead("keep one of the two").resource(resource.reference()));
    }
}

/// A file whose content is given as a whole, and a resource that writes a part of it: in every run each would undo
/// what the other did.
fn whole_and_part(resources: &[Resource], origins: &[Origin], findings: &mut Vec<Finding>) {
    let mut wholes: BTreeMap<&str, usize> = BTreeMap::new();
    for (i, resource) in resources.iter().enumerate() {
        if let Spec::File(file) = &resource.spec
            && file.content.is_some()
            && file.replace
        {
            wholes.insert(&file.path, i);
        }
    }
    for (i, resource) in resources.iter().enumerate().filter(|(_, r)| !matches!(r.spec, Spec::File(_))) {
        for path in resource.spec.paths() {
            let Some(&whole) = wholes.get(path.as_str()) else { continue };
            if resource.meta.when.is_some() && resources[whole].meta.when.is_some() {
                continue;
            }
            let message = format!(
                "`{}` gives all of `{path}`, and this writes a part of it",
                resources[whole].reference()
            );
            let finding = Finding::error("whole-and-part", message, origins[i].declared.clone());
            let finding = finding.related(origins[whole].declared.clone(), "the whole file");
            let instead = "say it in the file's content, or set `replace = false` on the file";
            findings.push(finding.instead(instead).resource(resource.reference()));
        }
    }
}
