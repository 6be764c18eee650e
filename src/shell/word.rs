//! A word's text → its pieces: quotes, escapes, expansions, with byte positions.
//!
//! The grammar hands words over as text. They are taken apart here and not by its own word parser,
//! because every byte needs a place, and because this one neither panics nor backtracks.

use super::ast::{Piece, Word};
use super::parse::ParseError;
use super::{Dialect, Span, escape, parameter};

/// What quotes mean where the text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// An ordinary word.
    Plain,
    /// Inside double quotes.
    DoubleQuoted,
    /// The body of a here-document, or arithmetic: quotes are plain characters.
    HereDocument,
}

/// Takes `text` apart, which stands at `span`.
pub(super) fn parse(text: &str, span: Span, dialect: Dialect, mode: Mode) -> Result<Word, ParseError> {
    let mut reader = Reader { text, at: 0, base: span.start, dialect, depth: 0 };
    let pieces = reader.pieces(mode, b"")?;
    Ok(Word { pieces, span })
}

/// Expansions inside one another, at most.
const MAX_DEPTH: usize = 32;

/// A position in the text of a word.
pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    pub(super) base: usize,
    pub(super) dialect: Dialect,
    pub(super) depth: usize,
}

impl Reader<'_> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    pub(super) fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    pub(super) fn error(&self, message: &str) -> ParseError {
        let at = self.base + self.at;
        ParseError::Syntax { message: message.to_owned(), span: Span::new(at, at + 1) }
    }

    /// The pieces up to the end or to an unquoted byte of `stop`, which is not consumed.
    pub(super) fn pieces(&mut self, mode: Mode, stop: &[u8]) -> Result<Vec<Piece>, ParseError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(ParseError::TooDeep);
        }
        let mut out = Vec::new();
        if mode == Mode::Plain {
            self.tilde(&mut out);
        }
        while let Some(byte) = self.peek() {
            if stop.contains(&byte) {
                break;
            }
            self.piece(byte, mode, stop, &mut out)?;
        }
        self.depth -= 1;
        Ok(out)
    }

    fn piece(&mut self, byte: u8, mode: Mode, stop: &[u8], out: &mut Vec<Piece>) -> Result<(), ParseError> {
        let plain = mode == Mode::Plain;
        match byte {
            b'\\' => self.backslash(mode, out),
            b'\'' if plain => {
                self.at += 1;
                let end = self.rest().find('\'').ok_or_else(|| self.error("a quote is not closed"))?;
                out.push(Piece::Quoted(self.rest()[..end].to_owned()));
                self.at += end + 1;
            }
            b'"' if plain => self.double_quoted(out)?,
            b'"' if mode == Mode::DoubleQuoted => self.at += 1,
            b'$' => self.dollar(mode, out)?,
            b'`' => self.backquote(mode, out)?,
            _ => {
                let special = |c: char| {
                    matches!(c, '\\' | '\'' | '"' | '$' | '`')
                        || u8::try_from(c).is_ok_and(|b| stop.contains(&b))
                };
                let rest = self.rest();
                let first = rest.chars().next().map_or(1, char::len_utf8);
                let end = rest[first..].find(special).map_or(rest.len(), |n| first + n);
                let text = rest[..end].to_owned();
                self.at += end;
                push_text(out, text, plain);
            }
        }
        Ok(())
    }

    fn tilde(&mut self, out: &mut Vec<Piece>) {
        if self.peek() != Some(b'~') {
            return;
        }
        let rest = &self.rest()[1..];
        let end = rest.find('/').unwrap_or(rest.len());
        if rest[..end].chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+')) {
            out.push(Piece::Tilde(rest[..end].to_owned()));
            self.at += end + 1;
        }
    }

    fn backslash(&mut self, mode: Mode, out: &mut Vec<Piece>) {
        self.at += 1;
        let Some(c) = self.rest().chars().next() else {
            out.push(Piece::Quoted("\\".into()));
            return;
        };
        let escapes = match mode {
            Mode::Plain => true,
            Mode::DoubleQuoted => matches!(c, '$' | '`' | '"' | '\\' | '\n'),
            Mode::HereDocument => matches!(c, '$' | '`' | '\\' | '\n'),
        };
        self.at += c.len_utf8();
        match (escapes, c) {
            (true, '\n') => {}
            (true, c) => out.push(Piece::Quoted(c.to_string())),
            (false, c) => out.push(Piece::Quoted(format!("\\{c}"))),
        }
    }

    fn double_quoted(&mut self, out: &mut Vec<Piece>) -> Result<(), ParseError> {
        self.at += 1;
        let inner = self.pieces(Mode::DoubleQuoted, b"\"")?;
        if !self.eat("\"") {
            return Err(self.error("a double quote is not closed"));
        }
        // `""` is a word although nothing is in it.
        out.push(Piece::Quoted(String::new()));
        out.extend(inner);
        Ok(())
    }

    fn dollar(&mut self, mode: Mode, out: &mut Vec<Piece>) -> Result<(), ParseError> {
        let bash = self.dialect == Dialect::Bash;
        let plain = mode == Mode::Plain;
        if bash && plain && self.rest().starts_with("$'") {
            self.at += 2;
            let (text, length) =
                escape::ansi_c(self.rest()).ok_or_else(|| self.error("a quote is not closed"))?;
            self.at += length;
            out.push(Piece::Quoted(text));
            return Ok(());
        }
        if bash && plain && self.rest().starts_with("$\"") {
            self.at += 1;
            return self.double_quoted(out);
        }
        if self.rest().starts_with("$((")
            && let Some(length) = self.arithmetic_length()
        {
            let inner = &self.rest()[3..length - 2];
            let span = Span::new(self.base + self.at + 3, self.base + self.at + length);
            let depth = self.depth;
            let mut reader = Reader { text: inner, at: 0, base: span.start, dialect: self.dialect, depth };
            out.push(Piece::Arithmetic { pieces: reader.pieces(Mode::HereDocument, b"")? });
            self.at += length;
            return Ok(());
        }
        if self.rest().starts_with("$(") {
            let start = self.at + 2;
            let length =
                command_length(&self.text[start..]).ok_or_else(|| self.error("`$(` is not closed"))?;
            out.push(Piece::Command {
                text: self.text[start..start + length].to_owned(),
                at: self.base + start,
                quoted: !plain,
            });
            self.at = start + length + 1;
            return Ok(());
        }
        if bash && self.rest().starts_with("$[") {
            let end = self.rest().find(']').ok_or_else(|| self.error("`$[` is not closed"))?;
            out.push(Piece::Arithmetic { pieces: vec![Piece::Quoted(self.rest()[2..end].to_owned())] });
            self.at += end + 1;
            return Ok(());
        }
        parameter::read(self, mode, out)
    }

    /// Length of `$((…))` where it stands, if it is arithmetic and not a subshell in a substitution.
    fn arithmetic_length(&self) -> Option<usize> {
        let bytes = self.rest().as_bytes();
        let mut depth = 0usize;
        for (at, byte) in bytes.iter().enumerate().skip(1) {
            match byte {
                b'(' => depth += 1,
                b')' => {
                    depth = depth.checked_sub(1)?;
                    if depth == 1 && bytes.get(at + 1) == Some(&b')') {
                        return Some(at + 2);
                    }
                    if depth == 0 {
                        return None;
                    }
                }
                _ => {}
            }
        }
        None
    }

    fn backquote(&mut self, mode: Mode, out: &mut Vec<Piece>) -> Result<(), ParseError> {
        let start = self.at + 1;
        let mut text = String::new();
        let mut chars = self.text[start..].char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '`' => {
                    out.push(Piece::Command { text, at: self.base + start, quoted: mode != Mode::Plain });
                    self.at = start + at + 1;
                    return Ok(());
                }
                '\\' => match chars.peek() {
                    Some(&(_, next @ ('$' | '`' | '\\'))) => {
                        text.push(next);
                        chars.next();
                    }
                    Some(&(_, next @ '"')) if mode == Mode::DoubleQuoted => {
                        text.push(next);
                        chars.next();
                    }
                    _ => text.push('\\'),
                },
                c => text.push(c),
            }
        }
        Err(self.error("a back quote is not closed"))
    }
}

