//! The trust root as it is written: fields in the order of their bytes, nothing checked yet.

use crate::model::{Digest, EnvName, Principal, RoleName, Stamp};
use crate::signing::document::RepoId;
use crate::signing::glob::{NameGlob, PathGlob};
use serde::{Deserialize, Serialize};

/// The fields of a trust root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawRoot {
    /// Always `root`.
    #[serde(rename = "type")]
    pub document: String,
    /// Version of the format: 1.
    pub v: u32,
    /// The repository, for its whole life.
    pub repo: RepoId,
    /// 1 for the first trust root, then one more for each.
    pub version: u64,
    /// Digest of the version before.
    pub prev: Option<Digest>,
    /// When it was made.
    pub created: Stamp,
    /// When it ends.
    pub expires: Stamp,
    /// Everybody with a key.
    pub principals: Vec<RawPrincipal>,
    /// Who may sign what.
    pub roles: Vec<RawRole>,
    /// Which roles must sign for which paths of the site.
    pub rules: Vec<Rule>,
    /// Which roles must sign for which resources of a catalog.
    pub guards: Vec<Guard>,
    /// Numbers that bound what is accepted.
    pub limits: Limits,
    /// What signatures by tokens must show.
    pub require: Require,
    /// No release below this is accepted any more.
    pub floor: Option<ReleasePin>,
    /// Agents start over from this release: the way back after a fast-forward attack (T4).
    pub reset: Option<ReleasePin>,
    /// The keys of the certificate authorities.
    pub tls: Tls,
}

/// A person or machine and the keys that sign for them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawPrincipal {
    /// The name.
    pub name: Principal,
    /// Public key lines without comments.
    pub keys: Vec<String>,
}

/// A role: who has it and how many of them must sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawRole {
    /// The name.
    pub name: RoleName,
    /// Who has it.
    pub members: Vec<Principal>,
    /// How many of them must sign.
    pub threshold: u32,
    /// The nodes that it concerns; for operators and break-glass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodes: Option<Vec<NameGlob>>,
    /// Seconds that what it signs may last; for break-glass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_life: Option<u64>,
}

/// Roles that must sign when one of these paths changes. All rules that match apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Paths of the site.
    pub paths: Vec<PathGlob>,
    /// The roles; all of them.
    pub roles: Vec<RoleName>,
}

/// A role that must sign every release whose catalog touches a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    /// The resource type.
    pub resource: crate::model::Kind,
    /// A pattern: of paths for files, of names for the rest.
    #[serde(rename = "match")]
    pub pattern: PathGlob,
    /// The role.
    pub role: RoleName,
}

/// Numbers that bound what is accepted. Times are in seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The lowest policy version that a release may be linted under.
    pub min_policy_v: u64,
    /// How long a release may be valid.
    pub release_life: u64,
    /// How long a timestamp may be valid.
    pub timestamp_life: u64,
    /// How long an agent goes on without a fresh timestamp.
    pub offline_hold: u64,
    /// How far clocks may be apart.
    pub skew: u64,
    /// The lowest format version that a release may have.
    pub min_v: u32,
}

impl Default for Limits {
    /// 90 days, 6 hours, 7 days and 5 minutes.
    fn default() -> Self {
        Self {
            min_policy_v: 1,
            release_life: 7_776_000,
            timestamp_life: 21_600,
            offline_hold: 604_800,
            skew: 300,
            min_v: 1,
        }
    }
}

/// What signatures by FIDO tokens must show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Require {
    /// A touch. Always true: there is no way to switch it off.
    pub sk_user_presence: bool,
    /// A PIN or fingerprint as well.
    pub sk_user_verification: bool,
}

/// A release by environment, serial and id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleasePin {
    /// The environment in whose chain it is.
    pub environment: EnvName,
    /// Its serial.
    pub seq: u64,
    /// The digest of its statement.
    pub release: Digest,
}

/// The certificate authorities: SHA-256 of their public keys in DER (SPKI).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Signs the server's certificates.
    pub server_ca: Digest,
    /// Signs the nodes' certificates.
    pub node_ca: Digest,
}
