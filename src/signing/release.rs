//! The release statement: what reviewers sign. With enough signatures it *is* the release.

use super::document::{self, Document, Envelope, RepoId};
use super::ratify::{MAX_LIFE, Standing};
use super::refusal::Refusal;
use super::root::{self, Root};
use super::verified::{Requirement, Tally, Verified, examine, tally};
use super::withdraw::Withdrawn;
use crate::model::{Checkpoint, Digest, EnvName, Principal, RoleName, Stamp, canonical};
use serde::{Deserialize, Serialize};

/// What reviewers sign. The order of the fields is the order of the bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Always `release`.
    #[serde(rename = "type")]
    pub document: String,
    /// Version of the format: 1.
    pub v: u32,
    /// The repository.
    pub repo: RepoId,
    /// The environment; each has its own chain of `seq` and `prev`.
    pub environment: EnvName,
    /// 1 for the first release of an environment, then one more for each.
    pub seq: u64,
    /// Digest of the release before.
    pub prev: Option<Digest>,
    /// What sort of release it is.
    pub kind: ReleaseKind,
    /// The change that it comes from.
    pub change: String,
    /// Its patchset.
    pub patchset: u32,
    /// The proposed commit.
    pub commit: String,
    /// The head of the environment that it was built on; `None` for the first commit.
    pub base: Option<String>,
    /// Manifest digest of the site.
    pub source: Digest,
    /// Everybody who had a hand in it; their signatures do not count.
    pub authors: Vec<Principal>,
    /// Roles that must sign besides `release`.
    pub roles: Vec<RoleName>,
    /// Digest of the policy.
    pub policy: Digest,
    /// Version of the policy.
    pub policy_v: u64,
    /// Digest of the compiler's name and version.
    pub compiler: Digest,
    /// Digest of everything that was compiled.
    pub inputs: Digest,
    /// Number of catalogs, which is the number of leaves.
    pub nodes: u64,
    /// Number of catalogs that differ from the release before.
    pub affected: u64,
    /// Root of the RFC 6962 tree of all catalogs.
    pub catalogs: Digest,
    /// Digest of the key that the blinds of the leaves are made with.
    pub salt: Digest,
    /// Version of the trust root that it was made under.
    pub root: u64,
    /// Checkpoint of the log when the change was pushed; `None` while the server had published none, and in
    /// statements from before there was one.
    pub log: Option<Checkpoint>,
    /// Signed statements for the same serial that this one replaces, ascending.
    pub supersedes: Vec<Digest>,
    /// When it was made.
    pub created: Stamp,
    /// When it ends.
    pub expires: Stamp,
    /// Why.
    pub reason: String,
}

/// What sort of release it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReleaseKind {
    /// A change like any other.
    Normal,
    /// The content of an older release.
    Rollback,
    /// An emergency: signed by the `break-glass` role alone, until enough people ratify it.
    BreakGlass,
}

impl Release {
    /// The canonical bytes: what is signed.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        canonical::encode(self)
    }

    /// The digest of the canonical bytes.
    #[must_use]
    pub fn id(&self) -> Digest {
        Digest::of(&self.encode())
    }

    /// When it ends under the trust root's limit. An emergency ends within hours; ratified, it lasts as long as a
    /// release may.
    #[must_use]
    pub fn end(&self, root: &Root, standing: Standing) -> Stamp {
        let limit = root.limits().release_life;
        match (self.kind, standing) {
            (ReleaseKind::BreakGlass, Standing::Ordinary) => {
                self.created.plus(i64::try_from(limit).unwrap_or(i64::MAX))
            }
            (ReleaseKind::BreakGlass, Standing::Emergency) => {
                document::end(self.created, self.expires, limit.min(emergency_life(root)))
            }
            (ReleaseKind::Normal | ReleaseKind::Rollback, _) => {
                document::end(self.created, self.expires, limit)
            }
        }
    }

    /// Whose signatures it needs if it is no emergency: `release` always, and its own roles besides. A statement can add
    /// roles, never spare one (D35).
    pub(super) fn ordinary_requirement(&self, root: &Root) -> Result<Requirement, Refusal> {
        let always = root.roles().map(|(name, _)| name).filter(|name| name.as_str() == root::RELEASE);
        let roles: Vec<RoleName> = always.chain(&self.roles).cloned().collect();
        if let Some(unknown) = roles.iter().find(|name| root.role(name).is_none()) {
            return Err(Refusal::Role { what: Self::TYPE, role: unknown.to_string() });
        }
        Ok(Requirement::roles(roles).without(self.authors.iter().cloned()))
    }
}

