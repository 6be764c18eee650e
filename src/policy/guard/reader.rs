//! Reads the calls of a script and what they are given, keeping track of what variables hold.
//!
//! No language is parsed for real: expressions are read from left to right, and every call in them is
//! noted once. A script is read twice, so that what is bound further down, or around, is known too.

use super::language::{Action, Language, Syntax};
use super::lexer::Token;
use super::values::Values;
use crate::shell::Value;
use crate::shell::run::State;
use std::collections::HashMap;

/// Expressions inside one another, at most.
pub(super) const MAX_DEPTH: usize = 40;
/// Calls of one script that count, at most.
const MAX_FOUND: usize = 400;

/// A call that does something.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// What it does.
    pub(super) action: Action,
    /// What it is given.
    pub(super) arguments: Vec<Values>,
    /// What is written to the program that it starts.
    pub(super) stdin: Value,
}

/// What a script finds around it.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    /// The arguments of the program.
    pub(super) operands: &'a [Value],
    /// Its standard input.
    pub(super) stdin: &'a Value,
    /// The environment.
    pub(super) state: &'a State,
}

/// The calls in a script that do something.
pub(super) fn calls(
    language: &Language,
    any: &Language,
    tokens: &[Token],
    around: Surroundings<'_>,
) -> Vec<Found> {
    let mut first = Reader::new(language, any, tokens, around);
    first.statements(None);
    let mut second = Reader::new(language, any, tokens, around);
    second.later = first.variables;
    second.functions = first.functions;
    second.statements(None);
    second.found
}

