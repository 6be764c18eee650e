//! The syntax tree of a shell script: what the analysis needs of it, with byte spans everywhere.

use super::Span;
use std::sync::Arc;

/// A sequence of command lists.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script {
    /// The lists in order.
    pub items: Vec<Item>,
}

/// Pipelines joined by `&&` and `||`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The pipelines, each with what joins it to the one before.
    pub chain: Vec<(Link, Pipeline)>,
    /// Whether it ends with `&`.
    pub background: bool,
}

/// What joins a pipeline to the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// It is the first.
    First,
    /// `&&`
    And,
    /// `||`
    Or,
}

/// Commands joined by `|`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    /// The commands; at least one.
    pub commands: Vec<Command>,
    /// Whether `!` turns its success around.
    pub negated: bool,
}

/// One command with its redirections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// What it is.
    pub kind: CommandKind,
    /// Its redirections, in order.
    pub redirects: Vec<Redirect>,
    /// Where it is.
    pub span: Span,
}

/// The kinds of commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandKind {
    /// Assignments, a program and its arguments.
    Simple {
        /// Assignments before the program.
        assignments: Vec<Assignment>,
        /// The program and its arguments.
        words: Vec<Word>,
        /// What `declare` and its relatives are given to assign.
        declared: Vec<Assignment>,
    },
    /// `{ … }`
    Group(Script),
    /// `( … )`
    Subshell(Script),
    /// `coproc NAME …`
    Coprocess(String, Box<Command>),
    /// `if … then … elif … else … fi`
    If {
        /// Conditions and what runs if they hold.
        branches: Vec<(Script, Script)>,
        /// What runs otherwise.
        otherwise: Option<Script>,
    },
    /// `while` and `until`
    Loop {
        /// The condition.
        condition: Script,
        /// Whether the loop goes on while the condition fails.
        until: bool,
        /// The body.
        body: Script,
    },
    /// `for x in …`
    For {
        /// The loop variable.
        variable: String,
        /// The values; the positional parameters when not given.
        values: Option<Vec<Word>>,
        /// The body.
        body: Script,
    },
    /// `case … in … esac`
    Case {
        /// What is compared.
        value: Word,
        /// What runs for which patterns.
        arms: Vec<Arm>,
    },
    /// `name() { … }`
    Function {
        /// Its name.
        name: String,
        /// Its body.
        body: Arc<Command>,
    },
    /// `[[ … ]]`
    Condition(Condition<Word>),
    /// `((…))`
    Arithmetic(Word),
    /// `for ((…;…;…))`
    Count {
        /// What is computed first, before each round, and after each round.
        heads: [Word; 3],
        /// The body.
        body: Script,
    },
}

/// One arm of a `case`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arm {
    /// The patterns.
    pub patterns: Vec<Word>,
    /// What runs if one of them matches.
    pub body: Script,
    /// Whether the arm behind it may run too: `;&`, `;;&`.
    pub goes_on: bool,
}

/// What `[[`, `[` and `test` ask, of words or of values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition<O> {
    /// The operand is not empty.
    Full(O),
    /// An operator such as `-d` and its operand.
    Unary(String, O),
    /// An operator such as `=` between its operands.
    Binary(String, O, O),
    /// `!`
    Not(Box<Self>),
    /// `&&`, `-a`
    And(Box<Self>, Box<Self>),
    /// `||`, `-o`
    Or(Box<Self>, Box<Self>),
}

/// `NAME=value`, `NAME+=value`, `NAME=(…)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The variable.
    pub name: String,
    /// The index, for an element of an array.
    pub index: Option<String>,
    /// Whether it adds to the old value.
    pub append: bool,
    /// The value.
    pub value: AssignedValue,
}

/// What is assigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssignedValue {
    /// One word.
    Scalar(Word),
    /// An array: elements, some with their index.
    Array(Vec<(Option<String>, Word)>),
}

/// A redirection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// The descriptor, where one is given.
    pub fd: Option<i32>,
    /// What it does.
    pub kind: RedirectKind,
    /// The file, descriptor or text.
    pub target: Word,
}

/// What a redirection does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectKind {
    /// `<`
    Read,
    /// `>`, `>|`, `<>`
    Write,
    /// `>>`
    Append,
    /// `&>`, `>&file`
    WriteBoth,
    /// `&>>`
    AppendBoth,
    /// `>&n`, `<&n`: a descriptor.
    Duplicate,
    /// `<<`, `<<<`
    Text,
}

/// A word before expansion.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Word {
    /// Its pieces.
    pub pieces: Vec<Piece>,
    /// Where it is.
    pub span: Span,
}

/// A piece of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Text without quotes: subject to braces, patterns and, as a result, nothing else.
    Text(String),
    /// Text inside quotes or behind a backslash.
    Quoted(String),
    /// `~` or `~user` at the start.
    Tilde(String),
    /// `$x`, `${x…}`
    Parameter(Box<Parameter>),
    /// `$(…)`, `` `…` ``
    Command {
        /// The text.
        text: String,
        /// Its first byte in the whole text, if it stands there word for word.
        at: Option<usize>,
        /// Whether it is inside double quotes.
        quoted: bool,
    },
    /// `$((…))`
    Arithmetic {
        /// The expression, expansions inside.
        pieces: Vec<Self>,
    },
    /// `<(…)`, `>(…)`
    Process(Arc<Script>),
}

/// A parameter expansion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Which.
    pub name: Name,
    /// Whether its value names the variable that is meant (`${!x}`).
    pub indirect: bool,
    /// What is done with the value.
    pub op: Op,
    /// Whether it is inside double quotes.
    pub quoted: bool,
}

/// What a parameter expansion names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// A variable.
    Variable(String),
    /// An element of an array.
    Element(String, String),
    /// All elements of an array.
    Elements(String),
    /// All elements of an array as one word.
    JoinedElements(String),
    /// `$1` …
    Positional(usize),
    /// `$@`
    All,
    /// `$*`
    Joined,
    /// `$#`
    Count,
    /// `$?`, `$$`, `$!`: a number.
    Number,
    /// `$0`
    Zero,
    /// `$-`
    Flags,
}

/// What is done with the value of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// Nothing.
    Value,
    /// `${#x}`
    Length,
    /// `${x:-w}`, `${x-w}`; the flag says whether an empty value counts as unset.
    Default(bool, Vec<Piece>),
    /// `${x:=w}`
    Assign(bool, Vec<Piece>),
    /// `${x:?w}`
    Error(Vec<Piece>),
    /// `${x:+w}`
    Alternative(bool, Vec<Piece>),
    /// `${x#p}`, `${x##p}`; the flag says largest.
    RemovePrefix(bool, Vec<Piece>),
    /// `${x%p}`, `${x%%p}`
    RemoveSuffix(bool, Vec<Piece>),
    /// `${x/p/r}` and its variants.
    Replace(Anchor, Vec<Piece>, Vec<Piece>),
    /// `${x:offset:length}`
    Substring(Vec<Piece>, Option<Vec<Piece>>),
    /// `${x^}`, `${x^^}`, `${x,}`, `${x,,}`: upper case, all characters.
    Case(bool, bool),
    /// `${x@Q}` …
    Transform(char),
    /// `${!prefix*}`, `${!array[@]}`
    Names,
}

/// Where a replacement applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// At the first match.
    First,
    /// At every match.
    Every,
    /// At the start.
    Start,
    /// At the end.
    End,
}
