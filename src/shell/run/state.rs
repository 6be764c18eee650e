//! What a shell knows while it runs: variables, functions, positional parameters, where it stands, and
//! the files that the script itself has written.

use crate::shell::ast::Command;
use crate::shell::{Dialect, Dynamic, Part, Source, Value};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Values that a variable may have at one point of a script, at most; with more it is unknown.
const MAX_ALTERNATIVES: usize = 8;

/// A shell at one point of a script.
#[derive(Debug, Clone)]
pub struct State {
    /// Variables: every value that each may have here.
    pub(super) variables: HashMap<String, Variable>,
    pub(super) functions: HashMap<String, Arc<Command>>,
    pub(super) aliases: HashMap<String, String>,
    /// `$1` …
    pub positional: Vec<Value>,
    /// `$0`
    pub zero: Value,
    /// Where the shell may stand: absolute paths.
    pub cwd: Vec<Value>,
    /// Where it stands if the last `cd` failed, as long as nothing has checked that.
    pub(super) fallback: Option<Vec<Value>>,
    /// Content of the files that the script has written so far.
    pub files: BTreeMap<String, Value>,
    /// Which shell reads it.
    pub dialect: Dialect,
    /// How deep scripts, functions and substitutions are nested.
    pub depth: usize,
    pub(super) errexit: bool,
    pub(super) nounset: bool,
    pub(super) noglob: bool,
    /// The last word of the command before.
    pub(super) last: Value,
    /// Variables that the present function has made its own.
    pub(super) locals: Vec<String>,
    /// Directories that are another name of one, because the script made them so.
    links: BTreeMap<String, String>,
    /// Functions that are being called.
    pub(super) calling: Vec<String>,
    /// Whether what runs now runs beside something else.
    pub(super) concurrent: bool,
}

/// A variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Variable {
    /// One of these values.
    Scalar(Vec<Value>),
    /// An array.
    Array(Vec<Value>),
}

impl State {
    /// A fresh shell in `cwd`.
    #[must_use]
    pub fn new(dialect: Dialect, cwd: Value) -> Self {
        Self {
            variables: HashMap::new(),
            functions: HashMap::new(),
            aliases: HashMap::new(),
            positional: Vec::new(),
            zero: Value::text("sh"),
            cwd: vec![cwd],
            fallback: None,
            files: BTreeMap::new(),
            dialect,
            depth: 0,
            errexit: false,
            nounset: false,
            noglob: false,
            last: Value::default(),
            locals: Vec::new(),
            links: BTreeMap::new(),
            calling: Vec::new(),
            concurrent: false,
        }
    }

    /// A shell that this one starts: it has the same environment, place and files, and nothing else.
    #[must_use]
    pub fn child(&self) -> Self {
        let mut child = self.clone();
        child.functions.clear();
        child.aliases.clear();
        child.positional.clear();
        child.depth += 1;
        (child.errexit, child.nounset, child.noglob) = (false, false, false);
        child
    }

    /// Sets the options `-e` and `-u` that a shell was started with.
    pub fn errexit_from(&mut self, errexit: bool, nounset: bool) {
        self.errexit = errexit;
        self.nounset = nounset;
    }

    /// Sets a variable.
    pub fn set(&mut self, name: &str, value: Value) {
        self.variables.insert(name.to_owned(), Variable::Scalar(vec![value]));
    }

    /// Sets a variable that may have any of `values`.
    pub fn set_any(&mut self, name: &str, mut values: Vec<Value>) {
        values.dedup();
        if values.len() > MAX_ALTERNATIVES {
            values = vec![summary(&values)];
        }
        self.variables.insert(name.to_owned(), Variable::Scalar(values));
    }

    /// The variables that have more than one value here.
    pub(super) fn undecided(&self) -> impl Iterator<Item = (&str, &[Value])> {
        self.variables.iter().filter_map(|(name, variable)| match variable {
            Variable::Scalar(values) if values.len() > 1 => Some((name.as_str(), values.as_slice())),
            Variable::Scalar(_) | Variable::Array(_) => None,
        })
    }

