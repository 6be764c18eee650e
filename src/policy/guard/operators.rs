//! Operators of other languages: what stands between two operands, and what they make of them.

use super::language::{Action, Syntax};
use super::lexer::Token;
use super::reader::{KEYWORDS, Reader};
use super::values::{Values, joined};
use super::{disguise, numbers};
use crate::shell::Value;

/// What stands between two operands.
pub(super) enum Operator {
    Join,
    Repeat,
    Format,
    Append,
    Either,
    Then,
    Other,
}

impl Reader<'_> {
    /// An operand and its power.
    pub(super) fn factor(&mut self) -> Values {
        let mut value = self.operand();
        while self.sign(0, '*') && self.sign(1, '*') {
            self.at += 2;
            let right = self.operand();
            value = numbers::power(&value, &right);
        }
        value
    }

    pub(super) fn applied(&mut self, operator: Operator, left: Values, right: Values) -> Values {
        match operator {
            Operator::Join => joined(left, right),
            Operator::Append => match left.number() {
                Some(_) => numbers::power(&Values::one(Value::text("2")), &right),
                None => left.with(right),
            },
            Operator::Either => left.or(right),
            Operator::Then => right,
            Operator::Format => disguise::formatted(&left, &right.items),
            Operator::Repeat => {
                let repeated = numbers::repeated(&left, &right);
                if repeated.is_none() {
                    self.note(Action::Memory, vec![right]);
                }
                repeated.unwrap_or_else(Values::unknown)
            }
            Operator::Other => Values::unknown(),
        }
    }

    /// The operator here, which is taken; none where the expression ends.
    pub(super) fn operator(&mut self, left: &Values) -> Option<Operator> {
        let token = self.peek(0)?;
        let twice = self.peek(1) == Some(token);
        let (operator, length) = match token {
            Token::Name(word) => match word.as_str() {
                "or" => (Operator::Either, 1),
                "and" | "is" => (Operator::Then, 1),
                "x" if self.has(Syntax::PerlQuotes) => (Operator::Repeat, 1),
                "as" => {
                    if let Some(Token::Name(name)) = self.peek(1) {
                        self.variables.insert(name.clone(), left.clone().elements());
                        self.at += 2;
                    }
                    return None;
                }
                word if self.has(Syntax::Awk) && !KEYWORDS.contains(&word) => (Operator::Join, 0),
                _ => return None,
            },
            Token::Text { .. } if !self.has(Syntax::Lisp) && !left.is_empty() => (Operator::Join, 0),
            Token::Number(_) if self.has(Syntax::Awk) => (Operator::Join, 0),
            Token::Text { .. } | Token::Number(_) | Token::Pattern => return None,
            Token::Sign(sign) => match sign {
                _ if self.has(Syntax::Lisp) => return None,
                '$' | '(' if self.has(Syntax::Awk) => (Operator::Join, 0),
                '>' | '|' if self.printing => return None,
                '|' if self.has(Syntax::Awk) && !twice => {
                    // `"command" | getline`
                    self.note(Action::Shell, vec![left.clone()]);
                    (Operator::Then, 1 + usize::from(self.sign(1, '&')))
                }
                '=' if self.sign(1, '>') => return None,
                '+' | '.' | '^' | '~' => (Operator::Join, 1 + usize::from(twice)),
                '<' if self.sign(1, '>') => (Operator::Join, 2),
                '<' if twice => (Operator::Append, 2),
                '*' => (Operator::Repeat, 1),
                '%' => (Operator::Format, 1),
                '|' | '?' => (
                    if twice || *sign == '?' { Operator::Either } else { Operator::Then },
                    1 + usize::from(twice),
                ),
                '/' if twice => (Operator::Either, 2),
                ':' if !self.sign(1, ':') && left.text().is_some() && !self.has(Syntax::PrefixedFormats) => {
                    (Operator::Either, 1)
                }
                '&' | '=' | '<' | '>' | '-' | '/' | '!' => (Operator::Other, 1),
                _ => return None,
            },
        };
        self.at += length;
        Some(operator)
    }
}
