//! The rows of a tool's table: which arguments one speaks of, and when it applies.

use serde::Deserialize;
use std::collections::BTreeMap;

/// When a row of a table applies.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Condition {
    /// One of these options is given.
    #[serde(default, rename = "if")]
    pub(super) any: Vec<String>,
    /// All of these are given.
    #[serde(default)]
    pub(super) all: Vec<String>,
    /// None of these is given.
    #[serde(default)]
    pub(super) unless: Vec<String>,
    /// The operands start like this. `**` stands for any number of words; `a|b*` for alternatives, of
    /// which `@name` is a list of `policies/content.toml`, `<unknown>` a word that is not known,
    /// `<processes>` the numbers of many processes.
    #[serde(default)]
    pub(super) words: Vec<String>,
    /// The operands do not start like this.
    #[serde(default)]
    pub(super) not: Vec<String>,
    /// One of the options (`-x,--long`) has a value like this (`a|b*`).
    #[serde(default)]
    pub(super) option: BTreeMap<String, String>,
    /// There are no more operands than this.
    #[serde(default)]
    pub(super) most: Option<usize>,
}

/// Which arguments: `all`, `last`, `init` (all but the last), `0`, `1..`, `of=` (operands of that form),
/// `-o,--output` (values of options), `into` (where the copies end up), `here` (the working directory).
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "String")]
pub(super) enum Selector {
    /// Every operand.
    All,
    /// The last operand, if there is more than one.
    Last,
    /// Every operand but the last.
    Init,
    /// Operands from one position on.
    From(usize),
    /// One operand.
    At(usize),
    /// Operands `key=value`.
    Key(String),
    /// Values of options.
    Options(Vec<String>),
    /// The last operand, or the target directory, with the name of every source in it.
    Into,
    /// The working directory.
    Here,
}

impl From<String> for Selector {
    fn from(text: String) -> Self {
        match text.as_str() {
            "all" => Self::All,
            "last" => Self::Last,
            "init" => Self::Init,
            "into" => Self::Into,
            "here" => Self::Here,
            other => {
                if let Some(from) = other.strip_suffix("..").and_then(|n| n.parse().ok()) {
                    return Self::From(from);
                }
                match other.parse() {
                    Ok(at) => Self::At(at),
                    Err(_) if other.starts_with('-') => {
                        Self::Options(other.split(',').map(|o| o.trim().to_owned()).collect())
                    }
                    Err(_) => Self::Key(other.to_owned()),
                }
            }
        }
    }
}
