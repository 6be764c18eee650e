//! Scripts, pipelines, loops and branches. Every branch is taken; what differs behind them is joined.

use super::simple::Simple;
use super::{Problem, Programs, State};
use crate::shell::ast::{Command, CommandKind, Item, Link, Pipeline, Script, Word};
use crate::shell::{Dialect, Source, Span, Value, parse};
use std::sync::Arc;

/// Scripts, functions and compound commands inside one another, at most.
const MAX_DEPTH: usize = 80;

/// Evaluates scripts for a [`Programs`].
pub struct Shell<'p> {
    pub(super) programs: &'p mut dyn Programs,
    /// Where text stands that does not come from the source itself: what was decoded, for example.
    pub(super) pinned: Option<Span>,
}

impl<'p> Shell<'p> {
    /// A shell that hands programs to `programs`.
    #[must_use]
    pub fn new(programs: &'p mut dyn Programs) -> Self {
        Self { programs, pinned: None }
    }

    /// Evaluates the script `text`, which stands at `base`, or at `pinned` if it was computed.
    /// Returns what it prints.
    pub fn text(&mut self, text: &str, at: Place, state: &mut State, stdin: &Value) -> Value {
        let before = self.pinned;
        let (base, span) = match at {
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
        };
        let output = match self.parsed(text, base, state.dialect, span) {
            Some(script) => self.script(&script, state, stdin),
            None => Value::dynamic(Source::Output, true),
        };
        self.pinned = before;
        output
    }

    pub(super) fn parsed(&mut self, text: &str, base: usize, dialect: Dialect, span: Span) -> Option<Script> {
        match parse(text, base, dialect) {
            Ok(script) => Some(script),
            Err(error) => {
                let span = self.pinned.unwrap_or(span);
                self.programs.problem(Problem::Unparsed(error), span);
                None
            }
        }
    }

    pub(super) fn script(&mut self, script: &Script, state: &mut State, stdin: &Value) -> Value {
        let mut output = Value::default();
        state.depth += 1;
        if state.depth > MAX_DEPTH {
            let span = self.pinned.unwrap_or_default();
            self.programs.problem(Problem::Limit("nesting"), span);
        } else {
            for item in &script.items {
                state.settle();
                output.append(&self.item(item, state, stdin));
            }
        }
        state.depth -= 1;
        output
    }

    fn item(&mut self, item: &Item, state: &mut State, stdin: &Value) -> Value {
        if item.background {
            let mut inside = state.clone();
            inside.concurrent = true;
            let output = self.chain(item, &mut inside, stdin);
            state.files = inside.files;
            return output;
        }
        self.chain(item, state, stdin)
    }

    fn chain(&mut self, item: &Item, state: &mut State, stdin: &Value) -> Value {
        let mut output = Value::default();
        let mut pending = None;
        for (link, pipeline) in &item.chain {
            match link {
                Link::First => output.append(&self.pipeline(pipeline, state, stdin)),
                Link::And => {
                    // What follows runs only where the `cd` before it worked.
                    pending = state.fallback.take().or(pending);
                    output.append(&self.pipeline(pipeline, state, stdin));
                }
                Link::Or => {
                    let mut otherwise = state.clone();
                    let failed = state.fallback.take().or(pending.take());
                    if let Some(old) = &failed {
                        otherwise.cwd.clone_from(old);
                        otherwise.fallback = None;
                    }
                    output.append(&self.pipeline(pipeline, &mut otherwise, stdin));
                    let ends = self.ends(pipeline);
                    if !ends {
                        pending = failed;
                        let cwd = state.cwd.clone();
                        *state = state.clone().join(otherwise);
                        state.cwd = cwd;
                    } else {
                        state.files = otherwise.files;
                    }
                }
            }
        }
        if state.fallback.is_none() {
            state.fallback = pending;
        }
        output
    }

    /// Whether the script does not go on behind this pipeline.
    fn ends(&self, pipeline: &Pipeline) -> bool {
        let Some(command) = pipeline.commands.last() else { return false };
        match &command.kind {
            CommandKind::Simple { words, .. } => {
                first_text(words).is_some_and(|name| self.programs.is_last(name))
            }
            CommandKind::Group(script) => {
                script.items.iter().any(|i| i.chain.len() == 1 && self.ends(&i.chain[0].1))
            }
            _ => false,
        }
    }

    fn pipeline(&mut self, pipeline: &Pipeline, state: &mut State, stdin: &Value) -> Value {
        if let [command] = pipeline.commands.as_slice() {
            return self.command(command, state, stdin);
        }
        let mut stream = stdin.clone();
        for command in &pipeline.commands {
            let mut inside = state.clone();
            inside.concurrent = true;
            stream = self.command(command, &mut inside, &stream);
            state.files = inside.files;
        }
        stream
    }

