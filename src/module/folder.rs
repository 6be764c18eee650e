//! `source`: a file or a whole folder below the module's `files/`. There is nowhere else to take content from (T3).

use super::declared::Given;
use super::document::place;
use super::evaluate::Made;
use super::module::{Delivered, Module};
use super::origin::Origin;
use crate::model::finding::did_you_mean;
use crate::model::resource::{Content, File, FileEnsure};
use crate::model::{Finding, Meta, Resource, Spec};
use crate::shell::run::matches;
use std::collections::BTreeSet;

/// The rule that a source breaks which is not there.
const UNKNOWN: &str = "unknown-source";

/// What a `source` names.
pub(super) enum Found<'a> {
    /// A file.
    File(&'a Delivered),
    /// The files below a folder, by their path below it.
    Folder(Vec<(&'a str, &'a Delivered)>),
}

/// Finds the first of these that there is, as Puppet does: what one node or group has of its own stands before what all have.
pub(super) fn first<'a>(
    module: &'a Module,
    given: &Given,
    names: &[String],
) -> Result<Found<'a>, Box<Finding>> {
    let mut missing = None;
    for name in names {
        match find(module, given, name) {
            Err(finding) if finding.rule == UNKNOWN => missing = Some(finding),
            other => return other,
        }
    }
    Err(missing.unwrap_or_else(|| {
        let at = place(&module.file, &given.inner.0);
        let finding = Finding::error("bad-value", "this list has no source", at);
        Box::new(finding.instead(format!("name a file below `modules/{}/files/`", module.name)))
    }))
}

/// Finds the `source` called `name`.
fn find<'a>(module: &'a Module, given: &Given, name: &str) -> Result<Found<'a>, Box<Finding>> {
    let at = place(&module.file, &given.inner.0);
    if name.contains("://") || name.starts_with("puppet:") || name.starts_with("file:") {
        let message = format!("`{}` is a remote source", name.escape_default());
        let finding = Finding::error("remote-source", message, at);
        let finding = finding.why("what is fetched later is not what reviewers signed");
        return Err(Box::new(finding.instead("put the file below the module's `files/` and name it")));
    }
    if let Some(file) = module.files.get(name) {
        return Ok(Found::File(file));
    }
    let folder = format!("{}/", name.trim_end_matches('/'));
    let below: Vec<(&str, &Delivered)> = module
        .files
        .range(folder.clone()..)
        .map_while(|(path, file)| Some((path.strip_prefix(&folder)?, file)))
        .collect();
    if !below.is_empty() {
        return Ok(Found::Folder(below));
    }
    let message = format!("the module has no file `files/{}`", name.escape_default());
    let finding = Finding::error(UNKNOWN, message, at);
    let near = did_you_mean(name, module.files.keys().map(String::as_str));
    Err(Box::new(match near {
        Some(near) => finding.instead(format!("did you mean `{near}`?")),
        None => finding.instead(format!("add it below `modules/{}/files/`", module.name)),
    }))
}

/// The content of a delivered file.
pub(super) fn content(file: &Delivered) -> Content {
    Content::Blob { digest: file.digest, size: file.bytes.len() as u64 }
}

/// One resource for each folder and file below the folder that `spec` delivers.
pub(super) fn expand(
    (spec, mode): (&Spec, Option<String>),
    meta: &Meta,
    origin: &Origin,
    below: &[(&str, &Delivered)],
) -> Vec<Made> {
    let Spec::File(top) = spec else { return Vec::new() };
    let mut made = Vec::new();
    let mut folders = BTreeSet::new();
    let ignored = |name: &str| top.ignore.iter().any(|pattern| matches(pattern, name));
    let levels = |path: &str| u32::try_from(path.split('/').count()).unwrap_or(u32::MAX);
    let reached = |path: &str| top.recurselimit.is_none_or(|limit| levels(path) <= limit);
    let named = |path: &str| reached(path) && !path.split('/').any(ignored);
    for (path, delivered) in below.iter().filter(|(path, _)| named(path)) {
        for (at, _) in path.match_indices('/') {
            let folder = &path[..at];
            if folders.insert(folder) {
                let recurselimit = top.recurselimit.map(|limit| limit.saturating_sub(levels(folder)));
                let file = File { path: format!("{}/{folder}", top.path), recurselimit, ..top.clone() };
                made.push(implied(file, meta, origin.clone()));
            }
        }
        let file = File {
            path: format!("{}/{path}", top.path),
            ensure: FileEnsure::File,
            content: Some(content(delivered)),
            mode: mode.clone(),
            recurse: false,
            recurselimit: None,
            max_files: None,
            purge: false,
            ignore: Vec::new(),
            force: false,
            ..top.clone()
        };
        let mut origin = origin.clone();
        if let Some(source) = origin.attrs.get_mut("source") {
            source.point_at(delivered);
        }
        made.push(implied(file, meta, origin));
    }
    made
}

fn implied(file: File, meta: &Meta, origin: Origin) -> Made {
    let resource = Resource { title: file.path.clone(), spec: Spec::File(file), meta: meta.clone() };
    Made { resource, origin, implied: true, alias: Vec::new() }
}
