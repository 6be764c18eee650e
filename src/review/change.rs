//! A change from its first patchset to its release: the one place that says which approvals still count.
//!
//! No approval outlives what it approved. A new patchset is a new statement with no signatures (D11), and a
//! base that moves on voids the statements that were made for it (D12).

use crate::model::{Digest, EnvName, Principal, Stamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A proposed range of commits and everything that was said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its number, for people.
    pub number: u64,
    /// The `Change-Id` by which pushes find it.
    pub key: String,
    /// The environment that it is for.
    pub environment: EnvName,
    /// What it is for.
    pub purpose: Purpose,
    /// Where it is.
    pub status: Status,
    /// Its patchsets; the last one counts.
    pub patchsets: Vec<Patchset>,
    /// Comments and rejections, oldest first.
    pub notes: Vec<NoteRecord>,
}

/// What a change is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// New content.
    Normal,
    /// The content of this earlier release.
    Rollback(u64),
    /// New content in an emergency.
    Emergency,
}

/// Where a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It can be approved or get another patchset.
    Open,
    /// It is release number so-and-so.
    Released(u64),
}

/// One version of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patchset {
    /// Its number, from 1.
    pub number: u32,
    /// The proposed commit.
    pub commit: String,
    /// The head of the environment that it builds on.
    pub base: String,
    /// Who pushed it, by the push certificate.
    pub author: Principal,
    /// When.
    pub created: Stamp,
    /// The push certificate, as git received it.
    pub certificate: Vec<u8>,
    /// The statement that reviewers are asked to sign.
    pub statement: Vec<u8>,
    /// The secret behind the blinds of the leaves.
    pub salt: [u8; 32],
    /// Node, catalog digest and length, one line per node: what the server compiled.
    pub leaves: Vec<u8>,
    /// Who signed the statement, and the armoured signature.
    pub approvals: Vec<(Principal, String)>,
    /// Why its approvals do not count any more.
    pub void: Option<Void>,
    /// Who rejected it.
    pub rejected: Option<Principal>,
}

/// Why no approval of a patchset counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Void {
    /// This patchset took its place.
    Replaced(u32),
    /// The environment moved on to this release.
    BaseMoved(u64),
}

/// A signed comment or rejection, as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteRecord {
    /// Who wrote it.
    pub author: Principal,
    /// The document.
    pub document: Vec<u8>,
    /// The armoured signature.
    pub signature: String,
}

/// What a change stands at, for people and for the hooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It waits for signatures.
    Open,
    /// Its last patchset is void.
    Void(Void),
    /// Its last patchset was rejected.
    Rejected(Principal),
    /// It is released.
    Released(u64),
}

/// Why a step is not possible.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// It is over.
    #[error("change {number} is already release {seq}")]
    Released {
        /// The change.
        number: u64,
        /// The release.
        seq: u64,
    },
    /// Another environment's change.
    #[error("change {number} is for environment `{have}`, not for `{got}`")]
    Environment {
        /// The change.
        number: u64,
        /// Its environment.
        have: EnvName,
        /// The one that was named.
        got: EnvName,
    },
    /// The statement that was signed is not the one that is asked for now.
    #[error("change {number} asks for statement {want}; {got} was signed, which no longer counts")]
    OtherStatement {
        /// The change.
        number: u64,
        /// The statement of its last patchset.
        want: Digest,
        /// The statement that was signed.
        got: Digest,
    },
    /// The last patchset cannot be approved.
    #[error("patchset {patchset} of change {number} is void: {}", void_text(*.why))]
    Void {
        /// The change.
        number: u64,
        /// Its last patchset.
        patchset: u32,
        /// Why.
        why: Void,
    },
    /// The last patchset was rejected.
    #[error("patchset {patchset} of change {number} was rejected by `{by}`")]
    Rejected {
        /// The change.
        number: u64,
        /// Its last patchset.
        patchset: u32,
        /// By whom.
        by: Principal,
    },
    /// An author would approve their own work (D8).
    #[error("`{who}` is an author of change {number} and cannot approve it")]
    SelfApproval {
        /// The change.
        number: u64,
        /// The author.
        who: Principal,
    },
    /// No patchset of the change asked for this statement.
    #[error("no patchset of change {number} asks for statement {got}")]
    NoStatement {
        /// The change.
        number: u64,
        /// The statement.
        got: Digest,
    },
    /// The same person again (D9).
    #[error("`{who}` has already approved this statement")]
    Again {
        /// The person.
        who: Principal,
    },
    /// The same commit again.
    #[error("change {number} already has this commit as patchset {patchset}")]
    Same {
        /// The change.
        number: u64,
        /// Its last patchset.
        patchset: u32,
    },
}

