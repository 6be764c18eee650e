//! Scripts in other languages, as far as literals go: calls that run something or change files.
//!
//! No language is parsed for real. A script is cut into names, strings and signs; calls from
//! `policies/languages.toml` are looked at, and an argument that cannot be read is unknown.

use super::analysis::Analysis;
use super::effect::{Effect, Kind};
use super::lexer::{Token, tokens};
use super::options::Arguments;
use super::reader::{Reader, Values};
use super::table::Tool;
use super::{options, special};
use crate::shell::run::{Call, State};
use crate::shell::{Dynamic, Part, Source, Span, Value};
use serde::Deserialize;
use std::collections::BTreeMap;

/// One language of `policies/languages.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Language {
    /// Programs that run it.
    pub(super) names: Vec<String>,
    /// What starts a comment.
    pub(super) comments: Vec<String>,
    /// Names of the list of arguments.
    pub(super) arguments: Vec<String>,
    /// Characters that start an expansion inside double quotes.
    #[serde(default)]
    pub(super) interpolates: String,
    /// What calls do.
    pub(super) calls: BTreeMap<String, Action>,
}

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Action {
    /// Runs its first argument in a shell.
    Shell,
    /// Runs its first argument: a vector, or text for a shell.
    Command,
    /// Runs its arguments as a vector; a single one in a shell.
    Words,
    /// Runs its first argument as a program.
    Program,
    /// Runs its first argument as code.
    Eval,
    /// Removes files.
    Delete,
    /// Removes directories with all that is in them.
    DeleteTree,
    /// Replaces a file's content.
    Write,
    /// Opens a file.
    Open,
    /// Moves a file.
    Rename,
    /// Changes permissions: path, mode.
    Mode,
    /// Changes permissions: mode, path.
    ModeFirst,
    /// Fetches something.
    Remote,
    /// Cannot be known.
    Unclear,
}

/// The language named in a `#!` line; `sh` for shells.
pub(super) fn of_shebang(line: &str) -> String {
    let mut words = line.split_whitespace().map(|w| w.rsplit('/').next().unwrap_or(w));
    let mut name = words.next().unwrap_or("sh");
    if name == "env" {
        name = words.find(|w| !w.starts_with('-') && !w.contains('=')).unwrap_or("sh");
    }
    match name {
        "sh" | "bash" | "dash" | "ash" | "ksh" | "zsh" | "busybox" => "sh".to_owned(),
        other => other.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').to_owned(),
    }
}

