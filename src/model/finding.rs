//! What is wrong with a site and where: the one shape in which loading, linting and admission complain.

use super::{NodeName, Ref};
use serde::Serialize;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing; refuses nothing.
    Warn,
    /// Refused unless a signed waiver names it.
    NeedsWaiver,
    /// Refused, whatever anybody signs.
    Deny,
}

/// A place in a file of the site.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Place {
    /// The path in the site repository, or a name in angle brackets for what has none.
    pub file: String,
    /// First byte of the place in that file.
    pub start: usize,
    /// First byte behind it. Equal to `start` for a place without length.
    pub end: usize,
}

impl Place {
    /// The bytes `start..end` of `file`.
    #[must_use]
    pub fn new(file: impl Into<String>, start: usize, end: usize) -> Self {
        Self { file: file.into(), start, end: end.max(start) }
    }

    /// The whole of `file`: what to point at when no narrower place is known.
    #[must_use]
    pub fn file(file: impl Into<String>) -> Self {
        Self::new(file, 0, 0)
    }
}

/// Line and column of a byte offset in `text`, both counted from 1, the column in characters.
#[must_use]
pub fn line_column(text: &str, offset: usize) -> (usize, usize) {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// A second place that explains a finding, for example the data file a value came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Related {
    /// Where.
    pub place: Place,
    /// What is there.
    pub message: String,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Kebab-case id of the rule, for example `recursive-removal`.
    pub rule: String,
    /// How much it matters.
    pub severity: Severity,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// Where.
    pub place: Place,
    /// The way from the place to the value that is wrong: template, data file, module.
    pub related: Vec<Related>,
    /// The command as it would run, where that is not what is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved: Option<String>,
    /// Why it is refused; empty where the message says it all.
    pub why: String,
    /// What to write instead, or the command that comes next.
    pub instead: Option<String>,
    /// The resource concerned.
    pub resource: Option<Ref>,
    /// The nodes whose catalogs have it, ascending; empty where it concerns the site as a whole.
    pub nodes: Vec<NodeName>,
}

impl Finding {
    /// A finding with a rule, a severity, a message and a place, and nothing else yet.
    #[must_use]
    pub fn new(
        rule: impl Into<String>,
        severity: Severity,
        message: impl Into<String>,
        place: Place,
    ) -> Self {
        Self {
            rule: rule.into(),
            severity,
            message: message.into(),
            place,
            related: Vec::new(),
            resolved: None,
            why: String::new(),
            instead: None,
            resource: None,
            nodes: Vec::new(),
        }
    }

    /// An error of form: what loading and compiling report.
    #[must_use]
    pub fn error(rule: impl Into<String>, message: impl Into<String>, place: Place) -> Self {
        Self::new(rule, Severity::Deny, message, place)
    }

    /// Adds what to write instead.
    #[must_use]
    pub fn instead(mut self, text: impl Into<String>) -> Self {
        self.instead = Some(text.into());
        self
    }

    /// Adds the reason.
    #[must_use]
    pub fn why(mut self, text: impl Into<String>) -> Self {
        self.why = text.into();
        self
    }

    /// Adds a place that explains.
    #[must_use]
    pub fn related(mut self, place: Place, message: impl Into<String>) -> Self {
        self.related.push(Related { place, message: message.into() });
        self
    }

    /// Adds the resource concerned.
    #[must_use]
    pub fn resource(mut self, resource: Ref) -> Self {
        self.resource = Some(resource);
        self
    }
}

/// The best match for `given` among `known`, close enough to ask "did you mean".
#[must_use]
pub fn did_you_mean<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known.into_iter().map(|k| (strsim::damerau_levenshtein(given, k), k));
    scored.filter(|(distance, k)| *distance <= (k.len().max(given.len()) / 3).max(1)).min().map(|(_, k)| k)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_in_characters() {
        assert_eq!(line_column("", 0), (1, 1));
        assert_eq!(line_column("ab\ncd", 4), (2, 2));
        assert_eq!(line_column("é=x", 2), (1, 2));
        assert_eq!(line_column("a", 99), (1, 2));
    }

    #[test]
    fn only_near_names_are_suggested() {
        assert_eq!(did_you_mean("contnet", ["content", "owner"]), Some("content"));
        assert_eq!(did_you_mean("zzz", ["content", "owner"]), None);
    }
}