impl Change {
    /// The patchset that counts. There is always one.
    #[must_use]
    pub fn current(&self) -> Option<&Patchset> {
        self.patchsets.last()
    }

    /// Everyone who pushed a patchset: an amended change keeps the authors that it had (D8).
    #[must_use]
    pub fn authors(&self) -> BTreeSet<Principal> {
        self.patchsets.iter().map(|patchset| patchset.author.clone()).collect()
    }

    /// What it stands at.
    #[must_use]
    pub fn standing(&self) -> Standing {
        match (self.status, self.current()) {
            (Status::Released(seq), _) => Standing::Released(seq),
            (Status::Open, Some(Patchset { void: Some(void), .. })) => Standing::Void(*void),
            (Status::Open, Some(Patchset { rejected: Some(by), .. })) => Standing::Rejected(by.clone()),
            (Status::Open, _) => Standing::Open,
        }
    }

    /// Whether `commit` may become the next patchset.
    ///
    /// # Errors
    /// When the change is over, for another environment, or already has this commit on a base that holds.
    pub fn may_propose(&self, environment: &EnvName, commit: &str) -> Result<(), ChangeError> {
        let number = self.number;
        if let Status::Released(seq) = self.status {
            return Err(ChangeError::Released { number, seq });
        }
        if self.environment != *environment {
            let (have, got) = (self.environment.clone(), environment.clone());
            return Err(ChangeError::Environment { number, have, got });
        }
        match self.current() {
            Some(last) if last.commit == commit && last.void.is_none() => {
                Err(ChangeError::Same { number, patchset: last.number })
            }
            _ => Ok(()),
        }
    }

    /// Adds a patchset and returns who must sign again because of it.
    ///
    /// # Errors
    /// As [`Change::may_propose`].
    pub fn propose(&mut self, mut patchset: Patchset) -> Result<Vec<Principal>, ChangeError> {
        let environment = self.environment.clone();
        self.may_propose(&environment, &patchset.commit)?;
        patchset.number = self.next_patchset();
        let lost = self.annul(Void::Replaced(patchset.number));
        self.patchsets.push(patchset);
        Ok(lost)
    }

    /// The number that the next patchset gets.
    #[must_use]
    pub fn next_patchset(&self) -> u32 {
        self.current().map_or(1, |last| last.number + 1)
    }

    /// Notes that the environment is now at `head` (release `seq`) and returns whose approvals are void.
    /// `None` when nothing changed for this change, or `head` is its own: then it was released, and whoever did it
    /// stopped before writing that down.
    pub fn base_moved(&mut self, head: &str, seq: u64) -> Option<Vec<Principal>> {
        let last = self.current()?;
        if self.status == Status::Open && last.commit == head {
            self.status = Status::Released(seq);
            return None;
        }
        let concerned = self.status == Status::Open && last.void.is_none() && last.base != head;
        concerned.then(|| self.annul(Void::BaseMoved(seq)))
    }

    fn annul(&mut self, why: Void) -> Vec<Principal> {
        let Some(last) = self.patchsets.last_mut() else { return Vec::new() };
        if last.void.is_some() {
            return Vec::new();
        }
        last.void = Some(why);
        last.approvals.iter().map(|(who, _)| who.clone()).collect()
    }

