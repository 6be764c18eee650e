//! What a shell knows while it runs: variables, functions, positional parameters, where it stands, and
//! the files that the script itself has written.

use super::place;
use super::shared::Shared;
use super::variables::{Contents, Key, MAX_ALTERNATIVES, Variable, Variables, limited};
use crate::shell::ast::Command;
use crate::shell::{Dialect, Dynamic, Part, Source, Value};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A shell at one point of a script.
#[derive(Debug, Clone)]
pub struct State {
    pub(super) variables: Variables,
    pub(super) functions: Shared<Function>,
    pub(super) aliases: Arc<HashMap<String, String>>,
    /// `$1` …
    pub positional: Vec<Value>,
    /// `$0`
    pub zero: Value,
    /// Where the shell may stand: absolute paths.
    pub cwd: Vec<Value>,
    /// Directories that `pushd` has put aside, the last one last.
    pub(super) stack: Vec<Vec<Value>>,
    /// Content of the files that the script has written so far.
    pub files: Shared<Value>,
    /// Whether something that came over the network may be in one of them.
    pub(super) downloads: bool,
    /// What is read from descriptors that the shell itself has opened.
    pub(super) inputs: BTreeMap<i32, Value>,
    /// Files that descriptors of the shell write to.
    pub(super) outputs: BTreeMap<i32, Value>,
    /// Which shell reads it.
    pub dialect: Dialect,
    /// How deep scripts, functions and substitutions are nested.
    pub depth: usize,
    pub(super) options: Options,
    /// The last word of the command before.
    pub(super) last: Value,
    /// What the variables stood for that the present function has made its own.
    pub(super) locals: Vec<(String, Option<Variable>)>,
    /// Directories that are another name of one, because the script made them so.
    pub(super) links: Shared<String>,
    /// Functions that are being called, and with what.
    pub(super) calling: Vec<(String, Vec<Value>)>,
    /// Whether what runs now runs beside something else.
    pub(super) concurrent: bool,
    /// Whether the last command worked, where that is known.
    pub(super) status: Option<bool>,
    /// The state if the last command failed, where that makes a difference.
    pub(super) failed: Option<Box<Failed>>,
    /// Whether the script does not go on from here.
    pub(super) leaving: Option<Leaving>,
}

/// A function.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Function {
    pub(super) body: Arc<Command>,
    /// Whether shells that this one starts have it too.
    pub(super) exported: bool,
}

/// The state if a command failed.
#[derive(Debug, Clone)]
pub(super) struct Failed {
    pub(super) state: State,
    /// Whether `set -e` ends the script then.
    pub(super) ends: bool,
}

/// What a script leaves when it does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaving {
    /// The innermost loop.
    Loop,
    /// The function or sourced file.
    Function,
    /// The shell.
    Shell,
}

/// Options of the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// `-e`: a failure ends the script.
    pub errexit: bool,
    /// `-u`: a variable that nothing sets ends the script.
    pub nounset: bool,
    /// `-f`: patterns are text.
    pub noglob: bool,
    /// `-a`: every variable is exported.
    pub allexport: bool,
    /// `-x`: commands are shown behind an expanded `PS4`.
    pub xtrace: bool,
}

impl State {
    /// A fresh shell in `cwd`.
    #[must_use]
    pub fn new(dialect: Dialect, cwd: Value) -> Self {
        Self {
            variables: Variables::default(),
            functions: Shared::default(),
            aliases: Arc::default(),
            positional: Vec::new(),
            zero: Value::text("sh"),
            cwd: vec![cwd],
            stack: Vec::new(),
            files: Shared::default(),
            downloads: false,
            inputs: BTreeMap::new(),
            outputs: BTreeMap::new(),
            dialect,
            depth: 0,
            options: Options::default(),
            last: Value::default(),
            locals: Vec::new(),
            links: Shared::default(),
            calling: Vec::new(),
            concurrent: false,
            status: None,
            failed: None,
            leaving: None,
        }
    }

