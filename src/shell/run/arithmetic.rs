//! Arithmetic: numbers, variables, assignments and all operators. What has anything unknown in it is not
//! known, but its subscripts are computed all the same: they may run commands.

use super::Shell;
use super::assign::Target;
use super::state::State;
use super::variables::Contents;
use crate::shell::{Source, Span, Value};

/// Expressions inside one another, at most: brackets, and variables whose values are expressions.
const MAX_DEPTH: usize = 32;

impl Shell<'_> {
    /// The value of an expression in which `$` has been expanded; `None` where it is not known.
    pub(super) fn arithmetic(&mut self, text: &Value, state: &mut State, span: Span) -> Option<i64> {
        let text = text.code();
        let depth = state.depth;
        let mut names = Variables { shell: self, state, span };
        let result = Reader { bytes: text.as_bytes(), at: 0, depth: 0, names: &mut names }.all();
        state.depth = depth;
        result.ok()?
    }
}

struct Variables<'a, 'p> {
    shell: &'a mut Shell<'p>,
    state: &'a mut State,
    span: Span,
}

impl Variables<'_, '_> {
    fn value(&mut self, name: &str, index: Option<&str>) -> Option<i64> {
        let value = match index {
            Some(index) => {
                let key = self.shell.key(name, index, self.state, self.span);
                match (self.state.variables.contents(name), key) {
                    (Some(Contents::Array(array)), Some(key)) => array.get(&key).cloned(),
                    _ => None,
                }
            }
            None => self.state.variable(name),
        };
        let Some(value) = value else { return Some(0) };
        if value.literal().is_some_and(str::is_empty) {
            return Some(0);
        }
        self.state.depth += 1;
        let number = if self.state.depth > MAX_DEPTH {
            None
        } else {
            self.shell.arithmetic(&value, self.state, self.span)
        };
        self.state.depth -= 1;
        number
    }

    fn store(&mut self, name: &str, index: Option<&str>, value: Option<i64>) {
        let value =
            value.map_or_else(|| Value::dynamic(Source::Number, false), |n| Value::text(n.to_string()));
        self.shell.store(&Target { name, index, append: false }, value, self.state, self.span);
    }
}

struct Reader<'a, 's, 'p> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    names: &'a mut Variables<'s, 'p>,
}

/// The text is no expression.
struct Malformed;

type Number = Result<Option<i64>, Malformed>;

/// Operators between two operands, by ascending precedence.
const LEVELS: [&[&str]; 11] = [
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<=", ">=", "<", ">"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
    &["**"],
];
/// Operators that assign, longest first.
const ASSIGNS: [&str; 11] = ["<<=", ">>=", "+=", "-=", "*=", "/=", "%=", "&=", "^=", "|=", "="];

