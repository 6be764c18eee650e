//! The files that tools write, and what is in them then.

use super::analysis::Analysis;
use super::effect::{Effect, Kind};
use super::options::Arguments;
use super::rows::{holds, input, select};
use super::table::{Stored, Tool};
use super::{checks, content, special, statements};
use crate::shell::run::{Call, State, Write};
use crate::shell::{Source, Span, Value};

impl Analysis<'_> {
    /// What a redirection does to its file.
    pub(super) fn redirect(&mut self, write: &Write<'_>, state: &mut State) {
        let (kind, sign) = match write.append {
            true => (Kind::Append, ">>"),
            false if is_nothing(write.content) => (Kind::Truncate, ">"),
            false => (Kind::Overwrite, ">"),
        };
        self.told(
            || format!("{sign} {}", write.path),
            write.span,
            |analysis| {
                analysis.add_path(Effect::new(kind, "", "", write.span), write.path, state);
                let judge = if write.append { content::added } else { content::written };
                judge(analysis, write.path, write.content, write.span, state);
                statements::sent(analysis, write.path, write.content, write.span, state);
            },
        );
    }

    /// What options name that nearly every program writes to.
    pub(super) fn outputs(&mut self, arguments: &Arguments, call: &Call<'_>, state: &State) {
        let rules = self.rules;
        for path in arguments.values(&rules.unlisted.values).filter(|v| v.prefix().starts_with('/')) {
            self.add_path(Effect::new(Kind::Overwrite, "", "", call.span), path, state);
        }
    }

    /// Notes the files that a tool writes.
    pub(super) fn stores(&mut self, tool: &Tool, arguments: &Arguments, call: &Call<'_>, state: &mut State) {
        for row in tool.stores.iter().filter(|s| holds(&s.when, arguments)) {
            let from = row.from.as_ref().map(|f| select(f, arguments, call.span)).unwrap_or_default();
            let what = match row.what {
                Stored::Remote => Value::dynamic(Source::Remote, true),
                Stored::Link => {
                    for ((to, span), (source, _)) in select(&row.to, arguments, call.span).iter().zip(&from) {
                        let to = special::destination(to, &from, state);
                        content::named(self, &to, ("link to", source), *span, state);
                        state.link(&to, source);
                        self.effects.retain(|e| !is_replaced(e, &to));
                    }
                    continue;
                }
                Stored::Stdin | Stored::Added if tool.stops.iter().any(|s| holds(s, arguments)) => {
                    Value::dynamic(Source::Output, true)
                }
                Stored::Stdin | Stored::Added => input(tool, arguments, call, state),
                Stored::Nothing => Value::default(),
                Stored::Fifo => Value::dynamic(Source::Input, true),
                Stored::GitClone => Value::dynamic(Source::Remote, true),
                Stored::Copy => from
                    .iter()
                    .map(|(path, _)| special::file_content(path, state))
                    .find(|content| !content.has(Source::File))
                    .unwrap_or_else(|| Value::dynamic(Source::File, true)),
                Stored::Archive if row.from.is_none() && call.stdin.has(Source::Remote) => call.stdin.clone(),
                Stored::Archive if copied(&from, state).has(Source::Remote) => copied(&from, state),
                Stored::Archive => continue,
            };
            for (to, span) in select(&row.to, arguments, call.span) {
                let meant = row.path.as_ref().map(|path| Value::text(path.replace("{}", &to.code())));
                let to = meant.unwrap_or(to);
                let to = match row.what {
                    Stored::GitClone => checks::clone_directory(&to),
                    Stored::Archive => to,
                    Stored::Remote
                    | Stored::Stdin
                    | Stored::Added
                    | Stored::Copy
                    | Stored::Link
                    | Stored::Nothing
                    | Stored::Fifo => special::destination(&to, &from, state),
                };
                if row.what != Stored::Remote || tool.special.is_none() {
                    if let (Stored::Copy, [(source, _)]) = (row.what, from.as_slice())
                        && state.written(source).is_none()
                    {
                        content::named(self, &to, ("copy of", source), span, state);
                    }
                    match row.what {
                        Stored::Added | Stored::Nothing => content::added(self, &to, &what, span, state),
                        _ => content::written(self, &to, &what, span, state),
                    }
                }
                state.write(&to, what.clone(), matches!(row.what, Stored::Added | Stored::Nothing));
            }
        }
    }
}

/// Whether what has moved data away from `path` has only put it elsewhere: a link stands there now.
fn is_replaced(effect: &Effect, path: &Value) -> bool {
    effect.kind == Kind::Move && effect.class == "data" && path.literal() == Some(effect.target.as_str())
}

/// Whether a file with this content is as good as empty.
fn is_nothing(content: &Value) -> bool {
    content.literal().is_some_and(|text| text.trim().len() <= 1)
}

/// What the files contain of which nothing is known but where they are.
fn copied(from: &[(Value, Span)], state: &State) -> Value {
    let contents = from.iter().map(|(path, _)| special::file_content(path, state));
    contents.into_iter().find(|c| c.has(Source::Remote)).unwrap_or_else(|| Value::dynamic(Source::File, true))
}
