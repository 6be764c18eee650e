//! Where resources and the values of their attributes come from.

use super::module::Delivered;
use crate::model::{Place, Related};
use std::collections::BTreeMap;

/// Where a resource comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The title in the module that declares it.
    pub declared: Place,
    /// Where the attributes that it sets come from, by the name that they have in the module.
    pub attrs: BTreeMap<String, AttrOrigin>,
}

/// Where the value of an attribute comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttrOrigin {
    /// The text that the value is made of: in the module, or the template or file that it names.
    pub place: Place,
    /// The way from there to the value: module, template, data.
    pub via: Vec<Related>,
    /// Whether the value is the text at `place`, byte for byte, so that offsets into one are offsets into the other.
    pub literal: bool,
    /// The elements, where the value is a list that the module spells out.
    pub items: Vec<Place>,
}

impl AttrOrigin {
    /// Makes this point at a delivered file, and keeps where the module names it.
    pub(super) fn point_at(&mut self, file: &Delivered) {
        let used = Related { place: self.place.clone(), message: "delivered by this".to_owned() };
        self.via.insert(0, used);
        self.place = Place::new(&*file.path, 0, file.bytes.len());
        self.literal = true;
        self.items = Vec::new();
    }
}
