//! Variables that make a program run, load or trust something.

use super::analysis::Analysis;
use super::effect::{Effect, Kind};
use super::{content, special};
use crate::shell::Value;
use crate::shell::run::{Call, State, matches};

/// Variables in one environment that are judged for every program anew, at most.
const MANY: usize = 64;

impl Analysis<'_> {
    /// Variables set for one program alone that make it run something.
    pub(super) fn environment(&mut self, call: &Call<'_>, state: &mut State) {
        for (name, value) in call.environment {
            let setting = format!("{name}={}", value.code());
            // A script that exports very many is told of each once.
            if call.environment.len() > MANY && !self.exported.insert(setting.clone()) {
                continue;
            }
            content::lines(self, "$environment", (&setting, content::Extent::Part), call.span, state);
            if self.rules.insecure_variables.iter().any(|pattern| matches(pattern, &setting)) {
                self.add(Effect::new(Kind::UnverifiedCode, "variable", setting, call.span));
            }
            if self.rules.runs_variables.iter().any(|n| n == name) {
                // What it runs has it in its environment too, but does not run it again.
                let mut inside = state.clone();
                inside.unset(name);
                self.shell_text(value, call.span, &mut inside, &Value::default());
                state.after(inside);
            }
            if self.rules.option_variables.iter().any(|n| n == name) {
                let text = value.map_text(|text| text.replace("\\ ", " "));
                self.try_text(&text, call.span, state);
                let words = text.code();
                let named = words.split([' ', '=']).map(|word| word.trim_start_matches(['-', 'r', 'I']));
                if named.map(Value::text).any(|path| special::untrusted(&path, state)) {
                    self.undetermined("library", value, call.span);
                }
            }
            if self.rules.loads_variables.iter().any(|n| n == name) && special::untrusted(value, state) {
                self.undetermined("library", value, call.span);
            }
        }
    }
}
