//! What everybody who reads a catalog may ask of a resource, whatever its type: each type answers once, in its
//! own file, and the compiler, the lint, the guards, the order and the schemas all go by that answer.

use super::exec::Command;
use super::{Attr, Content};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A resource type.
pub trait Nature: Serialize + DeserializeOwned {
    /// The name in modules, references and reports.
    const NAME: &'static str;
    /// What it is, in a few words.
    const DOC: &'static str;
    /// The attributes of this type, without the metaparameters.
    const ATTRS: &'static [Attr];
    /// The attribute that the title stands for where it is not set, if any.
    const TITLE: Option<&'static str>;
    /// A resource of this type in a module: the title, and attributes with a line each.
    const EXAMPLE: (&'static str, &'static str);
    /// Whether resources of this type do something on a refresh.
    const ANSWERS: bool = false;
    /// The attributes that a node can be asked for, whatever is wished of them: what `audit` may name.
    const TOLD: &'static [&'static str] = &[];

    /// What it manages, as a word and a name: only one resource of a catalog may. `None` where any number may.
    fn thing(&self) -> Option<(&'static str, String)>;

    /// The names by which an effect guard of this type knows it, besides the title.
    fn names(&self) -> Vec<String>;

    /// The files that it writes, so that guards of files see them and a purge leaves them alone.
    fn paths(&self) -> Vec<String> {
        Vec::new()
    }

    /// The folder below which it may write or remove anything, whatever it is called: guards of files there see it.
    fn sweeps(&self) -> Option<&str> {
        None
    }

    /// What it comes after by itself.
    fn needs(&self) -> Vec<Need<'_>> {
        Vec::new()
    }

    /// The path that is there once it was applied: what is at or below it comes afterwards.
    fn provides(&self) -> Option<&str> {
        None
    }

    /// Everything that it makes a node do, for whoever judges that.
    fn deeds(&self) -> Vec<Deed<'_>>;

    /// The contents of files in it.
    fn contents(&self) -> Vec<&Content> {
        Vec::new()
    }

    /// What the shapes of its attributes do not show to be wrong.
    fn faults(&self) -> Vec<Fault> {
        Vec::new()
    }
}

/// Something that a resource comes after, where the catalog has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need<'a> {
    /// This user.
    User(&'a str),
    /// This group.
    Group(&'a str),
    /// What provides this path.
    Path(&'a str),
    /// What provides the nearest folder that this path is in.
    Within(&'a str),
}

/// Something that a resource makes a node do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed<'a> {
    /// It runs this.
    Run {
        /// The attribute that says so.
        attr: &'static str,
        /// The command.
        command: &'a Command,
        /// The working directory; `/` when not given.
        cwd: Option<&'a str>,
        /// Environment variables.
        environment: &'a BTreeMap<String, String>,
    },
    /// It lets cron run this.
    Cron {
        /// The command in the words of a crontab.
        command: &'a str,
        /// Environment variables.
        environment: &'a BTreeMap<String, String>,
    },
    /// A file holds this afterwards, among other things or alone.
    Hold {
        /// The attribute that says so.
        attr: &'static str,
        /// The path of the file.
        path: Cow<'a, str>,
        /// What it holds.
        content: Cow<'a, Content>,
        /// Whether its mode lets it be executed.
        executable: bool,
    },
    /// It does what this command would do.
    Like {
        /// The attribute that says so.
        attr: &'static str,
        /// The command.
        argv: Vec<String>,
    },
}

impl Deed<'_> {
    /// A file holds this text afterwards.
    #[must_use]
    pub fn hold(attr: &'static str, path: impl Into<String>, text: String) -> Self {
        let content = Cow::Owned(Content::Text(text.into()));
        Self::Hold { attr, path: Cow::Owned(path.into()), content, executable: false }
    }

    /// It does what this command would do.
    #[must_use]
    pub fn like(attr: &'static str, argv: &[&str]) -> Self {
        Self::Like { attr, argv: argv.iter().map(|word| (*word).to_owned()).collect() }
    }
}

/// Something wrong with an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The attribute.
    pub attr: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to write instead; may be empty.
    pub instead: String,
}

impl Fault {
    /// A fault of attribute `attr`.
    #[must_use]
    pub fn new(attr: &'static str, message: impl Into<String>, instead: impl Into<String>) -> Self {
        Self { attr, message: message.into(), instead: instead.into() }
    }
}