/// A position in a script.
pub(super) struct Reader<'a> {
    pub(super) language: &'a Language,
    pub(super) any: &'a Language,
    tokens: &'a [Token],
    pub(super) around: Surroundings<'a>,
    pub(super) at: usize,
    pub(super) depth: usize,
    /// Whether `>` and `|` redirect what is printed.
    pub(super) printing: bool,
    pub(super) variables: HashMap<String, Values>,
    /// What the first reading has bound.
    pub(super) later: HashMap<String, Values>,
    /// The parameters of functions.
    pub(super) functions: HashMap<String, Vec<String>>,
    pub(super) found: Vec<Found>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        language: &'a Language,
        any: &'a Language,
        tokens: &'a [Token],
        around: Surroundings<'a>,
    ) -> Self {
        Self {
            language,
            any,
            tokens,
            around,
            at: 0,
            depth: 0,
            printing: false,
            variables: HashMap::new(),
            later: HashMap::new(),
            functions: HashMap::new(),
            found: Vec::new(),
        }
    }

    pub(super) fn has(&self, syntax: Syntax) -> bool {
        self.language.syntax.contains(&syntax)
    }

    pub(super) fn peek(&self, ahead: usize) -> Option<&'a Token> {
        self.tokens.get(self.at + ahead)
    }

    pub(super) fn sign(&self, ahead: usize, sign: char) -> bool {
        self.peek(ahead) == Some(&Token::Sign(sign))
    }

    pub(super) fn skip(&mut self, count: usize) {
        self.at += count;
    }

    pub(super) fn note(&mut self, action: Action, arguments: Vec<Values>) {
        if self.found.len() < MAX_FOUND {
            self.found.push(Found { action, arguments, stdin: Value::default() });
        }
    }

    pub(super) fn variable(&self, name: &str) -> Option<Values> {
        self.variables.get(name).or_else(|| self.later.get(name)).cloned()
    }

    /// Reads up to `close`, which is taken too, or to the end.
    pub(super) fn statements(&mut self, close: Option<char>) {
        while let Some(token) = self.peek(0) {
            if close.is_some_and(|c| *token == Token::Sign(c)) {
                self.at += 1;
                return;
            }
            let before = self.at;
            self.expression();
            self.at = self.at.max(before + 1);
        }
    }

    /// An expression, up to a comma, a closing bracket or the end of the statement.
    pub(super) fn expression(&mut self) -> Values {
        if self.depth >= MAX_DEPTH {
            self.at += 1;
            return Values::unknown();
        }
        self.depth += 1;
        let mut value = self.factor();
        while let Some(operator) = self.operator(&value) {
            let right = self.factor();
            value = self.applied(operator, value, right);
        }
        self.depth -= 1;
        value
    }

    pub(super) fn operand(&mut self) -> Values {
        let mut token = self.peek(0);
        // Signs in front of an operand: `-`, `\`, `*`, `&`, `!` and so on.
        while let Some(Token::Sign(sign)) = token
            && !",;()[]{}".contains(*sign)
        {
            self.at += 1;
            match (sign, self.peek(0)) {
                ('-', Some(Token::Number(number))) => {
                    self.at += 1;
                    return Values::one(Value::text(format!("-{number}")));
                }
                ('$', Some(Token::Number(_))) => {
                    self.at += 1;
                    return Values::one(self.around.stdin.clone()).or(Values::unknown());
                }
                (':', Some(Token::Name(name))) if self.has(Syntax::PercentQuotes) => {
                    self.at += 1;
                    return Values::one(Value::text(name.as_str())).named(name);
                }
                _ => {}
            }
            token = self.peek(0);
        }
        let Some(token) = token else { return Values::default() };
        match token {
            Token::Text { text, quoting } => {
                self.at += 1;
                let value = self.quoted(text, *quoting);
                self.after(value)
            }
            Token::Number(number) => {
                self.at += 1;
                Values::one(Value::text(number.as_str()))
            }
            Token::Pattern => {
                self.at += 1;
                self.variables.insert("_".to_owned(), Values::unknown());
                self.after(Values::unknown().named("Pattern"))
            }
            Token::Sign('(') if self.has(Syntax::Lisp) => self.form(),
            Token::Sign(open @ ('[' | '(')) => {
                self.at += 1;
                let mut elements = self.list(if *open == '(' { ')' } else { ']' });
                let value = match (open, elements.len()) {
                    ('(', 1) => elements.remove(0),
                    _ => Values::of_list(elements),
                };
                self.after(value)
            }
            Token::Sign('{') if self.holds_elements() => {
                self.at += 1;
                let held = self.list('}');
                Values { list: !held.is_empty(), ..Values::of_list(held) }
            }
            Token::Sign('{') => {
                self.at += 1;
                self.statements(Some('}'));
                Values::default()
            }
            Token::Sign(_) => Values::default(),
            Token::Name(name) => {
                self.at += 1;
                self.name(name)
            }
        }
    }

    /// Whether the brace here opens no block: `{args: […]}`, `{"rm", "-rf"}`.
    fn holds_elements(&self) -> bool {
        match self.peek(1) {
            Some(Token::Name(_)) => self.sign(2, ':') && !self.sign(3, ':'),
            Some(Token::Text { .. }) => self.sign(2, ','),
            _ => false,
        }
    }

    /// The elements up to `close`. Those with a key do not count.
    pub(super) fn list(&mut self, close: char) -> Vec<Values> {
        let printing = std::mem::replace(&mut self.printing, false);
        let mut elements = Vec::new();
        while let Some(token) = self.peek(0) {
            let before = self.at;
            match token {
                Token::Sign(sign) if *sign == close => {
                    self.at += 1;
                    break;
                }
                Token::Sign(',' | ';' | ')' | ']' | '}') => {}
                Token::Sign('#' | '@') => {}
                _ => {
                    let key = matches!(token, Token::Name(_))
                        && (self.sign(1, '=') && !self.sign(2, '=')
                            || self.sign(1, ':') && !self.sign(2, ':'));
                    self.at += if key { 2 } else { 0 };
                    let counts = matches!(token, Token::Name(name) if GIVEN.contains(&name.as_str()));
                    let value = self.expression();
                    if !key || counts {
                        elements.push(value);
                    }
                }
            }
            self.at = self.at.max(before + 1);
        }
        self.printing = printing;
        elements
    }

    /// Arguments without parentheses, up to the end of the statement.
    pub(super) fn bare(&mut self, printing: bool) -> Vec<Values> {
        let before = std::mem::replace(&mut self.printing, printing);
        let mut arguments = Vec::new();
        if self.sign(0, '{') {
            // Perl's `system {program} list`.
            self.at += 1;
            self.statements(Some('}'));
        }
        loop {
            match self.peek(0) {
                None | Some(Token::Sign(';' | ')' | ']' | '}' | '>' | '|' | '=' | '?')) => break,
                Some(Token::Name(word)) if KEYWORDS.contains(&word.as_str()) => break,
                Some(_) => {}
            }
            let from = self.at;
            // Perl's `=>` is a comma that makes a text of the name before it.
            let named = match self.peek(0) {
                Some(Token::Name(name)) if self.sign(1, '=') && self.sign(2, '>') => {
                    Some(Values::one(Value::text(name.as_str())))
                }
                _ => None,
            };
            self.at += usize::from(named.is_some());
            arguments.push(named.unwrap_or_else(|| self.expression()));
            let arrow = self.sign(0, '=') && self.sign(1, '>');
            let comma = arrow || self.sign(0, ',');
            self.at += usize::from(comma) + usize::from(arrow);
            if self.at == from || !comma {
                break;
            }
        }
        self.printing = before;
        arguments
    }

    /// `(function argument …)`
    fn form(&mut self) -> Values {
        self.at += 1;
        let Some(Token::Name(name)) = self.peek(0) else {
            return Values::of_list(self.list(')'));
        };
        self.at += 1;
        let arguments = self.list(')');
        if matches!(name.as_str(), "define" | "let" | "setq" | "def" | "defvar" | "defparameter") {
            return Values::unknown();
        }
        self.call(name, None, arguments)
    }
}

