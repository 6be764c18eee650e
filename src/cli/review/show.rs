//! `review show` and `review diff`.

use super::clone::Clone;
use super::examine::{Examined, examine};
use super::{list, summary};
use crate::cli::counted::counted;
use crate::cli::{Failure, Outcome, Ui};
use crate::model::{NodeName, Principal};
use crate::policy::{Waiver, report};
use crate::review::change::{Change, NoteRecord, void_text};
use crate::review::effect::What;
use crate::review::{escape, render, source};
use crate::signing::review::{Note, NoteVerdict};
use crate::signing::{Envelope, Withdrawn, verify};
use std::collections::BTreeMap;

/// What to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// What it is and where it stands.
    Summary,
    /// What it does and what is in it.
    Diff,
}

/// Files named before the rest is counted.
const FILES: usize = 20;

/// Runs the command.
pub(super) fn run(number: u64, part: Part, ui: &mut Ui) -> Outcome {
    let clone = Clone::open()?;
    let examined = examine(&clone, number, ui)?;
    let text = match part {
        Part::Summary => overview(&clone, &examined)?,
        Part::Diff => diff(&examined, ui),
    };
    ui.page(&text)?;
    if let Err(failure) = examined.agree() {
        ui.note(failure);
    }
    Ok(0)
}

fn diff(examined: &Examined, ui: &Ui) -> String {
    let style = ui.style();
    let source = source::diff(&examined.base, &examined.tree);
    format!(
        "== what changes on the nodes ==\n{}\n== what changes in the source ==\n{}",
        render::effect(&examined.effect, style),
        render::source(&source, style)
    )
}

fn overview(clone: &Clone, examined: &Examined) -> Result<String, Failure> {
    let mut change = examined.change.clone();
    let standing = list::standing(clone, &mut change)?;
    let release = &examined.release;
    let number = change.number;
    let mut out = format!(
        "change {number}, patchset {} for {}: {}\n",
        release.patchset,
        release.environment,
        escape::line(release.reason.as_bytes())
    );
    out.push_str(&format!(
        "  authors    {} (by their push certificates)\n",
        Principal::list(&release.authors)
    ));
    out.push_str(&format!(
        "  commit     {} on {}\n",
        release.commit,
        release.base.as_deref().unwrap_or("nothing")
    ));
    out.push_str(&format!("  lint       {}\n", lint(examined)));
    out.push_str(&waivers(examined));
    out.push_str(&summary::guarded(examined, &clone.root));
    out.push_str(&effects(examined));
    out.push_str(&files(examined));
    out.push_str(&format!("  statement  {}\n", examined.id()));
    out.push_str(&format!("  stands     {standing}\n"));
    out.push_str(&history(&change));
    out.push_str(&notes(clone, &change)?);
    out.push_str(&format!("next: countersign review diff {number}, then countersign approve {number}\n"));
    Ok(out)
}

fn lint(examined: &Examined) -> String {
    let warnings = examined.admitted.linted.warnings.len() + examined.admitted.compilation.warnings.len();
    match warnings {
        0 => "passed on this machine".into(),
        count => format!("passed on this machine, with {}", counted(count, "warning")),
    }
}

/// The waivers without which the lint would have refused the change.
fn waivers(examined: &Examined) -> String {
    let line = |waiver: &Waiver| {
        let nodes = waiver.nodes.iter().map(NodeName::as_str);
        let on: Vec<&str> = nodes.chain(waiver.groups.iter().map(String::as_str)).collect();
        let (reason, ticket) =
            (escape::line(waiver.reason.as_bytes()), escape::line(waiver.ticket.as_bytes()));
        format!(
            "  waiver     {} for {} on {}, until {}: {reason} ({ticket})\n",
            waiver.rule,
            waiver.resource,
            on.join(", "),
            waiver.expires
        )
    };
    examined.admitted.linted.waivers_used.iter().map(line).collect()
}

/// Nodes, and resources by type.
pub(super) fn effects(examined: &Examined) -> String {
    let release = &examined.release;
    let mut counts: BTreeMap<(What, String), usize> = BTreeMap::new();
    for group in &examined.effect.groups {
        for change in &group.changes {
            let kind = match (change.what, &change.resource) {
                (_, Some(resource)) => resource.kind.name(),
                (What::Safety, None) => "budget or health check",
                (_, None) => "order",
            };
            *counts.entry((change.what, kind.to_owned())).or_default() += 1;
        }
    }
    let parts: Vec<String> = counts
        .iter()
        .map(|((what, kind), count)| format!("{count} {kind} {}", summary::word(*what)))
        .collect();
    let parts = if parts.is_empty() { "no resource changes".into() } else { parts.join(", ") };
    format!("  affects    {} of {}: {parts}\n", release.affected, counted(release.nodes, "node"))
}

fn files(examined: &Examined) -> String {
    let paths = &examined.admitted.measured.paths;
    let mut out = String::new();
    for (at, path) in paths.iter().take(FILES).enumerate() {
        let label = if at == 0 { "files" } else { "" };
        out.push_str(&format!("  {label:<10} {}\n", escape::line(path.as_bytes())));
    }
    if paths.len() > FILES {
        out.push_str(&format!("             and {} more\n", paths.len() - FILES));
    }
    out
}

fn history(change: &Change) -> String {
    let mut out = String::new();
    for patchset in &change.patchsets {
        if let Some(void) = patchset.void {
            let signed: Vec<&str> = patchset.approvals.iter().map(|(who, _)| who.as_str()).collect();
            let signed = if signed.is_empty() { "nobody".into() } else { signed.join(", ") };
            let number = patchset.number;
            out.push_str(&format!(
                "  void       patchset {number}, signed by {signed}: {}\n",
                void_text(void)
            ));
        }
    }
    out
}

fn notes(clone: &Clone, change: &Change) -> Result<String, Failure> {
    let withdrawn = clone.withdrawn(&change.environment)?;
    Ok(change.notes.iter().map(|note| note_text(clone, &withdrawn, note)).collect())
}

/// A note is shown under the name of whoever signed it, or not at all.
fn note_text(clone: &Clone, withdrawn: &Withdrawn, record: &NoteRecord) -> String {
    let envelope = Envelope { bytes: record.document.clone(), signatures: vec![record.signature.clone()] };
    match verify::<Note>(&clone.root, withdrawn, &envelope) {
        Err(error) => format!("  note       not shown, its signature does not hold: {error}\n"),
        Ok(note) => {
            let verdict = match note.verdict {
                NoteVerdict::Comment => "",
                NoteVerdict::Reject => " rejects it",
            };
            let line = note.line.map_or_else(String::new, |line| format!(":{line}"));
            let place = note.file.as_ref().map_or_else(String::new, |file| format!(" at {file}{line}"));
            let text = escape::text(note.text.as_bytes()).replace('\n', "\n             ");
            let place = escape::line(place.as_bytes());
            format!("  note       {}{verdict}, patchset {}{place}: {text}\n", note.author, note.patchset)
        }
    }
}

/// Warnings of the lint, as text.
pub(super) fn warnings(examined: &Examined, ui: &Ui) -> String {
    let warnings =
        [&examined.admitted.compilation.warnings[..], &examined.admitted.linted.warnings[..]].concat();
    let source = |path: &str| examined.tree.get(path).and_then(|bytes| std::str::from_utf8(bytes).ok());
    if warnings.is_empty() { String::new() } else { report::text(&warnings, &source, ui.style()) }
}
