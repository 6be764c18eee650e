//! What `[`, `test` and `[[` ask: whether it holds, where that is known, and what has been
//! matched.

use super::facts::{Quotes, known};
use super::state::State;
use super::variables::Contents;
use super::{Shell, pattern};
use crate::shell::ast::{Condition, Piece, Word};
use crate::shell::{Source, Span, Value};

/// Conditions inside one another, at most.
const MAX_DEPTH: usize = 32;

impl Shell<'_> {
    /// `[[ … ]]`: expands the operands, and computes those of arithmetic comparisons.
    pub(super) fn asked(&mut self, condition: &Condition<Word>, state: &mut State) {
        let values = self.operands(condition, state);
        state.status = holds(&values, pattern::matches);
        known(condition, Quotes::Free, state);
    }

    fn operands(&mut self, condition: &Condition<Word>, state: &mut State) -> Condition<Value> {
        let mut value = |word: &Word, state: &mut State| self.value(&word.pieces, state, word.span);
        match condition {
            Condition::Full(word) => Condition::Full(value(word, state)),
            Condition::Unary(operator, word) => {
                let operand = value(word, state);
                if operator == "-v" {
                    self.subscript_of(&operand, state, word.span);
                }
                Condition::Unary(operator.clone(), operand)
            }
            Condition::Binary(operator, a, b) if operator == "=~" => {
                let (text, regex) = (value(a, state), self.regex(&b.pieces, state, b.span));
                matched(&text, &regex, state);
                Condition::Binary(operator.clone(), text, Value::text(regex))
            }
            Condition::Binary(operator, a, b) if operator == "==" || operator == "!=" => {
                let text = value(a, state);
                state.compared(std::iter::once(&text));
                let pattern = self.pattern(&b.pieces, state, b.span);
                Condition::Binary(operator.clone(), text, Value::text(pattern))
            }
            Condition::Binary(operator, a, b) => {
                let operands = (value(a, state), value(b, state));
                state.compared([&operands.0, &operands.1].into_iter());
                if operator.starts_with('-') && !matches!(operator.as_str(), "-ef" | "-nt" | "-ot") {
                    self.arithmetic(&operands.0, state, a.span);
                    self.arithmetic(&operands.1, state, b.span);
                }
                Condition::Binary(operator.clone(), operands.0, operands.1)
            }
            Condition::Not(inner) => Condition::Not(Box::new(self.operands(inner, state))),
            Condition::And(a, b) => {
                Condition::And(Box::new(self.operands(a, state)), Box::new(self.operands(b, state)))
            }
            Condition::Or(a, b) => {
                Condition::Or(Box::new(self.operands(a, state)), Box::new(self.operands(b, state)))
            }
        }
    }

    /// A regular expression as text: what was quoted means itself.
    fn regex(&mut self, pieces: &[Piece], state: &mut State, span: Span) -> String {
        pieces.iter().fold(String::new(), |mut out, piece| {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Quoted(text) => out.push_str(&regex::escape(text)),
                other => out.push_str(&self.value(std::slice::from_ref(other), state, span).code()),
            }
            out
        })
    }

    /// `[ … ]` and `test …` after their words have been expanded.
    pub(super) fn tested(&mut self, written: &[Word], words: &[Value], state: &mut State) {
        let values = without_bracket(words, |w| w.literal());
        state.status = parse(values, &|v: &Value| v.literal().map(str::to_owned))
            .and_then(|condition| holds(&condition, |a, b| a == b));
        let text = |word: &Word| match word.pieces.as_slice() {
            [Piece::Text(text) | Piece::Quoted(text)] => Some(text.clone()),
            _ => None,
        };
        let written = without_bracket(written, |w| match w.pieces.as_slice() {
            [Piece::Text(text)] => Some(text),
            _ => None,
        });
        if let Some(condition) = parse(written, &text) {
            known(&condition, Quotes::Needed, state);
        }
        for pair in values.windows(2).filter(|pair| pair[0].literal() == Some("-v")) {
            self.subscript_of(&pair[1], state, Span::default());
        }
    }
}

/// The operands of `test` or `[`, without the name and the closing bracket.
fn without_bracket<'a, O>(words: &'a [O], text: impl Fn(&'a O) -> Option<&'a str>) -> &'a [O] {
    match words {
        [_, inner @ .., last] if text(last) == Some("]") => inner,
        [_, rest @ ..] => rest,
        [] => &[],
    }
}

/// Reads the operands of `test`; `None` when they make no condition.
fn parse<O: Clone>(operands: &[O], text: &dyn Fn(&O) -> Option<String>) -> Option<Condition<O>> {
    let mut reader = Reader { rest: operands, text, depth: 0 };
    let condition = reader.either()?;
    reader.rest.is_empty().then_some(condition)
}

