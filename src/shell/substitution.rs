//! `$…` and `` `…` ``, and where a substitution ends.
//!
//! The end of `$(…)` is found without building what is in it, which is parsed when it runs. It is the same grammar
//! seen from further away: words, operators, here-documents and brackets, and the patterns of `case`, whose brackets
//! close nothing.

use super::ast::Piece;
use super::heredoc::Delimiter;
use super::lexer::Operator;
use super::parse::Parsed;
use super::reader::{Reader, Stops, step};
use super::word::Mode;
use super::{escape, parameter};

/// What is open inside a command substitution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    /// A bracket with commands in it.
    Bracket,
    /// The elements of an array.
    Array,
    /// `case`, before its word.
    Case,
    /// `case`, before `in`.
    In,
    /// `case`, where patterns are.
    Pattern,
    /// `case`, where the commands of an arm are.
    Arm,
}

/// Where in the grammar a place inside a command substitution is.
struct Inside {
    open: Vec<Open>,
    /// Whether a command may start here: only there is `case` one.
    first: bool,
}

impl Inside {
    /// Takes note of an operator; false where it closes what is not open. An array's bracket is joined to a `=`.
    fn operator(&mut self, operator: Operator, joined: bool) -> bool {
        match (operator, self.open.last_mut()) {
            (Operator::Open, Some(Open::Pattern)) => {}
            (Operator::Open, _) => self.open.push(if joined { Open::Array } else { Open::Bracket }),
            (Operator::Close, Some(inner @ Open::Pattern)) => *inner = Open::Arm,
            (Operator::Close, Some(Open::Bracket | Open::Array)) => drop(self.open.pop()),
            (Operator::Close, _) => return false,
            (Operator::Break | Operator::Through | Operator::Next, Some(inner @ Open::Arm)) => {
                *inner = Open::Pattern;
            }
            _ => {}
        }
        self.first = !operator.redirects() && self.open.last() != Some(&Open::Array);
        true
    }

    fn word(&mut self, word: &str) {
        let mut patterns = false;
        match (word, self.open.last_mut()) {
            ("esac", Some(Open::Pattern | Open::Arm)) if self.first => drop(self.open.pop()),
            ("case", Some(Open::Bracket | Open::Arm)) if self.first => self.open.push(Open::Case),
            ("in", Some(inner @ Open::In)) => {
                *inner = Open::Pattern;
                patterns = true;
            }
            (_, Some(inner @ Open::Case)) => *inner = Open::In,
            _ => {}
        }
        self.first = patterns || (self.first && leads(word));
    }
}

/// What stands between two separators, seen from afar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// The text ends.
    End,
    /// A line ends here; it is not consumed.
    Newline,
    /// An operator.
    Operator(Operator),
    /// A word from here to the position, or something else that is no bracket.
    Word(usize),
}

