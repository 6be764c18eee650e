//! Command text → syntax tree with spans → resolved words. What cannot be resolved is an explicit
//! unknown, never a guess. Knows the language of the shell, and nothing of what programs do.

pub mod ast;
mod brace;
mod compound;
mod condition;
mod escape;
mod heredoc;
mod lexer;
mod outline;
mod parameter;
mod parse;
mod reader;
pub mod run;
mod simple;
mod span;
mod substitution;
mod value;
mod visit;
mod word;

pub use escape::{Flavour, decode};
pub use outline::outline;
pub use parse::{MAX_NESTING, MAX_TEXT, ParseError, parse};
pub use span::Span;
pub use value::{Dynamic, Part, Source, Value};

/// Which shell `/bin/sh` is: the target's is not known, so both readings count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// bash, also under the name sh.
    Bash,
    /// dash and its kind.
    Dash,
}
