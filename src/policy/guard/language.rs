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
    /// What functions return.
    #[serde(default)]
    pub(super) returns: BTreeMap<String, Returns>,
}

/// What a function or method returns. The first value is the object of a method, or the first argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Returns {
    /// Its first value.
    First,
    /// A list: its object with the arguments behind it.
    More,
    /// Its arguments as a list.
    List,
    /// Its first value as a list.
    Elements,
    /// Numbers as the characters that they are.
    Characters,
    /// The second argument, changed by the function that the first one is.
    Mapped,
    /// Its first value out of the encoding that another one names.
    Coded,
    /// Its first value, which is in Base64.
    Base64,
    /// Its first value, which is in Base32.
    Base32,
    /// Its first value, which is in hexadecimal digits.
    Hex,
    /// Its first value, whose letters are turned by half the alphabet.
    Rot13,
    /// Its first value, in which characters are written with percent signs.
    Url,
    /// A list as one text, with a separator.
    Joined,
    /// Its values as one text, with blanks.
    Spaced,
    /// Its values as one text.
    Strung,
    /// A path of its values.
    Path,
    /// Its first value backwards.
    Reversed,
    /// Its first value, a format, with the other values in it.
    Format,
    /// A text in which one part is replaced by another.
    Replaced,
    /// Its first value in small letters.
    Lower,
    /// Its first value in capital letters.
    Upper,
    /// The paths that match its arguments.
    Matches,
    /// The paths of what is in a directory.
    Below,
    /// The names of what is in a directory.
    Names,
    /// The words of a text.
    Words,
    /// What is in a file.
    Content,
    /// The module that its first value names.
    Module,
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
    /// Fetches something into the file that its second argument names.
    Download,
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

    /// What a call of `name` returns: by the last part of its name, or by more of it.
    pub(super) fn returned(&self, name: &str) -> Option<Returns> {
        let mut rest = name.trim_end_matches(['!', '?']);
        loop {
            if let Some(what) = self.returns.get(rest) {
                return Some(*what);
            }
            rest = rest.split_once('.')?.1;
        }
    }
}
