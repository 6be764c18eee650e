//! Emergencies: releases that the `break-glass` role makes alone, for its nodes and for hours, and their
//! ratification by the people whom an ordinary release needs (D33).

use super::document::{self, Document, Envelope, RepoId, V};
use super::refusal::Refusal;
use super::release::{Release, ReleaseKind};
use super::root::{self, Root};
use super::verified::{Requirement, Tally, tally};
use super::withdraw::Withdrawn;
use crate::model::{Digest, EnvName, NodeName, canonical};
use serde::{Deserialize, Serialize};

/// Seconds that an emergency lasts, at most, whatever the trust root says.
pub const MAX_LIFE: u64 = 24 * 3600;

/// What people sign to take over an emergency release: the same bytes for all of them. The order of the fields is
/// the order of the bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ratification {
    /// Always `ratify`.
    #[serde(rename = "type")]
    pub document: String,
    /// Version of the format: 1.
    pub v: u32,
    /// The repository.
    pub repo: RepoId,
    /// The environment of the release.
    pub environment: EnvName,
    /// Its serial.
    pub seq: u64,
    /// The digest of its statement.
    pub release: Digest,
}

impl Ratification {
    /// The ratification of a release.
    #[must_use]
    pub fn of(release: &Release) -> Self {
        Self {
            document: Self::TYPE.into(),
            v: V,
            repo: release.repo,
            environment: release.environment.clone(),
            seq: release.seq,
            release: release.id(),
        }
    }

    /// The canonical bytes: what is signed.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        canonical::encode(self)
    }
}

impl Document for Ratification {
    type Raw = Self;
    const TYPE: &'static str = "ratify";
    const NAMESPACE: &'static str = "ratify.v1@countersign.dev";
    const MAX_BYTES: usize = 4 << 10;

    fn from_raw(raw: Self) -> Result<Self, Refusal> {
        document::sound(Self::TYPE, document::header_problems::<Self>(&raw.document, raw.v))?;
        Ok(raw)
    }

    fn repo(&self) -> RepoId {
        self.repo
    }

    /// At least this. Which other roles must sign is in the release: [`check_threshold`] asks for those, too.
    fn requirement(&self, root: &Root) -> Result<Requirement, Refusal> {
        let role = root.roles().map(|(name, _)| name).find(|name| name.as_str() == root::RELEASE);
        role.map(|name| Requirement::roles([name.clone()]))
            .ok_or_else(|| Refusal::Role { what: Self::TYPE, role: root::RELEASE.into() })
    }
}

/// How far signatures go towards ratifying a release: its ordinary roles, its authors and revoked keys left out.
///
/// # Errors
/// When there are more signatures than anybody needs, or the trust root lacks a role.
pub fn check_threshold(
    root: &Root,
    withdrawn: &Withdrawn,
    release: &Release,
    signatures: &[String],
) -> Result<Tally, Refusal> {
    let bytes = Ratification::of(release).encode();
    let envelope = Envelope { bytes, signatures: signatures.to_vec() };
    tally::<Ratification>(root, withdrawn, &envelope, &release.ordinary_requirement(root)?)
}

/// Who stands behind a release whose signatures are enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The people whom an ordinary release needs: by signing it, or by ratifying an emergency.
    Ordinary,
    /// The `break-glass` role alone.
    Emergency,
}

impl Standing {
    /// Who stands behind `release`, given the signatures that ratify it.
    ///
    /// # Errors
    /// As [`check_threshold`].
    pub fn of(
        root: &Root,
        withdrawn: &Withdrawn,
        release: &Release,
        ratification: &[String],
    ) -> Result<Self, Refusal> {
        match release.kind {
            ReleaseKind::Normal | ReleaseKind::Rollback => Ok(Self::Ordinary),
            ReleaseKind::BreakGlass if check_threshold(root, withdrawn, release, ratification)?.met => {
                Ok(Self::Ordinary)
            }
            ReleaseKind::BreakGlass => Ok(Self::Emergency),
        }
    }
}

/// Refuses an emergency on a node that the role is not for.
pub(super) fn check_scope(root: &Root, standing: Standing, node: &NodeName) -> Result<(), Refusal> {
    let in_scope = || {
        root.role(root::BREAK_GLASS)
            .is_some_and(|role| role.nodes().iter().any(|glob| glob.matches(node.as_str())))
    };
    match standing {
        Standing::Emergency if !in_scope() => Err(Refusal::EmergencyScope { node: node.clone() }),
        Standing::Emergency | Standing::Ordinary => Ok(()),
    }
}

#[cfg(test)]
mod tests;