/// Names of parameters that are what a call is about: what it runs, or the file that it is done to.
const GIVEN: [&str; 15] = [
    "args", "argv", "command", "cmd", "commands", "target", "func", "path", "file", "filename", "atPath",
    "dir", "name", "input", "source",
];

/// Words that no argument starts with.
pub(super) const KEYWORDS: [&str; 26] = [
    "if", "unless", "while", "until", "for", "foreach", "else", "elsif", "elif", "elseif", "end", "do",
    "then", "or", "and", "in", "of", "rescue", "except", "catch", "finally", "try", "begin", "BEGIN", "END",
    "is",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::guard::lexer::tokens;
    use crate::policy::guard::rules::Rules;
    use crate::shell::Dialect;

    /// Reads `code`, which is given the operand `/srv/x`, and compares its calls: `action argument …`.
    fn check(language: &str, code: &str, expected: &[&str]) {
        let languages = &Rules::builtin().languages;
        let (operands, stdin) = ([Value::text("/srv/x")], Value::default());
        let state = State::new(Dialect::Bash, Value::text("/"));
        let around = Surroundings { operands: &operands, stdin: &stdin, state: &state };
        let tokens = tokens(code, &languages[language]);
        let found: Vec<String> = calls(&languages[language], &languages["any"], &tokens, around)
            .iter()
            .map(|call| {
                let items = call.arguments.iter().flat_map(|a| &a.items);
                let shown = items.map(|v| format!(" {v}")).collect::<String>();
                format!("{:?}{shown}", call.action).to_lowercase()
            })
            .collect();
        assert_eq!(found, expected, "{language}: {code}");
    }

    #[test]
    fn strings_mean_what_their_language_says() {
        for (language, code, expected) in [
            ("python", r"os.remove('/a\x62')", "delete /ab"),
            ("python", r"os.remove(r'/a\x62')", r"delete /a\x62"),
            ("python", "d='/a'; os.remove(f'{d}/b')", "delete /a/b"),
            ("perl", r#"$d="/a"; unlink "$d/b""#, "delete /a/b"),
            ("perl", r#"unlink '$d/b'"#, "delete $d/b"),
            ("perl", "unlink q(/a)", "delete /a"),
            ("perl", "unlink </a/*>", "delete /a/*"),
            ("ruby", r##"d='/a'; File.delete("#{d}/b")"##, "delete /a/b"),
            ("ruby", "File.delete(*%w[/a /b])", "delete /a /b"),
            ("node", "const d='/a'; fs.rmSync(`${d}/b`)", "deletetree /a/b"),
            ("lua", "os.remove([[/a]])", "delete /a"),
        ] {
            check(language, code, &[expected]);
        }
    }

    #[test]
    fn constants_are_put_together() {
        for (language, code, expected) in [
            ("python", "os.remove('/a'+'/b')", "delete /a/b"),
            ("python", "os.remove('/a' '/b')", "delete /a/b"),
            ("python", "os.remove('/%s' % 'a')", "delete /a"),
            ("python", "os.remove('/{}'.format('a'))", "delete /a"),
            ("python", "os.remove(''.join(map(chr,[47,97])))", "delete /a"),
            ("python", "os.remove('a/'[::-1])", "delete /a"),
            ("python", "os.remove(os.path.join('/a','b'))", "delete /a/b"),
            ("perl", "unlink '/a'.'/b'", "delete /a/b"),
            ("perl", r#"unlink pack("H*","2f61")"#, "delete /a"),
            ("php", "unlink(base64_decode('L2E='));", "delete /a"),
            ("node", "fs.rmSync(Buffer.from('L2E=','base64').toString())", "deletetree /a"),
            ("ruby", "File.delete(['2f61'].pack('H*'))", "delete /a"),
        ] {
            check(language, code, &[expected]);
        }
    }

    #[test]
    fn programs_see_their_arguments() {
        check("python", "os.remove(sys.argv[1])", &["delete /srv/x"]);
        check("perl", "unlink $ARGV[0]", &["delete /srv/x"]);
        check("ruby", "File.delete(ARGV[0])", &["delete /srv/x"]);
    }

    #[test]
    fn functions_are_known_by_other_names() {
        for (code, expected) in [
            ("import os as o; o.remove('/a')", "delete /a"),
            ("from os import remove as r; r('/a')", "delete /a"),
            ("r = os.remove; r('/a')", "delete /a"),
            ("__import__('os').remove('/a')", "delete /a"),
            ("getattr(os, 're'+'move')('/a')", "delete /a"),
            ("os.__dict__['remove']('/a')", "delete /a"),
            ("atexit.register(os.remove, '/a')", "delete /a"),
            ("Thread(target=os.remove, args=('/a',))", "delete /a"),
        ] {
            check("python", code, &[expected]);
        }
        check("node", "const {rmSync: r} = require('fs'); r('/a')", &["deletetree /a"]);
        check("node", "require('fs')['rmSync']('/a')", &["deletetree /a"]);
        check("php", "$f='unlink'; $f('/a');", &["delete /a"]);
    }

    #[test]
    fn loops_bind_what_they_go_through() {
        for (language, code, expected) in [
            ("python", "for f in ['/a','/b']: os.remove(f)", "delete /a /b"),
            ("python", "[os.remove(f) for f in glob.glob('/a/*')]", "delete /a/*"),
            ("perl", "unlink $_ for '/a','/b'", "delete /a"),
            ("ruby", "Dir['/a/*'].each { |f| File.delete(f) }", "delete /a/*"),
            ("node", "for (const f of ['/a','/b']) fs.rmSync(f)", "deletetree /a /b"),
            ("php", "foreach (glob('/a/*') as $f) unlink($f);", "delete /a/*"),
        ] {
            check(language, code, &[expected]);
        }
    }
}
