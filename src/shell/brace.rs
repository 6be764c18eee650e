//! Brace expansion: `{a,b}`, `{1..3}`, as bash does it before every other expansion.

use super::ast::Piece;
use std::borrow::Cow;

/// Words that one word may become, at most; with more, patterns stand for them.
const MAX_WORDS: u64 = 512;
/// Groups inside one another, at most.
const MAX_DEPTH: usize = 16;

/// A piece, with unquoted text split into characters.
#[derive(Debug, Clone)]
enum Unit {
    Char(char),
    Other(Piece),
}

/// What a word becomes.
pub(super) struct Expansion<'p> {
    /// The words; patterns stand for groups that have more members than are told apart.
    pub(super) words: Vec<Cow<'p, [Piece]>>,
    /// How many words the shell makes of it.
    pub(super) count: u64,
}

/// The words that `pieces` becomes.
pub(super) fn expand(pieces: &[Piece]) -> Expansion<'_> {
    let braces = |p: &Piece| matches!(p, Piece::Text(t) if t.contains('{'));
    if !pieces.iter().any(braces) {
        return Expansion { words: vec![Cow::Borrowed(pieces)], count: 1 };
    }
    let mut units = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => units.extend(text.chars().map(Unit::Char)),
            other => units.push(Unit::Other(other.clone())),
        }
    }
    if !is_readable(&units) {
        return Expansion { words: vec![Cow::Borrowed(pieces)], count: u64::MAX };
    }
    let count = count(&units, 0);
    let words = expand_units(&units, count > MAX_WORDS, 0);
    Expansion { words: words.into_iter().map(|units| Cow::Owned(join(&units))).collect(), count }
}

/// Braces that are open at one place, at most.
const MAX_OPEN: usize = 4096;

/// Whether groups can be told apart without looking at the same text again and again. A brace that nothing closes is text.
fn is_readable(units: &[Unit]) -> bool {
    let last = units.iter().rposition(|unit| matches!(unit, Unit::Char('}'))).unwrap_or(0);
    let opens = units[..last].iter().filter(|unit| matches!(unit, Unit::Char('{'))).count();
    opens <= MAX_OPEN
}

/// How many words the units become.
fn count(units: &[Unit], depth: usize) -> u64 {
    let mut from = 0;
    while let Some(open) = position(units, from) {
        if let Some((members, close)) = group(units, open)
            && depth < MAX_DEPTH
        {
            let inside = match members {
                Members::Words(words) => {
                    words.iter().map(|w| count(w, depth + 1)).fold(0, u64::saturating_add)
                }
                Members::Range(range) => range.count,
            };
            return inside.saturating_mul(count(&units[close + 1..], depth + 1));
        }
        from = open + 1;
    }
    1
}

fn join(units: &[Unit]) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::new();
    for unit in units {
        match (unit, out.last_mut()) {
            (Unit::Char(c), Some(Piece::Text(text))) => text.push(*c),
            (Unit::Char(c), _) => out.push(Piece::Text(c.to_string())),
            (Unit::Other(piece), _) => out.push(piece.clone()),
        }
    }
    out
}

fn expand_units(units: &[Unit], too_many: bool, depth: usize) -> Vec<Vec<Unit>> {
    let mut from = 0;
    while let Some(open) = position(units, from) {
        if let Some((members, close)) = group(units, open)
            && depth < MAX_DEPTH
        {
            let members = match members {
                Members::Range(range) if too_many => vec![chars(range.pattern)],
                Members::Words(_) if too_many => vec![chars("*")],
                Members::Range(range) => range.words(),
                Members::Words(words) => words,
            };
            let tails = expand_units(&units[close + 1..], too_many, depth + 1);
            let mut words = Vec::new();
            for member in members {
                for middle in expand_units(&member, too_many, depth + 1) {
                    words.extend(tails.iter().map(|tail| [&units[..open], &middle, tail].concat()));
                }
            }
            return words;
        }
        from = open + 1;
    }
    vec![units.to_vec()]
}

fn chars(text: &str) -> Vec<Unit> {
    text.chars().map(Unit::Char).collect()
}

/// Where the next brace opens that something may close.
fn position(units: &[Unit], from: usize) -> Option<usize> {
    let last = units.iter().rposition(|unit| matches!(unit, Unit::Char('}')))?;
    (from..last).find(|at| matches!(units[*at], Unit::Char('{')))
}

/// The members of the group that opens at `open`, and where it closes.
fn group(units: &[Unit], open: usize) -> Option<(Members, usize)> {
    let (mut depth, mut commas) = (0usize, Vec::new());
    for (at, unit) in units.iter().enumerate().skip(open + 1) {
        match unit {
            Unit::Char('{') => depth += 1,
            Unit::Char('}') if depth > 0 => depth -= 1,
            Unit::Char(',') if depth == 0 => commas.push(at),
            Unit::Char('}') if commas.is_empty() => {
                return sequence(&units[open + 1..at]).map(|range| (Members::Range(range), at));
            }
            Unit::Char('}') => {
                let starts = std::iter::once(open).chain(commas.iter().copied());
                let ends = commas.iter().copied().chain([at]);
                let members = starts.zip(ends).map(|(a, b)| units[a + 1..b].to_vec()).collect();
                return Some((Members::Words(members), at));
            }
            _ => {}
        }
    }
    None
}

/// What stands between braces.
enum Members {
    /// Words with commas between them.
    Words(Vec<Vec<Unit>>),
    /// A sequence.
    Range(Range),
}

/// `1..5`, `01..10..2`, `a..e`.
struct Range {
    first: i64,
    step: i64,
    count: u64,
    /// Digits of each number, at least; nothing for letters.
    width: Option<usize>,
    /// What matches all of it.
    pattern: &'static str,
}

impl Range {
    fn words(&self) -> Vec<Vec<Unit>> {
        let numbers = (0..i64::try_from(self.count).unwrap_or(0)).map(|n| self.first + n * self.step);
        let word = |n: i64| match self.width {
            Some(width) => format!("{n:0width$}"),
            None => u32::try_from(n).ok().and_then(char::from_u32).map(String::from).unwrap_or_default(),
        };
        numbers.map(|n| chars(&word(n))).collect()
    }
}

fn sequence(units: &[Unit]) -> Option<Range> {
    let text: Option<String> =
        units.iter().map(|u| if let Unit::Char(c) = u { Some(*c) } else { None }).collect();
    let text = text?;
    let parts: Vec<&str> = text.split("..").collect();
    let step = parts.get(2).map_or(Some(1), |s| s.parse::<i64>().ok())?.unsigned_abs().max(1);
    let [first, last, ..] = parts.as_slice() else { return None };
    let padded = [first, last].iter().any(|t| t.trim_start_matches('-').starts_with('0') && t.len() > 1);
    let (a, b, width, pattern) = match (first.parse::<i64>(), last.parse::<i64>()) {
        (Ok(a), Ok(b)) => (a, b, Some(if padded { first.len().max(last.len()) } else { 0 }), "[0-9]*"),
        _ => (i64::from(single(first)? as u32), i64::from(single(last)? as u32), None, "[A-Za-z]"),
    };
    let count = a.abs_diff(b) / step + 1;
    let step = i64::try_from(step).ok()?;
    Some(Range { first: a, step: if a <= b { step } else { -step }, count, width, pattern })
}

fn single(text: &str) -> Option<char> {
    let mut chars = text.chars();
    chars.next().filter(|c| chars.next().is_none() && c.is_ascii_alphabetic())
}
