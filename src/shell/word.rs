//! A word's text → its pieces: quotes, escapes, expansions, with byte positions.
//!
//! Where a word ends follows from what is in it, so the same reader finds both. Every step is linear in the
//! text, and what is inside one another is counted.

use super::ast::{Piece, Word};
use super::parse::Parsed;
use super::reader::{Reader, Stops, step};
use super::{Dialect, Span};
use std::sync::Arc;

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
pub(super) fn parse(text: &str, span: Span, dialect: Dialect, mode: Mode) -> Parsed<Word> {
    let pieces = Reader::new(text, span.start, dialect).pieces(mode, &Stops::NONE)?;
    Ok(Word { pieces, span })
}

impl Reader<'_> {
    /// The pieces up to the end or to an unquoted byte of `stop`, which is not consumed.
    pub(super) fn pieces(&mut self, mode: Mode, stop: &Stops) -> Parsed<Vec<Piece>> {
        self.enter()?;
        let mut out = Vec::new();
        if mode == Mode::Plain {
            self.tilde(&mut out);
        }
        self.more(mode, stop, &mut out)?;
        self.depth -= 1;
        Ok(out)
    }

    /// Adds the pieces up to the end or to an unquoted byte of `stop`.
    fn more(&mut self, mode: Mode, stop: &Stops, out: &mut Vec<Piece>) -> Parsed<()> {
        while let Some(byte) = self.peek() {
            if stop.has(byte) {
                break;
            }
            let start = self.at;
            self.piece(byte, mode, stop, out)?;
            step(self.at - start);
        }
        Ok(())
    }

    /// The word here, which may be empty.
    pub(super) fn word(&mut self) -> Parsed<Word> {
        let start = self.at;
        let mut pieces = Vec::new();
        self.tilde(&mut pieces);
        self.more(Mode::Plain, &Stops::WORD, &mut pieces)?;
        while self.bash() {
            match self.peek() {
                Some(b'(') if self.opens_group(&pieces) => self.group(&mut pieces)?,
                Some(b'<' | b'>') if self.byte(1) == Some(b'(') => self.process(&mut pieces)?,
                _ => break,
            }
            self.more(Mode::Plain, &Stops::WORD, &mut pieces)?;
        }
        Ok(Word { pieces, span: self.span(start) })
    }

    /// Goes behind the word here. Process substitutions in it are left to whoever looks for brackets.
    pub(super) fn skip_word(&mut self) -> Parsed<()> {
        let mut pieces = Vec::new();
        self.more(Mode::Plain, &Stops::WORD, &mut pieces)?;
        while self.bash() && self.peek() == Some(b'(') && self.opens_group(&pieces) {
            self.group(&mut pieces)?;
            self.more(Mode::Plain, &Stops::WORD, &mut pieces)?;
        }
        Ok(())
    }

    /// The regular expression here: a bracket in it encloses blanks and operators.
    pub(super) fn regex(&mut self) -> Parsed<Word> {
        let start = self.at;
        let mut pieces = Vec::new();
        self.more(Mode::Plain, &Stops::REGEX, &mut pieces)?;
        while self.peek() == Some(b'(') {
            self.group(&mut pieces)?;
            self.more(Mode::Plain, &Stops::REGEX, &mut pieces)?;
        }
        Ok(Word { pieces, span: self.span(start) })
    }

    /// Whether the bracket here belongs to a pattern: `@(…)` and its relatives.
    fn opens_group(&self, pieces: &[Piece]) -> bool {
        matches!(pieces.last(), Some(Piece::Text(text)) if text.ends_with(['@', '!', '?', '+', '*']))
    }

    /// `(…)` inside a word.
    pub(super) fn group(&mut self, out: &mut Vec<Piece>) -> Parsed<()> {
        let start = self.at;
        let mut open = 0usize;
        loop {
            self.more(Mode::Plain, &Stops::GROUP, out)?;
            match self.peek() {
                Some(b'(') => open += 1,
                Some(_) => open -= 1,
                None => return Err(self.error_at(start, "a bracket in a word is not closed")),
            }
            push_text(out, if self.peek() == Some(b'(') { "(" } else { ")" }, true);
            self.at += 1;
            if open == 0 {
                return Ok(());
            }
        }
    }

    /// `<(…)`, `>(…)`
    fn process(&mut self, out: &mut Vec<Piece>) -> Parsed<()> {
        self.enter()?;
        self.at += 1;
        let script = self.bracketed()?;
        self.depth -= 1;
        out.push(Piece::Process(Arc::new(script)));
        Ok(())
    }

    pub(super) fn piece(&mut self, byte: u8, mode: Mode, stop: &Stops, out: &mut Vec<Piece>) -> Parsed<()> {
        let plain = mode == Mode::Plain;
        match byte {
            b'\\' => self.backslash(mode, out),
            b'\'' if plain => {
                let rest = &self.rest()[1..];
                let end = rest.find('\'').ok_or_else(|| self.error("a quote is not closed"))?;
                out.push(Piece::Quoted(rest[..end].to_owned()));
                self.at += end + 2;
            }
            b'"' if plain => self.double_quoted(out)?,
            b'"' if mode == Mode::DoubleQuoted => self.at += 1,
            b'$' => self.dollar(mode, out)?,
            b'`' => self.backquote(mode, out)?,
            _ => {
                static SPECIAL: Stops = Stops::new(b"\\'\"$`");
                let bytes = self.text.as_bytes();
                let mut end = self.at + 1;
                while bytes.get(end).is_some_and(|b| !SPECIAL.has(*b) && !stop.has(*b)) {
                    end += 1;
                }
                push_text(out, self.text.get(self.at..end).unwrap_or(""), plain);
                self.at = end;
            }
        }
        Ok(())
    }

    fn tilde(&mut self, out: &mut Vec<Piece>) {
        if self.peek() != Some(b'~') {
            return;
        }
        let rest = &self.rest()[1..];
        let end = rest.bytes().position(|b| b == b'/' || Stops::WORD.has(b)).unwrap_or(rest.len());
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

    pub(super) fn double_quoted(&mut self, out: &mut Vec<Piece>) -> Parsed<()> {
        self.at += 1;
        let start = self.at - 1;
        let inner = self.pieces(Mode::DoubleQuoted, &Stops::QUOTE)?;
        if !self.eat("\"") {
            return Err(self.error_at(start, "a double quote is not closed"));
        }
        // `""` is a word although nothing is in it.
        out.push(Piece::Quoted(String::new()));
        out.extend(inner);
        Ok(())
    }
}

/// Adds text, joined with the text before it.
pub(super) fn push_text(out: &mut Vec<Piece>, text: &str, plain: bool) {
    match (plain, out.last_mut()) {
        (true, Some(Piece::Text(before))) | (false, Some(Piece::Quoted(before))) => before.push_str(text),
        (true, _) => out.push(Piece::Text(text.to_owned())),
        (false, _) => out.push(Piece::Quoted(text.to_owned())),
    }
}

#[cfg(test)]
mod tests;
