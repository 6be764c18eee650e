//! Simple commands: assignments, words and redirections; and the definition of a function, which starts like one.

use super::ast::{AssignedValue, Assignment, Command, CommandKind, Piece, Redirect, RedirectKind, Word};
use super::lexer::Operator;
use super::parameter;
use super::parse::Parsed;
use super::reader::{Reader, Stops};
use std::sync::Arc;

/// The lowest descriptor that bash takes for `{name}>file`.
const FIRST_FREE: i32 = 10;

impl Reader<'_> {
    /// A simple command, or the definition of a function.
    pub(super) fn simple(&mut self) -> Parsed<Command> {
        let start = self.at;
        let (mut assignments, mut declared) = (Vec::new(), Vec::new());
        let (mut words, mut redirects) = (Vec::new(), Vec::new());
        let (mut end, mut declares) = (self.at, false);
        loop {
            self.blanks();
            if let Some(redirect) = self.redirect()? {
                redirects.push(redirect);
            } else if !self.at_word() {
                break;
            } else if (words.is_empty() || declares)
                && let Some(assignment) = self.assignment()?
            {
                if declares { &mut declared } else { &mut assignments }.push(assignment);
            } else {
                words.push(if self.bash() && takes_arrays(&words) { self.argument()? } else { self.word()? });
                if let [name] = words.as_slice() {
                    declares = self::declares(name);
                    if assignments.is_empty() && redirects.is_empty() && self.eat_empty_brackets() {
                        let name = self.text.get(start..name.span.end - self.base).unwrap_or("");
                        let name = name.replace("\\\n", "");
                        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
                        if !self.bash() && (!plain || name.starts_with(|c: char| c.is_ascii_digit())) {
                            return Err(self.error_at(start, "dash has no functions of such a name"));
                        }
                        return self.function(name, start);
                    }
                }
            }
            end = self.at;
        }
        if end == start {
            return Err(self.unexpected());
        }
        let behind = std::mem::replace(&mut self.at, end);
        let span = self.span(start);
        self.at = behind;
        Ok(Command { kind: CommandKind::Simple { assignments, words, declared }, redirects, span })
    }

    /// Consumes `()`, if it is here.
    pub(super) fn eat_empty_brackets(&mut self) -> bool {
        let start = self.at;
        self.blanks();
        if self.eat_operator(Operator::Open) {
            self.blanks();
            if self.eat_operator(Operator::Close) {
                return true;
            }
        }
        self.at = start;
        false
    }

    /// The body of the function `name`, whose definition starts at `start`.
    pub(super) fn function(&mut self, name: String, start: usize) -> Parsed<Command> {
        self.enter()?;
        self.newlines();
        let body = self.command()?;
        // A function that is one simple command is dash's alone.
        let inner = matches!(body.kind, CommandKind::Simple { .. } | CommandKind::Function { .. });
        if self.bash() && (inner || matches!(body.kind, CommandKind::Coprocess(..))) {
            return Err(self.error_at(body.span.start - self.base, "a function needs a compound command"));
        }
        self.depth -= 1;
        let kind = CommandKind::Function { name, body: Arc::new(body) };
        Ok(Command { kind, redirects: Vec::new(), span: self.span(start) })
    }

    /// An argument of a program that may be given an array, as text.
    fn argument(&mut self) -> Parsed<Word> {
        let start = self.at;
        let mut word = self.word()?;
        let array = matches!(word.pieces.as_slice(), [Piece::Text(text)] if text.ends_with('='));
        if array && self.peek() == Some(b'(') {
            self.group(&mut word.pieces)?;
            word.span = self.span(start);
        }
        Ok(word)
    }

    /// The assignment here, if one is; what starts like one and is none is left to be a word.
    fn assignment(&mut self) -> Parsed<Option<Assignment>> {
        let start = self.at;
        let Some(name) = self.variable() else { return Ok(None) };
        let index = if self.bash() && self.peek() == Some(b'[') { Some(self.subscript()?) } else { None };
        let Some(append) = self.assigns() else {
            self.at = start;
            return Ok(None);
        };
        let value = if self.bash() && self.peek() == Some(b'(') {
            AssignedValue::Array(self.array()?)
        } else {
            AssignedValue::Scalar(self.word()?)
        };
        Ok(Some(Assignment { name, index, append, value }))
    }

    /// The name of a variable here.
    fn variable(&mut self) -> Option<String> {
        if !self.peek().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_') {
            return None;
        }
        Some(parameter::variable(self))
    }

    /// Consumes `=` or `+=`, and says whether it adds.
    fn assigns(&mut self) -> Option<bool> {
        let append = self.bash() && self.rest().starts_with("+=");
        if append || self.peek() == Some(b'=') {
            self.at += 1 + usize::from(append);
            return Some(append);
        }
        None
    }

    /// `[…]`; what is inside.
    fn subscript(&mut self) -> Parsed<String> {
        let start = self.at;
        let (mut open, mut pieces) = (0usize, Vec::new());
        while let Some(byte) = self.peek() {
            match byte {
                b'[' => open += 1,
                b']' => open -= 1,
                byte => {
                    self.piece(byte, super::word::Mode::Plain, &Stops::SUBSCRIPT, &mut pieces)?;
                    continue;
                }
            }
            self.at += 1;
            if open == 0 {
                return Ok(self.text.get(start + 1..self.at - 1).unwrap_or("").to_owned());
            }
        }
        Err(self.error_at(start, "`[` is not closed"))
    }

    /// `(…)`: the elements of an array.
    fn array(&mut self) -> Parsed<Vec<(Option<String>, Word)>> {
        let start = self.at;
        self.at += 1;
        let mut elements = Vec::new();
        loop {
            self.newlines();
            if self.eat_operator(Operator::Close) {
                return Ok(elements);
            }
            if !self.at_word() {
                return Err(match self.peek() {
                    None => self.error_at(start, "`(` is not closed"),
                    Some(_) => self.unexpected(),
                });
            }
            let at = self.at;
            let key = if self.peek() == Some(b'[') { Some(self.subscript()?) } else { None };
            let keyed = key.filter(|_| self.assigns().is_some());
            if keyed.is_none() {
                self.at = at;
            }
            elements.push((keyed, self.word()?));
        }
    }

    /// The redirections here, behind a compound command.
    pub(super) fn redirects(&mut self) -> Parsed<Vec<Redirect>> {
        let mut redirects = Vec::new();
        loop {
            let end = self.at;
            self.blanks();
            match self.redirect()? {
                Some(redirect) => redirects.push(redirect),
                None => {
                    self.at = end;
                    return Ok(redirects);
                }
            }
        }
    }

    /// The redirection here, if one is.
    fn redirect(&mut self) -> Parsed<Option<Redirect>> {
        let start = self.at;
        let fd = self.descriptor();
        let Some((operator, end)) = self.operator().filter(|(operator, _)| operator.redirects()) else {
            self.at = start;
            return Ok(None);
        };
        if fd.is_none() && self.at_word() {
            return Ok(None);
        }
        let kind = match operator {
            Operator::Read => RedirectKind::Read,
            Operator::Append => RedirectKind::Append,
            Operator::WriteBoth => RedirectKind::WriteBoth,
            Operator::AppendBoth => RedirectKind::AppendBoth,
            Operator::DuplicateInput | Operator::DuplicateOutput => RedirectKind::Duplicate,
            Operator::Document | Operator::DocumentTabs => {
                let target = self.document()?;
                return Ok(Some(Redirect { fd, kind: RedirectKind::Text, target }));
            }
            Operator::Text => RedirectKind::Text,
            _ => RedirectKind::Write,
        };
        self.at = end;
        self.blanks();
        if !self.at_word() {
            return Err(self.unexpected());
        }
        let mut target = self.word()?;
        if kind == RedirectKind::Text {
            target.pieces.push(Piece::Quoted("\n".into()));
        }
        Ok(Some(Redirect { fd, kind, target }))
    }

    /// The descriptor right before a redirection.
    fn descriptor(&mut self) -> Option<i32> {
        let rest = self.rest();
        let (number, length) = match self.peek()? {
            b'0'..=b'9' => {
                let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
                (rest.get(..digits)?.parse().ok()?, digits)
            }
            b'{' if self.bash() => {
                let name = |b: &u8| b.is_ascii_alphanumeric() || b"_[]".contains(b);
                let letters = rest.bytes().skip(1).take_while(name).count();
                (FIRST_FREE, if rest.as_bytes().get(letters + 1) == Some(&b'}') { letters + 2 } else { 0 })
            }
            _ => return None,
        };
        let operator = matches!(rest.as_bytes().get(length), Some(b'<' | b'>'));
        (operator && length > 0).then(|| {
            self.at += length;
            number
        })
    }
}

/// Whether the next word of a command may be an array that is text.
fn takes_arrays(words: &[Word]) -> bool {
    matches!(words.first().map(|word| word.pieces.as_slice()),
        Some([Piece::Text(name)]) if matches!(name.as_str(), "eval" | "let" | "alias"))
}

/// Whether a command takes assignments as its arguments.
fn declares(word: &Word) -> bool {
    let names = ["declare", "typeset", "local", "readonly", "export"];
    matches!(word.pieces.as_slice(), [Piece::Text(name)] if names.contains(&name.as_str()))
}
