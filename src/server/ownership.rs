//! Which catalogs and blobs are a node's own: those that its leaves in recent releases name (T14).

use super::error::ApiError;
use crate::model::{Catalog, Digest, EnvName, NodeName};
use crate::store::{Publication, PublishError};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// Releases of an environment, counted from the newest, whose content may still be fetched.
const RECENT: usize = 8;
/// Nodes whose possessions are remembered; beyond that all are forgotten and found again.
const REMEMBERED: usize = 20_000;

/// What a node may fetch.
#[derive(Debug, Default)]
pub(super) struct Own {
    pub(super) catalogs: BTreeSet<Digest>,
    pub(super) blobs: BTreeSet<Digest>,
}

/// Finds and remembers what belongs to whom.
#[derive(Debug)]
pub(super) struct Ownership {
    publication: Publication,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// The newest releases when the rest was found.
    releases: Vec<(EnvName, u64)>,
    own: HashMap<NodeName, Arc<Own>>,
}

impl Ownership {
    pub(super) fn new(publication: Publication) -> Self {
        Self { publication, known: Mutex::default() }
    }

    /// What `node` may fetch now. Reads files: call it where waiting is allowed.
    pub(super) fn of(&self, node: &NodeName) -> Result<Arc<Own>, PublishError> {
        let releases = self.publication.newest()?;
        if let Some(own) = self.remembered(&releases, node) {
            return Ok(own);
        }
        let own = Arc::new(self.find(&releases, node)?);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.releases != releases || known.own.len() >= REMEMBERED {
            *known = Known { releases, own: HashMap::new() };
        }
        known.own.insert(node.clone(), Arc::clone(&own));
        Ok(own)
    }

    fn remembered(&self, releases: &[(EnvName, u64)], node: &NodeName) -> Option<Arc<Own>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.releases == releases { known.own.get(node).cloned() } else { None }
    }

    fn find(&self, releases: &[(EnvName, u64)], node: &NodeName) -> Result<Own, PublishError> {
        let mut own = Own::default();
        for (env, _) in releases {
            for seq in self.publication.serials(env)?.into_iter().rev().take(RECENT) {
                let Some(leaf) = self.publication.leaf(env, seq, node)? else { continue };
                let Some(digest) = catalog_of(&leaf) else { continue };
                if own.catalogs.insert(digest)
                    && let Some(bytes) = self.publication.catalog(digest)?
                    && let Ok(catalog) = Catalog::decode(&bytes)
                {
                    own.blobs.extend(catalog.blobs().into_keys());
                }
            }
        }
        Ok(own)
    }
}

/// The catalog that a leaf document names. Nothing is believed: at worst a node gets less.
fn catalog_of(leaf: &[u8]) -> Option<Digest> {
    let leaf: serde_json::Value = serde_json::from_slice(leaf).ok()?;
    leaf.get("catalog")?.as_str()?.parse().ok()
}

impl From<tokio::task::JoinError> for ApiError {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Internal(Box::new(error))
    }
}
