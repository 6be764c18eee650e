//! Simple commands: redirections, assignments, and one run for every combination of values that the
//! variables of a command may have.

use super::assign::Declared;
use super::{Call, Problem, Shell, State, Write};
use crate::shell::ast::{
    AssignedValue, Assignment, Command, CommandKind, Name, Piece, Redirect, RedirectKind, Word,
};
use crate::shell::{Part, Source, Span, Value, visit};
use std::collections::BTreeMap;

/// Combinations of values of variables for one command, at most.
const MAX_COMBINATIONS: usize = 12;

/// The redirections of a command, evaluated.
#[derive(Default)]
pub(super) struct Channels {
    pub(super) stdin: Option<Value>,
    /// What other descriptors are read from.
    pub(super) inputs: BTreeMap<i32, Value>,
    /// Descriptors that are opened for writing, and the file.
    pub(super) opened: BTreeMap<i32, Value>,
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
                RedirectKind::Text => channels.read(redirect.fd, target),
                RedirectKind::Read => channels.read(redirect.fd, state.content(&target)),
                RedirectKind::Duplicate
                    if descriptor(&target).is_some_and(|fd| {
                        channels.inputs.contains_key(&fd)
                            || state.inputs.contains_key(&fd)
                            || state.outputs.contains_key(&fd)
                    }) =>
                {
                    let fd = descriptor(&target).unwrap_or(0);
                    let input = channels.inputs.get(&fd).or_else(|| state.inputs.get(&fd)).cloned();
                    match (&input, state.outputs.get(&fd)) {
                        (Some(input), _) => channels.read(redirect.fd, input.clone()),
                        (None, Some(path)) => {
                            let stdout = redirect.fd.unwrap_or(1) == 1;
                            channels.outputs.push((path.clone(), true, stdout, span));
                        }
                        (None, None) => {}
                    }
                }
                RedirectKind::Duplicate
                    if target
                        .literal()
                        .is_some_and(|t| t.trim_end_matches('-').parse::<u32>().is_ok() || t == "-") =>
                {
                    let socket = format!("/dev/fd/socket{}", target.literal().unwrap_or(""));
                    channels.socket |= state.files.contains(&socket);
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
                    channels.opened.insert(redirect.fd.unwrap_or(1), target.clone());
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
        let undecided = state.variables.undecided(|see| {
            visit::words(simple.words, see);
            visit::assignments(simple.assignments, see);
            visit::assignments(simple.declared, see);
        });
        if undecided.is_empty() {
            return self.simple(simple, state, stdin);
        }
        let combinations: usize = undecided.iter().map(|(_, v)| v.len()).product();
        let before = state.clone();
        let mut output = Value::default();
        let mut after: Option<State> = None;
        for combination in 0..combinations.min(MAX_COMBINATIONS) {
            let mut inside = before.clone();
            let mut rest = combination;
            for (name, values) in &undecided {
                inside.set(name, values[rest % values.len()].clone());
                rest /= values.len();
            }
            output = self.simple(simple, &mut inside, stdin);
            after = Some(match after {
                Some(after) => after.merge(inside),
                None => inside,
            });
        }
        if let Some(after) = after {
            *state = after;
        }
        output
    }

    fn simple(&mut self, simple: &Simple<'_>, state: &mut State, stdin: &Value) -> Value {
        let (words, spans) = self.fields(simple.words, state);
        if words.is_empty() {
            for assignment in simple.assignments {
                self.assign(assignment, state, simple.span);
            }
            return Value::default();
        }
        let pin = |span: Span| self.pinned.unwrap_or(span);
        let spans: Vec<Span> = spans.into_iter().map(pin).collect();
        let span = pin(simple.span);
        if let [word] = simple.words
            && is_zero(word)
            && state.concurrent
        {
            self.programs.problem(Problem::Bomb, span);
        }
        let mut environment: Vec<(String, Value)> = Vec::new();
        let mut before = Vec::new();
        for assignment in simple.assignments {
            if let AssignedValue::Scalar(word) = &assignment.value {
                let value = self.value(&word.pieces, state, word.span);
                environment.push((assignment.name.clone(), value));
            }
        }
        for (name, value) in &environment {
            before.push((name.clone(), state.variables.get(name).cloned()));
            state.export(name, value.clone());
        }
        environment.extend(state.exports().filter(|(name, _)| !simple.assigns(name)).collect::<Vec<_>>());
        let call = Call {
            words: &words,
            spans: &spans,
            stdin,
            environment: &environment,
            span,
            socket: simple.socket,
        };
        // What it is given may name what it reads.
        let named = words.iter().any(|word| word.literal().is_some_and(is_stdin));
        let outer = named.then(|| state.inputs.insert(0, stdin.clone()));
        let output = match words.first().and_then(Value::literal) {
            Some(name) if !simple.declared.is_empty() => {
                let given = Declared { arguments: &words[1..], assignments: simple.declared, span };
                self.declare(name, &given, state)
            }
            _ => self.dispatch(&call, state),
        };
        match outer {
            Some(Some(outer)) => drop(state.inputs.insert(0, outer)),
            Some(None) => drop(state.inputs.remove(&0)),
            None => {}
        }
        for (name, variable) in before.into_iter().rev() {
            state.variables.restore(&name, variable);
        }
        if let Some("[" | "test") = words.first().and_then(Value::literal) {
            self.tested(simple.words, &words, state);
        }
        output
    }
}

impl Channels {
    fn read(&mut self, fd: Option<i32>, text: Value) {
        match fd.unwrap_or(0) {
            0 => self.stdin = Some(text),
            fd => drop(self.inputs.insert(fd, text)),
        }
    }

    /// Whether the redirections stay behind the command: `exec` without a program.
    pub(super) fn stay(&self, command: &Command) -> bool {
        let CommandKind::Simple { words, .. } = &command.kind else { return false };
        let [word] = words.as_slice() else { return false };
        matches!(word.pieces.as_slice(), [Piece::Text(name)] if name == "exec")
    }
}

/// Whether a word is `$0`.
fn is_zero(word: &Word) -> bool {
    let mut pieces = word.pieces.iter().filter(|p| !matches!(p, Piece::Quoted(t) if t.is_empty()));
    matches!((pieces.next(), pieces.next()), (Some(Piece::Parameter(p)), None) if p.name == Name::Zero)
}

/// Whether a path is standard input.
pub(super) fn is_stdin(path: &str) -> bool {
    matches!(path, "/dev/stdin" | "/dev/fd/0" | "/proc/self/fd/0")
}

fn descriptor(target: &Value) -> Option<i32> {
    target.literal()?.trim_end_matches('-').parse().ok()
}

/// A simple command before expansion.
pub(super) struct Simple<'a> {
    pub(super) assignments: &'a [Assignment],
    pub(super) words: &'a [Word],
    pub(super) declared: &'a [Assignment],
    pub(super) span: Span,
    pub(super) socket: bool,
}

impl Simple<'_> {
    fn assigns(&self, name: &str) -> bool {
        self.assignments.iter().any(|a| a.name == name)
    }
}

/// Whether a path is a network connection that the shell opens.
pub(super) fn is_socket(path: &Value) -> bool {
    let text = path.parts().first();
    matches!(text, Some(Part::Text(t)) if t.starts_with("/dev/tcp/") || t.starts_with("/dev/udp/"))
}
