//! Backslash escapes of `$'…'`, `echo`, `printf` and their relatives.

/// Decodes the inside of `$'…'` that starts `text`; also says how many bytes it takes with its closing quote.
pub(super) fn ansi_c(text: &str) -> Option<(String, usize)> {
    let mut at = 0;
    let bytes = text.as_bytes();
    loop {
        match bytes.get(at)? {
            b'\\' => at += 2,
            b'\'' => break,
            _ => at += 1,
        }
    }
    let mut decoded = decode(text.get(..at)?, Flavour::AnsiC);
    // A zero byte ends a string.
    decoded.truncate(decoded.find('\0').unwrap_or(decoded.len()));
    Some((decoded, at + 1))
}

/// Which escapes are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// `$'…'`
    AnsiC,
    /// `echo -e`, dash's `echo`, `printf %b`: octal needs `\0`.
    Echo,
    /// The format of `printf`, and string literals of most languages.
    Printf,
}

/// Decodes the escapes in `text`. Dynamic ones stay as they are.
#[must_use]
pub fn decode(text: &str, flavour: Flavour) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    let mut out: Vec<u8> = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let Some(&letter) = bytes.get(at) else {
            out.push(b'\\');
            break;
        };
        at += 1;
        if letter == b'c' && flavour == Flavour::Echo {
            break;
        }
        at += one(letter, &bytes[at..], flavour, &mut out);
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Decodes the escape with `letter`; returns how many bytes behind it were used.
fn one(letter: u8, rest: &[u8], flavour: Flavour, out: &mut Vec<u8>) -> usize {
    let simple = match letter {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'a' => 7,
        b'b' => 8,
        b'v' => 11,
        b'f' => 12,
        b'e' | b'E' => 27,
        b'\\' => b'\\',
        b'\'' | b'"' | b'?' if flavour != Flavour::Echo => letter,
        b'x' => return number(rest, 16, 2, letter, out),
        b'u' => return unicode(rest, 4, letter, out),
        b'U' => return unicode(rest, 8, letter, out),
        b'0' if flavour == Flavour::Echo => {
            let (value, used) = digits(rest, 8, 3);
            out.push(low_byte(value));
            return used;
        }
        b'0'..=b'7' => {
            let (value, used) = digits(rest, 8, 2);
            let power = 8u32.pow(u32::try_from(used).unwrap_or(0));
            out.push(low_byte(u32::from(letter - b'0') * power + value));
            return used;
        }
        b'c' if flavour == Flavour::AnsiC => {
            out.push(rest.first().copied().unwrap_or(0) & 0x1f);
            return rest.len().min(1);
        }
        _ => {
            out.extend([b'\\', letter]);
            return 0;
        }
    };
    out.push(simple);
    0
}

fn number(rest: &[u8], base: u32, most: usize, letter: u8, out: &mut Vec<u8>) -> usize {
    let (value, used) = digits(rest, base, most);
    if used == 0 {
        out.extend([b'\\', letter]);
    } else {
        out.push(low_byte(value));
    }
    used
}

fn unicode(rest: &[u8], most: usize, letter: u8, out: &mut Vec<u8>) -> usize {
    // JavaScript and Lua write `\u{…}`, Perl `\x{…}`.
    if rest.first() == Some(&b'{') {
        let (value, used) = digits(&rest[1..], 16, 8);
        let mut buffer = [0; 4];
        out.extend(char::from_u32(value).unwrap_or('\u{fffd}').encode_utf8(&mut buffer).bytes());
        return used + 1 + usize::from(rest.get(used + 1) == Some(&b'}'));
    }
    let (value, used) = digits(rest, 16, most);
    match char::from_u32(value) {
        Some(c) if used > 0 => out.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        _ => out.extend([b'\\', letter]),
    }
    used
}

fn digits(rest: &[u8], base: u32, most: usize) -> (u32, usize) {
    let digits: Vec<u32> = rest.iter().take(most).map_while(|b| char::from(*b).to_digit(base)).collect();
    (digits.iter().fold(0u32, |value, d| value.wrapping_mul(base).wrapping_add(*d)), digits.len())
}

fn low_byte(value: u32) -> u8 {
    value.to_le_bytes()[0]
}