    /// Adds an approval. That the signature is valid and made by `who` has been verified.
    ///
    /// # Errors
    /// When it would not count.
    pub fn approve(
        &mut self,
        who: Principal,
        statement: Digest,
        signature: String,
    ) -> Result<(), ChangeError> {
        let number = self.number;
        // Whoever has the role for emergencies has it to act alone.
        let author = self.purpose != Purpose::Emergency && self.authors().contains(&who);
        match self.standing() {
            Standing::Released(seq) => return Err(ChangeError::Released { number, seq }),
            Standing::Open | Standing::Void(_) | Standing::Rejected(_) => {}
        }
        let Some(last) = self.patchsets.last_mut() else { return Err(ChangeError::Again { who }) };
        let (patchset, want) = (last.number, Digest::of(&last.statement));
        if statement != want {
            return Err(ChangeError::OtherStatement { number, want, got: statement });
        }
        if let Some(why) = last.void {
            return Err(ChangeError::Void { number, patchset, why });
        }
        if let Some(by) = last.rejected.clone() {
            return Err(ChangeError::Rejected { number, patchset, by });
        }
        if author {
            return Err(ChangeError::SelfApproval { number, who });
        }
        if last.approvals.iter().any(|(other, _)| *other == who) {
            return Err(ChangeError::Again { who });
        }
        last.approvals.push((who, signature));
        last.approvals.sort();
        Ok(())
    }

    /// Adds a signature to the release that the change became, or puts it in the place of the person's former one. That
    /// it is valid, made by `who`, and that the former one counts no more has been verified.
    ///
    /// # Errors
    /// When it would not count.
    pub fn sign_again(
        &mut self,
        who: Principal,
        statement: Digest,
        signature: String,
    ) -> Result<(), ChangeError> {
        let number = self.number;
        let author = self.purpose != Purpose::Emergency && self.authors().contains(&who);
        self.forget(&who);
        let Some(last) = self.patchsets.last_mut() else { return Err(ChangeError::Again { who }) };
        let want = Digest::of(&last.statement);
        if statement != want {
            return Err(ChangeError::OtherStatement { number, want, got: statement });
        }
        if author {
            return Err(ChangeError::SelfApproval { number, who });
        }
        last.approvals.push((who, signature));
        last.approvals.sort();
        Ok(())
    }

    /// Drops the approval of the last patchset by somebody whose key counts no more.
    pub fn forget(&mut self, who: &Principal) {
        if let Some(last) = self.patchsets.last_mut() {
            last.approvals.retain(|(signer, _)| signer != who);
        }
    }

    /// Takes the signature of `who` off the patchset that asked for `statement`, whatever became of it. That the
    /// withdrawal is theirs has been verified.
    ///
    /// # Errors
    /// When no patchset ever asked for it.
    pub fn withdraw(&mut self, who: &Principal, statement: Digest) -> Result<(), ChangeError> {
        let asked = self.patchsets.iter_mut().find(|patchset| Digest::of(&patchset.statement) == statement);
        let patchset = asked.ok_or(ChangeError::NoStatement { number: self.number, got: statement })?;
        patchset.approvals.retain(|(signer, _)| signer != who);
        Ok(())
    }

    /// Adds a rejection of the last patchset and voids nothing: the signatures stay on record.
    pub fn reject(&mut self, who: Principal) {
        if let Some(last) = self.patchsets.last_mut() {
            last.rejected.get_or_insert(who);
        }
    }
}

/// Why a patchset is void, for people.
#[must_use]
pub fn void_text(void: Void) -> String {
    match void {
        Void::Replaced(by) => format!("patchset {by} took its place"),
        Void::BaseMoved(seq) => format!("the environment moved on to release {seq}"),
    }
}

#[cfg(test)]
pub(in crate::review) mod tests;
