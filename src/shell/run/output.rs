//! What `echo` and `printf` print.

use super::{Shell, State};
use crate::shell::{Dialect, Flavour, Part, Source, Value, decode};

impl Shell<'_> {
    /// The builtin `echo`: dash's decodes what bash's prints as it is.
    pub(super) fn echo(&mut self, arguments: &[Value], state: &State) -> Value {
        let escape = |part: &Part| matches!(part, Part::Text(text) if text.contains('\\'));
        if state.dialect == Dialect::Bash && arguments.iter().flat_map(Value::parts).any(escape) {
            self.programs.differs();
        }
        echo(arguments, state.dialect)
    }
}

/// What `echo` prints. dash expands escapes without being asked; bash does with `-e`.
#[must_use]
pub fn echo(words: &[Value], dialect: Dialect) -> Value {
    let (mut newline, mut escapes) = (true, dialect == Dialect::Dash);
    let mut words = words;
    while let [first, rest @ ..] = words {
        let Some(letters) = first.literal().and_then(|t| t.strip_prefix('-')) else { break };
        let known = if dialect == Dialect::Dash { "n" } else { "neE" };
        if letters.is_empty() || !letters.chars().all(|c| known.contains(c)) {
            break;
        }
        newline &= !letters.contains('n');
        escapes = (escapes || letters.contains('e')) && !letters.contains('E');
        words = rest;
    }
    let mut out = Value::default();
    for (at, word) in words.iter().enumerate() {
        if at > 0 {
            out.push(Part::Text(" ".into()));
        }
        out.append(word);
    }
    if escapes {
        out = out.map_text(|text| decode(text, Flavour::Echo));
    }
    if newline {
        out.push(Part::Text("\n".into()));
    }
    out
}

/// What `printf` prints for a format and its arguments.
#[must_use]
pub fn printf(format: &Value, arguments: &[Value]) -> Value {
    let format = format.settled();
    let Some(format) = format.literal() else { return Value::dynamic(Source::Output, true) };
    let mut out = Value::default();
    let mut rest = arguments;
    loop {
        let before = rest.len();
        rest = once(format, rest, &mut out);
        if rest.is_empty() || rest.len() == before {
            return out;
        }
    }
}

/// Prints the format once; returns the arguments that are left.
fn once<'v>(format: &str, mut arguments: &'v [Value], out: &mut Value) -> &'v [Value] {
    let mut text = format;
    while let Some(at) = text.find('%') {
        out.push(Part::Text(decode(&text[..at], Flavour::Printf).into()));
        let spec = &text[at + 1..];
        let length = spec.find(|c: char| c.is_ascii_alphabetic() || c == '%').unwrap_or(spec.len());
        let conversion = spec[length..].chars().next().unwrap_or('%');
        text = spec.get(length + 1..).unwrap_or("");
        if conversion == '%' {
            out.push(Part::Text("%".into()));
            continue;
        }
        let (argument, left) = match arguments {
            [first, left @ ..] => (first.clone(), left),
            [] => (Value::default(), arguments),
        };
        arguments = left;
        convert(conversion, &spec[..length], &argument, out);
    }
    out.push(Part::Text(decode(text, Flavour::Printf).into()));
    arguments
}

fn convert(conversion: char, flags: &str, argument: &Value, out: &mut Value) {
    match conversion {
        's' | 'q' => {
            let precision = flags.split_once('.').and_then(|(_, p)| p.parse::<usize>().ok());
            match (argument.literal(), precision) {
                (Some(text), Some(most)) => out.push(Part::Text(text.chars().take(most).collect())),
                _ => out.append(argument),
            }
        }
        'b' => out.append(&argument.map_text(|text| decode(text, Flavour::Echo))),
        'c' => out.push(Part::Text(argument.literal().unwrap_or("").chars().take(1).collect())),
        'd' | 'i' | 'u' | 'x' | 'X' | 'o' => match argument.literal().and_then(number) {
            Some(n) => {
                let width = flags
                    .trim_start_matches('0')
                    .parse::<usize>()
                    .ok()
                    .filter(|w| flags.starts_with('0') && *w < 64);
                out.push(Part::Text(format_number(conversion, n, width.unwrap_or(0)).into()));
            }
            None => out.append(&Value::dynamic(Source::Number, false)),
        },
        _ => out.append(&Value::dynamic(Source::Output, true)),
    }
}

fn format_number(conversion: char, n: i64, width: usize) -> String {
    match conversion {
        'x' => format!("{n:0width$x}"),
        'X' => format!("{n:0width$X}"),
        'o' => format!("{n:0width$o}"),
        _ => format!("{n:0width$}"),
    }
}

fn number(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Some(c) = text.strip_prefix(['\'', '"']) {
        return c.chars().next().map(|c| i64::from(c as u32));
    }
    match text.strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(hex, 16).ok(),
        None if text.is_empty() => Some(0),
        None if text.len() > 1 && text.starts_with('0') => i64::from_str_radix(&text[1..], 8).ok(),
        None => text.parse().ok(),
    }
}