impl Reader<'_> {
    pub(super) fn dollar(&mut self, mode: Mode, out: &mut Vec<Piece>) -> Parsed<()> {
        let plain = mode == Mode::Plain;
        match (self.byte(1), self.bash()) {
            (Some(b'\''), true) if plain => {
                let start = self.at;
                self.at += 2;
                let (text, length) = escape::ansi_c(self.rest())
                    .ok_or_else(|| self.error_at(start, "a quote is not closed"))?;
                self.at += length;
                out.push(Piece::Quoted(text));
                Ok(())
            }
            (Some(b'"'), true) if plain => {
                self.at += 1;
                self.double_quoted(out)
            }
            (Some(b'('), _) => {
                let brackets = self.byte(2) == Some(b'(');
                match if brackets { self.arithmetic_end(self.at + 3) } else { None } {
                    Some(end) => self.arithmetic(end, out),
                    None => self.substitution(mode, out),
                }
            }
            (Some(b'['), true) => self.old_arithmetic(out),
            _ => parameter::read(self, mode, out),
        }
    }

    fn substitution(&mut self, mode: Mode, out: &mut Vec<Piece>) -> Parsed<()> {
        let start = self.at + 2;
        self.skip_substitution()?;
        let text = self.text.get(start..self.at - 1).unwrap_or("").to_owned();
        out.push(Piece::Command { text, at: Some(self.base + start), quoted: mode != Mode::Plain });
        Ok(())
    }

    /// `$((…))`, whose brackets close at `end`.
    fn arithmetic(&mut self, end: usize, out: &mut Vec<Piece>) -> Parsed<()> {
        let pieces = self.inside(self.at + 3, end).pieces(Mode::HereDocument, &Stops::NONE)?;
        out.push(Piece::Arithmetic { pieces });
        self.at = end + 2;
        Ok(())
    }

    /// `$[…]`
    fn old_arithmetic(&mut self, out: &mut Vec<Piece>) -> Parsed<()> {
        let mut open = 0usize;
        for (at, byte) in self.rest().bytes().enumerate() {
            step(1);
            match byte {
                b'[' => open += 1,
                b']' if open == 1 => {
                    let text = self.rest().get(2..at).unwrap_or("").to_owned();
                    out.push(Piece::Arithmetic { pieces: vec![Piece::Quoted(text)] });
                    self.at += at + 1;
                    return Ok(());
                }
                b']' => open -= 1,
                _ => {}
            }
        }
        Err(self.error("`$[` is not closed"))
    }

    /// Where the two brackets stand that close arithmetic whose inside starts at `start`; nothing if the brackets
    /// there are those of subshells. A bracket inside quotes is none.
    pub(super) fn arithmetic_end(&self, start: usize) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let (mut at, mut open, mut quote) = (start, 0usize, None);
        while let Some(byte) = bytes.get(at) {
            step(1);
            match (byte, quote) {
                (b'\\', None | Some(b'"')) => at += 1,
                (b'\'' | b'"', None) => quote = Some(*byte),
                (byte, Some(open)) if *byte == open => quote = None,
                (b'(', None) => open += 1,
                (b')', None) if open == 0 => return (bytes.get(at + 1) == Some(&b')')).then_some(at),
                (b')', None) => open -= 1,
                _ => {}
            }
            at += 1;
        }
        None
    }

    /// Goes behind the `$(…)` here.
    fn skip_substitution(&mut self) -> Parsed<()> {
        let start = self.at;
        self.enter()?;
        let skips = std::mem::replace(&mut self.skips, true);
        self.at += 2;
        let mut inside = Inside { open: vec![Open::Bracket], first: true };
        let mut awaited = Vec::new();
        while !inside.open.is_empty() {
            match self.seen(&mut awaited)? {
                Seen::End => return Err(self.error_at(start, "`$(` is not closed")),
                Seen::Newline => {
                    self.at += 1;
                    self.skip_documents(&mut awaited);
                    inside.first = inside.open.last() != Some(&Open::Array);
                }
                Seen::Operator(operator) => {
                    let joined = self.at > 1 && self.text.as_bytes()[self.at - 2] == b'=';
                    if !inside.operator(operator, joined) {
                        return Err(self.error_at(self.at - 1, "unexpected `)`"));
                    }
                }
                Seen::Word(word) => inside.word(self.text.get(word..self.at).unwrap_or("")),
            }
            self.limit(inside.open.len())?;
        }
        self.skips = skips;
        self.depth -= 1;
        Ok(())
    }

    /// Consumes what comes next, and says what it is. The delimiters of here-documents are added to `awaited`.
    pub(super) fn seen(&mut self, awaited: &mut Vec<Delimiter>) -> Parsed<Seen> {
        self.blanks();
        let start = self.at;
        if self.bash()
            && self.rest().starts_with("((")
            && let Some(end) = self.arithmetic_end(start + 2)
        {
            self.at = end + 2;
            return Ok(Seen::Word(start));
        }
        match self.operator() {
            Some((Operator::Document | Operator::DocumentTabs, _)) => {
                awaited.push(self.delimiter()?);
                Ok(Seen::Word(start))
            }
            Some((operator, end)) => {
                self.at = end;
                Ok(Seen::Operator(operator))
            }
            None => match self.peek() {
                None => Ok(Seen::End),
                Some(b'\n') => Ok(Seen::Newline),
                Some(_) => {
                    self.skip_word()?;
                    Ok(Seen::Word(start))
                }
            },
        }
    }

    pub(super) fn backquote(&mut self, mode: Mode, out: &mut Vec<Piece>) -> Parsed<()> {
        let start = self.at + 1;
        let mut text = String::new();
        let mut chars = self.text[start..].char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '`' => {
                    // Without a backslash that was taken away, nothing is where it stood.
                    let place = (text.len() == at).then_some(self.base + start);
                    out.push(Piece::Command { text, at: place, quoted: mode != Mode::Plain });
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

/// Whether a command may start behind this word, which stands where one may.
fn leads(word: &str) -> bool {
    matches!(word, "if" | "then" | "elif" | "else" | "while" | "until" | "do" | "{" | "!" | "time" | "coproc")
}
