//! The trust root: who may sign what, by how many, for which paths, resources and nodes.
//!
//! A [`Root`] makes sense in itself; whether it is *the* trust root is for [`first`] and [`next`]
//! to say, which alone make a `Verified<Root>`.

mod check;
mod raw;
mod stock;
mod walk;

pub use raw::{Guard, Limits, RawPrincipal, RawRole, RawRoot, ReleasePin, Require, Rule, Tls};
pub use stock::allowed_signers;
pub use walk::{MAX_STEPS, advance, check_threshold, check_under, first, next};

use super::document::{Document, RepoId};
use super::glob::NameGlob;
use super::key::PublicKey;
use super::refusal::Refusal;
use super::sshsig::Token;
use super::verified::{Binding, Requirement};
use crate::model::{Principal, RoleName, Stamp, canonical};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

/// The role that signs trust roots.
pub const ROOT: &str = "root";
/// The role that every release needs.
pub const RELEASE: &str = "release";
/// The role of the server's timestamp key.
pub const TIMESTAMP: &str = "timestamp";
/// The role of operators. Roles `operator-…` are operators too, with their own nodes.
pub const OPERATOR: &str = "operator";
/// The role that guards what opens the doors; made by `countersign trust init --security`.
pub const SECURITY: &str = "security";
/// The role that makes emergency releases alone, for its nodes and for hours.
pub const BREAK_GLASS: &str = "break-glass";
/// The role of machines that witness the log. It alone may have a threshold of nought.
pub const WITNESS: &str = "witness";

/// A trust root that makes sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    raw: RawRoot,
    keys: BTreeMap<PublicKey, Principal>,
    roles: BTreeMap<RoleName, Role>,
}

/// A role with a threshold that people can reach and that is not nought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    members: BTreeSet<Principal>,
    threshold: NonZeroUsize,
    nodes: Vec<NameGlob>,
    max_life: Option<u64>,
}

impl Role {
    /// Who has it, ascending.
    pub fn members(&self) -> impl Iterator<Item = &Principal> {
        self.members.iter()
    }

    /// Whether `name` has it.
    #[must_use]
    pub fn has(&self, name: &Principal) -> bool {
        self.members.contains(name)
    }

    /// How many of its people must sign.
    #[must_use]
    pub const fn threshold(&self) -> usize {
        self.threshold.get()
    }

    /// The nodes that it concerns; empty for roles that are not about nodes.
    #[must_use]
    pub fn nodes(&self) -> &[NameGlob] {
        &self.nodes
    }

    /// Seconds that what it signs may last; for `break-glass`.
    #[must_use]
    pub const fn max_life(&self) -> Option<u64> {
        self.max_life
    }

    /// How many more must sign when `signed` have.
    #[must_use]
    pub fn lacking(&self, signed: &BTreeSet<&Principal>) -> usize {
        let have = self.members.iter().filter(|member| signed.contains(member)).count();
        self.threshold.get().saturating_sub(have)
    }
}

impl Root {
    /// Checks the fields of a trust root against each other.
    ///
    /// # Errors
    /// With every problem at once.
    pub fn new(raw: RawRoot) -> Result<Self, Refusal> {
        check::check(raw)
    }

