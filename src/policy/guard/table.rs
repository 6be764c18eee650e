//! The tables of `policies/tools/`: how a tool's arguments become effects, and which tools run others.

use super::effect::Kind;
use super::lists::Names;
use super::selector::{Condition, Selector};
use super::statements::Statements;
use serde::Deserialize;

/// A tool, as one table of `policies/tools/*.toml` describes it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Tool {
    /// Further names; with `*` for families like `mkfs.*`.
    pub(super) names: Vec<String>,
    /// Options that take a value.
    pub(super) values: Vec<String>,
    /// Short options whose value, if there is one, follows in the same word.
    pub(super) joined: Vec<String>,
    /// Options end at the first operand.
    pub(super) stop: bool,
    /// Long options start with one dash.
    pub(super) long_dash: bool,
    /// The first word may be option letters without a dash.
    pub(super) bundle: bool,
    /// `-5` is an operand.
    pub(super) numbers: bool,
    /// Options with which the tool only shows something.
    pub(super) harmless: Vec<String>,
    /// Options that change the directory in which it does all that.
    pub(super) directory: Vec<String>,
    /// What it does.
    pub(super) effects: Vec<ToolEffect>,
    /// What it runs.
    pub(super) runs: Vec<Runs>,
    /// Arguments are told apart, and meant, as only code knows.
    pub(super) special: Option<Special>,
    /// What it prints.
    pub(super) prints: Prints,
    /// When it prints the names of all that it has, or of what matches a pattern.
    pub(super) lists: Vec<Lists>,
    /// Whether interpreters are given it as a script, to run one of its tasks.
    pub(super) task: bool,
    /// The arguments that name the files it reads, if these are not its operands.
    pub(super) reads: Option<Selector>,
    /// When its output has no end.
    pub(super) endless: Vec<Condition>,
    /// When it stops although its input, or what it runs, has no end.
    pub(super) stops: Vec<Condition>,
    /// Whether it keeps all of its input in memory.
    pub(super) gathers: bool,
    /// When it prints the numbers of the processes that a machine lives on.
    pub(super) processes: Vec<Condition>,
    /// Files that it writes, and what is in them then.
    pub(super) stores: Vec<Stores>,
    /// Whether it checks what was downloaded, with one of these options.
    pub(super) verifies: Vec<String>,
    /// Options whose values are scripts.
    pub(super) scripts: Vec<String>,
    /// The language of the scripts that it runs.
    pub(super) language: Option<String>,
    /// Whether it shows what is on the devices that its operands name.
    pub(super) probes: bool,
    /// What its options write is said by its effects alone.
    pub(super) own_outputs: bool,
    /// Whether it may run others in more ways than its rows say; they are tried.
    pub(super) open: bool,
    /// Whether all its arguments are text that nothing runs.
    pub(super) data: bool,
    /// Whether its paths may be those of another machine: `host:/path`.
    pub(super) remote: bool,
    /// Whether its name is also an everyday word, and a command of many other programs.
    pub(super) verb: bool,
}

/// One effect of a tool.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ToolEffect {
    /// What is done.
    pub(super) kind: Kind,
    /// The arguments that name what it is done to; see [`Selector`].
    #[serde(default)]
    pub(super) paths: Option<Selector>,
    /// The class, where it is not the path that says it.
    #[serde(default)]
    pub(super) class: Option<String>,
    /// Only if the arguments look like this.
    #[serde(default)]
    pub(super) when: Condition,
    /// Options that make it recursive; `*` for always.
    #[serde(default)]
    pub(super) recursive: Vec<String>,
    /// Options that force it.
    #[serde(default)]
    pub(super) forced: Vec<String>,
}

/// Another program that a tool runs.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Runs {
    /// How its text is read.
    pub(super) how: How,
    /// The arguments that hold it.
    pub(super) from: Selector,
    /// What marks a line, or a part between semicolons, as text for a shell.
    #[serde(default)]
    pub(super) escapes: Vec<String>,
    /// The file that is meant where none is selected, or the program that is given the lines of one.
    #[serde(default)]
    pub(super) file: String,
    /// Leading `NAME=value` words are not the program.
    #[serde(default)]
    pub(super) assignments: bool,
    /// Only if the arguments look like this.
    #[serde(default)]
    pub(super) when: Condition,
}

/// Names that a tool prints.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lists {
    /// The pattern that they match; without one, all are printed.
    #[serde(default)]
    pub(super) pattern: Option<Selector>,
    /// They come on standard input: how many of them are left.
    #[serde(default)]
    pub(super) passes: Option<Left>,
    /// Only if the arguments look like this.
    #[serde(default)]
    pub(super) when: Condition,
}

/// How much of a list a filter leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Left {
    /// All of it.
    All,
    /// What fits.
    Some,
}

