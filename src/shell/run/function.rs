//! Functions and aliases.

use super::builtin::quoted;
use super::state::Leaving;
use super::walk::joined;
use super::{Call, Place, Problem, Shell, State};
use crate::shell::{Source, Value};
use std::sync::Arc;

/// Functions inside one another, at most.
const MAX_CALLS: usize = 24;
/// Arguments of one call of a function, at most.
const MAX_ARGUMENTS: usize = 1024;
/// Arguments that cost as much as a command.
const ARGUMENTS_A_STEP: usize = 8;

impl Shell<'_> {
    pub(super) fn alias(&mut self, name: &str, text: &str, call: &Call<'_>, state: &mut State) -> Value {
        let mut rest = &call.words[1..];
        let mut code = format!("{text} ");
        // Behind an alias that ends with a blank the next word may be one too.
        while code.ends_with("  ")
            && let Some(next) = rest.first().and_then(Value::literal).and_then(|n| state.aliases.get(n))
        {
            code = format!("{code}{next} ");
            rest = &rest[1..];
        }
        code.push_str(&quoted(rest));
        let before = Arc::clone(&state.aliases);
        Arc::make_mut(&mut state.aliases).remove(name);
        let output = self.text(&code, Place::Computed(call.span), state, call.stdin);
        state.aliases = before;
        output
    }

    pub(super) fn call(
        &mut self,
        name: &str,
        body: &crate::shell::ast::Command,
        call: &Call<'_>,
        state: &mut State,
    ) -> Value {
        // Functions that hand on what they are given twice would fill any memory, and take any time.
        let bearable = (0..call.words.len() / ARGUMENTS_A_STEP).all(|_| self.programs.step());
        if call.words.len() > MAX_ARGUMENTS || !bearable {
            self.programs.problem(Problem::Limit("arguments of a function"), call.span);
            return Value::dynamic(Source::Limit, true);
        }
        let given = call.words[1..].to_vec();
        let repeated = state.calling.iter().filter(|(n, _)| n == name).count();
        if repeated > 0 && (state.concurrent || state.calling.iter().any(|(n, g)| n == name && *g == given)) {
            if state.concurrent {
                self.programs.problem(Problem::Bomb, call.span);
            }
            return Value::dynamic(Source::Output, true);
        }
        if state.calling.len() >= MAX_CALLS {
            if repeated == 0 {
                self.programs.problem(Problem::Limit("calls of functions"), call.span);
            }
            return Value::dynamic(Source::Output, true);
        }
        let outer = std::mem::replace(&mut state.positional, given.clone());
        let locals = std::mem::take(&mut state.locals);
        state.calling.push((name.to_owned(), given));
        self.returns.push(None);
        let output = self.body(body, state, call.stdin);
        self.back(state);
        state.calling.pop();
        for (local, before) in std::mem::replace(&mut state.locals, locals).into_iter().rev() {
            if let Some(failed) = &mut state.failed {
                failed.state.variables.restore(&local, before.clone());
            }
            state.variables.restore(&local, before);
        }
        if let Some(failed) = &mut state.failed {
            failed.state.positional.clone_from(&outer);
            failed.state.locals.clone_from(&state.locals);
        }
        state.positional = outer;
        output
    }

    /// Joins the states in which a function or sourced file has returned.
    pub(super) fn back(&mut self, state: &mut State) {
        let returned = self.returns.pop().flatten();
        let here = match state.leaving {
            None => Some(state.clone()),
            Some(_) => None,
        };
        let leaving = state.leaving.filter(|l| *l == Leaving::Shell);
        let failed = state.failed.take();
        match joined(here, returned) {
            Some(joined) => *state = State { failed, leaving: None, ..joined },
            None => state.leaving = leaving,
        }
    }
}
