//! `$x` and `${x…}`.

use super::Dialect;
use super::ast::{Anchor, Name, Op, Parameter, Piece};
use super::parse::Parsed;
use super::reader::{Reader, Stops, step};
use super::word::{Mode, push_text};

/// What ends an offset.
static COLON: Stops = Stops::new(b":}");
/// What ends the pattern of a replacement.
static SLASH: Stops = Stops::new(b"/}");

/// Reads a parameter expansion at a `$`; a `$` that starts none is text.
pub(super) fn read(reader: &mut Reader<'_>, mode: Mode, out: &mut Vec<Piece>) -> Parsed<()> {
    let quoted = mode != Mode::Plain;
    if reader.rest().starts_with("${") {
        let start = reader.at;
        reader.at += 2;
        let parameter = braced(reader, mode)?;
        if let Some(parameter) = parameter
            && reader.eat("}")
        {
            out.push(Piece::Parameter(Box::new(parameter)));
            return Ok(());
        }
        if reader.skips {
            reader.pieces(if quoted { Mode::DoubleQuoted } else { Mode::Plain }, &Stops::BRACE)?;
        }
        return if reader.skips && reader.eat("}") {
            Ok(())
        } else if reader.peek().is_none() {
            Err(reader.error_at(start, "`${` is not closed"))
        } else {
            Err(reader.error("an expansion that the shell does not know"))
        };
    }
    reader.at += 1;
    match simple_name(reader, false) {
        Some(name) => {
            let parameter = Parameter { name, indirect: false, op: Op::Value, quoted };
            out.push(Piece::Parameter(Box::new(parameter)));
        }
        None => push_text(out, "$", mode == Mode::Plain),
    }
    Ok(())
}

fn simple_name(reader: &mut Reader<'_>, braced: bool) -> Option<Name> {
    let first = reader.peek()?;
    if first.is_ascii_alphabetic() || first == b'_' {
        return Some(Name::Variable(variable(reader)));
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

/// The name of a variable, which may go on in the next line.
pub(super) fn variable(reader: &mut Reader<'_>) -> String {
    let mut name = String::new();
    loop {
        let rest = reader.rest();
        let end = rest.bytes().position(|b| !b.is_ascii_alphanumeric() && b != b'_').unwrap_or(rest.len());
        name.push_str(&rest[..end]);
        reader.at += end;
        if !reader.eat("\\\n") {
            return name;
        }
    }
}

/// The expansion behind `${`; nothing if it is none that is known.
fn braced(reader: &mut Reader<'_>, mode: Mode) -> Parsed<Option<Parameter>> {
    let quoted = mode != Mode::Plain;
    let second = reader.rest().as_bytes().get(1).copied();
    if reader.peek() == Some(b'#') && !matches!(second, Some(b'}' | b'#' | b'%' | b':' | b'/')) {
        reader.at += 1;
        let name = indexed_name(reader, quoted)?;
        return Ok(name.map(|name| Parameter { name, indirect: false, op: Op::Length, quoted }));
    }
    let indirect = reader.peek() == Some(b'!') && !matches!(second, Some(b'}' | b':' | b'-' | b'+' | b'='));
    if indirect {
        reader.at += 1;
    }
    let Some(name) = indexed_name(reader, quoted)? else { return Ok(None) };
    if indirect && matches!(reader.rest(), r if r.starts_with("*}") || r.starts_with("@}")) {
        reader.at += 1;
        return Ok(Some(Parameter { name, indirect: false, op: Op::Names, quoted }));
    }
    if indirect && matches!(name, Name::Elements(_) | Name::JoinedElements(_)) {
        return Ok(Some(Parameter { name, indirect: false, op: Op::Names, quoted }));
    }
    let op = operation(reader, mode)?;
    Ok(Some(Parameter { name, indirect, op, quoted }))
}

fn indexed_name(reader: &mut Reader<'_>, quoted: bool) -> Parsed<Option<Name>> {
    let Some(name) = simple_name(reader, true) else { return Ok(None) };
    let Name::Variable(variable) = name else { return Ok(Some(name)) };
    if reader.dialect != Dialect::Bash || reader.peek() != Some(b'[') {
        return Ok(Some(Name::Variable(variable)));
    }
    let end = closing(reader.rest()).ok_or_else(|| reader.error("`[` is not closed"))?;
    let index = reader.rest()[1..end].to_owned();
    reader.at += end + 1;
    Ok(Some(match index.as_str() {
        "@" => Name::Elements(variable),
        "*" if quoted => Name::JoinedElements(variable),
        "*" => Name::Elements(variable),
        _ => Name::Element(variable, index),
    }))
}

/// Where the bracket closes that starts `text`.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    text.char_indices().find_map(|(at, c)| {
        step(1);
        match c {
            '[' => depth += 1,
            ']' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        (depth == 0).then_some(at)
    })
}

