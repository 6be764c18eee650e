//! What tools print whose input or output has no end.

use super::analysis::Analysis;
use super::options::Arguments;
use super::rows::{holds, input};
use super::table::Tool;
use crate::shell::run::{Call, Problem, Programs, State};
use crate::shell::{Source, Value};

impl Analysis<'_> {
    /// What a tool prints, where its input or output has no end.
    pub(super) fn ended(
        &mut self,
        tool: &Tool,
        arguments: &Arguments,
        call: &Call<'_>,
        state: &State,
        output: Value,
    ) -> Value {
        if tool.endless.iter().any(|e| holds(e, arguments)) {
            return Value::dynamic(Source::Endless, false);
        }
        let stopped = tool.stops.iter().any(|s| holds(s, arguments));
        match (stopped, output.has(Source::Endless)) {
            (true, true) => return Value::dynamic(Source::Output, true),
            (true, false) => return output,
            (false, _) if !(tool.gathers || tool.passes()) => return output,
            (false, _) => {}
        }
        let input = input(tool, arguments, call, state);
        if !input.has(Source::Endless) {
            return output;
        }
        if tool.gathers {
            self.problem(Problem::Endless, call.span);
        }
        if tool.passes() { input } else { output }
    }
}
