//! Which people signed for what is on a node: the release that it is at, and the one that made a resource what it is.

use super::releases::statement;
use super::{AuditError, Mirror, Roots};
use crate::model::{Catalog, Digest, EnvName, NodeName, Ref, Resource};
use crate::signing::merkle::Leaf;
use crate::signing::{Refusal, Release, Verified};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum WhoError {
    /// The mirror cannot be read.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// A release, or the node's part of it, is not as its signers would have it.
    #[error("release {seq} of `{env}` is refused")]
    Refused {
        /// The environment.
        env: EnvName,
        /// Its serial.
        seq: u64,
        /// Why.
        #[source]
        cause: Refusal,
    },
    /// A file of a release is not in the mirror.
    #[error("this mirror has no `{0}`")]
    Missing(String),
    /// The release has nothing for the node.
    #[error("release {seq} of `{env}` has nothing for `{node}`")]
    NoNode {
        /// The environment.
        env: EnvName,
        /// Its serial.
        seq: u64,
        /// The node.
        node: NodeName,
    },
    /// The node does not have the resource.
    #[error("`{node}` has no `{resource}` in release {seq} of `{env}`")]
    NoResource {
        /// The environment.
        env: EnvName,
        /// Its serial.
        seq: u64,
        /// The node.
        node: NodeName,
        /// The resource.
        resource: Ref,
    },
}

/// One release as evidence.
#[derive(Debug)]
pub struct Origin {
    /// The statement, with the people who signed it.
    pub release: Verified<Release>,
    /// Digest of the node's catalog.
    pub catalog: Digest,
}

/// Who signed for what.
#[derive(Debug)]
pub struct Answer {
    /// The release that was asked about.
    pub at: Origin,
    /// The release that made the resource what it is there; the same one, if that did.
    pub since: Origin,
    /// The resource.
    pub resource: Resource,
}

/// Who signed for a resource of a node as release `seq` has it.
///
/// # Errors
/// When there is no such release, node or resource, or something on the way is not as its signers would have it.
pub fn who(
    mirror: &Mirror,
    roots: &Roots,
    (env, seq): (&EnvName, u64),
    (node, resource): (&NodeName, &Ref),
) -> Result<Answer, WhoError> {
    let look = |seq| look(mirror, roots, (env, seq), (node, resource));
    let Some((at, present)) = look(seq)? else {
        return Err(WhoError::NoNode { env: env.clone(), seq, node: node.clone() });
    };
    let Some(present) = present else {
        let (env, node, resource) = (env.clone(), node.clone(), resource.clone());
        return Err(WhoError::NoResource { env, seq, node, resource });
    };
    let mut since = None;
    for earlier in (1..seq).rev() {
        match look(earlier)? {
            Some((origin, Some(same))) if same == present => since = Some(origin),
            _ => break,
        }
    }
    let since = match since {
        Some(origin) => origin,
        None => look(seq)?.map(|(origin, _)| origin).ok_or_else(|| WhoError::NoNode {
            env: env.clone(),
            seq,
            node: node.clone(),
        })?,
    };
    Ok(Answer { at, since, resource: present })
}

type Found = Option<(Origin, Option<Resource>)>;

/// A release, and the resource of the node in it; `None` when it has nothing for the node.
fn look(
    mirror: &Mirror,
    roots: &Roots,
    (env, seq): (&EnvName, u64),
    (node, resource): (&NodeName, &Ref),
) -> Result<Found, WhoError> {
    let refused = |cause| WhoError::Refused { env: env.clone(), seq, cause };
    let place = format!("release/{env}/{seq}");
    let envelope = statement(mirror, env, seq)?.ok_or_else(|| WhoError::Missing(place.clone()))?;
    let release = roots.verify_once(&envelope).map_err(refused)?;
    let Some(bytes) = mirror.read(&format!("{place}/leaf/{node}.json"))? else { return Ok(None) };
    let leaf = Leaf::decode(&bytes).map_err(refused)?;
    if leaf.node != *node {
        return Err(refused(Refusal::WrongNode { got: leaf.node, want: node.clone() }));
    }
    if leaf.size != release.nodes {
        return Err(refused(Refusal::Proof));
    }
    leaf.verify(release.catalogs).map_err(refused)?;
    let path = format!("catalog/{}", leaf.catalog.hex());
    let bytes = mirror.read(&path)?.ok_or(WhoError::Missing(path))?;
    let got = Digest::of(&bytes);
    if got != leaf.catalog {
        return Err(refused(Refusal::CatalogAltered { got, want: leaf.catalog }));
    }
    let catalog = Catalog::decode(&bytes).map_err(|cause| refused(Refusal::Catalog { cause }))?;
    let found = catalog.resources.into_iter().find(|one| one.reference() == *resource);
    Ok(Some((Origin { release, catalog: leaf.catalog }, found)))
}
