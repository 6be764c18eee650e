//! Constants of scripts that are written as something else: encodings, numbers of characters, formats.

use super::decoding;
use super::language::Returns;
use super::library::flat;
use super::values::Values;
use crate::shell::{Source, Value};

/// Text in an encoding that another argument names: `Buffer.from(x, 'hex')`, `unpack('H*', x)`; or
/// numbers that are characters.
pub(super) fn coded(first: &Values, last: Option<&Values>) -> Values {
    let encoding = |v: &Values| v.text().and_then(encoding);
    if let Some(how) = last.and_then(encoding) {
        return first.map(|text| decoding::decode(how, text));
    }
    // Perl names the encoding first.
    if let (Some(how), Some(text)) = (encoding(first), last) {
        return text.map(|text| decoding::decode(how, text));
    }
    characters(std::slice::from_ref(first)).unwrap_or_else(|| first.clone())
}

fn encoding(name: &str) -> Option<Returns> {
    match name.to_lowercase().trim_end_matches(['*', '_']) {
        "base64" | "m" | "m0" => Some(Returns::Base64),
        "hex" | "h" => Some(Returns::Hex),
        "rot13" | "rot_13" => Some(Returns::Rot13),
        _ => None,
    }
}

/// What `printf` prints, given a format and what goes into it.
pub(super) fn printed(arguments: &[Values]) -> Values {
    match arguments.split_first() {
        Some((format, rest)) => formatted(format, &flat(rest)),
        None => Values::default(),
    }
}

/// `%s`, `%c`, `{}` and `{0}` in a format replaced.
pub(super) fn formatted(format: &Values, arguments: &[Value]) -> Values {
    let Some(text) = format.text() else { return Values::unknown() };
    if text.contains('%') {
        let arguments = as_characters(text, arguments);
        return Values::one(crate::shell::run::printf(&Value::text(text.replace('\\', "\\\\")), &arguments));
    }
    let mut out = Value::default();
    let mut next = arguments.iter();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        let (key, behind) = behind.split_once('}').unwrap_or((behind, ""));
        out.append(&Value::text(before));
        let value = match key.parse::<usize>() {
            Ok(at) => arguments.get(at),
            Err(_) => next.next(),
        };
        out.append(&value.cloned().unwrap_or_else(|| Value::dynamic(Source::Output, true)));
        rest = behind;
    }
    out.append(&Value::text(rest));
    Values::one(out)
}

/// The arguments of a format, numbers that go into a `%c` as the characters that they are.
fn as_characters(format: &str, arguments: &[Value]) -> Vec<Value> {
    let conversions: Vec<char> = format
        .replace("%%", "")
        .split('%')
        .skip(1)
        .filter_map(|rest| rest.chars().find(char::is_ascii_alphabetic))
        .collect();
    let one = |(at, value): (usize, &Value)| {
        let letter = conversions.get(at % conversions.len().max(1));
        let character = (letter == Some(&'c')).then(|| character(value)).flatten();
        character.map_or_else(|| value.clone(), |c| Value::text(c.to_string()))
    };
    arguments.iter().enumerate().map(one).collect()
}

/// Numbers as the characters of one text; what is no number among them says how they are packed.
pub(super) fn characters(numbers: &[Values]) -> Option<Values> {
    let text: String = numbers.iter().flat_map(|n| &n.items).filter_map(character).collect();
    if text.is_empty() { None } else { Some(Values::one(Value::text(text))) }
}

fn character(number: &Value) -> Option<char> {
    number.literal().and_then(|text| text.parse::<u32>().ok()).and_then(char::from_u32)
}

/// Numbers as characters, each a text of its own.
pub(super) fn each_character(numbers: &[Value]) -> Option<Values> {
    let one = |number: &Value| character(number).map(|c| Value::text(c.to_string()));
    let items = numbers.iter().map(one).collect::<Option<Vec<Value>>>()?;
    Some(Values { items, list: true, name: None })
}
