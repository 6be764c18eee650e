//! Arithmetic in scripts of other languages: repetition and powers, and what is too much memory.

use super::values::{Values, joined};
use crate::shell::Value;

/// Characters or elements that a constant may be repeated to before it counts as a use of memory.
const TOO_MUCH: f64 = 4e9;
/// Characters that a repeated constant is computed up to.
const COMPUTED: f64 = 4096.0;

/// A text or list repeated; none where that is more than a machine holds. Two numbers are multiplied.
pub(super) fn repeated(left: &Values, right: &Values) -> Option<Values> {
    let product = |a: f64, b: f64| Some(Values::one(Value::text(format!("{}", a * b))));
    let (what, count) = match (left.number().filter(|_| !left.list), right.number()) {
        (Some(a), Some(b)) => return product(a, b),
        (None, Some(count)) => (left, count),
        (Some(count), None) => (right, count),
        (None, None) => return Some(joined(left.clone(), right.clone())),
    };
    let length = what.text().map_or(1, str::len).max(1) as f64;
    if length * count >= TOO_MUCH {
        return None;
    }
    match what.text() {
        Some(text) if length * count <= COMPUTED => {
            let times = (0..64 * 64).take_while(|n| f64::from(*n) < count).count();
            Some(Values { list: what.list, ..Values::one(Value::text(text.repeat(times))) })
        }
        _ => Some(Values::unknown()),
    }
}

/// Whether a call that reserves memory asks for more than a machine holds.
pub(super) fn is_too_much(arguments: &[Values]) -> bool {
    arguments.iter().filter_map(Values::number).any(|n| n >= TOO_MUCH)
}

/// A power of two numbers.
pub(super) fn power(left: &Values, right: &Values) -> Values {
    match (left.number(), right.number()) {
        (Some(a), Some(b)) => Values::one(Value::text(format!("{}", a.powf(b)))),
        _ => Values::unknown(),
    }
}
