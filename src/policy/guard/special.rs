//! Tools that run others in ways that a table cannot say, and what files they leave behind.

use super::analysis::{Analysis, select};
use super::effect::{Effect, Kind};
use super::options::{Arguments, Operand};
use super::table::Selector;
use super::{checks, interpreter};
use crate::shell::run::{Call, State};
use crate::shell::{Part, Source, Span, Unknown, Value};

/// Items that `xargs` is given one by one, at most.
const MAX_ITEMS: usize = 64;

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
            child.set(name, value.clone());
        }
        child.errexit_from(given("-e"), given("-u"));
        if let Some(zero) = operands.get(1) {
            child.zero = zero.value.clone();
        }
        child.positional = operands.iter().skip(2).map(|o| o.value.clone()).collect();
        let output = analysis.code(&code.value, code.span, &mut child, call.stdin);
        state.files = child.files;
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
            Value::unknown(Source::Output, true)
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
    if matches!(call.stdin.parts(), [Part::Unknown(Unknown { source: Source::File, .. })]) {
        return Value::unknown(Source::Output, true);
    }
    let mut child = state.child();
    child.positional = operands.iter().map(|o| o.value.clone()).collect();
    let output = analysis.code(call.stdin, call.span, &mut child, &Value::default());
    state.files = child.files;
    output
}

/// `xargs`: the operands come from standard input.
pub(super) fn xargs(
    analysis: &mut Analysis<'_>,
    arguments: &Arguments,
    call: &Call<'_>,
    state: &mut State,
) -> Value {
    let Some(from) = arguments.operands.first().map(|o| o.at) else { return call.stdin.clone() };
    let words = &call.words[from..];
    if let Some(output) = checks::parallel(analysis, words, call, state) {
        return output;
    }
    let option = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        arguments.values(&names).last().map(|v| v.code())
    };
    let input = match option(&["-a", "--arg-file"]) {
        Some(path) => file_content(&Value::text(path), state),
        None => call.stdin.clone(),
    };
    let replace = option(&["-I", "-i", "--replace"]).map(|r| if r.is_empty() { "{}".to_owned() } else { r });
    let nul = arguments.has(&["-0".to_owned(), "--null".to_owned()]);
    let delimiter =
        option(&["-d", "--delimiter"]).map(|d| crate::shell::decode(&d, crate::shell::Flavour::Printf));
    let items = items(&input, nul, delimiter.as_deref(), replace.is_some());
    let mut run = |words: Vec<Value>, state: &mut State| {
        let spans = vec![call.span; words.len()];
        let stdin = Value::default();
        let inner = Call { stdin: &stdin, ..call.clone() };
        analysis.argv(&words, &spans, &inner, state)
    };
    match replace {
        None => run([words, &items].concat(), state),
        Some(mark) => {
            let mut output = Value::default();
            for item in items.iter().take(MAX_ITEMS) {
                output.append(&run(words.iter().map(|w| replaced(w, &mark, item)).collect(), state));
            }
            output
        }
    }
}

fn items(input: &Value, nul: bool, delimiter: Option<&str>, lines: bool) -> Vec<Value> {
    let Some(text) = input.literal() else {
        return input.lines().into_iter().filter(|l| !l.is_empty()).collect();
    };
    let parts: Vec<&str> = match delimiter {
        _ if nul => text.split('\0').collect(),
        Some(d) if !d.is_empty() => text.split(d).collect(),
        _ if lines => text.lines().map(str::trim).collect(),
        _ => text.split_whitespace().collect(),
    };
    parts.into_iter().filter(|p| !p.is_empty()).map(|p| Value::text(p.trim_matches(['"', '\'']))).collect()
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
            out.push(Part::Text(piece.to_owned()));
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
    let directory = ["-C".to_owned(), "--chdir".to_owned()];
    let outer = state.cwd.clone();
    if let Some(path) = arguments.values(&directory).last() {
        state.cwd = state.absolute(path);
    }
    let mut environment = Vec::new();
    let mut from = arguments.operands.first().map_or(call.words.len(), |o| o.at);
    while let Some((name, value)) = call.words.get(from).and_then(crate::shell::run::assignment) {
        environment.push((name, value));
        from += 1;
    }
    let output = match arguments.values(&split).last() {
        Some(text) => {
            let rest = call.words.get(from..).unwrap_or_default();
            let code = rest.iter().fold(text.clone(), |mut code, word| {
                code.append(&Value::text(" "));
                code.append(word);
                code
            });
            analysis.shell_text(&code, call.span, state, call.stdin)
        }
        None => {
            let inner = Call { environment: &environment, ..call.clone() };
            let spans = call.spans.get(from..).unwrap_or_default();
            analysis.argv(call.words.get(from..).unwrap_or_default(), spans, &inner, state)
        }
    };
    state.cwd = outer;
    output
}

