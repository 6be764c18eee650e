//! What a condition shows of the variables that it asks about: behind `[ -n "$x" ] &&`, `$x` is not empty.

use super::state::{Failed, State};
use super::variables::Contents;
use crate::shell::ast::{Condition, Name, Op, Parameter, Piece, Word};
use crate::shell::{Source, Value};

/// What is known of a variable or positional parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fact {
    /// It is not empty.
    Full(Name),
    /// It is empty.
    Empty(Name),
    /// It has this value.
    Is(Name, Value),
}

/// Whether an empty variable without quotes leaves its operator alone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Quotes {
    /// As in `[`, where `[ -n $x ]` always holds.
    Needed,
    /// As in `[[`.
    Free,
}

/// Notes what is known if the condition holds, and what if it does not.
pub(super) fn known(condition: &Condition<Word>, quotes: Quotes, state: &mut State) {
    let (yes, no) = (facts(condition, true, quotes), facts(condition, false, quotes));
    if yes.is_empty() && no.is_empty() {
        return;
    }
    let mut failed = state.clone();
    no.into_iter().for_each(|fact| failed.assume(&fact));
    yes.into_iter().for_each(|fact| state.assume(&fact));
    state.failed = Some(Box::new(Failed { state: failed, ends: true }));
}

/// What is known of variables if the condition holds, or if it does not.
fn facts(condition: &Condition<Word>, holds: bool, quotes: Quotes) -> Vec<Fact> {
    let full = |word: &Word, full: bool| {
        let fact = |s: Subject| if full { Fact::Full(s.name) } else { Fact::Empty(s.name) };
        subject(word).filter(|s| s.before.is_empty()).map(fact).into_iter().collect::<Vec<_>>()
    };
    let safe = |word: &Word| quotes == Quotes::Free || subject(word).is_some_and(|s| s.quoted);
    match condition {
        Condition::Full(word) => full(word, holds),
        Condition::Unary(operator, word) => match operator.as_str() {
            "-z" => full(word, !holds),
            "-n" if safe(word) => full(word, holds),
            "-v" | "-o" | "-t" | "-n" | "-R" => Vec::new(),
            _ if holds && safe(word) => full(word, true),
            _ => Vec::new(),
        },
        Condition::Binary(operator, a, b) => compared(operator, a, b, holds),
        Condition::Not(inner) => facts(inner, !holds, quotes),
        Condition::And(a, b) if holds => [facts(a, true, quotes), facts(b, true, quotes)].concat(),
        Condition::Or(a, b) if !holds => [facts(a, false, quotes), facts(b, false, quotes)].concat(),
        Condition::And(..) | Condition::Or(..) => Vec::new(),
    }
}

fn compared(operator: &str, a: &Word, b: &Word, holds: bool) -> Vec<Fact> {
    let equal = match operator {
        "=" | "==" => holds,
        "!=" => !holds,
        "=~" if holds => {
            let empty =
                constant(b).and_then(|r| regex_lite::Regex::new(&r).ok()).is_none_or(|r| r.is_match(""));
            return subject(a).filter(|_| !empty).map(|s| Fact::Full(s.name)).into_iter().collect();
        }
        "-eq" | "-gt" | "-ge" | "-lt" | "-le" if holds => {
            return subject(a).map(|s| Fact::Full(s.name)).into_iter().collect();
        }
        _ => return Vec::new(),
    };
    let pair = subject(a).zip(constant(b)).or_else(|| subject(b).zip(constant(a)));
    let Some((subject, other)) = pair else { return Vec::new() };
    match (equal, other.strip_prefix(subject.before.as_str())) {
        (true, Some("")) => vec![Fact::Empty(subject.name)],
        (true, Some(rest)) if !rest.contains(['*', '?', '[']) => {
            vec![Fact::Is(subject.name, Value::text(rest))]
        }
        (true, Some(_)) => vec![Fact::Full(subject.name)],
        (false, Some("")) => vec![Fact::Full(subject.name)],
        _ => Vec::new(),
    }
}

/// A word that is one parameter, with text before it.
struct Subject {
    name: Name,
    before: String,
    quoted: bool,
}

/// The parameter that a word asks about: `$x`, `"$x"`, `"${x:-}"`, `x$x`.
fn subject(word: &Word) -> Option<Subject> {
    let mut before = String::new();
    let mut found: Option<&Parameter> = None;
    for piece in &word.pieces {
        match (piece, found) {
            (Piece::Quoted(text), _) if text.is_empty() => {}
            (Piece::Text(text) | Piece::Quoted(text), None) => before.push_str(text),
            (Piece::Parameter(parameter), None) => found = Some(parameter),
            _ => return None,
        }
    }
    let parameter = found.filter(|p| !p.indirect)?;
    let plain = match &parameter.op {
        Op::Value => true,
        Op::Default(_, word) => word.is_empty(),
        _ => false,
    };
    let named = matches!(parameter.name, Name::Variable(_) | Name::Positional(_));
    (plain && named).then(|| Subject { name: parameter.name.clone(), before, quoted: parameter.quoted })
}

/// The name of the parameter that a word is, with nothing around it.
pub(super) fn whole_subject(word: &Word) -> Option<Name> {
    subject(word).filter(|s| s.before.is_empty()).map(|s| s.name)
}

/// The text of a word without expansions.
fn constant(word: &Word) -> Option<String> {
    word.pieces.iter().try_fold(String::new(), |text, piece| match piece {
        Piece::Text(t) | Piece::Quoted(t) => Some(text + t),
        _ => None,
    })
}

impl State {
    /// Takes note of what a condition has shown.
    pub(super) fn assume(&mut self, fact: &Fact) {
        match fact {
            Fact::Full(Name::Variable(name))
            | Fact::Empty(Name::Variable(name))
            | Fact::Is(Name::Variable(name), _) => {
                let old = match self.variables.contents(name) {
                    Some(Contents::Array(_)) => return,
                    Some(Contents::Scalar(values)) => values.clone(),
                    None => vec![self.variable(name).unwrap_or_else(|| Value::dynamic(Source::Unset, true))],
                };
                let new = narrowed(fact, old.clone());
                if new != old {
                    self.set_any(name, new);
                }
            }
            Fact::Full(Name::Positional(n))
            | Fact::Empty(Name::Positional(n))
            | Fact::Is(Name::Positional(n), _) => {
                let at = n - 1;
                if at == self.positional.len() {
                    self.positional.push(Value::dynamic(Source::Unset, true));
                }
                if let Some(slot) = self.positional.get_mut(at) {
                    *slot = narrowed(fact, vec![slot.clone()]).pop().unwrap_or_default();
                }
            }
            _ => {}
        }
    }
}

/// The values that are left of `old`.
fn narrowed(fact: &Fact, old: Vec<Value>) -> Vec<Value> {
    match fact {
        Fact::Full(_) => filled(old),
        Fact::Empty(_) => vec![Value::default()],
        // Text that is another one shows only that this way is never taken.
        Fact::Is(_, value) if old.iter().all(|v| v.literal().is_some()) && !old.contains(value) => old,
        Fact::Is(_, value) => vec![value.clone()],
    }
}

/// What is left of values that turned out not to be empty.
fn filled(values: Vec<Value>) -> Vec<Value> {
    let checked = Value::dynamic(Source::Checked, false);
    let full = |value: Value| match value.emptied().is_empty() {
        true if value.has_dynamic() => Some(checked.clone()),
        true => None,
        false => Some(value),
    };
    let kept: Vec<Value> = values.into_iter().filter_map(full).collect();
    if kept.is_empty() { vec![checked] } else { kept }
}
