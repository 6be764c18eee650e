//! `$x` and `${x…}`: values and what is done with them.

use super::expand::blurred;
use super::variables::{Contents, Key};
use super::walk::Shell;
use super::{State, pattern};
use crate::shell::ast::{Anchor, Name, Op, Parameter, Piece};
use crate::shell::{Flavour, Part, Source, Span, Value, decode};

/// Bytes of text in which patterns are replaced, at most.
const MAX_REPLACE: usize = 4096;

impl Shell<'_> {
    /// The values of a parameter expansion: one, or as many as an array has.
    pub(super) fn parameter(&mut self, parameter: &Parameter, state: &mut State, span: Span) -> Vec<Value> {
        let mut values = self.base(&parameter.name, state, span);
        if parameter.indirect
            && let Some(name) =
                values.as_ref().and_then(|v| v.first()).and_then(|v| v.literal().map(str::to_owned))
        {
            let whole = name.strip_suffix("[@]").or_else(|| name.strip_suffix("[*]"));
            values = match whole {
                Some(array) => self.base(&Name::Elements(array.to_owned()), state, span),
                None => self.base(&named(&name), state, span),
            };
        }
        self.operate(parameter, values, state, span)
    }

    fn operate(
        &mut self,
        parameter: &Parameter,
        values: Option<Vec<Value>>,
        state: &mut State,
        span: Span,
    ) -> Vec<Value> {
        let set = values.is_some();
        let full = values.iter().flatten().any(|v| !v.settled().is_empty());
        let values = values.unwrap_or_default();
        match &parameter.op {
            Op::Value if set => values,
            Op::Value => vec![unset(state)],
            Op::Length => vec![length(&parameter.name, &values)],
            Op::Default(colon, word) => match if *colon { full } else { set } {
                true if !maybe_empty(&values) => values,
                _ => vec![self.value(word, state, span)],
            },
            Op::Assign(colon, word) => {
                if if *colon { full } else { set } {
                    return values;
                }
                let value = self.value(word, state, span);
                if let Name::Variable(name) = &parameter.name {
                    state.set(name, value.clone());
                }
                vec![value]
            }
            Op::Error(word) => {
                // The text is expanded too, and may run commands.
                self.value(word, state, span);
                if full && !maybe_empty(&values) {
                    return values;
                }
                let checked = Value::dynamic(Source::Checked, false);
                if let Name::Variable(name) = &parameter.name {
                    state.set(name, checked.clone());
                }
                vec![checked]
            }
            Op::Alternative(colon, word) => {
                let value = self.value(word, state, span);
                let unknown = values.iter().any(Value::has_dynamic);
                if unknown || (if *colon { full } else { set }) { vec![value] } else { Vec::new() }
            }
            Op::Substring(offset, length) if matches!(parameter.name, Name::All | Name::Elements(_)) => {
                let offset = self.computed_pieces(offset, state, span).unwrap_or(0);
                let length = length.as_ref().and_then(|l| self.computed_pieces(l, state, span));
                // `${@:0}` starts with `$0`, `${a[@]:0}` with the first element.
                let first = if parameter.name == Name::All { offset.max(1) - 1 } else { offset.max(0) };
                let count = usize::try_from(length.unwrap_or(i64::MAX)).unwrap_or(0);
                values.into_iter().skip(usize::try_from(first).unwrap_or(0)).take(count).collect()
            }
            Op::Transform('P') => {
                // A prompt runs the substitutions in it.
                values.iter().map(|value| self.expanded(&value.code(), state, span)).collect()
            }
            Op::Names => keys(&parameter.name, state),
            op if set => values.iter().map(|value| self.change(op, value, state, span)).collect(),
            op => vec![self.change(op, &unset(state), state, span)],
        }
    }

    fn change(&mut self, op: &Op, value: &Value, state: &mut State, span: Span) -> Value {
        let settled = value.settled();
        let Some(text) = settled.literal() else {
            return self.change_partly(op, value, state, span);
        };
        match op {
            Op::RemovePrefix(largest, pieces) => {
                let pattern = self.pattern(pieces, state, span);
                Value::text(pattern::remove_prefix(text, &pattern, *largest))
            }
            Op::RemoveSuffix(largest, pieces) => {
                let pattern = self.pattern(pieces, state, span);
                Value::text(pattern::remove_suffix(text, &pattern, *largest))
            }
            Op::Replace(anchor, pieces, replacement) => {
                let pattern = self.pattern(pieces, state, span);
                let replacement = self.value(replacement, state, span);
                replace(text, &pattern, &replacement, *anchor)
            }
            Op::Substring(offset, length) => self.substring(text, (offset, length.as_deref()), state, span),
            Op::Case(upper, all) => Value::text(change_case(text, *upper, *all)),
            Op::Transform('E') => Value::text(decode(text, Flavour::AnsiC)),
            Op::Transform('U') => Value::text(text.to_uppercase()),
            Op::Transform('L') => Value::text(text.to_lowercase()),
            Op::Transform('u') => Value::text(change_case(text, true, false)),
            Op::Transform('P' | 'Q' | 'A' | 'K' | 'k') => settled.clone(),
            _ => Value::dynamic(Source::Output, true),
        }
    }

    /// The same on a value that is only partly known.
    fn change_partly(&mut self, op: &Op, value: &Value, state: &mut State, span: Span) -> Value {
        match op {
            Op::RemoveSuffix(largest, pieces) => {
                let pattern = self.pattern(pieces, state, span);
                let mut parts = value.parts().to_vec();
                let Some(Part::Text(last)) = parts.last_mut() else { return value.clone() };
                *last = pattern::remove_suffix(last, &pattern, *largest).into();
                parts.into_iter().fold(Value::default(), |mut v, p| {
                    v.push(p);
                    v
                })
            }
            Op::RemovePrefix(largest, pieces) => {
                let pattern = self.pattern(pieces, state, span);
                if *largest
                    && pattern == "*/"
                    && let Some(name) = last_name(value)
                {
                    return name;
                }
                if let Some(rest) =
                    value.prefix().strip_prefix(pattern.as_str()).filter(|_| !pattern::is_pattern(&pattern))
                {
                    let mut kept = Value::text(rest);
                    value.parts().iter().skip(1).for_each(|part| kept.push(part.clone()));
                    return kept;
                }
                let glob_last =
                    matches!(value.parts().last(), Some(Part::Glob(_) | Part::Dynamic(_) | Part::Text(_)));
                if value.has_glob() && glob_last {
                    Value::dynamic(Source::Name, false)
                } else {
                    blurred(value, true)
                }
            }
            Op::Replace(..) | Op::Case(..) | Op::Transform(_) => value.clone(),
            _ => blurred(value, true),
        }
    }

    fn substring(
        &mut self,
        text: &str,
        (offset, length): (&[Piece], Option<&[Piece]>),
        state: &mut State,
        span: Span,
    ) -> Value {
        let offset = self.computed_pieces(offset, state, span);
        let length = length.map(|l| self.computed_pieces(l, state, span));
        let chars: Vec<char> = text.chars().collect();
        let count = i64::try_from(chars.len()).unwrap_or(i64::MAX);
        let (Some(offset), None | Some(Some(_))) = (offset, length) else {
            return Value::dynamic(Source::Output, true);
        };
        let start = if offset < 0 { count.saturating_add(offset) } else { offset }.clamp(0, count);
        let end = match length.flatten() {
            Some(n) if n < 0 => count.saturating_add(n),
            Some(n) => start.saturating_add(n),
            None => count,
        };
        let (start, end) =
            (usize::try_from(start).unwrap_or(0), usize::try_from(end.clamp(start, count)).unwrap_or(0));
        Value::text(chars.get(start..end).unwrap_or_default().iter().collect::<String>())
    }

    /// A pattern as text: what was quoted means itself.
    pub(super) fn pattern(&mut self, pieces: &[Piece], state: &mut State, span: Span) -> String {
        let mut out = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Quoted(text) => out.extend(text.chars().flat_map(|c| ['\\', c])),
                other => out.push_str(&self.value(std::slice::from_ref(other), state, span).code()),
            }
        }
        out
    }

    /// The values of what is named; `None` when nothing sets it.
    fn base(&mut self, name: &Name, state: &mut State, span: Span) -> Option<Vec<Value>> {
        match name {
            Name::Variable(name) => state.variable(name).map(|v| vec![v]),
            Name::Element(name, index) => {
                let key = self.key(name, index, state, span);
                match (state.variables.contents(name), key) {
                    (Some(Contents::Array(array)), Some(key)) => array.get(&key).map(|v| vec![v.clone()]),
                    (Some(Contents::Array(_)), None) => Some(vec![Value::dynamic(Source::Output, true)]),
                    _ => state.variable(name).map(|v| vec![v]),
                }
            }
            Name::Elements(name) => match state.variables.contents(name) {
                Some(Contents::Array(array)) => Some(array.values().cloned().collect()),
                _ => state.variable(name).map(|v| vec![v]),
            },
            Name::Positional(n) => state.positional.get(n - 1).map(|v| vec![v.clone()]),
            Name::All => Some(state.positional.clone()),
            Name::Joined => (!state.positional.is_empty()).then(|| vec![together(&state.positional, state)]),
            Name::JoinedElements(name) => match state.variables.contents(name) {
                Some(Contents::Array(array)) => {
                    let values: Vec<Value> = array.values().cloned().collect();
                    Some(vec![together(&values, state)])
                }
                _ => state.variable(name).map(|v| vec![v]),
            },
            Name::Number => Some(vec![Value::dynamic(Source::Number, false)]),
            Name::Count => Some(vec![Value::text(state.positional.len().to_string())]),
            Name::Zero => Some(vec![state.zero.clone()]),
            Name::Flags => Some(vec![Value::text("hB")]),
        }
    }

    fn computed_pieces(&mut self, pieces: &[Piece], state: &mut State, span: Span) -> Option<i64> {
        let text = self.value(pieces, state, span);
        self.arithmetic(&text, state, span)
    }
}

