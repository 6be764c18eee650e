//! What gives a name in a script a value: assignments, imports, loops, parameters.

use super::language::Syntax;
use super::lexer::Token;
use super::reader::Reader;
use super::values::{Values, globbed};

/// Words in front of a variable or an expression that change nothing.
pub(super) const DECLARATIONS: [&str; 18] = [
    "my", "our", "local", "var", "let", "const", "new", "await", "async", "return", "yield", "not", "typeof",
    "val", "global", "static", "lambda", "raise",
];

impl Reader<'_> {
    pub(super) fn declared(&mut self) -> Values {
        // `const {execSync: x} = require(…)`
        if self.sign(0, '{') {
            let mut at = 1;
            while let Some(token) = self.peek(at) {
                match (token, self.peek(at + 1), self.peek(at + 2)) {
                    (Token::Sign('}'), ..) => break,
                    (Token::Name(name), Some(Token::Sign(':')), Some(Token::Name(own))) => {
                        self.variables.insert(own.clone(), Values::default().named(name));
                    }
                    _ => {}
                }
                at += 1;
            }
            self.skip(at + 1);
            return Values::default();
        }
        self.operand()
    }

    /// `import a as b`, `from a import b as c`
    pub(super) fn imports(&mut self, word: &str) -> Values {
        let mut module = String::new();
        if word == "from"
            && let Some(Token::Name(name)) = self.peek(0)
        {
            module = format!("{name}.");
            self.skip(1);
        }
        while let Some(token) = self.peek(0) {
            match (token, self.peek(1), self.peek(2)) {
                (Token::Sign(';'), ..) => break,
                (Token::Name(name), Some(Token::Name(word)), Some(Token::Name(own))) if word == "as" => {
                    self.variables.insert(own.clone(), Values::default().named(format!("{module}{name}")));
                    self.skip(2);
                }
                (Token::Name(name), ..) if !module.is_empty() && name != "import" => {
                    self.variables.insert(name.clone(), Values::default().named(format!("{module}{name}")));
                }
                _ => {}
            }
            self.skip(1);
        }
        Values::default()
    }

    /// The parameters of a function that is defined here.
    pub(super) fn definition(&mut self) -> Values {
        let name = match self.peek(0) {
            Some(Token::Name(name)) => {
                self.skip(1);
                name.clone()
            }
            _ => String::new(),
        };
        if self.sign(0, '(') {
            self.skip(1);
            let mut parameters = Vec::new();
            while let Some(token) = self.peek(0) {
                self.skip(1);
                match token {
                    Token::Sign(')') => break,
                    Token::Name(parameter) => parameters.push(parameter.clone()),
                    Token::Text { .. } | Token::Pattern | Token::Number(_) | Token::Sign(_) => {}
                }
            }
            self.functions.insert(name, parameters);
        }
        Values::default()
    }

    /// `for x in list`, `for (const x of list)`, `for my $x (list)`, and Perl's `… for list`.
    pub(super) fn binds_elements(&mut self) {
        let mut at = usize::from(self.sign(0, '('));
        let mut names = Vec::new();
        while let Some(token) = self.peek(at) {
            match token {
                Token::Name(word) if matches!(word.as_str(), "in" | "of") => break,
                Token::Name(word) if DECLARATIONS.contains(&word.as_str()) => {}
                Token::Name(word) if names.is_empty() || self.sign(at - 1, ',') || self.sign(at - 1, '(') => {
                    names.push(word.clone())
                }
                Token::Sign(',') => {}
                _ => break,
            }
            at += 1;
        }
        let listed = matches!(self.peek(at), Some(Token::Name(word)) if matches!(word.as_str(), "in" | "of"));
        let perl = self.has(Syntax::PerlQuotes) && names.len() == 1 && at > 0 && self.sign(at, '(');
        if !listed && !perl {
            let value = self.expression().elements();
            self.variables.insert("_".to_owned(), value);
            return;
        }
        self.skip(at + usize::from(listed));
        let value = if perl { self.operand() } else { self.expression() };
        self.bind(&names, value);
    }

    /// Binds names to an element of a list: one, or the directory and the names of `os.walk`.
    pub(super) fn bind(&mut self, names: &[String], value: Values) {
        let path = value.items.first().is_some_and(|v| v.prefix().starts_with('/'));
        for (at, name) in names.iter().enumerate() {
            let bound = match (at, path) {
                (0, _) => value.clone().elements(),
                (_, true) => Values::one(globbed("*")),
                (_, false) => Values::unknown(),
            };
            self.variables.insert(name.clone(), bound);
        }
    }

    /// `f => …`, `(f) => …`, `function (f) …` among the arguments of a method of a list.
    pub(super) fn binds_parameter(&mut self, receiver: Option<&Values>) {
        let Some(receiver) = receiver else { return };
        let (from, arrow) = match (self.peek(0), self.peek(1)) {
            (Some(Token::Name(word)), Some(Token::Sign('('))) if word == "function" => (2, None),
            (Some(Token::Sign('(')), Some(Token::Name(_))) => (1, None),
            (Some(Token::Name(_)), Some(Token::Sign('='))) => (0, Some('>')),
            _ => return,
        };
        if let Some(Token::Name(name)) = self.peek(from)
            && arrow.is_none_or(|sign| self.sign(2, sign))
        {
            self.variables.insert(name.clone(), receiver.clone().elements());
            self.skip(from + 1);
        }
    }

    /// `{|f| …}`, `do |f| …` behind a method of a list.
    pub(super) fn binds_block(&mut self, receiver: &Values) {
        let opens = self.sign(0, '{') || matches!(self.peek(0), Some(Token::Name(word)) if word == "do");
        if !opens || !self.sign(1, '|') {
            return;
        }
        let mut names = Vec::new();
        let mut at = 2;
        while let Some(token) = self.peek(at).filter(|t| **t != Token::Sign('|')) {
            if let Token::Name(name) = token {
                names.push(name.clone());
            }
            at += 1;
        }
        self.bind(&names, receiver.clone());
    }

    /// `name = …`, `name += …`
    pub(super) fn assignment(&mut self, name: &str) -> Option<Values> {
        if self.has(Syntax::Lisp) {
            return None;
        }
        let sign = |ahead| match self.peek(ahead) {
            Some(Token::Sign(sign)) => *sign,
            _ => ' ',
        };
        let (length, more) = match (sign(0), sign(1), sign(2)) {
            ('=', '=' | '~' | '>', _) => return None,
            ('=', ..) => (1, false),
            (':', '=', _) => (2, false),
            ('+' | '.' | '*', '=', _) => (2, true),
            ('|', '|', '=') | ('.', '.', '=') | ('/', '/', '=') | ('?', '?', '=') => (3, false),
            _ => return None,
        };
        self.skip(length);
        let mut value = self.expression();
        if more {
            value = super::values::joined(self.variable(name).unwrap_or_default(), value);
        }
        self.variables.insert(name.to_owned(), value.clone());
        Some(value)
    }

    /// `push @list, …`
    pub(super) fn pushed(&mut self) -> Values {
        self.skip(usize::from(self.sign(0, '(')));
        self.skip(usize::from(self.sign(0, '@')));
        let Some(Token::Name(list)) = self.peek(0) else { return Values::default() };
        self.skip(1 + usize::from(self.sign(1, ',')));
        let more = Values::of_list(self.bare(false));
        let before = self.variables.get(list).cloned().unwrap_or_default();
        self.variables.insert(list.clone(), before.with(more));
        Values::default()
    }
}
