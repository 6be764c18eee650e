//! Rows of the tool tables held against the arguments of a call: when they apply, and to what.

use super::analysis::Analysis;
use super::checks;
use super::effect::Effect;
use super::options::{self, Arguments, Operand};
use super::rules::Rules;
use super::selector::{Condition, Selector};
use super::table::{Left, Lists, Prints, Tool};
use super::{filter, special};
use crate::shell::run::{Call, State, matches};
use crate::shell::{Part, Source, Span, Value};
use std::borrow::Cow;

impl Analysis<'_> {
    /// Adds what the rows of a tool's table say that a call does.
    pub(super) fn effects(&mut self, tool: &Tool, arguments: &Arguments, call: &Call<'_>, state: &State) {
        for row in tool.effects.iter().filter(|e| holds(&e.when, arguments)) {
            let mut effect = Effect::new(row.kind, "", "", call.span);
            effect.recursive = row.recursive.iter().any(|o| o == "*") || arguments.has(&row.recursive);
            effect.forced = row.forced.iter().any(|o| o == "*") || arguments.has(&row.forced);
            match (&row.paths, &row.class) {
                (Some(selector), None) => {
                    for (path, span) in select(selector, arguments, call.span) {
                        let path = if tool.remote { there(&path) } else { path };
                        effect.span = span;
                        self.add_path(effect.clone(), &path, state);
                    }
                }
                (Some(selector), Some(class)) if class == "packages" => {
                    for (name, span) in select(selector, arguments, call.span) {
                        checks::removes_package(self, &name.code(), span);
                    }
                }
                (paths, class) => {
                    let class = class.clone().unwrap_or_default();
                    let targets = paths.as_ref().map(|s| select(s, arguments, call.span));
                    if targets.as_ref().is_some_and(Vec::is_empty) {
                        continue;
                    }
                    let shown = targets.and_then(|t| t.into_iter().next()).map(|(v, _)| v.to_string());
                    effect.class = class;
                    effect.target = shown.unwrap_or_else(|| shown_command(call));
                    self.add(effect);
                }
            }
        }
    }
}

/// What a tool prints.
pub(super) fn printed(
    tool: &Tool,
    arguments: &Arguments,
    call: &Call<'_>,
    state: &State,
    inner: Value,
) -> Value {
    match tool.prints {
        Prints::Output => Value::dynamic(Source::Output, true),
        Prints::Remote => Value::dynamic(Source::Remote, true),
        Prints::Matching if call.stdin.has(Source::Processes) && !arguments.has(&["-v".to_owned()]) => {
            Value::dynamic(Source::Output, true)
        }
        Prints::Matching | Prints::Stdin => filter::excerpt(call, input(tool, arguments, call, state)),
        Prints::Names => special::names(arguments, state),
        Prints::Temporary => special::temporary(arguments),
        Prints::Decoded => {
            let input = input(tool, arguments, call, state);
            let source = [Source::Remote, Source::Endless].into_iter().find(|s| input.has(*s));
            Value::dynamic(source.unwrap_or(Source::Output), true)
        }
        Prints::Endless => Value::dynamic(Source::Endless, false),
        Prints::Number => Value::dynamic(Source::Number, false),
        Prints::Digest => Value::dynamic(Source::Digest, false),
        Prints::Operands => lines(arguments.operands.iter().map(|o| o.value.clone())),
        Prints::Links if !arguments.has(&["-f", "-e", "-m", "--canonicalize"].map(str::to_owned)) => {
            Value::dynamic(Source::Output, true)
        }
        Prints::Links => lines(arguments.operands.iter().map(|o| o.value.clone())),
        Prints::Parents => lines(arguments.operands.iter().map(|o| parent(&o.value))),
        Prints::Bases => lines(arguments.operands.first().map(|o| base(&o.value)).into_iter()),
        Prints::Inner => inner,
    }
}