/// `docker run`, `chroot`, `nsenter`: another view of the files.
pub(super) fn container(
    analysis: &mut Analysis<'_>,
    arguments: &Arguments,
    call: &Call<'_>,
    state: &mut State,
) -> Value {
    let name = call.words[0].suffix().rsplit('/').next().unwrap_or("").to_owned();
    let operands = &arguments.operands;
    let word = |n: usize| operands.get(n).and_then(|o| o.value.literal()).unwrap_or("");
    let (from, view) = match name.as_str() {
        "nsenter" => (0, None),
        "chroot" => (1, Some(chroot_view(analysis, word(0)))),
        _ => {
            let first = usize::from(matches!(word(0), "container"));
            match word(first) {
                "run" | "create" => (first + 2, Some(volumes(arguments))),
                "exec" => {
                    analysis.tail(call, state);
                    return Value::unknown(Source::Output, true);
                }
                "compose" => {
                    analysis.tail(call, state);
                    return Value::unknown(Source::Output, true);
                }
                _ => return Value::unknown(Source::Output, true),
            }
        }
    };
    let outer = std::mem::replace(&mut analysis.container, view);
    let mut output = Value::unknown(Source::Output, true);
    if let Some(operand) = operands.get(from) {
        let spans = call.spans.get(operand.at..).unwrap_or_default();
        let entry = arguments.values(&["--entrypoint".to_owned()]).last().cloned();
        let mut words = call.words[operand.at..].to_vec();
        let mut spans = spans.to_vec();
        if let Some(entry) = entry {
            words.insert(0, entry);
            spans.insert(0, call.span);
        }
        output = analysis.argv(&words, &spans, call, state);
    }
    analysis.container = outer;
    output
}

fn chroot_view(analysis: &Analysis<'_>, root: &str) -> Vec<(String, String)> {
    let host = match &analysis.container {
        None => Some(root.to_owned()),
        Some(volumes) => volumes.iter().find_map(|(host, inside)| {
            root.strip_prefix(inside.trim_end_matches('/')).map(|rest| format!("{host}/{rest}"))
        }),
    };
    host.map(|host| (host, "/".to_owned())).into_iter().collect()
}

/// What of the host a container sees: host path and path inside.
fn volumes(arguments: &Arguments) -> Vec<(String, String)> {
    let names = ["-v".to_owned(), "--volume".to_owned()];
    let mut volumes: Vec<(String, String)> = arguments
        .values(&names)
        .filter_map(|v| {
            let text = v.code();
            let mut parts = text.split(':');
            let (host, inside, mode) = (parts.next()?, parts.next()?, parts.next());
            let writable = mode != Some("ro");
            (host.starts_with('/') && writable).then(|| (host.to_owned(), inside.to_owned()))
        })
        .collect();
    for mount in arguments.values(&["--mount".to_owned()]) {
        let text = mount.code();
        let field = |names: &[&str]| {
            let mut fields = text.split(',').filter_map(|f| f.split_once('='));
            fields.find(|(name, _)| names.contains(name)).map(|(_, value)| value.to_owned())
        };
        let inside = field(&["target", "dst", "destination"]);
        if let (Some(host), Some(inside), false) =
            (field(&["source", "src"]), inside, text.contains("readonly"))
        {
            volumes.push((host, inside));
        }
    }
    volumes
}

/// `chmod`: which bits, and on what.
pub(super) fn chmod(analysis: &mut Analysis<'_>, arguments: &Arguments, state: &State) {
    let minus: String = arguments
        .options
        .iter()
        .filter(|(name, _)| name.len() == 2 && "rwxXst".contains(&name[1..]))
        .map(|(name, _)| &name[1..])
        .collect();
    let reference = arguments.has(&["--reference".to_owned()]);
    let named = minus.is_empty() && !reference;
    let mode = match arguments.operands.first() {
        Some(operand) if named => operand.value.code(),
        _ => format!("-{minus}"),
    };
    let recursive = arguments.has(&["-R".to_owned(), "--recursive".to_owned()]);
    for operand in arguments.operands.iter().skip(usize::from(named)) {
        let span = operand.span;
        let mut effect = Effect::new(Kind::Mode, "", "", span);
        effect.recursive = recursive;
        effect.forced = opens_or_closes(&mode);
        if recursive || effect.forced {
            analysis.add_path(effect, &operand.value, state);
        }
        if sets_user_id(&mode) {
            analysis.add(Effect::new(Kind::Setuid, "mode", operand.value.to_string(), span));
        }
    }
}

