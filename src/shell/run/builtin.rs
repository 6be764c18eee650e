//! Functions, aliases and the commands that the shell itself has.

use super::settings::{declare, set_options};
use super::simple::content;
use super::state::Variable;
use super::{Call, Place, Problem, Shell, State, normal, output};
use crate::shell::{Dialect, Part, Source, Value};

/// Functions inside one another, at most.
const MAX_CALLS: usize = 24;
/// Values that `read` tells apart, at most.
const MAX_LINES: usize = 32;

impl Shell<'_> {
    /// Runs what the first word names: alias, function, builtin or program.
    pub fn dispatch(&mut self, call: &Call<'_>, state: &mut State) -> Value {
        let Some(first) = call.words.first() else { return Value::default() };
        let settled = first.settled();
        let output = self.named(&settled, call, state);
        state.last = call.words.last().cloned().unwrap_or_default();
        output
    }

    fn named(&mut self, name: &Value, call: &Call<'_>, state: &mut State) -> Value {
        let Some(name) = name.literal() else { return self.programs.run(call, state) };
        if let Some(text) = state.aliases.remove(name) {
            let code = format!("{text} {}", quoted(&call.words[1..]));
            let output = self.text(&code, Place::Computed(call.span), state, call.stdin);
            state.aliases.insert(name.to_owned(), text);
            return output;
        }
        if let Some(body) = state.functions.get(name).cloned() {
            return self.call(name, &body, call, state);
        }
        self.builtin(name, call, state)
    }

    fn call(
        &mut self,
        name: &str,
        body: &crate::shell::ast::Command,
        call: &Call<'_>,
        state: &mut State,
    ) -> Value {
        if state.calling.iter().any(|n| n == name) {
            if state.concurrent {
                self.programs.problem(Problem::Bomb, call.span);
            }
            return Value::dynamic(Source::Output, true);
        }
        if state.calling.len() >= MAX_CALLS {
            self.programs.problem(Problem::Limit("calls of functions"), call.span);
            return Value::dynamic(Source::Output, true);
        }
        let outer = std::mem::replace(&mut state.positional, call.words[1..].to_vec());
        let (before, locals) = (state.variables.clone(), std::mem::take(&mut state.locals));
        state.calling.push(name.to_owned());
        let output = self.body(body, state, call.stdin);
        state.calling.pop();
        for local in std::mem::replace(&mut state.locals, locals) {
            match before.get(&local) {
                Some(value) => drop(state.variables.insert(local, value.clone())),
                None => drop(state.variables.remove(&local)),
            }
        }
        state.positional = outer;
        output
    }

    fn builtin(&mut self, name: &str, call: &Call<'_>, state: &mut State) -> Value {
        let arguments = &call.words[1..];
        let base = name.rsplit('/').next().unwrap_or(name);
        if base != name && !matches!(base, "echo" | "printf" | "true" | "false" | "test" | "[" | "pwd") {
            return self.programs.run(call, state);
        }
        match base {
            "echo" => output::echo(arguments, state.dialect),
            "printf" => self.printf(arguments, state),
            "pwd" => line(state.cwd.first().cloned().unwrap_or_default()),
            "cd" | "pushd" | "chdir" => self.change_directory(arguments, state),
            "popd" => {
                state.cwd = vec![Value::dynamic(Source::Input, false)];
                Value::default()
            }
            "eval" => {
                let code: Vec<String> = arguments.iter().map(Value::code).collect();
                self.computed(&code.join(" "), arguments, call, state)
            }
            "exec" | "builtin" => self.rest(call, state),
            "command" => self.command_builtin(call, state),
            "." | "source" => self.source(call, state),
            "trap" => {
                let mut inside = state.clone();
                match arguments {
                    [action, _, ..] if !matches!(action.literal(), Some("" | "-" | "-p" | "-l")) => {
                        self.computed(&action.code(), &arguments[..1], call, &mut inside)
                    }
                    _ => Value::default(),
                }
            }
            "set" => set_options(arguments, state),
            "export" | "declare" | "typeset" | "local" | "readonly" => {
                if base != "export" && base != "readonly" && !state.calling.is_empty() {
                    let names = arguments.iter().filter(|a| !a.prefix().starts_with('-'));
                    let name = |a: &Value| a.prefix().split('=').next().unwrap_or("").to_owned();
                    state.locals.extend(names.map(name));
                }
                declare(arguments, state)
            }
            "unset" => {
                for name in arguments.iter().filter_map(Value::literal) {
                    state.variables.remove(name);
                    state.functions.remove(name);
                }
                Value::default()
            }
            "shift" => {
                let count =
                    arguments.first().and_then(Value::literal).and_then(|n| n.parse().ok()).unwrap_or(1);
                state.positional.drain(..count.min(state.positional.len()));
                Value::default()
            }
            "alias" => {
                for (name, value) in arguments.iter().filter_map(|a| a.literal()?.split_once('=')) {
                    state.aliases.insert(name.to_owned(), value.to_owned());
                }
                Value::default()
            }
            "read" | "mapfile" | "readarray" | "getopts" => read(base, arguments, call.stdin, state),
            ":" | "true" | "false" | "test" | "[" | "wait" | "exit" | "return" | "break" | "continue"
            | "unalias" | "shopt" | "umask" | "times" | "hash" | "let" | "jobs" | "bg" | "fg" | "disown"
            | "caller" | "dirs" | "bind" | "compgen" | "complete" => Value::default(),
            "type" | "which" => found(arguments),
            _ => self.programs.run(call, state),
        }
    }

    fn printf(&mut self, arguments: &[Value], state: &mut State) -> Value {
        let (variable, arguments) = match arguments {
            [flag, name, rest @ ..] if flag.literal() == Some("-v") => (name.literal(), rest),
            [flag, rest @ ..] if flag.literal() == Some("--") => (None, rest),
            all => (None, all),
        };
        let Some((format, values)) = arguments.split_first() else { return Value::default() };
        let text = output::printf(format, values);
        match variable {
            Some(name) => {
                state.set(name, text);
                Value::default()
            }
            None => text,
        }
    }

    fn change_directory(&mut self, arguments: &[Value], state: &mut State) -> Value {
        let target =
            arguments.iter().find(|a| !matches!(a.literal(), Some("-P" | "-L" | "-e" | "--" | "-n")));
        let old = state.cwd.clone();
        let new = match target {
            None => state.absolute(&state.variable("HOME").unwrap_or_default()),
            Some(t) if t.literal() == Some("-") => match state.variable("OLDPWD") {
                Some(place) => vec![place],
                None => vec![Value::dynamic(Source::Input, false)],
            },
            Some(t) => state.absolute(&t.settled()),
        };
        state.cwd =
            new.into_iter().map(|v| v.literal().map(|p| Value::text(normal(p))).unwrap_or(v)).collect();
        if let Some(place) = old.first() {
            state.set("OLDPWD", place.clone());
        }
        let certain = state.cwd.iter().all(|p| p.literal().is_some_and(|p| p.matches('/').count() == 1));
        state.fallback = if certain { None } else { state.fallback.take().or(Some(old)) };
        Value::default()
    }

    /// Runs text that is the result of `from`.
    fn computed(&mut self, code: &str, from: &[Value], call: &Call<'_>, state: &mut State) -> Value {
        if from.iter().any(|v| v.has(Source::Remote)) {
            return self.programs.run(call, state);
        }
        self.text(code, Place::Computed(call.span), state, call.stdin)
    }

    /// Runs the words behind the first one.
    fn rest(&mut self, call: &Call<'_>, state: &mut State) -> Value {
        let options =
            call.words[1..].iter().take_while(|w| matches!(w.literal(), Some("-c" | "-l" | "--"))).count();
        let named = call.words.get(1).and_then(Value::literal) == Some("-a");
        let from = 1 + if named { 2 } else { options };
        self.from(call, from, state)
    }

    fn from(&mut self, call: &Call<'_>, from: usize, state: &mut State) -> Value {
        let words = call.words.get(from..).unwrap_or_default();
        let spans = call.spans.get(from..).unwrap_or_default();
        self.dispatch(&Call { words, spans, ..call.clone() }, state)
    }

    fn command_builtin(&mut self, call: &Call<'_>, state: &mut State) -> Value {
        match call.words.get(1).and_then(Value::literal) {
            Some("-v" | "-V") => found(&call.words[2..]),
            Some("-p" | "--") => self.from(call, 2, state),
            _ => self.from(call, 1, state),
        }
    }

    fn source(&mut self, call: &Call<'_>, state: &mut State) -> Value {
        let Some(path) = call.words.get(1) else { return Value::default() };
        let text = match path.literal() {
            Some("/dev/stdin" | "/proc/self/fd/0" | "/dev/fd/0") => call.stdin.clone(),
            _ => content(path, state),
        };
        if text.has(Source::Remote) || text.has(Source::File) {
            return self.programs.run(call, state);
        }
        self.text(&text.code(), Place::Computed(call.span), state, call.stdin)
    }
}

