//! Arguments of a program → options and operands, as the tool's table says.

use super::table::{Special, Tool};
use crate::shell::{Span, Value};

/// The arguments of a program, told apart.
#[derive(Debug, Clone, Default)]
pub(super) struct Arguments {
    /// Options in order: `-x` or `--long`, and a value where one belongs to it.
    pub(super) options: Vec<(String, Option<Value>)>,
    /// Positions of the options that have a `!` right in front of them.
    pub(super) negated: Vec<usize>,
    /// The rest in order.
    pub(super) operands: Vec<Operand>,
}

/// An argument that is no option.
#[derive(Debug, Clone)]
pub(super) struct Operand {
    /// Its value.
    pub(super) value: Value,
    /// Where it is written.
    pub(super) span: Span,
    /// Its position in the command, the program being 0.
    pub(super) at: usize,
}

impl Arguments {
    /// Whether one of `names` is given; long options may be abbreviated.
    pub(super) fn has(&self, names: &[String]) -> bool {
        names.iter().any(|name| self.options.iter().any(|(given, _)| same(given, name)))
    }

    /// The values of the options `names`.
    pub(super) fn values<'a>(&'a self, names: &'a [String]) -> impl Iterator<Item = &'a Value> {
        self.values_of(names.iter().map(String::as_str))
    }

    /// The same.
    pub(super) fn values_of<'a>(
        &'a self,
        names: impl Iterator<Item = &'a str> + Clone,
    ) -> impl Iterator<Item = &'a Value> {
        self.options
            .iter()
            .filter(move |(given, _)| names.clone().any(|name| same(given, name)))
            .filter_map(|(_, value)| value.as_ref())
    }
}

/// Whether the option `given` is `name`, perhaps abbreviated as GNU programs allow.
fn same(given: &str, name: &str) -> bool {
    given == name || (given.len() >= 4 && given.starts_with("--") && name.starts_with(given))
}

/// Tells the arguments `words[1..]` of `tool` apart.
pub(super) fn parse(tool: &Tool, words: &[Value], spans: &[Span]) -> Arguments {
    let mut arguments = Arguments::default();
    let mut at = 1;
    let mut ended = false;
    if let Some(Some(first)) = words.get(1).map(|w| w.settled().literal().map(str::to_owned))
        && tool.bundle
        && !first.starts_with('-')
    {
        // `tar xzf archive`: the letters that take values take them from the words that follow.
        at = 2;
        for letter in first.chars() {
            let name = format!("-{letter}");
            let value = if tool.takes_value(&name) {
                at += 1;
                words.get(at - 1).map(Value::settled)
            } else {
                None
            };
            arguments.options.push((name, value));
        }
    }
    while let Some(word) = words.get(at) {
        let value = word.settled();
        let text = value.prefix().to_owned();
        let option = !ended && text.len() > 1 && text.starts_with('-') && !(tool.numbers && number(&text));
        let plus = !ended && tool.special == Some(Special::Shell) && text.starts_with('+');
        if plus {
            arguments.options.push((text.clone(), None));
        } else if option && text == "--" && value.literal().is_some() {
            ended = true;
        } else if option {
            if words[at - 1].literal() == Some("!") {
                arguments.negated.push(arguments.options.len());
            }
            at += one(tool, &value, &text, words.get(at + 1), &mut arguments);
        } else if !(value.is_empty() && word.has_dynamic()) {
            ended |= tool.stop;
            arguments.operands.push(Operand { value, span: spans.get(at).copied().unwrap_or_default(), at });
        }
        at += 1;
    }
    arguments
}

fn number(text: &str) -> bool {
    text[1..].chars().all(|c| c.is_ascii_digit())
}

/// Reads one option; returns how many further words it takes.
fn one(tool: &Tool, value: &Value, text: &str, next: Option<&Value>, arguments: &mut Arguments) -> usize {
    let whole = tool.long_dash || text.starts_with("--");
    if whole || tool.takes_value(text) {
        // Nim and its like write `--eval:…`.
        return match text.split_once(['=', ':']) {
            Some((name, _)) => {
                let rest = behind(value, name.len() + 1);
                arguments.options.push((name.to_owned(), Some(rest)));
                0
            }
            None if tool.takes_value(text)
                && !tool.joined.iter().any(|j| j == text)
                && value.literal().is_some() =>
            {
                arguments.options.push((text.to_owned(), next.map(Value::settled)));
                1
            }
            None => {
                arguments.options.push((text.to_owned(), None));
                0
            }
        };
    }
    for (offset, letter) in text.char_indices().skip(1) {
        let name = format!("-{letter}");
        let end = offset + letter.len_utf8();
        if tool.joined.contains(&name) {
            let rest = behind(value, end);
            arguments.options.push((name, (!rest.is_empty()).then_some(rest)));
            return 0;
        }
        if !tool.takes_value(&name) {
            arguments.options.push((name, None));
            continue;
        }
        let rest = behind(value, end);
        if rest.is_empty() {
            arguments.options.push((name, next.map(Value::settled)));
            return 1;
        }
        arguments.options.push((name, Some(rest)));
        return 0;
    }
    0
}

/// The value without its first `length` bytes.
pub(super) fn behind(value: &Value, length: usize) -> Value {
    let mut out = Value::text(value.prefix().get(length..).unwrap_or(""));
    for part in value.parts().iter().skip(1) {
        out.push(part.clone());
    }
    out
}
