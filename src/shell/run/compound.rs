//! Branches and loops. Every branch is taken, with what its condition has shown; loops run until nothing
//! changes any more, or as often as their constants say.

use super::endless;
use super::facts::{Fact, whole_subject};
use super::state::Leaving;
use super::variables::Contents;
use super::walk::joined;
use super::{Problem, Shell, State};
use crate::shell::ast::{Arm, Command, CommandKind, Piece, Script, Word};
use crate::shell::{Dynamic, Part, Source, Span, Value};

/// Rounds of a loop whose condition is known to hold, at most.
const MAX_ROUNDS: usize = 64;
/// Background jobs that a machine bears, one for each round of a loop.
const BEARABLE: usize = 2000;
/// Rounds of a loop of which nobody knows how often it runs.
const FREE_ROUNDS: usize = 3;

impl Shell<'_> {
    pub(super) fn compound(&mut self, kind: &CommandKind, state: &mut State, stdin: &Value) -> Value {
        match kind {
            CommandKind::Group(script) => self.script(script, state, stdin),
            CommandKind::Subshell(script) => {
                let mut inside = state.inside();
                let output = self.script(script, &mut inside, stdin);
                state.status = inside.status;
                state.after(inside);
                output
            }
            CommandKind::Coprocess(name, command) => self.coprocess(name, command, state),
            CommandKind::If { branches, otherwise } => {
                self.if_clause((branches, otherwise.as_ref()), state, stdin)
            }
            CommandKind::Loop { condition, until, body } => {
                self.conditional((condition, *until), body, state, stdin)
            }
            CommandKind::For { variable, values, body } => {
                self.for_clause(variable, values.as_deref(), body, state, stdin)
            }
            CommandKind::Case { value, arms } => self.case(value, arms, state, stdin),
            CommandKind::Function { name, body } => {
                self.function(name, body, state);
                Value::default()
            }
            CommandKind::Condition(condition) => {
                self.asked(condition, state);
                Value::default()
            }
            CommandKind::Arithmetic(expression) => {
                state.status = self.computed_word(expression, state).map(|n| n != 0);
                Value::default()
            }
            CommandKind::Count { heads, body } => self.count(heads, body, state, stdin),
            CommandKind::Simple { .. } => Value::default(),
        }
    }

    fn coprocess(&mut self, name: &str, command: &Command, state: &mut State) -> Value {
        let mut inside = state.inside();
        inside.concurrent = true;
        let output = self.command(command, &mut inside, &Value::dynamic(Source::Input, true));
        state.after(inside);
        // The descriptors are numbers that no script writes itself.
        let (read, write) = (63, 60);
        state.inputs.insert(read, output);
        let numbers = [read, write].map(|fd| Value::text(fd.to_string())).to_vec();
        state.variables.put(name, Contents::list(numbers));
        Value::default()
    }

    fn if_clause(
        &mut self,
        (branches, otherwise): (&[(Script, Script)], Option<&Script>),
        state: &mut State,
        stdin: &Value,
    ) -> Value {
        let mut output = Value::default();
        let mut after: Option<State> = None;
        let mut left = Some(Leaving::Shell);
        for (condition, then) in branches {
            output.append(&self.script(condition, state, stdin));
            let (inside, otherwise) = state.ways();
            let mut inside = inside.unwrap_or_else(|| state.clone());
            output.append(&self.script(then, &mut inside, stdin));
            left = left.and(inside.leaving);
            after = joined(after, ended(inside));
            *state = otherwise.unwrap_or_else(|| State { leaving: None, ..state.clone() });
        }
        if let Some(script) = otherwise {
            output.append(&self.script(script, state, stdin));
        }
        left = left.and(state.leaving);
        let last = state.clone();
        *state = joined(after, ended(last.clone())).unwrap_or(State { leaving: left, ..last });
        output
    }

    fn case(&mut self, value: &Word, arms: &[Arm], state: &mut State, stdin: &Value) -> Value {
        let mut output = Value::default();
        self.value(&value.pieces, state, value.span);
        let subject = whole_subject(value);
        let mut after: Option<State> = None;
        let mut fallen: Option<State> = None;
        let mut last = state.clone();
        for arm in arms {
            for pattern in &arm.patterns {
                self.value(&pattern.pieces, state, pattern.span);
            }
            let mut inside = state.clone();
            if let (Some(name), [pattern]) = (&subject, arm.patterns.as_slice())
                && let Some(shape) = shape(pattern)
            {
                inside.assume(&Fact::Is(name.clone(), shape));
            }
            let mut inside = joined(Some(inside), fallen.take()).unwrap_or_else(|| state.clone());
            output.append(&self.script(&arm.body, &mut inside, stdin));
            last = inside.clone();
            let ended = ended(inside);
            match arm.goes_on {
                true => fallen = ended,
                false => after = joined(after, ended),
            }
            if arm.patterns.iter().any(|p| shape(p).is_some_and(|s| s.is_empty()))
                && let Some(name) = &subject
            {
                state.assume(&Fact::Full(name.clone()));
            }
        }
        let catches_all = arms.iter().any(|a| a.patterns.iter().any(is_star));
        let unmatched = (!catches_all).then(|| state.clone());
        *state = joined(joined(after, fallen), unmatched).unwrap_or(last);
        output
    }

    fn conditional(
        &mut self,
        (condition, until): (&Script, bool),
        body: &Script,
        state: &mut State,
        stdin: &Value,
    ) -> Value {
        let mut output = Value::default();
        let mut after: Option<State> = None;
        self.loops.push(None);
        let rounds = if endless::varies(condition) { MAX_ROUNDS } else { FREE_ROUNDS };
        for round in 0..rounds {
            let before = state.variables.clone();
            output.append(&self.script(condition, state, stdin));
            let status = state.status.map(|worked| worked != until);
            let (works, fails) = state.ways();
            let (goes_on, ends) = if until { (fails, works) } else { (works, fails) };
            if status != Some(true) {
                after = joined(after, ends);
            } else if round == 0 && rounds == FREE_ROUNDS {
                self.endless(condition, body, state);
            }
            if status == Some(false) && round > 0 {
                break;
            }
            *state = goes_on.unwrap_or_else(|| State { leaving: None, ..state.clone() });
            output.append(&self.script(body, state, stdin));
            state.settle();
            let known = status == Some(true);
            if state.leaving.take().is_some()
                || before == state.variables
                || (!known && round + 1 >= FREE_ROUNDS)
            {
                break;
            }
        }
        let broken = self.loops.pop().flatten();
        *state = joined(joined(after, broken), Some(state.clone())).unwrap_or_else(|| state.clone());
        output
    }

    /// `for ((…))`
    fn count(&mut self, heads: &[Word; 3], body: &Script, state: &mut State, stdin: &Value) -> Value {
        let [first, condition, next] = heads;
        let mut output = Value::default();
        self.computed_word(first, state);
        let before = state.clone();
        self.loops.push(None);
        for round in 0..MAX_ROUNDS {
            let holds = if condition.pieces.is_empty() {
                Some(true)
            } else {
                self.computed_word(condition, state).map(|n| n != 0)
            };
            if holds == Some(false) && round > 0 {
                break;
            }
            if condition.pieces.is_empty() && round == 0 {
                self.endless(&Script::default(), body, state);
            }
            if round + 1 == MAX_ROUNDS {
                self.flood(body, state);
            }
            output.append(&self.script(body, state, stdin));
            state.settle();
            self.computed_word(next, state);
            let unknown = holds.is_none() || condition.pieces.is_empty();
            if state.leaving.take().is_some() || (unknown && round + 1 >= FREE_ROUNDS) {
                break;
            }
        }
        let broken = self.loops.pop().flatten();
        *state = joined(Some(before.join(state.clone())), broken).unwrap_or_else(|| state.clone());
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
        let mut values = match words {
            Some(words) => self.fields(words, state).0,
            None => state.positional.clone(),
        };
        if values.is_empty() {
            values.push(Value::dynamic(Source::Unset, true));
        }
        let open = values.iter().any(Value::has_dynamic) || values.iter().any(Value::has_glob);
        let rounds = if open { FREE_ROUNDS } else { 1 };
        let mut output = Value::default();
        let mut added = Vec::new();
        let before = state.clone();
        if words.is_some_and(|words| values.len().max(endless::counted(words)) > BEARABLE) {
            self.flood(body, state);
        }
        let used = endless::mentions(body, variable);
        self.loops.push(None);
        'rounds: for _ in 0..rounds {
            let start = state.variables.clone();
            for value in &values {
                state.set(variable, value.clone());
                let ahead = state.variables.clone();
                output.append(&self.script(body, state, stdin));
                state.settle();
                if state.leaving.take().is_some_and(|l| l != Leaving::Loop) {
                    break 'rounds;
                }
                // A body that does not look at its variable and changes nothing does the same each time.
                if !used && ahead == state.variables {
                    break;
                }
            }
            added.push(state.variables.added(&start));
            let mut unchanged = start;
            if let Some(value) = values.last() {
                unchanged.put(variable, Contents::Scalar(vec![value.clone()]));
            }
            if unchanged == state.variables {
                break;
            }
        }
        if doubles(&added) {
            let span = words.and_then(|w| w.first()).map_or_else(Span::default, |w| w.span);
            self.programs.problem(Problem::Limit("length of a value"), self.pinned.unwrap_or(span));
        }
        let broken = self.loops.pop().flatten();
        *state = joined(Some(before.join(state.clone())), broken).unwrap_or_else(|| state.clone());
        output
    }

    /// A loop that nothing ends and nothing slows.
    fn endless(&mut self, condition: &Script, body: &Script, state: &State) {
        if endless::runs_away(condition, body, &|name| self.programs.waits(name), state) {
            self.bomb(body);
        }
    }

    /// A loop with very many rounds that starts a job in each.
    fn flood(&mut self, body: &Script, state: &State) {
        if endless::floods(body, &|name| self.programs.waits(name), state) {
            self.bomb(body);
        }
    }

    fn bomb(&mut self, body: &Script) {
        let first = body.items.first().and_then(|i| i.chain.first()).and_then(|(_, p)| p.commands.first());
        let span = first.map_or_else(Span::default, |c| c.span);
        self.programs.problem(Problem::Bomb, self.pinned.unwrap_or(span));
    }

    pub(super) fn computed_word(&mut self, word: &Word, state: &mut State) -> Option<i64> {
        let text = self.value(&word.pieces, state, word.span);
        self.arithmetic(&text, state, word.span)
    }
}