impl Reader<'_, '_, '_> {
    fn all(&mut self) -> Number {
        self.spaces();
        if self.at == self.bytes.len() {
            return Ok(None);
        }
        let value = self.comma()?;
        self.spaces();
        if self.at == self.bytes.len() { Ok(value) } else { Err(Malformed) }
    }

    fn comma(&mut self) -> Number {
        let mut value = self.choice()?;
        while self.eat(",") {
            value = self.choice()?;
        }
        Ok(value)
    }

    fn choice(&mut self) -> Number {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Malformed);
        }
        let condition = self.level(0)?;
        let value = if self.eat("?") {
            let yes = self.choice()?;
            if !self.eat(":") {
                return Err(Malformed);
            }
            let no = self.choice()?;
            condition.and_then(|c| if c != 0 { yes } else { no })
        } else {
            condition
        };
        self.depth -= 1;
        Ok(value)
    }

    fn level(&mut self, level: usize) -> Number {
        let Some(operators) = LEVELS.get(level) else { return self.atom() };
        let mut value = self.level(level + 1)?;
        while let Some(operator) = self.operator(operators) {
            self.at += operator.len();
            let other = self.level(level + 1)?;
            value = value.zip(other).and_then(|(a, b)| apply(operator, a, b));
        }
        Ok(value)
    }

    /// The operator that stands here, unless it is the start of a longer one.
    fn operator(&mut self, operators: &[&'static str]) -> Option<&'static str> {
        self.spaces();
        let rest = self.bytes.get(self.at..)?;
        let operator = operators.iter().find(|o| rest.starts_with(o.as_bytes()))?;
        let next = rest.get(operator.len()).copied();
        let longer = match *operator {
            "|" => next == Some(b'|'),
            "&" => next == Some(b'&'),
            "*" => next == Some(b'*'),
            "<" => next == Some(b'<'),
            ">" => next == Some(b'>'),
            _ => false,
        };
        (!longer).then_some(*operator)
    }

    fn spaces(&mut self) {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn eat(&mut self, token: &str) -> bool {
        self.spaces();
        let found = self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(token.as_bytes()));
        self.at += if found { token.len() } else { 0 };
        found
    }

    fn atom(&mut self) -> Number {
        self.spaces();
        let first = *self.bytes.get(self.at).ok_or(Malformed)?;
        let stepped = self.eat("++") || self.eat("--");
        if !stepped && matches!(first, b'-' | b'+' | b'~' | b'!') {
            self.at += 1;
            self.depth += 1;
            let value = if self.depth > MAX_DEPTH { Err(Malformed) } else { self.atom() }?;
            self.depth -= 1;
            return Ok(value.and_then(|value| match first {
                b'-' => value.checked_neg(),
                b'~' => Some(!value),
                b'!' => Some(i64::from(value == 0)),
                _ => Some(value),
            }));
        }
        if !stepped && self.eat("(") {
            let value = self.comma()?;
            return if self.eat(")") { Ok(value) } else { Err(Malformed) };
        }
        self.spaces();
        let first = *self.bytes.get(self.at).ok_or(Malformed)?;
        if first.is_ascii_digit() {
            let digits = self.word(|b| b.is_ascii_alphanumeric() || b == b'#' || b == b'@');
            return Ok(number(&digits));
        }
        if first.is_ascii_alphabetic() || first == b'_' {
            return self.name(stepped.then_some(if first == b'-' { -1 } else { 1 }));
        }
        // Unknown text is one character that is no other.
        if !first.is_ascii() {
            self.word(|b| !b.is_ascii() || b.is_ascii_alphanumeric());
            return Ok(None);
        }
        Err(Malformed)
    }

    fn word(&mut self, part: impl Fn(u8) -> bool) -> String {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let bytes: Vec<u8> = rest.iter().copied().take_while(|b| part(*b)).collect();
        self.at += bytes.len();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// A variable, with what is assigned to it.
    fn name(&mut self, step: Option<i64>) -> Number {
        let name = self.word(|b| b.is_ascii_alphanumeric() || b == b'_');
        let index = if self.bytes.get(self.at) == Some(&b'[') { Some(self.subscript()?) } else { None };
        let index = index.as_deref();
        if let Some(step) = step {
            let value = self.names.value(&name, index).and_then(|v| v.checked_add(step));
            self.names.store(&name, index, value);
            return Ok(value);
        }
        if self.eat("++") || self.eat("--") {
            let step = if self.bytes.get(self.at - 1) == Some(&b'+') { 1 } else { -1 };
            let value = self.names.value(&name, index);
            self.names.store(&name, index, value.and_then(|v| v.checked_add(step)));
            return Ok(value);
        }
        self.spaces();
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let assigns = ASSIGNS.iter().find(|o| rest.starts_with(o.as_bytes()) && !rest.starts_with(b"=="));
        let Some(operator) = assigns else { return Ok(self.names.value(&name, index)) };
        self.at += operator.len();
        let other = self.choice()?;
        let value = match operator.strip_suffix('=') {
            None | Some("") => other,
            Some(operator) => {
                let old = self.names.value(&name, index);
                old.zip(other).and_then(|(a, b)| apply(operator, a, b))
            }
        };
        self.names.store(&name, index, value);
        Ok(value)
    }

    /// The text between brackets.
    fn subscript(&mut self) -> Result<String, Malformed> {
        let start = self.at + 1;
        let mut depth = 0usize;
        while let Some(byte) = self.bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'[' => depth += 1,
                b']' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Ok(String::from_utf8_lossy(&self.bytes[start..self.at - 1]).into_owned());
            }
        }
        Err(Malformed)
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
        "&&" => Some(i64::from(a != 0 && b != 0)),
        "||" => Some(i64::from(a != 0 || b != 0)),
        _ => None,
    }
}
