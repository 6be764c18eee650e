//! A text that may be long, and stays in the document that it was read from.

use super::spelled::{self, Piece, Pieces};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

thread_local! {
    /// The document that is being read. Serde hands no such thing down to the fields of a document.
    static DOCUMENT: RefCell<Option<Arc<Vec<u8>>>> = const { RefCell::new(None) };
}

/// A text that may be long.
///
/// A catalog is mostly contents of files, few of which are needed as they are in a run. Read inside the document, a
/// text is a place in it and keeps the document alive, instead of being a second copy.
#[derive(Clone)]
pub struct Text(Held);

#[derive(Clone)]
enum Held {
    Own(Box<str>),
    /// Spelled as a JSON string, with its quotes and in the one canonical spelling, at this place of the document; so many
    /// bytes long.
    Within(Arc<Vec<u8>>, Range<u32>, u32),
}

/// Reads with `read`, and leaves the texts in `document`, from which it must read.
pub(crate) fn within<T>(document: &Arc<Vec<u8>>, read: impl FnOnce(&[u8]) -> T) -> T {
    /// Takes the document away again, whatever `read` does.
    struct Over(Option<Arc<Vec<u8>>>);
    impl Drop for Over {
        fn drop(&mut self) {
            DOCUMENT.set(self.0.take());
        }
    }
    let _over = Over(DOCUMENT.replace(Some(document.clone())));
    read(document)
}

impl Text {
    /// The text.
    #[must_use]
    pub fn get(&self) -> Cow<'_, str> {
        match &self.0 {
            Held::Own(text) => Cow::Borrowed(text),
            Held::Within(document, place, size) => said(within_document(document, place), *size as usize),
        }
    }

    /// How many bytes it has.
    #[must_use]
    pub fn size(&self) -> usize {
        match &self.0 {
            Held::Own(text) => text.len(),
            Held::Within(.., size) => *size as usize,
        }
    }

    /// Its bytes, one piece after the other: to compare them with others it need not be put together.
    pub fn pieces(&self) -> impl Iterator<Item = Piece<'_>> {
        let (own, spelled): (_, &[u8]) = match &self.0 {
            Held::Own(text) => (Some(Piece::Plain(text.as_bytes())), &[]),
            Held::Within(document, place, _) => (None, within_document(document, place)),
        };
        own.into_iter().chain(Pieces::of(spelled))
    }
}

fn within_document<'a>(document: &'a [u8], place: &Range<u32>) -> &'a [u8] {
    &document[place.start as usize..place.end as usize]
}

/// What a canonical spelling says, which is `size` bytes. Without escapes it is what it spells.
fn said(spelled: &[u8], size: usize) -> Cow<'_, str> {
    let mut pieces = Pieces::of(spelled);
    if let Some(Piece::Plain(plain)) = pieces.next()
        && plain.len() == size
    {
        return String::from_utf8_lossy(plain);
    }
    let mut text = String::with_capacity(size);
    // Each piece is whole characters: nothing is lost.
    Pieces::of(spelled).for_each(|piece| text.push_str(&String::from_utf8_lossy(piece.as_ref())));
    Cow::Owned(text)
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Some(document) = DOCUMENT.with_borrow(Option::clone) else {
            return String::deserialize(deserializer).map(Self::from);
        };
        let spelled = <&'de RawValue>::deserialize(deserializer)?.get().as_bytes();
        let Some(size) = spelled::size(spelled) else {
            return Err(D::Error::custom("not a text in its one canonical spelling"));
        };
        // Where the bytes are is where they are in the document, if they are in it.
        let place = (spelled.as_ptr() as usize).checked_sub(document.as_ptr() as usize).and_then(|start| {
            let end = start.checked_add(spelled.len()).filter(|end| *end <= document.len())?;
            Some((u32::try_from(start).ok()?..u32::try_from(end).ok()?, u32::try_from(size).ok()?))
        });
        Ok(match place {
            Some((place, size)) => Self(Held::Within(document, place, size)),
            None => Self::from(&*said(spelled, size)),
        })
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Held::Own(text) => serializer.serialize_str(text),
            Held::Within(..) if serializer.is_human_readable() => serializer.serialize_str(&self.get()),
            // The writer of documents takes it as it is spelled already.
            Held::Within(document, place, _) => serializer.serialize_bytes(within_document(document, place)),
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Held::Own(text.into()))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Held::Own(text.into()))
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.size() == other.size() && self.get() == other.get()
    }
}

impl Eq for Text {}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.get().hash(state);
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::canonical;

    fn read(document: &str) -> Vec<Text> {
        within(&Arc::new(document.as_bytes().to_vec()), |bytes| serde_json::from_slice(bytes).unwrap())
    }

    #[test]
    fn a_text_stays_where_it_was_read() {
        let texts = read(r#"["plain","two\nlines \"\u00e9\"",""]"#);
        assert!(texts.iter().all(|text| matches!(text.0, Held::Within(..))));
        assert_eq!(texts, ["plain", "two\nlines \"é\"", ""].map(Text::from));
        assert!(matches!(texts[0].get(), Cow::Borrowed("plain")));
        assert_eq!(canonical::encode(&texts), b"[\"plain\",\"two\\nlines \\\"\\u00e9\\\"\",\"\"]\n");
        assert_eq!(serde_json::to_string(&texts).unwrap(), r#"["plain","two\nlines \"é\"",""]"#);
    }

    #[test]
    fn nothing_stays_in_a_document_that_is_not_being_read() {
        read("[]");
        let texts: Vec<Text> = serde_json::from_str(r#"["plain"]"#).unwrap();
        assert!(matches!(texts[0].0, Held::Own(_)));
    }

    #[test]
    fn what_comes_from_elsewhere_is_not_taken_for_a_place_in_the_document() {
        let other = r#"["plain"]"#;
        let texts = within(&Arc::new(Vec::new()), |_| serde_json::from_str::<Vec<Text>>(other).unwrap());
        assert!(matches!(texts[0].0, Held::Own(_)));
    }

    #[test]
    fn what_is_no_text_is_refused() {
        for bad in
            ["[1]", "[null]", r#"["\ud800"]"#, r#"[{"a":"b"}]"#, "[\"\n\"]", r#"["\u0041"]"#, "[\"é\"]"]
        {
            let document = Arc::new(bad.as_bytes().to_vec());
            within(&document, |bytes| assert!(serde_json::from_slice::<Vec<Text>>(bytes).is_err(), "{bad}"));
        }
    }
}
