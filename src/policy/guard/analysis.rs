//! Commands → effects: looks programs up in the tables, and follows those that run others.

use super::effect::{Effect, Kind};
use super::options::{self, Arguments};
use super::paths::Reach;
use super::rules::Rules;
use super::table::{Condition, How, Prints, Runs, Selector, Special, Stored, Tool};
use super::{checks, content, filter, find, interpreter, special};
use crate::shell::run::{Call, Place, Problem, Programs, Shell, State, Write, matches};
use crate::shell::{ParseError, Source, Span, Value};

/// Commands that one analysis looks at, at most.
const MAX_STEPS: usize = 60_000;
/// Programs that run programs, inside one another, at most.
const MAX_DEPTH: usize = 40;

/// One analysis: what has been found so far.
pub(super) struct Analysis<'r> {
    pub(super) rules: &'r Rules,
    pub(super) effects: Vec<Effect>,
    steps: usize,
    /// Programs that run programs right now.
    pub(super) depth: usize,
    /// Scripts that are being run, to notice one that runs itself.
    running: Vec<String>,
    /// What of the host a container sees, inside one: host path and path inside.
    pub(super) container: Option<Vec<(String, String)>>,
}

impl<'r> Analysis<'r> {
    pub(super) fn new(rules: &'r Rules) -> Self {
        Self { rules, effects: Vec::new(), steps: 0, depth: 0, running: Vec::new(), container: None }
    }

    /// Adds an effect, once.
    pub(super) fn add(&mut self, effect: Effect) {
        if !self.effects.contains(&effect) {
            self.effects.push(effect);
        }
    }

    /// Adds an effect on paths: one for each place where the shell may stand.
    pub(super) fn add_path(&mut self, mut effect: Effect, path: &Value, state: &State) {
        let whole_node = matches!(
            effect.kind,
            Kind::Mode | Kind::Owner | Kind::Attribute | Kind::Mount | Kind::Unmount | Kind::Unpack
        );
        let reach = match effect.recursive {
            true => Reach::Below,
            false if whole_node => Reach::Node,
            false => Reach::Itself,
        };
        for whole in state.absolute(&path.settled()) {
            let Some(whole) = self.on_host(&whole) else { continue };
            if let Some(class) = self.rules.paths.class(&whole, reach) {
                effect.class = class.to_owned();
                effect.target = path.to_string();
                self.add(effect.clone());
            }
        }
    }

    /// The path as the host sees it; `None` inside a container that does not share it.
    fn on_host(&self, path: &Value) -> Option<Value> {
        let Some(volumes) = &self.container else { return Some(path.clone()) };
        let text = path.prefix();
        volumes.iter().find_map(|(host, inside)| {
            let rest = text.strip_prefix(inside.trim_end_matches('/'))?;
            if !rest.is_empty() && !rest.starts_with('/') {
                return None;
            }
            let mut mapped = Value::text(format!("{host}{rest}"));
            for part in path.parts().iter().skip(1) {
                mapped.push(part.clone());
            }
            Some(mapped)
        })
    }

    /// Runs text in a shell that the present one starts.
    pub(super) fn shell_text(&mut self, code: &Value, span: Span, state: &mut State, stdin: &Value) -> Value {
        let mut child = state.child();
        let output = self.code(code, span, &mut child, stdin);
        state.files = child.files;
        output
    }

    /// Runs text as a script in `state`. Text from the network never gets that far.
    pub(super) fn code(&mut self, code: &Value, span: Span, state: &mut State, stdin: &Value) -> Value {
        if code.has(Source::Remote) {
            self.add(Effect::new(Kind::RemoteCode, "shell", code.to_string(), span));
            return Value::unknown(Source::Remote, true);
        }
        let text = code.code();
        if code.parts().len() == 1 && code.has_unknown() {
            self.undetermined("script", code, span);
            return Value::unknown(Source::Output, true);
        }
        if self.running.contains(&text) {
            self.problem(Problem::Bomb, span);
            return Value::unknown(Source::Output, true);
        }
        self.running.push(text.clone());
        let place = Place::Computed(span);
        let output = self.nested(span, |analysis| Shell::new(analysis).text(&text, place, state, stdin));
        self.running.pop();
        output
    }

