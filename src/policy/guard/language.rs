//! What is known of other languages: the tables of `policies/languages.toml`.

use crate::shell::run::matches;
use serde::Deserialize;
use std::collections::BTreeMap;

/// One language of `policies/languages.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Language {
    /// Programs that run it.
    #[serde(default)]
    pub(super) names: Vec<String>,
    /// What starts a comment.
    #[serde(default)]
    pub(super) comments: Vec<String>,
    /// How its text is cut up and read.
    #[serde(default)]
    pub(super) syntax: Vec<Syntax>,
    /// Names of the list of arguments.
    #[serde(default)]
    pub(super) arguments: Vec<String>,
    /// Elements of that list in front of the first argument.
    #[serde(default)]
    pub(super) skipped: usize,
    /// Names of standard input.
    #[serde(default)]
    pub(super) input: Vec<String>,
    /// Names of the environment.
    #[serde(default)]
    pub(super) environment: Vec<String>,
    /// Characters that start an expansion inside quotes.
    #[serde(default)]
    pub(super) interpolates: String,
    /// What calls do.
    #[serde(default)]
    pub(super) calls: BTreeMap<String, Action>,
}

/// A trait of how a language is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Syntax {
    /// Nothing means anything inside single quotes.
    RawSingleQuotes,
    /// There are no single quotes.
    NoSingleQuotes,
    /// Back quotes are strings with expansions; in other languages they run a shell.
    Templates,
    /// Only strings with the prefix `f` have expansions.
    PrefixedFormats,
    /// `q(…)`, `qw(…)`, `m{…}`, `s/…/…/`
    PerlQuotes,
    /// `%w[…]`, `%x(…)`
    PercentQuotes,
    /// `[[…]]` is a string.
    LongBrackets,
    /// `/…/` is a pattern.
    Patterns,
    /// `.` joins strings.
    DotJoins,
    /// `module:function`
    ColonCalls,
    /// Arguments of a call need no parentheses.
    BareCalls,
    /// Values one behind the other are joined; `>` and `|` redirect what is printed.
    Awk,
    /// `(function argument …)`
    Lisp,
    /// A line is a command and its words.
    Words,
}

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Action {
    /// Runs its first argument in a shell.
    Shell,
    /// Runs its first argument: a vector, or text for a shell.
    Command,
    /// Runs its arguments as a vector; a single one in a shell.
    Words,
    /// Runs its first argument as a program.
    Program,
    /// May run its arguments, going by its name.
    Perhaps,
    /// Runs its first argument as code.
    Eval,
    /// Runs the file that its first argument names.
    File,
    /// Calls the function that its first argument names.
    Dispatch,
    /// Removes files.
    Delete,
    /// Removes directories with all that is in them.
    DeleteTree,
    /// Replaces a file's content.
    Write,
    /// Opens a file.
    Open,
    /// Moves a file.
    Rename,
    /// Changes permissions: path, mode.
    Mode,
    /// Changes permissions: mode, path.
    ModeFirst,
    /// Changes owners.
    Owner,
    /// Ends processes.
    Kill,
    /// Switches the machine off.
    Power,
    /// Prints its arguments.
    Print,
    /// Prints its arguments, and a line feed.
    PrintLine,
    /// Prints its arguments in the format that the first one is.
    Format,
    /// Returns something that the library knows, and does nothing else.
    Value,
    /// Fetches something.
    Remote,
    /// Reserves memory.
    Memory,
    /// Cannot be known.
    Unclear,
}

impl Language {
    /// What a call of `name` does. Keys are the last part of a name, or more of it where the last
    /// part is a common word; `*` stands for anything in them.
    pub(super) fn action(&self, name: &str) -> Option<Action> {
        let mut rest = name;
        loop {
            if let Some(action) = self.calls.get(rest) {
                return Some(*action);
            }
            match rest.split_once('.') {
                Some((_, shorter)) => rest = shorter,
                None => break,
            }
        }
        let last = rest.to_lowercase();
        let by_pattern =
            |(key, action): (&String, &Action)| (key.contains('*') && matches(key, &last)).then_some(*action);
        self.calls.iter().find_map(by_pattern)
    }
}
