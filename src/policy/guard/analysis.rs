//! Commands → effects: looks programs up in the tables, and follows those that run others.

use super::accounts::Steps;
use super::effect::{Effect, Kind};
use super::found::Found;
use super::options;
use super::parts::ANY_DEPTH;
use super::paths::Reach;
use super::rows::{prints_settings, shown_command};
use super::rules::Rules;
use super::step::Step;
use super::{container, find, readings, special};
use crate::shell::run::{Call, Place, Problem, Programs, Shell, State, Write};
use crate::shell::{ParseError, Part, Source, Span, Value};
use std::collections::HashSet;

/// Commands that one analysis looks at, at most.
const MAX_STEPS: usize = 60_000;
/// Programs that run programs, inside one another, at most.
const MAX_DEPTH: usize = 40;

/// One analysis: what has been found so far.
pub(super) struct Analysis<'r> {
    pub(super) rules: &'r Rules,
    pub(super) effects: Found,
    steps: usize,
    /// Commands that this analysis, or the present trial in it, looks at, at most.
    limit: usize,
    /// Trials that are being made, inside one another.
    pub(super) trials: usize,
    /// Programs that run programs right now.
    pub(super) depth: usize,
    /// Scripts that are being run, to notice one that runs itself.
    running: Vec<String>,
    /// Whether something that was run as a script may mean something else to another shell.
    pub(super) differs: bool,
    /// What of the host a container sees, inside one: host path and path inside.
    pub(super) container: Option<Vec<(String, String)>>,
    /// What the user wrote.
    pub(super) source: &'r str,
    /// Devices whose content has been asked for.
    pub(super) probed: Vec<String>,
    /// The programs so far, where somebody wants to know.
    pub(super) steps_told: Option<Vec<Step>>,
    /// What has been done to accounts.
    pub(super) accounts: Steps,
    /// Whether a rule of a packet filter lets ssh in.
    pub(super) admitted: bool,
    /// Texts that the machine runs by itself, inside one another, right now.
    pub(super) resident: usize,
    /// Settings of variables that were judged, where there are very many.
    pub(super) exported: HashSet<String>,
}

impl<'r> Analysis<'r> {
    pub(super) fn new(rules: &'r Rules, source: &'r str) -> Self {
        Self {
            rules,
            effects: Found::default(),
            steps: 0,
            limit: MAX_STEPS,
            trials: 0,
            depth: 0,
            running: Vec::new(),
            differs: false,
            container: None,
            source,
            probed: Vec::new(),
            steps_told: None,
            accounts: Steps::default(),
            admitted: false,
            resident: 0,
            exported: HashSet::new(),
        }
    }

    /// Adds an effect, once.
    pub(super) fn add(&mut self, effect: Effect) {
        self.effects.add(effect);
    }

    /// Adds an effect on paths: one for each place where the shell may stand.
    pub(super) fn add_path(&mut self, mut effect: Effect, path: &Value, state: &State) {
        let whole = find::widened(path, &effect, &self.rules.paths);
        let path = whole.as_ref().unwrap_or(path);
        let deep = matches!(path.parts().last(), Some(Part::Glob(pattern)) if pattern == ANY_DEPTH);
        effect.recursive |= deep && effect.kind.adds_up();
        let reach = Reach::of(&effect);
        for whole in state.absolute(&path.settled()) {
            let Some(whole) = container::on_host(self.container.as_deref(), &whole) else { continue };
            let rules = self.rules;
            let classes = rules.paths.classes(&whole, reach);
            // Of devices that may be meant, those count that a rule is about.
            let broken =
                classes.iter().filter(|_| effect.kind == Kind::Format && classes.len() > 1).find(|class| {
                    let of_class = Effect { class: (**class).to_owned(), ..effect.clone() };
                    rules.broken_by(&of_class).is_some()
                });
            let class = broken.or(classes.first());
            if let Some(class) = class.filter(|class| !self.is_asked_for(&effect, class, &whole)) {
                effect.class = (*class).to_owned();
                effect.target = path.to_string();
                self.add(effect.clone());
            }
        }
    }

    /// Whether a file system goes where the script has looked for one before, on a disk for data.
    fn is_asked_for(&self, effect: &Effect, class: &str, path: &Value) -> bool {
        let asked = || self.probed.iter().any(|p| path.literal() == Some(p.as_str()));
        effect.kind == Kind::Format && class == "disk" && asked()
    }

    /// Runs text in a shell that the present one starts.
    pub(super) fn shell_text(&mut self, code: &Value, span: Span, state: &mut State, stdin: &Value) -> Value {
        let mut child = state.child();
        let output = self.code(code, span, &mut child, stdin);
        state.after(child);
        output
    }

    /// Runs text as a script in `state`. Text from the network never gets that far.
    pub(super) fn code(&mut self, code: &Value, span: Span, state: &mut State, stdin: &Value) -> Value {
        if code.has(Source::Remote) {
            self.add(Effect::new(Kind::RemoteCode, "shell", code.to_string(), span));
            return Value::dynamic(Source::Remote, true);
        }
        let text = code.script();
        self.differs |= readings::text_differs(&text);
        if code.parts().len() == 1 && code.has_dynamic() {
            self.undetermined("script", code, span);
            return Value::dynamic(Source::Output, true);
        }
        if self.running.contains(&text) {
            self.problem(Problem::Bomb, span);
            return Value::dynamic(Source::Output, true);
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
            child.export(name, value.clone());
        }
        let output = Shell::new(self).dispatch(call, &mut child);
        state.after_either(child);
        output
    }

