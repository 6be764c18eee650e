//! Findings as text, drawn like a compiler's errors.

use super::{Sources, Style};
use crate::model::finding::line_column;
use crate::model::{Finding, NodeName, Place, Severity};
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};
use std::fmt::Write as _;

/// Lines of an excerpt, at most.
const MAX_LINES: usize = 4;
/// Bytes of a line that are shown, at most.
const MAX_LINE: usize = 400;
/// Names of nodes that are listed, at most.
const MAX_NODES: usize = 6;

/// The findings as text: excerpt, underline, why, what to write instead, and a count at the end.
#[must_use]
pub fn text(findings: &[Finding], sources: &Sources<'_>, style: Style) -> String {
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Coloured => Renderer::styled(),
    }
    .decor_style(DecorStyle::Ascii);
    let mut out = String::new();
    for finding in findings {
        out.push_str(&one(finding, sources, &renderer));
        out.push_str("\n\n");
    }
    out.push_str(&summary(findings));
    out
}

/// `text` with everything but printable ASCII, tab and line feed shown like `‹U+200B›` (D15).
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ' '..='~' | '\n' | '\t' => out.push(c),
            _ => drop(write!(out, "‹U+{:04X}›", c as u32)),
        }
    }
    out
}

fn one(finding: &Finding, sources: &Sources<'_>, renderer: &Renderer) -> String {
    let level = match finding.severity {
        Severity::Deny => Level::ERROR,
        Severity::NeedsWaiver => Level::ERROR.with_name("needs waiver"),
        Severity::Warn => Level::WARNING,
    };
    let message = escape(&finding.message);
    let rule = escape(&finding.rule);
    let mut group = Group::with_title(level.primary_title(message).id(rule));
    group = match Excerpt::of(&finding.place, sources) {
        Some(excerpt) => group.element(excerpt.snippet(AnnotationKind::Primary, String::new())),
        None => group.element(annotate_snippets::Origin::path(escape(&finding.place.file))),
    };
    for related in &finding.related {
        let said = escape(&related.message);
        group = match Excerpt::of(&related.place, sources) {
            Some(excerpt) => group.element(excerpt.snippet(AnnotationKind::Context, said)),
            None => group.element(Level::NOTE.message(format!("{said}, in {}", escape(&related.place.file)))),
        };
    }
    if let Some(command) = &finding.resolved {
        group = group.element(Level::NOTE.with_name("runs").message(escape(command)));
    }
    if let Some(resource) = &finding.resource {
        group = group.element(Level::NOTE.message(concerned(&escape(&resource.to_string()), &finding.nodes)));
    }
    if !finding.why.is_empty() {
        group = group.element(Level::NOTE.with_name("why").message(escape(finding.why.trim())));
    }
    if let Some(instead) = &finding.instead {
        group = group.element(Level::HELP.with_name("instead").message(escape(instead.trim())));
    }
    renderer.render(&[group])
}

fn concerned(resource: &str, nodes: &[NodeName]) -> String {
    if nodes.is_empty() {
        return resource.to_owned();
    }
    let shown: Vec<&str> = nodes.iter().take(MAX_NODES).map(NodeName::as_str).collect();
    let more = nodes.len().saturating_sub(MAX_NODES);
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{resource} on {}{tail}", shown.join(", "))
}

fn summary(findings: &[Finding]) -> String {
    let count = |severity| findings.iter().filter(|f| f.severity == severity).count();
    let (deny, waiver, warn) = (count(Severity::Deny), count(Severity::NeedsWaiver), count(Severity::Warn));
    match deny + waiver + warn {
        0 => "no findings\n".to_owned(),
        _ => {
            let plural = if warn == 1 { "" } else { "s" };
            format!("{deny} denied, {waiver} in need of a waiver, {warn} warning{plural}\n")
        }
    }
}

/// The lines around a place, escaped, with the place's offsets in them.
struct Excerpt {
    file: String,
    line: usize,
    text: String,
    start: usize,
    end: usize,
}

impl Excerpt {
    fn of(place: &Place, sources: &Sources<'_>) -> Option<Self> {
        let source = sources(&place.file)?;
        let start = floor(source, place.start);
        let end = floor(source, place.end.max(place.start));
        let from = source[..start].rfind('\n').map_or(0, |at| at + 1);
        let to = source[end..].find('\n').map_or(source.len(), |at| end + at);
        let to = source[from..to].match_indices('\n').nth(MAX_LINES - 1).map_or(to, |(at, _)| from + at);
        let from = floor(source, from.max(start.saturating_sub(MAX_LINE)));
        let to = floor(source, to.min(end.saturating_add(MAX_LINE).min(from + 4 * MAX_LINE)));
        let part = |a: usize, b: usize| escape(source.get(a..b).unwrap_or(""));
        let (before, inside) = (part(from, start), part(start, end.min(to)));
        let after = part(end.min(to), to);
        Some(Self {
            file: escape(&place.file),
            line: line_column(source, from).0,
            start: before.len(),
            end: before.len() + inside.len(),
            text: before + &inside + &after,
        })
    }

    fn snippet(self, kind: AnnotationKind, label: String) -> Snippet<'static, Annotation<'static>> {
        let mark = kind.span(self.start..self.end);
        let mark = if label.is_empty() { mark } else { mark.label(label) };
        Snippet::source(self.text).line_start(self.line).path(self.file).fold(false).annotation(mark)
    }
}

/// The nearest character boundary at or before `offset`.
fn floor(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}
