//! `set`, `export` and their relatives.

use super::State;
use super::state::Variable;
use crate::shell::{Source, Value};

/// `set -eu`, `set -o name`, `set -- words`.
pub(super) fn set_options(arguments: &[Value], state: &mut State) -> Value {
    let mut rest = arguments;
    while let [first, tail @ ..] = rest {
        let Some(text) = first.literal() else { break };
        rest = tail;
        match text {
            "--" => {
                state.positional = tail.to_vec();
                return Value::default();
            }
            "-o" | "+o" => {
                let on = text == "-o";
                match tail.first().and_then(Value::literal) {
                    Some("errexit") => state.errexit = on,
                    Some("nounset") => state.nounset = on,
                    Some("noglob") => state.noglob = on,
                    _ => {}
                }
                rest = tail.get(1..).unwrap_or_default();
            }
            _ if text.starts_with('-') && text.len() > 1 || text.starts_with('+') => {
                let on = text.starts_with('-');
                for letter in text.chars().skip(1) {
                    match letter {
                        'e' => state.errexit = on,
                        'u' => state.nounset = on,
                        'f' => state.noglob = on,
                        _ => {}
                    }
                }
                if text.ends_with('o') {
                    let named = Value::text(if on { "-o" } else { "+o" });
                    let tail = [&[named], rest].concat();
                    return set_options(&tail, state);
                }
            }
            _ => {
                state.positional = arguments[arguments.len() - tail.len() - 1..].to_vec();
                return Value::default();
            }
        }
    }
    if !rest.is_empty() {
        state.positional = rest.to_vec();
    }
    Value::default()
}

/// `export NAME=value`, `declare -a NAME=(…)`.
pub(super) fn declare(arguments: &[Value], state: &mut State) -> Value {
    for argument in arguments {
        let Some((name, value)) = assignment(argument) else { continue };
        match value.literal().and_then(|t| t.strip_prefix('(')?.strip_suffix(')')) {
            Some(elements) => {
                let elements = elements.split_whitespace().map(|e| Value::text(e.trim_matches(['"', '\''])));
                let array = Variable::Array(elements.collect());
                state.variables.insert(name, array);
            }
            None => state.set(&name, value),
        }
    }
    Value::default()
}

/// Splits `NAME=value`.
#[must_use]
pub fn assignment(word: &Value) -> Option<(String, Value)> {
    let (name, text) = word.prefix().split_once('=')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let name = name.strip_suffix('+').unwrap_or(name);
    if name.is_empty() || !name.chars().all(plain) {
        return None;
    }
    let mut value = Value::text(text);
    for part in word.parts().iter().skip(1) {
        value.push(part.clone());
    }
    if value.is_empty() && word.parts().len() > 1 {
        value = Value::dynamic(Source::Output, true);
    }
    Some((name.to_owned(), value))
}