/// The values joined by the first character of `IFS`, as `"$*"` does it.
fn together(values: &[Value], state: &State) -> Value {
    let separator = state.variable("IFS").and_then(|v| v.literal().map(str::to_owned)).unwrap_or_default();
    let separator: String = separator.chars().take(1).collect();
    let mut whole = Value::default();
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            whole.push(Part::Text(separator.as_str().into()));
        }
        whole.append(value);
    }
    whole
}

/// `${!array[@]}`: the keys; `${!prefix*}`: names of variables.
fn keys(name: &Name, state: &State) -> Vec<Value> {
    let (Name::Elements(name) | Name::JoinedElements(name)) = name else {
        let Name::Variable(prefix) = name else { return vec![Value::dynamic(Source::Output, true)] };
        let mut names: Vec<&str> =
            state.variables.iter().map(|(n, _)| n).filter(|n| n.starts_with(prefix)).collect();
        names.sort_unstable();
        return names.into_iter().map(Value::text).collect();
    };
    match state.variables.contents(name) {
        Some(Contents::Array(array)) => array
            .keys()
            .map(|key| match key {
                Key::Index(n) => Value::text(n.to_string()),
                Key::Name(text) => Value::text(text.as_str()),
            })
            .collect(),
        Some(Contents::Scalar(_)) => vec![Value::text("0")],
        None => Vec::new(),
    }
}