    /// Runs a command vector in the same place.
    pub(super) fn argv(
        &mut self,
        words: &[Value],
        spans: &[Span],
        call: &Call<'_>,
        state: &mut State,
    ) -> Value {
        if words.is_empty() {
            return Value::default();
        }
        let inner = Call { words, spans, ..call.clone() };
        self.nested(call.span, |analysis| analysis.run_outside(&inner, state))
    }

    /// Programs do not see the shell's functions and aliases.
    fn run_outside(&mut self, call: &Call<'_>, state: &mut State) -> Value {
        let mut child = state.child();
        for (name, value) in call.environment {
            child.set(name, value.clone());
        }
        let output = Shell::new(self).dispatch(call, &mut child);
        state.files = child.files;
        output
    }

    fn nested(&mut self, span: Span, inside: impl FnOnce(&mut Self) -> Value) -> Value {
        if self.depth >= MAX_DEPTH {
            self.problem(Problem::Limit("programs inside programs"), span);
            return Value::unknown(Source::Limit, true);
        }
        self.depth += 1;
        let output = inside(self);
        self.depth -= 1;
        output
    }

    pub(super) fn undetermined(&mut self, class: &str, what: &Value, span: Span) {
        let kind = if what.has(Source::Remote) { Kind::RemoteCode } else { Kind::Undetermined };
        self.add(Effect::new(kind, class, what.to_string(), span));
    }

    fn apply(&mut self, tool: &'r Tool, call: &Call<'_>, state: &mut State) -> Value {
        let arguments = options::parse(tool, call.words, call.spans);
        if arguments.has(&tool.harmless) {
            return Value::unknown(Source::Output, true);
        }
        self.environment(call, state);
        let special = tool.special.and_then(|s| self.special(s, tool, &arguments, call, state));
        self.effects(tool, &arguments, call, state);
        if arguments.has(&tool.verifies) {
            special::verified(state);
        }
        let mut inner = Value::default();
        for runs in tool.runs.iter().filter(|r| holds(&r.when, &arguments)) {
            inner.append(&self.runs(tool, runs, &arguments, call, state));
        }
        self.stores(tool, &arguments, call, state);
        special.unwrap_or_else(|| printed(tool, &arguments, call, state, inner))
    }

    fn special(
        &mut self,
        special: Special,
        tool: &'r Tool,
        arguments: &Arguments,
        call: &Call<'_>,
        state: &mut State,
    ) -> Option<Value> {
        match special {
            Special::Shell => Some(special::shell(self, arguments, call, state)),
            Special::Find => Some(find::find(self, call, state)),
            Special::Xargs => Some(special::xargs(self, arguments, call, state)),
            Special::Chmod => {
                special::chmod(self, arguments, state);
                None
            }
            Special::Env => Some(special::env(self, arguments, call, state)),
            Special::Container => Some(special::container(self, arguments, call, state)),
            Special::Filter => Some(filter::apply(call, state)),
            Special::Sed => {
                checks::stream_editor(self, arguments, call, state);
                Some(filter::apply(call, state))
            }
            Special::Interpreter => interpreter::run(self, tool, arguments, call, state),
            Special::Firewall => {
                checks::firewall(self, arguments, call);
                None
            }
            Special::Fetch => Some(checks::fetch(arguments, call, state)),
            Special::Sql => {
                checks::sql(self, arguments, call);
                None
            }
            Special::Configuration => {
                checks::configuration(self, arguments, call, state);
                None
            }
        }
    }

