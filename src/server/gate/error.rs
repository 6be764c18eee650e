//! Why a push is refused, in words that say what to do instead.

use crate::model::{EnvName, Finding, Tree};
use crate::repo::RepoError;
use crate::repo::receive::ReceiveError;
use crate::review::certificate::CertificateError;
use crate::review::change::ChangeError;
use crate::review::record::RecordError;
use crate::signing::Refusal;
use crate::store::PublishError;

/// Why something was not admitted, recorded or released.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// No certificate.
    #[error("the push is not signed, so nobody can tell whose proposal it is")]
    Unsigned,
    /// Git found the signature wanting.
    #[error("git does not accept the signature of the push (status `{0}`)")]
    Signature(String),
    /// The certificate was made for another connection.
    #[error("the push certificate was not made for this connection (nonce `{0}`)")]
    Nonce(String),
    /// The certificate does not prove the push.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// More than one ref, or none.
    #[error("a push proposes one thing at a time; this one has {0} refs")]
    Refs(usize),
    /// A ref that nobody pushes to.
    #[error("`{}` cannot be pushed to: {why}", .name.escape_default())]
    Target {
        /// The ref.
        name: String,
        /// Why not.
        why: &'static str,
    },
    /// A ref would be deleted.
    #[error("`{}` cannot be deleted: what was reviewed stays on record", .0.escape_default())]
    Delete(String),
    /// A push option that means nothing.
    #[error("push option `{}` means nothing here; known are `change=N`, `rollback=SEQ` and `break-glass`", .0.escape_default())]
    PushOption(String),
    /// The proposal does not come after the head.
    #[error("the proposal does not build on the head of `{environment}`, which is {head}")]
    Diverged {
        /// The environment.
        environment: EnvName,
        /// Its head.
        head: String,
    },
    /// The proposal is the head.
    #[error("the proposal is what `{0}` already has")]
    Nothing(EnvName),
    /// Too many commits for one review.
    #[error("the proposal has more than {0} commits; propose less at a time")]
    Long(usize),
    /// The files are refused.
    #[error("{} of the findings refuse this proposal", .findings.len())]
    Findings {
        /// Everything that was found.
        findings: Vec<Finding>,
        /// The files, for excerpts.
        tree: Box<Tree>,
    },
    /// No such change.
    #[error("there is no change {0}")]
    NoChange(u64),
    /// No such release.
    #[error("there is no release {1} of `{0}`")]
    NoRelease(EnvName, u64),
    /// The change does not take the step.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// The content is not that of the release to go back to.
    #[error("the proposal is not the content of release {0}")]
    NotRollback(u64),
    /// The environment moved while the push was on its way.
    #[error("`{0}` moved on while this push was on its way")]
    Raced(EnvName),
    /// What was pushed as a review is none.
    #[error("what was pushed is neither an approval, nor a withdrawal, nor a note")]
    NoReview,
    /// The signature of an approval does not hold.
    #[error("the signature is not a valid approval of this statement by anyone in the trust root")]
    BadApproval,
    /// What was pushed as a revocation is none.
    #[error("what was pushed is no revocation of a key")]
    NoRevocation,
    /// A key that takes itself out of use once.
    #[error("the key {key} of `{who}` was revoked, and nothing that it signs counts")]
    RevokedKey {
        /// Whose it was.
        who: crate::model::Principal,
        /// Its fingerprint.
        key: String,
    },
    /// A withdrawal that belongs elsewhere.
    #[error("the withdrawal is of environment `{got}`, and the change is for `{want}`")]
    WithdrawalElsewhere {
        /// The withdrawal's.
        got: EnvName,
        /// The change's.
        want: EnvName,
    },
    /// A ratification of something that needs none.
    #[error("change {0} is no emergency release, so there is nothing to ratify")]
    NoEmergency(u64),
    /// Somebody signs again what they took back.
    #[error("`{0}` took back their signature on this statement, and it never counts again")]
    TakenBack(crate::model::Principal),
    /// Somebody who has no say.
    #[error("`{who}` has none of the roles that may {what}")]
    NoSay {
        /// Who.
        who: crate::model::Principal,
        /// What.
        what: &'static str,
    },
    /// What compiled to one thing at the proposal compiles to another now.
    #[error("the server's compiler is no longer the one that made the statement")]
    Recompiled,
    /// The head of an environment is not its last release (D22).
    #[error("ALARM: `{environment}` is at {head}, and its last release {seq} is {commit}")]
    Tampered {
        /// The environment.
        environment: EnvName,
        /// Where the branch is.
        head: String,
        /// The last release.
        seq: u64,
        /// Its commit.
        commit: String,
    },
    /// A record in the repository is not what it must be.
    #[error("the record of {0} cannot be read")]
    Damaged(String),
    /// The server found at its start that the hook does not see what it should.
    #[error("nothing is admitted here: {0}")]
    Closed(String),
    /// The hook does not refuse what it must refuse.
    #[error("the hook `{}` is blind: {why}", .hook.display())]
    Blind {
        /// The hook.
        hook: std::path::PathBuf,
        /// What came of asking it.
        why: String,
    },
    /// There is no trust root yet.
    #[error("the repository has no trust root yet")]
    NoTrust,
    /// Something signed does not hold.
    #[error(transparent)]
    Refusal(#[from] Refusal),
    /// The repository.
    #[error(transparent)]
    Repo(#[from] RepoError),
    /// The record of a change.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The conversation with git.
    #[error(transparent)]
    Receive(#[from] ReceiveError),
    /// The publication directory.
    #[error("cannot publish the release; the next command tries again")]
    Publish(#[from] PublishError),
    /// No random number to be had.
    #[error("the system gives no random number")]
    Random(#[from] std::io::Error),
    /// The hooks of one push did not understand each other.
    #[error("the hooks of this push do not fit together")]
    HandOver(#[from] serde_json::Error),
}

impl GateError {
    /// What to do about it: a command, or where to look.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Unsigned => {
                "countersign setup   (or once: git -c gpg.format=ssh -c user.signingKey=~/.ssh/id_ed25519.pub push --signed …)"
            }
            Self::Signature(_) | Self::Certificate(CertificateError::Stranger(_)) => {
                "ask the people of the trust root to add your key; `countersign setup --key FILE` picks another one"
            }
            Self::Refs(_) | Self::Target { .. } => "git push origin HEAD:refs/for/production",
            Self::Diverged { environment, .. } => {
                return Some(format!("git fetch origin && git rebase origin/{environment}, then push again"));
            }
            Self::Change(ChangeError::Released { .. }) => {
                "remove the `Change-Id` line from the commit message and push again: that makes a new change"
            }
            Self::Change(ChangeError::Void { .. }) => {
                "the author rebases and pushes again; then approve the new patchset"
            }
            Self::Change(ChangeError::OtherStatement { number, .. }) => {
                return Some(format!("countersign approve {number}"));
            }
            Self::Recompiled | Self::TakenBack(_) => {
                "the author pushes the change again (`git commit --amend --no-edit` makes it a new patchset)"
            }
            Self::Raced(environment) => {
                return Some(format!("git fetch origin && git rebase origin/{environment}, then push again"));
            }
            Self::RevokedKey { who, .. } => {
                return Some(format!(
                    "countersign trust rotate {who}=NEW.pub, signed by people of role `root`"
                ));
            }
            Self::NoTrust => "countersign server trust DIR TRUSTDIR",
            Self::Closed(_) | Self::Blind { .. } => {
                "on the server: mend `hooks/pre-receive` of the repository, then start `countersign serve` again"
            }
            Self::Findings { .. } => "mend what is listed, `countersign lint`, then commit and push again",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
