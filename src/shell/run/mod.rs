//! Abstract evaluation of a script: every branch is taken, every word is resolved as far as it can be,
//! and every program that would be started is handed to a [`Programs`].

mod arithmetic;
mod assign;
mod builtin;
mod compound;
mod condition;
mod endless;
mod expand;
mod facts;
mod files;
mod function;
mod input;
mod output;
mod parameter;
mod pattern;
mod place;
mod settings;
mod shared;
mod simple;
mod state;
mod variables;
mod walk;

pub use input::behind;
pub use output::{echo, printf};
pub use pattern::{is_pattern, matches};
pub use place::{is_there, normal};
pub use settings::assignment;
pub use state::{Options, State};
pub use walk::{Place, Shell};

use super::{ParseError, Span, Value};

/// What programs do, for whoever evaluates a script. Implemented by the policy, not here.
pub trait Programs {
    /// A program is started. Returns what it prints.
    fn run(&mut self, call: &Call<'_>, state: &mut State) -> Value;
    /// A redirection opens a file for writing.
    fn write(&mut self, write: &Write<'_>, state: &mut State);
    /// The analysis meets something that it cannot follow, or that no script should do.
    fn problem(&mut self, problem: Problem, span: Span);
    /// Counts one step; `false` when there have been too many.
    fn step(&mut self) -> bool;
    /// Where `text`, the result of what stands at `at`, begins in what the user wrote, if it stands there
    /// word for word.
    fn located(&self, _text: &str, _at: Span) -> Option<usize> {
        None
    }
    /// What is evaluated means something else to the other shell.
    fn differs(&mut self);
    /// Whether a program of this name may take its time.
    fn waits(&self, name: &str) -> bool;
}

/// A program that is started.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// Its name and arguments.
    pub words: &'a [Value],
    /// Where each of them is written.
    pub spans: &'a [Span],
    /// What it reads.
    pub stdin: &'a Value,
    /// Variables set for it alone.
    pub environment: &'a [(String, Value)],
    /// Where the command is written.
    pub span: Span,
    /// Whether it reads from or writes to a network connection that the shell opened.
    pub socket: bool,
}

impl Call<'_> {
    /// The name of the program without the folder that it lies in; empty where that is not known.
    #[must_use]
    pub fn program(&self) -> &str {
        self.words.first().map_or("", Value::suffix).rsplit('/').next().unwrap_or("")
    }
}

/// A file that a redirection opens for writing.
#[derive(Debug, Clone)]
pub struct Write<'a> {
    /// Its path.
    pub path: &'a Value,
    /// What is written to it.
    pub content: &'a Value,
    /// Whether that is added at its end.
    pub append: bool,
    /// Where the redirection is written.
    pub span: Span,
}

/// What the analysis meets besides programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Text that is run as a script does not parse.
    Unparsed(ParseError),
    /// There is more of something than the analysis follows.
    Limit(&'static str),
    /// A function or loop starts itself over and over, beside itself.
    Bomb,
    /// Input without end is kept in memory.
    Endless,
    /// A command whose program is not known.
    Undetermined(String),
}

#[cfg(test)]
mod tests;
