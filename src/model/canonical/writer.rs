//! Writing a document in its one spelling: JSON without spaces, in ASCII, its fields as they come.

use crate::model::spelled::spell;
use serde::Serialize;
use serde::ser::{self, Serializer};
use std::fmt;

/// Where a document is written to.
pub(super) trait Out {
    /// Takes these bytes, or says that it does not.
    fn take(&mut self, bytes: &[u8]) -> bool;
}

impl Out for Vec<u8> {
    fn take(&mut self, bytes: &[u8]) -> bool {
        self.extend_from_slice(bytes);
        true
    }
}

/// Takes what is written only while it is what is expected.
pub(super) struct Expected<'a>(pub(super) &'a [u8]);

impl Out for Expected<'_> {
    #[inline]
    fn take(&mut self, bytes: &[u8]) -> bool {
        let rest = self.0.strip_prefix(bytes);
        self.0 = rest.unwrap_or_default();
        rest.is_some()
    }
}

/// Why a document was not written to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unwritten {
    /// It was written to something that took no more of it.
    #[error("something else is expected")]
    Unexpected,
    /// There is something in it that no document has: a fraction, or a key that is no text.
    #[error("there is something in it that no document has")]
    Form,
}

impl ser::Error for Unwritten {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Form
    }
}

type Written = Result<(), Unwritten>;

/// Writes documents. It does not call itself readable by humans, so that a [`Text`](crate::model::Text) gives it the
/// bytes that it is spelled with already.
pub(super) struct Writer<O> {
    pub(super) out: O,
    /// What comes next is the key of a map, which is a text.
    key: bool,
}

impl<O: Out> Writer<O> {
    pub(super) const fn to(out: O) -> Self {
        Self { out, key: false }
    }

    /// Most of it is one quote, comma or brace.
    #[inline]
    fn put(&mut self, bytes: &[u8]) -> Written {
        if self.out.take(bytes) { Ok(()) } else { Err(Unwritten::Unexpected) }
    }

    fn string(&mut self, text: &str) -> Written {
        self.key = false;
        spell(text, |bytes| self.put(bytes))
    }

    /// What is no string.
    fn other(&mut self, bytes: &[u8]) -> Written {
        if self.key { Err(Unwritten::Form) } else { self.put(bytes) }
    }

    fn list(&mut self) -> Result<Parts<'_, O>, Unwritten> {
        self.other(b"[")?;
        Ok(Parts { writer: self, first: true, close: b"]" })
    }

    fn object(&mut self) -> Result<Parts<'_, O>, Unwritten> {
        self.other(b"{")?;
        Ok(Parts { writer: self, first: true, close: b"}" })
    }

    /// Begins an object with this one key.
    fn tagged(&mut self, tag: &str) -> Written {
        self.other(b"{")?;
        self.string(tag)?;
        self.put(b":")
    }
}

/// A list or an object that is being written.
pub(super) struct Parts<'a, O> {
    writer: &'a mut Writer<O>,
    first: bool,
    close: &'static [u8],
}

impl<O: Out> Parts<'_, O> {
    fn next(&mut self) -> Written {
        if std::mem::take(&mut self.first) { Ok(()) } else { self.writer.put(b",") }
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        self.next()?;
        value.serialize(&mut *self.writer)
    }

    fn field<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Written {
        self.next()?;
        self.writer.string(key)?;
        self.writer.put(b":")?;
        value.serialize(&mut *self.writer)
    }

    fn close(self) -> Written {
        self.writer.put(self.close)
    }
}

/// Methods that write a number as its digits.
macro_rules! numbers {
    ($($method:ident $number:ty),*) => {
        $(fn $method(self, number: $number) -> Written {
            self.other(number.to_string().as_bytes())
        })*
    };
}

impl<'a, O: Out> Serializer for &'a mut Writer<O> {
    type Ok = ();
    type Error = Unwritten;
    type SerializeSeq = Parts<'a, O>;
    type SerializeTuple = Parts<'a, O>;
    type SerializeTupleStruct = Parts<'a, O>;
    type SerializeTupleVariant = Parts<'a, O>;
    type SerializeMap = Parts<'a, O>;
    type SerializeStruct = Parts<'a, O>;
    type SerializeStructVariant = Parts<'a, O>;

    numbers!(
        serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64
    );

    fn serialize_bool(self, value: bool) -> Written {
        self.other(if value { b"true" } else { b"false" })
    }

    fn serialize_f32(self, _: f32) -> Written {
        Err(Unwritten::Form)
    }

    fn serialize_f64(self, _: f64) -> Written {
        Err(Unwritten::Form)
    }