/// Verifies a release: enough people signed it and did not take that back.
///
/// # Errors
/// When anything about signatures, spelling, repository or content is not as it must be.
pub fn verify(
    root: &Verified<Root>,
    withdrawn: &Withdrawn,
    envelope: &Envelope,
) -> Result<Verified<Release>, Refusal> {
    examine(root, withdrawn, envelope)
}

/// How far `signatures` over `release` go: who signed, who is missing.
///
/// # Errors
/// When the statement makes no sense or asks for roles that do not exist.
pub fn check_threshold(
    root: &Verified<Root>,
    withdrawn: &Withdrawn,
    release: &Release,
    signatures: &[String],
) -> Result<Tally, Refusal> {
    tally_under(root, withdrawn, &Release::from_raw(release.clone())?, signatures)
}

/// The same under a trust root that nobody has vouched for, to say beforehand what it would change. It says nothing
/// about whether anybody should trust the release.
///
/// # Errors
/// When there are more signatures than anybody needs, or a role is missing.
pub fn tally_under(
    root: &Root,
    withdrawn: &Withdrawn,
    release: &Release,
    signatures: &[String],
) -> Result<Tally, Refusal> {
    let requirement = release.requirement(root)?;
    let envelope = Envelope { bytes: release.encode(), signatures: signatures.to_vec() };
    tally::<Release>(root, withdrawn, &envelope, &requirement)
}

impl Document for Release {
    type Raw = Self;
    const TYPE: &'static str = "release";
    const NAMESPACE: &'static str = "release.v1@countersign.dev";
    const MAX_BYTES: usize = 64 << 10;

    fn from_raw(raw: Self) -> Result<Self, Refusal> {
        let mut problems = document::header_problems::<Self>(&raw.document, raw.v);
        let mut need = |holds: bool, problem: &str| {
            if !holds {
                problems.push(problem.to_owned());
            }
        };
        need(raw.seq > 0 && (raw.seq == 1) == raw.prev.is_none(), "only release 1 has no `prev`");
        need(raw.expires > raw.created, "it ends before it begins");
        need(!raw.authors.is_empty(), "it names no author");
        need(
            git_id(&raw.commit) && raw.base.as_deref().is_none_or(git_id),
            "`commit` or `base` is no git id",
        );
        need(raw.affected <= raw.nodes, "more nodes are affected than there are");
        let emergency = raw.kind == ReleaseKind::BreakGlass;
        let long = raw.expires.since(raw.created) > i64::try_from(MAX_LIFE).unwrap_or(i64::MAX);
        need(!(emergency && long), "an emergency of more than 24 hours");
        need(!(emergency && raw.reason.trim().is_empty()), "an emergency without a reason");
        need(raw.supersedes.is_sorted_by(|a, b| a < b), "`supersedes` is not ascending, each once");
        document::sound(Self::TYPE, problems)?;
        Ok(raw)
    }

    fn repo(&self) -> RepoId {
        self.repo
    }

    /// An emergency needs the role that is for emergencies, and whoever has it may be the author.
    fn requirement(&self, root: &Root) -> Result<Requirement, Refusal> {
        match self.kind {
            ReleaseKind::Normal | ReleaseKind::Rollback => self.ordinary_requirement(root),
            ReleaseKind::BreakGlass => {
                let role = root.roles().map(|(name, _)| name).find(|name| name.as_str() == root::BREAK_GLASS);
                role.map(|name| Requirement::roles([name.clone()]))
                    .ok_or_else(|| Refusal::Role { what: Self::TYPE, role: root::BREAK_GLASS.into() })
            }
        }
    }
}

/// Seconds that an emergency lasts under a trust root.
#[must_use]
pub fn emergency_life(root: &Root) -> u64 {
    root.role(root::BREAK_GLASS).and_then(root::Role::max_life).unwrap_or(MAX_LIFE)
}

fn git_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
}
