//! Simple commands: redirections, assignments, and one run for every combination of values that the
//! variables of a command may have.

use super::state::Variable;
use super::{Call, Shell, State, Write};
use crate::shell::ast::{AssignedValue, Assignment, Redirect, RedirectKind, Word};
use crate::shell::{Part, Source, Span, Value};

/// Combinations of values of variables for one command, at most.
const MAX_COMBINATIONS: usize = 12;

/// The redirections of a command, evaluated.
#[derive(Default)]
pub(super) struct Channels {
    pub(super) stdin: Option<Value>,
    /// Files that the standard output goes to; others are only opened.
    outputs: Vec<(Value, bool, bool, Span)>,
    pub(super) socket: bool,
}

impl Shell<'_> {
    pub(super) fn write(&mut self, channels: &Channels, output: Value, state: &mut State) -> Value {
        let mut redirected = false;
        for (path, append, stdout, span) in &channels.outputs {
            let content = if *stdout { output.clone() } else { Value::dynamic(Source::Output, true) };
            redirected |= *stdout;
            let span = self.pinned.unwrap_or(*span);
            self.programs.write(&Write { path, content: &content, append: *append, span }, state);
            state.write(path, content, *append);
        }
        if redirected { Value::default() } else { output }
    }

    pub(super) fn channels(&mut self, redirects: &[Redirect], state: &mut State) -> Channels {
        let mut channels = Channels::default();
        for redirect in redirects {
            let target = self.value(&redirect.target.pieces, state, redirect.target.span);
            let span = redirect.target.span;
            channels.socket |= is_socket(&target);
            match redirect.kind {
                RedirectKind::Text => channels.stdin = Some(target),
                RedirectKind::Read if redirect.fd.unwrap_or(0) == 0 => {
                    channels.stdin = Some(content(&target, state));
                }
                RedirectKind::Read => {}
                RedirectKind::Duplicate
                    if target
                        .literal()
                        .is_some_and(|t| t.trim_end_matches('-').parse::<u32>().is_ok() || t == "-") =>
                {
                    let socket = format!("/dev/fd/socket{}", target.literal().unwrap_or(""));
                    channels.socket |= state.files.contains_key(&socket);
                }
                RedirectKind::Write | RedirectKind::Append => {
                    let append = redirect.kind == RedirectKind::Append;
                    if is_socket(&target)
                        && let Some(fd) = redirect.fd
                    {
                        let socket = Value::text(format!("/dev/fd/socket{fd}"));
                        state.write(&socket, Value::dynamic(Source::Remote, true), false);
                    }
                    let stdout = redirect.fd.unwrap_or(1) == 1;
                    channels.outputs.push((target, append, stdout, span));
                }
                RedirectKind::WriteBoth | RedirectKind::Duplicate => {
                    channels.outputs.push((target, false, true, span))
                }
                RedirectKind::AppendBoth => channels.outputs.push((target, true, true, span)),
            }
        }
        if channels.socket && channels.stdin.is_none() {
            channels.stdin = Some(Value::dynamic(Source::Remote, true));
        }
        channels
    }

    /// Evaluates a simple command once for each combination of values that its variables may have.
    pub(super) fn every_combination(
        &mut self,
        simple: &Simple<'_>,
        state: &mut State,
        stdin: &Value,
    ) -> Value {
        let undecided: Vec<(String, Vec<Value>)> = state
            .undecided()
            .filter(|(name, _)| simple.mentions(name))
            .map(|(name, values)| (name.to_owned(), values.to_vec()))
            .collect();
        if undecided.is_empty() {
            return self.simple(simple, state, stdin);
        }
        let combinations: usize = undecided.iter().map(|(_, v)| v.len()).product();
        let mut output = Value::default();
        for combination in 0..combinations.min(MAX_COMBINATIONS) {
            let mut rest = combination;
            for (name, values) in &undecided {
                state.set(name, values[rest % values.len()].clone());
                rest /= values.len();
            }
            output = self.simple(simple, state, stdin);
        }
        for (name, values) in undecided {
            if !simple.assigns(&name) {
                state.variables.insert(name, Variable::Scalar(values));
            }
        }
        output
    }

    fn simple(&mut self, simple: &Simple<'_>, state: &mut State, stdin: &Value) -> Value {
        let (words, spans) = self.fields(simple.words, state);
        let mut environment = Vec::new();
        for assignment in simple.assignments {
            let value = self.assigned(assignment, state, simple.span);
            match value {
                Variable::Scalar(mut values) if !words.is_empty() && assignment.index.is_none() => {
                    environment.push((assignment.name.clone(), values.pop().unwrap_or_default()));
                }
                value => drop(state.variables.insert(assignment.name.clone(), value)),
            }
        }
        if words.is_empty() {
            return Value::default();
        }
        let pin = |span: Span| self.pinned.unwrap_or(span);
        let spans: Vec<Span> = spans.into_iter().map(pin).collect();
        let call = Call {
            words: &words,
            spans: &spans,
            stdin,
            environment: &environment,
            span: pin(simple.span),
            socket: simple.socket,
        };
        self.dispatch(&call, state)
    }

    fn assigned(&mut self, assignment: &Assignment, state: &mut State, span: Span) -> Variable {
        let value = match &assignment.value {
            AssignedValue::Array(words) => Variable::Array(self.fields(words, state).0),
            AssignedValue::Scalar(word) => Variable::Scalar(vec![self.value(&word.pieces, state, span)]),
        };
        let old = state.variables.get(&assignment.name).cloned();
        match (value, old) {
            (Variable::Array(new), Some(Variable::Array(mut old))) if assignment.append => {
                old.extend(new);
                Variable::Array(old)
            }
            (Variable::Scalar(new), Some(Variable::Array(mut old))) => {
                old.extend(new);
                Variable::Array(old)
            }
            (Variable::Scalar(new), old) if assignment.index.is_some() => {
                let mut elements = match old {
                    Some(Variable::Scalar(values)) => values,
                    _ => Vec::new(),
                };
                elements.extend(new);
                Variable::Array(elements)
            }
            (Variable::Scalar(new), Some(Variable::Scalar(old))) if assignment.append => {
                let mut whole = old.first().cloned().unwrap_or_default();
                for part in new.iter().flat_map(Value::parts) {
                    whole.push(part.clone());
                }
                Variable::Scalar(vec![whole])
            }
            (value, _) => value,
        }
    }
}

/// A simple command before expansion.
pub(super) struct Simple<'a> {
    pub(super) assignments: &'a [Assignment],
    pub(super) words: &'a [Word],
    pub(super) span: Span,
    pub(super) socket: bool,
}

impl Simple<'_> {
    /// Whether the command may use the variable. Too often is only slower.
    fn mentions(&self, name: &str) -> bool {
        format!("{:?}{:?}", self.words, self.assignments).contains(name)
    }

    fn assigns(&self, name: &str) -> bool {
        self.words.is_empty() && self.assignments.iter().any(|a| a.name == name)
    }
}

/// What a file contains when it is read.
pub(super) fn content(path: &Value, state: &State) -> Value {
    if let Some(written) = state.written(path) {
        return written.clone();
    }
    match path.literal() {
        Some("/dev/null") => Value::default(),
        _ if is_socket(path) => Value::dynamic(Source::Remote, true),
        _ => Value::dynamic(Source::File, true),
    }
}

fn is_socket(path: &Value) -> bool {
    let text = path.parts().first();
    matches!(text, Some(Part::Text(t)) if t.starts_with("/dev/tcp/") || t.starts_with("/dev/udp/"))
}
