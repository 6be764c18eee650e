//! Text → syntax tree: lists, pipelines and what a command starts with. What is no shell script is an error with its
//! place. The grammar is read from left to right, once: no step looks at a text again that it has given up on.

use super::ast::{Command, CommandKind, Item, Link, Piece, Pipeline, Redirect, RedirectKind, Script, Word};
use super::lexer::{Keyword, Operator};
use super::reader::Reader;
use super::{Dialect, Span};

/// Text that is no shell script, or that is too much of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The grammar does not have it.
    #[error("the shell cannot parse this: {message}")]
    Syntax {
        /// What is wrong.
        message: String,
        /// Where.
        span: Span,
    },
    /// It is longer than the analysis reads.
    #[error("the text has more than {MAX_TEXT} bytes")]
    TooLong,
    /// It nests deeper than the analysis follows.
    #[error("the text nests more than {MAX_NESTING} levels deep")]
    TooDeep,
}

/// Bytes of a text, at most.
pub const MAX_TEXT: usize = 1 << 20;
/// Levels of brackets and quotes inside one another, at most.
pub const MAX_NESTING: usize = 48;

pub(super) type Parsed<T> = Result<T, ParseError>;

/// Parses `text`, whose first byte has the offset `base` in what the user wrote.
///
/// # Errors
/// When the grammar of `dialect` does not have it, or it is too long or nests too deep.
pub fn parse(text: &str, base: usize, dialect: Dialect) -> Result<Script, ParseError> {
    if text.len() > MAX_TEXT {
        return Err(ParseError::TooLong);
    }
    let mut reader = Reader::new(text, base, dialect);
    let script = reader.list()?;
    if reader.peek().is_some() { Err(reader.unexpected()) } else { Ok(script) }
}

impl Reader<'_> {
    /// The commands up to something that ends a list, which is not consumed. There may be none.
    pub(super) fn list(&mut self) -> Parsed<Script> {
        let mut items = Vec::new();
        self.newlines();
        while !self.ends_list() {
            items.push(self.item()?);
            self.newlines();
        }
        Ok(Script { items })
    }

    /// The commands up to something that ends a list; at least one.
    pub(super) fn commands(&mut self) -> Parsed<Script> {
        let script = self.list()?;
        if script.items.is_empty() { Err(self.unexpected()) } else { Ok(script) }
    }

    /// The commands up to the bracket that closes the one here, and both brackets.
    pub(super) fn bracketed(&mut self) -> Parsed<Script> {
        let start = self.at;
        self.at += 1;
        let script = self.commands()?;
        if self.eat_operator(Operator::Close) {
            return Ok(script);
        }
        Err(if self.peek().is_none() { self.error_at(start, "`(` is not closed") } else { self.unexpected() })
    }

    fn ends_list(&self) -> bool {
        match self.operator() {
            Some((Operator::Close | Operator::Break | Operator::Through | Operator::Next, _)) => true,
            Some(_) => false,
            None => self.peek().is_none() || self.keyword().is_some_and(|(keyword, _)| keyword.ends_list()),
        }
    }

    /// An error about what is here.
    pub(super) fn unexpected(&self) -> ParseError {
        let rest = self.rest();
        let shown = match self.operator() {
            Some((_, end)) => self.text.get(self.at..end).unwrap_or(""),
            None => rest.split(char::is_whitespace).next().unwrap_or(""),
        };
        match rest.chars().next() {
            None => self.error("the text ends in the middle of a command"),
            Some('\n') => self.error("the line ends in the middle of a command"),
            Some(_) => self.error(&format!("unexpected `{}`", shown.chars().take(40).collect::<String>())),
        }
    }

    /// Pipelines joined by `&&` and `||`, and the separator behind them.
    fn item(&mut self) -> Parsed<Item> {
        let mut chain = vec![(Link::First, self.pipeline()?)];
        let background = loop {
            self.blanks();
            let link = match self.operator() {
                Some((Operator::And, end)) => (Link::And, end),
                Some((Operator::Or, end)) => (Link::Or, end),
                Some((operator @ (Operator::Semicolon | Operator::Background), end)) => {
                    self.at = end;
                    break operator == Operator::Background;
                }
                _ if self.peek() == Some(b'\n') || self.ends_list() => break false,
                _ => return Err(self.unexpected()),
            };
            self.at = link.1;
            self.newlines();
            chain.push((link.0, self.pipeline()?));
        };
        Ok(Item { chain, background })
    }

    fn pipeline(&mut self) -> Parsed<Pipeline> {
        let (start, mut negated) = (self.at, false);
        let mut prefixed = false;
        while let Some((keyword @ (Keyword::Not | Keyword::Time), end)) = self.keyword() {
            self.at = end;
            self.blanks();
            negated ^= keyword == Keyword::Not;
            while keyword == Keyword::Time && (self.eat_option("-p") || self.eat_option("--")) {
                self.blanks();
            }
            prefixed = true;
        }
        if prefixed && self.bash() && self.ends_pipeline() {
            let kind = CommandKind::Simple { assignments: vec![], words: vec![], declared: vec![] };
            let nothing = Command { kind, redirects: vec![], span: self.span(start) };
            return Ok(Pipeline { commands: vec![nothing], negated });
        }
        let mut commands = vec![self.command()?];
        loop {
            self.blanks();
            let Some((operator @ (Operator::Pipe | Operator::PipeBoth), end)) = self.operator() else {
                break;
            };
            if operator == Operator::PipeBoth
                && let Some(command) = commands.last_mut()
            {
                let pieces = vec![Piece::Quoted("1".into())];
                let target = Word { pieces, span: Span::new(self.base + self.at, self.base + end) };
                command.redirects.push(Redirect { fd: Some(2), kind: RedirectKind::Duplicate, target });
            }
            self.at = end;
            self.newlines();
            commands.push(self.command()?);
        }
        Ok(Pipeline { commands, negated })
    }

    fn eat_option(&mut self, option: &str) -> bool {
        let rest = self.rest().strip_prefix(option);
        let found = rest.is_some_and(|rest| rest.bytes().next().is_none_or(|b| b" \t\n;&|()<>".contains(&b)));
        if found {
            self.at += option.len();
        }
        found
    }

    fn ends_pipeline(&self) -> bool {
        let continues =
            |(operator, _): (Operator, usize)| operator != Operator::Open && !operator.redirects();
        matches!(self.peek(), None | Some(b'\n')) || self.operator().is_some_and(continues)
    }

    /// One command with its redirections.
    pub(super) fn command(&mut self) -> Parsed<Command> {
        match (self.keyword(), self.operator()) {
            // Only in front of a whole pipeline it is more than a program.
            (Some((Keyword::Time, _)), _) => self.simple(),
            (Some((keyword, end)), _) => self.compound(keyword, end),
            (None, Some((Operator::Open, _))) => self.brackets(),
            (None, _) => self.simple(),
        }
    }
}

#[cfg(test)]
mod tests;
