//! A position in the text of a script, and what every part of the grammar asks of it.

use super::heredoc::Documents;
use super::parse::{MAX_NESTING, ParseError, Parsed};
use super::{Dialect, Span};

/// Bytes that end a piece of text.
pub(super) struct Stops([bool; 256]);

impl Stops {
    pub(super) const NONE: Self = Self::new(b"");
    pub(super) const BRACE: Self = Self::new(b"}");
    pub(super) const QUOTE: Self = Self::new(b"\"");
    pub(super) const WORD: Self = Self::new(b" \t\n;&|<>()");
    pub(super) const REGEX: Self = Self::new(b" \t\n;&()");
    pub(super) const SUBSCRIPT: Self = Self::new(b"[]");
    pub(super) const GROUP: Self = Self::new(b"()");

    pub(super) const fn new(bytes: &[u8]) -> Self {
        let (mut stops, mut at) = ([false; 256], 0);
        while at < bytes.len() {
            stops[bytes[at] as usize] = true;
            at += 1;
        }
        Self(stops)
    }

    pub(super) const fn has(&self, byte: u8) -> bool {
        self.0[byte as usize]
    }
}

/// A position in the text of a script.
pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    pub(super) base: usize,
    pub(super) dialect: Dialect,
    /// How many constructs are open here.
    pub(super) depth: usize,
    /// Whether only ends are looked for: what is between them is read again when it runs.
    pub(super) skips: bool,
    /// The here-documents of the line that is read.
    pub(super) documents: Documents,
}

#[cfg(test)]
thread_local! {
    /// What this thread has looked at.
    pub(super) static LOOKS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Counts what is looked at: bytes of text, operators, words. The tests ask that it grows with the text and no faster.
pub(super) fn step(looks: usize) {
    #[cfg(test)]
    LOOKS.with(|all| all.set(all.get() + looks));
    #[cfg(not(test))]
    let _ = looks;
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, base: usize, dialect: Dialect) -> Self {
        Self { text, at: 0, base, dialect, depth: 0, skips: false, documents: Documents::default() }
    }

    /// A reader of the bytes `start..end` of the same text.
    pub(super) fn inside(&self, start: usize, end: usize) -> Self {
        Self {
            text: self.text.get(..end).unwrap_or(""),
            at: start,
            base: self.base,
            dialect: self.dialect,
            depth: self.depth,
            skips: self.skips,
            documents: Documents::default(),
        }
    }
}

impl Reader<'_> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.byte(0)
    }

    /// The byte `ahead` of the position.
    pub(super) fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
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

    pub(super) fn bash(&self) -> bool {
        self.dialect == Dialect::Bash
    }

    /// From `start` to the position.
    pub(super) fn span(&self, start: usize) -> Span {
        Span::new(self.base + start, self.base + self.at)
    }

    /// An error at the character here.
    pub(super) fn error(&self, message: &str) -> ParseError {
        self.error_at(self.at, message)
    }

    pub(super) fn error_at(&self, at: usize, message: &str) -> ParseError {
        let at = at.min(self.text.len());
        let length = self.text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        let span = Span::new(self.base + at, self.base + at + length);
        ParseError::Syntax { message: message.to_owned(), span }
    }

    /// Goes into a construct; whoever calls it takes the level off again behind it.
    pub(super) fn enter(&mut self) -> Parsed<()> {
        self.depth += 1;
        self.limit(0)
    }

    /// Fails where `open` more constructs are too many.
    pub(super) const fn limit(&self, open: usize) -> Parsed<()> {
        if self.depth + open > MAX_NESTING { Err(ParseError::TooDeep) } else { Ok(()) }
    }
}