/// A file that a tool writes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stores {
    /// Where.
    pub(super) to: Selector,
    /// The path that is meant, where `to` selects only a name (`{}`).
    #[serde(default)]
    pub(super) path: Option<String>,
    /// What.
    pub(super) what: Stored,
    /// The arguments that what is stored comes from.
    #[serde(default)]
    pub(super) from: Option<Selector>,
    /// Only if the arguments look like this.
    #[serde(default)]
    pub(super) when: Condition,
}

/// What a written file contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Stored {
    /// What came over the network.
    Remote,
    /// What another file contains.
    Copy,
    /// What is in an archive: a file, or standard input.
    Archive,
    /// What standard input brings.
    Stdin,
    /// What standard input brings, at its end.
    Added,
    /// A checkout named after its address.
    GitClone,
    /// Whatever another program writes to it.
    Fifo,
    /// Nothing: it is another name of its source.
    Link,
    /// Nothing new: it is there from now on.
    Nothing,
}

/// How the text of another program is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum How {
    /// The words are its argument vector.
    Argv,
    /// Each value is text for a shell.
    Shell,
    /// The words, joined with blanks, are text for a shell.
    Words,
    /// Each value is a script in the tool's language.
    Script,
    /// Each value names a script or program.
    File,
    /// Standard input is text for a shell.
    Stdin,
    /// Commands may stand in the words: they are tried.
    Trial,
    /// Marked lines of the values and of standard input are text for a shell.
    Escapes,
    /// A user's crontab: a file, or standard input.
    Crontab,
    /// A program in an option's value; its arguments are behind `--`, or all that follows.
    Program,
    /// A file of arguments, one call in each line, for the program that the row names.
    Lines,
    /// The editor of the environment, on the file that is selected or that the row names.
    Editor,
    /// Lines `user:password` on standard input.
    Passwords,
    /// Each value is an argument vector, separated by commas.
    Commas,
    /// Statements in the tool's language.
    Statements(Statements),
    /// No program: arguments to look at more closely.
    Check(Check),
}

/// What a closer look at arguments looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Check {
    /// Packages that were downloaded and not checked.
    Installs,
    /// Sources without transport security.
    PlainHttp,
    /// Sources on the network.
    RemoteSource,
    /// Manifests on the network.
    RemoteManifest,
    /// Packages named `name-`, which are removed.
    SuffixRemoval,
    /// Lines `package state` on standard input.
    Selections,
    /// What was downloaded has been checked.
    Verified,
    /// Standard input is searched: with a digest in it, that is a check of what was downloaded.
    Compared,
    /// The number of root.
    UidZero,
    /// Groups of administrators.
    AdminGroup,
}

/// What a tool prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Prints {
    /// Something.
    #[default]
    Output,
    /// What came over the network.
    Remote,
    /// Its standard input, or some of it.
    Stdin,
    /// The lines of its standard input that match; with `-v` those that do not.
    Matching,
    /// Names of files below its operands.
    Names,
    /// The path of a fresh temporary file.
    Temporary,
    /// Its standard input in another form, which is not computed.
    Decoded,
    /// Something that never ends.
    Endless,
    /// Numbers.
    Number,
    /// Digests of its operands.
    Digest,
    /// Its operands.
    Operands,
    /// The directories that its operands are in.
    Parents,
    /// What links point to, or nothing; with `-f` the operands in normal form.
    Links,
    /// The last parts of its operands.
    Bases,
    /// What the programs print that it runs.
    Inner,
}

/// Tools whose arguments only code understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Special {
    /// A shell.
    Shell,
    /// `find`
    Find,
    /// `xargs`
    Xargs,
    /// `parallel`
    Parallel,
    /// `chmod`
    Chmod,
    /// `env`
    Env,
    /// A container that may see the host's files.
    Container,
    /// A filter whose output is computed where it can be.
    Filter,
    /// `sed`
    Sed,
    /// An interpreter of another language.
    Interpreter,
    /// A packet filter.
    Firewall,
    /// A program that fetches.
    Fetch,
    /// `augtool`
    Augeas,
    /// Another configuration tool.
    Configuration,
}

impl Tool {
    /// Whether its output goes on as long as its input does.
    pub(super) fn passes(&self) -> bool {
        self.prints == Prints::Stdin || matches!(self.special, Some(Special::Filter | Special::Sed))
    }

    /// Puts the members of lists where rows name them.
    pub(super) fn expand(&mut self, lists: &Names) {
        let rows = self.effects.iter_mut().map(|e| &mut e.when);
        let rows = rows.chain(self.runs.iter_mut().map(|r| &mut r.when));
        let rows = rows.chain(self.stores.iter_mut().map(|s| &mut s.when));
        let rows = rows.chain(&mut self.endless).chain(&mut self.stops);
        rows.chain(&mut self.processes).for_each(|condition| condition.expand(lists));
    }

    /// Whether the option takes a value.
    pub(super) fn takes_value(&self, option: &str) -> bool {
        self.values
            .iter()
            .chain(&self.scripts)
            .any(|v| v == option || (option.len() >= 5 && option.starts_with("--") && v.starts_with(option)))
    }
}
