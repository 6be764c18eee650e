//! Calls in scripts of other languages → effects.

use super::analysis::Analysis;
use super::effect::{Effect, Kind};
use super::language::Action;
use super::reader::Found;
use super::values::Values;
use super::{interpreter, numbers, options, special};
use crate::shell::run::{Call, State};
use crate::shell::{Part, Source, Span, Value};

/// Whether a call of `kill` ends the first process. Perl and Ruby name the signal first, others last or not at all.
fn kills_first_process(language: &str, arguments: &[Value]) -> bool {
    let (signal, processes) = match (language, arguments) {
        ("perl" | "ruby", [signal, processes @ ..]) => (Some(signal), processes),
        (_, [process, rest @ ..]) => (rest.first(), std::slice::from_ref(process)),
        (_, []) => return false,
    };
    let harmless = |v: &Value| {
        let name = v.prefix();
        matches!(
            name.trim_start_matches("SIG"),
            "0" | "1" | "10" | "12" | "18" | "HUP" | "USR1" | "USR2" | "CONT"
        )
    };
    processes.iter().any(|v| v.literal() == Some("1")) && !signal.is_some_and(harmless)
}

/// Does what a call in a script in `language` does.
pub(super) fn act(analysis: &mut Analysis<'_>, language: &str, found: &Found, span: Span, state: &mut State) {
    let arguments = found.arguments.as_slice();
    let first = arguments.first().cloned().unwrap_or_default();
    let all: Vec<Value> = arguments.iter().flat_map(|v| v.items.iter().cloned()).collect();
    match found.action {
        Action::Command if first.list && first.items.len() == 1 => {
            vector(analysis, &first.items, &found.stdin, span, state);
        }
        Action::Command if first.list => command(analysis, &first.items, &found.stdin, span, state),
        Action::Shell | Action::Command => {
            for text in &first.items {
                command(analysis, std::slice::from_ref(text), &found.stdin, span, state);
            }
        }
        Action::Words => command(analysis, &all, &found.stdin, span, state),
        Action::Program => {
            // `execlp("rm", "rm", "-rf", "/")` names the program twice.
            let name = |v: &Value| v.suffix().rsplit('/').next().unwrap_or("").to_owned();
            let skip = usize::from(all.len() > 1 && name(&all[1]) == name(&all[0]));
            vector(analysis, &all[skip.min(all.len())..], &found.stdin, span, state);
        }
        Action::Perhaps => perhaps(analysis, &all, &found.stdin, span, state),
        Action::Eval => {
            for code in first.items.iter().filter(|c| !c.is_empty()) {
                interpreter::script(analysis, language, code, &interpreter::Input::default(), span, state);
            }
        }
        Action::File => file(analysis, language, &first, span, state),
        Action::Power => analysis.add(Effect::new(Kind::Power, "now", "script", span)),
        Action::Kill if all.iter().any(|v| v.literal() == Some("-1")) => {
            analysis.add(Effect::new(Kind::Kill, "all", "every process", span));
        }
        Action::Kill if kills_first_process(language, &all) => {
            analysis.add(Effect::new(Kind::Kill, "all", "process 1", span));
        }
        Action::Memory if numbers::is_too_much(arguments) => {
            analysis.add(Effect::new(Kind::Exhaustion, "memory", "script", span));
        }
        Action::Unclear => analysis.undetermined("call", &Value::dynamic(Source::Output, true), span),
        Action::Download => {
            for path in arguments.get(1).iter().flat_map(|path| &path.items).filter(|p| names_path(p)) {
                let content = Value::dynamic(Source::Remote, true);
                analysis.add_path(Effect::new(Kind::Overwrite, "", "", span), path, state);
                super::content::written(analysis, path, &content, span, state);
                state.write(path, content, false);
            }
        }
        Action::Kill
        | Action::Memory
        | Action::Remote
        | Action::Dispatch
        | Action::Value
        | Action::Print
        | Action::PrintLine
        | Action::Format => {}
        Action::Open => open(analysis, &all, &found.stdin, span, state),
        Action::Delete
        | Action::DeleteTree
        | Action::Write
        | Action::Rename
        | Action::Mode
        | Action::ModeFirst
        | Action::Owner => on_files(analysis, found, &all, span, state),
    }
}

