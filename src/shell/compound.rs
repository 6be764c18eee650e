//! Compound commands: brackets, branches, loops and what starts with a reserved word.

use super::ast::{Arm, Command, CommandKind, Script, Word};
use super::lexer::{Keyword, Operator};
use super::parse::{MAX_NESTING, ParseError, Parsed};
use super::reader::{Reader, Stops, step};
use super::word::Mode;

impl Reader<'_> {
    /// The command that starts with `keyword`, which ends at `end`.
    pub(super) fn compound(&mut self, keyword: Keyword, end: usize) -> Parsed<Command> {
        let start = self.at;
        self.enter()?;
        let kind = match keyword {
            Keyword::If => self.branches(end)?,
            Keyword::While | Keyword::Until => self.conditional_loop(keyword == Keyword::Until, end)?,
            Keyword::For | Keyword::Select => self.for_loop(keyword, end)?,
            Keyword::Case => self.case(end)?,
            Keyword::Open => {
                self.at = end;
                let script = self.commands()?;
                self.expect(Keyword::Close, start, "`{` is not closed")?;
                CommandKind::Group(script)
            }
            Keyword::Test => CommandKind::Condition(self.condition(end)?),
            Keyword::Coproc => {
                self.at = end;
                self.coprocess()?
            }
            Keyword::Function => {
                self.depth -= 1;
                self.at = end;
                return self.named_function(start);
            }
            _ => return Err(self.unexpected()),
        };
        self.depth -= 1;
        // A coprocess has the redirections of its command.
        let redirects = if keyword == Keyword::Coproc { Vec::new() } else { self.redirects()? };
        Ok(Command { kind, redirects, span: self.span(start) })
    }

    /// `((…))` or `(…)`
    pub(super) fn brackets(&mut self) -> Parsed<Command> {
        let start = self.at;
        self.enter()?;
        let two = self.bash() && self.byte(1) == Some(b'(');
        let kind = match if two { self.arithmetic_end(start + 2) } else { None } {
            Some(end) => {
                self.shallow(start, end)?;
                self.at = end + 2;
                CommandKind::Arithmetic(self.expression(start + 2, end)?)
            }
            None => CommandKind::Subshell(self.bracketed()?),
        };
        self.depth -= 1;
        let redirects = self.redirects()?;
        Ok(Command { kind, redirects, span: self.span(start) })
    }

    /// Fails where brackets nest too deep. What is arithmetic here may be subshells elsewhere.
    fn shallow(&self, start: usize, end: usize) -> Parsed<()> {
        let mut open = 0usize;
        step(end - start);
        for byte in self.text.get(start..end).unwrap_or("").bytes() {
            match byte {
                b'(' if open >= MAX_NESTING => return Err(ParseError::TooDeep),
                b'(' => open += 1,
                b')' => open = open.saturating_sub(1),
                _ => {}
            }
        }
        Ok(())
    }

    fn expression(&self, start: usize, end: usize) -> Parsed<Word> {
        let mut inside = self.inside(start, end);
        let pieces = inside.pieces(Mode::HereDocument, &Stops::NONE)?;
        Ok(Word { pieces, span: inside.span(start) })
    }

    /// Consumes `keyword`; what is not closed without it started at `start`.
    fn expect(&mut self, keyword: Keyword, start: usize, message: &str) -> Parsed<()> {
        if self.eat_keyword(keyword) {
            return Ok(());
        }
        Err(if self.peek().is_none() { self.error_at(start, message) } else { self.unexpected() })
    }

    fn branches(&mut self, end: usize) -> Parsed<CommandKind> {
        let start = self.at;
        self.at = end;
        let (mut branches, mut otherwise) = (Vec::new(), None);
        loop {
            let condition = self.commands()?;
            self.expect(Keyword::Then, start, "`if` has no `then`")?;
            branches.push((condition, self.commands()?));
            if !self.eat_keyword(Keyword::Elif) {
                break;
            }
        }
        if self.eat_keyword(Keyword::Else) {
            otherwise = Some(self.commands()?);
        }
        self.expect(Keyword::Fi, start, "`if` has no `fi`")?;
        Ok(CommandKind::If { branches, otherwise })
    }

    fn conditional_loop(&mut self, until: bool, end: usize) -> Parsed<CommandKind> {
        let start = self.at;
        self.at = end;
        let condition = self.commands()?;
        Ok(CommandKind::Loop { condition, until, body: self.body(start)? })
    }

    /// `do … done`
    fn body(&mut self, start: usize) -> Parsed<Script> {
        self.expect(Keyword::Do, start, "a loop has no `do`")?;
        let body = self.commands()?;
        self.expect(Keyword::Done, start, "a loop has no `done`")?;
        Ok(body)
    }

    /// `do … done`; in bash also `{ … }`, which `for` takes as well.
    fn body_or_group(&mut self, start: usize) -> Parsed<Script> {
        if !(self.bash() && self.eat_keyword(Keyword::Open)) {
            return self.body(start);
        }
        let body = self.commands()?;
        self.expect(Keyword::Close, start, "`{` is not closed")?;
        Ok(body)
    }

    fn for_loop(&mut self, keyword: Keyword, end: usize) -> Parsed<CommandKind> {
        let start = self.at;
        self.at = end;
        self.blanks();
        if keyword == Keyword::For && self.bash() && self.rest().starts_with("((") {
            return self.count(start);
        }
        let name = self.at;
        if !self.at_word() {
            return Err(self.unexpected());
        }
        self.skip_word()?;
        let variable = self.text.get(name..self.at).unwrap_or("").replace("\\\n", "");
        self.blanks();
        let separated = self.eat_operator(Operator::Semicolon);
        self.newlines();
        let mut values = None;
        if !separated && self.eat_keyword(Keyword::In) {
            values = Some(self.values()?);
            if !self.eat_operator(Operator::Semicolon) && self.peek() != Some(b'\n') {
                return Err(self.unexpected());
            }
            self.newlines();
        }
        let body = self.body_or_group(start)?;
        Ok(CommandKind::For { variable, values, body })
    }

    fn values(&mut self) -> Parsed<Vec<Word>> {
        let mut words = Vec::new();
        loop {
            self.blanks();
            if !self.at_word() {
                return Ok(words);
            }
            words.push(self.word()?);
        }
    }

    /// `for ((…;…;…))`
    fn count(&mut self, start: usize) -> Parsed<CommandKind> {
        let inside = self.at + 2;
        let Some(end) = self.arithmetic_end(inside) else {
            return Err(self.error("`((` is not closed"));
        };
        let (mut open, mut ends) = (0usize, Vec::new());
        for (at, byte) in self.text.as_bytes().iter().enumerate().take(end).skip(inside) {
            match byte {
                b'(' => open += 1,
                b')' => open = open.saturating_sub(1),
                b';' if open == 0 => ends.push(at),
                _ => {}
            }
        }
        let [first, second] = ends.as_slice() else {
            return Err(self.error("`for ((` needs three expressions"));
        };
        let heads = [
            self.expression(inside, *first)?,
            self.expression(first + 1, *second)?,
            self.expression(second + 1, end)?,
        ];
        self.at = end + 2;
        self.blanks();
        self.eat_operator(Operator::Semicolon);
        self.newlines();
        Ok(CommandKind::Count { heads, body: self.body_or_group(start)? })
    }

    fn case(&mut self, end: usize) -> Parsed<CommandKind> {
        let start = self.at;
        self.at = end;
        self.blanks();
        if !self.at_word() {
            return Err(self.unexpected());
        }
        let value = self.word()?;
        self.newlines();
        self.expect(Keyword::In, start, "`case` has no `in`")?;
        let mut arms = Vec::new();
        loop {
            self.newlines();
            if self.eat_keyword(Keyword::Esac) {
                return Ok(CommandKind::Case { value, arms });
            }
            if self.peek().is_none() {
                return Err(self.error_at(start, "`case` has no `esac`"));
            }
            arms.push(self.arm(start)?);
        }
    }

    fn arm(&mut self, start: usize) -> Parsed<Arm> {
        self.eat_operator(Operator::Open);
        let mut patterns = Vec::new();
        loop {
            self.blanks();
            if !self.at_word() {
                return Err(self.unexpected());
            }
            patterns.push(self.word()?);
            self.blanks();
            if self.eat_operator(Operator::Close) {
                break;
            }
            if !self.eat_operator(Operator::Pipe) {
                return Err(self.unexpected());
            }
        }
        let body = self.list()?;
        let goes_on = match self.operator() {
            Some((operator @ (Operator::Break | Operator::Through | Operator::Next), end)) => {
                self.at = end;
                operator != Operator::Break
            }
            _ if matches!(self.keyword(), Some((Keyword::Esac, _))) => false,
            _ if self.peek().is_none() => return Err(self.error_at(start, "`case` has no `esac`")),
            _ => return Err(self.unexpected()),
        };
        Ok(Arm { patterns, body, goes_on })
    }

    /// `coproc`, a name if a compound command follows, and a command.
    fn coprocess(&mut self) -> Parsed<CommandKind> {
        self.blanks();
        let (before, mut name) = (self.at, "COPROC".to_owned());
        if self.keyword().is_none() && self.at_word() {
            self.skip_word()?;
            let word = self.text.get(before..self.at).unwrap_or("").to_owned();
            self.blanks();
            let open = matches!(self.operator(), Some((Operator::Open, _)));
            let closed = open && self.eat_empty_brackets();
            if (open || self.keyword().is_some()) && !closed {
                name = word;
            } else {
                self.at = before;
            }
        }
        Ok(CommandKind::Coprocess(name, Box::new(self.command()?)))
    }

    /// `function name`, with or without `()`.
    fn named_function(&mut self, start: usize) -> Parsed<Command> {
        self.blanks();
        if !self.at_word() {
            return Err(self.unexpected());
        }
        let at = self.at;
        self.skip_word()?;
        let name = self.text.get(at..self.at).unwrap_or("").replace("\\\n", "");
        self.eat_empty_brackets();
        self.function(name, start)
    }
}
