//! A text file of which a resource writes a part only: read whole, changed in memory, put back whole with the mode
//! and owner that it has.

use super::{Change, Failure, Node, Plan};
use crate::agent::host::{EntryKind, HostError, NewFile, Owner};
use similar::TextDiff;

/// Bytes of such a file, at most.
const LIMIT: u64 = 16 << 20;
/// Bytes of a file of which a diff is shown, at most.
const MAX_DIFF: usize = 64 << 10;

/// A text file as it is.
#[derive(Debug)]
pub(super) struct Edited {
    path: String,
    text: Option<String>,
    /// Everybody on the node may read it, so what changes in it may be told.
    public: bool,
    owner: Owner,
}

/// What is to become of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edit {
    /// The text as it should be.
    pub(super) text: String,
    /// The property that is not as it should be.
    pub(super) property: &'static str,
    /// Its value now.
    pub(super) from: String,
    /// Its wanted value.
    pub(super) to: String,
    /// What the log says; the two values when `None`.
    pub(super) message: Option<&'static str>,
}

impl Edit {
    /// Something that comes or goes.
    pub(super) fn ensure(text: String, from: &str, to: &str, message: &'static str) -> Self {
        Self { text, property: "ensure", from: from.into(), to: to.into(), message: Some(message) }
    }

    /// A value that changes.
    pub(super) fn value(text: String, property: &'static str, from: &str, to: &str) -> Self {
        Self { text, property, from: from.into(), to: to.into(), message: None }
    }
}

impl Edited {
    /// Reads the file at `path`, which belongs to the system.
    pub(super) fn read(node: &Node<'_>, path: &str) -> Result<Self, Failure> {
        Self::read_of(node, path, Owner::default())
    }

    /// Reads the file at `path`, which belongs to `owner`.
    pub(super) fn read_of(node: &Node<'_>, path: &str, owner: Owner) -> Result<Self, Failure> {
        let stat = match node.host.stat(path)? {
            Some(stat) if stat.kind != EntryKind::File => {
                return Err(HostError::Kind { path: path.into(), expected: "regular file" }.into());
            }
            stat => stat,
        };
        let text = match stat {
            None => None,
            Some(_) => {
                let bytes = node.host.read_managed(path, LIMIT, owner.uid)?;
                let odd = |_| Failure::Value { value: path.to_owned(), what: "text file in UTF-8" };
                Some(String::from_utf8(bytes).map_err(odd)?)
            }
        };
        let public = stat.is_none_or(|stat| stat.mode & 0o004 != 0);
        Ok(Self { path: path.to_owned(), text, public, owner })
    }

    /// Its text; empty where there is no file.
    pub(super) fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    /// Whether there is a file.
    pub(super) const fn exists(&self) -> bool {
        self.text.is_some()
    }

    /// Adds the change that `edit` is to the plan, with a diff where one may be shown.
    pub(super) fn plan<S>(&self, plan: &mut Plan<S>, edit: Edit, show_diff: bool, step: S) {
        let shown = self.public && show_diff;
        let diff =
            (shown && self.exists() && self.text().len().max(edit.text.len()) <= MAX_DIFF).then(|| {
                let diff = TextDiff::from_lines(self.text(), &edit.text);
                diff.unified_diff().header(&self.path, &format!("{} (wanted)", self.path)).to_string()
            });
        let hide = |value: String| if shown { value } else { "a value that is not shown".to_owned() };
        let (from, to) = match edit.message {
            Some(_) => (edit.from, edit.to),
            None => (hide(edit.from), hide(edit.to)),
        };
        let change = Change::new(edit.property, &from, &to, step);
        let change = match edit.message {
            Some(message) => change.saying(message),
            None => change,
        };
        plan.changes.push(Change { diff, ..change });
    }

    /// Puts the new text in place; a file that is new gets `mode`.
    pub(super) fn write(&self, node: &mut Node<'_>, text: &str, mode: u32) -> Result<(), Failure> {
        let mode = (!self.exists()).then_some(mode);
        let file =
            NewFile { content: text.as_bytes(), mode, owner: self.owner, context: None, validate: None };
        node.host.write(&self.path, &file)?;
        node.known.forget_file(&self.path);
        Ok(())
    }
}

/// The lines of a text and how they end, so that a changed text ends its lines as before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lines<'t> {
    pub(super) lines: Vec<std::borrow::Cow<'t, str>>,
    ending: &'static str,
}

impl<'t> Lines<'t> {
    /// Splits a text.
    pub(super) fn of(text: &'t str) -> Self {
        let ending = if text.contains("\r\n") { "\r\n" } else { "\n" };
        Self { lines: text.lines().map(Into::into).collect(), ending }
    }

    /// The text again; every line ends.
    pub(super) fn join(&self) -> String {
        self.lines.iter().flat_map(|line| [line.as_ref(), self.ending]).collect()
    }
}
