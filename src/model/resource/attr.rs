//! How an attribute is described: its name, the shape of its value, and what a live fact may do in it.

/// One attribute of a resource type.
#[derive(Debug, Clone, Copy)]
pub struct Attr {
    /// The name in a module.
    pub name: &'static str,
    /// What its value looks like.
    pub shape: Shape,
    /// Whether a live fact may stand in it.
    pub live: Live,
    /// One or two sentences for `describe` and the documentation.
    pub doc: &'static str,
}

impl Attr {
    /// An attribute in which no live fact may stand.
    #[must_use]
    pub const fn new(name: &'static str, shape: Shape, doc: &'static str) -> Self {
        Self { name, shape, live: Live::Never, doc }
    }

    /// The same attribute, open to live facts as `live` says.
    #[must_use]
    pub const fn live(mut self, live: Live) -> Self {
        self.live = live;
        self
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
