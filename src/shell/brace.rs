//! Brace expansion: `{a,b}`, `{1..3}`, as bash does it before every other expansion.

use super::ast::Piece;

/// Words that one word may become, at most; a word that would become more is left as it is.
const MAX_WORDS: usize = 512;

/// A piece, with unquoted text split into characters.
#[derive(Debug, Clone)]
enum Unit {
    Char(char),
    Other(Piece),
}

/// The words that `pieces` becomes.
pub(super) fn expand(pieces: &[Piece]) -> Vec<Vec<Piece>> {
    let braces = |p: &Piece| matches!(p, Piece::Text(t) if t.contains('{'));
    if !pieces.iter().any(braces) {
        return vec![pieces.to_vec()];
    }
    let mut units = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => units.extend(text.chars().map(Unit::Char)),
            other => units.push(Unit::Other(other.clone())),
        }
    }
    let words = expand_units(&units, 0);
    if words.len() > MAX_WORDS {
        return vec![pieces.to_vec()];
    }
    words.into_iter().map(|units| join(&units)).collect()
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

fn expand_units(units: &[Unit], depth: usize) -> Vec<Vec<Unit>> {
    let mut from = 0;
    while let Some(open) = position(units, from, '{') {
        if let Some((members, close)) = group(units, open)
            && depth < 16
        {
            let tails = expand_units(&units[close + 1..], depth + 1);
            let mut words = Vec::new();
            for member in members {
                for middle in expand_units(&member, depth + 1) {
                    for tail in &tails {
                        if words.len() > MAX_WORDS {
                            return words;
                        }
                        words.push([&units[..open], &middle, tail].concat());
                    }
                }
            }
            return words;
        }
        from = open + 1;
    }
    vec![units.to_vec()]
}

fn position(units: &[Unit], from: usize, wanted: char) -> Option<usize> {
    (from..units.len()).find(|at| matches!(units[*at], Unit::Char(c) if c == wanted))
}

/// The members of the group that opens at `open`, and where it closes.
fn group(units: &[Unit], open: usize) -> Option<(Vec<Vec<Unit>>, usize)> {
    let (mut depth, mut commas) = (0usize, Vec::new());
    for (at, unit) in units.iter().enumerate().skip(open + 1) {
        match unit {
            Unit::Char('{') => depth += 1,
            Unit::Char('}') if depth > 0 => depth -= 1,
            Unit::Char(',') if depth == 0 => commas.push(at),
            Unit::Char('}') if commas.is_empty() => {
                return sequence(&units[open + 1..at]).map(|members| (members, at));
            }
            Unit::Char('}') => {
                let starts = std::iter::once(open).chain(commas.iter().copied());
                let ends = commas.iter().copied().chain([at]);
                let members = starts.zip(ends).map(|(a, b)| units[a + 1..b].to_vec()).collect();
                return Some((members, at));
            }
            _ => {}
        }
    }
    None
}

/// `1..5`, `01..10..2`, `a..e`.
fn sequence(units: &[Unit]) -> Option<Vec<Vec<Unit>>> {
    let text: Option<String> =
        units.iter().map(|u| if let Unit::Char(c) = u { Some(*c) } else { None }).collect();
    let text = text?;
    let parts: Vec<&str> = text.split("..").collect();
    let step = parts.get(2).map_or(Some(1), |s| s.parse::<i64>().ok())?.unsigned_abs().max(1);
    let [first, last, ..] = parts.as_slice() else { return None };
    let word = |text: String| text.chars().map(Unit::Char).collect();
    if let (Ok(a), Ok(b)) = (first.parse::<i64>(), last.parse::<i64>()) {
        return Some(range(a, b, step)?.into_iter().map(|n| word(n.to_string())).collect());
    }
    let (a, b) = (single(first)?, single(last)?);
    let numbers = range(i64::from(a as u32), i64::from(b as u32), step)?;
    let chars = numbers.into_iter().filter_map(|n| u32::try_from(n).ok().and_then(char::from_u32));
    Some(chars.map(|c| word(c.to_string())).collect())
}

fn single(text: &str) -> Option<char> {
    let mut chars = text.chars();
    chars.next().filter(|c| chars.next().is_none() && c.is_ascii_alphabetic())
}

fn range(a: i64, b: i64, step: u64) -> Option<Vec<i64>> {
    let count = a.abs_diff(b) / step;
    if count > MAX_WORDS as u64 {
        return None;
    }
    let step = i64::try_from(step).ok()?;
    let sign = if a <= b { 1 } else { -1 };
    (0..=i64::try_from(count).ok()?)
        .map(|n| n.checked_mul(step * sign).and_then(|d| a.checked_add(d)))
        .collect()
}
