//! Scripts in other languages, as far as literals go: calls that run something or change files.

use super::analysis::Analysis;
use super::effect::{Effect, Kind};
use super::language::{Action, Language, Syntax};
use super::lexer::{Token, tokens};
use super::options::Arguments;
use super::reader::{Found, Surroundings};
use super::table::Tool;
use super::values::Values;
use super::{calls, disguise, reader, special, words};
use crate::shell::run::{Call, State};
use crate::shell::{Dynamic, Part, Source, Span, Value};

/// What a script is given.
#[derive(Debug, Clone, Default)]
pub(super) struct Input {
    /// The arguments behind it.
    pub(super) operands: Vec<Value>,
    /// Standard input, or the files that it goes through line by line.
    pub(super) stdin: Value,
}

/// The language named in a `#!` line; `sh` for shells.
pub(super) fn of_shebang(line: &str) -> String {
    let name = program_of(line).unwrap_or_else(|| "sh".to_owned());
    match name.as_str() {
        "sh" | "bash" | "dash" | "ash" | "ksh" | "zsh" | "busybox" => "sh".to_owned(),
        other => other.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').to_owned(),
    }
}

/// The program named in a `#!` line.
pub(super) fn program_of(line: &str) -> Option<String> {
    let mut words = line.split_whitespace().map(|w| w.rsplit('/').next().unwrap_or(w));
    let name = words.next()?;
    let name = if name == "env" { words.find(|w| !w.starts_with('-') && !w.contains('='))? } else { name };
    Some(name.to_owned())
}

/// Runs an interpreter: its script is an option's value, its first operand, or standard input.
pub(super) fn run(
    analysis: &mut Analysis<'_>,
    tool: &Tool,
    arguments: &Arguments,
    call: &Call<'_>,
    state: &mut State,
) -> Option<Value> {
    let language = tool.language.clone().unwrap_or_default();
    let operands: Vec<Value> = arguments.operands.iter().map(|o| o.value.clone()).collect();
    let mut inside = state.child();
    for (name, value) in call.environment {
        inside.set(name, value.clone());
    }
    let mut input = Input { operands: operands.clone(), stdin: call.stdin.clone() };
    let given: Vec<&Value> = arguments.values(&tool.scripts).collect();
    let awk = analysis.rules.languages.get(&language).is_some_and(|l| l.syntax.contains(&Syntax::Awk));
    let loops = awk || arguments.has(&["-n".to_owned(), "-p".to_owned()]);
    let first = operands
        .first()
        .filter(|_| awk && given.is_empty() && !arguments.has(&["-f".to_owned(), "--file".to_owned()]));
    if first.is_some() {
        input.operands.remove(0);
    }
    if let Some(path) = input.operands.first().filter(|_| loops) {
        input.stdin = special::file_content(path, state);
    }
    let code = match (first, given.is_empty()) {
        (Some(code), _) => Some(code.clone()),
        (None, false) => Some(lines(&given)),
        (None, true) => None,
    };
    if let Some(code) = code.as_ref().filter(|_| loops && arguments.has(&["-i".to_owned()])) {
        super::sed::substitutions(analysis, &code.code(), &input.operands, call.span, state);
    }
    let output = match (code, operands.first()) {
        (Some(code), _) => script(analysis, &language, &code, &input, call.span, &mut inside),
        (None, _) if awk => {
            for path in arguments.values(&["-f".to_owned(), "--file".to_owned()]) {
                special::run_file(analysis, path, Some(&language), call, call.span, &mut inside);
            }
            Value::dynamic(Source::Output, true)
        }
        (None, _) if let Some(output) = task(analysis, &language, arguments, call, &mut inside) => output,
        (None, _) if let Some(output) = module(analysis, tool, arguments, call, &mut inside) => output,
        (None, Some(file)) => {
            special::run_file(analysis, file, Some(&language), call, call.span, &mut inside);
            Value::dynamic(Source::Output, true)
        }
        (None, None) if call.stdin.is_empty() => Value::dynamic(Source::Output, true),
        (None, None) => script(analysis, &language, call.stdin, &Input::default(), call.span, &mut inside),
    };
    state.after(inside);
    Some(if awk && output.has_dynamic() { super::filter::rewritten(call, state) } else { output })
}

/// Several scripts as one.
fn lines(scripts: &[&Value]) -> Value {
    scripts.iter().fold(Value::default(), |mut whole, script| {
        whole.append(script);
        whole.append(&Value::text("\n"));
        whole
    })
}

/// `php artisan …`, `python3 -m pip …`: a tool of its own, given to an interpreter.
fn task(
    analysis: &mut Analysis<'_>,
    language: &str,
    arguments: &Arguments,
    call: &Call<'_>,
    state: &mut State,
) -> Option<Value> {
    let options = ["-m".to_owned(), "-S".to_owned()];
    let module = arguments.values(&options).last().filter(|_| language != "perl");
    let at = match module {
        Some(name) => call.words.iter().position(|w| w == name || w.suffix() == format!("-m{name}"))?,
        None => arguments.operands.first()?.at,
    };
    let name = module.map_or_else(|| call.words[at].code(), Value::code);
    let tool = analysis.rules.tools.named(name.rsplit('/').next().unwrap_or(&name))?;
    if !tool.task {
        return None;
    }
    let words: Vec<Value> =
        [Value::text(name)].into_iter().chain(call.words[at + 1..].iter().cloned()).collect();
    let spans = call.spans.get(at..).unwrap_or_default();
    Some(analysis.argv(&words, spans, call, state))
}