/// The state behind a branch; `None` if the script does not go on there.
fn ended(mut state: State) -> Option<State> {
    if state.leaving.is_some() {
        return None;
    }
    state.settle();
    Some(state)
}

/// Whether each round of a loop has added at least twice as much as the one before.
fn doubles(added: &[usize]) -> bool {
    added.len() >= FREE_ROUNDS && added[0] > 0 && added.windows(2).all(|w| w[1] >= 2 * w[0])
}

/// What a value looks like that matches a pattern; `None` for one that says nothing.
fn shape(pattern: &Word) -> Option<Value> {
    let mut value = Value::default();
    for piece in &pattern.pieces {
        match piece {
            Piece::Quoted(text) => value.push(Part::Text(text.as_str().into())),
            Piece::Text(text) => {
                for (at, piece) in text.split(['*', '?', '[']).enumerate() {
                    if at > 0 {
                        value.push(Part::Dynamic(Dynamic { source: Source::Checked, empty: true }));
                    }
                    value.push(Part::Text(piece.into()));
                }
            }
            _ => return None,
        }
    }
    (!value.prefix().is_empty() || value.is_empty()).then_some(value)
}

fn is_star(pattern: &Word) -> bool {
    matches!(pattern.pieces.as_slice(), [Piece::Text(text)] if text == "*")
}
