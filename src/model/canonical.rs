//! One spelling per document: the JSON bytes of everything that is signed or digested.
//!
//! One object in struct order, no spaces, no floats, ASCII, one newline at the end. Reading accepts
//! exactly what writing makes, so a signature over the bytes is a signature over the meaning.

mod writer;

use serde::Serialize;
use serde::de::{DeserializeOwned, Error as _};
use writer::{Expected, Writer};

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
    let mut writer = Writer::to(Vec::new());
    #[expect(
        clippy::expect_used,
        reason = "memory takes everything, and text keys and integers can be written"
    )]
    document.serialize(&mut writer).expect("documents have text keys and integers only");
    writer.out.push(b'\n');
    writer.out
}

/// Reads the canonical bytes of a document.
///
/// # Errors
/// When the bytes are anything but what [`encode`] makes of the value that they hold.
pub fn decode<T: Serialize + DeserializeOwned>(
    what: &'static str,
    bytes: &[u8],
) -> Result<T, CanonicalError> {
    // What is text once need not be looked at again for every string in it.
    let text = std::str::from_utf8(bytes).map_err(serde_json::Error::custom);
    let document: T =
        text.and_then(serde_json::from_str).map_err(|cause| CanonicalError::Form { what, cause })?;
    if is_spelling(&document, bytes) { Ok(document) } else { Err(CanonicalError::Spelling { what }) }
}

/// Whether [`encode`] makes these bytes of the document. They are compared as they come and not kept: a catalog is long.
fn is_spelling<T: Serialize>(document: &T, bytes: &[u8]) -> bool {
    let mut writer = Writer::to(Expected(bytes));
    document.serialize(&mut writer).is_ok() && writer.out.0 == b"\n"
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
