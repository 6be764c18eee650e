//! Tools that run others in ways that a table cannot say, and what files they leave behind.

use super::analysis::Analysis;
use super::effect::{Effect, Kind};
use super::interpreter;
use super::options::{Arguments, Operand};
use super::rows::select;
use super::selector::Selector;
use crate::shell::run::{Call, Options, State};
use crate::shell::{Dynamic, Part, Source, Span, Value};

/// `sh -c text`, `sh file`, `sh` reading its standard input.
pub(super) fn shell(
    analysis: &mut Analysis<'_>,
    arguments: &Arguments,
    call: &Call<'_>,
    state: &mut State,
) -> Value {
    let given = |name: &str| arguments.has(&[name.to_owned()]);
    if call.socket {
        analysis.add(Effect::new(Kind::ReverseShell, "shell", "a shell on a network connection", call.span));
    }
    let operands = &arguments.operands;
    if given("-c") {
        let Some(code) = operands.first() else { return Value::default() };
        let mut child = state.child();
        for (name, value) in call.environment {
            child.export(name, value.clone());
        }
        let mut options = Options::default();
        for letter in ['a', 'e', 'f', 'u', 'x'] {
            options.letter(letter, given(&format!("-{letter}")));
        }
        child.start_with(options);
        if let Some(zero) = operands.get(1) {
            child.zero = zero.value.clone();
        }
        child.positional = operands.iter().skip(2).map(|o| o.value.clone()).collect();
        let output = analysis.code(&code.value, code.span, &mut child, call.stdin);
        state.after(child);
        return output;
    }
    match operands.first().filter(|_| !given("-s")) {
        Some(file)
            if matches!(file.value.literal(), Some("/dev/stdin" | "-" | "/proc/self/fd/0" | "/dev/fd/0")) =>
        {
            stdin_script(analysis, &[], call, state)
        }
        Some(file) => {
            run_file(analysis, &file.value, None, call, file.span, state);
            Value::dynamic(Source::Output, true)
        }
        None => stdin_script(analysis, operands, call, state),
    }
}

fn stdin_script(
    analysis: &mut Analysis<'_>,
    operands: &[Operand],
    call: &Call<'_>,
    state: &mut State,
) -> Value {
    // A local file on standard input is a local script.
    if matches!(call.stdin.parts(), [Part::Dynamic(Dynamic { source: Source::File, .. })]) {
        return Value::dynamic(Source::Output, true);
    }
    let mut child = state.child();
    child.positional = operands.iter().map(|o| o.value.clone()).collect();
    let output = analysis.code(call.stdin, call.span, &mut child, &Value::default());
    state.after(child);
    output
}

/// `value` with every `mark` in its text replaced by `item`.
pub(super) fn replaced(value: &Value, mark: &str, item: &Value) -> Value {
    let mut out = Value::default();
    for part in value.parts() {
        let Part::Text(text) = part else {
            out.push(part.clone());
            continue;
        };
        for (at, piece) in text.split(mark).enumerate() {
            if at > 0 {
                out.append(item);
            }
            out.push(Part::Text(piece.into()));
        }
    }
    out
}

/// `env NAME=value … program`, `env -S 'text'`.
pub(super) fn env(
    analysis: &mut Analysis<'_>,
    arguments: &Arguments,
    call: &Call<'_>,
    state: &mut State,
) -> Value {
    let split = ["-S".to_owned(), "--split-string".to_owned()];
    let mut environment = Vec::new();
    let mut from = arguments.operands.first().map_or(call.words.len(), |o| o.at);
    from += usize::from(call.words.get(from).is_some_and(|w| w.literal() == Some("-")));
    while let Some((name, value)) = call.words.get(from).and_then(crate::shell::run::assignment) {
        environment.push((name, value));
        from += 1;
    }
    let mut inside = state.clone();
    if arguments.has(&["-i".to_owned(), "--ignore-environment".to_owned()]) {
        inside.unset_all();
    }
    for name in arguments.values(&["-u".to_owned(), "--unset".to_owned()]) {
        inside.unset(&name.code());
    }
    let output = match arguments.values(&split).last() {
        Some(text) => {
            let text = text.map_text(split_words);
            let rest = call.words.get(from..).unwrap_or_default();
            let code = rest.iter().fold(text, |mut code, word| {
                code.append(&Value::text(" "));
                code.append(word);
                code
            });
            analysis.shell_text(&code, call.span, &mut inside, call.stdin)
        }
        None => {
            let inner = Call { environment: &environment, ..call.clone() };
            let spans = call.spans.get(from..).unwrap_or_default();
            analysis.argv(call.words.get(from..).unwrap_or_default(), spans, &inner, &mut inside)
        }
    };
    state.after(inside);
    output
}

/// The text of `env -S` as a shell reads it.
fn split_words(text: &str) -> String {
    let kept = text.split("\\c").next().unwrap_or(text);
    ["\\_", "\\t", "\\n", "\\v", "\\f", "\\r"]
        .iter()
        .fold(kept.to_owned(), |text, blank| text.replace(blank, " "))
}