    fn command(&mut self, command: &Command, state: &mut State, stdin: &Value) -> Value {
        if !self.programs.step() {
            return Value::dynamic(Source::Limit, true);
        }
        let channels = self.channels(&command.redirects, state);
        let stdin = channels.stdin.as_ref().unwrap_or(stdin);
        let output = match &command.kind {
            CommandKind::Simple { assignments, words } => {
                let simple = Simple { assignments, words, span: command.span, socket: channels.socket };
                self.every_combination(&simple, state, stdin)
            }
            other => self.compound(other, state, stdin),
        };
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

    fn compound(&mut self, kind: &CommandKind, state: &mut State, stdin: &Value) -> Value {
        match kind {
            CommandKind::Group(script) => self.script(script, state, stdin),
            CommandKind::Subshell(script) => {
                let mut inside = state.clone();
                let output = self.script(script, &mut inside, stdin);
                state.files = inside.files;
                output
            }
            CommandKind::If { branches, otherwise } => {
                self.if_clause((branches, otherwise.as_ref()), state, stdin)
            }
            CommandKind::Loop { condition, body } => {
                self.bomb(condition, body);
                let mut output = self.script(condition, state, stdin);
                let before = state.clone();
                state.fallback = None;
                output.append(&self.script(body, state, stdin));
                *state = before.join(state.clone());
                output
            }
            CommandKind::For { variable, values, body } => {
                self.for_clause(variable, values.as_deref(), body, state, stdin)
            }
            CommandKind::Case { value, arms } => {
                let mut output = Value::default();
                self.value(&value.pieces, state, value.span);
                let before = state.clone();
                for (patterns, script) in arms {
                    let mut inside = before.clone();
                    for pattern in patterns {
                        self.value(&pattern.pieces, &mut inside, pattern.span);
                    }
                    output.append(&self.script(script, &mut inside, stdin));
                    *state = state.clone().join(inside);
                }
                output
            }
            CommandKind::Function { name, body } => {
                state.functions.insert(name.clone(), Arc::clone(body));
                Value::default()
            }
            CommandKind::Test { words, body } => {
                for word in words {
                    self.value(&word.pieces, state, word.span);
                }
                self.script(body, state, stdin)
            }
            CommandKind::Simple { .. } => Value::default(),
        }
    }

    fn if_clause(
        &mut self,
        (branches, otherwise): (&[(Script, Script)], Option<&Script>),
        state: &mut State,
        stdin: &Value,
    ) -> Value {
        let mut output = Value::default();
        let mut results: Option<State> = None;
        for (condition, then) in branches {
            output.append(&self.script(condition, state, stdin));
            let mut inside = state.clone();
            inside.fallback = None;
            output.append(&self.script(then, &mut inside, stdin));
            results = Some(match results {
                Some(before) => before.join(inside),
                None => inside,
            });
            if let Some(old) = state.fallback.take() {
                state.cwd = old;
            }
        }
        if let Some(script) = otherwise {
            output.append(&self.script(script, state, stdin));
        }
        if let Some(results) = results {
            *state = results.join(state.clone());
        }
        output
    }

    fn for_clause(
        &mut self,
        variable: &str,
        words: Option<&[Word]>,
        body: &Script,
        state: &mut State,
        stdin: &Value,
    ) -> Value {
        let values = match words {
            Some(words) => self.fields(words, state).0,
            None => state.positional.clone(),
        };
        let mut output = Value::default();
        let before = state.clone();
        for value in values {
            state.set(variable, value);
            output.append(&self.script(body, state, stdin));
        }
        *state = before.join(state.clone());
        output
    }

    /// A loop without end that starts something beside itself each time.
    fn bomb(&mut self, condition: &Script, body: &Script) {
        let endless = condition.items.iter().all(|item| {
            item.chain.iter().all(|(_, p)| {
                p.commands.iter().all(|c| {
                    matches!(&c.kind, CommandKind::Simple { words, .. } if matches!(first_text(words), Some("true" | ":")))
                })
            })
        });
        if endless && !pauses(body) {
            let span = body.items.first().map_or_else(Span::default, |i| i.chain[0].1.commands[0].span);
            self.programs.problem(Problem::Bomb, self.pinned.unwrap_or(span));
        }
    }
}

/// Whether something in a loop's body ends or slows it, or cannot be seen through.
fn pauses(script: &Script) -> bool {
    let commands = script.items.iter().flat_map(|i| &i.chain).flat_map(|(_, p)| &p.commands);
    commands.into_iter().any(|command| match &command.kind {
        CommandKind::Simple { words, .. } => {
            !matches!(
                first_text(words),
                None | Some(
                    "echo"
                        | "printf"
                        | "mkdir"
                        | "cd"
                        | "touch"
                        | "cp"
                        | "cat"
                        | "true"
                        | ":"
                        | "sh"
                        | "bash"
                        | "dd"
                        | "yes"
                        | "p"
                )
            ) && !script.items.iter().any(|i| i.background)
                || matches!(first_text(words), Some("sleep" | "wait" | "break" | "read" | "exit" | "return"))
        }
        CommandKind::Group(inner) | CommandKind::Subshell(inner) => pauses(inner),
        CommandKind::If { .. }
        | CommandKind::Case { .. }
        | CommandKind::Loop { .. }
        | CommandKind::For { .. } => true,
        CommandKind::Function { .. } | CommandKind::Test { .. } => false,
    })
}

/// Where the text of a script stands.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    /// Word for word in the source.
    Source(Span),
    /// It is the result of what stands here, and may stand nowhere.
    Computed(Span),
}

fn first_text(words: &[Word]) -> Option<&str> {
    match words.first()?.pieces.as_slice() {
        [crate::shell::ast::Piece::Text(text)] => Some(text),
        _ => None,
    }
}