/// Runs an interpreter: its script is an option's value, its first operand's content, or standard input.
pub(super) fn run(
    analysis: &mut Analysis<'_>,
    tool: &Tool,
    arguments: &Arguments,
    call: &Call<'_>,
    state: &mut State,
) -> Option<Value> {
    let language = tool.language.clone().unwrap_or_default();
    let scripts: Vec<String> = tool
        .values
        .iter()
        .filter(|v| matches!(v.as_str(), "-c" | "-e" | "-E" | "-r" | "--eval" | "-p" | "--print"))
        .cloned()
        .collect();
    let operands: Vec<Value> = arguments.operands.iter().map(|o| o.value.clone()).collect();
    let mut ran = false;
    for code in arguments.values(&scripts) {
        ran = true;
        script(analysis, &language, code, &operands, call.span, state);
    }
    if ran {
        return Some(Value::dynamic(Source::Output, true));
    }
    if language == "awk" {
        let from_file = arguments.has(&["-f".to_owned(), "--file".to_owned()]);
        if let Some(code) = operands.first().filter(|_| !from_file) {
            script(analysis, &language, code, operands.get(1..).unwrap_or_default(), call.span, state);
        }
        return Some(super::filter::rewritten(call, state));
    }
    if let Some(output) = task(analysis, &language, arguments, call, state) {
        return Some(output);
    }
    if let Some(decoded) = module(&language, arguments, call, state) {
        return Some(decoded);
    }
    match arguments.operands.first() {
        Some(file) => special::run_file(analysis, &file.value, Some(&language), call, file.span, state),
        None if !call.stdin.is_empty() => {
            script(analysis, &language, call.stdin, &[], call.span, state);
        }
        None => {}
    }
    Some(Value::dynamic(Source::Output, true))
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

/// `python3 -m base64 -d`
fn module(language: &str, arguments: &Arguments, call: &Call<'_>, state: &State) -> Option<Value> {
    if language != "python" {
        return None;
    }
    let name = arguments.values(&["-m".to_owned()]).last()?.code();
    let at = call.words.iter().position(|w| w.literal() == Some(&name))?;
    match name.as_str() {
        "base64" => {
            let words: Vec<Value> =
                [Value::text("base64")].into_iter().chain(call.words[at + 1..].iter().cloned()).collect();
            Some(super::filter::apply(&Call { words: &words, ..call.clone() }, state))
        }
        _ => Some(Value::dynamic(Source::Output, true)),
    }
}

/// Looks through a script.
pub(super) fn script(
    analysis: &mut Analysis<'_>,
    language: &str,
    code: &Value,
    operands: &[Value],
    span: Span,
    state: &mut State,
) {
    if code.has(Source::Remote) {
        analysis.add(Effect::new(Kind::RemoteCode, "script", code.to_string(), span));
        return;
    }
    if matches!(code.parts(), [Part::Dynamic(Dynamic { source: Source::File, .. })]) {
        return;
    }
    if matches!(code.parts(), [Part::Dynamic(_)]) {
        analysis.undetermined("script", code, span);
        return;
    }
    let rules = analysis.rules;
    let Some(table) = rules
        .languages
        .get(language)
        .or_else(|| rules.languages.values().find(|l| l.names.iter().any(|n| n == language)))
    else {
        return;
    };
    if analysis.depth > 24 {
        return;
    }
    analysis.depth += 1;
    let tokens = tokens(&code.code(), table);
    shapes(analysis, &tokens, span);
    let mut reader = Reader::new(table, &tokens, operands);
    while let Some(found) = reader.next_call() {
        act(analysis, language, found.0, &found.1, span, state);
    }
    analysis.depth -= 1;
}

/// What shows in the whole of a script and in no single call.
fn shapes(analysis: &mut Analysis<'_>, tokens: &[Token], span: Span) {
    let name = |wanted: &[&str]| {
        tokens.iter().any(|t| matches!(t, Token::Name(n) if n.split('.').any(|p| wanted.contains(&p))))
    };
    let text = |wanted: &[&str]| {
        tokens
            .iter()
            .any(|t| matches!(t, Token::Text { text, .. } if wanted.iter().any(|w| text.contains(w))))
    };
    let shell =
        text(&["/bin/sh", "/bin/bash", "sh -i", "/bin/dash", "/bin/zsh", "cmd.exe"]) || name(&["dup2"]);
    let socket = name(&["socket", "Socket", "TCPSocket", "fsockopen", "net", "tcp", "inet", "connect"]);
    let device = text(&["/inet/tcp/", "/dev/tcp/"]);
    if (shell && (socket || device)) || (text(&["/inet/tcp/"]) && name(&["getline"])) {
        analysis.add(Effect::new(Kind::ReverseShell, "script", "a shell on a network connection", span));
    }
    if name(&["fork"]) && name(&["while", "loop", "for", "until"]) {
        analysis.add(Effect::new(Kind::Exhaustion, "processes", "processes without end", span));
    }
}

fn act(
    analysis: &mut Analysis<'_>,
    language: &str,
    action: Action,
    arguments: &[Values],
    span: Span,
    state: &mut State,
) {
    let first = arguments.first().and_then(|v| v.0.first()).cloned().unwrap_or_default();
    let all: Vec<Value> = arguments.iter().flat_map(|v| v.0.iter().cloned()).collect();
    let path = |analysis: &mut Analysis<'_>, kind: Kind, recursive: bool, path: &Value, state: &State| {
        let mut effect = Effect::new(kind, "", "", span);
        effect.recursive = recursive;
        effect.forced = true;
        analysis.add_path(effect, path, state);
    };
    match action {
        Action::Shell => command(analysis, std::slice::from_ref(&first), span, state),
        Action::Command => command(analysis, arguments.first().map_or(&[], |v| v.0.as_slice()), span, state),
        Action::Words => command(analysis, &all, span, state),
        Action::Program => {
            // `execlp("rm", "rm", "-rf", "/")` names the program twice.
            let skip = usize::from(
                all.len() > 1 && all[1].suffix().rsplit('/').next() == first.suffix().rsplit('/').next(),
            );
            vector(analysis, &all[skip.min(all.len())..], span, state);
        }
        Action::Eval => {
            if first.is_empty() && language == "perl" {
                return;
            }
            script(analysis, language, &first, &[], span, state);
        }
        Action::Delete => all.iter().for_each(|p| path(analysis, Kind::Delete, false, p, state)),
        Action::DeleteTree => all.iter().for_each(|p| path(analysis, Kind::Delete, true, p, state)),
        Action::Write => {
            path(analysis, Kind::Overwrite, false, &first, state);
            let content = arguments.get(1).and_then(|v| v.0.first()).cloned().unwrap_or_default();
            super::content::written(analysis, &first, &content, span, state);
            state.write(&first, content, false);
        }
        Action::Open => open(analysis, &all, span, state),
        Action::Rename => path(analysis, Kind::Move, true, &first, state),
        Action::Mode | Action::ModeFirst => {
            for target in &all {
                path(analysis, Kind::Mode, true, target, state);
            }
        }
        Action::Remote => {}
        Action::Unclear => analysis.undetermined("call", &Value::dynamic(Source::Output, true), span),
    }
}

fn open(analysis: &mut Analysis<'_>, all: &[Value], span: Span, state: &mut State) {
    let texts: Vec<String> = all.iter().map(Value::code).collect();
    for text in &texts {
        if let Some(piped) =
            text.strip_prefix('|').or_else(|| text.strip_suffix('|')).filter(|t| !t.trim().is_empty())
        {
            analysis.shell_text(&Value::text(piped), span, state, &Value::default());
        }
    }
    let writes = texts.iter().any(|t| t.len() <= 4 && (t.contains(['w', 'a', '+']) || t.starts_with('>')));
    for value in all {
        let text = value.prefix();
        let bare = text.trim_start_matches(['>', '+', ' ']);
        let path = options::behind(value, text.len() - bare.len());
        if bare.starts_with('/') && (writes || bare.len() < text.len()) {
            let mut effect = Effect::new(Kind::Overwrite, "", "", span);
            effect.forced = true;
            analysis.add_path(effect, &path, state);
            super::content::written(analysis, &path, &Value::dynamic(Source::Output, true), span, state);
        }
    }
}

fn command(analysis: &mut Analysis<'_>, words: &[Value], span: Span, state: &mut State) {
    match words {
        [] => {}
        [one] if matches!(one.parts(), [Part::Dynamic(_)]) => analysis.undetermined("call", one, span),
        [one] => drop(analysis.shell_text(one, span, state, &Value::default())),
        many => vector(analysis, many, span, state),
    }
}

fn vector(analysis: &mut Analysis<'_>, words: &[Value], span: Span, state: &mut State) {
    let spans = vec![span; words.len()];
    let stdin = Value::default();
    let call = Call { words, spans: &spans, stdin: &stdin, environment: &[], span, socket: false };
    analysis.argv(words, &spans, &call, state);
}
