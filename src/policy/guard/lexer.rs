//! A script of another language, cut into names, strings and signs.

use super::language::{Language, Syntax};

/// A piece of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A name, with the dots in it: `os.system`. `::`, `->` and `\` are dots too.
    Name(String),
    /// A string.
    Text {
        /// What is between its quotes.
        text: String,
        /// What it means.
        quoting: Quoting,
    },
    /// A pattern, or a substitution.
    Pattern,
    /// A number.
    Number(String),
    /// Any other character; `;` also stands for the end of a line.
    Sign(char),
}

/// What is done with the text between the quotes of a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quoting {
    /// Nothing.
    Raw,
    /// Escapes are decoded.
    Escapes,
    /// Escapes and expansions mean something.
    Active,
    /// It is run in a shell, as back quotes are in some languages.
    Run,
    /// It is a list of words.
    Words,
}

/// Cuts `code` up.
pub(super) fn tokens(code: &str, language: &Language) -> Vec<Token> {
    let chars: Vec<char> = code.chars().collect();
    let mut lexer = Lexer { chars, at: 0, brackets: 0, out: Vec::new(), language };
    while let Some(c) = lexer.peek(0) {
        lexer.one(c);
    }
    lexer.out
}

struct Lexer<'a> {
    chars: Vec<char>,
    at: usize,
    /// Open brackets, in which the end of a line means nothing.
    brackets: usize,
    out: Vec<Token>,
    language: &'a Language,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn has(&self, syntax: Syntax) -> bool {
        self.language.syntax.contains(&syntax)
    }

    fn starts_with(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(ahead, c)| self.peek(ahead) == Some(c))
    }

    fn one(&mut self, c: char) {
        let sigil = matches!(c, '$' | '@') && self.name_start(1);
        if self.comment(c) {
            while self.peek(0).is_some_and(|c| c != '\n') {
                self.at += 1;
            }
        } else if self.has(Syntax::LongBrackets) && self.starts_with("[[") {
            self.at += 1;
            self.quoted(Quoting::Raw);
            self.at += 1;
        } else if c == '"' || (c == '\'' && !self.has(Syntax::NoSingleQuotes)) || c == '`' {
            self.string(c);
        } else if c == '$' && self.peek(1) == Some('`') && self.has(Syntax::Templates) {
            // Bun's and zx's shell: `$` in front of a template.
            self.at += 1;
            self.quoted(Quoting::Run);
        } else if self.name_start(0) || sigil {
            self.name();
        } else if c == '%' && self.has(Syntax::PercentQuotes) && self.operand_follows() {
            self.percent();
        } else if c == '/' && self.has(Syntax::Patterns) && self.operand_follows() {
            self.pattern();
        } else if c == '<' && self.has(Syntax::PerlQuotes) && self.names_files() {
            self.out.extend([Token::Name("glob".to_owned()), Token::Sign('(')]);
            self.quoted(Quoting::Active);
            self.out.push(Token::Sign(')'));
        } else if c.is_ascii_digit() {
            self.number();
        } else {
            self.sign(c);
        }
    }

    fn comment(&self, c: char) -> bool {
        let starts = self.language.comments.iter().any(|mark| self.starts_with(mark));
        // `$#array` is no comment.
        starts && !(c == '#' && self.at > 0 && self.chars[self.at - 1] == '$')
    }

    fn sign(&mut self, c: char) {
        self.at += 1;
        match c {
            '(' | '[' => self.brackets += 1,
            ')' | ']' => self.brackets = self.brackets.saturating_sub(1),
            '\n' if self.brackets > 0 => return,
            c if c.is_whitespace() && c != '\n' => return,
            _ => {}
        }
        self.out.push(Token::Sign(if c == '\n' { ';' } else { c }));
    }

    fn number(&mut self) {
        let start = self.at;
        while self.peek(0).is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
            || (self.peek(0) == Some('.') && self.peek(1).is_some_and(|c| c.is_ascii_digit()))
        {
            self.at += 1;
        }
        self.out.push(Token::Number(self.chars[start..self.at].iter().filter(|c| **c != '_').collect()));
    }

    fn name_start(&self, ahead: usize) -> bool {
        self.peek(ahead).is_some_and(|c| c.is_alphabetic() || c == '_' || c as u32 >= 0xF_0000)
    }

    fn name(&mut self) {
        let mut name = String::new();
        let joined = !self.has(Syntax::DotJoins);
        while let Some(c) = self.peek(0) {
            let dot = match c {
                '.' if joined && self.name_start(1) => 1,
                ':' if self.peek(1) == Some(':') && self.name_start(2) => 2,
                ':' if self.has(Syntax::ColonCalls) && self.name_start(1) => 1,
                '-' if self.peek(1) == Some('>') && self.name_start(2) => 2,
                '?' if self.peek(1) == Some('.') && self.name_start(2) => 2,
                '/' if self.has(Syntax::Lisp) && self.name_start(1) => 1,
                _ => 0,
            };
            let dashed = self.has(Syntax::Lisp) && "-!?*+<>=".contains(c);
            if dot > 0 {
                name.push('.');
                self.at += dot;
            } else if c.is_alphanumeric() || c == '_' || c as u32 >= 0xF_0000 || dashed {
                name.push(c);
                self.at += 1;
            } else if name.is_empty() && matches!(c, '$' | '@') {
                self.at += 1;
            } else {
                break;
            }
        }
        self.prefixed(name);
    }

    /// A name, or the letters in front of a string: `q(…)`, `qq{…}`, `m/…/`, Python's `r'…'`.
    fn prefixed(&mut self, name: String) {
        let next = self.peek(0);
        let quote = matches!(next, Some('\'' | '"'));
        if quote && name.len() <= 2 && name.chars().all(|c| "rbfuRBFU".contains(c)) {
            let start = self.out.len();
            self.string(next.unwrap_or('"'));
            let raw = name.contains(['r', 'R']);
            let formatted = name.contains(['f', 'F']);
            if let Some(Token::Text { quoting, .. }) = self.out.get_mut(start) {
                *quoting = match (formatted, raw) {
                    (true, _) => Quoting::Active,
                    (false, true) => Quoting::Raw,
                    (false, false) => *quoting,
                };
            }
            return;
        }
        let delimiter =
            next.is_some_and(|c| !c.is_whitespace() && !c.is_alphanumeric() && !",;=)".contains(c));
        let arrow = next == Some('-') && self.peek(1) == Some('>');
        if !self.has(Syntax::PerlQuotes) || !delimiter || arrow {
            return self.out.push(Token::Name(name));
        }
        match name.as_str() {
            "q" => self.quoted(Quoting::Raw),
            "qq" => self.quoted(Quoting::Active),
            "qx" => self.quoted(Quoting::Run),
            "qw" => self.quoted(Quoting::Words),
            "m" | "qr" => self.pattern(),
            "s" | "tr" | "y" => self.substitution(),
            _ => self.out.push(Token::Name(name)),
        }
    }

    /// Perl's `</etc/*>`: a pattern of names between angle brackets.
    fn names_files(&self) -> bool {
        let inside = self.chars[self.at + 1..].iter().take_while(|c| **c != '>' && !c.is_whitespace());
        let inside: String = inside.collect();
        inside.contains(['/', '*']) && self.peek(inside.chars().count() + 1) == Some('>')
    }

    /// `%w(…)`, `%x{…}`, `%q[…]`
    fn percent(&mut self) {
        let letter = self.peek(1).unwrap_or(' ');
        let opens = |c: Option<char>| c.is_some_and(|c| "({[<|!/".contains(c));
        let quoting = match letter {
            'w' | 'i' | 'W' | 'I' => Quoting::Words,
            'x' => Quoting::Run,
            'q' => Quoting::Raw,
            'Q' => Quoting::Active,
            '(' | '{' | '[' => Quoting::Active,
            _ => return self.sign('%'),
        };
        let skip = if opens(Some(letter)) { 1 } else { 2 };
        if !opens(self.peek(skip)) && skip == 2 {
            return self.sign('%');
        }
        self.at += skip;
        self.quoted(quoting);
    }

    /// Whether an operand may stand here, and no operator.
    fn operand_follows(&self) -> bool {
        match self.out.last() {
            None
            | Some(Token::Sign(
                '(' | '[' | '{' | ',' | ';' | '=' | '~' | '|' | '&' | '!' | '?' | ':' | '>' | '}' | '*',
            )) => true,
            Some(Token::Name(name)) => {
                matches!(
                    name.as_str(),
                    "if" | "unless"
                        | "and"
                        | "or"
                        | "not"
                        | "split"
                        | "return"
                        | "print"
                        | "when"
                        | "grep"
                        | "puts"
                        | "exec"
                        | "system"
                )
            }
            Some(Token::Text { .. } | Token::Pattern | Token::Number(_) | Token::Sign(_)) => false,
        }
    }

    /// What stands between the delimiter here and the one that closes it; nothing at the end of the text.
    fn delimited(&mut self) -> String {
        let Some(open) = self.peek(0) else { return String::new() };
        let close = match open {
            '(' => ')',
            '{' => '}',
            '[' => ']',
            '<' => '>',
            other => other,
        };
        self.at += 1;
        let (mut depth, mut text) = (1usize, String::new());
        while let Some(c) = self.peek(0) {
            self.at += 1;
            if c == close {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            } else if c == open {
                depth += 1;
            }
            text.push(c);
            if c == '\\'
                && let Some(next) = self.peek(0)
            {
                text.push(next);
                self.at += 1;
            }
        }
        text
    }

    fn quoted(&mut self, quoting: Quoting) {
        let text = self.delimited();
        self.out.push(Token::Text { text, quoting });
    }

    fn pattern(&mut self) {
        self.delimited();
        self.flags();
        self.out.push(Token::Pattern);
    }

    fn flags(&mut self) -> String {
        let mut flags = String::new();
        while let Some(c) = self.peek(0).filter(char::is_ascii_alphabetic) {
            flags.push(c);
            self.at += 1;
        }
        flags
    }

    /// `s/…/…/e`: with the flag `e`, the replacement is code.
    fn substitution(&mut self) {
        let paired = matches!(self.peek(0), Some('(' | '{' | '[' | '<'));
        self.delimited();
        if !paired {
            self.at -= 1;
        } else {
            while self.peek(0).is_some_and(char::is_whitespace) {
                self.at += 1;
            }
        }
        let replacement = self.delimited();
        self.out.push(Token::Pattern);
        if self.flags().contains('e') {
            self.out.push(Token::Sign(';'));
            self.out.extend(tokens(&replacement, self.language));
            self.out.push(Token::Sign(';'));
        }
    }

    fn string(&mut self, quote: char) {
        let triple = quote != '`' && self.peek(1) == Some(quote) && self.peek(2) == Some(quote);
        if triple {
            self.at += 2;
        }
        let start = self.at;
        let mut text = self.delimited();
        if triple {
            // The shortest text behind which three quotes stand.
            while !self.starts_with(&quote.to_string().repeat(2)) && self.peek(0).is_some() {
                self.at -= 1;
                text.push(quote);
                text.push_str(&self.delimited());
            }
            self.at += 2;
        }
        let quoting = match quote {
            '`' if self.has(Syntax::Templates) => Quoting::Active,
            '`' => Quoting::Run,
            '\'' if self.has(Syntax::RawSingleQuotes) => Quoting::Raw,
            _ if self.language.interpolates.is_empty() || self.has(Syntax::Templates) => Quoting::Escapes,
            _ if self.has(Syntax::PrefixedFormats) => Quoting::Escapes,
            _ => Quoting::Active,
        };
        self.at = self.at.max(start + 1);
        self.out.push(Token::Text { text, quoting });
    }
}
