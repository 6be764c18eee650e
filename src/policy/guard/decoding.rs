//! Encodings that disguise a constant, undone.

use super::language::Returns;
use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

/// The text in an encoding, decoded.
pub(super) fn decode(how: Returns, text: &str) -> Option<String> {
    match how {
        Returns::Base64 => base64(text),
        Returns::Base32 => base32(text),
        Returns::Hex => hex(text),
        Returns::Url => percent(text),
        Returns::Rot13 => Some(text.chars().map(rot13).collect()),
        _ => None,
    }
}

fn rot13(c: char) -> char {
    let turned = |base: u8, c: char| char::from((c as u8 - base + 13) % 26 + base);
    match c {
        'a'..='z' => turned(b'a', c),
        'A'..='Z' => turned(b'A', c),
        other => other,
    }
}

/// Base64, with or without padding, in either alphabet.
pub(super) fn base64(text: &str) -> Option<String> {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let plain = |c: char| match c {
        '-' => '+',
        '_' => '/',
        other => other,
    };
    let kept: String = text
        .chars()
        .map(plain)
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '='))
        .collect();
    let engine = GeneralPurpose::new(&base64::alphabet::STANDARD, config);
    engine.decode(kept).ok().map(text_of)
}

/// Base32.
pub(super) fn base32(text: &str) -> Option<String> {
    let (mut bits, mut count, mut out) = (0u32, 0u32, Vec::new());
    for c in text.trim().chars().filter(|c| !c.is_whitespace() && *c != '=') {
        let value = match c {
            'A'..='Z' => u32::from(c) - u32::from('A'),
            '2'..='7' => u32::from(c) - u32::from('2') + 26,
            _ => return None,
        };
        bits = (bits << 5) | value;
        count += 5;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count).to_le_bytes()[0]);
        }
    }
    Some(text_of(out))
}

/// Pairs of hexadecimal digits; everything else is left out.
pub(super) fn hex(text: &str) -> Option<String> {
    let digits: Vec<char> = text.chars().filter(char::is_ascii_hexdigit).collect();
    let pair = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).ok();
    digits.chunks_exact(2).map(pair).collect::<Option<Vec<u8>>>().map(text_of)
}

/// `%72%6d`
pub(super) fn percent(text: &str) -> Option<String> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('%') {
        out.extend(before.bytes());
        match behind.get(..2).and_then(|d| u8::from_str_radix(d, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = &behind[2..];
            }
            None => {
                out.push(b'%');
                rest = behind;
            }
        }
    }
    out.extend(rest.bytes());
    Some(text_of(out))
}

/// Bytes as text.
pub(super) fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}
