//! Reads the text of a guard: a recursive descent that is bounded in length and depth.

use super::{ExprError, Known, Literal, Node};
use crate::model::fact;

/// Brackets and `not` inside each other, at most.
const MAX_DEPTH: usize = 32;
/// Bytes of a guard, at most.
const MAX_LENGTH: usize = 4096;

/// Reads a guard; names are replaced by what `lookup` knows of them, facts stay.
pub(super) fn parse(text: &str, lookup: &dyn Fn(&str) -> Known) -> Result<Node, ExprError> {
    if text.len() > MAX_LENGTH {
        return Err(ExprError { message: format!("a guard has at most {MAX_LENGTH} bytes"), at: MAX_LENGTH });
    }
    let mut parser = Parser { text, at: 0, depth: 0, lookup };
    let node = parser.or()?;
    parser.blanks();
    if parser.at == text.len() {
        Ok(node)
    } else {
        parser.fail("expected `and`, `or`, a comparison or the end")
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    lookup: &'a dyn Fn(&str) -> Known,
}

impl Parser<'_> {
    fn fail<T>(&self, message: impl Into<String>) -> Result<T, ExprError> {
        Err(ExprError { message: message.into(), at: self.at })
    }

    fn blanks(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n']).len();
    }

    fn take(&mut self, token: &str) -> bool {
        self.blanks();
        let found = self.text[self.at..].starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        self.blanks();
        let follows = self.text[self.at..].strip_prefix(word);
        let found = follows.is_some_and(|rest| !rest.starts_with(is_name_char));
        if found {
            self.at += word.len();
        }
        found
    }

    fn or(&mut self) -> Result<Node, ExprError> {
        let mut left = self.and()?;
        while self.take_word("or") {
            left = Node::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Node, ExprError> {
        let mut left = self.not()?;
        while self.take_word("and") {
            left = Node::And(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Node, ExprError> {
        if self.take_word("not") {
            self.nested(|p| Ok(Node::Not(Box::new(p.not()?))))
        } else {
            self.comparison()
        }
    }

    fn comparison(&mut self) -> Result<Node, ExprError> {
        let left = self.operand()?;
        let make: fn(Box<Node>, Box<Node>) -> Node = if self.take("==") {
            Node::Equal
        } else if self.take("!=") {
            Node::Differ
        } else if self.take_word("in") {
            Node::In
        } else {
            return Ok(left);
        };
        Ok(make(Box::new(left), Box::new(self.operand()?)))
    }

    fn nested(&mut self, read: impl FnOnce(&mut Self) -> Result<Node, ExprError>) -> Result<Node, ExprError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.fail(format!("nested more than {MAX_DEPTH} levels deep"));
        }
        let node = read(self);
        self.depth -= 1;
        node
    }

    fn operand(&mut self) -> Result<Node, ExprError> {
        self.blanks();
        match self.text[self.at..].chars().next() {
            Some('(') => {
                self.at += 1;
                let node = self.nested(Self::or)?;
                if self.take(")") { Ok(node) } else { self.fail("expected `)`") }
            }
            Some('[') => {
                self.at += 1;
                self.list()
            }
            Some(quote @ ('\'' | '"')) => self.quoted(quote),
            Some(c) if c.is_ascii_digit() || c == '-' => self.integer(),
            Some(c) if is_name_char(c) => self.name(),
            _ => self.fail("expected a fact, a parameter or a value"),
        }
    }

    fn list(&mut self) -> Result<Node, ExprError> {
        let mut items = Vec::new();
        while !self.take("]") {
            if !items.is_empty() && !self.take(",") {
                return self.fail("expected `,` or `]`");
            }
            match self.operand()? {
                Node::Literal(literal) => items.push(literal),
                _ => return self.fail("a list holds values only"),
            }
        }
        Ok(Node::Literal(Literal::List(items)))
    }

    fn quoted(&mut self, quote: char) -> Result<Node, ExprError> {
        let body = &self.text[self.at + 1..];
        let Some(end) = body.find(quote) else { return self.fail("this text has no end") };
        if body[..end].contains('\\') {
            return self.fail("a guard has no escapes; use the other kind of quotes");
        }
        self.at += end + 2;
        Ok(Node::Literal(Literal::Text(body[..end].to_owned())))
    }

    fn integer(&mut self) -> Result<Node, ExprError> {
        let rest = &self.text[self.at..];
        let end = rest[1..].find(|c: char| !c.is_ascii_digit()).map_or(rest.len(), |i| i + 1);
        match rest[..end].parse() {
            Ok(number) => {
                self.at += end;
                Ok(Node::Literal(Literal::Integer(number)))
            }
            Err(_) => self.fail("this is no whole number"),
        }
    }

    fn name(&mut self) -> Result<Node, ExprError> {
        let rest = &self.text[self.at..];
        let end = rest.find(|c: char| !is_name_char(c) && c != '.').unwrap_or(rest.len());
        let name = &rest[..end];
        let node = match (name, name.strip_prefix("facts.")) {
            ("true", _) => Node::Literal(Literal::Bool(true)),
            ("false", _) => Node::Literal(Literal::Bool(false)),
            (_, Some(path)) => match fact::known(path) {
                Ok(_) => path.parse().map(Node::Fact).or_else(|_| self.fail("this is no fact"))?,
                Err(near) => return self.fail(unknown("fact", path, near.map(str::to_owned))),
            },
            (_, None) => match (self.lookup)(name) {
                Known::Value(Literal::Text(text)) if !has_spelling(&text) => {
                    return self
                        .fail(format!("the text of `{name}` has a backslash or both kinds of quotes"));
                }
                Known::Value(literal) => Node::Literal(literal),
                Known::NotComparable => {
                    return self.fail(format!("`{name}` is a table, a secret or an empty value"));
                }
                Known::Unknown(near) => return self.fail(unknown("name", name, near)),
            },
        };
        self.at += end;
        Ok(node)
    }
}

fn unknown(what: &str, name: &str, near: Option<String>) -> String {
    let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    format!("there is no {what} `{name}`{hint}")
}

/// Whether a text can be written in a guard, which has no escapes.
fn has_spelling(text: &str) -> bool {
    !(text.contains('\\') || (text.contains('\'') && text.contains('"')))
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
