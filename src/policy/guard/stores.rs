//! The files that tools write, and what is in them then.

use super::analysis::Analysis;
use super::options::Arguments;
use super::rows::{holds, select};
use super::table::{Stored, Tool};
use super::{checks, content, special};
use crate::shell::run::{Call, State};
use crate::shell::{Source, Value};

impl Analysis<'_> {
    /// Notes the files that a tool writes.
    pub(super) fn stores(&mut self, tool: &Tool, arguments: &Arguments, call: &Call<'_>, state: &mut State) {
        for row in tool.stores.iter().filter(|s| holds(&s.when, arguments)) {
            let from = row.from.as_ref().map(|f| select(f, arguments, call.span)).unwrap_or_default();
            let what = match row.what {
                Stored::Remote => Value::dynamic(Source::Remote, true),
                Stored::Link => {
                    for ((to, _), (source, _)) in select(&row.to, arguments, call.span).iter().zip(&from) {
                        state.link(to, source);
                    }
                    continue;
                }
                Stored::Stdin => call.stdin.clone(),
                Stored::Fifo => Value::dynamic(Source::Input, true),
                Stored::GitClone => Value::dynamic(Source::Remote, true),
                Stored::Copy => match from.iter().find_map(|(path, _)| state.written(path)) {
                    Some(written) => written.clone(),
                    None => Value::dynamic(Source::File, true),
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
}
