//! `$x` and `${x…}`.

use super::Dialect;
use super::ast::{Anchor, Name, Op, Parameter, Piece};
use super::parse::ParseError;
use super::word::{Mode, Reader, push_text};

/// Reads a parameter expansion at a `$`; a `$` that starts none is text.
pub(super) fn read(reader: &mut Reader<'_>, mode: Mode, out: &mut Vec<Piece>) -> Result<(), ParseError> {
    let quoted = mode != Mode::Plain;
    if reader.rest().starts_with("${") {
        reader.at += 2;
        let parameter = braced(reader, mode)?;
        if !reader.eat("}") {
            return Err(reader.error("`${` is not closed, or not an expansion that the shell knows"));
        }
        out.push(Piece::Parameter(Box::new(parameter)));
        return Ok(());
    }
    reader.at += 1;
    match simple_name(reader, false) {
        Some(name) => {
            let parameter = Parameter { name, indirect: false, op: Op::Value, quoted };
            out.push(Piece::Parameter(Box::new(parameter)));
        }
        None => push_text(out, "$".into(), mode == Mode::Plain),
    }
    Ok(())
}

fn simple_name(reader: &mut Reader<'_>, braced: bool) -> Option<Name> {
    let first = reader.peek()?;
    if first.is_ascii_alphabetic() || first == b'_' {
        let rest = reader.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let name = rest[..end].to_owned();
        reader.at += end;
        return Some(Name::Variable(name));
    }
    if first.is_ascii_digit() {
        let digits = reader.rest().bytes().take_while(u8::is_ascii_digit).count();
        let length = if braced { digits } else { 1 };
        let number: usize = reader.rest()[..length].parse().unwrap_or(usize::MAX);
        reader.at += length;
        return Some(if number == 0 { Name::Zero } else { Name::Positional(number) });
    }
    let name = match first {
        b'@' => Name::All,
        b'*' => Name::Joined,
        b'#' => Name::Count,
        b'?' | b'$' | b'!' => Name::Number,
        b'-' => Name::Flags,
        _ => return None,
    };
    reader.at += 1;
    Some(name)
}

fn braced(reader: &mut Reader<'_>, mode: Mode) -> Result<Parameter, ParseError> {
    let quoted = mode != Mode::Plain;
    let unknown = |reader: &Reader<'_>| reader.error("an expansion that the shell does not know");
    let second = reader.rest().as_bytes().get(1).copied();
    if reader.peek() == Some(b'#') && !matches!(second, Some(b'}' | b'#' | b'%' | b':' | b'/')) {
        reader.at += 1;
        let name = indexed_name(reader, quoted).ok_or_else(|| unknown(reader))?;
        return Ok(Parameter { name, indirect: false, op: Op::Length, quoted });
    }
    let indirect = reader.peek() == Some(b'!') && !matches!(second, Some(b'}' | b':' | b'-' | b'+' | b'='));
    if indirect {
        reader.at += 1;
    }
    let name = indexed_name(reader, quoted).ok_or_else(|| unknown(reader))?;
    if indirect && matches!(reader.rest(), r if r.starts_with("*}") || r.starts_with("@}")) {
        reader.at += 1;
        return Ok(Parameter { name, indirect: false, op: Op::Names, quoted });
    }
    if indirect && matches!(name, Name::Elements(_) | Name::JoinedElements(_)) {
        return Ok(Parameter { name, indirect: false, op: Op::Names, quoted });
    }
    let op = operation(reader, mode)?;
    Ok(Parameter { name, indirect, op, quoted })
}

fn indexed_name(reader: &mut Reader<'_>, quoted: bool) -> Option<Name> {
    let name = simple_name(reader, true)?;
    let Name::Variable(variable) = name else { return Some(name) };
    if reader.dialect != Dialect::Bash || reader.peek() != Some(b'[') {
        return Some(Name::Variable(variable));
    }
    let end = closing(reader.rest())?;
    let index = reader.rest()[1..end].to_owned();
    reader.at += end + 1;
    Some(match index.as_str() {
        "@" => Name::Elements(variable),
        "*" if quoted => Name::JoinedElements(variable),
        "*" => Name::Elements(variable),
        _ => Name::Element(variable, index),
    })
}

/// Where the bracket closes that starts `text`.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    text.char_indices().find_map(|(at, c)| {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        (depth == 0).then_some(at)
    })
}

fn operation(reader: &mut Reader<'_>, mode: Mode) -> Result<Op, ParseError> {
    // Inside double quotes the word of an expansion is double-quoted text, a pattern is not.
    let word_mode = if mode == Mode::Plain { Mode::Plain } else { Mode::DoubleQuoted };
    let colon = reader.rest().starts_with(':')
        && matches!(reader.rest().as_bytes().get(1), Some(b'-' | b'=' | b'?' | b'+'));
    if colon {
        reader.at += 1;
    }
    if reader.eat("-") {
        return Ok(Op::Default(colon, reader.pieces(word_mode, b"}")?));
    }
    if reader.eat("=") {
        return Ok(Op::Assign(colon, reader.pieces(word_mode, b"}")?));
    }
    if reader.eat("?") {
        return Ok(Op::Error(reader.pieces(word_mode, b"}")?));
    }
    if reader.eat("+") {
        return Ok(Op::Alternative(colon, reader.pieces(word_mode, b"}")?));
    }
    for (token, largest) in [("##", true), ("#", false)] {
        if reader.eat(token) {
            return Ok(Op::RemovePrefix(largest, reader.pieces(Mode::Plain, b"}")?));
        }
    }
    for (token, largest) in [("%%", true), ("%", false)] {
        if reader.eat(token) {
            return Ok(Op::RemoveSuffix(largest, reader.pieces(Mode::Plain, b"}")?));
        }
    }
    if reader.dialect == Dialect::Bash { bash_operation(reader, mode) } else { Ok(Op::Value) }
}

fn bash_operation(reader: &mut Reader<'_>, mode: Mode) -> Result<Op, ParseError> {
    if reader.eat(":") {
        let offset = reader.pieces(Mode::HereDocument, b":}")?;
        let length = if reader.eat(":") { Some(reader.pieces(Mode::HereDocument, b"}")?) } else { None };
        return Ok(Op::Substring(offset, length));
    }
    for (token, anchor) in
        [("//", Anchor::Every), ("/#", Anchor::Start), ("/%", Anchor::End), ("/", Anchor::First)]
    {
        if reader.eat(token) {
            let pattern = reader.pieces(Mode::Plain, b"/}")?;
            let replacement_mode = if mode == Mode::Plain { Mode::Plain } else { Mode::DoubleQuoted };
            let replacement =
                if reader.eat("/") { reader.pieces(replacement_mode, b"}")? } else { Vec::new() };
            return Ok(Op::Replace(anchor, pattern, replacement));
        }
    }
    for (token, upper, all) in
        [("^^", true, true), ("^", true, false), (",,", false, true), (",", false, false)]
    {
        if reader.eat(token) {
            reader.pieces(Mode::Plain, b"}")?;
            return Ok(Op::Case(upper, all));
        }
    }
    if reader.eat("@") {
        let letter = reader.peek().map_or(' ', char::from);
        reader.at += 1;
        return Ok(Op::Transform(letter));
    }
    Ok(Op::Value)
}