fn operation(reader: &mut Reader<'_>, mode: Mode) -> Parsed<Op> {
    // Inside double quotes the word of an expansion is double-quoted text, a pattern is not.
    let word_mode = if mode == Mode::Plain { Mode::Plain } else { Mode::DoubleQuoted };
    let colon = reader.rest().starts_with(':')
        && matches!(reader.rest().as_bytes().get(1), Some(b'-' | b'=' | b'?' | b'+'));
    if colon {
        reader.at += 1;
    }
    if reader.eat("-") {
        return Ok(Op::Default(colon, reader.pieces(word_mode, &Stops::BRACE)?));
    }
    if reader.eat("=") {
        return Ok(Op::Assign(colon, reader.pieces(word_mode, &Stops::BRACE)?));
    }
    if reader.eat("?") {
        return Ok(Op::Error(reader.pieces(word_mode, &Stops::BRACE)?));
    }
    if reader.eat("+") {
        return Ok(Op::Alternative(colon, reader.pieces(word_mode, &Stops::BRACE)?));
    }
    for (token, largest) in [("##", true), ("#", false)] {
        if reader.eat(token) {
            return Ok(Op::RemovePrefix(largest, reader.pieces(Mode::Plain, &Stops::BRACE)?));
        }
    }
    for (token, largest) in [("%%", true), ("%", false)] {
        if reader.eat(token) {
            return Ok(Op::RemoveSuffix(largest, reader.pieces(Mode::Plain, &Stops::BRACE)?));
        }
    }
    if reader.dialect == Dialect::Bash { bash_operation(reader, mode) } else { Ok(Op::Value) }
}

fn bash_operation(reader: &mut Reader<'_>, mode: Mode) -> Parsed<Op> {
    if reader.eat(":") {
        let offset = reader.pieces(Mode::HereDocument, &COLON)?;
        let length =
            if reader.eat(":") { Some(reader.pieces(Mode::HereDocument, &Stops::BRACE)?) } else { None };
        return Ok(Op::Substring(offset, length));
    }
    for (token, anchor) in
        [("//", Anchor::Every), ("/#", Anchor::Start), ("/%", Anchor::End), ("/", Anchor::First)]
    {
        if reader.eat(token) {
            let pattern = reader.pieces(Mode::Plain, &SLASH)?;
            let replacement_mode = if mode == Mode::Plain { Mode::Plain } else { Mode::DoubleQuoted };
            let replacement =
                if reader.eat("/") { reader.pieces(replacement_mode, &Stops::BRACE)? } else { Vec::new() };
            return Ok(Op::Replace(anchor, pattern, replacement));
        }
    }
    for (token, upper, all) in
        [("^^", true, true), ("^", true, false), (",,", false, true), (",", false, false)]
    {
        if reader.eat(token) {
            reader.pieces(Mode::Plain, &Stops::BRACE)?;
            return Ok(Op::Case(upper, all));
        }
    }
    if reader.eat("@") {
        let letter = reader.rest().chars().next();
        reader.at += letter.map_or(0, char::len_utf8);
        return Ok(Op::Transform(letter.unwrap_or(' ')));
    }
    Ok(Op::Value)
}
