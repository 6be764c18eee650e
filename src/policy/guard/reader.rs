//! Reads calls and their arguments out of the pieces of a script, keeping track of what variables hold.

use super::interpreter::{Action, Language};
use super::lexer::Token;
use super::library::{globbed, joined, joined_path, method_of};
use crate::shell::{Flavour, Part, Source, Value, decode};
use base64::Engine as _;
use std::collections::HashMap;

/// The values of an expression: one, or the elements of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Values(pub(super) Vec<Value>);

impl Values {
    pub(super) fn unknown() -> Self {
        Self(vec![Value::dynamic(Source::Output, true)])
    }
}

/// A position in a script.
pub(super) struct Reader<'a> {
    language: &'a Language,
    tokens: &'a [Token],
    operands: &'a [Value],
    at: usize,
    depth: usize,
    variables: HashMap<String, Values>,
}

/// Expressions inside one another, at most.
const MAX_DEPTH: usize = 24;

impl<'a> Reader<'a> {
    pub(super) fn new(language: &'a Language, tokens: &'a [Token], operands: &'a [Value]) -> Self {
        Self { language, tokens, operands, at: 0, depth: 0, variables: HashMap::new() }
    }

    /// The next call that does something, with its arguments.
    pub(super) fn next_call(&mut self) -> Option<(Action, Vec<Values>)> {
        while let Some(token) = self.tokens.get(self.at) {
            self.at += 1;
            match token {
                Token::Text { text, run: true, active } => {
                    let code = self.text(text, *active);
                    return Some((Action::Shell, vec![Values(vec![code])]));
                }
                Token::Text { text, active, .. } if self.piped() => {
                    return Some((Action::Shell, vec![Values(vec![self.text(text, *active)])]));
                }
                Token::Name(name) => {
                    if let Some(action) = self.action(name) {
                        let from = self.at;
                        let arguments = self.arguments();
                        // Calls among the arguments count too.
                        self.at = from;
                        return Some((action, arguments));
                    }
                    self.assign(name);
                }
                Token::Text { .. } | Token::Number(_) | Token::Sign(_) => {}
            }
        }
        None
    }

    /// awk: `"command" | getline` and `print | "command"`.
    fn piped(&self) -> bool {
        let sign = |at: Option<usize>| at.and_then(|at| self.tokens.get(at)) == Some(&Token::Sign('|'));
        let awk = self.language.names.iter().any(|n| n == "awk");
        let getline = matches!(self.tokens.get(self.at + 1), Some(Token::Name(n)) if n == "getline");
        awk && (sign(self.at.checked_sub(2)) || (sign(Some(self.at)) && getline))
    }

    fn action(&self, name: &str) -> Option<Action> {
        let last = name.rsplit('.').next().unwrap_or(name);
        let calls = &self.language.calls;
        if let Some(action) = calls.get(last) {
            return Some(*action);
        }
        calls
            .iter()
            .find(|(key, _)| {
                key.contains('.') && (name == key.as_str() || name.ends_with(&format!(".{key}")))
            })
            .map(|(_, a)| *a)
    }

    /// `name = expression`, `for name in expression`.
    fn assign(&mut self, name: &str) {
        if matches!(name, "for" | "foreach")
            && let (Some(Token::Name(variable)), Some(Token::Name(word))) =
                (self.tokens.get(self.at), self.tokens.get(self.at + 1))
            && matches!(word.as_str(), "in" | "of")
        {
            let from = self.at;
            self.at += 2;
            let values = self.expression();
            self.variables.insert(variable.clone(), values);
            self.at = from;
            return;
        }
        let equals = self.tokens.get(self.at) == Some(&Token::Sign('='));
        let compares = matches!(self.tokens.get(self.at + 1), Some(Token::Sign('=' | '~' | '>')));
        if equals && !compares {
            let from = self.at;
            self.at += 1;
            let values = self.expression();
            self.variables.insert(name.to_owned(), values);
            self.at = from;
        }
    }

    /// The arguments of a call: in parentheses, or up to the end of the statement.
    fn arguments(&mut self) -> Vec<Values> {
        let parenthesised = self.tokens.get(self.at) == Some(&Token::Sign('('));
        if parenthesised {
            self.at += 1;
        }
        let mut arguments = vec![self.expression()];
        while self.tokens.get(self.at) == Some(&Token::Sign(',')) {
            self.at += 1;
            let keyword = matches!(
                (self.tokens.get(self.at), self.tokens.get(self.at + 1)),
                (Some(Token::Name(_)), Some(Token::Sign('=' | ':')))
            );
            let value = self.expression();
            if !keyword {
                arguments.push(value);
            }
        }
        if parenthesised && self.tokens.get(self.at) == Some(&Token::Sign(')')) {
            self.at += 1;
        }
        arguments
    }

