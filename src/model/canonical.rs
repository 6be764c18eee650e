//! One spelling per document: the JSON bytes of everything that is signed or digested.
//!
//! One object in struct order, no spaces, no floats, ASCII, one newline at the end. Reading accepts
//! exactly what writing makes, so a signature over the bytes is a signature over the meaning.

use serde::{Serialize, de::DeserializeOwned};

/// Bytes that are not the canonical spelling of the document that was asked for.
#[derive(Debug, thiserror::Error)]
pub enum CanonicalError {
    /// Not JSON, not the fields of the document, or a value outside its type.
    #[error("not a {what}")]
    Form {
        /// The document that was expected, for example "release statement".
        what: &'static str,
        /// What the JSON reader said.
        #[source]
        cause: serde_json::Error,
    },
    /// The right document in another spelling (order, spaces, escapes, repeated or spare fields).
    #[error("a {what}, but not in its one canonical spelling")]
    Spelling {
        /// The document that was expected.
        what: &'static str,
    },
}

/// The canonical bytes of `document`.
///
/// # Panics
/// Never for the crate's own documents: their maps have text keys and their numbers are integers.
pub fn encode<T: Serialize>(document: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = serde_json::Serializer::with_formatter(&mut bytes, Ascii);
    #[expect(clippy::expect_used, reason = "writing to memory and text keys cannot fail")]
    document.serialize(&mut writer).expect("documents have text keys only");
    bytes.push(b'\n');
    bytes
}

/// Reads the canonical bytes of a document.
///
/// # Errors
/// When the bytes are anything but what [`encode`] makes of the value that they hold.
pub fn decode<T: Serialize + DeserializeOwned>(
    what: &'static str,
    bytes: &[u8],
) -> Result<T, CanonicalError> {
    let document: T = serde_json::from_slice(bytes).map_err(|cause| CanonicalError::Form { what, cause })?;
    if is_spelling(&document, bytes) { Ok(document) } else { Err(CanonicalError::Spelling { what }) }
}

/// Whether [`encode`] makes these bytes of the document. They are compared as they come and not kept: a catalog is long.
fn is_spelling<T: Serialize>(document: &T, bytes: &[u8]) -> bool {
    let mut rest = Expected(bytes);
    let written = document.serialize(&mut serde_json::Serializer::with_formatter(&mut rest, Ascii));
    written.is_ok() && rest.0 == b"\n"
}

/// Whether `spelled` is the canonical spelling of the string `text`, quotes included.
pub(super) fn spells(text: &str, spelled: &[u8]) -> bool {
    let Some(mut spelled) = spelled.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) else {
        return false;
    };
    let mut text = text;
    loop {
        let plain = plain(text.as_bytes());
        let Some(rest) = spelled.strip_prefix(&text.as_bytes()[..plain]) else { return false };
        let mut others = text[plain..].chars();
        let Some(other) = others.next() else { return rest.is_empty() };
        let rest = match other {
            '\n' => rest.strip_prefix(b"\\n"),
            '"' => rest.strip_prefix(b"\\\""),
            '\\' => rest.strip_prefix(b"\\\\"),
            other => {
                let encoded = encode(&other);
                encoded.get(1..encoded.len() - 2).and_then(|escape| rest.strip_prefix(escape))
            }
        };
        let Some(rest) = rest else { return false };
        (text, spelled) = (others.as_str(), rest);
    }
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

/// Takes what is written only while it is what is expected.
struct Expected<'a>(&'a [u8]);

impl std::io::Write for Expected<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 = self.0.strip_prefix(bytes).ok_or(std::io::ErrorKind::InvalidData)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Compact JSON in which everything outside ASCII is written as an escape such as `\u00e9`.
struct Ascii;

impl serde_json::ser::Formatter for Ascii {
    fn write_string_fragment<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> std::io::Result<()> {
        // Nearly every text is plain, and looked through at many bytes a time.
        if fragment.is_ascii() && !fragment.as_bytes().contains(&0x7f) {
            return writer.write_all(fragment.as_bytes());
        }
        let (mut rest, mut units) = (fragment, [0; 2]);
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| !c.is_ascii() || *c == '\u{7f}') {
            writer.write_all(&rest.as_bytes()[..at])?;
            for unit in c.encode_utf16(&mut units) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = &rest[at + c.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Pair {
        b: String,
        a: u32,
    }

    #[test]
    fn one_spelling_goes_both_ways() {
        let pair = Pair { b: "é\u{1f600}\"\n".into(), a: 1 };
        let bytes = encode(&pair);
        assert_eq!(bytes, b"{\"b\":\"\\u00e9\\ud83d\\ude00\\\"\\n\",\"a\":1}\n");
        assert_eq!(decode::<Pair>("pair", &bytes).ok(), Some(pair));
    }

    #[test]
    fn a_string_has_the_one_spelling_that_it_is_written_in() {
        let long = "plain ".repeat(30);
        for text in ["", "plain", "two\nlines", "\"\\/\t\r\u{8}\u{c}\0\u{1f}\u{7f}é\u{1f600}", &long] {
            let encoded = encode(&text);
            let spelled = encoded.strip_suffix(b"\n").unwrap();
            assert!(spells(text, spelled), "{text:?}");
            assert!(!spells(text, &spelled[1..]) && !spells(text, &spelled[..spelled.len() - 1]), "{text:?}");
        }
        for (text, spelled) in [
            ("A", r#""\u0041""#),
            ("é", "\"é\""),
            ("é", r#""\u00E9""#),
            ("\n", r#""\u000a""#),
            ("/", r#""\/""#),
            ("\u{7f}", "\"\u{7f}\""),
            ("a", "\"b\""),
            ("a", "\"ab\""),
            ("ab", "\"a\""),
        ] {
            assert!(!spells(text, spelled.as_bytes()), "{spelled}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_a_string_is_written_as_is_its_spelling(text in ".*", at in proptest::prelude::any::<usize>(), byte: u8) {
            let encoded = encode(&text);
            let spelled = encoded.strip_suffix(b"\n").unwrap();
            proptest::prop_assert!(spells(&text, spelled));
            let mut other = spelled.to_vec();
            let at = at % other.len();
            other[at] = byte;
            proptest::prop_assert_eq!(spells(&text, &other), other == spelled);
        }
    }

    #[test]
    fn d42_every_other_spelling_is_refused() {
        for bad in [
            "{\"b\":\"x\",\"a\":1}",
            "{\"a\":1,\"b\":\"x\"}\n",
            "{\"b\":\"x\", \"a\":1}\n",
            "{\"b\":\"\\u0078\",\"a\":1}\n",
            "{\"b\":\"x\",\"a\":1.0}\n",
            "{\"b\":\"x\",\"a\":1,\"a\":1}\n",
            "{\"b\":\"x\",\"a\":1,\"c\":1}\n",
            "{\"b\":\"x\",\"a\":1}\n\n",
            "\u{feff}{\"b\":\"x\",\"a\":1}\n",
        ] {
            assert!(decode::<Pair>("pair", bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