    fn serialize_char(self, c: char) -> Written {
        self.string(c.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, text: &str) -> Written {
        self.string(text)
    }

    /// A string as it is spelled already.
    fn serialize_bytes(self, spelled: &[u8]) -> Written {
        self.other(spelled)
    }

    fn serialize_none(self) -> Written {
        self.other(b"null")
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Written {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Written {
        self.other(b"null")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Written {
        self.other(b"null")
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Written {
        self.string(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Written {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Written {
        self.tagged(variant)?;
        value.serialize(&mut *self)?;
        self.put(b"}")
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts<'a, O>, Unwritten> {
        self.list()
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts<'a, O>, Unwritten> {
        self.list()
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts<'a, O>, Unwritten> {
        self.list()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'a, O>, Unwritten> {
        self.tagged(variant)?;
        Ok(Parts { close: b"]}", ..self.list()? })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Parts<'a, O>, Unwritten> {
        self.object()
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts<'a, O>, Unwritten> {
        self.object()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'a, O>, Unwritten> {
        self.tagged(variant)?;
        Ok(Parts { close: b"}}", ..self.object()? })
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The traits of lists: elements and an end.
macro_rules! lists {
    ($($list:ident $element:ident),*) => {
        $(impl<O: Out> ser::$list for Parts<'_, O> {
            type Ok = ();
            type Error = Unwritten;

            fn $element<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
                self.element(value)
            }

            fn end(self) -> Written {
                self.close()
            }
        })*
    };
}

lists!(
    SerializeSeq serialize_element, SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field, SerializeTupleVariant serialize_field
);

/// The traits of objects whose keys are known: fields and an end.
macro_rules! structs {
    ($($object:ident),*) => {
        $(impl<O: Out> ser::$object for Parts<'_, O> {
            type Ok = ();
            type Error = Unwritten;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Written {
                self.field(key, value)
            }

            fn end(self) -> Written {
                self.close()
            }
        })*
    };
}

structs!(SerializeStruct, SerializeStructVariant);

impl<O: Out> ser::SerializeMap for Parts<'_, O> {
    type Ok = ();
    type Error = Unwritten;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Written {
        self.next()?;
        self.writer.key = true;
        key.serialize(&mut *self.writer)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        self.writer.put(b":")?;
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Written {
        self.close()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use std::collections::BTreeMap;

    fn written<T: Serialize>(document: &T) -> Result<String, Unwritten> {
        let mut writer = Writer::to(Vec::new());
        document.serialize(&mut writer)?;
        Ok(String::from_utf8(writer.out).unwrap())
    }

    /// What the writer that everybody has makes of it, and what is no ASCII in that escaped.
    fn by_others<T: Serialize>(document: &T) -> String {
        let mut units = [0; 2];
        let mut escape = |c: char| match c {
            ' '..='~' => c.to_string(),
            c => c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
        };
        serde_json::to_string(document).unwrap().chars().map(&mut escape).collect()
    }

    #[derive(Serialize)]
    struct Unit;
    #[derive(Serialize)]
    struct New(u8);
    #[derive(Serialize)]
    struct Two(i64, bool);
    #[derive(Serialize)]
    enum Any {
        Unit,
        New(Option<u64>),
        Two(i8, char),
        Fields { a: (), b: [u16; 2] },
    }

    #[test]
    fn every_kind_of_value_is_written_as_everybody_writes_it() {
        let all = (
            (Unit, New(7), Two(i64::MIN, true), u64::MAX, -7_i32),
            [
                Any::Unit,
                Any::New(None),
                Any::New(Some(1)),
                Any::Two(-1, 'é'),
                Any::Fields { a: (), b: [1, 2] },
            ],
            BTreeMap::from([("a", vec![()]), ("b", Vec::new())]),
            json!({"": [], "é\u{7f}": {"x": null}}),
        );
        assert_eq!(written(&all), Ok(by_others(&all)));
    }

    #[test]
    fn what_no_document_has_is_refused() {
        assert!(matches!(written(&1.5), Err(Unwritten::Form)));
        for odd in [written(&BTreeMap::from([(1, 2)])), written(&BTreeMap::from([(Some([1]), 2)]))] {
            assert!(matches!(odd, Err(Unwritten::Form)));
        }
    }

    #[test]
    fn what_is_expected_is_taken_and_nothing_else() {
        let document = json!({"a": [1, "two"], "b": true});
        let text = by_others(&document);
        for end in 0..text.len() {
            let mut writer = Writer::to(Expected(&text.as_bytes()[..end]));
            assert_eq!(document.serialize(&mut writer), Err(Unwritten::Unexpected));
        }
        let mut writer = Writer::to(Expected(text.as_bytes()));
        assert_eq!(document.serialize(&mut writer), Ok(()));
        assert!(writer.out.0.is_empty());
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_document_is_written_as_everybody_writes_it_but_in_ascii(document in value()) {
            prop_assert_eq!(written(&document), Ok(by_others(&document)));
        }
    }
}
