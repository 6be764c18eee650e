//! How an attribute is described: its name, the shape of its value, and what a live fact may do in it.

use std::fmt;

/// One attribute of a resource type.
#[derive(Debug, Clone, Copy)]
pub struct Attr {
    /// The name in a module.
    pub name: &'static str,
    /// What its value looks like.
    pub shape: Shape,
    /// Whether a live fact may stand in it.
    pub live: Live,
    /// What it is when a module does not say, in words that TOML and JSON share; `None` where nothing, or the title, takes its place.
    pub default: Option<&'static str>,
    /// Whether a module must set it.
    pub required: bool,
    /// One or two sentences for `describe` and the documentation.
    pub doc: &'static str,
}

impl Attr {
    /// An attribute in which no live fact may stand.
    #[must_use]
    pub const fn new(name: &'static str, shape: Shape, doc: &'static str) -> Self {
        Self { name, shape, live: Live::Never, default: None, required: false, doc }
    }

    /// The same attribute, open to live facts as `live` says.
    #[must_use]
    pub const fn live(mut self, live: Live) -> Self {
        self.live = live;
        self
    }

    /// The same attribute with the value that it has when a module does not say.
    #[must_use]
    pub const fn default(mut self, value: &'static str) -> Self {
        self.default = Some(value);
        self
    }

    /// The same attribute, without which there is no resource.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// The value that it has when a module does not say.
    #[must_use]
    pub fn default_value(&self) -> Option<serde_json::Value> {
        serde_json::from_str(self.default?).ok()
    }
}

/// Where in a value the node's own facts may stand (design: a catalog is a closed program).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Live {
    /// Nowhere.
    Never,
    /// Anywhere in the text: file content.
    Content,
    /// As one whole element of an argument vector, but not its first.
    Argument,
}

/// The shape of a value in a module. Text is rendered as a template before its shape is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Text.
    Text,
    /// Text that is an absolute path without `.` or `..` parts.
    Path,
    /// A list of absolute paths; a single one may stand for a list of one.
    Paths,
    /// `true` or `false`.
    Bool,
    /// A whole number between the two bounds, both included.
    Integer(i64, i64),
    /// A whole number or a list of them.
    Integers(i64, i64),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// `true`, `false` or one of these words.
    BoolOr(&'static [&'static str]),
    /// A list of texts; a single text may stand for a list of one.
    Texts,
    /// A table of texts.
    Table,
    /// A table of texts or lists of texts: the settings of a section, each once or several times.
    Settings,
    /// An octal or symbolic file mode, as text.
    Mode,
    /// A command: an argument vector, or text (see `exec`).
    Command,
    /// One command or a list of commands. A list of texts is one argument vector.
    Commands,
    /// A field of a crontab: a number, a word, or a list of them.
    CronField,
    /// A reference or a list of references to resources.
    Refs,
    /// The name of a template below the module's `templates/`.
    Template,
    /// The name of a file or folder below the module's `files/`.
    Source,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words =
            |words: &[&str]| words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        f.write_str(match self {
            Self::Text => "text",
            Self::Path => "an absolute path",
            Self::Paths => "an absolute path, or a list of them",
            Self::Bool => "`true` or `false`",
            Self::Integer(min, max) => return write!(f, "a whole number from {min} to {max}"),
            Self::Integers(min, max) => {
                return write!(f, "a whole number from {min} to {max}, or a list of them");
            }
            Self::OneOf(one) => return write!(f, "one of {}", words(one)),
            Self::BoolOr(one) => return write!(f, "`true`, `false` or {}", words(one)),
            Self::Texts => "a text, or a list of texts",
            Self::Table => "a table of texts",
            Self::Settings => "a table of texts, or of lists of texts",
            Self::Mode => "a file mode, in quotes",
            Self::Command => "a command: a list of words, or text",
            Self::Commands => "a command, or a list of commands",
            Self::CronField => "a field of a crontab, or a list of them",
            Self::Refs => "a reference `type[title]`, or a list of them",
            Self::Template => "the name of a template of the module",
            Self::Source => "the name of a file of the module",
        })
    }
}
