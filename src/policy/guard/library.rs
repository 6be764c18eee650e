//! What the few functions and methods do that disguise a constant in a script.

use super::reader::Values;
use crate::shell::{Part, Source, Value};

/// What a method makes of a value.
pub(super) fn method_of(method: &str, value: Values, arguments: &[Values]) -> Values {
    let last = method.rsplit('.').next().unwrap_or(method);
    match last {
        "decode" | "encode" | "strip" | "trim" | "toString" | "to_s" | "chomp" | "read" | "text" | "each"
        | "split" | "body" | "resolve" | "readAll" => value,
        "join" => {
            let separator = value.0.first().cloned().unwrap_or_default();
            let parts: Vec<Value> = arguments.iter().flat_map(|a| a.0.clone()).collect();
            if parts.is_empty() || value.0.len() > 1 {
                let mut out = Value::default();
                value.0.iter().for_each(|v| out.append(v));
                return Values(vec![out]);
            }
            let mut out = Value::default();
            for (at, part) in parts.iter().enumerate() {
                if at > 0 {
                    out.append(&separator);
                }
                out.append(part);
            }
            Values(vec![out])
        }
        "reverse" => {
            let reversed =
                value.0.iter().map(|v| v.literal().map(|t| Value::text(t.chars().rev().collect::<String>())));
            reversed.collect::<Option<Vec<_>>>().map_or_else(Values::unknown, Values)
        }
        _ => match value.0.iter().find(|v| v.has(Source::Remote)) {
            Some(remote) => Values(vec![remote.clone()]),
            None => Values::unknown(),
        },
    }
}

/// The text with its patterns active.
pub(super) fn globbed(text: &str) -> Value {
    let mut out = Value::default();
    for c in text.chars() {
        out.push(if matches!(c, '*' | '?') { Part::Glob(c.to_string()) } else { Part::Text(c.to_string()) });
    }
    out
}

/// The parts of a path joined.
pub(super) fn joined_path(arguments: &[Values]) -> Values {
    let mut out = Value::default();
    for (at, value) in arguments.iter().flat_map(|a| &a.0).enumerate() {
        if at > 0 {
            out.push(Part::Text("/".into()));
        }
        out.append(value);
    }
    Values(vec![out])
}

/// Two values, one behind the other.
pub(super) fn joined(left: Values, right: Values) -> Values {
    match (left.0.as_slice(), right.0.as_slice()) {
        ([], _) => right,
        (_, []) => left,
        ([a], [b]) => {
            let mut whole = a.clone();
            whole.append(b);
            Values(vec![whole])
        }
        _ => Values([left.0, right.0].concat()),
    }
}