    /// An expression, up to a comma, a closing bracket or the end of the statement.
    fn expression(&mut self) -> Values {
        self.depth += 1;
        let mut value = Values::default();
        while let Some(token) = self.tokens.get(self.at) {
            match token {
                Token::Sign(',' | ')' | ']' | '}' | ';') => break,
                Token::Sign('{' | '(')
                    if self.depth > 1 && !value.0.is_empty() && matches!(token, Token::Sign('{')) =>
                {
                    break;
                }
                Token::Sign('+' | '.') => self.at += 1,
                Token::Name(word)
                    if matches!(word.as_str(), "if" | "unless" | "for" | "or" | "and" | "do" | "while")
                        && !value.0.is_empty() =>
                {
                    break;
                }
                _ => {
                    let operand = self.operand();
                    value = joined(value, operand);
                }
            }
            if self.depth > MAX_DEPTH {
                value = Values::unknown();
                self.at += 1;
            }
        }
        self.depth -= 1;
        value
    }

    fn operand(&mut self) -> Values {
        let Some(token) = self.tokens.get(self.at) else { return Values::default() };
        self.at += 1;
        match token {
            Token::Text { text, active, .. } => self.after(Values(vec![self.text(text, *active)])),
            Token::Number(number) => Values(vec![Value::text(number.as_str())]),
            Token::Sign('[' | '(') => {
                let mut list = Vec::new();
                while let Some(next) = self.tokens.get(self.at) {
                    if matches!(next, Token::Sign(']' | ')')) {
                        self.at += 1;
                        break;
                    }
                    if matches!(next, Token::Sign(',' | '}' | ';')) {
                        self.at += 1;
                        continue;
                    }
                    list.extend(self.expression().0);
                }
                self.after(Values(list))
            }
            Token::Name(name) => self.name(name),
            Token::Sign('-' | '\\' | '&' | '!' | '<' | '>' | '@' | '$') => Values::default(),
            Token::Sign(_) => Values::unknown(),
        }
    }

    fn name(&mut self, name: &str) -> Values {
        let last = name.rsplit('.').next().unwrap_or(name);
        if self.language.arguments.iter().any(|a| a == last) {
            return self.operand_of_program(last);
        }
        if self.tokens.get(self.at) == Some(&Token::Sign('(')) {
            let arguments = self.arguments();
            let value = self.called(last, &arguments);
            return self.after(value);
        }
        match self.variables.get(name).cloned() {
            Some(value) => self.after(value),
            None => match self.language.calls.get(last) {
                Some(Action::Remote) => Values(vec![Value::dynamic(Source::Remote, true)]),
                _ if matches!(
                    name,
                    "glob" | "my" | "our" | "local" | "var" | "let" | "const" | "new" | "await"
                ) =>
                {
                    Values::default()
                }
                _ => Values::unknown(),
            },
        }
    }

    /// `sys.argv[1]`, `$ARGV[0]`, `shift`.
    fn operand_of_program(&mut self, name: &str) -> Values {
        let first = usize::from(matches!(name, "argv"))
            + usize::from(self.language.names.iter().any(|n| n == "node"));
        if self.tokens.get(self.at) == Some(&Token::Sign('['))
            && let Some(Token::Number(index)) = self.tokens.get(self.at + 1)
        {
            let closed = self.tokens.get(self.at + 2) == Some(&Token::Sign(']'));
            self.at += if closed { 3 } else { 2 };
            let index = index.parse::<usize>().unwrap_or(0);
            let value = index.checked_sub(first).and_then(|i| self.operands.get(i));
            return value.map_or_else(Values::unknown, |v| Values(vec![v.clone()]));
        }
        if self.tokens.get(self.at) == Some(&Token::Sign('[')) {
            self.at += 1;
            while self.tokens.get(self.at).is_some_and(|t| *t != Token::Sign(']')) {
                self.at += 1;
            }
            self.at += 1;
        }
        Values(self.operands.to_vec())
    }

