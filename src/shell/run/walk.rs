//! Scripts, lists and pipelines. What differs after success and after failure is kept apart as long as
//! somebody asks, and joined behind that.

use super::simple::Simple;
use super::state::{Failed, Function, Leaving};
use super::{Problem, Programs, State};
use crate::shell::ast::{Command, CommandKind, Item, Link, Pipeline, Script};
use crate::shell::value::is_partly_known;
use crate::shell::{Dialect, ParseError, Source, Span, Value, parse};
use std::sync::Arc;

/// Scripts, functions and compound commands inside one another, at most.
const MAX_DEPTH: usize = 60;

/// Evaluates scripts for a [`Programs`].
pub struct Shell<'p> {
    pub(super) programs: &'p mut dyn Programs,
    /// Where text stands that does not come from the source itself: what was decoded, for example.
    pub(super) pinned: Option<Span>,
    /// States in which the loops that run now have been left, the innermost last.
    pub(super) loops: Vec<Option<State>>,
    /// States in which the functions that run now have returned.
    pub(super) returns: Vec<Option<State>>,
    /// What runs when the shell ends.
    pub(super) traps: Vec<(Value, Span)>,
    /// Texts inside one another.
    texts: usize,
}

/// Where the text of a script stands.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    /// Word for word in the source.
    Source(Span),
    /// It is the result of what stands here, and may stand nowhere.
    Computed(Span),
}

impl<'p> Shell<'p> {
    /// A shell that hands programs to `programs`.
    #[must_use]
    pub fn new(programs: &'p mut dyn Programs) -> Self {
        Self { programs, pinned: None, loops: Vec::new(), returns: Vec::new(), traps: Vec::new(), texts: 0 }
    }

    /// Evaluates the script `text`, which stands at `base`, or at `pinned` if it was computed.
    /// Returns what it prints.
    pub fn text(&mut self, text: &str, at: Place, state: &mut State, stdin: &Value) -> Value {
        let before = self.pinned;
        self.texts += 1;
        let (base, span) = self.position(text, at);
        let output = match self.parsed(text, base, state.dialect, span) {
            Some(script) => self.script(&script, state, stdin),
            None => Value::default(),
        };
        self.texts -= 1;
        if self.texts == 0 {
            self.end(state);
        }
        self.pinned = before;
        output
    }

    /// Where `text` begins, and where it stands; what is named in it stands there, too, until `pinned` is what it was before.
    pub(super) fn position(&mut self, text: &str, at: Place) -> (usize, Span) {
        match at {
            Place::Source(span) => (span.start, span),
            Place::Computed(span) => match self.programs.located(text, span) {
                Some(base) => {
                    self.pinned = None;
                    (base, Span::new(base, base + text.len()))
                }
                None => {
                    self.pinned.get_or_insert(span);
                    (0, span)
                }
            },
        }
    }

    /// What runs when the shell ends.
    fn end(&mut self, state: &State) {
        for (action, span) in std::mem::take(&mut self.traps) {
            self.texts += 1;
            let mut inside = state.inside();
            self.text(&action.code(), Place::Computed(span), &mut inside, &Value::default());
            self.texts -= 1;
        }
    }

    pub(super) fn parsed(&mut self, text: &str, base: usize, dialect: Dialect, span: Span) -> Option<Script> {
        match parse(text, base, dialect) {
            Ok(script) => Some(script),
            // What only bash parses is judged as bash runs it.
            Err(_) if dialect == Dialect::Dash && parse(text, base, Dialect::Bash).is_ok() => None,
            Err(error) => {
                // What is not known may be what is missing.
                let problem = match error {
                    ParseError::Syntax { .. } if is_partly_known(text) => {
                        Problem::Undetermined(Value::text(text).to_string())
                    }
                    error => Problem::Unparsed(error),
                };
                self.programs.problem(problem, self.pinned.unwrap_or(span));
                None
            }
        }
    }

    pub(super) fn script(&mut self, script: &Script, state: &mut State, stdin: &Value) -> Value {
        let mut output = Value::default();
        let mut left = None;
        state.depth += 1;
        if state.depth > MAX_DEPTH {
            let span = self.pinned.unwrap_or_default();
            self.programs.problem(Problem::Limit("nesting"), span);
        } else {
            for item in &script.items {
                state.settle();
                output.append(&self.item(item, state, stdin));
                // What follows never runs, but is looked at all the same.
                left = left.or(state.leaving.take());
            }
        }
        state.leaving = left;
        state.depth -= 1;
        output
    }

    fn item(&mut self, item: &Item, state: &mut State, stdin: &Value) -> Value {
        if item.background {
            let mut inside = state.inside();
            inside.concurrent = true;
            let output = self.chain(item, &mut inside, stdin);
            state.after(inside);
            return output;
        }
        self.chain(item, state, stdin)
    }

