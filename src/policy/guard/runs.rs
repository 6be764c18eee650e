//! Programs that run other programs, as rows of their tables say.

use super::analysis::Analysis;
use super::options::Arguments;
use super::rows::{is_assignment, select, stripped};
use super::table::{How, Runs, Selector, Tool};
use super::{checks, content, interpreter, special};
use crate::shell::run::{Call, State};
use crate::shell::{Source, Span, Value};

impl<'r> Analysis<'r> {
    /// Runs what a row names.
    pub(super) fn runs(
        &mut self,
        tool: &'r Tool,
        runs: &Runs,
        arguments: &Arguments,
        call: &Call<'_>,
        state: &mut State,
    ) -> Value {
        let selected = select(&runs.from, arguments, call.span);
        match runs.how {
            How::Argv => {
                let from = match &runs.from {
                    Selector::From(n) => arguments.operands.get(*n).map(|o| o.at),
                    _ => arguments.operands.first().map(|o| o.at),
                };
                let Some(mut from) = from else { return Value::default() };
                if runs.loose
                    && arguments
                        .operands
                        .iter()
                        .take_while(|o| o.at < from)
                        .any(|o| self.is_program(&o.value))
                {
                    return Value::default();
                }
                while runs.assignments && call.words.get(from).is_some_and(is_assignment) {
                    from += 1;
                }
                let spans = call.spans.get(from..).unwrap_or_default();
                self.argv(call.words.get(from..).unwrap_or_default(), spans, call, state)
            }
            How::Words => {
                let mut code = Value::default();
                for (at, (value, _)) in selected.iter().enumerate() {
                    if at > 0 {
                        code.append(&Value::text(" "));
                    }
                    code.append(value);
                }
                let span = selected.first().map_or(call.span, |(_, s)| *s);
                if code.is_empty() { code } else { self.shell_text(&code, span, state, call.stdin) }
            }
            How::Shell => {
                let mut output = Value::default();
                for (value, span) in selected {
                    if let Some(code) = stripped(&value, &runs.strip) {
                        output.append(&self.shell_text(&code, span, state, call.stdin));
                    }
                }
                output
            }
            How::Script => {
                let language = tool.language.as_deref().unwrap_or("");
                for (value, span) in selected {
                    if let Some(code) = stripped(&value, &runs.strip) {
                        interpreter::script(self, language, &code, &[], span, state);
                    }
                }
                Value::dynamic(Source::Output, true)
            }
            How::File => {
                for (path, span) in selected {
                    special::run_file(self, &path, tool.language.as_deref(), call, span, state);
                }
                Value::dynamic(Source::Output, true)
            }
            How::Stdin => self.shell_text(call.stdin, call.span, state, &Value::default()),
            how => self.runs_specially(how, selected, arguments, call, state),
        }
    }

    /// The ways to run a program that few tools have.
    fn runs_specially(
        &mut self,
        how: How,
        selected: Vec<(Value, Span)>,
        arguments: &Arguments,
        call: &Call<'_>,
        state: &mut State,
    ) -> Value {
        match how {
            How::Tail => {
                self.tail(call, state);
                Value::dynamic(Source::Output, true)
            }
            How::Crontab => {
                let file = arguments.operands.first().filter(|o| o.value.literal() != Some("-"));
                let text =
                    file.map_or_else(|| call.stdin.clone(), |o| special::file_content(&o.value, state));
                content::written(self, &Value::text("/var/spool/cron/root"), &text, call.span, state);
                Value::default()
            }
            How::Daemon => {
                let Some((program, span)) = selected.into_iter().next() else { return Value::default() };
                let mut words = vec![program];
                words.extend(arguments.operands.iter().map(|o| o.value.clone()));
                let spans = vec![span; words.len()];
                self.argv(&words, &spans, call, state)
            }
            How::Netns => {
                let Some(at) = arguments.operands.get(3).map(|o| o.at) else { return Value::default() };
                let spans = call.spans.get(at..).unwrap_or_default();
                self.argv(call.words.get(at..).unwrap_or_default(), spans, call, state)
            }
            How::GitAlias => {
                for (value, span) in selected {
                    if let Some(code) = checks::git_alias(&value) {
                        self.shell_text(&code, span, state, call.stdin);
                    }
                }
                Value::default()
            }
            How::Passwords => {
                checks::passwords(self, call);
                Value::default()
            }
            How::Escapes => {
                for line in call.stdin.code().lines().filter_map(|l| l.trim_start().strip_prefix('!')) {
                    self.shell_text(&Value::text(line), call.span, state, &Value::default());
                }
                Value::dynamic(Source::Output, true)
            }
            How::Commas => {
                for (value, span) in selected {
                    let words: Vec<Value> = value.code().split(',').map(Value::text).collect();
                    self.argv(&words, &vec![span; words.len()], call, state);
                }
                Value::default()
            }
            How::Check(check) => {
                checks::check(self, check, &selected, state);
                Value::default()
            }
            How::Argv | How::Words | How::Shell | How::Script | How::File | How::Stdin => Value::default(),
        }
    }

    fn is_program(&self, value: &Value) -> bool {
        let text = value.code();
        text.starts_with('/') || self.rules.tools.named(text.rsplit('/').next().unwrap_or(&text)).is_some()
    }

    /// A program that is in no table: what its arguments would do if it ran them.
    pub(super) fn unknown_program(&mut self, call: &Call<'_>, state: &mut State) -> Value {
        if !self.tail(call, state) {
            for at in 2..call.words.len() {
                let settled = call.words[at].settled();
                let option = call.words[at - 1].literal().is_some_and(special::runs_its_value);
                if option && settled.code().contains(' ') {
                    let span = call.spans.get(at).copied().unwrap_or(call.span);
                    self.shell_text(&settled, span, state, &Value::default());
                }
            }
        }
        Value::dynamic(Source::Output, true)
    }

    /// Runs the first argument that names a program worth looking at, with what follows it.
    pub(super) fn tail(&mut self, call: &Call<'_>, state: &mut State) -> bool {
        for at in 1..call.words.len().saturating_sub(1) {
            let settled = call.words[at].settled();
            let Some(text) = settled.literal() else { continue };
            let base = text.rsplit('/').next().unwrap_or(text);
            if self.rules.tools.named(base).is_some_and(|t| t.tail) {
                self.argv(&call.words[at..], call.spans.get(at..).unwrap_or_default(), call, state);
                return true;
            }
        }
        false
    }
}
