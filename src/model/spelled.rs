//! The one canonical spelling of a string: writing it, whether bytes are one, and what they say without a copy of it.

/// A part of what is spelled.
#[derive(Debug, Clone, Copy)]
pub enum Piece<'a> {
    /// Bytes that are spelled as they are.
    Plain(&'a [u8]),
    /// One character in UTF-8, of so many bytes.
    Escaped([u8; 4], usize),
}

impl AsRef<[u8]> for Piece<'_> {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Plain(bytes) => bytes,
            Self::Escaped(bytes, size) => &bytes[..*size],
        }
    }
}

/// What a canonical spelling says, piece by piece, from its first quote to its last one.
#[derive(Debug, Clone)]
pub(super) struct Pieces<'a>(&'a [u8]);

impl<'a> Pieces<'a> {
    /// Those of `spelled`; none where there are no quotes around it.
    pub(super) fn of(spelled: &'a [u8]) -> Self {
        Self(inside(spelled).unwrap_or_default())
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    /// The next piece; none where what comes next is not canonical.
    fn next(&mut self) -> Option<Piece<'a>> {
        let (plain, rest) = self.0.split_at(plain(self.0));
        if !plain.is_empty() {
            self.0 = rest;
            return Some(Piece::Plain(plain));
        }
        let (other, size) = escaped(rest)?;
        self.0 = &rest[size..];
        let mut bytes = [0; 4];
        let size = other.encode_utf8(&mut bytes).len();
        Some(Piece::Escaped(bytes, size))
    }
}

/// How many bytes the string has that is spelled so, quotes included; `None` where that is no canonical spelling.
pub(super) fn size(spelled: &[u8]) -> Option<usize> {
    let mut pieces = Pieces(inside(spelled)?);
    let size = pieces.by_ref().map(|piece| piece.as_ref().len()).sum();
    pieces.0.is_empty().then_some(size)
}

fn inside(spelled: &[u8]) -> Option<&[u8]> {
    spelled.strip_prefix(b"\"")?.strip_suffix(b"\"")
}

/// How many bytes at the beginning are spelled as they are. Most texts are plain for long stretches, which are looked
/// through many bytes at a time.
fn plain(bytes: &[u8]) -> usize {
    let other = |byte: &u8| !(0x20..0x7f).contains(byte) || *byte == b'"' || *byte == b'\\';
    let blocks = bytes.chunks_exact(32);
    let start =
        32 * blocks.take_while(|block| !block.iter().fold(false, |any, byte| any | other(byte))).count();
    start + bytes[start..].iter().position(other).unwrap_or(bytes.len() - start)
}

/// Characters that have an escape of one letter.
const SHORT: [(char, u8); 7] =
    [('\n', b'n'), ('"', b'"'), ('\\', b'\\'), ('\t', b't'), ('\r', b'r'), ('\u{8}', b'b'), ('\u{c}', b'f')];

/// Hands over the canonical spelling of a text, quotes included, part by part.
///
/// # Errors
/// The first of `put`.
pub(super) fn spell<E>(text: &str, mut put: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    put(b"\"")?;
    let mut rest = text;
    loop {
        let plain = plain(rest.as_bytes());
        put(&rest.as_bytes()[..plain])?;
        let mut others = rest[plain..].chars();
        let Some(other) = others.next() else { return put(b"\"") };
        match SHORT.iter().find(|(c, _)| *c == other) {
            Some((_, letter)) => put(&[b'\\', *letter])?,
            None => other.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| {
                let digit = |shift: u16| b"0123456789abcdef"[usize::from(unit >> shift & 0xf)];
                put(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)])
            })?,
        }
        rest = others.as_str();
    }
}

/// The character whose escape stands at the beginning, and how long that is; of the escapes of a character only the one
/// that is written.
fn escaped(spelled: &[u8]) -> Option<(char, usize)> {
    let &[b'\\', letter] = spelled.get(..2)? else { return None };
    match SHORT.iter().find(|(_, short)| *short == letter) {
        Some((other, _)) => Some((*other, 2)),
        None => long(spelled),
    }
}

