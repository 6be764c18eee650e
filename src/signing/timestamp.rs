//! The timestamp: the server's fresh word on which release an environment is at. It can delay and
//! nothing else, since the release needs its own signatures.

use super::document::{self, Document, RepoId};
use super::refusal::Refusal;
use super::root::{self, Root};
use super::verified::{Binding, Requirement};
use crate::model::{Checkpoint, Digest, EnvName, Stamp, canonical};
use serde::{Deserialize, Serialize};

/// Which release an environment is at. The order of the fields is the order of the bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timestamp {
    /// Always `timestamp`.
    #[serde(rename = "type")]
    pub document: String,
    /// Version of the format: 1.
    pub v: u32,
    /// The repository.
    pub repo: RepoId,
    /// The environment.
    pub environment: EnvName,
    /// One more than the last timestamp of the environment.
    pub n: u64,
    /// Version of the newest trust root.
    pub root: u64,
    /// Serial of the newest release.
    pub seq: u64,
    /// Digest of its statement.
    pub release: Digest,
    /// Entries of the log; 0 from a server that has none.
    pub log_size: u64,
    /// Root of the tree over them.
    pub log_root: Option<Digest>,
    /// Digest of the environment's list of withdrawals; `None` while there are none.
    pub withdrawn: Option<Digest>,
    /// When it was made.
    pub created: Stamp,
    /// When it ends.
    pub expires: Stamp,
}

impl Timestamp {
    /// The canonical bytes: what is signed.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        canonical::encode(self)
    }

    /// The checkpoint of the log; `None` from a server that has none.
    #[must_use]
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        self.log_root.map(|root| Checkpoint { size: self.log_size, root })
    }

    /// When it ends under the trust root's limit.
    #[must_use]
    pub fn end(&self, root: &Root) -> Stamp {
        document::end(self.created, self.expires, root.limits().timestamp_life)
    }
}

impl Document for Timestamp {
    type Raw = Self;
    const TYPE: &'static str = "timestamp";
    const NAMESPACE: &'static str = "timestamp.v1@countersign.dev";
    const MAX_BYTES: usize = 16 << 10;

    fn from_raw(raw: Self) -> Result<Self, Refusal> {
        let mut problems = document::header_problems::<Self>(&raw.document, raw.v);
        let mut need = |holds: bool, problem: &str| {
            if !holds {
                problems.push(problem.to_owned());
            }
        };
        need(raw.seq > 0 && raw.n > 0, "`n` and `seq` begin at 1");
        need(raw.expires > raw.created, "it ends before it begins");
        need((raw.log_size > 0) == raw.log_root.is_some(), "`log_size` and `log_root` go together");
        document::sound(Self::TYPE, problems)?;
        Ok(raw)
    }

    fn repo(&self) -> RepoId {
        self.repo
    }

    fn requirement(&self, root: &Root) -> Result<Requirement, Refusal> {
        let role = root.roles().map(|(name, _)| name).find(|name| name.as_str() == root::TIMESTAMP);
        role.map(|name| Requirement::roles([name.clone()]))
            .ok_or_else(|| Refusal::Role { what: Self::TYPE, role: root::TIMESTAMP.into() })
    }
}

impl Binding for Timestamp {}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(change: impl FnOnce(&mut Timestamp)) -> Result<Timestamp, Refusal> {
        let created = Stamp::from_unix(1_000);
        let mut timestamp = Timestamp {
            document: "timestamp".into(),
            v: 1,
            repo: RepoId::new([7; 32]),
            environment: "production".parse().unwrap(),
            n: 1,
            root: 1,
            seq: 1,
            release: Digest::of(b"release"),
            log_size: 0,
            log_root: None,
            withdrawn: None,
            created,
            expires: created.plus(1),
        };
        change(&mut timestamp);
        Timestamp::from_raw(timestamp)
    }

    #[test]
    fn t5_a_timestamp_has_its_numbers_and_ends_after_it_begins() {
        assert!(judged(|_| ()).is_ok());
        let root = Some(Digest::of(b"log"));
        assert!(judged(|timestamp| (timestamp.log_size, timestamp.log_root) = (1, root)).is_ok());
        let wrong: [fn(&mut Timestamp); 7] = [
            |timestamp| timestamp.n = 0,
            |timestamp| timestamp.seq = 0,
            |timestamp| timestamp.expires = timestamp.created,
            |timestamp| timestamp.log_size = 1,
            |timestamp| timestamp.log_root = Some(Digest::of(b"log")),
            |timestamp| timestamp.v = 2,
            |timestamp| timestamp.document = "release".into(),
        ];
        for (number, change) in wrong.into_iter().enumerate() {
            assert!(judged(change).is_err(), "{number}");
        }
    }
}
