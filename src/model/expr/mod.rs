//! The guard language of `when`: facts, literals, comparison, `in`, `and`, `or`, `not`.
//!
//! The compiler evaluates what is known from reviewed files and leaves the rest, which may only
//! speak of `facts.…`, in the catalog. The agent evaluates that rest. It always ends: there is
//! no call, no loop and no assignment, and nesting is bounded.

mod parse;

use super::fact::{FactPath, Facts};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A guard that only the node can decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Expr(Node);

/// What to know of a name while a guard is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// This value.
    Value(Literal),
    /// A value that cannot be compared: a table, or a list where one value belongs.
    NotComparable,
    /// No such name; the nearest one, if any is near.
    Unknown(Option<String>),
}

/// A guard after everything that is known has been filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guard {
    /// It holds, or does not, on every node alike.
    Fixed(bool),
    /// The node decides.
    Live(Expr),
}

/// A value in a guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// `true` or `false`.
    Bool(bool),
    /// A list, for `in`.
    List(Vec<Literal>),
}

/// A guard that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExprError {
    /// What is wrong.
    pub message: String,
    /// Byte offset in the guard's text.
    pub at: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Literal(Literal),
    Fact(FactPath),
    Not(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Equal(Box<Node>, Box<Node>),
    Differ(Box<Node>, Box<Node>),
    In(Box<Node>, Box<Node>),
}

impl Guard {
    /// Reads a guard. `lookup` gives the value of every name that does not start with `facts.`.
    ///
    /// # Errors
    /// When the text is no guard, names something unknown, or compares what cannot be equal.
    pub fn parse(text: &str, lookup: &dyn Fn(&str) -> Known) -> Result<Self, ExprError> {
        match fold(parse::parse(text, lookup)?) {
            Node::Literal(Literal::Bool(value)) => Ok(Self::Fixed(value)),
            Node::Literal(_) => Err(ExprError { message: "a guard must be true or false".into(), at: 0 }),
            live => Ok(Self::Live(Expr(live))),
        }
    }
}

impl Expr {
    /// Whether the guard holds on a node with these facts.
    ///
    /// # Errors
    /// When a fact that it needs is missing or has another shape.
    pub fn holds(&self, facts: &Facts) -> Result<bool, super::fact::FactError> {
        Ok(value(&self.0, facts)? == Literal::Bool(true))
    }

    /// The facts that it needs.
    #[must_use]
    pub fn facts(&self) -> Vec<&FactPath> {
        fn collect<'a>(node: &'a Node, into: &mut Vec<&'a FactPath>) {
            match node {
                Node::Literal(_) => {}
                Node::Fact(path) => into.push(path),
                Node::Not(a) => collect(a, into),
                Node::And(a, b)
                | Node::Or(a, b)
                | Node::Equal(a, b)
                | Node::Differ(a, b)
                | Node::In(a, b) => {
                    collect(a, into);
                    collect(b, into);
                }
            }
        }
        let mut paths = Vec::new();
        collect(&self.0, &mut paths);
        paths
    }
}

fn value(node: &Node, facts: &Facts) -> Result<Literal, super::fact::FactError> {
    let truth = |node: &Node| Ok::<_, super::fact::FactError>(value(node, facts)? == Literal::Bool(true));
    Ok(match node {
        Node::Literal(literal) => literal.clone(),
        Node::Fact(path) => {
            let text = facts.text(path)?;
            match facts.get(path.as_str()) {
                Some(serde_json::Value::Bool(b)) => Literal::Bool(*b),
                Some(serde_json::Value::Number(n)) => {
                    n.as_i64().map_or(Literal::Text(text), Literal::Integer)
                }
                _ => Literal::Text(text),
            }
        }
        Node::Not(a) => Literal::Bool(!truth(a)?),
        Node::And(a, b) => Literal::Bool(truth(a)? && truth(b)?),
        Node::Or(a, b) => Literal::Bool(truth(a)? || truth(b)?),
        Node::Equal(a, b) => Literal::Bool(value(a, facts)? == value(b, facts)?),
        Node::Differ(a, b) => Literal::Bool(value(a, facts)? != value(b, facts)?),
        Node::In(a, b) => Literal::Bool(within(&value(a, facts)?, &value(b, facts)?)),
    })
}

fn within(needle: &Literal, hay: &Literal) -> bool {
    match hay {
        Literal::List(items) => items.contains(needle),
        Literal::Text(_) | Literal::Integer(_) | Literal::Bool(_) => false,
    }
}