    /// A shell that this one starts: it has the same environment, place and files, and nothing else.
    #[must_use]
    pub fn child(&self) -> Self {
        let mut functions = Shared::default();
        for (name, function) in self.functions.iter().filter(|(_, f)| f.exported) {
            functions.insert(name, function.clone());
        }
        Self {
            variables: self.variables.exported(),
            functions,
            cwd: self.cwd.clone(),
            files: self.files.clone(),
            downloads: self.downloads,
            inputs: self.inputs.clone(),
            outputs: self.outputs.clone(),
            depth: self.depth + 1,
            links: self.links.clone(),
            calling: self.calling.clone(),
            zero: self.zero.clone(),
            concurrent: self.concurrent,
            ..Self::new(self.dialect, Value::default())
        }
    }

    /// A copy of this shell: a subshell, one end of a pipeline, a substitution.
    pub(super) fn inside(&self) -> Self {
        Self { failed: None, leaving: None, depth: self.depth + 1, ..self.clone() }
    }

    /// Sets the options that a shell was started with.
    pub fn start_with(&mut self, options: Options) {
        self.options = options;
    }

    /// Takes over what a subshell has left behind for everybody.
    pub fn after(&mut self, inside: Self) {
        self.files = inside.files;
        self.downloads |= inside.downloads;
        self.links = inside.links;
    }

    /// The same, and what is left if the subshell failed.
    pub fn after_either(&mut self, mut inside: Self) {
        let failed = inside.failed.take();
        let mut before = self.clone();
        self.after(inside);
        if let Some(failed) = failed {
            before.after(failed.state);
            self.failed = Some(Box::new(Failed { state: before, ends: failed.ends }));
        }
    }

    /// Sets a variable.
    pub fn set(&mut self, name: &str, value: Value) {
        self.set_any(name, vec![value]);
    }

    /// Sets a variable that programs find in their environment.
    pub fn export(&mut self, name: &str, value: Value) {
        self.set(name, value);
        self.variables.export(name, true);
    }

    /// Takes a variable out of the environment.
    pub fn unset(&mut self, name: &str) {
        self.variables.remove(name);
    }

    /// Takes every variable out of the environment.
    pub fn unset_all(&mut self) {
        self.variables = Variables::default();
    }

    /// Sets a variable that may have any of `values`.
    pub fn set_any(&mut self, name: &str, values: Vec<Value>) {
        let target = self.variables.target(name).to_owned();
        let variable = self.variables.entry(&target);
        variable.contents = Some(Contents::Scalar(limited(values)));
        variable.exported |= self.options.allexport;
        self.variables.noted(&target);
    }

    /// What the script itself has put into the environment of the programs that it starts.
    pub(super) fn exports(&self) -> impl Iterator<Item = (String, Value)> {
        self.variables.exports().filter_map(|(name, variable)| match &variable.contents {
            Some(Contents::Scalar(values)) => Some((name.to_owned(), values.first()?.clone())),
            Some(Contents::Array(_)) | None => None,
        })
    }