    /// What a function returns, for the few that disguise a constant.
    fn called(&self, name: &str, arguments: &[Values]) -> Values {
        let first = arguments.first().and_then(|v| v.0.first());
        let text = first.and_then(Value::literal);
        let one = |text: String| Values(vec![Value::text(text)]);
        match (name, text) {
            ("chr" | "fromCharCode", _) => {
                let chars = arguments
                    .iter()
                    .flat_map(|v| &v.0)
                    .map(|v| v.literal().and_then(|t| t.parse::<u32>().ok()).and_then(char::from_u32));
                chars.collect::<Option<String>>().map_or_else(Values::unknown, one)
            }
            (
                "b64decode" | "decode_base64" | "base64_decode" | "atob" | "decode64" | "decodebytes",
                Some(text),
            ) => {
                let decoded = base64::engine::general_purpose::STANDARD.decode(text.trim());
                decoded.map_or_else(|_| Values::unknown(), |b| one(String::from_utf8_lossy(&b).into_owned()))
            }
            ("fromhex" | "unhexlify" | "hex2bin", Some(text)) => {
                let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
                let bytes = (0..digits.len() / 2)
                    .filter_map(|i| u8::from_str_radix(&digits[2 * i..2 * i + 2], 16).ok());
                one(String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into_owned())
            }
            ("reverse" | "strrev", Some(text)) => one(text.chars().rev().collect()),
            ("glob" | "iglob", Some(text)) => Values(vec![globbed(text)]),
            (
                "str" | "bytes" | "Path" | "list" | "tuple" | "String" | "abspath" | "expanduser" | "split"
                | "resolve" | "trim",
                _,
            ) => arguments.first().cloned().unwrap_or_default(),
            ("listdir" | "readdirSync" | "scandir", Some(text)) => {
                Values(vec![globbed(&format!("{text}/*"))])
            }
            ("join", _) => joined_path(arguments),
            _ if self.language.calls.get(name) == Some(&Action::Remote) => {
                Values(vec![Value::dynamic(Source::Remote, true)])
            }
            _ => arguments
                .iter()
                .flat_map(|v| &v.0)
                .find(|v| v.has(Source::Remote))
                .map_or_else(Values::unknown, |v| Values(vec![v.clone()])),
        }
    }

    /// Methods and subscripts behind a value: they leave it as it is, or make it unknown.
    fn after(&mut self, value: Values) -> Values {
        let mut value = value;
        loop {
            match (self.tokens.get(self.at), self.tokens.get(self.at + 1)) {
                (Some(Token::Sign('.')), Some(Token::Name(method))) => {
                    self.at += 2;
                    let arguments = if self.tokens.get(self.at) == Some(&Token::Sign('(')) {
                        self.arguments()
                    } else {
                        Vec::new()
                    };
                    value = method_of(method, value, &arguments);
                }
                (Some(Token::Sign('[')), _) => {
                    let text = value.0.first().and_then(Value::literal).map(str::to_owned);
                    let from = self.at;
                    while self.tokens.get(self.at).is_some_and(|t| *t != Token::Sign(']')) {
                        self.at += 1;
                    }
                    let reversed = self.tokens.get(from + 1..self.at).is_some_and(|t| {
                        matches!(t, [Token::Sign(':'), Token::Sign(':'), Token::Sign('-'), Token::Number(n)] if n == "1")
                    });
                    self.at += 1;
                    value = match text {
                        Some(text) if reversed => {
                            Values(vec![Value::text(text.chars().rev().collect::<String>())])
                        }
                        _ if value.0.len() > 1 => value,
                        _ => Values::unknown(),
                    };
                }
                _ => return value,
            }
        }
    }

    fn text(&self, text: &str, active: bool) -> Value {
        if !active {
            return Value::text(text.replace("\\'", "'").replace("\\\\", "\\"));
        }
        let mut out = Value::default();
        let mut rest = text;
        while let Some(at) = rest.find(|c: char| self.language.interpolates.contains(c)) {
            let braced = rest[at + 1..].starts_with('{');
            let name: String = rest[at + 1..]
                .trim_start_matches('{')
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            let escaped = at > 0 && rest.as_bytes()[at - 1] == b'\\';
            if escaped || (name.is_empty() && !braced) || (rest[at..].starts_with('#') && !braced) {
                out.push(Part::Text(
                    decode(&rest[..=at], Flavour::Printf).replace("\\$", "$").replace("\\@", "@"),
                ));
                rest = &rest[at + 1..];
                continue;
            }
            out.push(Part::Text(decode(&rest[..at], Flavour::Printf)));
            match self.variables.get(&name) {
                Some(values) => values.0.iter().for_each(|v| out.append(v)),
                None => out.append(&Value::dynamic(Source::Output, true)),
            }
            let end = if braced {
                rest[at..].find('}').map_or(rest.len(), |e| at + e + 1)
            } else {
                at + 1 + name.len()
            };
            rest = &rest[end..];
        }
        out.append(&Value::text(decode(rest, Flavour::Printf)));
        out
    }
}
