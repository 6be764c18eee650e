//! Strings of a script, with the expansions in them.

use super::language::Action;
use super::lexer::Quoting;
use super::reader::{MAX_DEPTH, Reader};
use super::values::{Values, joined};
use crate::shell::{Flavour, Value, decode};

impl Reader<'_> {
    pub(super) fn quoted(&mut self, text: &str, quoting: Quoting) -> Values {
        match quoting {
            Quoting::Raw => Values::one(Value::text(text.replace("\\'", "'").replace("\\\\", "\\"))),
            Quoting::Escapes => Values::one(Value::text(decode(text, Flavour::Printf))),
            Quoting::Active => self.expanded(text),
            Quoting::Words => {
                Values { items: text.split_whitespace().map(Value::text).collect(), list: true, name: None }
            }
            Quoting::Run => {
                let code = self.expanded(text);
                self.note(Action::Shell, vec![code]);
                Values::unknown()
            }
        }
    }

    /// A string with expansions: one value for each that its variables may have.
    pub(super) fn expanded(&mut self, text: &str) -> Values {
        let mut out = Values::one(Value::default());
        let mut rest = text;
        while let Some(at) = rest.find(|c: char| self.language.interpolates.contains(c)) {
            let mark = rest[at..].chars().next().unwrap_or('$');
            let escaped = rest[..at].ends_with('\\');
            let inside = rest[at + mark.len_utf8()..].trim_start_matches('{');
            let braced = mark == '{' || rest[at + mark.len_utf8()..].starts_with('{');
            let name: String = inside
                .trim_start_matches('$')
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            let known = !name.is_empty() || braced;
            if escaped || !known || (mark == '#' && !braced) {
                let before = rest[..at].strip_suffix('\\').filter(|_| escaped).unwrap_or(&rest[..at]);
                out = joined(
                    out,
                    Values::one(Value::text(decode(&format!("{before}{mark}"), Flavour::Printf))),
                );
                rest = &rest[at + mark.len_utf8()..];
                continue;
            }
            out = joined(out, Values::one(Value::text(decode(&rest[..at], Flavour::Printf))));
            let end = match braced {
                true => rest[at..].find('}').map_or(rest.len(), |e| at + e + 1),
                false => behind_subscript(rest, rest.len() - inside.len() + name.len()),
            };
            let held = self.held(&rest[at + mark.len_utf8()..end], &name);
            out = joined(out, held);
            rest = &rest[end..];
        }
        joined(out, Values::one(Value::text(decode(rest, Flavour::Printf))))
    }

    /// What an expansion in a string becomes: a variable, or code of the same language.
    pub(super) fn held(&mut self, inside: &str, name: &str) -> Values {
        if let Some(value) = self.variable(name)
            && inside.trim_matches(['{', '}', '$']) == name
        {
            return Values::one(value.spaced());
        }
        let code = inside.trim_start_matches('{').trim_end_matches('}');
        let tokens = super::lexer::tokens(code, self.language);
        if self.depth >= MAX_DEPTH || tokens.is_empty() {
            return Values::unknown();
        }
        let mut inner = Reader::new(self.language, self.any, &tokens, self.around);
        inner.depth = self.depth + 1;
        inner.variables.clone_from(&self.variables);
        inner.later.clone_from(&self.later);
        let value = inner.expression();
        self.found.extend(inner.found);
        if value.items.is_empty() { Values::unknown() } else { Values::one(value.spaced()) }
    }
}

/// Where an expansion without braces ends: behind its name, or the subscript that follows it.
fn behind_subscript(text: &str, end: usize) -> usize {
    let close = match text[end..].chars().next() {
        Some('[') => ']',
        Some('{') => '}',
        _ => return end,
    };
    text[end..].find(close).map_or(end, |length| end + length + 1)
}