/// Replaces every part that needs no fact by its value.
fn fold(node: Node) -> Node {
    use Node::{And, Differ, Equal, In, Literal as L, Not, Or};
    let yes = |b| L(Literal::Bool(b));
    match node {
        Not(a) => match fold(*a) {
            L(Literal::Bool(b)) => yes(!b),
            a => Not(Box::new(a)),
        },
        And(a, b) => match (fold(*a), fold(*b)) {
            (L(Literal::Bool(false)), _) | (_, L(Literal::Bool(false))) => yes(false),
            (L(Literal::Bool(true)), rest) | (rest, L(Literal::Bool(true))) => rest,
            (a, b) => And(Box::new(a), Box::new(b)),
        },
        Or(a, b) => match (fold(*a), fold(*b)) {
            (L(Literal::Bool(true)), _) | (_, L(Literal::Bool(true))) => yes(true),
            (L(Literal::Bool(false)), rest) | (rest, L(Literal::Bool(false))) => rest,
            (a, b) => Or(Box::new(a), Box::new(b)),
        },
        Equal(a, b) => match (fold(*a), fold(*b)) {
            (L(a), L(b)) => yes(a == b),
            (a, b) => Equal(Box::new(a), Box::new(b)),
        },
        Differ(a, b) => match (fold(*a), fold(*b)) {
            (L(a), L(b)) => yes(a != b),
            (a, b) => Differ(Box::new(a), Box::new(b)),
        },
        In(a, b) => match (fold(*a), fold(*b)) {
            (L(a), L(b)) => yes(within(&a, &b)),
            (a, b) => In(Box::new(a), Box::new(b)),
        },
        Node::Literal(_) | Node::Fact(_) => node,
    }
}

impl TryFrom<String> for Expr {
    type Error = ExprError;

    fn try_from(text: String) -> Result<Self, ExprError> {
        match Guard::parse(&text, &|_| Known::Unknown(None))? {
            Guard::Live(expr) => Ok(expr),
            Guard::Fixed(_) => {
                Err(ExprError { message: "a guard in a catalog must depend on a fact".into(), at: 0 })
            }
        }
    }
}

impl From<Expr> for String {
    fn from(expr: Expr) -> Self {
        expr.to_string()
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(&self.0, f, false)
    }
}

fn show(node: &Node, f: &mut fmt::Formatter<'_>, inner: bool) -> fmt::Result {
    let pair = |a: &Node, word: &str, b: &Node, f: &mut fmt::Formatter<'_>| {
        f.write_str(if inner { "(" } else { "" })?;
        show(a, f, true)?;
        write!(f, " {word} ")?;
        show(b, f, true)?;
        f.write_str(if inner { ")" } else { "" })
    };
    match node {
        Node::Literal(literal) => show_literal(literal, f),
        Node::Fact(path) => write!(f, "facts.{path}"),
        Node::Not(a) => {
            f.write_str("not (")?;
            show(a, f, false)?;
            f.write_str(")")
        }
        Node::And(a, b) => pair(a, "and", b, f),
        Node::Or(a, b) => pair(a, "or", b, f),
        Node::Equal(a, b) => pair(a, "==", b, f),
        Node::Differ(a, b) => pair(a, "!=", b, f),
        Node::In(a, b) => pair(a, "in", b, f),
    }
}

fn show_literal(literal: &Literal, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match literal {
        Literal::Text(text) if text.contains('\'') => write!(f, "\"{text}\""),
        Literal::Text(text) => write!(f, "'{text}'"),
        Literal::Integer(number) => write!(f, "{number}"),
        Literal::Bool(value) => write!(f, "{value}"),
        Literal::List(items) => {
            f.write_str("[")?;
            for (i, item) in items.iter().enumerate() {
                f.write_str(if i == 0 { "" } else { ", " })?;
                show_literal(item, f)?;
            }
            f.write_str("]")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let lookup = |name: &str| match name {
            "port" => Known::Value(Literal::Integer(80)),
            "tls" => Known::Value(Literal::Bool(true)),
            _ => Known::Unknown((name == "prot").then(|| "port".to_owned())),
        };
        let got = match Guard::parse(text, &lookup) {
            Ok(Guard::Fixed(value)) => value.to_string(),
            Ok(Guard::Live(expr)) => {
                let shown = expr.to_string();
                assert_eq!(Expr::try_from(shown.clone()), Ok(expr), "round trip of {shown}");
                shown
            }
            Err(error) => format!("{}: {error}", error.at),
        };
        assert_eq!(got, expected, "{text}");
    }

    #[test]
    fn what_is_known_is_decided_and_the_rest_is_kept() {
        check("port == 80", "true");
        check("not tls or port in [80, 443]", "true");
        check("facts.os.family == 'debian'", "facts.os.family == 'debian'");
        check("tls and facts.os.family == 'debian'", "facts.os.family == 'debian'");
        check("port == 81 and facts.virtual", "false");
        check(
            "not (facts.virtual or facts.os.name in ['a', \"b\"])",
            "not (facts.virtual or (facts.os.name in ['a', 'b']))",
        );
    }

    #[test]
    fn what_cannot_be_read_says_where() {
        check("prot == 80", "0: there is no name `prot`; did you mean `port`?");
        check("facts.os.famly == 'x'", "0: there is no fact `os.famly`; did you mean `os.family`?");
        check("port == ", "8: expected a fact, a parameter or a value");
        check("port", "0: a guard must be true or false");
        check("facts.virtual ; rm", "14: expected `and`, `or`, a comparison or the end");
        check(&"(".repeat(100), "33: nested more than 32 levels deep");
    }

    #[test]
    fn the_node_decides_the_rest() {
        let mut facts = Facts::default();
        if let Ok(path) = "os.family".parse() {
            facts.set(&path, "debian".into());
        }
        let holds = |text: &str| Expr::try_from(text.to_owned()).ok().and_then(|e| e.holds(&facts).ok());
        assert_eq!(holds("facts.os.family == 'debian'"), Some(true));
        assert_eq!(holds("facts.os.family in ['suse']"), Some(false));
        assert_eq!(holds("facts.processors == 2"), None);
    }
}
