//! Trial readings: programs that may run others in ways that no table says.
//!
//! What such a program is given is read as if it were run: the words behind a program's name, text in
//! quotes, lines of its input. A reading counts only when it does harm that it can name; that something
//! cannot be read says nothing here, as most of what is tried is no command at all.

use super::analysis::Analysis;
use super::effect::{Effect, Kind};
use super::paths::Reach;
use super::rows::shown_command;
use super::special::file_content;
use super::table::Tool;
use super::texts::{commands, introduces};
use crate::model::Severity;
use crate::shell::run::{Call, State};
use crate::shell::{Span, Value};

/// Trials inside one another, at most.
const MAX_NESTING: usize = 2;
/// Commands that one trial looks at, at most.
const MAX_STEPS: usize = 2_000;
/// Readings of one word, line or vector, at most.
const MAX_READINGS: usize = 48;
/// Text that is looked through, at most.
const MAX_TEXT: usize = 20_000;

impl<'r> Analysis<'r> {
    /// A program that is in no table. What starts with a dash is none, but an option in an unusual place.
    pub(super) fn unknown_program(&mut self, call: &Call<'_>, state: &mut State) -> Value {
        if !call.words[0].prefix().starts_with('-') {
            self.try_everything(call, state);
            self.take_at_its_word(call);
        }
        Value::dynamic(crate::shell::Source::Output, true)
    }

    /// Believes that an unknown program does what its arguments say in so many words.
    fn take_at_its_word(&mut self, call: &Call<'_>) {
        let rules = self.rules;
        let name = call.words[0].prefix();
        if rules.own_programs.iter().any(|directory| name.starts_with(directory.as_str())) {
            return;
        }
        let literals = || call.words.iter().skip(1).filter_map(Value::literal);
        let says =
            |list: &[String]| literals().any(|word| told(word).any(|part| list.iter().any(|w| w == part)));
        let destroys = says(&rules.destroying_words);
        let removes_all = || says(&rules.removing_words) && says(&rules.everything_words);
        let words = call.words.iter().skip(1);
        let mut classes = words.filter_map(|word| rules.paths.class(word, Reach::Itself));
        let disk = classes.any(|class| matches!(class, "disk" | "boot-disk"));
        for (holds, class) in [(destroys || removes_all(), "words"), (disk, "disk")] {
            if holds {
                self.add(Effect::new(Kind::Told, class, shown_command(call), call.span));
            }
        }
    }

    /// Tries the words, the input and the files of a call.
    pub(super) fn try_everything(&mut self, call: &Call<'_>, state: &State) {
        self.try_vectors(1, call, state);
        let prose = &self.rules.prose_options;
        let data = |w: &Value| self.tool_of(w).is_some_and(|t| t.data);
        let end = (1..call.words.len()).find(|at| data(&call.words[*at])).unwrap_or(call.words.len());
        for at in 1..end {
            let described = call.words[at - 1].literal().is_some_and(|o| prose.iter().any(|p| p == o));
            if !described {
                let span = call.spans.get(at).copied().unwrap_or(call.span);
                self.try_text(&call.words[at], span, state);
            }
            if state.written(&call.words[at]).is_some() {
                let content = file_content(&call.words[at], state);
                self.try_text(&content, call.span, state);
            }
        }
        self.try_text(call.stdin, call.span, state);
    }

    /// Tries the words from each known program's name on.
    pub(super) fn try_vectors(&mut self, from: usize, call: &Call<'_>, state: &State) {
        let mut tried = 0;
        for at in from..call.words.len() {
            let Some(tool) = self.tool_of(&call.words[at]) else { continue };
            if tool.data || tried == MAX_READINGS {
                return;
            }
            let path = call.words[at].prefix().starts_with('/');
            let apart =
                call.words[at - 1].literal().is_some_and(|w| w == "--" || introduces(w.trim_matches('-')));
            if tool.verb && !path && !apart {
                continue;
            }
            tried += 1;
            let spans = call.spans.get(at..).unwrap_or_default();
            self.trial(state, |analysis, state| {
                analysis.argv(&call.words[at..], spans, call, state);
            });
        }
    }

    /// Tries the commands that stand in a text.
    pub(super) fn try_text(&mut self, text: &Value, span: Span, state: &State) {
        let text = text.code();
        if text.len() > MAX_TEXT || !text.contains([' ', '\t', ',']) {
            return;
        }
        let found: Vec<_> = commands(&text).filter(|c| self.is_command(c)).take(MAX_READINGS).collect();
        for words in found {
            self.trial(state, |analysis, state| match words.as_slice() {
                [code] => drop(analysis.shell_text(&Value::text(*code), span, state, &Value::default())),
                many => {
                    let words: Vec<Value> = many.iter().map(|w| Value::text(*w)).collect();
                    let stdin = Value::default();
                    let spans = vec![span; words.len()];
                    let call = Call {
                        words: &words,
                        spans: &spans,
                        stdin: &stdin,
                        environment: &[],
                        span,
                        socket: false,
                    };
                    analysis.argv(&words, &spans, &call, state);
                }
            });
        }
    }

    /// Whether text starts with the name of a program, used as one and not as a word of a sentence.
    fn is_command(&self, words: &[&str]) -> bool {
        let (first, rest) = match words {
            [code] => code.split_once([' ', '\t']).unwrap_or((code, "")),
            [first, rest @ ..] => (*first, rest.first().copied().unwrap_or("")),
            [] => return false,
        };
        let Some(tool) = self.tool_of(&Value::text(first)) else { return false };
        let argument =
            |w: &str| w == "now" || w.starts_with(['-', '+']) || w.contains(['/', '0', '1', '6', '=', '*']);
        !tool.data && !rest.trim().is_empty() && (!tool.verb || rest.split_whitespace().any(argument))
    }

    fn tool_of(&self, word: &Value) -> Option<&'r Tool> {
        let settled = word.settled();
        let text = settled.literal()?;
        self.rules.tools.named(text.rsplit('/').next().unwrap_or(text))
    }

    /// Reads something that may or may not be run, and keeps what it does only where that is harm.
    fn trial(&mut self, state: &State, read: impl FnOnce(&mut Self, &mut State)) {
        if self.trials >= MAX_NESTING {
            return;
        }
        self.trials += 1;
        let before = std::mem::take(&mut self.effects);
        let told = self.steps_told.as_ref().map_or(0, Vec::len);
        let limit = self.lower_limit(MAX_STEPS);
        read(self, &mut state.child());
        self.raise_limit(limit);
        let found = std::mem::replace(&mut self.effects, before);
        self.trials -= 1;
        let harm = |effect: &Effect| {
            let readable =
                !matches!(effect.kind, Kind::Unparsed | Kind::Undetermined | Kind::Limit | Kind::Hidden);
            readable && self.rules.broken_by(effect).is_some_and(|r| r.severity >= Severity::NeedsWaiver)
        };
        let found: Vec<Effect> = found.into_effects().into_iter().filter(harm).collect();
        if let Some(steps) = self.steps_told.as_mut().filter(|_| found.is_empty()) {
            steps.truncate(told);
        }
        found.into_iter().for_each(|effect| self.add(effect));
    }
}

/// The words that an argument is made of. Paths, addresses and prose say nothing.
fn told(argument: &str) -> impl Iterator<Item = &str> {
    let name = argument.len() > 1 && argument.contains(['/', '@', ' ', '\n', '\\']);
    let parts = argument.trim_start_matches('-').split(['-', '_', ':', '.', '=']);
    std::iter::once(argument).chain(parts).filter(move |_| !name)
}