    fn chain(&mut self, item: &Item, state: &mut State, stdin: &Value) -> Value {
        let [(_, first), rest @ ..] = item.chain.as_slice() else { return Value::default() };
        let mut output = self.pipeline(first, state, stdin);
        if rest.is_empty() {
            return output;
        }
        let mut last = state.clone();
        let (mut good, mut bad) = state.ways();
        for (link, pipeline) in rest {
            let way = match link {
                Link::And | Link::First => &mut good,
                Link::Or => &mut bad,
            };
            // A way that is never taken is looked at all the same.
            let mut inside =
                way.take().unwrap_or_else(|| State { leaving: None, failed: None, ..last.clone() });
            output.append(&self.pipeline(pipeline, &mut inside, stdin));
            last = inside.clone();
            let (works, fails) = inside.ways();
            (good, bad) = match link {
                Link::And | Link::First => (works, joined(bad, fails)),
                Link::Or => (joined(good, works), fails),
            };
        }
        *state = match (good, bad) {
            (Some(good), bad) => {
                let ends = false;
                State { failed: bad.map(|state| Box::new(Failed { state, ends })), ..good }
            }
            (None, Some(bad)) => bad,
            (None, None) => State { leaving: last.leaving.or(Some(Leaving::Shell)), ..last },
        };
        output
    }

    fn pipeline(&mut self, pipeline: &Pipeline, state: &mut State, stdin: &Value) -> Value {
        let output = match pipeline.commands.as_slice() {
            [command] => self.command(command, state, stdin),
            commands => {
                let mut stream = stdin.clone();
                for (at, command) in commands.iter().enumerate() {
                    let mut inside = state.inside();
                    inside.concurrent = true;
                    stream = self.command(command, &mut inside, &stream);
                    state.status = inside.status;
                    // A pipeline fails when its last command does.
                    if at + 1 == commands.len() {
                        state.after_either(inside);
                    } else {
                        state.after(inside);
                    }
                }
                stream
            }
        };
        if pipeline.negated {
            state.status = state.status.map(|worked| !worked);
            if let Some(failed) = state.failed.take() {
                let worked = std::mem::replace(state, failed.state);
                state.failed = Some(Box::new(Failed { state: worked, ends: false }));
            }
        }
        output
    }

    pub(super) fn command(&mut self, command: &Command, state: &mut State, stdin: &Value) -> Value {
        state.status = None;
        if !self.programs.step() {
            return Value::dynamic(Source::Limit, true);
        }
        let channels = self.channels(&command.redirects, state);
        let inputs = state.inputs.clone();
        state.inputs.extend(channels.inputs.clone());
        let kept = channels.stdin.clone().or_else(|| state.inputs.get(&0).cloned());
        let stdin =
            kept.as_ref().filter(|_| channels.stdin.is_some() || *stdin == Value::default()).unwrap_or(stdin);
        let output = match &command.kind {
            CommandKind::Simple { assignments, words, declared } => {
                let simple =
                    Simple { assignments, words, declared, span: command.span, socket: channels.socket };
                self.every_combination(&simple, state, stdin)
            }
            other => self.compound(other, state, stdin),
        };
        match channels.stay(command) {
            true => {
                state.outputs.extend(channels.opened.clone().into_iter().filter(|(fd, _)| *fd > 2));
                state.inputs.extend(channels.stdin.clone().map(|text| (0, text)));
            }
            false => {
                for fd in channels.inputs.keys() {
                    match inputs.get(fd) {
                        Some(before) => drop(state.inputs.insert(*fd, before.clone())),
                        None => drop(state.inputs.remove(fd)),
                    }
                }
            }
        }
        self.write(&channels, output, state)
    }

    /// Evaluates the body of a function.
    pub(super) fn body(&mut self, body: &Command, state: &mut State, stdin: &Value) -> Value {
        state.depth += 1;
        let output = if state.depth > MAX_DEPTH {
            self.programs.problem(Problem::Limit("nesting"), self.pinned.unwrap_or(body.span));
            Value::dynamic(Source::Limit, true)
        } else {
            self.command(body, state, stdin)
        };
        state.depth -= 1;
        output
    }

    pub(super) fn function(&mut self, name: &str, body: &Arc<Command>, state: &mut State) {
        let function = Function { body: Arc::clone(body), exported: state.options.allexport };
        state.functions.insert(name, function);
        // It runs for every program that is not there, and which these are nobody knows.
        if name == "command_not_found_handle" {
            self.body(body, &mut state.inside(), &Value::default());
        }
    }

    /// Notes that the script goes on elsewhere: behind a loop, a function, or nowhere.
    pub(super) fn leave(&mut self, what: Leaving, state: &mut State) {
        let frame = match what {
            Leaving::Loop => self.loops.last_mut(),
            Leaving::Function => self.returns.last_mut(),
            Leaving::Shell => None,
        };
        if let Some(frame) = frame {
            let here = State { failed: None, leaving: None, ..state.clone() };
            *frame = joined(frame.take(), Some(here));
        } else if what != Leaving::Shell {
            // `break` and `return` outside of everything do nothing.
            return;
        }
        state.leaving = Some(what);
    }
}

/// The state after either of two ways, as far as they are taken.
pub(super) fn joined(a: Option<State>, b: Option<State>) -> Option<State> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.join(b)),
        (a, b) => a.or(b),
    }
}
