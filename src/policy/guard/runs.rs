//! Programs that run other programs, as rows of their tables say.

use super::analysis::Analysis;
use super::effect::{Effect, Kind};
use super::options::Arguments;
use super::rows::{is_assignment, select};
use super::selector::Selector;
use super::table::{How, Prints, Runs, Tool};
use super::{accounts, checks, content, interpreter, special, statements};
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
        self.programs_of_others(tool, runs, &selected, state);
        match runs.how {
            How::Argv => {
                let Some(from) = program_from(runs, arguments, call) else { return Value::default() };
                let spans = call.spans.get(from..).unwrap_or_default();
                self.argv(call.words.get(from..).unwrap_or_default(), spans, call, state)
            }
            How::Words if matches!(runs.from, Selector::Options(_)) => {
                let mut code = Value::default();
                for (value, _) in &selected {
                    code.append(&Value::text(if code.is_empty() { "" } else { " " }));
                    code.append(value);
                }
                if code.is_empty() { code } else { self.shell_text(&code, call.span, state, call.stdin) }
            }
            How::Words => {
                let Some(from) = program_from(runs, arguments, call) else { return Value::default() };
                let mut code = Value::default();
                for word in call.words.get(from..).unwrap_or_default() {
                    if !code.is_empty() {
                        code.append(&Value::text(" "));
                    }
                    code.append(&word.settled());
                }
                let span = call.spans.get(from).copied().unwrap_or(call.span);
                if code.is_empty() { code } else { self.shell_text(&code, span, state, call.stdin) }
            }
            How::Shell => {
                let mut output = Value::default();
                for (value, span) in selected {
                    output.append(&self.shell_text(&value, span, state, call.stdin));
                }
                output
            }
            How::Script => {
                let language = tool.language.as_deref().unwrap_or("");
                for (value, span) in selected {
                    interpreter::script(self, language, &value, &interpreter::Input::default(), span, state);
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
            How::Statements(from) => {
                let language = tool.language.as_deref().unwrap_or("sql");
                statements::given(self, (from, language), &selected, call, state);
                Value::dynamic(Source::Output, true)
            }
            how => self.runs_specially(how, runs, arguments, call, state),
        }
    }

    /// Options that name a program where everybody may put one, or that came over the network.
    fn programs_of_others(&mut self, tool: &Tool, runs: &Runs, named: &[(Value, Span)], state: &State) {
        let options = matches!(runs.from, Selector::Options(_)) && tool.prints != Prints::Inner;
        if !options || !matches!(runs.how, How::Program | How::File | How::Shell) {
            return;
        }
        for (program, span) in named {
            if state.written(program).is_none() && special::untrusted(program, state) {
                self.undetermined("program", program, *span);
            }
        }
    }

    /// The ways to run a program that few tools have.
    fn runs_specially(
        &mut self,
        how: How,
        runs: &Runs,
        arguments: &Arguments,
        call: &Call<'_>,
        state: &mut State,
    ) -> Value {
        let selected = select(&runs.from, arguments, call.span);
        match how {
            How::Trial => {
                for (value, span) in &selected {
                    self.try_text(value, *span, state);
                }
                if let Some(first) = operand_from(&runs.from, arguments) {
                    self.try_vectors(first, call, state);
                }
                Value::dynamic(Source::Output, true)
            }
            How::Crontab => self.crontab(arguments, call, state),
            How::Lines => {
                selected.iter().for_each(|(path, span)| self.lines(&runs.file, path, *span, call, state));
                Value::default()
            }
            How::Program => {
                for (program, span) in selected {
                    let words: Vec<Value> = [program]
                        .into_iter()
                        .chain(behind_option(&runs.from, call).iter().cloned())
                        .collect();
                    self.argv(&words, &vec![span; words.len()], call, state);
                }
                Value::default()
            }
            How::Editor => {
                let file = selected.into_iter().next().map_or_else(|| Value::text(&*runs.file), |(f, _)| f);
                self.editor(&file, call, state)
            }
            How::Passwords => {
                accounts::passwords(self, arguments, call);
                Value::default()
            }
            How::Escapes => {
                for (value, span) in selected.iter().chain([&(call.stdin.clone(), call.span)]) {
                    for line in marked(&value.code(), &runs.escapes) {
                        self.shell_text(&Value::text(line), *span, state, &Value::default());
                    }
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
                checks::check(self, check, &selected, call, state);
                Value::default()
            }
            How::Argv
            | How::Words
            | How::Shell
            | How::Script
            | How::File
            | How::Stdin
            | How::Statements(_) => Value::default(),
        }
    }

    /// Judges a crontab that comes from a file or standard input.
    fn crontab(&mut self, arguments: &Arguments, call: &Call<'_>, state: &mut State) -> Value {
        let file = arguments.operands.first().filter(|o| o.value.literal() != Some("-"));
        let text = file.map_or_else(|| call.stdin.clone(), |o| special::file_content(&o.value, state));
        let anybody = |v: &Value| special::untrusted(v, state) && state.written(v).is_none();
        if let Some(file) = file.filter(|o| anybody(&o.value)) {
            self.add(Effect::new(Kind::Backdoor, "crontab", file.value.to_string(), file.span));
        }
        content::written(self, &Value::text("/var/spool/cron/root"), &text, call.span, state);
        Value::default()
    }

    /// Runs `program` with the words of every line of a file.
    fn lines(&mut self, program: &str, path: &Value, span: Span, call: &Call<'_>, state: &mut State) {
        let text = match path.literal() {
            Some("-") => call.stdin.clone(),
            Some(_) | None => special::file_content(path, state),
        };
        let lines = text.lines().into_iter().map(|line| format!("{program} {}\n", line.code()));
        self.shell_text(&Value::text(lines.collect::<String>()), span, state, &Value::default());
    }

    /// Runs the editor that the environment names on a file.
    fn editor(&mut self, file: &Value, call: &Call<'_>, state: &mut State) -> Value {
        let names = ["SUDO_EDITOR", "VISUAL", "EDITOR"];
        let given = call.environment.iter().find(|(name, _)| names.contains(&name.as_str()));
        let editor = given.map(|(_, value)| value.clone());
        let Some(mut code) = editor.or_else(|| names.iter().find_map(|name| state.variable(name))) else {
            return Value::default();
        };
        code.append(&Value::text(" "));
        code.append(file);
        self.shell_text(&code, call.span, state, call.stdin)
    }
}

/// Where in the command a program stands: behind options and settings that the table does not know of.
fn program_from(runs: &Runs, arguments: &Arguments, call: &Call<'_>) -> Option<usize> {
    let mut from = operand_from(&runs.from, arguments)?;
    let option = |w: &Value| w.prefix().starts_with('-');
    while call.words.get(from).is_some_and(|w| option(w) || (runs.assignments && is_assignment(w))) {
        from += 1;
    }
    Some(from)
}

/// Where in the command the first operand stands that the selector names.
fn operand_from(selector: &Selector, arguments: &Arguments) -> Option<usize> {
    let first = match selector {
        Selector::From(n) | Selector::At(n) => *n,
        Selector::All | Selector::Init => 0,
        Selector::Last => arguments.operands.len().checked_sub(1)?,
        Selector::Key(_) | Selector::Options(_) | Selector::Into | Selector::Here => return None,
    };
    arguments.operands.get(first).map(|o| o.at)
}

/// The words that a program named in an option gets.
fn behind_option<'c>(option: &Selector, call: &'c Call<'_>) -> &'c [Value] {
    let Selector::Options(names) = option else { return &[] };
    let is = |w: &Value, name: &str| w.prefix().split('=').next() == Some(name);
    let end = call.words.iter().position(|w| w.literal() == Some("--"));
    let named = call.words.iter().position(|w| names.iter().any(|name| is(w, name)));
    let apart = |at: usize| usize::from(!call.words[at].prefix().contains('='));
    let from = end.or(named.map(|at| at + apart(at))).map_or(call.words.len(), |at| at + 1);
    call.words.get(from..).unwrap_or_default()
}

/// The lines that start with one of `marks`, without it.
fn marked<'t>(text: &'t str, marks: &'t [String]) -> impl Iterator<Item = &'t str> {
    text.split(['\n', ';']).filter_map(|line| {
        let line = line.trim();
        marks.iter().find_map(|mark| line.strip_prefix(mark.as_str()))
    })
}
