//! A query: an operator asks the server which nodes there are. It changes nothing anywhere.

use super::document::{self, Document, RepoId};
use super::refusal::Refusal;
use super::root::Root;
use super::trigger::operator_requirement;
use super::verified::{Binding, Requirement, Verified, verify};
use super::withdraw::Withdrawn;
use crate::model::{Principal, Stamp, canonical};
use crate::signing::Envelope;
use serde::{Deserialize, Serialize};

/// Seconds between the making of a query and its end, at most.
pub const MAX_WINDOW: i64 = 300;

/// An operator's question. The order of the fields is the order of the bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// Always `query`.
    #[serde(rename = "type")]
    pub document: String,
    /// Version of the format: 1.
    pub v: u32,
    /// The repository.
    pub repo: RepoId,
    /// Random id (32 hexadecimal digits).
    pub id: String,
    /// Who asks.
    pub operator: Principal,
    /// When it was made.
    pub created: Stamp,
    /// When it ends.
    pub expires: Stamp,
}

impl Query {
    /// The canonical bytes: what is signed.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        canonical::encode(self)
    }
}

/// Verifies a query that is valid now.
///
/// # Errors
/// When the operator did not sign it, is none, or the time is over.
pub fn accept(
    root: &Verified<Root>,
    withdrawn: &Withdrawn,
    envelope: &Envelope,
    now: Stamp,
) -> Result<Verified<Query>, Refusal> {
    let query: Verified<Query> = verify(root, withdrawn, envelope)?;
    let (issued, expires) = (query.created, query.expires);
    let skew = i64::try_from(root.limits().skew).unwrap_or(0);
    if now < issued.plus(-skew) || now > expires {
        return Err(Refusal::Window { issued, expires, now });
    }
    Ok(query)
}

impl Document for Query {
    type Raw = Self;
    const TYPE: &'static str = "query";
    const NAMESPACE: &'static str = "query.v1@countersign.dev";
    const MAX_BYTES: usize = 16 << 10;

    fn from_raw(raw: Self) -> Result<Self, Refusal> {
        let mut problems = document::header_problems::<Self>(&raw.document, raw.v);
        if !(1..=MAX_WINDOW).contains(&raw.expires.since(raw.created)) {
            problems.push(format!("it must end 1 to {MAX_WINDOW} seconds after it was made"));
        }
        document::sound(Self::TYPE, problems)?;
        Ok(raw)
    }

    fn repo(&self) -> RepoId {
        self.repo
    }

    fn requirement(&self, root: &Root) -> Result<Requirement, Refusal> {
        operator_requirement(root, &self.operator, Self::TYPE)
    }
}

impl Binding for Query {}
