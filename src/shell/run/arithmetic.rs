//! Arithmetic on constants. What has anything else in it is not known.

/// Deepest nesting of parentheses.
const MAX_DEPTH: usize = 32;

/// The value of `text`, if it is made of numbers and the usual operators only.
pub(super) fn evaluate(text: &str) -> Option<i64> {
    let mut reader = Reader { bytes: text.as_bytes(), at: 0, depth: 0 };
    let value = reader.sum(0)?;
    reader.spaces();
    (reader.at == reader.bytes.len()).then_some(value)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
}

/// Operators by ascending precedence.
const LEVELS: [&[&str]; 8] = [
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<=", ">=", "<", ">"],
    &["<<", ">>"],
    &["+", "-"],
    &["**", "*", "/", "%"],
];

impl Reader<'_> {
    fn spaces(&mut self) {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn sum(&mut self, level: usize) -> Option<i64> {
        let Some(operators) = LEVELS.get(level) else { return self.atom() };
        let mut value = self.sum(level + 1)?;
        loop {
            self.spaces();
            let rest = &self.bytes[self.at..];
            let Some(operator) = operators.iter().find(|o| rest.starts_with(o.as_bytes())) else {
                return Some(value);
            };
            let doubled = rest.get(operator.len()).is_some_and(|b| matches!(b, b'<' | b'>' | b'|' | b'&'));
            if doubled && operator.len() == 1 {
                return Some(value);
            }
            self.at += operator.len();
            let other = self.sum(level + 1)?;
            value = apply(operator, value, other)?;
        }
    }

    fn atom(&mut self) -> Option<i64> {
        self.spaces();
        let sign = *self.bytes.get(self.at)?;
        if matches!(sign, b'-' | b'+' | b'~' | b'!') {
            self.at += 1;
            self.depth += 1;
            let value = if self.depth > MAX_DEPTH { None } else { self.atom() }?;
            self.depth -= 1;
            return match sign {
                b'-' => value.checked_neg(),
                b'~' => Some(!value),
                b'!' => Some(i64::from(value == 0)),
                _ => Some(value),
            };
        }
        if sign == b'(' {
            self.at += 1;
            self.depth += 1;
            let value = if self.depth > MAX_DEPTH { None } else { self.sum(0) }?;
            self.depth -= 1;
            self.spaces();
            self.at += 1;
            return (self.bytes.get(self.at - 1) == Some(&b')')).then_some(value);
        }
        let digits: String = self.bytes[self.at..]
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric() || **b == b'#')
            .map(|b| char::from(*b))
            .collect();
        self.at += digits.len();
        number(&digits)
    }
}

fn number(text: &str) -> Option<i64> {
    if let Some((base, digits)) = text.split_once('#') {
        let base = base.parse().ok().filter(|b| (2..=36).contains(b))?;
        return i64::from_str_radix(digits, base).ok();
    }
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return i64::from_str_radix(hex, 16).ok();
    }
    match text.strip_prefix('0') {
        Some(octal) if !octal.is_empty() => i64::from_str_radix(octal, 8).ok(),
        _ => text.parse().ok(),
    }
}

fn apply(operator: &str, a: i64, b: i64) -> Option<i64> {
    match operator {
        "+" => a.checked_add(b),
        "-" => a.checked_sub(b),
        "*" => a.checked_mul(b),
        "/" => a.checked_div(b),
        "%" => a.checked_rem(b),
        "**" => a.checked_pow(u32::try_from(b).ok()?),
        "<<" => a.checked_shl(u32::try_from(b).ok()?),
        ">>" => a.checked_shr(u32::try_from(b).ok()?),
        "&" => Some(a & b),
        "|" => Some(a | b),
        "^" => Some(a ^ b),
        "==" => Some(i64::from(a == b)),
        "!=" => Some(i64::from(a != b)),
        "<" => Some(i64::from(a < b)),
        ">" => Some(i64::from(a > b)),
        "<=" => Some(i64::from(a <= b)),
        ">=" => Some(i64::from(a >= b)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::evaluate;

    #[test]
    fn constants_are_computed_and_nothing_else() {
        for (text, value) in [
            ("1+2*3", Some(7)),
            ("(1+2)*3", Some(9)),
            ("0x72", Some(114)),
            ("16#ff", Some(255)),
            (" 2**3 ", Some(8)),
            ("-1", Some(-1)),
            ("x+1", None),
            ("1/0", None),
            ("1+", None),
            ("", None),
        ] {
            assert_eq!(evaluate(text), value, "{text}");
        }
    }
}