/// The paths that `which`, `type -P` and `command -v` print.
fn found(names: &[Value]) -> Value {
    let names = names.iter().filter(|n| !n.prefix().starts_with('-'));
    names.fold(Value::default(), |mut out, name| {
        out.append(name);
        out.push(Part::Text("\n".into()));
        out
    })
}

fn line(mut value: Value) -> Value {
    value.push(Part::Text("\n".into()));
    value
}

fn read(command: &str, arguments: &[Value], stdin: &Value, state: &mut State) -> Value {
    let taking = ["-p", "-d", "-n", "-N", "-t", "-u", "-i", "-C", "-c", "-O", "-s"];
    let mut names = Vec::new();
    let (mut skip, mut array) = (false, command != "read" && command != "getopts");
    for argument in arguments.iter().filter_map(Value::literal) {
        if skip {
            skip = false;
        } else if argument.starts_with('-') {
            skip = taking.contains(&argument) && argument != "-s" && !(argument == "-t" && command != "read");
            array |= command == "read" && !argument.starts_with("--") && argument.contains('a');
        } else {
            names.push(argument.to_owned());
        }
    }
    let lines = stdin.lines();
    if command == "getopts" {
        names.reverse();
        names.truncate(1);
    } else if array {
        let words = |line: &Value| match line.literal() {
            Some(text) => text.split_whitespace().map(Value::text).collect(),
            None => vec![line.clone()],
        };
        let elements = if command == "read" { lines.first().map(words).unwrap_or_default() } else { lines };
        if let Some(name) = names.first() {
            state.variables.insert(name.clone(), Variable::Array(elements));
        }
        return Value::default();
    }
    if names.is_empty() {
        names.push("REPLY".into());
    }
    let last = names.len() - 1;
    for (at, name) in names.iter().enumerate() {
        let separators = state.variable("IFS").and_then(|v| v.literal().map(str::to_owned));
        let separators = separators.unwrap_or_default();
        let mut values: Vec<Value> =
            lines.iter().take(MAX_LINES).map(|l| field(l, (at, at == last), &separators)).collect();
        if values.is_empty() || command == "getopts" {
            values = vec![Value::dynamic(Source::Input, true)];
        }
        state.set_any(name, values);
    }
    Value::default()
}