/// Whether a mode gives a file's user ID to whoever runs it.
pub(in crate::policy) fn sets_user_id(mode: &str) -> bool {
    match mode.trim_start_matches('0').parse::<u32>() {
        Ok(_) if mode.chars().all(|c| c.is_digit(8)) => {
            u32::from_str_radix(mode, 8).is_ok_and(|bits| bits & 0o4000 != 0)
        }
        _ => mode.split(',').any(|clause| {
            let who = clause.split(['+', '=', '-']).next().unwrap_or("");
            let sets = clause.split_once(['+', '=']).is_some_and(|(_, bits)| bits.contains('s'));
            sets && (who.contains('u') || who.contains('a') || who.is_empty())
        }),
    }
}

/// Whether a mode lets everybody write, or nobody in.
fn opens_or_closes(mode: &str) -> bool {
    if mode.chars().all(|c| c.is_digit(8)) && !mode.is_empty() {
        let bits = u32::from_str_radix(mode, 8).unwrap_or(0);
        return (bits & 0o002 != 0 && bits & 0o1000 == 0)
            || bits & 0o500 == 0
            || bits & 0o111 == 0 && bits & 0o444 == 0;
    }
    mode.split(',').any(|clause| {
        let at = clause.find(['+', '=', '-']).unwrap_or(0);
        let (who, change) = clause.split_at(at);
        let everybody = who.is_empty() || who.contains(['a', 'o']);
        let adds = change.starts_with(['+', '=']) && change.contains('w');
        let owner = who.is_empty() || who.contains(['a', 'u']);
        let removes = change.starts_with('-') && change.contains(['r', 'x', 'w']) && change != "-w";
        (everybody && adds && !change.contains('t')) || (owner && removes) || (owner && change == "=")
    })
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
    if path.literal() == Some("-") {
        return run_content(analysis, &call.stdin.clone(), language, span, state);
    }
    let content = file_content(path, state);
    if content.has(Source::Remote) {
        analysis.add(Effect::new(Kind::RemoteCode, "download", path.to_string(), span));
        return;
    }
    if state.written(path).is_some() {
        run_content(analysis, &content, language, span, state);
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
    if matches!(content.parts(), [] | [Part::Unknown(Unknown { source: Source::File, .. })]) {
        return;
    }
    let shebang =
        content.prefix().lines().next().and_then(|l| l.strip_prefix("#!")).map(interpreter::of_shebang);
    match language.map(str::to_owned).or(shebang) {
        Some(language) if language != "sh" => {
            interpreter::script(analysis, &language, content, &[], span, state)
        }
        _ => drop(analysis.shell_text(content, span, state, &Value::default())),
    }
}

/// What is in a file: what the script has written, or something of the machine. A file below a
/// directory that came over the network came over the network.
pub(super) fn file_content(path: &Value, state: &State) -> Value {
    if let Some(written) = state.written(path) {
        return written.clone();
    }
    for whole in state.absolute(&path.settled()) {
        let text = crate::shell::run::normal(whole.prefix());
        let below = |(known, content): (&String, &Value)| {
            content.has(Source::Remote)
                && text.strip_prefix(known.as_str()).is_some_and(|r| r.starts_with('/'))
        };
        if state.files.iter().any(below) {
            return Value::unknown(Source::Remote, true);
        }
    }
    Value::unknown(Source::File, true)
}

/// What was downloaded so far has been checked.
pub(super) fn verified(state: &mut State) {
    for content in state.files.values_mut().filter(|c| c.has(Source::Remote)) {
        *content = Value::unknown(Source::File, true);
    }
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
    out.append(&Value::text("/"));
    out.push(Part::Unknown(Unknown { source: Source::Name, empty: false }));
    out
}

/// Whether a value names something that came over the network or lies where everybody may write.
pub(super) fn untrusted(value: &Value, state: &State) -> bool {
    let text = value.prefix();
    ["/tmp/", "/var/tmp/", "/dev/shm/"].iter().any(|d| text.starts_with(d))
        || file_content(value, state).has(Source::Remote)
}

/// Whether an option of a program that nobody knows is likely to hold a command.
pub(super) fn runs_its_value(option: &str) -> bool {
    matches!(
        option,
        "-c" | "-e"
            | "-x"
            | "-exec"
            | "--command"
            | "--exec"
            | "--execute"
            | "--eval"
            | "--run"
            | "--cmd"
            | "--shell"
            | "-cmd"
            | "-command"
    )
}

/// Whether what is unknown in a value has been checked by the script.
pub(super) fn checked(value: &Value) -> bool {
    let fine =
        |p: &Part| matches!(p, Part::Unknown(u) if matches!(u.source, Source::Checked | Source::Unset));
    value.parts().iter().all(fine)
}