    fn nested(&mut self, span: Span, inside: impl FnOnce(&mut Self) -> Value) -> Value {
        if self.depth >= MAX_DEPTH {
            self.problem(Problem::Limit("programs inside programs"), span);
            return Value::dynamic(Source::Limit, true);
        }
        self.depth += 1;
        let output = inside(self);
        self.depth -= 1;
        output
    }

    /// Lets what comes look at `most` commands only; returns what [`Analysis::raise_limit`] needs.
    pub(super) fn lower_limit(&mut self, most: usize) -> usize {
        let before = self.limit;
        self.limit = before.min(self.steps + most);
        before
    }

    /// Undoes [`Analysis::lower_limit`].
    pub(super) fn raise_limit(&mut self, before: usize) {
        self.limit = before;
        self.steps = self.steps.min(before - 1);
    }

    pub(super) fn undetermined(&mut self, class: &str, what: &Value, span: Span) {
        let kind = if what.has(Source::Remote) { Kind::RemoteCode } else { Kind::Undetermined };
        self.add(Effect::new(kind, class, what.to_string(), span));
    }
}

impl Analysis<'_> {
    fn program(&mut self, call: &Call<'_>, state: &mut State) -> Value {
        let Some(first) = call.words.first() else { return Value::default() };
        let settled = first.settled();
        if first.has(Source::Remote) {
            self.undetermined("program", first, call.span);
            return Value::dynamic(Source::Output, true);
        }
        let name = settled.literal().map_or_else(|| settled.suffix().to_owned(), str::to_owned);
        let known = settled.literal().is_some() || settled.suffix().contains('/');
        if !known {
            let number = settled.parts().len() == 1 && settled.has(Source::Number);
            let checked = settled.parts().len() == 1 && special::checked(&settled);
            if !(number || checked) {
                self.undetermined("program", first, call.span);
            }
            return Value::dynamic(Source::Output, true);
        }
        let base = name.rsplit('/').next().unwrap_or(&name).to_owned();
        if name.contains('/') {
            special::run_file(self, &settled, None, call, call.span, state);
        } else if let Some(path) = special::on_path(&name, state) {
            special::run_file(self, &path, None, call, call.span, state);
        }
        let rules = self.rules;
        if rules.lists("service-scripts", &name) {
            let words = [&[Value::text("service"), Value::text(base)], &call.words[1..]].concat();
            let spans = vec![call.span; words.len()];
            return self.argv(&words, &spans, call, state);
        }
        let output = match rules.tools.named(&base) {
            Some(tool) => self.apply(tool, call, state),
            None => {
                self.environment(call, state);
                let arguments = options::parse(&rules.unlisted, call.words, call.spans);
                self.outputs(&arguments, call, state);
                self.unknown_program(call, state)
            }
        };
        if output.has(Source::Output) && prints_settings(rules, &base, call) {
            Value::default()
        } else {
            output
        }
    }
}

impl Programs for Analysis<'_> {
    fn run(&mut self, call: &Call<'_>, state: &mut State) -> Value {
        let before = self.effects.len();
        self.told(
            || shown_command(call),
            call.span,
            |analysis| {
                let output = analysis.program(call, state);
                analysis.resolve(before, call);
                output
            },
        )
    }

    fn located(&self, text: &str, at: Span) -> Option<usize> {
        self.stands_at(text, at)
    }

    fn write(&mut self, write: &Write<'_>, state: &mut State) {
        self.redirect(write, state);
    }

    fn problem(&mut self, problem: Problem, span: Span) {
        let effect = match problem {
            Problem::Unparsed(error @ (ParseError::TooLong | ParseError::TooDeep)) => {
                Effect::new(Kind::Limit, "text", error.to_string(), span)
            }
            Problem::Unparsed(error) => Effect::new(Kind::Unparsed, "shell", error.to_string(), span),
            Problem::Limit(what) => Effect::new(Kind::Limit, what, what, span),
            Problem::Bomb => Effect::new(Kind::Exhaustion, "processes", "processes without end", span),
            Problem::Endless => Effect::new(Kind::Exhaustion, "memory", "input without end", span),
            Problem::Undetermined(what) => Effect::new(Kind::Undetermined, "program", what, span),
        };
        self.add(effect);
    }

    fn differs(&mut self) {
        self.differs = true;
    }

    fn waits(&self, name: &str) -> bool {
        let base = name.rsplit('/').next().unwrap_or(name);
        !self.rules.quick_programs.iter().any(|quick| quick == base)
    }

    fn step(&mut self) -> bool {
        self.steps += 1;
        if self.steps == self.limit {
            self.problem(Problem::Limit("commands"), Span::default());
        }
        self.steps < self.limit
    }
}
