//! Words → fields: brace, tilde, parameter, command and arithmetic expansion, splitting, patterns.

use super::walk::Shell;
use super::{Place, Problem, State, place};
use crate::shell::ast::{Command, CommandKind, Item, Piece, Pipeline, Redirect, Script, Word};
use crate::shell::{Dialect, Dynamic, Part, Source, Span, Value, brace};
use std::borrow::Cow;

/// Bytes of one value, at most.
const MAX_VALUE: usize = 1 << 18;

/// Words that a machine makes of one word without running out of memory.
const MAX_WORDS: u64 = 5_000_000;

/// Fields under construction.
#[derive(Default)]
struct Fields {
    done: Vec<Value>,
    current: Value,
    /// Whether the current field exists even if nothing is in it.
    quoted: bool,
}

impl Fields {
    fn finish(&mut self) {
        let field = std::mem::take(&mut self.current);
        if self.quoted || !field.settled().is_empty() {
            self.done.push(field);
        }
        self.quoted = false;
    }

    /// Adds the result of an expansion outside quotes: split at blanks, patterns active.
    fn split(&mut self, value: &Value, separators: &[char], globs: bool) {
        for part in value.parts() {
            let Part::Text(text) = part else {
                self.current.push(part.clone());
                continue;
            };
            for (at, piece) in text.split(separators).enumerate() {
                if at > 0 {
                    self.finish();
                }
                push_globs(&mut self.current, piece, globs);
            }
        }
    }
}

impl Shell<'_> {
    /// The fields that `words` become, each with the place of its word.
    pub(super) fn fields(&mut self, words: &[Word], state: &mut State) -> (Vec<Value>, Vec<Span>) {
        let (mut values, mut spans) = (Vec::new(), Vec::new());
        for word in words {
            let alternatives = if state.dialect == Dialect::Bash {
                let expansion = brace::expand(&word.pieces);
                if expansion.count > MAX_WORDS {
                    self.programs.problem(Problem::Limit("words of a brace expansion"), word.span);
                }
                expansion.words
            } else {
                vec![Cow::Borrowed(word.pieces.as_slice())]
            };
            for pieces in alternatives {
                let mut fields = Fields::default();
                for piece in pieces.iter() {
                    self.piece(piece, state, word.span, &mut fields);
                }
                fields.finish();
                spans.extend(std::iter::repeat_n(word.span, fields.done.len()));
                values.extend(fields.done);
            }
        }
        (values, spans)
    }

    /// The value of a word where nothing is split: assignments, redirections, here-documents.
    pub(super) fn value(&mut self, pieces: &[Piece], state: &mut State, span: Span) -> Value {
        let mut value = Value::default();
        for piece in pieces {
            match piece {
                Piece::Text(text) | Piece::Quoted(text) => value.append(&Value::text(text.as_str())),
                Piece::Parameter(parameter) => {
                    for (at, part) in self.parameter(parameter, state, span).iter().enumerate() {
                        if at > 0 {
                            value.push(Part::Text(" ".into()));
                        }
                        value.append(part);
                    }
                }
                other => value.append(&self.single(other, state, span)),
            }
        }
        self.bounded(value, span)
    }

    fn piece(&mut self, piece: &Piece, state: &mut State, span: Span, fields: &mut Fields) {
        match piece {
            Piece::Text(text) => push_globs(&mut fields.current, text, !state.options.noglob),
            Piece::Quoted(text) => {
                fields.quoted = true;
                fields.current.append(&Value::text(text.as_str()));
            }
            Piece::Parameter(parameter) => {
                let values = self.parameter(parameter, state, span);
                fields.quoted |= parameter.quoted && !(values.is_empty());
                for (at, value) in values.iter().enumerate() {
                    if at > 0 {
                        fields.finish();
                        fields.quoted = parameter.quoted;
                    }
                    if parameter.quoted {
                        fields.current.append(value);
                    } else {
                        fields.split(value, &separators(state), !state.options.noglob);
                    }
                }
            }
            Piece::Command { quoted: false, .. } => {
                let value = self.single(piece, state, span);
                fields.split(&value, &separators(state), !state.options.noglob);
            }
            other => {
                fields.quoted = true;
                let value = self.single(other, state, span);
                fields.current.append(&value);
            }
        }
        if size(&fields.current) > MAX_VALUE {
            fields.current = self.bounded(std::mem::take(&mut fields.current), span);
        }
    }

    /// The value of a piece that is no parameter.
    fn single(&mut self, piece: &Piece, state: &mut State, span: Span) -> Value {
        match piece {
            Piece::Tilde(user) => tilde(user, state),
            Piece::Command { text, at, .. } => self.substitution(text, *at, state, span),
            Piece::Arithmetic { pieces } => {
                let text = self.value(pieces, state, span);
                let known = self.arithmetic(&text, state, span);
                known.map_or_else(|| Value::dynamic(Source::Number, false), |n| Value::text(n.to_string()))
            }
            Piece::Process(script) => {
                let mut inside = state.inside();
                let output = self.script(script, &mut inside, &Value::dynamic(Source::Input, true));
                state.after(inside);
                let path = Value::text(format!("/dev/fd/{}", 63 + state.files.len()));
                state.write(&path, output, false);
                path
            }
            Piece::Text(text) | Piece::Quoted(text) => Value::text(text.as_str()),
            Piece::Parameter(_) => Value::default(),
        }
    }

    fn substitution(&mut self, text: &str, at: Option<usize>, state: &mut State, span: Span) -> Value {
        let before = self.pinned;
        let at = at.unwrap_or_else(|| self.position(text, Place::Computed(span)).0);
        let output = self.substituted(text, at, state, span);
        self.pinned = before;
        output
    }

    fn substituted(&mut self, text: &str, at: usize, state: &mut State, span: Span) -> Value {
        let mut inside = state.inside();
        let script = match self.parsed(text, at, state.dialect, span) {
            Some(script) => script,
            None => return Value::dynamic(Source::Output, true),
        };
        let output = match read_whole(&script) {
            Some(redirects) => self.channels(redirects, &mut inside).stdin.unwrap_or_default(),
            None => self.script(&script, &mut inside, &Value::dynamic(Source::Input, true)),
        };
        state.status = inside.status;
        state.after(inside);
        if output.has(Source::Endless) {
            self.programs.problem(Problem::Endless, span);
            return Value::dynamic(Source::Output, true);
        }
        output.trimmed()
    }

    fn bounded(&mut self, value: Value, span: Span) -> Value {
        if size(&value) <= MAX_VALUE {
            return value;
        }
        self.programs.problem(Problem::Limit("length of a value"), span);
        Value::dynamic(Source::Limit, false)
    }
}