    /// The value of a variable; `None` when nothing sets it.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<Value> {
        match self.variables.contents(name) {
            Some(Contents::Scalar(values)) => values.first().cloned(),
            Some(Contents::Array(elements)) => elements.get(&Key::Index(0)).cloned(),
            None => self.environment(self.variables.target(name)),
        }
    }

    /// What every process finds in its environment, or the shell itself provides.
    fn environment(&self, name: &str) -> Option<Value> {
        Some(match name {
            "HOME" => Value::text("/root"),
            "PWD" => self.cwd.first().cloned().unwrap_or_default(),
            "_" => self.last.clone(),
            "USER" | "LOGNAME" => Value::text("root"),
            "SHELL" | "BASH" => Value::text("/bin/bash"),
            "PATH" => Value::text("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
            "IFS" => Value::text(" \t\n"),
            "UID" | "EUID" => Value::text("0"),
            "OPTIND" => Value::text("1"),
            "OSTYPE" => Value::text("linux-gnu"),
            "HOSTNAME" | "HOSTTYPE" | "MACHTYPE" | "BASH_VERSION" => Value::dynamic(Source::Name, false),
            "RANDOM" | "SECONDS" | "PPID" | "LINENO" | "BASHPID" | "EPOCHSECONDS" | "SRANDOM" => {
                Value::dynamic(Source::Number, false)
            }
            _ => return None,
        })
    }

    /// Goes on behind a command whose success nothing has asked for.
    pub(super) fn settle(&mut self) {
        if let Some(failed) = self.failed.take()
            && !(self.options.errexit && failed.ends)
        {
            *self = self.clone().join(failed.state);
        }
    }

    /// The states if the last command worked and if it failed; `None` where the script ends.
    pub(super) fn ways(&mut self) -> (Option<Self>, Option<Self>) {
        let failed = self.failed.take();
        if self.leaving.is_some() {
            return (None, None);
        }
        let bad = failed.map_or_else(|| self.clone(), |f| f.state);
        (Some(self.clone()), Some(bad))
    }

    /// The state after one of two ways through a script.
    pub(super) fn join(self, other: Self) -> Self {
        let mut cwd = self.cwd;
        for place in other.cwd {
            if !cwd.contains(&place) && cwd.len() < MAX_ALTERNATIVES {
                cwd.push(place);
            }
        }
        let mut joined = Self {
            variables: self.variables.join(&other.variables),
            cwd,
            status: self.status.filter(|_| self.status == other.status),
            ..self
        };
        joined.functions.extend(&other.functions);
        if !Arc::ptr_eq(&joined.aliases, &other.aliases) {
            Arc::make_mut(&mut joined.aliases)
                .extend(other.aliases.iter().map(|(n, a)| (n.clone(), a.clone())));
        }
        joined.files.extend(&other.files);
        joined.downloads |= other.downloads;
        joined.links.extend(&other.links);
        joined.inputs.extend(other.inputs);
        if joined.positional.len() < other.positional.len() {
            joined.positional = other.positional;
        }
        joined.options.errexit &= other.options.errexit;
        joined.options.nounset &= other.options.nounset;
        joined
    }

    /// The state after a command that has been evaluated for several values of its variables, none of
    /// which is a way of its own.
    pub(super) fn merge(mut self, mut other: Self) -> Self {
        let (mine, theirs) = (self.failed.take(), other.failed.take());
        let leaving = self.leaving.filter(|_| self.leaving == other.leaving);
        let failed = match (mine, theirs) {
            (Some(a), Some(b)) => {
                Some(Box::new(Failed { state: a.state.join(b.state), ends: a.ends && b.ends }))
            }
            (a, b) => a.or(b),
        };
        Self { failed, leaving, ..self.join(other) }
    }

    /// The path as an absolute one, for every place where the shell may stand.
    #[must_use]
    pub fn absolute(&self, path: &Value) -> Vec<Value> {
        if path.prefix().starts_with('/') || starts_unknown(path) {
            return vec![place::followed(&self.links, path.clone())];
        }
        self.cwd
            .iter()
            .map(|cwd| {
                let mut whole = cwd.clone();
                whole.push(Part::Text("/".into()));
                whole.append(path);
                place::followed(&self.links, whole)
            })
            .collect()
    }

    /// Notes that `name` is another name of `target` from now on.
    pub fn link(&mut self, name: &Value, target: &Value) {
        let ends = (self.absolute(name), self.absolute(target));
        if let ([name], [target]) = (ends.0.as_slice(), ends.1.as_slice())
            && let (Some(name), Some(target)) = (name.literal(), target.literal())
        {
            self.links.insert(place::normal(name), place::normal(target).into_owned());
        }
    }
}

/// Whether the path may start anywhere: with unknown text that is not a name in the current directory.
fn starts_unknown(path: &Value) -> bool {
    match path.parts().first() {
        Some(Part::Dynamic(Dynamic { source, .. })) => !matches!(source, Source::Name | Source::Number),
        _ => false,
    }
}
