//! A tool's table put to a call of it: what it does, runs, stores and prints.

use super::analysis::Analysis;
use super::effect::Kind;
use super::options::{self, Arguments};
use super::rows::{holds, listed, printed};
use super::table::{Special, Tool};
use super::{
    augeas, configuration, container, fetch, filter, find, firewall, interpreter, mode, repeated, sed,
    special,
};
use crate::shell::run::{Call, State};
use crate::shell::{Source, Value};

impl<'r> Analysis<'r> {
    /// Does what the table of `tool` says about this call.
    pub(super) fn apply(&mut self, tool: &'r Tool, call: &Call<'_>, state: &mut State) -> Value {
        let arguments = options::parse(tool, call.words, call.spans);
        if arguments.has(&tool.harmless) {
            self.note_devices(tool, &arguments);
            return Value::dynamic(Source::Output, true);
        }
        let Some(directory) = arguments.values(&tool.directory).last() else {
            return self.applied(tool, &arguments, call, state);
        };
        let mut inside = state.clone();
        inside.cwd = state.absolute(directory);
        let output = self.applied(tool, &arguments, call, &mut inside);
        state.after(inside);
        output
    }

    /// Notes devices that a tool has looked at: one made for that, or one that writes to devices but
    /// not this time.
    fn note_devices(&mut self, tool: &Tool, arguments: &Arguments) {
        let mut writes = tool.effects.iter().filter(|e| e.kind == Kind::Format).peekable();
        let looks = writes.peek().is_some() && !writes.any(|e| holds(&e.when, arguments));
        if tool.probes || looks || arguments.has(&tool.harmless) {
            let shown = arguments.operands.iter().filter_map(|o| o.value.literal().map(str::to_owned));
            self.probed.extend(shown.filter(|path| path.starts_with("/dev/")));
        }
    }

    /// The same, in the directory where the tool works.
    fn applied(
        &mut self,
        tool: &'r Tool,
        arguments: &Arguments,
        call: &Call<'_>,
        state: &mut State,
    ) -> Value {
        self.note_devices(tool, arguments);
        self.environment(call, state);
        let special = tool.special.and_then(|s| self.special(s, tool, arguments, call, state));
        self.effects(tool, arguments, call, state);
        if !tool.own_outputs {
            self.outputs(arguments, call, state);
        }
        if tool.verifies.iter().any(|o| o == "*") || arguments.has(&tool.verifies) {
            state.trust_downloads_if_it_works();
        }
        let mut inner = Value::default();
        for runs in tool.runs.iter().filter(|r| holds(&r.when, arguments)) {
            inner.append(&self.runs(tool, runs, arguments, call, state));
        }
        if tool.open {
            self.try_everything(call, state);
        }
        self.stores(tool, arguments, call, state);
        let endless = tool.endless.iter().any(|condition| holds(condition, arguments));
        if !endless && tool.processes.iter().any(|condition| holds(condition, arguments)) {
            return Value::dynamic(Source::Processes, true);
        }
        let output = listed(tool, arguments, call)
            .or(special)
            .unwrap_or_else(|| printed(tool, arguments, call, state, inner));
        self.ended(tool, arguments, call, state, output)
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
            Special::Xargs => Some(repeated::xargs(self, arguments, call, state)),
            Special::Parallel => Some(repeated::parallel(self, arguments, call, state)),
            Special::Chmod => {
                mode::chmod(self, arguments, state);
                None
            }
            Special::Env => Some(special::env(self, arguments, call, state)),
            Special::Container => Some(container::container(self, arguments, call, state)),
            Special::Filter => Some(filter::apply(call, state)),
            Special::Sed => {
                sed::stream_editor(self, arguments, call, state);
                Some(filter::apply(call, state))
            }
            Special::Interpreter => interpreter::run(self, tool, arguments, call, state),
            Special::Firewall => {
                firewall::command(self, arguments, call, state);
                None
            }
            Special::Augeas => {
                augeas::augeas(self, arguments, call, state);
                None
            }
            Special::Fetch => Some(fetch::fetch(self, arguments, call, state)),
            Special::Configuration => {
                configuration::configuration(self, arguments, call, state);
                None
            }
        }
    }
}