/// The names that a tool prints, where it prints all that it has: the pattern that they match.
pub(super) fn listed(tool: &Tool, arguments: &Arguments, call: &Call<'_>) -> Option<Value> {
    let applies =
        |row: &&Lists| holds(&row.when, arguments) && (row.passes.is_none() || call.stdin.has_glob());
    let row = tool.lists.iter().find(applies)?;
    match row.passes {
        Some(Left::All) => return Some(call.stdin.clone()),
        // Names of files are still below the directory that they were found in.
        Some(Left::Some) if matches!(call.stdin.parts(), [Part::Glob(any)] if any == "*") => {
            return Some(Value::dynamic(Source::Name, true));
        }
        Some(Left::Some) => return Some(call.stdin.clone()),
        None => {}
    }
    let pattern = row.pattern.as_ref().and_then(|p| select(p, arguments, Span::default()).into_iter().next());
    let pattern = pattern.map_or_else(|| "*".to_owned(), |(value, _)| value.code());
    let mut names = Value::default();
    names.push(Part::Glob(pattern.into()));
    Some(names)
}

fn lines(values: impl Iterator<Item = Value>) -> Value {
    values.fold(Value::default(), |mut out, value| {
        out.append(&value);
        out.append(&Value::text("\n"));
        out
    })
}

/// The directory that a path is in, as `dirname` prints it.
fn parent(path: &Value) -> Value {
    if let Some(text) = path.settled().literal() {
        let trimmed = text.trim_end_matches('/');
        return match trimmed.rsplit_once('/') {
            _ if trimmed.is_empty() && !text.is_empty() => Value::text("/"),
            Some(("", _)) => Value::text("/"),
            Some((directory, _)) => Value::text(directory),
            None => Value::text("."),
        };
    }
    // What is not known behind the last slash is taken for one name.
    let Some(at) = path.parts().iter().rposition(|p| matches!(p, Part::Text(t) if t.contains('/'))) else {
        return Value::dynamic(Source::Output, false);
    };
    let mut directory = Value::default();
    for part in &path.parts()[..at] {
        directory.push(part.clone());
    }
    if let Some(Part::Text(text)) = path.parts().get(at) {
        directory.push(Part::Text(text.rsplit_once('/').map_or("", |(before, _)| before).into()));
    }
    if directory.is_empty() { Value::text("/") } else { directory }
}

/// The last part of a path, as `basename` prints it.
fn base(path: &Value) -> Value {
    match path.settled().literal() {
        Some(text) => Value::text(text.trim_end_matches('/').rsplit('/').next().unwrap_or("")),
        None => Value::dynamic(Source::Name, true),
    }
}

/// What a tool reads: files that its arguments name, or standard input.
pub(super) fn input(tool: &Tool, arguments: &Arguments, call: &Call<'_>, state: &State) -> Value {
    let named = match &tool.reads {
        Some(selector) => select(selector, arguments, call.span),
        None => select(&Selector::All, arguments, call.span),
    };
    let files = named.iter().map(|(path, _)| special::file_content(path, state));
    match files.clone().find(|content| content.has(Source::Endless)) {
        Some(endless) => endless,
        None if call.stdin.is_empty() || tool.reads.is_some() => {
            files.into_iter().next().unwrap_or_else(|| call.stdin.clone())
        }
        None => call.stdin.clone(),
    }
}

/// The arguments that a selector names.
pub(super) fn select(selector: &Selector, arguments: &Arguments, span: Span) -> Vec<(Value, Span)> {
    let operands = &arguments.operands;
    let count = operands.len();
    let range = match selector {
        Selector::All => 0..count,
        Selector::Last => count.saturating_sub(1).max(1).min(count)..count,
        Selector::Init => 0..count.saturating_sub(1),
        Selector::From(n) => (*n).min(count)..count,
        Selector::At(n) => (*n).min(count)..(*n + 1).min(count),
        Selector::Key(key) => {
            let with_key = operands.iter().filter(|o| o.value.prefix().starts_with(key.as_str()));
            return with_key.map(|o| (options::behind(&o.value, key.len()), o.span)).collect();
        }
        Selector::Here => return vec![(Value::text("."), span)],
        Selector::Options(names) => return arguments.values(names).map(|v| (v.clone(), span)).collect(),
        Selector::Into => return copies(arguments),
    };
    operands[range].iter().map(|o| (o.value.clone(), o.span)).collect()
}