/// `python3 -m base64 -d`: modules that do something are in the tables as `python-m-base64`.
fn module(
    analysis: &mut Analysis<'_>,
    tool: &Tool,
    arguments: &Arguments,
    call: &Call<'_>,
    state: &mut State,
) -> Option<Value> {
    let language = tool.language.as_deref()?;
    let name = arguments.values(&["-m".to_owned()]).last()?.code();
    let tool = format!("{language}-m-{name}");
    if language != "python" {
        return None;
    }
    if analysis.rules.tools.named(&tool).is_none() {
        return Some(Value::dynamic(Source::Output, true));
    }
    let at =
        call.words.iter().position(|w| w.literal().is_some_and(|t| t.trim_start_matches("-m") == name))?;
    let words: Vec<Value> =
        std::iter::once(Value::text(tool)).chain(call.words[at + 1..].iter().cloned()).collect();
    let spans = vec![call.span; words.len()];
    Some(analysis.argv(&words, &spans, call, state))
}

/// Looks through a script. Returns what it prints.
pub(super) fn script(
    analysis: &mut Analysis<'_>,
    language: &str,
    code: &Value,
    input: &Input,
    span: Span,
    state: &mut State,
) -> Value {
    let unknown = Value::dynamic(Source::Output, true);
    if code.has(Source::Remote) {
        analysis.add(Effect::new(Kind::RemoteCode, "script", code.to_string(), span));
        return unknown;
    }
    match code.parts() {
        [Part::Dynamic(Dynamic { source: Source::File, .. })] => return unknown,
        [Part::Dynamic(_)] => {
            analysis.undetermined("script", code, span);
            return unknown;
        }
        _ => {}
    }
    let rules = analysis.rules;
    let known = rules.languages.get(language);
    let named = |l: &&Language| l.names.iter().any(|n| n == language);
    let Some(table) = known.or_else(|| rules.languages.values().find(named)) else { return unknown };
    let Some(any) = rules.languages.get("any") else { return unknown };
    if analysis.depth > 24 {
        return unknown;
    }
    analysis.depth += 1;
    let tokens = match table.syntax.contains(&Syntax::Words) {
        true => words::tokens(&code.code(), table),
        false => tokens(&code.code(), table),
    };
    let around = Surroundings { operands: &input.operands, stdin: &input.stdin, state };
    let mut found = reader::calls(table, any, &tokens, around);
    super::shapes::shapes(analysis, &tokens, &found, span);
    feed(&mut found);
    for call in &found {
        calls::act(analysis, language, call, span, state);
    }
    analysis.depth -= 1;
    printed(&tokens, &found, input).unwrap_or(unknown)
}

/// What a script prints or writes may go to any program that it starts.
fn feed(found: &mut [Found]) {
    let written_by = |f: &'_ Found| match f.action {
        Action::Print | Action::PrintLine | Action::Write => f.arguments.clone(),
        // `run(["sh"], input="…")`
        Action::Command | Action::Shell | Action::Program => f.arguments.iter().skip(1).cloned().collect(),
        _ => Vec::new(),
    };
    let arguments: Vec<Values> = found.iter().flat_map(written_by).collect();
    let texts = arguments.iter().flat_map(|a| &a.items);
    let mut written = Value::default();
    for text in texts.map(Value::suffix).filter(|text| !text.is_empty()) {
        // In front of it may stand a file handle: `print P "…"`.
        written.append(&Value::text(format!("{text}\n")));
    }
    for call in found.iter_mut().filter(|f| f.stdin.is_empty()) {
        call.stdin.clone_from(&written);
    }
}

/// What a script prints that does so once, from top to bottom.
fn printed(tokens: &[Token], found: &[Found], input: &Input) -> Option<Value> {
    let branches = |t: &Token| matches!(t, Token::Name(n) if reader::KEYWORDS.contains(&n.as_str()) && n != "BEGIN" && n != "in");
    let once = input.stdin.literal().is_none_or(|t| t.lines().count() < 2);
    if !once || tokens.iter().any(branches) {
        return None;
    }
    let mut out = Value::default();
    let prints = |f: &&Found| matches!(f.action, Action::Print | Action::PrintLine | Action::Format);
    for call in found.iter().filter(prints) {
        let formatted = (call.action == Action::Format).then(|| disguise::printed(&call.arguments));
        let arguments = formatted.as_ref().map_or(call.arguments.as_slice(), std::slice::from_ref);
        let values: Vec<&Value> = arguments.iter().flat_map(|a| &a.items).collect();
        for (at, value) in values.iter().enumerate() {
            if at > 0 && call.action == Action::PrintLine {
                out.append(&Value::text(" "));
            }
            out.append(value);
        }
        if call.action == Action::PrintLine {
            out.append(&Value::text("\n"));
        }
    }
    (!out.is_empty()).then_some(out)
}