/// As [`escaped`], for a character that is written as one or two UTF-16 units.
fn long(spelled: &[u8]) -> Option<(char, usize)> {
    let first = unit(spelled)?;
    if (0xd800..0xdc00).contains(&first) {
        let pair = [first, unit(&spelled[6..])?];
        return Some((char::decode_utf16(pair).next()?.ok()?, 12));
    }
    let other = char::from_u32(first.into())?;
    let other_way = (' '..='~').contains(&other) || SHORT.iter().any(|(short, _)| *short == other);
    (!other_way).then_some((other, 6))
}

/// The unit that is spelled as `\u00e9` at the beginning.
fn unit(spelled: &[u8]) -> Option<u16> {
    spelled.strip_prefix(b"\\u")?.get(..4)?.iter().try_fold(0, |unit, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(unit << 4 | u16::from(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::canonical::encode;

    /// What is said, where that is spelled in the one canonical way.
    fn said(spelled: &[u8]) -> Option<String> {
        let size = size(spelled)?;
        let bytes: Vec<u8> = Pieces::of(spelled).flat_map(|piece| piece.as_ref().to_vec()).collect();
        assert_eq!(bytes.len(), size);
        Some(String::from_utf8(bytes).unwrap())
    }

    /// The same, by the reader and the writer that everybody has.
    fn said_by_encoder(spelled: &[u8]) -> Option<String> {
        let text: String = serde_json::from_slice(spelled).ok()?;
        (encode(&text).strip_suffix(b"\n") == Some(spelled)).then_some(text)
    }

    #[test]
    fn a_string_has_the_one_spelling_that_it_is_written_in() {
        let long = "plain ".repeat(30);
        for text in ["", "plain", "two\nlines", "\"\\/\t\r\u{8}\u{c}\0\u{1f}\u{7f}é\u{ffff}\u{1f600}", &long]
        {
            let encoded = encode(&text);
            let spelled = encoded.strip_suffix(b"\n").unwrap();
            assert_eq!(said(spelled).as_deref(), Some(text));
            assert_eq!(said(&spelled[1..]), None, "{text:?}");
            assert_eq!(said(&spelled[..spelled.len() - 1]), None, "{text:?}");
        }
        for other in [
            r#""\u0041""#,
            "\"é\"",
            r#""\u00E9""#,
            r#""\u000a""#,
            r#""\/""#,
            "\"\u{7f}\"",
            "\"a\"b\"",
            r#""\""#,
            r#""\u12""#,
            r#""\ud83d""#,
            r#""\ud83d\u0041""#,
            r#""\ude00""#,
            "\"",
            "",
            "7",
        ] {
            assert_eq!(said(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn every_character_has_one_spelling() {
        for c in ('\0'..=char::MAX).step_by(7).chain('\0'..'\u{200}') {
            let encoded = encode(&c);
            assert_eq!(said(encoded.strip_suffix(b"\n").unwrap()), Some(c.to_string()), "{c:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_a_string_is_written_as_is_its_spelling(text in ".*", at in proptest::prelude::any::<usize>(), byte: u8) {
            let encoded = encode(&text);
            let mut spelled = encoded.strip_suffix(b"\n").unwrap().to_vec();
            proptest::prop_assert_eq!(said(&spelled), Some(text));
            let at = at % spelled.len();
            spelled[at] = byte;
            proptest::prop_assert_eq!(said(&spelled), said_by_encoder(&spelled));
        }

        #[test]
        fn whatever_is_written_is_read_as_the_reader_does(inner in r#"(\\[\\"ntrbfu/x]|[0-9a-fA-F]{1,4}|\\u(d8|dc|00)[0-9a-f]{2}|[ -~]|é)*"#) {
            let spelled = format!("\"{inner}\"");
            proptest::prop_assert_eq!(said(spelled.as_bytes()), said_by_encoder(spelled.as_bytes()));
        }
    }
}
