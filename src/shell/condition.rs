//! `[[ … ]]`, which has a grammar of its own.

use super::ast::{Condition, Word};
use super::lexer::{Keyword, Operator};
use super::parse::Parsed;
use super::reader::Reader;

type Asked = Condition<Word>;
type Join = fn(Box<Asked>, Box<Asked>) -> Asked;

impl Reader<'_> {
    /// The condition behind `[[`, which ends at `end`.
    pub(super) fn condition(&mut self, end: usize) -> Parsed<Asked> {
        let start = self.at;
        self.at = end;
        let condition = self.either()?;
        if self.eat_keyword(Keyword::TestEnd) {
            return Ok(condition);
        }
        Err(if self.peek().is_none() {
            self.error_at(start, "`[[` is not closed")
        } else {
            self.unexpected()
        })
    }

    fn either(&mut self) -> Parsed<Asked> {
        let mut terms = vec![self.both()?];
        while self.eat_operator(Operator::Or) {
            terms.push(self.both()?);
        }
        joined(terms, Condition::Or).ok_or_else(|| self.unexpected())
    }

    fn both(&mut self) -> Parsed<Asked> {
        let mut terms = vec![self.term()?];
        while self.eat_operator(Operator::And) {
            terms.push(self.term()?);
        }
        joined(terms, Condition::And).ok_or_else(|| self.unexpected())
    }

    /// A term, and the ends of lines around it.
    fn term(&mut self) -> Parsed<Asked> {
        self.newlines();
        let mut negated = false;
        while self.eat_keyword(Keyword::Not) {
            negated = !negated;
            self.newlines();
        }
        let term = if matches!(self.operator(), Some((Operator::Open, _))) {
            let start = self.at;
            self.enter()?;
            self.at += 1;
            let inner = self.either()?;
            if !self.eat_operator(Operator::Close) {
                return Err(self.error_at(start, "`(` is not closed"));
            }
            self.depth -= 1;
            inner
        } else {
            self.operands()?
        };
        self.newlines();
        Ok(if negated { Condition::Not(Box::new(term)) } else { term })
    }

    /// Whether a word starts here that is an operand.
    fn at_operand(&self) -> bool {
        self.at_word() && !matches!(self.keyword(), Some((Keyword::TestEnd, _)))
    }

    fn operands(&mut self) -> Parsed<Asked> {
        let start = self.at;
        if !self.at_operand() {
            return Err(self.unexpected());
        }
        let first = self.word()?;
        let written = self.text.get(start..self.at).unwrap_or("");
        let unary = unary(written);
        self.blanks();
        if let Some(operator) = unary
            && self.at_operand()
        {
            return Ok(Condition::Unary(operator.to_owned(), self.word()?));
        }
        let Some(operator) = self.comparison()? else { return Ok(Condition::Unary("-n".to_owned(), first)) };
        self.blanks();
        let grouped = self.peek() == Some(b'(');
        if !self.at_operand() && !grouped {
            return Err(self.unexpected());
        }
        let second = if operator == "=~" || grouped { self.regex()? } else { self.word()? };
        Ok(Condition::Binary(operator.to_owned(), first, second))
    }

    /// Consumes an operator between two operands, if one is here.
    fn comparison(&mut self) -> Parsed<Option<&'static str>> {
        for (operator, name) in [(Operator::Read, "<"), (Operator::Write, ">")] {
            if !self.at_word() && self.eat_operator(operator) {
                return Ok(Some(name));
            }
        }
        if !self.at_operand() {
            return Ok(None);
        }
        let start = self.at;
        self.skip_word()?;
        let written = self.text.get(start..self.at).unwrap_or("");
        let known = ["==", "!=", "=~", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-ef", "-nt", "-ot"];
        match known.iter().find(|operator| **operator == written) {
            Some(operator) => Ok(Some(operator)),
            None if written == "=" => Ok(Some("==")),
            None => Err(self.error_at(start, &format!("`{written}` is no operator of `[[`"))),
        }
    }
}

/// Terms joined two by two: the tree stays flat, however many there are.
fn joined(mut terms: Vec<Asked>, join: Join) -> Option<Asked> {
    while terms.len() > 1 {
        let mut next = Vec::with_capacity(terms.len().div_ceil(2));
        let mut rest = terms.into_iter();
        while let Some(first) = rest.next() {
            next.push(match rest.next() {
                Some(second) => join(Box::new(first), Box::new(second)),
                None => first,
            });
        }
        terms = next;
    }
    terms.pop()
}

/// The operator with one operand, under its first name.
fn unary(written: &str) -> Option<&'static str> {
    const OPERATORS: [&str; 23] = [
        "-b", "-c", "-d", "-e", "-f", "-g", "-h", "-k", "-n", "-o", "-p", "-r", "-s", "-t", "-u", "-v", "-w",
        "-x", "-z", "-G", "-N", "-O", "-R",
    ];
    match written {
        "-a" => Some("-e"),
        "-L" => Some("-h"),
        "-S" => Some("-S"),
        _ => OPERATORS.iter().find(|operator| **operator == written).copied(),
    }
}
