//! The catalog: everything that one node must be, closed and canonical.

use super::canonical::{self, CanonicalError};
use super::resource::Content;
use super::safety::{Budget, Health};
use super::{Digest, EnvName, ModuleName, NodeName, Resource, text};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Bytes of an encoded catalog, at most (16 MiB).
pub const MAX_CATALOG: u64 = 16 << 20;

/// Everything that one node must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    /// Always `catalog`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Version of this format: 1.
    pub v: u32,
    /// The environment that it was compiled in.
    pub environment: EnvName,
    /// The node that it is for.
    pub node: NodeName,
    /// The modules that the node includes, in order of inclusion.
    pub modules: Vec<ModuleName>,
    /// The resources; list order breaks ties.
    #[serde(deserialize_with = "resources")]
    pub resources: Vec<Resource>,
    /// The most that one run may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// What must work after a run that changed something.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub health: Vec<Health>,
}

impl Catalog {
    /// A catalog in the present format.
    #[must_use]
    pub fn new(
        environment: EnvName,
        node: NodeName,
        modules: Vec<ModuleName>,
        resources: Vec<Resource>,
    ) -> Self {
        let (kind, v, budget, health) = ("catalog".into(), 1, None, Vec::new());
        Self { kind, v, environment, node, modules, resources, budget, health }
    }

    /// The canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        canonical::encode(self)
    }

    /// Reads canonical bytes. The caller has verified their digest.
    ///
    /// # Errors
    /// When they are no catalog of this format, or not in its one spelling (D42, D47).
    pub fn decode(bytes: &[u8]) -> Result<Self, CatalogError> {
        let catalog: Self = canonical::decode("catalog", bytes)?;
        if catalog.kind != "catalog" || catalog.v != 1 {
            return Err(CatalogError::Version { kind: catalog.kind, v: catalog.v });
        }
        Ok(catalog)
    }

    /// Everything that a run may do or start: the resources, and the commands of health checks.
    pub fn everything(&self) -> impl Iterator<Item = &Resource> {
        self.resources.iter().chain(self.health.iter().filter_map(Health::command))
    }

    /// As [`Catalog::decode`]; the contents of files stay in `document`, which lives as long as one of them does.
    ///
    /// # Errors
    /// As [`Catalog::decode`].
    pub fn decode_within(document: &Arc<Vec<u8>>) -> Result<Self, CatalogError> {
        text::within(document, Self::decode)
    }

    /// The blobs that its files need: digest to size in bytes.
    #[must_use]
    pub fn blobs(&self) -> BTreeMap<Digest, u64> {
        let contents = self.resources.iter().flat_map(|resource| resource.spec.contents());
        let blob = |content: &Content| match content {
            Content::Blob { digest, size } => Some((*digest, *size)),
            Content::Text(_) | Content::Parts(_) => None,
        };
        contents.filter_map(blob).collect()
    }
}

/// A list that begins with room for many: one that large grows where it is instead of being copied again and again.
fn resources<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Resource>, D::Error> {
    struct Many;
    impl<'de> Visitor<'de> for Many {
        type Value = Vec<Resource>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of resources")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Resource>, A::Error> {
            let mut resources = Vec::with_capacity(256);
            while let Some(resource) = list.next_element()? {
                resources.push(resource);
            }
            Ok(resources)
        }
    }
    deserializer.deserialize_seq(Many)
}

/// Bytes that are no catalog.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// Not the canonical bytes of a catalog.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    /// A document of another type or a later version.
    #[error("a document of type `{}` version {v}, where a catalog of version 1 belongs", .kind.escape_default())]
    Version {
        /// Its type.
        kind: String,
        /// Its version.
        v: u32,
    },
}
