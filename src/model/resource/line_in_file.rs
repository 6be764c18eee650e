//! `line_in_file`: one line of a file that others write too.

use super::{Attr, Deed, Fault, Nature, Need, Presence, Shape, is_false, is_true, yes};
use serde::{Deserialize, Serialize};

/// The attributes of `line_in_file` in a module.
const ATTRS: &[Attr] = &[
    Attr::new("path", Shape::Path, "The file, which must exist.").required(),
    Attr::new("line", Shape::Text, "The whole line; the title by default."),
    Presence::ATTR,
    Attr::new(
        "match",
        Shape::Text,
        "A regular expression: a line that it matches is replaced. It must match `line` too.",
    ),
    Attr::new("match_for_absence", Shape::Bool, "With `ensure = \"absent\"`, remove what `match` matches.")
        .default("false"),
    Attr::new("multiple", Shape::Bool, "Allow `match` or `after` to match more than one line.")
        .default("false"),
    Attr::new(
        "after",
        Shape::Text,
        "A regular expression: a new line comes behind the line that it matches.",
    ),
    Attr::new("replace", Shape::Bool, "`false` leaves a line alone that `match` matches.").default("true"),
    Attr::new("append_on_no_match", Shape::Bool, "`false` adds no line where `match` matches none.")
        .default("true"),
    Attr::new(
        "replace_all_matches_not_matching_line",
        Shape::Bool,
        "Replace every line that `match` matches, even where `line` is there already.",
    )
    .default("false"),
];

/// The wanted state of a line of a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineInFile {
    /// The file.
    pub path: String,
    /// The whole line.
    pub line: String,
    /// Whether it must be there.
    #[serde(default, skip_serializing_if = "Presence::is_present")]
    pub ensure: Presence,
    /// What lines it takes the place of.
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Remove what the pattern matches.
    #[serde(default, skip_serializing_if = "is_false")]
    pub match_for_absence: bool,
    /// Allow more than one match.
    #[serde(default, skip_serializing_if = "is_false")]
    pub multiple: bool,
    /// Behind which line a new one comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Replace a line that the pattern matches.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub replace: bool,
    /// Add the line where the pattern matches none.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub append_on_no_match: bool,
    /// Replace every match, even where the line is there already.
    #[serde(default, skip_serializing_if = "is_false")]
    pub replace_all_matches_not_matching_line: bool,
}

impl Nature for LineInFile {
    const NAME: &'static str = "line_in_file";
    const DOC: &'static str = "one line of a file that others write too";
    const ATTRS: &'static [Attr] = ATTRS;
    const TITLE: Option<&'static str> = Some("line");
    const EXAMPLE: (&'static str, &'static str) =
        ("UMASK 027", "path = '/etc/login.defs'\nmatch = '^UMASK\\s'\n");

    fn thing(&self) -> Option<(&'static str, String)> {
        Some(("line", format!("{}: {}", self.path, self.line)))
    }

    fn names(&self) -> Vec<String> {
        vec![self.path.clone(), self.line.clone()]
    }

    fn paths(&self) -> Vec<String> {
        vec![self.path.clone()]
    }

    fn needs(&self) -> Vec<Need<'_>> {
        vec![Need::Path(&self.path), Need::Within(&self.path)]
    }

    fn deeds(&self) -> Vec<Deed<'_>> {
        match self.ensure {
            Presence::Present => vec![Deed::hold("line", &self.path, format!("{}\n", self.line))],
            Presence::Absent => Vec::new(),
        }
    }

    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let alone = |set: bool, attr: &'static str, need: &str| {
            set.then(|| Fault::new(attr, format!("`{attr}` means nothing without {need}"), ""))
        };
        let no_pattern = self.pattern.is_none();
        faults.extend(alone(!self.replace && no_pattern, "replace", "`match`"));
        faults.extend(alone(!self.append_on_no_match && no_pattern, "append_on_no_match", "`match`"));
        let all = self.replace_all_matches_not_matching_line;
        faults.extend(alone(all && no_pattern, "replace_all_matches_not_matching_line", "`match`"));
        if all && !self.replace {
            faults.push(Fault::new(
                "replace",
                "`replace_all_matches_not_matching_line` replaces",
                "remove one of the two",
            ));
        }
        let absence = self.match_for_absence && (no_pattern || self.ensure.is_present());
        faults.extend(alone(absence, "match_for_absence", "`match` and `ensure = \"absent\"`"));
        faults
    }
}