    /// The value of a variable; `None` when nothing sets it.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<Value> {
        match self.variables.get(name) {
            Some(Variable::Scalar(values)) => values.first().cloned(),
            Some(Variable::Array(elements)) => Some(elements.first().cloned().unwrap_or_default()),
            None => self.environment(name),
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
            "OSTYPE" => Value::text("linux-gnu"),
            "HOSTNAME" | "HOSTTYPE" | "MACHTYPE" | "BASH_VERSION" => Value::dynamic(Source::Name, false),
            "RANDOM" | "SECONDS" | "PPID" | "LINENO" | "BASHPID" | "EPOCHSECONDS" | "SRANDOM" => {
                Value::dynamic(Source::Number, false)
            }
            _ => return None,
        })
    }

    /// After a `cd` that nothing has checked, the shell may also stand where it stood before.
    pub(super) fn settle(&mut self) {
        if let Some(old) = self.fallback.take()
            && !self.errexit
        {
            for place in old {
                if !self.cwd.contains(&place) {
                    self.cwd.push(place);
                }
            }
            self.cwd.truncate(MAX_ALTERNATIVES);
        }
    }

    /// The state after one of several ways through a script.
    pub(super) fn join(mut self, other: Self) -> Self {
        let names: Vec<String> = self.variables.keys().chain(other.variables.keys()).cloned().collect();
        for name in names {
            let (mine, theirs) = (self.variables.get(&name), other.variables.get(&name));
            if mine == theirs {
                continue;
            }
            let mut values = alternatives(mine);
            for value in alternatives(theirs) {
                if !values.contains(&value) {
                    values.push(value);
                }
            }
            self.set_any(&name, values);
        }
        for place in other.cwd {
            if !self.cwd.contains(&place) {
                self.cwd.push(place);
            }
        }
        self.cwd.truncate(MAX_ALTERNATIVES);
        self.functions.extend(other.functions);
        self.aliases.extend(other.aliases);
        self.files.extend(other.files);
        self.errexit &= other.errexit;
        self.nounset &= other.nounset;
        self
    }

    /// The path as an absolute one, for every place where the shell may stand.
    #[must_use]
    pub fn absolute(&self, path: &Value) -> Vec<Value> {
        if path.prefix().starts_with('/') || starts_dynamic(path) {
            return vec![self.followed(path.clone())];
        }
        self.cwd
            .iter()
            .map(|cwd| {
                let mut whole = cwd.clone();
                whole.push(Part::Text("/".into()));
                whole.append(path);
                self.followed(whole)
            })
            .collect()
    }

    /// Notes that `name` is another name of `target` from now on.
    pub fn link(&mut self, name: &Value, target: &Value) {
        let ends = (self.absolute(name), self.absolute(target));
        if let ([name], [target]) = (ends.0.as_slice(), ends.1.as_slice())
            && let (Some(name), Some(target)) = (name.literal(), target.literal())
        {
            self.links.insert(normal(name), normal(target));
        }
    }

    /// The path with links that the script made followed.
    fn followed(&self, path: Value) -> Value {
        for (name, target) in &self.links {
            let Some(rest) = path.prefix().strip_prefix(name.as_str()).filter(|r| r.starts_with('/')) else {
                continue;
            };
            let mut whole = Value::text(format!("{target}{rest}"));
            for part in path.parts().iter().skip(1) {
                whole.push(part.clone());
            }
            return whole;
        }
        path
    }

    /// What the script has written to `path`, if it has.
    #[must_use]
    pub fn written(&self, path: &Value) -> Option<&Value> {
        let whole = self.absolute(path);
        self.files.get(&normal(whole.first()?.literal()?))
    }

    /// Notes what a file contains from now on.
    pub fn write(&mut self, path: &Value, content: Value, append: bool) {
        for whole in self.absolute(path) {
            let Some(path) = whole.literal() else { continue };
            let old = self.files.entry(normal(path)).or_default();
            if !append {
                *old = Value::default();
            }
            old.append(&content);
        }
    }
}

/// Whether the path may start anywhere: with unknown text that is not a name in the current directory.
fn starts_dynamic(path: &Value) -> bool {
    match path.parts().first() {
        Some(Part::Dynamic(Dynamic { source, .. })) => !matches!(source, Source::Name | Source::Number),
        _ => false,
    }
}

/// A path without empty, `.` and `..` parts.
#[must_use]
pub fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

fn alternatives(variable: Option<&Variable>) -> Vec<Value> {
    match variable {
        Some(Variable::Scalar(values)) => values.clone(),
        Some(Variable::Array(elements)) => elements.clone(),
        None => vec![Value::dynamic(Source::Unset, true)],
    }
}

/// What many values have in common: their common start, and then something.
fn summary(values: &[Value]) -> Value {
    let mut common = values.first().map_or("", Value::prefix);
    for value in values {
        while !value.prefix().starts_with(common) {
            common = common.get(..common.len() - 1).unwrap_or("");
        }
    }
    let mut value = Value::text(common);
    let empty = values.iter().any(|v| v.settled().literal() == Some(common));
    value.push(Part::Dynamic(Dynamic { source: Source::Limit, empty }));
    value
}
