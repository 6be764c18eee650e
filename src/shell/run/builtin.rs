//! What the first word of a command names, and the commands that the shell itself has.

use super::assign::Declared;
use super::settings::set_options;
use super::state::Leaving;
use super::variables::Kind;
use super::{Call, Place, Problem, Shell, State, output};
use crate::shell::{Dialect, Part, Source, Value};
use std::sync::Arc;

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
        let Some(text) = state.aliases.get(name).cloned() else { return self.plain(name, call, state) };
        // bash does not expand aliases in scripts, and no shell does on the line that makes one or in a word with quotes.
        let mut without = state.clone();
        self.plain(name, call, &mut without);
        let output = self.alias(name, &text, call, state);
        *state = state.clone().merge(without);
        output
    }

    /// Runs what a word names that no alias stands for.
    fn plain(&mut self, name: &str, call: &Call<'_>, state: &mut State) -> Value {
        if let Some(function) = state.functions.get(name).cloned() {
            return self.call(name, &function.body, call, state);
        }
        self.builtin(name, call, state)
    }

    pub(super) fn builtin(&mut self, name: &str, call: &Call<'_>, state: &mut State) -> Value {
        let arguments = &call.words[1..];
        let base = name.rsplit('/').next().unwrap_or(name);
        if base != name && !matches!(base, "echo" | "printf" | "true" | "false" | "test" | "[" | "pwd") {
            return self.programs.run(call, state);
        }
        match base {
            "echo" => self.echo(arguments, state),
            "printf" => self.printf(call, state),
            "pwd" => line(state.cwd.first().cloned().unwrap_or_default()),
            "cd" | "chdir" => self.change_directory(arguments, state),
            "pushd" | "popd" | "dirs" => self.directory_stack(base, call, state),
            "eval" => {
                let words = arguments.iter().skip(usize::from(is(arguments.first(), "--")));
                let code: Vec<String> = words.map(Value::code).collect();
                self.computed(&code.join(" "), arguments, call, state)
            }
            "exec" => self.exec(call, state),
            "builtin" | "command" => self.command_builtin(base, call, state),
            "." | "source" => self.source(call, state),
            "trap" => self.trap(call),
            "set" => {
                set_options(arguments, state);
                self.traced(call, state);
                Value::default()
            }
            "export" | "declare" | "typeset" | "local" | "readonly" => {
                self.declare(base, &Declared { arguments, assignments: &[], span: call.span }, state)
            }
            "read" => self.read(call, state),
            "mapfile" | "readarray" => {
                if call.stdin.has(Source::Endless) {
                    self.programs.problem(Problem::Endless, call.span);
                }
                self.read_array(call, state)
            }
            "getopts" => self.options(call, state),
            "exit" | "return" | "break" | "continue" => {
                self.leave(
                    match base {
                        "exit" => Leaving::Shell,
                        "return" => Leaving::Function,
                        _ => Leaving::Loop,
                    },
                    state,
                );
                Value::default()
            }
            _ => self.small_builtin(base, call, state),
        }
    }

    fn small_builtin(&mut self, name: &str, call: &Call<'_>, state: &mut State) -> Value {
        let arguments = &call.words[1..];
        match name {
            ":" | "true" => state.status = Some(true),
            "false" => state.status = Some(false),
            "unset" => self.unset(call, state),
            "shift" => {
                let count = arguments.first().and_then(Value::literal);
                let count = count.and_then(|n| n.parse().ok()).unwrap_or(1);
                state.positional.drain(..count.min(state.positional.len()));
            }
            "let" => {
                for argument in arguments {
                    let number = self.arithmetic(argument, state, call.span);
                    state.status = number.map(|n| n != 0);
                }
            }
            "alias" => {
                let aliases = Arc::make_mut(&mut state.aliases);
                for (name, value) in arguments.iter().filter_map(|a| a.literal()?.split_once('=')) {
                    aliases.insert(name.to_owned(), value.to_owned());
                }
            }
            "hash" => {
                if let [flag, path, name, ..] = arguments
                    && is(Some(flag), "-p")
                {
                    Arc::make_mut(&mut state.aliases).insert(name.code(), path.code());
                }
            }
            "enable" => {
                if let Some(at) = arguments.iter().position(|a| is(Some(a), "-f")) {
                    let file = arguments.get(at + 1).map(ToString::to_string).unwrap_or_default();
                    self.programs.problem(Problem::Undetermined(file), call.span);
                }
            }
            "compgen" | "complete" => self.completion(call, state),
            "bind" => {
                for binding in arguments.iter().skip_while(|a| !is(Some(a), "-x")).skip(1) {
                    let code = binding.code();
                    let code = code.rsplit_once("\":").map_or("", |(_, code)| code).to_owned();
                    self.text(&code, Place::Computed(call.span), &mut state.inside(), &Value::default());
                }
            }
            "wait" => {
                for pair in arguments.windows(2).filter(|pair| is(pair.first(), "-p")) {
                    self.subscript_of(&pair[1], state, call.span);
                }
            }
            "test" | "[" => state.compared(arguments.iter()),
            "unalias" | "shopt" | "umask" | "times" | "jobs" | "bg" | "fg" | "disown" | "caller" => {}
            "type" | "which" => return found(arguments),
            _ => return self.programs.run(call, state),
        }
        Value::default()
    }

    fn unset(&mut self, call: &Call<'_>, state: &mut State) {
        for name in call.words[1..].iter().filter(|n| !n.prefix().starts_with('-')) {
            self.subscript_of(name, state, call.span);
            let Some(name) = name.literal() else { continue };
            let target = match state.variables.get(name) {
                Some(variable) if variable.kind == Kind::Reference => name.to_owned(),
                _ => state.variables.target(name).to_owned(),
            };
            state.variables.remove(&target);
            if state.functions.contains(name) {
                state.functions.remove(name);
            }
        }
    }

    /// What `compgen` and `complete` run to find completions.
    fn completion(&mut self, call: &Call<'_>, state: &mut State) {
        for pair in call.words.windows(2) {
            let mut inside = state.inside();
            match pair[0].literal() {
                Some("-C") => {
                    self.text(&pair[1].code(), Place::Computed(call.span), &mut inside, &Value::default());
                }
                Some("-W") => drop(self.expanded(&pair[1].code(), &mut inside, call.span)),
                _ => {}
            }
        }
    }

    /// After `set -x` every command expands `PS4`.
    fn traced(&mut self, call: &Call<'_>, state: &mut State) {
        if state.options.xtrace && state.variables.contents("PS4").is_some() {
            let prompt = state.variable("PS4").unwrap_or_default().code();
            self.expanded(&prompt, &mut state.inside(), call.span);
        }
    }

    /// The action of a trap runs when the shell ends, with what is set then.
    fn trap(&mut self, call: &Call<'_>) -> Value {
        let arguments = match &call.words[1..] {
            [first, rest @ ..] if is(Some(first), "--") => rest,
            arguments => arguments,
        };
        if let [action, _, ..] = arguments
            && !matches!(action.literal(), Some("" | "-" | "-p" | "-l"))
        {
            self.traps.push((action.clone(), call.span));
        }
        Value::default()
    }

    /// `exec program`: the shell ends. `exec` with redirections alone changes its own.
    fn exec(&mut self, call: &Call<'_>, state: &mut State) -> Value {
        let mut from = 1;
        while let Some(text) = call.words.get(from).map(Value::prefix).filter(|t| t.starts_with('-')) {
            from += if text == "--" || !text.ends_with('a') { 1 } else { 2 };
        }
        let output = self.from(call, from, state);
        if call.words.len() > from {
            self.leave(Leaving::Shell, state);
        }
        output
    }

    fn printf(&mut self, call: &Call<'_>, state: &mut State) -> Value {
        let (variable, arguments) = match &call.words[1..] {
            [flag, name, rest @ ..] if is(Some(flag), "-v") => (Some(name), rest),
            [flag, rest @ ..] if is(Some(flag), "--") => (None, rest),
            all => (None, all),
        };
        let Some((format, values)) = arguments.split_first() else { return Value::default() };
        let text = output::printf(format, values);
        match variable {
            Some(name) => {
                self.store_named(name, text, state, call.span);
                Value::default()
            }
            None => text,
        }
    }

    /// Runs text that is the result of `from`.
    fn computed(&mut self, code: &str, from: &[Value], call: &Call<'_>, state: &mut State) -> Value {
        if from.iter().any(|v| v.has(Source::Remote)) {
            return self.programs.run(call, state);
        }
        self.text(code, Place::Computed(call.span), state, call.stdin)
    }

    fn from(&mut self, call: &Call<'_>, from: usize, state: &mut State) -> Value {
        let words = call.words.get(from..).unwrap_or_default();
        let spans = call.spans.get(from..).unwrap_or_default();
        self.dispatch(&Call { words, spans, ..call.clone() }, state)
    }

    /// `command` and `builtin`: functions do not count.
    fn command_builtin(&mut self, name: &str, call: &Call<'_>, state: &mut State) -> Value {
        let from = match call.words.get(1).and_then(Value::literal) {
            Some("-v" | "-V") if name == "command" => return found(&call.words[2..]),
            Some("-p" | "--") => 2,
            _ => 1,
        };
        let words = call.words.get(from..).unwrap_or_default();
        let inner = Call { words, spans: call.spans.get(from..).unwrap_or_default(), ..call.clone() };
        let Some(first) = words.first() else { return Value::default() };
        match first.settled().literal() {
            Some(name) => self.builtin(name, &inner, state),
            None => self.programs.run(&inner, state),
        }
    }

    fn source(&mut self, call: &Call<'_>, state: &mut State) -> Value {
        let from = if is(call.words.get(1), "--") { 2 } else { 1 };
        let Some(path) = call.words.get(from) else { return Value::default() };
        let text = match path.literal() {
            Some("/dev/stdin" | "/proc/self/fd/0" | "/dev/fd/0") => call.stdin.clone(),
            _ => state.content(path),
        };
        if text.has(Source::Remote) || text.has(Source::File) {
            return self.programs.run(call, state);
        }
        let given = call.words[from + 1..].to_vec();
        let outer = (!given.is_empty()).then(|| std::mem::replace(&mut state.positional, given));
        self.returns.push(None);
        let output = self.text(&text.code(), Place::Computed(call.span), state, call.stdin);
        self.back(state);
        if let Some(outer) = outer {
            state.positional = outer;
        }
        output
    }
}

/// The paths that `which`, `type -P` and `command -v` print.
fn found(names: &[Value]) -> Value {
    let names = names.iter().filter(|n| !n.prefix().starts_with('-'));
    names.fold(Value::default(), |mut out, name| {
        if !name.prefix().contains('/') {
            out.append(&Value::text("/usr/bin/"));
        }
        out.append(name);
        out.push(Part::Text("\n".into()));
        out
    })
}

fn line(mut value: Value) -> Value {
    value.push(Part::Text("\n".into()));
    value
}

/// Whether a word is this one.
fn is(word: Option<&Value>, text: &str) -> bool {
    word.and_then(Value::literal) == Some(text)
}

/// Words as text that a shell would read as these words again.
pub(super) fn quoted(words: &[Value]) -> String {
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