/// The field of that number of a line, or all that is left from there on.
fn field(line: &Value, (at, rest): (usize, bool), separators: &str) -> Value {
    let Some(text) = line.literal() else { return line.clone() };
    let fields: Vec<&str> = text.split(|c| separators.contains(c)).filter(|f| !f.is_empty()).collect();
    match (rest, fields.get(at)) {
        (_, None) => Value::default(),
        (false, Some(field)) => Value::text(*field),
        (true, Some(_)) => Value::text(fields[at..].join(" ")),
    }
}

/// Words as text that a shell would read as these words again.
fn quoted(words: &[Value]) -> String {
    let one = |word: &Value| {
        let mut out = String::new();
        for part in word.settled().parts() {
            match part {
                Part::Text(text) => out.push_str(&format!("'{}'", text.replace('\'', "'\\''"))),
                Part::Glob(text) => out.push_str(text),
                Part::Dynamic(_) => {
                    let mut value = Value::default();
                    value.push(part.clone());
                    out.push_str(&value.code());
                }
            }
        }
        if out.is_empty() { "''".to_owned() } else { out }
    };
    words.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// Both readings that a target may have.
impl Dialect {
    /// bash and dash.
    pub const BOTH: [Self; 2] = [Self::Bash, Self::Dash];
}