    fn effects(&mut self, tool: &Tool, arguments: &Arguments, call: &Call<'_>, state: &State) {
        for row in tool.effects.iter().filter(|e| holds(&e.when, arguments)) {
            let mut effect = Effect::new(row.kind, "", "", call.span);
            effect.recursive = row.recursive.iter().any(|o| o == "*") || arguments.has(&row.recursive);
            effect.forced = row.forced.iter().any(|o| o == "*") || arguments.has(&row.forced);
            match (&row.paths, &row.class) {
                (Some(selector), None) => {
                    for (path, span) in select(selector, arguments, call.span) {
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

    fn runs(
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
                Value::unknown(Source::Output, true)
            }
            How::File => {
                for (path, span) in selected {
                    special::run_file(self, &path, tool.language.as_deref(), call, span, state);
                }
                Value::unknown(Source::Output, true)
            }
            How::Stdin => self.shell_text(call.stdin, call.span, state, &Value::default()),
            How::Tail => {
                self.tail(call, state);
                Value::unknown(Source::Output, true)
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
                Value::unknown(Source::Output, true)
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
        }
    }

    fn stores(&mut self, tool: &Tool, arguments: &Arguments, call: &Call<'_>, state: &mut State) {
        for row in tool.stores.iter().filter(|s| holds(&s.when, arguments)) {
            let from = row.from.as_ref().map(|f| select(f, arguments, call.span)).unwrap_or_default();
            let what = match row.what {
                Stored::Remote => Value::unknown(Source::Remote, true),
                Stored::Link => {
                    for ((to, _), (source, _)) in select(&row.to, arguments, call.span).iter().zip(&from) {
                        state.link(to, source);
                    }
                    continue;
                }
                Stored::Stdin => call.stdin.clone(),
                Stored::Fifo => Value::unknown(Source::Input, true),
                Stored::GitClone => Value::unknown(Source::Remote, true),
                Stored::Copy => match from.iter().find_map(|(path, _)| state.written(path)) {
                    Some(written) => written.clone(),
                    None => Value::unknown(Source::File, true),
                },
            };
            for (to, span) in select(&row.to, arguments, call.span) {
                let to = match row.what {
                    Stored::GitClone => checks::clone_directory(&to),
                    Stored::Remote | Stored::Stdin | Stored::Copy | Stored::Link | Stored::Fifo => {
                        special::destination(&to, &from, state)
                    }
                };
                if row.what != Stored::Remote || tool.special.is_none() {
                    content::written(self, &to, &what, span, state);
                }
                state.write(&to, what.clone(), false);
            }
        }
    }

    /// Variables set for one program alone that make it run something.
    fn environment(&mut self, call: &Call<'_>, state: &mut State) {
        for (name, value) in call.environment {
            if self.rules.runs_variables.iter().any(|n| n == name) {
                self.shell_text(value, call.span, state, &Value::default());
            }
            if self.rules.loads_variables.iter().any(|n| n == name) && special::untrusted(value, state) {
                self.undetermined("library", value, call.span);
            }
        }
    }

    fn is_program(&self, value: &Value) -> bool {
        let text = value.code();
        text.starts_with('/') || self.rules.tools.named(text.rsplit('/').next().unwrap_or(&text)).is_some()
    }

    /// A program that is in no table: what its arguments would do if it ran them.
    fn unknown_program(&mut self, call: &Call<'_>, state: &mut State) -> Value {
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
        Value::unknown(Source::Output, true)
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

impl Programs for Analysis<'_> {
    fn run(&mut self, call: &Call<'_>, state: &mut State) -> Value {
        let Some(first) = call.words.first() else { return Value::default() };
        let settled = first.settled();
        if first.has(Source::Remote) {
            self.undetermined("program", first, call.span);
            return Value::unknown(Source::Output, true);
        }
        let name = settled.literal().map_or_else(|| settled.suffix().to_owned(), str::to_owned);
        let known = settled.literal().is_some() || settled.suffix().contains('/');
        if !known {
            let number = settled.parts().len() == 1 && settled.has(Source::Number);
            if !number && !(special::checked(&settled) && settled.parts().len() == 1) {
                self.undetermined("program", first, call.span);
            }
            return Value::unknown(Source::Output, true);
        }
        let base = name.rsplit('/').next().unwrap_or(&name).to_owned();
        if name.contains('/') {
            special::run_file(self, &settled, None, call, call.span, state);
        }
        let rules = self.rules;
        match rules.tools.named(&base) {
            Some(tool) => self.apply(tool, call, state),
            None => {
                self.environment(call, state);
                self.unknown_program(call, state)
            }
        }
    }

    fn write(&mut self, write: &Write<'_>, state: &mut State) {
        let kind = if write.append { Kind::Append } else { Kind::Overwrite };
        self.add_path(Effect::new(kind, "", "", write.span), write.path, state);
        content::written(self, write.path, write.content, write.span, state);
    }

    fn problem(&mut self, problem: Problem, span: Span) {
        let effect = match problem {
            Problem::Unparsed(error @ (ParseError::TooLong | ParseError::TooDeep)) => {
                Effect::new(Kind::Limit, "text", error.to_string(), span)
            }
            Problem::Unparsed(error) => Effect::new(Kind::Unparsed, "shell", error.to_string(), span),
            Problem::Limit(what) => Effect::new(Kind::Limit, what, what, span),
            Problem::Bomb => Effect::new(Kind::Exhaustion, "processes", "processes without end", span),
            Problem::Undetermined(what) => Effect::new(Kind::Undetermined, "program", what, span),
        };
        self.add(effect);
    }

    fn step(&mut self) -> bool {
        self.steps += 1;
        if self.steps == MAX_STEPS {
            self.problem(Problem::Limit("commands"), Span::default());
        }
        self.steps < MAX_STEPS
    }
}

/// What a tool prints.
fn printed(tool: &Tool, arguments: &Arguments, call: &Call<'_>, state: &State, inner: Value) -> Value {
    let operand = arguments.operands.first().map(|o| &o.value);
    match tool.prints {
        Prints::Output => Value::unknown(Source::Output, true),
        Prints::Remote => Value::unknown(Source::Remote, true),
        Prints::Stdin => match operand.filter(|_| call.stdin.is_empty()) {
            Some(path) => special::file_content(path, state),
            None => call.stdin.clone(),
        },
        Prints::Names => special::names(arguments, state),
        Prints::Temporary => special::temporary(arguments),
        Prints::Number => Value::unknown(Source::Number, false),
        Prints::Operands => arguments.operands.iter().fold(Value::default(), |mut out, o| {
            out.append(&o.value);
            out.append(&Value::text("\n"));
            out
        }),
        Prints::Inner => inner,
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
        Selector::Options(names) => return arguments.values(names).map(|v| (v.clone(), span)).collect(),
    };
    operands[range].iter().map(|o| (o.value.clone(), o.span)).collect()
}

/// Whether the arguments look as a row of a table demands.
fn holds(condition: &Condition, arguments: &Arguments) -> bool {
    (condition.any.is_empty() || arguments.has(&condition.any))
        && condition.all.iter().all(|o| arguments.has(std::slice::from_ref(o)))
        && !arguments.has(&condition.unless)
        && condition.most.is_none_or(|most| arguments.operands.len() <= most)
        && condition.option.iter().all(|(names, pattern)| {
            let names: Vec<String> = names.split(',').map(str::to_owned).collect();
            arguments.values(&names).any(|v| pattern.split('|').any(|p| matches(p, &v.code())))
        })
        && words_match(&condition.words, &arguments.operands.iter().map(|o| &o.value).collect::<Vec<_>>())
}

fn words_match(pattern: &[String], words: &[&Value]) -> bool {
    match pattern {
        [] => true,
        [first, rest @ ..] if first == "**" => (0..=words.len()).any(|n| words_match(rest, &words[n..])),
        [first, rest @ ..] => words.split_first().is_some_and(|(word, others)| {
            let text = word.code();
            first.split('|').any(|p| matches(p, &text)) && words_match(rest, others)
        }),
    }
}

fn stripped(value: &Value, prefixes: &[String]) -> Option<Value> {
    if prefixes.is_empty() {
        return Some(value.clone());
    }
    let prefix = prefixes.iter().find(|p| value.prefix().starts_with(p.as_str()))?;
    Some(options::behind(value, prefix.len()))
}

fn is_assignment(word: &Value) -> bool {
    word.prefix().split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

fn shown_command(call: &Call<'_>) -> String {
    call.words.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}