/// Runs a file: what the script itself has put there, if it has.
pub(super) fn run_file(
    analysis: &mut Analysis<'_>,
    path: &Value,
    language: Option<&str>,
    call: &Call<'_>,
    span: Span,
    state: &mut State,
) {
    if analysis.resident > 0 && path.literal().is_some() && shared(path) {
        analysis.add(Effect::new(Kind::Backdoor, "program", path.to_string(), span));
    }
    if path.literal() == Some("-") {
        return run_content(analysis, &call.stdin.clone(), language, span, state);
    }
    let content = file_content(path, state);
    if content.has(Source::Remote) {
        analysis.add(Effect::new(Kind::RemoteCode, "download", path.to_string(), span));
        return;
    }
    if !content.has(Source::File) {
        let zero = std::mem::replace(&mut state.zero, path.clone());
        run_content(analysis, &content, language, span, state);
        state.zero = zero;
    }
}

fn run_content(
    analysis: &mut Analysis<'_>,
    content: &Value,
    language: Option<&str>,
    span: Span,
    state: &mut State,
) {
    if content.has(Source::Remote) {
        analysis.add(Effect::new(Kind::RemoteCode, "script", content.to_string(), span));
        return;
    }
    if matches!(content.parts(), [] | [Part::Dynamic(Dynamic { source: Source::File, .. })]) {
        return;
    }
    let shebang =
        content.prefix().lines().next().and_then(|l| l.strip_prefix("#!")).map(interpreter::of_shebang);
    match language.map(str::to_owned).or(shebang) {
        Some(language) if language != "sh" => drop(interpreter::script(
            analysis,
            &language,
            content,
            &interpreter::Input::default(),
            span,
            state,
        )),
        _ => drop(analysis.shell_text(content, span, state, &Value::default())),
    }
}

/// What is in a file: what the script has written, or something of the machine. A file below a
/// directory that came over the network came over the network.
pub(super) fn file_content(path: &Value, state: &State) -> Value {
    if let Some(written) = state.written(path) {
        return written.clone();
    }
    if path.literal() == Some("/dev/null") {
        return Value::default();
    }
    if state.is_downloaded(path) {
        return Value::dynamic(Source::Remote, true);
    }
    state.content(path)
}

/// Where the script itself has put a program of that name, if that is where programs are looked for.
pub(super) fn on_path(name: &str, state: &State) -> Option<Value> {
    let places = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
    if state.files.is_empty() {
        return None;
    }
    let mut path = String::new();
    let found = places.iter().any(|place| {
        path.clear();
        path.extend([place, "/", name]);
        state.files.contains(&path)
    });
    found.then(|| Value::text(path))
}

/// Where a copy ends up: inside a directory it keeps its name.
pub(super) fn destination(to: &Value, from: &[(Value, Span)], _state: &State) -> Value {
    match from {
        [(source, _)] if to.suffix().ends_with('/') => {
            let mut whole = to.clone();
            whole.append(&Value::text(source.suffix().rsplit('/').next().unwrap_or("")));
            whole
        }
        _ => to.clone(),
    }
}

/// The names that `ls` and its kind print.
pub(super) fn names(arguments: &Arguments, _state: &State) -> Value {
    let mut out = Value::default();
    let below = |path: &Value| path.has_glob();
    let with_glob: Vec<&Operand> = arguments.operands.iter().filter(|o| below(&o.value)).collect();
    if with_glob.is_empty() {
        out.push(Part::Glob("*".into()));
    }
    for operand in with_glob {
        out.append(&operand.value);
        out.append(&Value::text("\n"));
    }
    out
}

/// The path that `mktemp` prints.
pub(super) fn temporary(arguments: &Arguments) -> Value {
    let names = ["-p".to_owned(), "--tmpdir".to_owned()];
    let directory = arguments.values(&names).last().cloned();
    let template = select(&Selector::At(0), arguments, Span::default()).into_iter().next();
    let mut out = match (directory, template) {
        (Some(directory), _) if !directory.is_empty() => directory,
        (_, Some((template, _))) if template.prefix().starts_with('/') => {
            Value::text(template.prefix().trim_end_matches('X'))
        }
        _ => Value::text("/tmp/tmp."),
    };
    if !out.has_dynamic() && !crate::shell::run::is_there(out.prefix()) {
        // Where the directory is missing, it prints nothing.
        return Value::dynamic(Source::Name, true);
    }
    out.append(&Value::text("/"));
    out.push(Part::Dynamic(Dynamic { source: Source::Name, empty: false }));
    out
}

/// Whether a value names something that came over the network or lies where everybody may write.
pub(super) fn untrusted(value: &Value, state: &State) -> bool {
    shared(value) || file_content(value, state).has(Source::Remote)
}

/// Whether a path lies where everybody may write.
fn shared(path: &Value) -> bool {
    let text = path.prefix();
    let below =
        |place: &&str| text.strip_prefix(*place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    ["/tmp", "/var/tmp", "/dev/shm"].iter().any(below)
}

/// Whether what is unknown in a value has been checked by the script.
pub(super) fn checked(value: &Value) -> bool {
    let fine =
        |p: &Part| matches!(p, Part::Dynamic(u) if matches!(u.source, Source::Checked | Source::Unset));
    value.parts().iter().all(fine)
}