    /// The canonical bytes: what the root's people sign.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        canonical::encode(&self.raw)
    }

    /// All its fields.
    #[must_use]
    pub const fn fields(&self) -> &RawRoot {
        &self.raw
    }

    /// The repository.
    #[must_use]
    pub const fn repo(&self) -> RepoId {
        self.raw.repo
    }

    /// Its version.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.raw.version
    }

    /// When it ends.
    #[must_use]
    pub const fn expires(&self) -> Stamp {
        self.raw.expires
    }

    /// How urgently it must be renewed at `now`; `None` when there is time.
    #[must_use]
    pub fn urgency(&self, now: Stamp) -> Option<Urgency> {
        let left = self.raw.expires.since(now);
        match left.div_euclid(86_400) {
            _ if left < 0 => Some(Urgency::Expired),
            ..7 => Some(Urgency::Urgent),
            7..30 => Some(Urgency::Warning),
            30..60 => Some(Urgency::Note),
            60.. => None,
        }
    }

    /// The numbers that bound what is accepted.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.raw.limits
    }

    /// Everybody with a key, and the keys, in the order of the document.
    pub fn principals(&self) -> impl Iterator<Item = (&Principal, Vec<&PublicKey>)> {
        let keys_of = |name| self.keys.iter().filter(move |(_, owner)| *owner == name).map(|(key, _)| key);
        self.raw.principals.iter().map(move |p| (&p.name, keys_of(&p.name).collect()))
    }

    /// Whose key it is.
    #[must_use]
    pub fn principal_of(&self, key: &PublicKey) -> Option<&Principal> {
        self.keys.get(key)
    }

    /// Whether somebody of that name has a key.
    #[must_use]
    pub fn knows(&self, name: &Principal) -> bool {
        self.raw.principals.iter().any(|p| p.name == *name)
    }

    /// The roles with a threshold, ascending.
    pub fn roles(&self) -> impl Iterator<Item = (&RoleName, &Role)> {
        self.roles.iter()
    }

    /// The role of that name.
    #[must_use]
    pub fn role(&self, name: impl AsRef<str>) -> Option<&Role> {
        self.roles.get(name.as_ref())
    }

    /// Whether `name` has the role.
    #[must_use]
    pub fn has_role(&self, name: &Principal, role: impl AsRef<str>) -> bool {
        self.role(role).is_some_and(|role| role.has(name))
    }

    /// The operator roles that `name` has.
    pub fn operator_roles<'a>(
        &'a self,
        name: &'a Principal,
    ) -> impl Iterator<Item = (&'a RoleName, &'a Role)> {
        self.roles.iter().filter(move |(role, body)| is_operator(role) && body.has(name))
    }

    /// The roles that must sign a change of these paths of the site: those of every rule that matches
    /// any of them, and `release` always.
    ///
    /// # Errors
    /// When a path has no rule: nobody may change it.
    pub fn roles_for<'a>(
        &self,
        paths: impl IntoIterator<Item = &'a str>,
    ) -> Result<BTreeSet<RoleName>, Refusal> {
        let mut roles: BTreeSet<RoleName> =
            self.roles.keys().filter(|name| name.as_str() == RELEASE).cloned().collect();
        let mut orphans = Vec::new();
        for path in paths {
            let before = orphans.len();
            orphans.push(format!("no rule covers `{}`", path.escape_default()));
            for rule in self.raw.rules.iter().filter(|rule| rule.paths.iter().any(|glob| glob.matches(path)))
            {
                orphans.truncate(before);
                roles.extend(rule.roles.iter().cloned());
            }
        }
        super::document::sound("change", orphans).map(|()| roles)
    }

    /// The guards on resources.
    #[must_use]
    pub fn guards(&self) -> &[Guard] {
        &self.raw.guards
    }

    /// What signatures by tokens must show.
    #[must_use]
    pub const fn token(&self) -> Token {
        if self.raw.require.sk_user_verification { Token::Owner } else { Token::Touched }
    }
}

/// How urgently a trust root must be renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// It ends within 60 days.
    Note,
    /// It ends within 30 days.
    Warning,
    /// It ends within 7 days.
    Urgent,
    /// It has ended: nothing new is accepted.
    Expired,
}

impl std::fmt::Display for Urgency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Urgent => "urgent",
            Self::Expired => "expired",
        })
    }
}

/// Whether people with this role may ask nodes to run.
#[must_use]
pub fn is_operator(role: &RoleName) -> bool {
    let name = role.as_str();
    name == OPERATOR || name.strip_prefix(OPERATOR).is_some_and(|rest| rest.starts_with('-'))
}

/// Whether the role is for machines, which have no say in what people decide.
fn is_machine(role: &RoleName) -> bool {
    matches!(role.as_str(), TIMESTAMP | WITNESS)
}

impl Document for Root {
    type Raw = RawRoot;
    const TYPE: &'static str = "root";
    const NAMESPACE: &'static str = "root.v1@countersign.dev";
    const MAX_BYTES: usize = 64 << 10;

    fn from_raw(raw: RawRoot) -> Result<Self, Refusal> {
        Self::new(raw)
    }

    fn repo(&self) -> RepoId {
        self.raw.repo
    }

    fn requirement(&self, root: &Root) -> Result<Requirement, Refusal> {
        let role = root.roles.keys().find(|name| name.as_str() == ROOT).cloned();
        role.map(|name| Requirement::roles([name]))
            .ok_or_else(|| Refusal::Role { what: Self::TYPE, role: ROOT.into() })
    }
}

impl Binding for Root {}

#[cfg(test)]
mod tests;
