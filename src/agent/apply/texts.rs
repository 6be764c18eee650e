//! A short list of named texts in two allocations: an agent keeps one for each resource, and a map's nodes would be most of
//! its memory.

use serde::de::{DeserializeSeed, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Named texts in the order in which they came, written as a JSON object.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Texts {
    /// Name, value, name, value.
    text: String,
    /// Where each of them ends.
    ends: Vec<usize>,
}

impl Texts {
    pub(super) const fn new() -> Self {
        Self { text: String::new(), ends: Vec::new() }
    }

    /// Takes everything out, and keeps the room for it.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The value of the first of that name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(have, _)| *have == name).map(|(_, value)| value)
    }

    pub(super) fn push(&mut self, name: &str, value: &str) {
        self.add(name);
        self.add(value);
    }

    fn add(&mut self, piece: &str) {
        self.text.push_str(piece);
        self.ends.push(self.text.len());
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let mut pieces = starts.zip(&self.ends).map(|(start, end)| &self.text[start..*end]);
        std::iter::from_fn(move || Some((pieces.next()?, pieces.next()?)))
    }
}

impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Serialize for Texts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map;
        impl<'de> Visitor<'de> for Map {
            type Value = Texts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Texts, A::Error> {
                let mut texts = Texts::default();
                while map.next_key_seed(&mut texts)?.is_some() {
                    map.next_value_seed(&mut texts)?;
                }
                texts.text.shrink_to_fit();
                texts.ends.shrink_to_fit();
                Ok(texts)
            }
        }
        deserializer.deserialize_map(Map)
    }
}

/// One more piece, without a text of its own on the way.
impl<'de> DeserializeSeed<'de> for &mut Texts {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for &mut Texts {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: serde::de::Error>(self, piece: &str) -> Result<(), E> {
        self.add(piece);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_keep_their_names_and_their_order() {
        let mut texts = Texts::default();
        for (name, value) in [("mode", "0644"), ("content", ""), ("", "a\u{0}b"), ("mode", "later")] {
            texts.push(name, value);
        }
        let bytes = serde_json::to_string(&texts).unwrap();
        assert_eq!(bytes, r#"{"mode":"0644","content":"","":"a\u0000b","mode":"later"}"#);
        let back: Texts = serde_json::from_str(&bytes).unwrap();
        assert_eq!(back, texts);
        assert_eq!(
            ["mode", "content", "", "owner"].map(|name| back.get(name)),
            [Some("0644"), Some(""), Some("a\u{0}b"), None]
        );
        assert!(serde_json::from_str::<Texts>(r#"["mode"]"#).is_err());
    }
}