/// The value of a parameter that nothing sets.
fn unset(state: &State) -> Value {
    if state.options.nounset {
        Value::dynamic(Source::Checked, false)
    } else {
        Value::dynamic(Source::Unset, true)
    }
}

fn maybe_empty(values: &[Value]) -> bool {
    values.iter().all(|v| v.emptied().is_empty())
}

fn named(name: &str) -> Name {
    match name.parse::<usize>() {
        Ok(0) => Name::Zero,
        Ok(n) => Name::Positional(n),
        Err(_) => Name::Variable(name.to_owned()),
    }
}

fn length(name: &Name, values: &[Value]) -> Value {
    let many = matches!(name, Name::All | Name::Joined | Name::Elements(_) | Name::JoinedElements(_));
    match values {
        [value] if !many => value.settled().literal().map_or_else(
            || Value::dynamic(Source::Number, false),
            |text| Value::text(text.chars().count().to_string()),
        ),
        values => Value::text(values.len().to_string()),
    }
}

fn change_case(text: &str, upper: bool, all: bool) -> String {
    let change =
        |c: char| -> String { if upper { c.to_uppercase().collect() } else { c.to_lowercase().collect() } };
    text.chars().enumerate().map(|(at, c)| if all || at == 0 { change(c) } else { c.to_string() }).collect()
}

fn replace(text: &str, pattern: &str, replacement: &Value, anchor: Anchor) -> Value {
    let mut out = Value::default();
    let mut at = 0;
    if pattern.is_empty() || text.len() > MAX_REPLACE {
        return Value::text(text);
    }
    while at < text.len() {
        let ends = text[at..].char_indices().map(|(n, c)| at + n + c.len_utf8()).rev();
        let found = ends.into_iter().find(|end| {
            let placed = match anchor {
                Anchor::Start => at == 0,
                Anchor::End => *end == text.len(),
                Anchor::First | Anchor::Every => true,
            };
            placed && pattern::matches(pattern, &text[at..*end])
        });
        match found {
            Some(end) => {
                out.append(replacement);
                at = end;
                if anchor != Anchor::Every {
                    break;
                }
            }
            None => {
                let width = text[at..].chars().next().map_or(1, char::len_utf8);
                out.push(Part::Text(text[at..at + width].into()));
                at += width;
            }
        }
    }
    out.push(Part::Text(text[at.min(text.len())..].into()));
    out
}

/// The last part of a path whose last part is a pattern.
fn last_name(path: &Value) -> Option<Value> {
    let slash = |p: &Part| matches!(p, Part::Text(text) | Part::Glob(text) if text.contains('/'));
    let at = path.parts().iter().rposition(slash)?;
    let Part::Text(text) = path.parts().get(at)? else { return None };
    let rest = path.parts().get(at + 1..)?;
    let pattern = rest.iter().any(|p| matches!(p, Part::Glob(_)));
    if !pattern || rest.iter().any(|p| matches!(p, Part::Dynamic(_))) {
        return None;
    }
    let name = Part::Text(text.rsplit('/').next().unwrap_or("").into());
    Some([name].iter().chain(rest).cloned().fold(Value::default(), |mut value, part| {
        value.push(part);
        value
    }))
}
