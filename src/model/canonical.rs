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
