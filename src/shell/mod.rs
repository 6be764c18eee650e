//! Command text → syntax tree with spans → resolved words. What cannot be resolved is an explicit
//! unknown, never a guess. Knows the language of the shell, and nothing of what programs do.

mod span;

pub use span::Span;