/// Adds text, joined with the text before it.
pub(super) fn push_text(out: &mut Vec<Piece>, text: String, plain: bool) {
    match (plain, out.last_mut()) {
        (true, Some(Piece::Text(before))) | (false, Some(Piece::Quoted(before))) => before.push_str(&text),
        (true, _) => out.push(Piece::Text(text)),
        (false, _) => out.push(Piece::Quoted(text)),
    }
}

/// Bytes before the `)` that closes a command substitution whose inside starts `text`.
fn command_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut depth, mut at, mut cases) = (0usize, 0, 0usize);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'\'' => at += 1 + bytes[at + 1..].iter().position(|b| *b == b'\'')?,
            b'"' => at = quoted_end(text, at)?,
            b'`' => at += 1 + bytes[at + 1..].iter().position(|b| *b == b'`')?,
            b'#' if at == 0 || matches!(bytes[at - 1], b' ' | b'\t' | b'\n' | b';' | b'(') => {
                at += bytes[at..].iter().position(|b| *b == b'\n').unwrap_or(bytes.len() - at);
            }
            b'c' if word_at(text, at, "case") => cases += 1,
            b'e' if word_at(text, at, "esac") => cases = cases.saturating_sub(1),
            b'(' => depth += 1,
            b')' if depth == 0 && cases > 0 => {}
            b')' if depth == 0 => return Some(at),
            b')' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    None
}

fn word_at(text: &str, at: usize, word: &str) -> bool {
    let before = at == 0 || text.as_bytes()[at - 1].is_ascii_whitespace() || text.as_bytes()[at - 1] == b';';
    let rest = text.get(at..).unwrap_or("");
    let after = rest.as_bytes().get(word.len()).is_none_or(|b| !b.is_ascii_alphanumeric() && *b != b'_');
    before && rest.starts_with(word) && after
}

/// Position of the double quote that closes the one at `at`.
fn quoted_end(text: &str, at: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = at + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'"' => return Some(at),
            b'$' if bytes.get(at + 1) == Some(&b'(') => {
                at += 2 + command_length(text.get(at + 2..)?)?;
            }
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests;