struct Reader<'a, O> {
    rest: &'a [O],
    text: &'a dyn Fn(&O) -> Option<String>,
    depth: usize,
}

impl<O: Clone> Reader<'_, O> {
    fn is(&self, at: usize, wanted: &[&str]) -> Option<String> {
        (self.text)(self.rest.get(at)?).filter(|t| wanted.contains(&t.as_str()))
    }

    fn skip(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    fn either(&mut self) -> Option<Condition<O>> {
        self.depth += 1;
        let mut condition = (self.depth <= MAX_DEPTH).then(|| self.both())??;
        while self.is(0, &["-o"]).is_some() {
            self.skip(1);
            condition = Condition::Or(Box::new(condition), Box::new(self.both()?));
        }
        self.depth -= 1;
        Some(condition)
    }

    fn both(&mut self) -> Option<Condition<O>> {
        let mut condition = self.one()?;
        while self.is(0, &["-a"]).is_some() {
            self.skip(1);
            condition = Condition::And(Box::new(condition), Box::new(self.one()?));
        }
        Some(condition)
    }

    fn one(&mut self) -> Option<Condition<O>> {
        const BINARY: [&str; 14] =
            ["=", "==", "!=", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-ef", "-nt", "-ot"];
        let first = self.rest.first()?.clone();
        if let (Some(operator), Some(other)) = (self.is(1, &BINARY), self.rest.get(2).cloned()) {
            self.skip(3);
            return Some(Condition::Binary(operator, first, other));
        }
        if self.rest.len() > 1 && self.is(0, &["!"]).is_some() {
            self.skip(1);
            self.depth += 1;
            let inner = if self.depth > MAX_DEPTH { None } else { self.one() }?;
            self.depth -= 1;
            return Some(Condition::Not(Box::new(inner)));
        }
        if self.rest.len() > 2 && self.is(0, &["("]).is_some() {
            self.skip(1);
            let inner = self.either()?;
            self.is(0, &[")"])?;
            self.skip(1);
            return Some(inner);
        }
        let operator = (self.text)(&first).filter(|t| t.len() == 2 && t.starts_with('-'));
        if let (Some(operator), Some(operand)) = (operator, self.rest.get(1).cloned()) {
            self.skip(2);
            return Some(Condition::Unary(operator, operand));
        }
        self.skip(1);
        Some(Condition::Full(first))
    }
}

/// Whether a condition holds, where all of it is known.
fn holds(condition: &Condition<Value>, same: impl Fn(&str, &str) -> bool + Copy) -> Option<bool> {
    let number = |v: &Value| v.literal()?.trim().parse::<i64>().ok();
    match condition {
        Condition::Full(value) => value.literal().map(|t| !t.is_empty()),
        Condition::Unary(operator, value) => match operator.as_str() {
            "-n" => value.literal().map(|t| !t.is_empty()),
            "-z" => value.literal().map(str::is_empty),
            _ => None,
        },
        Condition::Binary(operator, a, b) => match operator.as_str() {
            "=" | "==" => Some(same(b.literal()?, a.literal()?)),
            "!=" => Some(!same(b.literal()?, a.literal()?)),
            "-eq" => Some(number(a)? == number(b)?),
            "-ne" => Some(number(a)? != number(b)?),
            "-lt" => Some(number(a)? < number(b)?),
            "-le" => Some(number(a)? <= number(b)?),
            "-gt" => Some(number(a)? > number(b)?),
            "-ge" => Some(number(a)? >= number(b)?),
            _ => None,
        },
        Condition::Not(inner) => holds(inner, same).map(|h| !h),
        Condition::And(a, b) => match (holds(a, same), holds(b, same)) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        },
        Condition::Or(a, b) => match (holds(a, same), holds(b, same)) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        },
    }
}

/// `BASH_REMATCH` after `=~`.
fn matched(text: &Value, regex: &str, state: &mut State) {
    let compiled = regex_lite::RegexBuilder::new(regex).size_limit(1 << 16).build().ok();
    let groups = match (text.literal(), compiled) {
        (Some(text), Some(regex)) => regex.captures(text).map(|captures| {
            captures.iter().map(|g| Value::text(g.map_or("", |g| g.as_str()))).collect::<Vec<_>>()
        }),
        _ => Some(vec![Value::dynamic(Source::Input, true); 10]),
    };
    if let Some(groups) = groups {
        state.variables.put("BASH_REMATCH", Contents::list(groups));
    }
}
