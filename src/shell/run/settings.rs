//! `set`, and the options of `export` and its relatives.

use super::State;
use super::state::Options;
use super::variables::Kind;
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
                if let Some(name) = tail.first().and_then(Value::literal) {
                    state.options.name(name, text == "-o");
                }
                rest = tail.get(1..).unwrap_or_default();
            }
            _ if text.starts_with('-') && text.len() > 1 || text.starts_with('+') => {
                let on = text.starts_with('-');
                text.chars().skip(1).for_each(|letter| state.options.letter(letter, on));
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

impl Options {
    /// Switches the option with this letter.
    pub fn letter(&mut self, letter: char, on: bool) {
        match letter {
            'e' => self.errexit = on,
            'u' => self.nounset = on,
            'f' => self.noglob = on,
            'a' => self.allexport = on,
            'x' => self.xtrace = on,
            _ => {}
        }
    }

    /// Switches the option with this name.
    pub fn name(&mut self, name: &str, on: bool) {
        match name {
            "errexit" => self.errexit = on,
            "nounset" => self.nounset = on,
            "noglob" => self.noglob = on,
            "allexport" => self.allexport = on,
            "xtrace" => self.xtrace = on,
            _ => {}
        }
    }
}

/// What `declare` and its relatives say about the variables that follow.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    /// What happens to their values from now on.
    pub(super) kind: Option<Kind>,
    /// Whether programs see them from now on.
    pub(super) export: Option<bool>,
    /// Whether functions are meant.
    pub(super) functions: bool,
    /// Whether variables outside of the function are meant.
    pub(super) global: bool,
}

impl Attributes {
    pub(super) fn read(command: &str, arguments: &[Value]) -> Self {
        let mut read = Self { export: (command == "export").then_some(true), ..Self::default() };
        for text in arguments.iter().filter_map(Value::literal) {
            let Some(on) = text.starts_with(['-', '+']).then(|| text.starts_with('-')) else { continue };
            for letter in text.chars().skip(1) {
                match letter {
                    'x' => read.export = Some(on),
                    'n' if command == "export" => read.export = Some(false),
                    'n' => read.kind = Some(if on { Kind::Reference } else { Kind::Plain }),
                    'i' => read.kind = Some(if on { Kind::Integer } else { Kind::Plain }),
                    'l' => read.kind = Some(if on { Kind::Lower } else { Kind::Plain }),
                    'u' => read.kind = Some(if on { Kind::Upper } else { Kind::Plain }),
                    'A' => read.kind = Some(Kind::Associative),
                    'f' | 'F' => read.functions = true,
                    'g' => read.global = true,
                    _ => {}
                }
            }
        }
        read
    }
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