fn on_files(analysis: &mut Analysis<'_>, found: &Found, all: &[Value], span: Span, state: &mut State) {
    let first = found.arguments.first().cloned().unwrap_or_default();
    let (kind, recursive, paths) = match found.action {
        Action::DeleteTree => (Kind::Delete, true, all),
        Action::Rename => (Kind::Move, true, first.items.as_slice()),
        Action::Mode | Action::ModeFirst => (Kind::Mode, true, all),
        Action::Owner => (Kind::Owner, true, all),
        Action::Write => (Kind::Overwrite, false, first.items.as_slice()),
        _ => (Kind::Delete, false, all),
    };
    // An object that nothing is known of, and that is written to, is seldom a path.
    let object = |p: &Value| matches!(p.parts(), [Part::Dynamic(d)] if d.source == Source::Output);
    let writes = found.action == Action::Write;
    for path in paths.iter().filter(|p| names_path(p) && !(writes && object(p))) {
        let mut effect = Effect::new(kind, "", "", span);
        // A pattern stands for all that a loop goes through.
        effect.recursive = recursive || path.has_glob();
        effect.forced = true;
        analysis.add_path(effect.clone(), path, state);
        if writes {
            effect.kind = Kind::Format;
            analysis.add_path(effect, path, state);
            let content = found.arguments.get(1).and_then(|v| v.items.first()).cloned().unwrap_or_default();
            super::content::written(analysis, path, &content, span, state);
            state.write(path, content, false);
        }
    }
}

/// Whether a value is the name of a file and no mode, number or other argument.
fn names_path(value: &Value) -> bool {
    match value.parts().first() {
        Some(Part::Text(text)) => text.parse::<f64>().is_err(),
        Some(Part::Glob(_) | Part::Dynamic(_)) => true,
        None => false,
    }
}

/// Runs a file of the same language.
fn file(analysis: &mut Analysis<'_>, language: &str, path: &Values, span: Span, state: &mut State) {
    for path in path.items.iter().filter(|p| p.literal().is_some()) {
        if special::untrusted(path, state) && state.written(path).is_none() {
            analysis.undetermined("script", path, span);
        }
        let (stdin, spans) = (Value::default(), [span]);
        let words = std::slice::from_ref(path);
        let call = Call { words, spans: &spans, stdin: &stdin, environment: &[], span, socket: false };
        special::run_file(analysis, path, Some(language), &call, span, state);
    }
}

/// What would happen if a call ran its arguments; that these are no command proves nothing.
fn perhaps(analysis: &mut Analysis<'_>, words: &[Value], stdin: &Value, span: Span, state: &mut State) {
    let before = analysis.effects.len();
    let text = |w: &Value| w.literal().map(str::trim).filter(|t| !t.is_empty()).map(Value::text);
    let known: Vec<Value> = words.iter().filter_map(text).collect();
    if known.len() == words.len() {
        command(analysis, &known, stdin, span, state);
    } else {
        if known.len() > 1 {
            vector(analysis, &known, stdin, span, state);
        }
        for text in &known {
            command(analysis, std::slice::from_ref(text), stdin, span, state);
        }
    }
    let found = analysis.effects.split_off(before);
    let doubtful = |e: &Effect| matches!(e.kind, Kind::Unparsed | Kind::Undetermined | Kind::Limit);
    found.into_iter().filter(|e| !doubtful(e)).for_each(|effect| analysis.add(effect));
}

/// Opens a file, or a program that is written to: Perl's `open(P, "|sh")` and `open(my $p, "|-", "sh")`.
fn open(analysis: &mut Analysis<'_>, all: &[Value], stdin: &Value, span: Span, state: &mut State) {
    let texts: Vec<String> = all.iter().map(Value::code).collect();
    if let Some(at) = texts.iter().position(|t| t == "|-" || t == "-|") {
        command(analysis, &all[at + 1..], stdin, span, state);
    }
    for text in &texts {
        if let Some(piped) =
            text.strip_prefix('|').or_else(|| text.strip_suffix('|')).filter(|t| !t.trim().is_empty())
        {
            analysis.shell_text(&Value::text(piped), span, state, stdin);
        }
    }
    let writes = texts.iter().any(|t| t.len() <= 4 && (t.contains(['w', 'a', '+']) || t.starts_with('>')));
    for value in all {
        let text = value.prefix();
        let bare = text.trim_start_matches(['>', '+', ' ']);
        let path = options::behind(value, text.len() - bare.len());
        if bare.starts_with('/') && (writes || bare.len() < text.len()) {
            let mut effect = Effect::new(Kind::Overwrite, "", "", span);
            effect.recursive = path.has_glob();
            effect.forced = true;
            analysis.add_path(effect.clone(), &path, state);
            effect.kind = Kind::Format;
            analysis.add_path(effect, &path, state);
            super::content::written(analysis, &path, &Value::dynamic(Source::Output, true), span, state);
        }
    }
}

fn command(analysis: &mut Analysis<'_>, words: &[Value], stdin: &Value, span: Span, state: &mut State) {
    match words {
        [] => {}
        [one] if matches!(one.parts(), [Part::Dynamic(_)]) => analysis.undetermined("call", one, span),
        [one] => drop(analysis.shell_text(one, span, state, stdin)),
        many => vector(analysis, many, stdin, span, state),
    }
}

fn vector(analysis: &mut Analysis<'_>, words: &[Value], stdin: &Value, span: Span, state: &mut State) {
    let spans = vec![span; words.len()];
    let call = Call { words, spans: &spans, stdin, environment: &[], span, socket: false };
    analysis.argv(words, &spans, &call, state);
}
