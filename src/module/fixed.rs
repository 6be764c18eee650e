//! Resources that are the same on every node, checked before any node includes their module.

use super::document::{Item, Value};
use super::module::Module;
use super::prepare::Prepared;
use super::shape::Typed;
use super::spec::{self, Attrs};
use super::{file_spec, folder, plain};
use crate::model::resource::{Content, META_ATTRS, Shape};
use crate::model::{Finding, Kind, Spec};
use std::collections::BTreeMap;

/// Checks the resources in which no node has a say, so that a module is checked before any node includes it.
pub(super) fn check(module: &Module, findings: &mut Vec<Finding>) {
    for declared in &module.resources {
        let Prepared::Fixed(Item { value: Value::Text(title), .. }) = &declared.title else { continue };
        let mut values = BTreeMap::new();
        let mut content = None;
        let before = findings.len();
        for given in &declared.attrs {
            let Some(typed) = given.typed.clone() else { break };
            match (given.attr.shape, &typed) {
                (Shape::Source, Typed::Texts(names)) => match folder::first(module, given, names) {
                    Ok(folder::Found::File(file)) => content = Some(folder::content(file)),
                    Ok(folder::Found::Folder(_)) => {}
                    Err(finding) => findings.push(*finding),
                },
                (Shape::Template, _) | (_, Typed::Content(_)) => content = Some(Content::Text("".into())),
                _ => {}
            }
            values.insert(given.attr.name, (typed, given.span.clone()));
        }
        if values.len() == declared.attrs.len() && findings.len() == before {
            values.retain(|name, _| !META_ATTRS.iter().any(|attr| attr.name == *name));
            let (kind, title, at) = (declared.kind, title.text.as_str(), declared.at.clone());
            built(&mut Attrs { kind, title, file: &module.file, at, values, findings }, content);
        }
    }
}

/// The typed form of a resource of any type; `None` after telling what is wrong.
pub(super) fn built(attrs: &mut Attrs<'_>, content: Option<Content>) -> Option<Spec> {
    match attrs.kind {
        Kind::File => file_spec::build(attrs, content),
        Kind::User => spec::build(attrs),
        _ if content.is_some() => plain::build(attrs, content),
        _ => spec::build(attrs),
    }
}