/// Where the copies of the sources end up if the target is a directory. All that is in a source is
/// copied when it ends in `/.`.
fn copies(arguments: &Arguments) -> Vec<(Value, Span)> {
    let option = ["-t".to_owned(), "--target-directory".to_owned()];
    let named = arguments.values(&option).last();
    let (last, init) = match arguments.operands.split_last() {
        Some((last, init)) if named.is_none() => (Some(&last.value), init),
        _ => (named, arguments.operands.as_slice()),
    };
    let Some(directory) = last else { return Vec::new() };
    let copy = |source: &Operand| {
        let mut whole = directory.clone();
        whole.push(Part::Text("/".into()));
        match source.value.parts().last() {
            Some(Part::Glob(_) | Part::Dynamic(_)) => whole.push(Part::Glob("*".into())),
            _ => match source.value.suffix().trim_end_matches('/').rsplit('/').next() {
                Some("." | "") | None => whole.push(Part::Glob("*".into())),
                Some(name) => whole.push(Part::Text(name.into())),
            },
        }
        (whole, source.span)
    };
    init.iter().map(copy).collect()
}

/// Whether the arguments look as a row of a table demands.
pub(super) fn holds(condition: &Condition, arguments: &Arguments) -> bool {
    (condition.any.is_empty() || arguments.has(&condition.any))
        && condition.all.iter().all(|o| arguments.has(std::slice::from_ref(o)))
        && !arguments.has(&condition.unless)
        && condition.most.is_none_or(|most| arguments.operands.len() <= most)
        && condition
            .option
            .iter()
            .all(|(names, pattern)| arguments.values_of(names.split(',')).any(|v| option_matches(pattern, v)))
        && (condition.words.is_empty() || begins(arguments, &condition.words))
        && (condition.not.is_empty() || !begins(arguments, &condition.not))
}

/// Whether the operands start as `pattern` says.
fn begins(arguments: &Arguments, pattern: &[String]) -> bool {
    words_match(pattern, &arguments.operands, &|operand| &operand.value)
}

fn words_match<T>(pattern: &[String], words: &[T], value: &dyn Fn(&T) -> &Value) -> bool {
    match pattern {
        [] => true,
        [first, rest @ ..] if first == "**" => {
            (0..=words.len()).any(|n| words_match(rest, &words[n..], value))
        }
        [first, rest @ ..] => words.split_first().is_some_and(|(word, others)| {
            let word = value(word);
            let text = word.literal().map_or_else(|| Cow::Owned(word.code()), Cow::Borrowed);
            first.split('|').any(|p| alternative(p, word, &text)) && words_match(rest, others, value)
        }),
    }
}

/// Whether a call of the program `base` prints settings for the shell that reads them.
pub(super) fn prints_settings(rules: &Rules, base: &str, call: &Call<'_>) -> bool {
    let mut rows = rules.settings.iter().filter(|row| row.of.iter().any(|name| name == base));
    rows.any(|row| row.words.iter().any(|pattern| words_match(pattern, &call.words[1..], &|word| word)))
}

/// Whether an option's value, or a member of a list that it holds, is what a pattern says.
fn option_matches(pattern: &str, value: &Value) -> bool {
    let text = value.literal().map_or_else(|| Cow::Owned(value.code()), Cow::Borrowed);
    let members = || text.split(',').filter(|member| !member.is_empty());
    pattern.split('|').any(|p| alternative(p, value, &text) || members().any(|m| matches(p, m)))
}

/// Whether a word, written `text`, is what one alternative of a pattern says.
fn alternative(pattern: &str, word: &Value, text: &str) -> bool {
    match pattern {
        "<processes>" => word.has(Source::Processes) || (word.has_glob() && !word.prefix().contains('/')),
        "<unknown>" => word.has_glob() || SWEEPING.iter().any(|source| word.has(*source)),
        pattern => matches(pattern, text),
    }
}

/// What may be any name, and not just the one that an author had in mind.
const SWEEPING: [Source; 4] = [Source::Output, Source::File, Source::Input, Source::Name];

pub(super) fn is_assignment(word: &Value) -> bool {
    word.prefix().split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

pub(super) fn shown_command(call: &Call<'_>) -> String {
    call.words.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// The path in `host:/path`.
pub(super) fn there(path: &Value) -> Value {
    match path.prefix().split_once(":/") {
        Some((host, _)) if !host.contains('/') => options::behind(path, host.len() + 1),
        _ => path.clone(),
    }
}