/// The redirection in `$(< file)`, which stands for what is in the file.
fn read_whole(script: &Script) -> Option<&[Redirect]> {
    let [Item { chain, .. }] = script.items.as_slice() else { return None };
    let [(_, Pipeline { commands, .. })] = chain.as_slice() else { return None };
    let [Command { kind: CommandKind::Simple { assignments, words, .. }, redirects, .. }] =
        commands.as_slice()
    else {
        return None;
    };
    (assignments.is_empty() && words.is_empty()).then_some(redirects)
}

/// The characters at which the shell splits.
fn separators(state: &State) -> Cow<'static, [char]> {
    let set = state.variables.contents("IFS").and_then(|_| state.variable("IFS"));
    let separators = set.and_then(|v| v.literal().map(|t| t.chars().collect()));
    separators.map_or(Cow::Borrowed(&[' ', '\t', '\n']), Cow::Owned)
}

fn size(value: &Value) -> usize {
    let length = |part: &Part| match part {
        Part::Text(text) | Part::Glob(text) => text.len(),
        Part::Dynamic(_) => 8,
    };
    value.parts().iter().map(length).sum()
}

fn tilde(user: &str, state: &State) -> Value {
    match user {
        "" => state.variable("HOME").unwrap_or_default(),
        "root" => Value::text("/root"),
        "+" => state.variable("PWD").unwrap_or_default(),
        "-" => state.variable("OLDPWD").unwrap_or_else(|| Value::dynamic(Source::Input, false)),
        user if user.starts_with(['+', '-']) || user.parse::<usize>().is_ok() => {
            place::numbered(user, state).unwrap_or_else(|| Value::dynamic(Source::Input, false))
        }
        user => Value::text(format!("/home/{user}")),
    }
}

/// `!(a|b)`, `@(…)`, `+(…)` may match nearly everything: they count as `*`.
fn excluded(text: &str) -> Cow<'_, str> {
    let Some(at) = ["!(", "@(", "+("].iter().find_map(|open| text.find(open)) else {
        return Cow::Borrowed(text);
    };
    match text[at..].find(')') {
        Some(end) => Cow::Owned(format!("{}*{}", &text[..at], &text[at + end + 1..])),
        None => Cow::Borrowed(text),
    }
}

/// Adds text in which patterns are active.
fn push_globs(value: &mut Value, text: &str, active: bool) {
    let text = &*excluded(text);
    if !active || !text.contains(['*', '?', '[']) {
        return value.append(&Value::text(text));
    }
    let mut rest = text;
    // Behind the last one, no bracket is closed.
    let mut closed = text.matches(']').count();
    while let Some(at) = rest.find(['*', '?', '[']) {
        closed -= rest[..at].matches(']').count();
        let extended = rest[..at + 1].ends_with(['*', '?']) && rest[at + 1..].starts_with('(');
        let length = match rest.as_bytes()[at] {
            b'[' => match if closed == 0 { None } else { rest[at..].find(']') } {
                Some(end) if end > 1 => end + 1,
                _ => {
                    value.append(&Value::text(&rest[..=at]));
                    rest = &rest[at + 1..];
                    continue;
                }
            },
            _ if extended => rest[at..].find(')').map_or(1, |end| end + 1),
            _ => 1,
        };
        value.append(&Value::text(&rest[..at]));
        closed -= rest[at..at + length].matches(']').count();
        let glob = if extended { "*" } else { &rest[at..at + length] };
        value.push(Part::Glob(glob.into()));
        rest = &rest[at + length..];
    }
    value.append(&Value::text(rest));
}

/// A value that is unknown in the way `like` is.
pub(super) fn blurred(like: &Value, empty: bool) -> Value {
    let source = like.parts().iter().find_map(|part| match part {
        Part::Dynamic(Dynamic { source, .. }) => Some(*source),
        Part::Glob(_) => Some(Source::Name),
        Part::Text(_) => None,
    });
    Value::dynamic(source.unwrap_or(Source::Output), empty)
}
